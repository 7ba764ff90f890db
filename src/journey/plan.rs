//! Plan against actual: the path that the flow plans for contacts of new customers, and those taken.
//!
//! The clock of a contact begins with its first interaction of the stage retention: until then it depends
//! on what its whole account does when its walk ends, and plan and actual are not comparable.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::flow::Flow;
use crate::ids::TypeNames;
use crate::interaction::{AccountHistory, Stage};
use crate::rng::Streams;
use crate::score::{ScoreError, Valuation, ValuedHistory};
use crate::simulate::{PlainFlow, WalkColumns};
use crate::time::{Calendar, Instant, Month};

/// Mean length of a month \[days\].
const MONTH_DAYS: f64 = 30.4375;
/// Contacts that walk the flow for the plan: the standard error is a hundredth of a contact's spread.
const WALKERS: u32 = 10_000;
/// Months over which types are counted.
const YEAR: usize = 12;
/// 97.5 % point of the normal law.
const Z: f64 = 1.959_963_984_540_054;

/// What the flow plans for a contact of a new customer, by months since its first interaction as one.
///
/// ```text
/// RV*(τ), C*(τ) = mean cumulative relative value and cost of walkers at age τ
/// ```
///
/// - Walkers begin at the flow's `retention_entry`; who leaves keeps what it has. Mean of 10,000 walks.
/// - Without transactional rows, in value, cost and number: orders and invoices come of the account, not of
///   a contact's walk, so a plan of walks has none (and rule R1 leaves them out of value anyway).
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedPath {
    /// Mean cumulative relative value at the end of each month of age.
    pub rv: Vec<f64>,
    /// Mean cumulative variable cost at the end of each month of age \[currency\].
    pub cost: Vec<f64>,
    /// Mean number of each type over the first year (or all months, where they are fewer), by catalogue
    /// position.
    pub counts: Vec<f64>,
}

impl PlannedPath {
    /// The path of `flow` over `months` months of age.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::flow::Flow;
    /// use rvq::journey::PlannedPath;
    /// use rvq::rng::Streams;
    /// use rvq::time::Calendar;
    ///
    /// let path = PlannedPath::new(&Flow::builtin(), Streams::new(1), Calendar::UTC, 12);
    /// assert_eq!(path.rv.len(), 12);
    /// assert!(path.cost.is_sorted(), "costs only grow");
    /// ```
    pub fn new(flow: &Flow, streams: Streams, calendar: Calendar, months: u32) -> Self {
        // Long before any data, and a month more than needed: the first interaction comes late.
        let start = Month::new(2001, 1).expect("January is a month");
        let walk = PlainFlow::new(flow, streams, calendar, start, months + 13).of_customers();
        let entries = flow.catalogue().entries();
        let mut path = Self {
            rv: vec![0.0; months as usize],
            cost: vec![0.0; months as usize],
            counts: vec![0.0; entries.len()],
        };
        let mut rows = WalkColumns::default();
        walk.walk(0..WALKERS, &mut rows);
        let year = YEAR.min(months as usize);
        let mut begun = 0.0;
        let mut at = 0;
        for contact in rows.contact.chunk_by(|a, b| a == b) {
            begun += 1.0;
            let first = Instant::from_micros(rows.occurred_at[at]);
            for row in at..at + contact.len() {
                let age = month_of_age(first, Instant::from_micros(rows.occurred_at[row]));
                let kind = usize::from(rows.kind[row]);
                let entry = &entries[kind];
                if entry.transactional {
                    continue;
                }
                if age < months as usize {
                    path.rv[age] += entry.worth.rv;
                    path.cost[age] += entry.worth.variable_cost;
                }
                if age < year {
                    path.counts[kind] += 1.0;
                }
            }
            at += contact.len();
        }
        for values in [&mut path.rv, &mut path.cost] {
            cumulate(values, begun);
        }
        path.counts.iter_mut().for_each(|count| *count /= f64::max(begun, 1.0));
        path
    }
}

/// Turns sums by month into means of what has accumulated.
fn cumulate(values: &mut [f64], contacts: f64) {
    let mut total = 0.0;
    for value in values {
        total += *value / contacts.max(1.0);
        *value = total;
    }
}

fn month_of_age(first: Instant, at: Instant) -> usize {
    (at.days_since(first) / MONTH_DAYS) as usize
}

/// Plan and actual at one age.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PathPoint {
    /// Months since the first interaction as a customer.
    pub age_months: u32,
    /// Contacts that were watched for that long.
    pub n_contacts: u64,
    /// Accounts that they belong to.
    pub n_accounts: u64,
    /// Planned cumulative relative value per contact.
    pub planned_rv: f64,
    /// Actual cumulative relative value per contact.
    pub actual_rv: f64,
    /// Half the width of its 95 % interval, clustered by account.
    pub actual_rv_margin: f64,
    /// Planned cumulative variable cost per contact \[currency\].
    pub planned_cost: f64,
    /// Actual cumulative variable cost per contact \[currency\].
    pub actual_cost: f64,
    /// Half the width of its 95 % interval, clustered by account \[currency\].
    pub actual_cost_margin: f64,
}

/// One interaction type in the first year of a contact as a customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TypeGap {
    /// The type.
    pub interaction_type: String,
    /// Planned number per contact; 0 for a type that the flow does not plan.
    pub planned: f64,
    /// Actual number per contact watched throughout.
    pub actual: f64,
    /// Relative value per contact that the difference makes.
    pub rv_gap: f64,
}

/// Plan against actual for contacts of new customers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanFigures {
    /// By age; ages with fewer than ten accounts are left out.
    pub path: Vec<PathPoint>,
    /// Contacts watched through the months over which types are counted.
    pub n_contacts: u64,
    /// Types by the relative value that the difference makes, largest first.
    pub types: Vec<TypeGap>,
    /// Planned types that no contact had.
    pub missing: Vec<String>,
    /// Types that contacts had and the flow does not plan.
    pub unplanned: Vec<String>,
}

/// Fewest accounts behind a point of the path.
const FEWEST: u64 = 10;

/// Sums over accounts at one age, each with its contacts n and what they have together, y.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    accounts: u64,
    contacts: f64,
    contacts_squared: f64,
    rv: Moments,
    cost: Moments,
}

/// Σ y, Σ y² and Σ y n.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    sum: f64,
    squares: f64,
    products: f64,
}

impl Moments {
    fn add(&mut self, y: f64, contacts: f64) {
        self.sum += y;
        self.squares += y * y;
        self.products += y * contacts;
    }
}

impl Sums {
    fn add(&mut self, [contacts, rv, cost]: [f64; 3]) {
        self.accounts += 1;
        self.contacts += contacts;
        self.contacts_squared += contacts * contacts;
        self.rv.add(rv, contacts);
        self.cost.add(cost, contacts);
    }

    /// Mean per contact, and half the width of its 95 % interval with accounts as clusters.
    fn mean(&self, of: Moments) -> (f64, f64) {
        let mean = of.sum / self.contacts;
        // Σ (y − mean n)² over accounts.
        let squares = of.squares - 2.0 * mean * of.products + mean * mean * self.contacts_squared;
        let n = self.accounts as f64;
        (mean, Z * (squares.max(0.0) * n / (n - 1.0)).sqrt() / self.contacts)
    }
}

/// Takes accounts one by one: contacts of accounts that entered within the log and became customers.
#[derive(Debug, Clone)]
pub struct PlanAgainstActual {
    planned: PlannedPath,
    /// Planned number by type of the log; relative value by type of the log.
    types: Vec<(String, f64, f64)>,
    /// Planned types that the log has no name for.
    absent: Vec<String>,
    valuation: Valuation,
    start: Instant,
    end: Instant,
    ages: Vec<Sums>,
    counts: Vec<f64>,
    watched: f64,
}

impl PlanAgainstActual {
    /// Compares a log of `types` from `first` on, `months` months long, with `flow`.
    ///
    /// # Errors
    ///
    /// [`ScoreError::UnknownTypes`] when the flow's catalogue lacks a type of the log.
    pub fn new(
        flow: &Flow,
        types: &TypeNames,
        streams: Streams,
        calendar: Calendar,
        (first, months): (Month, u32),
    ) -> Result<Self, ScoreError> {
        let planned = PlannedPath::new(flow, streams, calendar, months);
        let catalogue = flow.catalogue();
        let valuation = Valuation::new(catalogue, types)?;
        let entries = catalogue.entries();
        let position = |name: &str| entries.iter().position(|e| e.interaction_type == name);
        let of_log = |name: &str| {
            let at = position(name).expect("the valuation has every type of the log");
            let entry = &entries[at];
            (name.to_owned(), planned.counts[at], entry.worth.rv)
        };
        let named = |name: &str| types.iter().any(|known| known == name);
        let absent = entries.iter().zip(&planned.counts);
        let absent = absent.filter(|(e, count)| **count > 0.0 && !named(&e.interaction_type));
        Ok(Self {
            types: types.iter().map(of_log).collect(),
            absent: absent.map(|(entry, _)| entry.interaction_type.clone()).collect(),
            counts: vec![0.0; types.len()],
            ages: vec![Sums::default(); months as usize],
            planned,
            valuation,
            start: calendar.start_of(first),
            end: calendar.start_of(first.plus(months as i32)),
            watched: 0.0,
        })
    }

    /// Takes an account.
    pub fn add(&mut self, history: &AccountHistory) {
        if history.account.entered_at < self.start {
            return;
        }
        let valued = ValuedHistory::new(history, &self.valuation);
        let mut account = vec![[0.0; 3]; self.ages.len()];
        for contact in 0..valued.contacts().len() {
            let own = || {
                let rows = valued.interactions().iter();
                rows.filter(move |r| r.contact.is_some_and(|c| usize::from(c.0) == contact))
                    .filter(|row| !row.transactional)
                    .skip_while(|row| row.stage != Stage::Retention)
            };
            let Some(first) = own().next() else { continue };
            let ages = month_of_age(first.occurred_at, self.end).min(self.ages.len());
            let (mut rv, mut cost) = (vec![0.0; ages], vec![0.0; ages]);
            let whole_year = ages >= YEAR.min(self.ages.len());
            self.watched += f64::from(u8::from(whole_year));
            for row in own() {
                let age = month_of_age(first.occurred_at, row.occurred_at);
                if age < ages {
                    rv[age] += row.rv;
                    cost[age] += row.variable_cost;
                }
                if whole_year && age < YEAR {
                    self.counts[usize::from(row.kind.0)] += 1.0;
                }
            }
            cumulate(&mut rv, 1.0);
            cumulate(&mut cost, 1.0);
            for (sums, (rv, cost)) in account.iter_mut().zip(rv.into_iter().zip(cost)) {
                *sums = [sums[0] + 1.0, sums[1] + rv, sums[2] + cost];
            }
        }
        for (sums, of_account) in self.ages.iter_mut().zip(account) {
            if of_account[0] > 0.0 {
                sums.add(of_account);
            }
        }
    }

    /// The figures; `None` when no age has ten accounts.
    pub fn finish(&self) -> Option<PlanFigures> {
        let path: Vec<PathPoint> = self
            .ages
            .iter()
            .enumerate()
            .filter(|(_, sums)| sums.accounts >= FEWEST)
            .map(|(age, sums)| self.point(age, sums))
            .collect();
        if path.is_empty() {
            return None;
        }
        let per_contact = |count: f64| if self.watched > 0.0 { count / self.watched } else { 0.0 };
        let gap = |((name, planned, rv), count): (&(String, f64, f64), &f64)| {
            let actual = per_contact(*count);
            let rv_gap = (actual - planned) * rv;
            TypeGap { interaction_type: name.clone(), planned: *planned, actual, rv_gap }
        };
        let mut types: Vec<TypeGap> = self.types.iter().zip(&self.counts).map(gap).collect();
        types.sort_by(|a, b| b.rv_gap.abs().total_cmp(&a.rv_gap.abs()));
        let named = |of: &dyn Fn(&TypeGap) -> bool| -> Vec<String> {
            let mut names: Vec<String> = types
                .iter()
                .filter(|gap| of(gap))
                .map(|gap| gap.interaction_type.clone())
                .collect();
            names.sort_unstable();
            names
        };
        let mut missing = named(&|gap| gap.planned > 0.0 && gap.actual == 0.0);
        missing.extend(self.absent.iter().cloned());
        let unplanned = named(&|gap| gap.planned == 0.0 && gap.actual > 0.0);
        Some(PlanFigures { path, n_contacts: self.watched as u64, types, missing, unplanned })
    }

    fn point(&self, age: usize, sums: &Sums) -> PathPoint {
        let (actual_rv, actual_rv_margin) = sums.mean(sums.rv);
        let (actual_cost, actual_cost_margin) = sums.mean(sums.cost);
        PathPoint {
            age_months: age as u32 + 1,
            n_contacts: sums.contacts as u64,
            n_accounts: sums.accounts,
            planned_rv: self.planned.rv[age],
            actual_rv,
            actual_rv_margin,
            planned_cost: self.planned.cost[age],
            actual_cost,
            actual_cost_margin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{AccountIndex, ContactIndex};
    use crate::interaction::{Account, Contact, Interaction};

    fn span() -> (Month, u32) {
        (Month::new(2020, 1).unwrap(), 24)
    }

    /// A log of accounts with three contacts each, who walk the flow as its plan says.
    fn walked(flow: &Flow, accounts: u32) -> Vec<AccountHistory> {
        let (first, months) = span();
        let walk = PlainFlow::new(flow, Streams::new(77), Calendar::UTC, first, months);
        let start = Calendar::UTC.start_of(first);
        let end = Calendar::UTC.start_of(first.plus(months as i32));
        let account = |account: u32| {
            let mut interactions = Vec::new();
            for contact in 0..3 {
                let name = (AccountIndex(account), ContactIndex(contact));
                let rows = walk.contact_walk(name, flow.retention_entry(), (start, end)).rows;
                interactions.extend(rows.into_iter().map(|(at, kind)| Interaction {
                    contact: Some(ContactIndex(contact)),
                    kind,
                    occurred_at: at,
                    known_at: at,
                    ..Interaction::default()
                }));
            }
            AccountHistory {
                contacts: vec![Contact::default(); 3],
                interactions,
                ..AccountHistory::empty(Account {
                    id: format!("A{account:04}"),
                    entered_at: start,
                    ..Account::default()
                })
            }
        };
        (0..accounts).map(account).collect()
    }

    fn compared(flow: &Flow, histories: &[AccountHistory]) -> PlanFigures {
        let entries = flow.catalogue().entries().iter();
        let types: TypeNames = entries.map(|entry| entry.interaction_type.as_str()).collect();
        let mut compared =
            PlanAgainstActual::new(flow, &types, Streams::new(1), Calendar::UTC, span()).unwrap();
        for history in histories {
            compared.add(history);
        }
        compared.finish().unwrap()
    }

    #[test]
    fn a_log_that_walks_as_planned_is_on_plan() {
        let flow = Flow::builtin();
        let figures = compared(&flow, &walked(&flow, 800));
        // First interactions take time: nobody is watched through all of the 24 months.
        assert_eq!(figures.path.len(), 23);
        for point in &figures.path {
            // Three standard errors and those of the plan itself, at eight times fewer walks.
            let margin = |half: f64| 2.0 * half;
            let rv = (point.actual_rv - point.planned_rv).abs();
            assert!(rv < margin(point.actual_rv_margin), "{point:?}");
            let cost = (point.actual_cost - point.planned_cost).abs();
            assert!(cost < margin(point.actual_cost_margin), "{point:?}");
        }
        assert_eq!(figures.unplanned, [""; 0]);
        let first_year: f64 = figures.types.iter().map(|gap| gap.actual * rv_of(&flow, gap)).sum();
        assert!((first_year - figures.path[11].actual_rv).abs() < 1e-9);
    }

    fn rv_of(flow: &Flow, gap: &TypeGap) -> f64 {
        let entries = flow.catalogue().entries();
        let entry = entries.iter().find(|e| e.interaction_type == gap.interaction_type).unwrap();
        entry.worth.rv
    }

    #[test]
    fn what_is_left_out_shows_as_missing_and_below_plan() {
        let flow = Flow::builtin();
        let mut histories = walked(&flow, 200);
        let all = compared(&flow, &histories);
        // The type that brings most relative value as planned is never done.
        let value = |gap: &TypeGap| gap.planned * rv_of(&flow, gap);
        let most = all.types.iter().max_by(|a, b| value(a).total_cmp(&value(b))).unwrap();
        let entries = flow.catalogue().entries();
        let kind =
            entries.iter().position(|e| e.interaction_type == most.interaction_type).unwrap();
        for history in &mut histories {
            history.interactions.retain(|row| usize::from(row.kind.0) != kind);
        }
        let figures = compared(&flow, &histories);
        assert!(figures.missing.contains(&most.interaction_type), "{:?}", figures.missing);
        let last = figures.path.last().unwrap();
        assert!(last.actual_rv + last.actual_rv_margin < last.planned_rv, "{last:?}");
    }
}
