//! The partial likelihood as it is written, each risk set by itself, to hold the sums against.

use proptest::prelude::*;

use super::layout::Layout;
use super::newton::score;
use super::residuals::score_residuals;
use super::sweep::Sweep;
use super::{CoxFit, CoxRows, Ties};

const COLUMNS: usize = 2;

#[derive(Debug, Clone, Default)]
struct Data {
    entry: Vec<f64>,
    exit: Vec<f64>,
    event: Vec<bool>,
    stratum: Vec<u32>,
    x: Vec<f64>,
}

/// What one set of coefficients gives.
#[derive(Debug, Default)]
struct Naive {
    log_likelihood: f64,
    score: [f64; COLUMNS],
    information: [[f64; COLUMNS]; COLUMNS],
    /// Per row.
    martingale: Vec<f64>,
    score_residuals: Vec<[f64; COLUMNS]>,
}

impl Data {
    fn rows(&self) -> CoxRows<'_> {
        let rows = CoxRows::new(&self.entry, &self.exit, &self.event, &self.x, COLUMNS).unwrap();
        rows.with_strata(&self.stratum).unwrap()
    }

    fn x(&self, i: usize) -> [f64; COLUMNS] {
        [self.x[COLUMNS * i], self.x[COLUMNS * i + 1]]
    }

    /// Rows with an event by stratum and time.
    fn event_times(&self) -> Vec<Vec<usize>> {
        let key = |i: usize| (self.stratum[i], self.exit[i]);
        let mut events: Vec<usize> = (0..self.exit.len()).filter(|&i| self.event[i]).collect();
        events.sort_by(|&a, &b| key(a).partial_cmp(&key(b)).unwrap());
        events.chunk_by(|&a, &b| key(a) == key(b)).map(<[usize]>::to_vec).collect()
    }

    fn naive(&self, beta: [f64; COLUMNS], ties: Ties) -> Naive {
        let n = self.exit.len();
        let eta = |i: usize| self.x(i)[0] * beta[0] + self.x(i)[1] * beta[1];
        let mut sums = Naive {
            martingale: self.event.iter().map(|event| f64::from(u8::from(*event))).collect(),
            score_residuals: vec![[0.0; COLUMNS]; n],
            ..Naive::default()
        };
        for tied in self.event_times() {
            let (time, stratum) = (self.exit[tied[0]], self.stratum[tied[0]]);
            let at_risk: Vec<usize> = (0..n)
                .filter(|&i| self.stratum[i] == stratum)
                .filter(|&i| self.entry[i] < time && time <= self.exit[i])
                .collect();
            for (l, &own) in tied.iter().enumerate() {
                let gone = if ties == Ties::Efron { l as f64 / tied.len() as f64 } else { 0.0 };
                let there = |i: usize| if tied.contains(&i) { 1.0 - gone } else { 1.0 };
                let risk = |i: usize| there(i) * (eta(i) - eta(own)).exp();
                let total: f64 = at_risk.iter().map(|&i| risk(i)).sum();
                let mean = |of: &dyn Fn(usize) -> f64| -> f64 {
                    at_risk.iter().map(|&i| risk(i) / total * of(i)).sum()
                };
                sums.log_likelihood -= total.ln();
                let means = [mean(&|i| self.x(i)[0]), mean(&|i| self.x(i)[1])];
                for a in 0..COLUMNS {
                    sums.score[a] += self.x(own)[a] - means[a];
                    for b in 0..COLUMNS {
                        let product =
                            |i: usize| (self.x(i)[a] - means[a]) * (self.x(i)[b] - means[b]);
                        sums.information[a][b] += mean(&product);
                    }
                    for &i in &tied {
                        let share = 1.0 / tied.len() as f64;
                        sums.score_residuals[i][a] += share * (self.x(i)[a] - means[a]);
                    }
                    for &i in &at_risk {
                        sums.score_residuals[i][a] -= risk(i) / total * (self.x(i)[a] - means[a]);
                    }
                }
                for &i in &at_risk {
                    sums.martingale[i] -= risk(i) / total;
                }
            }
        }
        sums
    }
}

/// Rows of one to nine months, at their beginning or at any moment of it, in three strata, one of which
/// may be without events.
fn data() -> impl Strategy<Value = Data> {
    let row = (0..8_u32, 1..9_u32, any::<bool>(), 0..3_u32, 0.0..1.0_f64, -2.0..2.0_f64, 0..3_u32);
    (prop::collection::vec(row, 2..60), any::<bool>()).prop_map(|(rows, tied)| {
        let mut data = Data::default();
        for (entry, months, event, stratum, within, x, step) in rows {
            let entry = f64::from(entry) + if tied { 0.0 } else { within };
            data.entry.push(entry);
            data.exit.push(entry + f64::from(months) * if tied { 1.0 } else { 0.9 });
            data.event.push(event && (stratum != 2 || step == 0));
            data.stratum.push(7 * stratum);
            data.x.extend([x, 10.0 + f64::from(step)]);
        }
        data
    })
}

fn near(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-10 * expected.abs().max(1.0)
}

proptest! {
    #[test]
    fn sums_are_those_of_every_risk_set_by_itself(
        data in data(),
        beta in [-2.0..2.0_f64, -2.0..2.0_f64],
        efron in any::<bool>(),
    ) {
        let ties = if efron { Ties::Efron } else { Ties::Breslow };
        let Ok(layout) = Layout::new(&data.rows()) else { return Ok(()) };
        let naive = data.naive(beta, ties);
        let scale = &layout.scale;
        let sweep = Sweep::new(&layout, &[beta[0] * scale[0], beta[1] * scale[1]], ties);
        let moments = sweep.moments();
        prop_assert!(near(sweep.log_likelihood, naive.log_likelihood));
        let score = score(&layout, &moments, |_| 1.0);
        let information = sweep.information(&layout, &moments, |_| 1.0);
        let residuals = score_residuals(&layout, &sweep, &moments);
        let expected = sweep.expected(&layout, &moments, |_| 1.0);
        for a in 0..COLUMNS {
            prop_assert!(near(score[a] * scale[a], naive.score[a]));
            for b in 0..COLUMNS {
                let found = information[(a, b)] * scale[a] * scale[b];
                prop_assert!(near(found, naive.information[a][b]));
            }
            for (found, &row) in residuals[a].iter().zip(&layout.row) {
                let naive = naive.score_residuals[row as usize][a];
                prop_assert!(near(found * scale[a], naive), "{found} {naive}");
            }
        }
        for (found, &row) in expected.iter().zip(&layout.row) {
            let event = f64::from(u8::from(data.event[row as usize]));
            prop_assert!(near(event - found, naive.martingale[row as usize]));
        }
    }

    #[test]
    fn the_score_vanishes_at_the_estimate(data in data(), efron in any::<bool>()) {
        let ties = if efron { Ties::Efron } else { Ties::Breslow };
        let Ok(fit) = CoxFit::fit(&data.rows(), ties) else { return Ok(()) };
        let naive = data.naive([fit.coefficients[0].estimate, fit.coefficients[1].estimate], ties);
        for (a, error) in fit.model_std_errors.iter().enumerate() {
            prop_assert!((naive.score[a] * error).abs() < 1e-9, "{}", naive.score[a]);
        }
        let [[aa, ab], [_, bb]] = naive.information;
        let variance = bb / (aa * bb - ab * ab);
        prop_assert!((fit.covariance[0] / variance - 1.0).abs() < 1e-7);
    }
}
