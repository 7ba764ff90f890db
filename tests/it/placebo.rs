//! Placebos and diagnostics on panels in which the truth was planted.

use rand_distr::{Distribution, StandardNormal};
use rvq::backtest::{
    BacktestParams, CatalogueSample, Claim, DatedCounts, DatedExposures, ExpertType,
    NegativeControl, PlaceboDates, SIGN_HALF_LIFE_DAYS, SignStanding, TypeSample, account_groups,
    event_study, ic_by_group, leakage_lift, migration, monotonicity, negative_control,
    negative_horizon, sign_check, swapped_histories, time_shift,
};
use rvq::flow::{Catalogue, CatalogueEntry};
use rvq::ids::{AccountIndex, ContactIndex, TypeIndex, TypeNames};
use rvq::interaction::{Account, AccountHistory, Interaction, Outcome, Status};
use rvq::panel::{AccountRead, Measure, Panel, PanelParams};
use rvq::rng::{Draws, Purpose, Streams};
use rvq::score::{Rv, ScoreColumn, Valuation, decayed_counts, exposures};
use rvq::time::{Calendar, Instant, Month};

const MONTHS: usize = 48;
const VALUES: [f64; 6] = [8.0, 4.0, 2.0, 1.0, -3.0, -9.0];
const LEVEL: f64 = 0.05;

fn month_start(month: usize) -> Instant {
    Calendar::UTC.start_of(Month::new(2020, 1).unwrap().plus(month as i32))
}

/// What an account met and brought.
#[derive(Clone, Default)]
struct Told {
    /// Type, month, and month in which it became known.
    rows: Vec<(u16, usize, usize)>,
    profit: Vec<f64>,
    segment: &'static str,
    size: f64,
}

fn history(index: usize, told: &Told) -> AccountHistory {
    let row = |&(kind, month, known): &(u16, usize, usize)| Interaction {
        kind: TypeIndex(kind),
        occurred_at: month_start(month).plus_days(3.0),
        known_at: month_start(known).plus_days(3.0),
        ..Interaction::default()
    };
    let outcome = |month: usize| Outcome {
        period_start: month_start(month),
        period_end: month_start(month + 1),
        known_at: month_start(month + 1),
        revenue: told.profit[month].abs(),
        gross_profit: Some(told.profit[month]),
        status: Status::Customer,
        ..Outcome::default()
    };
    AccountHistory {
        account: Account {
            id: format!("{index:05}"),
            segment_id: Some(told.segment.to_owned()),
            entered_at: Calendar::UTC.start_of(Month::new(2018, 1).unwrap()),
            size: Some(told.size),
            ..Account::default()
        },
        interactions: told.rows.iter().map(row).collect(),
        outcomes: (0..MONTHS).map(outcome).collect(),
        ..AccountHistory::default()
    }
}

/// A panel with everything that was read on the way.
struct Cohort {
    panel: Panel,
    dates: PlaceboDates,
    catalogues: CatalogueSample,
    types: TypeSample,
    finally: Vec<f64>,
    moments: Vec<Option<i32>>,
    params: BacktestParams,
}

impl Cohort {
    fn of(accounts: &[Told]) -> Self {
        let name = |kind: usize| format!("type_{kind}");
        let entries =
            (0..VALUES.len()).map(|kind| CatalogueEntry::plain(&name(kind), VALUES[kind]));
        let catalogue = Catalogue::from_entries("test", entries.collect()).unwrap();
        let names: Vec<String> = (0..VALUES.len()).map(name).collect();
        let types: TypeNames = names.iter().map(String::as_str).collect();
        let valuation = Valuation::new(&catalogue, &types).unwrap();
        let params = PanelParams {
            calendar: Calendar::UTC,
            first: Month::new(2020, 1).unwrap(),
            months: MONTHS as u32,
            warm_up_months: 6,
            min_age_months: 0,
        };
        let dates = PlaceboDates::new(&params);
        let rv = Rv::decay(180.0).unwrap();
        let scores: Vec<Box<dyn ScoreColumn>> = vec![Box::new(rv)];
        let read = |account: &AccountRead<'_>| {
            let (positions, rows) = dates.among(account.months);
            let as_of: Vec<Instant> = rows.iter().map(|&row| account.dates[row]).collect();
            let exposed = DatedExposures {
                dates: positions.clone(),
                exposures: exposures(&rv, account.valued, &as_of).unwrap(),
            };
            let counts = decayed_counts(account.valued, SIGN_HALF_LIFE_DAYS, &as_of);
            let mut finally = vec![f64::NAN; MONTHS];
            let known = account.valued.finally_known();
            let values = ScoreColumn::series(&rv, &known, account.dates);
            account.months.iter().zip(values).for_each(|(&month, value)| finally[month] = value);
            let worst = TypeIndex(5);
            let moment = account.valued.interactions().iter().find(|row| row.kind == worst);
            let month = |at: Instant| Calendar::UTC.month_of(at).since(params.first);
            let moment = moment.map(|row| month(row.occurred_at));
            (exposed, DatedCounts { dates: positions, counts }, finally, moment)
        };
        let histories = accounts.iter().enumerate().map(|(index, told)| history(index, told));
        let (panel, reads) =
            Panel::build_reading(histories, &valuation, &scores, &params, read).unwrap();
        let expert =
            |(name, value): (&String, &f64)| ExpertType { name: name.clone(), value: *value };
        let mut cohort = Self {
            panel,
            catalogues: CatalogueSample::new(dates.clone(), vec![], vec![]),
            types: TypeSample {
                dates: dates.clone(),
                accounts: vec![],
                types: names.iter().zip(&VALUES).map(expert).collect(),
                transactional: vec![false; VALUES.len()],
            },
            dates,
            finally: vec![],
            moments: vec![],
            params: BacktestParams {
                min_accounts: 10,
                resamples: 499,
                ..BacktestParams::default()
            },
        };
        let mut exposed = Vec::new();
        for (exposures, counts, finally, moment) in reads {
            exposed.push(exposures);
            cohort.types.accounts.push(counts);
            cohort.finally.extend(finally);
            cohort.moments.push(moment);
        }
        cohort.catalogues = CatalogueSample::new(cohort.dates.clone(), exposed, VALUES.to_vec());
        cohort
    }

    fn claim(&self) -> Claim<'_> {
        Claim {
            panel: &self.panel,
            score: &self.panel.scores()[0],
            outcome: Measure::GrossProfit,
            horizon: 3,
            params: &self.params,
        }
    }
}

fn draws(of: u16) -> Draws {
    Streams::new(5).draws(Purpose::Placebo, AccountIndex(u32::MAX), ContactIndex(of))
}

/// Draws of one account.
struct Dice(rvq::rng::Stream);

impl Dice {
    fn of(seed: u64, account: usize) -> Self {
        let name = (AccountIndex(account as u32), ContactIndex(0));
        Self(Streams::new(seed).draws(Purpose::Account, name.0, name.1).stream(0))
    }

    fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.0.uniform() < probability
    }
}

/// Accounts that meet every type at a rate of their own that changes from year to year.
fn busy(
    seed: u64,
    accounts: usize,
    brings: impl Fn(&[[f64; 6]], &mut Dice) -> Vec<f64>,
) -> Vec<Told> {
    (0..accounts)
        .map(|account| {
            let mut dice = Dice::of(seed, account);
            let mut rows = Vec::new();
            let mut met = vec![[0.0; 6]; MONTHS];
            let mut rates = [0.0; 6];
            for (month, met) in met.iter_mut().enumerate() {
                for kind in 0..6_u16 {
                    let rate = &mut rates[usize::from(kind)];
                    if month % 12 == 0 {
                        *rate = 0.05 + 0.6 * dice.0.uniform();
                    }
                    if dice.chance(*rate) {
                        rows.push((kind, month, month));
                        met[usize::from(kind)] = 1.0;
                    }
                }
            }
            let profit = brings(&met, &mut dice);
            Told { rows, profit, segment: "one", size: account as f64 }
        })
        .collect()
}

/// What interactions of half a year bring on average under `values`.
fn brought(values: [f64; 6], noise: f64) -> impl Fn(&[[f64; 6]], &mut Dice) -> Vec<f64> {
    move |met, dice| {
        let worth = |row: &[f64; 6]| row.iter().zip(values).map(|(n, v)| n * v).sum::<f64>();
        (0..MONTHS)
            .map(|month| {
                let recent = &met[month.saturating_sub(6)..month];
                recent.iter().map(worth).sum::<f64>() / 6.0 + noise * dice.normal()
            })
            .collect()
    }
}

#[test]
fn another_catalogue_is_the_score_under_other_values() {
    let cohort = Cohort::of(&busy(1, 30, brought(VALUES, 1.0)));
    let own = cohort.catalogues.scores(&VALUES);
    let dates = cohort.dates.months();
    let months = cohort.panel.months();
    for (cell, score) in own.iter().enumerate() {
        let (account, date) = (cell / dates.len(), dates[cell % dates.len()]);
        let expected = cohort.panel.scores()[0].values[account * months + date];
        assert!((score - expected).abs() < 1e-9, "{score} is not {expected}");
    }
}

#[test]
fn the_experts_catalogue_stands_out_where_its_values_are_true_and_only_there() {
    let percentile = |values: [f64; 6]| {
        let cohort = Cohort::of(&busy(2, 150, brought(values, 2.0)));
        let found = cohort.catalogues.compare(&cohort.claim(), draws(0)).unwrap();
        let figures = found.placebo.figures.unwrap();
        assert_eq!((found.draws.len(), figures.draws), (199, 199));
        (figures.percentile.unwrap(), figures.p_value)
    };
    // Each arrangement that is the expert's own, one in 4! · 2!, ties with it.
    let (percentile_true, p_true) = percentile(VALUES);
    assert!(percentile_true > 0.9 && p_true <= LEVEL, "{percentile_true}, {p_true}");
    let wrong = [1.0, 2.0, 4.0, 8.0, -9.0, -3.0];
    let (percentile_wrong, p_wrong) = percentile(wrong);
    assert!(percentile_wrong < 0.2 && p_wrong > 0.5, "{percentile_wrong}, {p_wrong}");
}

#[test]
fn a_catalogue_of_one_value_for_each_sign_has_no_other() {
    let mut told = busy(3, 30, brought(VALUES, 1.0));
    for account in &mut told {
        account.rows.retain(|row| row.0 == 0 || row.0 == 5);
    }
    let cohort = Cohort::of(&told);
    let found = cohort.catalogues.compare(&cohort.claim(), draws(0)).unwrap();
    assert!(found.placebo.figures.is_none() && found.draws.is_empty());
    assert!(found.placebo.refusal.unwrap().contains("there is no other catalogue"));
}

#[test]
fn a_time_shift_tells_when_from_who() {
    let timely = Cohort::of(&busy(4, 120, brought(VALUES, 2.0)));
    let shifted = time_shift(&timely.claim(), &timely.dates, draws(1)).unwrap();
    let figures = shifted.placebo.figures.unwrap();
    assert!(figures.p_value < 0.001 && figures.real > figures.high, "{figures:?}");
    // Accounts differ for good, and no month is better than another.
    let mut stable = busy(4, 120, brought(VALUES, 2.0));
    for (account, told) in stable.iter_mut().enumerate() {
        let level = (account as f64) / 10.0;
        told.rows = (0..MONTHS)
            .filter(|m| (m + account) % 12 * 120 / 12 < account)
            .map(|m| (0, m, m))
            .collect();
        let mut dice = Dice::of(9, account);
        told.profit = (0..MONTHS).map(|_| level + dice.normal()).collect();
    }
    let stable = Cohort::of(&stable);
    let figures =
        time_shift(&stable.claim(), &stable.dates, draws(1)).unwrap().placebo.figures.unwrap();
    assert!(figures.real > 0.8 && figures.median > 0.8, "{figures:?}");
    assert!((figures.real - figures.median).abs() < 0.02, "{figures:?}");
}

#[test]
fn accounts_that_are_too_young_cannot_be_shifted() {
    let mut params = Cohort::of(&busy(4, 12, brought(VALUES, 2.0)));
    params.params.min_accounts = 13;
    let found = time_shift(&params.claim(), &params.dates, draws(1)).unwrap();
    assert_eq!(
        found.placebo.refusal.as_deref(),
        Some("12 accounts have at least 24 months in the panel, expected 13 or more")
    );
}

#[test]
fn swapped_histories_have_the_p_value_of_the_headline() {
    let cohort = Cohort::of(&busy(5, 60, brought(VALUES, 4.0)));
    let strata = vec![0; 60];
    let claim = cohort.claim();
    let headline = rvq::backtest::information_coefficient(
        &cohort.panel,
        claim.score,
        claim.outcome,
        &[3],
        &cohort.params,
        Some((&strata, draws(7))),
    )
    .unwrap();
    let found = swapped_histories(&claim, (&strata, draws(7))).unwrap();
    let figures = found.placebo.figures.unwrap();
    let headline = headline[0].as_ref().unwrap();
    assert_eq!(Some(figures.p_value), headline.permutation_p);
    assert!((figures.real - headline.inference.estimate).abs() < 1e-12);
    assert!(figures.low < 0.0 && figures.high > 0.0);
}

#[test]
fn a_negative_horizon_shows_a_score_that_follows() {
    // The score follows profit: accounts that brought much are met.
    let follows: Vec<Told> = (0..100)
        .map(|account| {
            let mut dice = Dice::of(6, account);
            let profit: Vec<f64> = (0..MONTHS).map(|_| 3.0 * dice.normal()).collect();
            let rows = (1..MONTHS).filter(|m| profit[m - 1] > 0.0).map(|m| (0, m, m)).collect();
            Told { rows, profit, segment: "one", size: 1.0 }
        })
        .collect();
    let cohort = Cohort::of(&follows);
    let figures = negative_horizon(&cohort.claim()).unwrap().figures.unwrap();
    assert!(figures.median > 0.2 && figures.real < 0.1 && figures.p_value < 0.01, "{figures:?}");
}

#[test]
fn a_negative_control_shows_a_score_that_tells_who_the_account_is() {
    let mut told = busy(7, 80, brought(VALUES, 4.0));
    let chance = Cohort::of(&told);
    let control = |cohort: &Cohort| {
        let found = negative_control(&cohort.claim(), NegativeControl::Size).unwrap();
        assert_eq!(found.outcome, "size");
        found.figures.unwrap()
    };
    assert!(control(&chance).p_value > LEVEL);
    for account in &mut told {
        account.size = account.rows.iter().map(|row| VALUES[usize::from(row.0)]).sum();
    }
    let figures = control(&Cohort::of(&told));
    assert!(figures.median > 0.3 && figures.p_value < 0.01, "{figures:?}");
}

#[test]
fn nothing_late_lifts_by_exactly_nothing() {
    let cohort = Cohort::of(&busy(8, 40, brought(VALUES, 4.0)));
    let lift = leakage_lift(&cohort.claim(), &cohort.finally).unwrap();
    assert_eq!((lift.lift, lift.std_error, lift.n_moved, lift.p_value), (0.0, 0.0, 0, None));
    assert_eq!(lift.as_known, lift.as_finally_known);
}

#[test]
fn a_planted_look_ahead_shows_as_leakage_lift() {
    // After a good quarter someone enters a meeting as of its beginning.
    let told: Vec<Told> = (0..80)
        .map(|account| {
            let mut dice = Dice::of(9, account);
            let profit: Vec<f64> = (0..MONTHS).map(|_| dice.normal()).collect();
            let won = |m: &usize| profit[m + 1..m + 4].iter().sum::<f64>() > 1.5;
            let rows = (0..MONTHS - 4).filter(won).map(|m| (0, m, m + 4)).collect();
            Told { rows, profit, segment: "one", size: 1.0 }
        })
        .collect();
    let cohort = Cohort::of(&told);
    let lift = leakage_lift(&cohort.claim(), &cohort.finally).unwrap();
    assert!(lift.as_known.abs() < 0.1, "{lift:?}");
    assert!(lift.lift > 0.2 && lift.ci_low > 0.0 && lift.p_value < Some(0.001), "{lift:?}");
    assert!((lift.lift - (lift.as_finally_known - lift.as_known)).abs() < 1e-9, "{lift:?}");
    assert!(lift.n_moved > 0);
}

#[test]
fn the_sign_check_finds_a_sign_that_is_wrong_and_one_that_goes_with_volume() {
    // Type 3 harms although the catalogue values it.
    let truth = [8.0, 4.0, 2.0, -8.0, -3.0, -9.0];
    let cohort = Cohort::of(&busy(10, 200, brought(truth, 3.0)));
    let check = sign_check(&cohort.claim(), &cohort.types);
    let standing = |kind: usize| check.types[kind].standing;
    assert_eq!(standing(0), SignStanding::Agrees);
    assert_eq!(standing(3), SignStanding::Contradicts);
    assert_eq!(standing(5), SignStanding::Agrees);
    assert_eq!(check.count(SignStanding::Contradicts), 1);
    // Returns come with orders: alone they look good, at equal activity they do not.
    let told: Vec<Told> = busy(11, 200, brought([0.0; 6], 1.0))
        .into_iter()
        .enumerate()
        .map(|(account, mut told)| {
            let mut dice = Dice::of(12, account);
            let much = dice.0.uniform();
            told.rows.clear();
            for month in 0..MONTHS {
                let orders = (1..4).filter(|_| dice.chance(much)).count();
                (0..orders).for_each(|kind| told.rows.push((kind as u16, month, month)));
                let returned = orders > 0 && dice.chance(0.3);
                if returned {
                    told.rows.push((4, month, month));
                }
                let own = if returned { 1.5 } else { 0.0 };
                told.profit[month] = 3.0 * much + orders as f64 - own + 0.5 * dice.normal();
            }
            told
        })
        .collect();
    let cohort = Cohort::of(&told);
    let check = sign_check(&cohort.claim(), &cohort.types);
    let returns = check.types.iter().find(|t| t.interaction_type == "type_4").unwrap();
    assert!(returns.alone > Some(0.2), "{returns:?}");
    assert!(returns.given_activity < Some(0.5 * returns.alone.unwrap()), "{returns:?}");
    assert!(check.types.iter().all(|of_type| of_type.interaction_type != "type_5"));
}

#[test]
fn a_type_that_few_met_is_not_judged() {
    let mut told = busy(13, 60, brought(VALUES, 1.0));
    for (account, told) in told.iter_mut().enumerate() {
        told.rows.retain(|row| row.0 != 2 || account < 5);
    }
    let cohort = Cohort::of(&told);
    let check = sign_check(&cohort.claim(), &cohort.types);
    assert_eq!(check.types[2].standing, SignStanding::TooFew);
    assert!(check.types[2].p_value.is_none() && check.types[2].n_accounts == 5);
}

#[test]
fn a_sign_that_turns_round_between_groups_is_told() {
    // Inside each segment more is worse, but the segment that has more is the better one.
    let told: Vec<Told> = (0..120)
        .map(|account| {
            let mut dice = Dice::of(14, account);
            let rich = account % 2 == 1;
            let rate = dice.0.uniform() * 0.4 + if rich { 0.5 } else { 0.0 };
            let rows = (0..MONTHS).filter(|_| dice.chance(rate)).map(|m| (0, m, m)).collect();
            let level = if rich { 20.0 } else { 0.0 } - 10.0 * rate;
            let profit = (0..MONTHS).map(|_| level + dice.normal()).collect();
            let segment = if rich { "rich" } else { "poor" };
            Told { rows, profit, segment, size: 1.0 }
        })
        .collect();
    let cohort = Cohort::of(&told);
    let groups = account_groups(&cohort.panel);
    let found = ic_by_group(&cohort.claim(), &groups).unwrap();
    assert!(found.pooled > 0.4, "{found:?}");
    let segments = found.heterogeneity.iter().find(|h| h.dimension == "segment").unwrap();
    assert!(segments.reversed && segments.stratified < -0.3, "{segments:?}");
    assert!(found.groups.iter().filter(|g| g.dimension == "segment").all(|g| g.ic < 0.0));
    let mean = found.dates.iter().map(|date| date.ic).sum::<f64>() / found.dates.len() as f64;
    assert!((mean - found.pooled).abs() < 1e-12);
}

#[test]
fn outcomes_that_rise_are_told_from_outcomes_that_bend() {
    let test = |bend: bool| {
        let told: Vec<Told> = (0..250)
            .map(|account| {
                let mut dice = Dice::of(15, account);
                let rate = account as f64 / 250.0;
                let rows = (0..MONTHS).filter(|_| dice.chance(rate)).map(|m| (0, m, m)).collect();
                let level = if bend { -(rate - 0.5).abs() } else { rate };
                let profit = (0..MONTHS).map(|_| 10.0 * level + dice.normal()).collect();
                Told { rows, profit, segment: "one", size: 1.0 }
            })
            .collect();
        let cohort = Cohort::of(&told);
        monotonicity(&cohort.claim()).unwrap()
    };
    let rises = test(false);
    assert!(rises.p_value <= 0.01 && rises.smallest_step > 0.0, "{rises:?}");
    assert!(rises.means.is_sorted() && rises.means.len() == 5);
    let bends = test(true);
    assert!(bends.p_value > 0.5 && bends.smallest_step < 0.0, "{bends:?}");
}

#[test]
fn migration_counts_every_start_once() {
    let mut told = busy(16, 50, brought(VALUES, 1.0));
    // The best account stays the best.
    told[0].rows = (0..MONTHS).flat_map(|m| [(0, m, m), (0, m, m), (0, m, m)]).collect();
    let cohort = Cohort::of(&told);
    let found = migration(&cohort.claim(), &[1, 12]).unwrap();
    for row in &found.shares {
        assert_eq!(row.len(), 6);
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
    // 42 months after the warm-up, 39 of them a quarter before the end.
    assert_eq!(found.n_start.iter().sum::<u64>(), 50 * 39);
    assert_eq!(found.n_dropped, 0);
    let [near, far] = found.persistence[..] else { panic!("two horizons") };
    assert!(near.autocorrelation > far.autocorrelation && near.top_turnover < far.top_turnover);
}

#[test]
fn an_event_study_of_an_outcome_that_never_changes_is_refused() {
    let told: Vec<Told> = (0..120)
        .map(|account: usize| {
            let moment = account.is_multiple_of(3).then_some(15 + account % 12);
            let rows = (0..MONTHS).step_by(4).map(|m| (0, m, m));
            let rows = rows.chain(moment.map(|at| (5, at, at))).collect();
            Told { rows, profit: vec![0.1 * account as f64; MONTHS], segment: "one", size: 1.0 }
        })
        .collect();
    let cohort = Cohort::of(&told);
    let moments = ("first type_5", cohort.moments.as_slice());
    let (study, fake) = event_study(&cohort.claim(), moments, &[0; 120], draws(2));
    assert!(study.figures.is_none() && fake.placebo.figures.is_none(), "{study:?}");
    let why = study.refusal.unwrap();
    assert!(why.ends_with("does not vary between accounts"), "{why}");
    assert_eq!(fake.placebo.refusal, Some(why));
}

#[test]
fn an_event_study_finds_what_a_moment_did_and_fake_dates_do_not() {
    let happened = |account: usize| account.is_multiple_of(3).then_some(15 + account % 12);
    let told: Vec<Told> = (0..300)
        .map(|account| {
            let mut dice = Dice::of(17, account);
            let level = 5.0 * dice.normal();
            let moment = happened(account);
            let harm = |m: usize| if moment.is_some_and(|at| m >= at) { -2.0 } else { 0.0 };
            let profit =
                (0..MONTHS).map(|m| level + 0.1 * m as f64 + harm(m) + dice.normal()).collect();
            let rows = (0..MONTHS).step_by(4).map(|m| (0, m, m));
            let rows = rows.chain(moment.map(|at| (5, at, at))).collect();
            Told { rows, profit, segment: "one", size: 1.0 }
        })
        .collect();
    let cohort = Cohort::of(&told);
    let moments = ("first type_5", cohort.moments.as_slice());
    let (study, fake) = event_study(&cohort.claim(), moments, &[0; 300], draws(2));
    let figures = study.figures.unwrap();
    assert_eq!((figures.n_moments, figures.path.len()), (100, 13));
    assert!((figures.after.estimate + 2.0).abs() < 3.0 * figures.after.std_error, "{figures:?}");
    assert!(figures.after.p_value < 1e-6 && figures.before.p_value > 0.01, "{figures:?}");
    let own = figures.path[..6].iter().map(|point| point.effect).sum::<f64>();
    assert!(own.abs() < 1e-9, "the months before are the reference: {own}");
    let fake = fake.placebo.figures.unwrap();
    assert!(fake.low < 0.0 && fake.high > 0.0 && fake.high < 1.0, "{fake:?}");
    assert_eq!((fake.p_value, fake.real), (0.005, figures.after.estimate));
    // Who drifted before is told.
    let mut drifting = told;
    for (account, told) in drifting.iter_mut().enumerate() {
        if let Some(at) = happened(account) {
            (0..at).for_each(|m| told.profit[m] -= 0.5 * m as f64);
        }
    }
    let cohort = Cohort::of(&drifting);
    let moments = ("first type_5", cohort.moments.as_slice());
    let (study, _) = event_study(&cohort.claim(), moments, &[0; 300], draws(2));
    let before = study.figures.unwrap().before;
    assert!(before.ci_high < 0.0 && (before.estimate + 1.5).abs() < 0.5, "{before:?}");
}

#[test]
fn moments_without_accounts_beside_them_are_left_out_with_a_reason() {
    let mut told = busy(18, 30, brought(VALUES, 1.0));
    for told in &mut told {
        told.rows.push((5, 20, 20));
    }
    let cohort = Cohort::of(&told);
    let moments = vec![Some(20); 30];
    let (study, fake) = event_study(&cohort.claim(), ("moment", &moments), &[0; 30], draws(2));
    assert_eq!(study.dropped[0].count, 30);
    assert!(study.dropped[0].reason.contains("to which nothing happened"));
    assert_eq!(study.refusal.as_deref(), Some("0 moments count, expected 10 or more"));
    assert_eq!(fake.placebo.refusal, study.refusal);
}
