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

cache=${RVQ_PEERS_CACHE:-${HOME:-/tmp}/.cache/rvq-peers}
venv=$cache/$(sha256sum "$here/requirements.txt" | cut -c1-12)
if [[ ! -e $venv/complete ]]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  touch "$venv/complete"
fi

cd "$root"
cargo bench --quiet --bench peers --no-run
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
"$venv/bin/python" "$here/plain.py" "$root/data/flows/b2b" cargo bench --quiet --bench peers
