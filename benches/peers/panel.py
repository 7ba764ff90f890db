"""From a log to a panel with rvq, DuckDB and Polars: the columns that all three can express.

    panel.py RVQ LOG CATALOGUE FOLDER [MEMORY_LIMIT_MB]

The panel: account x month of the outcomes, with the sum of relative value over the contacts who belong to the
account then (non-transactional rows, each from the month in which it was known), the number of rows known, and the
money of the month after. Each program is a process of its own that reads LOG and writes one Parquet file; wall clock,
processor time and peak memory are those of the process. The months of all three are compared number by number.
"""

import json
import os
import sys
from pathlib import Path

import pyarrow.parquet as pq
from process import compared, measured

# What a contact brought leaves with the contact: at the first month end after valid_to it is taken off again.
STATEMENT = """
COPY (
WITH base AS (
    SELECT interaction_type, rv AS base_rv, transactional FROM read_csv('{catalogue}') WHERE segment_id IS NULL
), own AS (
    SELECT interaction_type, segment_id, rv AS own_rv FROM read_csv('{catalogue}') WHERE segment_id IS NOT NULL
), rows AS (
    SELECT i.account_id, i.contact_id,
           date_trunc('month', timezone('UTC', greatest(i.occurred_at, coalesce(i.known_at, i.occurred_at)))) AS month,
           CASE WHEN base.transactional THEN 0 ELSE coalesce(i.rv, own.own_rv, base.base_rv) END AS rv
    FROM read_parquet('{log}/interactions.parquet') i
    JOIN base ON base.interaction_type = i.interaction_type
    JOIN read_parquet('{log}/accounts.parquet') a ON a.account_id = i.account_id
    LEFT JOIN own ON own.interaction_type = i.interaction_type
        AND own.segment_id = coalesce(i.segment_id, a.segment_id)
), contact_months AS (
    SELECT account_id, contact_id, month, sum(rv) AS rv, count(*) AS n FROM rows GROUP BY ALL
), left_at AS (
    SELECT c.account_id, date_trunc('month', timezone('UTC', k.valid_to)) AS month, c.rv, c.month AS since
    FROM contact_months c JOIN read_parquet('{log}/contacts.parquet') k
        ON k.account_id = c.account_id AND k.contact_id = c.contact_id WHERE k.valid_to IS NOT NULL
), changes AS (
    SELECT account_id, month, sum(rv) AS rv, sum(n) AS n FROM (
        SELECT account_id, month, rv, n FROM contact_months
        UNION ALL SELECT account_id, greatest(month, since), -rv, 0 FROM left_at
    ) GROUP BY ALL
), months AS (
    SELECT account_id, date_trunc('month', timezone('UTC', period_start)) AS month,
           lead(gross_profit - coalesce(cost_to_engage, 0) - coalesce(cost_to_serve, 0)) OVER next AS contribution,
           lead(gross_profit) OVER next AS gross_profit, lead(revenue) OVER next AS revenue
    FROM read_parquet('{log}/outcomes.parquet')
    WINDOW next AS (PARTITION BY account_id ORDER BY period_start)
), dated AS (
    SELECT coalesce(m.account_id, c.account_id) AS account_id, coalesce(m.month, c.month) AS month,
           coalesce(c.rv, 0) AS rv, coalesce(c.n, 0) AS n, m.month IS NOT NULL AS in_panel,
           m.contribution, m.gross_profit, m.revenue
    FROM months m FULL JOIN changes c ON c.account_id = m.account_id AND c.month = m.month
)
SELECT account_id, month, rv, n, contribution, gross_profit, revenue FROM (
    SELECT account_id, strftime(month, '%Y-%m') AS month, in_panel, contribution, gross_profit, revenue,
           sum(rv) OVER w AS rv, sum(n) OVER w AS n
    FROM dated WINDOW w AS (PARTITION BY account_id ORDER BY month)
) WHERE in_panel
) TO '{out}' (FORMAT parquet)
"""


def duckdb_panel(log, catalogue, out, limit):
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {os.cpu_count()}")
    if limit:
        connection.execute(f"SET memory_limit = '{limit}MB'")
    connection.execute(STATEMENT.format(log=log, catalogue=catalogue, out=out))


def polars_panel(log, catalogue, out, _):
    import polars as pl

    worth = pl.scan_csv(catalogue).select("interaction_type", "segment_id", "rv", "transactional")
    base = worth.filter(pl.col("segment_id").is_null()).select(
        "interaction_type", "transactional", base_rv="rv"
    )
    own = worth.filter(pl.col("segment_id").is_not_null()).select(
        "interaction_type", segment="segment_id", own_rv="rv"
    )
    month = lambda column: column.dt.convert_time_zone("UTC").dt.truncate("1mo")
    accounts = pl.scan_parquet(f"{log}/accounts.parquet").select("account_id", of_account="segment_id")
    known = pl.max_horizontal("occurred_at", pl.coalesce("known_at", "occurred_at"))
    contact_months = (
        pl.scan_parquet(f"{log}/interactions.parquet")
        .select("account_id", "contact_id", "interaction_type", "segment_id", "rv", month=month(known))
        .join(base, on="interaction_type")
        .join(accounts, on="account_id")
        .with_columns(segment=pl.coalesce("segment_id", "of_account"))
        .join(own, on=["interaction_type", "segment"], how="left")
        .with_columns(
            rv=pl.when("transactional").then(0.0).otherwise(pl.coalesce("rv", "own_rv", "base_rv"))
        )
        .group_by("account_id", "contact_id", "month")
        .agg(pl.col("rv").sum(), n=pl.len().cast(pl.Int64))
    )
    contacts = pl.scan_parquet(f"{log}/contacts.parquet").filter(pl.col("valid_to").is_not_null())
    left = contact_months.join(
        contacts.select("account_id", "contact_id", until=month(pl.col("valid_to"))),
        on=["account_id", "contact_id"],
    ).select(
        "account_id", month=pl.max_horizontal("month", "until"), rv=-pl.col("rv"), n=pl.lit(0, pl.Int64)
    )
    changes = (
        pl.concat([contact_months.select("account_id", "month", "rv", "n"), left])
        .group_by("account_id", "month")
        .agg(pl.col("rv").sum(), pl.col("n").sum())
    )
    costs = pl.col("cost_to_engage").fill_null(0.0) + pl.col("cost_to_serve").fill_null(0.0)
    following = lambda amount: amount.shift(-1).over("account_id", order_by="period_start")
    months = pl.scan_parquet(f"{log}/outcomes.parquet").select(
        "account_id",
        month=month(pl.col("period_start")),
        in_panel=pl.lit(True),
        contribution=following(pl.col("gross_profit") - costs),
        gross_profit=following(pl.col("gross_profit")),
        revenue=following(pl.col("revenue")),
    )
    (
        months.join(changes, on=["account_id", "month"], how="full", coalesce=True)
        .with_columns(pl.col("rv").fill_null(0.0), pl.col("n").fill_null(0), pl.col("in_panel").fill_null(False))
        .sort("account_id", "month")
        .with_columns(pl.col("rv").cum_sum().over("account_id"), pl.col("n").cum_sum().over("account_id"))
        .filter("in_panel")
        .select("account_id", pl.col("month").dt.strftime("%Y-%m"), "rv", "n", *MONEY)
        .collect(engine="streaming")
        .write_parquet(out)
    )


MONEY = ["contribution", "gross_profit", "revenue"]

PEERS = {"DuckDB": duckdb_panel, "Polars": polars_panel}

PLAN = """
[run]
name = "panel"
[data]
log = "{log}"
[score]
scores = [{{ rv = {{ rollup = "sum" }} }}]
baselines = [{{ count = {{}} }}]
[panel]
warm_up_months = 0
min_age_months = 0
"""


def compare(folder, names):
    """Largest differences of the panels, over the account-months that rvq has."""
    import polars as pl

    ours = pl.scan_parquet(next((folder / "rvq").glob("*.parquet")))
    columns = [name for name in ours.collect_schema().names() if name.startswith("rv_sum")]
    ours = ours.select("account_id", "month", *MONEY, own=columns[0], own_n="count")
    expected = ours.select(pl.len()).collect().item()
    for name in names:
        theirs = pl.scan_parquet(folder / f"{name}.parquet")
        both = ours.join(theirs, on=["account_id", "month"]).select(
            rows=pl.len(),
            rv=(pl.col("own") - pl.col("rv")).abs().max(),
            n=(pl.col("own_n") - pl.col("n")).abs().max(),
            # Amounts are there in both or in neither.
            **{of: (pl.col(of) - pl.col(f"{of}_right")).abs().max() for of in MONEY},
            absent=pl.sum_horizontal(
                (pl.col(of).is_null() != pl.col(f"{of}_right").is_null()).sum() for of in MONEY
            ),
        )
        found = both.collect(engine="streaming").row(0, named=True)
        apart = max(found[of] for of in ["rv", *MONEY])
        if found["rows"] != expected or apart > 1e-9 or found["n"] > 0 or found["absent"] > 0:
            sys.exit(f"{name} and rvq differ: {found}, of {expected} account-months")
        yield name, found


def measure(rvq, log, catalogue, folder, limit):
    """What each program takes from the records in `log` to a panel in `folder`."""
    folder.mkdir(exist_ok=True)
    plan = folder / "panel.toml"
    plan.write_text(PLAN.format(log=log))
    rows = pq.ParquetFile(log / "interactions.parquet").metadata.num_rows
    print(f"{rows:,} interactions, {os.cpu_count()} threads each", flush=True)
    found = {"rvq": measured([rvq, "score", str(plan), "--out", str(folder / "rvq"), "--force", "--quiet"])}
    for name in PEERS:
        out = str(folder / f"{name}.parquet")
        found[name] = measured([sys.executable, __file__, name, str(log), str(catalogue), out, limit])
    print(*compared(found), sep="\n", flush=True)
    return found


def check(folder):
    """Compares the panels of all three."""
    for name, apart in compare(folder, PEERS):
        print(f"{name} and rvq: {json.dumps(apart)}", flush=True)


def main():
    if sys.argv[1] in PEERS:
        name, log, catalogue, out, limit = sys.argv[1:6]
        PEERS[name](log, catalogue, out, int(limit))
        return
    rvq, log, catalogue, folder = sys.argv[1], *(Path(path).resolve() for path in sys.argv[2:5])
    measure(rvq, log, catalogue, folder, sys.argv[5] if len(sys.argv) > 5 else "0")
    check(folder)


if __name__ == "__main__":
    main()
