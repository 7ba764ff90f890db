//! What is read of every account for the diagnostics, on its one way into the panel.

use crate::backtest::{ExpertType, PlaceboDates, SIGN_HALF_LIFE_DAYS};
use crate::diagnostic::nearest;
use crate::ids::TypeIndex;
use crate::panel::AccountRead;
use crate::score::{
    DecayedCounts, Exposures, Rv, ScoreColumn, Valuation, check_linear, decayed_counts, exposures,
};
use crate::time::{Calendar, Month};

use super::analyse::panel_params;
use super::data::Dataset;
use super::diagnose::claims;
use super::plan::Plan;

/// What is read of every account on its way into the panel.
pub(super) struct Reader {
    pub(super) dates: PlaceboDates,
    pub(super) scores: Vec<ScoreReader>,
    pub(super) types: Vec<ExpertType>,
    pub(super) transactional: Vec<bool>,
    pub(super) moment: Moment,
    calendar: Calendar,
    first: Month,
}

/// One score under test.
pub(super) struct ScoreReader {
    pub(super) name: String,
    pub(super) column: Option<Box<dyn ScoreColumn>>,
    /// The score, where it is linear in the catalogue's values; else why it is not.
    pub(super) linear: Result<Rv, String>,
}

/// What makes a moment.
pub(super) struct Moment {
    pub(super) named: String,
    /// Why nothing is one, where the plan names a type that the log lacks.
    pub(super) unknown: Option<String>,
    /// By type.
    by_type: Vec<bool>,
}

/// What was read of one account.
pub(super) struct AccountNotes {
    /// Positions of the dates at which it has a row.
    pub(super) dates: Vec<usize>,
    /// Months of its rows.
    pub(super) months: Vec<usize>,
    /// By score: exposures at the dates, where it is linear.
    pub(super) exposures: Vec<Option<Exposures>>,
    /// By score: values at its rows on the final data, where they may differ.
    pub(super) finally: Vec<Option<Vec<f64>>>,
    pub(super) counts: DecayedCounts,
    pub(super) late_rows: u64,
    pub(super) moment: Option<i32>,
}

impl Reader {
    pub(super) fn new(dataset: &Dataset, plan: &Plan, valuation: &Valuation) -> Self {
        let kinds = (0..dataset.types.len()).map(|kind| TypeIndex(kind as u16));
        let expert = |(name, kind): (&str, TypeIndex)| ExpertType {
            name: name.to_owned(),
            value: valuation.base_value(kind),
        };
        let mut scores: Vec<ScoreReader> = Vec::new();
        for claim in claims(plan) {
            if scores.iter().all(|known| known.name != claim.score) {
                scores.push(ScoreReader::of(plan, &claim.score));
            }
        }
        Self {
            dates: PlaceboDates::new(&panel_params(dataset, plan)),
            scores,
            types: dataset.types.iter().zip(kinds.clone()).map(expert).collect(),
            transactional: kinds.map(|kind| valuation.is_transactional(kind)).collect(),
            moment: Moment::of(plan, dataset, valuation),
            calendar: dataset.calendar,
            first: dataset.first,
        }
    }

    pub(super) fn read(&self, account: &AccountRead<'_>) -> AccountNotes {
        let (dates, rows) = self.dates.among(account.months);
        let as_of: Vec<_> = rows.iter().map(|&row| account.dates[row]).collect();
        let late_rows = account.valued.late_rows() as u64;
        let finally = (late_rows > 0).then(|| account.valued.finally_known());
        let exposed = |score: &ScoreReader| {
            let rv = score.linear.as_ref().ok()?;
            exposures(rv, account.valued, &as_of).ok()
        };
        let known_finally = |score: &ScoreReader| {
            Some(score.column.as_ref()?.series(finally.as_ref()?, account.dates))
        };
        let is_moment = |kind: TypeIndex| self.moment.by_type[usize::from(kind.0)];
        let first = account.valued.interactions().iter().find(|row| is_moment(row.kind));
        AccountNotes {
            exposures: self.scores.iter().map(exposed).collect(),
            finally: self.scores.iter().map(known_finally).collect(),
            counts: decayed_counts(account.valued, SIGN_HALF_LIFE_DAYS, &as_of),
            moment: first.map(|row| self.calendar.month_of(row.occurred_at).since(self.first)),
            months: account.months.to_vec(),
            dates,
            late_rows,
        }
    }
}

impl ScoreReader {
    /// The score called `name`; one that is seen within segment and month has no column of its own.
    fn of(plan: &Plan, name: &str) -> Self {
        let built = plan.score.scores.iter().find_map(|spec| {
            let column = spec.build().expect("a checked plan has valid scores");
            (column.name() == name).then(|| (column, spec.rv().ok().flatten()))
        });
        let (column, rv) = match built {
            Some((column, rv)) => (Some(column), rv),
            None => (None, None),
        };
        let linear = match rv {
            Some(rv) => check_linear(&rv).map(|()| rv).map_err(|error| error.to_string()),
            None => {
                Err(format!("`{name}` is not a sum of values that types have in the catalogue"))
            }
        };
        Self { name: name.to_owned(), column, linear }
    }
}

impl Moment {
    fn of(plan: &Plan, dataset: &Dataset, valuation: &Valuation) -> Self {
        let named = plan.backtest.moment.as_deref();
        let is_moment = |(name, kind): (&str, u16)| match named {
            Some(named) => name == named,
            None => valuation.is_critical(TypeIndex(kind)),
        };
        let lacking = named.filter(|named| dataset.types.iter().all(|name| name != *named));
        let unknown = lacking.map(|named| {
            let hint = nearest(named, dataset.types.iter())
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            format!("`moment` of `[backtest]` is `{named}`, which is no type of the log{hint}")
        });
        Self {
            unknown,
            by_type: dataset.types.iter().zip(0..).map(is_moment).collect(),
            named: named.map_or_else(
                || "first critical interaction of the account".to_owned(),
                |named| format!("first `{named}` of the account"),
            ),
        }
    }
}
