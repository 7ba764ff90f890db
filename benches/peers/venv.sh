# Sourced by the scripts beside it: `cache`, and in `venv` a Python environment with requirements.txt.
#   RVQ_PEERS_CACHE   where it is kept (default: ~/.cache/rvq-peers)
cache=${RVQ_PEERS_CACHE:-${HOME:-/tmp}/.cache/rvq-peers}
venv=$cache/$(sha256sum "$here/requirements.txt" | cut -c1-12)
if [[ ! -e $venv/complete ]]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  touch "$venv/complete"
fi
