//! The panel Granger test on a panel in a file: `benches/peers/granger.sh`.
//!
//! One line of JSON. From the environment: `PANEL` a file of little-endian doubles, x and then y by
//! unit, with `UNITS`, `PERIODS` and `LAGS`.

#![allow(clippy::print_stdout, reason = "the line is the result")]

use std::time::Instant as Watch;

use rvq::stats::{Grid, dumitrescu_hurlin};

fn setting(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

fn main() {
    let Ok(path) = std::env::var("PANEL") else { return };
    let [units, periods, lags] =
        ["UNITS", "PERIODS", "LAGS"].map(|name| setting(name).expect("set"));
    let bytes = std::fs::read(path).expect("a file");
    let values: Vec<f64> = bytes
        .chunks_exact(8)
        .map(|chunk| f64::from_le_bytes(chunk.try_into().expect("eight bytes")))
        .collect();
    let (x, y) = values.split_at(units * periods);
    let grid = |values| Grid::new(values, units, periods).expect("a shape that fits");
    let (mut best, mut found) = (f64::INFINITY, None);
    for _ in 0..20 {
        let watch = Watch::now();
        found = Some(dumitrescu_hurlin(grid(x), grid(y), lags).expect("long enough"));
        best = best.min(watch.elapsed().as_secs_f64());
    }
    let statistic = found.expect("runs").z_bar_tilde;
    println!("{{\"seconds\":{best},\"z_bar_tilde\":{statistic:.17}}}");
}
