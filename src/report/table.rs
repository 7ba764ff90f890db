//! Verdicts as aligned text for a terminal.

use std::fmt::Write as _;

use super::power::sentence;
use super::results::{Results, WorldResults};
use super::wording::{PLANTED, ends, headline, horizon, number, p_value};
use super::wording::{decision as decision_words, rung as rung_words};
use crate::hypothesis::Verdict;

const HEADERS: [&str; 10] = [
    "hypothesis",
    "score",
    "outcome",
    "horizon",
    "estimate",
    "95 % interval",
    "p",
    "detectable",
    "verdict",
    "highest rung",
];

/// The verdicts as aligned plain text, one block per world, each with its reason.
///
/// The numbers are those of the first estimate the plan names for the hypothesis.
pub fn verdict_table(results: &Results) -> String {
    let mut text = String::new();
    if results.run.simulated {
        text.push_str(PLANTED);
        text.push_str("\n\n");
    }
    let blocks: Vec<_> = results.worlds.iter().map(block).collect();
    text.push_str(&blocks.join("\n"));
    text
}

fn block(world: &WorldResults) -> String {
    let mut text = format!("{}\n", single_line(&world.name));
    for power in &world.power {
        writeln!(text, "  {}", single_line(&sentence(power))).expect("a string takes every word");
    }
    let rows: Vec<_> = world.verdicts.iter().map(|verdict| row(world, verdict)).collect();
    if rows.is_empty() {
        text.push_str("  no hypothesis was judged\n");
        return text;
    }
    let widths: [usize; 10] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([HEADERS[column].len()]).max().unwrap_or(0)
    });
    line(&mut text, &HEADERS.map(str::to_owned), &widths);
    for row in &rows {
        line(&mut text, row, &widths);
    }
    for verdict in &world.verdicts {
        let (name, why) = (single_line(&verdict.hypothesis), single_line(&verdict.why));
        writeln!(text, "  {name}: {why}").expect("a string takes every word");
    }
    text
}

fn row(world: &WorldResults, verdict: &Verdict) -> [String; 10] {
    let finding = headline(world, verdict);
    let of = |value: fn(&crate::backtest::Finding) -> Option<f64>| finding.and_then(value);
    [
        single_line(&verdict.hypothesis),
        finding.map_or_else(|| "n/a".to_owned(), |f| single_line(&f.score)),
        finding.map_or_else(|| "n/a".to_owned(), |f| single_line(&f.outcome)),
        finding.map_or_else(|| "n/a".to_owned(), |f| horizon(f.horizon_months)),
        number(of(|f| f.estimate)),
        ends(of(|f| f.ci_low), of(|f| f.ci_high)),
        p_value(of(|f| f.p_value)),
        number(of(|f| f.detectable_effect)),
        decision_words(verdict.verdict).to_owned(),
        verdict.rung.map_or("none", rung_words).to_owned(),
    ]
}

/// Pads by characters: the true minus sign is one column wide but three bytes long.
fn line(text: &mut String, cells: &[String; 10], widths: &[usize; 10]) {
    let padded = cells.iter().zip(widths).map(|(cell, &width)| format!("{cell:<width$}"));
    let joined = padded.collect::<Vec<_>>().join("  ");
    writeln!(text, "  {}", joined.trim_end()).expect("a string takes every word");
}

/// Control characters would move the cursor of a terminal.
fn single_line(words: &str) -> String {
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
