//! Fits an interaction process flow to a log.
//!
//! A log tells when contacts interacted, not which rows were steps and which were answers, nor how
//! long a wait that the log cut off would have been. What is estimated, and how:
//! - **Levels** come from the rows, from replayed triggers, or are one per stage ([`LevelSource`]).
//! - **Waits, mixes, exits and answers** come from one expectation-maximisation over all readings
//!   of every record. A wait that was going on at the end is right-censored: it adds the
//!   probability of lasting that long, and no transition. The wait in progress when a contact was
//!   first seen, its start unknown, is left out.
//! - **A contact left** when its `valid_to` lies inside the log; the exit ends its last wait.
//! - **Answers** are pairs of types that pass a test of neighbours (`pairs`), each with its
//!   probability and law of waits; what the mix brings anyway is taken off.
//!
//! What is deliberately absent: accounts that differ in pace, tilted mixes, calendars. Where a log
//! has them, the realism score shows it.

mod draft;
mod expect;
mod law;
mod levels;
mod matching;
mod maximise;
mod pairs;
mod prepare;
mod purchase;
mod record;
mod report;
mod start;

use crate::diagnostic::Problems;
use crate::flow::{Catalogue, Flow, LevelIndex};
use crate::ids::TypeNames;
use crate::interaction::AccountHistory;

pub use law::{Family, LawFit, Waits, fit_family, fit_law};
pub use levels::LevelSource;
pub use prepare::Types;
pub use purchase::PurchaseLaw;
pub use record::{AccountRecord, Record, Row, Span};
pub use report::{EntryReport, FitReport, FollowUpReport, LevelReport, ShareReport};

use levels::Levels;
use maximise::{Reading, estimate};

/// Fewer rows than this carry no flow.
const LEAST_ROWS: usize = 20;

/// Why no flow could be fitted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum FitError {
    /// A log in which too little happens.
    #[error("{got} interactions that are no transactions, expected at least {needed}")]
    TooFewRows { got: usize, needed: usize },
    /// Waits of which too few ended.
    #[error("{got} waits ended, expected at least 2")]
    TooFewWaits { got: f64 },
    /// A number that is no wait.
    #[error("wait of {days} days with weight {weight}, expected a positive length and weight")]
    BadWait { days: f64, weight: f64 },
    /// A likelihood without a maximum, as of waits that are all equal.
    #[error("no {family} law can be fitted: the waits hardly vary")]
    NoConvergence { family: &'static str },
    /// What was fitted is no flow.
    #[error("the fitted flow breaks a rule of flows: {0}")]
    Flow(#[from] Problems),
}

/// A flow fitted to a log.
#[derive(Debug, Clone)]
pub struct FlowFit {
    /// The flow, checked.
    pub flow: Flow,
    /// The flow as `flow.toml`; it names its catalogue `catalogue.csv`.
    pub flow_toml: String,
    /// The catalogue as `catalogue.csv`.
    pub catalogue_csv: String,
    /// What was found, with numbers behind every estimate.
    pub report: FitReport,
    /// How often customers buy, which is no part of a flow.
    pub purchases: Option<PurchaseLaw>,
    /// Where records start.
    pub starts: Starts,
    /// How types of the log are found in the catalogue.
    pub types: Types,
}

/// Levels at which records start, with probabilities that sum to 1, by what is known of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Starts {
    by_class: Vec<Vec<(LevelIndex, f64)>>,
}

impl Starts {
    /// Levels at which a record like `record` starts.
    pub fn of(&self, record: &Record) -> &[(LevelIndex, f64)] {
        &self.by_class[maximise::class_of(record)]
    }
}

/// Fits a flow to the accounts `histories`, whose interaction types are `names`.
///
/// - `catalogue`: what is known of the types; without it, and for types it lacks, stage, function,
///   direction and values come from what the rows say.
/// - `span`: when the log was kept, [`Span::of`] all its accounts.
///
/// # Errors
///
/// [`FitError::TooFewRows`] for a log with fewer than 20 rows that are no transactions, and
/// [`FitError::Flow`] when the catalogue holds what no flow may.
///
/// # Source
///
/// Dempster, Laird and Rubin (1977), *J. R. Stat. Soc. B* 39, 1–38, for expectation-maximisation;
/// Veen and Schoenberg (2008), *J. Am. Stat. Assoc.* 103, 614–624, for telling answers from
/// background in it.
pub fn fit_flow(
    histories: &[AccountHistory],
    names: &TypeNames,
    catalogue: Option<&Catalogue>,
    span: Span,
) -> Result<FlowFit, FitError> {
    let types = Types::new(histories, names, catalogue);
    let accounts: Vec<AccountRecord> =
        histories.iter().map(|history| AccountRecord::new(history, &types, span)).collect();
    let records: Vec<&Record> = accounts.iter().flat_map(|account| &account.contacts).collect();
    let rows = records.iter().map(|record| record.rows.len()).sum();
    if rows < LEAST_ROWS {
        return Err(FitError::TooFewRows { got: rows, needed: LEAST_ROWS });
    }
    let levels = Levels::find(&records, &types);
    let starts = start::start_levels(&levels, &records, &types);
    let mut readings: Vec<Reading> = records
        .iter()
        .zip(&starts)
        .map(|(record, starts)| Reading::new(record, &levels, starts))
        .collect();
    let best: Vec<_> = readings.iter().filter_map(Reading::best).collect();
    let (pairs, tested) = pairs::find(&best, &levels, &types);
    let estimate = estimate(&mut readings, &levels, &types, &pairs);
    let purchases = PurchaseLaw::fit(&accounts);
    let draft = draft::Draft::new(&levels, &types, &estimate, &accounts);
    let (flow_toml, catalogue_csv) = draft.files();
    let flow = draft::read_back(&flow_toml, &catalogue_csv)?;
    let report = report::report(
        &draft,
        &report::Evidence {
            levels: &levels,
            types: &types,
            estimate: &estimate,
            accounts: &accounts,
            pairs: &pairs,
            tested,
            purchases: purchases.as_ref(),
        },
    );
    let starts = draft.starts(&flow, &estimate);
    Ok(FlowFit { flow, flow_toml, catalogue_csv, report, purchases, starts, types })
}
