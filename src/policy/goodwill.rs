//! Goodwill: what customers are worth beyond comparable ones without their relationship.

use std::collections::BTreeMap;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::present_value::{Course, PresentValue};
use crate::panel::{Measure, Panel, PanelScore};
use crate::relationship::Estimate;
use crate::stats::{BinaryLink, LeastSquares, ModelVariance, StatsError, binary_regression};

/// `[goodwill]` of a plan.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GoodwillParams {
    /// The score; that of the charts when absent.
    pub score: Option<String>,
    /// Scores of the panel that are held equal.
    pub controls: Vec<String>,
    /// What money now is preferred by \[per year\].
    pub discount_rate: f64,
    /// How far ahead value is counted \[months\].
    pub horizon_months: u32,
    /// What the customers are compared with.
    pub compared_with: ComparedWith,
    /// Market value of the company less its book value, to stand beside \[currency\].
    pub market_less_book: Option<f64>,
}

impl Default for GoodwillParams {
    fn default() -> Self {
        Self {
            score: None,
            controls: vec!["tenure".to_owned(), "past_profit".to_owned()],
            discount_rate: 0.1,
            horizon_months: 120,
            compared_with: ComparedWith::NoRelationship,
            market_less_book: None,
        }
    }
}

impl GoodwillParams {
    /// Names of the parameters that no valuation can be made with, each with what was expected.
    pub fn broken_rules(&self) -> Vec<(&'static str, String)> {
        let mut broken = Vec::new();
        if !(0.0..=1.0).contains(&self.discount_rate) {
            let rule = format!("is {}, expected a yearly rate from 0 to 1", self.discount_rate);
            broken.push(("discount_rate", rule));
        }
        if !(1..=MAX_HORIZON).contains(&self.horizon_months) {
            let rule = format!("is {}, expected 1 to {MAX_HORIZON} months", self.horizon_months);
            broken.push(("horizon_months", rule));
        }
        if let Some(value) =
            self.market_less_book.filter(|value| !(value.is_finite() && *value > 0.0))
        {
            let rule = format!("is {value}, expected an amount above 0");
            broken.push(("market_less_book", rule));
        }
        broken
    }
}

/// Longest horizon: half a century.
const MAX_HORIZON: u32 = 600;

/// The relationship that goodwill is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComparedWith {
    /// A score of 0: what no interaction at all would leave.
    NoRelationship,
    /// The mean of the segment. Gains and losses then largely cancel in the sum: it serves to compare
    /// accounts.
    SegmentMean,
}

/// What the relationships of today's customers are worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Goodwill {
    /// The score.
    pub score: String,
    /// What is held equal.
    pub controls: Vec<String>,
    /// What the customers are compared with.
    pub compared_with: ComparedWith,
    /// Last month of the panel, at whose end customers are valued, `YYYY-MM`.
    pub valued_at: String,
    /// Customers valued.
    pub n_accounts: u64,
    /// Customers without a score at that month, mostly too young: not valued.
    pub n_left_out: u64,
    /// Account-months that the relations were fitted to.
    pub n_account_months: u64,
    /// Exits among them.
    pub n_events: u64,
    /// Present value of what today's customers are expected to bring \[currency\].
    pub value: Estimate,
    /// What of it goes with their relationship being what it is, and not what it is compared with \[currency\].
    pub goodwill: Estimate,
    /// The same by segment.
    pub segments: Vec<SegmentGoodwill>,
    /// Log odds of leaving within a month, for one standard deviation more of the score.
    pub exit_log_odds: Estimate,
    /// Contribution a month, for one standard deviation more of the score \[currency\].
    pub contribution: Estimate,
    /// Share of a deviation from the segment's mean that is left a month later; after k months its k-th power.
    pub carry_over: Estimate,
    /// Share that is seen to be left a year later: where it is more than the twelfth power of `carry_over`,
    /// accounts differ for good, and goodwill is too small. Absent in short panels.
    pub left_after_a_year: Option<f64>,
    /// By how many per cent the value grows when one per cent more customers stay each year; absent where
    /// the customers are worth nothing.
    pub retention_elasticity: Option<Estimate>,
    /// Share of account-months whose score is at what it is compared with or below: near 0 goodwill is extrapolated.
    pub support: f64,
    /// Market value less book value, where the plan states it \[currency\].
    pub market_less_book: Option<f64>,
    /// How it was computed.
    pub method: String,
}

/// Goodwill of one segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentGoodwill {
    /// The segment; absent where the log has none.
    pub segment: Option<String>,
    /// Customers valued.
    pub n_accounts: u64,
    /// Present value \[currency\].
    pub value: Estimate,
    /// What of it is goodwill \[currency\].
    pub goodwill: Estimate,
}

/// Goodwill of one account.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountGoodwill {
    /// The account.
    pub account_id: String,
    /// Present value \[currency\].
    pub value: f64,
    /// What of it is goodwill \[currency\].
    pub goodwill: f64,
}

/// Why goodwill could not be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GoodwillError {
    /// The panel has no score of that name.
    #[error("goodwill: the panel has no score `{name}`; it has {known}")]
    UnknownScore {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Too few customers left to say what they left for.
    #[error(
        "goodwill: {events} exits for {coefficients} coefficients, expected at least {needed}: retention \
         cannot be tied to a score with so few"
    )]
    TooFewExits {
        /// Exits.
        events: usize,
        /// Coefficients of the hazard.
        coefficients: usize,
        /// Exits needed.
        needed: usize,
    },
    /// The log has no contribution.
    #[error("goodwill: no account has a `contribution`, expected outcomes with gross profit")]
    NoContribution,
    /// Nobody is a customer at the end.
    #[error("goodwill: no account is a customer in the last month of the panel")]
    NoCustomers,
    /// A relation could not be fitted.
    #[error("goodwill, {what}: {source}")]
    Fit {
        /// What was fitted.
        what: &'static str,
        /// Why it could not be.
        source: StatsError,
    },
}

/// Exits for each coefficient of the hazard, the usual rule.
const EXITS_PER_COEFFICIENT: usize = 10;

/// Groups of accounts of the jackknife.
const GROUPS: usize = 40;

/// Goodwill of today's customers, with that of each account.
///
/// ```text
/// goodwill = Σ_a PV(z_a, x_a) − PV(z₀, x_a)          z: score within its segment, x: controls
/// PV(z, x) = Σ_k m_k v^k Π_{j<k} (1 − h_j)           k = 1..horizon, v = (1 + r)^(−1/12)
/// h_k = 1 / (1 + exp(−α − β z_k − γ'x))              logit of leaving within the month
/// m_k = a + b z_k + c'x                              contribution of the month
/// z_k = φ^(k−1) z                                    deviations fade at the rate seen
/// ```
///
/// - z: (score − mean) / sd over all months of the segment; z₀: where a score of 0 stands there, or 0 for the mean. By
///   month mean and sd would be those of few accounts, and their noise would be taken for given.
/// - Controls enter within segment too. Segments with at least 10 exits have levels of their own.
/// - Intervals: delete-a-group jackknife, accounts dealt to 40 groups, Student's t with 39 degrees of
///   freedom. Today's customers are given, and so are mean, sd and z₀ of their segments; the relations are
///   what is estimated. Controls stay as they are today.
/// - It tells customers with such relationships from comparable ones: predicted, not caused. It extrapolates
///   where hardly anybody has such a score ([`Goodwill::support`]).
///
/// # Errors
///
/// [`GoodwillError`]: an unknown score, no contribution or customers, fewer than 10 exits a coefficient, or
/// a relation that cannot be fitted.
///
/// # Source
///
/// Gupta, Lehmann and Stuart (2004), *J. Marketing Research* 41(1), 7-18 (customers as an asset); Kott (2001),
/// *J. Official Statistics* 17(4), 521-526 (jackknife of groups).
pub fn goodwill(
    panel: &Panel,
    score: &str,
    params: &GoodwillParams,
) -> Result<(Goodwill, Vec<AccountGoodwill>), GoodwillError> {
    let study = Study::new(panel, score, params)?;
    let whole = study.value(None)?;
    let parts: Vec<Totals> = (0..GROUPS)
        .into_par_iter()
        .map(|group| study.value(Some(group)).map(|valued| valued.totals))
        .collect::<Result<_, _>>()?;
    let estimate = |of: &dyn Fn(&Totals) -> f64| {
        let replicates: Vec<f64> = parts.iter().map(of).collect();
        jackknife(of(&whole.totals), &replicates)
    };
    let segments =
        study.segments.iter().enumerate().map(|(at, (segment, n_accounts))| SegmentGoodwill {
            segment: segment.clone(),
            n_accounts: *n_accounts,
            value: estimate(&|totals| totals.segments[at].0),
            goodwill: estimate(&|totals| totals.segments[at].1),
        });
    let last = panel.first_month().plus(panel.months() as i32 - 1);
    let worth_something = parts.iter().chain([&whole.totals]).all(|totals| totals.value() > 0.0);
    let figures = Goodwill {
        score: score.to_owned(),
        controls: params.controls.clone(),
        compared_with: params.compared_with,
        valued_at: last.to_string(),
        n_accounts: study.customers.len() as u64,
        n_left_out: left_out(panel, study.customers.len()),
        n_account_months: study.rows.len() as u64,
        n_events: study.rows.iter().filter(|row| row.leaves).count() as u64,
        value: estimate(&Totals::value),
        goodwill: estimate(&Totals::goodwill),
        segments: segments.collect(),
        exit_log_odds: estimate(&|totals| totals.exit_log_odds),
        contribution: estimate(&|totals| totals.contribution),
        carry_over: estimate(&|totals| totals.carry_over),
        left_after_a_year: study.left_after_a_year(),
        retention_elasticity: worth_something.then(|| estimate(&|totals| totals.elasticity)),
        support: study.support,
        market_less_book: params.market_less_book,
        method: format!(
            "logit hazard and least squares of monthly contribution on the score within its segment, \
             {} held equal; present value over {} months at {} % a year; delete-a-group jackknife, \
             {GROUPS} groups of accounts",
            params.controls.join(", "),
            params.horizon_months,
            100.0 * params.discount_rate
        ),
    };
    Ok((figures, whole.accounts))
}

/// Student's t interval from estimates that each leave one group out.
fn jackknife(estimate: f64, replicates: &[f64]) -> Estimate {
    let groups = replicates.len() as f64;
    let mean = replicates.iter().sum::<f64>() / groups;
    let squares: f64 = replicates.iter().map(|value| (value - mean).powi(2)).sum();
    let half = T_975_39 * ((groups - 1.0) / groups * squares).sqrt();
    Estimate { estimate, ci_low: estimate - half, ci_high: estimate + half }
}

/// 97.5 % quantile of Student's t with 39 degrees of freedom.
const T_975_39: f64 = 2.022_690_920_036_761;

/// One account-month whose next month is known.
struct Row {
    account: usize,
    leaves: bool,
    contribution: f64,
    /// Score within segment a month later, of who is still there.
    next: Option<f64>,
    /// The same twelve months later.
    year_later: Option<f64>,
}

/// One of today's customers.
struct Customer {
    account: usize,
    /// Position in [`Study::segments`].
    segment: usize,
    x: Vec<f64>,
    compared: f64,
}

/// Everything that does not depend on who is left out.
struct Study<'a> {
    panel: &'a Panel,
    present: PresentValue,
    /// Columns: the score, the controls, levels of segments.
    columns: usize,
    rows: Vec<Row>,
    /// Shape `(rows, columns)`.
    x: Vec<f64>,
    customers: Vec<Customer>,
    segments: Vec<(Option<String>, u64)>,
    support: f64,
}

/// What one fit says of all customers.
struct Totals {
    /// Value and goodwill, by segment.
    segments: Vec<(f64, f64)>,
    exit_log_odds: f64,
    contribution: f64,
    carry_over: f64,
    elasticity: f64,
}

impl Totals {
    fn value(&self) -> f64 {
        self.segments.iter().map(|of| of.0).sum()
    }

    fn goodwill(&self) -> f64 {
        self.segments.iter().map(|of| of.1).sum()
    }
}

struct Valued {
    totals: Totals,
    accounts: Vec<AccountGoodwill>,
}

impl<'a> Study<'a> {
    fn new(panel: &'a Panel, name: &str, params: &GoodwillParams) -> Result<Self, GoodwillError> {
        if !panel.has(Measure::Contribution) {
            return Err(GoodwillError::NoContribution);
        }
        let score = found(panel, name)?;
        let scales = Scales::new(panel, score);
        let mut within = vec![scales.standardised(panel, score)];
        for name in &params.controls {
            let control = found(panel, name)?;
            within.push(Scales::new(panel, control).standardised(panel, control));
        }
        let width = within.len();
        let columns_at = |at: usize| within.iter().map(move |column| column[at]);
        let leaves = panel.outcome(Measure::Attrition, 1);
        let money = panel.outcome(Measure::Contribution, 1);
        let months = panel.months();
        let later = |at: usize, by: usize| {
            let z = (at % months + by < months).then(|| within[0][at + by]);
            z.filter(|z| !z.is_nan())
        };
        let (mut rows, mut known) = (Vec::new(), Vec::new());
        for at in (0..leaves.len()).filter(|&at| !leaves[at].is_nan() && !money[at].is_nan()) {
            if columns_at(at).any(f64::is_nan) {
                continue;
            }
            rows.push(Row {
                account: at / months,
                leaves: leaves[at] > 0.0,
                contribution: money[at],
                next: later(at, 1),
                year_later: later(at, 12),
            });
            known.extend(columns_at(at));
        }
        let levels = Levels::new(panel, &rows);
        let columns = width + levels.own.len();
        let mut x = Vec::with_capacity(rows.len() * columns);
        for (row, values) in rows.iter().zip(known.chunks_exact(width)) {
            x.extend_from_slice(values);
            levels.add(panel, row.account, &mut x);
        }
        let row = |at: usize, account: usize| {
            let mut row: Vec<f64> = columns_at(at).collect();
            levels.add(panel, account, &mut row);
            row
        };
        let (events, coefficients) = (rows.iter().filter(|row| row.leaves).count(), columns + 1);
        let needed = EXITS_PER_COEFFICIENT * coefficients;
        if events < needed {
            return Err(GoodwillError::TooFewExits { events, coefficients, needed });
        }
        let (customers, segments) = customers(panel, &scales, params.compared_with, row)?;
        Ok(Self {
            panel,
            present: PresentValue::new(params.discount_rate, params.horizon_months),
            columns,
            rows,
            x,
            customers,
            segments,
            support: support(score, &within[0], params.compared_with),
        })
    }

    /// Share of a deviation that is left twelve months later.
    fn left_after_a_year(&self) -> Option<f64> {
        let scores = self.rows.iter().zip(self.x.chunks_exact(self.columns));
        let pairs = scores.filter_map(|(row, x)| Some((x[0], row.year_later?)));
        let (products, squares) = pairs.fold((0.0, 0.0), |(products, squares), (now, later)| {
            (products + now * later, squares + now * now)
        });
        (squares > 0.0).then(|| products / squares)
    }

    /// Fits the relations without the accounts of `left_out`, and values every customer by them.
    fn value(&self, left_out: Option<usize>) -> Result<Valued, GoodwillError> {
        let relations = self.fit(left_out)?;
        let mut segments = vec![(0.0, 0.0); self.segments.len()];
        let mut accounts = Vec::with_capacity(self.customers.len());
        let mut better_kept = 0.0;
        for customer in &self.customers {
            let as_is = relations.course(&customer.x, customer.x[0]);
            let without = relations.course(&customer.x, customer.compared);
            let value = self.present.of(&as_is, 1.0);
            let goodwill = value - self.present.of(&without, 1.0);
            better_kept += self.present.of(&as_is, ONE_PER_CENT);
            let of = &mut segments[customer.segment];
            *of = (of.0 + value, of.1 + goodwill);
            let account_id = self.panel.accounts()[customer.account].id.clone();
            accounts.push(AccountGoodwill { account_id, value, goodwill });
        }
        let value: f64 = segments.iter().map(|of| of.0).sum();
        let totals = Totals {
            segments,
            exit_log_odds: relations.exit[1],
            contribution: relations.money.coefficients[0],
            carry_over: relations.carry_over,
            elasticity: (better_kept / value - 1.0) / (ONE_PER_CENT - 1.0),
        };
        Ok(Valued { totals, accounts })
    }

    fn fit(&self, left_out: Option<usize>) -> Result<Relations, GoodwillError> {
        let (mut x, mut leaves, mut money) = (Vec::new(), Vec::new(), Vec::new());
        let (mut products, mut squares) = (0.0, 0.0);
        for (row, values) in self.rows.iter().zip(self.x.chunks_exact(self.columns)) {
            if left_out == Some(row.account % GROUPS) {
                continue;
            }
            x.extend_from_slice(values);
            leaves.push(row.leaves);
            money.push(row.contribution);
            if let Some(next) = row.next {
                products += next * values[0];
                squares += values[0] * values[0];
            }
        }
        let failed = |what| move |source| GoodwillError::Fit { what, source };
        let (link, variance) = (BinaryLink::Logit, ModelVariance::Classical);
        let exit = binary_regression(link, &x, self.columns, &leaves, variance)
            .map_err(failed("who leaves"))?;
        let money =
            LeastSquares::fit(&x, self.columns, &money).map_err(failed("monthly contribution"))?;
        Ok(Relations {
            exit: exit.coefficients.iter().map(|of| of.estimate).collect(),
            money,
            carry_over: (products / squares).clamp(0.0, 1.0),
        })
    }
}

/// The factor of a year's retention that elasticity is read at.
const ONE_PER_CENT: f64 = 1.01;

struct Relations {
    /// The intercept, then one for each column.
    exit: Vec<f64>,
    money: LeastSquares,
    carry_over: f64,
}

impl Relations {
    /// The course of a customer with these columns, if the score stood at `z`.
    fn course(&self, x: &[f64], z: f64) -> Course {
        let others = self.exit[2..].iter().zip(&x[1..]).map(|(b, x)| b * x).sum::<f64>();
        let slope = self.money.coefficients[0];
        Course {
            z,
            carry_over: self.carry_over,
            exit: (self.exit[0] + others, self.exit[1]),
            contribution: (self.money.predict_row(x) - slope * x[0], slope),
        }
    }
}

fn found<'a>(panel: &'a Panel, name: &str) -> Result<&'a PanelScore, GoodwillError> {
    panel.score(name).ok_or_else(|| {
        let known: Vec<&str> = panel.scores().iter().map(|score| score.name.as_str()).collect();
        GoodwillError::UnknownScore { name: name.to_owned(), known: known.join(", ") }
    })
}

/// The segments that have a level of their own; the rest share one.
struct Levels<'a> {
    own: Vec<&'a str>,
}

impl<'a> Levels<'a> {
    /// From the exits among the rows that are fitted to.
    fn new(panel: &'a Panel, rows: &[Row]) -> Self {
        let mut exits: BTreeMap<Option<&str>, usize> = BTreeMap::new();
        for row in rows {
            let segment = panel.accounts()[row.account].segment.as_deref();
            *exits.entry(segment).or_default() += usize::from(row.leaves);
        }
        let enough =
            |segment: Option<&str>, n: usize| segment.is_some() && n >= EXITS_PER_COEFFICIENT;
        let all_have_one = exits.iter().all(|(segment, n)| enough(*segment, *n));
        let own = exits.into_iter().filter(|(segment, n)| enough(*segment, *n));
        // Where all have one, the first is what the intercept says.
        let own = own.filter_map(|(segment, _)| segment).skip(usize::from(all_have_one)).collect();
        Self { own }
    }

    fn add(&self, panel: &Panel, account: usize, row: &mut Vec<f64>) {
        let segment = panel.accounts()[account].segment.as_deref();
        row.extend(self.own.iter().map(|own| f64::from(u8::from(segment == Some(own)))));
    }
}

type Segments = Vec<(Option<String>, u64)>;

/// Today's customers and their segments.
fn customers(
    panel: &Panel,
    scales: &Scales<'_>,
    compared_with: ComparedWith,
    row: impl Fn(usize, usize) -> Vec<f64>,
) -> Result<(Vec<Customer>, Segments), GoodwillError> {
    let month = panel.months() - 1;
    let mut by_segment: BTreeMap<Option<String>, Vec<usize>> = BTreeMap::new();
    for (account, info) in panel.accounts().iter().enumerate() {
        let x = row(account * panel.months() + month, account);
        if panel.is_active(account, month) && !x.iter().any(|value| value.is_nan()) {
            by_segment.entry(info.segment.clone()).or_default().push(account);
        }
    }
    if by_segment.is_empty() {
        return Err(GoodwillError::NoCustomers);
    }
    let (mut customers, mut segments) = (Vec::new(), Vec::new());
    for (position, (segment, accounts)) in by_segment.into_iter().enumerate() {
        let at = |account: usize| account * panel.months() + month;
        let compared = match compared_with {
            ComparedWith::SegmentMean => 0.0,
            ComparedWith::NoRelationship => scales.standing(segment.as_deref(), 0.0),
        };
        segments.push((segment, accounts.len() as u64));
        let customer = |account: usize| Customer {
            account,
            segment: position,
            x: row(at(account), account),
            compared,
        };
        customers.extend(accounts.into_iter().map(customer));
    }
    Ok((customers, segments))
}

/// Customers at the end of the panel that are not among the `valued`.
fn left_out(panel: &Panel, valued: usize) -> u64 {
    let stays = panel
        .accounts()
        .iter()
        .filter(|account| account.exit.is_none() && account.entry < panel.months() as i32);
    (stays.count() - valued) as u64
}

/// Mean and standard deviation of a score in each segment, over all months.
struct Scales<'a> {
    by_segment: BTreeMap<Option<&'a str>, (f64, f64)>,
}

impl<'a> Scales<'a> {
    fn new(panel: &'a Panel, score: &PanelScore) -> Self {
        let mut values: BTreeMap<Option<&str>, Vec<f64>> = BTreeMap::new();
        let months = panel.months();
        for (account, rows) in panel.accounts().iter().zip(score.values.chunks_exact(months)) {
            let known = rows.iter().copied().filter(|value| !value.is_nan());
            values.entry(account.segment.as_deref()).or_default().extend(known);
        }
        let scale = |values: Vec<f64>| mean_and_deviation(&values);
        let by_segment = values.into_iter().map(|(segment, all)| (segment, scale(all))).collect();
        Self { by_segment }
    }

    /// How many standard deviations `value` stands from the mean of the segment.
    fn standing(&self, segment: Option<&str>, value: f64) -> f64 {
        let (mean, sd) = self.by_segment[&segment];
        if sd > 0.0 { (value - mean) / sd } else { 0.0 }
    }

    /// The score in standard deviations; NaN stays NaN.
    fn standardised(&self, panel: &Panel, score: &PanelScore) -> Vec<f64> {
        let segment = |at: usize| panel.accounts()[at / panel.months()].segment.as_deref();
        let standing = |(at, value): (usize, &f64)| {
            if value.is_nan() { f64::NAN } else { self.standing(segment(at), *value) }
        };
        score.values.iter().enumerate().map(standing).collect()
    }
}

/// The standard deviation with n − 1.
fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0).max(1.0)).sqrt())
}

/// Share of account-months at what customers are compared with, or below.
fn support(score: &PanelScore, within: &[f64], compared_with: ComparedWith) -> f64 {
    let values = match compared_with {
        ComparedWith::NoRelationship => &score.values,
        ComparedWith::SegmentMean => within,
    };
    let known = values.iter().filter(|value| !value.is_nan());
    let below = known.clone().filter(|value| **value <= 0.0).count();
    below as f64 / known.count().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_of_nothing_stands_below_positive_scores() {
        let scale = mean_and_deviation(&[1.0, 2.0, 3.0]);
        let scales =
            Scales { by_segment: BTreeMap::from([(None, scale), (Some("one"), (5.0, 0.0))]) };
        assert!((scales.standing(None, 0.0) + 2.0).abs() < 1e-15);
        assert_eq!(scales.standing(Some("one"), 0.0).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn the_jackknife_of_a_mean_has_its_standard_error() {
        // Leaving out one of n values: the jackknife gives s / √n exactly.
        let values: Vec<f64> = (0..40).map(|i| f64::from(i * i % 17)).collect();
        let (n, sum) = (40.0, values.iter().sum::<f64>());
        let mean = sum / n;
        let left: Vec<f64> = values.iter().map(|v| (sum - v) / (n - 1.0)).collect();
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let found = jackknife(mean, &left);
        let half = T_975_39 * (variance / n).sqrt();
        assert!((found.ci_high - mean - half).abs() < 1e-12);
    }

    #[test]
    fn impossible_parameters_are_named() {
        let params =
            GoodwillParams { discount_rate: -0.1, horizon_months: 0, ..Default::default() };
        let broken: Vec<&str> = params.broken_rules().into_iter().map(|(key, _)| key).collect();
        assert_eq!(broken, ["discount_rate", "horizon_months"]);
    }
}
