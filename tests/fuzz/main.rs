//! Mutated inputs, in memory: whatever a mapping or an export holds, reading it never panics and
//! loses no row.
//!
//! ```text
//! cargo test --release --test fuzz -- --inputs 10000000 --seed 1 [--from 0]
//! ```
//!
//! Input `number` of a seed depends on nothing else, so a failure is repeated with
//! `--from number --inputs 1`. `cargo test` tries the first few thousand.
#![allow(clippy::print_stdout, reason = "a program of its own")]

mod count;
mod inputs;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use inputs::{Draws, TARGETS, Target};
use rvq::flow::{Catalogue, CatalogueEntry};
use rvq::ingest::{Mapping, SourceReport, ingest_bytes};

/// Inputs tried by `cargo test`.
const FEW: u64 = 6_000;

/// What the command line asks for.
#[derive(Debug, Clone, Copy)]
struct Options {
    inputs: u64,
    seed: u64,
    from: u64,
}

/// `None` when the arguments name other tests.
fn options() -> Option<Options> {
    let mut options = Options { inputs: FEW, seed: 1, from: 0 };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let place = match argument.as_str() {
            "--inputs" => &mut options.inputs,
            "--seed" => &mut options.seed,
            "--from" => &mut options.from,
            flag if flag.starts_with('-') => continue,
            filter if "fuzz".contains(filter) => continue,
            _ => return None,
        };
        *place = arguments.next().and_then(|text| text.parse().ok())?;
    }
    Some(options)
}

fn catalogue() -> Catalogue {
    let entries = ["call", "visit"].map(|name| CatalogueEntry::plain(name, 1.0));
    Catalogue::from_entries("1", entries.to_vec()).expect("names are unique")
}

/// A target with its mapping checked.
struct Ready {
    target: &'static Target,
    mapping: Mapping,
    files: BTreeMap<String, Arc<[u8]>>,
}

impl Ready {
    fn new(target: &'static Target) -> Self {
        let mapping = Mapping::parse(target.mapping, catalogue())
            .unwrap_or_else(|error| panic!("{}: {error}", target.name));
        let files: BTreeMap<String, Arc<[u8]>> = target.files(target.valid.as_bytes());
        let log = ingest_bytes(&mapping, &files)
            .unwrap_or_else(|error| panic!("{}: {error}", target.name));
        assert!(log.rejected.is_empty() && log.report.n_interactions > 0, "{}", target.name);
        for file in log.report.sources.iter().flat_map(|source| &source.files) {
            assert_eq!(count::rows(&file.file, &files[&file.file]), Some(file.rows), "{file:?}");
        }
        Self { target, mapping, files }
    }

    /// Reads mutated bytes as mapping or as export; gives whether they could be used.
    fn try_bytes(&self, bytes: &[u8]) -> bool {
        if self.target.mutates_mapping {
            let text = String::from_utf8_lossy(bytes);
            return match Mapping::parse(&text, catalogue()) {
                Ok(mapping) => Self::read(&mapping, &self.files),
                Err(error) => error.to_string().is_empty(),
            };
        }
        Self::read(&self.mapping, &self.target.files(bytes))
    }

    fn read(mapping: &Mapping, files: &BTreeMap<String, Arc<[u8]>>) -> bool {
        match ingest_bytes(mapping, files) {
            Ok(log) => {
                let printed = log.report.to_string();
                let rejected: u64 = log.report.sources.iter().map(SourceReport::n_rejected).sum();
                assert_eq!(rejected, log.rejected.len() as u64);
                for source in &log.report.sources {
                    assert_eq!(source.rows, source.read + source.set_aside.total());
                    assert_eq!(source.read, source.accepted + source.n_rejected());
                    assert_eq!(source.rows, source.files.iter().map(|file| file.rows).sum::<u64>());
                    for file in &source.files {
                        let counted = count::rows(&file.file, &files[&file.file]);
                        assert!(
                            counted.is_none_or(|rows| rows == file.rows),
                            "{counted:?} {file:?}"
                        );
                    }
                }
                !printed.is_empty()
            }
            Err(error) => error.to_string().is_empty(),
        }
    }
}

fn main() -> ExitCode {
    let Some(options) = options() else { return ExitCode::SUCCESS };
    let ready: Vec<Ready> = TARGETS.iter().map(Ready::new).collect();
    let mut used = vec![(0_u64, 0_u64); ready.len()];
    let start = Instant::now();
    for number in options.from..options.from + options.inputs {
        let at = (number % ready.len() as u64) as usize;
        let bytes = Draws::new(options.seed, number).mutated(ready[at].target.source());
        let Ok(usable) = catch_unwind(AssertUnwindSafe(|| ready[at].try_bytes(&bytes))) else {
            let (name, seed) = (ready[at].target.name, options.seed);
            println!("{name} panics: --seed {seed} --from {number} --inputs 1");
            println!("{}", String::from_utf8_lossy(&bytes));
            return ExitCode::FAILURE;
        };
        used[at] = (used[at].0 + 1, used[at].1 + u64::from(usable));
        if options.inputs > FEW && number % 1_000_000 == 999_999 {
            println!("{} inputs, {:.0} s", number + 1, start.elapsed().as_secs_f64());
        }
    }
    for (ready, (tried, usable)) in ready.iter().zip(used) {
        println!("{:<12} {tried:>10} inputs, {usable:>10} of them read", ready.target.name);
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{} inputs of seed {}, no panic, {seconds:.0} s", options.inputs, options.seed);
    ExitCode::SUCCESS
}
