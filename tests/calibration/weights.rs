//! Do learned weights find nothing where there is nothing, and something where there is something?
//! Exposures come from a generator of their own: about a hundred types, some met often, some rarely.

use rand::seq::SliceRandom;
use rand_distr::{Distribution, Poisson, StandardNormal};
use rayon::prelude::*;
use rvq::backtest::{
    BacktestParams, Constraint, ExpertType, LearnedWeights, WeightFit, WeightParams, WeightSample,
    learn_weights,
};
use rvq::rng::{Purpose, Stream, Streams};

use crate::table::{check, row};

const TYPES: usize = 100;
const HORIZON: u32 = 3;
const MONTHS: usize = 36;
/// Replications at 300 accounts, and at 2,000, of which each takes as long as ten.
const SMALL: u32 = 200;
const LARGE: u32 = 100;
const WINS: u32 = 20;

/// With few exits the first fold needs longer to hold ten of them.
fn backtest(accounts: usize) -> BacktestParams {
    BacktestParams {
        min_train_months: if accounts < 1_000 { 12 } else { 6 },
        test_block_months: 12,
        resamples: 199,
        ..BacktestParams::default()
    }
}

/// Nothing is refused, so that the regime of many types and few exits is looked at itself.
fn params(accounts: usize, constraint: Constraint) -> WeightParams {
    let few = accounts < 1_000;
    WeightParams {
        horizon: HORIZON,
        constraint,
        penalties: vec![1.0, 30.0],
        folds: if few { 3 } else { 2 },
        inner_folds: if few { 3 } else { 2 },
        null_replications: 1,
        half_samples: 1,
        min_events: 1,
        exits_per_weight: 0.0,
        ..WeightParams::new("rv_decay_180d")
    }
}

fn normal(stream: &mut Stream) -> f64 {
    StandardNormal.sample(stream)
}

/// Whole values from −6 to 10 without 0, as an expert would give them.
fn expert() -> Vec<ExpertType> {
    let value = |k: usize| {
        let value = (k * 7 % 17) as f64 - 6.0;
        if value == 0.0 { 1.0 } else { value }
    };
    (0..TYPES).map(|k| ExpertType { name: format!("type_{k}"), value: value(k) }).collect()
}

/// Counts of every type that fade by a third a period; some accounts do much of everything. By
/// account, date and type.
fn exposures(stream: &mut Stream, dates: usize) -> Vec<Vec<f64>> {
    let activity = normal(stream).exp();
    let mut now = vec![0.0; TYPES];
    let mut by_date = Vec::with_capacity(dates);
    for _ in 0..dates + 3 {
        for (k, exposure) in now.iter_mut().enumerate() {
            let per_period = activity * [0.02, 0.05, 0.1, 0.3][k % 4];
            let count: f64 = Poisson::new(per_period).unwrap().sample(stream);
            *exposure = *exposure * 2.0 / 3.0 + count;
        }
        by_date.push(now.clone());
    }
    by_date.split_off(3)
}

/// Periods after which each account exits; `None` where it stays.
fn exits_at_random(
    stream: &mut Stream,
    accounts: usize,
    exits: usize,
    dates: usize,
) -> Vec<Option<usize>> {
    let mut leaves = vec![false; accounts];
    leaves[..exits].fill(true);
    leaves.shuffle(stream);
    let period = |stream: &mut Stream| (stream.uniform() * dates as f64) as usize;
    leaves.into_iter().map(|leaves| leaves.then(|| period(stream))).collect()
}

fn sample(
    histories: &[Vec<Vec<f64>>],
    exits: &[Option<usize>],
    stream: &mut Stream,
) -> WeightSample {
    let dates: Vec<usize> =
        (0..MONTHS).step_by(HORIZON as usize).filter(|m| m + 3 < MONTHS).collect();
    let n = dates.len();
    let outcome = |exit: &Option<usize>| -> Vec<f64> {
        (0..n)
            .map(|date| match exit {
                Some(last) if date > *last => f64::NAN,
                Some(last) if date == *last => 1.0,
                _ => 0.0,
            })
            .collect()
    };
    let outcomes = exits.iter().flat_map(outcome).collect();
    let strata = vec![0; exits.len()];
    let mut sample = WeightSample::new(&expert(), HORIZON, (dates, MONTHS), outcomes, strata);
    for (account, history) in histories.iter().enumerate() {
        let age = (stream.uniform() * 60.0).floor();
        for (date, exposures) in history.iter().enumerate() {
            if exits[account].is_none_or(|last| date <= last) {
                let age = age + f64::from(HORIZON) * date as f64;
                sample.push((account, date), age, 0.0, exposures);
            }
        }
    }
    sample
}

fn dates() -> usize {
    (0..MONTHS).step_by(HORIZON as usize).filter(|m| m + 3 < MONTHS).count()
}

/// Exits that know nothing of the exposures.
fn null(replication: u32, accounts: usize, exits: usize, constraint: Constraint) -> WeightFit {
    let streams = Streams::new(1_968).replication(replication);
    let mut stream = streams.global(Purpose::Outcome).stream(accounts as u64);
    let histories: Vec<_> = (0..accounts).map(|_| exposures(&mut stream, dates())).collect();
    let exits = exits_at_random(&mut stream, accounts, exits, dates());
    let sample = sample(&histories, &exits, &mut stream);
    fitted(&sample, constraint, streams)
}

fn fitted(sample: &WeightSample, constraint: Constraint, streams: Streams) -> WeightFit {
    let LearnedWeights { fit, refusal, .. } = learn_weights(
        sample,
        &params(sample.accounts(), constraint),
        &backtest(sample.accounts()),
        streams,
    )
    .unwrap();
    fit.unwrap_or_else(|| panic!("refused: {refusal:?}"))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// In-sample and out-of-sample AUC of every replication.
fn nulls(
    (accounts, exits): (usize, usize),
    replications: u32,
    constraint: Constraint,
) -> (Vec<f64>, Vec<f64>) {
    (0..replications)
        .into_par_iter()
        .map(|replication| null(replication, accounts, exits, constraint))
        .map(|fit| (fit.in_sample.estimate, fit.learned.estimate))
        .unzip()
}

#[test]
#[cfg_attr(debug_assertions, ignore = "minutes of fits: for release builds")]
fn learned_weights_null_tells_nothing_apart() {
    let heads = [
        "accounts, exits",
        "replications",
        "constraint",
        "on the rows learned from",
        "out of sample",
        "within .45 to .55",
    ];
    let mut rows = vec![row(&heads)];
    for (size, replications) in [((300, 60), SMALL), ((2_000, 400), LARGE)] {
        for constraint in Constraint::ALL {
            let (in_sample, learned) = nulls(size, replications, constraint);
            let inside = learned.iter().filter(|auc| (0.45..=0.55).contains(*auc)).count();
            let share = inside as f64 / f64::from(replications);
            rows.push(vec![
                format!("{}, {}", size.0, size.1),
                replications.to_string(),
                constraint.name().to_owned(),
                format!("{:.3}", mean(&in_sample)),
                format!("{:.3}", mean(&learned)),
                format!("{share:.3}"),
            ]);
            let average = mean(&learned);
            assert!((0.48..=0.52).contains(&average), "{}: {average}", constraint.name());
            assert!(size.0 < 2_000 || share >= 0.95, "{}: {share}", constraint.name());
        }
    }
    check(
        "learned_weights_null",
        "Learned weights where there is nothing to learn",
        "100 interaction types, exposures from a generator that knows nothing of exits, nothing refused; mean AUC over \
         replications.",
        &rows,
    );
}

/// The expert is right about a third of the types, a third does nothing, a third does the opposite.
fn truth() -> Vec<f64> {
    let values = expert();
    let factor = |k: usize| [1.0, 0.0, -1.0][k % 3];
    (0..TYPES).map(|k| factor(k) * values[k].value).collect()
}

#[test]
#[cfg_attr(debug_assertions, ignore = "minutes of fits: for release builds")]
fn learned_weights_win_where_the_expert_is_wrong() {
    let win = |replication: u32| {
        let streams = Streams::new(1_969).replication(replication);
        let mut stream = streams.global(Purpose::Outcome).stream(0);
        let histories: Vec<_> = (0..2_000).map(|_| exposures(&mut stream, dates())).collect();
        let truth = truth();
        let mut exit = |history: &Vec<Vec<f64>>| {
            history.iter().position(|row| {
                let score: f64 = row.iter().zip(&truth).map(|(e, v)| e * v).sum();
                // A typical account exits with 2 % a period; scores differ by about 15.
                stream.uniform() < 1.0 / (1.0 + (3.9 + 0.08 * score).exp())
            })
        };
        let exits: Vec<Option<usize>> = histories.iter().map(&mut exit).collect();
        let sample = sample(&histories, &exits, &mut stream);
        fitted(&sample, Constraint::Free, streams)
    };
    let fits: Vec<WeightFit> = (0..WINS).into_par_iter().map(win).collect();
    let clear = fits.iter().filter(|fit| fit.gain_over_expert.ci_low > Some(0.0)).count();
    let of = |auc: fn(&WeightFit) -> f64| mean(&fits.iter().map(auc).collect::<Vec<f64>>());
    let rows = [
        row(&["weights", "AUC out of sample"]),
        row(&["learned", &format!("{:.3}", of(|fit| fit.learned.estimate))]),
        row(&["expert's", &format!("{:.3}", of(|fit| fit.expert.estimate))]),
        row(&[
            "none: age of the account only",
            &format!("{:.3}", of(|fit| fit.baselines.estimate)),
        ]),
    ];
    check(
        "learned_weights_win",
        "Learned weights where the expert is wrong",
        &format!(
            "The expert is right about a third of 100 types, a third does nothing, a third does the opposite; 2,000 \
             accounts, {WINS} replications. The interval of the gain over the expert excludes 0 in {clear}."
        ),
        &rows,
    );
    assert!(clear >= 18, "{clear} of {WINS}");
    assert!(fits.iter().all(|fit| fit.learned.estimate > fit.null.out_of_sample.high));
}
