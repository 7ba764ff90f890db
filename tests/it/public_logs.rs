//! Public logs that `data/fetch` brings: what their mappings read, and published results.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use rvq::ingest::{IngestReport, Ingested, Mapping, SourceReport, ingest};
use rvq::stats::{
    BgBb, BgNbd, BgNbdFit, GammaGamma, MbgNbd, OccasionSummary, ParetoNbd, PurchaseSummary,
    SpendSummary,
};

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
    // Only a user can give the help-desk log.
    let required = std::env::var_os("RVQ_REQUIRE_ALL").is_some() && name != "helpdesk";
    assert!(!required, "`{name}` is not fetched");
    println!("SKIPPED: `{name}` is not fetched; run `data/fetch {name}`");
    None
}

fn read(name: &str, folder: &Path) -> Ingested {
    let path = format!("data/mappings/{name}/mapping.toml");
    let mapping = Mapping::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    ingest(&mapping, folder).unwrap()
}

/// By source: rows, rows accepted, rows of ours made of them.
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
    let log = read("complete_journey", &folder);
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
    let log = read("cdnow", &folder);
    assert_eq!(log.report.n_accounts, 23_570);
    assert_eq!(log.report.n_interactions, 69_659);
    assert!(log.rejected.is_empty());
    // Sum of the dollar column, computed with awk.
    assert!((total_revenue(&log) - 2_500_315.63).abs() < 0.005, "{}", total_revenue(&log));
}

#[test]
fn superstore_has_its_published_counts() {
    let Some(folder) = fetched("superstore") else { return };
    let log = read("superstore", &folder);
    // 5,196 of 9,994 order lines have a discount; 42 were shipped in January 2018, after the log.
    assert_eq!(
        counts(&log.report),
        [
            ("superstore.csv", 9_994, 793, 793),
            ("superstore.csv", 9_994, 9_994, 5_009),
            ("superstore.csv", 9_994, 9_952, 4_989),
            ("superstore.csv", 9_994, 5_196, 5_196),
            ("superstore.csv", 9_994, 9_994, 30_271),
        ]
    );
    assert_eq!(log.report.sources[2].set_aside.after_data_end, 42);
    assert!(log.rejected.is_empty());
    // Sums of the columns Sales and Profit, computed with pandas.
    assert!((total_revenue(&log) - 2_297_200.860_3).abs() < 0.005, "{}", total_revenue(&log));
    let outcomes = || log.histories.iter().flat_map(|history| &history.outcomes);
    let profit: f64 = outcomes().filter_map(|outcome| outcome.gross_profit).sum();
    assert!((profit - 286_397.021_7).abs() < 0.005, "{profit}");
}

#[test]
fn the_calls_on_physicians_have_their_published_counts() {
    let Some(folder) = fetched("detailing") else { return };
    let log = read("detailing", &folder);
    assert_eq!(
        counts(&log.report),
        [
            ("physicians.csv", 1_000, 1_000, 1_000),
            ("calls.csv", 43_311, 43_311, 43_311),
            ("prescriptions.csv", 23_000, 23_000, 23_000),
        ]
    );
    assert!(log.rejected.is_empty());
    // Sum of the column `scripts`, computed with R.
    assert_eq!(total_revenue(&log), 116_405.0);
}

#[test]
fn an_object_centric_log_becomes_interactions_of_its_customers() {
    let Some(folder) = fetched("ocel_sample") else { return };
    let log = read("ocel_sample", &folder);
    // 2,000 orders placed and confirmed; the other 14,211 events name no customer.
    assert_eq!(
        counts(&log.report),
        [("ocel2.xml", 18_211, 4_000, 4_000), ("ocel2.xml", 18_211, 2_000, 39)]
    );
    assert_eq!(log.report.sources[0].set_aside.total(), 14_211);
    assert_eq!(log.report.n_accounts, 3);
    assert!(log.rejected.is_empty());
    assert_eq!(total_revenue(&log), 2_000.0);
}

#[test]
fn the_help_desk_log_becomes_interactions_of_its_customers() {
    let Some(folder) = fetched("helpdesk") else { return };
    let log = read("helpdesk", &folder);
    // 17 events are of January 2014, after the log; 4,557 of 4,574 tickets were closed before.
    assert_eq!(
        counts(&log.report),
        [("helpdesk.xes.gz", 21_348, 21_331, 21_331), ("helpdesk.xes.gz", 21_348, 4_557, 13_360)]
    );
    assert_eq!(log.report.sources[0].set_aside.after_data_end, 17);
    assert_eq!(log.report.n_accounts, 397);
    assert!(log.rejected.is_empty());
}

/// Purchases of the one-in-ten sample of CDNOW in weeks, to the end of September 1997.
fn cdnow_sample(folder: &Path) -> Vec<PurchaseSummary> {
    let text = std::fs::read_to_string(folder.join("CDNOW_sample.txt")).expect("it was fetched");
    let end = NaiveDate::from_ymd_opt(1997, 9, 30).unwrap();
    let mut days: BTreeMap<&str, BTreeSet<NaiveDate>> = BTreeMap::new();
    for line in text.lines() {
        let mut cells = line.split_whitespace();
        let (customer, date) = (cells.next().unwrap(), cells.nth(1).unwrap());
        let date = NaiveDate::parse_from_str(date, "%Y%m%d").unwrap();
        if date <= end {
            days.entry(customer).or_default().insert(date);
        }
    }
    let weeks = |from: NaiveDate, to: NaiveDate| (to - from).num_days() as f64 / 7.0;
    days.values()
        .map(|days| {
            let (first, last) = (*days.first().unwrap(), *days.last().unwrap());
            let repeats = days.len() as f64 - 1.0;
            PurchaseSummary { repeats, last: weeks(first, last), age: weeks(first, end) }
        })
        .collect()
}

#[test]
fn the_purchase_model_of_cdnow_has_its_published_parameters() {
    let Some(folder) = fetched("cdnow") else { return };
    let customers = cdnow_sample(&folder);
    assert_eq!(customers.len(), 2_357);
    assert_eq!(customers.iter().filter(|c| c.repeats == 0.0).count(), 1_411);
    let BgNbdFit { model, log_likelihood, .. } = BgNbd::fit(&customers).unwrap();
    assert!((log_likelihood - -9_582.43).abs() < 0.01, "{log_likelihood}");
    for (found, published) in model.parameters().into_iter().zip([0.2426, 4.4135, 0.7929, 2.4258]) {
        assert!((found / published - 1.0).abs() < 5e-4, "{found} {published}");
    }
}

#[test]
fn the_other_purchase_models_of_cdnow_have_their_published_parameters() {
    let Some(folder) = fetched("cdnow") else { return };
    let customers = cdnow_sample(&folder);
    let modified = MbgNbd::fit(&customers).unwrap();
    assert!((modified.log_likelihood - -9_582.13).abs() < 0.01, "{modified:?}");
    let known = [0.5248, 6.183, 0.8914, 1.614];
    for (found, published) in modified.model.parameters().into_iter().zip(known) {
        assert!((found / published - 1.0).abs() < 5e-4, "{found} {published}");
    }
    let pareto = ParetoNbd::fit(&customers).unwrap();
    assert!((pareto.log_likelihood - -9_594.976).abs() < 0.01, "{pareto:?}");
    // Flat along s and β: published fits differ in the third digit.
    let known = [0.5534, 10.5802, 0.6061, 11.6562];
    for (found, published) in pareto.model.parameters().into_iter().zip(known) {
        assert!((found / published - 1.0).abs() < 2e-3, "{found} {published}");
    }
    assert!((pareto.model.expected_of_new(52.0).unwrap() - 1.473).abs() < 1e-3);
}

/// Repeat purchases of the sample to the end of September 1997 and what they were worth by day.
fn cdnow_spend(folder: &Path) -> Vec<SpendSummary> {
    let text = std::fs::read_to_string(folder.join("CDNOW_sample.txt")).expect("it was fetched");
    let mut days: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split_whitespace().collect();
        if cells[2] <= "19970930" {
            let value: f64 = cells[4].parse().unwrap();
            *days.entry(cells[0]).or_default().entry(cells[2]).or_default() += value;
        }
    }
    let repeats = days.values().map(|days| days.values().skip(1).copied().collect());
    let spend = |values: Vec<f64>| SpendSummary {
        purchases: values.len() as u32,
        mean: values.iter().sum::<f64>() / values.len() as f64,
    };
    repeats.filter(|values: &Vec<f64>| !values.is_empty()).map(spend).collect()
}

#[test]
fn the_spend_model_of_cdnow_has_its_published_parameters() {
    let Some(folder) = fetched("cdnow") else { return };
    let customers = cdnow_spend(&folder);
    assert_eq!(customers.len(), 946);
    let fit = GammaGamma::fit(&customers).unwrap();
    // Fader and Hardie (2013), to half a unit of the last digit they print.
    for (found, published) in fit.model.parameters().into_iter().zip([6.25, 3.74, 15.44]) {
        assert!((found - published).abs() < 0.005, "{found} {published}");
    }
    // Written out and maximised with SciPy.
    assert!((fit.log_likelihood - -4_055.918).abs() < 0.01, "{}", fit.log_likelihood);
}

#[test]
fn the_donation_model_has_its_published_parameters() {
    let Some(folder) = fetched("cdnow") else { return };
    let text = std::fs::read_to_string(folder.join("donations.csv")).expect("it was fetched");
    let mut donors = Vec::new();
    for line in text.lines().skip(1) {
        let cells: Vec<u32> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        let donor = OccasionSummary { purchases: cells[0], last: cells[1], occasions: cells[2] };
        donors.extend(std::iter::repeat_n(donor, cells[3] as usize));
    }
    assert_eq!(donors.len(), 11_104);
    let fit = BgBb::fit(&donors).unwrap();
    // Fader, Hardie and Shang (2010), table 4.
    assert!((fit.log_likelihood - -33_225.58).abs() < 0.01, "{}", fit.log_likelihood);
    for (found, published) in
        fit.model.parameters().into_iter().zip([1.2035, 0.7497, 0.6567, 2.7834])
    {
        assert!((found / published - 1.0).abs() < 5e-4, "{found} {published}");
    }
}
