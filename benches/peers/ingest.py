"""CSV exports to sorted records with rvq, DuckDB and Polars.

    ingest.py RVQ LOG FOLDER [MEMORY_LIMIT_MB]

Makes CSV exports of LOG in FOLDER: interactions in the order of their time, as a system exports them, with the
accounts, contacts and outcomes. Then each program, a process of its own, reads the interactions and writes them as
Parquet sorted by account and time. rvq checks every row besides (types, references, entry dates, repeats under one
source id) and writes all tables; the others only parse and sort. Wall clock, processor time and peak memory are
those of the process; the sorted records of all three are compared.
"""

import os
import sys
from pathlib import Path

from process import compared, measured

COLUMNS = (
    "account_id, contact_id, interaction_type, occurred_at, known_at, owner_id, segment_id, variable_cost, rv, direction"
)
EXPORTS = {
    "interactions": f"SELECT {COLUMNS}, row_number() OVER () AS source_id FROM t ORDER BY occurred_at, account_id, contact_id",
    "accounts": "SELECT account_id, entered_at, exited_at, segment_id FROM t",
    "contacts": "SELECT account_id, contact_id, valid_from, valid_to FROM t",
    "outcomes": "SELECT account_id, period_start, period_end, revenue, gross_profit FROM t",
}
MAPPING = """
name = "exports"
description = "A simulated log as CSV exports."
time_zone = "UTC"
currency = "EUR"
catalogue = "catalogue.csv"

[[accounts]]
source = "accounts.csv"
columns = { account_id = "account_id", entered_at = "entered_at", exited_at = "exited_at", segment_id = "segment_id" }

[[contacts]]
source = "contacts.csv"
columns = { account_id = "account_id", contact_id = "contact_id", valid_from = "valid_from", valid_to = "valid_to" }

[[interactions]]
source = "interactions.csv"
columns = { account_id = "account_id", contact_id = "contact_id", interaction_type = "interaction_type", \
occurred_at = "occurred_at", known_at = "known_at", owner_id = "owner_id", segment_id = "segment_id", \
variable_cost = "variable_cost", rv = "rv", direction = "direction", source_id = "source_id" }

[[outcomes]]
source = "outcomes.csv"
columns = { account_id = "account_id", period_start = "period_start", period_end = "period_end", \
revenue = "revenue", gross_profit = "gross_profit" }
""".replace("\\\n", "")


def export(log, folder):
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = 'UTC'; SET temp_directory = '{folder}/spill'")
    for table, select in EXPORTS.items():
        path = folder / f"{table}.csv"
        text = select.replace("FROM t", f"FROM read_parquet('{log}/{table}.parquet')")
        for column in ("occurred_at", "known_at"):
            text = text.replace(f" {column},", f" strftime({column}, '%Y-%m-%dT%H:%M:%S.%fZ') AS {column},", 1)
        connection.execute(f"COPY ({text}) TO '{path}' (FORMAT csv, HEADER)")
    (folder / "catalogue.csv").write_bytes((log / "catalogue.csv").read_bytes())
    (folder / "mapping.toml").write_text(MAPPING)


def duckdb_sort(folder, out, limit):
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {os.cpu_count()}; SET temp_directory = '{folder}/spill'")
    if limit:
        connection.execute(f"SET memory_limit = '{limit}MB'")
    connection.execute(
        f"COPY (SELECT * FROM read_csv('{folder}/interactions.csv') ORDER BY account_id, occurred_at, source_id) "
        f"TO '{out}' (FORMAT parquet, COMPRESSION zstd)"
    )


def polars_sort(folder, out, _):
    import polars as pl

    pl.scan_csv(f"{folder}/interactions.csv", try_parse_dates=True).sort(
        "account_id", "occurred_at", "source_id"
    ).sink_parquet(out, compression="zstd")


PEERS = {"DuckDB": duckdb_sort, "Polars": polars_sort}


def compare(ours, theirs):
    """Rows of both, account by account in the same order."""
    import duckdb

    rows = [
        f"(SELECT account_id, occurred_at::TIMESTAMPTZ AS at, file_row_number AS n FROM read_parquet('{path}', file_row_number = true))"
        for path in (ours, theirs)
    ]
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    count, apart = connection.execute(
        f"SELECT count(*), "
        f"count(*) FILTER (a.account_id IS DISTINCT FROM b.account_id OR a.at IS DISTINCT FROM b.at) "
        f"FROM {rows[0]} a FULL JOIN {rows[1]} b ON a.n = b.n"
    ).fetchone()
    if apart:
        sys.exit(f"{theirs.stem} and rvq differ in {apart:,} of {count:,} rows")
    return f"{count:,} rows in the same order"


def measure(rvq, log, folder, limit):
    """What each program takes from the exports of `log`, made in `folder`, to sorted records."""
    if not (folder / "mapping.toml").exists():
        folder.mkdir(exist_ok=True)
        # Not here: the peak memory of a process counts that of the one that starts it.
        measured([sys.executable, __file__, "export", str(log), str(folder)])
    size = (folder / "interactions.csv").stat().st_size / 2**20
    print(f"{size:,.0f} MiB of CSV, {os.cpu_count()} threads each", flush=True)
    memory = [] if limit == "0" else ["--memory", f"{limit}MiB"]
    ingest = [rvq, "ingest", str(folder / "mapping.toml"), "--out", str(folder / "log"), "--quiet", *memory]
    found = {"rvq": measured(ingest)}
    for name in PEERS:
        command = [sys.executable, __file__, name, str(folder), str(folder / f"{name}.parquet"), limit]
        found[name] = measured(command)
    print(*compared(found), sep="\n", flush=True)
    return found


def check(folder):
    """Compares the records of all three."""
    for name in PEERS:
        records = compare(folder / "log" / "interactions.parquet", folder / f"{name}.parquet")
        print(f"{name} and rvq: {records}", flush=True)


def main():
    if sys.argv[1] in PEERS:
        PEERS[sys.argv[1]](sys.argv[2], sys.argv[3], int(sys.argv[4]))
        return
    if sys.argv[1] == "export":
        export(*(Path(path) for path in sys.argv[2:4]))
        return
    rvq, log, folder = sys.argv[1], *(Path(path).resolve() for path in sys.argv[2:4])
    measure(rvq, log, folder, sys.argv[4] if len(sys.argv) > 4 else "0")
    check(folder)


if __name__ == "__main__":
    main()
