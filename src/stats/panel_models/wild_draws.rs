//! The draws of a wild cluster bootstrap, as functions of the null.

use super::long_panel::LongPanel;
use super::unit_regression::{Basis, dot};
use super::wild::NAME;
use super::within::FixedEffects;
use crate::stats::binomial::Interval;
use crate::stats::error::StatsError;

/// Sums over clusters that every draw is made of.
///
/// With v the column without all others and β₀ imposed, ũ = u − β₀ v. The coefficient of a draw is
/// a'(w∘ũ), a = v/v'v, and its residuals are what all columns leave of w∘ũ.
pub(super) struct Model {
    pub(super) estimate: f64,
    /// a'u and a'v of each cluster.
    direct: Vec<[f64; 2]>,
    /// Q'a of each cluster, Q: orthogonal directions of all columns.
    along: Vec<Vec<f64>>,
    /// Q'u and Q'v of each cluster.
    onto: Vec<Vec<[f64; 2]>>,
}

/// A draw's coefficient less β₀ is `n0 − β₀ n1`, its squared error `d0 − 2 β₀ d1 + β₀² d2`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statistic {
    n0: f64,
    n1: f64,
    pub(super) d0: f64,
    d1: f64,
    d2: f64,
}

impl Statistic {
    /// t² with the null at a value.
    fn squared(self, null: f64) -> f64 {
        let top = (self.n0 - null * self.n1).powi(2);
        let bottom = self.d0 - 2.0 * null * self.d1 + null * null * self.d2;
        // A draw without error counts as beyond everything.
        if bottom > 1e-24 * top { top / bottom } else { f64::INFINITY }
    }
}

impl Model {
    pub(super) fn new(
        panel: &LongPanel,
        effects: Option<FixedEffects>,
        column: usize,
        cluster: &[usize],
        clusters: usize,
    ) -> Result<Self, StatsError> {
        let swept = |mut values: Vec<f64>| {
            if effects.is_some() {
                // Twice, against the rounding of a large level.
                subtract_means(panel, &mut values);
                subtract_means(panel, &mut values);
            }
            values
        };
        let column_of = |j: usize| -> Vec<f64> {
            swept(panel.x.iter().skip(j).step_by(panel.columns).copied().collect())
        };
        let constant = StatsError::Constant { statistic: NAME };
        let mut basis = Basis::new();
        if effects.is_none() {
            basis.add(vec![1.0; panel.rows()]);
        }
        if effects == Some(FixedEffects::UnitAndPeriod) {
            for period in panel.periods() {
                let dummy = panel.period.iter().map(|p| f64::from(u8::from(*p == period)));
                // The last of a connected set of periods follows from the others.
                basis.add(swept(dummy.collect()));
            }
        }
        for j in (0..panel.columns).filter(|j| *j != column) {
            if !basis.add(column_of(j)) {
                return Err(constant);
            }
        }
        let v = basis.residual(column_of(column)).ok_or(constant.clone())?;
        let mut u = swept(panel.y.clone());
        basis.sweep(&mut u);
        let length = dot(&v, &v);
        let estimate = dot(&v, &u) / length;
        basis.add(v.clone());
        let mut model = Self {
            estimate,
            direct: vec![[0.0; 2]; clusters],
            along: vec![vec![0.0; basis.directions.len()]; clusters],
            onto: vec![vec![[0.0; 2]; basis.directions.len()]; clusters],
        };
        for (row, &g) in cluster.iter().enumerate() {
            let a = v[row] / length;
            model.direct[g][0] += a * u[row];
            model.direct[g][1] += a * v[row];
            for (j, q) in basis.directions.iter().enumerate() {
                model.along[g][j] += q[row] * a;
                model.onto[g][j][0] += q[row] * u[row];
                model.onto[g][j][1] += q[row] * v[row];
            }
        }
        let itself = model.statistic(&vec![1.0; clusters]);
        if itself.d0 <= 1e-24 * dot(&u, &u) / length {
            return Err(constant);
        }
        Ok(model)
    }

    pub(super) fn statistic(&self, weights: &[f64]) -> Statistic {
        let mut fitted = vec![[0.0; 2]; self.along[0].len()];
        for (onto, w) in self.onto.iter().zip(weights) {
            for (sum, value) in fitted.iter_mut().zip(onto) {
                sum[0] += w * value[0];
                sum[1] += w * value[1];
            }
        }
        let mut found = Statistic { n0: 0.0, n1: 0.0, d0: 0.0, d1: 0.0, d2: 0.0 };
        for ((direct, along), w) in self.direct.iter().zip(&self.along).zip(weights) {
            let score = [0, 1].map(|part| {
                let explained = along.iter().zip(&fitted).map(|(a, f)| a * f[part]);
                w * direct[part] - explained.sum::<f64>()
            });
            found.n0 += w * direct[0];
            found.n1 += w * direct[1];
            found.d0 += score[0] * score[0];
            found.d1 += score[0] * score[1];
            found.d2 += score[1] * score[1];
        }
        found
    }
}

fn subtract_means(panel: &LongPanel, values: &mut [f64]) {
    for span in panel.spans() {
        let mean = values[span.clone()].iter().sum::<f64>() / span.len() as f64;
        values[span].iter_mut().for_each(|value| *value -= mean);
    }
}

pub(super) struct Drawn {
    pub(super) observed: Statistic,
    pub(super) all: Vec<Statistic>,
    pub(super) enumerated: bool,
}

impl Drawn {
    pub(super) fn p_value(&self, null: f64) -> f64 {
        // Draws that repeat the sample, or its mirror, are as far out as it is, up to rounding.
        let limit = self.observed.squared(null) * (1.0 - 1e-9);
        let beyond = self.all.iter().filter(|draw| draw.squared(null) >= limit).count() as f64;
        let draws = self.all.len() as f64;
        if self.enumerated { beyond / draws } else { (beyond + 1.0) / (draws + 1.0) }
    }

    pub(super) fn interval(&self, estimate: f64, std_error: f64) -> Option<Interval> {
        let low = self.end(estimate, -std_error)?;
        let high = self.end(estimate, std_error)?;
        Some(Interval { low, high })
    }

    /// The last value on one side that is not rejected, to 1e-12 of the standard error.
    fn end(&self, estimate: f64, step: f64) -> Option<f64> {
        let (mut inside, mut outside) = (0.0, 1.0);
        while self.p_value(estimate + outside * step) >= 0.05 {
            inside = outside;
            outside *= 2.0;
            if outside > 1e9 {
                return None;
            }
        }
        while outside - inside > 1e-12 * outside {
            let middle = f64::midpoint(inside, outside);
            let kept = self.p_value(estimate + middle * step) >= 0.05;
            if kept { inside = middle } else { outside = middle }
        }
        Some(estimate + inside * step)
    }
}
