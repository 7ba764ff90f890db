"""Runs the plain flow in SimPy and NumPy, checks them against rvq, and prints the ratios.

    plain.py FLOW_FOLDER RVQ_JSON
"""

import json
import math
import sys

import numpy as np

import numpy_peer
import simpy_peer
from flow_file import Flow

# 2020-01-01 to 2025-01-01, as in main.rs.
DAYS = 1_827
SIMPY_CONTACTS = 4_000
NUMPY_CONTACTS = 100_000
CHECKED_CONTACTS = 20_000


def counts(contact, kind, contacts, kinds):
    """By type: mean number per contact and its standard error."""
    cells = contact.astype(np.int64) * kinds + kind
    table = np.bincount(cells, minlength=contacts * kinds).reshape(contacts, kinds)
    return table.mean(axis=0), table.std(axis=0) / math.sqrt(contacts)


def simpy_figures(flow):
    rows, seconds = simpy_peer.run(flow, SIMPY_CONTACTS, DAYS, 1)
    contact = np.array([row[0] for row in rows])
    kind = np.array([row[1] for row in rows])
    return len(rows) / seconds, counts(contact, kind, SIMPY_CONTACTS, len(flow.names))


def numpy_figures(flow):
    columns, _ = numpy_peer.run(flow, CHECKED_CONTACTS, DAYS, 2, CHECKED_CONTACTS)
    contact, kind, _ = columns[0]
    checked = counts(contact, kind, CHECKED_CONTACTS, len(flow.names))
    best = 0.0
    # The size of a chunk that suits the caches is the peer's to choose; the best run counts.
    for size in (10_000, 25_000, 50_000):
        for seed in (3, 4, 5):
            columns, seconds = numpy_peer.run(flow, NUMPY_CONTACTS, DAYS, seed, size)
            best = max(best, sum(len(part[0]) for part in columns) / seconds)
    return best, checked


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
    folder, ours = sys.argv[1], json.loads(open(sys.argv[2]).read())
    flow = Flow(folder)
    peers = {"SimPy": simpy_figures(flow), "NumPy": numpy_figures(flow)}
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
