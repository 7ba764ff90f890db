//! Cox regression on start-stop rows beside R's coxph and lifelines, on the same rows in one run.
//!
//!   benches/peers/cox.sh [ROWS]
//!
//! From the environment: `ROWS` (default 50,000), `RVQ_PEERS_PYTHON` a Python with lifelines,
//! `RVQ_PEERS_RSCRIPT` an Rscript with survival. A peer that is not named is left out. Two clocks:
//! whole months, where many events share a time, and seconds, where few do.

#![allow(clippy::print_stdout, reason = "the lines are the result")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant as Watch;

use rvq::rng::{Purpose, Streams};
use rvq::stats::{CoxFit, CoxRows, Ties};

const COLUMNS: usize = 5;

#[derive(Default)]
struct Sample {
    id: Vec<u32>,
    entry: Vec<f64>,
    exit: Vec<f64>,
    event: Vec<bool>,
    x: Vec<f64>,
}

/// Units that enter over a year and have one row a month until an event or two years.
fn sample(n: usize, months: bool) -> Sample {
    let draws = Streams::new(7).global(Purpose::Bootstrap);
    let mut sample = Sample::default();
    for id in 0.. {
        let mut stream = draws.stream(u64::from(id));
        let mut uniform = || stream.uniform();
        // On the clock of seconds months begin at any second.
        let start = (uniform() * 12.0).floor() + if months { 0.0 } else { seconds(uniform()) };
        let own: Vec<f64> = (0..COLUMNS).map(|_| 2.0 * uniform() - 1.0).collect();
        for month in 0..24 {
            if sample.exit.len() == n {
                return sample;
            }
            let x: Vec<f64> = own.iter().map(|own| own + 2.0 * uniform() - 1.0).collect();
            let odds = 0.02 * (0.5 * x[0] - 0.3 * x[1] + 0.2 * x[2]).exp();
            let event = uniform() < odds;
            let within = if months || !event { 1.0 } else { seconds(uniform()).max(seconds(0.1)) };
            let entry = start + f64::from(month);
            sample.id.push(id);
            sample.entry.push(entry);
            sample.exit.push(entry + within);
            sample.event.push(event);
            sample.x.extend(x);
            if event {
                break;
            }
        }
    }
    sample
}

/// A share of a month on a grid that text and all three programs hold exactly.
fn seconds(share: f64) -> f64 {
    (share * 1_048_576.0).floor() / 1_048_576.0
}

fn write_csv(sample: &Sample, path: &Path) {
    let mut text = String::from("id,entry,exit,event,x1,x2,x3,x4,x5\n");
    for (i, x) in sample.x.chunks_exact(COLUMNS).enumerate() {
        let (entry, exit) = (sample.entry[i], sample.exit[i]);
        let event = u8::from(sample.event[i]);
        write!(text, "{},{entry},{exit},{event}", sample.id[i]).expect("text grows");
        for value in x {
            write!(text, ",{value}").expect("text grows");
        }
        text.push('\n');
    }
    std::fs::write(path, text).expect("a writable temporary folder");
}

/// The better of a few runs, in seconds, with the first coefficient.
fn ours(sample: &Sample, clusters: bool) -> (f64, f64) {
    let Sample { id, entry, exit, event, x } = sample;
    let rows = CoxRows::new(entry, exit, event, x, COLUMNS).expect("good rows");
    let rows = if clusters { rows.with_clusters(id).expect("one id a row") } else { rows };
    let mut best = (f64::INFINITY, 0.0);
    for _ in 0..5 {
        let watch = Watch::now();
        let fit = CoxFit::fit(&rows, Ties::Efron).expect("a maximum");
        let seconds = watch.elapsed().as_secs_f64();
        if seconds < best.0 {
            best = (seconds, fit.coefficients[0].estimate);
        }
    }
    best
}

/// Lines `NAME SECONDS COEFFICIENT` of a peer's script.
fn peer(program: &str, script: &str, csv: &Path) -> Vec<(String, f64, f64)> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(script);
    let run = Command::new(program).arg(script).arg(csv).output().expect("a program that starts");
    assert!(run.status.success(), "{program}: {}", String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    let line = |line: &str| {
        let mut parts = line.rsplitn(3, ' ');
        let coefficient = parts.next()?.parse().ok()?;
        let seconds = parts.next()?.parse().ok()?;
        Some((parts.next()?.to_owned(), seconds, coefficient))
    };
    text.lines().filter_map(line).collect()
}

fn main() {
    let setting = |name: &str| std::env::var(name).ok();
    let n = setting("ROWS").and_then(|rows| rows.parse().ok()).unwrap_or(50_000);
    let folder = std::env::temp_dir().join(format!("rvq-cox-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a writable temporary folder");
    for (clock, months) in [("months", true), ("seconds", false)] {
        let sample = sample(n, months);
        let events = sample.event.iter().filter(|event| **event).count();
        println!("clock of {clock}: {n} rows, {COLUMNS} columns, {events} events");
        let (plain, coefficient) = ours(&sample, false);
        let (robust, _) = ours(&sample, true);
        println!("  rvq                        {plain:9.4} s   first coefficient {coefficient:.9}");
        println!("  rvq, clusters              {robust:9.4} s");
        let csv = folder.join("rows.csv");
        write_csv(&sample, &csv);
        let peers = [("RVQ_PEERS_RSCRIPT", "cox.R"), ("RVQ_PEERS_PYTHON", "cox.py")];
        for (name, script) in peers {
            let Some(program) = setting(name) else { continue };
            for (what, seconds, theirs) in peer(&program, script, &csv) {
                let beside = if what.contains("clusters") { robust } else { plain };
                let (ratio, apart) = (seconds / beside, (theirs - coefficient).abs());
                println!("  {what:26} {seconds:9.4} s   {ratio:7.1} x rvq, apart by {apart:.0e}");
            }
        }
    }
    std::fs::remove_dir_all(&folder).expect("our own folder");
}
