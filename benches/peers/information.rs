//! Permuting an information coefficient, beside SciPy and NumPy: `benches/peers/information.sh`.
//!
//! One line of JSON. From the environment: `PANEL` a file of little-endian doubles, the score and then the
//! outcome at each horizon, each account by account; `ACCOUNTS`, `MONTHS`, `HORIZONS`, `PERMUTATIONS`.

#![allow(clippy::print_stdout, reason = "the line is the result")]

use std::time::Instant as Watch;

use rvq::rng::{Purpose, Streams};
use rvq::stats::{Grid, permute_histories_many};

fn number(name: &str) -> usize {
    let text = std::env::var(name).expect("set by information.py");
    text.parse().expect("a whole number")
}

fn main() {
    let Ok(file) = std::env::var("PANEL") else { return };
    let bytes = std::fs::read(file).expect("a panel");
    let values: Vec<f64> = bytes
        .chunks_exact(8)
        .map(|bytes| f64::from_le_bytes(bytes.try_into().expect("eight bytes")))
        .collect();
    let (accounts, months) = (number("ACCOUNTS"), number("MONTHS"));
    let grids: Vec<Grid<'_>> = values
        .chunks_exact(accounts * months)
        .map(|values| Grid::new(values, accounts, months).expect("a full grid"))
        .collect();
    assert_eq!(grids.len(), 1 + number("HORIZONS"), "a score and its outcomes");
    let strata = vec![0; accounts];
    let draws = Streams::new(1).global(Purpose::Permutation);
    let watch = Watch::now();
    let tests =
        permute_histories_many(grids[0], &grids[1..], &strata, number("PERMUTATIONS"), draws, 20)
            .expect("a complete panel has a coefficient at every date");
    let seconds = watch.elapsed().as_secs_f64();
    let observed: Vec<f64> = tests.iter().flatten().map(|test| test.observed).collect();
    println!("{{\"seconds\":{seconds:.6},\"observed\":{observed:?}}}");
}
