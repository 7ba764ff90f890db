//! Accounts at dates: Relationship Value, what is expected to come, and what is held constant.

use crate::flow::{Catalogue, CatalogueEntry};
use crate::interaction::{AccountHistory, Outcome, Status, Truth};
use crate::score::{Rv, ScoreColumn, Valuation, ValuedHistory};
use crate::simulate::{Accumulation, Control, Correlation, Simulation, TruthColumn, Weights};
use crate::time::Instant;

/// Score, outcome and controls of all accounts at one date.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    pub(super) score: Vec<f64>,
    pub(super) outcome: Vec<f64>,
    /// One vector for each control.
    pub(super) controls: Vec<Vec<f64>>,
}

/// Draws samples from a simulation.
pub(super) struct Sampler<'a> {
    simulation: &'a Simulation,
    of: &'a Correlation,
    score: Box<dyn ScoreColumn>,
    valuation: Valuation,
    /// Every purchase counts 1, and nothing else does.
    purchases: Valuation,
    /// Dates as months of the log: the date is the end of the month before.
    dates: Vec<usize>,
}

/// Months between two dates.
const STEP: usize = 3;

/// Months of the log before the first date, unless the correlation says otherwise.
const FIRST: u32 = 12;

/// Half-life of what accumulates \[days\].
const HALF_LIFE: f64 = 180.0;

impl<'a> Sampler<'a> {
    pub(super) fn new(simulation: &'a Simulation, of: &'a Correlation) -> Self {
        let catalogue = simulation.flow().catalogue();
        let last = simulation.months() - of.months.max(0) as u32;
        let from = of.from_month.unwrap_or(FIRST).max(of.months.unsigned_abs());
        let to = of.to_month.unwrap_or(last + 1).min(last + 1);
        let types = simulation.types();
        let value = |entries: Vec<CatalogueEntry>| {
            let catalogue =
                Catalogue::from_entries("criterion", entries).expect("names stay unique");
            Valuation::new(&catalogue, &types).expect("the simulation has the catalogue's types")
        };
        let bought: Vec<usize> = simulation
            .flow()
            .transactions()
            .on_purchase
            .iter()
            .map(|(kind, _)| usize::from(kind.0))
            .collect();
        let purchase = |(position, entry): (usize, &CatalogueEntry)| {
            worth(entry, |_| if bought.contains(&position) { 1.0 } else { 0.0 }, false)
        };
        let entries = catalogue.entries();
        Self {
            simulation,
            of,
            score: accumulating(of.score),
            valuation: value(weighted(simulation, of)),
            purchases: value(entries.iter().enumerate().map(purchase).collect()),
            dates: (from as usize..to as usize).step_by(STEP).collect(),
        }
    }

    /// A sample for each date, with nobody in it.
    pub(super) fn empty(&self) -> Vec<Sample> {
        let empty = Sample { controls: vec![Vec::new(); self.of.given.len()], ..Sample::default() };
        vec![empty; self.dates.len()]
    }

    /// Adds an account to the samples of the dates at which it is observed.
    pub(super) fn add(&self, history: &AccountHistory, samples: &mut [Sample]) {
        // The first outcome's month says where the account's months begin in the log.
        let Some(first) = history.outcomes.first() else { return };
        let begins = self.simulation.month_position(first.period_start);
        let here: Vec<(usize, usize)> = (0..)
            .zip(&self.dates)
            .filter_map(|(d, date)| Some((d, date.checked_sub(begins)?)))
            .filter(|(_, month)| self.observed(history, *month))
            .collect();
        if here.is_empty() {
            return;
        }
        let as_of: Vec<Instant> =
            here.iter().map(|(_, month)| history.outcomes[month - 1].period_end).collect();
        let valued = ValuedHistory::new(history, &self.valuation);
        let scores = self.score.series(&valued, &as_of);
        let controls: Vec<Vec<f64>> =
            self.of.given.iter().map(|control| self.control(*control, history, &as_of)).collect();
        for (k, (d, month)) in here.iter().enumerate() {
            let sample = &mut samples[*d];
            sample.score.push(scores[k]);
            sample.outcome.push(self.outcome(&history.truth, *month));
            for (column, values) in sample.controls.iter_mut().zip(&controls) {
                column.push(values[k]);
            }
        }
    }

    /// Whether the account is a customer throughout the outcome window and the year before the
    /// date, so that past profit is that of a whole year for all.
    fn observed(&self, history: &AccountHistory, month: usize) -> bool {
        let (from, to) = window(month, self.of.months);
        let Some(year_before) = month.checked_sub(12) else { return false };
        let (from, to) = (from.min(year_before), to.max(month));
        to <= history.outcomes.len()
            && history.outcomes[from..to].iter().all(|o| o.status == Status::Customer)
    }

    fn outcome(&self, truth: &[Truth], month: usize) -> f64 {
        let (from, to) = window(month, self.of.months);
        let column = |row: &Truth| match self.of.outcome {
            TruthColumn::ExpectedProfit => row.expected_profit,
            TruthColumn::ExpectedRevenue => row.expected_revenue,
            TruthColumn::ExpectedSatisfaction => row.expected_satisfaction,
            TruthColumn::ExpectedShareOfWallet => row.expected_share_of_wallet,
            TruthColumn::Hazard => row.hazard,
        };
        truth[from..to].iter().map(column).sum::<f64>() / (to - from) as f64
    }

    fn control(&self, control: Control, history: &AccountHistory, as_of: &[Instant]) -> Vec<f64> {
        let fold = |value: &dyn Fn(&Outcome, &Truth) -> f64, kept: &dyn Fn(f64) -> f64| {
            let months = || history.outcomes.iter().zip(&history.truth);
            let at = |date: &Instant| {
                months()
                    .take_while(|(outcome, _)| outcome.period_end <= *date)
                    .map(|(o, truth)| value(o, truth) * kept(date.days_since(o.period_end)))
                    .sum()
            };
            as_of.iter().map(at).collect()
        };
        let fading = |days: f64| match self.of.score {
            Accumulation::Decay => (-days / HALF_LIFE).exp2(),
            Accumulation::Sum => 1.0,
        };
        let year = |days: f64| f64::from(u8::from(days < 360.0));
        match control {
            Control::PurchaseCount => {
                self.score.series(&ValuedHistory::new(history, &self.purchases), as_of)
            }
            Control::PurchaseValue => fold(&|outcome, _| outcome.revenue, &fading),
            Control::OwnerTarget => fold(&|_, truth| truth.owner_target, &fading),
            Control::PastProfit => fold(&|o, _| o.contribution().unwrap_or(0.0), &year),
            Control::Age => {
                as_of.iter().map(|date| date.days_since(history.account.entered_at)).collect()
            }
            Control::Size => vec![history.account.size.unwrap_or(0.0); as_of.len()],
        }
    }
}

fn accumulating(score: Accumulation) -> Box<dyn ScoreColumn> {
    match score {
        Accumulation::Decay => Box::new(Rv::decay(HALF_LIFE).expect("a half-life is positive")),
        Accumulation::Sum => Box::new(Rv::sum()),
    }
}

/// Positions of the months that an outcome averages: after `month`, or before it.
fn window(month: usize, months: i32) -> (usize, usize) {
    let length = months.unsigned_abs() as usize;
    if months >= 0 { (month, month + length) } else { (month.saturating_sub(length), month) }
}

/// The catalogue with the weights and functions that the correlation wants.
fn weighted(simulation: &Simulation, of: &Correlation) -> Vec<CatalogueEntry> {
    let segments: Vec<&str> =
        simulation.world().cohort.segments.keys().map(String::as_str).collect();
    let effects: Vec<Vec<f64>> =
        (0..segments.len()).map(|segment| simulation.true_effects(segment)).collect();
    let reweighted = |(position, entry): (usize, &CatalogueEntry)| {
        let counts = of.functions.as_ref().is_none_or(|f| f.contains(&entry.function));
        if !counts {
            return worth(entry, |_| 0.0, entry.transactional);
        }
        if of.weights == Weights::Catalogue {
            return entry.clone();
        }
        let mut changed = worth(entry, |_| effects[0][position], entry.transactional);
        changed.overrides = segments
            .iter()
            .zip(&effects)
            .map(|(name, of)| {
                let mut here = entry.worth;
                here.rv = of[position];
                ((*name).to_owned(), here)
            })
            .collect();
        changed
    };
    simulation.flow().catalogue().entries().iter().enumerate().map(reweighted).collect()
}

/// An entry with another relative value, in every segment.
fn worth(entry: &CatalogueEntry, rv: impl Fn(f64) -> f64, transactional: bool) -> CatalogueEntry {
    let mut changed = entry.clone();
    changed.worth.rv = rv(entry.worth.rv);
    for (_, here) in &mut changed.overrides {
        here.rv = rv(here.rv);
    }
    changed.transactional = transactional;
    changed
}
