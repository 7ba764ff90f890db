//! What customers say: the last answer, and how the firm stands against its rivals.
//!
//! Answers are about `us` (or nobody else) or about a rival by name; what was never answered says
//! nothing. Every score here reads the account as a whole, and an answer from the instant it is given.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::error::{ScoreError, at_least, finite, positive_finite, share};
use super::name::{Name, number};
use super::value::ValuedInteraction;
use super::{Fact, Score, Unit, needs};
use crate::interaction::{Projection, Survey};
use crate::time::Instant;

/// How surveys name the firm itself.
pub const US: &str = "us";

/// The last known answer to an instrument, about the firm as a whole.
///
/// - An answer about one dimension or about a rival does not count.
/// - Before the first answer the value is `unanswered`.
#[derive(Debug, Clone, PartialEq)]
pub struct LastSurvey {
    instrument: String,
    unanswered: f64,
}

impl LastSurvey {
    /// The last answer to `instrument`; `unanswered` until there is one.
    ///
    /// # Errors
    ///
    /// [`ScoreError`] when `unanswered` is no finite number.
    pub fn new(instrument: &str, unanswered: f64) -> Result<Self, ScoreError> {
        finite("last_survey", "unanswered", unanswered)?;
        Ok(Self { instrument: instrument.to_owned(), unanswered })
    }
}

impl Score for LastSurvey {
    type State = Option<f64>;

    fn name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        let mut name = Name::new("last_survey");
        name.part(&self.instrument.chars().map(plain).collect::<String>());
        name.part("else").part(&number(self.unanswered));
        name.finish()
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn projection(&self) -> Projection {
        needs::surveys()
    }

    fn reads(&self, _interaction: &ValuedInteraction) -> bool {
        false
    }

    fn observe(&self, _last: &mut Option<f64>, _interaction: &ValuedInteraction) {}

    fn note(&self, last: &mut Option<f64>, fact: Fact<'_>) {
        if let Fact::Survey(survey) = fact
            && survey.instrument == self.instrument
            && survey.dimension.is_none()
            && is_us(survey)
        {
            *last = survey.value;
        }
    }

    fn value(&self, last: &Option<f64>, _as_of: Instant) -> f64 {
        last.unwrap_or(self.unanswered)
    }
}

fn is_us(survey: &Survey) -> bool {
    survey.subject.as_deref().is_none_or(|subject| subject == US)
}

/// How the firm stands against the best rival in one dimension.
///
/// ```text
/// relative = mean answer about us − max over rivals j of the mean answer about j
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// What was asked about.
    pub dimension: Option<String>,
    /// Mean answer about the firm.
    pub us: f64,
    /// Mean answer about the best rival.
    pub leader: f64,
    /// That rival: the customer's own benchmark.
    pub leader_name: String,
    /// Answers about the firm and about that rival.
    pub answers: (usize, usize),
    /// Standard error of the difference, from the spread of answers about one supplier in one
    /// dimension; absent when nobody was asked about twice.
    pub std_error: Option<f64>,
}

impl Standing {
    /// Our mean less that of the best rival.
    pub fn relative(&self) -> f64 {
        self.us - self.leader
    }

    /// The difference shrunk by its measurement error: n / (n + k) of it, for n the smaller number of
    /// answers and k `pseudo_answers`, the variance of an answer over that of standings.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::score::Standing;
    ///
    /// let standing = Standing {
    ///     dimension: Some("delivery".to_owned()),
    ///     us: 3.0,
    ///     leader: 4.5,
    ///     leader_name: "acme".to_owned(),
    ///     answers: (2, 4),
    ///     std_error: None,
    /// };
    /// // 2 / (2 + 1) of −1.5.
    /// assert_eq!(standing.shrunk(1.0), -1.0);
    /// ```
    pub fn shrunk(&self, pseudo_answers: f64) -> f64 {
        let n = self.answers.0.min(self.answers.1) as f64;
        self.relative() * n / (n + pseudo_answers)
    }
}

/// Where the firm stands, by dimension in order of name, given the `answers` of one account.
///
/// Dimensions in which only one side was asked about are left out. Equal rivals are told apart by name.
///
/// # Examples
///
/// ```
/// use rvq::interaction::Survey;
/// use rvq::score::standings;
///
/// let answer = |subject: &str, value| Survey {
///     dimension: Some("delivery".to_owned()),
///     subject: Some(subject.to_owned()),
///     value: Some(value),
///     ..Survey::default()
/// };
/// let answers = [answer("us", 4.0), answer("acme", 3.0), answer("best", 5.0), answer("us", 5.0)];
/// let standings = standings(&answers);
/// assert_eq!(standings[0].leader_name, "best");
/// assert_eq!(standings[0].relative(), -0.5);
/// ```
pub fn standings<'a>(answers: impl IntoIterator<Item = &'a Survey>) -> Vec<Standing> {
    type Suppliers<'a> = BTreeMap<&'a str, Vec<f64>>;
    let mut dimensions: BTreeMap<Option<&str>, Suppliers<'_>> = BTreeMap::new();
    for survey in answers {
        if let Some(value) = survey.value {
            let suppliers = dimensions.entry(survey.dimension.as_deref()).or_default();
            suppliers.entry(survey.subject.as_deref().unwrap_or(US)).or_default().push(value);
        }
    }
    let groups = || dimensions.values().flat_map(BTreeMap::values);
    let squares: f64 = groups().map(|values| squares_within(values)).sum();
    let freedom: usize = groups().map(|values| values.len() - 1).sum();
    let variance = (freedom > 0).then(|| squares / freedom as f64);
    let standing = |(dimension, suppliers): (Option<&str>, &Suppliers<'_>)| {
        let us = suppliers.get(US)?;
        let rivals = suppliers.iter().filter(|(name, _)| **name != US);
        let (name, theirs) =
            rivals.fold(None, |best: Option<(&str, &Vec<f64>)>, (name, values)| match best {
                Some(best) if mean(best.1) >= mean(values) => Some(best),
                _ => Some((name, values)),
            })?;
        let counts = (us.len() as f64).recip() + (theirs.len() as f64).recip();
        Some(Standing {
            dimension: dimension.map(str::to_owned),
            us: mean(us),
            leader: mean(theirs),
            leader_name: name.to_owned(),
            answers: (us.len(), theirs.len()),
            std_error: variance.map(|variance| (variance * counts).sqrt()),
        })
    };
    dimensions.iter().map(|(dimension, of)| (*dimension, of)).filter_map(standing).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn squares_within(values: &[f64]) -> f64 {
    let centre = mean(values);
    values.iter().map(|value| (value - centre).powi(2)).sum()
}

/// What a customer's ranking of suppliers predicts for the share of the one at `rank`.
///
/// ```text
/// share = (1 − rank / (M + 1)) · 2 / M
/// ```
///
/// - `rank`: from 1 for the best, a mean rank for ties; `suppliers`: M, all in use.
/// - The shares of M suppliers add up to 1. Source: Wallet Allocation Rule (Keiningham et al. 2011).
///
/// # Examples
///
/// ```
/// use rvq::score::wallet_allocation_share;
///
/// let shares: Vec<f64> = (1..=3).map(|rank| wallet_allocation_share(f64::from(rank), 3)).collect();
/// assert!((shares[0] - 0.5).abs() < 1e-12 && (shares[2] - 1.0 / 6.0).abs() < 1e-12);
/// assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
/// ```
pub fn wallet_allocation_share(rank: f64, suppliers: usize) -> f64 {
    let m = suppliers as f64;
    (1.0 - rank / (m + 1.0)) * 2.0 / m
}

/// What is made of the answers about the firm and its rivals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Comparison {
    /// Mean or least [`Standing::shrunk`] over dimensions; 0 while nobody compares.
    Standing {
        /// Which dimension decides.
        over: Dimensions,
        /// k of [`Standing::shrunk`].
        pseudo_answers: f64,
    },
    /// [`wallet_allocation_share`] of the firm's rank among all suppliers, by mean answer.
    WalletAllocation {
        /// The share while nobody compares.
        unanswered: f64,
    },
}

/// Which dimension decides.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Dimensions {
    /// All of them alike.
    #[default]
    Mean,
    /// The one where the firm stands worst.
    Weakest,
}

/// A [`Comparison`] over a trailing window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgainstRivals {
    comparison: Comparison,
    window_days: f64,
}

impl AgainstRivals {
    /// The comparison over the trailing `window_days`.
    ///
    /// # Errors
    ///
    /// [`ScoreError`] when a parameter is out of its range.
    pub fn new(comparison: Comparison, window_days: f64) -> Result<Self, ScoreError> {
        match comparison {
            Comparison::Standing { pseudo_answers, .. } => {
                at_least("standing", "pseudo_answers", pseudo_answers, 0.0)?;
                positive_finite("standing", "window_days", window_days)?;
            }
            Comparison::WalletAllocation { unanswered } => {
                share("wallet_allocation", "unanswered", unanswered)?;
                positive_finite("wallet_allocation", "window_days", window_days)?;
            }
        }
        Ok(Self { comparison, window_days })
    }

    fn recent<'s>(
        &self,
        answers: &'s VecDeque<Survey>,
        as_of: Instant,
    ) -> impl Iterator<Item = &'s Survey> + Clone + 's {
        let window = self.window_days;
        answers.iter().filter(move |survey| as_of.days_since(answered_at(survey)) < window)
    }
}

fn answered_at(survey: &Survey) -> Instant {
    survey.answered_at.unwrap_or(survey.asked_at)
}

impl Score for AgainstRivals {
    type State = VecDeque<Survey>;

    fn name(&self) -> String {
        let mut name = match self.comparison {
            Comparison::Standing { over: Dimensions::Mean, .. } => Name::new("standing"),
            Comparison::Standing { over: Dimensions::Weakest, .. } => Name::new("weakest_standing"),
            Comparison::WalletAllocation { .. } => Name::new("wallet_allocation"),
        };
        name.days(self.window_days);
        match self.comparison {
            Comparison::Standing { pseudo_answers, .. } => {
                name.unless(pseudo_answers, 0.0, "pseudo_answers");
            }
            Comparison::WalletAllocation { unanswered } => {
                name.part("else").part(&number(unanswered));
            }
        }
        name.finish()
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn projection(&self) -> Projection {
        needs::surveys()
    }

    fn reads(&self, _interaction: &ValuedInteraction) -> bool {
        false
    }

    fn observe(&self, _answers: &mut VecDeque<Survey>, _interaction: &ValuedInteraction) {}

    fn note(&self, answers: &mut VecDeque<Survey>, fact: Fact<'_>) {
        let Fact::Survey(survey) = fact else { return };
        // Without a subject, nobody is compared.
        if survey.subject.is_none() {
            return;
        }
        let now = answered_at(survey);
        while answers
            .front()
            .is_some_and(|old| now.days_since(answered_at(old)) >= self.window_days)
        {
            answers.pop_front();
        }
        answers.push_back(survey.clone());
    }

    fn value(&self, answers: &VecDeque<Survey>, as_of: Instant) -> f64 {
        let recent = self.recent(answers, as_of);
        match self.comparison {
            Comparison::Standing { over, pseudo_answers } => {
                let all = standings(recent);
                let parts = all.iter().map(|standing| standing.shrunk(pseudo_answers));
                match over {
                    Dimensions::Mean => parts.sum::<f64>() / all.len().max(1) as f64,
                    Dimensions::Weakest => parts.reduce(f64::min).unwrap_or(0.0),
                }
            }
            Comparison::WalletAllocation { unanswered } => {
                wallet_allocation(recent).unwrap_or(unanswered)
            }
        }
    }
}

/// The firm's [`wallet_allocation_share`] by its rank among the suppliers that `answers` are about.
///
/// Suppliers are ranked by their mean answer. `None` while the firm is compared with nobody.
pub fn wallet_allocation<'a>(answers: impl IntoIterator<Item = &'a Survey>) -> Option<f64> {
    let mut suppliers: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for survey in answers {
        let subject = survey.subject.as_deref().unwrap_or(US);
        suppliers.entry(subject).or_default().extend(survey.value);
    }
    let ours = mean(suppliers.get(US).filter(|_| suppliers.len() > 1)?);
    let rivals =
        || suppliers.iter().filter(|(name, _)| **name != US).map(|(_, values)| mean(values));
    let better = rivals().filter(|theirs| *theirs > ours).count() as f64;
    let equal = rivals().filter(|theirs| theirs.to_bits() == ours.to_bits()).count() as f64;
    Some(wallet_allocation_share(1.0 + better + equal / 2.0, suppliers.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_by_the_rule_are_those_published() {
        let shares = |m: usize| -> Vec<f64> {
            (1..=m).map(|rank| wallet_allocation_share(rank as f64, m)).collect()
        };
        let close = |found: &[f64], expected: &[f64]| {
            found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 5e-4)
        };
        assert!(close(&shares(2), &[0.667, 0.333]));
        assert!(close(&shares(3), &[0.5, 0.333, 0.167]));
        assert!(close(&shares(4), &[0.4, 0.3, 0.2, 0.1]));
    }

    fn answer(dimension: &str, subject: &str, value: f64) -> Survey {
        Survey {
            instrument: "comparison".to_owned(),
            dimension: Some(dimension.to_owned()),
            subject: Some(subject.to_owned()),
            value: Some(value),
            ..Survey::default()
        }
    }

    #[test]
    fn the_error_of_a_standing_comes_from_the_spread_of_answers() {
        // Spread within groups: us {3, 5} has squares 2, acme {4, 4, 1} has 6: variance 8 / 3.
        let answers = [
            answer("service", "us", 3.0),
            answer("service", "us", 5.0),
            answer("service", "acme", 4.0),
            answer("service", "acme", 4.0),
            answer("service", "acme", 1.0),
            answer("price", "us", 2.0),
        ];
        let all = standings(&answers);
        assert_eq!(all.len(), 1, "nobody compares prices");
        assert!((all[0].relative() - 1.0).abs() < 1e-12);
        let expected = (8.0 / 3.0 * (0.5 + 1.0 / 3.0_f64)).sqrt();
        assert!((all[0].std_error.unwrap() - expected).abs() < 1e-12);
        assert_eq!(standings(&answers[..1]), []);
    }

    #[test]
    fn ties_share_a_mean_rank() {
        let answers = [answer("a", "us", 4.0), answer("a", "x", 4.0), answer("a", "y", 2.0)];
        // Rank 1.5 of 3: (1 − 1.5 / 4) · 2 / 3.
        assert_eq!(wallet_allocation(answers.iter()), Some(wallet_allocation_share(1.5, 3)));
        assert_eq!(wallet_allocation(answers[..1].iter()), None);
    }
}
