//! Panels of which each account's columns and outcomes are told month by month.

use rand_distr::{Distribution, StandardNormal};
use rvq::flow::{Catalogue, CatalogueEntry};
use rvq::ids::{AccountIndex, ContactIndex, TypeIndex, TypeNames};
use rvq::interaction::{Account, AccountHistory, Interaction, Outcome, Status};
use rvq::panel::{Panel, PanelParams};
use rvq::rng::{Purpose, Streams};
use rvq::score::{Score, ScoreColumn, Unit, Valuation, ValuedInteraction};
use rvq::time::{Calendar, Instant, Month};

/// A column that is whatever the last row of its type says.
struct Column(&'static str, TypeIndex);

impl Score for Column {
    type State = f64;

    fn name(&self) -> String {
        self.0.to_owned()
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn reads(&self, interaction: &ValuedInteraction) -> bool {
        interaction.kind == self.1
    }

    fn observe(&self, value: &mut f64, interaction: &ValuedInteraction) {
        *value = interaction.rv;
    }

    fn value(&self, value: &f64, _as_of: Instant) -> f64 {
        *value
    }
}

pub(crate) fn month_start(month: usize) -> Instant {
    Calendar::UTC.start_of(Month::new(2020, 1).unwrap().plus(month as i32))
}

/// One account: its columns and what it brings, month by month.
pub(crate) struct Told {
    pub(crate) segment: &'static str,
    /// By column, then by month.
    pub(crate) columns: Vec<Vec<f64>>,
    /// Gross profit; revenue is its amount.
    pub(crate) profit: Vec<f64>,
    pub(crate) share: Vec<f64>,
    pub(crate) exit: Option<usize>,
}

/// Cost to engage, which grows less than revenue.
pub(crate) fn cost(profit: f64) -> f64 {
    0.1 * profit.abs().sqrt()
}

pub(crate) fn history(index: usize, told: &Told) -> AccountHistory {
    let months = told.profit.len();
    let row = |month: usize, kind: usize| Interaction {
        kind: TypeIndex(kind as u16),
        occurred_at: month_start(month),
        known_at: month_start(month),
        rv: Some(told.columns[kind][month]),
        ..Interaction::default()
    };
    let outcome = |month: usize| Outcome {
        period_start: month_start(month),
        period_end: month_start(month + 1),
        known_at: month_start(month + 1),
        revenue: told.profit[month].abs(),
        gross_profit: Some(told.profit[month]),
        cost_to_engage: Some(cost(told.profit[month])),
        share_of_wallet: Some(told.share[month]),
        status: Status::Customer,
        ..Outcome::default()
    };
    AccountHistory {
        account: Account {
            id: format!("{index:05}"),
            segment_id: Some(told.segment.to_owned()),
            entered_at: Calendar::UTC.start_of(Month::new(2019, 1).unwrap()),
            exited_at: told.exit.map(|month| month_start(month).plus_days(1.0)),
            size: Some(index as f64),
            ..Account::default()
        },
        interactions: (0..months)
            .flat_map(|month| (0..told.columns.len()).map(move |kind| (month, kind)))
            .map(|(month, kind)| row(month, kind))
            .collect(),
        outcomes: (0..told.exit.map_or(months, |exit| exit + 1)).map(outcome).collect(),
        ..AccountHistory::default()
    }
}

pub(crate) fn panel(names: &[&'static str], accounts: &[Told]) -> Panel {
    let histories = accounts.iter().enumerate().map(|(index, told)| history(index, told));
    panel_of(names, histories, accounts[0].profit.len())
}

/// The panel of these histories, with a column for each name.
pub(crate) fn panel_of(
    names: &[&'static str],
    histories: impl Iterator<Item = AccountHistory>,
    months: usize,
) -> Panel {
    let kinds = 0..names.len() as u16;
    let entries = kinds.clone().map(|kind| CatalogueEntry::plain(&format!("type_{kind}"), 0.0));
    let catalogue = Catalogue::from_entries("test", entries.collect()).unwrap();
    let types: TypeNames =
        catalogue.entries().iter().map(|e| e.interaction_type.as_str()).collect();
    let column = |(name, kind): (&&'static str, u16)| -> Box<dyn ScoreColumn> {
        Box::new(Column(name, TypeIndex(kind)))
    };
    let scores: Vec<Box<dyn ScoreColumn>> = names.iter().zip(kinds).map(column).collect();
    let params = PanelParams {
        calendar: Calendar::UTC,
        first: Month::new(2020, 1).unwrap(),
        months: months as u32,
        warm_up_months: 0,
        min_age_months: 0,
    };
    let valuation = Valuation::new(&catalogue, &types).unwrap();
    Panel::build(histories, &valuation, &scores, &params).unwrap()
}

pub(crate) fn normals(seed: u64, account: usize, n: usize) -> Vec<f64> {
    let draws =
        Streams::new(seed).draws(Purpose::Account, AccountIndex(account as u32), ContactIndex(0));
    let mut stream = draws.stream(0);
    (0..n).map(|_| StandardNormal.sample(&mut stream)).collect()
}

/// Accounts whose goodwill is known.
pub(crate) mod planted_goodwill {
    use rvq::panel::Panel;
    use rvq::rng::{Purpose, Streams};

    use super::{Told, normals, panel};

    pub(crate) const RV: &str = "rv_decay_180d";

    /// Share of a deviation that is left a month later.
    const PERSISTENCE: f64 = 0.6;

    /// How a score of `2 + z` and a standing trait of the account move leaving and contribution in the
    /// next month.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Law {
        exit: f64,
        contribution: f64,
    }

    /// What the trait adds to the log odds of leaving, and to contribution.
    const TRAIT: (f64, f64) = (0.3, 20.0);

    impl Law {
        pub(crate) const LEADS: Self = Self { exit: -0.5, contribution: 15.0 };
        pub(crate) const NOTHING: Self = Self { exit: 0.0, contribution: 0.0 };

        fn leaves(self, z: f64, of_account: f64) -> f64 {
            1.0 / (1.0 + (3.5 - self.exit * z - TRAIT.0 * of_account).exp())
        }

        fn brings(self, z: f64, of_account: f64) -> f64 {
            100.0 + self.contribution * z + TRAIT.1 * of_account
        }

        /// Present value over ten years at 10 %, month by month.
        fn value(self, z: f64, of_account: f64) -> f64 {
            let (mut value, mut there) = (0.0, 1.0);
            for k in 1..=120 {
                let z = z * PERSISTENCE.powi(k - 1);
                value += there * self.brings(z, of_account) * 1.1_f64.powf(-f64::from(k) / 12.0);
                there *= 1.0 - self.leaves(z, of_account);
            }
            value
        }
    }

    /// Name of the column that holds the trait.
    pub(crate) const CONTROL: &str = "tenure";

    /// A panel, and what the relationships of its last month are worth against `z`: −2 is a score of 0, 0
    /// the mean.
    pub(crate) fn generate(
        law: Law,
        seed: u64,
        (accounts, months): (usize, usize),
        against: f64,
    ) -> (Panel, f64) {
        let chance = Streams::new(seed).global(Purpose::Permutation);
        let mut truth = 0.0;
        let told: Vec<Told> = (0..accounts)
            .map(|index| {
                let new = normals(3 * seed, index, months);
                let noise = normals(3 * seed + 1, index, months);
                let of_account = normals(3 * seed + 2, index, 1)[0];
                let mut z = vec![new[0]];
                let fresh = (1.0 - PERSISTENCE * PERSISTENCE).sqrt();
                for new in &new[1..] {
                    z.push(PERSISTENCE * z[z.len() - 1] + fresh * new);
                }
                let mut stream = chance.stream(index as u64);
                let leaves = |t: usize| law.leaves(z[t], of_account);
                let exit = (1..months).find(|&t| stream.uniform() < leaves(t - 1));
                if exit.is_none() {
                    truth += law.value(z[months - 1], of_account) - law.value(against, of_account);
                }
                let before = |t: usize| if t == 0 { 0.0 } else { z[t - 1] };
                let profit = (0..months)
                    .map(|t| law.brings(before(t), of_account) + 30.0 * noise[t] + 1.0)
                    .collect();
                Told {
                    segment: ["a", "b"][index % 2],
                    columns: vec![z.iter().map(|z| 2.0 + z).collect(), vec![of_account; months]],
                    profit,
                    share: vec![0.5; months],
                    exit,
                }
            })
            .collect();
        (panel(&[RV, CONTROL], &told), truth)
    }
}
