#!/usr/bin/env bash
# The panel Granger test beside R's plm, on the same panel, in one run. Needs Rscript, plm, jsonlite.
#
#   benches/peers/granger.sh [UNITS [PERIODS [LAGS]]]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
cargo bench --quiet --bench granger_peers --no-run
Rscript "$here/granger.R" "${1:-2000}" "${2:-48}" "${3:-1}" cargo bench --quiet --bench granger_peers
