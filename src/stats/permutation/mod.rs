//! Permutation of whole unit histories.
//!
//! Histories stay whole, so whatever persists within a unit persists in the null distribution too:
//! the one device that keeps its size when units differ for good.

use rayon::prelude::*;

use super::error::StatsError;
use super::grid::Grid;
use super::panel::PanelStatistic;
use crate::rng::Draws;

mod correlation;
mod groups;
mod histories;
mod ranks;
mod settled;

use self::correlation::Studentised;
use self::groups::{Groups, contributing, without_partner};
use self::histories::Histories;

pub use self::groups::shuffle_within;

/// Fewest units of a period after histories have moved.
const FEWEST: usize = 3;

/// A permutation test of a panel statistic.
#[derive(Debug, Clone, PartialEq)]
pub struct PermutationTest {
    /// Two-sided p-value, (k + 1) / (B + 1).
    pub p_value: f64,
    /// The statistic of the data.
    pub observed: f64,
    /// The statistic of each permutation, in order of permutation.
    pub null: Vec<f64>,
    /// Permutations of which the statistic is undefined; they count as at least as extreme as the data
    /// and stand in `null` as the observed value.
    pub undefined: usize,
    /// Share of the contributing units for which no other unit of their stratum has an x history
    /// that overlaps their y.
    pub share_without_partner: f64,
}

/// Permutation test of the mean rank information coefficient: x histories move between units.
///
/// ```text
/// p = (k + 1) / (B + 1),  k = #{b : |t_b| ≥ |t|},  t = IC / √Va,  Va = G/(G−1) Σₐ sₐ²
/// IC_b: mean Spearman over periods after unit a took the x history of πᵦ(a), within its stratum
/// ```
///
/// The statistic is divided by its unit-clustered standard error (as in
/// [`unit_clustered`](super::unit_clustered)), the permuted one by its own: where units come and go,
/// moved histories overlap in fewer periods, and an estimate alone would scatter more than that of the
/// data. At each period of the data's statistic only units observed in the permuted x and in y count,
/// ranked anew with mid-ranks, three or more.
/// Units without one jointly observed pair stay where they are and take no part. Permutation b is
/// named by `draws.stream(b)`: the result does not depend on the number of threads.
///
/// - `x`, `y`: shape `(units, periods)`, NaN where not observed.
/// - `strata`: shape `(units,)`; histories move only between units of the same stratum.
/// - `permutations`: B, at least 1; the smallest p-value is 1 / (B + 1).
/// - `min_units`: as for [`mean_rank_correlation`](super::mean_rank_correlation).
///
/// Units are sorted once per period; a permutation is then linear in units × periods. Where all units that
/// may move are observed in x and y, their ranks are not even found anew.
///
/// # Errors
///
/// `LengthMismatch` when shapes differ; `OutOfRange` for no permutation; `NoPeriod` when the
/// observed statistic has no defined period.
///
/// # Source
///
/// Phipson and Smyth (2010), *Stat. Appl. Genet. Mol. Biol.* 9(1), 39; studentised as in Janssen
/// (1997), *Statistics & Probability Letters* 36(1). Parity: the observed value is
/// `scipy.stats.spearmanr` per period; permuted ones against ranking anew, in this file.
///
/// # Examples
///
/// ```
/// use rvq::{rng::{Purpose, Streams}, stats::{Grid, permute_histories}};
/// let x: Vec<f64> = (0..20).map(f64::from).collect();
/// let grid = Grid::new(&x, 20, 1)?;
/// let draws = Streams::new(1).global(Purpose::Permutation);
/// let test = permute_histories(grid, grid, &[0; 20], 99, draws, 3)?;
/// assert!((test.observed - 1.0).abs() < 1e-12 && (test.p_value - 0.01).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn permute_histories(
    x: Grid<'_>,
    y: Grid<'_>,
    strata: &[u32],
    permutations: usize,
    draws: Draws,
    min_units: usize,
) -> Result<PermutationTest, StatsError> {
    let tests = permute_histories_many(x, &[y], strata, permutations, draws, min_units)?;
    tests
        .into_iter()
        .next()
        .flatten()
        .ok_or(StatsError::NoPeriod { statistic: "permute_histories", needed: min_units.max(3) })
}

/// [`permute_histories`] for several outcomes of the same units, with the same permutations.
///
/// Because the permutations are shared, `null[b]` of all tests belong together: maxima over
/// outcomes or horizons give joint envelopes.
///
/// - `ys`: grids of the shape of `x`. Returns one test per outcome, none where its observed
///   statistic has no defined period. A unit moves when it has a jointly observed pair in any
///   outcome.
///
/// # Errors
///
/// `LengthMismatch` when shapes differ; `OutOfRange` for no permutation.
///
/// # Source
///
/// Westfall and Young (1993), *Resampling-Based Multiple Testing*, ch. 2 (joint resampling).
///
/// # Examples
///
/// ```
/// use rvq::{rng::{Purpose, Streams}, stats::{Grid, permute_histories_many}};
/// let x: Vec<f64> = (0..20).map(f64::from).collect();
/// let (grid, empty) = (Grid::new(&x, 20, 1)?, [f64::NAN; 20]);
/// let draws = Streams::new(1).global(Purpose::Permutation);
/// let ys = [grid, Grid::new(&empty, 20, 1)?];
/// let tests = permute_histories_many(grid, &ys, &[0; 20], 9, draws, 3)?;
/// assert!(tests[0].is_some() && tests[1].is_none());
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn permute_histories_many(
    x: Grid<'_>,
    ys: &[Grid<'_>],
    strata: &[u32],
    permutations: usize,
    draws: Draws,
    min_units: usize,
) -> Result<Vec<Option<PermutationTest>>, StatsError> {
    check("permute_histories", x, ys, strata, permutations)?;
    let needed = min_units.max(FEWEST);
    let moves = contributing(x, ys);
    let groups = Groups::new(strata, &moves);
    let histories = Histories::new(x, ys, &moves, needed);
    let identity: Vec<u32> = (0..x.units() as u32).collect();
    let observed = histories.moved(&identity, &vec![0.0; ys.len()], &mut histories.room());
    let limits: Vec<f64> = observed.iter().map(|o| o.map_or(0.0, Studentised::limit)).collect();
    let permuted: Vec<Vec<Option<Studentised>>> = (0..permutations)
        .into_par_iter()
        .map_init(
            || histories.room(),
            |room, b| {
                let recipient = groups.shuffle(identity.clone(), draws, b as u64);
                histories.moved(&recipient, &limits, room)
            },
        )
        .collect();
    let test = |(i, observed): (usize, &Option<Studentised>)| {
        let null = permuted.iter().map(|values| values[i]).collect();
        (*observed).map(|observed| conclude(observed, null, without_partner(x, ys[i], strata)))
    };
    Ok(observed.iter().enumerate().map(test).collect())
}

/// Permutation test of any statistic of a panel: x histories move between units.
///
/// ```text
/// p = (k + 1) / (B + 1),  k = #{b : |t_b| ≥ |t|}      t = θ / √Va, θ 0 under the null
/// ```
///
/// For statistics that [`permute_histories`] does not know; slower, since each permutation computes
/// θ anew.
///
/// - `x`, `y`, `strata`, `permutations`, `draws`: as for [`permute_histories`].
/// - `statistic`: θ of moved x and y; none where it is undefined.
///
/// # Errors
///
/// `LengthMismatch` when shapes differ; `OutOfRange` for no permutation; `NoPeriod` when θ of the
/// data is undefined.
///
/// # Examples
///
/// ```
/// use rvq::{rng::{Purpose, Streams}, stats::{Grid, mean_correlation, permute_statistic}};
/// let x: Vec<f64> = (0..20).map(f64::from).collect();
/// let grid = Grid::new(&x, 20, 1)?;
/// let draws = Streams::new(1).global(Purpose::Permutation);
/// let r = |x: Grid<'_>, y: Grid<'_>| mean_correlation(x, y, 3).ok();
/// let test = permute_statistic(grid, grid, &[0; 20], 99, draws, r)?;
/// assert!((test.observed - 1.0).abs() < 1e-12 && (test.p_value - 0.01).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn permute_statistic(
    x: Grid<'_>,
    y: Grid<'_>,
    strata: &[u32],
    permutations: usize,
    draws: Draws,
    statistic: impl Fn(Grid<'_>, Grid<'_>) -> Option<PanelStatistic> + Sync,
) -> Result<PermutationTest, StatsError> {
    let name = "permute_statistic";
    check(name, x, &[y], strata, permutations)?;
    let groups = Groups::new(strata, &contributing(x, &[y]));
    let identity: Vec<u32> = (0..x.units() as u32).collect();
    let evaluate = |recipient: &[u32]| {
        let mut moved = vec![f64::NAN; x.units() * x.periods()];
        for (from, to) in recipient.iter().enumerate() {
            let start = *to as usize * x.periods();
            moved[start..start + x.periods()].copy_from_slice(x.row(from));
        }
        let found = statistic(Grid::new(&moved, x.units(), x.periods()).ok()?, y)?;
        Studentised::new(found.estimate, &found.unit_influence)
    };
    let observed =
        evaluate(&identity).ok_or(StatsError::NoPeriod { statistic: name, needed: 1 })?;
    let permuted = (0..permutations)
        .into_par_iter()
        .map(|b| evaluate(&groups.shuffle(identity.clone(), draws, b as u64)))
        .collect();
    Ok(conclude(observed, permuted, without_partner(x, y, strata)))
}

fn check(
    statistic: &'static str,
    x: Grid<'_>,
    ys: &[Grid<'_>],
    strata: &[u32],
    permutations: usize,
) -> Result<(), StatsError> {
    for y in ys {
        x.check_same_shape(y, statistic)?;
    }
    if strata.len() != x.units() {
        let (left, right) = (x.units(), strata.len());
        return Err(StatsError::LengthMismatch { statistic, left, right });
    }
    if permutations == 0 {
        let expected = "1 or more";
        return Err(StatsError::OutOfRange { argument: "permutations", value: 0.0, expected });
    }
    Ok(())
}

fn conclude(
    observed: Studentised,
    permuted: Vec<Option<Studentised>>,
    share_without_partner: f64,
) -> PermutationTest {
    let undefined = permuted.iter().filter(|v| v.is_none()).count();
    let moved: Vec<Studentised> = permuted.into_iter().map(|v| v.unwrap_or(observed)).collect();
    let limit = observed.limit();
    let extreme = moved.iter().filter(|v| v.t.abs() >= limit).count();
    let p_value = (extreme + 1) as f64 / (moved.len() + 1) as f64;
    let (null, observed) = (moved.iter().map(|v| v.estimate).collect(), observed.estimate);
    PermutationTest { p_value, observed, null, undefined, share_without_partner }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Streams};
    use crate::stats::binomial::rejection_limit;
    use crate::stats::generator::{World, panel};
    use crate::stats::inference::unit_clustered;
    use crate::stats::panel::mean_rank_correlation;
    use crate::stats::rank::spearman;

    const GAP: f64 = f64::NAN;
    const WORLD: World =
        World { units: 24, periods: 10, stable: 0.5, slope: 0.3, slope_drift: 0.0 };

    fn draws() -> Draws {
        Streams::new(5).global(Purpose::Permutation)
    }

    fn grid(values: &[f64], units: usize) -> Grid<'_> {
        Grid::new(values, units, values.len() / units).unwrap()
    }

    /// A panel with ties, late entry, exits and single gaps.
    fn unbalanced() -> (Vec<f64>, Vec<f64>) {
        let (mut x, mut y) = panel(WORLD, 1);
        for unit in 0..WORLD.units {
            for t in 0..WORLD.periods {
                let i = unit * WORLD.periods + t;
                x[i] = if t < unit / 4 { GAP } else { (2.0 * x[i]).round() };
                let exited = unit % 3 == 0 && t > 6;
                y[i] = if exited || (unit + t) % 7 == 0 { GAP } else { (3.0 * y[i]).round() };
            }
        }
        (x, y)
    }

    /// The mean rank correlation after moving histories, ranked anew from the values.
    ///
    /// At the periods in which the data themselves have `needed` units.
    fn from_scratch(x: Grid<'_>, y: Grid<'_>, recipient: &[u32], needed: usize) -> Option<f64> {
        let mut giver = vec![0; recipient.len()];
        for (from, &to) in recipient.iter().enumerate() {
            giver[to as usize] = from;
        }
        let correlation = |t: usize| {
            let pair = |unit: usize| Some((x.get(giver[unit], t)?, y.get(unit, t)?));
            let (xs, ys): (Vec<f64>, Vec<f64>) = (0..x.units()).filter_map(pair).unzip();
            let own = |unit: usize| Some((x.get(unit, t)?, y.get(unit, t)?));
            let of_data = (0..x.units()).filter_map(own).count();
            if of_data < needed || xs.len() < FEWEST { None } else { spearman(&xs, &ys).ok() }
        };
        let values: Vec<f64> = (0..x.periods()).filter_map(correlation).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    #[test]
    fn every_permutation_equals_ranking_anew() {
        let (x, y) = unbalanced();
        let (x, y) = (grid(&x, WORLD.units), grid(&y, WORLD.units));
        let strata: Vec<u32> = (0..24).map(|unit| unit % 2).collect();
        let test = permute_histories(x, y, &strata, 50, draws(), 5).unwrap();
        let observed = mean_rank_correlation(x, y, 5).unwrap().estimate;
        assert!((test.observed - observed).abs() < 1e-12);
        let groups = Groups::new(&strata, &contributing(x, &[y]));
        let identity: Vec<u32> = (0..24).collect();
        let mut moved = 0;
        for b in 0..50 {
            let recipient = groups.shuffle(identity.clone(), draws(), b);
            let expected = from_scratch(x, y, &recipient, 5).unwrap();
            assert!((test.null[b as usize] - expected).abs() < 1e-12, "permutation {b}");
            for (from, to) in recipient.iter().enumerate() {
                assert_eq!(strata[from], strata[*to as usize]);
                moved += usize::from(from != *to as usize);
            }
        }
        assert!(moved > 900, "{moved} of 1,200 moved");
    }

    #[test]
    fn the_data_are_as_many_standard_errors_from_zero_as_clustering_by_unit_says() {
        let (x, y) = unbalanced();
        let (x, y) = (grid(&x, WORLD.units), grid(&y, WORLD.units));
        let ic = mean_rank_correlation(x, y, 5).unwrap();
        let clustered = unit_clustered(&ic, 0.0).unwrap();
        let histories = Histories::new(x, &[y], &contributing(x, &[y]), 5);
        let identity: Vec<u32> = (0..24).collect();
        let found = histories.moved(&identity, &[0.0], &mut histories.room())[0].unwrap();
        assert!((found.t - clustered.estimate / clustered.std_error).abs() < 1e-10);
        assert!((found.estimate - ic.estimate).abs() < 1e-12);
    }

    #[test]
    fn ranks_known_beforehand_give_the_p_value_of_computing_anew() {
        let anew = |x: Grid<'_>, y: Grid<'_>| mean_rank_correlation(x, y, 3).ok();
        let strata: Vec<u32> = (0..24).map(|unit| unit % 2).collect();
        for (replication, gap) in
            (0..8).flat_map(|replication| [(replication, 0), (replication, 7)])
        {
            let (x, mut y) = panel(World { slope: 0.1, ..WORLD }, replication);
            let x: Vec<f64> = x.iter().map(|v| (2.0 * v).round()).collect();
            for t in 0..gap {
                y[(3 * t % 24) * WORLD.periods + t] = GAP;
            }
            let (x, y) = (grid(&x, WORLD.units), grid(&y, WORLD.units));
            let fast = permute_histories(x, y, &strata, 99, draws(), 3).unwrap();
            let slow = permute_statistic(x, y, &strata, 99, draws(), anew).unwrap();
            assert!((fast.p_value - slow.p_value).abs() < 1e-15, "{replication}, {gap} gaps");
            for (a, b) in fast.null.iter().zip(&slow.null) {
                assert!((a - b).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn the_same_bytes_come_out_of_any_number_of_threads() {
        let (x, y) = unbalanced();
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (x, y) = (grid(&x, WORLD.units), grid(&y, WORLD.units));
            pool.install(|| permute_histories(x, y, &[0; 24], 40, draws(), 5).unwrap())
        };
        assert_eq!(on(1), on(2));
        assert_eq!(on(1), on(5));
    }

    #[test]
    fn outcomes_share_their_permutations() {
        let (x, y) = unbalanced();
        let (x, y) = (grid(&x, WORLD.units), grid(&y, WORLD.units));
        let empty = [GAP; 240];
        let ys = [y, grid(&empty, WORLD.units), x];
        let many = permute_histories_many(x, &ys, &[0; 24], 30, draws(), 5).unwrap();
        let alone = permute_histories(x, y, &[0; 24], 30, draws(), 5).unwrap();
        assert_eq!(many[0].as_ref(), Some(&alone));
        assert!(many[1].is_none());
        assert!((many[2].as_ref().unwrap().p_value - 1.0 / 31.0).abs() < 1e-15);
    }

    #[test]
    fn a_unit_alone_in_its_stratum_has_no_partner_and_nothing_moves() {
        let (x, y) = panel(WORLD, 2);
        let (x, y) = (grid(&x, WORLD.units), grid(&y, WORLD.units));
        let strata: Vec<u32> = (0..24).collect();
        let test = permute_histories(x, y, &strata, 19, draws(), 3).unwrap();
        assert!((test.share_without_partner - 1.0).abs() < 1e-15);
        assert!((test.p_value - 1.0).abs() < 1e-15);
    }

    #[test]
    fn permutations_without_a_defined_period_count_against_the_finding() {
        // Three units early and three late, in one stratum: most moves leave no period with three.
        let mut x = vec![GAP; 12];
        for unit in 0..6 {
            x[unit * 2 + unit / 3] = [1.0, 2.0, 3.0, 3.0, 1.0, 2.0][unit];
        }
        let grid = grid(&x, 6);
        let test = permute_histories(grid, grid, &[0; 6], 200, draws(), 3).unwrap();
        assert!(test.undefined > 100 && test.null.len() == 200);
        assert!(test.p_value > 0.5, "{}", test.p_value);
    }

    #[test]
    fn with_stable_unit_levels_the_test_keeps_its_size() {
        let world = World { units: 40, periods: 12, slope: 0.0, ..WORLD };
        let rejected = (0..200)
            .filter(|&replication| {
                let (x, y) = panel(world, replication);
                let (x, y) = (grid(&x, 40), grid(&y, 40));
                permute_histories(x, y, &[0; 40], 99, draws(), 3).unwrap().p_value <= 0.05
            })
            .count();
        let limit = rejection_limit(0.05, 200, 0.01).unwrap();
        assert!((rejected as u64) < limit, "{rejected} of 200, limit {limit}");
    }

    #[test]
    fn bad_input_is_an_error() {
        let values = [1.0, 2.0, 3.0, 4.0];
        let on = |strata: &[u32], permutations: usize| {
            permute_histories(grid(&values, 4), grid(&values, 4), strata, permutations, draws(), 3)
        };
        assert!(matches!(on(&[0; 3], 9), Err(StatsError::LengthMismatch { .. })));
        assert!(matches!(on(&[0; 4], 0), Err(StatsError::OutOfRange { .. })));
        let empty = [GAP; 4];
        assert!(matches!(
            permute_histories(grid(&values, 4), grid(&empty, 4), &[0; 4], 9, draws(), 3),
            Err(StatsError::NoPeriod { .. })
        ));
    }
}
