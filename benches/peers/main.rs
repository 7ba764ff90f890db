//! The plain flow in this project, for comparison with its peers: `benches/peers/run.sh`.
//!
//! One line of JSON: interactions per second on one thread, and the figures by which the peers
//! check that they simulate the same. `CONTACTS` and `REPEATS` are taken from the environment.

#![allow(clippy::print_stdout, reason = "the line is the result")]

use std::time::Instant;

use rvq::flow::Flow;
use rvq::rng::Streams;
use rvq::simulate::{PlainFlow, WalkColumns};
use rvq::time::{Calendar, Month};

const MONTHS: u32 = 60;

/// Contacts simulated into the same columns: like a chunk on its way to a file.
const CHUNK: u32 = 2_048;

fn setting(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn plain(flow: &Flow) -> PlainFlow {
    let start = Month::new(2020, 1).expect("January is a month");
    PlainFlow::new(flow, Streams::new(1), Calendar::UTC, start, MONTHS).of_customers()
}

/// Interactions per second of the fastest of `repeats` runs, and the interactions of one run.
fn speed(flow: &PlainFlow, contacts: u32, repeats: u32) -> (f64, usize) {
    let mut columns = WalkColumns::default();
    let (mut best, mut rows) = (0.0_f64, 0);
    for _ in 0..repeats {
        let begin = Instant::now();
        rows = 0;
        for first in (0..contacts).step_by(CHUNK as usize) {
            columns.clear();
            flow.walk(first..contacts.min(first + CHUNK), &mut columns);
            rows += columns.kind.len();
        }
        best = best.max(rows as f64 / begin.elapsed().as_secs_f64());
    }
    (best, rows)
}

/// By type: mean number per contact and its standard error.
fn counts(flow: &PlainFlow, kinds: usize, contacts: u32) -> Vec<(f64, f64)> {
    let (mut sums, mut squares) = (vec![0.0; kinds], vec![0.0; kinds]);
    let mut columns = WalkColumns::default();
    for contact in 0..contacts {
        columns.clear();
        flow.walk(contact..contact + 1, &mut columns);
        let mut own = vec![0.0; kinds];
        for &kind in &columns.kind {
            own[usize::from(kind)] += 1.0;
        }
        for (kind, count) in own.into_iter().enumerate() {
            sums[kind] += count;
            squares[kind] += count * count;
        }
    }
    let n = f64::from(contacts);
    let of = |(sum, square): (f64, f64)| {
        let mean = sum / n;
        (mean, ((square / n - mean * mean) / n).sqrt())
    };
    sums.into_iter().zip(squares).map(of).collect()
}

fn main() {
    let contacts = setting("CONTACTS", 2_000);
    let flow = Flow::builtin();
    let open = plain(&flow);
    let (with_calendar, _) = speed(&open, contacts, setting("REPEATS", 1));
    let flow = flow.without_calendar();
    let plain = plain(&flow);
    let (rate, rows) = speed(&plain, contacts, setting("REPEATS", 1));
    let kinds = flow.catalogue().entries();
    let counts = counts(&plain, kinds.len(), contacts.min(20_000));
    let counts: Vec<String> = kinds
        .iter()
        .zip(counts)
        .map(|(kind, (mean, error))| format!("\"{}\":[{mean},{error}]", kind.interaction_type))
        .collect();
    println!(
        "{{\"peer\":\"rvq\",\"rows\":{rows},\"rows_per_second\":{rate:.0},\
         \"with_calendar\":{with_calendar:.0},\"counts\":{{{}}}}}",
        counts.join(",")
    );
}
