//! Fitting models of purchases, beside lifetimes: `benches/peers/purchases.sh`.
//!
//! One line of JSON. From the environment: `CUSTOMERS` a file with repeats, last and age by line,
//! separated by commas, `MODEL` `bg_nbd`, `mbg_nbd` or `pareto_nbd`, and `TURNS`, of which the
//! quickest counts.

#![allow(clippy::print_stdout, reason = "the line is the result")]

use std::time::Instant as Watch;

use rvq::stats::{BgNbd, MbgNbd, ParetoNbd, PurchaseSummary, StatsError};

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn customers(text: &str) -> Vec<PurchaseSummary> {
    text.lines()
        .map(|line| {
            let mut cells = line.split(',').map(|cell| cell.parse().expect("a number"));
            let mut next = || cells.next().expect("three numbers");
            PurchaseSummary { repeats: next(), last: next(), age: next() }
        })
        .collect()
}

/// Parameters and log-likelihood of the fit.
fn fit(model: &str, customers: &[PurchaseSummary]) -> Result<([f64; 4], f64), StatsError> {
    match model {
        "mbg_nbd" => MbgNbd::fit(customers).map(|fit| (fit.model.parameters(), fit.log_likelihood)),
        "pareto_nbd" => {
            ParetoNbd::fit(customers).map(|fit| (fit.model.parameters(), fit.log_likelihood))
        }
        _ => BgNbd::fit(customers).map(|fit| (fit.model.parameters(), fit.log_likelihood)),
    }
}

fn main() {
    let Some(file) = setting("CUSTOMERS") else { return };
    let customers = customers(&std::fs::read_to_string(file).expect("a file of customers"));
    let model = setting("MODEL").unwrap_or_default();
    let turns = setting("TURNS").and_then(|text| text.parse().ok()).unwrap_or(1_u32);
    let mut quickest = f64::INFINITY;
    let mut found = ([0.0; 4], 0.0);
    for _ in 0..turns {
        let watch = Watch::now();
        found = fit(&model, &customers).expect("these customers have a fit");
        quickest = quickest.min(watch.elapsed().as_secs_f64());
    }
    let (parameters, log_likelihood) = found;
    println!(
        "{{\"seconds\":{quickest:.6},\"parameters\":{parameters:?},\"log_likelihood\":{log_likelihood:?}}}"
    );
}
