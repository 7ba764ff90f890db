//! Inference with few clusters.

use rand::RngExt;
use rayon::prelude::*;

use super::long_panel::LongPanel;
use super::wild_draws::{Drawn, Model, Statistic};
use super::within::{FixedEffects, without_singletons};
use crate::rng::Draws;
use crate::stats::binomial::Interval;
use crate::stats::error::StatsError;

pub(super) const NAME: &str = "wild cluster bootstrap";

/// What the residuals of a cluster are multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WildWeights {
    /// −1 or 1: the usual choice.
    Rademacher,
    /// ±√(1/2), ±1, ±√(3/2): for fewer than about ten clusters, where signs alone give few draws.
    Webb,
}

impl WildWeights {
    fn values(self) -> Vec<f64> {
        match self {
            Self::Rademacher => vec![-1.0, 1.0],
            Self::Webb => {
                let (low, high) = (0.5_f64.sqrt(), 1.5_f64.sqrt());
                vec![-high, -1.0, -low, low, 1.0, high]
            }
        }
    }
}

/// What is tested, and by how many draws.
#[derive(Debug, Clone, Copy)]
pub struct WildTest {
    /// The column.
    pub column: usize,
    /// The value its coefficient has under the null.
    pub null: f64,
    /// Multipliers.
    pub weights: WildWeights,
    /// Draws, 999 or more for an interval. When there are no more different ones than this, each
    /// is taken once instead.
    pub resamples: usize,
    /// Draw b is named by `draws.stream(b)`.
    pub draws: Draws,
}

/// A coefficient tested by the wild cluster bootstrap.
#[derive(Debug, Clone, PartialEq)]
pub struct WildBootstrap {
    /// The coefficient.
    pub estimate: f64,
    /// Its cluster-robust standard error, with the factor `G/(G − 1)`.
    pub std_error: f64,
    /// Two-sided p-value against the null.
    pub p_value: f64,
    /// 95 % interval: the values that are not rejected. None when there are too few draws, or too
    /// few clusters, to reject any.
    pub interval: Option<Interval>,
    /// Clusters.
    pub n_clusters: usize,
    /// Draws taken.
    pub n_draws: usize,
    /// Whether these are all there are, each once.
    pub enumerated: bool,
}

/// Wild cluster bootstrap with the null imposed, for one coefficient of a linear model.
///
/// ```text
/// ũ = y − fit with β = β₀                    t = (β̂ − β₀)/SE, SE clustered
/// y* = fit with β = β₀ + w_g ũ in cluster g   w_g drawn; t* from y* as t from y
/// p = #{|t*| ≥ |t|} / draws                   when all draws are taken
/// p = (1 + #{|t*| ≥ |t|}) / (draws + 1)       otherwise
/// interval: {β₀ : p(β₀) ≥ 0.05}
/// ```
///
/// The interval comes from inverting the test, with the same draws at every value; it need not be
/// symmetric. With G clusters there are 2^G draws of signs and 2^(G−1) different |t*|: below 6
/// clusters no value can be rejected at 5 %.
///
/// `wildboottest` counts |t*| > |t| only, without the draws that are the sample itself or its mirror,
/// and so prints a p-value that is smaller by their share.
///
/// - `effects`: none for a model with an intercept.
/// - `cluster`: the cluster of each row in the order given to [`LongPanel::new`]. With effects, units
///   lie within clusters.
///
/// # Errors
///
/// `LengthMismatch`; `TooFew` with fewer than 2 clusters; `OutOfRange` for a column that does not
/// exist, no draws, a null that is not finite, or a unit in two clusters; `Constant` when the other
/// columns or effects determine the column, or the residuals vanish.
///
/// # Source
///
/// Cameron, Gelbach and Miller (2008), *Rev. Econ. Stat.* 90(3), 414-427; Webb (2023), *Canadian J.
/// Economics* 56(3), 839-858 (weights); Roodman, MacKinnon, Nielsen and Webb (2019), *Stata Journal*
/// 19(1), 4-60 (inversion). Parity: `wildboottest` with all draws of signs, and refits in NumPy with all
/// draws of Webb's weights, `tests/fixtures/wild.json`, tolerance 1e-9; the interval against its
/// own test.
///
/// # Examples
///
/// ```
/// use rvq::rng::{Purpose, Streams};
/// use rvq::stats::{LongPanel, WildTest, WildWeights, wild_cluster_bootstrap};
/// let unit: Vec<u32> = (0..64).map(|i| i / 8).collect();
/// let period: Vec<u32> = (0..64).map(|i| i % 8).collect();
/// let x: Vec<f64> = (0..64).map(|i| f64::from(i * i % 13)).collect();
/// let y: Vec<f64> = (0..64).map(|i| f64::from(i * i % 13) + f64::from(i * 7 % 5)).collect();
/// let panel = LongPanel::new(&unit, &period, &y, &x, 1)?;
/// let draws = Streams::new(1).global(Purpose::Bootstrap);
/// let (weights, resamples) = (WildWeights::Rademacher, 999);
/// let test = WildTest { column: 0, null: 0.0, weights, resamples, draws };
/// let found = wild_cluster_bootstrap(&panel, None, &unit, test)?;
/// assert!(found.enumerated && found.n_draws == 256 && found.p_value < 0.01);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn wild_cluster_bootstrap(
    panel: &LongPanel,
    effects: Option<FixedEffects>,
    cluster: &[u32],
    test: WildTest,
) -> Result<WildBootstrap, StatsError> {
    check(panel, cluster, test)?;
    let kept = effects.map_or_else(|| panel.clone(), |effects| without_singletons(panel, effects));
    let key: Vec<u32> = kept.origin.iter().map(|row| cluster[*row]).collect();
    let mut keys = key.clone();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() < 2 {
        return Err(StatsError::TooFew { statistic: NAME, needed: 2, got: keys.len() });
    }
    if effects.is_some() {
        check_nested(&kept, &key)?;
    }
    let cluster: Vec<usize> = key.iter().map(|k| keys.partition_point(|other| other < k)).collect();
    let model = Model::new(&kept, effects, test.column, &cluster, keys.len())?;
    let observed = model.statistic(&vec![1.0; keys.len()]);
    let values = test.weights.values();
    let all = u32::try_from(keys.len()).ok().and_then(|g| values.len().checked_pow(g));
    let enumerated = all.is_some_and(|all| all <= test.resamples);
    let n_draws = if enumerated { all.unwrap_or(test.resamples) } else { test.resamples };
    let drawn: Vec<Statistic> = (0..n_draws)
        .into_par_iter()
        .map(|b| model.statistic(&multipliers(&values, keys.len(), b, enumerated, test.draws)))
        .collect();
    let law = Drawn { observed, all: drawn, enumerated };
    let groups = keys.len() as f64;
    let std_error = (observed.d0 * groups / (groups - 1.0)).sqrt();
    Ok(WildBootstrap {
        estimate: model.estimate,
        std_error,
        p_value: law.p_value(test.null),
        interval: law.interval(model.estimate, std_error),
        n_clusters: keys.len(),
        n_draws,
        enumerated,
    })
}

fn check(panel: &LongPanel, cluster: &[u32], test: WildTest) -> Result<(), StatsError> {
    if cluster.len() != panel.rows() {
        let (left, right) = (panel.rows(), cluster.len());
        return Err(StatsError::LengthMismatch { statistic: NAME, left, right });
    }
    if test.column >= panel.columns() {
        let (argument, value) = ("column", test.column as f64);
        let expected = "below the number of columns";
        return Err(StatsError::OutOfRange { argument, value, expected });
    }
    if test.resamples == 0 {
        let expected = "1 or more";
        return Err(StatsError::OutOfRange { argument: "resamples", value: 0.0, expected });
    }
    if !test.null.is_finite() {
        let (argument, value) = ("null", test.null);
        return Err(StatsError::OutOfRange { argument, value, expected: "finite" });
    }
    Ok(())
}

fn check_nested(panel: &LongPanel, key: &[u32]) -> Result<(), StatsError> {
    for span in panel.spans() {
        if key[span.clone()].iter().any(|other| *other != key[span.start]) {
            let (argument, value) = ("cluster", f64::from(key[span.start]));
            let expected = "one for each unit when units have effects";
            return Err(StatsError::OutOfRange { argument, value, expected });
        }
    }
    Ok(())
}

/// The multipliers of draw `b`: the digits of its number when all draws are taken.
fn multipliers(
    values: &[f64],
    clusters: usize,
    b: usize,
    enumerated: bool,
    draws: Draws,
) -> Vec<f64> {
    if enumerated {
        let mut left = b;
        let mut digit = || {
            let digit = left % values.len();
            left /= values.len();
            values[digit]
        };
        return (0..clusters).map(|_| digit()).collect();
    }
    let mut stream = draws.stream(b as u64);
    (0..clusters).map(|_| values[stream.random_range(0..values.len())]).collect()
}

#[cfg(test)]
mod tests {
    use rand_distr::StandardNormal;

    use super::*;
    use crate::rng::{Purpose, Streams};

    /// `clusters` of six rows with a common shock to level and slope, slope 0.
    fn panel(replication: u32, clusters: u32) -> (LongPanel, Vec<u32>) {
        let named = Streams::new(9).replication(replication).global(Purpose::Outcome);
        let mut stream = named.stream(0);
        let mut normal = || -> f64 { stream.sample(StandardNormal) };
        let (mut x, mut y) = (vec![], vec![]);
        for _ in 0..clusters {
            let (level, slope, shock) = (normal(), normal(), normal());
            for _ in 0..6 {
                let value = level + normal();
                x.push(value);
                y.push(shock + 0.5 * slope * value + normal());
            }
        }
        let unit: Vec<u32> = (0..clusters * 6).map(|i| i / 6).collect();
        let period: Vec<u32> = (0..clusters * 6).map(|i| i % 6).collect();
        (LongPanel::new(&unit, &period, &y, &x, 1).unwrap(), unit)
    }

    fn run(panel: &LongPanel, cluster: &[u32], weights: WildWeights) -> WildBootstrap {
        let draws = Streams::new(2).global(Purpose::Bootstrap);
        let test = WildTest { column: 0, null: 0.0, weights, resamples: 399, draws };
        wild_cluster_bootstrap(panel, Some(FixedEffects::Unit), cluster, test).unwrap()
    }

    #[test]
    fn it_rejects_a_true_null_about_as_often_as_it_says() {
        let rejects = |replication| {
            let (panel, cluster) = panel(replication, 10);
            usize::from(run(&panel, &cluster, WildWeights::Rademacher).p_value < 0.05)
        };
        let rejected: usize = (0..300).map(rejects).sum();
        // 15 expected, standard error 3.8: four of them to each side.
        assert!((1..=30).contains(&rejected), "{rejected}");
    }

    #[test]
    fn the_same_bytes_come_out_of_any_number_of_threads() {
        let (panel, cluster) = panel(3, 12);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| run(&panel, &cluster, WildWeights::Webb))
        };
        assert_eq!(on(1), on(2));
        assert!(!on(1).enumerated && on(1).interval.is_some());
    }

    #[test]
    fn scale_and_order_do_not_matter() {
        let (plain, cluster) = panel(4, 8);
        let one = run(&plain, &cluster, WildWeights::Rademacher);
        let turned = |values: &[f64], by: f64| -> Vec<f64> {
            values.iter().rev().map(|v| v * by + 1e3).collect()
        };
        let unit: Vec<u32> = plain.unit.iter().rev().copied().collect();
        let period: Vec<u32> = plain.period.iter().rev().copied().collect();
        let (x, y) = (turned(&plain.x, 1e5), turned(&plain.y, 1e-5));
        let other = LongPanel::new(&unit, &period, &y, &x, 1).unwrap();
        let other = run(&other, &unit, WildWeights::Rademacher);
        assert!((one.p_value - other.p_value).abs() < 1e-12);
        let (one, other) = (one.interval.unwrap(), other.interval.unwrap());
        assert!((one.low - other.low * 1e10).abs() < 1e-5 * (one.high - one.low));
    }

    #[test]
    fn few_clusters_reject_nothing_and_bad_input_is_an_error() {
        let (panel, cluster) = panel(5, 4);
        let few = run(&panel, &cluster, WildWeights::Rademacher);
        assert!(few.enumerated && few.n_draws == 16 && few.interval.is_none());
        assert!(few.p_value >= 0.125);
        let draws = Streams::new(2).global(Purpose::Bootstrap);
        let weights = WildWeights::Rademacher;
        let test = WildTest { column: 0, null: 0.0, weights, resamples: 99, draws };
        let with = |cluster: &[u32], test| {
            wild_cluster_bootstrap(&panel, Some(FixedEffects::Unit), cluster, test)
        };
        assert!(matches!(with(&[1; 24], test), Err(StatsError::TooFew { got: 1, .. })));
        assert!(matches!(with(&[1; 3], test), Err(StatsError::LengthMismatch { .. })));
        let across: Vec<u32> = (0..24).map(|i| i % 6).collect();
        assert!(matches!(with(&across, test), Err(StatsError::OutOfRange { .. })));
        assert!(with(&cluster, WildTest { column: 1, ..test }).is_err());
        assert!(with(&cluster, WildTest { null: f64::NAN, ..test }).is_err());
        assert!(with(&cluster, WildTest { resamples: 0, ..test }).is_err());
        let exact = LongPanel { y: panel.x.clone(), ..panel.clone() };
        let refused = wild_cluster_bootstrap(&exact, None, &cluster, test);
        assert_eq!(refused.unwrap_err(), StatsError::Constant { statistic: NAME });
    }
}
