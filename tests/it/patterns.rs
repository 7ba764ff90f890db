//! Patterns are found where they were planted, and nowhere else.

use ndarray::Array2;
use rand_distr::{Distribution, Gamma, Poisson, StandardNormal};
use rvq::ids::{AccountIndex, ContactIndex};
use rvq::patterns::{Outcome, PatternLabel, PatternParams, Patterns, Trajectories, find_patterns};
use rvq::rng::{Purpose, Stream, Streams};

const AGES: usize = 12;

fn normal(stream: &mut Stream) -> f64 {
    StandardNormal.sample(stream)
}

/// One row per account, drawn by `row` from the account's own stream.
fn cohort(
    accounts: usize,
    seed: u64,
    row: impl Fn(usize, &mut Stream) -> Vec<f64>,
) -> Trajectories {
    let rows = (0..accounts).flat_map(|account| {
        let index = AccountIndex(account as u32);
        let draws = Streams::new(seed).draws(Purpose::Account, index, ContactIndex(0));
        row(account, &mut draws.stream(0))
    });
    Trajectories {
        ages_months: (1..=AGES as i32).collect(),
        values: Array2::from_shape_vec((accounts, AGES), rows.collect()).unwrap(),
    }
}

fn running_sum(steps: impl Iterator<Item = f64>) -> Vec<f64> {
    steps
        .scan(0.0, |level, step| {
            *level += step;
            Some(*level)
        })
        .collect()
}

/// Independent scores.
fn blob(_: usize, stream: &mut Stream) -> Vec<f64> {
    (0..AGES).map(|_| normal(stream)).collect()
}

/// Scores that drift.
fn random_walk(_: usize, stream: &mut Stream) -> Vec<f64> {
    running_sum((0..AGES).map(|_| normal(stream)))
}

/// Accumulated interactions of accounts whose rates differ smoothly: skewed, tied, no groups.
fn busy_and_quiet(_: usize, stream: &mut Stream) -> Vec<f64> {
    let rate: f64 = Gamma::new(2.0, 2.0).unwrap().sample(stream);
    running_sum((0..AGES).map(|_| Poisson::new(rate.max(1e-6)).unwrap().sample(stream)))
}

/// Risers, fallers and accounts that rise and fall back, a third each: the true group is
/// `account % 3`.
fn planted(account: usize, stream: &mut Stream) -> Vec<f64> {
    let level = 0.5 * normal(stream);
    (0..AGES)
        .map(|age| {
            let time = age as f64 / (AGES - 1) as f64;
            let course = match account % 3 {
                0 => 4.0 * time - 2.0,
                1 => 2.0 - 4.0 * time,
                _ => 3.0 - 16.0 * (time - 0.5).powi(2),
            };
            course + level + 0.7 * normal(stream)
        })
        .collect()
}

/// An outcome that goes up with riser, down with faller, and is otherwise noise.
fn outcome_of_planted(accounts: usize, seed: u64) -> Vec<f64> {
    (0..accounts)
        .map(|account| {
            let index = AccountIndex(account as u32);
            let draws = Streams::new(seed).draws(Purpose::Outcome, index, ContactIndex(0));
            let effect = [1.0, -1.0, 0.0][account % 3];
            (effect + normal(&mut draws.stream(0))).exp()
        })
        .collect()
}

fn find(trajectories: &Trajectories, outcome: &[f64], seed: u64) -> Patterns {
    let params = PatternParams { resamples: 20, references: 19, restarts: 3, ..Default::default() };
    find_patterns(trajectories, outcome, "gross_profit", &params, Streams::new(seed)).unwrap()
}

/// Adjusted Rand index of two groupings (Hubert and Arabie 1985).
fn adjusted_rand(a: &[usize], b: &[usize]) -> f64 {
    let pairs = |n: usize| (n * n.saturating_sub(1)) as f64 / 2.0;
    let groups = |labels: &[usize]| labels.iter().max().map_or(0, |most| most + 1);
    let (rows, columns) = (groups(a), groups(b));
    let mut table = vec![vec![0_usize; columns]; rows];
    for (&x, &y) in a.iter().zip(b) {
        table[x][y] += 1;
    }
    let within: f64 = table.iter().flatten().map(|&n| pairs(n)).sum();
    let by_row: f64 = table.iter().map(|row| pairs(row.iter().sum())).sum();
    let by_column: f64 = (0..columns).map(|y| pairs(table.iter().map(|row| row[y]).sum())).sum();
    let expected = by_row * by_column / pairs(a.len());
    (within - expected) / (f64::midpoint(by_row, by_column) - expected)
}

#[test]
fn adjusted_rand_matches_scikit_learn() {
    // sklearn.metrics.adjusted_rand_score([0, 0, 1, 2], [0, 0, 1, 1]) = 0.5714285714285714.
    assert!((adjusted_rand(&[0, 0, 1, 2], &[0, 0, 1, 1]) - 4.0 / 7.0).abs() < 1e-12);
}

#[test]
fn planted_groups_are_found_and_named_by_their_outcome() {
    let accounts = 300;
    let truth: Vec<usize> = (0..accounts).map(|account| account % 3).collect();
    for seed in 0..5 {
        let found =
            find(&cohort(accounts, seed, planted), &outcome_of_planted(accounts, seed), seed);
        let assigned: Vec<usize> = found.assignments.iter().map(|a| a.unwrap()).collect();
        let agreement = adjusted_rand(&truth, &assigned);
        assert!(agreement > 0.9, "seed {seed}: adjusted Rand index {agreement}");
        let label_of = |group: usize| found.summaries()[assigned[group]].label;
        // Effects of one standard deviation, 50 held-out accounts in a group: about 7 standard errors.
        assert_eq!(label_of(0), PatternLabel::BestPractice);
        assert_eq!(label_of(1), PatternLabel::AtRisk);
    }
}

#[test]
fn featureless_accounts_give_no_stable_pattern() {
    // At a rate of 5 %, more than 6 of 40 cohorts with patterns has probability .0034 (binomial). The
    // reference test holds it for the first two; the third needs the least gain beside it.
    for (name, row) in [
        ("blob", blob as fn(usize, &mut Stream) -> Vec<f64>),
        ("random walk", random_walk),
        ("busy and quiet", busy_and_quiet),
    ] {
        let found = (0..40)
            .filter(|&seed| {
                let found = find(&cohort(120, seed, row), &[0.0; 120], seed);
                matches!(found.outcome, Outcome::Found { .. })
            })
            .count();
        assert!(found <= 6, "{name}: patterns found in {found} of 40 featureless cohorts");
    }
}

#[test]
fn an_outcome_without_effect_names_no_pattern_most_of_the_time() {
    // At least one label of three in 5 % of cohorts: more than 5 of 30 has probability .0033.
    let named = (0..30)
        .filter(|&seed| {
            let outcome: Vec<f64> = {
                let mut stream = Streams::new(seed).global(Purpose::Outcome).stream(0);
                (0..150).map(|_| normal(&mut stream).exp()).collect()
            };
            let found = find(&cohort(150, seed, planted), &outcome, seed);
            assert!(!found.summaries().is_empty(), "seed {seed}: {:?}", found.why_none());
            found.summaries().iter().any(|s| s.label != PatternLabel::Unremarkable)
        })
        .count();
    assert!(named <= 5, "labels in {named} of 30 cohorts without effect");
}

#[test]
fn later_outcomes_do_not_change_the_patterns() {
    let trajectories = cohort(200, 1, planted);
    let with = find(&trajectories, &outcome_of_planted(200, 1), 1);
    let without = find(&trajectories, &[0.0; 200], 1);
    assert_eq!(with.assignments, without.assignments);
    assert_eq!(with.model(), without.model());
}

#[test]
fn patterns_do_not_depend_on_the_number_of_threads() {
    let trajectories = cohort(200, 2, planted);
    let outcome = outcome_of_planted(200, 2);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| serde_json::to_string(&find(&trajectories, &outcome, 2)).unwrap())
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(5));
}

#[test]
fn a_saved_model_places_an_account_as_the_run_did() {
    let trajectories = cohort(200, 3, planted);
    let found = find(&trajectories, &outcome_of_planted(200, 3), 3);
    let saved = serde_json::to_string(&found).unwrap();
    let read: Patterns = serde_json::from_str(&saved).unwrap();
    for (row, &pattern) in trajectories.values.rows().into_iter().zip(&found.assignments) {
        let placed = read.assign(&row.to_vec()).unwrap();
        assert_eq!(Some(placed.pattern), pattern);
        assert!((0.0..=1.0).contains(&placed.margin));
    }
    assert_eq!(read.assign(&[1.0; AGES - 1]), None);
    assert_eq!(read.assign(&[f64::NAN; AGES]), None);
}
