//! Calibration: algebra against numbers worked out by hand, moments of a cohort made by hand, and
//! a world that finds its way back to where it was planted.

use rvq::backtest::{Moment, StartingBenchmark};
use rvq::calibrate::{
    Calibration, CalibrationError, CalibrationParams, Targets, TargetsError, Template, all_met,
    calibrate, cost_share, entrant_size, new_revenue_share, overlay, profit_share, revenue_ratio,
    target_table, top_fifth_share,
};
use rvq::diagnostic::Source;
use rvq::flow::Flow;
use rvq::interaction::{Account, AccountHistory, Contact, Outcome, Status};
use rvq::rng::Streams;
use rvq::simulate::World;
use rvq::time::{Calendar, Instant, Month};

#[test]
fn the_identities_give_the_numbers_of_the_sources() {
    let near = |value: f64, expected: f64| {
        assert!((value - expected).abs() < 5e-4, "{value} for {expected}");
    };
    // (80/20) / (20/80); three times the cost on a fifth is 3 of 3 + 4.
    near(revenue_ratio(0.8), 16.0);
    near(top_fifth_share(16.0), 0.8);
    near(top_fifth_share(3.0), 0.4286);
    for (profit, cost) in [(1.0, 0.35), (1.4, 0.618), (1.5, 0.653), (2.25, 0.796), (3.0, 0.856)] {
        near(cost_share(profit, 0.8, 3.0), cost);
    }
    near(new_revenue_share(0.125, 0.10, 1.0), 0.2045);
    near(new_revenue_share(0.15, 0.05, 1.0), 0.1905);
}

#[test]
fn the_profit_share_is_that_of_a_firm_reckoned_account_by_account() {
    // One account earns 64 before cost to engage and costs 15 of it, four earn 4 and cost 5: 49 of
    // 45 is earned by the first. It holds 64/80 of revenue, cost is 3 to 1 and 35 of 80.
    let found = profit_share(0.8, 3.0, 35.0 / 80.0);
    assert!((found - 49.0 / 45.0).abs() < 1e-12, "{found}");
    assert!((cost_share(49.0 / 45.0, 0.8, 3.0) - 35.0 / 80.0).abs() < 1e-12);
    // 100 customers, 12 leave, 20 come, each bringing half as much: 10 of 98.
    let (lost, growth) = (0.12, 0.08);
    assert!((new_revenue_share(lost, growth, 0.5) - 10.0 / 98.0).abs() < 1e-12);
    assert!((entrant_size(10.0 / 98.0, lost, growth) - 0.5).abs() < 1e-12);
}

fn start_of(month: i32) -> Instant {
    Calendar::UTC.start_of(Month::new(2022, 1).unwrap().plus(month))
}

/// An account with a row for every month of `months`, counted from January 2022; a customer from
/// month `since` on.
fn account(months: std::ops::Range<i32>, since: i32, month: (f64, f64)) -> AccountHistory {
    let (revenue, cost_to_engage) = month;
    let outcome = |month: i32| {
        let customer = month >= since;
        let revenue = if customer { revenue } else { 0.0 };
        Outcome {
            period_start: start_of(month),
            period_end: start_of(month + 1),
            known_at: start_of(month + 1),
            revenue,
            gross_profit: Some(0.5 * revenue),
            cost_to_engage: Some(cost_to_engage),
            status: if customer { Status::Customer } else { Status::Prospect },
            ..Outcome::default()
        }
    };
    // Those who are there when the log begins have been for half a year.
    let entered_at = start_of(if months.start == 0 { -6 } else { months.start });
    AccountHistory {
        outcomes: months.map(outcome).collect(),
        ..AccountHistory::empty(Account { entered_at, ..Account::default() })
    }
}

fn present(contacts: usize) -> Vec<Contact> {
    vec![Contact { valid_from: Some(start_of(3)), ..Contact::default() }; contacts]
}

/// Ten accounts over 2022 and 2023; in 2023 two bring 400 a month at a cost of 60, the others 50
/// at 20. One of those signs in April, one in July, one leaves at the end of March.
fn ten_accounts() -> Vec<AccountHistory> {
    let mut accounts = vec![
        account(0..24, 0, (400.0, 60.0)),
        account(0..24, 0, (400.0, 60.0)),
        account(12..24, 15, (50.0, 20.0)),
        account(18..24, 18, (50.0, 20.0)),
        account(0..15, 0, (50.0, 20.0)),
    ];
    accounts[4].account.exited_at = Some(start_of(15));
    accounts[4].outcomes[14].status = Status::Exited;
    accounts.extend((0..5).map(|_| account(0..24, 0, (50.0, 20.0))));
    for (n, account) in accounts.iter_mut().enumerate() {
        // What was before 2023 counts for nothing.
        account.outcomes[0].revenue += if account.outcomes.len() > 12 { 1e6 } else { 0.0 };
        account.contacts = present(n + 1);
    }
    // One of the first account's contacts has left, another comes after the end.
    accounts[0].contacts.extend(present(2));
    accounts[0].contacts[1].valid_to = Some(start_of(20));
    accounts[0].contacts[2].valid_from = Some(start_of(25));
    accounts
}

#[test]
fn the_moments_of_ten_accounts_are_those_reckoned_by_hand() {
    let mut benchmark = StartingBenchmark::new(start_of(24));
    for account in &ten_accounts() {
        benchmark.add(account);
    }
    let moments = benchmark.moments().unwrap();
    let near = |moment: Moment, expected: f64| {
        let found = moments.value(moment);
        assert!((found - expected).abs() < 1e-9, "{}: {found} for {expected}", moment.key());
    };
    // The small ones were customers for 5 · 12 + 9 + 6 + 3 = 78 months, the two for 24.
    near(Moment::TopFifthRevenueShare, 9_600.0 / 13_500.0);
    near(Moment::RevenueRatio, (9_600.0 / 2.0) / (3_900.0 / 8.0));
    near(Moment::CostRatio, (1_440.0 / 2.0) / (1_560.0 / 8.0));
    near(Moment::TopFifthProfitShare, 3_360.0 / 3_750.0);
    near(Moment::CostShare, 3_000.0 / 6_750.0);
    // New in the year: 9 and 6 months of 50.
    near(Moment::RepeatRevenueShare, 12_750.0 / 13_500.0);
    // Eight before (two, the one that left, five), nine at the end.
    near(Moment::Growth, 1.0 / 8.0);
    // Seven throughout; from April, from July, and until the end of March.
    near(Moment::AnnualAttrition, 365.25 / (7.0 * 365.0 + 275.0 + 184.0 + 90.0));
    // 1 + 2 + 3 + 4 + 6 + 7 + 8 + 9 + 10 contacts: the fifth account left.
    near(Moment::ContactsMean, 50.0 / 9.0);
    assert_eq!(moments.accounts(), 10);
}

fn parse(text: &str) -> Targets {
    Targets::parse(Source::new("targets.toml", text)).unwrap()
}

fn complaints(text: &str) -> (Vec<String>, String) {
    let problems = Targets::parse(Source::new("targets.toml", text)).unwrap_err();
    let messages = problems.diagnostics().iter().map(|problem| problem.message.clone()).collect();
    (messages, problems.to_string())
}

#[test]
fn targets_that_contradict_each_other_are_refused_with_the_reason_and_the_place() {
    let (messages, printed) = complaints(
        "top_fifth_revenue_share = { value = 0.8, within = 0.01 }\n\
         revenue_ratio = { value = 10, within = 1 }\n\
         cost_ratio = { value = 3, within = 0.3 }\n\
         top_fifth_profit_share = { value = 0.7, within = 0.05 }\n\
         repeat_revenue_share = { value = 0.3, within = 0.03 }\n\
         growth = { value = 0.05, within = 0.01 }\n\
         annual_attrition = { value = 0.12, within = 0.01 }\n",
    );
    assert_eq!(
        messages,
        [
            "`revenue_ratio` 10 ± 1 contradicts `top_fifth_revenue_share` 0.8 ± 0.01, which is a \
             ratio of 16.00 (15.05 to 17.05)",
            "`top_fifth_profit_share` 0.7 ± 0.05 contradicts `top_fifth_revenue_share` 0.8 ± 0.01 \
             and `cost_ratio` 3 ± 0.3: cost to engage would have to be -0.37 of the contribution \
             before it",
            "`repeat_revenue_share` 0.3 ± 0.03 contradicts `growth` 0.05 ± 0.01 and \
             `annual_attrition` 0.12 ± 0.01: new customers would have to bring 12.69 times the \
             revenue of the others, beyond 0.25 to 4",
        ]
    );
    assert!(printed.contains("targets.toml:2") && printed.contains("to 16.00"), "{printed}");
    assert!(printed.contains("at least 0.80"), "{printed}");
    assert!(printed.contains("`repeat_revenue_share` is 0.8"), "{printed}");
}

#[test]
fn a_cost_share_that_fits_no_profit_share_is_refused_with_what_it_should_be() {
    let targets = |cost: f64| {
        format!(
            "revenue_ratio = {{ value = 16, within = 1 }}\n\
             cost_ratio = {{ value = 3, within = 0.1 }}\n\
             top_fifth_profit_share = {{ value = 1.4, within = 0.05 }}\n\
             cost_share = {{ value = {cost}, within = 0.01 }}\n"
        )
    };
    parse(&targets(0.618));
    let (messages, printed) = complaints(&targets(0.35));
    assert!(messages[0].starts_with("`top_fifth_profit_share` 1.4 ± 0.05 contradicts"));
    assert!(printed.contains("`cost_share` to 0.62"), "{printed}");
}

#[test]
fn bands_that_can_be_met_together_are_no_contradiction_and_nor_are_targets_alone() {
    for name in ["default", "mild", "kanthal", "extreme"] {
        assert_eq!(Targets::load(name).unwrap().as_slice().len(), 8, "{name}");
    }
    parse("revenue_ratio = { value = 3, within = 0.1 }\n");
    // 14 is a share of 7/9 = .778: inside .8 ± .03.
    parse(
        "revenue_ratio = { value = 14, within = 0.1 }\n\
         top_fifth_revenue_share = { value = 0.8, within = 0.03 }\n",
    );
    // More than all revenue is in the band: any ratio above follows.
    parse(
        "revenue_ratio = { value = 90, within = 1 }\n\
         top_fifth_revenue_share = { value = 0.9, within = 0.2 }\n",
    );
}

#[test]
fn impossible_targets_and_unknown_keys_are_all_named_with_their_line() {
    let (messages, printed) = complaints(
        "cost_ratio = { value = -1, within = 0.3 }\n\
         growth = { value = 0.1, within = 0 }\n\
         contacts_mean = { value = nan, within = 1 }\n",
    );
    assert_eq!(
        messages,
        [
            "`cost_ratio` is -1, expected a value above 0",
            "`growth` has `within` 0, expected a positive number",
            "`contacts_mean` is NaN, expected a value between 1 and 60, both excluded",
        ]
    );
    assert!(printed.contains("targets.toml:2"), "{printed}");
    let (messages, printed) = complaints("revenue_ration = { value = 1, within = 1 }\n");
    assert_eq!(messages, ["unknown key `revenue_ration`"]);
    assert!(printed.contains("did you mean `revenue_ratio`?"), "{printed}");
    let (messages, _) = complaints("# nothing\n");
    assert_eq!(messages, ["there is no target"]);
    let missing = Targets::load("no_such_targets").unwrap_err();
    assert!(matches!(missing, TargetsError::Read { .. }));
    assert!(missing.to_string().contains("default, mild, kanthal, extreme"), "{missing}");
}

fn template(seed: u64) -> Template {
    Template {
        flow: Flow::builtin(),
        streams: Streams::new(seed),
        calendar: Calendar::UTC,
        first: Month::new(2022, 1).unwrap(),
        months: 24,
    }
}

fn quick(accounts: u32) -> CalibrationParams {
    CalibrationParams { accounts: vec![accounts], ..CalibrationParams::default() }
}

fn fitted(seed: u64, world: &World, targets: &Targets, accounts: u32) -> Calibration {
    calibrate(&template(seed), world, targets, &quick(accounts), &mut |_| ()).unwrap()
}

#[test]
fn a_fit_finds_planted_parameters_within_three_standard_errors() {
    let world = World::load("informative").unwrap();
    let mut planted = world.clone();
    planted.outcome.size_sigma = 1.4;
    planted.outcome.cost_elasticity = 0.6;
    planted.outcome.cost_unit = 1.4;
    planted.outcome.annual_attrition = 0.2;
    planted.cohort.growth = 0.12;
    planted.cohort.contacts_mean = 5.0;
    planted.cohort.entrant_size = 0.5;
    // Fewer accounts make moments jump by more than the fit may be off.
    let accounts = 4_000;
    let truth = template(7).moments(&planted, accounts).unwrap();
    let text: String = [
        (Moment::TopFifthRevenueShare, 0.03),
        (Moment::TopFifthProfitShare, 0.03),
        (Moment::CostRatio, 0.3),
        (Moment::RepeatRevenueShare, 0.03),
        (Moment::Growth, 0.03),
        (Moment::AnnualAttrition, 0.03),
        (Moment::ContactsMean, 0.2),
    ]
    .map(|(moment, within)| {
        format!("{} = {{ value = {}, within = {within} }}\n", moment.key(), truth.value(moment))
    })
    .concat();
    let found = fitted(8, &world, &parse(&text), accounts);
    assert!(found.converged(), "{:?}", found.stages);
    assert_eq!(found.estimates.len(), 7);
    for estimate in &found.estimates {
        let planted = estimate.parameter.of(&planted);
        // The targets are a sample as large as each that they are compared with.
        let error = 2_f64.sqrt() * estimate.std_error.unwrap();
        assert!(((estimate.value - planted) / error).abs() < 3.0, "{planted}: {estimate:?}");
        assert_eq!(estimate.parameter.of(&found.world), estimate.value);
    }
}

#[test]
fn a_fit_moves_only_what_its_targets_need_and_is_written_as_a_difference() {
    let world = World::load("informative").unwrap();
    let targets = parse("contacts_mean = { value = 4, within = 0.5 }\n");
    let found = fitted(1, &world, &targets, 200);
    assert!(all_met(&targets, &found.moments) && found.converged());
    let mut expected = world.clone();
    expected.cohort.contacts_mean = found.world.cohort.contacts_mean;
    assert_eq!(found.world, expected);
    let text = overlay("informative", &found).unwrap();
    let read = World::parse(Source::new("fitted.toml", text.as_str())).unwrap();
    assert_eq!(read.cohort, expected.cohort);
    assert_eq!(read.outcome, expected.outcome);
    assert_eq!(read.name, "informative_calibrated");
    let table = target_table(&targets, &found.moments);
    assert!(table.starts_with("target         wanted   reached  95 % interval   met\n"), "{table}");
    assert!(table.lines().nth(1).unwrap().ends_with("yes"), "{table}");
}

#[test]
fn a_fit_is_the_same_on_any_number_of_threads() {
    let world = World::load("informative").unwrap();
    let targets = parse(
        "top_fifth_revenue_share = { value = 0.7, within = 0.1 }\n\
         annual_attrition = { value = 0.2, within = 0.05 }\n",
    );
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| fitted(1, &world, &targets, 120))
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn a_log_without_a_year_to_compare_is_refused() {
    let short = Template { months: 12, ..template(1) };
    let world = World::load("informative").unwrap();
    let error = short.moments(&world, 50).unwrap_err();
    assert_eq!(error, CalibrationError::TooShort { months: 12 });
}
