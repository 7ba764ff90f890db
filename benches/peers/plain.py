"""Runs the plain flow in SimPy and NumPy, checks them against rvq, and prints the ratios.

    plain.py FLOW_FOLDER RVQ_COMMAND...

rvq and NumPy take turns and the best run of each counts: a moment in which the machine was busy
does not decide the ratio.
"""

import json
import math
import os
import subprocess
import sys

import numpy as np

import numpy_peer
import simpy_peer
from flow_file import Flow

# 2020-01-01 to 2025-01-01, as in main.rs.
DAYS = 1_827
SIMPY_CONTACTS = 4_000
CONTACTS = 100_000
CHECKED_CONTACTS = 20_000


def counts(contact, kind, contacts, kinds):
    """By type: mean number per contact and its standard error."""
    cells = contact.astype(np.int64) * kinds + kind
    table = np.bincount(cells, minlength=contacts * kinds).reshape(contacts, kinds)
    return table.mean(axis=0), table.std(axis=0) / math.sqrt(contacts)


def simpy_figures(flow):
    runs = [simpy_peer.run(flow, SIMPY_CONTACTS, DAYS, 1) for _ in range(3)]
    rows, seconds = min(runs, key=lambda run: run[1])
    contact = np.array([row[0] for row in rows])
    kind = np.array([row[1] for row in rows])
    return len(rows) / seconds, counts(contact, kind, SIMPY_CONTACTS, len(flow.names))


def numpy_counts(flow):
    columns, _ = numpy_peer.run(flow, CHECKED_CONTACTS, DAYS, 2, CHECKED_CONTACTS)
    contact, kind, _ = columns[0]
    return counts(contact, kind, CHECKED_CONTACTS, len(flow.names))


def rvq_run(command):
    """What benches/peers/main.rs prints of a few repetitions."""
    setting = os.environ | {"CONTACTS": str(CONTACTS), "REPEATS": "5"}
    lines = subprocess.run(command, env=setting, check=True, capture_output=True, text=True).stdout
    return json.loads(next(line for line in lines.splitlines() if line.startswith("{")))


def take_turns(flow, command):
    """The figures of rvq with its best speeds, and the best speed of NumPy."""
    ours, numpy_best = [], 0.0
    # The size of a chunk that suits the caches is the peer's to choose; the best run counts.
    for seed in (3, 4, 5):
        for size in (10_000, 25_000, 50_000):
            ours.append(rvq_run(command))
            for more in (0, 10):
                columns, seconds = numpy_peer.run(flow, CONTACTS, DAYS, seed + more, size)
                rows = sum(len(part[0]) for part in columns)
                numpy_best = max(numpy_best, rows / seconds)
    best = {name: max(run[name] for run in ours) for name in ("rows_per_second", "with_calendar")}
    return ours[0] | best, numpy_best


def disagreements(flow, ours, theirs):
    """Types whose mean counts differ by more than 4 standard errors, with that number."""
    found = []
    for name, mean, error in zip(flow.names, *theirs):
        mine, my_error = ours[name]
        both = math.hypot(error, my_error)
        if abs(mean - mine) > 4 * both:
            found.append(f"{name}: {mine:.4f} here, {mean:.4f} there, SE {both:.4f}")
    return found


def main():
    folder, command = sys.argv[1], sys.argv[2:]
    flow = Flow(folder)
    ours, numpy_best = take_turns(flow, command)
    peers = {"SimPy": simpy_figures(flow), "NumPy": (numpy_best, numpy_counts(flow))}
    rate = ours["rows_per_second"]
    print(f"{'':8} {'interactions/s':>15} {'rvq is':>9}  counts per contact")
    print(f"{'rvq':8} {rate:15,.0f} {'':>9}  {ours['rows']:,} interactions")
    failed = False
    for name, (speed, theirs) in peers.items():
        found = disagreements(flow, ours["counts"], theirs)
        total = sum(theirs[0])
        verdict = "agree within 4 SE" if not found else "DISAGREE: " + "; ".join(found)
        print(f"{name:8} {speed:15,.0f} {rate / speed:7.1f} x  {total:.2f} per contact, {verdict}")
        failed |= bool(found)
    print(f"rvq in opening hours: {ours['with_calendar']:,.0f} interactions/s")
    sys.exit(failed)


main()
