//! Does half of the accounts say the same? Stability selection.

use rayon::prelude::*;

use super::WeightError;
use super::design::{Case, Sums};
use super::nested::{Learned, Procedure};
use super::result::{OrderReversal, Standing, TypeWeight};
use super::solve::Model;
use crate::ids::{AccountIndex, ContactIndex};
use crate::rng::{Purpose, Streams};

/// Log odds per standard deviation of exposure by which a weight must differ from the expert's to count.
pub(super) const DEVIATION: f64 = 0.1;
/// Share of half-samples in which it must do so.
pub(super) const SELECTED: f64 = 0.9;
/// Pairs out of order that are listed at most.
const MOST_REVERSALS: usize = 20;

/// What half-samples said.
pub(super) struct Stability {
    pub(super) types: Vec<TypeWeight>,
    pub(super) order_reversed: Vec<OrderReversal>,
    /// Bound on the expected number of types selected falsely.
    pub(super) false_selections: f64,
}

/// q² / ((2π − 1) p): types expected to be selected falsely, at most, when q of p move in a half-sample.
fn false_selections(per_half: f64, types: usize) -> f64 {
    per_half * per_half / ((2.0 * SELECTED - 1.0) * types.max(1) as f64)
}

/// Deviation of a type from the expert's weight \[log odds per standard deviation of exposure\].
fn deviation(model: &Model, k: usize, expert: f64, spread: f64) -> f64 {
    spread * (model.weights()[k] - model.scale() * expert)
}

/// Fits random halves of the accounts with the penalty of all.
///
/// A half with too few exits says nothing: it agrees with no difference, and is in no band.
pub(super) fn half_samples(
    procedure: &Procedure<'_>,
    cases: &[Case],
    whole: &Learned,
    n: u32,
    streams: Streams,
) -> Result<Stability, WeightError> {
    let halves: Vec<Option<Model>> = (0..n)
        .into_par_iter()
        .map(|b| half(procedure, cases, whole, u64::from(b), streams))
        .collect::<Result<_, _>>()?;
    let halves: Vec<Model> = halves.into_iter().flatten().collect();
    let expert = &procedure.sample.design().expert;
    let spread = &whole.freedom.spread;
    let is_moved = |model: &Model, k: usize| {
        let own = deviation(&whole.model, k, expert[k], spread[k]);
        let there = deviation(model, k, expert[k], spread[k]);
        there.abs() >= DEVIATION && there * own > 0.0
    };
    let free: Vec<usize> = (0..expert.len()).filter(|&k| spread[k] > 0.0).collect();
    let moved = free.iter().map(|&k| halves.iter().filter(|half| is_moved(half, k)).count());
    let moved: usize = moved.sum();
    let per_half = moved as f64 / f64::from(n.max(1));
    let types: Vec<TypeWeight> = (0..expert.len())
        .map(|k| {
            let share = halves.iter().filter(|half| spread[k] > 0.0 && is_moved(half, k)).count();
            of_type(procedure, whole, &halves, k, share as f64 / f64::from(n.max(1)))
        })
        .collect();
    Ok(Stability {
        order_reversed: reversals(&types, &free, (&halves, n), expert),
        types,
        false_selections: false_selections(per_half, free.len()),
    })
}

fn half(
    procedure: &Procedure<'_>,
    cases: &[Case],
    whole: &Learned,
    b: u64,
    streams: Streams,
) -> Result<Option<Model>, WeightError> {
    let mut accounts: Vec<usize> =
        cases.iter().map(|case| procedure.sample.place(case.row).account).collect();
    accounts.dedup();
    let key = |account: usize| {
        streams.draws(Purpose::Folds, AccountIndex(account as u32), ContactIndex(2)).bits(b)
    };
    accounts.sort_by_key(|&account| (key(account), account));
    accounts.truncate(accounts.len() / 2);
    accounts.sort_unstable();
    let is_in =
        |case: &&Case| accounts.binary_search(&procedure.sample.place(case.row).account).is_ok();
    let cases: Vec<Case> = cases.iter().filter(is_in).copied().collect();
    let mut sums = Sums::new(procedure.sample.design());
    for case in &cases {
        sums.add(procedure.sample.design(), *case);
    }
    if !sums.is_enough() {
        return Ok(None);
    }
    procedure.model(&cases, &sums, &whole.freedom, Some(&whole.model), 1e-5).map(Some)
}

fn of_type(
    procedure: &Procedure<'_>,
    whole: &Learned,
    halves: &[Model],
    k: usize,
    share: f64,
) -> TypeWeight {
    let expert = procedure.sample.design().expert[k];
    let weight = whole.model.weights()[k];
    let centre = whole.model.scale() * expert;
    let standing = if whole.freedom.spread[k] == 0.0 {
        Standing::Refused
    } else if share < SELECTED {
        Standing::Kept
    } else if weight * expert < 0.0 {
        Standing::Reversed
    } else if weight.abs() > centre.abs() {
        Standing::Stronger
    } else {
        Standing::Weaker
    };
    let mut found: Vec<f64> = halves.iter().map(|half| half.weights()[k]).collect();
    found.sort_by(f64::total_cmp);
    // Moving half of the accounts moves an estimate as much as drawing all of them anew.
    let at = |share: f64| {
        let position = (share * (found.len().max(1) - 1) as f64).round() as usize;
        found.get(position).copied()
    };
    TypeWeight {
        interaction_type: procedure.sample.types()[k].clone(),
        exits: whole.events[k],
        expert_value: expert,
        expert_weight: centre,
        learned_weight: weight,
        spread: whole.freedom.spread[k],
        low: at(0.025),
        high: at(0.975),
        share_moved: share,
        standing,
    }
}

/// Pairs of types that the data put the other way round, and of which at least one was selected.
fn reversals(
    types: &[TypeWeight],
    free: &[usize],
    (halves, n): (&[Model], u32),
    expert: &[f64],
) -> Vec<OrderReversal> {
    let was_selected = |k: usize, upwards: bool| {
        let of_type = &types[k];
        let moved_up = of_type.learned_weight > of_type.expert_weight;
        of_type.share_moved >= SELECTED && moved_up == upwards
    };
    let mut found = Vec::new();
    for &low in free {
        for &high in free {
            let listed = expert[low] < expert[high]
                && types[low].learned_weight > types[high].learned_weight
                && (was_selected(low, true) || was_selected(high, false));
            if !listed {
                continue;
            }
            let reversed = |half: &&Model| half.weights()[low] > half.weights()[high];
            let share = halves.iter().filter(reversed).count() as f64 / f64::from(n.max(1));
            if share >= SELECTED {
                found.push(OrderReversal {
                    expert_lower: types[low].interaction_type.clone(),
                    expert_higher: types[high].interaction_type.clone(),
                    share,
                });
            }
        }
    }
    found.sort_by(|a, b| b.share.total_cmp(&a.share));
    found.truncate(MOST_REVERSALS);
    found
}

#[cfg(test)]
mod tests {
    use super::super::{ExpertType, WeightParams, WeightSample, learn_weights};
    use super::*;
    use crate::backtest::BacktestParams;

    #[test]
    fn three_of_a_hundred_that_move_leave_a_ninth_of_a_false_selection() {
        assert!((false_selections(3.0, 100) - 0.1125).abs() < 1e-12);
        assert!(false_selections(0.0, 0).abs() < 1e-12);
    }

    #[test]
    fn halves_with_too_few_exits_agree_with_nothing() {
        // Fifteen exits: a training part of four fifths has ten, few halves of the accounts do.
        let (accounts, dates) = (180, 8);
        let types = ["visit", "call"].map(|name| ExpertType { name: name.to_owned(), value: 1.0 });
        let exits_at = |account: usize| {
            account.is_multiple_of(12).then(|| [0, 1, 2, 3, 0, 1, 2, 7][account / 12 % 8])
        };
        let outcome = |account: usize, date: usize| match exits_at(account) {
            Some(last) if date > last => f64::NAN,
            last => f64::from(u8::from(last == Some(date))),
        };
        let outcomes = (0..accounts).flat_map(|a| (0..dates).map(move |d| outcome(a, d))).collect();
        let months: Vec<usize> = (0..dates).map(|date| 3 * date).collect();
        let strata = vec![0; accounts];
        let mut sample = WeightSample::new(&types, 3, (months, 3 * dates + 3), outcomes, strata);
        for account in 0..accounts {
            for date in (0..dates).filter(|&d| exits_at(account).is_none_or(|last| d <= last)) {
                // Who exits was hardly visited, and called like the others.
                let mixed = ((account * 7 + date * 3) % 11) as f64;
                let visits = if exits_at(account).is_some() { mixed / 8.0 } else { mixed };
                let calls = ((account * 5 + date) % 7) as f64;
                sample.push((account, date), (account % 13) as f64, 0.0, &[visits, calls]);
            }
        }
        let params = WeightParams {
            penalties: vec![1.0],
            null_replications: 3,
            half_samples: 12,
            min_events: 1,
            exits_per_weight: 0.0,
            ..WeightParams::new("rv_sum")
        };
        let backtest = BacktestParams {
            min_train_months: 15,
            test_block_months: 6,
            resamples: 99,
            ..BacktestParams::default()
        };
        let learned = learn_weights(&sample, &params, &backtest, Streams::new(5)).unwrap();
        let fit = learned.fit.unwrap_or_else(|| panic!("{:?}", learned.refusal));
        for of_type in &fit.types {
            // All accounts together differ from the expert by enough to count ...
            let differs = of_type.spread * (of_type.learned_weight - of_type.expert_weight);
            assert!(differs.abs() > DEVIATION, "{of_type:?}");
            // ... and a half that cannot be fitted does not stand in for one that agrees.
            assert!(of_type.share_moved < 0.5, "{of_type:?}");
            assert_eq!(of_type.standing, Standing::Kept);
        }
        assert_eq!(fit.order_reversed, []);
    }
}
