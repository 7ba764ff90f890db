//! Attrition month by month: planted hazards are found, and nothing else.

use rvq::backtest::{Finding, attrition_hazard};
use rvq::panel::Panel;
use rvq::stats::rejection_limit;

use super::told::{Told, normals, panel};

const MONTHS: usize = 24;

/// Exits a month of an average account.
const HAZARD: f64 = 0.008;

/// Accounts that leave by chance `HAZARD·exp(effect)`, where `account` tells the columns and the effect.
fn cohort(
    seed: u64,
    accounts: usize,
    names: &[&'static str],
    account: impl Fn(usize) -> (Vec<Vec<f64>>, f64),
) -> Panel {
    let told: Vec<Told> = (0..accounts)
        .map(|index| {
            let (columns, effect) = account(index);
            let chances = chances(seed, index);
            let leaves = |chance: &f64| *chance < HAZARD * effect.exp();
            Told {
                segment: "all",
                columns,
                profit: vec![1.0; MONTHS],
                share: vec![0.5; MONTHS],
                // Nobody leaves before the first row of the panel.
                exit: chances.iter().skip(1).position(leaves).map(|month| month + 1),
            }
        })
        .collect();
    panel(names, &told)
}

/// Chances between 0 and 1, one for each month.
fn chances(seed: u64, index: usize) -> Vec<f64> {
    // Ratio of two normals is Cauchy, whose distribution function is known in closed form.
    let draws = normals(7_000 + seed, index, 2 * MONTHS);
    draws.chunks(2).map(|pair| 0.5 + (pair[0] / pair[1]).atan() / std::f64::consts::PI).collect()
}

fn hazard(panel: &Panel, given: &[&str]) -> Finding {
    let column = |name: &str| panel.score(name).unwrap();
    let given: Vec<_> = given.iter().map(|name| column(name)).collect();
    attrition_hazard(panel, column("score"), &given).unwrap()
}

fn covers(finding: &Finding, truth: f64) -> bool {
    finding.ci_low.unwrap() <= truth && truth <= finding.ci_high.unwrap()
}

#[test]
fn a_planted_log_hazard_ratio_is_in_its_interval() {
    let cohorts = 60;
    let found: Vec<Finding> = (0..cohorts)
        .map(|seed| {
            let panel = cohort(seed, 400, &["score"], |index| {
                let z = normals(seed, index, 1)[0];
                (vec![vec![z; MONTHS]], -0.5 * z)
            });
            hazard(&panel, &[])
        })
        .collect();
    let mean = found.iter().map(|found| found.estimate.unwrap()).sum::<f64>() / cohorts as f64;
    let error = found.iter().map(|found| found.std_error.unwrap()).sum::<f64>() / cohorts as f64;
    assert!((mean + 0.5).abs() < 3.0 * error / (cohorts as f64).sqrt(), "{mean} ± {error}");
    let missed = found.iter().filter(|found| !covers(found, -0.5)).count() as u64;
    assert!(missed < rejection_limit(0.05, cohorts, 0.01).unwrap(), "{missed} of {cohorts}");
}

#[test]
fn what_is_gathered_by_staying_does_not_tell_who_stays() {
    // Each account adds something every month, so who stayed longer has more; nothing drives exits.
    let cohorts = 60;
    let alarms = (0..cohorts)
        .filter(|&seed| {
            let panel = cohort(100 + seed, 200, &["score"], |index| {
                let steps = normals(500 + seed, index, MONTHS);
                let gathered = steps.iter().scan(0.0, |sum, step| {
                    *sum += step.abs();
                    Some(*sum)
                });
                (vec![gathered.collect()], 0.0)
            });
            hazard(&panel, &[]).p_value.unwrap() <= 0.05
        })
        .count() as u64;
    assert!(alarms < rejection_limit(0.05, cohorts, 0.01).unwrap(), "{alarms} of {cohorts}");
}

#[test]
fn a_score_that_copies_a_baseline_tells_nothing_given_the_baseline() {
    let cohorts = 40;
    let (mut alone, mut given) = (0, 0);
    for seed in 0..cohorts {
        let names = ["score", "baseline", "twin"];
        let panel = cohort(200 + seed, 400, &names, |index| {
            let draws = normals(900 + seed, index, 2);
            let copy = 0.8 * draws[0] + 0.6 * draws[1];
            let twin = vec![draws[0]; MONTHS];
            (vec![vec![copy; MONTHS], twin.clone(), twin], -0.7 * draws[0])
        });
        alone += u64::from(hazard(&panel, &[]).p_value.unwrap() <= 0.05);
        let with = hazard(&panel, &["baseline"]);
        given += u64::from(with.p_value.unwrap() <= 0.05);
        // A baseline that another determines is left out, and not named.
        let twice = hazard(&panel, &["baseline", "twin"]);
        assert_eq!((with.estimate, with.method), (twice.estimate, twice.method));
    }
    assert!(alone > cohorts * 3 / 4, "{alone} of {cohorts}");
    assert!(given < rejection_limit(0.05, cohorts, 0.01).unwrap(), "{given} of {cohorts}");
}

#[test]
fn without_exits_there_is_no_hazard() {
    let panel =
        cohort(1, 30, &["score"], |index| (vec![normals(1, index, MONTHS)], f64::NEG_INFINITY));
    let refused = attrition_hazard(&panel, panel.score("score").unwrap(), &[]).unwrap_err();
    let message = refused.to_string();
    assert!(message.contains("attrition hazard") && message.contains("score"), "{message}");
}
