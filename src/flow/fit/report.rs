//! What was estimated, with the numbers behind it, for people and machines.

use serde::Serialize;

use super::draft::{Draft, DraftLevel};
use super::law::LawFit;
use super::levels::{LevelSource, Levels};
use super::maximise::{Estimate, probability_error};
use super::pairs::{self, Pair};
use super::prepare::Types;
use super::purchase::PurchaseLaw;
use super::record::AccountRecord;

/// What a fit found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FitReport {
    /// How levels were found.
    pub level_source: LevelSource,
    /// What that means.
    pub level_explanation: &'static str,
    /// Accounts, contacts that were watched, and their rows.
    pub n_accounts: usize,
    /// Contacts, and accounts' rows without one, that were watched.
    pub n_records: usize,
    /// Of these, contacts that joined inside the log.
    pub n_joined: usize,
    /// Rows that are no transactions.
    pub n_rows: usize,
    /// Levels in the order of the flow.
    pub levels: Vec<LevelReport>,
    /// Where prospects enter.
    pub entry: Vec<EntryReport>,
    /// Where customers begin.
    pub retention_entry: String,
    /// Answers.
    pub follow_ups: Vec<FollowUpReport>,
    /// Pairs that were tested for being answers.
    pub n_pairs_tested: usize,
    /// Family-wise error rate of these tests.
    pub follow_up_error_rate: f64,
    /// Purchases, which are no part of a flow.
    pub purchases: Option<PurchaseLaw>,
    /// Rounds of expectation-maximisation.
    pub rounds: usize,
    /// Whether they settled.
    pub converged: bool,
    /// What a reader must know.
    pub notes: Vec<String>,
}

/// One level.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LevelReport {
    /// Name of the level.
    pub name: String,
    /// Stage of the level.
    pub stage: &'static str,
    /// Expected number of steps: rows that ended a wait.
    pub n_steps: f64,
    /// Law of the wait; absent for a level with hardly a wait that ended.
    pub wait: Option<LawFit>,
    /// Mean wait \[days\].
    pub mean_wait_days: f64,
    /// Probability of leaving per step.
    pub exit_probability: f64,
    /// Its standard error.
    pub exit_std_error: f64,
    /// Expected number of exits.
    pub n_exits: f64,
    /// Types and their shares, in catalogue order.
    pub mix: Vec<ShareReport>,
}

/// One type of a mix.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShareReport {
    /// The type.
    pub interaction_type: String,
    /// Its share of the steps.
    pub share: f64,
    /// Standard error of the share.
    pub std_error: f64,
    /// Expected number of steps of this type.
    pub n: f64,
}

/// One level at which prospects enter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntryReport {
    /// The level.
    pub level: String,
    /// Its share.
    pub share: f64,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FollowUpReport {
    /// Level at which the question happens.
    pub level: String,
    /// The type that is answered.
    pub after: String,
    /// The answer.
    pub then: String,
    /// Probability of the answer.
    pub probability: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Number of questions.
    pub n_asked: f64,
    /// Expected number of answers seen.
    pub n_answers: f64,
    /// Law of the time until the answer.
    pub wait: Option<LawFit>,
    /// Mean time until the answer \[days\].
    pub mean_wait_days: f64,
    /// Adjusted p-value of the test of neighbours.
    pub p_adjusted: f64,
}

/// All a report is made of.
pub(super) struct Evidence<'a> {
    pub(super) levels: &'a Levels,
    pub(super) types: &'a Types,
    pub(super) estimate: &'a Estimate,
    pub(super) accounts: &'a [AccountRecord],
    pub(super) pairs: &'a [Pair],
    pub(super) tested: usize,
    pub(super) purchases: Option<&'a PurchaseLaw>,
}

pub(super) fn report(draft: &Draft, evidence: &Evidence<'_>) -> FitReport {
    let records = || evidence.accounts.iter().flat_map(|account| &account.contacts);
    FitReport {
        level_source: evidence.levels.source,
        level_explanation: evidence.levels.source.explanation(),
        n_accounts: evidence.accounts.len(),
        n_records: records().count(),
        n_joined: records().filter(|record| record.joined).count(),
        n_rows: records().map(|record| record.rows.len() + usize::from(!record.joined)).sum(),
        levels: draft.levels.iter().filter_map(|level| evidence.level(level)).collect(),
        entry: draft
            .entry
            .iter()
            .map(|(level, share)| EntryReport { level: level.clone(), share: *share })
            .collect(),
        retention_entry: draft.retention_entry.clone(),
        follow_ups: draft
            .levels
            .iter()
            .flat_map(|level| level.rules.iter().map(|&rule| evidence.follow_up(rule)))
            .collect(),
        n_pairs_tested: evidence.tested,
        follow_up_error_rate: pairs::LEVEL,
        purchases: evidence.purchases.cloned(),
        rounds: evidence.estimate.rounds,
        converged: evidence.estimate.converged,
        notes: evidence.notes(draft),
    }
}

impl Evidence<'_> {
    fn name(&self, kind: u16) -> String {
        self.types.entries()[usize::from(kind)].interaction_type.clone()
    }

    fn level(&self, draft: &DraftLevel) -> Option<LevelReport> {
        let at = usize::from(draft.position?);
        let tally = &self.estimate.tally;
        let n_steps: f64 = tally.mixes[at].iter().sum();
        let error = |p: f64, n: f64| (p * (1.0 - p) / n.max(1.0)).sqrt();
        let tries = n_steps + tally.exits[at];
        let wait = self.estimate.waits[at].clone();
        let mean = wait.as_ref().map_or(self.estimate.model.waits[at], LawFit::as_law).mean_days();
        let mix = draft.mix.iter().map(|&(kind, share)| ShareReport {
            interaction_type: self.name(kind),
            share,
            std_error: error(share, n_steps),
            n: tally.mixes[at][usize::from(kind)],
        });
        Some(LevelReport {
            name: draft.name.clone(),
            stage: draft.stage.name(),
            n_steps,
            mean_wait_days: mean,
            wait,
            exit_probability: draft.exit,
            exit_std_error: error(draft.exit, tries),
            n_exits: tally.exits[at],
            mix: mix.collect(),
        })
    }

    fn follow_up(&self, position: usize) -> FollowUpReport {
        let rule = &self.estimate.model.rules[position];
        let wait = self.estimate.answers[position].clone();
        let pair = self.pairs.iter().find(|pair| {
            (pair.level, pair.after, pair.then) == (rule.level, rule.after, rule.then)
        });
        FollowUpReport {
            level: self.levels.names[usize::from(rule.level)].clone(),
            after: self.name(rule.after),
            then: self.name(rule.then),
            probability: rule.probability,
            std_error: probability_error(self.estimate, position),
            n_asked: self.estimate.tally.asked[position],
            n_answers: self.estimate.tally.lags[position].n_complete(),
            mean_wait_days: wait.as_ref().map_or(rule.wait, LawFit::as_law).mean_days(),
            wait,
            p_adjusted: pair.map_or(1.0, |pair| pair.p_adjusted),
        }
    }

    fn notes(&self, draft: &Draft) -> Vec<String> {
        let mut notes = draft.notes.clone();
        let tied: u32 = self.accounts.iter().map(|account| account.tied).sum();
        if tied > 0 {
            notes.push(format!(
                "{tied} rows have the instant of the contact's row before: their wait counts as \
                 0.001 days, and they are no evidence for answers"
            ));
        }
        let unseen: u32 = self.accounts.iter().map(|account| account.unseen).sum();
        if unseen > 0 {
            notes.push(format!(
                "{unseen} contacts from before the log have no row in it and are left out"
            ));
        }
        let old = self.accounts.iter().flat_map(|a| &a.contacts).filter(|r| !r.joined).count();
        if old > 0 {
            notes.push(format!(
                "{old} records begin with their first row in the log: they joined before it, or \
                 nobody knows when; the wait for that row is left out"
            ));
        }
        if !self.estimate.converged {
            notes.push(format!(
                "the estimates still moved after {} rounds of expectation-maximisation",
                self.estimate.rounds
            ));
        }
        notes
    }
}
