# Sourced by the scripts beside it: `rvq`, built with the profile `dist`, and in `$work/log` a simulated log of `accounts` accounts over five
# years; `venv` of venv.sh. The folder `work` goes at the end.
source "$here/venv.sh"
cd "$root"
cargo build --quiet --profile dist --bin rvq
rvq=${CARGO_TARGET_DIR:-target}/dist/rvq
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/plan.toml" <<PLAN
[run]
name = "log"
[world]
world = "informative"
beside = []
accounts = $accounts
start = "2019-01"
months = 60
PLAN
"$rvq" simulate "$work/plan.toml" --out "$work/log" --quiet >/dev/null
