//! What two variables share beyond what is known, with accounts as clusters.

use std::collections::BTreeMap;

use crate::stats::{NormalEquations, normal_scores};

/// One account at one date: two variables and what is known.
#[derive(Debug, Clone)]
pub(super) struct Observation {
    pub(super) account: usize,
    pub(super) date: usize,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) known: Vec<f64>,
}

/// A partial rank correlation.
#[derive(Debug, Clone)]
pub(super) struct Partial {
    pub(super) correlation: f64,
    /// Σ over accounts of their products over its root sum of squares: about standard normal
    /// without correlation.
    pub(super) t: f64,
    /// Position of the observations that say it most.
    pub(super) strongest: Vec<usize>,
}

/// Accounts and observations below which nothing is said.
const LEAST_ACCOUNTS: usize = 30;
const LEAST_ROWS: usize = 100;
/// Observations that must share a date.
const LEAST_AT_DATE: usize = 10;

/// Correlation of x and y given what is known, all as normal scores within their date.
///
/// ```text
/// r = Σ eₓ e_y / √(Σ eₓ² Σ e_y²)      e: residuals of least squares on the known
/// t = Σ_a s_a / √(Σ_a s_a²)           s_a = Σ of account a's eₓ e_y
/// ```
///
/// None when there is too little to say, or when one of the two is known.
pub(super) fn partial(rows: &[Observation]) -> Option<Partial> {
    let mut by_date: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (position, row) in rows.iter().enumerate() {
        by_date.entry(row.date).or_default().push(position);
    }
    by_date.retain(|_, positions| positions.len() >= LEAST_AT_DATE);
    let kept: Vec<usize> = by_date.values().flatten().copied().collect();
    let width = rows.first()?.known.len();
    let mut scored: Vec<Vec<f64>> = vec![Vec::with_capacity(kept.len()); width + 2];
    for positions in by_date.values() {
        for (column, scores) in scored.iter_mut().enumerate() {
            let value = |&position: &usize| match column.checked_sub(2) {
                Some(known) => rows[position].known[known],
                None if column == 0 => rows[position].x,
                None => rows[position].y,
            };
            let values: Vec<f64> = positions.iter().map(value).collect();
            scores.extend(normal_scores(&values));
        }
    }
    let known: Vec<&[f64]> = scored[2..].iter().map(Vec::as_slice).collect();
    let left = |values: &[f64]| residuals(values, &known, NOTHING_LEFT);
    let (ex, ey) = (left(&scored[0])?, left(&scored[1])?);
    let mut by_account: BTreeMap<usize, f64> = BTreeMap::new();
    for ((position, ex), ey) in kept.iter().zip(&ex).zip(&ey) {
        *by_account.entry(rows[*position].account).or_default() += ex * ey;
    }
    if by_account.len() < LEAST_ACCOUNTS || kept.len() < LEAST_ROWS {
        return None;
    }
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let correlation = sum(&ex, &ey) / (sum(&ex, &ex) * sum(&ey, &ey)).sqrt();
    let total: f64 = by_account.values().sum();
    let spread: f64 = by_account.values().map(|s| s * s).sum();
    let mut order: Vec<usize> = (0..kept.len()).collect();
    let strength = |i: usize| correlation.signum() * ex[i] * ey[i];
    order.sort_by(|&a, &b| strength(b).total_cmp(&strength(a)));
    let strongest = order.iter().take(3).map(|&i| kept[i]).collect();
    Some(Partial { correlation, t: total / spread.sqrt(), strongest })
}

/// Share of the variance of ranks below which nothing is left of a variable that the known determine.
const NOTHING_LEFT: f64 = 1e-3;
/// Likewise of values as they are, of which a level that lasts may be most.
const ROUNDING: f64 = 1e-12;

/// What least squares on `known` leaves of `values`; none when that is less than `floor` of their
/// variance.
fn residuals(values: &[f64], known: &[&[f64]], floor: f64) -> Option<Vec<f64>> {
    let row = |i: usize| known.iter().map(|column| column[i]).collect::<Vec<f64>>();
    let mut sample = NormalEquations::new(known.len());
    for (i, value) in values.iter().enumerate() {
        sample.add(&row(i), *value).ok()?;
    }
    let fit = sample.solve().ok()?;
    let left: Vec<f64> =
        values.iter().enumerate().map(|(i, value)| value - fit.predict_row(&row(i))).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (squares(&left) > floor * variance).then_some(left)
}

fn squares(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum()
}

/// Slope of `y` on `x` beside `known` (and an intercept), with its account-clustered t; none when
/// the known leave nothing of one of them.
pub(super) fn slope(
    y: &[f64],
    x: &[f64],
    known: &[&[f64]],
    accounts: &[usize],
) -> Option<(f64, f64)> {
    let v = residuals(x, known, ROUNDING)?;
    let y = residuals(y, known, ROUNDING)?;
    let vv = squares(&v);
    let slope = v.iter().zip(&y).map(|(v, y)| v * y).sum::<f64>() / vv;
    let mut by_account: BTreeMap<usize, f64> = BTreeMap::new();
    for ((account, v), y) in accounts.iter().zip(&v).zip(&y) {
        *by_account.entry(*account).or_default() += v * (y - slope * v);
    }
    let error = by_account.values().map(|s| s * s).sum::<f64>().sqrt() / vv;
    // A fit without error is as sure as can be.
    Some((slope, slope / error.max(1e-9 * slope.abs()).max(f64::MIN_POSITIVE)))
}

/// Share of what `known` leave of `y` that `x` explain beside them, in `[0, 1]`.
pub(super) fn share_explained(y: &[f64], x: &[&[f64]], known: &[&[f64]]) -> f64 {
    let Some(without) = residuals(y, known, ROUNDING) else { return 0.0 };
    let all: Vec<&[f64]> = known.iter().chain(x).copied().collect();
    residuals(y, &all, 0.0).map_or(1.0, |with| 1.0 - squares(&with) / squares(&without))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without a pattern, in (−½, ½).
    fn noise(seed: usize) -> f64 {
        (seed as f64 * 12.989_8).sin().mul_add(43_758.545_3, 0.0).rem_euclid(1.0) - 0.5
    }

    fn rows(x: impl Fn(f64, f64) -> f64) -> Vec<Observation> {
        (0..2_000)
            .map(|i| {
                let (known, y) = (noise(3 * i), noise(3 * i + 1));
                let x = x(known, y) + 1e-3 * noise(3 * i + 2);
                Observation { account: i / 20, date: i % 20, x, y: y + known, known: vec![known] }
            })
            .collect()
    }

    #[test]
    fn what_is_known_explains_itself_and_the_future_does_not() {
        let honest = partial(&rows(|known, _| known));
        assert!(honest.is_none_or(|found| found.correlation.abs() < 0.1));
        let leaking = partial(&rows(|known, y| known + y)).unwrap();
        assert!(leaking.correlation > 0.9 && leaking.t > 5.0, "{leaking:?}");
        assert!(partial(&rows(|_, y| y)[..50]).is_none());
    }

    #[test]
    fn a_slope_is_that_of_least_squares() {
        let a: Vec<f64> = (0..200).map(|i| noise(2 * i)).collect();
        let b: Vec<f64> = (0..200).map(|i| noise(2 * i + 1) + 0.5 * a[i]).collect();
        let y: Vec<f64> = (0..200).map(|i| 1.0 + 2.0 * a[i] - 3.0 * b[i]).collect();
        let accounts: Vec<usize> = (0..200).map(|i| i / 4).collect();
        let (found, t) = slope(&y, &b, &[&a], &accounts).unwrap();
        assert!((found + 3.0).abs() < 1e-9 && t < -100.0, "{found} {t}");
        assert!((share_explained(&y, &[&b], &[&a]) - 1.0).abs() < 1e-9);
        // What the known determine has no slope on anything.
        assert_eq!(slope(&y, &b, &[&y], &accounts), None);
    }

    #[test]
    fn partial_correlation_and_clustered_slope_match_scipy_and_statsmodels() {
        let wave = |rate: f64, i: usize| (rate * i as f64).sin();
        let rows: Vec<Observation> = (0..800)
            .map(|i| {
                let (known, news) = (wave(1.7, i), (2.3 * i as f64).cos());
                let (x, y) = (known + 0.5 * news + wave(3.1, i), known + news);
                Observation { account: i / 20, date: i % 20, x, y, known: vec![known] }
            })
            .collect();
        // scipy 1.17.1 (rankdata, norm.ppf) and numpy.linalg.lstsq.
        let found = partial(&rows).unwrap();
        assert!((found.correlation - 0.455_123_786_759_037_5).abs() < 1e-9, "{found:?}");
        assert!((found.t - 6.039_473_139_122_869).abs() < 1e-9, "{found:?}");
        // statsmodels 0.15.0, cov_type = cluster without its small-sample correction.
        let column = |of: fn(&Observation) -> f64| rows.iter().map(of).collect::<Vec<f64>>();
        let (x, y) = (column(|row| row.x), column(|row| row.y));
        let known = column(|row| row.known[0]);
        let accounts: Vec<usize> = rows.iter().map(|row| row.account).collect();
        let (slope, t) = slope(&y, &x, &[&known], &accounts).unwrap();
        assert!((slope - 0.397_550_233_900_228_6).abs() < 1e-9, "{slope}");
        assert!((t - 12.079_528_134_410_25).abs() < 1e-8, "{t}");
    }
}
