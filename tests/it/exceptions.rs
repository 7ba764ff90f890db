//! Relationships that fall out of pattern, on panels in which it is known who did.

use rvq::panel::Panel;
use rvq::patterns::{Direction, Exception, ExceptionParams, Exceptions, exceptions};
use rvq::rng::{Purpose, Streams};

use crate::told::{Told, normals, panel};

const RV: &str = "rv_decay_180d";
const MONTHS: usize = 48;
const ACCOUNTS: usize = 300;
/// Accounts whose relationship breaks in this month.
const BROKEN: usize = 20;
const BREAKS: usize = 30;

/// Accounts that differ for good and wander; the first `broken` of them drop by
/// three in month 30: five standard deviations of a month's surprise, so that few can be missed.
fn told(seed: u64, broken: usize) -> Vec<Told> {
    (0..ACCOUNTS)
        .map(|index| {
            let z = normals(seed, index, MONTHS + 1);
            let mut wander = 0.0;
            let scores = (0..MONTHS).map(|t| {
                wander = 0.8 * wander + 0.6 * z[t + 1];
                let drop = if index < broken && t >= BREAKS { 3.0 } else { 0.0 };
                50.0 + 10.0 * (0.5 * z[0] + wander - drop)
            });
            Told {
                segment: ["a", "b"][index % 2],
                columns: vec![scores.collect()],
                profit: vec![1.0; MONTHS],
                share: vec![0.5; MONTHS],
                exit: None,
            }
        })
        .collect()
}

fn charted(panel: &Panel) -> (Exceptions, Vec<Exception>) {
    let draws = Streams::new(1).global(Purpose::Bootstrap);
    let score = panel.score(RV).unwrap();
    exceptions(panel, score, &ExceptionParams::default(), draws).unwrap()
}

#[test]
fn where_nothing_breaks_alarms_are_as_rare_as_foretold() {
    let (found, alarms) = charted(&panel(&[RV], &told(11, 0)));
    let expected = found.expected_alarms.unwrap();
    let shuffled = found.shuffled_run_length.unwrap();
    assert!((shuffled - 120.0).abs() < 4.0 * 120.0 / 500.0_f64.sqrt(), "{shuffled}");
    assert_eq!(alarms.len() as u64, found.n_good + found.n_bad);
    // Alarms of independent accounts: about Poisson, and the shuffled length has an error of 5 %.
    let error = (expected + (0.05 * expected).powi(2)).sqrt();
    assert!((alarms.len() as f64 - expected).abs() < 4.0 * error, "{} {expected}", alarms.len());
}

#[test]
fn a_broken_relationship_is_flagged_within_half_a_year() {
    let (_, alarms) = charted(&panel(&[RV], &told(12, BROKEN)));
    let soon: Vec<String> =
        (BREAKS..BREAKS + 6).map(|t| format!("{}-{:02}", 2020 + t / 12, t % 12 + 1)).collect();
    let flagged = |account: usize| {
        alarms.iter().any(|alarm| {
            alarm.account_id == format!("{account:05}")
                && alarm.direction == Direction::Bad
                && soon.contains(&alarm.month)
        })
    };
    let broken = (0..BROKEN).filter(|&account| flagged(account)).count();
    let others = (BROKEN..ACCOUNTS).filter(|&account| flagged(account)).count();
    assert!(broken >= 17, "{broken} of {BROKEN}");
    // By chance 6 months in 240 alarm for the worse.
    assert!(others < (ACCOUNTS - BROKEN) / 12, "{others}");
}

#[test]
fn later_months_move_no_alarm() {
    let all = told(13, BROKEN);
    let short: Vec<Told> = all
        .iter()
        .map(|of| Told {
            segment: of.segment,
            columns: vec![of.columns[0][..BREAKS].to_vec()],
            profit: of.profit[..BREAKS].to_vec(),
            share: of.share[..BREAKS].to_vec(),
            exit: None,
        })
        .collect();
    let before = |alarms: Vec<Exception>| -> Vec<Exception> {
        alarms.into_iter().filter(|alarm| alarm.month.as_str() < "2022-07").collect()
    };
    let (_, late) = charted(&panel(&[RV], &all));
    let (_, early) = charted(&panel(&[RV], &short));
    assert!(!early.is_empty());
    assert_eq!(before(late), before(early));
}
