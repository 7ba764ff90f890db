//! Exports through mappings: the sample, and bad input.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rvq::ingest::{Ingest, IngestError, Ingested, Mapping, Reason, RejectedRow, ingest};
use rvq::interaction::{ColumnData, Log, Status, Table, write_table};
use rvq::time::Instant;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(mapping: &str, data: &Path) -> Ingested {
    let mapping = Mapping::load(&project(mapping)).unwrap();
    ingest(&mapping, data).unwrap()
}

#[test]
fn the_sample_log_rejects_its_thirteen_dirty_rows_and_no_other() {
    let log = read("data/sample/mapping.toml", &project("data/sample"));
    let mut reasons: BTreeMap<Reason, usize> = BTreeMap::new();
    for row in &log.rejected {
        *reasons.entry(row.reason).or_default() += 1;
    }
    let expected = [
        (Reason::Ragged, 1),
        (Reason::Empty, 2),
        (Reason::NotATime, 1),
        (Reason::SkippedByClock, 1),
        (Reason::NotFinite, 1),
        (Reason::UnknownValue, 1),
        (Reason::UnknownAccount, 1),
        (Reason::UnknownContact, 1),
        (Reason::BeforeEntry, 1),
        (Reason::Duplicate, 3),
    ];
    assert_eq!(reasons, BTreeMap::from(expected));
    assert_eq!(log.report.n_accounts, 120);
    assert!(log.report.n_exits > 0);
}

const CATALOGUE: &str = "interaction_type,stage,rv\ncall,retention,1\nvisit,retention,3\n";

/// A mapping of `log.csv` with what `more` adds, in UTC, that never fails for rejected rows.
fn simple(more: &str) -> String {
    format!(
        r#"
name = "test"
description = "a test"
time_zone = "UTC"
currency = "EUR"
catalogue = "catalogue.csv"
max_rejected = 1.0
{more}
[[interactions]]
source = "log.csv"
columns = {{ account_id = "who", interaction_type = "what", occurred_at = "when" }}
"#
    )
}

/// Writes the files into a new folder, then maps and reads them.
fn attempt(mapping: &str, files: &[(&str, &str)]) -> Result<Ingested, IngestError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("catalogue.csv"), CATALOGUE).unwrap();
    fs::write(folder.path().join("mapping.toml"), mapping).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mapping = Mapping::load(&folder.path().join("mapping.toml"))?;
    ingest(&mapping, folder.path())
}

/// The error's text without the folder of the test.
fn message(result: Result<Ingested, IngestError>) -> String {
    let text = result.unwrap_err().to_string();
    let folder = std::env::temp_dir().display().to_string();
    text.lines()
        .map(|line| match line.find(&folder) {
            Some(from) => {
                let rest = &line[from + folder.len() + 1..];
                let to = rest.find(['/', '`']).unwrap_or(rest.len());
                format!("{}DIR{}", &line[..from], &rest[to..])
            }
            None => line.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn only(log: &Ingested) -> &RejectedRow {
    assert_eq!(log.rejected.len(), 1, "{:#?}", log.rejected);
    &log.rejected[0]
}

#[test]
fn columns_that_no_block_uses_are_named_once_for_a_source() {
    let block = "\n[[outcomes]]\nsource = \"log.csv\"\naggregate = \"month\"\n\
                 columns = { account_id = \"who\", occurred_at = \"when\", revenue = \"paid\" }\n";
    let span = "data_start = \"2026-01-01\"\ndata_end = \"2026-02-01\"";
    let csv = "who,what,when,paid,colour\nA,call,2026-01-02,1,red\n";
    let log = attempt(&(simple(span) + block), &[("log.csv", csv)]).unwrap();
    let unused: Vec<String> = log.report.to_string().lines().map(str::to_owned).collect();
    let unused: Vec<&String> = unused.iter().filter(|line| line.contains("not used")).collect();
    assert_eq!(unused, ["not used of log.csv: colour"]);
}

#[test]
fn a_mapping_tells_all_its_problems_at_once() {
    let mapping = r#"
name = "test"
description = "a test"
time_zone = "Europe/Berlino"
currency = "EUR"
catalogue = "catalogue.csv"

[[interactions]]
source = "../log.csv"
columns = { acount_id = "who", occurred_at = "when" }
constants = { interaction_type = "cal" }

[[outcomes]]
source = "sales.csv"
aggregate = "month"
columns = { account_id = "who", occurred_at = "when", revenue = "amount" }
"#;
    let error = attempt(mapping, &[]);
    assert!(matches!(error, Err(IngestError::Mapping(_))));
    insta::assert_snapshot!(message(error), @r#"
    error: `Europe/Berlino` is not an IANA time zone such as `UTC` or `Europe/Berlin`
     --> DIR/mapping.toml:4:13
      |
    4 | time_zone = "Europe/Berlino"
      |             ^^^^^^^^^^^^^^^^

    error: `../log.csv` leaves the data folder
     --> DIR/mapping.toml:9:10
      |
    9 | source = "../log.csv"
      |          ^^^^^^^^^^^^
      |
      = help: name a file inside the folder given with `--data`

    error: `acount_id` is not a column of interactions
      --> DIR/mapping.toml:10:13
       |
    10 | columns = { acount_id = "who", occurred_at = "when" }
       |             ^^^^^^^^^
       |
       = help: did you mean `account_id`?

    error: `cal` is not in the catalogue
      --> DIR/mapping.toml:11:34
       |
    11 | constants = { interaction_type = "cal" }
       |                                  ^^^^^
       |
       = help: did you mean `call`?

    error: interactions need `account_id`
     --> DIR/mapping.toml:9:10
      |
    9 | source = "../log.csv"
      |          ^^^^^^^^^^^^
      |
      = help: add it to `columns`, as in `account_id = "…"`

    error: `aggregate` needs `data_start` and `data_end` at the start of a month
      --> DIR/mapping.toml:15:13
       |
    15 | aggregate = "month"
       |             ^^^^^^^
       |
       = help: months without rows count as 0 between them, so state which months the log covers completely, as in `data_start = "2024-01-01"` and `data_end = "2026-01-01"`
    "#);
}

#[test]
fn an_unknown_key_names_the_nearest_one() {
    insta::assert_snapshot!(message(attempt(&simple("max_reject = 0.5"), &[])), @r#"
    error: unknown key `max_reject`
     --> DIR/mapping.toml:8:1
      |
    8 | max_reject = 0.5
      | ^^^^^^^^^^
      |
      = help: did you mean `max_rejected`?
    "#);
}

#[test]
fn sources_tell_all_their_problems_at_once() {
    let mapping = simple("")
        + r#"
[[accounts]]
source = "missing.csv"
columns.account_id = "who"

[[contacts]]
source = "empty.csv"
columns = { account_id = "who", contact_id = "person" }

[[surveys]]
source = "twice.csv"
columns = { account_id = "who", asked_at = "when", instrument = "what" }

[[outcomes]]
source = "cut.parquet"
columns = { account_id = "who", month = "month", revenue = "amount" }
"#;
    let files = [
        ("log.csv", "wo,what,when\nA,call,2025-01-01\n"),
        ("empty.csv", ""),
        ("twice.csv", "who,who,what\n"),
        ("cut.parquet", "PAR1 and then nothing more"),
    ];
    let error = attempt(&mapping, &files);
    assert!(matches!(error, Err(IngestError::Sources(_))));
    insta::assert_snapshot!(message(error), @r#"
    `missing.csv` is not in the data folder `DIR`
    `empty.csv` is empty, expected a header and rows
    `log.csv` has no column `who`: did you mean `when`?
    `cut.parquet` cannot be read: Parquet error: Invalid Parquet file. Corrupt footer
    `twice.csv` has two columns named `who`
    "#);
}

#[test]
fn a_source_with_a_header_only_is_an_error() {
    let error = attempt(&simple(""), &[("log.csv", "who,what,when\n")]);
    insta::assert_snapshot!(message(error), @"`log.csv` has no rows");
}

#[test]
fn a_truncated_parquet_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    write_parquet(&path);
    let whole = fs::read(&path).unwrap();
    let mapping = simple("").replace("log.csv", "log.parquet");
    fs::write(folder.path().join("catalogue.csv"), CATALOGUE).unwrap();
    fs::write(folder.path().join("mapping.toml"), mapping).unwrap();
    let mapping = Mapping::load(&folder.path().join("mapping.toml")).unwrap();
    assert_eq!(ingest(&mapping, folder.path()).unwrap().report.n_interactions, 3);
    for length in [4, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let error = ingest(&mapping, folder.path());
        let text = message(error);
        assert!(text.starts_with("`log.parquet` cannot be read: "), "{text}");
    }
}

/// Three interactions of accounts whose names are whole numbers.
fn write_parquet(path: &Path) {
    let days = [19_000.0, 19_001.0, 19_002.5];
    let epoch = Instant::from_micros(0);
    let columns = [
        ("who", ColumnData::Integer(vec![7, 7, 12])),
        ("what", ColumnData::Text(vec!["call".into(), "visit".into(), "call".into()])),
        ("when", ColumnData::Instant(days.map(|day| epoch.plus_days(day)).to_vec())),
        ("worth", ColumnData::Number(vec![0.5, f64::NAN, 2.0])),
    ];
    write_table(path, &columns).unwrap();
}

#[test]
fn parquet_and_csv_with_the_same_rows_make_the_same_log() {
    let folder = tempfile::tempdir().unwrap();
    write_parquet(&folder.path().join("log.parquet"));
    let csv = "\u{feff}who,what,when,worth\n\
               7,call,2022-01-08,0.5\n\
               7,visit,2022-01-09T00:00:00Z,\n\
               12,call,2022-01-10 12:00:00,2\n";
    fs::write(folder.path().join("log.csv"), csv).unwrap();
    fs::write(folder.path().join("catalogue.csv"), CATALOGUE).unwrap();
    let mapping = simple("").replace("account_id", "rv = \"worth\", account_id");
    let read = |name: &str| {
        let path = folder.path().join("mapping.toml");
        fs::write(&path, mapping.replace("log.csv", name)).unwrap();
        ingest(&Mapping::load(&path).unwrap(), folder.path()).unwrap()
    };
    let (parquet, csv) = (read("log.parquet"), read("log.csv"));
    assert_eq!(parquet.histories, csv.histories);
    let ids: Vec<&str> = csv.histories.iter().map(|h| h.account.id.as_str()).collect();
    assert_eq!(ids, ["12", "7"]);
    assert_eq!(csv.histories[1].interactions[1].rv, None);
}

#[test]
fn an_interaction_type_outside_the_catalogue_is_rejected_with_the_nearest_one() {
    let log = attempt(
        &simple(""),
        &[("log.csv", "who,what,when\nA,call,2025-01-01\nA,visits,2025-01-02\n")],
    )
    .unwrap();
    let row = only(&log);
    assert_eq!((row.row, row.reason), (3, Reason::UnknownInteractionType));
    assert_eq!((row.column.as_str(), row.value.as_str()), ("what", "visits"));
    assert_eq!(row.raw, r#"{"who":"A","what":"visits","when":"2025-01-02"}"#);
    insta::assert_snapshot!(row.message, @"`visits` is not an interaction type of the catalogue; did you mean `visit`?");
}

#[test]
fn above_the_limit_the_ledger_comes_with_the_error() {
    let mapping = simple("").replace("max_rejected = 1.0", "max_rejected = 0.4");
    let files = [("log.csv", "who,what,when\nA,call,2025-01-01\nA,call,soon\n")];
    let error = attempt(&mapping, &files).unwrap_err();
    let IngestError::TooManyRejected { report } = &error else { panic!("{error}") };
    assert_eq!(report.sources[0].n_rejected(), 1);
    insta::assert_snapshot!(format!("{error}\n\n{report}"), @r#"
    `log.csv` (interactions): 1 of 2 rows rejected, 50.00 %, more than the 40.00 % that `max_rejected` allows

    table                 rows  set aside        read    accepted  rejected        made  source
    interactions             2          0           2           1         1           1  log.csv

    log.csv (interactions): 1 of 2 rows rejected (50.00 %)
           1 not_a_time: row 3: occurred_at: `soon` is not a time: expected RFC 3339, `YYYY-MM-DD HH:MM:SS` or `YYYY-MM-DD`

    warning: no account has an exit: attrition cannot be tested, and the log may hold only survivors
    warning: no outcomes: relationship value cannot be tested against anything
    warning: 1 of 1 accounts have no entry date and enter with their first row: relationships that began earlier are cut off on the left
    "#);
}

const ROSTER: &str = r#"
[[accounts]]
source = "accounts.csv"
columns = { account_id = "id", entered_at = "from", exited_at = "to" }
"#;

#[test]
fn accounts_are_unique_and_rows_refer_to_them_after_their_entry() {
    let log = attempt(
        &(simple("") + ROSTER),
        &[
            ("accounts.csv", "id,from,to\nA,2025-01-10,\nA,2025-01-01,\nB,2025-01-01,2024-12-31\n"),
            ("log.csv", "who,what,when\nA,call,2025-01-09\nA,call,2025-01-10\nC,call,2025-02-01\n"),
        ],
    )
    .unwrap();
    let reasons: Vec<(Reason, u64)> =
        log.rejected.iter().map(|row| (row.reason, row.row)).collect();
    assert_eq!(
        reasons,
        [
            (Reason::Duplicate, 3),
            (Reason::EndsBeforeItBegins, 4),
            (Reason::BeforeEntry, 2),
            (Reason::UnknownAccount, 4),
        ]
    );
    assert_eq!(log.histories[0].interactions.len(), 1);
}

#[test]
fn a_log_says_who_brought_nothing_and_what_came_after_an_exit() {
    let outcomes = "\n[[outcomes]]\nsource = \"paid.csv\"\naggregate = \"month\"\n\
                    columns = { account_id = \"who\", occurred_at = \"when\", revenue = \"paid\" }\n";
    let mapping =
        simple("data_start = \"2026-01-01\"\ndata_end = \"2026-03-01\"") + ROSTER + outcomes;
    let warnings = |calls: &str, paid: &str| {
        let roster = "id,from,to\nA,2026-01-01,2026-02-03\nB,2026-01-01,\n";
        let files = [("accounts.csv", roster), ("log.csv", calls), ("paid.csv", paid)];
        attempt(&mapping, &files).unwrap().report.warnings
    };
    let has = |warnings: &[String], text: &str| warnings.iter().any(|line| line.contains(text));
    // The exit is a date: what is dated on the same day is not after it.
    let same_day = "who,what,when\nA,call,2026-02-03 16:00:00\nB,call,2026-02-04\n";
    let both = "who,when,paid\nA,2026-01-05,10\nB,2026-02-05,-3\n";
    let fine = warnings(same_day, both);
    assert!(!has(&fine, "later day") && !has(&fine, "no revenue"), "{fine:?}");
    let later = "who,what,when\nA,call,2026-02-04 00:00:00\nB,call,2026-02-04\n";
    let found = warnings(later, "who,when,paid\nA,2026-01-05,10\nB,2026-02-05,0\n");
    assert!(
        has(&found, "1 interactions are on a later day than their account's exit"),
        "{found:?}"
    );
    assert!(has(&found, "1 of 2 accounts have no revenue in any month"), "{found:?}");
}

#[test]
fn accounts_without_any_date_are_rejected_at_the_end() {
    let roster = ROSTER.replace(r#", entered_at = "from", exited_at = "to""#, "");
    let log = attempt(
        &(simple("unlisted_accounts = \"add\"") + &roster),
        &[
            ("accounts.csv", "id,from,to\nA,,\nB,,\n"),
            ("log.csv", "who,what,when\nA,call,2025-01-09\nC,call,2025-02-01\n"),
        ],
    )
    .unwrap();
    assert_eq!((only(&log).reason, only(&log).row), (Reason::NoEntry, 3));
    assert_eq!((log.report.n_accounts, log.report.n_entries_inferred), (2, 2));
    assert_eq!(log.histories[0].account.entered_at.to_string(), "2025-01-09T00:00:00Z");
}

#[test]
fn the_name_of_a_row_in_its_system_is_unique() {
    let mapping = simple("").replace("account_id =", "source_id = \"id\", account_id =");
    let rows = "id,who,what,when\n1,A,call,2025-01-01\n2,A,call,2025-01-01\n1,B,call,2025-01-02\n";
    let log = attempt(&mapping, &[("log.csv", rows)]).unwrap();
    assert_eq!((only(&log).reason, only(&log).row), (Reason::Duplicate, 4));
}

#[test]
fn equal_rows_are_duplicates_only_when_the_mapping_says_so() {
    let rows =
        "who,what,when,note\nA,call,2025-01-01,x\nA,call,2025-01-01,y\nA,call,2025-01-01,x\n";
    assert_eq!(attempt(&simple(""), &[("log.csv", rows)]).unwrap().report.n_interactions, 3);
    let log = attempt(&(simple("") + "deduplicate = true\n"), &[("log.csv", rows)]).unwrap();
    assert_eq!((only(&log).reason, only(&log).row), (Reason::Duplicate, 4));
}

#[test]
fn rows_left_out_by_the_mapping_are_counted_apart_from_rejected_ones() {
    let mapping = simple("data_start = \"2025-01-01\"\ndata_end = \"2026-01-01\"")
        + "where = { column = \"kind\", equals = [\"real\", \"true\"] }\n";
    let rows = "who,what,when,kind\nA,call,2025-01-01,real\nA,call,2024-12-31,real\n\
                A,call,2026-01-01,true\nA,nonsense,never,test\n";
    let log = attempt(&mapping, &[("log.csv", rows)]).unwrap();
    let source = &log.report.sources[0];
    assert_eq!((source.rows, source.read, source.accepted), (4, 1, 1));
    let aside = source.set_aside;
    assert_eq!((aside.not_selected, aside.before_data_start, aside.after_data_end), (1, 1, 1));
}

#[test]
fn ragged_rows_and_bytes_that_are_no_text_are_rejected_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("catalogue.csv"), CATALOGUE).unwrap();
    fs::write(folder.path().join("mapping.toml"), simple("")).unwrap();
    let rows = b"who,what,when\nA,call\n\"A\nB\",call,2025-01-01\n\xff,call,2025-01-01\n";
    fs::write(folder.path().join("log.csv"), rows).unwrap();
    let mapping = Mapping::load(&folder.path().join("mapping.toml")).unwrap();
    let log = ingest(&mapping, folder.path()).unwrap();
    let found: Vec<(Reason, u64)> = log.rejected.iter().map(|row| (row.reason, row.row)).collect();
    assert_eq!(found, [(Reason::Ragged, 2), (Reason::NotUtf8, 5)]);
    assert_eq!(log.histories[0].account.id, "A\nB");
}

#[test]
fn rows_with_the_same_distinct_values_are_one_interaction_at_the_first_time() {
    let rows = "who,what,when,basket\nA,call,2025-01-02,1\nA,visit,2025-01-01,1\n\
                A,call,2025-01-03,2\nB,call,2025-01-04,1\n";
    let mapping = simple("") + "distinct = [\"basket\"]\n";
    let log = attempt(&mapping, &[("log.csv", rows)]).unwrap();
    let source = &log.report.sources[0];
    assert_eq!((source.read, source.accepted, source.made), (4, 4, 3));
    let first = &log.histories[0].interactions[0];
    assert_eq!(log.types.name(first.kind), "visit");
}

const LOOKUP: &str = r#"
[[interactions]]
source = "mailed.csv"
columns = { account_id = "who" }
constants = { interaction_type = "call" }
lookup = { source = "campaigns.csv", key = "campaign", columns = { occurred_at = "day" } }
"#;

#[test]
fn a_lookup_fills_columns_by_a_key_that_must_be_there_once() {
    let log = ("log.csv", "who,what,when\nA,call,2025-01-01\n");
    let mailed = ("mailed.csv", "who,campaign\nA,1\nA,3\n");
    let campaigns = ("campaigns.csv", "campaign,day\n1,2025-02-01\n2,2025-03-01\n");
    let found = attempt(&(simple("") + LOOKUP), &[log, mailed, campaigns]).unwrap();
    assert_eq!(found.histories[0].interactions[1].occurred_at.to_string(), "2025-02-01T00:00:00Z");
    let row = only(&found);
    assert_eq!((row.reason, row.value.as_str()), (Reason::NoLookupMatch, "3"));
    let twice = ("campaigns.csv", "campaign,day\n1,2025-02-01\n1,2025-03-01\n");
    let error = attempt(&(simple("") + LOOKUP), &[log, mailed, twice]);
    insta::assert_snapshot!(message(error), @"row 3 of `campaigns.csv`: key `1` occurs twice in column `campaign`");
}

const SALES: &str = r#"
[[outcomes]]
source = "sales.csv"
aggregate = "month"
columns = { account_id = "who", occurred_at = "when", revenue = "amount" }
"#;

#[test]
fn a_lookup_is_an_input_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for entry in fs::read_dir(project("data/sample")).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, at(from.file_name().unwrap().to_str().unwrap())).unwrap();
    }
    let block = "[interactions.lookup]\nsource = \"teams.csv\"\nkey = \"Activity ID\"\ncolumns.function = \
                 \"Team\"\n\n[[outcomes]]";
    let mapping = fs::read_to_string(at("mapping.toml")).unwrap().replace("[[outcomes]]", block);
    fs::write(at("mapping.toml"), mapping).unwrap();
    let ids: BTreeSet<String> = fs::read_to_string(at("interactions.csv"))
        .unwrap()
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next().map(str::to_owned))
        .collect();
    let inputs = |team: &str| {
        let rows = ids.iter().map(|id| format!("{id},{team}\n")).collect::<Vec<_>>().concat();
        fs::write(at("teams.csv"), format!("Activity ID,Team\n{rows}")).unwrap();
        let plan = rvq::run::ResolvedPlan::load(&at("plan.toml"), "full", &[]).unwrap();
        rvq::run::Run::prepare(plan).unwrap().inputs().unwrap().to_vec()
    };
    let north = inputs("north");
    assert!(north.iter().any(|input| input.name == "teams.csv"), "{north:?}");
    assert_ne!(north, inputs("south"));
}

#[test]
fn dated_amounts_become_months_of_the_time_zone_and_months_without_rows_are_zero() {
    let mapping = simple("data_start = \"2025-01-01\"\ndata_end = \"2025-06-01\"")
        .replace("\"UTC\"", "\"America/New_York\"")
        + ROSTER
        + SALES;
    let log = attempt(
        &mapping,
        &[
            ("accounts.csv", "id,from,to\nA,2024-02-01,\nB,2025-02-15,2025-03-20\n"),
            ("log.csv", "who,what,when\nA,call,2025-01-01\n"),
            // 01:00 UTC on 1 March is still February in New York.
            (
                "sales.csv",
                "who,when,amount\nA,2025-03-01T01:00:00Z,5\nA,2025-02-01,7\nB,2025-03-01,NaN\n",
            ),
        ],
    )
    .unwrap();
    assert_eq!(only(&log).reason, Reason::NotFinite);
    let revenue = |account: usize| -> Vec<f64> {
        log.histories[account].outcomes.iter().map(|outcome| outcome.revenue).collect()
    };
    assert_eq!(revenue(0), [0.0, 12.0, 0.0, 0.0, 0.0]);
    assert_eq!(revenue(1), [0.0, 0.0]);
    assert_eq!(log.histories[0].outcomes[0].period_start.to_string(), "2025-01-01T05:00:00Z");
    assert!(log.histories[1].outcomes.iter().all(|outcome| outcome.status == Status::Customer));
    assert_eq!(log.report.sources[2].made, 7);
}

#[test]
fn ready_made_periods_neither_repeat_nor_overlap() {
    let mapping = simple("")
        + r#"
[[outcomes]]
source = "sales.csv"
columns = { account_id = "who", period_start = "from", period_end = "to", revenue = "amount", known_at = "known", share_of_wallet = "share" }
"#;
    let sales = "who,from,to,amount,known,share\n\
                 A,2025-01-01,2025-02-01,1,,0.5\n\
                 A,2025-01-01,2025-02-01,2,,\n\
                 A,2025-01-15,2025-02-15,3,,\n\
                 A,2025-02-01,2025-02-01,4,,\n\
                 A,2025-02-01,2025-03-01,5,2025-02-20,\n\
                 A,2025-02-01,2025-03-01,6,,1.5\n\
                 A,2025-02-01,2025-03-01,,,\n\
                 A,2025-02-01,2025-03-01,8,2025-03-05,\n";
    let log = attempt(
        &mapping,
        &[("log.csv", "who,what,when\nA,call,2025-01-01\n"), ("sales.csv", sales)],
    )
    .unwrap();
    let reasons: Vec<Reason> = log.rejected.iter().map(|row| row.reason).collect();
    assert_eq!(
        reasons,
        [
            Reason::Duplicate,
            Reason::OverlappingPeriod,
            Reason::EndsBeforeItBegins,
            Reason::KnownBeforeItHappened,
            Reason::OutOfRange,
            Reason::Empty,
        ]
    );
    let outcomes = &log.histories[0].outcomes;
    assert_eq!(outcomes.len(), 2);
    assert_eq!(outcomes[1].known_at.to_string(), "2025-03-05T00:00:00Z");
}

#[test]
fn contacts_and_surveys_keep_their_rules() {
    let mapping = simple("").replace("account_id =", "contact_id = \"person\", account_id =")
        + r#"
[[contacts]]
source = "people.csv"
columns = { account_id = "who", contact_id = "person", influence = "weight" }

[[surveys]]
source = "asked.csv"
columns = { account_id = "who", contact_id = "person", asked_at = "asked", answered_at = "answered", value = "score" }
constants = { instrument = "satisfaction" }
"#;
    let log = attempt(
        &mapping,
        &[
            ("log.csv", "who,what,when,person\nA,call,2025-01-01,p2\nA,call,2025-01-02,p9\nA,call,2025-01-03,\n"),
            ("people.csv", "who,person,weight\nA,p2,3\nA,p1,\nA,p2,1\nA,p3,-1\n"),
            ("asked.csv", "who,person,asked,answered,score\nA,p1,2025-02-01,2025-02-03,8\nA,p1,2025-03-01,,\nA,p1,2025-03-01,2025-02-03,8\n"),
        ],
    )
    .unwrap();
    let reasons: Vec<Reason> = log.rejected.iter().map(|row| row.reason).collect();
    assert_eq!(
        reasons,
        [Reason::Duplicate, Reason::OutOfRange, Reason::UnknownContact, Reason::EndsBeforeItBegins,]
    );
    let history = &log.histories[0];
    let contacts: Vec<&str> = history.contacts.iter().map(|contact| contact.id.as_str()).collect();
    assert_eq!(contacts, ["p1", "p2"]);
    assert_eq!(history.interactions[0].contact.map(|contact| contact.0), Some(1));
    assert_eq!(history.interactions[1].contact, None);
    assert_eq!(history.surveys.len(), 2);
    assert_eq!(history.surveys[1].value, None);
}

#[test]
fn rows_of_an_account_without_any_date_are_rejected_and_not_forgotten() {
    let mapping = format!(
        "{}[[contacts]]\nsource = \"people.csv\"\ncolumns = {{ account_id = \"who\", contact_id = \"id\" }}\n",
        simple("")
    );
    let files =
        [("log.csv", "who,what,when\nA,call,2025-01-01\n"), ("people.csv", "who,id\nA,1\nB,2\n")];
    let log = attempt(&mapping, &files).unwrap();
    assert_eq!(
        (only(&log).reason, only(&log).table, only(&log).row),
        (Reason::NoEntry, Table::Contacts, 3)
    );
    assert_eq!(log.report.n_contacts, 1);
    let people = &log.report.sources[0];
    assert_eq!((people.read, people.accepted, people.made), (2, 1, 1));
}

#[test]
fn rows_outside_the_span_are_outside_however_often_they_are_there() {
    let mapping = simple("data_start = \"2025-01-01\"") + "deduplicate = true\n";
    let rows = "who,what,when\nA,call,2024-01-01\nA,call,2024-01-01\nA,call,2025-01-02\n";
    let log = attempt(&mapping, &[("log.csv", rows)]).unwrap();
    let source = &log.report.sources[0];
    let aside = source.set_aside;
    assert_eq!((aside.before_data_start, source.accepted, source.n_rejected()), (2, 1, 0));
}

#[test]
fn a_disk_that_cannot_hold_the_rows_ends_the_ingest_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mapping = simple("").replace("\"when\" }", "\"when\", channel = \"note\" }");
    // Letters that no compression makes few.
    let mut state = 1_u64;
    let mut letter = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + (state >> 59) as u8 % 26)
    };
    let mut row = |i| {
        let note: String = (0..60_000).map(|_| letter()).collect();
        format!("A{i},call,2025-01-01,{note}\n")
    };
    let rows: String = (0..400).map(&mut row).collect();
    let log = format!("who,what,when,note\n{rows}");
    for (name, text) in
        [("catalogue.csv", CATALOGUE), ("mapping.toml", &mapping), ("log.csv", &log)]
    {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let output = assert_cmd::cargo::cargo_bin_cmd!("rvq")
        .env("TMPDIR", folder.path().join("nowhere"))
        .current_dir(folder.path())
        .args(["ingest", "mapping.toml", "--dry-run", "--memory", "1MiB"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("cannot sort the rows on disk"), "{said}");
}

#[test]
fn what_equals_a_row_under_a_taken_name_is_not_taken_in_its_place() {
    let block = "[[interactions]]\nsource = \"copy.csv\"\ndeduplicate = true\ncolumns = { account_id = \"who\", \
                 interaction_type = \"what\", occurred_at = \"when\", source_id = \"id\" }\n";
    let mapping = simple("").replace("columns = {", "columns = { source_id = \"id\",") + block;
    let copy = "who,what,when,id\nB,call,2025-01-02,7\nB,call,2025-01-02,7\n";
    let files = [("log.csv", "who,what,when,id\nA,call,2025-01-01,7\n"), ("copy.csv", copy)];
    let log = attempt(&mapping, &files).unwrap();
    let found: Vec<_> = log.rejected.iter().map(|row| (row.reason, row.row)).collect();
    assert_eq!(found, [(Reason::Duplicate, 2), (Reason::Duplicate, 3)]);
    assert_eq!((log.report.n_accounts, log.report.n_interactions), (1, 1));
}

/// Two overlapping exports, in no order, of which the memory holds a part.
#[test]
fn rows_beyond_the_memory_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let columns = "columns = { account_id = \"who\", interaction_type = \"what\", occurred_at = \"when\", \
                   source_id = \"id\", channel = \"note\" }";
    let mapping = simple("").replace("log.csv", "log-*.csv");
    let (head, _) = mapping.split_once("columns").unwrap();
    fs::write(at("catalogue.csv"), CATALOGUE).unwrap();
    fs::write(at("mapping.toml"), format!("{head}{columns}\n")).unwrap();
    let note = "x".repeat(600);
    let row = |i: u64| {
        // 40,009 is prime: every number once, in no order.
        let id = i * 17_389 % 40_009;
        let (account, day) = (id % 501, id % 28 + 1);
        let kind = if id.is_multiple_of(1_000) { "nonsense" } else { "call" };
        format!("C{account},{kind},2025-01-{day:02},{id},{note}\n")
    };
    for (name, range) in [("log-1.csv", 0..30_000), ("log-2.csv", 20_000..40_009)] {
        let rows: String = range.map(row).collect();
        fs::write(at(name), format!("who,what,when,id,note\n{rows}")).unwrap();
    }
    let mapping = Mapping::load(&at("mapping.toml")).unwrap();
    let ingest = Ingest::new(&mapping, folder.path());
    let held = ingest.read().unwrap();
    let source = &held.report.sources[0];
    assert_eq!((source.accepted, source.set_aside.repeated), (39_968, 9_989));
    assert_eq!(source.n_rejected(), 52);
    assert_eq!(ingest.with_memory(0).read().unwrap(), held);
}

#[test]
fn a_written_log_reads_back_and_is_never_overwritten() {
    let mapping = Mapping::load(&project("data/sample/mapping.toml")).unwrap();
    let data = project("data/sample");
    let log = ingest(&mapping, &data).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("log");
    let report = Ingest::new(&mapping, &data).write(&out).unwrap();
    assert_eq!(report, log.report);
    let histories: Vec<_> =
        Log::open(&out).unwrap().histories().unwrap().map(Result::unwrap).collect();
    assert_eq!(histories.len(), log.histories.len());
    for (read, written) in histories.iter().zip(&log.histories) {
        assert_eq!(read.account, written.account);
        assert_eq!(read.interactions.len(), written.interactions.len());
        assert_eq!(read.outcomes, written.outcomes);
    }
    for file in ["catalogue.csv", "mapping.toml", "ingest.json", "rejected.parquet"] {
        assert!(out.join(file).is_file(), "{file}");
    }
    let again = Ingest::new(&mapping, &data).write(&out);
    assert!(matches!(again, Err(IngestError::Occupied { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary folder is left");
}

fn cell(good: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        6 => Just(good.to_owned()),
        1 => Just(String::new()),
        1 => Just("NaN".to_owned()),
        1 => Just("2025-03-30 02:30".to_owned()),
        1 => Just("B".to_owned()),
        1 => "[a-z\",]{0,6}",
    ]
}

proptest! {
    #[test]
    fn every_row_is_accepted_or_rejected_and_never_both(
        rows in prop::collection::vec(
            (cell("A"), cell("call"), cell("2025-05-05"), cell("1.5"), 0_u8..10),
            1..60,
        ),
    ) {
        let mut log = "who,what,when,worth\n".to_owned();
        for (who, what, when, worth, shape) in &rows {
            let quoted = [who, what, when, worth].map(|v| format!("\"{}\"", v.replace('"', "\"\"")));
            log += &quoted[..if *shape == 0 { 3 } else { 4 }].join(",");
            log += "\n";
        }
        let mapping = simple("data_end = \"2026-01-01\"")
            .replace("\"UTC\"", "\"Europe/Berlin\"")
            .replace("account_id =", "rv = \"worth\", account_id =")
            + "deduplicate = false\n";
        let log = attempt(&mapping, &[("log.csv", &log)]).unwrap();
        let source = &log.report.sources[0];
        prop_assert_eq!(source.rows, rows.len() as u64);
        prop_assert_eq!(source.rows, source.read + source.set_aside.total());
        prop_assert_eq!(source.read, source.accepted + source.n_rejected());
        prop_assert_eq!(source.n_rejected(), log.rejected.len() as u64);
        prop_assert_eq!(source.accepted, log.report.n_interactions);
        let mut lines: Vec<u64> = log.rejected.iter().map(|row| row.row).collect();
        lines.dedup();
        prop_assert_eq!(lines.len(), log.rejected.len());
    }
}
