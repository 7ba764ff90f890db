//! `rvq verify`: proves that a run is what its plan gives.

use std::path::PathBuf;

use crate::options::Console;

/// Verify a run: its files have the bytes of its manifest, and its plan gives them once more.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example, after a run:\n  rvq verify runs/starting_benchmark-*")]
pub(crate) struct Args {
    /// Run folder.
    run: PathBuf,
    /// Folder that relative paths of the plan start from [default: where the run was made].
    #[arg(long, value_name = "DIR")]
    plan_folder: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<()> {
    let manifest =
        rvq::run::verify(&args.run, args.plan_folder.as_deref(), &|text| console.say(text))?;
    console.print_line(&format!(
        "verified: run {} ({} files, {} inputs) is reproduced byte for byte",
        manifest.id,
        manifest.outputs.len(),
        manifest.inputs.len()
    ))
}
