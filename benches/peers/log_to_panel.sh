#!/usr/bin/env bash
# From CSV exports through sorted records to a panel, beside DuckDB and Polars on the same files, in one run.
#
#   benches/peers/log_to_panel.sh [ACCOUNTS [MEMORY_LIMIT_MB]]
#
# 170,000 accounts over five years are about 50 million interactions and need 20 GB of disk.
# The limit, 2 GiB by default and none with 0, is for DuckDB and `rvq ingest`; Polars knows none.
#
#   RVQ_PEERS_CACHE   where the Python environment is kept (default: ~/.cache/rvq-peers)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
accounts=${1:-170000}

source "$here/big_log.sh"
"$venv/bin/python" "$here/log_to_panel.py" "$rvq" "$work/log" "$work" "${2:-2048}"
