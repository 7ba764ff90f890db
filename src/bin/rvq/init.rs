//! `rvq init`: a folder to start from.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};

use crate::options::Console;

/// Start a study: a plan that simulates, and a plan with a mapping to adapt to your own export.
///
/// With `--example`, a small simulated log and features with planted leaks, for `rvq audit` to find.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rvq init my_study && rvq run my_study/simulated.toml --profile smoke"
)]
pub(crate) struct Args {
    /// Folder to create.
    folder: PathBuf,
    /// Write the example of planted leaks instead.
    #[arg(long)]
    example: bool,
}

const FILES: [(&str, &str); 4] = [
    ("simulated.toml", include_str!("../../../experiments/starting_benchmark/plan.toml")),
    ("own_log.toml", include_str!("../../../data/sample/plan.toml")),
    ("mapping.toml", include_str!("../../../data/sample/mapping.toml")),
    ("catalogue.csv", include_str!("../../../data/sample/catalogue.csv")),
];

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<()> {
    let folder = args.folder.display();
    ensure!(!args.folder.exists(), "`{folder}` is already there, expected a new folder");
    std::fs::create_dir_all(&args.folder).with_context(|| format!("cannot create `{folder}`"))?;
    if args.example {
        crate::example::write(&args.folder, console)?;
        return console.print_line(&format!(
            "{folder}/README.md     what was planted\n\
             {folder}/features.csv  features with leaks, and one without: rvq audit {folder}/plan.toml --features {folder}/features.csv\n\
             {folder}/plan.toml     the log alone: rvq audit {folder}/plan.toml"
        ));
    }
    for (name, text) in FILES {
        let path = args.folder.join(name);
        std::fs::write(&path, text)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    console.print_line(&format!(
        "{folder}/simulated.toml  a simulated cohort: rvq run {folder}/simulated.toml --profile smoke\n\
         {folder}/mapping.toml    edit: which column of your export is which of ours\n\
         {folder}/catalogue.csv   edit: what an interaction of each type is worth\n\
         {folder}/own_log.toml    then, with your export beside it: rvq run {folder}/own_log.toml"
    ))
}
