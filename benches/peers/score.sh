#!/usr/bin/env bash
# Scores of a log of about 50 M interactions, beside reading it and beside pandas, in one run.
#
#   benches/peers/score.sh [ACCOUNTS]
#
#   RVQ_PEERS_CACHE   where the Python environment and the log are kept (default: ~/.cache/rvq-peers)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
accounts=${1:-170000}

source "$here/venv.sh"
cd "$root"
cargo build --quiet --release --bin rvq
cargo bench --quiet --bench score_peers --no-run
log=$cache/log-$accounts
if [[ ! -e $log/accounts.parquet ]]; then
  rm -rf "$log"
  cargo run --quiet --release --bin rvq -- simulate experiments/starting_benchmark/plan.toml \
    --set "world.accounts=$accounts" --set world.start=2020-01 --set world.months=60 --out "$log"
fi
export PYTHONDONTWRITEBYTECODE=1
"$venv/bin/python" "$here/score.py" "$log" cargo bench --quiet --bench score_peers
