//! What the recovery suite found, for a reader who has to decide whether to believe a verdict.

use std::fmt::Write as _;

use serde::Serialize;

use super::wording::{count, rung};
use crate::chart::{self, Chart, ChartError, percent};
use crate::hypothesis::{HypothesisId, HypothesisParams, Rung};
use crate::recover::{
    BY_ACCOUNT, HAZARD, LANDMARK, LIFETIME, MOST_ACCOUNTS, RecoveryRow, Role, TruthTable, UNRELATED,
};

/// Name of the estimator that decides.
const HEADLINE: &str = "headline";

/// `recover.json`.
#[derive(Serialize)]
struct Recovery<'a> {
    schema_version: &'static str,
    version: &'static str,
    seed: u64,
    rows: &'a [RecoveryRow],
}

/// All rates as JSON: `rows[]` with world, hypothesis, rung, estimator, role, replications, rate,
/// Monte-Carlo error, bias and coverage.
pub fn recovery_json(rows: &[RecoveryRow], seed: u64) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let all = Recovery { schema_version: "1.0", version, seed, rows };
    let mut text = serde_json::to_string_pretty(&all).expect("rows hold finite numbers");
    text.push('\n');
    text
}

/// The rates that are held to a band, as a chart: false cells and true ones by hypothesis.
///
/// # Errors
///
/// [`ChartError`] when drawing fails.
pub fn recovery_chart(rows: &[RecoveryRow]) -> Result<Chart, ChartError> {
    let held = rows.iter().filter_map(|row| {
        Some(chart::Rate {
            hypothesis: row.hypothesis.clone(),
            rung: rung(row.rung).to_owned(),
            world: row.world.clone(),
            accounts: row.accounts,
            truth: row.role == Role::True,
            rate: row.rate,
            interval: row.interval()?,
            holds: row.band?.holds,
        })
    });
    let mut rates: Vec<chart::Rate> = held.collect();
    let place =
        |rate: &chart::Rate| HypothesisId::ALL.iter().position(|id| id.name() == rate.hypothesis);
    rates.sort_by_key(place);
    chart::rates(&rates)
}

/// The rates that decide, as a plain table: what is held to a band first.
pub fn recovery_table(rows: &[RecoveryRow]) -> String {
    let mut text = String::new();
    let mut line = |cells: [&str; 8]| {
        let [world, accounts, hypothesis, rung, role, rate, band, holds] = cells;
        writeln!(
            text,
            "{world:13} {accounts:>8} {hypothesis:10} {rung:17} {role:5} {rate:>14} {band:>9} {holds}"
        )
        .expect("a string takes every word");
    };
    line(["world", "accounts", "hypothesis", "rung", "truth", "rejects", "band", ""]);
    for row in rows.iter().filter(|row| row.estimator == HEADLINE) {
        let accounts = format!("{}{}", row.accounts, if row.balanced { " b" } else { "" });
        let holds = match row.band {
            Some(band) if band.holds => "",
            Some(_) => "LEFT",
            None => "",
        };
        line([
            &row.world,
            &accounts,
            &row.hypothesis,
            rung(row.rung),
            role(row.role),
            &rate_of(row),
            &band(row),
            holds,
        ]);
    }
    text
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Null => "false",
        Role::True => "true",
        Role::Shown => "-",
    }
}

/// `4.5 % ± 0.7`.
fn rate_of(row: &RecoveryRow) -> String {
    format!("{:.1} % ± {:.1}", 100.0 * row.rate, 100.0 * row.mc_error)
}

/// `≤ 7.2 %`.
fn band(row: &RecoveryRow) -> String {
    match row.band.map(|band| (band.at_most, band.at_least)) {
        Some((Some(most), _)) => format!("≤ {:.1} %", 100.0 * most),
        Some((_, Some(least))) => format!("≥ {:.1} %", 100.0 * least),
        _ => String::new(),
    }
}

/// `docs/credentials.md`: how often the tests are right where the answer is known.
///
/// - `command`: the command that makes it anew.
/// - `picture`: path of [`recovery_chart`] and what it shows.
/// - `table`: what is true, for the limits of what can be found.
pub fn credentials(
    rows: &[RecoveryRow],
    command: &str,
    picture: (&str, &str),
    table: &TruthTable,
) -> String {
    let mut text = String::new();
    head(&mut text, rows, command);
    let (path, shows) = picture;
    writeln!(text, "![{shows}]({path})\n").expect("a string takes every word");
    limits(&mut text, rows, table);
    for id in HypothesisId::ALL {
        hypothesis(&mut text, id, rows);
    }
    direction(&mut text, rows);
    immortal_time(&mut text, rows);
    estimators(&mut text, rows);
    text
}

fn head(text: &mut String, rows: &[RecoveryRow], command: &str) {
    let held: Vec<&RecoveryRow> = rows.iter().filter(|row| row.band.is_some()).collect();
    let of = |wanted: Role| held.iter().filter(move |row| row.role == wanted);
    let inside = |wanted: Role| of(wanted).filter(|row| row.band.is_some_and(|b| b.holds)).count();
    let cohorts: u64 = rows
        .iter()
        .map(|row| (&row.world, row.accounts, row.balanced, row.replications))
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .map(|(.., replications)| u64::from(replications))
        .sum();
    write!(
        text,
        "# Credentials\n\n\
         A verdict of `rvq` is worth as much as its tests. Here every test is tried on simulated customers \
         of whom it is known what is true: **in worlds where an effect exists, how often is it found; where \
         none exists, how often is there a false alarm?** Made by one command, from fresh cohorts:\n\n\
         ```text\n{command}\n```\n\n\
         - {} cohorts in all. *False* cells are zero by construction: a good test rejects in about 5 % of \
         cohorts, and a cell fails when it is significantly above (binomial, one-sided, 1 % shared by all \
         cells). *True* cells are tried with the accounts at which a pilot on other cohorts found the effect in \
         60 % of them or more; a cell fails when it is found in significantly less than one half. The band says from \
         where on that is.\n\
         - {} of {} false cells and {} of {} true cells are inside their band.\n\
         - No true cell of the table, at the accounts it names, is *contradicted* in more than {:.1} % of cohorts: \
         intervals that lie wholly on the other side of 0, or inside ±δ.\n\
         - ± is the Monte-Carlo standard error. *Coverage*: how often the 95 % interval holds the truth (0 in \
         false cells, elsewhere the mean over all cohorts). Rates without a band are told for comparison: the \
         effect is neither zero nor meant to be found there.\n\
         - Worlds are described in `data/worlds`, what is true in them in `data/worlds/truth.toml`, rungs in \
         `docs/methodology.md`.\n\n",
        count(cohorts),
        inside(Role::Null),
        of(Role::Null).count(),
        inside(Role::True),
        of(Role::True).count(),
        100.0 * of(Role::True).filter_map(|row| row.contradicted).fold(0.0, f64::max),
    )
    .expect("a string takes every word");
    let left: Vec<String> = held
        .iter()
        .filter(|row| row.band.is_some_and(|band| !band.holds))
        .map(|row| {
            format!(
                "{} {} in `{}` at {} accounts ({}, expected {})",
                row.hypothesis,
                rung(row.rung),
                row.world,
                row.accounts,
                rate_of(row),
                band(row)
            )
        })
        .collect();
    if !left.is_empty() {
        writeln!(text, "**Outside their band:** {}.\n", left.join("; "))
            .expect("a string takes every word");
    }
}

fn hypothesis(text: &mut String, id: HypothesisId, rows: &[RecoveryRow]) {
    let own: Vec<&RecoveryRow> = rows
        .iter()
        .filter(|row| row.hypothesis == id.name() && row.estimator == HEADLINE)
        .collect();
    if own.is_empty() {
        return;
    }
    let claim = id.claim(&HypothesisParams::of(id));
    write!(
        text,
        "## {}: {claim}\n\n| world | accounts | rung | truth | rejects | band | mean estimate | coverage |\n\
         |---|---|---|---|---|---|---|---|\n",
        id.name()
    )
    .expect("a string takes every word");
    for row in own {
        let accounts = format!("{}{}", row.accounts, if row.balanced { ", balanced" } else { "" });
        let outside = row.band.is_some_and(|band| !band.holds);
        let undefined = match row.undefined {
            0 => String::new(),
            n => format!("; undefined in {}", percent(f64::from(n) / f64::from(row.replications))),
        };
        let computed = row.undefined < row.replications;
        let mean = if computed { format!("{:.3}", row.mean_estimate) } else { String::new() };
        writeln!(
            text,
            "| `{}` | {accounts} | {} | {} | {}{}{undefined} | {} | {mean} | {} |",
            row.world,
            rung(row.rung),
            role(row.role),
            rate_of(row),
            if outside { " **outside**" } else { "" },
            band(row),
            row.coverage.map_or_else(String::new, |share| format!("{:.1} %", 100.0 * share)),
        )
        .expect("a string takes every word");
    }
    text.push('\n');
}

/// What is true and cannot be found: a verdict on it stays inconclusive at these sizes.
fn limits(text: &mut String, rows: &[RecoveryRow], table: &TruthTable) {
    let rate = |world: &str, id: HypothesisId, of: Rung| {
        rows.iter()
            .filter(|row| (&*row.world, &*row.hypothesis, row.rung) == (world, id.name(), of))
            .filter(|row| row.estimator == HEADLINE && !row.balanced)
            .max_by_key(|row| row.accounts)
    };
    let mut known: Vec<_> = table
        .limits()
        .filter_map(|(world, id, of, cell)| Some((world, id, of, cell, rate(world, id, of)?)))
        .collect();
    known.sort_by_key(|(_, id, of, ..)| (*id, *of));
    if known.is_empty() {
        return;
    }
    text.push_str(
        "## Known limits\n\nTrue by construction, but found by the pilot in less than 60 % of cohorts even with 800 accounts. \
         *Ideal*: accounts with which an ideal test of the same estimate finds it every second time. Inconclusive says \
         nothing against these, and at such a rung `rvq` never says more: gains of H8 are supported or \
         inconclusive, causes are not judged on a log.\n\n\
         | hypothesis | rung | world | ideal | rejects |\n|---|---|---|---|---|\n",
    );
    for (world, id, of, cell, row) in &known {
        let (of, accounts) = (*of, row.accounts);
        writeln!(
            text,
            "| {} | {} | `{world}` | {} | {} at {accounts} accounts |",
            id.name(),
            rung(of),
            cell.ideal.map_or_else(|| "-".to_owned(), |ideal| count(ideal.into())),
            rate_of(row),
        )
        .expect("a string takes every word");
    }
    text.push('\n');
    let of = |(world, id, of, ..): &(&str, HypothesisId, Rung, _, _)| (world.to_string(), *id, *of);
    tried(text, rows, &known.iter().map(of).collect::<Vec<_>>());
}

/// At known limits: how often each estimator that was tried rejects, where nothing is related and where the
/// effect exists.
fn tried(text: &mut String, rows: &[RecoveryRow], limits: &[(String, HypothesisId, Rung)]) {
    let mut tests: Vec<(HypothesisId, Rung)> =
        limits.iter().map(|(_, id, of)| (*id, *of)).collect();
    tests.dedup();
    let mut lines = String::new();
    for (id, of) in tests {
        let own: Vec<&RecoveryRow> = rows
            .iter()
            .filter(|row| {
                (&*row.hypothesis, row.rung, row.accounts) == (id.name(), of, MOST_ACCOUNTS)
            })
            .filter(|row| !row.balanced)
            .collect();
        let mut estimators: Vec<&str> = own.iter().map(|row| row.estimator.as_str()).collect();
        estimators.sort_by_key(|name| (*name != HEADLINE, *name));
        estimators.dedup();
        for estimator in estimators {
            let of_it = own.iter().filter(|row| row.estimator == estimator);
            let size = of_it.clone().find(|row| row.world == UNRELATED);
            let limited = |row: &&&RecoveryRow| limits.contains(&(row.world.clone(), id, of));
            let found: Vec<String> = of_it
                .filter(limited)
                .map(|row| format!("`{}` {:.1} %", row.world, 100.0 * row.rate))
                .collect();
            writeln!(
                lines,
                "| {} | {} | {} | {} | {} |",
                id.name(),
                rung(of),
                estimator_words(estimator),
                size.map_or_else(|| "-".to_owned(), |row| rate_of(row)),
                found.join(", "),
            )
            .expect("a string takes every word");
        }
    }
    if lines.is_empty() {
        return;
    }
    write!(
        text,
        "Estimators tried at these limits, with {MOST_ACCOUNTS} accounts: how often each rejects where nothing is \
         related (`{UNRELATED}`; gains and hazards in the claimed direction only, so that 2.5 % are due) and where the \
         effect exists. The hazard ratio finds most and stands beside every verdict on H8; it does not decide, since it is \
         computed in sample and takes its baselines as straight lines.\n\n\
         | hypothesis | rung | estimator | false alarms | finds |\n|---|---|---|---|---|\n{lines}\n"
    )
    .expect("a string takes every word");
}

fn estimator_words(name: &str) -> &str {
    match name {
        HEADLINE => "**decides**",
        "linear" => "gain over linear baselines",
        "flexible" => "gain over splines and products of baselines",
        HAZARD => "log hazard ratio given the baselines, in sample (Cox, by account)",
        BY_ACCOUNT => "paired t, accounts as units",
        "cluster_ewc" => "account cluster + EWC alone",
        "permutation" => "permutation alone",
        "newey_west" => "Newey-West",
        "naive_t" => "one-sample t",
        other => other,
    }
}

/// In which worlds profit is seen to lead the score.
fn direction(text: &mut String, rows: &[RecoveryRow]) {
    let leads: Vec<&RecoveryRow> = rows
        .iter()
        .filter(|row| row.hypothesis == "H1" && row.rung == Rung::Leads && !row.balanced)
        .filter(|row| row.reversed.is_some())
        .collect();
    if leads.is_empty() {
        return;
    }
    text.push_str(
        "## Which comes first\n\nWhere the score goes with past profit more than with profit to come, the interval \
         of the lead lies wholly below 0: the label is *reverse*. It belongs to the world `reverse`, in which \
         staff turn to accounts whose revenue has risen; in `irrelevant` it is a false alarm.\n\n\
         | world | accounts | lead | labelled *reverse* |\n|---|---|---|---|\n",
    );
    for row in leads {
        writeln!(
            text,
            "| `{}` | {} | {:.3} | {:.1} % |",
            row.world,
            row.accounts,
            row.mean_estimate,
            100.0 * row.reversed.unwrap_or(0.0)
        )
        .expect("a string takes every word");
    }
    text.push('\n');
}

/// Groups by lifetime RV against groups by RV at a landmark.
fn immortal_time(text: &mut String, rows: &[RecoveryRow]) {
    let of = |estimator: &str| -> Vec<&RecoveryRow> {
        rows.iter().filter(|row| row.estimator == estimator && !row.balanced).collect()
    };
    let (landmark, lifetime) = (of(LANDMARK), of(LIFETIME));
    if landmark.is_empty() {
        return;
    }
    text.push_str(
        "## Immortal time\n\nAccounts are parted at the median of their cumulative RV, and the exit rates of the \
         halves are compared. Read at the end of an account's life, a high score seems to protect, even where \
         nothing is related: who stays longer collects more. Read at a landmark of six months it does not. `rvq` \
         reports landmarks only.\n\n\
         | world | accounts | cohorts | rate ratio at the landmark (geometric mean) | by lifetime RV |\n\
         |---|---|---|---|---|\n",
    );
    for row in landmark {
        let same =
            |other: &&&RecoveryRow| (&other.world, other.accounts) == (&row.world, row.accounts);
        let ratio = |row: &RecoveryRow| format!("{:.3}", row.mean_estimate.exp());
        let error = row.spread.unwrap_or(0.0) / f64::from(row.replications).sqrt();
        writeln!(
            text,
            "| `{}` | {} | {} | {} ± {:.3} | {} |",
            row.world,
            row.accounts,
            row.replications,
            ratio(row),
            error * row.mean_estimate.exp(),
            lifetime.iter().find(same).map_or_else(String::new, |row| ratio(row)),
        )
        .expect("a string takes every word");
    }
    text.push('\n');
}

/// The tests beside the headline, in null cells: what the usual methods would have said.
fn estimators(text: &mut String, rows: &[RecoveryRow]) {
    let beside: Vec<&RecoveryRow> = rows
        .iter()
        .filter(|row| {
            let usual = ["cluster_ewc", "permutation", "newey_west", "naive_t"];
            row.role == Role::Null && usual.contains(&row.estimator.as_str())
        })
        .collect();
    if beside.is_empty() {
        return;
    }
    text.push_str(
        "## What the usual tests would have said\n\nFalse alarms at a nominal 5 % in false cells, *associated*. \
         The headline rejects only where the first two do.\n\n\
         | world | accounts | hypothesis | account cluster + EWC | permutation | Newey-West | one-sample t |\n\
         |---|---|---|---|---|---|---|\n",
    );
    let mut cells: Vec<(&str, u32, bool, &str)> = beside
        .iter()
        .map(|row| (row.world.as_str(), row.accounts, row.balanced, row.hypothesis.as_str()))
        .collect();
    cells.dedup();
    for (world, accounts, balanced, hypothesis) in cells {
        let of = |estimator: &str| {
            let row = beside.iter().find(|row| {
                (row.world.as_str(), row.accounts, row.balanced, row.hypothesis.as_str())
                    == (world, accounts, balanced, hypothesis)
                    && row.estimator == estimator
            });
            row.map_or_else(String::new, |row| rate_of(row))
        };
        writeln!(
            text,
            "| `{world}` | {accounts}{} | {hypothesis} | {} | {} | {} | {} |",
            if balanced { ", balanced" } else { "" },
            of("cluster_ewc"),
            of("permutation"),
            of("newey_west"),
            of("naive_t"),
        )
        .expect("a string takes every word");
    }
    text.push('\n');
}
