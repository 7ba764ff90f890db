//! The recovery suite: what is tried, that it goes on where it stopped, and what it is held to.

use std::fs;

use rvq::hypothesis::{HypothesisId, Rung};
use rvq::recover::{
    Asked, BY_ACCOUNT, HAZARD, Job, MOST_ACCOUNTS, RecoveryRow, Role, Setting, SuiteParams,
    TestName, Trial, Trials, TruthTable, UNRELATED, jobs, rows, run_job,
};
use rvq::report::{credentials, recovery_json};

fn job(replications: u32) -> Job {
    let setting =
        Setting { world: "irrelevant".to_owned(), accounts: 60, months: 30, balanced: false };
    let tests = vec![
        (HypothesisId::H1, Rung::Associated),
        (HypothesisId::H1, Rung::Causal),
        (HypothesisId::H8, Rung::Associated),
    ];
    Job { setting, asked: Asked { tests, tried: false }, replications }
}

#[test]
fn a_suite_asks_every_cell_once_and_true_ones_at_the_accounts_they_name() {
    let table = TruthTable::builtin();
    let all = jobs(&SuiteParams::full(), &table);
    for job in &all {
        let mut tests = job.asked.tests.clone();
        tests.sort();
        tests.dedup();
        assert_eq!(tests.len(), job.asked.tests.len(), "{:?}", job.setting);
    }
    for world in table.worlds() {
        for id in HypothesisId::ALL {
            for rung in Rung::ALL {
                let Some(cell) = table.cell(world, id, rung) else { continue };
                let asked = |accounts: u32| {
                    all.iter().any(|job| {
                        let here = (job.setting.world.as_str(), job.setting.accounts);
                        here == (world, accounts) && job.asked.tests.contains(&(id, rung))
                    })
                };
                assert!(asked(200), "{world} {id:?} {rung:?}");
                if cell.holds == Some(true) {
                    assert!(asked(cell.accounts.unwrap()), "{world} {id:?} {rung:?}");
                }
            }
        }
    }
    let tried = |world: &str, test: (HypothesisId, Rung)| {
        let mut jobs = all.iter().filter(|job| job.asked.tried);
        jobs.any(|job| {
            let here = (job.setting.world.as_str(), job.setting.accounts);
            here == (world, MOST_ACCOUNTS) && job.asked.tests.contains(&test)
        })
    };
    assert!(table.limits().count() > 0);
    for (world, id, rung, _) in table.limits() {
        assert!(
            tried(world, (id, rung)) && tried(UNRELATED, (id, rung)),
            "{world} {id:?} {rung:?}"
        );
    }
    let accounts: Vec<u32> = all.iter().map(|job| job.setting.accounts).collect();
    assert!(accounts.is_sorted() && accounts.contains(&30) && accounts.contains(&800));
}

#[test]
fn an_interrupted_suite_goes_on_and_ends_with_the_same_trials() {
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let quiet = |_: &str| {};
    let expected = run_job(&job(3), 5, whole.path(), &quiet).unwrap();
    run_job(&job(2), 5, broken.path(), &quiet).unwrap();
    let file = fs::read_dir(broken.path()).unwrap().next().unwrap().unwrap().path();
    let mut text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 2);
    // The last line was cut off while it was written.
    text.truncate(text.len() - 20);
    fs::write(&file, text).unwrap();
    let found = run_job(&job(3), 5, broken.path(), &quiet).unwrap();
    assert_eq!((found.job, &found.tests), (expected.job, &expected.tests));
    let other = run_job(&job(3), 6, whole.path(), &quiet).unwrap();
    assert_ne!(other.tests, expected.tests, "another seed has other cohorts");
    // Sixty accounts are two teams, and causes are compared between teams.
    assert_eq!(expected.tests[&caused()], vec![None; 3]);
}

fn caused() -> TestName {
    TestName { hypothesis: HypothesisId::H1, rung: Rung::Causal, estimator: "headline".to_owned() }
}

#[test]
fn nothing_is_caused_where_nothing_is_related() {
    let asked = Asked { tests: vec![(HypothesisId::H1, Rung::Causal)], tried: false };
    let setting = Setting { accounts: 200, months: 18, ..job(1).setting };
    let folder = tempfile::tempdir().unwrap();
    let job = Job { setting, asked, replications: 1 };
    let found = run_job(&job, 5, folder.path(), &|_: &str| {}).unwrap();
    let still = Some(Trial { estimate: 0.0, half_width: 0.0, rejects: false });
    assert_eq!(found.tests[&caused()], [still]);
}

#[test]
fn what_was_tried_at_a_known_limit_stands_beside_what_decides() {
    let tests = vec![(HypothesisId::H8, Rung::AddsToBaselines), (HypothesisId::H9, Rung::Causal)];
    let folder = tempfile::tempdir().unwrap();
    let run = |tried| {
        let world = "informative".to_owned();
        let setting = Setting { world, accounts: 200, months: 48, balanced: false };
        let job = Job { setting, asked: Asked { tests: tests.clone(), tried }, replications: 3 };
        run_job(&job, 5, folder.path(), &|_: &str| {}).unwrap().tests
    };
    let (plain, mut tried) = (run(false), run(true));
    let mut of = |hypothesis, rung, estimator: &str| {
        let found = tried.remove(&TestName { hypothesis, rung, estimator: estimator.to_owned() });
        found.unwrap().into_iter().map(Option::unwrap).collect::<Vec<Trial>>()
    };
    // Who has more leaves less, and that is the claimed direction.
    let hazard = of(HypothesisId::H8, Rung::AddsToBaselines, HAZARD);
    assert!(hazard.iter().map(|trial| trial.estimate).sum::<f64>() > 0.0, "{hazard:?}");
    // Of the same pairs the estimate is the same, and its error is not.
    let by_account = of(HypothesisId::H9, Rung::Causal, BY_ACCOUNT);
    let by_team = TestName {
        hypothesis: HypothesisId::H9,
        rung: Rung::Causal,
        estimator: "headline".to_owned(),
    };
    for (account, team) in by_account.iter().zip(&plain[&by_team]) {
        let team = team.unwrap();
        assert!((account.estimate - team.estimate).abs() < 1e-15);
        assert!((account.half_width - team.half_width).abs() > 1e-6);
    }
    assert_eq!(tried, plain, "what decides is what it is without them");
}

/// Trials of one test of which the first `rejecting` reject.
fn trials(world: &str, accounts: u32, rejecting: usize, n: usize) -> Trials {
    let setting = Setting { world: world.to_owned(), accounts, months: 48, balanced: false };
    let asked = Asked { tests: vec![(HypothesisId::H1, Rung::Associated)], tried: false };
    let name = TestName {
        hypothesis: HypothesisId::H1,
        rung: Rung::Associated,
        estimator: "headline".to_owned(),
    };
    let trial = |k: usize| {
        let estimate = if k.is_multiple_of(2) { 0.1 } else { -0.1 };
        let half_width = if k < rejecting { 0.05 } else { 0.15 };
        Some(Trial { estimate, half_width, rejects: k < rejecting })
    };
    let job = Job { setting, asked, replications: n as u32 };
    Trials { job, tests: [(name, (0..n).map(trial).collect())].into(), seconds: [].into() }
}

fn row(trials: Trials) -> RecoveryRow {
    rows(&[trials], &TruthTable::builtin()).remove(0)
}

#[test]
fn false_cells_are_held_to_five_percent_and_true_ones_to_one_half() {
    // With 400 cohorts and one cell, 32 false alarms are too many: P(Bin(400, .05) ≥ 32) = .0067.
    let fine = row(trials("irrelevant", 200, 31, 400));
    assert_eq!((fine.role, fine.rate), (Role::Null, 0.0775));
    assert!(fine.band.unwrap().holds && (fine.mc_error - 0.01337).abs() < 1e-5);
    assert!(!row(trials("irrelevant", 200, 32, 400)).band.unwrap().holds);
    // Intervals of ± .05 about ± .1 miss 0.
    assert!((fine.coverage.unwrap() - 369.0 / 400.0).abs() < 1e-12);
    assert!((fine.reversed.unwrap() - 15.0 / 400.0).abs() < 1e-12);
    assert!((fine.contradicted.unwrap() - 15.0 / 400.0).abs() < 1e-12);
    // Nothing of interest (δ .02) contradicts too, without any reversal.
    let mut small = trials("irrelevant", 200, 0, 10);
    let negligible = Some(Trial { estimate: 0.005, half_width: 0.01, rejects: false });
    small.tests.values_mut().for_each(|trials| trials.fill(negligible));
    let small = row(small);
    assert_eq!((small.contradicted, small.reversed), (Some(1.0), Some(0.0)));
    // A find has the claimed sign: half of the rejections have not. 176 of 400 are too few:
    // P(Bin(400, ½) ≤ 176) = .0093.
    let found = row(trials("informative", 200, 400, 400));
    assert_eq!((found.role, found.rate), (Role::True, 0.5));
    assert!(found.band.unwrap().holds);
    assert!(!row(trials("informative", 200, 352, 400)).band.unwrap().holds);
    // With fewer accounts than it names a true cell is only shown.
    let few = row(trials("informative", 60, 400, 400));
    assert!(few.role == Role::Shown && few.band.is_none());
    // The same 31 of 400 are allowed where all slopes are shaken, were it a false cell at all.
    assert_eq!(row(trials("slope_shock", 200, 31, 400)).role, Role::Shown);
}

#[test]
fn a_test_that_was_never_computed_is_told() {
    let mut silent = trials("irrelevant", 200, 0, 10);
    for trials in silent.tests.values_mut() {
        trials.fill(None);
    }
    let row = row(silent);
    assert_eq!((row.undefined, row.rate, row.coverage), (10, 0.0, None));
    let text = credentials(
        std::slice::from_ref(&row),
        "rvq recover",
        ("c.svg", "a chart"),
        &TruthTable::builtin(),
    );
    assert!(text.contains("undefined in 100") && text.contains("| ≤ 30.0 % |  |  |"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&recovery_json(&[row], 7)).unwrap();
    assert_eq!(json["rows"][0]["role"], "null");
    assert_eq!(json["seed"], 7);
}

#[test]
fn credentials_name_what_is_outside_its_band() {
    let all = [trials("irrelevant", 200, 60, 400), trials("informative", 200, 400, 400)];
    let rows = rows(&all, &TruthTable::builtin());
    let text =
        credentials(&rows, "rvq recover --seed 1", ("c.svg", "a chart"), &TruthTable::builtin());
    assert!(text.contains("0 of 1 false cells and 1 of 1 true cells"), "{text}");
    assert!(text.contains("**Outside their band:** H1 associated in `irrelevant`"));
    assert!(text.contains("| `irrelevant` | 200 | associated | false | 15.0 % ± 1.8 **outside**"));
}
