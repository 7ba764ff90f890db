//! Runs the jobs of a suite, keeping every replication on disk as it comes.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::hypothesis::HypothesisId;
use crate::rng::Streams;

use super::job::Job;
use super::trial::{Asked, Replication, TestName, Trial, replicate};

/// Why a suite stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A cohort could not be tested.
    #[error("world `{world}`, replication {replication}: {message}")]
    Replication {
        /// The world.
        world: String,
        /// The replication.
        replication: u32,
        /// Why.
        message: String,
    },
}

/// The replications of one job, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Trials {
    /// What was asked.
    pub job: Job,
    /// By test: what each replication said; none where the test could not be computed.
    pub tests: BTreeMap<TestName, Vec<Option<Trial>>>,
    /// Elapsed time by hypothesis, summed over cohorts, that of the cohorts under none; of what this call
    /// ran \[s\]. Nothing is computed from it.
    pub seconds: BTreeMap<Option<HypothesisId>, f64>,
}

/// One line of a job's file.
#[derive(Serialize, Deserialize)]
struct Line {
    replication: u32,
    trials: Vec<(TestName, Trial)>,
}

/// Replications between two writes.
const BATCH: u32 = 16;

/// Runs `job` from where its file in `folder` ends; `say` is told how far it is.
///
/// Replication k is named by `Streams::new(seed).replication(k)`: a suite that was interrupted and goes
/// on ends with the same file as one that was not.
///
/// # Errors
///
/// [`SuiteError`] when a file cannot be read or written, or a cohort cannot be tested.
pub fn run_job(
    job: &Job,
    seed: u64,
    folder: &Path,
    say: &dyn Fn(&str),
) -> Result<Trials, SuiteError> {
    let path = folder.join(file_name(job, seed));
    let failed = |source: io::Error| SuiteError::File { path: path.display().to_string(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut lines = read_lines(&path).map_err(failed)?;
    // What an interrupted write left behind is not a line.
    write_lines(&path, &lines).map_err(failed)?;
    let mut next = lines.len() as u32;
    let mut seconds = BTreeMap::new();
    while next < job.replications {
        let batch = next..(next + BATCH).min(job.replications);
        let found: Vec<Replication> = batch
            .clone()
            .into_par_iter()
            .map(|replication| {
                let streams = Streams::new(seed).replication(replication);
                replicate(&job.setting, &job.asked, streams).map_err(|message| {
                    SuiteError::Replication {
                        world: job.setting.world.clone(),
                        replication,
                        message,
                    }
                })
            })
            .collect::<Result<_, _>>()?;
        for (of, spent) in found.iter().flat_map(|replication| &replication.seconds) {
            *seconds.entry(*of).or_insert(0.0) += spent;
        }
        let found: Vec<Line> = batch
            .clone()
            .zip(found)
            .map(|(replication, found)| Line { replication, trials: found.trials })
            .collect();
        append(&path, &found).map_err(failed)?;
        lines.extend(found);
        next = batch.end;
        say(&format!("{next} of {} cohorts", job.replications));
    }
    lines.truncate(job.replications as usize);
    Ok(Trials { job: job.clone(), tests: by_test(&job.asked, &lines), seconds })
}

/// What each test said; one that could never be computed said nothing, and is there.
fn by_test(asked: &Asked, lines: &[Line]) -> BTreeMap<TestName, Vec<Option<Trial>>> {
    let silent = |test| (test, vec![None; lines.len()]);
    let mut tests: BTreeMap<_, _> = asked.headlines().map(silent).collect();
    for (position, line) in lines.iter().enumerate() {
        for (name, trial) in &line.trials {
            let trials = tests.entry(name.clone()).or_insert_with(|| vec![None; lines.len()]);
            trials[position] = Some(*trial);
        }
    }
    tests
}

/// A name that says what is in the file: it changes with version, seed and question. After a change of the
/// tests themselves or of a world use another folder.
fn file_name(job: &Job, seed: u64) -> PathBuf {
    let mut hash = Sha256::new();
    let tests = &job.asked.tests;
    hash.update(format!("{} {seed} Asked {{ tests: {tests:?} }}", env!("CARGO_PKG_VERSION")));
    let hash = u32::from_be_bytes(hash.finalize()[..4].try_into().expect("four bytes"));
    let setting = &job.setting;
    let shape = if setting.balanced { "-balanced" } else { "" };
    let tried = if job.asked.tried { "-tried" } else { "" };
    format!(
        "{}-{}x{}{shape}{tried}-{hash:08x}.jsonl",
        setting.world, setting.accounts, setting.months
    )
    .into()
}

/// The whole lines of a file, in order of replication; none when there is no file.
fn read_lines(path: &Path) -> io::Result<Vec<Line>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let whole = text.lines().enumerate().map_while(|(position, line)| {
        let line: Line = serde_json::from_str(line).ok()?;
        (line.replication as usize == position).then_some(line)
    });
    Ok(whole.collect())
}

fn write_lines(path: &Path, lines: &[Line]) -> io::Result<()> {
    fs::write(path, [])?;
    append(path, lines)
}

fn append(path: &Path, lines: &[Line]) -> io::Result<()> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&serde_json::to_string(line)?);
        text.push('\n');
    }
    OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
}
