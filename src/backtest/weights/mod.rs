//! Weights learned from attrition: centred on the expert's, judged out of sample, beside their null.
//!
//! A hundred types and a few exits tell any two groups of accounts apart, whatever the truth: a fit
//! is therefore never given without what the same procedure brings on outcomes of other accounts.

mod concordance;
mod constraint;
mod design;
mod nested;
mod params;
mod quadratic;
mod result;
mod sample;
mod solve;
mod space;
mod stability;

use rayon::prelude::*;

use super::{BacktestParams, Finding};
use crate::ids::{AccountIndex, ContactIndex};
use crate::panel::WalkForward;
use crate::rng::{Purpose, Streams};
use crate::stats::{StatsError, ratio_bootstrap, shuffle_within};
use design::LEAST_EXITS;
use nested::{Losses, OutOfSample, Procedure};

pub use concordance::WeightAuc;
pub use constraint::Constraint;
pub use params::WeightParams;
pub use result::{
    LearnedWeights, NullAuc, NullBand, OrderReversal, Standing, TypeWeight, WeightFit,
};
pub use sample::{ExpertType, WeightSample, period_dates};

/// Why weights could not be learned, where they should have been.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum WeightError {
    /// The search did not end.
    #[error(
        "no best weights under `{constraint}` with the penalty {penalty} from {rows} account-periods \
         with {exits} exits: a larger penalty helps where few rows tell exits apart"
    )]
    NotConverged { constraint: &'static str, penalty: f64, rows: u64, exits: u64 },
    /// A parameter that cannot be used.
    #[error("{0}")]
    Parameter(String),
    /// The interval of the gain.
    #[error("interval of the gain of learned weights: {0}")]
    Interval(#[from] StatsError),
}

/// Learns the weights of `sample` and says what they are worth.
///
/// ```text
/// ln odds of staying = γ₀ + γ₁ ln(1 + age) + a · fixed + Σ_k β_k exposure_k
/// −ln L + (λ/2) n p(1−p) Σ_k s_k² (β_k − a v_k)²    minimised over γ, a ≥ 0, and β as the constraint allows
/// ```
///
/// - v: the expert's values; s: the spread of the exposures; λ = 1 weighs as much as the data on a type
///   whose exposure is correlated with no other. At λ → ∞ the weights are the expert's up to a scale.
/// - Outer folds: walk-forward over the months as in
///   [`incremental_gain`](super::incremental_gain), purged and embargoed by the horizon, an account
///   forecast only by models that never saw it. λ is chosen inside the training part by folds of its
///   accounts.
/// - A type with fewer than `min_events` exits of exposed accounts in a training part keeps a v.
/// - The null runs all of it on outcomes whose histories moved between accounts of a stratum.
/// - Stability: random halves of the accounts, fitted with the λ of all.
///
/// A sample that cannot carry it gives a refusal with its reason, not an error.
///
/// # Errors
///
/// [`WeightError`] for parameters out of range, a search that does not end, or a gain without interval.
///
/// # Source
///
/// Ridge towards a prior: Hoerl and Kennard (1970), *Technometrics* 12(1), 55-67. Stability selection:
/// Meinshausen and Bühlmann (2010), *J. Roy. Stat. Soc. B* 72(4), 417-473; half-samples without
/// replacement, false selections ≤ q² / ((2π − 1) p). Weights: `scipy.optimize`, fixture `weights.json`.
pub fn learn_weights(
    sample: &WeightSample,
    params: &WeightParams,
    backtest: &BacktestParams,
    streams: Streams,
) -> Result<LearnedWeights, WeightError> {
    if let Some((_, message)) = params.broken().into_iter().next() {
        return Err(WeightError::Parameter(message));
    }
    let itself: Vec<u32> = (0..sample.accounts() as u32).collect();
    let cases = sample.cases(&itself);
    let n_exits = cases.iter().filter(|case| case.exits).count();
    let mut result = LearnedWeights {
        score: params.score.clone(),
        horizon_months: params.horizon,
        constraint: params.constraint,
        n_accounts: sample.takes_part().iter().filter(|part| **part).count() as u64,
        n_rows: cases.len() as u64,
        n_exits: n_exits as u64,
        refusal: None,
        fit: None,
    };
    let refused = |mut result: LearnedWeights, why: String| {
        result.refusal = Some(why);
        Ok(result)
    };
    let is_enough = |exits: usize| exits.min(cases.len() - exits) >= LEAST_EXITS as usize;
    if !is_enough(n_exits) {
        let why = format!(
            "{n_exits} of {} account-periods end in an exit, expected {LEAST_EXITS} of either kind",
            cases.len()
        );
        return refused(result, why);
    }
    let split = walk_forward(sample, params, backtest, streams);
    let procedure = procedure(sample, params, &split, streams);
    let free = procedure.free(&cases);
    if free == 0 {
        let why = format!("no type has {} exits of accounts exposed to it", params.min_events);
        return refused(result, why);
    }
    if (n_exits as f64) < params.exits_per_weight * free as f64 {
        let why = format!(
            "{n_exits} exits for {free} weights, fewer than {} for each",
            params.exits_per_weight
        );
        return refused(result, why);
    }
    let (whole, in_sample) = procedure.in_sample(&cases)?;
    let tested = procedure.out_of_sample(&cases)?;
    let (Some(in_sample), Some(learned), Some(expert), Some(baselines)) =
        (in_sample, tested.learned, tested.expert, tested.baselines)
    else {
        let why = format!(
            "no exit can be forecast out of sample: {} walk-forward folds over {} months",
            split.folds().len(),
            sample.months()
        );
        return refused(result, why);
    };
    let null = match null_auc(&procedure, learned.estimate, params.null_replications, streams)? {
        Ok(null) => null,
        Err(why) => return refused(result, why),
    };
    let stable = stability::half_samples(&procedure, &cases, &whole, params.half_samples, streams)?;
    let gain = |against| gain(&result, &tested, against, backtest.resamples, streams);
    let fit = WeightFit {
        penalty: whole.freedom.penalty,
        scale: whole.model.scale(),
        in_sample,
        learned,
        expert,
        baselines,
        gain_over_expert: gain(Against::Expert)?,
        gain_over_baselines: gain(Against::Baselines)?,
        null,
        half_samples: params.half_samples,
        false_selections_at_most: stable.false_selections,
        types: stable.types,
        order_reversed: stable.order_reversed,
    };
    result.fit = Some(fit);
    Ok(result)
}

fn walk_forward(
    sample: &WeightSample,
    params: &WeightParams,
    backtest: &BacktestParams,
    streams: Streams,
) -> WalkForward {
    WalkForward::new(
        (sample.dates().first().copied().unwrap_or(0), sample.months()),
        sample.accounts(),
        sample.horizon() as usize,
        (backtest.min_train_months as usize, backtest.test_block_months as usize),
        params.folds,
        streams,
    )
}

fn procedure<'a>(
    sample: &'a WeightSample,
    params: &WeightParams,
    split: &'a WalkForward,
    streams: Streams,
) -> Procedure<'a> {
    let mut penalties = params.penalties.clone();
    penalties.sort_by(|a, b| b.total_cmp(a));
    let n_inner = params.inner_folds as usize;
    let inner = |account: usize| {
        let draws = streams.draws(Purpose::Folds, AccountIndex(account as u32), ContactIndex(1));
        (draws.uniform(0) * n_inner as f64) as usize
    };
    Procedure {
        sample,
        split,
        inner: (0..sample.accounts()).map(inner).collect(),
        n_inner,
        constraint: params.constraint,
        penalties,
        min_events: params.min_events,
        expert: sample.expert_only(true),
        baselines: sample.expert_only(false),
    }
}

/// AUC in and out of sample of one replication of the null, and its exits.
type NullDraw = (Option<f64>, Option<f64>, usize);

/// The null, or why there is none: fewer than half of the replications could be tested.
fn null_auc(
    procedure: &Procedure<'_>,
    observed: f64,
    replications: u32,
    streams: Streams,
) -> Result<Result<NullAuc, String>, WeightError> {
    let sample = procedure.sample;
    let takes_part = sample.takes_part();
    let draws = streams.global(Purpose::Permutation).part(1);
    let replicate = |b: u32| -> Result<NullDraw, WeightError> {
        let donors = shuffle_within(sample.strata(), &takes_part, draws, u64::from(b));
        let cases = sample.cases(&donors);
        let exits = cases.iter().filter(|case| case.exits).count();
        if exits.min(cases.len() - exits) < LEAST_EXITS as usize {
            return Ok((None, None, exits));
        }
        let (_, in_sample) = procedure.in_sample(&cases)?;
        let tested = procedure.out_of_sample(&cases)?.learned;
        let estimate = |auc: Option<WeightAuc>| auc.map(|auc| auc.estimate);
        Ok((estimate(in_sample), estimate(tested), exits))
    };
    let all: Vec<NullDraw> =
        (0..replications).into_par_iter().map(replicate).collect::<Result<_, _>>()?;
    // A replication that could not be tested counts as at least as good as what was found.
    let as_good = all.iter().filter(|(_, tested, _)| tested.is_none_or(|auc| auc >= observed));
    let p_value = (as_good.count() + 1) as f64 / f64::from(replications + 1);
    let mean_exits = all.iter().map(|draw| draw.2 as f64).sum::<f64>() / f64::from(replications);
    let (in_sample, tested): (Vec<f64>, Vec<f64>) =
        all.iter().filter_map(|draw| draw.0.zip(draw.1)).unzip();
    if tested.is_empty() || 2 * tested.len() < replications as usize {
        let why = format!(
            "only {} of {replications} replications of the null could be tested, with {mean_exits:.0} \
             exits on average",
            tested.len()
        );
        return Ok(Err(why));
    }
    let (in_sample, out_of_sample) = (band(in_sample), band(tested));
    Ok(Ok(NullAuc { replications, in_sample, out_of_sample, p_value, mean_exits }))
}

/// Mean and 95 % band of at least one value.
fn band(mut values: Vec<f64>) -> NullBand {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[(share * (values.len() - 1) as f64).round() as usize];
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    NullBand { mean, low: at(0.025), high: at(0.975) }
}

/// What learned weights are compared with.
#[derive(Clone, Copy)]
enum Against {
    Expert,
    Baselines,
}

/// Relative fall of the log loss, paired by account.
fn gain(
    result: &LearnedWeights,
    tested: &OutOfSample,
    against: Against,
    resamples: u32,
    streams: Streams,
) -> Result<Finding, WeightError> {
    let other = |losses: &Losses| match against {
        Against::Expert => losses.expert,
        Against::Baselines => losses.baselines,
    };
    let (gains, base): (Vec<f64>, Vec<f64>) = tested
        .losses
        .iter()
        .filter(|losses| losses.n > 0)
        .map(|losses| (other(losses) - losses.learned, other(losses)))
        .unzip();
    let draws = streams.global(Purpose::Bootstrap).part(1);
    let interval = ratio_bootstrap(&gains, &base, resamples as usize, draws)?;
    let (statistic, words) = match against {
        Against::Expert => ("oos_gain_learned_over_expert", "expert weights"),
        Against::Baselines => ("oos_gain_learned_over_controls", "controls alone"),
    };
    Ok(Finding {
        hypothesis: None,
        score: result.score.clone(),
        outcome: "attrition".to_owned(),
        horizon_months: result.horizon_months as i32,
        statistic: statistic.to_owned(),
        estimate: Some(interval.estimate),
        std_error: Some(interval.std_error),
        ci_low: Some(interval.ci_low),
        ci_high: Some(interval.ci_high),
        p_value: Some(interval.p_value),
        p_adjusted: None,
        n_accounts: gains.len() as u64,
        n_events: tested.learned.map_or(0, |auc| auc.n_exits),
        n_periods: tested.dates as u64,
        method: format!(
            "relative fall of log loss out of sample, learned weights against {words}; nested \
             walk-forward, purged and embargoed by the horizon, grouped by account; \
             account-cluster bootstrap"
        ),
        detectable_effect: Some((1.959_964 + 0.841_621) * interval.std_error),
        in_family: false,
    })
}
