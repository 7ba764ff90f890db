//! `rvq sql`: questions about a run or a log in SQL.

use std::path::PathBuf;

#[cfg(feature = "sql")]
use crate::options::Console;
use crate::options::{Format, Memory};

/// Ask a run or a log in SQL: its tables, and scores as functions.
///
/// Tables are those of the log (`accounts`, `contacts`, `interactions`, `outcomes`, …), in a run also `panel` and what
/// else it found, its `catalogue`, and `months` with the instant at which each ends. Scores are functions of an account and an
/// instant, with the values of the panel: `rv_sum(account_id, as_of)`, `rv_decay(account_id, as_of, half_life_days)`,
/// `rv_velocity`, `rv_acceleration`, `rv_volatility`, `rv_sign_flips`, `rv_peak_end` `(account_id, as_of,
/// window_days)`, `rv_per_cost(account_id, as_of, window_days, floor)`, and for whatever a plan can write
/// `score(account_id, as_of, 'recency = {}')`.
///
/// Without a query, the tables and their columns are listed. Only queries are answered: nothing can be changed.
/// Without `ORDER BY` rows come in any order, and with several threads a sum may differ in its last digit, as in other
/// SQL engines.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples, with a log:\n  rvq sql my-log\n  rvq sql my-log \"SELECT interaction_type, count(*) AS n FROM interactions GROUP BY 1 ORDER BY 2 DESC\"\n  rvq sql my-log \"SELECT account_id, rv_decay(account_id, TIMESTAMP '2025-01-01', 180) AS rv FROM accounts ORDER BY rv LIMIT 20\"\n  rvq sql my-log --format csv \"SELECT account_id, month, rv_decay(account_id, as_of, 180) AS rv FROM accounts CROSS JOIN months\""
)]
pub(crate) struct Args {
    /// Run folder, or log folder that `rvq ingest` or `rvq simulate` wrote.
    run: PathBuf,
    /// One query.
    query: Option<String>,
    /// Read the query from a file.
    #[arg(long, value_name = "FILE", conflicts_with = "query")]
    file: Option<PathBuf>,
    /// Data set of a run that has several.
    #[arg(long, value_name = "NAME")]
    data: Option<String>,
    /// `table` shows the first rows aligned; `csv` and `json` print all.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Rows that `table` shows.
    #[arg(long, value_name = "N", default_value_t = 40)]
    rows: usize,
    /// Memory that sorts, joins and groups may hold before they spill to disk, such as `512MiB` [default: no limit].
    #[arg(long, value_name = "SIZE")]
    memory: Option<Memory>,
}

#[cfg(not(feature = "sql"))]
pub(crate) fn run() -> anyhow::Result<()> {
    Err(rvq::run::RunError::NoSql { what: "`rvq sql` asks in SQL".to_owned() }.into())
}

#[cfg(feature = "sql")]
pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<()> {
    use anyhow::Context as _;
    use rvq::engine::Limits;

    let threads = rayon::current_num_threads();
    let limits = Limits { memory: args.memory.map(Memory::bytes), threads };
    let engine = rvq::run::ask(&args.run, args.data.as_deref(), limits)?;
    let query = match (&args.query, &args.file) {
        (Some(query), _) => query.clone(),
        (None, Some(file)) => std::fs::read_to_string(file)
            .with_context(|| format!("cannot read `{}`", file.display()))?,
        (None, None) => rvq::engine::TABLES_AND_COLUMNS.to_owned(),
    };
    print(&engine, &query, args, console)
}

#[cfg(feature = "sql")]
fn print(
    engine: &rvq::engine::Engine,
    query: &str,
    args: &Args,
    console: &Console,
) -> anyhow::Result<()> {
    use rvq::engine::show;

    // A list of tables is short and read as a whole.
    let wanted = if query == rvq::engine::TABLES_AND_COLUMNS { usize::MAX } else { args.rows };
    let (mut n_rows, mut kept) = (0, Vec::new());
    let schema = engine.query(query, |batch| -> anyhow::Result<()> {
        let first = n_rows == 0;
        n_rows += batch.num_rows();
        match args.format {
            Format::Table => {
                let wanted = wanted.saturating_sub(kept.len()).min(batch.num_rows());
                kept.extend(show::rows(&batch.slice(0, wanted))?);
                Ok(())
            }
            Format::Csv if first && batch.num_rows() > 0 => {
                let header = show::csv_header(&batch.schema());
                console.print(&(header + &show::csv_rows(batch)?))
            }
            Format::Csv => console.print(&show::csv_rows(batch)?),
            Format::Json => {
                for (position, row) in show::json_rows(batch)?.into_iter().enumerate() {
                    let before = if first && position == 0 { "[\n" } else { ",\n" };
                    console.print(&format!("{before}{row}"))?;
                }
                Ok(())
            }
        }
    })?;
    match args.format {
        Format::Table => {
            console.print(&show::aligned(&schema, &kept))?;
            let shown = kept.len();
            let more = if shown < n_rows { format!(", {shown} shown") } else { String::new() };
            let rows = if n_rows == 1 { "row" } else { "rows" };
            console.print_line(&format!("({n_rows} {rows}{more})"))
        }
        Format::Csv if n_rows == 0 => console.print(&show::csv_header(&schema)),
        Format::Csv => Ok(()),
        Format::Json if n_rows == 0 => console.print_line("[]"),
        Format::Json => console.print_line("\n]"),
    }
}
