//! The figures of one year that worlds are calibrated to, with their sampling error.

use super::benchmark::Figure;
use super::concentration::Year;

/// A figure of the trailing year; the top fifth is always the same accounts, ranked by
/// contribution after cost to engage among those with revenue in the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Share of revenue held by the top fifth.
    TopFifthRevenueShare,
    /// Share of contribution held by the top fifth; above 1 where the others lose money.
    TopFifthProfitShare,
    /// Cost to engage per account, top fifth over the others.
    CostRatio,
    /// Revenue per account, top fifth over the others.
    RevenueRatio,
    /// Share of revenue, month by month, from accounts that were customers a year before the month.
    RepeatRevenueShare,
    /// Cost to engage over the contribution before it.
    CostShare,
    /// Customers at the end over customers a year before, less 1.
    Growth,
    /// Exits per customer-year.
    AnnualAttrition,
    /// Contacts who are there at the end, per customer.
    ContactsMean,
}

/// Number of [`Moment`]s.
const COUNT: usize = 9;

impl Moment {
    /// All of them, in the order in which they are reported.
    pub const ALL: [Self; COUNT] = [
        Self::TopFifthRevenueShare,
        Self::TopFifthProfitShare,
        Self::CostRatio,
        Self::RevenueRatio,
        Self::RepeatRevenueShare,
        Self::CostShare,
        Self::Growth,
        Self::AnnualAttrition,
        Self::ContactsMean,
    ];

    /// Its name in a file of targets.
    pub const fn key(self) -> &'static str {
        match self {
            Self::TopFifthRevenueShare => "top_fifth_revenue_share",
            Self::TopFifthProfitShare => "top_fifth_profit_share",
            Self::CostRatio => "cost_ratio",
            Self::RevenueRatio => "revenue_ratio",
            Self::RepeatRevenueShare => "repeat_revenue_share",
            Self::CostShare => "cost_share",
            Self::Growth => "growth",
            Self::AnnualAttrition => "annual_attrition",
            Self::ContactsMean => "contacts_mean",
        }
    }
}

/// The [`Moment`]s of a cohort with their sampling covariance.
///
/// ```text
/// every moment is m = f · A / B + c with sums A = Σ aᵢ, B = Σ bᵢ over accounts; for them
/// var(m) ≈ Σ φᵢ²,   φᵢ = f · (aᵢ − A/B · bᵢ) / B                        (delta method)
/// ```
///
/// In sums over the top fifth, aᵢ is x·1{top} + (p − 1{top})·E[x | at the cut]: the cut is itself
/// an estimated quantile. Accounts count as independent; those who share staff nearly are.
///
/// # Source
///
/// van der Vaart (1998), *Asymptotic Statistics*, chapters 3 and 21; tested in this file against
/// the spread of repeated samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    estimates: [f64; COUNT],
    covariance: [[f64; COUNT]; COUNT],
    accounts: usize,
}

/// Half the width of a 95 % interval in standard errors.
const NORMAL_95: f64 = 1.959_964;

impl Moments {
    /// Estimate of `moment`.
    pub const fn value(&self, moment: Moment) -> f64 {
        self.estimates[moment as usize]
    }

    /// Sampling covariance of two moments.
    pub const fn covariance(&self, a: Moment, b: Moment) -> f64 {
        self.covariance[a as usize][b as usize]
    }

    /// Standard error of `moment`.
    pub fn std_error(&self, moment: Moment) -> f64 {
        self.covariance(moment, moment).sqrt()
    }

    /// Estimate of `moment` with its 95 % sampling interval.
    pub fn figure(&self, moment: Moment) -> Figure {
        let (estimate, half) = (self.value(moment), NORMAL_95 * self.std_error(moment));
        Figure { estimate, low: estimate - half, high: estimate + half }
    }

    /// Number of accounts with revenue in the year.
    pub const fn accounts(&self) -> usize {
        self.accounts
    }

    /// The moments of accounts; `None` where one of them is not a number.
    pub(super) fn of(rows: &[Trailing]) -> Option<Self> {
        let rows: Vec<&Trailing> = rows.iter().collect();
        let sums = Sums::of(&rows)?;
        let estimates = Moment::ALL.map(|moment| sums.estimate(moment));
        if rows.len() < FEWEST || estimates.iter().any(|estimate| !estimate.is_finite()) {
            return None;
        }
        let ranking = Ranking::of(&rows)?;
        let cut = ranking.at_the_cut();
        let mut covariance = [[0.0; COUNT]; COUNT];
        let mut add = |part: &Sums| {
            let phi = Moment::ALL.map(|moment| sums.influence(moment, part));
            for (row, a) in covariance.iter_mut().zip(phi) {
                row.iter_mut().zip(phi).for_each(|(cell, b)| *cell += a * b);
            }
        };
        let p = ranking.best.len() as f64 / ranking.len() as f64;
        ranking.best.iter().for_each(|row| add(&row.sums().with_top(1.0, (p - 1.0, &cut))));
        ranking.others.iter().for_each(|row| add(&row.sums().with_top(0.0, (p, &cut))));
        rows.iter().filter(|row| !row.bought()).for_each(|row| add(&row.sums()));
        Some(Self { estimates, covariance, accounts: ranking.len() })
    }
}

/// Fewest accounts of a benchmark.
pub(super) const FEWEST: usize = 10;

/// What an account was in the trailing year.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trailing {
    pub(super) year: Year,
    /// Revenue of months in which it had been a customer for a year.
    pub(super) repeat_revenue: f64,
    pub(super) customer_before: bool,
    pub(super) customer_after: bool,
    pub(super) exited: bool,
    pub(super) customer_years: f64,
    /// Contacts who are there at the end.
    pub(super) contacts: u32,
}

impl Trailing {
    fn bought(&self) -> bool {
        self.year.revenue > 0.0
    }

    /// What it adds to the sums, those over the top fifth left out.
    fn sums(&self) -> Sums {
        let one = |holds: bool| f64::from(u8::from(holds));
        // Who bought nothing is not ranked, and no part of what is shared out.
        let (all, repeat) =
            if self.bought() { (self.year, self.repeat_revenue) } else { (Year::default(), 0.0) };
        Sums {
            all,
            top: Year::default(),
            repeat,
            exits: one(self.exited),
            years: self.customer_years,
            before: one(self.customer_before),
            after: one(self.customer_after),
            contacts: f64::from(self.contacts),
            odds: 0.0,
        }
    }
}

/// Accounts with revenue, the most profitable fifth first.
struct Ranking<'a> {
    best: Vec<&'a Trailing>,
    others: Vec<&'a Trailing>,
}

impl<'a> Ranking<'a> {
    fn of(rows: &[&'a Trailing]) -> Option<Self> {
        let mut best: Vec<&Trailing> = rows.iter().copied().filter(|row| row.bought()).collect();
        best.sort_by(|a, b| b.year.contribution.total_cmp(&a.year.contribution));
        let top = (best.len() as f64 / 5.0).round() as usize;
        let others = best.split_off(top);
        (!best.is_empty() && !others.is_empty()).then_some(Self { best, others })
    }

    fn len(&self) -> usize {
        self.best.len() + self.others.len()
    }

    /// The mean account around the cut: 1 % of all accounts on either side, 5 at least.
    fn at_the_cut(&self) -> Year {
        let wanted = (self.len() / 100).max(5);
        let (above, below) = (wanted.min(self.best.len()), wanted.min(self.others.len()));
        let mut mean = Year::default();
        let near = self.best[self.best.len() - above..].iter().chain(&self.others[..below]);
        near.for_each(|row| mean.add_scaled(&row.year, 1.0 / (above + below) as f64));
        mean
    }
}

/// Sums over accounts, of which every moment is a ratio.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums {
    all: Year,
    /// Of the top fifth.
    top: Year,
    repeat: f64,
    exits: f64,
    years: f64,
    before: f64,
    after: f64,
    contacts: f64,
    /// Number of other accounts per account of the top fifth.
    odds: f64,
}

impl Sums {
    /// `None` when too few accounts had revenue to be divided.
    pub(super) fn of(rows: &[&Trailing]) -> Option<Self> {
        let Ranking { best, others } = Ranking::of(rows)?;
        let mut sums = Trailing::default().sums();
        sums.odds = others.len() as f64 / best.len() as f64;
        for row in &best {
            sums.all.add_scaled(&row.year, 1.0);
            sums.repeat += row.repeat_revenue;
        }
        sums.top = sums.all;
        for row in &others {
            sums.all.add_scaled(&row.year, 1.0);
            sums.repeat += row.repeat_revenue;
        }
        for row in rows {
            let part = row.sums();
            sums.exits += part.exits;
            sums.years += part.years;
            sums.before += part.before;
            sums.after += part.after;
            sums.contacts += part.contacts;
        }
        Some(sums)
    }

    /// The same with `own` times its figures and a share of `cut` as those of the top fifth.
    fn with_top(mut self, own: f64, (share, cut): (f64, &Year)) -> Self {
        self.top.add_scaled(&self.all, own);
        self.top.add_scaled(cut, share);
        self
    }

    /// Numerator and denominator, both linear in the sums.
    fn fraction(&self, moment: Moment) -> (f64, f64) {
        let Self { all, top, .. } = self;
        match moment {
            Moment::TopFifthRevenueShare => (top.revenue, all.revenue),
            Moment::TopFifthProfitShare => (top.contribution, all.contribution),
            Moment::CostRatio => (top.cost_to_engage, all.cost_to_engage - top.cost_to_engage),
            Moment::RevenueRatio => (top.revenue, all.revenue - top.revenue),
            Moment::RepeatRevenueShare => (self.repeat, all.revenue),
            Moment::CostShare => (all.cost_to_engage, all.contribution + all.cost_to_engage),
            Moment::Growth => (self.after - self.before, self.before),
            Moment::AnnualAttrition => (self.exits, self.years),
            Moment::ContactsMean => (self.contacts, self.after),
        }
    }

    fn factor(&self, moment: Moment) -> f64 {
        match moment {
            Moment::CostRatio | Moment::RevenueRatio => self.odds,
            _ => 1.0,
        }
    }

    /// The moment that these sums make.
    pub(super) fn estimate(&self, moment: Moment) -> f64 {
        let (numerator, denominator) = self.fraction(moment);
        self.factor(moment) * numerator / denominator
    }

    /// How far one account, which adds `part`, moves the moment.
    fn influence(&self, moment: Moment, part: &Self) -> f64 {
        let ((a, b), (own, base)) = (self.fraction(moment), part.fraction(moment));
        self.factor(moment) * (own - a / b * base) / b
    }
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::rng::{Purpose, Streams};

    /// A sample of `n` accounts: log-normal revenue, cost that grows with its root.
    fn sample(n: usize, seed: u64) -> Vec<Trailing> {
        let mut stream = Streams::new(seed).global(Purpose::Account).stream(0);
        let account = |_| {
            let z: [f64; 3] = std::array::from_fn(|_| StandardNormal.sample(&mut stream));
            let u = stream.uniform();
            let revenue = (0.8 * z[0]).exp();
            let cost_to_engage = 0.1 * revenue.sqrt() * (0.3 * z[1]).exp();
            let contribution = 0.4 * revenue - cost_to_engage + 0.1 * z[2];
            let exited = u < 0.12;
            Trailing {
                year: Year { revenue, contribution, cost_to_engage },
                repeat_revenue: if u > 0.3 { revenue } else { 0.0 },
                customer_before: u > 0.25 || exited,
                customer_after: !exited,
                exited,
                customer_years: if exited { 0.5 } else { 1.0 },
                contacts: 1 + (9.0 * stream.uniform()) as u32,
            }
        };
        (0..n).map(account).collect()
    }

    #[test]
    fn standard_errors_are_the_spread_of_repeated_samples() {
        // The spread of 400 normal values is known to 1/√800 = 3.5 %; four of these, and 2 % for
        // what the delta method leaves out at 500 accounts.
        let found: Vec<Moments> =
            (0..400).map(|seed| Moments::of(&sample(500, seed)).unwrap()).collect();
        for moment in Moment::ALL {
            let over = |of: fn(&Moments, Moment) -> f64| {
                found.iter().map(|m| of(m, moment)).sum::<f64>() / found.len() as f64
            };
            let mean = over(Moments::value);
            let spread = found.iter().map(|m| (m.value(moment) - mean).powi(2)).sum::<f64>();
            let ratio = over(Moments::std_error) / (spread / 399.0).sqrt();
            assert!((ratio - 1.0).abs() < 0.16, "{}: {ratio}", moment.key());
        }
    }

    #[test]
    fn moments_that_are_functions_of_one_another_are_so_here() {
        let moments = Moments::of(&sample(1_000, 1)).unwrap();
        let share = moments.value(Moment::TopFifthRevenueShare);
        let ratio = moments.value(Moment::RevenueRatio);
        assert!((ratio - 4.0 * share / (1.0 - share)).abs() < 1e-9);
        let (a, b) = (Moment::TopFifthRevenueShare, Moment::RevenueRatio);
        let correlation = moments.covariance(a, b) / (moments.std_error(a) * moments.std_error(b));
        assert!((correlation - 1.0).abs() < 1e-9, "{correlation}");
    }

    #[test]
    fn nine_accounts_are_too_few() {
        assert!(Moments::of(&sample(9, 1)).is_none());
    }
}
