//! The relations that goodwill rests on, fitted, and every customer valued by them.

use std::collections::BTreeMap;

use super::goodwill::{AccountGoodwill, ComparedWith, GROUPS, GoodwillError, GoodwillParams};
use super::present_value::{Course, PresentValue};
use crate::panel::{Measure, Panel, PanelScore};
use crate::stats::{BinaryLink, LeastSquares, ModelVariance, binary_regression};

/// Exits for each coefficient of the hazard, the usual rule.
const EXITS_PER_COEFFICIENT: usize = 10;

/// One account-month whose next month is known.
pub(super) struct Row {
    account: usize,
    pub(super) leaves: bool,
    contribution: f64,
    /// Score within segment a month later, of who is still there.
    next: Option<f64>,
    /// The same twelve months later.
    year_later: Option<f64>,
}

/// One of today's customers.
pub(super) struct Customer {
    account: usize,
    /// Position in [`Study::segments`].
    segment: usize,
    x: Vec<f64>,
    compared: f64,
}

/// Everything that does not depend on who is left out.
pub(super) struct Study<'a> {
    panel: &'a Panel,
    present: PresentValue,
    /// Columns: the score, the controls, levels of segments.
    columns: usize,
    pub(super) rows: Vec<Row>,
    /// Shape `(rows, columns)`.
    x: Vec<f64>,
    pub(super) customers: Vec<Customer>,
    pub(super) segments: Vec<(Option<String>, u64)>,
    pub(super) support: f64,
}

/// What one fit says of all customers.
pub(super) struct Totals {
    /// Value and goodwill, by segment.
    pub(super) segments: Vec<(f64, f64)>,
    pub(super) exit_log_odds: f64,
    pub(super) contribution: f64,
    pub(super) carry_over: f64,
    pub(super) elasticity: f64,
}

impl Totals {
    pub(super) fn value(&self) -> f64 {
        self.segments.iter().map(|of| of.0).sum()
    }

    pub(super) fn goodwill(&self) -> f64 {
        self.segments.iter().map(|of| of.1).sum()
    }
}

pub(super) struct Valued {
    pub(super) totals: Totals,
    pub(super) accounts: Vec<AccountGoodwill>,
}

impl<'a> Study<'a> {
    pub(super) fn new(
        panel: &'a Panel,
        name: &str,
        params: &GoodwillParams,
    ) -> Result<Self, GoodwillError> {
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
    pub(super) fn left_after_a_year(&self) -> Option<f64> {
        let scores = self.rows.iter().zip(self.x.chunks_exact(self.columns));
        let pairs = scores.filter_map(|(row, x)| Some((x[0], row.year_later?)));
        let (products, squares) = pairs.fold((0.0, 0.0), |(products, squares), (now, later)| {
            (products + now * later, squares + now * now)
        });
        (squares > 0.0).then(|| products / squares)
    }

    /// Fits the relations without the accounts of `left_out`, and values every customer by them.
    pub(super) fn value(&self, left_out: Option<usize>) -> Result<Valued, GoodwillError> {
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
pub(super) fn left_out(panel: &Panel, valued: usize) -> u64 {
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
}
