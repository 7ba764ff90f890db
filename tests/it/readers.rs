//! Formats, lists of files and repeated exports: what is read is what is there, once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;
use rvq::flow::{Catalogue, CatalogueEntry};
use rvq::ids::TypeNames;
use rvq::ingest::{Ingest, IngestError, Ingested, Mapping, Reason, ingest, ingest_bytes};
use rvq::interaction::Log;
use rvq::score::{Rv, Valuation, ValuedHistory, series};
use rvq::time::Instant;

fn catalogue() -> Catalogue {
    let entries = [("call", 1.0), ("visit", 3.0)].map(|(name, rv)| CatalogueEntry::plain(name, rv));
    Catalogue::from_entries("1", entries.to_vec()).unwrap()
}

/// A mapping with `blocks`, in UTC, that never fails for rejected rows.
fn mapping(blocks: &str) -> Mapping {
    let head = "name = \"t\"\ndescription = \"d\"\ntime_zone = \"UTC\"\ncurrency = \"EUR\"\n\
                catalogue = \"catalogue.csv\"\nmax_rejected = 1.0\n";
    Mapping::parse(&format!("{head}{blocks}"), catalogue())
        .unwrap_or_else(|error| panic!("{error}"))
}

fn attempt(blocks: &str, files: &[(&str, &[u8])]) -> Result<Ingested, IngestError> {
    let files: BTreeMap<String, Arc<[u8]>> =
        files.iter().map(|(name, bytes)| ((*name).to_owned(), Arc::from(*bytes))).collect();
    ingest_bytes(&mapping(blocks), &files)
}

fn read(blocks: &str, files: &[(&str, &[u8])]) -> Ingested {
    attempt(blocks, files).unwrap_or_else(|error| panic!("{error}"))
}

fn calls(source: &str, more: &str) -> String {
    format!(
        "[[interactions]]\nsource = {source}\ncolumns = {{ account_id = \"who\", interaction_type = \
         \"what\", occurred_at = \"when\" }}\n{more}\n"
    )
}

fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

const CSV: &str = "who,what,when\nA,call,2025-01-01\nB,visit,2025-01-02\n";
const JSONL: &str = "{\"who\": \"A\", \"what\": \"call\", \"when\": \"2025-01-01\"}\n\n\
                     {\"what\": \"visit\", \"when\": \"2025-01-02\", \"who\": \"B\"}\n";

#[test]
fn every_format_makes_the_same_log() {
    let expected = read(&calls("\"log.csv\"", ""), &[("log.csv", CSV.as_bytes())]);
    assert_eq!(expected.report.n_interactions, 2);
    let zstd = zstd::encode_all(CSV.as_bytes(), 3).unwrap();
    let zstd_lines = zstd::encode_all(JSONL.as_bytes(), 3).unwrap();
    let two_members = [gzip(&CSV[..20]), gzip(&CSV[20..])].concat();
    for (name, bytes) in [
        ("log.csv.gz", gzip(CSV)),
        ("members.csv.gz", two_members),
        ("log.csv.zst", zstd),
        ("log.jsonl", JSONL.into()),
        ("log.ndjson.gz", gzip(JSONL)),
        ("log.json", JSONL.into()),
        ("log.jsonl.zst", zstd_lines),
        ("log.tsv", CSV.replace(',', "\t").into()),
    ] {
        let log = read(&calls(&format!("{name:?}"), ""), &[(name, &bytes)]);
        assert_eq!(log.histories, expected.histories, "{name}");
    }
}

#[test]
fn nested_fields_of_json_lines_are_columns_and_may_be_absent() {
    let lines = r#"{"who": {"id": 7}, "what": "call", "when": "2025-01-01", "note": {"by": "x"}}
{"who": {"id": 8, "name": "n"}, "what": "call", "when": "2025-01-02", "tags": ["a", "b"]}
"#;
    let blocks =
        calls("\"log.jsonl\"", "").replace("\"who\"", "\"who.id\", owner_id = \"note.by\"");
    let log = read(&blocks, &[("log.jsonl", lines.as_bytes())]);
    assert_eq!(log.report.n_interactions, 2);
    assert_eq!(log.histories[0].owners, ["x"]);
    assert_eq!(log.report.sources[0].unused_columns, ["who.name", "tags"]);
}

#[test]
fn files_of_a_pattern_or_list_are_read_in_order_and_rows_keep_their_file() {
    let january = "who,what,when\nA,call,2025-01-01\nA,calls,2025-01-02\n";
    let february = "what,when,who,more\nvisit,2025-02-01,A,x\nvisit,2025-02-02,,y\n";
    let files: [(&str, &[u8]); 3] = [
        ("exports/2025-02.csv", february.as_bytes()),
        ("exports/2025-01.csv", january.as_bytes()),
        ("exports/notes.txt", b"not a table"),
    ];
    let log = read(&calls("\"exports/2025-*.csv\"", ""), &files);
    let source = &log.report.sources[0];
    let read_files: Vec<(&str, u64)> =
        source.files.iter().map(|file| (file.file.as_str(), file.rows)).collect();
    assert_eq!(read_files, [("exports/2025-01.csv", 2), ("exports/2025-02.csv", 2)]);
    assert_eq!((source.read, source.accepted), (4, 2));
    let rejected: Vec<(&str, u64, Reason, &str)> = log
        .rejected
        .iter()
        .map(|row| (row.file.as_str(), row.row, row.reason, row.raw.as_str()))
        .collect();
    assert_eq!(
        rejected,
        [
            (
                "exports/2025-01.csv",
                3,
                Reason::UnknownInteractionType,
                r#"{"who":"A","what":"calls","when":"2025-01-02","more":null}"#
            ),
            (
                "exports/2025-02.csv",
                3,
                Reason::Empty,
                r#"{"who":null,"what":"visit","when":"2025-02-02","more":"y"}"#
            ),
        ]
    );
    // A list keeps its own order, and a column that one file lacks is told with that file.
    let list = "[\"exports/2025-02.csv\", \"exports/notes.txt\"]";
    let error = attempt(&calls(list, ""), &files).unwrap_err().to_string();
    insta::assert_snapshot!(error, @r"
    `exports/notes.txt` has no column `what`: it has only `not a table`
    `exports/notes.txt` has no column `when`: it has only `not a table`
    `exports/notes.txt` has no column `who`: it has only `not a table`
    ");
}

#[test]
fn folders_stand_for_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(at("exports/older")).unwrap();
    std::fs::write(at("exports/b.csv"), CSV).unwrap();
    std::fs::write(at("exports/a.csv.gz"), gzip(CSV)).unwrap();
    std::fs::write(at("exports/.hidden"), "x").unwrap();
    std::fs::write(at("exports/older/c.csv"), CSV).unwrap();
    let files = |source: &str| -> Vec<String> {
        let log = ingest(&mapping(&calls(source, "")), folder.path()).unwrap();
        log.report.sources[0].files.iter().map(|file| file.file.clone()).collect()
    };
    assert_eq!(files("\"exports\""), ["exports/a.csv.gz", "exports/b.csv"]);
    assert_eq!(files("\"./exports/\""), ["exports/a.csv.gz", "exports/b.csv"]);
    assert_eq!(files("\"*/*/?.csv\""), ["exports/older/c.csv"]);
    assert_eq!(files("\"exports/*.csv\""), ["exports/b.csv"]);
}

const XES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <global scope="event"><string key="concept:name" value="UNKNOWN"/></global>
  <classifier name="Activity" keys="concept:name"/>
  <string key="origin" value="made for this test"/>
  <trace>
    <string key="concept:name" value="ticket &amp; 1"/>
    <string key="customer" value="A"/>
    <event>
      <string key="concept:name" value="call"/>
      <date key="time:timestamp" value="2025-01-01T10:00:00.000+01:00"/>
      <string key="org:resource" value="Ann"><string key="team" value="north"/></string>
      <string key="lifecycle:transition" value="complete"/>
      <int key="minutes" value="1,5"/>
      <list key="topics"><values><string key="topic" value="price"/><string key="topic" value="term"/></values></list>
    </event>
    <event>
      <string key="concept:name" value="visit"/>
      <date key="time:timestamp" value="2025-01-02T10:00:00"/>
    </event>
    <string key="priority" value="high"/>
  </trace>
  <event>
    <string key="concept:name" value="call"/>
    <date key="time:timestamp" value="2025-01-03T10:00:00Z"/>
    <string key="case:customer" value="B"/>
  </event>
</log>
"#;

#[test]
fn events_of_xes_are_rows_with_the_attributes_of_their_case() {
    let blocks = r#"
[[interactions]]
source = "log.xes"
columns = { account_id = "case:customer", contact_id = "case:concept:name", interaction_type = "concept:name", occurred_at = "time:timestamp", owner_id = "org:resource", customer_effort = "minutes", channel = "topics.topic" }
"#;
    let log = read(blocks, &[("log.xes", XES.as_bytes())]);
    let source = &log.report.sources[0];
    assert_eq!((source.read, source.accepted), (3, 2));
    // Other readers take the 1,5 minutes of this event for 0.
    let row = &log.rejected[0];
    assert_eq!((row.row, row.reason, row.value.as_str()), (1, Reason::NotANumber, "1,5"));
    insta::assert_snapshot!(row.raw, @r#"{"case:concept:name":"ticket & 1","case:customer":"A","case:priority":"high","concept:name":"call","time:timestamp":"2025-01-01T10:00:00.000+01:00","org:resource":"Ann","org:resource.team":"north","lifecycle:transition":"complete","minutes":"1,5","topics.topic":"price; term"}"#);
    assert_eq!(
        source.unused_columns,
        ["case:priority", "org:resource.team", "lifecycle:transition"]
    );
    let times: Vec<String> = log
        .histories
        .iter()
        .flat_map(|history| &history.interactions)
        .map(|row| row.occurred_at.to_string())
        .collect();
    // Without offset, a time is of the mapping's zone.
    assert_eq!(times, ["2025-01-02T10:00:00Z", "2025-01-03T10:00:00Z"]);
    assert_eq!(log.histories[0].contacts[0].id, "ticket & 1");
    // Several values are rejected only where one of them is asked for.
    let plain = blocks.replace(", customer_effort = \"minutes\"", "");
    let log = read(&plain, &[("log.xes", XES.as_bytes())]);
    assert_eq!((log.rejected[0].row, log.rejected[0].reason), (1, Reason::SeveralValues));
    let plain = plain.replace(", channel = \"topics.topic\"", "");
    assert_eq!(
        read(&plain, &[("log.xes.gz", &gzip(XES)), ("log.xes", XES.as_bytes())])
            .report
            .n_interactions,
        3
    );
}

const OCEL_JSON: &str = r#"{
  "objectTypes": [{"name": "customer", "attributes": []}, {"name": "person", "attributes": []}],
  "eventTypes": [{"name": "call", "attributes": [{"name": "minutes", "type": "integer"}]}],
  "events": [
    {"id": "e1", "type": "call", "time": "2025-01-01T09:00:00Z",
     "attributes": [{"name": "minutes", "value": 12}],
     "relationships": [{"objectId": "A", "qualifier": ""}, {"objectId": "p1", "qualifier": "caller"}, {"objectId": "p2", "qualifier": "guest"}]},
    {"id": "e2", "type": "visit", "time": "2025-01-02T09:00:00Z", "attributes": [],
     "relationships": [{"objectId": "A", "qualifier": ""}, {"objectId": "p1", "qualifier": "caller"}]}
  ],
  "objects": [
    {"id": "A", "type": "customer", "attributes": [], "relationships": [{"objectId": "nobody", "qualifier": "owned by"}]},
    {"id": "p1", "type": "person"}, {"id": "p2", "type": "person"}
  ]
}
"#;

const OCEL_XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<log>
  <object-types><object-type name="customer"><attributes/></object-type></object-types>
  <event-types><event-type name="call"><attributes><attribute name="minutes" type="integer"/></attributes></event-type></event-types>
  <objects>
    <object id="A" type="customer"><attributes/><objects><relationship object-id="nobody" qualifier="owned by"/></objects></object>
    <object id="p1" type="person"/><object id="p2" type="person"/>
  </objects>
  <events>
    <event id="e1" type="call" time="2025-01-01T09:00:00Z">
      <attributes><attribute name="minutes">12</attribute></attributes>
      <objects>
        <relationship object-id="A" qualifier=""/><relationship object-id="p1" qualifier="caller"/><relationship object-id="p2" qualifier="guest"/>
      </objects>
    </event>
    <event id="e2" type="visit" time="2025-01-02T09:00:00Z">
      <objects><relationship object-id="A" qualifier=""/><relationship object-id="p1" qualifier="caller"/></objects>
    </event>
  </events>
</log>
"#;

#[test]
fn events_of_ocel_are_rows_with_their_objects_by_type_and_qualifier() {
    let blocks = |file: &str| {
        format!(
            r#"
[[interactions]]
source = "{file}"
columns = {{ source_id = "ocel:id", account_id = "object:customer", contact_id = "object:person:caller", interaction_type = "concept:name", occurred_at = "time:timestamp", customer_effort = "minutes" }}
"#
        )
    };
    let json = read(&blocks("log.json"), &[("log.json", OCEL_JSON.as_bytes())]);
    assert!(json.rejected.is_empty(), "{:?}", json.rejected);
    assert_eq!(json.histories[0].interactions[0].customer_effort, Some(12.0));
    assert_eq!(json.histories[0].contacts.len(), 1);
    assert_eq!(json.report.sources[0].unused_columns, ["object:person", "object:person:guest"]);
    // On one line it is a log as well, not one object per line.
    let line = OCEL_JSON.replace('\n', " ");
    for (name, bytes) in [
        ("log.xml", OCEL_XML.as_bytes().to_vec()),
        ("log.xml.gz", gzip(OCEL_XML)),
        ("log.json", line.into_bytes()),
        ("log.jsonocel", OCEL_JSON.as_bytes().to_vec()),
    ] {
        assert_eq!(read(&blocks(name), &[(name, &bytes)]).histories, json.histories, "{name}");
    }
}

/// The help-desk log of 4TU, where the user has it.
#[test]
fn the_help_desk_log_has_its_published_counts() {
    let Some(path) = std::env::var_os("RVQ_HELPDESK_XES").map(std::path::PathBuf::from) else {
        println!(
            "SKIPPED: RVQ_HELPDESK_XES names no help-desk log (doi 10.4121/uuid:0c60edf1-6f83-4e75-9367-4c63b3e9d5bb)"
        );
        return;
    };
    let name = path.file_name().unwrap().to_str().unwrap();
    let blocks = format!(
        r#"
[[interactions]]
source = "{name}"
columns = {{ account_id = "case:concept:name", channel = "concept:name", occurred_at = "time:timestamp", owner_id = "org:resource" }}
constants = {{ interaction_type = "call" }}
"#
    );
    let log = ingest(&mapping(&blocks), path.parent().unwrap()).unwrap();
    assert_eq!((log.report.n_accounts, log.report.n_interactions), (4_580, 21_348));
    assert!(log.rejected.is_empty());
    let times = || log.histories.iter().flat_map(|h| &h.interactions).map(|row| row.occurred_at);
    assert_eq!(times().min().unwrap().to_string()[..10], *"2010-01-13");
    assert_eq!(times().max().unwrap().to_string()[..10], *"2014-01-03");
}

const MARCH: &str =
    "id,who,what,when,known\n1,A,call,2025-03-01,2025-03-02\n2,A,visit,2025-03-05,2025-03-05\n";
const APRIL: &str = "id,who,what,when,known\n2,A,visit,2025-03-05,2025-03-05\n1,A,visit,2025-03-01,2025-04-02\n3,B,call,2025-04-03,2025-04-03\n";

fn exports(deduplicate: &str) -> Ingested {
    let blocks = calls("[\"march.csv\", \"april.csv\"]", deduplicate)
        .replace("account_id", "known_at = \"known\", account_id");
    read(&blocks, &[("march.csv", MARCH.as_bytes()), ("april.csv", APRIL.as_bytes())])
}

#[test]
fn overlapping_exports_count_once_by_a_declared_rule() {
    let kinds = |log: &Ingested| -> Vec<String> {
        let rows = log.histories.iter().flat_map(|history| &history.interactions);
        rows.map(|row| log.types.name(row.kind).to_owned()).collect()
    };
    let first = exports("deduplicate = { by = [\"id\"], keep = \"first\" }");
    assert_eq!(kinds(&first), ["call", "visit", "call"]);
    let last = exports("deduplicate = { by = [\"id\"], keep = \"last\" }");
    assert_eq!(kinds(&last), ["visit", "visit", "call"]);
    for log in [&first, &last] {
        let aside = log.report.sources[0].set_aside;
        assert_eq!((aside.repeated, aside.superseded), (1, 1));
        assert!(log.rejected.is_empty());
    }
    insta::assert_snapshot!(last.report.sources[0].deduplicated.as_ref().unwrap(), @"by `id`, the one known last is kept");
    insta::assert_snapshot!(last.report.to_string(), @r"
    table                 rows  set aside        read    accepted  rejected        made  source
    interactions             5          2           3           3         0           3  march.csv, april.csv

    march.csv, april.csv (interactions): 2 files
             2 rows  march.csv
             3 rows  april.csv

    march.csv, april.csv (interactions): set aside by `id`, the one known last is kept: 1 repeated, 1 superseded

    warning: no account has an exit: attrition cannot be tested, and the log may hold only survivors
    warning: no outcomes: relationship value cannot be tested against anything
    warning: 2 of 2 accounts have no entry date and enter with their first row: relationships that began earlier are cut off on the left
    ");
    // Equal rows only: the corrected row is another one.
    let equal = exports("deduplicate = true");
    assert_eq!((equal.report.n_interactions, equal.report.sources[0].set_aside.repeated), (4, 1));
    assert_eq!(exports("").report.n_interactions, 5);
}

#[test]
fn a_source_id_is_a_rule_for_equal_rows_and_refuses_others() {
    let blocks = calls("[\"march.csv\", \"april.csv\"]", "")
        .replace("account_id", "source_id = \"id\", account_id");
    let log = read(&blocks, &[("march.csv", MARCH.as_bytes()), ("april.csv", APRIL.as_bytes())]);
    let source = &log.report.sources[0];
    assert_eq!((source.accepted, source.set_aside.repeated), (3, 1));
    // Row 1 of April says something else under the same id: no rule says which is right.
    let row = &log.rejected[0];
    assert_eq!((row.file.as_str(), row.row, row.reason), ("april.csv", 3, Reason::Duplicate));
}

#[test]
fn a_version_that_cannot_be_used_does_not_displace_one_that_can() {
    let broken =
        "id,who,what,when,known\n1,A,visit,soon,2025-05-01\n1,A,call,2025-03-01,2025-03-02\n";
    let blocks = calls("\"log.csv\"", "deduplicate = { by = [\"id\"], keep = \"last\" }");
    let log = read(&blocks, &[("log.csv", broken.as_bytes())]);
    assert_eq!((log.report.n_interactions, log.rejected.len()), (1, 1));
    assert_eq!(log.rejected[0].reason, Reason::NotATime);
}

#[test]
fn a_version_that_the_tables_refuse_does_not_displace_one_that_they_take() {
    let accounts = "[[accounts]]\nsource = \"accounts.csv\"\ncolumns = { account_id = \"id\", entered_at = \
                    \"from\" }\n";
    let rule = "deduplicate = { by = [\"id\"], keep = \"last\" }";
    let blocks = format!(
        "data_end = \"2026-01-01\"\n{accounts}{}",
        calls("\"log.csv\"", rule).replace("account_id", "known_at = \"known\", account_id")
    );
    let good = "1,A,call,2025-03-01,2025-03-02";
    for (later, reason) in [
        ("1,A,dance,2025-03-01,2025-05-01", Some(Reason::UnknownInteractionType)),
        ("1,B,call,2025-03-01,2025-05-01", Some(Reason::UnknownAccount)),
        ("1,A,call,2024-03-01,2025-05-01", Some(Reason::BeforeEntry)),
        ("1,A,call,2025-06-01,2025-05-01", Some(Reason::KnownBeforeItHappened)),
        ("1,A,call,2026-06-01,2026-06-01", None),
    ] {
        let log = format!("id,who,what,when,known\n{good}\n{later}\n");
        let files: [(&str, &[u8]); 2] =
            [("accounts.csv", b"id,from\nA,2025-01-01\n"), ("log.csv", log.as_bytes())];
        let log = read(&blocks, &files);
        let reasons: Vec<Reason> = log.rejected.iter().map(|row| row.reason).collect();
        assert_eq!(log.report.n_interactions, 1, "{later}");
        assert_eq!(reasons, Vec::from_iter(reason), "{later}");
        assert_eq!(log.report.sources[1].set_aside.superseded, 0, "{later}");
    }
}

#[test]
fn equal_rows_of_a_rejected_one_are_rejected_too() {
    let text = "who,what,when\nA,dance,2025-01-01\nA,call,2025-01-01\n";
    let blocks = calls("\"*.csv\"", "deduplicate = true");
    let log = read(&blocks, &[("1.csv", text.as_bytes()), ("2.csv", text.as_bytes())]);
    let reasons: Vec<Reason> = log.rejected.iter().map(|row| row.reason).collect();
    assert_eq!(reasons, [Reason::UnknownInteractionType; 2]);
    assert_eq!(log.report.sources[0].set_aside.repeated, 1);
}

#[test]
fn one_file_is_read_once() {
    let files: [(&str, &[u8]); 2] = [("sales/a.csv", CSV.as_bytes()), ("b.csv", CSV.as_bytes())];
    let message = |source: &str| attempt(&calls(source, ""), &files).unwrap_err().to_string();
    insta::assert_snapshot!(message("[\"sales/*.csv\", \"b.csv\", \"./sales/a.csv\"]"), @"`sales/a.csv` is named twice, by `sales/*.csv` and by `./sales/a.csv`: its rows would count twice");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sales")).unwrap();
    std::fs::write(folder.path().join("sales/a.csv"), CSV).unwrap();
    let twice = mapping(&calls("[\"sales\", \"sales/a.csv\"]", ""));
    let error = ingest(&twice, folder.path()).unwrap_err().to_string();
    insta::assert_snapshot!(error, @"`sales/a.csv` is named twice, by `sales` and by `sales/a.csv`: its rows would count twice");
}

#[test]
fn lines_that_end_with_a_carriage_return_have_numbers_of_their_own() {
    for end in ["\r", "\r\n", "\n"] {
        let text = "who,what,when\nA,dance,2025-01-01\n\nB,\"ca\nll\",2025-01-01\nC,call,never\n";
        let text = text.replace('\n', end);
        for mark in ["", "\u{feff}"] {
            let log = read(
                &calls("\"log.csv\"", ""),
                &[("log.csv", (mark.to_owned() + &text).as_bytes())],
            );
            let rows: Vec<u64> = log.rejected.iter().map(|row| row.row).collect();
            assert_eq!(rows, [2, 4, 6], "{end:?} {mark:?}");
            assert!(log.rejected[2].raw.contains("never"), "{}", log.rejected[2].raw);
        }
    }
}

#[test]
fn numbers_in_lists_and_attributes_keep_their_digits_or_are_refused() {
    let blocks = calls("\"log.jsonl\"", "").replace("account_id", "owner_id = \"by\", account_id");
    let line = |by: &str| {
        format!("{{\"who\": \"A\", \"what\": \"call\", \"when\": \"2025-01-01\", \"by\": {by}}}\n")
    };
    let text = line("[12345678901234567891]") + &line("[99999999999999999999]") + &line("[[1e30]]");
    let log = read(&blocks, &[("log.jsonl", text.as_bytes())]);
    assert_eq!(log.histories[0].owners, ["12345678901234567891"]);
    let rows: Vec<(u64, Reason)> = log.rejected.iter().map(|row| (row.row, row.reason)).collect();
    assert_eq!(rows, [(2, Reason::Malformed), (3, Reason::Malformed)]);
    insta::assert_snapshot!(log.rejected[0].message, @"`by` is a number of more than 19 digits, expected a text in quotes at character 79");
    let blocks = r#"
[[interactions]]
source = "log.json"
columns = { account_id = "object:customer", owner_id = "minutes", interaction_type = "concept:name", occurred_at = "time:timestamp" }
"#;
    let exact = OCEL_JSON.replace("\"value\": 12", "\"value\": 12345678901234567891");
    assert_eq!(
        read(blocks, &[("log.json", exact.as_bytes())]).histories[0].owners,
        ["12345678901234567891"]
    );
    // A column is there where some row that can be read has it.
    let long = OCEL_JSON.replace("\"value\": 12", "\"value\": 99999999999999999999").replace(
        "\"attributes\": [],\n     \"rel",
        "\"attributes\": [{\"name\": \"minutes\", \"value\": 3}], \"rel",
    );
    let log = read(blocks, &[("log.json", long.as_bytes())]);
    insta::assert_snapshot!(log.rejected[0].message, @"`minutes` is a number of more than 19 digits, expected a text in quotes");
}

#[test]
fn an_object_under_two_qualifiers_is_one_object() {
    let text = OCEL_JSON.replace(
        "{\"objectId\": \"A\", \"qualifier\": \"\"}",
        "{\"objectId\": \"A\", \"qualifier\": \"payer\"}, {\"objectId\": \"A\", \"qualifier\": \"user\"}",
    );
    let blocks = r#"
[[interactions]]
source = "log.json"
columns = { account_id = "object:customer", segment_id = "object:customer:user", interaction_type = "concept:name", occurred_at = "time:timestamp" }
"#;
    let log = read(blocks, &[("log.json", text.as_bytes())]);
    assert_eq!((log.report.n_interactions, log.rejected.len()), (2, 0), "{:?}", log.rejected);
}

#[test]
fn times_with_an_offset_in_their_format_are_that_instant() {
    let blocks = |format: &str| {
        calls("\"log.csv\"", &format!("time_zone = \"Europe/Berlin\"\ntime_format = {format:?}"))
    };
    for (format, text, expected) in [
        ("%Y-%m-%dT%H:%M:%S%z", "2025-01-01T10:00:00-0800", "2025-01-01T18:00:00Z"),
        ("%Y-%m-%dT%H:%M:%S%:z", "2025-01-01T10:00:00+05:30", "2025-01-01T04:30:00Z"),
        ("%Y-%m-%d%z", "2025-01-01+0200", "2024-12-31T22:00:00Z"),
        ("%s", "1735732800", "2025-01-01T12:00:00Z"),
        ("%Y-%m-%d %H:%M", "2025-01-01 12:00", "2025-01-01T11:00:00Z"),
    ] {
        let log = format!("who,what,when\nA,call,{text}\n");
        let log = read(&blocks(format), &[("log.csv", log.as_bytes())]);
        assert_eq!(log.histories[0].interactions[0].occurred_at.to_string(), expected, "{format}");
    }
}

#[test]
fn a_rejected_row_of_json_keeps_what_it_has_and_no_more() {
    let lines = "{\"who\": \"A\", \"what\": \"call\", \"when\": \"2025-01-01\", \"first\": 1}\n{\"who\": \"A\", \
                 \"what\": \"call\", \"when\": \"never\", \"tags\": [\"x\", \"y\"], \"note\": null}\n";
    let log = read(&calls("\"log.jsonl\"", ""), &[("log.jsonl", lines.as_bytes())]);
    insta::assert_snapshot!(log.rejected[0].raw, @r#"{"who":"A","what":"call","when":"never","tags":"x; y","note":null}"#);
}

#[test]
fn a_rejected_row_of_parquet_keeps_every_column_that_can_be_read() {
    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{ArrayRef, RecordBatch, StringArray};
    let mut tags = ListBuilder::new(StringBuilder::new());
    for _ in 0..2 {
        tags.values().append_value("x");
        tags.append(true);
    }
    let texts = |texts: [&str; 2]| -> ArrayRef { Arc::new(StringArray::from(texts.to_vec())) };
    let batch = RecordBatch::try_from_iter([
        ("who", texts(["A", "B"])),
        ("what", texts(["call", "call"])),
        ("tags", Arc::new(tags.finish()) as ArrayRef),
        ("when", texts(["2025-01-01", "never"])),
        ("note", texts(["m", "n"])),
    ])
    .unwrap();
    let mut bytes = Vec::new();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let log = read(&calls("\"log.parquet\"", ""), &[("log.parquet", &bytes)]);
    insta::assert_snapshot!(log.rejected[0].raw, @r#"{"who":"B","what":"call","when":"never","note":"n"}"#);
}

#[cfg(unix)]
#[test]
fn names_on_the_way_of_a_pattern_need_not_be_everywhere() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for inside in ["north/sub", "south", "east"] {
        std::fs::create_dir_all(at(inside)).unwrap();
    }
    for file in ["north/log.csv", "south/log.csv", "north/sub/log.csv", "beside.csv"] {
        std::fs::write(at(file), CSV).unwrap();
    }
    let files = |source: &str| -> Result<Vec<String>, String> {
        let log = ingest(&mapping(&calls(source, "")), folder.path()).map_err(|e| e.to_string())?;
        Ok(log.report.sources[0].files.iter().map(|file| file.file.clone()).collect())
    };
    assert_eq!(files("\"*/log.csv\"").unwrap(), ["north/log.csv", "south/log.csv"]);
    assert_eq!(files("\"*/sub/*.csv\"").unwrap(), ["north/sub/log.csv"]);
    assert!(files("\"*/none.csv\"").unwrap_err().contains("matches `*/none.csv`"));
    assert!(files("\"north/none.csv\"").unwrap_err().contains("`north/none.csv` is not in"));
    std::os::unix::fs::symlink(at("gone"), at("south/broken.csv")).unwrap();
    assert!(files("\"south/*.csv\"").unwrap_err().contains("`south/broken.csv` is not in"));
    std::fs::write(at("east").join(std::ffi::OsStr::from_bytes(b"caf\xe9.csv")), CSV).unwrap();
    for source in ["\"east\"", "\"east/*.csv\""] {
        let expected = "`east/caf\u{fffd}.csv` cannot be read: its name is not UTF-8";
        assert_eq!(files(source).unwrap_err(), expected);
    }
    assert!(files("[\"east/*.txt\"]").unwrap_err().contains("matches `east/*.txt`"));
}

#[test]
fn the_same_export_twice_adds_nothing_to_any_table() {
    let accounts = "id,from\nA,2025-01-01\nB,2025-01-01\n";
    let sales = "line,id,on,amount\n1,A,2025-03-02,5\n2,A,2025-03-02,5\n3,B,2025-04-02,7\n";
    let blocks = |times: usize, rule: &str| {
        // The second export is a copy: one file may not be read twice.
        let list =
            |name: &str| format!("{:?}", &[name.to_owned(), format!("again/{name}")][..times]);
        format!(
            "data_start = \"2025-01-01\"\ndata_end = \"2026-01-01\"\n[[accounts]]\nsource = {}\ncolumns = {{ account_id = \"id\", entered_at = \"from\" }}\n\
             deduplicate = true\n{}[[outcomes]]\nsource = {}\naggregate = \"month\"\ncolumns = \
             {{ account_id = \"id\", occurred_at = \"on\", revenue = \"amount\" }}\n{rule}\n",
            list("accounts.csv"),
            calls(&list("march.csv"), "deduplicate = true")
                .replace("account_id", "source_id = \"id\", account_id"),
            list("sales.csv"),
        )
    };
    let files: [(&str, &[u8]); 6] = [
        ("accounts.csv", accounts.as_bytes()),
        ("march.csv", MARCH.as_bytes()),
        ("sales.csv", sales.as_bytes()),
        ("again/accounts.csv", accounts.as_bytes()),
        ("again/march.csv", MARCH.as_bytes()),
        ("again/sales.csv", sales.as_bytes()),
    ];
    for rule in ["deduplicate = true", "deduplicate = { by = [\"line\"], keep = \"first\" }"] {
        let (once, twice) = (read(&blocks(1, rule), &files), read(&blocks(2, rule), &files));
        assert_eq!(once.histories, twice.histories);
        assert!(twice.rejected.is_empty(), "{:?}", twice.rejected);
        for source in &twice.report.sources {
            assert_eq!(
                (source.read, source.set_aside.repeated),
                (source.rows / 2, source.rows / 2)
            );
        }
    }
}

#[test]
fn the_rejected_rows_of_a_log_are_a_table_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("catalogue.csv"), catalogue().to_csv()).unwrap();
    std::fs::write(at("log.csv"), format!("{CSV}C,call,never\n")).unwrap();
    std::fs::write(
        at("mapping.toml"),
        mapping(&calls("\"*.csv\"", "")).text().replace("*.csv", "log.csv"),
    )
    .unwrap();
    let mapping = Mapping::load(&at("mapping.toml")).unwrap();
    Ingest::new(&mapping, folder.path()).write(&at("log")).unwrap();
    assert_eq!(Log::open(&at("log")).unwrap().histories().unwrap().count(), 2);
    let again = "[[interactions]]\nsource = \"rejected.parquet\"\ncolumns = { account_id = \"file\", channel = \
         \"source\", level = \"row\", function = \"reason\", segment_id = \"column\", source_id = \"value\", \
         source_system = \"raw\" }\nconstants = { interaction_type = \"call\", occurred_at = 2025-01-01 }\n";
    let read = ingest(&self::mapping(again), &at("log")).unwrap();
    let details = read.histories[0].interactions[0].details.as_ref().unwrap();
    assert_eq!(read.histories[0].account.id, "log.csv");
    assert_eq!(details.channel.as_deref(), Some("log.csv"));
    assert_eq!(details.level.as_deref(), Some("4"));
    assert_eq!(details.function.as_deref(), Some("not_a_time"));
    assert_eq!(details.segment_id.as_deref(), Some("when"));
    assert_eq!(details.source_id.as_deref(), Some("never"));
    assert_eq!(
        details.source_system.as_deref(),
        Some(r#"{"who":"C","what":"call","when":"never"}"#)
    );
}

/// One row of a random log: account, type, day, days until it is known, and a break of form.
type RandomRow = (u8, u8, u16, u16, u8);

fn random_rows() -> impl Strategy<Value = Vec<RandomRow>> {
    prop::collection::vec((0_u8..4, 0_u8..3, 0_u16..400, 0_u16..200, 0_u8..12), 1..60)
}

fn day(day: u16) -> String {
    let epoch = Instant::from_micros(1_700_006_400_000_000);
    epoch.plus_days(f64::from(day)).to_string()
}

/// A row as every format writes it; no kind 2 and no account 3 can be used.
fn values((account, kind, on, delay, _): RandomRow) -> [String; 4] {
    let who = ["A", "B", "C", ""][usize::from(account)];
    let what = ["call", "visit", "dance"][usize::from(kind)];
    [who.to_owned(), what.to_owned(), day(on), day(on + delay)]
}

fn as_csv(rows: &[RandomRow]) -> String {
    let mut text = "who,what,when,known\n".to_owned();
    for row in rows {
        let line = values(*row).join(",");
        writeln!(text, "{}", if row.4 == 0 { line + ",more" } else { line }).unwrap();
    }
    text
}

fn as_json_lines(rows: &[RandomRow]) -> String {
    let mut text = String::new();
    for row in rows {
        let [who, what, when, known] = values(*row);
        let tail = if row.4 == 0 { "" } else { "}" };
        writeln!(
            text,
            "{{\"who\":{who:?},\"what\":{what:?},\"when\":{when:?},\"known\":{known:?}{tail}"
        )
        .unwrap();
    }
    text
}

fn as_xes(rows: &[RandomRow]) -> String {
    let mut text = "<log>".to_owned();
    for row in rows {
        let [who, what, when, known] = values(*row);
        let key = if row.4 == 0 { "" } else { "key='more'" };
        write!(
            text,
            "<trace><string key='who' value='{who}'/><event><string key='what' value='{what}'/>\
             <date key='when' value='{when}'/><date key='known' value='{known}'/><string {key} \
             value='x'/></event></trace>"
        )
        .unwrap();
    }
    text + "</log>"
}

fn as_ocel(rows: &[RandomRow]) -> String {
    let mut events = Vec::new();
    for (row, number) in rows.iter().zip(1..) {
        let [who, what, when, known] = values(*row);
        let object = if row.4 == 0 { "gone" } else { "A" };
        events.push(format!(
            "{{\"id\":\"{number}\",\"type\":\"{what}\",\"time\":\"{when}\",\"attributes\":[{{\"name\":\
             \"known\",\"value\":\"{known}\"}},{{\"name\":\"who\",\"value\":\"{who}\"}}],\
             \"relationships\":[{{\"objectId\":\"{object}\",\"qualifier\":\"\"}}]}}"
        ));
    }
    format!(
        "{{\"objects\":[{{\"id\":\"A\",\"type\":\"customer\"}}],\"events\":[{}]}}",
        events.join(",")
    )
}

/// A random log in every format: file, bytes and mapping.
fn in_every_format(rows: &[RandomRow]) -> [(&'static str, String, String); 4] {
    let mapped = |file: &str| {
        calls(&format!("{file:?}"), "").replace("account_id", "known_at = \"known\", account_id")
    };
    let ocel = |text: String| {
        text.replace("\"what\"", "\"concept:name\"").replace("\"when\"", "\"time:timestamp\"")
    };
    [
        ("log.csv", as_csv(rows), mapped("log.csv")),
        ("log.jsonl", as_json_lines(rows), mapped("log.jsonl")),
        ("log.xes", as_xes(rows), mapped("log.xes").replace("\"who\"", "\"case:who\"")),
        ("log.json", as_ocel(rows), ocel(mapped("log.json"))),
    ]
}

/// The sum of relationship value of every account at each date.
fn scores(log: &Ingested, dates: &[Instant]) -> BTreeMap<String, Vec<u64>> {
    let types: TypeNames = ["call", "visit"].into_iter().collect();
    let valuation = Valuation::new(&catalogue(), &types).unwrap();
    let of = |history: &_| -> Vec<u64> {
        let values =
            series(&Rv::decay(90.0).unwrap(), &ValuedHistory::new(history, &valuation), dates);
        values.into_iter().map(f64::to_bits).collect()
    };
    log.histories.iter().map(|history| (history.account.id.clone(), of(history))).collect()
}

proptest! {
    #[test]
    fn in_every_format_every_row_is_accepted_or_rejected_and_the_good_ones_are_the_same(
        rows in random_rows(),
    ) {
        let good = |row: &&RandomRow| row.0 < 3 && row.1 < 2 && row.4 > 0;
        let expected = rows.iter().filter(good).count() as u64;
        let logs: Vec<Option<Ingested>> = in_every_format(&rows)
            .iter()
            .map(|(file, text, blocks)| {
                match attempt(blocks, &[(file, text.as_bytes())]) {
                    Ok(log) => Some(log),
                    // No row had a value for some column, so no row names it.
                    Err(IngestError::Sources(_)) if expected == 0 => None,
                    Err(error) => panic!("{file}: {error}\n{text}"),
                }
            })
            .collect();
        for log in logs.iter().flatten() {
            let source = &log.report.sources[0];
            prop_assert_eq!(source.rows, rows.len() as u64);
            prop_assert_eq!(source.read, source.accepted + source.n_rejected());
            prop_assert_eq!(source.rows, source.read + source.set_aside.total());
            prop_assert_eq!(source.n_rejected(), log.rejected.len() as u64);
            prop_assert_eq!(source.accepted, expected);
            prop_assert_eq!(&log.histories, &logs[0].as_ref().unwrap().histories);
        }
    }

    #[test]
    fn an_export_given_again_with_more_rows_adds_only_these(
        rows in random_rows(),
        more in random_rows(),
    ) {
        // Rows get their position as id; the second export holds the first and more.
        let numbered = |rows: &[RandomRow]| {
            let mut text = "id,who,what,when,known\n".to_owned();
            for (row, id) in rows.iter().zip(1..) {
                writeln!(text, "{id},{}", values(*row).join(",")).unwrap();
            }
            text
        };
        let all: Vec<RandomRow> = rows.iter().chain(&more).copied().collect();
        let (first, second) = (numbered(&rows), numbered(&all));
        let files: [(&str, &[u8]); 2] = [("1.csv", first.as_bytes()), ("2.csv", second.as_bytes())];
        let known = |blocks: String| blocks.replace("account_id", "known_at = \"known\", account_id");
        let rule = |keep: &str| format!("deduplicate = {{ by = [\"id\"], keep = \"{keep}\" }}");
        let whole = read(&known(calls("\"2.csv\"", "")), &files);
        for rule in [rule("first"), rule("last"), "deduplicate = true".to_owned()] {
            let both = read(&known(calls("\"*.csv\"", &rule)), &files);
            prop_assert_eq!(&both.histories, &whole.histories, "{}", rule);
        }
        let by_source_id =
            known(calls("\"*.csv\"", "")).replace("account_id", "source_id = \"id\", account_id");
        let both = read(&by_source_id, &files);
        prop_assert_eq!(both.report.n_interactions, whole.report.n_interactions);
    }

    #[test]
    fn a_late_export_never_moves_an_earlier_score_by_any_rule_that_keeps_the_past(
        rows in random_rows(),
        late in random_rows(),
        as_of in 100_u16..400,
    ) {
        // Ids of the two exports meet, whatever the rows say otherwise.
        let export = |rows: &[RandomRow], earliest: u16| {
            let mut text = "id,who,what,when,known\n".to_owned();
            for (&(account, kind, on, delay, form), id) in rows.iter().zip(1..) {
                let delay = delay.max(earliest.saturating_sub(on));
                let row = values((account, kind, on, delay, form));
                writeln!(text, "{},{}", id % 20, row.join(",")).unwrap();
            }
            text
        };
        let (first, second) = (export(&rows, 0), export(&late, as_of));
        let files: [(&str, &[u8]); 2] = [("1.csv", first.as_bytes()), ("2.csv", second.as_bytes())];
        let at = |number: u16| Instant::from_micros(1_700_006_400_000_000).plus_days(f64::from(number));
        let dates = [at(50), at(as_of / 2), at(as_of)];
        let source_id = "source_id = \"id\", known_at = \"known\", account_id";
        for (columns, rule) in [
            ("known_at = \"known\", account_id", ""),
            ("known_at = \"known\", account_id", "deduplicate = true"),
            ("known_at = \"known\", account_id", "deduplicate = { by = [\"id\"], keep = \"first\" }"),
            (source_id, ""),
        ] {
            let blocks = |source: &str| calls(source, rule).replace("account_id", columns);
            let before = scores(&read(&blocks("\"1.csv\""), &files), &dates);
            let after = scores(&read(&blocks("\"*.csv\""), &files), &dates);
            let nothing = vec![0.0_f64.to_bits(); dates.len()];
            for (account, values) in &before {
                // An account whose rows all gave way to versions known earlier is gone.
                prop_assert_eq!(values, after.get(account).unwrap_or(&nothing), "{} {}", account, rule);
            }
        }
    }

    #[test]
    fn a_late_row_never_moves_an_earlier_score(
        rows in random_rows(),
        late in random_rows(),
        as_of in 100_u16..400,
    ) {
        // The later export brings rows that nobody could read before `as_of`.
        let late: Vec<RandomRow> = late
            .into_iter()
            .map(|(account, kind, on, delay, form)| {
                (account, kind, on, delay.max(as_of.saturating_sub(on)), form)
            })
            .collect();
        let at = |number: u16| Instant::from_micros(1_700_006_400_000_000).plus_days(f64::from(number));
        let dates = [at(50), at(as_of / 2), at(as_of)];
        let both: Vec<RandomRow> = rows.iter().chain(&late).copied().collect();
        for ((file, before, blocks), (_, after, _)) in
            in_every_format(&rows).into_iter().zip(in_every_format(&both))
        {
            let Ok(before) = attempt(&blocks, &[(file, before.as_bytes())]) else { continue };
            let Ok(after) = attempt(&blocks, &[(file, after.as_bytes())]) else { continue };
            let (before, after) = (scores(&before, &dates), scores(&after, &dates));
            for (account, values) in &before {
                prop_assert_eq!(values, &after[account], "{} {}", file, account);
            }
        }
    }
}
