//! From trajectories to named patterns, or the reason why there are none.

use ndarray::{Array2, ArrayView2};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::choose::{Fitted, choose_k};
use super::error::PatternError;
use super::features::{FeatureScale, Trajectories, features};
use super::kmeans::{Assignment, Clustering, nearest};
use super::profile::{HeldOut, OutcomeScale, profile};
use super::reference::{ReferenceTest, reference_test};
use super::stability::{PatternStability, STABLE_FROM, bootstrap_stability};
use super::summary::PatternSummary;
use crate::ids::{AccountIndex, ContactIndex};
use crate::rng::{Purpose, Streams};

/// Largest p-value of the reference test at which groups are believed.
const SIGNIFICANCE: f64 = 0.05;

/// How patterns are looked for: `[patterns]` of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PatternParams {
    /// First age of a trajectory \[months since the account began\].
    pub first_age_months: i32,
    /// Last age of a trajectory \[months since the account began\]; the outcome is later.
    pub last_age_months: i32,
    /// Largest number of patterns tried; the smallest is 2.
    pub k_max: usize,
    /// Starts of k-means on the data and on each reference data set.
    pub restarts: usize,
    /// Bootstrap resamples of the accounts.
    pub resamples: usize,
    /// Reference data sets without groups; 19 are the fewest with which p ≤ .05 can be reached.
    pub references: usize,
    /// Least gain of the mean silhouette over that of ungrouped data, in [0, 1): with many accounts
    /// a mere departure from normality is significant too, but gains .01-.03 only.
    pub min_gain: f64,
    /// Share of the accounts kept for naming the patterns, in (0, 1).
    pub held_out_share: f64,
    /// Fewest accounts with a complete trajectory for which patterns are looked for.
    pub min_accounts: usize,
    /// Scale on which later outcomes are compared.
    pub outcome_scale: OutcomeScale,
}

impl Default for PatternParams {
    fn default() -> Self {
        Self {
            first_age_months: 1,
            last_age_months: 12,
            k_max: 6,
            restarts: 4,
            resamples: 50,
            references: 39,
            min_gain: 0.05,
            held_out_share: 0.5,
            min_accounts: 60,
            outcome_scale: OutcomeScale::NormalScore,
        }
    }
}

impl PatternParams {
    /// The ages of a trajectory, in months, increasing.
    pub fn ages_months(&self) -> Vec<i32> {
        (self.first_age_months..=self.last_age_months).collect()
    }

    /// Checks that every setting is within its range.
    ///
    /// # Errors
    ///
    /// `InvalidParameter` names the first that is not.
    pub fn check(&self) -> Result<(), PatternError> {
        let rules = [
            (
                "last_age_months",
                f64::from(self.last_age_months),
                "an age after the first",
                self.last_age_months > self.first_age_months,
            ),
            ("k_max", self.k_max as f64, "at least 2", self.k_max >= 2),
            ("restarts", self.restarts as f64, "at least 1", self.restarts >= 1),
            ("resamples", self.resamples as f64, "at least 1", self.resamples >= 1),
            ("references", self.references as f64, "at least 19", self.references >= 19),
            (
                "min_gain",
                self.min_gain,
                "at least 0 and below 1",
                (0.0..1.0).contains(&self.min_gain),
            ),
            (
                "held_out_share",
                self.held_out_share,
                "a share between 0 and 1",
                self.held_out_share > 0.0 && self.held_out_share < 1.0,
            ),
            ("min_accounts", self.min_accounts as f64, "at least 20", self.min_accounts >= 20),
        ];
        match rules.into_iter().find(|(.., holds)| !holds) {
            Some((name, value, expected, _)) => {
                Err(PatternError::InvalidParameter { name, value, expected })
            }
            None => Ok(()),
        }
    }
}

/// What was found among the accounts, and all that led to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Patterns {
    /// The patterns, or why there are none.
    pub outcome: Outcome,
    /// Pattern of each account, from 0, training and held out alike; absent without patterns.
    pub assignments: Vec<Option<usize>>,
    /// Whether each account was kept for naming the patterns.
    pub held_out: Vec<bool>,
    /// Comparison with ungrouped data; absent when there were too few accounts for it.
    pub reference: Option<ReferenceTest>,
    /// Numbers of patterns whose stability was looked at, in that order.
    pub candidates: Vec<Candidate>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Stable patterns that separate better than ungrouped data.
    Found {
        /// To place further accounts.
        model: PatternModel,
        /// One per pattern, as `results.json` shows it.
        summaries: Vec<PatternSummary>,
    },
    /// No stable pattern.
    NoStable {
        /// The reason, in one sentence.
        why: String,
    },
}

/// A number of patterns that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Number of patterns.
    pub k: usize,
    /// Mean silhouette.
    pub silhouette: f64,
    /// Stability of each of them.
    pub stability: PatternStability,
}

/// Patterns as a rule that places any account with the same ages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatternModel {
    /// From scores to features.
    pub scale: FeatureScale,
    /// Centre of each pattern in feature space, largest pattern first.
    pub centroids: Vec<Vec<f64>>,
}

impl PatternModel {
    /// The pattern nearest to a trajectory; `None` unless it has a finite score at every age.
    pub fn assign(&self, trajectory: &[f64]) -> Option<Assignment> {
        if trajectory.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let row = ArrayView2::from_shape((1, trajectory.len()), trajectory).ok()?;
        let features = self.scale.transform(row).ok()?;
        Some(nearest(&self.centroids, features.row(0)))
    }
}

impl Patterns {
    /// The pattern of a further account, with its margin; `None` without patterns or without a
    /// finite score at every age.
    pub fn assign(&self, trajectory: &[f64]) -> Option<Assignment> {
        self.model()?.assign(trajectory)
    }

    /// The rule that places accounts, if patterns were found.
    pub fn model(&self) -> Option<&PatternModel> {
        match &self.outcome {
            Outcome::Found { model, .. } => Some(model),
            Outcome::NoStable { .. } => None,
        }
    }

    /// The patterns as `results.json` shows them; empty when there are none.
    pub fn summaries(&self) -> &[PatternSummary] {
        match &self.outcome {
            Outcome::Found { summaries, .. } => summaries,
            Outcome::NoStable { .. } => &[],
        }
    }

    /// Why there are no patterns, if there are none.
    pub fn why_none(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Found { .. } => None,
            Outcome::NoStable { why } => Some(why),
        }
    }

    fn none(held_out: Vec<bool>, why: String) -> Self {
        Self {
            outcome: Outcome::NoStable { why },
            assignments: vec![None; held_out.len()],
            held_out,
            reference: None,
            candidates: Vec::new(),
        }
    }
}

/// Looks for relationship patterns and names them by a later outcome.
///
/// 1. Accounts are split by keyed draw; held-out accounts take no part before step 5.
/// 2. Standing at equal age, k-means for `k` in `2..=k_max`, ordered by mean silhouette.
/// 3. The silhouettes must exceed those of ungrouped data (p ≤ .05), over all `k` together and at the
///    `k` taken, and there by [`PatternParams::min_gain`].
/// 4. The first `k` in that order whose patterns are all stable is taken.
/// 5. Held-out accounts are placed, and their later outcome names the patterns.
///
/// - `trajectories`: accounts with a score at every age; others are left out by the caller.
/// - `later_outcome`: by account, after its last age; NaN when it was not observed.
/// - The same `streams` give the same answer on any number of threads.
///
/// # Errors
///
/// `InvalidParameter`, `LengthMismatch`, `NotFinite` for bad input; `KMeans` when the solver fails.
/// Too few accounts, or none that differ, are an answer and no error.
pub fn find_patterns(
    trajectories: &Trajectories,
    later_outcome: &[f64],
    outcome: &str,
    params: &PatternParams,
    streams: Streams,
) -> Result<Patterns, PatternError> {
    params.check()?;
    trajectories.check()?;
    let accounts = trajectories.values.nrows();
    if later_outcome.len() != accounts {
        return Err(PatternError::LengthMismatch {
            what: "later_outcome",
            got: later_outcome.len(),
            expected: accounts,
        });
    }
    let held_out = split(accounts, params.held_out_share, streams);
    let (reserved, train): (Vec<usize>, Vec<usize>) = (0..accounts).partition(|&i| held_out[i]);
    if accounts < params.min_accounts {
        let needed = params.min_accounts;
        let why = format!("{accounts} accounts have a complete trajectory, {needed} are needed");
        return Ok(Patterns::none(held_out, why));
    }
    if train.len() <= params.k_max {
        let (left, k_max) = (train.len(), params.k_max);
        let why = format!("{left} accounts are not held out, more than {k_max} are needed");
        return Ok(Patterns::none(held_out, why));
    }
    let found = features(&trajectories.select(&train))?;
    if found.scale.kept.is_empty() {
        let why = "all accounts have the same score at every age".to_owned();
        return Ok(Patterns::none(held_out, why));
    }
    let search = search(found.values.view(), params, streams)?;
    let mut patterns = Patterns::none(held_out, search.why);
    patterns.reference = Some(search.reference);
    patterns.candidates = search.candidates;
    if let Some((clustering, stability)) = search.taken {
        let held_out_rows = trajectories.select(&reserved);
        let held_out_outcome: Vec<f64> = reserved.iter().map(|&i| later_outcome[i]).collect();
        let held_out_features = found.scale.transform(held_out_rows.values.view())?;
        let held_out = HeldOut {
            features: held_out_features.view(),
            later_outcome: &held_out_outcome,
            outcome,
            scale: params.outcome_scale,
        };
        let summaries = profile(&clustering, &stability, &held_out)?;
        let model = PatternModel { scale: found.scale, centroids: clustering.centroids };
        patterns.assignments = place(&model, &trajectories.values)?;
        patterns.outcome = Outcome::Found { model, summaries };
    }
    Ok(patterns)
}

fn split(accounts: usize, held_out_share: f64, streams: Streams) -> Vec<bool> {
    let held_out = |account: usize| {
        let index = AccountIndex(u32::try_from(account).expect("fewer than 2^32 accounts"));
        streams.draws(Purpose::Folds, index, ContactIndex(0)).uniform(0) < held_out_share
    };
    (0..accounts).map(held_out).collect()
}

fn place(model: &PatternModel, values: &Array2<f64>) -> Result<Vec<Option<usize>>, PatternError> {
    let features = model.scale.transform(values.view())?;
    let rows = features.rows().into_iter();
    Ok(rows.map(|row| Some(nearest(&model.centroids, row).pattern)).collect())
}

/// What the training accounts alone say.
struct Search {
    taken: Option<(Clustering, PatternStability)>,
    reference: ReferenceTest,
    candidates: Vec<Candidate>,
    /// Why nothing was taken.
    why: String,
}

fn search(
    features: ArrayView2<'_, f64>,
    params: &PatternParams,
    streams: Streams,
) -> Result<Search, PatternError> {
    let fitted = choose_k(features, params.k_max, params.restarts, streams)?;
    let reference = reference_test(features, &fitted, params.restarts, params.references, streams)?;
    let mut search = Search { taken: None, reference, candidates: Vec::new(), why: String::new() };
    if search.reference.p_value > SIGNIFICANCE {
        search.why = format!(
            "accounts separate no better than ungrouped accounts with the same correlations \
             (p = {:.3}, {} reference data sets)",
            search.reference.p_value, params.references
        );
        return Ok(search);
    }
    for Fitted { clustering, silhouette } in fitted {
        let k = clustering.k();
        let stands_out = search.reference.silhouettes.iter().any(|s| {
            s.k == k
                && s.p_value <= SIGNIFICANCE
                && s.silhouette - s.reference_mean >= params.min_gain
        });
        if !stands_out {
            continue;
        }
        let stability =
            bootstrap_stability(features, &clustering, params.restarts, params.resamples, streams)?;
        search.candidates.push(Candidate { k, silhouette, stability: stability.clone() });
        if stability.is_stable() {
            search.taken = Some((clustering, stability));
            return Ok(search);
        }
    }
    search.why = unstable(&search.candidates, params.min_gain);
    Ok(search)
}

fn unstable(candidates: &[Candidate], min_gain: f64) -> String {
    let tried: Vec<String> = candidates
        .iter()
        .map(|c| format!("{:.2} with {} patterns", c.stability.lowest(), c.k))
        .collect();
    if tried.is_empty() {
        return format!(
            "at no number of patterns does the mean silhouette exceed that of ungrouped accounts \
             by {min_gain}"
        );
    }
    format!(
        "patterns do not return when accounts are resampled: lowest Jaccard similarity {}, \
         {STABLE_FROM} is needed",
        tried.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(accounts: usize) -> Trajectories {
        Trajectories { ages_months: vec![1, 2], values: Array2::ones((accounts, 2)) }
    }

    #[test]
    fn too_few_accounts_are_an_answer() {
        let params = PatternParams::default();
        let found =
            find_patterns(&flat(59), &[0.0; 59], "profit", &params, Streams::new(1)).unwrap();
        assert_eq!(found.why_none(), Some("59 accounts have a complete trajectory, 60 are needed"));
        assert_eq!(found.assignments, [None; 59]);
    }

    #[test]
    fn accounts_that_do_not_differ_are_an_answer() {
        let params = PatternParams::default();
        let found =
            find_patterns(&flat(80), &[0.0; 80], "profit", &params, Streams::new(1)).unwrap();
        assert_eq!(found.why_none(), Some("all accounts have the same score at every age"));
    }

    #[test]
    fn bad_settings_name_the_setting() {
        let params = PatternParams { held_out_share: 1.0, ..PatternParams::default() };
        let error =
            find_patterns(&flat(80), &[0.0; 80], "profit", &params, Streams::new(1)).unwrap_err();
        assert_eq!(error.to_string(), "`held_out_share` is 1, expected a share between 0 and 1");
    }

    #[test]
    fn an_unknown_setting_is_refused_and_the_rest_has_defaults() {
        assert_eq!(toml::from_str::<PatternParams>("").unwrap(), PatternParams::default());
        assert_eq!(toml::from_str::<PatternParams>("k_max = 4").unwrap().k_max, 4);
        assert!(toml::from_str::<PatternParams>("kmax = 4").is_err());
    }
}
