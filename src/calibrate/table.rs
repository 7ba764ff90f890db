//! How far a world is from its targets, as aligned text.

use std::fmt::Write as _;

use crate::backtest::Moments;

use super::targets::{Target, Targets};

/// Whether every target is met.
pub fn all_met(targets: &Targets, moments: &Moments) -> bool {
    targets.as_slice().iter().all(|target| target.contains(moments.value(target.moment)))
}

/// Each target with its band, what the cohort reached, the 95 % sampling interval of that, and
/// whether it lies in the band.
pub fn target_table(targets: &Targets, moments: &Moments) -> String {
    let rows: Vec<[String; 5]> =
        targets.as_slice().iter().map(|target| cells(target, moments)).collect();
    aligned(&[["target", "wanted", "reached", "95 % interval", "met"].map(str::to_owned)], &rows)
}

fn cells(target: &Target, moments: &Moments) -> [String; 5] {
    let found = moments.figure(target.moment);
    let met = if target.contains(found.estimate) { "yes" } else { "no" };
    [
        target.moment.key().to_owned(),
        format!("{} ± {}", target.value, target.within),
        format!("{:.3}", found.estimate),
        format!("{:.3} to {:.3}", found.low, found.high),
        met.to_owned(),
    ]
}

/// Rows of cells below their headers, in columns.
pub(super) fn aligned<const N: usize>(header: &[[String; N]], rows: &[[String; N]]) -> String {
    let all = || header.iter().chain(rows);
    let widths: [usize; N] = std::array::from_fn(|column| {
        all().map(|row| row[column].chars().count()).max().unwrap_or(0)
    });
    let mut text = String::new();
    for row in all() {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            write!(line, "{cell:width$}  ").expect("a string takes every word");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
