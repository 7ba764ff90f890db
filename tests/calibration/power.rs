//! Does `rvq power` foresee how far estimates scatter where nothing is planted?

use rayon::prelude::*;
use rvq::backtest::{
    BacktestParams, account_strata, attrition_auc, information_coefficient, power_of,
};
use rvq::panel::Measure;
use rvq::rng::{Purpose, Streams};

use super::null_panel;

const REPLICATIONS: u32 = 100;
const HORIZON: u32 = 3;

/// Estimate less its null value, and the standard error foreseen, of the information coefficient and
/// of the AUC.
fn replicate(replication: u32, accounts: u32, months: u32) -> [(f64, f64); 2] {
    let streams = Streams::new(20_261_101).replication(replication);
    let panel = null_panel(streams, accounts, months);
    let params = BacktestParams::default();
    let strata = account_strata(&panel, params.min_stratum as usize);
    let with = (strata.as_slice(), streams.global(Purpose::Permutation));
    let score = &panel.scores()[0];
    let power = |outcome| power_of(&panel, score, (outcome, HORIZON), &params, with).unwrap();
    let estimate = information_coefficient(
        &panel,
        score,
        Measure::Contribution,
        &[HORIZON as i32],
        &params,
        None,
    )
    .unwrap()
    .remove(0)
    .unwrap()
    .inference
    .estimate;
    let auc = attrition_auc(&panel, score, (HORIZON, 0), &params, None).unwrap().estimate.unwrap();
    [
        (estimate, power(Measure::Contribution).null_std_error),
        (auc - 0.5, power(Measure::Attrition).null_std_error),
    ]
}

#[test]
#[cfg_attr(debug_assertions, ignore = "200 cohorts: for release builds")]
fn the_foreseen_spread_is_the_spread_over_replications() {
    println!("accounts months statistic          foreseen  seen  ratio");
    for (accounts, months) in [(200, 48), (400, 24)] {
        let found: Vec<[(f64, f64); 2]> =
            (0..REPLICATIONS).into_par_iter().map(|r| replicate(r, accounts, months)).collect();
        for (at, name) in ["mean rank IC", "landmark AUC"].into_iter().enumerate() {
            let n = f64::from(REPLICATIONS);
            let mean = found.iter().map(|found| found[at].0).sum::<f64>() / n;
            let squares: f64 = found.iter().map(|found| (found[at].0 - mean).powi(2)).sum();
            let seen = (squares / (n - 1.0)).sqrt();
            let foreseen = found.iter().map(|found| found[at].1).sum::<f64>() / n;
            let ratio = foreseen / seen;
            println!("{accounts:8} {months:6} {name:18} {foreseen:8.4} {seen:5.4} {ratio:5.2}");
            // The standard error of `seen` is 1/√198 = 7 %: three of them, and 4 % for the forecast.
            assert!((0.75..=1.25).contains(&ratio), "{name}: {foreseen} {seen}");
        }
    }
}
