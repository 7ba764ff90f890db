//! The `rvq` command: one file per subcommand; doc comments are the help.

mod audit;
mod backtest;
mod calibrate;
mod example;
mod explain;
mod flow;
mod flow_fit;
mod ingest;
mod init;
mod map;
mod options;
mod patterns;
mod power;
mod recover;
mod report;
mod run;
mod schema;
mod score;
mod score_fit;
mod simulate;
mod sql;
mod verify;

use std::process::ExitCode;

use clap::Parser;

/// Decides, with honest statistics, whether Relationship Value leads profit and attrition.
///
/// Results go to standard output, progress and log to standard error.
/// Exit codes: 0 ok, 1 a gate or expectation failed, 2 usage or plan, 3 data, 4 numerical,
/// 5 not reproduced.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Example, in a clone:\n  rvq run --profile smoke experiments/starting_benchmark/plan.toml"
)]
struct Cli {
    #[command(flatten)]
    global: options::Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Init(init::Args),
    /// Check, show or fit an interaction process flow.
    #[command(subcommand)]
    Flow(flow::Command),
    Simulate(simulate::Args),
    Ingest(ingest::Args),
    Audit(audit::Args),
    Map(map::Args),
    Score(score::Args),
    Power(power::Args),
    Backtest(backtest::Args),
    Patterns(patterns::Args),
    Recover(recover::Args),
    Report(report::Args),
    Run(run::Args),
    Verify(verify::Args),
    Sql(sql::Args),
    Schema(schema::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.global.start().and_then(|()| dispatch(&cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}", options::message(&error));
            ExitCode::from(options::exit_code(&error))
        }
    }
}

fn dispatch(cli: &Cli) -> anyhow::Result<ExitCode> {
    let console = cli.global.console();
    let done = |()| ExitCode::SUCCESS;
    match &cli.command {
        Command::Init(args) => init::run(args, &console).map(done),
        Command::Flow(command) => flow::run(command, &console).map(done),
        Command::Simulate(args) => simulate::run(args, &console),
        Command::Audit(args) => audit::run(args, &console),
        Command::Map(args) => map::run(args, &console).map(done),
        Command::Ingest(args) => ingest::run(args, &console),
        Command::Score(args) => score::run(args, &console).map(done),
        Command::Power(args) => power::run(args, &console).map(done),
        Command::Backtest(args) => backtest::run(args, &console).map(done),
        Command::Patterns(args) => patterns::run(args, &console).map(done),
        Command::Recover(args) => recover::run(args, &console),
        Command::Report(args) => report::run(args, &console).map(done),
        Command::Run(args) => run::run(args, &console),
        Command::Verify(args) => verify::run(args, &console).map(done),
        #[cfg(feature = "sql")]
        Command::Sql(args) => sql::run(args, &console).map(done),
        #[cfg(not(feature = "sql"))]
        Command::Sql(_) => sql::run().map(done),
        Command::Schema(args) => schema::run(args, &console).map(done),
    }
}
