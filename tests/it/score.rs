//! Every score passes through one conformance property; formulas are checked against other ways
//! of computing them.

use proptest::collection::vec;
use proptest::prelude::*;
use rvq::flow::{Catalogue, CatalogueEntry, Worth};
use rvq::ids::{ContactIndex, InitiativeIndex, TypeIndex, TypeNames};
use rvq::interaction::{
    Account, AccountHistory, Contact, CustomerValue, Details, Direction, Failure, Interaction,
    LedgerComponent, LedgerEntry, Log, LogWriter, Outcome, Projection, Stage, Status, Survey,
    ValueAspect, ValueDirection,
};
use rvq::score::{
    AgeClock, CriticalCount, Dimensions, Measure, Movement, Rollup, Rv, RvMovement, RvParams,
    ScoreColumn, ScoreError, ScoreSpec, Valuation, ValuedHistory, WindowParams, bridge, drivers,
    exposures, interaction_mix, interaction_records, series,
};
use rvq::time::{Calendar, Instant, Month};

const TYPES: [(&str, f64, bool); 6] = [
    ("demo_download", 1.0, false),
    ("executive_meeting", 10.0, false),
    ("broken_promise", -4.0, false),
    ("order", 5.0, true),
    ("outage", -6.0, false),
    ("apology", 2.0, false),
];
const BROKEN_PROMISE: TypeIndex = TypeIndex(2);
const ORDER: TypeIndex = TypeIndex(3);
const OUTAGE: TypeIndex = TypeIndex(4);
const APOLOGY: TypeIndex = TypeIndex(5);

fn entry((name, rv, transactional): (&str, f64, bool)) -> CatalogueEntry {
    let failure = match name {
        "broken_promise" => Some(Failure::Relational),
        "outage" => Some(Failure::Product),
        _ => None,
    };
    CatalogueEntry {
        function: if matches!(name, "outage" | "apology") { "service" } else { "sales" }.to_owned(),
        direction: Direction::Inbound,
        worth: Worth { rv, rv_sd: None, variable_cost: 1.0, cost_sd: None },
        emotional: name == "executive_meeting",
        critical: failure.is_some(),
        transactional,
        trigger_to: (name == "executive_meeting").then(|| "committed".to_owned()),
        failure,
        recovery: name == "apology",
        ..CatalogueEntry::plain(name, rv)
    }
}

fn valuation() -> Valuation {
    let entries = TYPES.map(entry).to_vec();
    let catalogue = Catalogue::from_entries("test", entries).expect("names are unique");
    let types: TypeNames = TYPES.iter().map(|(name, ..)| *name).collect();
    Valuation::new(&catalogue, &types).expect("the catalogue has every type")
}

/// The same types in another catalogue: all is worth half as much, and a demo is bad.
fn revalued() -> Valuation {
    let entries = TYPES.map(|(name, rv, transactional)| {
        let rv = if name == "demo_download" { -1.0 } else { rv / 2.0 };
        entry((name, rv, transactional))
    });
    let catalogue = Catalogue::from_entries("next", entries.to_vec()).expect("names are unique");
    let types: TypeNames = TYPES.iter().map(|(name, ..)| *name).collect();
    Valuation::new(&catalogue, &types).expect("the catalogue has every type")
}

fn valued(history: &AccountHistory) -> ValuedHistory {
    ValuedHistory::new(history, &valuation())
}

/// Day `day` of the test's calendar.
fn day(day: f64) -> Instant {
    Instant::from_micros(1_700_000_000_000_000).plus_days(day)
}

fn history(
    contacts: Vec<Contact>,
    interactions: Vec<Interaction>,
    outcomes: Vec<Outcome>,
) -> AccountHistory {
    let account =
        Account { id: "a".to_owned(), entered_at: day(0.0), exited_at: None, ..Account::default() };
    AccountHistory { account, contacts, interactions, outcomes, ..AccountHistory::default() }
}

fn row(occurred: f64, known: f64, rv: f64) -> Interaction {
    Interaction {
        contact: None,
        kind: TypeIndex(0),
        occurred_at: day(occurred),
        known_at: day(known),
        rv: Some(rv),
        ..Interaction::default()
    }
}

fn month(number: f64, known: f64, revenue: f64, gross_profit: Option<f64>) -> Outcome {
    Outcome {
        period_start: day(number * 30.0),
        period_end: day((number + 1.0) * 30.0),
        known_at: day(known),
        revenue,
        gross_profit,
        cost_to_engage: Some(1.0),
        cost_to_serve: None,
        share_of_wallet: None,
        status: Status::Customer,
        ..Outcome::default()
    }
}

/// Half days, so that ties and as-of instants on a row are common.
fn half_days(range: std::ops::Range<i32>) -> impl Strategy<Value = f64> {
    range.prop_map(|half| f64::from(half) / 2.0)
}

/// Known at once, planned ahead, late, or very late.
fn delay() -> impl Strategy<Value = f64> {
    prop_oneof![4 => Just(0.0), 1 => half_days(-60..0), 3 => half_days(0..20), 1 => half_days(0..500)]
}

fn any_row() -> impl Strategy<Value = Interaction> {
    let contact = proptest::option::weighted(0.8, 0_u16..4);
    let rv = proptest::option::weighted(0.5, -20.0..20.0);
    let initiative = proptest::option::weighted(0.3, (0_u16..2).prop_map(InitiativeIndex));
    (half_days(0..800), delay(), contact, 0_u16..6, rv, (initiative, any_details())).prop_map(
        |(occurred, delay, contact, kind, rv, (initiative, details))| Interaction {
            contact: contact.map(ContactIndex),
            kind: TypeIndex(kind),
            rv,
            initiative,
            details,
            ..row(occurred, occurred + delay, 0.0)
        },
    )
}

fn any_details() -> impl Strategy<Value = Option<Box<Details>>> {
    let sentiment = proptest::option::of(-1.0..=1.0);
    let segment = proptest::option::weighted(
        0.3,
        prop::sample::select(vec!["retail", "large"]).prop_map(str::to_owned),
    );
    let function = proptest::option::weighted(0.2, Just("billing".to_owned()));
    let details = (sentiment, segment, function).prop_map(|(sentiment, segment_id, function)| {
        Box::new(Details { sentiment, segment_id, function, ..Details::default() })
    });
    proptest::option::of(details)
}

fn any_surveys() -> impl Strategy<Value = Vec<Survey>> {
    let subject = prop::sample::select(vec![None, Some("us"), Some("acme"), Some("best")]);
    let answer = proptest::option::weighted(0.8, half_days(0..60));
    let dimension = proptest::option::of(prop::sample::select(vec!["price", "service"]));
    let survey = (half_days(0..800), answer, subject, dimension, 1..6).prop_map(
        |(asked, wait, subject, dimension, value)| Survey {
            asked_at: day(asked),
            answered_at: wait.map(|wait| day(asked + wait)),
            instrument: "satisfaction".to_owned(),
            subject: subject.map(str::to_owned),
            dimension: dimension.map(str::to_owned),
            value: wait.map(|_| f64::from(value)),
            ..Survey::default()
        },
    );
    vec(survey, 0..12)
}

fn any_ledger() -> impl Strategy<Value = Vec<LedgerEntry>> {
    let component = prop::sample::select(LedgerComponent::ALL.to_vec());
    let entry = (half_days(0..800), component, any::<bool>(), proptest::option::of(0.0..1e4));
    let entry = entry.prop_map(|(occurred, component, given, value)| LedgerEntry {
        contact: None,
        occurred_at: day(occurred),
        component,
        direction: if given { ValueDirection::Given } else { ValueDirection::Received },
        quantity: 1.0,
        value_low: value,
        value_high: value.map(|value| 2.0 * value),
    });
    vec(entry, 0..8)
}

/// Appraisals of calendar months in UTC.
fn any_appraisals() -> impl Strategy<Value = Vec<CustomerValue>> {
    let aspect = prop::sample::select(ValueAspect::ALL.to_vec());
    let appraisal = (0..20, aspect, 0.0..=1.0, proptest::option::of(0.0..1e3));
    let appraisal = appraisal.prop_map(|(number, aspect, score, cost)| CustomerValue {
        period_start: Calendar::UTC.start_of(first_month().plus(number)),
        aspect,
        score,
        total_cost_of_ownership: cost,
    });
    vec(appraisal, 0..8)
}

fn first_month() -> Month {
    Month::new(2023, 12).expect("December is a month")
}

fn any_outcomes() -> impl Strategy<Value = Vec<Outcome>> {
    let amounts = (delay(), -50.0..500.0, proptest::option::of(-100.0..300.0));
    vec(amounts, 0..14).prop_map(|months| {
        let numbered = (0..14).map(f64::from).zip(months);
        numbered
            .map(|(n, (delay, revenue, profit))| {
                month(n, (n + 1.0) * 30.0 + delay, revenue, profit)
            })
            .collect()
    })
}

/// Four contacts who may join and leave, or no table of contacts at all.
fn any_contacts() -> impl Strategy<Value = Vec<Contact>> {
    let when = || proptest::option::of(half_days(0..800));
    let contact =
        (0.0..5.0, when(), when()).prop_map(|(influence, valid_from, valid_to)| Contact {
            id: String::new(),
            influence,
            valid_from: valid_from.map(day),
            valid_to: valid_to.map(day),
            ..Contact::default()
        });
    prop_oneof![1 => Just(Vec::new()), 4 => vec(contact, 4)]
}

fn any_history() -> impl Strategy<Value = AccountHistory> {
    let beside = (any_surveys(), any_ledger(), any_appraisals());
    (any_contacts(), vec(any_row(), 0..40), any_outcomes(), beside).prop_map(
        |(contacts, rows, outcomes, (surveys, ledger, customer_value))| AccountHistory {
            initiatives: vec!["launch".to_owned(), "council".to_owned()],
            surveys,
            ledger,
            customer_value,
            ..history(contacts, rows, outcomes)
        },
    )
}

fn any_dates() -> impl Strategy<Value = Vec<Instant>> {
    vec(half_days(0..1000).prop_map(day), 1..8).prop_map(|mut dates| {
        dates.sort();
        dates
    })
}

/// Relationship values with every parameter, and with every roll-up.
fn relationship_values() -> Vec<RvParams> {
    let all = RvParams {
        half_life_days: Some(60.0),
        position: 0.5,
        asymmetry: 2.25,
        emotion: 0.5,
        sentiment: 0.5,
        shock_product: 0.3,
        shock_relational: 0.6,
        recovery: 0.5,
        recovery_days: 20.0,
        ..RvParams::default()
    };
    let rollups = [
        Rollup::Strength,
        Rollup::Softmin { b: 0.2 },
        Rollup::Sum,
        Rollup::Weakest,
        Rollup::Dispersion,
        Rollup::Engaged { above: 1.0 },
        Rollup::Density { above: 1.0 },
        Rollup::Authority { above: 1.0 },
        Rollup::Concentration,
        Rollup::Coverage { people: 7.0 },
    ];
    let measures = [Measure::VariableCost, Measure::CustomerEffort, Measure::Activity];
    let rolled_up = rollups.into_iter().map(|rollup| RvParams { rollup, ..all });
    let others = [
        RvParams { per_record: true, ..all },
        RvParams { position: 0.0, position_scale: Some(3.0), ..all },
    ];
    let measured = measures.into_iter().map(|measure| RvParams { measure, ..all });
    rolled_up.chain(measured).chain(others).collect()
}

/// Scores for which the order of interactions at one instant matters: that of storage.
fn path_dependent() -> Vec<Box<dyn ScoreColumn>> {
    let window = WindowParams { window_days: 90.0, transactions: false };
    let others = [
        ScoreSpec::RvSignFlips(window),
        ScoreSpec::RvPeakEnd(window),
        ScoreSpec::Level { transactions: false },
        ScoreSpec::Cohesion { window_days: 90.0, gap_days: 7.0 },
    ];
    let family = relationship_values().into_iter().map(ScoreSpec::Rv);
    family.chain(others).map(|spec| spec.build().expect("parameters are in range")).collect()
}

fn all_scores() -> Vec<Box<dyn ScoreColumn>> {
    let mut all = order_free();
    all.extend(path_dependent());
    all
}

fn order_free() -> Vec<Box<dyn ScoreColumn>> {
    let window = WindowParams { window_days: 90.0, transactions: false };
    let others = [
        ScoreSpec::RvAcceleration(window),
        ScoreSpec::RvVolatility(window),
        ScoreSpec::RvPerCost { window_days: 90.0, floor: 0.5 },
        ScoreSpec::WeightedContacts { window_days: 90.0, inbound: 2.0, outbound: 1.0 },
        ScoreSpec::CustomerEffortCost {
            window_days: 90.0,
            wage: 40.0,
            out_of_pocket: 2.0,
            delay: 10.0,
        },
        ScoreSpec::VolumeRecency { window_days: 90.0 },
        ScoreSpec::VolumeTimesEmotion { window_days: 90.0 },
        ScoreSpec::Standing { window_days: 365.0, over: Dimensions::Mean, pseudo_answers: 2.0 },
        ScoreSpec::Standing { window_days: 365.0, over: Dimensions::Weakest, pseudo_answers: 0.0 },
        ScoreSpec::WalletAllocation { window_days: 365.0, unanswered: 0.5 },
        ScoreSpec::LastSurvey { instrument: "satisfaction".to_owned(), unanswered: 3.0 },
        ScoreSpec::NonMonetary { direction: ValueDirection::Received, window_days: 365.0 },
        ScoreSpec::CustomerNetValue { worth: 1e3, brand: 1.0, product: 1.0, experience: 2.0 },
        ScoreSpec::Size {},
        ScoreSpec::BgNbd { r: 0.243, alpha: 30.9, a: 0.793, b: 2.426, horizon_days: 90.0 },
        ScoreSpec::RvSum { transactions: true },
        ScoreSpec::RvDecay { half_life_days: 30.0, transactions: true },
        ScoreSpec::RvVelocity(WindowParams { window_days: 365.0, transactions: true }),
    ];
    ScoreSpec::default_family()
        .into_iter()
        .chain(ScoreSpec::baselines())
        .chain(others)
        .map(|spec| spec.build().expect("parameters are positive"))
        .collect()
}

fn is_readable(occurred_at: Instant, known_at: Instant, as_of: Instant) -> bool {
    occurred_at.max(known_at) < as_of
}

/// The log as somebody who exports it just before `as_of` sees it.
fn known_before(history: &AccountHistory, as_of: Instant) -> AccountHistory {
    let mut past = history.clone();
    past.interactions.retain(|row| is_readable(row.occurred_at, row.known_at, as_of));
    past.surveys.retain(|row| row.answered_at.is_some_and(|at| at < as_of));
    past.ledger.retain(|row| row.occurred_at < as_of);
    // An appraisal is of a month, and known in its last two hours.
    past.customer_value.retain(|row| {
        let month = Calendar::UTC.month_of(row.period_start);
        Calendar::UTC.end_of(month).plus_days(-2.0 / 24.0) <= as_of
    });
    past.outcomes.retain(|row| row.period_end <= as_of && row.known_at <= as_of);
    past
}

/// What every score promises: no look-ahead, finite values, one answer however dates are asked for,
/// and no trace of the order in which rows became known.
fn conformance(
    score: &dyn ScoreColumn,
    log: &AccountHistory,
    dates: &[Instant],
) -> Result<(), TestCaseError> {
    let name = score.name();
    let values = score.series(&valued(log), dates);
    prop_assert_eq!(values.len(), dates.len());
    prop_assert!(values.iter().all(|value| value.is_finite()), "{} is not finite", name);
    for (&as_of, &value) in dates.iter().zip(&values) {
        let past = known_before(log, as_of);
        let at = |history: &AccountHistory| score.series(&valued(history), &[as_of])[0];
        prop_assert_eq!(value.to_bits(), at(&past).to_bits(), "{} looks ahead", name);
        prop_assert_eq!(value.to_bits(), at(log).to_bits(), "{} depends on other dates", name);
        let mut prompt = past.clone();
        prompt.interactions.iter_mut().for_each(|row| row.known_at = row.occurred_at);
        prompt.outcomes.iter_mut().for_each(|row| row.known_at = row.period_end.plus_days(-1.0));
        prop_assert_eq!(value.to_bits(), at(&prompt).to_bits(), "{} remembers delays", name);
    }
    Ok(())
}

fn close(a: f64, b: f64) -> bool {
    // A few hundred additions of numbers below 1e4 round to far less than this.
    (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

/// The additive ones, and the plain sum.
fn additive() -> Vec<Rv> {
    let params = relationship_values().into_iter();
    let additive = params.filter(|p| matches!(p.rollup, Rollup::Strength | Rollup::Sum));
    additive.map(|params| Rv::new(params).unwrap()).chain([Rv::sum()]).collect()
}

/// Linear in the values: every parameter that keeps it so, and the plain sum.
fn linear() -> Vec<Rv> {
    let all = RvParams {
        half_life_days: Some(60.0),
        position: 0.5,
        emotion: 0.5,
        recovery: 0.5,
        transactions: true,
        ..RvParams::default()
    };
    let params = [all, RvParams { rollup: Rollup::Sum, ..all }, RvParams::default()];
    params.map(|params| Rv::new(params).unwrap()).to_vec()
}

/// Two catalogues that agree only in the ratio of the segment `large` to the base.
fn with_segments(factor: f64) -> Valuation {
    let entries = TYPES.map(|of_type| {
        let mut entry = entry(of_type);
        entry.worth.rv *= factor * f64::from(entry.interaction_type.len() as u32 % 3);
        let large = Worth { rv: 2.5 * entry.worth.rv, ..entry.worth };
        entry.overrides = vec![("large".to_owned(), large)];
        entry
    });
    let catalogue = Catalogue::from_entries("test", entries.to_vec()).expect("names are unique");
    let types: TypeNames = TYPES.iter().map(|(name, ..)| *name).collect();
    Valuation::new(&catalogue, &types).expect("the catalogue has every type")
}

proptest! {
    #[test]
    fn exposures_times_any_catalogue_are_the_score_under_it(
        mut log in any_history(),
        dates in any_dates(),
        is_large in any::<bool>(),
    ) {
        log.account.segment_id = is_large.then(|| "large".to_owned());
        let (one, other) = (with_segments(1.0), with_segments(-3.0));
        let history = ValuedHistory::new(&log, &one);
        for score in linear() {
            let found = exposures(&score, &history, &dates).unwrap();
            for valuation in [&one, &other] {
                let scores = series(&score, &ValuedHistory::new(&log, valuation), &dates);
                for (date, expected) in scores.into_iter().enumerate() {
                    let pairs = found.types.iter().zip(found.at(date));
                    let parts: f64 = pairs.map(|(&m, e)| valuation.base_value(m) * e).sum();
                    let sum = found.fixed[date] + parts;
                    prop_assert!(close(sum, expected), "{} is {expected}, not {sum}", ScoreColumn::name(&score));
                }
            }
        }
    }

    #[test]
    fn exposures_do_not_look_ahead(log in any_history(), dates in any_dates()) {
        for score in linear() {
            let all = exposures(&score, &valued(&log), &dates).unwrap();
            for (date, &as_of) in dates.iter().enumerate() {
                let past = valued(&known_before(&log, as_of));
                let then = exposures(&score, &past, &[as_of]).unwrap();
                let found: Vec<_> = all.types.iter().zip(all.at(date)).collect();
                for (kind, &value) in found {
                    let known = then.types.iter().position(|k| k == kind);
                    let expected = known.map_or(0.0, |at| then.values[at]);
                    prop_assert_eq!(value.to_bits(), expected.to_bits(), "{:?} looks ahead", kind);
                }
                prop_assert_eq!(all.fixed[date].to_bits(), then.fixed[0].to_bits());
            }
        }
    }

    #[test]
    fn the_drivers_of_a_score_add_up_to_it(log in any_history(), dates in any_dates()) {
        let history = valued(&log);
        for score in additive() {
            for (&as_of, value) in dates.iter().zip(series(&score, &history, &dates)) {
                let parts: f64 =
                    drivers(&score, &history, as_of).unwrap().iter().map(|d| d.part).sum();
                prop_assert!(close(parts, value), "{}: {parts} {value}", ScoreColumn::name(&score));
            }
        }
    }

    #[test]
    fn the_steps_of_a_bridge_add_up_to_the_move(
        log in any_history(),
        (first, length) in (half_days(0..900), half_days(0..200)),
    ) {
        let (first, last) = (day(first), day(first + length));
        let (old, new) = (valued(&log), ValuedHistory::new(&log, &revalued()));
        for score in additive() {
            let found = bridge(&score, (&old, first), (&new, last)).unwrap();
            let moved: f64 = found.steps().iter().map(|(_, step)| step).sum();
            prop_assert!(close(found.from, series(&score, &old, &[first])[0]), "{found:?}");
            prop_assert!(close(found.to, series(&score, &new, &[last])[0]), "{found:?}");
            prop_assert!(close(found.from + moved, found.to), "{found:?}");
            let same = bridge(&score, (&old, first), (&old, last)).unwrap();
            prop_assert!(close(same.catalogue, 0.0), "{same:?}");
            let still = bridge(&score, (&old, first), (&old, first)).unwrap();
            prop_assert!(still.steps().iter().all(|(_, step)| close(*step, 0.0)), "{still:?}");
        }
    }

    #[test]
    fn without_failures_a_shock_does_nothing(log in any_history(), dates in any_dates()) {
        let mut calm = log.clone();
        calm.interactions.retain(|row| row.kind != OUTAGE && row.kind != BROKEN_PROMISE);
        let shock = RvParams { shock_product: 0.9, shock_relational: 1.0, recovery: 1.0,
            ..RvParams::default() };
        prop_assert_eq!(
            series(&Rv::new(shock).unwrap(), &valued(&calm), &dates),
            series(&Rv::sum(), &valued(&calm), &dates)
        );
    }

    #[test]
    fn every_score_conforms(log in any_history(), dates in any_dates()) {
        for score in all_scores() {
            conformance(score.as_ref(), &log, &dates)?;
        }
    }

    #[test]
    fn a_row_not_yet_readable_changes_nothing(
        log in any_history(),
        dates in any_dates(),
        added in any_row(),
        position in any::<prop::sample::Index>(),
    ) {
        let mut longer = log.clone();
        longer.interactions.insert(position.index(log.interactions.len() + 1), added.clone());
        let earlier: Vec<Instant> = dates
            .into_iter()
            .filter(|&as_of| !is_readable(added.occurred_at, added.known_at, as_of))
            .collect();
        for score in all_scores() {
            let before = score.series(&valued(&log), &earlier);
            let after = score.series(&valued(&longer), &earlier);
            prop_assert_eq!(before, after, "{} sees the added row", score.name());
        }
    }

    #[test]
    fn the_storage_order_of_rows_does_not_matter(log in any_history(), dates in any_dates()) {
        let mut reversed = log.clone();
        reversed.interactions.reverse();
        for score in order_free() {
            let forwards = score.series(&valued(&log), &dates);
            let backwards = score.series(&valued(&reversed), &dates);
            let agree = forwards.iter().zip(&backwards).all(|(a, b)| close(*a, *b));
            prop_assert!(agree, "{}: {forwards:?} {backwards:?}", score.name());
        }
    }

    #[test]
    fn splitting_a_row_in_two_parts_changes_no_relationship_value(
        log in any_history(),
        dates in any_dates(),
        share in 0.0..1.0,
    ) {
        let whole = valued(&log);
        let mut split = log.clone();
        split.interactions.clear();
        for (row, valued) in log.interactions.iter().zip(whole_values(&log)) {
            let part = |share: f64| Interaction { rv: Some(valued * share), ..row.clone() };
            split.interactions.extend([part(share), part(1.0 - share)]);
        }
        for spec in ScoreSpec::default_family() {
            let score = spec.build().unwrap();
            let before = score.series(&whole, &dates);
            let after = score.series(&valued(&split), &dates);
            let agree = before.iter().zip(&after).all(|(a, b)| close(*a, *b));
            prop_assert!(agree, "{}: {before:?} {after:?}", score.name());
        }
    }

    #[test]
    fn purchases_leave_no_trace_in_the_default_family(
        log in any_history(),
        dates in any_dates(),
    ) {
        let mut without = log.clone();
        without.interactions.retain(|row| row.kind != ORDER);
        for spec in ScoreSpec::default_family() {
            let score = spec.build().unwrap();
            prop_assert_eq!(
                score.series(&valued(&log), &dates),
                score.series(&valued(&without), &dates),
                "{} reads purchases", score.name()
            );
        }
    }

    #[test]
    fn decay_with_an_infinite_half_life_is_the_sum(log in any_history(), dates in any_dates()) {
        let history = valued(&log);
        let decay = Rv::decay(f64::INFINITY).unwrap();
        prop_assert_eq!(
            series(&decay, &history, &dates),
            series(&Rv::sum(), &history, &dates)
        );
    }

    #[test]
    fn decay_matches_its_closed_form(
        rows in vec((half_days(0..800), delay(), -20.0..20.0), 0..40),
        as_of in half_days(0..1000),
        half_life in 5.0..400.0,
    ) {
        let log = account_level(&rows);
        let expected: f64 = rows
            .iter()
            .filter(|(at, delay, _)| at.max(at + delay) < as_of)
            .map(|(at, _, rv)| rv * 0.5_f64.powf((as_of - at) / half_life))
            .sum();
        let score = Rv::decay(half_life).unwrap();
        let value = series(&score, &valued(&log), &[day(as_of)])[0];
        prop_assert!(close(value, expected), "{value} {expected}");
    }

    #[test]
    fn velocity_is_the_least_squares_slope(
        rows in vec((half_days(0..800), delay(), -20.0..20.0), 0..40),
        as_of in half_days(0..1000),
        window in 1..400_i32,
    ) {
        let log = account_level(&rows);
        let window = f64::from(window);
        let known: Vec<(f64, f64)> = rows
            .iter()
            .filter(|(at, delay, _)| at.max(at + delay) < as_of)
            .map(|(at, _, rv)| (*at, *rv))
            .collect();
        let expected = least_squares_slope(&known, as_of, window);
        let score = RvMovement::new(Movement::Velocity, window).unwrap();
        let value = series(&score, &valued(&log), &[day(as_of)])[0];
        prop_assert!(close(value, expected), "{value} {expected}");
    }
}

/// Values of the rows of `log` in order of storage.
fn whole_values(log: &AccountHistory) -> impl Iterator<Item = f64> {
    log.interactions.iter().map(|row| row.rv.unwrap_or(TYPES[usize::from(row.kind.0)].1))
}

fn account_level(rows: &[(f64, f64, f64)]) -> AccountHistory {
    let rows = rows.iter().map(|(at, delay, rv)| row(*at, at + delay, *rv)).collect();
    history(Vec::new(), rows, Vec::new())
}

/// Slope of the least-squares line through the cumulative value at the middles of half-day cells.
///
/// Steps lie on cell borders, where the midpoint rule integrates the covariance exactly; it
/// understates the variance W²/12 by the factor 1 − 1/n² for n cells, which is put right here.
fn least_squares_slope(known: &[(f64, f64)], as_of: f64, window: f64) -> f64 {
    let cells = (window * 2.0) as usize;
    let points: Vec<(f64, f64)> = (0..cells)
        .map(|cell| {
            let s = 0.5 * cell as f64 + 0.25;
            let at = as_of - window + s;
            let cumulative = known.iter().filter(|(t, _)| *t <= at).map(|(_, rv)| rv).sum();
            (s, cumulative)
        })
        .collect();
    let n = cells as f64;
    let mean_s = points.iter().map(|(s, _)| s).sum::<f64>() / n;
    let mean_value = points.iter().map(|(_, value)| value).sum::<f64>() / n;
    let covariance: f64 = points.iter().map(|(s, v)| (s - mean_s) * (v - mean_value)).sum();
    let variance: f64 = points.iter().map(|(s, _)| (s - mean_s).powi(2)).sum();
    covariance / variance * (1.0 - n.powi(-2))
}

/// A column that reads a row without asking when it became known.
struct Peeking;

impl ScoreColumn for Peeking {
    fn name(&self) -> String {
        "peeking".to_owned()
    }

    fn accumulates(&self) -> bool {
        true
    }

    fn series(&self, history: &ValuedHistory, as_of: &[Instant]) -> Vec<f64> {
        let rows = history.interactions();
        let count = |as_of| rows.iter().filter(|row| row.occurred_at < as_of).count() as f64;
        as_of.iter().map(|&as_of| count(as_of)).collect()
    }
}

#[test]
fn conformance_rejects_a_column_that_ignores_when_rows_become_known() {
    let log = history(Vec::new(), vec![row(1.0, 5.0, 1.0)], Vec::new());
    assert!(conformance(&Peeking, &log, &[day(3.0)]).is_err());
    assert!(conformance(&Peeking, &log, &[day(6.0)]).is_ok());
}

/// What a row may say of itself beside its value.
type Told = (Option<f64>, Option<f64>, Option<bool>, Option<u8>);

fn any_told() -> impl Strategy<Value = Vec<Told>> {
    use proptest::option::of;
    vec((of(0.0..9.0), of(0.0..60.0), of(any::<bool>()), of(0_u8..2)), 40)
}

/// The history as a log can keep it: in order, known once it happened, of contacts with names; its rows
/// say what `told` does.
fn as_logged(mut log: AccountHistory, told: &[Told]) -> AccountHistory {
    let unlisted = 4 - log.contacts.len();
    log.contacts.extend(std::iter::repeat_n(Contact::default(), unlisted));
    for (number, contact) in log.contacts.iter_mut().enumerate() {
        contact.id = format!("c{number}");
        contact.valid_to =
            contact.valid_to.map(|to| contact.valid_from.map_or(to, |at| to.max(at)));
    }
    for (row, (cost, effort, inbound, source)) in log.interactions.iter_mut().zip(told) {
        (row.variable_cost, row.customer_effort) = (*cost, *effort);
        row.direction =
            inbound.map(|inbound| if inbound { Direction::Inbound } else { Direction::Outbound });
        if let (Some(details), Some(source)) = (&mut row.details, source) {
            details.source_id = Some(format!("s{source}"));
        }
    }
    log.interactions.iter_mut().for_each(|row| row.known_at = row.known_at.max(row.occurred_at));
    log.interactions.sort_by_key(|row| row.occurred_at);
    log.outcomes.iter_mut().for_each(|row| row.known_at = row.known_at.max(row.period_end));
    log.surveys.sort_by_key(|row| row.asked_at);
    log.ledger.sort_by_key(|row| row.occurred_at);
    log.customer_value.retain(|row| row.period_start >= log.account.entered_at);
    log.customer_value.sort_by_key(|row| (row.period_start, row.aspect));
    log.customer_value.dedup_by_key(|row| (row.period_start, row.aspect));
    log
}

/// Whether `score` has the same values when nothing is read but what it asks for.
fn asks_for_enough(log: &Log, score: &dyn ScoreColumn, dates: &[Instant]) -> bool {
    let catalogue = Catalogue::from_entries("test", TYPES.map(entry).to_vec()).unwrap();
    let valuation = Valuation::new(&catalogue, log.types()).unwrap();
    let values = |projection| -> Vec<u64> {
        let mut histories = log.clone().with_projection(projection).histories().unwrap();
        let history = histories.next().unwrap().unwrap();
        let values = score.series(&ValuedHistory::new(&history, &valuation), dates);
        values.into_iter().map(f64::to_bits).collect()
    };
    values(score.projection()) == values(Projection::ALL)
}

fn logged(history: &AccountHistory) -> (tempfile::TempDir, Log) {
    let folder = tempfile::tempdir().unwrap();
    let types: TypeNames = TYPES.iter().map(|(name, ..)| *name).collect();
    let mut writer = LogWriter::create(folder.path(), &types, "test").unwrap();
    writer.write(history).unwrap();
    writer.finish().unwrap();
    let log = Log::open(folder.path()).unwrap();
    (folder, log)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_score_asks_for_what_it_reads(
        history in any_history(), told in any_told(), dates in any_dates(),
    ) {
        let (_folder, log) = logged(&as_logged(history, &told));
        let mut scores = all_scores();
        scores.push(Box::new(CriticalCount::new(90.0).unwrap()));
        scores.extend(interaction_mix(&valuation(), 180.0).unwrap());
        for score in scores {
            prop_assert!(asks_for_enough(&log, score.as_ref(), &dates), "{}", score.name());
        }
    }
}

/// The plain sum, which says that it reads no values.
struct Forgetful;

impl ScoreColumn for Forgetful {
    fn name(&self) -> String {
        "forgetful".to_owned()
    }

    fn accumulates(&self) -> bool {
        true
    }

    fn projection(&self) -> Projection {
        Projection::LEAST
    }

    fn series(&self, history: &ValuedHistory, as_of: &[Instant]) -> Vec<f64> {
        series(&Rv::sum(), history, as_of)
    }
}

#[test]
fn a_score_that_asks_for_too_little_is_found() {
    let rows = vec![row(1.0, 1.0, 7.0)];
    let (_folder, log) = logged(&history(Vec::new(), rows, Vec::new()));
    assert!(!asks_for_enough(&log, &Forgetful, &[day(3.0)]));
    assert!(asks_for_enough(&log, &Rv::sum(), &[day(3.0)]));
}

#[test]
fn scores_have_distinct_names() {
    let mut names: Vec<String> = all_scores().iter().map(|score| score.name()).collect();
    names.sort();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "{names:?}");
}

#[test]
fn a_late_row_counts_from_the_day_it_is_known_and_at_its_age() {
    // 8 on day 0, and 4 on day 10 that nobody knows before day 25; half-life 10 days.
    let log = history(
        Vec::new(),
        vec![row(0.0, 0.0, 8.0), row(10.0, 25.0, 4.0), row(20.0, 20.0, 2.0)],
        Vec::new(),
    );
    let dates = [day(20.0), day(20.5), day(25.0), day(30.0)];
    let values = series(&Rv::decay(10.0).unwrap(), &valued(&log), &dates);
    let fade = |days: f64| 0.5_f64.powf(days / 10.0);
    let expected = [2.0, (2.0 + 2.0) * fade(0.5), (2.0 + 2.0) * fade(5.0), 1.0 + 1.0 + 1.0];
    for (value, expected) in values.iter().zip(expected) {
        assert!((value - expected).abs() < 1e-12, "{values:?}");
    }
}

#[test]
fn a_planned_row_waits_until_it_has_happened() {
    let log = history(Vec::new(), vec![row(10.0, 1.0, 3.0)], Vec::new());
    let values = series(&Rv::sum(), &valued(&log), &[day(5.0), day(10.0), day(10.5)]);
    assert_eq!(values, [0.0, 0.0, 3.0]);
}

fn contact(influence: f64, from: Option<f64>, to: Option<f64>) -> Contact {
    Contact {
        id: String::new(),
        influence,
        valid_from: from.map(day),
        valid_to: to.map(day),
        ..Contact::default()
    }
}

fn of_contact(position: u16, row: Interaction) -> Interaction {
    Interaction { contact: Some(ContactIndex(position)), ..row }
}

#[test]
fn a_contact_who_leaves_takes_the_relationship_value_along() {
    let contacts = vec![contact(3.0, Some(-1.0), Some(20.0)), contact(1.0, Some(-1.0), None)];
    let rows = vec![of_contact(0, row(1.0, 1.0, 10.0)), of_contact(1, row(2.0, 2.0, 2.0))];
    let log = history(contacts, rows, Vec::new());
    let values = series(&Rv::sum(), &valued(&log), &[day(20.0), day(20.5)]);
    assert_eq!(values, [8.0, 2.0]);
}

#[test]
fn a_contact_who_joins_counts_before_the_first_interaction_but_not_before_joining() {
    let contacts = vec![contact(1.0, Some(0.0), None), contact(1.0, Some(10.0), None)];
    let log = history(contacts, vec![of_contact(0, row(1.0, 1.0, 6.0))], Vec::new());
    let values = series(&Rv::sum(), &valued(&log), &[day(10.0), day(10.5)]);
    assert_eq!(values, [6.0, 3.0]);
}

#[test]
fn contacts_without_a_table_weigh_the_same_from_their_first_interaction_on() {
    let rows = vec![of_contact(0, row(1.0, 1.0, 6.0)), of_contact(1, row(5.0, 5.0, 2.0))];
    let log = history(Vec::new(), rows, Vec::new());
    let values = series(&Rv::sum(), &valued(&log), &[day(0.5), day(4.0), day(6.0)]);
    assert_eq!(values, [0.0, 6.0, 4.0]);
}

fn baseline(spec: &ScoreSpec, log: &AccountHistory, dates: &[f64]) -> Vec<f64> {
    let dates: Vec<Instant> = dates.iter().map(|&at| day(at)).collect();
    spec.build().expect("baselines have no parameters").series(&valued(log), &dates)
}

#[test]
fn baselines_over_interactions_match_hand_counts() {
    let order = Interaction { kind: ORDER, ..row(40.0, 40.0, 0.0) };
    let rows = vec![row(10.0, 10.0, 1.0), order, row(200.0, 200.0, 1.0)];
    let log = history(Vec::new(), rows, Vec::new());
    let dates = [5.0, 30.0, 100.0, 220.0, 221.0];
    let of = |spec| baseline(&spec, &log, &dates);
    assert_eq!(of(ScoreSpec::Count {}), [0.0, 1.0, 2.0, 3.0, 3.0]);
    assert_eq!(of(ScoreSpec::PurchaseCount {}), [0.0, 0.0, 1.0, 1.0, 1.0]);
    assert_eq!(of(ScoreSpec::Recency {}), [-5.0, -20.0, -60.0, -20.0, -21.0]);
    assert_eq!(of(ScoreSpec::PurchaseRecency {}), [-5.0, -30.0, -60.0, -180.0, -181.0]);
    assert_eq!(of(ScoreSpec::Tenure {}), dates);
    // 1/6 per row in the window; on day 220 it begins on day 40, whose row still counts.
    let sixth = 30.0 / 180.0;
    let frequency = of(ScoreSpec::Frequency {});
    for (value, rows) in frequency.iter().zip([0.0, 1.0, 2.0, 2.0, 1.0]) {
        assert!((value - rows * sixth).abs() < 1e-12, "{frequency:?}");
    }
}

#[test]
fn baselines_over_outcomes_use_the_latest_twelve_known_months() {
    // Revenue 1, 2, …, 14; profit 10 more than revenue, less 1 of cost to engage; 5 days to close.
    // The first month is known on day 35: not a moment before, and on that day.
    let months = (0..14)
        .map(f64::from)
        .map(|n| month(n, (n + 1.0) * 30.0 + 5.0, n + 1.0, Some(n + 11.0)))
        .collect();
    let log = history(Vec::new(), Vec::new(), months);
    let dates = [30.0, 34.9, 35.0, 66.0, 426.0];
    let of = |spec| baseline(&spec, &log, &dates);
    assert_eq!(of(ScoreSpec::Spend {}), [0.0, 0.0, 1.0, 3.0, 102.0]);
    assert_eq!(of(ScoreSpec::PastProfit {}), [0.0, 0.0, 10.0, 21.0, 210.0]);
    assert_eq!(of(ScoreSpec::LastValue {}), [0.0, 0.0, 10.0, 11.0, 23.0]);
}

#[test]
fn without_gross_profit_the_profit_baselines_fall_back_to_revenue() {
    let months = vec![month(0.0, 30.0, 7.0, None), month(1.0, 60.0, 5.0, None)];
    let log = history(Vec::new(), Vec::new(), months);
    assert_eq!(baseline(&ScoreSpec::PastProfit {}, &log, &[61.0]), [12.0]);
    assert_eq!(baseline(&ScoreSpec::LastValue {}, &log, &[61.0]), [5.0]);
}

#[test]
fn an_outcome_known_before_its_period_ends_waits_for_the_end() {
    let log = history(Vec::new(), Vec::new(), vec![month(0.0, 3.0, 7.0, None)]);
    assert_eq!(baseline(&ScoreSpec::Spend {}, &log, &[29.5, 30.0]), [0.0, 7.0]);
}

/// A row of the given type with the catalogue's value.
fn of_type(kind: TypeIndex, occurred: f64) -> Interaction {
    Interaction { kind, rv: None, ..row(occurred, occurred, 0.0) }
}

#[test]
fn a_failure_destroys_a_share_and_a_recovery_in_time_gives_some_back() {
    let score = Rv::new(RvParams {
        shock_product: 0.5,
        shock_relational: 1.0,
        recovery: 0.4,
        ..RvParams::default()
    })
    .unwrap();
    let value = |rows: Vec<Interaction>| {
        series(&score, &valued(&history(Vec::new(), rows, Vec::new())), &[day(200.0)])[0]
    };
    let meeting = || of_type(TypeIndex(1), 0.0);
    // 10·(1 − .5) − 6 = −1; an apology gives back .4·5 and is worth 2 itself.
    assert!(close(value(vec![meeting(), of_type(OUTAGE, 10.0)]), -1.0));
    let repaired = |at| vec![meeting(), of_type(OUTAGE, 10.0), of_type(APOLOGY, at)];
    assert!(close(value(repaired(30.0)), 3.0));
    // Too late, it is only worth itself; and nothing is given back twice.
    assert!(close(value(repaired(41.0)), 1.0));
    let mut twice = repaired(30.0);
    twice.push(of_type(APOLOGY, 31.0));
    assert!(close(value(twice), 5.0));
    // Nothing is left after a broken promise, and nothing more can be destroyed.
    let broken = vec![meeting(), of_type(BROKEN_PROMISE, 5.0), of_type(BROKEN_PROMISE, 6.0)];
    assert!(close(value(broken), -8.0));
}

#[test]
fn an_emotional_moment_counts_more() {
    let score = Rv::new(RvParams { emotion: 0.5, ..RvParams::default() }).unwrap();
    let rows = vec![of_type(TypeIndex(1), 1.0), of_type(TypeIndex(0), 2.0)];
    let valued = valued(&history(Vec::new(), rows, Vec::new()));
    assert!(close(series(&score, &valued, &[day(9.0)])[0], 16.0));
}

#[test]
fn the_position_of_a_type_counts_in_each_record() {
    let score = Rv::new(RvParams { position: 1.0, ..RvParams::default() }).unwrap();
    let demo = |contact, at| Interaction {
        contact: Some(ContactIndex(contact)),
        ..of_type(TypeIndex(0), at)
    };
    let rows = vec![demo(0, 1.0), demo(0, 2.0), demo(0, 3.0), demo(1, 4.0)];
    let valued = valued(&history(Vec::new(), rows, Vec::new()));
    // 1 + 1/2 + 1/3 for the first contact, 1 for the second; equal influence.
    let expected = (1.0 + 0.5 + 1.0 / 3.0 + 1.0) / 2.0;
    assert!(close(series(&score, &valued, &[day(9.0)])[0], expected));
}

#[test]
fn the_cost_of_a_meeting_with_three_is_counted_once_and_its_value_for_each() {
    let meeting = |contact| Interaction {
        contact: Some(ContactIndex(contact)),
        variable_cost: Some(60.0),
        details: Some(Box::new(Details {
            source_id: Some("meeting 7".to_owned()),
            ..Details::default()
        })),
        ..of_type(TypeIndex(1), 3.0)
    };
    let log = history(Vec::new(), vec![meeting(0), meeting(1), meeting(2)], Vec::new());
    let sum = |measure| {
        let params = RvParams { measure, rollup: Rollup::Sum, ..RvParams::default() };
        series(&Rv::new(params).unwrap(), &valued(&log), &[day(9.0)])[0]
    };
    assert!(close(sum(Measure::VariableCost), 60.0));
    assert!(close(sum(Measure::Rv), 30.0));
    // The same row keyed in twice for one contact is a duplicate, which is for ingestion to find.
    let twice = history(Vec::new(), vec![meeting(0), meeting(0)], Vec::new());
    let params = RvParams { measure: Measure::VariableCost, ..RvParams::default() };
    let value = series(&Rv::new(params).unwrap(), &valued(&twice), &[day(9.0)])[0];
    assert!(close(value, 120.0), "{value}");
}

proptest! {
    #[test]
    fn a_shared_cost_is_counted_once_and_by_what_is_known(
        known in vec(half_days(-4..40), 1..6),
        as_of in half_days(1..50),
    ) {
        let meeting = |(contact, known): (u16, &f64)| Interaction {
            contact: Some(ContactIndex(contact)),
            known_at: day(*known),
            variable_cost: Some(60.0),
            details: Some(Box::new(Details {
                source_id: Some("meeting 7".to_owned()),
                ..Details::default()
            })),
            ..of_type(TypeIndex(1), 0.0)
        };
        let log = history(Vec::new(), (0..).zip(&known).map(meeting).collect(), Vec::new());
        let measure = Measure::VariableCost;
        let sum = RvParams { measure, rollup: Rollup::Sum, ..RvParams::default() };
        let value = |log: &AccountHistory, params| {
            series(&Rv::new(params).unwrap(), &valued(log), &[day(as_of)])[0]
        };
        let any = known.iter().any(|known| is_readable(day(0.0), day(*known), day(as_of)));
        let expected = if any { 60.0 } else { 0.0 };
        prop_assert!(close(value(&log, sum), expected));
        // What is not known yet leaves no trace, whoever carries the cost.
        let past = known_before(&log, day(as_of));
        for params in [sum, RvParams { measure, ..RvParams::default() }] {
            prop_assert_eq!(value(&log, params).to_bits(), value(&past, params).to_bits());
        }
    }
}

#[test]
fn a_bridge_puts_each_move_where_it_belongs() {
    let contact = |id: &str, influence, from, to: Option<f64>| Contact {
        id: id.to_owned(),
        influence,
        valid_from: Some(day(from)),
        valid_to: to.map(day),
        ..Contact::default()
    };
    let with = |contact, kind, occurred, known| Interaction {
        contact: Some(ContactIndex(contact)),
        known_at: day(known),
        ..of_type(TypeIndex(kind), occurred)
    };
    let log = history(
        vec![contact("a", 1.0, 0.0, None), contact("b", 1.0, 0.0, Some(60.0))],
        vec![
            with(0, 1, 5.0, 5.0),
            with(1, 0, 6.0, 6.0),
            with(0, 4, 20.0, 45.0),
            with(0, 0, 50.0, 50.0),
        ],
        Vec::new(),
    );
    let (old, new) = (valued(&log), ValuedHistory::new(&log, &revalued()));
    let found = bridge(&Rv::sum(), (&old, day(30.0)), (&new, day(90.0))).unwrap();
    // At day 30: a has 10, b has 1; b leaves with 1 at day 60.
    assert!(close(found.from, 5.5));
    // 5 and −1 in the next catalogue; the outage (−3) was entered late, then a demo (−1).
    assert!(close(found.catalogue, 2.0 - 5.5));
    assert!(close(found.late, -1.5));
    assert!(close(found.fading, 0.0));
    assert!(close(found.behaviour, -0.5));
    // a alone has 5 − 3 − 1 = 1, where both had (1 − 1)/2.
    assert!(close(found.aggregation, 1.0) && close(found.to, 1.0), "{found:?}");
}

#[test]
fn exposures_of_a_small_log_are_those_counted_by_hand() {
    let log = history(
        Vec::new(),
        vec![
            of_type_without_value(1, 0.0),
            of_type_without_value(1, 30.0),
            Interaction { kind: TypeIndex(0), ..row(30.0, 30.0, 7.0) },
        ],
        Vec::new(),
    );
    let score = Rv::decay(30.0).unwrap();
    let found = exposures(&score, &valued(&log), &[day(60.0)]).unwrap();
    assert_eq!(found.types, [TypeIndex(0), TypeIndex(1)]);
    assert!(found.values[0].abs() < 1e-12 && (found.values[1] - 0.75).abs() < 1e-12);
    assert!((found.fixed[0] - 3.5).abs() < 1e-12);
}

#[test]
fn where_the_base_value_is_0_a_segment_has_its_own_in_the_fixed_part() {
    let mut entries = TYPES.map(entry).to_vec();
    let worth = entries[1].worth;
    entries[1].worth.rv = 0.0;
    entries[1].overrides = vec![("large".to_owned(), worth)];
    let catalogue = Catalogue::from_entries("test", entries).unwrap();
    let types: TypeNames = TYPES.iter().map(|(name, ..)| *name).collect();
    let valuation = Valuation::new(&catalogue, &types).unwrap();
    let mut log = history(Vec::new(), vec![of_type_without_value(1, 0.0)], Vec::new());
    log.account.segment_id = Some("large".to_owned());
    let valued = ValuedHistory::new(&log, &valuation);
    let found = exposures(&Rv::sum(), &valued, &[day(1.0)]).unwrap();
    assert_eq!((found.values[0], found.fixed[0]), (0.0, 10.0));
}

fn of_type_without_value(kind: u16, at: f64) -> Interaction {
    Interaction { kind: TypeIndex(kind), rv: None, ..row(at, at, 0.0) }
}

#[test]
fn what_is_no_sum_over_interactions_is_not_explained_by_them() {
    let params = RvParams { rollup: Rollup::Weakest, ..RvParams::default() };
    let log = valued(&history(Vec::new(), Vec::new(), Vec::new()));
    let error = drivers(&Rv::new(params).unwrap(), &log, day(1.0)).unwrap_err();
    assert_eq!(error, ScoreError::NotAdditive { score: "rv_sum_weakest".to_owned() });
}

#[test]
fn names_say_their_parameters_and_bad_ones_are_refused() {
    let names: Vec<String> = all_scores().iter().map(|score| score.name()).collect();
    let mut unique = names.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), names.len(), "{names:?}");
    let mixture = "rv_decay_60d_position_0_5_asymmetry_2_25_emotion_0_5_sentiment_0_5_product_shock_0_3_\
                   relational_shock_0_6_recovery_0_5_within_20d";
    assert!(names.iter().any(|name| name == mixture), "{names:?}");
    assert!(names.contains(&format!("{mixture}_softmin_0_2")), "{names:?}");
    let refused = |params| Rv::new(params).unwrap_err().to_string();
    assert_eq!(
        refused(RvParams { shock_product: 1.5, ..RvParams::default() }),
        "`shock_product` of `rv` is 1.5, expected a share between 0 and 1"
    );
    assert_eq!(
        refused(RvParams { asymmetry: f64::NAN, ..RvParams::default() }),
        "`asymmetry` of `rv` is NaN, expected a finite number of at least 0"
    );
    let rollup = Rollup::Softmin { b: f64::INFINITY };
    assert_eq!(
        refused(RvParams { rollup, ..RvParams::default() }),
        "`b` of `rollup` is inf, expected a finite number"
    );
}

/// An interaction of `TYPES[0]` by the first contact, with value 2, in an initiative.
fn in_initiative(occurred: f64, rv: f64, initiative: u16) -> Interaction {
    let row = of_contact(0, row(occurred, occurred, rv));
    Interaction { initiative: Some(InitiativeIndex(initiative)), ..row }
}

#[test]
fn a_record_per_initiative_counts_positions_and_takes_shocks_on_its_own() {
    let failure = Interaction { kind: OUTAGE, ..in_initiative(4.0, -1.0, 0) };
    let rows = vec![
        of_contact(0, row(1.0, 1.0, 8.0)),
        in_initiative(2.0, 4.0, 0),
        in_initiative(3.0, 4.0, 1),
        failure,
    ];
    let log = AccountHistory {
        initiatives: vec!["launch".to_owned(), "council".to_owned()],
        ..history(vec![contact(1.0, None, None)], rows, Vec::new())
    };
    let value = |params: RvParams| series(&Rv::new(params).unwrap(), &valued(&log), &[day(5.0)])[0];
    let shock = RvParams { shock_product: 0.5, ..RvParams::default() };
    // One record: (8 + 4 + 4) halved, less 1; three: 8 + (4 / 2 − 1) + 4.
    assert!(close(value(shock), 7.0));
    assert!(close(value(RvParams { per_record: true, ..shock }), 13.0));
    let position = RvParams { position: 1.0, ..RvParams::default() };
    // One record: 8 + 4 / 2 + 4 / 3 − 1; three: each its own first.
    assert!(close(value(position), 8.0 + 2.0 + 4.0 / 3.0 - 1.0));
    assert!(close(value(RvParams { per_record: true, ..position }), 15.0));
    let records = interaction_records(&Rv::sum(), &valued(&log), day(5.0));
    let found: Vec<(Option<&str>, f64, u32)> = records
        .iter()
        .map(|record| (record.key.initiative.as_deref(), record.value, record.interactions))
        .collect();
    assert_eq!(found, [(None, 8.0, 1), (Some("council"), 4.0, 1), (Some("launch"), 3.0, 2)]);
}

#[test]
fn sentiment_moves_what_an_interaction_is_worth_in_its_own_direction() {
    let sounding = |occurred, rv, sentiment| {
        let details = Details { sentiment: Some(sentiment), ..Details::default() };
        Interaction { details: Some(Box::new(details)), ..row(occurred, occurred, rv) }
    };
    let rows = vec![sounding(1.0, 4.0, 0.5), sounding(2.0, -4.0, 0.5), row(3.0, 3.0, 1.0)];
    let log = history(Vec::new(), rows, Vec::new());
    let value = |sentiment| {
        let params = RvParams { sentiment, ..RvParams::default() };
        series(&Rv::new(params).unwrap(), &valued(&log), &[day(4.0)])[0]
    };
    // Without the rule 1; with w = .5: 4 + .5·.5·4, −4 + .5·.5·4, 1.
    assert!(close(value(0.0), 1.0));
    assert!(close(value(0.5), 5.0 - 3.0 + 1.0));
}

#[test]
fn three_clocks_align_accounts_at_equal_age() {
    let stage = |stage, row: Interaction| Interaction { stage: Some(stage), ..row };
    let rows = vec![
        stage(Stage::Acquisition, row(10.0, 10.0, 1.0)),
        // Known late: of age, but not of the first 20 days.
        stage(Stage::Acquisition, row(12.0, 50.0, 2.0)),
        stage(Stage::Closing, row(30.0, 30.0, 4.0)),
        stage(Stage::Closing, row(45.0, 45.0, 8.0)),
    ];
    let valued = valued(&history(Vec::new(), rows, Vec::new()));
    let values = |clock: AgeClock, ages: &[f64]| clock.values(&Rv::sum(), &valued, ages, day(60.0));
    assert_eq!(values(AgeClock::FirstInteraction, &[0.0, 20.0, 41.0]), [1.0, 5.0, 15.0]);
    assert_eq!(values(AgeClock::Stage(Stage::Closing), &[0.0, 15.0, 25.0]), [5.0, 13.0, 15.0]);
    // The late one is the fourth to be known.
    assert_eq!(values(AgeClock::Index, &[1.0, 2.0, 3.0, 4.0]), [1.0, 5.0, 13.0, 15.0]);
    assert!(values(AgeClock::FirstInteraction, &[60.0])[0].is_nan());
    assert!(values(AgeClock::Index, &[5.0])[0].is_nan());
    assert!(values(AgeClock::Stage(Stage::Retention), &[1.0])[0].is_nan());
    assert_eq!("index".parse(), Ok(AgeClock::Index));
    assert_eq!("retention".parse(), Ok(AgeClock::Stage(Stage::Retention)));
    let error = "moon".parse::<AgeClock>().unwrap_err();
    assert!(error.starts_with("`moon` is no clock, expected `first`"), "{error}");
}

#[test]
fn what_customers_say_counts_from_the_day_they_say_it() {
    let answer = |asked, answered, subject: Option<&str>, value| Survey {
        asked_at: day(asked),
        answered_at: Some(day(answered)),
        instrument: "satisfaction".to_owned(),
        subject: subject.map(str::to_owned),
        dimension: subject.map(|_| "service".to_owned()),
        value: Some(value),
        ..Survey::default()
    };
    let log = AccountHistory {
        surveys: vec![
            answer(1.0, 10.0, None, 4.0),
            answer(2.0, 12.0, Some("us"), 4.0),
            answer(2.0, 12.0, Some("acme"), 5.0),
            answer(2.0, 14.0, Some("slow"), 1.0),
            answer(20.0, 22.0, None, 2.0),
        ],
        ..history(Vec::new(), Vec::new(), Vec::new())
    };
    let values = |spec: ScoreSpec| {
        spec.build().unwrap().series(&valued(&log), &[5.0, 11.0, 13.0, 15.0, 30.0].map(day))
    };
    let last = ScoreSpec::LastSurvey { instrument: "satisfaction".to_owned(), unanswered: 3.0 };
    assert_eq!(values(last), [3.0, 4.0, 4.0, 4.0, 2.0]);
    let standing = |pseudo_answers| ScoreSpec::Standing {
        window_days: 365.0,
        over: Dimensions::Mean,
        pseudo_answers,
    };
    assert_eq!(values(standing(0.0)), [0.0, 0.0, -1.0, -1.0, -1.0]);
    assert_eq!(values(standing(1.0)), [0.0, 0.0, -0.5, -0.5, -0.5]);
    // Second of two, then second of three: (1 − 2/3) · 2/2, (1 − 2/4) · 2/3.
    let shares = values(ScoreSpec::WalletAllocation { window_days: 365.0, unanswered: 0.5 });
    let expected = [0.5, 0.5, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0];
    assert!(shares.iter().zip(expected).all(|(a, b)| close(*a, b)), "{shares:?}");
}

#[test]
fn value_beside_money_is_summed_over_the_window_and_never_with_relationship_value() {
    let entry = |occurred, direction, value: Option<f64>| LedgerEntry {
        contact: None,
        occurred_at: day(occurred),
        component: LedgerComponent::Reference,
        direction,
        quantity: 1.0,
        value_low: value,
        value_high: value.map(|value| 3.0 * value),
    };
    let appraisal = |aspect, score, cost| CustomerValue {
        period_start: Calendar::UTC.start_of(first_month()),
        aspect,
        score,
        total_cost_of_ownership: cost,
    };
    let log = AccountHistory {
        ledger: vec![
            entry(1.0, ValueDirection::Received, Some(10.0)),
            entry(2.0, ValueDirection::Given, Some(5.0)),
            entry(3.0, ValueDirection::Received, None),
            entry(40.0, ValueDirection::Received, Some(1.0)),
        ],
        customer_value: vec![
            appraisal(ValueAspect::Brand, 0.4, Some(100.0)),
            appraisal(ValueAspect::Product, 0.8, None),
        ],
        ..history(Vec::new(), Vec::new(), Vec::new())
    };
    let values = |spec: ScoreSpec, dates: &[f64]| {
        let dates: Vec<Instant> = dates.iter().copied().map(day).collect();
        spec.build().unwrap().series(&valued(&log), &dates)
    };
    let received =
        ScoreSpec::NonMonetary { direction: ValueDirection::Received, window_days: 30.0 };
    assert_eq!(values(received, &[1.0, 5.0, 35.0, 45.0]), [0.0, 20.0, 0.0, 2.0]);
    let given = ScoreSpec::NonMonetary { direction: ValueDirection::Given, window_days: 30.0 };
    assert_eq!(values(given, &[5.0]), [10.0]);
    // December ends 47.1 days after the start: worth 1,000 · (.4 + 3·.8) / 4 less 100.
    let net = ScoreSpec::CustomerNetValue { worth: 1e3, brand: 1.0, product: 3.0, experience: 1.0 };
    let found = values(net, &[40.0, 48.0]);
    assert!(close(found[0], 0.0) && close(found[1], 600.0), "{found:?}");
    assert_eq!(values(ScoreSpec::RvSum { transactions: false }, &[48.0]), [0.0]);
}
