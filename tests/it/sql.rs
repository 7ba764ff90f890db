//! SQL: scores as functions, tables of a mapping as queries, and what a query may not do.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use rvq::diagnostic::Source;
use rvq::engine::{Engine, Limits, SqlError, show};
use rvq::ingest::{Mapping, SourceReport, ingest};
use rvq::interaction::{ColumnData, Log, write_table};
use rvq::run::{AnsweredMapping, ResolvedPlan, Run, RunError, ask};

const TWO: Limits = Limits { memory: None, threads: 2 };

/// A run of 150 accounts over two years, in a time zone that is not UTC.
fn run_folder(out: &Path) -> PathBuf {
    let text = r#"
[run]
name = "asked"
time_zone = "America/New_York"
[world]
world = "dark_touches"
beside = []
accounts = 150
start = "2021-01"
months = 24
[score]
scores = [
    { rv_sum = {} },
    { rv_decay = { half_life_days = 90 } },
    { rv_velocity = { window_days = 60 } },
    { rv_peak_end = { window_days = 120 } },
    { rv_per_cost = { window_days = 90, floor = 50 } },
    { rv = { position = 0.5, shock_relational = 0.4, rollup = "weakest" } },
    { last_survey = { instrument = "satisfaction", unanswered = 0 } },
]
baselines = [{ recency = {} }, { past_profit = {} }]
[panel]
warm_up_months = 3
min_age_months = 1
[backtest]
permutations = 19
resamples = 99
min_train_months = 6
test_block_months = 3
[hypotheses]
"#;
    let source = Source::new("plan.toml", text);
    let plan = ResolvedPlan::resolve(&source, "".into(), "full", &[]).unwrap();
    Run::prepare(plan).unwrap().execute(out, false, &|_| ()).unwrap().folder
}

/// The rows of `sql` as texts.
fn rows(engine: &Engine, sql: &str) -> Result<Vec<Vec<String>>, SqlError> {
    let mut found = Vec::new();
    engine.query(sql, |batch| {
        found.extend(show::rows(batch)?);
        Ok::<_, SqlError>(())
    })?;
    Ok(found)
}

fn number(engine: &Engine, sql: &str) -> i64 {
    let mut found = None;
    engine
        .query::<SqlError>(sql, |batch| {
            found = Some(batch.column(0).as_primitive::<Int64Type>().value(0));
            Ok(())
        })
        .unwrap();
    found.unwrap()
}

#[test]
fn scores_in_sql_are_bit_for_bit_those_of_the_panel() {
    let out = tempfile::tempdir().unwrap();
    let folder = run_folder(out.path());
    let log = Log::open(&folder.join("tables/dark_touches")).unwrap();
    let late = log.histories().unwrap().flat_map(|history| history.unwrap().interactions);
    assert!(late.filter(|row| row.known_at > row.occurred_at).count() > 100, "rows come late");
    let engine = ask(&folder, None, TWO).unwrap();
    let panel_rows = number(&engine, "SELECT count(*) FROM panel");
    assert!(panel_rows > 1_000);
    for (column, call) in [
        ("rv_sum", "rv_sum(p.account_id, m.as_of)"),
        ("rv_decay_90d", "rv_decay(p.account_id, m.as_of, 90)"),
        ("rv_velocity_60d", "rv_velocity(p.account_id, m.as_of, 60)"),
        ("rv_peak_end_120d", "rv_peak_end(p.account_id, m.as_of, 120)"),
        (
            "rv_sum_position_0_5_relational_shock_0_4_weakest",
            "score(p.account_id, m.as_of, '{ rv = { position = 0.5, shock_relational = 0.4, rollup = \"weakest\" } }')",
        ),
        (
            "last_survey_satisfaction_else_0",
            "score(p.account_id, m.as_of, 'last_survey = { instrument = \"satisfaction\", unanswered = 0 }')",
        ),
        ("recency", "score(p.account_id, m.as_of, 'recency = {}')"),
        ("past_profit", "score(p.account_id, m.as_of, 'past_profit = {}')"),
    ] {
        let join = "FROM panel p JOIN months m ON m.month = p.month";
        let same = format!("SELECT count(*) {join} WHERE p.\"{column}\" = {call}");
        assert_eq!(number(&engine, &same), panel_rows, "{column}");
        let later = call.replace("m.as_of", "m.as_of + INTERVAL '40 days'");
        let other = format!("SELECT count(*) {join} WHERE p.\"{column}\" <> {later}");
        // Few answers come within forty days.
        let least = if column.starts_with("last_survey") { 10 } else { panel_rows / 20 };
        assert!(number(&engine, &other) > least, "{column} moves with the date");
    }
}

#[test]
fn scores_of_a_log_need_no_order_and_no_known_account() {
    let out = tempfile::tempdir().unwrap();
    let folder = run_folder(out.path()).join("tables/dark_touches");
    let engine = ask(&folder, None, TWO).unwrap();
    let ordered =
        "SELECT account_id, rv_decay(account_id, TIMESTAMP '2022-06-01', 30) AS rv FROM accounts";
    let shuffled = "SELECT account_id, rv_decay(account_id, '2022-06-01', 30) AS rv \
                    FROM (SELECT account_id FROM accounts ORDER BY reverse(account_id) LIMIT 1000)";
    let mut all = rows(&engine, ordered).unwrap();
    let mut also = rows(&engine, shuffled).unwrap();
    assert_eq!(all.len(), 150);
    assert_ne!(all, also, "another order");
    all.sort();
    also.sort();
    assert_eq!(all, also);
    let unknown = "SELECT rv_sum('nobody', TIMESTAMP '2022-06-01') IS NULL, \
                   rv_sum(NULL, TIMESTAMP '2022-06-01') IS NULL, \
                   rv_sum('A0000001', NULL) IS NULL";
    assert_eq!(rows(&engine, unknown).unwrap(), [["true", "true", "true"]]);
}

#[test]
fn queries_only_read_and_say_what_is_wrong() {
    let out = tempfile::tempdir().unwrap();
    let folder = run_folder(out.path()).join("tables/dark_touches");
    let engine = ask(&folder, None, TWO).unwrap();
    let secret = out.path().join("secret.csv");
    fs::write(&secret, "a\n1\n").unwrap();
    let secret = secret.display().to_string();
    let mut messages = String::new();
    for sql in [
        "SELECT acount_id FROM accounts",
        "SELECT * FROM interaction",
        "SELEC 1",
        "SELECT account_id FROM accounts; SELECT 1",
        "DROP TABLE accounts",
        "CREATE TABLE t AS SELECT 1",
        "INSERT INTO accounts SELECT * FROM accounts",
        "SET datafusion.execution.batch_size = 1",
        &format!("COPY accounts TO '{secret}.parquet'"),
        &format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{secret}'"),
        &format!("SELECT * FROM '{secret}'"),
        "SELECT rv_decay(account_id, TIMESTAMP '2022-01-01') FROM accounts",
        "SELECT rv_decay(account_id, size, 90) FROM accounts",
        "SELECT rv_decay(account_id, TIMESTAMP '2022-01-01', size) FROM accounts",
        "SELECT rv_decay(account_id, TIMESTAMP '2022-01-01', -3) FROM accounts",
        "SELECT score(account_id, TIMESTAMP '2022-01-01', 'rv_decay = { half_live = 3 }') FROM accounts",
        "SELECT rv_decays(account_id, TIMESTAMP '2022-01-01', 90) FROM accounts",
        "SELECT 1 / 0",
    ] {
        let error = rows(&engine, sql).expect_err(sql).to_string();
        let shown = sql.replace(out.path().to_str().unwrap(), "DIR");
        let error = error.replace(out.path().to_str().unwrap(), "DIR");
        writeln!(messages, "{shown}\n  {error}").unwrap();
    }
    assert!(!Path::new(&format!("{secret}.parquet")).exists());
    assert_eq!(rows(&engine, "SELECT count(*) FROM accounts").unwrap(), [["150"]]);
    insta::assert_snapshot!(messages);
}

#[test]
fn a_sort_that_does_not_fit_spills_and_gives_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("many.parquet");
    let n = 1_000_000_i64;
    let scattered: Vec<i64> = (0..n).map(|i| (i * 7_919) % n).collect();
    let text = scattered.iter().map(|i| format!("a text of some length {i}")).collect();
    write_table(&path, &[("k", ColumnData::Integer(scattered)), ("t", ColumnData::Text(text))])
        .unwrap();
    let sorted = |memory| -> Result<Vec<Vec<String>>, SqlError> {
        let engine = Engine::new(Limits { memory, threads: 2 })?;
        engine.add_files("many", std::slice::from_ref(&path))?;
        rows(&engine, "SELECT t FROM many ORDER BY k")
    };
    let free = sorted(None).unwrap();
    assert_eq!(free[999_999], ["a text of some length 999999"]);
    assert_eq!(sorted(Some(40 << 20)).unwrap(), free);
    let error = sorted(Some(1 << 10)).unwrap_err();
    assert!(matches!(error, SqlError::Memory { .. }), "{error}");
    assert!(error.to_string().ends_with("give more with `--memory`"), "{error}");
}

/// The sample's folder with `tables` in SQL in place of the mapping's interactions and outcomes.
fn sample_in_sql(dir: &Path, tables: &str) -> Mapping {
    Mapping::load(&write_sample(dir, tables)).unwrap()
}

/// Writes that folder: the path of the mapping.
fn write_sample(dir: &Path, tables: &str) -> PathBuf {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample");
    let text = fs::read_to_string(sample.join("mapping.toml")).unwrap();
    let kept = &text[..text.find("[[interactions]]").unwrap()];
    for file in
        ["accounts.csv", "contacts.csv", "interactions.csv", "outcomes.csv", "catalogue.csv"]
    {
        fs::copy(sample.join(file), dir.join(file)).unwrap();
    }
    let path = dir.join("mapping.toml");
    fs::write(&path, format!("{kept}{tables}")).unwrap();
    path
}

const TABLES: &str = r#"
[sources]
activities = "interactions.csv"
months = { source = ["outcomes.csv"], delimiter = "," }

[[interactions]]
time_format = "%m/%d/%Y %H:%M"
sql = """
SELECT "Activity ID" AS source_id, "Account Number" AS account_id, "Contact ID" AS contact_id,
       CASE WHEN lower("Activity Type") LIKE '%escalat%' THEN 'escalation'
            WHEN "Activity Type" = 'Quarterly review' THEN 'business_review'
            WHEN "Activity Type" LIKE 'Webinar%' THEN 'webinar'
            ELSE replace(lower("Activity Type"), ' ', '_') END AS interaction_type,
       "Activity Date" AS occurred_at, "In/Out" AS direction, "Channel" AS channel,
       "Owner" AS owner_id
FROM activities
"""
constants.source_system = "crm"
values.direction = { in = "inbound", out = "outbound" }

[[outcomes]]
sql = """
SELECT "Account Number" AS account_id, "Month" AS month,
       CAST("Net Sales" AS DOUBLE) AS revenue, CAST("Gross Margin" AS DOUBLE) AS gross_profit,
       CAST("Service Cost" AS DOUBLE) AS cost_to_serve
FROM months
"""
"#;

#[test]
fn tables_in_sql_are_those_of_mapped_columns() {
    let dir = tempfile::tempdir().unwrap();
    let mapping = sample_in_sql(dir.path(), TABLES);
    let answered = AnsweredMapping::of(mapping, dir.path(), None).unwrap();
    let in_sql = ingest(answered.mapping(), dir.path()).unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample");
    let mapped = ingest(&Mapping::load(&sample.join("mapping.toml")).unwrap(), &sample).unwrap();
    assert!(in_sql.histories == mapped.histories, "the same rows");
    for source in &in_sql.report.sources {
        assert_eq!(source.read, source.accepted + source.n_rejected(), "{}", source.source);
    }
    let ledger = in_sql.report.to_string();
    insta::assert_snapshot!(ledger);
}

#[test]
fn nothing_is_lost_on_the_way_into_a_query() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_sample(dir.path(), TABLES);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("[[accounts]]", "max_rejected = 1.0\n[[accounts]]", 1)).unwrap();
    let log = dir.path().join("interactions.csv");
    let text = fs::read_to_string(&log).unwrap();
    let broken = text.replacen("100002,ACC-0001,,", "100002,ACC-0001,", 1);
    fs::write(&log, broken + "900001,NOBODY,,Email,02/17/2024 16:41,out,email,U01\n").unwrap();
    let mapping = Mapping::load(&path).unwrap();
    let answered = AnsweredMapping::of(mapping, dir.path(), None).unwrap();
    let read = ingest(answered.mapping(), dir.path()).unwrap();
    let of = |source: &str| -> Vec<(String, u64, String)> {
        let rows = read.rejected.iter().filter(|row| row.source == source);
        rows.map(|row| (row.file.clone(), row.row, row.message.clone())).collect()
    };
    // The sample has one row with too few values; this log has one more, and a row of nobody's.
    let ragged: Vec<u64> = of("activities").iter().map(|(_, row, _)| *row).collect();
    assert_eq!(ragged, [3, 2202]);
    assert!(of("activities").iter().all(|(file, ..)| file == "interactions.csv"));
    let nobody = "`NOBODY` is in no accounts row";
    assert!(of("query 1").iter().any(|(_, _, message)| message == nobody), "{:?}", of("query 1"));
    for source in &read.report.sources {
        assert_eq!(source.rows, source.read + source.set_aside.total(), "{}", source.source);
        assert_eq!(source.read, source.accepted + source.n_rejected(), "{}", source.source);
    }
    assert_eq!(
        read.rejected.len() as u64,
        read.report.sources.iter().map(SourceReport::n_rejected).sum::<u64>()
    );
}

/// The tables of a mapping whose interactions come from two files, one after the other.
const UNION: &str = r#"
[sources]
first = "first.csv"
second = "second.csv"

[[interactions]]
time_format = "%m/%d/%Y %H:%M"
deduplicate = { by = ["source_id"], keep = "first" }
constants.interaction_type = "email"
sql = """
SELECT id AS source_id, account AS account_id, day AS occurred_at, channel FROM first
UNION ALL
SELECT id AS source_id, account AS account_id, day AS occurred_at, channel FROM second
"""

[[outcomes]]
source = "outcomes.csv"
columns.account_id = "Account Number"
columns.month = "Month"
columns.revenue = "Net Sales"
"#;

#[test]
fn the_rows_of_a_union_have_one_order_and_repeats_across_its_files_are_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_sample(dir.path(), UNION);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("[[accounts]]", "unlisted_accounts = \"add\"\n[[accounts]]", 1))
        .unwrap();
    let rows = |channel: &str| -> String {
        let row = |n: usize| format!("X{n},N{:03},06/15/2025 10:00,{channel}\n", n % 300);
        std::iter::once("id,account,day,channel\n".to_owned()).chain((0..40_000).map(row)).collect()
    };
    fs::write(dir.path().join("first.csv"), rows("phone")).unwrap();
    fs::write(dir.path().join("second.csv"), rows("mail")).unwrap();
    let read = || {
        let answered =
            AnsweredMapping::of(Mapping::load(&path).unwrap(), dir.path(), None).unwrap();
        ingest(answered.mapping(), dir.path()).unwrap()
    };
    let first = read();
    let query = first.report.sources.iter().find(|source| source.source == "query 1").unwrap();
    assert_eq!((query.accepted, query.set_aside.superseded), (40_000, 40_000));
    let channels = first.histories.iter().flat_map(|history| &history.interactions);
    assert!(channels.clone().count() == 40_000);
    assert!(
        channels
            .clone()
            .all(|row| row.details.as_ref().unwrap().channel.as_deref() == Some("phone"))
    );
    for _ in 0..5 {
        assert!(read() == first, "another order of rows");
    }
    // The same export twice, equal in all columns: it adds nothing.
    fs::write(dir.path().join("second.csv"), rows("phone")).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let equal = text.replacen("{ by = [\"source_id\"], keep = \"first\" }", "true", 1);
    fs::write(&path, equal).unwrap();
    let again = read();
    assert!(again.histories == first.histories);
    let query = again.report.sources.iter().find(|source| source.source == "query 1").unwrap();
    assert_eq!((query.set_aside.repeated, query.n_rejected()), (40_000, 0));
}

#[test]
fn a_query_of_a_mapping_depends_on_its_sources_only() {
    for (call, function) in [("now()", "now"), ("random()", "random")] {
        let dir = tempfile::tempdir().unwrap();
        let tables =
            TABLES.replace("FROM activities", &format!("FROM activities WHERE {call} IS NOT NULL"));
        let mapping = sample_in_sql(dir.path(), &tables);
        let error = AnsweredMapping::of(mapping, dir.path(), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "query 1 of the mapping: SQL: `{function}` gives something else in every run, and a log must be the same"
            )
        );
    }
}

#[test]
fn parquet_of_several_types_is_read_as_text_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let account = || ("account", ColumnData::Text(vec!["ACC-0001".to_owned(); 2]));
    let month = || ("month", ColumnData::Text(vec!["2025-01".to_owned(), "2025-02".to_owned()]));
    let whole = [account(), month(), ("amount", ColumnData::Integer(vec![1, 2]))];
    let later = ("month", ColumnData::Text(vec!["2025-03".to_owned(), "2025-04".to_owned()]));
    let parts = [account(), later, ("amount", ColumnData::Number(vec![10.75, 20.5]))];
    let tables = "[sources]\namounts = [\"a1.parquet\", \"a2.parquet\"]\n\
                  [[interactions]]\nsource = \"interactions.csv\"\ntime_format = \"%m/%d/%Y %H:%M\"\n\
                  columns = { account_id = \"Account Number\", occurred_at = \"Activity Date\" }\n\
                  constants.interaction_type = \"email\"\n\
                  [[outcomes]]\nsql = \"SELECT account AS account_id, month, amount AS revenue FROM amounts\"\n";
    let path = write_sample(dir.path(), tables);
    write_table(&dir.path().join("a1.parquet"), &whole).unwrap();
    write_table(&dir.path().join("a2.parquet"), &parts).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("[[accounts]]", "max_rejected = 1.0\n[[accounts]]", 1)).unwrap();
    let answered = AnsweredMapping::of(Mapping::load(&path).unwrap(), dir.path(), None).unwrap();
    let read = ingest(answered.mapping(), dir.path()).unwrap();
    let revenues: Vec<f64> = read.histories[0].outcomes.iter().map(|one| one.revenue).collect();
    assert_eq!(revenues, [1.0, 2.0, 10.75, 20.5]);
}

#[test]
fn a_table_that_another_program_wrote_is_not_said_to_be_in_order() {
    let out = tempfile::tempdir().unwrap();
    let folder = run_folder(out.path()).join("tables/dark_touches");
    let ask_both = || {
        let engine = ask(&folder, None, TWO).unwrap();
        let counts = "SELECT account_id, count(*) FROM interactions GROUP BY 1 ORDER BY 1";
        let scores = "SELECT rv_sum(account_id, '2022-06-01') FROM accounts";
        (rows(&engine, counts).unwrap(), rows(&engine, scores).map_err(|error| error.to_string()))
    };
    let (counts, scores) = ask_both();
    assert!(counts.is_sorted() && counts.len() == 150 && scores.is_ok());
    // Its interactions, backwards and by another program.
    let engine = Engine::new(TWO).unwrap();
    let path = folder.join("interactions.parquet");
    engine.add_files("i", std::slice::from_ref(&path)).unwrap();
    let other = out.path().join("other.parquet");
    engine.write("SELECT * FROM i ORDER BY account_id DESC, occurred_at DESC", &other).unwrap();
    fs::copy(&other, &path).unwrap();
    let (after, scores) = ask_both();
    assert_eq!(after, counts);
    let error = scores.unwrap_err();
    assert!(error.contains("There are no scores: ") && error.contains("account_id"), "{error}");
}

#[test]
fn a_wrong_query_of_a_mapping_is_named() {
    let mut messages = String::new();
    for (what, tables) in [
        ("a column that is not there", TABLES.replace("\"Owner\" AS", "\"Owners\" AS")),
        ("a source that is not there", TABLES.replace("FROM months", "FROM months, outcomes")),
        (
            "a needed column that is not given",
            TABLES.replace("AS account_id, \"Contact", "AS account, \"Contact"),
        ),
        (
            "no query at all",
            TABLES.replace("SELECT \"Account Number\"", "DELETE \"Account Number\""),
        ),
        ("a file that is not there", TABLES.replace("\"interactions.csv\"", "\"activities.csv\"")),
        (
            "a cast that fails",
            TABLES.replace("CAST(\"Net Sales\" AS DOUBLE)", "CAST(\"Month\" AS DOUBLE)"),
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mapping = sample_in_sql(dir.path(), &tables);
        let error: RunError = AnsweredMapping::of(mapping, dir.path(), None).unwrap_err();
        let text = error.to_string().replace(dir.path().to_str().unwrap(), "DIR");
        writeln!(messages, "{what} (exit code {})\n  {text}", error.exit_code()).unwrap();
    }
    insta::assert_snapshot!(messages);
}
