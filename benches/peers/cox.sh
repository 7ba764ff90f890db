#!/usr/bin/env bash
# Cox regression on start-stop rows beside R's coxph and lifelines, in one run, each on one thread.
#
#   benches/peers/cox.sh [ROWS]
#
#   RVQ_PEERS_CACHE   where the Python environment is kept (default: ~/.cache/rvq-peers)
# R's part is left out where there is no Rscript; it needs the package survival.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

source "$here/venv.sh"
cd "$root"
export ROWS=${1:-50000} RVQ_PEERS_PYTHON="$venv/bin/python"
if rscript=$(command -v Rscript); then export RVQ_PEERS_RSCRIPT=$rscript; fi
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
cargo bench --quiet --bench cox_peers
