//! An audit of one data set of a plan, and of features made of it.

use std::path::Path;

use serde::Serialize;

use crate::audit::{
    AuditFinding, FeatureAudit, LogAudit, LogSpan, LogType, PlanPair, Severity, audit_pairs,
    audit_refused, changed_features,
};
use crate::ingest::FeatureTable;
use crate::interaction::Stage;
use crate::score::{ScoreSpec, Valuation};

use super::data::{Dataset, plan_of_log};
use super::plan::{Plan, ResolvedPlan};
use super::{Run, RunError};

/// What an audit found in one data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditReport {
    /// Name of the data set.
    pub data: String,
    /// Accounts that were read.
    pub accounts: u64,
    /// Interactions that were read.
    pub interactions: u64,
    /// Columns of the feature table that hold no numbers, and were not audited.
    pub not_audited: Vec<String>,
    /// The findings, gravest first.
    pub findings: Vec<AuditFinding>,
}

impl AuditReport {
    /// Whether anything knows what it could not have known.
    pub fn has_leak(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Leak)
    }
}

impl Run {
    /// The log folder `path` as it is, without a plan.
    ///
    /// # Errors
    ///
    /// As [`Run::prepare`].
    pub fn of_log(path: &Path) -> Result<Self, RunError> {
        let ResolvedPlan { plan, text, profile, folder } = plan_of_log(path)?;
        Self::prepare(ResolvedPlan { plan, text, profile, folder })
    }
}

/// Audits `dataset` and `plan`, and where they are given a table of features made of the log, and
/// the same features from an export that ended earlier. The log is read once.
///
/// # Errors
///
/// [`RunError::Table`] when the log cannot be read, [`RunError::Score`] when the catalogue lacks
/// a type of the log, [`RunError::Cut`] when `cut` has no value in common with `features`.
pub fn audit(
    dataset: &Dataset,
    plan: &Plan,
    features: Option<&FeatureTable>,
    cut: Option<&FeatureTable>,
) -> Result<AuditReport, RunError> {
    let valuation = Valuation::new(&dataset.catalogue, &dataset.types)?;
    let span = LogSpan {
        calendar: dataset.calendar,
        first: dataset.first,
        months: dataset.months,
        types: types(dataset),
    };
    let mut log = LogAudit::new(span.clone());
    let mut of_features = features.map(|table| FeatureAudit::new(table, &valuation, span));
    let (mut accounts, mut interactions) = (0, 0);
    for history in dataset.histories()? {
        let history = history?;
        accounts += 1;
        interactions += history.interactions.len() as u64;
        log.see(&history);
        if let Some(audit) = &mut of_features {
            audit.see(&history);
        }
    }
    let mut findings: Vec<AuditFinding> = Vec::new();
    if let (Some(table), Some(cut)) = (features, cut) {
        findings.extend(changed_features(table, cut)?);
    }
    if let Some(audit) = of_features {
        findings.extend(audit.findings());
    }
    findings.extend(audit_refused(&dataset.refused));
    findings.extend(log.findings());
    findings.extend(of_plan(plan)?);
    findings.sort_by_key(|finding| finding.severity);
    Ok(AuditReport {
        data: dataset.name.clone(),
        accounts,
        interactions,
        not_audited: features.map_or_else(Vec::new, |table| table.texts.clone()),
        findings,
    })
}

fn types(dataset: &Dataset) -> Vec<LogType> {
    let of = |name: &str| {
        let entry = dataset.catalogue.get(name);
        LogType {
            name: name.to_owned(),
            stage: entry.map_or(Stage::Retention, |entry| entry.stage),
            transactional: entry.is_some_and(|entry| entry.transactional),
        }
    };
    dataset.types.iter().map(of).collect()
}

fn of_plan(plan: &Plan) -> Result<Vec<AuditFinding>, RunError> {
    let scores = plan.score.scores.iter().map(ScoreSpec::build).collect::<Result<Vec<_>, _>>()?;
    let pairs: Vec<PlanPair<'_>> = plan
        .hypotheses
        .iter()
        .map(|(id, params)| PlanPair {
            hypothesis: id.name(),
            score: &params.score,
            accumulates: scores
                .iter()
                .any(|score| score.name() == params.score && score.accumulates()),
            outcome: params.outcome,
        })
        .collect();
    Ok(audit_pairs(&pairs))
}
