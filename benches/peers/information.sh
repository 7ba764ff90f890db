#!/usr/bin/env bash
# Permutations of an information coefficient, beside SciPy and NumPy on the same panel, in one run.
#
#   benches/peers/information.sh [ACCOUNTS MONTHS PERMUTATIONS]
#
#   RVQ_PEERS_CACHE   where the Python environment is kept (default: ~/.cache/rvq-peers)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
size=("$@")
if [[ $# -eq 0 ]]; then size=(2000 60 999); fi

source "$here/venv.sh"
cd "$root"
cargo bench --quiet --bench information_peers --no-run
export PYTHONDONTWRITEBYTECODE=1 RAYON_NUM_THREADS=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
"$venv/bin/python" "$here/information.py" "${size[@]}" -- cargo bench --quiet --bench information_peers
