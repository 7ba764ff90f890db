//! `rvq audit`: leaks and biases of a log, a plan and features of one's own.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rvq::audit::{AuditFinding, Severity};
use rvq::ingest::FeatureTable;
use rvq::interaction::harmless;
use rvq::run::{AuditReport, Run, RunError, audit};
use rvq::time::Calendar;

use crate::options::{Console, Format, PlanArgs};

/// Look for leaks and biases in a log, its plan and features of your own.
///
/// A log is audited for rows after an exit, survivorship, left truncation, dates of entry and rows
/// that are there twice; features for look-ahead, scaling by the whole sample, numbers over whole
/// lives, accounts in two folds and contacts counted apart. In place of a plan, a log folder that
/// `rvq ingest` or `rvq simulate` wrote will do. Ends with exit code 1 when there is a leak.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  rvq audit my_study/own_log.toml\n  rvq audit my-log --features my_features.csv\n  rvq audit my-log --features my_features.csv --cut the_same_until_june.csv"
)]
pub(crate) struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// Features of your own, CSV or Parquet: `account_id`, `as_of` (month, day or time), perhaps
    /// `contact_id` and `fold`, and columns of numbers.
    #[arg(long, value_name = "FILE")]
    features: Option<PathBuf>,
    /// The same features from an export that ended earlier: values that change were told of the
    /// rest.
    #[arg(long, value_name = "FILE", requires = "features")]
    cut: Option<PathBuf>,
    /// How findings are printed.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<ExitCode> {
    let run = if args.plan.plan.is_dir() {
        console.say("log");
        Run::of_log(&args.plan.plan)?
    } else {
        args.plan.prepare(console)?
    };
    let calendar = run.datasets()[0].calendar;
    let features = load(args.features.as_deref(), calendar)?;
    let cut = load(args.cut.as_deref(), calendar)?;
    if args.plan.dry_run {
        console.print_line(&format!("would audit {}", run.names()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut reports = Vec::new();
    for dataset in run.datasets() {
        console.say(&format!("{}: audit", dataset.name));
        // Features are of the plan's own data, not of the worlds beside it.
        let features = features.as_ref().filter(|_| reports.is_empty());
        reports.push(audit(dataset, run.plan(), features, cut.as_ref())?);
    }
    console.print(&match args.format {
        Format::Table => reports.iter().map(table).collect::<Vec<_>>().join("\n"),
        Format::Json => serde_json::to_string_pretty(&reports)? + "\n",
        Format::Csv => csv(&reports)?,
    })?;
    Ok(ExitCode::from(u8::from(reports.iter().any(AuditReport::has_leak))))
}

fn load(path: Option<&Path>, calendar: Calendar) -> Result<Option<FeatureTable>, RunError> {
    Ok(path.map(|path| FeatureTable::load(path, calendar)).transpose()?)
}

fn table(report: &AuditReport) -> String {
    let count = |severity: Severity| {
        let n = report.findings.iter().filter(|finding| finding.severity == severity).count();
        let plural = match (severity, n) {
            (Severity::Bias, 1) => "",
            (Severity::Bias, _) => "es",
            (_, 1) => "",
            _ => "s",
        };
        format!("{n} {}{plural}", severity.name())
    };
    let mut text = format!(
        "{}: {} accounts, {} interactions: {}, {}, {}\n",
        report.data,
        report.accounts,
        report.interactions,
        count(Severity::Leak),
        count(Severity::Bias),
        count(Severity::Note)
    );
    for finding in &report.findings {
        text.push('\n');
        text.push_str(&paragraph(finding));
    }
    if !report.not_audited.is_empty() {
        let columns = report.not_audited.join(", ");
        writeln!(text, "\nnot audited, no numbers: {columns}").expect("a string takes every word");
    }
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

fn paragraph(finding: &AuditFinding) -> String {
    let AuditFinding { check, about, affected, of, unit, what, examples, why, remedy, .. } =
        finding;
    let severity = finding.severity.name().to_uppercase();
    let share = 100.0 * finding.share();
    let mut text = format!(
        "{severity}  {check}  {about}\n  {what}\n  {affected} of {of} {unit} ({share:.1} %)"
    );
    if !examples.is_empty() {
        let quoted = examples.join("; ");
        text.push_str(": ");
        text.push_str(&quoted);
    }
    text + &format!("\n  why: {why}\n  do:  {remedy}\n")
}

fn csv(reports: &[AuditReport]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = [
        "data", "check", "severity", "about", "affected", "of", "unit", "share", "what",
        "examples", "why", "remedy",
    ];
    writer.write_record(header)?;
    for report in reports {
        for finding in &report.findings {
            writer.write_record([
                &harmless(&report.data),
                finding.check,
                finding.severity.name(),
                &harmless(&finding.about),
                &finding.affected.to_string(),
                &finding.of.to_string(),
                finding.unit,
                &finding.share().to_string(),
                &harmless(&finding.what),
                &harmless(&finding.examples.join("; ")),
                finding.why,
                finding.remedy,
            ])?;
        }
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
