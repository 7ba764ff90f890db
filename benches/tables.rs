//! Writing and reading a log.

use std::path::Path;

use divan::counter::ItemsCount;
use rvq::flow::Flow;
use rvq::ids::{ContactIndex, TypeIndex, TypeNames};
use rvq::interaction::{
    Account, AccountHistory, Contact, Interaction, InteractionColumns, Log, LogWriter, Outcome,
    Status, WalkWriter,
};
use rvq::rng::Streams;
use rvq::simulate::{PlainFlow, WalkColumns};
use rvq::time::{Calendar, Instant, Month};

fn main() {
    divan::main();
}

/// Interactions in the log, whatever the length of its histories.
const INTERACTIONS: usize = 400_000;

/// The shortest, the typical and the longest history.
const LENGTHS: [usize; 3] = [10, 200, 20_000];

fn types() -> TypeNames {
    let names: Vec<_> = (0..100).map(|position| format!("type_{position:02}")).collect();
    names.iter().map(String::as_str).collect()
}

/// Scatters `position` over 64 bits (SplitMix64's output function).
fn mix(position: usize) -> u64 {
    let z = (position as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z ^ (z >> 27)
}

fn history(account: usize, length: usize) -> AccountHistory {
    let mut time = 1_600_000_000_000_000;
    let mut interaction = |position| {
        let draw = mix(account * length + position);
        time += (draw % 604_800_000_000) as i64;
        let late = draw.is_multiple_of(8);
        Interaction {
            contact: Some(ContactIndex((draw >> 40) as u16 % 5)),
            kind: TypeIndex((draw >> 50) as u16 % 100),
            occurred_at: Instant::from_micros(time),
            known_at: Instant::from_micros(time + i64::from(late) * 3_600_000_000),
            rv: None,
            variable_cost: Some((draw % 10_000) as f64 / 100.0),
            ..Interaction::default()
        }
    };
    let interactions = (0..length).map(&mut interaction).collect();
    let contact = |position| Contact {
        id: format!("A{account:08}-{position}"),
        role: Some("user".to_owned()),
        influence: 1.0,
        valid_from: None,
        valid_to: None,
        ..Contact::default()
    };
    let outcome = |month: i64| Outcome {
        period_start: Instant::from_micros(month * 2_592_000_000_000),
        period_end: Instant::from_micros((month + 1) * 2_592_000_000_000),
        known_at: Instant::from_micros((month + 1) * 2_592_000_000_000),
        revenue: (mix(account) % 100_000) as f64 / 100.0,
        gross_profit: Some((mix(account) % 40_000) as f64 / 100.0),
        cost_to_engage: Some(1.0),
        cost_to_serve: Some(2.0),
        share_of_wallet: None,
        status: Status::Customer,
        ..Outcome::default()
    };
    AccountHistory {
        account: Account {
            id: format!("A{account:08}"),
            entered_at: Instant::from_micros(0),
            exited_at: None,
            ..Account::default()
        },
        contacts: (0..5).map(contact).collect(),
        interactions,
        outcomes: (0..(length as i64 / 5).min(60)).map(outcome).collect(),
        ..AccountHistory::default()
    }
}

fn histories(length: usize) -> Vec<AccountHistory> {
    (0..INTERACTIONS / length).map(|account| history(account, length)).collect()
}

fn write_log(dir: &Path, histories: &[AccountHistory]) {
    let mut writer = LogWriter::create(dir, &types(), "bench").expect("the folder is new");
    for history in histories {
        writer.write(history).expect("histories keep the rules");
    }
    writer.finish().expect("the disk has room");
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

#[divan::bench(args = LENGTHS, sample_count = 10)]
fn write(bencher: divan::Bencher<'_, '_>, length: usize) {
    let histories = histories(length);
    bencher
        .counter(ItemsCount::new(INTERACTIONS))
        .with_inputs(folder)
        .bench_refs(|dir| write_log(dir.path(), &histories));
}

/// The plainest log as finished columns: contact, type and time.
#[divan::bench(args = LENGTHS, sample_count = 10)]
fn write_columns(bencher: divan::Bencher<'_, '_>, length: usize) {
    let mut histories = histories(length);
    let mut column = |history: &mut AccountHistory| std::mem::take(&mut history.interactions);
    let rows: Vec<Interaction> = histories.iter_mut().flat_map(&mut column).collect();
    for history in &mut histories {
        history.outcomes.clear();
    }
    let contact: Vec<ContactIndex> = rows.iter().filter_map(|row| row.contact).collect();
    let kind: Vec<TypeIndex> = rows.iter().map(|row| row.kind).collect();
    let occurred_at: Vec<Instant> = rows.iter().map(|row| row.occurred_at).collect();
    bencher.counter(ItemsCount::new(INTERACTIONS)).with_inputs(folder).bench_refs(|dir| {
        let mut writer =
            LogWriter::create(dir.path(), &types(), "bench").expect("the folder is new");
        for (account, history) in histories.iter().enumerate() {
            let rows = account * length..(account + 1) * length;
            let columns = InteractionColumns {
                contact: Some(&contact[rows.clone()]),
                kind: &kind[rows.clone()],
                occurred_at: &occurred_at[rows],
                variable_cost: None,
            };
            writer.write_columns(history, &columns).expect("columns keep the rules");
        }
        writer.finish().expect("the disk has room");
    });
}

/// Contacts of customers, five years around the clock.
const CONTACTS: u32 = 40_000;

fn plain_flow() -> PlainFlow {
    let start = Month::new(2020, 1).expect("January is a month");
    let flow = Flow::builtin().without_calendar();
    PlainFlow::new(&flow, Streams::new(1), Calendar::UTC, start, 60).of_customers()
}

/// The plain flow straight to Parquet: walk and file.
#[divan::bench(sample_count = 30)]
fn write_walks(bencher: divan::Bencher<'_, '_>) {
    let flow = plain_flow();
    let mut rows = WalkColumns::default();
    flow.walk(0..CONTACTS, &mut rows);
    bencher.counter(ItemsCount::new(rows.kind.len())).with_inputs(folder).bench_refs(|dir| {
        let path = dir.path().join("walks.parquet");
        flow.write_parquet(0..CONTACTS, &path).expect("the disk has room");
    });
}

/// The file of `write_walks` from finished columns.
#[divan::bench(sample_count = 30)]
fn write_finished_walks(bencher: divan::Bencher<'_, '_>) {
    let flow = plain_flow();
    let mut rows = WalkColumns::default();
    flow.walk(0..CONTACTS, &mut rows);
    bencher.counter(ItemsCount::new(rows.kind.len())).with_inputs(folder).bench_refs(|dir| {
        let path = dir.path().join("walks.parquet");
        let mut file = WalkWriter::create(&path, flow.types()).expect("the folder is there");
        let chunks = rows.contact.chunks(32_768).zip(rows.kind.chunks(32_768));
        for ((contact, kind), occurred_at) in chunks.zip(rows.occurred_at.chunks(32_768)) {
            file.write(contact, kind, occurred_at).expect("the disk has room");
        }
        file.finish().expect("the disk has room");
    });
}

#[divan::bench(args = LENGTHS, sample_count = 10)]
fn read(bencher: divan::Bencher<'_, '_>, length: usize) {
    let dir = folder();
    write_log(dir.path(), &histories(length));
    bencher.counter(ItemsCount::new(INTERACTIONS)).bench(|| {
        let log = Log::open(dir.path()).expect("the log was written");
        log.histories().expect("the log was opened").filter_map(Result::ok).count()
    });
}
