//! A log that was written reads back as it was; whatever breaks a rule is named.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use rvq::ids::{ContactIndex, InitiativeIndex, OwnerIndex, TypeIndex, TypeNames};
use rvq::interaction::{
    Account, AccountHistory, ColumnData, Contact, CustomerValue, Details, Direction, Initiative,
    Interaction, InteractionColumns, LedgerComponent, LedgerEntry, Log, LogWriter, Outcome,
    Placement, Projection, RelationshipState, Staff, Stage, Status, Survey, Table, TableCounts,
    TableError, Truth, ValueAspect, ValueDirection, write_table,
};
use rvq::time::Instant;

/// In order of bytes, as a reader registers them.
const TYPES: [&str; 4] = ["call", "demo", "visit", "Überraschung"];

fn types() -> TypeNames {
    TYPES.into_iter().collect()
}

fn days(days: i64) -> Instant {
    Instant::from_micros(days * 86_400_000_000)
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

fn write(dir: &Path, histories: &[AccountHistory]) -> Result<TableCounts, TableError> {
    write_listed(dir, histories, &[], &[])
}

/// A log that lists its staff and its initiatives.
fn write_listed(
    dir: &Path,
    histories: &[AccountHistory],
    staff: &[Staff],
    initiatives: &[Initiative],
) -> Result<TableCounts, TableError> {
    let mut writer = LogWriter::create(dir, &types(), "run-1")?;
    for history in histories {
        writer.write(history)?;
    }
    staff.iter().try_for_each(|staff| writer.write_staff(staff))?;
    initiatives.iter().try_for_each(|initiative| writer.write_initiative(initiative))?;
    writer.finish()
}

fn staff(id: &str) -> Staff {
    Staff {
        id: id.to_owned(),
        function: "sales".to_owned(),
        team: Some("north".to_owned()),
        joined_at: Some(days(-9)),
        left_at: None,
    }
}

fn initiative(id: &str) -> Initiative {
    Initiative {
        id: id.to_owned(),
        purpose: "community".to_owned(),
        open: Some(true),
        started_at: Some(days(1)),
        ended_at: Some(days(1)),
    }
}

/// The accounts `a` and `b` with rows in all ten tables.
fn write_all_tables(dir: &Path) -> TableCounts {
    let (staff, initiatives) = ([staff("jo"), staff("kim")], [initiative("users")]);
    write_listed(dir, &[sample("a"), sample("b")], &staff, &initiatives).unwrap()
}

/// The same history with its staff and initiatives in order of their first interaction, and none
/// without: as a log keeps them.
fn as_kept(history: &AccountHistory) -> AccountHistory {
    fn kept(names: &[String], uses: impl Iterator<Item = usize>) -> (Vec<String>, Vec<u16>) {
        let (mut ordered, mut positions) = (Vec::new(), vec![0; names.len()]);
        for name in uses {
            if !ordered.contains(&names[name]) {
                positions[name] = ordered.len() as u16;
                ordered.push(names[name].clone());
            }
        }
        (ordered, positions)
    }
    let mut history = history.clone();
    let owners = history.interactions.iter().filter_map(|i| i.owner);
    let (owners, owner_at) = kept(&history.owners, owners.map(|o| usize::from(o.0)));
    let initiatives = history.interactions.iter().filter_map(|i| i.initiative);
    let (initiatives, initiative_at) =
        kept(&history.initiatives, initiatives.map(|i| usize::from(i.0)));
    for row in &mut history.interactions {
        row.owner = row.owner.map(|o| OwnerIndex(owner_at[usize::from(o.0)]));
        row.initiative = row.initiative.map(|i| InitiativeIndex(initiative_at[usize::from(i.0)]));
    }
    AccountHistory { owners, initiatives, ..history }
}

/// The log in `dir`, with its interaction types at the positions of [`types`].
fn read(dir: &Path) -> Result<Vec<AccountHistory>, TableError> {
    let log = Log::open(dir)?;
    let written = types();
    let mut histories: Vec<AccountHistory> = log.histories()?.collect::<Result<_, _>>()?;
    for interaction in histories.iter_mut().flat_map(|history| &mut history.interactions) {
        interaction.kind = written
            .get(log.types().name(interaction.kind))
            .expect("no type but the written ones is read");
    }
    Ok(histories)
}

/// An account with rows in every table.
fn sample(id: &str) -> AccountHistory {
    let interaction = |day, contact, kind| Interaction {
        contact,
        owner: contact.map(|contact| OwnerIndex(contact.0)),
        initiative: contact.is_none().then_some(InitiativeIndex(0)),
        kind: TypeIndex(kind),
        occurred_at: days(day),
        known_at: days(day),
        ..Interaction::default()
    };
    let outcome = |day| Outcome {
        period_start: days(day),
        period_end: days(day + 30),
        known_at: days(day + 33),
        revenue: 100.0,
        gross_profit: Some(40.0),
        cost_to_engage: None,
        cost_to_serve: Some(3.0),
        share_of_wallet: Some(0.25),
        status: Status::Customer,
        ..Outcome::default()
    };
    let truth = |day| Truth {
        period_start: days(day),
        state: RelationshipState::Communal,
        hazard: 0.02,
        expected_profit: 38.0,
        expected_revenue: 95.0,
        expected_satisfaction: 7.5,
        expected_share_of_wallet: 0.3,
        ..Truth::default()
    };
    let value = |aspect, score| CustomerValue {
        period_start: days(30),
        aspect,
        score,
        total_cost_of_ownership: Some(60.0),
    };
    let contact = |id: &str| Contact {
        id: id.to_owned(),
        role: Some("buyer".to_owned()),
        influence: 1.0,
        valid_from: Some(days(0)),
        valid_to: None,
        ..Contact::default()
    };
    AccountHistory {
        account: Account {
            id: id.to_owned(),
            segment_id: Some("large".to_owned()),
            entered_at: days(0),
            exited_at: None,
            size: Some(12.0),
            ..Account::default()
        },
        contacts: vec![contact("c1"), contact("c2")],
        owners: vec!["jo".to_owned(), "kim".to_owned()],
        initiatives: vec!["users".to_owned()],
        interactions: vec![
            interaction(1, Some(ContactIndex(0)), 0),
            interaction(1, Some(ContactIndex(1)), 2),
            interaction(9, None, 3),
        ],
        outcomes: vec![outcome(0), outcome(30)],
        surveys: vec![Survey {
            contact: Some(ContactIndex(1)),
            asked_at: days(20),
            answered_at: None,
            instrument: "satisfaction".to_owned(),
            ..Survey::default()
        }],
        ledger: vec![LedgerEntry {
            contact: Some(ContactIndex(0)),
            occurred_at: days(12),
            component: LedgerComponent::Reference,
            direction: ValueDirection::Received,
            quantity: 1.0,
            value_low: Some(10.0),
            value_high: Some(10.0),
        }],
        customer_value: vec![value(ValueAspect::Product, 0.5), value(ValueAspect::Brand, 1.0)],
        truth: vec![truth(0), truth(30)],
    }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]{1,3}", "\\PC{1,6}", Just("=1+1".to_owned()), Just("a\nb\"'".to_owned())]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![-1e9..1e9, Just(0.0), Just(-0.0), Just(f64::MIN_POSITIVE), Just(f64::MAX)]
}

/// Ascending instants, some equal.
fn instants(at_most: usize) -> impl Strategy<Value = Vec<Instant>> {
    vec(prop_oneof![0_i64..200_000_000, Just(0)], 0..at_most).prop_map(|gaps| {
        let mut time = 0;
        gaps.into_iter()
            .map(|gap| {
                time += gap;
                Instant::from_micros(time)
            })
            .collect()
    })
}

fn later(time: Instant, delay: Option<i64>) -> Instant {
    Instant::from_micros(time.micros() + delay.unwrap_or(0))
}

fn delay() -> impl Strategy<Value = Option<i64>> {
    option::of(1_i64..400_000_000)
}

prop_compose! {
    fn contacts()(all in btree_map(
        name(),
        (vec(option::of(name()), 2), 0.0..1e6, option::of(-9_i64..9), option::of(9_i64..99)),
        0..4,
    )) -> Vec<Contact> {
        all.into_iter().map(|(id, (texts, influence, from, to))| Contact {
            id, influence, valid_from: from.map(days), valid_to: to.map(days),
            stakeholder_type: texts[0].clone(), role: texts[1].clone(),
 }).collect()
    }
}

prop_compose! {
    fn details()(
        texts in vec(option::of(name()), 6),
        planned in option::of(any::<bool>()),
        severity in option::of(0.0..1e3), sentiment in option::of(-1.0..=1.0),
    ) -> Option<Box<Details>> {
        let mut texts = texts.into_iter();
        let mut next = || texts.next().flatten();
        let details = Details {
            level: next(), function: next(), channel: next(),
            source_system: next(), source_id: next(), segment_id: next(), planned, severity, sentiment,
        };
        (details != Details::default()).then(|| Box::new(details))
    }
}

prop_compose! {
    fn interaction(contacts: usize)(
        contact in option::of(0..contacts.max(1) as u16),
        kind in 0..TYPES.len() as u16,
        delay in delay(),
        (rv, variable_cost, customer_effort) in
            (option::of(number()), option::of(number()), option::of(number())),
        stage in option::of(prop::sample::select(Stage::ALL.to_vec())),
        direction in option::of(prop::sample::select(Direction::ALL.to_vec())),
        (owner, initiative) in (option::of(0..3_u16), option::weighted(0.2, 0..2_u16)),
        details in prop_oneof![3 => Just(None), 1 => details()],
    ) -> Interaction {
        Interaction {
            contact: contact.filter(|_| contacts > 0).map(ContactIndex),
            kind: TypeIndex(kind),
            occurred_at: Instant::from_micros(0),
            known_at: later(Instant::from_micros(0), delay),
            rv, variable_cost, customer_effort, stage, direction, details,
            owner: owner.map(OwnerIndex), initiative: initiative.map(InitiativeIndex),
        }
    }
}

prop_compose! {
    fn outcome()(
        (gap, span, delay) in (0_i64..5, 1_i64..40, delay()),
        revenue in number(),
        (gross_profit, cost_to_engage, cost_to_serve) in
            (option::of(number()), option::of(number()), option::of(number())),
        (customer_effort_cost, wallet_size, share_of_wallet) in
            (option::of(number()), option::of(0.0..1e9), option::of(0.0..=1.0)),
        status in prop::sample::select(Status::ALL.to_vec()),
    ) -> Outcome {
        Outcome {
            period_start: days(gap), period_end: days(gap + span),
            known_at: later(days(gap + span), delay),
            revenue, gross_profit, cost_to_engage, cost_to_serve, share_of_wallet, status,
            customer_effort_cost, wallet_size,
        }
    }
}

prop_compose! {
    fn survey(contacts: usize)(
        contact in option::of(0..contacts.max(1) as u16),
        delay in delay(),
        instrument in name(),
        (dimension, subject) in (option::of(name()), option::of(name())),
        value in option::of(number()),
        response_expected in option::of(any::<bool>()),
    ) -> Survey {
        let asked_at = Instant::from_micros(0);
        Survey {
            contact: contact.filter(|_| contacts > 0).map(ContactIndex),
            asked_at, answered_at: delay.map(|d| later(asked_at, Some(d))), instrument, value,
            dimension, subject, response_expected,
        }
    }
}

prop_compose! {
    fn entry(contacts: usize)(
        contact in option::of(0..contacts.max(1) as u16),
        component in prop::sample::select(LedgerComponent::ALL.to_vec()),
        direction in prop::sample::select(ValueDirection::ALL.to_vec()),
        quantity in 0.0..1e6,
        value_low in option::of(-1e6..0.0),
        value_high in option::of(0.0..1e6),
    ) -> LedgerEntry {
        LedgerEntry {
            contact: contact.filter(|_| contacts > 0).map(ContactIndex),
            occurred_at: Instant::from_micros(0),
            component, direction, quantity, value_low, value_high,
        }
    }
}

prop_compose! {
    fn customer_value()(
        aspects in prop::sample::subsequence(ValueAspect::ALL.to_vec(), 0..=3),
        score in 0.0..=1.0,
        total_cost_of_ownership in option::of(number()),
    ) -> Vec<CustomerValue> {
        let value = |aspect| CustomerValue {
            period_start: days(-3), aspect, score, total_cost_of_ownership,
        };
        aspects.into_iter().map(value).collect()
    }
}

prop_compose! {
    fn truth()(
        state in prop::sample::select(RelationshipState::ALL.to_vec()),
        (hazard, expected_share_of_wallet) in (0.0..=1.0, 0.0..=1.0),
        (expected_profit, expected_revenue, expected_satisfaction) in (number(), number(), number()),
        effects in vec(number(), 7),
    ) -> Truth {
        Truth {
            period_start: days(0), state, hazard,
            expected_profit, expected_revenue, expected_satisfaction, expected_share_of_wallet,
            mirrored_purchases: effects[0], owner_target: effects[1], felt_effect: effects[2],
            goodwill: effects[3], unlogged: effects[4], critical: effects[5],
            locked_in: effects[6],
        }
    }
}

/// One after another in time, as an account's rows have to be.
fn in_time(history: &mut AccountHistory, times: &[Instant]) {
    let moved = |time: Instant, by: Instant| Instant::from_micros(time.micros() + by.micros());
    for (interaction, &time) in history.interactions.iter_mut().zip(times) {
        interaction.occurred_at = moved(interaction.occurred_at, time);
        interaction.known_at = moved(interaction.known_at, time);
    }
    for (survey, &time) in history.surveys.iter_mut().zip(times) {
        survey.asked_at = moved(survey.asked_at, time);
        survey.answered_at = survey.answered_at.map(|answered| moved(answered, time));
    }
    for (entry, &time) in history.ledger.iter_mut().zip(times) {
        entry.occurred_at = time;
    }
    let mut end = days(0);
    for outcome in &mut history.outcomes {
        outcome.period_start = moved(outcome.period_start, end);
        outcome.period_end = moved(outcome.period_end, end);
        outcome.known_at = moved(outcome.known_at, end);
        end = outcome.period_end;
    }
    for (month, truth) in history.truth.iter_mut().enumerate() {
        truth.period_start = days(30 * month as i64);
    }
}

prop_compose! {
    fn history()(contacts in contacts(), times in instants(12))(
        interactions in vec(interaction(contacts.len()), times.len()),
        outcomes in vec(outcome(), 0..4),
        surveys in vec(survey(contacts.len()), 0..=times.len().min(3)),
        ledger in vec(entry(contacts.len()), 0..=times.len().min(3)),
        customer_value in customer_value(),
        truth in vec(truth(), 0..3),
        (owners, initiatives) in (btree_set(name(), 3), btree_set(name(), 2)),
        texts in vec(option::of(name()), 9),
        (contract_end, priority) in (option::of(-9_i64..999), option::of(any::<bool>())),
        (entry, exit, size) in (-99_i64..=0, option::of(0_i64..99), option::of(0.0..1e6)),
        contacts in Just(contacts),
        times in Just(times),
    ) -> AccountHistory {
        let mut texts = texts.into_iter();
        let mut next = || texts.next().flatten();
        let account = Account {
            id: String::new(), segment_id: next(), exit_reason: next(), size,
            entered_at: days(entry), exited_at: exit.map(days),
            contract_end: contract_end.map(days), priority,
            placement: Placement {
                parent_id: next(), industry: next(), territory: next(), region: next(),
                division: next(), business_unit: next(), product_line: next(),
            },
        };
        // From the last to the first: the order of names is not the order of bytes.
        let owners = owners.into_iter().rev().collect();
        let initiatives = initiatives.into_iter().rev().collect();
        let mut history = AccountHistory {
            account, contacts, owners, initiatives, interactions, outcomes, surveys, ledger,
            customer_value, truth,
        };
        in_time(&mut history, &times);
        history
    }
}

fn histories() -> impl Strategy<Value = Vec<AccountHistory>> {
    btree_set(name(), 0..6).prop_flat_map(|ids| {
        vec(history(), ids.len()).prop_map(move |mut all| {
            for (history, id) in all.iter_mut().zip(&ids) {
                history.account.id.clone_from(id);
            }
            all
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_log_reads_back_as_it_was_written(histories in histories(), listed in any::<bool>()) {
        let dir = tempfile::tempdir()?;
        let names = |of: fn(&AccountHistory) -> &Vec<String>| -> BTreeSet<String> {
            histories.iter().filter(|_| listed).flat_map(of).cloned().collect()
        };
        let staff: Vec<_> = names(|h| &h.owners).iter().map(|id| staff(id)).collect();
        let initiatives: Vec<_> =
            names(|h| &h.initiatives).iter().map(|id| initiative(id)).collect();
        let counts = write_listed(dir.path(), &histories, &staff, &initiatives)?;
        let log = Log::open(dir.path())?;
        prop_assert_eq!(log.counts(), counts);
        prop_assert_eq!(log.staff()?, staff);
        prop_assert_eq!(log.initiatives()?, initiatives);
        let kept: Vec<_> = histories.iter().map(as_kept).collect();
        prop_assert_eq!(read(dir.path())?, kept);
    }

    #[test]
    fn accounts_between_two_names_are_those_of_the_whole_log(
        histories in histories(), bounds in [name(), name()],
    ) {
        let dir = tempfile::tempdir()?;
        write(dir.path(), &histories)?;
        let log = Log::open(dir.path())?;
        let all: Vec<AccountHistory> = log.histories()?.collect::<Result<_, _>>()?;
        let ahead: Vec<AccountHistory> = log.histories()?.read_ahead().collect::<Result<_, _>>()?;
        prop_assert_eq!(&ahead, &all);
        let unread = log.histories()?.unread_ahead().map(AccountHistory::try_from);
        prop_assert_eq!(&unread.collect::<Result<Vec<_>, _>>()?, &all);
        let [first, last] = bounds;
        let some: Vec<AccountHistory> =
            log.histories_between(&first, &last)?.collect::<Result<_, _>>()?;
        let within = |history: &&AccountHistory| (&first..=&last).contains(&&history.account.id);
        prop_assert_eq!(some, all.iter().filter(within).cloned().collect::<Vec<_>>());
    }

    #[test]
    fn a_damaged_file_is_an_error_or_another_log(
        table in 0..Table::ALL.len(), share in 0.0..1.0, bits in 1..=255_u8,
    ) {
        let dir = tempfile::tempdir()?;
        write_all_tables(dir.path());
        let path = dir.path().join(Table::ALL[table].file_name());
        let mut bytes = fs::read(&path)?;
        let place = (bytes.len() as f64 * share) as usize;
        bytes[place] ^= bits;
        fs::write(&path, &bytes)?;
        if let Ok(log) = Log::open(dir.path()) && let Ok(histories) = log.histories() {
            histories.for_each(drop);
        }
    }

    #[test]
    fn a_file_cut_off_anywhere_is_named(table in 0..Table::ALL.len(), share in 0.0..1.0) {
        let dir = tempfile::tempdir()?;
        write_all_tables(dir.path());
        let path = dir.path().join(Table::ALL[table].file_name());
        let whole = fs::read(&path)?;
        fs::write(&path, &whole[..(whole.len() as f64 * share) as usize])?;
        let error = Log::open(dir.path()).unwrap_err();
        prop_assert!(matches!(error, TableError::Files { .. }), "{}", error);
        prop_assert!(error.to_string().contains(Table::ALL[table].name()), "{}", error);
    }
}

#[test]
fn what_a_projection_leaves_out_is_as_absent_as_in_a_log_without_it() {
    let dir = folder();
    write_all_tables(dir.path());
    let log = Log::open(dir.path()).unwrap();
    let whole = log.histories().unwrap().next().unwrap().unwrap();
    let read = |projection| {
        let log = log.clone().with_projection(projection);
        log.histories().unwrap().next().unwrap().unwrap()
    };
    assert_eq!(read(Projection::ALL), whole);
    let least = read(Projection::LEAST);
    let id = whole.account.id.clone();
    let mut expected = AccountHistory::empty(Account {
        id,
        entered_at: whole.account.entered_at,
        ..Account::default()
    });
    expected.contacts = whole.contacts.clone();
    for contact in &mut expected.contacts {
        let Contact { id, influence, .. } = contact.clone();
        *contact = Contact { id, influence, ..Contact::default() };
    }
    let plain = |row: &Interaction| Interaction {
        kind: row.kind,
        occurred_at: row.occurred_at,
        known_at: row.occurred_at,
        ..Interaction::default()
    };
    expected.interactions = whole.interactions.iter().map(plain).collect();
    let plain = |row: &Outcome| Outcome {
        period_start: row.period_start,
        period_end: row.period_end,
        known_at: row.period_end,
        revenue: row.revenue,
        status: row.status,
        ..Outcome::default()
    };
    expected.outcomes = whole.outcomes.iter().map(plain).collect();
    assert_eq!(least, expected);
    let contacts = Projection::LEAST
        .with(Table::Interactions, &["contact_id"])
        .with_all_of(Table::ValueLedger);
    let some = read(contacts);
    let who = |history: &AccountHistory| -> Vec<_> {
        history.interactions.iter().map(|row| row.contact).collect()
    };
    assert_eq!((who(&some), &some.ledger), (who(&whole), &whole.ledger));
    assert!(some.surveys.is_empty() && !whole.surveys.is_empty());
}

#[test]
fn histories_longer_than_a_batch_and_a_row_group_read_back() {
    let dir = folder();
    let mut histories = ["a", "b", "c"].map(sample).to_vec();
    // The second account crosses the edge of a row group, in the writer and in the reader.
    for (history, rows) in histories.iter_mut().zip([20_000, 510_000, 5_000]) {
        let row = history.interactions[2].clone();
        history.interactions.extend((0..rows).map(|position| Interaction {
            occurred_at: later(row.occurred_at, Some(position)),
            known_at: later(row.known_at, Some(position * (position % 2 + 1))),
            rv: (position % 3 == 0).then_some(position as f64),
            ..row.clone()
        }));
    }
    let counts = write(dir.path(), &histories).unwrap();
    assert_eq!(counts.interactions, 535_009);
    assert!(read(dir.path()).unwrap() == histories, "written and read histories differ");
    let log = Log::open(dir.path()).unwrap();
    for (first, last, expected) in [
        ("a", "a", &histories[..1]),
        ("aa", "b", &histories[1..2]),
        ("b", "z", &histories[1..]),
        ("d", "z", &[]),
    ] {
        let some = log.histories_between(first, last).unwrap();
        let rows = |history: &AccountHistory| {
            (history.account.id.clone(), history.interactions.len(), history.outcomes.len())
        };
        let some: Vec<_> = some.map(|history| rows(&history.unwrap())).collect();
        assert_eq!(some, expected.iter().map(rows).collect::<Vec<_>>(), "{first} to {last}");
    }
}

#[test]
fn a_fault_on_the_way_is_told_by_the_reader_ahead_too() {
    let dir = folder();
    let histories: Vec<AccountHistory> = (0..200).map(|n| sample(&format!("A{n:03}"))).collect();
    write(dir.path(), &histories).unwrap();
    let path = dir.path().join(Table::Contacts.file_name());
    let columns = [
        ("account_id", ColumnData::Text(vec!["A100".to_owned()])),
        ("contact_id", ColumnData::Text(vec!["C9".to_owned()])),
        ("influence", ColumnData::Number(vec![-1.0])),
    ];
    write_table(&path, &columns).unwrap();
    let log = Log::open(dir.path()).unwrap();
    let plain: Vec<String> =
        log.histories().unwrap().map(|one| format!("{:?}", one.map(|h| h.account.id))).collect();
    let ahead = log.histories().unwrap().read_ahead();
    let ahead: Vec<String> = ahead.map(|one| format!("{:?}", one.map(|h| h.account.id))).collect();
    assert!(plain.iter().any(|one| one.starts_with("Err")) && plain.len() == 200);
    assert_eq!(ahead, plain);
    let unread = log.histories().unwrap().unread_ahead().map(AccountHistory::try_from);
    let unread: Vec<String> =
        unread.map(|one| format!("{:?}", one.map(|h| h.account.id))).collect();
    assert_eq!(unread, plain);
    // One that is dropped before its end leaves no thread waiting for ever.
    drop(log.histories().unwrap().read_ahead().take(3).collect::<Vec<_>>());
    drop(log.histories().unwrap().unread_ahead().take(3).collect::<Vec<_>>());
}

#[test]
fn the_same_histories_give_the_same_bytes() {
    let [first, second] = [folder(), folder()];
    write_all_tables(first.path());
    write_all_tables(second.path());
    for table in Table::ALL {
        let bytes = |dir: &Path| fs::read(dir.join(table.file_name())).unwrap();
        assert!(bytes(first.path()) == bytes(second.path()), "{table}");
    }
}

/// The history without its interactions, and these as columns.
fn with_columns<T>(
    mut history: AccountHistory,
    use_them: impl FnOnce(&AccountHistory, &InteractionColumns<'_>) -> T,
) -> T {
    let rows = std::mem::take(&mut history.interactions);
    let contact: Option<Vec<_>> = rows.iter().map(|row| row.contact).collect();
    let kind: Vec<_> = rows.iter().map(|row| row.kind).collect();
    let occurred_at: Vec<_> = rows.iter().map(|row| row.occurred_at).collect();
    let variable_cost: Option<Vec<_>> = rows.iter().map(|row| row.variable_cost).collect();
    let columns = InteractionColumns {
        contact: contact.as_deref(),
        kind: &kind,
        occurred_at: &occurred_at,
        variable_cost: variable_cost.as_deref(),
    };
    use_them(&history, &columns)
}

/// A history whose interactions say no more than columns can.
fn plain(id: &str) -> AccountHistory {
    let mut history = sample(id);
    (history.owners, history.initiatives) = (Vec::new(), Vec::new());
    for (position, row) in history.interactions.iter_mut().enumerate() {
        (row.owner, row.initiative) = (None, None);
        row.contact = Some(ContactIndex(position as u16 % 2));
        row.variable_cost = Some(position as f64);
    }
    history
}

#[test]
fn interactions_as_columns_and_as_rows_give_the_same_bytes() {
    let [rows, columns] = [folder(), folder()];
    let histories = ["a", "b", "c"].map(plain);
    write(rows.path(), &histories).unwrap();
    let mut writer = LogWriter::create(columns.path(), &types(), "run-1").unwrap();
    for history in histories {
        with_columns(history, |history, columns| writer.write_columns(history, columns)).unwrap();
    }
    assert_eq!(writer.finish().unwrap().interactions, 9);
    let bytes = |dir: &Path| fs::read(dir.join("interactions.parquet")).unwrap();
    assert!(bytes(rows.path()) == bytes(columns.path()), "interactions differ");
    assert_eq!(read(rows.path()).unwrap(), read(columns.path()).unwrap());
}

#[test]
fn faults_of_columns_are_those_of_rows() {
    let mut faulty = plain("a");
    faulty.interactions[1].occurred_at = days(-1);
    faulty.interactions[1].variable_cost = Some(f64::NAN);
    faulty.interactions[2].contact = Some(ContactIndex(2));
    faulty.interactions[2].kind = TypeIndex(4);
    let dir = folder();
    let mut writer = LogWriter::create(dir.path(), &types(), "run-1").unwrap();
    let mut refused = |history| {
        with_columns(history, |history, columns| writer.write_columns(history, columns))
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(refused(faulty), @"
    row 2 of `interactions.parquet`, account `a`: `occurred_at` is `1969-12-31T00:00:00Z`, expected a time at or after that of the row before
    row 3 of `interactions.parquet`, account `a`: `interaction_type` is `position 4`, expected a registered interaction type
    row 3 of `interactions.parquet`, account `a`: `contact_id` is `position 2`, expected a contact of the account
    row 2 of `interactions.parquet`, account `a`: `variable_cost` is `NaN`, expected a finite number
    ");
    let short = InteractionColumns {
        contact: None,
        kind: &[TypeIndex(0)],
        occurred_at: &[],
        variable_cost: None,
    };
    let error = writer.write_columns(&sample("a"), &short).unwrap_err();
    insta::assert_snapshot!(error, @"column `occurred_at` has 0 rows, expected 1 as in the first column");
}

#[test]
fn an_interaction_without_an_owner_or_initiative_in_the_lists_is_named() {
    let refused = |owner: &str, purpose: &str| {
        let dir = folder();
        let histories = [sample("a"), sample("b")];
        let error = write_listed(dir.path(), &histories, &[staff(owner)], &[initiative(purpose)]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        error.expect_err("a name is not in its list").to_string()
    };
    insta::assert_snapshot!(refused("kim", "growth"), @"
    row 1 of `interactions.parquet`, account `a`: `owner_id` is `jo`, expected a member of `staff.parquet`
    row 3 of `interactions.parquet`, account `a`: `initiative_id` is `users`, expected an initiative of `initiatives.parquet`
    ");
    let dir = folder();
    write_all_tables(dir.path());
    let columns = [("owner_id", texts(&["kim"])), ("function", texts(&["sales"]))];
    write_table(&dir.path().join("staff.parquet"), &columns).unwrap();
    insta::assert_snapshot!(complaints(dir.path()), @"
    row 1 of `interactions.parquet`, account `a`: `owner_id` is `jo`, expected a member of `staff.parquet`

    row 4 of `interactions.parquet`, account `b`: `owner_id` is `jo`, expected a member of `staff.parquet`
    ");
}

#[test]
fn every_fault_of_a_list_is_named() {
    let dir = folder();
    let mut writer = LogWriter::create(dir.path(), &types(), "run-1").unwrap();
    writer.write_staff(&staff("kim")).unwrap();
    let unborn = Staff { function: String::new(), left_at: Some(days(-10)), ..staff("jo") };
    insta::assert_snapshot!(writer.write_staff(&unborn).unwrap_err(), @"
    row 2 of `staff.parquet`: `owner_id` is `jo`, expected an id after that of the row before, each once
    row 2 of `staff.parquet`: `function` is empty, expected a name
    row 2 of `staff.parquet`: `left_at` is `1969-12-22T00:00:00Z`, expected a time at or after `joined_at`
    ");
    let endless = Initiative { ended_at: Some(Instant::from_micros(i64::MAX)), ..initiative("") };
    insta::assert_snapshot!(writer.write_initiative(&endless).unwrap_err(), @"
    row 1 of `initiatives.parquet`: `initiative_id` is empty, expected a name
    row 1 of `initiatives.parquet`: `ended_at` is `9223372036854775807 µs`, expected a time in the years 1 to 9999
    ");
}

#[test]
fn the_truth_of_version_1_is_read_with_numbers_that_are_not_known() {
    let dir = folder();
    write(dir.path(), &[sample("a")]).unwrap();
    let number = |value| ColumnData::Number(vec![value]);
    let columns = [
        ("account_id", texts(&["a"])),
        ("period_start", instants_at(&[0])),
        ("state", texts(&["damaged"])),
        ("hazard", number(0.5)),
        ("expected_profit", number(1.0)),
        ("expected_revenue", number(2.0)),
        ("expected_satisfaction", number(3.0)),
        ("expected_share_of_wallet", number(0.25)),
    ];
    let path = dir.path().join("truth.parquet");
    write_table(&path, &columns).unwrap();
    // The footer names the version as a text of one byte.
    let (before, after) = (b"rvq.schema_version\x18\x012", b"rvq.schema_version\x18\x011");
    let mut bytes = fs::read(&path).unwrap();
    let place = bytes.windows(before.len()).position(|window| window == before).unwrap();
    bytes[place..place + after.len()].copy_from_slice(after);
    fs::write(&path, bytes).unwrap();
    let truth = read(dir.path()).unwrap()[0].truth[0];
    assert_eq!((truth.state, truth.hazard), (RelationshipState::Damaged, 0.5));
    assert!(truth.felt_effect.is_nan() && truth.locked_in.is_nan());
    let message = broken(|history| history.truth = vec![truth]);
    assert_eq!(message.matches("is `NaN`, expected a finite number").count(), 7, "{message}");
}

#[test]
fn faults_of_the_new_tables_and_columns_are_named() {
    let message = broken(|history| {
        history.owners = vec!["jo".to_owned(), "jo".to_owned(), String::new()];
        history.initiatives.clear();
        history.interactions[0].owner = Some(OwnerIndex(3));
        let details = Details { severity: Some(-1.0), ..Details::default() };
        history.interactions[1].details = Some(Box::new(details));
        history.outcomes[0].wallet_size = Some(-5.0);
        history.ledger.push(LedgerEntry {
            contact: Some(ContactIndex(2)),
            occurred_at: days(11),
            quantity: -1.0,
            value_high: Some(9.0),
            ..history.ledger[0]
        });
        history.customer_value[1].aspect = ValueAspect::Product;
        history.customer_value[1].score = 1.5;
    });
    insta::assert_snapshot!(message, @"
    row 4 of `interactions.parquet`, account `b`: `owner_id` is `jo`, expected a name that is listed once
    row 4 of `interactions.parquet`, account `b`: `owner_id` is empty, expected a name
    row 4 of `interactions.parquet`, account `b`: `owner_id` is `position 3`, expected the position of a name that the history lists
    row 5 of `interactions.parquet`, account `b`: `severity` is `-1`, expected a finite number of at least 0
    row 6 of `interactions.parquet`, account `b`: `initiative_id` is `position 0`, expected the position of a name that the history lists
    row 3 of `outcomes.parquet`, account `b`: `wallet_size` is `-5`, expected a finite number of at least 0
    row 3 of `value_ledger.parquet`, account `b`: `contact_id` is `position 2`, expected a contact of the account
    row 3 of `value_ledger.parquet`, account `b`: `occurred_at` is `1970-01-12T00:00:00Z`, expected a time at or after that of the row before
    row 3 of `value_ledger.parquet`, account `b`: `quantity` is `-1`, expected a finite number of at least 0
    row 3 of `value_ledger.parquet`, account `b`: `value_high` is `9`, expected a number of at least `value_low`
    row 4 of `customer_value.parquet`, account `b`: `aspect` is `product`, expected each aspect once per period
    row 4 of `customer_value.parquet`, account `b`: `score` is `1.5`, expected a number from 0 to 1
    ");
}

#[test]
fn tables_without_rows_are_left_out_where_a_log_may_lack_them() {
    let dir = folder();
    write(dir.path(), &[]).unwrap();
    let mut names: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let expected = ["accounts", "contacts", "interactions", "outcomes"];
    assert_eq!(names, expected.map(|name| std::ffi::OsString::from(format!("{name}.parquet"))));
    assert_eq!(read(dir.path()).unwrap(), []);
    assert_eq!(Log::open(dir.path()).unwrap().run_id(), Some("run-1"));
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing_behind() {
    let dir = folder();
    let mut writer = LogWriter::create(dir.path(), &types(), "run-1").unwrap();
    writer.write(&sample("a")).unwrap();
    assert!(
        matches!(Log::open(dir.path()), Err(TableError::Files { problems }) if problems.len() == 4)
    );
    drop(writer);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_log_is_not_written_over_another() {
    let dir = folder();
    write(dir.path(), &[sample("a")]).unwrap();
    assert!(matches!(write(dir.path(), &[]), Err(TableError::Occupied { .. })));
    assert_eq!(read(dir.path()).unwrap(), [sample("a")]);
}

/// What the writer says about a history, or several, that break a rule.
fn refusal(histories: &[AccountHistory]) -> String {
    let dir = folder();
    write(dir.path(), histories).expect_err("a rule is broken").to_string()
}

/// What the writer says about the sample after `break_it`, as the second account of a log.
fn broken(break_it: impl FnOnce(&mut AccountHistory)) -> String {
    let mut history = sample("b");
    break_it(&mut history);
    refusal(&[sample("a"), history])
}

#[test]
fn every_fault_of_an_account_is_named_at_once() {
    let message = broken(|history| {
        history.account.size = Some(f64::NAN);
        history.contacts[1].influence = -1.0;
        history.interactions[0].occurred_at = days(-1);
        history.interactions[1].contact = Some(ContactIndex(2));
        history.interactions[2].occurred_at = days(0);
        history.interactions[2].rv = Some(f64::INFINITY);
        history.outcomes[1].period_end = days(30);
        history.outcomes[1].revenue = f64::NAN;
        history.surveys[0].answered_at = Some(days(19));
        history.truth[1].hazard = 1.5;
    });
    insta::assert_snapshot!(message, @"
    row 2 of `accounts.parquet`, account `b`: `size` is `NaN`, expected a finite number of at least 0
    row 4 of `contacts.parquet`, account `b`: `influence` is `-1`, expected a finite number of at least 0
    row 4 of `interactions.parquet`, account `b`: `occurred_at` is `1969-12-31T00:00:00Z`, expected a time at or after the account's entry
    row 5 of `interactions.parquet`, account `b`: `contact_id` is `position 2`, expected a contact of the account
    row 6 of `interactions.parquet`, account `b`: `occurred_at` is `1970-01-01T00:00:00Z`, expected a time at or after that of the row before
    row 6 of `interactions.parquet`, account `b`: `rv` is `inf`, expected a finite number
    row 4 of `outcomes.parquet`, account `b`: `period_end` is `1970-01-31T00:00:00Z`, expected a time after `period_start`
    row 4 of `outcomes.parquet`, account `b`: `revenue` is `NaN`, expected a finite number
    row 2 of `surveys.parquet`, account `b`: `answered_at` is `1970-01-20T00:00:00Z`, expected a time at or after `asked_at`
    row 4 of `truth.parquet`, account `b`: `hazard` is `1.5`, expected a number from 0 to 1
    ");
}

#[test]
fn periods_may_not_overlap() {
    let message = broken(|history| history.outcomes[0].period_end = days(31));
    insta::assert_snapshot!(message, @"
    row 4 of `outcomes.parquet`, account `b`: `period_start` is `1970-01-31T00:00:00Z`, expected a time at or after the end of the period before
    ");
}

#[test]
fn nothing_is_known_before_it_happens() {
    let message = broken(|history| {
        history.interactions[1].known_at = days(0);
        history.outcomes[0].known_at = days(10);
    });
    insta::assert_snapshot!(message, @"
    row 5 of `interactions.parquet`, account `b`: `known_at` is `1970-01-01T00:00:00Z`, expected a time at or after `occurred_at`
    row 3 of `outcomes.parquet`, account `b`: `known_at` is `1970-01-11T00:00:00Z`, expected a time at or after `period_end`
    ");
}

#[test]
fn a_time_that_no_calendar_has_is_named() {
    let never = Instant::from_micros(i64::MAX);
    let message = broken(|history| history.interactions[2].known_at = never);
    insta::assert_snapshot!(message, @"
    row 6 of `interactions.parquet`, account `b`: `known_at` is `9223372036854775807 µs`, expected a time in the years 1 to 9999
    ");
    let message = broken(|history| history.account.entered_at = Instant::from_micros(i64::MIN));
    insta::assert_snapshot!(message, @"
    row 2 of `accounts.parquet`, account `b`: `entered_at` is `-9223372036854775808 µs`, expected a time in the years 1 to 9999
    ");
}

#[test]
fn contacts_are_in_order_and_distinct() {
    let message = broken(|history| history.contacts[1].id = "c1".to_owned());
    insta::assert_snapshot!(message, @"
    row 4 of `contacts.parquet`, account `b`: `contact_id` is `c1`, expected an id after that of the row before, each once
    ");
}

#[test]
fn accounts_ascend_and_occur_once() {
    insta::assert_snapshot!(refusal(&[sample("b"), sample("b")]), @"
    row 2 of `accounts.parquet`, account `b`: `account_id` is `b`, expected an account id that occurs once
    ");
    insta::assert_snapshot!(refusal(&[sample("b"), sample("a")]), @"
    row 2 of `accounts.parquet`, account `a`: `account_id` is `a`, expected an account id after that of the row before, in order of bytes
    ");
}

#[test]
fn an_account_that_is_refused_leaves_no_row() {
    let dir = folder();
    let mut writer = LogWriter::create(dir.path(), &types(), "run-1").unwrap();
    let mut faulty = sample("a");
    faulty.truth[0].expected_profit = f64::NEG_INFINITY;
    assert!(matches!(writer.write(&faulty), Err(TableError::Rows { faults }) if faults.len() == 1));
    writer.write(&sample("a")).unwrap();
    writer.finish().unwrap();
    assert_eq!(read(dir.path()).unwrap(), [sample("a")]);
}

/// Messages of opening and reading the log in `dir`, without the path of the folder.
fn complaints(dir: &Path) -> String {
    let text = match Log::open(dir) {
        Ok(log) => log
            .histories()
            .expect("the files are still there")
            .filter_map(|history| history.err().map(|error| error.to_string()))
            .collect::<Vec<_>>()
            .join("\n\n"),
        Err(error) => error.to_string(),
    };
    text.replace(&format!("{}/", dir.display()), "")
}

/// A log of accounts `a` and `c` in which `table` was written by another program.
fn with_table(table: Table, columns: &[(&str, ColumnData)]) -> String {
    let dir = folder();
    write(dir.path(), &[sample("a"), sample("c")]).expect("the sample keeps the rules");
    write_table(&dir.path().join(table.file_name()), columns).expect("columns agree in length");
    complaints(dir.path())
}

fn texts(cells: &[&str]) -> ColumnData {
    ColumnData::Text(cells.iter().map(|&cell| cell.to_owned()).collect())
}

fn instants_at(cells: &[i64]) -> ColumnData {
    ColumnData::Instant(cells.iter().map(|&day| days(day)).collect())
}

/// Interactions with none of the optional columns.
fn interactions(accounts: &[&str], at: &[i64]) -> [(&'static str, ColumnData); 3] {
    let kinds = vec!["call"; accounts.len()];
    [
        ("account_id", texts(accounts)),
        ("interaction_type", texts(&kinds)),
        ("occurred_at", instants_at(at)),
    ]
}

#[test]
fn every_file_that_is_missing_or_wrong_is_named() {
    let dir = folder();
    write(dir.path(), &[sample("a")]).unwrap();
    fs::remove_file(dir.path().join("contacts.parquet")).unwrap();
    fs::write(dir.path().join("outcomes.parquet"), "").unwrap();
    fs::write(dir.path().join("surveys.parquet"), "not a table").unwrap();
    let columns = [("account_id", texts(&["a"])), ("occurred_at", texts(&["today"]))];
    write_table(&dir.path().join("interactions.parquet"), &columns).unwrap();
    insta::assert_snapshot!(complaints(dir.path()), @r#"
    `contacts.parquet` is missing, expected a Parquet file
    `interactions.parquet` has no column `interaction_type`, expected one of type Utf8
    column `occurred_at` of `interactions.parquet` has type Utf8, expected Timestamp(µs, "UTC")
    `outcomes.parquet` is empty, expected a Parquet file
    `surveys.parquet` is not a whole Parquet file: Parquet error: Invalid Parquet file. Corrupt footer
    "#);
}

#[test]
fn optional_columns_may_be_missing() {
    let dir = folder();
    write(dir.path(), &[sample("a"), sample("c")]).unwrap();
    let columns = interactions(&["a", "c", "c"], &[1, 2, 3]);
    write_table(&dir.path().join("interactions.parquet"), &columns).unwrap();
    let histories = read(dir.path()).unwrap();
    let c = &histories[1].interactions;
    assert_eq!(c.len(), 2);
    assert_eq!((c[1].contact, c[1].occurred_at, c[1].known_at), (None, days(3), days(3)));
}

#[test]
fn rows_of_unknown_accounts_are_named_once_each() {
    let columns = interactions(&["Z", "a", "b", "b", "c", "d"], &[1, 1, 1, 1, 1, 1]);
    insta::assert_snapshot!(with_table(Table::Interactions, &columns), @"
    row 1 of `interactions.parquet`, account `Z`: `account_id` is `Z`, expected an account of `accounts.parquet`

    row 3 of `interactions.parquet`, account `b`: `account_id` is `b`, expected an account of `accounts.parquet`

    row 6 of `interactions.parquet`, account `d`: `account_id` is `d`, expected an account of `accounts.parquet`
    ");
}

#[test]
fn rows_out_of_order_end_the_reading() {
    let columns = interactions(&["a", "c", "a"], &[1, 1, 1]);
    insta::assert_snapshot!(with_table(Table::Interactions, &columns), @"
    row 3 of `interactions.parquet`, account `a`: `account_id` is `a`, expected an account id after that of the row before, in order of bytes
    ");
    let columns = interactions(&["a", "a", "c"], &[2, 1, 1]);
    insta::assert_snapshot!(with_table(Table::Interactions, &columns), @"
    row 2 of `interactions.parquet`, account `a`: `occurred_at` is `1970-01-02T00:00:00Z`, expected a time at or after that of the row before
    ");
}

#[test]
fn an_account_that_occurs_twice_is_named() {
    let columns =
        [("account_id", texts(&["a", "a", "c"])), ("entered_at", instants_at(&[0, 0, 0]))];
    insta::assert_snapshot!(with_table(Table::Accounts, &columns), @"
    row 2 of `accounts.parquet`, account `a`: `account_id` is `a`, expected an account id that occurs once
    ");
}

#[test]
fn cells_that_cannot_be_understood_are_named() {
    let columns = [
        ("account_id", texts(&["a", "c"])),
        ("period_start", instants_at(&[0, 0])),
        ("period_end", instants_at(&[30, 30])),
        ("revenue", ColumnData::Number(vec![f64::NAN, 1.0])),
        ("status", texts(&["custmer", "customer"])),
    ];
    insta::assert_snapshot!(with_table(Table::Outcomes, &columns), @"
    row 1 of `outcomes.parquet`, account `a`: `revenue` is empty, expected a value
    row 1 of `outcomes.parquet`, account `a`: `status` is `custmer`, expected `prospect`, `customer`, `exited`
    ");
    let [a, b, c] = interactions(&["a", "c"], &[1, 1]);
    let columns =
        [a, b, c, ("contact_id", texts(&["c2", "c9"])), ("stage", texts(&["closing", "?"]))];
    insta::assert_snapshot!(with_table(Table::Interactions, &columns), @"
    row 2 of `interactions.parquet`, account `c`: `contact_id` is `c9`, expected a contact of the account
    row 2 of `interactions.parquet`, account `c`: `stage` is `?`, expected `acquisition`, `closing`, `retention`
    ");
}
