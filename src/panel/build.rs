//! From account histories to a panel, one account at a time.

use std::convert::Infallible;

use rayon::prelude::*;

use crate::interaction::{AccountHistory, Outcome, Projection, Status, Table, TableError};
use crate::score::{ScoreColumn, US, Valuation, ValuedHistory};
use crate::time::{Calendar, Instant, Month};

use super::{Drop, Measure, Panel, PanelAccount, PanelScore};

/// How a panel is cut from histories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PanelParams {
    /// Time zone of the months.
    pub calendar: Calendar,
    /// First month of the data.
    pub first: Month,
    /// Number of months of the data.
    pub months: u32,
    /// Months at the start of the data that only feed the scores.
    pub warm_up_months: u32,
    /// Months as a customer before an account's first row.
    pub min_age_months: u32,
}

/// Why there is no panel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PanelError {
    /// No account-month qualifies.
    #[error(
        "the panel is empty: none of {accounts} accounts is a customer at a month end from {first} on"
    )]
    Empty {
        /// Accounts that were read.
        accounts: usize,
        /// First month that counts.
        first: Month,
    },
    /// A score that is needed is not there.
    #[error("the panel has no score `{name}`")]
    NoScore {
        /// Name of the score.
        name: String,
    },
    /// Outcome periods are not calendar months.
    #[error(
        "account `{account}`: the outcome period from {start} to {end} is not a calendar month in `{zone}`"
    )]
    NotMonthly {
        /// The account.
        account: String,
        /// First instant of the period.
        start: Instant,
        /// First instant after the period.
        end: Instant,
        /// Time zone of the months.
        zone: &'static str,
    },
    /// An account cannot be read.
    #[error(transparent)]
    Log(#[from] TableError),
}

impl From<Infallible> for PanelError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

const WARM_UP: &str = "account-month in the warm-up: it only feeds the scores";
const NOT_CUSTOMER: &str = "account-month of a prospect or before entry";
const TOO_YOUNG: &str = "account-month below the minimum age as a customer";
const EXITED: &str = "account-month in or after the month of exit";
const REASONS: [&str; 4] = [WARM_UP, NOT_CUSTOMER, TOO_YOUNG, EXITED];

/// An account on its way into a panel, for those who read more of it than scores.
#[derive(Debug, Clone, Copy)]
pub struct AccountRead<'a> {
    /// Its rows.
    pub history: &'a AccountHistory,
    /// Its rows with what each interaction is worth.
    pub valued: &'a ValuedHistory,
    /// Position of the month of each of its rows in the panel.
    pub months: &'a [usize],
    /// The end of each of these months: the as-of instants of the panel.
    pub dates: &'a [Instant],
}

/// One account's part of the panel.
struct AccountRows {
    account: PanelAccount,
    scores: Vec<Vec<f64>>,
    /// Nothing where there is no value.
    monthly: [Vec<f64>; Measure::STORED],
    active: Vec<bool>,
    drops: [u64; REASONS.len()],
}

/// The months of a panel.
struct Months {
    params: PanelParams,
    /// The first instant of each, and of the month after the last.
    starts: Vec<Instant>,
}

impl Months {
    fn new(params: PanelParams) -> Self {
        let start = |month| params.calendar.start_of(params.first.plus(month));
        Self { params, starts: (0..=params.months as i32).map(start).collect() }
    }

    /// Position of the month that contains `at`; negative before the panel.
    fn position(&self, at: Instant) -> i32 {
        self.params.calendar.month_of(at).since(self.params.first)
    }

    /// Position of the month in which the period of `outcome` begins, and whether it is that month.
    fn whole(&self, outcome: &Outcome) -> (i32, bool) {
        if let Ok(month) = self.starts.binary_search(&outcome.period_start)
            && let Some(end) = self.starts.get(month + 1)
        {
            return (month as i32, outcome.period_end == *end);
        }
        let calendar = self.params.calendar;
        let month = calendar.month_of(outcome.period_start);
        let whole = calendar.start_of(month) == outcome.period_start
            && calendar.end_of(month) == outcome.period_end;
        (month.since(self.params.first), whole)
    }
}

/// Position of the answers among the monthly series.
const SATISFACTION: usize = 5;

/// The instrument whose answers are the outcome `satisfaction`.
const INSTRUMENT: &str = "satisfaction";

/// The mean answer about the firm as a whole in each of `months` in which it was asked; nothing where it never was.
fn answers(history: &AccountHistory, position: impl Fn(Instant) -> i32, months: usize) -> Vec<f64> {
    let mut sums = Vec::new();
    for survey in &history.surveys {
        let ours = survey.subject.as_deref().is_none_or(|subject| subject == US);
        if survey.instrument != INSTRUMENT || survey.dimension.is_some() || !ours {
            continue;
        }
        let month = usize::try_from(position(survey.asked_at)).ok().filter(|&m| m < months);
        if let (Some(value), Some(month)) = (survey.value, month) {
            sums.resize(months, (0.0, 0.0));
            let (sum, n) = sums[month];
            sums[month] = (sum + value, n + 1.0);
        }
    }
    sums.into_iter().map(|(sum, n)| if n > 0.0 { sum / n } else { f64::NAN }).collect()
}

/// An account's part of the panel, and what else was made of it.
type Folded<T> = Result<(AccountRows, T), PanelError>;

/// Accounts folded at a time.
const CHUNK: usize = 256;

impl Panel {
    /// The tables and columns of a log of which a panel is made: read with it, its `scores` and `measures` are the
    /// same, and other measures may have no value.
    pub fn projection(scores: &[Box<dyn ScoreColumn>], measures: &[Measure]) -> Projection {
        let own = Projection::LEAST.with_all_of(Table::Accounts);
        let measured = measures.iter().map(|measure| measure.projection());
        let scored = scores.iter().map(|score| score.projection());
        measured.chain(scored).fold(own, Projection::and)
    }

    /// Builds the panel of `histories` with the columns `scores`, in parallel, in one pass.
    ///
    /// - `histories`: histories, or accounts still to be read
    ///   ([`UnreadAccount`](crate::interaction::UnreadAccount)), which is then done in parallel too.
    ///
    /// # Errors
    ///
    /// [`PanelError::Empty`] when no account-month qualifies, [`PanelError::NotMonthly`] when an
    /// outcome period is not a calendar month, [`PanelError::Log`] when an account cannot be read.
    pub fn build<H>(
        histories: impl Iterator<Item = H>,
        valuation: &Valuation,
        scores: &[Box<dyn ScoreColumn>],
        params: &PanelParams,
    ) -> Result<Self, PanelError>
    where
        H: TryInto<AccountHistory, Error: Into<PanelError>> + Send,
    {
        Self::build_reading(histories, valuation, scores, params, |_| ()).map(|(panel, _)| panel)
    }

    /// [`build`](Self::build), and what `read` makes of each account on the way, in order of the accounts.
    ///
    /// Whoever needs more of an account than its scores reads it here: histories pass once and are not kept.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_reading<H, T: Send>(
        mut histories: impl Iterator<Item = H>,
        valuation: &Valuation,
        scores: &[Box<dyn ScoreColumn>],
        params: &PanelParams,
        read: impl Fn(&AccountRead<'_>) -> T + Sync,
    ) -> Result<(Self, Vec<T>), PanelError>
    where
        H: TryInto<AccountHistory, Error: Into<PanelError>> + Send,
    {
        let calendar = Months::new(*params);
        let months = params.months as usize;
        let mut panel = Self {
            calendar: params.calendar,
            first: params.first,
            months,
            accounts: Vec::new(),
            scores: scores
                .iter()
                .map(|score| PanelScore {
                    name: score.name(),
                    accumulates: score.accumulates(),
                    values: Vec::new(),
                })
                .collect(),
            monthly: vec![Vec::new(); Measure::STORED],
            active: Vec::new(),
            drops: Vec::new(),
        };
        let mut counts = [0_u64; REASONS.len()];
        let mut reads = Vec::new();
        let fold = |history: H| {
            let history = history.try_into().map_err(Into::into)?;
            account_rows(&history, valuation, scores, &calendar, &read)
        };
        let mut folded: Vec<Folded<T>> = Vec::new();
        loop {
            let chunk: Vec<H> = histories.by_ref().take(CHUNK).collect();
            // The rows of the chunk before are put down meanwhile.
            let put_down = || -> Result<(), PanelError> {
                for account in folded {
                    let (rows, more) = account?;
                    panel.push(rows, &mut counts);
                    reads.push(more);
                }
                Ok(())
            };
            let is_last = chunk.is_empty();
            let (put, next) = rayon::join(put_down, || chunk.into_par_iter().map(fold).collect());
            put?;
            if is_last {
                break;
            }
            folded = next;
        }
        panel.drops = REASONS
            .iter()
            .zip(counts)
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| Drop { reason, count })
            .collect();
        if panel.rows() == 0 {
            return Err(PanelError::Empty {
                accounts: panel.accounts.len(),
                first: params.first.plus(params.warm_up_months as i32),
            });
        }
        Ok((panel, reads))
    }

    fn push(&mut self, rows: AccountRows, counts: &mut [u64; REASONS.len()]) {
        self.accounts.push(rows.account);
        for (column, values) in self.scores.iter_mut().zip(rows.scores) {
            column.values.extend(values);
        }
        for (column, values) in self.monthly.iter_mut().zip(rows.monthly) {
            // A column takes no room before its first value either.
            if !values.is_empty() {
                column.resize(self.active.len(), f64::NAN);
                column.extend(values);
            }
        }
        self.active.extend(rows.active);
        for (total, count) in counts.iter_mut().zip(rows.drops) {
            *total += count;
        }
    }
}

fn account_rows<T>(
    history: &AccountHistory,
    valuation: &Valuation,
    scores: &[Box<dyn ScoreColumn>],
    months_of: &Months,
    read: impl Fn(&AccountRead<'_>) -> T,
) -> Result<(AccountRows, T), PanelError> {
    let params = &months_of.params;
    let as_of = &months_of.starts[1..];
    let months = as_of.len();
    let position = |at: Instant| months_of.position(at);
    let mut monthly: [Vec<f64>; Measure::STORED] = Default::default();
    let mut customer = vec![false; months];
    let mut entry = None;
    for outcome in &history.outcomes {
        let (at, whole) = months_of.whole(outcome);
        if !whole {
            return Err(PanelError::NotMonthly {
                account: history.account.id.clone(),
                start: outcome.period_start,
                end: outcome.period_end,
                zone: params.calendar.name(),
            });
        }
        if outcome.status != Status::Prospect {
            entry.get_or_insert(at);
        }
        if let Some(slot) = usize::try_from(at).ok().filter(|&slot| slot < months) {
            customer[slot] = outcome.status == Status::Customer;
            for (series, value) in monthly.iter_mut().zip(Measure::monthly(outcome)) {
                // A series takes no room before its first value.
                if !value.is_nan() {
                    series.resize(months, f64::NAN);
                    series[slot] = value;
                }
            }
        }
    }
    monthly[SATISFACTION] = answers(history, position, months);
    // The outcomes of an installed base begin with the log, the relationship did not.
    let entered = position(history.account.entered_at);
    let entry = match entry {
        Some(0) if entered < 0 => entered,
        Some(entry) => entry,
        None => months as i32,
    };
    let exit = history.account.exited_at.map(position);
    let mut active = vec![false; months];
    let mut drops = [0; REASONS.len()];
    for month in 0..months {
        let at = month as i32;
        let reason = if at < params.warm_up_months as i32 {
            Some(0)
        } else if exit.is_some_and(|exit| at >= exit) {
            Some(3)
        } else if at < entry || !customer[month] {
            Some(1)
        } else if at - entry < params.min_age_months as i32 {
            Some(2)
        } else {
            None
        };
        match reason {
            Some(reason) => drops[reason] += 1,
            None => active[month] = true,
        }
    }
    let valued = ValuedHistory::new(history, valuation);
    let rows: Vec<usize> = (0..months).filter(|&month| active[month]).collect();
    let dates: Vec<Instant> = rows.iter().map(|&month| as_of[month]).collect();
    let columns = scores
        .iter()
        .map(|score| {
            let mut values = score.series(&valued, &dates).into_iter();
            let next = |&active: &bool| {
                if active { values.next().expect("one value per date") } else { f64::NAN }
            };
            active.iter().map(next).collect()
        })
        .collect();
    let more = read(&AccountRead { history, valued: &valued, months: &rows, dates: &dates });
    let rows = AccountRows {
        account: PanelAccount {
            id: history.account.id.clone(),
            segment: history.account.segment_id.clone(),
            size: history.account.size,
            placement: history.account.placement.clone(),
            entry,
            exit,
            contacts: history.contacts.len() as u32,
            interactions: history.interactions.len() as u32,
        },
        scores: columns,
        monthly,
        active,
        drops,
    };
    Ok((rows, more))
}
