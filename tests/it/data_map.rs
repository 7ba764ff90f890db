//! The data map: what has data, what falls silent, and gaps that are filled in and read back.

use std::fs;

use rvq::diagnostic::Source;
use rvq::flow::{Catalogue, CatalogueEntry};
use rvq::ids::TypeNames;
use rvq::ingest::{Mapping, ingest};
use rvq::interaction::{Account, AccountHistory, Contact, Details, Interaction, Outcome};
use rvq::journey::{
    DataMap, DataMapFigures, GapParams, PriorityRule, SilenceKind, SilenceParams, gaps, gaps_csv,
    gaps_mapping,
};
use rvq::run::{ResolvedPlan, Run, data_map_of};

use super::audit::CLEAN;
use rvq::time::{Calendar, Instant, Month};

const MONTHS: u32 = 12;

fn first() -> Month {
    Month::new(2024, 1).unwrap()
}

fn day(month: u32, day: f64) -> Instant {
    Calendar::UTC.start_of(first().plus(month as i32)).plus_days(day - 1.0)
}

fn catalogue() -> Catalogue {
    let entries =
        [("call", "sales"), ("repair", "service"), ("never", "finance")].map(|(name, function)| {
            CatalogueEntry { function: function.to_owned(), ..CatalogueEntry::plain(name, 1.0) }
        });
    Catalogue::from_entries("1", entries.to_vec()).unwrap()
}

fn types() -> TypeNames {
    ["call", "repair", "never"].into_iter().collect()
}

fn row(kind: u16, at: Instant, system: &str) -> Interaction {
    let details = Details { source_system: Some(system.to_owned()), ..Details::default() };
    Interaction {
        kind: rvq::ids::TypeIndex(kind),
        occurred_at: at,
        known_at: at,
        details: Some(Box::new(details)),
        ..Interaction::default()
    }
}

/// Forty accounts with a call every month from the CRM, and a repair every month until August.
fn histories() -> Vec<AccountHistory> {
    (0..40)
        .map(|index| {
            let account = Account {
                id: format!("A{index:02}"),
                entered_at: day(0, 1.0),
                // The last ten leave at the end of June.
                exited_at: (index >= 30).then(|| day(6, 1.0)),
                ..Account::default()
            };
            let stays = if index >= 30 { 6 } else { MONTHS };
            let mut interactions: Vec<Interaction> =
                (0..stays).map(|month| row(0, day(month, 3.0), "crm")).collect();
            interactions.extend((0..stays.min(8)).map(|month| row(1, day(month, 9.0), "desk")));
            interactions.sort_by_key(|row| row.occurred_at);
            AccountHistory { interactions, ..AccountHistory::empty(account) }
        })
        .collect()
}

fn mapped(histories: &[AccountHistory]) -> DataMapFigures {
    let span = (first(), MONTHS);
    let mut map =
        DataMap::new(&catalogue(), &types(), Calendar::UTC, span, SilenceParams::default());
    for history in histories {
        map.add(history);
    }
    map.finish()
}

#[test]
fn the_map_counts_rows_accounts_systems_and_what_is_never_seen() {
    let figures = mapped(&histories());
    let calls = &figures.types[0];
    assert_eq!((calls.rows, calls.n_accounts, calls.n_contacts), (30 * 12 + 10 * 6, 40, 0));
    assert_eq!(calls.systems, [("crm".to_owned(), 420)]);
    assert_eq!(calls.first_at.as_deref(), Some("2024-01-03T00:00:00Z"));
    let never: Vec<&str> = figures.never_seen().map(|one| one.interaction_type.as_str()).collect();
    assert_eq!(never, ["never"]);
    assert_eq!(figures.active[5..7], [40, 30], "ten leave at the end of June");
    let sales = figures.functions.iter().find(|one| one.name == "sales").unwrap();
    assert!(sales.coverage.iter().all(|share| *share == Some(1.0)));
    assert_eq!((figures.n_accounts, figures.n_accounts_seen), (40, 40));
}

#[test]
fn a_function_that_stops_is_silent_by_function_and_by_system() {
    let figures = mapped(&histories());
    let found: Vec<(&str, &str, &str, &str)> = figures
        .silences
        .iter()
        .map(|s| (s.what.as_str(), s.name.as_str(), s.from.as_str(), s.to.as_str()))
        .collect();
    assert_eq!(
        found,
        [("function", "service", "2024-09", "2024-12"), ("system", "desk", "2024-09", "2024-12")]
    );
    assert!(figures.silences.iter().all(|silence| silence.kind == SilenceKind::Stops));
    // One row per active account and month: thirty accounts in four months.
    assert!((figures.silences[0].expected_rows - 120.0).abs() < 1e-9);
}

fn clean_logs() -> impl Iterator<Item = (String, Run)> {
    CLEAN.iter().flat_map(|world| [11, 12].map(|seed| (world, seed))).map(|(world, seed)| {
        let text = format!(
            "[run]\nname = \"clean\"\nseed = {seed}\n[world]\nworld = \"{world}\"\nbeside = []\n\
             accounts = 200\nstart = \"2021-01\"\nmonths = 36\n"
        );
        let source = Source::new("plan.toml", text);
        let plan = ResolvedPlan::resolve(&source, "".into(), "full", &[]).unwrap();
        (format!("{world} {seed}"), Run::prepare(plan).unwrap())
    })
}

#[test]
fn clean_logs_have_no_suspicious_silence_and_cut_ones_have_theirs() {
    let (mut alarms, mut streams) = (Vec::new(), 0);
    // Cuts of functions with at least ten rows a month, of the others, and those that were told.
    let (mut cut, mut told) = ([0, 0], [0, 0]);
    for (name, run) in clean_logs() {
        let dataset = &run.datasets()[0];
        let figures = data_map_of(dataset).unwrap();
        streams += figures.functions.len() + figures.systems.len();
        alarms.extend(figures.silences.into_iter().map(|silence| (name.clone(), silence)));
        // The export of one function after the other ends half a year before the log does.
        let end = dataset.calendar.start_of(dataset.first.plus(30));
        for function in &figures.functions {
            let functions: Vec<&str> = figures.types.iter().map(|t| t.function.as_str()).collect();
            let mut map = DataMap::new(
                &dataset.catalogue,
                &dataset.types,
                dataset.calendar,
                (dataset.first, dataset.months),
                SilenceParams::default(),
            );
            for history in dataset.histories().unwrap() {
                let mut history = history.unwrap();
                history.interactions.retain(|row| {
                    functions[usize::from(row.kind.0)] != function.name || row.occurred_at < end
                });
                map.add(&history);
            }
            let frequent = function.rows[24..30].iter().sum::<u64>() >= 60;
            cut[usize::from(!frequent)] += 1;
            let named = |s: &rvq::journey::Silence| {
                s.name == function.name && s.what == "function" && s.kind == SilenceKind::Stops
            };
            told[usize::from(!frequent)] += usize::from(map.finish().silences.iter().any(named));
        }
    }
    println!("{} false alarms in {streams} streams; {told:?} of {cut:?} cuts told", alarms.len());
    // Nothing in these worlds stops by design: at most one stream in a hundred may be named.
    assert!(alarms.len() * 100 <= streams, "{alarms:#?}");
    assert!(cut[0] > 100 && told[0] * 10 >= cut[0] * 9, "{told:?} of {cut:?} cuts told");
}

#[test]
fn gaps_are_filled_in_and_read_back_as_an_ordinary_source() {
    let mut log = histories();
    // A00 has revenue and was never repaired; the others bring nothing.
    log[0].interactions.retain(|row| row.kind.0 == 0);
    log[0].contacts = vec![
        Contact { id: "P1".into(), ..Contact::default() },
        Contact { id: "P2".into(), influence: 3.0, ..Contact::default() },
    ];
    log[0].account.priority = Some(true);
    log[0].outcomes =
        vec![Outcome { revenue: 9.0, period_start: day(3, 1.0), ..Outcome::default() }];
    let end = day(12, 1.0);
    let (found, rule) = gaps(&log, (&catalogue(), &types()), end, &GapParams::default());
    assert_eq!(rule, PriorityRule::Flagged);
    let said: Vec<(&str, &str, &str)> = found
        .iter()
        .map(|gap| {
            (gap.account_id.as_str(), gap.contact_id.as_str(), gap.interaction_type.as_str())
        })
        .collect();
    assert_eq!(said, [("A00", "P2", "repair")], "what nobody has is expected of nobody");
    let mut entries = catalogue().entries().to_vec();
    entries[1].worth.rv = -1.0;
    let bad_repairs = Catalogue::from_entries("1", entries).unwrap();
    let (none, _) = gaps(&log, (&bad_repairs, &types()), end, &GapParams::default());
    assert_eq!(none, [], "nobody is to see to what takes value away");

    let folder = tempfile::tempdir().unwrap();
    let csv = gaps_csv(&found);
    let line = csv.lines().nth(1).unwrap();
    let filled = format!("{}yes,2024-05-06,2025-01-07", line.strip_suffix(",,").unwrap());
    let second = line.replace("A00", "A01");
    fs::write(
        folder.path().join("data_gaps.csv"),
        format!("{}\n{filled}\n{second}\n", csv.lines().next().unwrap()),
    )
    .unwrap();
    fs::write(folder.path().join("catalogue.csv"), catalogue().to_csv()).unwrap();
    let path = folder.path().join("data_gaps.toml");
    fs::write(&path, gaps_mapping("data_gaps.csv", "catalogue.csv", "UTC", "EUR")).unwrap();
    let back = ingest(&Mapping::load(&path).unwrap(), folder.path()).unwrap();
    assert_eq!(back.report.n_interactions, 1, "rows that were not filled in are set aside");
    assert_eq!(back.report.sources[0].set_aside.not_selected, 1);
    let history = &back.histories[0];
    assert_eq!((history.account.id.as_str(), history.contacts[0].id.as_str()), ("A00", "P2"));
    let row = &history.interactions[0];
    assert_eq!(row.occurred_at.to_string(), "2024-05-06T00:00:00Z");
    assert_eq!(row.known_at.to_string(), "2025-01-07T00:00:00Z");
}

#[test]
fn without_a_flag_the_fifth_with_most_revenue_has_priority() {
    let mut log = histories();
    for (index, history) in log.iter_mut().enumerate() {
        history.interactions.retain(|row| index % 5 != 0 || row.kind.0 == 0);
        let revenue = 100.0 - index as f64;
        history.outcomes =
            vec![Outcome { revenue, period_start: day(3, 1.0), ..Outcome::default() }];
    }
    let (found, rule) = gaps(&log, (&catalogue(), &types()), day(12, 1.0), &GapParams::default());
    assert_eq!(rule, PriorityRule::TopRevenue);
    let accounts: Vec<&str> = found.iter().map(|gap| gap.account_id.as_str()).collect();
    // Six of the thirty who stayed have priority: A00 to A05, of whom A00 and A05 lack a repair.
    assert_eq!(accounts, ["A00", "A05"]);
}
