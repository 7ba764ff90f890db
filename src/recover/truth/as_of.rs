//! Accounts at dates: scores as of the date, outcomes around it, expected and logged.

use std::collections::BTreeSet;

use crate::flow::CatalogueEntry;
use crate::interaction::{AccountHistory, Outcome, Status, Truth};
use crate::score::{Movement, Rv, RvMovement, ScoreColumn, Valuation, ValuedHistory};
use crate::simulate::Simulation;
use crate::time::Instant;

/// What an account brings or does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Series {
    /// Contribution \[currency per month\].
    Profit,
    /// Revenue \[currency per month\].
    Revenue,
    /// Cost to engage \[currency per month\].
    Cost,
    /// Answer to the satisfaction survey, 1 to 5.
    Satisfaction,
    /// Share of wallet, in `[0, 1]`.
    Share,
    /// Probability of leaving in a month; in the log, whether the account left.
    Hazard,
}

/// Where an outcome is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Book {
    /// Expected, in the truth table: effects come from here.
    Truth,
    /// As it came out, in the log: sampling noise comes from here.
    Log,
}

/// A quarter around a date t \[months\].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quarter {
    /// `[t − 6, t − 3)`.
    Before,
    /// `[t − 3, t)`.
    Behind,
    /// `[t, t + 3)`.
    Ahead,
    /// `[t + 3, t + 6)`.
    Later,
}

impl Quarter {
    const ALL: [Self; 4] = [Self::Before, Self::Behind, Self::Ahead, Self::Later];

    /// The quarter before.
    pub(super) const fn previous(self) -> Self {
        match self {
            Self::Later => Self::Ahead,
            Self::Ahead => Self::Behind,
            Self::Behind | Self::Before => Self::Before,
        }
    }
}

const SERIES: [Series; 6] = [
    Series::Profit,
    Series::Revenue,
    Series::Cost,
    Series::Satisfaction,
    Series::Share,
    Series::Hazard,
];

/// Months of a quarter.
const MONTHS: usize = 3;

/// Months between two dates.
const STEP: usize = 6;

/// Months as a customer before a date, so that past profit is that of a whole year for all.
const YEAR: usize = 12;

/// Half-life of what accumulates \[days\].
const HALF_LIFE: f64 = 180.0;

/// Window of velocity \[days\].
const WINDOW: f64 = 90.0;

/// One account at one date; outcomes are NaN where the account was no customer throughout.
#[derive(Debug, Clone)]
pub(super) struct AsOf {
    pub(super) account: usize,
    pub(super) date: usize,
    pub(super) segment: usize,
    /// Size on record \[people\].
    pub(super) size: f64,
    /// Time since the account was first seen \[days\].
    pub(super) tenure: f64,
    /// Non-transactional RV with a half-life of 180 days.
    pub(super) value: f64,
    /// Slope of cumulative non-transactional RV over 90 days \[per day\].
    pub(super) velocity: f64,
    /// Critical interactions of the last quarter, by their contacts' share of influence.
    pub(super) critical: f64,
    /// Number of purchases, fading as RV does.
    pub(super) purchase_count: f64,
    /// Revenue, fading as RV does \[currency\].
    pub(super) purchase_value: f64,
    /// Contribution of the last twelve months \[currency\].
    pub(super) past_profit: f64,
    /// Numbers of non-transactional interactions by function and sign of their value, fading as RV
    /// does, then that of all.
    pub(super) mix: Vec<f64>,
    /// By book, series and quarter.
    outcomes: [[[f64; 4]; 6]; 2],
}

impl AsOf {
    pub(super) fn outcome(&self, book: Book, series: Series, quarter: Quarter) -> f64 {
        self.outcomes[book as usize][series as usize][quarter as usize]
    }
}

/// Reads the accounts of one simulation.
pub(super) struct Reader<'a> {
    simulation: &'a Simulation,
    segments: Vec<&'a str>,
    catalogue: Valuation,
    value: Rv,
    velocity: RvMovement,
    /// By type: the columns in which it is counted.
    columns: Vec<[Option<usize>; 2]>,
    /// Functions and signs of the mix.
    width: usize,
    /// What is left of revenue before cost to engage.
    margin: f64,
    dates: Vec<usize>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(simulation: &'a Simulation) -> Self {
        let world = simulation.world();
        let catalogue = simulation.flow().catalogue();
        let bought = |position| {
            let mut purchases = simulation.flow().transactions().on_purchase.iter();
            purchases.any(|(kind, _)| usize::from(kind.0) == position)
        };
        let kind = |e: &'a CatalogueEntry| (e.function.as_str(), e.worth.rv < 0.0);
        let kinds: BTreeSet<(&str, bool)> =
            catalogue.entries().iter().filter(|e| !e.transactional).map(kind).collect();
        let width = kinds.len();
        let columns = |(position, entry): (usize, &'a CatalogueEntry)| {
            if entry.transactional {
                return [bought(position).then_some(width + 1), None];
            }
            [kinds.iter().position(|known| *known == kind(entry)), Some(width)]
        };
        let columns = catalogue.entries().iter().enumerate().map(columns).collect();
        let types = simulation.types();
        let last = (simulation.months() as usize).saturating_sub(2 * MONTHS);
        Self {
            simulation,
            segments: world.cohort.segments.keys().map(String::as_str).collect(),
            catalogue: Valuation::new(catalogue, &types).expect("the log has these types"),
            value: Rv::decay(HALF_LIFE).expect("a half-life is positive"),
            velocity: RvMovement::new(Movement::Velocity, WINDOW).expect("a window is positive"),
            columns,
            width,
            margin: world.outcome.gross_margin - world.outcome.cost_to_serve_rate,
            dates: (YEAR..=last).step_by(STEP).collect(),
        }
    }

    /// Adds an account at the dates at which it has been a customer for a year.
    pub(super) fn read(&self, account: usize, history: &AccountHistory, rows: &mut Vec<AsOf>) {
        let Some(first) = history.outcomes.first() else { return };
        // The first outcome's month says where the account's months begin in the log.
        let begins = self.simulation.month_position(first.period_start);
        let here: Vec<(usize, usize)> = (0..)
            .zip(&self.dates)
            .filter_map(|(d, date)| Some((d, date.checked_sub(begins)?)))
            .filter(|(_, month)| is_customer(history, month.checked_sub(YEAR), *month))
            .collect();
        let as_of: Vec<Instant> =
            here.iter().map(|(_, month)| history.outcomes[month - 1].period_end).collect();
        if as_of.is_empty() {
            return;
        }
        let valued = ValuedHistory::new(history, &self.catalogue);
        let values = self.value.series(&valued, &as_of);
        let velocities = self.velocity.series(&valued, &as_of);
        let mixes = self.counts(history, &as_of);
        let segment = history.account.segment_id.as_deref();
        let segment = self.segments.iter().position(|name| Some(*name) == segment);
        for (k, ((date, month), mut mix)) in here.into_iter().zip(mixes).enumerate() {
            let (past, now) = (&history.outcomes[..month], as_of[k]);
            let fading =
                |o: &Outcome| o.revenue * (-now.days_since(o.period_end) / HALF_LIFE).exp2();
            rows.push(AsOf {
                account,
                date,
                segment: segment.unwrap_or(0),
                size: history.account.size.unwrap_or(0.0),
                tenure: now.days_since(history.account.entered_at),
                value: values[k],
                velocity: velocities[k],
                critical: history.truth[month - MONTHS..month].iter().map(|t| t.critical).sum(),
                purchase_count: mix.pop().expect("purchases are the last column"),
                purchase_value: past.iter().map(fading).sum(),
                past_profit: past[month - YEAR..].iter().filter_map(Outcome::contribution).sum(),
                mix,
                outcomes: self.outcomes(history, month),
            });
        }
    }

    /// Fading counts at each date: of the columns of the mix, of all these, and of purchases.
    fn counts(&self, history: &AccountHistory, as_of: &[Instant]) -> Vec<Vec<f64>> {
        let kept = |days: f64| (-days / HALF_LIFE).exp2();
        let mut mixes = vec![vec![0.0; self.width + 2]; as_of.len()];
        for row in &history.interactions {
            let columns = self.columns[usize::from(row.kind.0)];
            let readable = row.occurred_at.max(row.known_at);
            let date = as_of.partition_point(|date| *date <= readable);
            if let Some(mix) = mixes.get_mut(date) {
                let weight = kept(as_of[date].days_since(row.occurred_at));
                for column in columns.into_iter().flatten() {
                    mix[column] += weight;
                }
            }
        }
        for date in 1..as_of.len() {
            let weight = kept(as_of[date].days_since(as_of[date - 1]));
            let (earlier, later) = mixes.split_at_mut(date);
            for (now, before) in later[0].iter_mut().zip(&earlier[date - 1]) {
                *now += weight * before;
            }
        }
        mixes
    }

    fn outcomes(&self, history: &AccountHistory, month: usize) -> [[[f64; 4]; 6]; 2] {
        let of = |book, series| {
            Quarter::ALL.map(|quarter| {
                let from = month + MONTHS * quarter as usize - 2 * MONTHS;
                self.quarter(history, book, series, (from, month))
            })
        };
        [Book::Truth, Book::Log].map(|book| SERIES.map(|series| of(book, series)))
    }

    /// Mean of a series over the quarter that begins in month `from`.
    fn quarter(
        &self,
        history: &AccountHistory,
        book: Book,
        series: Series,
        (from, date): (usize, usize),
    ) -> f64 {
        let to = (from + MONTHS).min(history.outcomes.len());
        if from >= to || (series == Series::Hazard && from < date) {
            return f64::NAN;
        }
        // Who left within the quarter had a risk until then, and nothing else to be compared.
        let throughout = is_customer(history, Some(from), from + MONTHS);
        if series != Series::Hazard && !throughout {
            return f64::NAN;
        }
        let months = || history.outcomes[from..to].iter().zip(&history.truth[from..to]);
        let mean = |of: &dyn Fn(&Outcome, &Truth) -> f64| {
            months().map(|(outcome, truth)| of(outcome, truth)).sum::<f64>() / (to - from) as f64
        };
        match (book, series) {
            (Book::Truth, Series::Profit) => mean(&|_, truth| truth.expected_profit),
            (Book::Truth, Series::Revenue) => mean(&|_, truth| truth.expected_revenue),
            (Book::Truth, Series::Cost) => {
                mean(&|_, truth| self.margin * truth.expected_revenue - truth.expected_profit)
            }
            (Book::Truth, Series::Satisfaction) => mean(&|_, truth| truth.expected_satisfaction),
            (Book::Truth, Series::Share) => mean(&|_, truth| truth.expected_share_of_wallet),
            (Book::Truth, Series::Hazard) => mean(&|_, truth| truth.hazard),
            (Book::Log, Series::Profit) => {
                mean(&|outcome, _| outcome.contribution().unwrap_or(0.0))
            }
            (Book::Log, Series::Revenue) => mean(&|outcome, _| outcome.revenue),
            (Book::Log, Series::Cost) => mean(&|outcome, _| outcome.cost_to_engage.unwrap_or(0.0)),
            (Book::Log, Series::Satisfaction) => answers(history, from),
            (Book::Log, Series::Share) => {
                mean(&|outcome, _| outcome.share_of_wallet.unwrap_or(0.0))
            }
            (Book::Log, Series::Hazard) => {
                f64::from(u8::from(months().any(|(outcome, _)| outcome.status == Status::Exited)))
            }
        }
    }
}

/// Whether the account is a customer in all months of a range.
fn is_customer(history: &AccountHistory, from: Option<usize>, to: usize) -> bool {
    let months = from.and_then(|from| history.outcomes.get(from..to));
    months.is_some_and(|months| months.iter().all(|o| o.status == Status::Customer))
}

/// Mean answer to the satisfaction surveys of a quarter; NaN without one.
fn answers(history: &AccountHistory, from: usize) -> f64 {
    let start = history.outcomes[from].period_start;
    let end = history.outcomes[from + MONTHS - 1].period_end;
    let asked = history.surveys.iter().filter(|survey| {
        survey.asked_at >= start && survey.asked_at < end && survey.instrument == "satisfaction"
    });
    let values: Vec<f64> = asked.filter_map(|survey| survey.value).collect();
    values.iter().sum::<f64>() / values.len() as f64
}
