//! `rvq score --explain`: what the score of one account is made of, and why it moved.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rvq::chart::{Chart, three_digits, waterfall};
use rvq::flow::Catalogue;
use rvq::run::{Dataset, Explanation, Part, Question, Run, explain};
use rvq::score::{Rv, Score, ScoreSpec};
use rvq::time::Instant;

use crate::options::{Console, Format};

/// What is to be explained.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// Say what the score of this account is made of instead; of the plan's first data set.
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "out")]
    pub(crate) explain: Option<String>,
    /// Score to explain or fit: a relationship value of the plan; its first one if absent.
    #[arg(long, value_name = "NAME")]
    score: Option<String>,
    /// Read the score as it was known at this date; the end of the data if absent.
    #[arg(long, value_name = "DATE", requires = "explain")]
    at: Option<String>,
    /// Say why the score moved since this date.
    #[arg(long, value_name = "DATE", requires = "explain")]
    since: Option<String>,
    /// Value the same history with this catalogue too, and say what that changes.
    #[arg(long, value_name = "CSV", requires = "explain")]
    catalogue: Option<PathBuf>,
    /// Folder for the charts.
    #[arg(long, value_name = "DIR", requires = "explain")]
    chart: Option<PathBuf>,
}

/// Parts that are printed of each kind.
const SHOWN: usize = 12;

impl ExplainArgs {
    pub(crate) fn run(
        &self,
        account: &str,
        run: &Run,
        format: Format,
        console: &Console,
    ) -> anyhow::Result<()> {
        let dataset = &run.datasets()[0];
        let score = self.chosen(&run.plan().score.scores)?;
        let end = dataset.end();
        let date = |written: &Option<String>, option: &str| -> anyhow::Result<Option<Instant>> {
            let parse = |text: &String| {
                dataset.calendar.parse(text).with_context(|| format!("`{option} {text}`"))
            };
            written.as_ref().map(parse).transpose()
        };
        let at = date(&self.at, "--at")?.unwrap_or(end);
        let since = date(&self.since, "--since")?;
        let revalued = self.catalogue.as_deref().map(Catalogue::load).transpose()?;
        let question = Question { account, score: &score, at, since, revalued: revalued.as_ref() };
        let found = explain(dataset, &question)?;
        let day = |at: Instant| dataset.calendar.date_of(at).to_string();
        if let Some(since) = since.filter(|since| *since > at) {
            bail!("`--since {}` is later than {}, when the score is read", day(since), day(at));
        }
        let ends = (
            self.end_label(since.unwrap_or(at), dataset, &day, true),
            self.end_label(at, dataset, &day, false),
        );
        match format {
            Format::Json => {
                console.print_line(&serde_json::to_string_pretty(&found)?)?;
            }
            Format::Csv => bail!("an explanation is printed as a table or as JSON"),
            Format::Table => console.print(&table(&found, &day(at), &ends))?,
        }
        let Some(folder) = &self.chart else { return Ok(()) };
        let simulated = dataset.simulation().is_some();
        save(folder, &waterfall(&found.parts_chart(simulated))?, console)?;
        match found.move_chart((&ends.0, &ends.1), simulated) {
            Some(moved) => save(folder, &waterfall(&moved)?, console),
            None => Ok(()),
        }
    }

    /// The relationship value of the plan that is meant.
    pub(crate) fn chosen(&self, scores: &[ScoreSpec]) -> anyhow::Result<Rv> {
        let mut known: Vec<Rv> = Vec::new();
        for spec in scores {
            known.extend(spec.rv()?);
        }
        let names: Vec<String> = known.iter().map(Score::name).collect();
        let wanted = self.score.as_ref().or(names.first());
        let found = known.iter().zip(&names).find(|(_, name)| Some(*name) == wanted);
        match found {
            Some((score, _)) => Ok(*score),
            None if names.is_empty() => bail!(
                "the plan has no relationship value; add one to `scores` of `[score]`, such as \
                 `{{ rv_decay = {{ half_life_days = 180 }} }}`"
            ),
            None => bail!(
                "the plan has no relationship value `{}` to explain, but {}",
                wanted.map_or("", String::as_str),
                names.join(", ")
            ),
        }
    }

    /// What an end of the move is called.
    fn end_label(
        &self,
        at: Instant,
        dataset: &Dataset,
        day: &dyn Fn(Instant) -> String,
        first: bool,
    ) -> String {
        match &self.catalogue {
            None => day(at),
            Some(_) if first => format!("{}, catalogue {}", day(at), dataset.catalogue.version()),
            Some(path) => {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                format!("{}, {}", day(at), name.unwrap_or_default())
            }
        }
    }
}

fn save(folder: &Path, chart: &Chart, console: &Console) -> anyhow::Result<()> {
    let path = folder.join(format!("{}.svg", chart.name));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, &chart.svg))
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    console.print_line(&path.display().to_string())
}

fn table(found: &Explanation, at: &str, ends: &(String, String)) -> String {
    let Explanation { account, data, score, value, .. } = found;
    let mut text = format!("{score} of {account} in `{data}` at {at}: {}\n", three_digits(*value));
    let kinds = [
        ("interaction type", &found.by_type),
        ("function", &found.by_function),
        ("contact", &found.by_contact),
    ];
    for (kind, parts) in kinds {
        section(&mut text, kind, parts);
    }
    if let Some(moved) = &found.moved {
        let _ =
            writeln!(text, "\n{:<44}{:>12}", format!("from {}", ends.0), three_digits(moved.from));
        for step in &moved.steps {
            let _ = writeln!(text, "  {:<42}{:>12}", step.name, three_digits(step.change));
        }
        let _ = writeln!(text, "{:<44}{:>12}", format!("to {}", ends.1), three_digits(moved.to));
    }
    text
}

fn section(text: &mut String, kind: &str, parts: &[Part]) {
    let _ = writeln!(text, "\n{:<44}{:>12}{:>14}", format!("by {kind}"), "part", "interactions");
    for Part { name, part, interactions } in parts.iter().take(SHOWN) {
        let _ = writeln!(text, "  {name:<42}{:>12}{interactions:>14}", three_digits(*part));
    }
    if let Some(rest) = parts.get(SHOWN..).filter(|rest| !rest.is_empty()) {
        let sum: f64 = rest.iter().map(|part| part.part).sum();
        let count: u64 = rest.iter().map(|part| part.interactions).sum();
        let name = format!("{} others", rest.len());
        let _ = writeln!(text, "  {name:<42}{:>12}{count:>14}", three_digits(sum));
    }
}
