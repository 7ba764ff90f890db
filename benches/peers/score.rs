//! Scoring a log folder, beside reading it and beside pandas: `benches/peers/score.sh`.
//!
//! One line of JSON. From the environment: `LOG` a folder of tables, `MODE` `read`, `score` (the default
//! family) or `decay` (that alone), `THREADS`, and `ACCOUNTS` to stop after so many.

#![allow(clippy::print_stdout, reason = "the line is the result")]

use std::path::PathBuf;
use std::time::Instant as Watch;

use rvq::flow::Flow;
use rvq::interaction::{AccountHistory, Log};
use rvq::panel::{Panel, PanelParams};
use rvq::score::{ScoreColumn, ScoreSpec, Valuation};
use rvq::time::{Calendar, Month};
use sha2::{Digest, Sha256};

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Peak memory of this process \[MB\]; 0 where the system does not say.
fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1e3
}

/// The scores to the last bit.
fn digest(panel: &Panel) -> String {
    let mut hash = Sha256::new();
    for score in panel.scores() {
        for value in &score.values {
            hash.update(value.to_bits().to_le_bytes());
        }
    }
    format!("{:x}", hash.finalize())
}

fn main() {
    let Some(folder) = setting("LOG") else { return };
    let number = |name: &str| setting(name).and_then(|text| text.parse::<usize>().ok());
    let threads = number("THREADS").unwrap_or(1);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("first pool");
    let log = Log::open(&PathBuf::from(folder)).expect("a log folder");
    let accounts = number("ACCOUNTS").unwrap_or(usize::MAX);
    let mut rows = 0_usize;
    let watch = Watch::now();
    let histories = log.histories().expect("readable tables").take(accounts).map(|history| {
        let history: AccountHistory = history.expect("a row without fault");
        rows += history.interactions.len();
        history
    });
    let mut made = String::new();
    let mode = setting("MODE").unwrap_or_default();
    if mode == "read" {
        histories.for_each(drop);
    } else {
        let flow = Flow::builtin();
        let valuation = Valuation::new(flow.catalogue(), log.types()).expect("known types");
        let family = ScoreSpec::default_family();
        let is_asked =
            |spec: &&ScoreSpec| mode == "score" || matches!(spec, ScoreSpec::RvDecay { .. });
        let scores: Vec<Box<dyn ScoreColumn>> = family
            .iter()
            .filter(is_asked)
            .map(|spec| spec.build().expect("defaults are valid"))
            .collect();
        let params = PanelParams {
            calendar: Calendar::UTC,
            first: Month::new(2020, 1).expect("January is a month"),
            months: 60,
            warm_up_months: 0,
            min_age_months: 0,
        };
        let panel = Panel::build(histories, &valuation, &scores, &params).expect("a panel");
        made = digest(&panel);
    }
    let seconds = watch.elapsed().as_secs_f64();
    println!(
        "{{\"rows\":{rows},\"seconds\":{seconds:.3},\"peak_mb\":{:.0},\"digest\":\"{made}\"}}",
        peak_megabytes()
    );
}
