//! Exports through mappings: the maintained logs, the sample, and bad input.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rvq::ingest::{
    IngestError, IngestReport, Ingested, Mapping, Reason, SourceReport, ingest,
};
use rvq::interaction::{AccountHistory, Log, Status};

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Folder of a fetched data set; `None`, said aloud, when `data/fetch` has not put it there.
fn fetched(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("RVQ_DATA").map(PathBuf::from).or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        Some(cache.join("rvq"))
    })?;
    let folder = root.join(name);
    if folder.join(".sha256").is_file() {
        return Some(folder);
    }
    println!("SKIPPED: `{name}` is not fetched; run `data/fetch {name}`");
    None
}

fn read(mapping: &str, data: &Path) -> Ingested {
    let mapping = Mapping::load(&project(mapping)).unwrap();
    ingest(&mapping, data).unwrap()
}

fn counts(report: &IngestReport) -> Vec<(&str, u64, u64, u64)> {
    let of = |s: &'_ SourceReport| (s.rows, s.accepted, s.made);
    report
        .sources
        .iter()
        .map(|source| {
            let (rows, accepted, made) = of(source);
            (source.source.as_str(), rows, accepted, made)
        })
        .collect()
}

fn total_revenue(log: &Ingested) -> f64 {
    log.histories.iter().flat_map(|history| &history.outcomes).map(|outcome| outcome.revenue).sum()
}

#[test]
fn complete_journey_has_its_published_counts() {
    let Some(folder) = fetched("complete_journey") else { return };
    let log = read("data/mappings/complete_journey/mapping.toml", &folder);
    // 147 of 6,589 mailings belong to campaigns that began in 2016, before the log.
    assert_eq!(
        counts(&log.report),
        [
            ("demographics.parquet", 801, 801, 801),
            ("campaigns.parquet", 6_589, 6_442, 6_442),
            ("coupon_redemptions.parquet", 2_102, 2_102, 2_102),
            ("transactions.parquet", 1_469_307, 1_469_307, 155_848),
            ("transactions.parquet", 1_469_307, 1_469_307, 28_222),
        ]
    );
    assert_eq!(log.report.sources[1].set_aside.before_data_start, 147);
    assert_eq!(log.report.n_accounts, 2_469);
    assert!(log.rejected.is_empty());
    // Sum of `sales_value` over all lines, computed with DuckDB.
    assert!((total_revenue(&log) - 4_596_039.58).abs() < 0.005, "{}", total_revenue(&log));
    let last = log.histories.iter().flat_map(|h| &h.outcomes).map(|o| o.period_end).max();
    assert_eq!(last.unwrap().to_string(), "2018-01-01T05:00:00Z");
}

#[test]
fn cdnow_has_its_published_counts() {
    let Some(folder) = fetched("cdnow") else { return };
    let log = read("data/mappings/cdnow/mapping.toml", &folder);
    assert_eq!(log.report.n_accounts, 23_570);
    assert_eq!(log.report.n_interactions, 69_659);
    assert!(log.rejected.is_empty());
    // Sum of the dollar column, computed with awk.
    assert!((total_revenue(&log) - 2_500_315.63).abs() < 0.005, "{}", total_revenue(&log));
}

#[test]
fn the_sample_log_rejects_its_thirteen_dirty_rows_and_no_other() {
    let log = read("data/sample/mapping.toml", &project("data/sample"));
    let mut reasons: BTreeMap<Reason, usize> = BTreeMap::new();
    for row in &log.rejected {
        *reasons.entry(row.reason).or_default() += 1;
    }
    let expected = [
        (Reason::Ragged, 1),
        (Reason::Empty, 2),
        (Reason::NotATime, 1),
        (Reason::SkippedByClock, 1),
        (Reason::NotFinite, 1),
        (Reason::UnknownValue, 1),
        (Reason::UnknownAccount, 1),
        (Reason::UnknownContact, 1),
        (Reason::BeforeEntry, 1),
        (Reason::Duplicate, 3),
    ];
    assert_eq!(reasons, BTreeMap::from(expected));
    assert_eq!(log.report.n_accounts, 120);
    assert!(log.report.n_exits > 0);
}
