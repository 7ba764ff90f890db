//! Simulated cohorts: what changes whom, the rules of the tables, and known answers.

use rvq::diagnostic::Source;
use rvq::flow::Flow;
use rvq::ids::{AccountIndex, ContactIndex, TypeIndex, TypeNames};
use rvq::interaction::{
    AccountHistory, Interaction, Log, LogWriter, RelationshipState, Status, Truth,
};
use rvq::rng::Streams;
use rvq::simulate::{Dropout, Intervention, PairError, Simulation, World, paired_difference};
use rvq::time::{Calendar, Instant, Month};

const FLOW: &str = include_str!("../../data/flows/b2b/flow.toml");
const CATALOGUE: &str = include_str!("../../data/flows/b2b/catalogue.csv");

fn world(name: &str) -> World {
    World::load(name).unwrap()
}

fn simulation(flow: Flow, world: World, streams: Streams, months: u32) -> Simulation {
    let start = Month::new(2022, 1).unwrap();
    Simulation::new(flow, world, streams, Calendar::UTC, (start, months))
        .unwrap_or_else(|error| panic!("{error}"))
}

fn builtin(world: World, months: u32) -> Simulation {
    simulation(Flow::builtin(), world, Streams::new(11), months)
}

fn histories(world: World) -> Vec<AccountHistory> {
    builtin(world, 24).histories(60).collect()
}

/// The built-in flow with every `rv` of the catalogue, overrides included, passed through `value`.
fn revalued(value: impl Fn(f64) -> f64) -> Flow {
    let mut lines = CATALOGUE.lines();
    let header = lines.next().unwrap();
    let column = header.split(',').position(|name| name == "rv").unwrap();
    let mut text = format!("{header}\n");
    for line in lines {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        cells[column] = value(cells[column].parse().unwrap()).to_string();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    Flow::from_sources(Source::new("flow.toml", FLOW), Source::new("catalogue.csv", text))
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// Small gains become losses; what is critical stays negative, as the catalogue demands.
fn other_signs(rv: f64) -> f64 {
    if (0.0..2.0).contains(&rv) { -rv } else { 2.0 * rv }
}

/// All digits of everything in the histories: equal texts are equal bytes.
fn written(histories: &[AccountHistory]) -> String {
    format!("{histories:?}")
}

#[test]
fn histories_are_the_same_at_any_number_of_threads() {
    let simulation = builtin(world("informative"), 24);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        // More accounts than one chunk, so that chunks are joined too.
        pool.install(|| written(&simulation.histories(300).collect::<Vec<_>>()))
    };
    let one = on(1);
    assert!(one == on(2) && one == on(5));
}

#[test]
fn another_account_changes_no_other() {
    let simulation = builtin(world("informative"), 24);
    let few: Vec<_> = simulation.histories(20).collect();
    let many: Vec<_> = simulation.histories(30).collect();
    assert_eq!(few[..], many[..20]);
    assert_eq!(simulation.account(AccountIndex(17)).as_ref(), Some(&few[17]));
}

#[test]
fn shards_concatenate_to_the_whole() {
    let simulation = builtin(world("informative"), 18);
    let whole: Vec<_> = simulation.histories(130).collect();
    // Cuts inside a team of 40, between two, and an empty shard.
    let cuts = [0, 17, 40, 40, 95, 130];
    let shards: Vec<_> =
        cuts.windows(2).flat_map(|cut| simulation.histories_in(cut[0]..cut[1])).collect();
    assert!(written(&whole) == written(&shards));
}

/// A policy that visits some accounts, or all accounts of some teams.
fn visits(by_team: bool) -> Intervention {
    Intervention {
        name: "visits".to_owned(),
        from_month: 6,
        to_month: None,
        share: 0.3,
        by_team,
        interaction_type: "account_manager_visit".to_owned(),
        per_month: 2.0,
    }
}

/// Which accounts a policy leaves as they were.
fn untouched(world: World, policy: Intervention) -> Vec<bool> {
    let mut treated = world.clone();
    treated.interventions.push(policy);
    let before: Vec<_> = builtin(world, 18).histories(400).collect();
    let after: Vec<_> = builtin(treated, 18).histories(400).collect();
    let one = std::slice::from_ref;
    before.iter().zip(&after).map(|(a, b)| written(one(a)) == written(one(b))).collect()
}

#[test]
fn a_policy_for_teams_touches_no_other_team() {
    let same = untouched(world("informative"), visits(true));
    let teams: Vec<bool> = same.chunks(40).map(|team| team.iter().all(|same| *same)).collect();
    // Each of ten teams is treated with probability .3: this seed treats some and not all.
    let untouched = teams.iter().filter(|same| **same).count();
    assert!((1..10).contains(&untouched), "{untouched} of 10 teams untouched");
}

#[test]
fn a_policy_for_accounts_touches_no_other_account_where_nobody_queues() {
    let mut world = world("informative");
    world.staff.desks.clear();
    let same = untouched(world, visits(false));
    let touched = same.iter().filter(|same| !**same).count();
    // Binomial(400, .3) less those that were no customers in the year of the policy: a treated
    // customer gets some two dozen visits, so that none stays as it was.
    assert!((60..157).contains(&touched), "{touched} of 400 accounts touched");
}

#[test]
fn replications_and_seeds_differ_and_repeat() {
    let account = |streams| {
        let simulation = simulation(Flow::builtin(), world("informative"), streams, 12);
        simulation.account(AccountIndex(3))
    };
    let seed = Streams::new(1);
    assert_eq!(account(seed), account(seed.replication(0)));
    assert_eq!(account(seed.replication(1)), account(seed.replication(1)));
    for other in [seed.replication(1), seed.replication(2), Streams::new(2)] {
        let (a, b) = (account(seed).unwrap(), account(other).unwrap());
        assert_ne!(a.account.entered_at, b.account.entered_at);
        assert_ne!(a.account.size, b.account.size);
    }
}

/// Expected profit over the log.
fn expected_profit(history: &AccountHistory) -> [f64; 1] {
    [history.truth.iter().map(|truth| truth.expected_profit).sum()]
}

#[test]
fn a_pair_that_shares_its_draws_needs_fewer_accounts() {
    let mut treated = world("informative");
    treated.interventions.push(visits(true));
    let pair = (&builtin(world("informative"), 18), &builtin(treated.clone(), 18));
    let [shared] = paired_difference(pair, 800, expected_profit).unwrap();
    assert!(shared.untouched > 200 && shared.untouched < 800, "{shared:?}");
    assert!(shared.variance_reduction > 10.0, "{shared:?}");
    // Unrelated draws: the variances add up. Twenty teams tell a factor only roughly.
    let other = simulation(Flow::builtin(), treated, Streams::new(12), 18);
    let [unrelated] = paired_difference((pair.0, &other), 800, expected_profit).unwrap();
    assert_eq!(unrelated.untouched, 0);
    assert!((0.3..3.0).contains(&unrelated.variance_reduction), "{unrelated:?}");
    let [same] = paired_difference((pair.0, pair.0), 800, expected_profit).unwrap();
    assert_eq!((same.estimate, same.std_error, same.untouched), (0.0, 0.0, 800));
}

#[test]
fn what_cannot_be_paired_says_why() {
    let whole = builtin(world("informative"), 6);
    let survivors = builtin(world("survivor"), 6);
    let error = paired_difference((&whole, &survivors), 80, expected_profit).unwrap_err();
    assert_eq!(error, PairError::SurvivorsOnly { world: "survivor".to_owned() });
    let error = paired_difference((&whole, &whole), 40, expected_profit).unwrap_err();
    assert_eq!(
        error.to_string(),
        "40 accounts make too few teams: 1, expected at least 2 for a standard error"
    );
}

/// The histories without interactions, without whom a survey or entry names, and without what the
/// truth says of interactions.
fn all_but_interactions(histories: &[AccountHistory]) -> String {
    let rest = |history: &AccountHistory| {
        let mut rest = history.clone();
        (rest.interactions, rest.contacts, rest.owners) = (Vec::new(), Vec::new(), Vec::new());
        rest.surveys.iter_mut().for_each(|survey| survey.contact = None);
        rest.ledger.iter_mut().for_each(|entry| entry.contact = None);
        for truth in &mut rest.truth {
            (truth.felt_effect, truth.goodwill) = (0.0, 0.0);
            (truth.unlogged, truth.critical) = (0.0, 0.0);
        }
        rest
    };
    written(&histories.iter().map(rest).collect::<Vec<_>>())
}

/// When what happened: transactional rows, or else all others.
fn rows(histories: &[AccountHistory], transactional: bool) -> Vec<Vec<(Instant, TypeIndex)>> {
    let flow = Flow::builtin();
    let kinds = flow.catalogue().entries();
    let of = |history: &AccountHistory| {
        let wanted = history
            .interactions
            .iter()
            .filter(|row| kinds[usize::from(row.kind.0)].transactional == transactional);
        wanted.map(|row| (row.occurred_at, row.kind)).collect()
    };
    histories.iter().map(of).collect()
}

/// Everything about interactions that a world or a flow can change.
fn with_other_interactions(name: &str) -> Vec<(&'static str, Vec<AccountHistory>)> {
    type Change = (&'static str, fn(&mut World));
    let changes: [Change; 9] = [
        ("skill_sigma", |world| world.staff.skill_sigma = 0.6),
        ("no desks", |world| world.staff.desks.clear()),
        ("pace_sigma", |world| world.activity.pace_sigma = 0.8),
        ("contacts_mean", |world| world.cohort.contacts_mean = 3.0),
        ("contact_tenure_days", |world| world.cohort.contact_tenure_days = 200.0),
        ("quality_sigma", |world| world.relationship.quality_sigma = 1.5),
        ("negative_tilt", |world| world.relationship.negative_tilt = [4.0, 2.0, 0.5, 0.2]),
        ("effects_seed", |world| world.relationship.effects_seed = 99),
        ("betrayal_per_critical", |world| world.relationship.betrayal_per_critical = 5.0),
    ];
    let mut changed: Vec<(&'static str, Vec<AccountHistory>)> = changes
        .into_iter()
        .map(|(what, change)| {
            let mut world = world(name);
            change(&mut world);
            (what, histories(world))
        })
        .collect();
    // A digit in front: a mean wait of 40 days becomes one of 140.
    let text =
        FLOW.replace("mean_days = ", "mean_days = 1").replace("scale_days = ", "scale_days = 2");
    let slow =
        Flow::from_sources(Source::new("flow.toml", text), Source::new("catalogue.csv", CATALOGUE))
            .unwrap();
    let flows = [("waits of the flow", slow), ("values of the catalogue", revalued(other_signs))];
    for (what, flow) in flows {
        let simulation = simulation(flow, world(name), Streams::new(11), 24);
        changed.push((what, simulation.histories(60).collect()));
    }
    changed
}

#[test]
fn in_the_true_null_nothing_but_interactions_depends_on_interactions() {
    let before = histories(world("irrelevant"));
    for (what, after) in with_other_interactions("irrelevant") {
        assert_ne!(rows(&before, false), rows(&after, false), "{what} changes interactions");
        assert!(all_but_interactions(&before) == all_but_interactions(&after), "{what}");
        assert!(rows(&before, true) == rows(&after, true), "{what}");
    }
}

#[test]
fn in_the_informative_world_outcomes_do_depend_on_interactions() {
    // Betrayals are rare and effects move states slowly: 60 accounts over two years show each.
    let before = histories(world("informative"));
    for (what, after) in with_other_interactions("informative") {
        assert_ne!(rows(&before, false), rows(&after, false), "{what} changes interactions");
        assert!(all_but_interactions(&before) != all_but_interactions(&after), "{what}");
    }
}

#[test]
fn in_the_true_null_only_transactional_rows_depend_on_outcomes() {
    let before = histories(world("irrelevant"));
    let mut world = world("irrelevant");
    world.outcome.strength = 0.2;
    world.outcome.size_sigma = 0.4;
    world.outcome.orders_per_month = 3.0;
    world.outcome.noise_sigma = 1.0;
    world.outcome.drift_sigma = 1.0;
    world.market.rival_sigma = 1.0;
    let after = histories(world);
    assert_ne!(all_but_interactions(&before), all_but_interactions(&after));
    assert_ne!(rows(&before, true), rows(&after, true));
    assert!(rows(&before, false) == rows(&after, false));
}

#[test]
fn the_value_of_an_interaction_type_is_only_an_observer() {
    // True effects are laid out from catalogue values, so they are switched off; and the tilt
    // needs to know which types are negative, so no sign changes.
    let mut world = world("informative");
    world.relationship.responsiveness = 0.0;
    world.relationship.betrayal_per_critical = 0.0;
    let run = |flow| -> Vec<AccountHistory> {
        let felt = |truth: &mut Truth| (truth.felt_effect, truth.goodwill) = (0.0, 0.0);
        let mut made: Vec<_> =
            simulation(flow, world.clone(), Streams::new(5), 24).histories(40).collect();
        for history in &mut made {
            history.truth.iter_mut().for_each(felt);
        }
        made
    };
    let revalued = revalued(|rv| rv * 7.0 + rv.signum());
    assert!(run(Flow::builtin()) == run(revalued));
}

/// Owner and initiative of each row by name: positions may differ after reading.
fn named(history: &AccountHistory) -> Vec<(Option<&str>, Option<&str>)> {
    let rows = history.interactions.iter();
    rows.map(|row| {
        let owner = row.owner.map(|owner| history.owners[usize::from(owner.0)].as_str());
        let initiative = row.initiative.map(|i| history.initiatives[usize::from(i.0)].as_str());
        (owner, initiative)
    })
    .collect()
}

#[test]
fn every_history_keeps_the_rules_of_the_tables_and_survives_a_round_trip() {
    for name in World::builtin_names() {
        let simulation = builtin(world(name), 18);
        let folder = tempfile::tempdir().unwrap();
        let mut writer = LogWriter::create(folder.path(), &simulation.types(), "test").unwrap();
        let made: Vec<_> = simulation.histories(60).collect();
        for history in &made {
            writer.write(history).unwrap_or_else(|error| panic!("{error}"));
        }
        simulation.staff(60).for_each(|member| writer.write_staff(&member).unwrap());
        for initiative in simulation.initiatives() {
            writer.write_initiative(&initiative).unwrap();
        }
        let counts = writer.finish().unwrap();
        assert_eq!(counts.accounts, made.len() as u64);
        let log = Log::open(folder.path()).unwrap();
        let names = simulation.types();
        let by_name = |history: &AccountHistory, types: &TypeNames| -> Vec<String> {
            history.interactions.iter().map(|row| types.name(row.kind).to_owned()).collect()
        };
        let read: Vec<_> = log.histories().unwrap().map(Result::unwrap).collect();
        assert_eq!(read.len(), made.len());
        for (read, made) in read.iter().zip(&made) {
            assert_eq!(by_name(read, log.types()), by_name(made, &names));
            assert_eq!(named(read), named(made));
            let mut same_positions = read.clone();
            (same_positions.owners, same_positions.initiatives) =
                (made.owners.clone(), made.initiatives.clone());
            for (row, original) in same_positions.interactions.iter_mut().zip(&made.interactions) {
                row.kind = original.kind;
                (row.owner, row.initiative) = (original.owner, original.initiative);
            }
            assert!(written(&[same_positions]) == written(std::slice::from_ref(made)));
        }
    }
}

#[test]
fn a_history_is_consistent_with_its_exit_and_its_phases() {
    let simulation = builtin(world("informative"), 36);
    let types = simulation.types();
    let mut signed = 0;
    for history in simulation.histories(300) {
        let end = history
            .account
            .exited_at
            .unwrap_or(Calendar::UTC.start_of(Month::new(2025, 1).unwrap()));
        assert!(history.interactions.iter().all(|row| row.occurred_at < end));
        let exited = history.outcomes.iter().filter(|o| o.status == Status::Exited).count();
        assert_eq!(exited, usize::from(history.account.exited_at.is_some()));
        assert!(history.interactions.is_sorted_by_key(|row| row.occurred_at));
        assert!(history.outcomes.is_sorted_by_key(|outcome| outcome.status));
        for outcome in &history.outcomes {
            let prospect = outcome.status == Status::Prospect;
            assert_eq!(prospect, outcome.share_of_wallet.is_none());
            assert!(!prospect || outcome.revenue == 0.0);
        }
        signed += history
            .interactions
            .iter()
            .filter(|row| types.name(row.kind) == "contract_signed")
            .count();
    }
    // 40 % of accounts enter during the log and most of them close in it.
    assert!((60..120).contains(&signed), "{signed} contracts signed in the log");
}

/// Worlds that differ in what happens to contacts and contracts.
const VARIED: [&str; 4] = ["informative", "hostage", "survivor", "size"];

#[test]
fn every_row_names_a_contact_who_was_there() {
    for name in VARIED {
        for history in builtin(world(name), 36).histories(200) {
            let there = |contact: Option<ContactIndex>, at: Instant| {
                let contact = &history.contacts[usize::from(contact.unwrap().0)];
                contact.valid_from.unwrap() <= at && contact.valid_to.is_none_or(|left| at < left)
            };
            let rows = history.interactions.iter().map(|row| (row.contact, row.occurred_at));
            let asked = history.surveys.iter().map(|survey| (survey.contact, survey.asked_at));
            let given = history.ledger.iter().map(|entry| (entry.contact, entry.occurred_at));
            for (contact, at) in rows.chain(asked).chain(given) {
                assert!(there(contact, at), "{name}: {} at {at}", history.account.id);
            }
        }
    }
}

#[test]
fn what_is_not_yet_known_when_the_log_ends_is_not_in_it() {
    let end = Calendar::UTC.start_of(Month::new(2024, 1).unwrap());
    for history in builtin(world("informative"), 24).histories(200) {
        let last = history.account.exited_at.unwrap_or(end);
        assert!(history.interactions.iter().all(|row| row.known_at < end));
        assert!(history.surveys.iter().all(|s| s.answered_at.is_none_or(|at| at < last)));
        assert!(history.surveys.iter().all(|s| s.value.is_some() == s.answered_at.is_some()));
    }
}

#[test]
fn hostages_leave_on_the_day_their_contract_ends() {
    let (mut exits, mut on_the_day) = (0, 0);
    for history in builtin(world("hostage"), 36).histories(600) {
        let (end, exit) = (history.account.contract_end, history.account.exited_at);
        let Some((end, exit)) = end.zip(exit) else { continue };
        assert!(end >= exit, "{}", history.account.id);
        exits += 1;
        on_the_day += i32::from(end == exit);
    }
    // Exits that have nothing to do with the relationship keep no date.
    assert!(exits > 60 && on_the_day * 2 > exits, "{on_the_day} of {exits}");
}

#[test]
fn contacts_of_the_installed_base_came_over_years() {
    let start = Calendar::UTC.start_of(Month::new(2022, 1).unwrap());
    let mut came: Vec<(i64, bool)> = Vec::new();
    for history in builtin(world("informative"), 12).histories(400) {
        let entered = history.account.entered_at;
        let since = history.contacts.iter().filter_map(|contact| contact.valid_from);
        came.extend(since.filter(|at| *at < start).map(|at| (at.micros(), at == entered)));
    }
    came.sort_unstable();
    let later: Vec<i64> = came.iter().filter(|(_, first)| !first).map(|(at, _)| *at).collect();
    assert!(later.len() > 1_000, "{}", later.len());
    // Now and then two leave, and are followed, at the same opening.
    let most = later.chunk_by(|a, b| a == b).map(<[i64]>::len).max().unwrap();
    assert!(most <= 3, "{most} contacts of one instant");
}

/// Of one contract term after the other: accounts that come to its end, and those that leave then.
fn renewals(world: World, months: u32, accounts: u32) -> Vec<(f64, f64)> {
    let simulation = builtin(world, months);
    let types = simulation.types();
    let log_end = Calendar::UTC.start_of(Month::new(2022, 1).unwrap().plus(months as i32));
    let mut terms = vec![(0.0, 0.0); months as usize / 12];
    for history in simulation.histories(accounts) {
        let is_signature = |row: &&Interaction| types.name(row.kind) == "contract_signed";
        let Some(signed) = history.interactions.iter().find(is_signature) else { continue };
        let (exit, signed) = (history.account.exited_at, signed.occurred_at);
        let years = exit.unwrap_or(log_end).days_since(signed) / 365.25 + 1e-6;
        let ended = years as usize;
        terms[..ended].iter_mut().for_each(|term| term.0 += 1.0);
        if exit.is_some() {
            terms[ended - 1].1 += 1.0;
        }
    }
    terms
}

/// Fader and Hardie (2007): each account declines a renewal with a probability of its own from a
/// beta law; the survivors' mean then falls although nobody changes. Parameters of their example.
#[test]
fn retention_rises_with_age_as_in_the_shifted_beta_geometric_model() {
    let (alpha, beta) = (0.668, 3.806);
    let mut world = small("irrelevant");
    (world.contract.terms, world.contract.lock_in) = ([1.0, 0.0, 0.0], 0.0);
    world.contract.release = 12.0;
    (world.cohort.installed_share, world.cohort.growth) = (Some(0.0), 0.0);
    world.outcome.unrelated_attrition = 0.0;
    world.outcome.annual_attrition = alpha / (alpha + beta);
    world.outcome.attrition_concentration = Some(alpha + beta);
    let terms = renewals(world, 96, 4_000);
    for (term, age) in terms.iter().zip(0_i32..6) {
        let expected = alpha / (alpha + beta + f64::from(age));
        let error = (expected * (1.0 - expected) / term.0).sqrt();
        let found = term.1 / term.0;
        assert!((found - expected).abs() < 3.0 * error, "term {age}: {found}, not {expected}");
    }
}

/// Orders of each account in the `days` after it signed, of those watched that long.
fn repeat_orders(world: World, months: u32, accounts: u32, days: f64) -> Vec<f64> {
    let simulation = builtin(world, months);
    let types = simulation.types();
    let orders = &simulation.flow().transactions().on_purchase;
    let log_end = Calendar::UTC.start_of(Month::new(2022, 1).unwrap().plus(months as i32));
    let mut counts = Vec::new();
    for history in simulation.histories(accounts) {
        let rows = &history.interactions;
        let signed = rows.iter().find(|row| types.name(row.kind) == "contract_signed");
        let Some(signed) = signed.filter(|row| log_end.days_since(row.occurred_at) > days) else {
            continue;
        };
        let in_time = |row: &&Interaction| row.occurred_at.days_since(signed.occurred_at) <= days;
        let is_order = |row: &&Interaction| orders.iter().any(|(kind, _)| *kind == row.kind);
        counts.push(rows.iter().filter(in_time).filter(is_order).count() as f64);
    }
    counts
}

/// Fader, Hardie and Lee (2005): orders come at a rate of the account's own from a gamma law, until
/// it falls silent after one, with a probability of its own from a beta law. Their parameters for
/// CDNOW give 1.197 repeat orders in 39 weeks on average, and none to a share of (α/(α + t))^r.
#[test]
fn orders_and_silence_are_those_of_the_bg_nbd_model() {
    let (r, alpha, a, b) = (0.243, 4.414, 0.793, 2.426);
    let weeks = 39.0;
    let mut world = small("irrelevant");
    (world.cohort.installed_share, world.cohort.growth) = (Some(0.0), 0.0);
    world.outcome.annual_attrition = 1e-9;
    (world.outcome.size_sigma, world.outcome.state_effect) = (0.0, [0.0; 4]);
    world.outcome.orders_per_month = r / alpha * 365.25 / 12.0 / 7.0;
    world.outcome.order_shape = Some(r);
    world.outcome.dropout = Some(Dropout { mean: a / (a + b), concentration: a + b });
    let counts = repeat_orders(world, 24, 16_000, 7.0 * weeks);
    let n = counts.len() as f64;
    let mean = counts.iter().sum::<f64>() / n;
    let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / n;
    let error = (variance / n).sqrt();
    assert!((mean - 1.197).abs() < 3.0 * error, "{mean} repeat orders, error {error}");
    let none = counts.iter().filter(|count| **count == 0.0).count() as f64 / n;
    let expected = (alpha / (alpha + weeks)).powf(r);
    let error = (expected * (1.0 - expected) / n).sqrt();
    assert!((none - expected).abs() < 3.0 * error, "{none} without, not {expected} ± {error}");
}

/// A world with one contact per account, for tests of what happens to accounts.
fn small(name: &str) -> World {
    let mut world = world(name).balanced();
    world.cohort.contacts_mean = 1.0;
    (world.contract.lock_in, world.contract.release) = (1.0, 1.0);
    world
}

/// The same for a flow that has none of the built-in types.
fn bare(name: &str) -> World {
    let mut world = small(name);
    world.staff.desks.clear();
    world.initiatives.clear();
    world.relationship.recovery_types.clear();
    world.observation.unlogged = 0.0;
    world
}

#[test]
fn in_the_true_null_one_account_in_eight_leaves_within_a_year() {
    let (mut at_risk, mut exits) = (0.0, 0.0);
    for history in builtin(small("irrelevant"), 36).histories(2_000) {
        at_risk += history.outcomes.len() as f64;
        exits += f64::from(u8::from(history.account.exited_at.is_some()));
    }
    // Months are Bernoulli trials with p = 1 − .875^(1/12); 3 standard errors of their rate.
    let p = 1.0 - 0.875_f64.powf(1.0 / 12.0);
    let bound = 3.0 * (p * (1.0 - p) / at_risk).sqrt();
    assert!((exits / at_risk - p).abs() < bound, "{exits} exits in {at_risk} months");
}

/// Solution of `a x = b` by Gauss-Jordan elimination with pivoting.
fn solved(mut a: [[f64; 4]; 4], mut b: [f64; 4]) -> [f64; 4] {
    for column in 0..4 {
        let pivot = (column..4).max_by(|&i, &j| a[i][column].abs().total_cmp(&a[j][column].abs()));
        let pivot = pivot.unwrap();
        a.swap(column, pivot);
        b.swap(column, pivot);
        for row in (0..4).filter(|&row| row != column) {
            let factor = a[row][column] / a[column][column];
            let pivot_row = a[column];
            a[row].iter_mut().zip(pivot_row).for_each(|(cell, pivot)| *cell -= factor * pivot);
            b[row] -= factor * b[column];
        }
    }
    std::array::from_fn(|i| b[i] / a[i][i])
}

#[test]
fn states_settle_where_the_markov_chain_does_when_nothing_moves_them() {
    let mut world = small("informative");
    world.relationship.responsiveness = 0.0;
    world.relationship.betrayal_per_critical = 0.0;
    world.outcome.annual_attrition = 1e-9;
    let params = &world.relationship;
    let odds = |x: f64| 1.0 / (1.0 + (-x).exp());
    let fall = odds(params.betrayal);
    let rise = (1.0 - fall) * odds(params.move_up);
    let slip = (1.0 - fall) * (1.0 - odds(params.move_up)) * odds(params.move_down);
    // Damaged and transactional have nowhere lower to slip, communal nowhere higher to rise.
    let moves = [(0, 1, 0), (0, 2, 1), (0, 3, 1), (0, 3, 2)];
    let mut chain = [[0.0; 4]; 4];
    for (from, (fallen, risen, slipped)) in moves.into_iter().enumerate() {
        chain[from][fallen] += fall;
        chain[from][risen] += rise;
        chain[from][slipped] += slip;
        chain[from][from] += 1.0 - fall - rise - slip;
    }
    // π (P − I) = 0 with Σ π = 1 in place of the last equation.
    let equations: [[f64; 4]; 4] = std::array::from_fn(|to| {
        std::array::from_fn(|from| match to {
            3 => 1.0,
            _ => chain[from][to] - f64::from(u8::from(from == to)),
        })
    });
    let stationary = solved(equations, [0.0, 0.0, 0.0, 1.0]);

    // 18 months before the log and 96 in it: the second eigenvalue is about .91, .91^114 < 1e-4.
    let accounts = 3_000;
    let mut counts = [0.0; 4];
    for history in builtin(world, 96).histories(accounts) {
        counts[history.truth.last().unwrap().state as usize] += 1.0;
    }
    for ((state, count), p) in RelationshipState::ALL.iter().zip(counts).zip(stationary) {
        let n = f64::from(accounts);
        let bound = 3.5 * (p * (1.0 - p) / n).sqrt();
        assert!((count / n - p).abs() < bound, "{state}: {} instead of {p}", count / n);
    }
}

#[test]
fn accounts_have_seven_contacts_on_average_at_any_time() {
    let mut world = world("irrelevant").balanced();
    world.outcome.annual_attrition = 1e-9;
    let accounts = 3_000;
    let simulation = builtin(world, 1);
    let ends = Calendar::UTC.start_of(Month::new(2022, 2).unwrap());
    let mut present = 0;
    for history in simulation.histories(accounts) {
        let here = |to: Option<Instant>| to.is_none_or(|to| to >= ends);
        present += history.contacts.iter().filter(|contact| here(contact.valid_to)).count();
    }
    // Variance 6 + 6²/3 = 18: the standard error of the mean is .077.
    let mean = present as f64 / f64::from(accounts);
    assert!((mean - 7.0).abs() < 0.2, "{mean} contacts per account");
}

/// A customer's flow of one level with the given wait, and half of its calls answered by a report
/// that is itself answered one time in two.
fn one_level(wait: &str) -> Flow {
    let catalogue = "interaction_type,rv,stage,transactional,trigger_to\n\
        call,1,retention,false,\nreport,1,retention,false,\nthanks,1,retention,false,\n\
        letter,1,acquisition,false,\norder,1,retention,true,\n";
    let flow = format!(
        r#"
catalogue = "catalogue.csv"
retention_entry = "customer"
[entry]
lead = 1.0
[transactions]
on_close = "order"
on_renewal = "order"
[transactions.on_purchase]
order = 1.0
[[levels]]
name = "lead"
stage = "acquisition"
wait = {{ exponential = {{ mean_days = 30 }} }}
[levels.mix]
letter = 1.0
[[levels]]
name = "customer"
stage = "retention"
wait = {wait}
follow_ups = [
  {{ after = "call", then = "report", probability = 0.5, wait = {{ exponential = {{ mean_days = 2 }} }} }},
  {{ after = "report", then = "thanks", probability = 0.5, wait = {{ exponential = {{ mean_days = 2 }} }} }},
]
[levels.mix]
call = 1.0
"#
    );
    Flow::from_sources(Source::new("flow.toml", flow), Source::new("catalogue.csv", catalogue))
        .unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn calls_come_at_the_renewal_rate_and_answers_in_their_proportion() {
    let laws = [
        "{ exponential = { mean_days = 20 } }",
        "{ gamma = { shape = 3.0, mean_days = 20 } }",
        "{ weibull = { shape = 0.8, scale_days = 20 } }",
        "{ log_normal = { median_days = 20, sigma = 0.8 } }",
    ];
    for law in laws {
        let flow = one_level(law);
        let mean_days = flow.level("customer").unwrap().wait.mean_days();
        let mut world = bare("irrelevant");
        world.activity.pace_sigma = 0.0;
        world.cohort.contact_tenure_days = 1e6;
        world.outcome.annual_attrition = 1e-9;
        let (accounts, months) = (400, 48);
        let mut counts = [0.0; 3];
        let mut squares = 0.0;
        for history in simulation(flow, world, Streams::new(3), months).histories(accounts) {
            let of = |kind| {
                history.interactions.iter().filter(|row| row.kind == TypeIndex(kind)).count() as f64
            };
            for kind in 0..3_u16 {
                counts[usize::from(kind)] += of(kind);
            }
            squares += of(0) * of(0);
        }
        // The first wait begins a year and a half before the log: the walk is stationary, E N = T/mean.
        let n = f64::from(accounts);
        let expected = 1_461.0 / mean_days;
        let found = counts[0] / n;
        let error = ((squares / n - found * found) / n).sqrt();
        assert!((found - expected).abs() < 3.5 * error, "{law}: {found} ± {error}, not {expected}");
        // Answers: binomial shares of the calls, and of the answers.
        for (asked, answered) in [(counts[0], counts[1]), (counts[1], counts[2])] {
            let share: f64 = answered / asked;
            assert!((share - 0.5).abs() < 3.5 * (0.25 / asked).sqrt(), "{law}: {share}");
        }
    }
}
