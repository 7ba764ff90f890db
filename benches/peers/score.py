"""Reads and scores a log with rvq, scores a part of it with pandas, and prints the ratios.

    score.py LOG RVQ_COMMAND...

rvq makes its default family at 60 month ends: the sum, a decay with a half-life of 180 days and the
velocity of 90 days, each by contact and rolled up by influence, as known at each date. pandas makes
the decay only, with `ewm` by contact at every row, without roll-up and without late rows.
"""

import json
import os
import subprocess
import sys
import time

import pandas as pd
import pyarrow.compute as pc
import pyarrow.dataset as ds

# pandas takes seconds for this many; the ratio is per interaction.
PANDAS_ACCOUNTS = 300


def rvq(log, command, **setting):
    env = os.environ | {"LOG": log} | {key: str(value) for key, value in setting.items()}
    lines = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    return json.loads(next(line for line in lines.splitlines() if line.startswith("{")))


def first_rows(log):
    """Interactions of the first accounts, with the values of the catalogue."""
    table = ds.dataset(os.path.join(log, "interactions.parquet"))
    last = ds.dataset(os.path.join(log, "accounts.parquet")).head(PANDAS_ACCOUNTS)
    last = last.column("account_id")[-1]
    columns = ["account_id", "contact_id", "interaction_type", "occurred_at"]
    rows = table.to_table(columns=columns, filter=pc.field("account_id") <= last).to_pandas()
    catalogue = pd.read_csv("data/flows/b2b/catalogue.csv")
    values = catalogue[catalogue.segment_id.isna()].set_index("interaction_type").rv
    rows["rv"] = rows.interaction_type.astype(str).map(values)
    return rows


def pandas_decay(rows):
    begin = time.perf_counter()
    by_contact = rows.groupby("contact_id", observed=True, sort=False)
    decay = by_contact[["rv"]].apply(
        lambda g: g.ewm(halflife="180D", times=rows.loc[g.index, "occurred_at"]).mean()
    )
    assert len(decay) == len(rows)
    return time.perf_counter() - begin


def main():
    log, command = sys.argv[1], sys.argv[2:]
    runs = {}
    for turn in range(2):
        for mode in ("read", "score"):
            for threads in (1, 2):
                run = rvq(log, command, MODE=mode, THREADS=threads)
                best = runs.get((mode, threads))
                if best is None or run["seconds"] < best["seconds"]:
                    runs[mode, threads] = run
    print(f"{runs['read', 1]['rows']:,} interactions")
    for (mode, threads), run in runs.items():
        print(f"{mode:5} on {threads}: {run['seconds']:7.2f} s, peak {run['peak_mb']:5.0f} MB")
    for threads in (1, 2):
        whole = runs["score", threads]["seconds"]
        read = runs["read", threads]["seconds"]
        print(f"reading and scoring over reading, {threads} threads: {whole / read:.2f}")
    same = runs["score", 1]["digest"] == runs["score", 2]["digest"]
    print("scores bit-identical on 1 and 2 threads:", "yes" if same else "NO")
    rows = first_rows(log).dropna(subset=["contact_id"])
    decay = min(rvq(log, command, MODE="decay", THREADS=1)["seconds"] for _ in range(2))
    theirs = min(pandas_decay(rows) for _ in range(2)) / len(rows)
    count, read = runs["read", 1]["rows"], runs["read", 1]["seconds"]
    same_work = (decay - read) / count
    family = (runs["score", 1]["seconds"] - read) / count
    print(f"pandas ewm, decay only: {theirs * 1e6:.2f} us per interaction ({len(rows):,} of them)")
    print(f"rvq, decay only, roll-up and panel included: {same_work * 1e6:.3f} us, {theirs / same_work:.0f} x")
    print(f"rvq, three scores: {family * 1e6:.3f} us, {theirs / family:.0f} x; both less reading")
    return 0 if same else 1


sys.exit(main())
