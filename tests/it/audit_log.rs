//! Audits of logs: faults planted in a share of a clean log's rows are named, with their number.

use std::collections::BTreeSet;

use rvq::audit::{AuditFinding, LogAudit, LogSpan, LogType, Severity};
use rvq::interaction::{AccountHistory, Details, Interaction, Status};
use rvq::run::{Dataset, Run};
use rvq::time::Instant;

use crate::audit::{CLEAN, cohort};

fn histories(run: &Run) -> Vec<AccountHistory> {
    run.datasets()[0].histories().unwrap().map(Result::unwrap).collect()
}

fn span(dataset: &Dataset) -> LogSpan {
    let of = |name: &str| {
        let entry = dataset.catalogue.get(name).unwrap();
        let (name, transactional) = (name.to_owned(), entry.transactional);
        LogType { name, stage: entry.stage, transactional }
    };
    LogSpan {
        calendar: dataset.calendar,
        first: dataset.first,
        months: dataset.months,
        types: dataset.types.iter().map(of).collect(),
    }
}

/// What the audit of `log` finds beside relationships that are older than the log.
fn found(run: &Run, log: &[AccountHistory]) -> Vec<AuditFinding> {
    let mut audit = LogAudit::new(span(&run.datasets()[0]));
    for history in log {
        let mut history = history.clone();
        history.interactions.sort_by_key(|row| row.occurred_at);
        audit.see(&history);
    }
    let findings = audit.findings().into_iter();
    findings.filter(|finding| finding.check != "left_truncation").collect()
}

/// A clean log with `plant` done to it; what the audit finds in it.
fn planted(plant: impl Fn(&mut Vec<AccountHistory>, &LogSpan) -> u64) -> (Vec<AuditFinding>, u64) {
    let run = cohort("informative", 21);
    let mut log = histories(&run);
    assert_eq!(found(&run, &log), []);
    let n = plant(&mut log, &span(&run.datasets()[0]));
    (found(&run, &log), n)
}

/// The one finding is `check`, of this severity and of exactly the planted rows.
fn assert_named(
    check: &str,
    severity: Severity,
    plant: impl Fn(&mut Vec<AccountHistory>, &LogSpan) -> u64,
) {
    let (findings, n) = planted(plant);
    let checks: Vec<_> = findings.iter().map(|f| (f.check, f.severity, f.affected)).collect();
    assert_eq!(checks, [(check, severity, n)]);
    assert!(!findings[0].examples.is_empty(), "{:?}", findings[0]);
    assert!(n > 0 && findings[0].share() < 0.05, "{n}: {:?}", findings[0]);
}

fn rows(log: &mut [AccountHistory]) -> impl Iterator<Item = &mut Interaction> {
    log.iter_mut().flat_map(|history| &mut history.interactions)
}

/// Names a system for every row: `erp` for one type in twenty of one account in five.
fn name_systems(log: &mut [AccountHistory]) {
    for (account, history) in log.iter_mut().enumerate() {
        for row in &mut history.interactions {
            let erp = account % 5 == 0 && row.kind.0 % 20 == 7;
            let source_system = Some(if erp { "erp" } else { "crm" }.to_owned());
            row.details = Some(Box::new(Details { source_system, ..Details::default() }));
        }
    }
}

fn is_erp(row: &Interaction) -> bool {
    row.details.as_ref().is_some_and(|of| of.source_system.as_deref() == Some("erp"))
}

fn talks<'a>(
    log: &'a mut [AccountHistory],
    span: &'a LogSpan,
) -> impl Iterator<Item = &'a mut Interaction> {
    rows(log).filter(|row| !span.types[usize::from(row.kind.0)].transactional)
}

fn move_by(row: &mut Interaction, days: f64) {
    row.occurred_at = row.occurred_at.plus_days(days);
    row.known_at = row.known_at.max(row.occurred_at);
}

#[test]
fn clean_logs_of_two_systems_have_no_fault_of_clocks_orders_flags_or_imports() {
    let before = BTreeSet::from(["known_at_absent", "no_contact", "left_truncation"]);
    for world in CLEAN {
        for seed in [11, 12] {
            let run = cohort(world, seed);
            let mut log = histories(&run);
            let checks = |log: &[AccountHistory]| -> Vec<&str> {
                let found = found(&run, log);
                found.iter().map(|f| f.check).filter(|check| !before.contains(check)).collect()
            };
            assert_eq!(checks(&log), [] as [&str; 0], "{world} {seed}");
            name_systems(&mut log);
            assert_eq!(checks(&log), [] as [&str; 0], "{world} {seed}, systems named");
        }
    }
}

#[test]
fn a_system_read_in_another_time_zone_is_named() {
    assert_named("hours_shifted", Severity::Bias, |log, _| {
        name_systems(log);
        let erp = rows(log).filter(|row| is_erp(row));
        erp.map(|row| move_by(row, 3.0 / 24.0)).count() as u64
    });
}

#[test]
fn dates_of_a_system_that_are_the_evening_before_are_named() {
    let (findings, n) = planted(|log, span| {
        name_systems(log);
        let erp = rows(log).filter(|row| is_erp(row));
        erp.map(|row| {
            // Midnight in Berlin, read as if it were that of the log.
            let berlin = rvq::time::Calendar::new("Europe/Berlin").unwrap();
            let day = span.calendar.date_of(row.occurred_at).and_hms_opt(0, 0, 0).unwrap();
            row.occurred_at = berlin.instant_at(day).unwrap();
            row.known_at = row.known_at.max(row.occurred_at);
        })
        .count() as u64
    });
    let evening = findings.iter().find(|finding| finding.check == "dates_in_the_evening").unwrap();
    assert_eq!((evening.severity, evening.affected), (Severity::Bias, n));
    assert!(evening.share() < 0.05, "{evening:?}");
    // Rows that lost their time of day may be alike for that, and nothing else is found.
    let lost = ["dates_in_the_evening", "duplicate_rows", "clock_ties", "copied_to_contacts"];
    assert!(findings.iter().all(|finding| lost.contains(&finding.check)), "{findings:?}");
}

#[test]
fn a_log_read_in_another_time_zone_is_noted() {
    let (findings, n) =
        planted(|log, span| talks(log, span).map(|row| move_by(row, 7.0 / 24.0)).count() as u64);
    let night = findings.iter().find(|finding| finding.check == "work_at_night").unwrap();
    assert_eq!((night.severity, night.of), (Severity::Note, n));
    assert!(night.share() > 0.9, "{night:?}");
    assert!(night.examples[0].ends_with("15:00 to 01:00"), "{:?}", night.examples);
}

#[test]
fn sixty_rows_stamped_at_one_instant_are_named() {
    assert_named("one_instant", Severity::Bias, |log, span| {
        let stamp: Instant = "2022-05-04T02:00:00.123456Z".parse().unwrap();
        let near = |at: Instant| at.days_since(stamp).abs() < 20.0;
        let mut stamped = 0;
        for history in log.iter_mut().filter(|history| history.account.exited_at.is_none()) {
            let of = |row: &&mut Interaction| {
                near(row.occurred_at) && !span.types[usize::from(row.kind.0)].transactional
            };
            if let Some(row) = history.interactions.iter_mut().find(of).filter(|_| stamped < 60) {
                (row.occurred_at, row.known_at) = (stamp, stamp);
                stamped += 1;
            }
        }
        stamped
    });
}

#[test]
fn rows_that_became_known_in_one_import_are_named() {
    assert_named("known_in_bulk", Severity::Bias, |log, span| {
        let import: Instant = "2022-07-02T03:00:00Z".parse().unwrap();
        let old = |at: Instant| (35.0..200.0).contains(&import.days_since(at));
        rows(log)
            .filter(|row| row.kind.0 % 11 == 3 && old(row.occurred_at))
            .for_each(|row| row.known_at = import);
        // A row that was entered as late on that day by chance is in it too.
        let same_day = |row: &&mut Interaction| {
            span.calendar.date_of(row.known_at) == span.calendar.date_of(import)
                && row.known_at.days_since(row.occurred_at) > 30.0
        };
        rows(log).filter(same_day).count() as u64
    });
}

#[test]
fn rows_of_two_types_at_one_time_are_noted() {
    assert_named("clock_ties", Severity::Note, |log, span| {
        let mut tied = 0;
        for history in log.iter_mut().step_by(5) {
            let other = |row: &Interaction| !span.types[usize::from(row.kind.0)].transactional;
            let rows = &mut history.interactions;
            let pair = rows.windows(2).position(|of| of[0].kind != of[1].kind && other(&of[1]));
            if let Some(first) = pair {
                rows[first + 1].occurred_at = rows[first].occurred_at;
                tied += 2;
            }
        }
        tied
    });
}

#[test]
fn rows_exported_twice_under_new_ids_are_named() {
    assert_named("repeated_under_new_ids", Severity::Bias, |log, span| {
        let mut repeated = 0;
        for history in log {
            let mut copies = Vec::new();
            for (n, row) in history.interactions.iter_mut().enumerate() {
                let id = |id: String| {
                    Some(Box::new(Details { source_id: Some(id), ..Details::default() }))
                };
                let talk = !span.types[usize::from(row.kind.0)].transactional;
                row.details = id(format!("first-{n}"));
                if talk && n % 40 == 9 {
                    copies.push(Interaction { details: id(format!("again-{n}")), ..row.clone() });
                }
            }
            repeated += copies.len() as u64;
            history.interactions.extend(copies);
        }
        repeated
    });
}

#[test]
fn what_only_customers_do_before_they_were_won_is_named() {
    assert_named("stage_order", Severity::Bias, |log, span| {
        let late = span.calendar.end_of(span.first);
        let retention = |row: &Interaction| {
            span.types[usize::from(row.kind.0)].stage == rvq::interaction::Stage::Retention
        };
        let mut moved = 0;
        for history in log.iter_mut().filter(|history| history.account.entered_at > late) {
            let first = history.interactions.first().map(|row| row.occurred_at);
            let row = history.interactions.iter_mut().find(|row| retention(row));
            if let (Some(first), Some(row)) = (first, row.filter(|_| moved < 4)) {
                row.contact = None;
                row.occurred_at = first.plus_days(-3.0);
                row.known_at = row.occurred_at;
                history.account.entered_at = row.occurred_at;
                moved += 1;
            }
        }
        moved
    });
}

#[test]
fn flags_that_the_money_contradicts_are_named() {
    assert_named("exit_reason_without_exit", Severity::Bias, |log, _| {
        let stays = log.iter_mut().filter(|history| history.account.exited_at.is_none());
        stays.take(5).map(|history| history.account.exit_reason = Some("price".to_owned())).count()
            as u64
    });
    assert_named("revenue_against_status", Severity::Bias, |log, _| {
        let prospect =
            |outcome: &&mut rvq::interaction::Outcome| outcome.status == Status::Prospect;
        let outcomes = log.iter_mut().flat_map(|history| &mut history.outcomes);
        outcomes.filter(prospect).take(7).map(|outcome| outcome.revenue = 10.0).count() as u64
    });
}

#[test]
fn revenue_long_after_an_exit_contradicts_the_exit_and_the_status() {
    let (findings, n) = planted(|log, span| {
        let mut paid = 0;
        for history in log.iter_mut() {
            let Some(exit) = history.account.exited_at else { continue };
            let month = span.calendar.month_of(exit).plus(3);
            if month.since(span.first) < span.months as i32 {
                let (from, to) = (span.calendar.start_of(month), span.calendar.end_of(month));
                let (period_start, period_end, known_at) = (from, to, to);
                let last = *history.outcomes.last().unwrap();
                history.outcomes.push(rvq::interaction::Outcome {
                    period_start,
                    period_end,
                    known_at,
                    revenue: 5.0,
                    status: Status::Exited,
                    ..last
                });
                paid += 1;
            }
        }
        paid
    });
    let checks: Vec<_> = findings.iter().map(|f| (f.check, f.severity, f.affected)).collect();
    let named = |check| (check, Severity::Bias, n);
    assert_eq!(checks, [named("revenue_after_exit"), named("revenue_against_status")]);
    assert!((5..60).contains(&n), "{n}");
}

#[test]
fn a_list_of_exits_that_ends_early_is_named_and_a_cohort_without_later_entries_noted() {
    let (findings, _) = planted(|log, _| {
        let end: Instant = "2022-07-01T00:00:00Z".parse().unwrap();
        for history in log {
            if history.account.exited_at.is_some_and(|exit| exit > end) {
                (history.account.exited_at, history.account.exit_reason) = (None, None);
                for outcome in &mut history.outcomes {
                    if outcome.status == Status::Exited {
                        outcome.status = Status::Customer;
                    }
                }
            }
        }
        0
    });
    let checks: Vec<_> = findings.iter().map(|f| (f.check, f.severity)).collect();
    assert_eq!(checks, [("survivorship", Severity::Bias)]);
    assert!(findings[0].what.contains("exits is after 2022-0"), "{}", findings[0].what);

    let (findings, _) = planted(|log, span| {
        let early = span.calendar.end_of(span.first.plus(2));
        log.retain(|history| history.account.entered_at < early);
        0
    });
    let checks: Vec<_> = findings.iter().map(|f| (f.check, f.severity)).collect();
    assert_eq!(checks, [("closed_cohort", Severity::Note)]);
}
