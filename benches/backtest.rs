//! Back-tests on simulated panels of 48 months.

use divan::counter::ItemsCount;
use rvq::backtest::{
    BacktestParams, Baseline, account_strata, incremental_gain, information_coefficient,
};
use rvq::flow::Flow;
use rvq::panel::{Measure, Panel, PanelParams, PanelScore};
use rvq::rng::{Purpose, Streams};
use rvq::score::{ScoreColumn, ScoreSpec, Valuation};
use rvq::simulate::{Simulation, World};
use rvq::time::{Calendar, Month};

const MONTHS: u32 = 48;

fn main() {
    divan::main();
}

fn panel(accounts: u32) -> Panel {
    let world = World::load("informative").expect("a built-in world").balanced();
    let first = Month::new(2022, 1).expect("January is a month");
    let period = (first, MONTHS);
    let simulation =
        Simulation::new(Flow::builtin(), world, Streams::new(1), Calendar::UTC, period)
            .expect("a built-in world fits the built-in flow");
    let valuation = Valuation::new(simulation.flow().catalogue(), &simulation.types())
        .expect("the catalogue values its own types");
    let scores: Vec<Box<dyn ScoreColumn>> = [ScoreSpec::default_family(), ScoreSpec::baselines()]
        .concat()
        .iter()
        .map(|spec| spec.build().expect("the defaults are valid"))
        .collect();
    let params = PanelParams {
        calendar: Calendar::UTC,
        first,
        months: MONTHS,
        warm_up_months: 0,
        min_age_months: 0,
    };
    Panel::build(simulation.histories(accounts), &valuation, &scores, &params)
        .expect("installed accounts have rows")
}

fn score<'a>(panel: &'a Panel, name: &str) -> &'a PanelScore {
    panel.score(name).expect("one of the default scores")
}

/// One horizon with its 199 permutations.
#[divan::bench(args = [200, 1_000], sample_count = 5)]
fn information_coefficient_permuted(bencher: divan::Bencher<'_, '_>, accounts: u32) {
    let (panel, params) = (panel(accounts), BacktestParams::default());
    let strata = account_strata(&panel, params.min_stratum as usize);
    let draws = Streams::new(1).global(Purpose::Permutation);
    bencher.counter(ItemsCount::new(params.permutations)).bench_local(|| {
        information_coefficient(
            &panel,
            score(&panel, "rv_decay_180d"),
            Measure::Contribution,
            &[3],
            &params,
            Some((&strata, draws)),
        )
    });
}

/// Out-of-sample gain over six baselines, linear and flexible.
#[divan::bench(args = [Baseline::Linear, Baseline::Flexible], sample_count = 5)]
fn incremental_gain_over_six_baselines(bencher: divan::Bencher<'_, '_>, kind: Baseline) {
    let (panel, params) = (panel(200), BacktestParams::default());
    let names = ["count", "recency", "frequency", "spend", "past_profit", "tenure"];
    let baselines: Vec<&PanelScore> = names.iter().map(|name| score(&panel, name)).collect();
    bencher.bench_local(|| {
        incremental_gain(
            &panel,
            score(&panel, "rv_decay_180d"),
            &baselines,
            (Measure::Contribution, 3),
            kind,
            &params,
            Streams::new(1),
        )
    });
}
