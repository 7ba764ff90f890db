#!/usr/bin/env bash
# Fits of purchase models, beside lifetimes on the same customers, in one run.
#
#   benches/peers/purchases.sh [CUSTOMERS...]
#
#   RVQ_PEERS_CACHE   where the Python environment is kept (default: ~/.cache/rvq-peers)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
sizes=("$@")
if [[ $# -eq 0 ]]; then sizes=(2000 50000); fi

source "$here/venv.sh"
cd "$root"
cargo bench --quiet --bench purchases_peers --no-run
export PYTHONDONTWRITEBYTECODE=1
"$venv/bin/python" "$here/purchases.py" "${sizes[@]}" -- cargo bench --quiet --bench purchases_peers
