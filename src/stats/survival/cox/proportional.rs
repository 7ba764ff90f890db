//! Whether hazards are proportional.

use super::super::super::error::StatsError;
use super::super::chi_square::ChiSquareTest;
use super::super::kaplan_meier::kaplan_meier;
use super::NAME;
use super::fit::CoxFit;
use super::layout::Layout;
use super::newton::{factorise, score};
use super::rows::CoxRows;

/// The clock on which a coefficient would drift.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TimeTransform {
    /// One minus the Kaplan-Meier survival just before the event: even weight to all events.
    #[default]
    KaplanMeier,
    /// Time itself.
    Identity,
    /// The logarithm of time.
    Log,
}

/// A test that log hazard ratios do not drift with time.
#[derive(Debug, Clone, PartialEq)]
pub struct ProportionalHazardsTest {
    /// One test per column that its coefficient is constant.
    pub columns: Vec<ChiSquareTest>,
    /// The test that all are.
    pub global: ChiSquareTest,
}

impl CoxFit {
    /// Grambsch-Therneau test of proportional hazards, as the score test that it is.
    ///
    /// ```text
    /// model: β_k(t) = β_k + θ_k g(t)      H₀: θ_k = 0
    /// U = Σ_events g(tᵢ) (xᵢ − x̄(tᵢ))     J_m = Σ_events g(tᵢ)^m Var(x | risk set of tᵢ)
    /// global: U' (J₂ − J₁ J₀⁻¹ J₁)⁻¹ U     column k: U_k² / (J₂ − J₁ J₀⁻¹ J₁)_kk
    /// ```
    ///
    /// Current R (`cox.zph` from survival 3.0 on) computes this; the older approximation, which takes
    /// the variance of x as the same at all event times, gives other numbers and is what lifelines
    /// has. The test takes rows as independent, with clusters too.
    ///
    /// # Errors
    ///
    /// `OutOfRange` for the logarithm of a time that is not positive; `Collinear` when a column
    /// leaves nothing to drift, as with one event time.
    ///
    /// # Source
    ///
    /// Grambsch and Therneau (1994), *Biometrika* 81(3), 515–526. Parity: R `survival::cox.zph`,
    /// `tests/fixtures/cox_r.json`.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::{CoxFit, CoxRows, Ties, TimeTransform};
    ///
    /// let (entry, exit, event) = ([0.0; 4], [1.0, 2.0, 3.0, 4.0], [true; 4]);
    /// let rows = CoxRows::new(&entry, &exit, &event, &[2.0, 0.0, 3.0, 1.0], 1)?;
    /// let fit = CoxFit::fit(&rows, Ties::Efron)?;
    /// let drift = fit.proportional_hazards(TimeTransform::KaplanMeier)?;
    /// assert!(drift.global.p_value > 0.1 && drift.global.df == 1);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn proportional_hazards(
        &self,
        transform: TimeTransform,
    ) -> Result<ProportionalHazardsTest, StatsError> {
        let (layout, optimum) = (&self.layout, &self.optimum);
        let clock = self.clock(transform)?;
        let at = |j: usize| clock[j];
        let of_time = score(layout, &optimum.moments, at);
        let moments = &optimum.moments;
        let crossed = optimum.sweep.information(layout, moments, at);
        let squared = optimum.sweep.information(layout, moments, |j| at(j) * at(j));
        let left = &squared - &crossed * optimum.factor.solve(&crossed);
        let nothing = |column: usize| StatsError::Collinear { statistic: NAME, column };
        let p = layout.columns();
        if let Some(column) = (0..p).find(|&k| left[(k, k)] <= 1e-12 * squared[(k, k)]) {
            return Err(nothing(column));
        }
        let factor = factorise(&left, 1e-12).map_err(nothing)?;
        let of_column = |k: usize| ChiSquareTest::new(of_time[k] * of_time[k] / left[(k, k)], 1);
        Ok(ProportionalHazardsTest {
            columns: (0..p).map(of_column).collect::<Result<_, _>>()?,
            global: ChiSquareTest::new(of_time.dot(&factor.solve(&of_time)), p)?,
        })
    }

    /// The clock at each event time about its mean, which changes no test but saves digits, and with a
    /// largest value of 1.
    fn clock(&self, transform: TimeTransform) -> Result<Vec<f64>, StatsError> {
        let times = &self.layout.times;
        let clock: Vec<f64> = match transform {
            TimeTransform::KaplanMeier => self.survival_before.iter().map(|s| 1.0 - s).collect(),
            TimeTransform::Identity => times.clone(),
            TimeTransform::Log => match times.iter().find(|time| **time <= 0.0) {
                Some(&value) => {
                    let expected = "positive for its logarithm";
                    return Err(StatsError::OutOfRange { argument: "time", value, expected });
                }
                None => times.iter().map(|time| time.ln()).collect(),
            },
        };
        let mean = clock.iter().map(|c| c / clock.len() as f64).sum::<f64>();
        let largest = clock.iter().map(|c| (c - mean).abs()).fold(0.0, f64::max);
        if largest <= 0.0 {
            return Err(StatsError::Collinear { statistic: NAME, column: 0 });
        }
        Ok(clock.iter().map(|c| (c - mean) / largest).collect())
    }
}

/// Kaplan-Meier survival of all rows together, strata or not, just before each event time.
pub(super) fn survival_before(rows: &CoxRows, layout: &Layout) -> Vec<f64> {
    if rows.stratum.is_none() {
        return survival_of_layout(layout);
    }
    let curve = kaplan_meier(rows.entry, rows.exit, rows.event).expect("rows were checked");
    layout.times.iter().map(|time| curve.before(*time)).collect()
}

/// The same without strata, where the layout knows who is at risk at each event time.
fn survival_of_layout(layout: &Layout) -> Vec<f64> {
    let mut entered = vec![0_i64; layout.times.len() + 1];
    for run in &layout.runs {
        let rows = run.rows().len() as i64;
        entered[run.first as usize] += rows;
        entered[run.end as usize] -= rows;
    }
    let (mut at_risk, mut survival) = (0, 1.0);
    (0..layout.times.len())
        .map(|j| {
            let before = survival;
            at_risk += entered[j];
            survival *= 1.0 - layout.events_at(j).len() as f64 / at_risk as f64;
            before
        })
        .collect()
}
