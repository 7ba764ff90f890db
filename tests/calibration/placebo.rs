//! Do placebos and diagnostics keep their word where nothing is, and see what is there?

use rayon::prelude::*;
use rvq::backtest::{
    BacktestParams, CatalogueSample, Claim, DatedCounts, DatedExposures, ExpertType,
    NegativeControl, Placebo, PlaceboDates, SIGN_HALF_LIFE_DAYS, SignStanding, TypeSample,
    account_groups, account_strata, event_study, ic_by_group, leakage_lift, monotonicity,
    negative_control, sign_check, swapped_histories, time_shift,
};
use rvq::ids::{AccountIndex, ContactIndex, TypeIndex};
use rvq::panel::{AccountRead, Measure, Panel, PanelParams};
use rvq::rng::{Purpose, Streams};
use rvq::score::{Rv, ScoreColumn, decayed_counts, exposures};
use rvq::stats::rejection_limit;
use rvq::time::Calendar;

use super::{LEVEL, simulation, start, valuation};

/// p-values of one small cohort, and what else is counted.
struct Found {
    p_values: Vec<(&'static str, Option<f64>)>,
    percentile: f64,
    /// Types judged, and those said to agree or contradict; purchases apart.
    signs: [usize; 3],
}

/// Everything on one cohort of a world: `accounts` over `months`.
fn replicate(world: &str, accounts: u32, months: u32, replication: u32) -> Found {
    let streams = Streams::new(20_261_122).replication(replication);
    let simulation = simulation(world, streams, months);
    let (valuation, types) = (valuation(&simulation), simulation.types());
    let params = PanelParams {
        calendar: Calendar::UTC,
        first: start(),
        months,
        warm_up_months: 0,
        min_age_months: 0,
    };
    let dates = PlaceboDates::new(&params);
    let rv = Rv::decay(180.0).unwrap();
    let read = |account: &AccountRead<'_>| {
        let (positions, rows) = dates.among(account.months);
        let as_of: Vec<_> = rows.iter().map(|&row| account.dates[row]).collect();
        let exposures = exposures(&rv, account.valued, &as_of).unwrap();
        let counts = decayed_counts(account.valued, SIGN_HALF_LIFE_DAYS, &as_of);
        let final_data = account.valued.finally_known();
        let mut finally = vec![f64::NAN; months as usize];
        let values = ScoreColumn::series(&rv, &final_data, account.dates);
        account.months.iter().zip(values).for_each(|(&month, value)| finally[month] = value);
        let critical = |kind: TypeIndex| valuation.is_critical(kind);
        let moment = account.valued.interactions().iter().find(|row| critical(row.kind));
        let moment = moment.map(|row| Calendar::UTC.month_of(row.occurred_at).since(start()));
        let exposed = DatedExposures { dates: positions.clone(), exposures };
        (exposed, DatedCounts { dates: positions, counts }, finally, moment)
    };
    let score: Vec<Box<dyn ScoreColumn>> = vec![Box::new(rv)];
    let histories = simulation.histories(accounts);
    let (panel, reads) =
        Panel::build_reading(histories, &valuation, &score, &params, read).unwrap();
    let kinds: Vec<TypeIndex> = (0..types.len()).map(|kind| TypeIndex(kind as u16)).collect();
    let values: Vec<f64> = kinds.iter().map(|&kind| valuation.base_value(kind)).collect();
    let (mut exposed, mut counts, mut finally, mut moments) = (vec![], vec![], vec![], vec![]);
    for (of_account, count, known, moment) in reads {
        exposed.push(of_account);
        counts.push(count);
        finally.extend(known);
        moments.push(moment);
    }
    let sample = TypeSample {
        dates: dates.clone(),
        accounts: counts,
        types: types
            .iter()
            .zip(&values)
            .map(|(name, value)| ExpertType { name: name.to_owned(), value: *value })
            .collect(),
        transactional: kinds.iter().map(|&kind| valuation.is_transactional(kind)).collect(),
    };
    let settings = BacktestParams { resamples: 199, ..BacktestParams::default() };
    let claim = Claim {
        panel: &panel,
        score: &panel.scores()[0],
        outcome: Measure::GrossProfit,
        horizon: 3,
        params: &settings,
    };
    let draws = |of| streams.draws(Purpose::Placebo, AccountIndex(u32::MAX), ContactIndex(of));
    let strata = account_strata(&panel, 20);
    let p = |placebo: &Placebo| placebo.figures.as_ref().map(|figures| figures.p_value);
    let swapped = swapped_histories(&claim, (&strata, streams.global(Purpose::Permutation)));
    let catalogues = CatalogueSample::new(dates.clone(), exposed, values);
    let catalogues = catalogues.compare(&claim, draws(0)).unwrap().placebo;
    let shift = time_shift(&claim, &dates, draws(1)).unwrap().placebo;
    let (study, fake) = event_study(&claim, ("moment", &moments), &strata, draws(2));
    let figures = study.figures.as_ref();
    let size = negative_control(&claim, NegativeControl::Size).unwrap();
    let groups = ic_by_group(&claim, &account_groups(&panel)).unwrap();
    let alike = |of: &str| groups.heterogeneity.iter().find(|h| h.dimension == of);
    let signs = sign_check(&claim, &sample);
    let n = |standing| signs.count(standing);
    let [agree, contradict] = [n(SignStanding::Agrees), n(SignStanding::Contradicts)];
    Found {
        percentile: catalogues.figures.as_ref().unwrap().percentile.unwrap(),
        p_values: vec![
            ("swapped histories", p(&swapped.unwrap().placebo)),
            ("random catalogues", p(&catalogues)),
            ("time shift", p(&shift)),
            ("fake dates", p(&fake.placebo)),
            ("moment, clustered", figures.map(|figures| figures.after.p_value)),
            ("months before the moment", figures.map(|figures| figures.before.p_value)),
            ("negative control: size", p(&size)),
            ("leakage lift", leakage_lift(&claim, &finally).unwrap().p_value),
            ("equal in segments", alike("segment").map(|h| h.p_value)),
            ("equal in thirds of tenure", alike("tenure").map(|h| h.p_value)),
            ("rises at every step", Some(monotonicity(&claim).unwrap().p_value)),
        ],
        signs: [agree + contradict + n(SignStanding::Undecided), agree, contradict],
    }
}

#[test]
fn groups_that_are_alike_are_not_told_apart() {
    let cohorts = 120;
    let found: Vec<Found> =
        (0..cohorts).into_par_iter().map(|r| replicate("irrelevant", 240, 36, r)).collect();
    let limit = rejection_limit(LEVEL, u64::from(cohorts), 0.01 / 2.0).unwrap();
    for name in ["equal in segments", "equal in thirds of tenure"] {
        let p = |found: &Found| found.p_values.iter().find(|p| p.0 == name).and_then(|p| p.1);
        let p_values: Vec<f64> = found.iter().filter_map(p).collect();
        let rejected = p_values.iter().filter(|p| **p <= LEVEL).count() as u64;
        println!("{name}: {rejected} of {} reject at 240 accounts, limit {limit}", p_values.len());
        assert!(p_values.len() as u32 >= cohorts / 2, "{name}: computed in {}", p_values.len());
        assert!(rejected < limit, "{name}: {rejected} rejections, limit {limit}");
    }
}

/// Kolmogorov-Smirnov distance from the uniform law.
fn distance_from_uniform(p_values: &[f64]) -> f64 {
    let mut sorted = p_values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let at = |(i, p): (usize, &f64)| (p - i as f64 / n).max((i + 1) as f64 / n - p);
    sorted.iter().enumerate().map(at).fold(0.0, f64::max)
}

const COHORTS: u32 = 240;

#[test]
fn placebos_call_nothing_where_nothing_is() {
    let found: Vec<Found> =
        (0..COHORTS).into_par_iter().map(|r| replicate("irrelevant", 80, 36, r)).collect();
    let tests = found[0].p_values.len();
    let mut failed = Vec::new();
    for test in 0..tests {
        let name = found[0].p_values[test].0;
        let p_values: Vec<f64> = found.iter().filter_map(|f| f.p_values[test].1).collect();
        let n = p_values.len() as u64;
        // Groups of 80 accounts are too small to be compared: the test above has larger ones.
        if name.starts_with("equal in") {
            println!("{name}: {n} of {COHORTS} computed");
            assert_eq!(n, 0, "{name}: groups below the least are compared");
            continue;
        }
        if n < u64::from(COHORTS) / 2 {
            failed.push(format!("{name}: computed in {n} of {COHORTS} cohorts"));
            continue;
        }
        let rejected = p_values.iter().filter(|p| **p <= LEVEL).count() as u64;
        let mean = p_values.iter().sum::<f64>() / n as f64;
        let distance = distance_from_uniform(&p_values);
        // The tests share an error of 1 % that correct ones fail here.
        let limit = rejection_limit(LEVEL, n, 0.01 / tests as f64).unwrap();
        println!(
            "{name}: {rejected} of {n} reject, limit {limit}; mean p {mean:.3}, distance {distance:.3} \
             (1 % limit {:.3})",
            1.63 / (n as f64).sqrt()
        );
        if rejected >= limit {
            failed.push(format!("{name}: {rejected} rejections, limit {limit}"));
        }
    }
    let sum = |of: usize| found.iter().map(|found| found.signs[of]).sum::<usize>();
    let flagged = found.iter().filter(|found| found.signs[1] + found.signs[2] > 0).count() as u64;
    println!(
        "signs: {} types judged, {} agree, {} contradict; {flagged} cohorts with any",
        sum(0),
        sum(1),
        sum(2)
    );
    // Where no type says anything, control of the false discovery rate is that of any finding.
    let limit = rejection_limit(LEVEL, u64::from(COHORTS), 0.01).unwrap();
    assert!(flagged < limit, "{flagged} cohorts with a sign, limit {limit}");
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn the_experts_catalogue_beats_random_ones_where_it_is_right_more_than_where_it_is_wrong() {
    let mut rates = Vec::new();
    for world in ["informative", "wrong_weights"] {
        let found: Vec<Found> =
            (0..60).into_par_iter().map(|r| replicate(world, 300, 48, r)).collect();
        for test in 0..found[0].p_values.len() {
            let p_values: Vec<f64> = found.iter().filter_map(|f| f.p_values[test].1).collect();
            let rejected = p_values.iter().filter(|p| **p <= LEVEL).count();
            println!(
                "{world}: {}: {rejected} of {} reject",
                found[0].p_values[test].0,
                p_values.len()
            );
        }
        let mut percentiles: Vec<f64> = found.iter().map(|found| found.percentile).collect();
        percentiles.sort_by(f64::total_cmp);
        let sum = |of: usize| found.iter().map(|found| found.signs[of]).sum::<usize>();
        println!(
            "{world}: median percentile {:.3}, quartiles {:.3} to {:.3}; signs of {} types: {} agree, {} \
             contradict",
            percentiles[30],
            percentiles[15],
            percentiles[45],
            sum(0),
            sum(1),
            sum(2)
        );
        rates.push(
            found.iter().filter(|found| found.p_values[1].1.is_some_and(|p| p <= LEVEL)).count(),
        );
    }
    println!("expert above 95 % of random catalogues: {rates:?} of 60");
    assert!(rates[0] > rates[1], "{rates:?}");
}
