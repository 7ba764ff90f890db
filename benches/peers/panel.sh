#!/usr/bin/env bash
# From a log to a panel, beside DuckDB and Polars on the same log, in one run.
#
#   benches/peers/panel.sh [ACCOUNTS [MEMORY_LIMIT_MB]]
#
# 170,000 accounts over five years are about 50 million interactions and need 2 GB of disk.
# The limit, 2 GiB by default and none with 0, is for DuckDB and `rvq ingest`; Polars knows none.
#
#   RVQ_PEERS_CACHE   where the Python environment is kept (default: ~/.cache/rvq-peers)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
accounts=${1:-170000}

source "$here/big_log.sh"
"$venv/bin/python" "$here/panel.py" "$rvq" "$work/log" "$work/log/catalogue.csv" "$work/panels" "${2:-2048}"
