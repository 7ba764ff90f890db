//! The example of `rvq init --example`: a simulated log, and features with leaks planted in them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use rvq::diagnostic::Source;
use rvq::interaction::{AccountHistory, ColumnData, LogWriter, write_csv};
use rvq::panel::{Measure, Panel};
use rvq::rng::{Purpose, Streams};
use rvq::run::{Dataset, ResolvedPlan, Run, build_panel};
use rvq::score::{Valuation, ValuedHistory};

use crate::options::Console;

/// The plan that the log is simulated by.
const WORLD: &str = r#"[run]
name = "planted"
seed = 7

[world]
world = "informative"
beside = []
accounts = 160
start = "2023-01"
months = 30

[score]
scores = [{ rv_decay = { half_life_days = 180 } }]

[hypotheses.H1]
score = "rv_decay_180d"
"#;

/// The plan that the log is audited by.
const PLAN: &str = r#"# A simulated log, and features.csv beside it:
#   rvq audit plan.toml --features features.csv
[run]
name = "planted_leaks"

[data]
log = "log"

[score]
scores = [{ rv_decay = { half_life_days = 180 } }]
"#;

const README: &str = "\
# Planted leaks

A simulated log of 160 accounts over 30 months, and a table of features that somebody might have made of
it. Nothing here is real. Five mistakes were planted; `rvq audit` must find them and leave the rest alone.

    rvq audit plan.toml --features features.csv

| in `features.csv` | what was planted | the check that names it | what it counts |
|---|---|---|---|
| `rv_decay` | nothing: Relationship Value as it could have been read | none | |
| `next_quarter` | contribution of the three months *after* the date | `look_ahead` | 1756 of 2218 values (79.2 %), those that could be tested |
| `rv_z` | `rv_decay` scaled by the mean and deviation of all rows, later ones included | `normalisation_leak` | 2654 of 2654 values (100 %) |
| `lifetime_rv` | relative value summed over the whole log, the same in every row | `whole_life` | 2213 of 2213 values (100 %) |
| `fold` | one account in ten is dealt into two folds, half of its rows into each | `account_in_two_folds` | 262 of 2654 rows (9.9 %), 15 accounts |
| `contact_id` | one account in five has a row for each of two contacts, with the same features | `contacts_as_independent` | 872 of 2654 rows (32.9 %) |
";

/// Writes log, plan, features and README into `folder`, which must be there.
pub(crate) fn write(folder: &Path, console: &Console) -> anyhow::Result<()> {
    let source = Source::new("the plan of the example", WORLD);
    let run = Run::prepare(ResolvedPlan::resolve(&source, folder.to_owned(), "full", &[])?)?;
    let dataset = &run.datasets()[0];
    console.say("simulating the log");
    let lifetime = write_log(dataset, run.id()?, &folder.join("log"))?;
    let panel = build_panel(dataset, run.plan(), &Measure::ALL, &|text| console.say(text))?;
    write_csv(&folder.join("features.csv"), &features(&panel, &lifetime))?;
    for (name, text) in [("plan.toml", PLAN), ("README.md", README)] {
        let path = folder.join(name);
        std::fs::write(&path, text)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

/// Writes the log; gives the relative value of every account over all of it.
fn write_log(dataset: &Dataset, run: &str, out: &Path) -> anyhow::Result<BTreeMap<String, f64>> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot create `{}`", out.display()))?;
    let valuation = Valuation::new(&dataset.catalogue, &dataset.types)?;
    let mut writer = LogWriter::create(out, &dataset.types, run)?;
    let mut lifetime = BTreeMap::new();
    for history in dataset.histories()? {
        let history = history?;
        writer.write(&history)?;
        lifetime.insert(history.account.id.clone(), whole_life(&history, &valuation));
    }
    let simulation = dataset.simulation().context("the example is simulated")?;
    let accounts = dataset.accounts().context("a simulation knows its accounts")? as u32;
    for member in simulation.staff(accounts) {
        writer.write_staff(&member)?;
    }
    for initiative in simulation.initiatives() {
        writer.write_initiative(&initiative)?;
    }
    writer.finish()?;
    let catalogue = out.join("catalogue.csv");
    std::fs::write(&catalogue, dataset.catalogue.to_csv())
        .with_context(|| format!("cannot write `{}`", catalogue.display()))?;
    Ok(lifetime)
}

fn whole_life(history: &AccountHistory, valuation: &Valuation) -> f64 {
    let valued = ValuedHistory::new(history, valuation);
    valued.interactions().iter().filter(|row| !row.transactional).map(|row| row.rv).sum()
}

/// One account in this many is in two folds.
const IN_TWO_FOLDS: usize = 10;
/// One account in this many has a row for each of two contacts.
const WITH_CONTACTS: usize = 5;
/// Folds.
const FOLDS: f64 = 5.0;

/// The features of every row of the panel whose next quarter is in the log.
fn features(panel: &Panel, lifetime: &BTreeMap<String, f64>) -> Vec<(&'static str, ColumnData)> {
    let score = &panel.scores()[0].values;
    let next_quarter = panel.outcome(Measure::Contribution, 3);
    let deal = Streams::new(7).global(Purpose::Folds);
    let [mut accounts, mut contacts, mut months, mut folds] = [const { Vec::new() }; 4];
    let [mut rv, mut later, mut whole] = [const { Vec::new() }; 3];
    for (account, info) in panel.accounts().iter().enumerate() {
        for month in 0..panel.months() {
            let cell = account * panel.months() + month;
            if next_quarter[cell].is_nan() {
                continue;
            }
            let own = (deal.uniform(account as u64) * FOLDS) as u32;
            let moved = account % IN_TWO_FOLDS == 3 && month % 2 == 1;
            let fold = if moved { (own + 1) % FOLDS as u32 } else { own };
            let people = if account % WITH_CONTACTS == 1 { 2 } else { 1 };
            for person in 1..=people {
                accounts.push(info.id.clone());
                contacts.push(format!("{}-{person}", info.id));
                months.push(panel.first_month().plus(month as i32).to_string());
                folds.push(fold.to_string());
                rv.push(score[cell]);
                later.push(next_quarter[cell]);
                whole.push(lifetime[&info.id]);
            }
        }
    }
    let n = rv.len() as f64;
    let mean = rv.iter().sum::<f64>() / n;
    let spread = (rv.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
    let scaled = rv.iter().map(|v| (v - mean) / spread).collect();
    vec![
        ("account_id", ColumnData::Text(accounts)),
        ("contact_id", ColumnData::Text(contacts)),
        ("as_of", ColumnData::Text(months)),
        ("fold", ColumnData::Text(folds)),
        ("rv_decay", ColumnData::Number(rv)),
        ("next_quarter", ColumnData::Number(later)),
        ("rv_z", ColumnData::Number(scaled)),
        ("lifetime_rv", ColumnData::Number(whole)),
    ]
}
