"""Fits purchase models with rvq and with lifetimes to the same customers and prints the ratios.

    purchases.py CUSTOMERS... -- RVQ_COMMAND...

Customers are simulated from the BG/NBD model with the published parameters of CDNOW, in whole days of
weeks. Both sides fit from their own start, without a penalty; the time is that of the fit alone, the
quickest of a few. rvq also works out standard errors, as lifetimes does but for Pareto/NBD.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
from lifetimes import BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter

warnings.filterwarnings("ignore")

# The optimiser of Pareto/NBD takes minutes for more.
PARETO_CUSTOMERS = 5_000


def simulate(customers):
    """Repeats, last purchase and age in weeks."""
    rng = np.random.default_rng(7)
    rate = rng.gamma(0.243, 1 / 4.414, customers)
    drop = rng.beta(0.793, 2.426, customers)
    age = rng.integers(27 * 7, 39 * 7, customers) / 7
    now, repeats = np.zeros(customers), np.zeros(customers)
    there = np.ones(customers, bool)
    while there.any():
        wait = now + rng.exponential(1, customers) / np.maximum(rate, 1e-300)
        there &= wait < age
        now, repeats = np.where(there, wait, now), repeats + there
        there &= rng.random(customers) >= drop
    return repeats, np.minimum(np.ceil(now * 7) / 7, age), age


def rvq(command, model, file, turns):
    env = os.environ | {"CUSTOMERS": file, "MODEL": model, "TURNS": str(turns)}
    lines = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    return json.loads(next(line for line in lines.splitlines() if line.startswith("{")))


def lifetimes(fitter, data, turns):
    seconds = []
    for _ in range(turns):
        begin = time.perf_counter()
        fit = fitter().fit(*data)
        seconds.append(time.perf_counter() - begin)
    return min(seconds), np.array(fit.params_)


def main():
    split = sys.argv.index("--")
    sizes, command = [int(size) for size in sys.argv[1:split]], sys.argv[split + 1 :]
    fitters = {"bg_nbd": BetaGeoFitter, "mbg_nbd": ModifiedBetaGeoFitter, "pareto_nbd": ParetoNBDFitter}
    for size in sizes:
        data = simulate(size)
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            np.savetxt(file, np.column_stack(data), delimiter=",", fmt="%.17g")
            file.flush()
            for model, fitter in fitters.items():
                if model == "pareto_nbd" and size > PARETO_CUSTOMERS:
                    continue
                ours = rvq(command, model, file.name, 5)
                theirs, params = lifetimes(fitter, data, 3 if size < 10_000 else 1)
                apart = np.abs(np.array(ours["parameters"]) / params - 1).max()
                print(
                    f"{model:10} {size:7,} customers: rvq {ours['seconds'] * 1e3:8.2f} ms, "
                    f"lifetimes {theirs * 1e3:9.1f} ms, {theirs / ours['seconds']:6.0f} x; "
                    f"parameters apart by at most {apart:.1e}"
                )


main()
