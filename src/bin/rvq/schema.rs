//! `rvq schema`: the published shape of machine-readable results.

use rvq::report::results_schema;

use crate::options::Console;

/// Print the JSON Schema of a published file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  rvq schema results > results.schema.json")]
pub(crate) struct Args {
    /// Which file.
    #[arg(value_enum)]
    what: What,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum What {
    /// `results.json`.
    Results,
}

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<()> {
    let schema = match args.what {
        What::Results => results_schema(),
    };
    console.print_line(&serde_json::to_string_pretty(&schema)?)
}
