//! `rvq recover`: how often each test finds what is planted, and how often it cries wolf.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant as Clock;

use anyhow::Context as _;
use rvq::hypothesis::{HypothesisId, Rung};
use rvq::recover::{RecoveryRow, SuiteParams, Trials, TruthTable, jobs, rows, run_job};
use rvq::report::{credentials, recovery_chart, recovery_json, recovery_table};

use crate::options::{Console, Format};

/// Try every test where the truth is known: size, power, bias and coverage by world.
///
/// Each replication is a fresh simulated cohort. What is done is kept in the folder: a run that was
/// interrupted goes on where it stopped. They are named by version and question: after a change of the
/// code itself use another folder. Exit code 1 when a rate leaves its band.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rvq recover --profile smoke\n  rvq recover --worlds irrelevant,informative --hypotheses H1,H8 --replications 400"
)]
pub(crate) struct Args {
    /// How much is tried.
    #[arg(long, value_enum, default_value = "full")]
    profile: Profile,
    /// Worlds, comma-separated [default: those of the profile].
    #[arg(long, value_delimiter = ',', value_name = "WORLD")]
    worlds: Vec<String>,
    /// Hypotheses, comma-separated [default: those of the profile].
    #[arg(long, value_delimiter = ',', value_name = "H", value_parser = hypothesis)]
    hypotheses: Vec<HypothesisId>,
    /// Rungs, comma-separated [default: those of the profile].
    #[arg(long, value_delimiter = ',', value_name = "RUNG", value_parser = rung)]
    rungs: Vec<Rung>,
    /// Cohorts for the size of each false cell.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    replications: Option<u32>,
    /// Cohorts for the power of each true cell.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    power_replications: Option<u32>,
    /// Accounts at which sizes are measured.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(30..))]
    accounts: Option<u32>,
    /// Leave out other numbers of accounts than that of sizes.
    #[arg(long)]
    one_size: bool,
    /// Seed of the cohorts.
    #[arg(long, default_value_t = 20_261_122)]
    seed: u64,
    /// Folder in which replications are kept.
    #[arg(long, default_value = "recover", value_name = "DIR")]
    out: PathBuf,
    /// Also write this Markdown file on what was found, its chart beside it, and `recover.json`.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// How rates are printed.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// List the cohorts that would be tried, and stop.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Profile {
    /// Two worlds, four hypotheses, 200 cohorts each.
    Smoke,
    /// All cells of the truth table.
    Full,
}

fn hypothesis(text: &str) -> Result<HypothesisId, String> {
    let names = HypothesisId::ALL.map(HypothesisId::name);
    let known = HypothesisId::ALL.into_iter().find(|id| id.name().eq_ignore_ascii_case(text));
    known.ok_or_else(|| format!("expected one of {}", names.join(", ")))
}

fn rung(text: &str) -> Result<Rung, String> {
    let plain = |rung: Rung| rung.words().replace(' ', "_");
    let known = Rung::ALL.into_iter().find(|rung| plain(*rung) == text.replace(' ', "_"));
    known.ok_or_else(|| format!("expected one of {}", Rung::ALL.map(plain).join(", ")))
}

fn params(args: &Args, table: &TruthTable) -> anyhow::Result<SuiteParams> {
    let mut params = match args.profile {
        Profile::Smoke => SuiteParams::smoke(),
        Profile::Full => SuiteParams::full(),
    };
    for world in &args.worlds {
        let known: Vec<&str> = table.worlds().collect();
        anyhow::ensure!(
            known.contains(&world.as_str()),
            "`--worlds` names `{world}`, of which nothing is known to be true; expected one of {}",
            known.join(", ")
        );
    }
    if !args.worlds.is_empty() {
        params.worlds.clone_from(&args.worlds);
    }
    if !args.hypotheses.is_empty() {
        params.hypotheses.clone_from(&args.hypotheses);
    }
    if !args.rungs.is_empty() {
        params.rungs.clone_from(&args.rungs);
    }
    params.replications = args.replications.unwrap_or(params.replications);
    params.power_replications = args.power_replications.unwrap_or(params.power_replications);
    params.accounts = args.accounts.unwrap_or(params.accounts);
    if args.one_size {
        params.other_accounts.clear();
        params.at_named_accounts = false;
    }
    Ok(params)
}

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<ExitCode> {
    let table = TruthTable::builtin();
    let jobs = jobs(&params(args, &table)?, &table);
    anyhow::ensure!(!jobs.is_empty(), "the truth table has no cell for what was asked");
    if args.dry_run {
        for job in &jobs {
            let setting = &job.setting;
            console.print_line(&format!(
                "{} × {} accounts × {} months{}: {} cohorts, {} tests",
                setting.world,
                setting.accounts,
                setting.months,
                if setting.balanced { ", balanced" } else { "" },
                job.replications,
                job.asked.tests.len()
            ))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let clock = Clock::now();
    let mut trials: Vec<Trials> = Vec::new();
    for (position, job) in jobs.iter().enumerate() {
        let setting = &job.setting;
        let what = format!(
            "{} of {}: {} × {} accounts",
            position + 1,
            jobs.len(),
            setting.world,
            setting.accounts
        );
        let say = |text: &str| console.say(&format!("{what}: {text}"));
        trials.push(run_job(job, args.seed, &args.out, &say)?);
    }
    let rows = rows(&trials, &table);
    console.say(&format!("{} rates in {:.0} s", rows.len(), clock.elapsed().as_secs_f64()));
    say_times(&trials, console);
    if let Some(path) = &args.report {
        write_report(path, &rows, args)?;
    }
    match args.format {
        Format::Table => console.print(&recovery_table(&rows))?,
        Format::Json => console.print_line(&recovery_json(&rows, args.seed))?,
        Format::Csv => console.print(&csv_of(&rows)?)?,
    }
    let left: Vec<&RecoveryRow> =
        rows.iter().filter(|r| r.band.is_some_and(|b| !b.holds)).collect();
    if left.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    console.warn(&format!("{} of {} bands were left", left.len(), held(&rows)));
    Ok(ExitCode::from(1))
}

/// Says how long the tests of each hypothesis took, summed over cohorts.
fn say_times(trials: &[Trials], console: &Console) {
    let mut seconds: BTreeMap<Option<HypothesisId>, f64> = BTreeMap::new();
    for (of, spent) in trials.iter().flat_map(|trials| &trials.seconds) {
        *seconds.entry(*of).or_insert(0.0) += spent;
    }
    let name = |of: &Option<HypothesisId>| of.map_or("cohorts and causes", HypothesisId::name);
    let parts: Vec<String> =
        seconds.iter().map(|(of, spent)| format!("{} {spent:.0} s", name(of))).collect();
    if !parts.is_empty() {
        console.say(&format!("time, summed over cohorts: {}", parts.join(", ")));
    }
}

fn held(rows: &[RecoveryRow]) -> usize {
    rows.iter().filter(|row| row.band.is_some()).count()
}

fn write_report(path: &Path, rows: &[RecoveryRow], args: &Args) -> anyhow::Result<()> {
    let written = |path: &Path, text: &str| {
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    let chart = recovery_chart(rows)?;
    let picture = path.with_extension("svg");
    let name = picture.file_name().unwrap_or_default().to_string_lossy();
    written(
        path,
        &credentials(rows, &command(path, args), (&name, &chart.alt), &TruthTable::builtin()),
    )?;
    written(&picture, &chart.svg)?;
    written(&path.with_file_name("recover.json"), &recovery_json(rows, args.seed))
}

/// The command that makes a report anew: what decides its numbers, and nothing else.
fn command(path: &Path, args: &Args) -> String {
    let mut words = vec!["rvq recover".to_owned(), format!("--seed {}", args.seed)];
    if matches!(args.profile, Profile::Smoke) {
        words.push("--profile smoke".to_owned());
    }
    let mut list = |name: &str, values: Vec<String>| {
        if !values.is_empty() {
            words.push(format!("--{name} {}", values.join(",")));
        }
    };
    let number = |value: Option<u32>| value.iter().map(u32::to_string).collect();
    list("worlds", args.worlds.clone());
    list("hypotheses", args.hypotheses.iter().map(|id| id.name().to_owned()).collect());
    list("rungs", args.rungs.iter().map(|rung| rung.words().replace(' ', "_")).collect());
    list("replications", number(args.replications));
    list("power-replications", number(args.power_replications));
    list("accounts", number(args.accounts));
    if args.one_size {
        words.push("--one-size".to_owned());
    }
    words.push(format!("--report {}", path.display()));
    words.join(" ")
}

fn csv_of(rows: &[RecoveryRow]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "world",
        "accounts",
        "months",
        "balanced",
        "hypothesis",
        "rung",
        "estimator",
        "role",
        "replications",
        "undefined",
        "rate",
        "mc_error",
        "mean_estimate",
        "coverage",
        "holds",
    ])?;
    let shown = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for row in rows {
        let role = serde_json::to_value(row.role)?;
        writer.write_record([
            row.world.clone(),
            row.accounts.to_string(),
            row.months.to_string(),
            row.balanced.to_string(),
            row.hypothesis.clone(),
            row.rung.words().to_owned(),
            row.estimator.clone(),
            role.as_str().unwrap_or_default().to_owned(),
            row.replications.to_string(),
            row.undefined.to_string(),
            row.rate.to_string(),
            row.mc_error.to_string(),
            row.mean_estimate.to_string(),
            shown(row.coverage),
            row.band.map_or_else(String::new, |band| band.holds.to_string()),
        ])?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
