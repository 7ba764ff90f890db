"""Times lifelines on a CSV of start-stop rows: `NAME SECONDS COEFFICIENT` a line.

    cox.py CSV
"""

import sys
import time

import pandas as pd
from lifelines import CoxPHFitter, CoxTimeVaryingFitter


def timed(name, runs, fit):
    best = float("inf")
    for _ in range(runs):
        begin = time.perf_counter()
        fitted = fit()
        best = min(best, time.perf_counter() - begin)
    print(name, best, fitted.params_.iloc[0], flush=True)


rows = pd.read_csv(sys.argv[1])
rows["event"] = rows.event.astype(bool)
plain = rows.drop(columns="id")
# The same likelihood; this class takes the rows of a unit for units, which changes no coefficient.
timed("lifelines CoxPHFitter", 2, lambda: CoxPHFitter().fit(plain, "exit", "event", entry_col="entry"))
timed(
    "lifelines CoxTimeVarying",
    1,
    lambda: CoxTimeVaryingFitter().fit(
        rows, id_col="id", event_col="event", start_col="entry", stop_col="exit"
    ),
)
