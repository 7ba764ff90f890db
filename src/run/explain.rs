//! Why does one account score what it does, and why did that move?

use std::collections::BTreeMap;

use serde::Serialize;

use super::data::Dataset;
use super::error::RunError;
use crate::chart::{WaterfallData, three_digits};
use crate::diagnostic::nearest;
use crate::flow::Catalogue;
use crate::interaction::AccountHistory;
use crate::score::{Bridge, Driver, Rv, Score, Valuation, ValuedHistory, bridge, drivers};
use crate::time::Instant;

/// What is to be explained.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Id of the account.
    pub account: &'a str,
    /// The score.
    pub score: &'a Rv,
    /// When it is read: what was known before this instant.
    pub at: Instant,
    /// When it was read before; absent for no comparison in time.
    pub since: Option<Instant>,
    /// Another catalogue to value the same history with; the data's own comes first then.
    pub revalued: Option<&'a Catalogue>,
}

/// A part of a score and the number of interactions that have it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// What the interactions have in common.
    pub name: String,
    /// What they add to the score.
    pub part: f64,
    /// How many they are.
    pub interactions: u64,
}

/// One step of a move.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// What moved the score.
    pub name: &'static str,
    /// By how much.
    pub change: f64,
}

/// Why a score moved; the steps add up to the difference of its ends.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Move {
    /// Value before.
    pub from: f64,
    /// Catalogue, late data, fading, behaviour, aggregation.
    pub steps: Vec<Step>,
    /// Value after.
    pub to: f64,
}

/// Why an account scores what it does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// Id of the account.
    pub account: String,
    /// World, or name of the log.
    pub data: String,
    /// Name of the score.
    pub score: String,
    /// Its value.
    pub value: f64,
    /// Its parts by interaction type, largest first; they add up to the value.
    pub by_type: Vec<Part>,
    /// The same by function of the firm.
    pub by_function: Vec<Part>,
    /// The same by contact.
    pub by_contact: Vec<Part>,
    /// Why it moved, where that was asked.
    pub moved: Option<Move>,
}

/// Explains the score of one account of `dataset`.
///
/// # Errors
///
/// [`RunError::NoAccount`] when the data have no such account, [`RunError::Score`] when the score
/// is no sum over interactions or the other catalogue lacks a type, [`RunError::Table`] when the
/// log cannot be read.
pub fn explain(dataset: &Dataset, question: &Question<'_>) -> Result<Explanation, RunError> {
    let history = find(dataset, question.account)?;
    let score = question.score;
    let value = |catalogue: &Catalogue| -> Result<(ValuedHistory, Valuation), RunError> {
        let valuation = Valuation::new(catalogue, &dataset.types)?;
        Ok((ValuedHistory::new(&history, &valuation), valuation))
    };
    let (own, own_valuation) = value(&dataset.catalogue)?;
    let other = question.revalued.map(value).transpose()?;
    let (now, valuation) =
        other.as_ref().map_or((&own, &own_valuation), |(now, valuation)| (now, valuation));
    let found = drivers(score, now, question.at)?;
    let moved = match (question.since, &other) {
        (None, None) => None,
        (since, _) => {
            let since = since.unwrap_or(question.at);
            Some(bridge(score, (&own, since), (now, question.at))?)
        }
    };
    let function = |driver: &Driver| {
        let name = &valuation.functions()[usize::from(driver.function)];
        if name.is_empty() { "no function".to_owned() } else { name.clone() }
    };
    let contact = |driver: &Driver| {
        driver.contact.map_or_else(
            || "the account itself".to_owned(),
            |contact| {
                let listed = history.contacts.get(usize::from(contact.0));
                listed.map_or_else(
                    || format!("contact {}", contact.0 + 1),
                    |contact| contact.id.clone(),
                )
            },
        )
    };
    Ok(Explanation {
        account: question.account.to_owned(),
        data: dataset.name.clone(),
        score: Score::name(score),
        value: found.iter().fold(0.0, |sum, driver| sum + driver.part),
        by_type: parts(&found, |driver| dataset.types.name(driver.kind).to_owned()),
        by_function: parts(&found, function),
        by_contact: parts(&found, contact),
        moved: moved.as_ref().map(Move::new),
    })
}

fn find(dataset: &Dataset, account: &str) -> Result<AccountHistory, RunError> {
    let mut like: Option<String> = None;
    for history in dataset.histories()? {
        let history = history?;
        if history.account.id == account {
            return Ok(history);
        }
        let known = [history.account.id.as_str()].into_iter().chain(like.as_deref());
        like = nearest(account, known).map(str::to_owned);
    }
    Err(RunError::NoAccount {
        account: account.to_owned(),
        data: dataset.name.clone(),
        hint: like.map_or_else(String::new, |near| format!(" (nearest: `{near}`)")),
    })
}

/// Parts of the drivers that share a name, largest first.
fn parts(drivers: &[Driver], name: impl Fn(&Driver) -> String) -> Vec<Part> {
    let mut sums: BTreeMap<String, (f64, u64)> = BTreeMap::new();
    for driver in drivers {
        let (part, interactions) = sums.entry(name(driver)).or_default();
        *part += driver.part;
        *interactions += 1;
    }
    let part = |(name, (part, interactions))| Part { name, part, interactions };
    let mut all: Vec<Part> = sums.into_iter().map(part).collect();
    all.sort_by(|a, b| b.part.abs().total_cmp(&a.part.abs()));
    all
}

impl Move {
    fn new(bridge: &Bridge) -> Self {
        let steps = bridge.steps().map(|(name, change)| Step { name, change });
        Self { from: bridge.from, steps: steps.to_vec(), to: bridge.to }
    }
}

impl Explanation {
    /// The parts by interaction type as a waterfall.
    pub fn parts_chart(&self, simulated: bool) -> WaterfallData {
        let Self { account, score, .. } = self;
        let largest = self.by_type.first().map(|part| format!(", {} first", part.name));
        WaterfallData {
            title: format!("What makes up {score} of {account}{}", largest.unwrap_or_default()),
            note:
                "What each interaction type still adds to the score, with fading, shocks and the \
                   weights of contacts."
                    .to_owned(),
            name: ["drivers", account, score].map(str::to_owned).to_vec(),
            from: None,
            steps: self.by_type.iter().map(|part| (part.name.clone(), part.part)).collect(),
            to: (score.clone(), self.value),
            simulated,
        }
    }

    /// The move as a waterfall; labels of its two ends are given.
    pub fn move_chart(
        &self,
        (before, after): (&str, &str),
        simulated: bool,
    ) -> Option<WaterfallData> {
        let Self { account, score, .. } = self;
        let moved = self.moved.as_ref()?;
        let largest = moved.steps.iter().max_by(|a, b| a.change.abs().total_cmp(&b.change.abs()));
        let largest = largest.filter(|step| step.change != 0.0);
        let why =
            largest.map_or_else(String::new, |step| format!(", most of all by {}", step.name));
        Some(WaterfallData {
            title: format!(
                "{score} of {account} moved by {}{why}",
                three_digits(moved.to - moved.from)
            ),
            note: "Steps are taken one after the other: catalogue, late data, fading of what had \
                   happened, behaviour since, then contacts who came or left."
                .to_owned(),
            name: ["bridge", account, score].map(str::to_owned).to_vec(),
            from: Some((before.to_owned(), moved.from)),
            steps: moved.steps.iter().map(|step| (step.name.to_owned(), step.change)).collect(),
            to: (after.to_owned(), moved.to),
            simulated,
        })
    }
}
