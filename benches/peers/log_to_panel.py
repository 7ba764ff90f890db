"""From CSV exports through sorted records to a panel with rvq, DuckDB and Polars: both ways, and their sum.

    log_to_panel.py RVQ LOG FOLDER [MEMORY_LIMIT_MB]

What is measured and compared on the two ways: ingest.py, panel.py.
"""

import sys
from pathlib import Path

import ingest
import panel
from process import compared


def main():
    rvq, log, folder = sys.argv[1], *(Path(path).resolve() for path in sys.argv[2:4])
    limit = sys.argv[4] if len(sys.argv) > 4 else "0"
    folder.mkdir(exist_ok=True)
    print("CSV to sorted records", flush=True)
    sorting = ingest.measure(rvq, log, folder / "exports", limit)
    print("sorted records to the panel", flush=True)
    scoring = panel.measure(rvq, log, log / "catalogue.csv", folder / "panels", limit)
    both = {
        name: {
            "wall": sorting[name]["wall"] + scoring[name]["wall"],
            "processor": sorting[name]["processor"] + scoring[name]["processor"],
            "memory": max(sorting[name]["memory"], scoring[name]["memory"]),
        }
        for name in sorting
    }
    print("the whole way")
    print(*compared(both), sep="\n", flush=True)
    ingest.check(folder / "exports")
    panel.check(folder / "panels")


main()
