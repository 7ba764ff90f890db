//! Sums over those at risk at each event time.

use super::super::layout::columns::{dot, total};
use super::super::layout::{Layout, Run};

/// Sums are taken anew once they fall below this share of their largest value since the last time:
/// what was taken away leaves its rounding behind.
const RENEWED_BELOW: f64 = 1e-3;

/// Per event time: the sum of `risk`, then of `risk · x`, of those at risk.
///
/// Backwards in time: rows come in at their end and go out at their beginning, all of a run together.
pub(super) fn sums_at_risk(layout: &Layout, risk: &[f64]) -> Vec<f64> {
    let width = layout.columns() + 1;
    let (entering, leaving) = sums_by_ends(layout, risk);
    let mut at_risk = entering;
    let mut largest = 0.0_f64;
    for j in (0..layout.times.len()).rev() {
        let (sums, later) = at_risk[j * width..].split_at_mut(width);
        if layout.carries[j] {
            let (carried, left) = (&later[..width], &leaving[(j + 1) * width..]);
            for (sum, (carried, left)) in sums.iter_mut().zip(carried.iter().zip(left)) {
                *sum += carried - left;
            }
        } else {
            largest = 0.0;
        }
        largest = largest.max(sums[0]);
        if sums[0] < RENEWED_BELOW * largest {
            renew(layout, risk, j, sums);
            largest = sums[0];
        }
    }
    at_risk
}

/// Sums of the rows that are at risk for the last time at each event time, and for the first.
fn sums_by_ends(layout: &Layout, risk: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let width = layout.columns() + 1;
    let mut by_last = vec![0.0; layout.times.len() * width];
    let mut by_first = by_last.clone();
    let mut sums = vec![0.0; width];
    for run in &layout.runs {
        sum_run(layout, risk, run, &mut sums);
        let (last, first) = (run.end as usize - 1, run.first as usize);
        add(&mut by_last[last * width..], &sums);
        add(&mut by_first[first * width..], &sums);
    }
    (by_last, by_first)
}

/// Sums the rows at risk at an event time one by one.
fn renew(layout: &Layout, risk: &[f64], time: usize, sums: &mut [f64]) {
    sums.fill(0.0);
    let mut of_run = vec![0.0; sums.len()];
    for run in layout.runs.iter().filter(|run| run.span().contains(&time)) {
        sum_run(layout, risk, run, &mut of_run);
        add(sums, &of_run);
    }
}

fn sum_run(layout: &Layout, risk: &[f64], run: &Run, sums: &mut [f64]) {
    let risk = &risk[run.rows()];
    sums[0] = total(risk, |risk| risk);
    for (sum, column) in sums[1..].iter_mut().zip(layout.x.iter()) {
        *sum = dot(risk, &column[run.rows()]);
    }
}

fn add(sums: &mut [f64], others: &[f64]) {
    for (sum, other) in sums.iter_mut().zip(others) {
        *sum += other;
    }
}
