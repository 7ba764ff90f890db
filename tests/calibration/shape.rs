//! Do intervals of estimated shapes of Relationship Value hold what they promise? Outcomes are
//! generated from the scored form itself, with known parameters.

use rand_distr::{Distribution, Exp1, StandardNormal};
use rayon::prelude::*;
use rvq::backtest::{ShapeAccount, ShapeParameter, fit_shape};
use rvq::flow::{Catalogue, CatalogueEntry};
use rvq::ids::{ContactIndex, TypeIndex, TypeNames};
use rvq::interaction::{Account, AccountHistory, Failure, Interaction};
use rvq::rng::{Purpose, Stream, Streams};
use rvq::score::{Rv, RvParams, Valuation, ValuedHistory, series};
use rvq::stats::wilson_interval;
use rvq::time::Instant;

use crate::table::{check, row};

const REPLICATIONS: u32 = 500;
const ACCOUNTS: u32 = 300;
const CONTACTS: u16 = 3;
const DAYS: f64 = 1_080.0;
const DATES: u32 = 12;

/// Name, value, what a critical type fails in, whether it repairs, and rows a year and contact.
const TYPES: [(&str, f64, Option<Failure>, bool, f64); 4] = [
    ("meeting", 3.0, None, false, 8.0),
    ("complaint", -2.0, None, false, 4.0),
    ("outage", -4.0, Some(Failure::Product), false, 1.5),
    ("apology", 1.0, None, true, 3.0),
];

fn truth() -> RvParams {
    RvParams {
        half_life_days: Some(120.0),
        asymmetry: 2.0,
        shock_product: 0.5,
        recovery: 0.6,
        recovery_days: 60.0,
        ..RvParams::default()
    }
}

const FREE: [ShapeParameter; 4] = [
    ShapeParameter::HalfLife,
    ShapeParameter::Asymmetry,
    ShapeParameter::ShockProduct,
    ShapeParameter::Recovery,
];

fn valuation() -> Valuation {
    let entry = |(name, rv, failure, recovery, _): (&str, f64, Option<Failure>, bool, f64)| {
        let critical = failure.is_some();
        CatalogueEntry { critical, failure, recovery, ..CatalogueEntry::plain(name, rv) }
    };
    let catalogue = Catalogue::from_entries("1", TYPES.map(entry).to_vec()).unwrap();
    let types: TypeNames = TYPES.iter().map(|(name, ..)| *name).collect();
    Valuation::new(&catalogue, &types).unwrap()
}

fn day(day: f64) -> Instant {
    Instant::from_micros(1_600_000_000_000_000).plus_days(day)
}

/// Every contact does everything at its own constant rate.
fn history(stream: &mut Stream) -> AccountHistory {
    let mut interactions = Vec::new();
    for contact in 0..CONTACTS {
        for (kind, (.., per_year)) in (0..).zip(TYPES) {
            let mut at = 0.0;
            loop {
                let wait: f64 = Exp1.sample(stream);
                at += wait * 365.25 / per_year;
                if at >= DAYS {
                    break;
                }
                interactions.push(Interaction {
                    contact: Some(ContactIndex(contact)),
                    kind: TypeIndex(kind),
                    occurred_at: day(at),
                    known_at: day(at),
                    ..Interaction::default()
                });
            }
        }
    }
    interactions.sort_by_key(|row| row.occurred_at);
    let account = Account { id: "a".to_owned(), entered_at: day(0.0), ..Account::default() };
    AccountHistory { interactions, ..AccountHistory::empty(account) }
}

/// Outcomes follow the score, with a lasting level of the account and noise that persists.
fn account(stream: &mut Stream, valuation: &Valuation, slope: f64) -> ShapeAccount {
    let history = ValuedHistory::new(&history(stream), valuation);
    let dates: Vec<Instant> =
        (1..=DATES).map(|date| day(DAYS * f64::from(date) / f64::from(DATES))).collect();
    let scores = series(&Rv::new(truth()).unwrap(), &history, &dates);
    let mut normal = || -> f64 { StandardNormal.sample(stream) };
    let lasting = normal();
    let mut noise = normal();
    let outcomes = scores.into_iter().map(|score| {
        noise = 0.6 * noise + 0.8 * normal();
        5.0 + slope * score + lasting + noise
    });
    let outcomes = outcomes.collect();
    ShapeAccount { history, dates, outcomes }
}

/// By parameter: whether its interval holds the truth.
fn covered(replication: u32) -> [bool; 4] {
    let valuation = valuation();
    let streams = Streams::new(77).replication(replication);
    let mut stream = streams.global(Purpose::Outcome).stream(0);
    let accounts: Vec<ShapeAccount> =
        (0..ACCOUNTS).map(|_| account(&mut stream, &valuation, 1.0)).collect();
    // From a start that is wrong in every parameter.
    let start = RvParams {
        half_life_days: Some(60.0),
        asymmetry: 1.0,
        shock_product: 0.25,
        recovery: 0.3,
        ..truth()
    };
    let fit = fit_shape(&accounts, start, &FREE).unwrap();
    let expected = [120.0, 2.0, 0.5, 0.6];
    std::array::from_fn(|at| {
        let found = fit.estimates[at];
        found.low <= expected[at] && expected[at] <= found.high
    })
}

#[test]
fn shape_intervals_cover_the_truth() {
    let found: Vec<[bool; 4]> = (0..REPLICATIONS).into_par_iter().map(covered).collect();
    let mut rows = vec![row(&["parameter", "truth", "covered", "95 % interval of that share"])];
    for (at, parameter) in FREE.iter().enumerate() {
        let hits = found.iter().filter(|covered| covered[at]).count();
        let share = hits as f64 / f64::from(REPLICATIONS);
        let interval = wilson_interval(hits as u64, u64::from(REPLICATIONS)).unwrap();
        let truth = ["120 days", "2", ".5", ".6"][at];
        let ends = format!("{:.3} to {:.3}", interval.low, interval.high);
        rows.push(row(&[parameter.name(), truth, &format!("{share:.3}"), &ends]));
        assert!((0.93..=0.97).contains(&share), "{}: {share}", parameter.name());
    }
    check(
        "shape",
        "Shape parameters, recovered",
        &format!(
            "Outcomes follow a score whose parameters are known ({ACCOUNTS} accounts, a generator of its own); the \
             search begins wrong in all four. How often the 95 % interval holds the truth, {REPLICATIONS} \
             replications."
        ),
        &rows,
    );
}
