//! Scoring one account with the default family, monthly, from a short to a very long history.

use divan::counter::ItemsCount;
use rvq::flow::{Catalogue, CatalogueEntry};
use rvq::ids::{ContactIndex, TypeIndex, TypeNames};
use rvq::interaction::{Account, AccountHistory, Contact, Interaction};
use rvq::score::{ScoreColumn, ScoreSpec, Valuation, ValuedHistory};
use rvq::time::Instant;

const MONTHS: u32 = 60;
const CONTACTS: u16 = 5;

fn main() {
    divan::main();
}

fn day(day: f64) -> Instant {
    Instant::from_micros(1_700_000_000_000_000).plus_days(day)
}

fn valuation() -> Valuation {
    let entry = CatalogueEntry { customer_effort: 5.0, ..CatalogueEntry::plain("call", 2.0) };
    let catalogue = Catalogue::from_entries("bench", vec![entry]).expect("one name");
    let types: TypeNames = ["call"].into_iter().collect();
    Valuation::new(&catalogue, &types).expect("the catalogue values every type")
}

/// `rows` interactions, evenly over five years; every `late`-th is known ten days after it happened.
fn history(rows: usize, late: usize) -> AccountHistory {
    let span = f64::from(MONTHS) * 30.0;
    let interactions = (0..rows)
        .map(|n| {
            let occurred = span * n as f64 / rows as f64;
            let delay = if n % late == 0 { 10.0 } else { 0.0 };
            Interaction {
                contact: Some(ContactIndex(n as u16 % CONTACTS)),
                kind: TypeIndex(0),
                occurred_at: day(occurred),
                known_at: day(occurred + delay),
                ..Interaction::default()
            }
        })
        .collect();
    let contact = |n: u16| Contact {
        id: n.to_string(),
        influence: f64::from(n + 1),
        valid_from: Some(day(-1.0)),
        valid_to: None,
        ..Contact::default()
    };
    let account =
        Account { id: "a".to_owned(), entered_at: day(0.0), exited_at: None, ..Account::default() };
    AccountHistory {
        account,
        contacts: (0..CONTACTS).map(contact).collect(),
        interactions,
        outcomes: Vec::new(),
        ..AccountHistory::default()
    }
}

fn month_ends() -> Vec<Instant> {
    (1..=MONTHS).map(|month| day(f64::from(month) * 30.0)).collect()
}

fn family() -> Vec<Box<dyn ScoreColumn>> {
    ScoreSpec::default_family()
        .iter()
        .map(|spec| spec.build().expect("the defaults are valid"))
        .collect()
}

fn score(bencher: divan::Bencher<'_, '_>, rows: usize, late: usize) {
    let (valuation, scores, dates) = (valuation(), family(), month_ends());
    bencher.counter(ItemsCount::new(rows)).with_inputs(|| history(rows, late)).bench_refs(
        |history| {
            let valued = ValuedHistory::new(history, &valuation);
            scores.iter().map(|score| score.series(&valued, &dates)).collect::<Vec<_>>()
        },
    );
}

/// Valuing and scoring an account whose rows are known at once.
#[divan::bench(args = [10, 100, 1_000, 10_000])]
fn default_family(bencher: divan::Bencher<'_, '_>, rows: usize) {
    score(bencher, rows, usize::MAX);
}

/// The same with one row in ten known ten days late.
#[divan::bench(args = [10, 100, 1_000, 10_000])]
fn default_family_with_late_rows(bencher: divan::Bencher<'_, '_>, rows: usize) {
    score(bencher, rows, 10);
}
