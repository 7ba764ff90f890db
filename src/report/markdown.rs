//! `summary.md`: what fits a pull-request comment.

use std::fmt::Write as _;

use super::beside::sections;
use super::diagnostics;
use super::power::sentence;
use super::results::{Results, WorldResults};
use super::weights::{COMPARISON, TYPES, section};
use super::wording::{self, BENCHMARK, PLANTED, count, ends, headline, horizon, number, p_value};

/// Verdicts, benchmark and warnings as Markdown.
pub fn summary_markdown(results: &Results) -> String {
    let mut text = String::new();
    write(&mut text, results).expect("a string takes every word");
    text
}

fn write(text: &mut String, results: &Results) -> std::fmt::Result {
    let run = &results.run;
    writeln!(text, "## {}: verdicts\n", inert(&run.name))?;
    if run.simulated {
        writeln!(text, "> **Planted, recovered.** {PLANTED}\n")?;
    }
    powers(text, results)?;
    verdicts(text, results)?;
    benchmark(text, results)?;
    for world in &results.worlds {
        beside(text, world)?;
        patterns(text, world)?;
        weights(text, world)?;
    }
    if !results.warnings.is_empty() {
        writeln!(text, "### Warnings\n")?;
        for warning in &results.warnings {
            writeln!(text, "- {}", inert(warning))?;
        }
        writeln!(text)?;
    }
    let (id, version, profile) = (inert(&run.id), inert(&run.version), inert(&run.profile));
    writeln!(
        text,
        "Run {id}, rvq {version}, seed {}, profile {profile}. Observed leads are predictive, not \
         causal.",
        run.seed
    )
}

fn powers(text: &mut String, results: &Results) -> std::fmt::Result {
    for world in &results.worlds {
        for power in &world.power {
            writeln!(text, "- In {}, {}", inert(&world.name), inert(&sentence(power)))?;
        }
    }
    let any = results.worlds.iter().any(|world| !world.power.is_empty());
    if any { writeln!(text) } else { Ok(()) }
}

fn verdicts(text: &mut String, results: &Results) -> std::fmt::Result {
    writeln!(
        text,
        "| world | hypothesis | verdict | estimate (95 % interval) | p | detectable effect | reason |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|")?;
    for world in &results.worlds {
        for verdict in &world.verdicts {
            let finding = headline(world, verdict);
            let estimate = finding.map_or_else(
                || "n/a".to_owned(),
                |f| {
                    format!(
                        "{} → {}, {}: {} ({})",
                        inert(&f.score),
                        inert(&f.outcome),
                        horizon(f.horizon_months),
                        number(f.estimate),
                        ends(f.ci_low, f.ci_high)
                    )
                },
            );
            writeln!(
                text,
                "| {} | {} | **{}** | {estimate} | {} | {} | {} |",
                inert(&world.name),
                inert(&verdict.hypothesis),
                wording::verdict(verdict),
                p_value(finding.and_then(|f| f.p_value)),
                number(finding.and_then(|f| f.detectable_effect)),
                inert(&verdict.why),
            )?;
        }
    }
    writeln!(text)
}

fn benchmark(text: &mut String, results: &Results) -> std::fmt::Result {
    let measured: Vec<_> =
        results.worlds.iter().filter_map(|w| Some((w, w.benchmark.as_ref()?))).collect();
    if measured.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = measured.iter().map(|(world, _)| inert(&world.name)).collect();
    writeln!(text, "### Starting benchmark\n")?;
    writeln!(text, "| measure | {} | claimed |", names.join(" | "))?;
    writeln!(text, "|---|{}---|", "---|".repeat(names.len()))?;
    for row in &BENCHMARK {
        let cells: Vec<_> = measured.iter().map(|(_, benchmark)| row.words(benchmark)).collect();
        writeln!(text, "| {} | {} | {} |", row.name, cells.join(" | "), row.claim)?;
    }
    let accounts: Vec<_> = measured.iter().map(|(_, b)| count(b.n_accounts)).collect();
    writeln!(text, "| Accounts | {} | |\n", accounts.join(" | "))
}

fn beside(text: &mut String, world: &WorldResults) -> std::fmt::Result {
    for section in sections(world).into_iter().chain(diagnostics::sections(world)) {
        let (title, name) = (section.title.to_lowercase(), inert(&world.name));
        let says = section.says.first().map_or("", String::as_str);
        writeln!(text, "In {name}, {title}: {}\n", inert(says))?;
    }
    Ok(())
}

fn patterns(text: &mut String, world: &WorldResults) -> std::fmt::Result {
    let name = inert(&world.name);
    if world.patterns.is_empty() {
        let note = world.patterns_note.as_deref().unwrap_or("no reason was given");
        return writeln!(text, "Patterns in {name}: none ({}).\n", inert(note));
    }
    let words = world.patterns.iter().map(|pattern| {
        format!(
            "{} {} ({} accounts, difference {}, 95 % interval {})",
            pattern.pattern,
            wording::label(pattern.label),
            count(pattern.n_accounts),
            number(pattern.difference),
            ends(pattern.ci_low, pattern.ci_high)
        )
    });
    writeln!(text, "Patterns in {name}: {}.\n", words.collect::<Vec<_>>().join("; "))
}

fn weights(text: &mut String, world: &WorldResults) -> std::fmt::Result {
    let Some(section) = section(world) else { return Ok(()) };
    writeln!(text, "### Weights in {}\n", inert(&world.name))?;
    for sentence in section.says.iter().chain(&section.ranks) {
        writeln!(text, "- {}", inert(sentence))?;
    }
    writeln!(text)?;
    table(text, &COMPARISON, &section.comparison)?;
    table(text, &TYPES, &section.types[..section.differing])
}

/// Nothing without rows.
fn table(text: &mut String, heads: &[&str], rows: &[Vec<String>]) -> std::fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(text, "| {} |", heads.join(" | "))?;
    writeln!(text, "|{}", "---|".repeat(heads.len()))?;
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| inert(cell)).collect();
        writeln!(text, "| {} |", cells.join(" | "))?;
    }
    writeln!(text)
}

/// `words` on one line, without what Markdown would read as markup.
fn inert(words: &str) -> String {
    let mut text = String::new();
    for character in words.chars() {
        match character {
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            '|' | '*' | '[' | ']' | '\\' | '#' => text.extend(['\\', character]),
            '`' => {}
            control if control.is_control() => text.push(' '),
            plain => text.push(plain),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_data_cannot_break_the_table() {
        assert_eq!(inert("a|b\n<img> [x] `y`"), "a\\|b &lt;img&gt; \\[x\\] y");
    }
}
