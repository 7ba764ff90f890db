//! Which of several models may be the best.

use super::super::error::StatsError;
use super::resampled::ResampledMeans;

/// What is looked at when asking whether all models left are equally good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetStatistic {
    /// The largest standardised difference between two models.
    Range,
    /// The largest standardised distance of a model from the mean of those left.
    Max,
}

/// A model confidence set at every size.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfidenceSet {
    /// P-value of each model: the largest size at which it is in the set.
    pub p_values: Vec<f64>,
    /// Models in the order they were thrown out, the last one left at the end.
    pub order: Vec<usize>,
}

impl ConfidenceSet {
    /// The models of the set that holds the best with probability `1 − size`.
    pub fn members(&self, size: f64) -> Vec<usize> {
        (0..self.p_values.len()).filter(|&model| self.p_values[model] > size).collect()
    }
}

/// Model confidence set: the models that the data cannot tell from the best.
///
/// ```text
/// tᵢⱼ = (L̄ᵢ − L̄ⱼ) / √v(L̄ᵢ − L̄ⱼ)      Range: max tᵢⱼ, throws out the i of the maximum
/// tᵢ = (L̄ᵢ − L̄.) / √v(L̄ᵢ − L̄.)       Max: max tᵢ, throws out the i of the maximum
/// v: mean square over resamples of the difference less its value in the data
/// p of a step = #{b : statistic of (L̄* − L̄) > statistic} / B
/// p of a model = largest p of the steps up to the one that throws it out; 1 for the last
/// ```
///
/// L̄. is the mean over the models still left. Nothing is added to k and B, as the authors have it: a p
/// of 0 means below 1/B. With few informative data the set is large; that is its message.
///
/// # Errors
///
/// `TooFew` with fewer than 2 models; `Constant` when two models never differ, or by a constant.
///
/// # Source
///
/// Hansen, Lunde and Nason (2011), *Econometrica* 79(2), 453–497. Parity: `arch.bootstrap.MCS`, both
/// methods, with its own resamples, `tests/fixtures/confidence_set.json`, tolerance 1e-12.
///
/// # Examples
///
/// ```
/// use rvq::{rng::{Purpose, Streams}, stats::{ResampledMeans, SetStatistic, model_confidence_set}};
/// // Two models alike and one far worse, on thirty accounts.
/// let noise = |i: u32| f64::from(i * 37 % 29) / 29.0;
/// let losses: Vec<f64> =
///     (0..30).flat_map(|i| [noise(i), noise(i + 7), 3.0 + noise(i + 11)]).collect();
/// let accounts: Vec<u32> = (0..30).collect();
/// let draws = Streams::new(1).global(Purpose::Bootstrap);
/// let means = ResampledMeans::by_cluster(&losses, 3, &accounts, 999, draws)?;
/// assert_eq!(model_confidence_set(&means, SetStatistic::Range)?.members(0.1), [0, 1]);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn model_confidence_set(
    means: &ResampledMeans,
    statistic: SetStatistic,
) -> Result<ConfidenceSet, StatsError> {
    let models = means.models();
    if models < 2 {
        let statistic = "model_confidence_set";
        return Err(StatsError::TooFew { statistic, needed: 2, got: models });
    }
    let mut left: Vec<usize> = (0..models).collect();
    let (mut p_values, mut order) = (vec![1.0; models], vec![]);
    let mut largest: f64 = 0.0;
    while left.len() > 1 {
        let step = match statistic {
            SetStatistic::Range => range_step(means, &left)?,
            SetStatistic::Max => max_step(means, &left)?,
        };
        largest = largest.max(step.p_value);
        p_values[step.worst] = largest;
        order.push(step.worst);
        left.retain(|&model| model != step.worst);
    }
    order.extend(left);
    Ok(ConfidenceSet { p_values, order })
}

struct Step {
    p_value: f64,
    worst: usize,
}

fn range_step(means: &ResampledMeans, left: &[usize]) -> Result<Step, StatsError> {
    let mut apart: Vec<Comparison> = vec![];
    for (at, &i) in left.iter().enumerate() {
        for &j in &left[at + 1..] {
            apart.push(Comparison::new(means, i, |row| row[i] - row[j])?);
        }
    }
    // Of the two orders of a pair the larger t is the absolute one, thrown out is its worse model.
    let worse = |pair: usize, t: f64| {
        let (mut at, mut first) = (pair, 0);
        while at >= left.len() - 1 - first {
            at -= left.len() - 1 - first;
            first += 1;
        }
        if t > 0.0 { left[first] } else { left[first + 1 + at] }
    };
    let (mut observed, mut worst) = (f64::NEG_INFINITY, left[0]);
    for (pair, comparison) in apart.iter().enumerate() {
        if comparison.t.abs() > observed {
            observed = comparison.t.abs();
            worst = worse(pair, comparison.t);
        }
    }
    let p_value = exceeding(&apart, observed, f64::abs);
    Ok(Step { p_value, worst })
}

fn max_step(means: &ResampledMeans, left: &[usize]) -> Result<Step, StatsError> {
    let middle = |row: &[f64]| left.iter().map(|&i| row[i]).sum::<f64>() / left.len() as f64;
    let apart: Vec<Comparison> = left
        .iter()
        .map(|&i| Comparison::new(means, i, |row| row[i] - middle(row)))
        .collect::<Result<_, _>>()?;
    let mut worst = &apart[0];
    for comparison in &apart {
        if comparison.t > worst.t {
            worst = comparison;
        }
    }
    let p_value = exceeding(&apart, worst.t, |t| t);
    Ok(Step { p_value, worst: worst.model })
}

/// A difference of means in standard errors, in the data and in each resample less that in the data.
struct Comparison {
    model: usize,
    t: f64,
    resampled: Vec<f64>,
}

impl Comparison {
    fn new(
        means: &ResampledMeans,
        model: usize,
        difference: impl Fn(&[f64]) -> f64,
    ) -> Result<Self, StatsError> {
        let observed = difference(&means.mean);
        let mut resampled: Vec<f64> =
            means.resampled.chunks(means.models()).map(|row| difference(row) - observed).collect();
        let squares: f64 = resampled.iter().map(|d| d * d).sum();
        let scale = (squares / resampled.len() as f64).sqrt();
        // Rounding leaves a little where two models differ by a constant.
        let size = means.mean.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        if scale <= 1e-14 * size {
            return Err(StatsError::Constant { statistic: "model_confidence_set" });
        }
        for d in &mut resampled {
            *d /= scale;
        }
        Ok(Self { model, t: observed / scale, resampled })
    }
}

/// Share of resamples in which the largest comparison exceeds the observed one.
fn exceeding(apart: &[Comparison], observed: f64, size: impl Fn(f64) -> f64) -> f64 {
    let resamples = apart[0].resampled.len();
    let above = |b: &usize| apart.iter().any(|c| size(c.resampled[*b]) > observed);
    (0..resamples).filter(above).count() as f64 / resamples as f64
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_distr::StandardNormal;

    use super::*;
    use crate::rng::{Draws, Purpose, Streams};

    fn draws(replication: u32) -> Draws {
        Streams::new(9).replication(replication).global(Purpose::Bootstrap)
    }

    /// Losses of three models on accounts with eight dates each; the third is worse by `gap`.
    fn losses(accounts: u32, gap: f64, replication: u32) -> (Vec<f64>, Vec<u32>) {
        let mut stream = draws(replication).part(3).stream(0);
        let mut normal = || -> f64 { stream.sample(StandardNormal) };
        let (mut values, mut account) = (vec![], vec![]);
        for unit in 0..accounts {
            let level = [normal(), normal(), normal() + gap];
            for _ in 0..8 {
                values.extend(level.map(|level| level + 0.3 * normal()));
                account.push(unit);
            }
        }
        (values, account)
    }

    #[test]
    fn the_set_holds_the_best_models_and_drops_a_far_worse_one() {
        let (mut held, mut dropped) = (0, 0);
        for replication in 0..100 {
            let (values, account) = losses(40, 2.0, replication);
            let means =
                ResampledMeans::by_cluster(&values, 3, &account, 199, draws(replication)).unwrap();
            let set = model_confidence_set(&means, SetStatistic::Range).unwrap().members(0.1);
            held += usize::from(set.contains(&0) && set.contains(&1));
            dropped += usize::from(!set.contains(&2));
        }
        // Both are best: 90 % of 100 with a binomial limit at the one-sided 1 % level is 82.
        assert!(held >= 82, "{held}");
        assert!(dropped >= 98, "{dropped}");
    }

    #[test]
    fn order_of_models_and_scale_do_not_matter() {
        let (values, account) = losses(12, 0.8, 0);
        let set = |values: &[f64], statistic| {
            let means = ResampledMeans::by_cluster(values, 3, &account, 199, draws(0)).unwrap();
            model_confidence_set(&means, statistic).unwrap()
        };
        let reversed: Vec<f64> =
            values.chunks(3).flat_map(|row| row.iter().rev().map(|v| v * 1e90)).collect();
        for statistic in [SetStatistic::Range, SetStatistic::Max] {
            let (plain, mut back) = (set(&values, statistic), set(&reversed, statistic));
            back.p_values.reverse();
            assert_eq!(plain.p_values, back.p_values);
        }
    }

    #[test]
    fn the_same_bytes_come_out_of_any_number_of_threads() {
        let (values, account) = losses(12, 0.8, 0);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let by_account = ResampledMeans::by_cluster(&values, 3, &account, 50, draws(0));
                let by_block = ResampledMeans::by_block(&values, 3, 4.0, 50, draws(0));
                (by_account.unwrap(), by_block.unwrap())
            })
        };
        assert_eq!(on(1), on(2));
        assert_eq!(on(1), on(5));
    }

    #[test]
    fn models_that_never_differ_and_bad_input_are_errors() {
        let draws = draws(0);
        let twice: Vec<f64> = (0..10).flat_map(|i| [f64::from(i), f64::from(i) + 0.1]).collect();
        let means = ResampledMeans::by_block(&twice, 2, 2.0, 50, draws).unwrap();
        for statistic in [SetStatistic::Range, SetStatistic::Max] {
            let refused = model_confidence_set(&means, statistic);
            assert!(matches!(refused, Err(StatsError::Constant { .. })));
        }
        let alone = ResampledMeans::by_block(&twice, 1, 2.0, 50, draws).unwrap();
        assert!(model_confidence_set(&alone, SetStatistic::Max).is_err());
        assert!(ResampledMeans::by_cluster(&twice, 2, &[3; 10], 50, draws).is_err());
        assert!(ResampledMeans::by_cluster(&twice, 2, &[3; 9], 50, draws).is_err());
        assert!(ResampledMeans::by_block(&twice, 0, 2.0, 50, draws).is_err());
        assert!(ResampledMeans::by_block(&twice, 2, 0.5, 50, draws).is_err());
        assert!(ResampledMeans::by_block(&twice, 2, 2.0, 0, draws).is_err());
        assert!(ResampledMeans::from_rows(&twice, 2, &[vec![10]]).is_err());
        assert!(ResampledMeans::from_rows(&twice, 2, &[vec![]]).is_err());
        assert!(ResampledMeans::from_rows(&[f64::NAN; 4], 2, &[vec![0]]).is_err());
    }
}
