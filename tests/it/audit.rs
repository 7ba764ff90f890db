//! Audits of logs and features: planted leaks are named, clean logs are left alone.

use rvq::audit::{AuditFinding, Severity};
use rvq::diagnostic::Source;
use rvq::ingest::{FeatureColumn, FeatureTable};
use rvq::interaction::AccountHistory;
use rvq::run::{Dataset, ResolvedPlan, Run, audit, build_panel};
use rvq::time::Instant;

/// A cohort of 200 accounts over three years.
pub(crate) fn cohort(world: &str, seed: u32) -> Run {
    let text = format!(
        "[run]\nname = \"clean\"\nseed = {seed}\n[world]\nworld = \"{world}\"\nbeside = []\n\
         accounts = 200\nstart = \"2021-01\"\nmonths = 36\n"
    );
    let source = Source::new("plan.toml", text);
    Run::prepare(ResolvedPlan::resolve(&source, "".into(), "full", &[]).unwrap()).unwrap()
}

fn accusations(findings: &[AuditFinding]) -> Vec<String> {
    let accuses = |finding: &&AuditFinding| finding.severity != Severity::Note;
    let words = |f: &AuditFinding| format!("{} {}: {}", f.check, f.about, f.what);
    findings.iter().filter(accuses).map(words).collect()
}

/// Worlds whose logs have nothing wrong with them: late logging is in all, lost rows in some.
pub(crate) const CLEAN: [&str; 10] = [
    "informative",
    "irrelevant",
    "mirror",
    "targeting",
    "hostage",
    "recession",
    "tenure",
    "dark_touches",
    "reverse",
    "whale_kanthal",
];

#[test]
fn nothing_is_found_in_twenty_clean_logs() {
    for world in CLEAN {
        for seed in [11, 12] {
            let run = cohort(world, seed);
            let report = audit(&run.datasets()[0], run.plan(), None, None).unwrap();
            assert_eq!(accusations(&report.findings), [] as [&str; 0], "{world} {seed}");
            assert_eq!(report.accounts, 200);
        }
    }
}

#[test]
fn a_log_of_survivors_is_named() {
    let run = cohort("survivor", 11);
    let report = audit(&run.datasets()[0], run.plan(), None, None).unwrap();
    let checks: Vec<&str> = report.findings.iter().map(|finding| finding.check).collect();
    assert_eq!(checks, ["survivorship", "left_truncation"]);
    assert!(!report.has_leak());
}

/// A table with one column, made of every account at the end of each of the last 24 months.
fn table(
    dataset: &Dataset,
    column: impl Fn(&AccountHistory, Instant) -> Option<f64>,
) -> FeatureTable {
    let mut table = FeatureTable {
        name: "features.csv".to_owned(),
        accounts: Vec::new(),
        contacts: None,
        as_of: Vec::new(),
        folds: None,
        columns: Vec::new(),
        texts: Vec::new(),
    };
    let mut values = Vec::new();
    for history in dataset.histories().unwrap().map(Result::unwrap) {
        for month in 12..36 {
            let as_of = dataset.calendar.end_of(dataset.first.plus(month));
            let account = &history.account;
            let there =
                account.entered_at < as_of && account.exited_at.is_none_or(|exit| exit >= as_of);
            if let Some(value) = column(&history, as_of).filter(|_| there) {
                table.accounts.push(account.id.clone());
                table.as_of.push(as_of);
                values.push(value);
            }
        }
    }
    table.columns.push(FeatureColumn { name: "feature".to_owned(), values });
    table
}

fn found(run: &Run, table: &FeatureTable) -> Vec<AuditFinding> {
    let report = audit(&run.datasets()[0], run.plan(), Some(table), None).unwrap();
    report.findings.into_iter().filter(|finding| finding.check != "left_truncation").collect()
}

fn checks(found: &[AuditFinding]) -> Vec<&str> {
    found.iter().map(|finding| finding.check).collect()
}

fn count(history: &AccountHistory, seen: impl Fn(&rvq::interaction::Interaction) -> bool) -> f64 {
    history.interactions.iter().filter(|row| seen(row)).count() as f64
}

#[test]
fn scores_and_baselines_of_the_toolkit_are_not_accused() {
    for world in ["informative", "mirror", "reverse"] {
        let run = cohort(world, 13);
        let dataset = &run.datasets()[0];
        let panel = build_panel(dataset, run.plan(), &[], &|_| ()).unwrap();
        let mut table = table(dataset, |_, _| None);
        let mut cells = Vec::new();
        for (account, info) in panel.accounts().iter().enumerate() {
            for month in (0..panel.months()).filter(|&m| panel.is_active(account, m)) {
                table.accounts.push(info.id.clone());
                table.as_of.push(panel.calendar().end_of(panel.first_month().plus(month as i32)));
                cells.push(account * panel.months() + month);
            }
        }
        let column = |score: &rvq::panel::PanelScore| FeatureColumn {
            name: score.name.clone(),
            values: cells.iter().map(|&cell| score.values[cell]).collect(),
        };
        table.columns = panel.scores().iter().map(column).collect();
        assert!(table.columns.len() > 8);
        assert_eq!(accusations(&found(&run, &table)), [] as [&str; 0], "{world}");
    }
}

#[test]
fn rows_read_before_they_were_known_are_a_leak_and_rows_read_in_time_are_not() {
    let run = cohort("informative", 14);
    let dataset = &run.datasets()[0];
    let in_time = table(dataset, |history, as_of| Some(count(history, |r| r.known_at < as_of)));
    assert_eq!(checks(&found(&run, &in_time)), [] as [&str; 0]);
    let early = table(dataset, |history, as_of| Some(count(history, |r| r.occurred_at < as_of)));
    let leak = found(&run, &early);
    assert_eq!(checks(&leak), ["known_at_ignored"]);
    // 6 % of rows are entered late, 12 days on average: a tenth of the account-months have one.
    assert!((0.05..0.25).contains(&leak[0].share()), "{:?}", leak[0]);
}

#[test]
fn a_feature_that_is_told_of_later_rows_is_a_leak() {
    let run = cohort("irrelevant", 15);
    let dataset = &run.datasets()[0];
    let days = |row: &rvq::interaction::Interaction, as_of| row.occurred_at.days_since(as_of);
    // A window of 90 days that is centred on the date, as a plot would have it.
    let centred =
        table(dataset, |history, as_of| Some(count(history, |row| days(row, as_of).abs() < 45.0)));
    assert_eq!(checks(&found(&run, &centred)), ["look_ahead"]);
    let trailing = table(dataset, |history, as_of| {
        Some(count(history, |row| row.known_at < as_of && days(row, as_of) > -90.0))
    });
    assert_eq!(checks(&found(&run, &trailing)), [] as [&str; 0]);
    // Time that is left until an exit; long for those who stay.
    let left = table(dataset, |history, as_of| {
        let exit = history.account.exited_at;
        Some(exit.map_or(1_000.0, |exit| exit.days_since(as_of).min(400.0)))
    });
    let leak = found(&run, &left);
    assert_eq!(checks(&leak), ["look_ahead"]);
    assert!(leak[0].what.contains("exits"), "{}", leak[0].what);
}

#[test]
fn a_number_over_whole_lives_is_a_leak_and_an_attribute_is_a_note() {
    let run = cohort("irrelevant", 16);
    let dataset = &run.datasets()[0];
    let lifetime = table(dataset, |history, _| {
        Some(history.outcomes.iter().map(|outcome| outcome.revenue).sum())
    });
    let leak = found(&run, &lifetime);
    assert_eq!(checks(&leak), ["whole_life"]);
    assert_eq!((leak[0].severity, leak[0].share()), (Severity::Leak, 1.0));
    let size = table(dataset, |history, _| history.account.size);
    let note = found(&run, &size);
    assert_eq!((checks(&note), note[0].severity), (vec!["constant_feature"], Severity::Note));
}

#[test]
fn tables_with_wrong_rows_are_named() {
    let run = cohort("informative", 17);
    let dataset = &run.datasets()[0];
    let clean = table(dataset, |history, as_of| Some(count(history, |r| r.known_at < as_of)));
    assert_eq!(checks(&found(&run, &clean)), [] as [&str; 0]);

    let stayed = table(dataset, |history, as_of| {
        let seen = count(history, |row| row.known_at < as_of);
        history.account.exited_at.is_none().then_some(seen)
    });
    assert_eq!(checks(&found(&run, &stayed)), ["features_of_survivors"]);

    let mut exits = dataset.histories().unwrap().map(Result::unwrap);
    let (left, exit) = exits
        .find_map(|history| Some((history.account.id.clone(), history.account.exited_at?)))
        .unwrap();
    let mut frozen = clean.clone();
    frozen.accounts.push(left);
    frozen.as_of.push(exit.plus_days(90.0));
    frozen.columns[0].values.push(1.0);
    let finding = found(&run, &frozen);
    assert_eq!(checks(&finding), ["features_after_exit"]);
    assert_eq!(finding[0].affected, 1);

    let mut unknown = clean.clone();
    unknown.accounts[0] = "nobody".to_owned();
    assert_eq!(checks(&found(&run, &unknown)), ["unknown_account"]);

    let mut early = clean.clone();
    early.as_of[5] = dataset.calendar.parse("1990-01-01").unwrap();
    assert_eq!(checks(&found(&run, &early)), ["before_entry"]);

    let mut twice = clean.clone();
    twice.accounts.push(clean.accounts[0].clone());
    twice.as_of.push(clean.as_of[0]);
    twice.columns[0].values.push(clean.columns[0].values[0]);
    assert_eq!(checks(&found(&run, &twice)), ["repeated_rows"]);
}

#[test]
fn folds_that_part_accounts_are_a_leak_those_that_part_time_a_note_and_whole_accounts_nothing() {
    let run = cohort("informative", 18);
    let dataset = &run.datasets()[0];
    let mut table = table(dataset, |history, as_of| Some(count(history, |r| r.known_at < as_of)));
    let fold = |table: &FeatureTable, of: &dyn Fn(usize) -> usize| {
        Some((0..table.accounts.len()).map(|row| of(row).to_string()).collect::<Vec<_>>())
    };
    let by_account = |row: usize| table.accounts[row].bytes().map(usize::from).sum::<usize>() % 5;
    let by_time = |row: usize| usize::from(table.as_of[row] > table.as_of[0]);
    let (accounts, time) = (fold(&table, &by_account), fold(&table, &by_time));
    let rows = fold(&table, &|row| row % 5);
    table.folds = accounts;
    assert_eq!(checks(&found(&run, &table)), [] as [&str; 0]);
    table.folds = time;
    let note = found(&run, &table);
    assert_eq!((checks(&note), note[0].severity), (vec!["account_in_two_folds"], Severity::Note));
    table.folds = rows;
    let leak = found(&run, &table);
    assert_eq!((checks(&leak), leak[0].severity), (vec!["account_in_two_folds"], Severity::Leak));
}
