"""Permutes an information coefficient with rvq, with a spearmanr loop and with vectorised NumPy.

    information.py ACCOUNTS MONTHS PERMUTATIONS -- RVQ_COMMAND...

A complete panel: one score, the outcome at four horizons, whole histories of accounts permuted in one
stratum. NumPy ranks once, since nothing is missing, and multiplies; the loop calls SciPy for each date,
horizon and permutation, is run for a few permutations and extrapolated. rvq ranks anew what is missing in
a real panel and studentises, which the others do not. All on one thread.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from scipy.stats import rankdata, spearmanr

HORIZONS = 4
LOOPED = 2


def panel(accounts, months):
    """Score and outcomes, shapes (accounts, months) and (horizons, accounts, months)."""
    rng = np.random.default_rng(7)
    stable = rng.standard_normal((accounts, 1))
    score = stable + rng.standard_normal((accounts, months))
    shape = (HORIZONS, accounts, months)
    return score, 0.1 * score + stable + rng.standard_normal(shape)


def rvq(command, score, outcomes, permutations):
    with tempfile.NamedTemporaryFile(suffix=".f64") as file:
        file.write(score.tobytes() + outcomes.tobytes())
        file.flush()
        accounts, months = score.shape
        env = os.environ | {
            "PANEL": file.name,
            "ACCOUNTS": str(accounts),
            "MONTHS": str(months),
            "HORIZONS": str(HORIZONS),
            "PERMUTATIONS": str(permutations),
        }
        lines = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    return json.loads(next(line for line in lines.splitlines() if line.startswith("{")))


def vectorised(score, outcomes, permutations):
    """Observed means and p-values, ranking once."""
    def standard(values):
        ranks = rankdata(values, axis=0)
        ranks = ranks - ranks.mean(axis=0)
        return ranks / np.sqrt((ranks**2).sum(axis=0))

    begin = time.perf_counter()
    x, ys = standard(score), np.array([standard(y) for y in outcomes]).reshape(HORIZONS, -1)
    rng = np.random.default_rng(1)
    months = score.shape[1]
    observed = ys @ x.ravel() / months
    reached = np.zeros(HORIZONS)
    for _ in range(permutations):
        drawn = ys @ x[rng.permutation(len(x))].ravel() / months
        reached += np.abs(drawn) >= np.abs(observed)
    return time.perf_counter() - begin, observed, (1 + reached) / (1 + permutations)


def looped(score, outcomes, permutations):
    """Seconds that a call of spearmanr for each date would take, and the observed means."""
    def means(x):
        dates = range(x.shape[1])
        return [np.mean([spearmanr(x[:, t], y[:, t]).statistic for t in dates]) for y in outcomes]

    rng = np.random.default_rng(1)
    observed = means(score)
    begin = time.perf_counter()
    for _ in range(LOOPED):
        means(score[rng.permutation(len(score))])
    return (time.perf_counter() - begin) / LOOPED * (permutations + 1), np.array(observed)


def main():
    split = sys.argv.index("--")
    accounts, months, permutations = (int(size) for size in sys.argv[1:split])
    command = sys.argv[split + 1 :]
    score, outcomes = panel(accounts, months)
    ours = rvq(command, score, outcomes, permutations)
    numpy_seconds, observed, _ = vectorised(score, outcomes, permutations)
    scipy_seconds, same = looped(score, outcomes, permutations)
    apart = max(np.abs(observed - ours["observed"]).max(), np.abs(same - ours["observed"]).max())
    seconds = ours["seconds"]
    print(
        f"{accounts:,} accounts x {months} months x {HORIZONS} horizons, {permutations} permutations: "
        f"rvq {seconds:.2f} s; spearmanr loop {scipy_seconds:.0f} s (from {LOOPED} permutations), "
        f"{scipy_seconds / seconds:.0f} x; rank-once NumPy {numpy_seconds:.2f} s, "
        f"{numpy_seconds / seconds:.1f} x; coefficients apart by at most {apart:.0e}"
    )


main()
