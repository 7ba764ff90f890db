#!/usr/bin/env bash
# The plain flow in rvq, SimPy and NumPy, each on one thread, in one run: speed and agreement.
#
#   benches/peers/run.sh
#
# Common to all three: the flow of data/flows/b2b without its calendar, contacts that begin as
# customers, five years, columns (contact, type, time) as the result.
#   RVQ_PEERS_CACHE   where the Python environment is kept (default: ~/.cache/rvq-peers)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

source "$here/venv.sh"
cd "$root"
cargo bench --quiet --bench peers --no-run
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
"$venv/bin/python" "$here/plain.py" "$root/data/flows/b2b" cargo bench --quiet --bench peers
