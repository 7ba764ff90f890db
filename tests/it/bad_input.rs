//! Input as it comes: each row of the table is an export, what the command must make of it, and
//! what it must say.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use assert_cmd::cargo::cargo_bin_cmd;
use rvq::interaction::{ColumnData, write_table};

const CATALOGUE: &str = "interaction_type,stage,rv\ncall,retention,1\nvisit,retention,3\n";

const CALLS: &str = r#"
[[interactions]]
source = "log.csv"
columns = { account_id = "who", interaction_type = "what", occurred_at = "when" }
"#;

const SALES: &str = r#"
[[outcomes]]
source = "sales.csv"
columns = { account_id = "who", month = "month", revenue = "amount" }
"#;

const HEADER: &str = "who,what,when\n";

/// One export with its mapping, and what becomes of it.
struct Case {
    name: &'static str,
    mapping: String,
    files: Vec<(&'static str, Vec<u8>)>,
    exit: i32,
    /// Parts of what is printed, in this order.
    says: &'static [&'static str],
}

fn case(
    name: &'static str,
    mapping: impl Into<String>,
    files: Vec<(&'static str, Vec<u8>)>,
    exit: i32,
    says: &'static [&'static str],
) -> Case {
    Case { name, mapping: mapping.into(), files, exit, says }
}

/// A case about `log.csv` alone.
fn log(
    name: &'static str,
    text: impl AsRef<[u8]>,
    exit: i32,
    says: &'static [&'static str],
) -> Case {
    case(name, CALLS, vec![("log.csv", text.as_ref().to_vec())], exit, says)
}

/// A case about `sales.csv`, beside a sound `log.csv`; `more` goes into its block.
fn sales(
    name: &'static str,
    more: &str,
    rows: &str,
    exit: i32,
    says: &'static [&'static str],
) -> Case {
    let calls = format!("{HEADER}A,call,2025-01-01\n");
    let files = vec![("log.csv", calls.into_bytes()), ("sales.csv", rows.as_bytes().to_vec())];
    case(name, format!("{CALLS}{SALES}{more}"), files, exit, says)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn rows(count: usize) -> String {
    let row = |n: usize| format!("A{n},call,2025-01-{:02}\n", 1 + n % 28);
    HEADER.to_owned() + &(0..count).map(row).collect::<String>()
}

fn named(source: &str) -> String {
    CALLS.replace("log.csv", source)
}

const XES_BLOCK: &str = r#"
[[interactions]]
source = "log.xes"
columns = { account_id = "case:concept:name", interaction_type = "concept:name", occurred_at = "time:timestamp" }
"#;

const XES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016" xmlns="http://www.xes-standard.org/">
  <trace>
    <string key="concept:name" value="A"/>
    <event><string key="concept:name" value="call"/><date key="time:timestamp" value="2025-01-01T10:00:00+01:00"/></event>
    <event><string key="concept:name" value="visit"/><date key="time:timestamp" value="2025-01-02"/></event>
  </trace>
</log>
"#;

const OCEL_BLOCK: &str = r#"
[[interactions]]
source = "log.json"
columns = { account_id = "object:customer", interaction_type = "concept:name", occurred_at = "time:timestamp" }
"#;

const OCEL: &str = r#"{
  "objectTypes": [{"name": "customer", "attributes": []}],
  "eventTypes": [{"name": "call", "attributes": []}],
  "objects": [{"id": "A", "type": "customer"}],
  "events": [
    {"id": "e1", "type": "call", "time": "2025-01-01T00:00:00Z", "relationships": [{"objectId": "A", "qualifier": "called"}]},
    {"id": "e2", "type": "call", "time": "2025-01-02T00:00:00Z", "relationships": [{"objectId": "B", "qualifier": "called"}]},
    {"id": "e1", "type": "call", "time": "2025-01-03T00:00:00Z", "relationships": [{"objectId": "A"}]}
  ]
}
"#;

fn parquet() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let texts = |texts: [&str; 2]| ColumnData::Text(texts.map(str::to_owned).to_vec());
    let columns = [
        ("who", texts(["A", "B"])),
        ("what", texts(["call", "call"])),
        ("when", texts(["2025-01-01", "2025-01-02"])),
    ];
    write_table(&path, &columns).unwrap();
    fs::read(path).unwrap()
}

/// The form of files: delimiters, encodings, quotes, compression.
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn form() -> Vec<Case> {
    let whole = gzip(rows(400).as_bytes());
    let cut = whole[..whole.len() / 2].to_vec();
    let mut corrupt = whole.clone();
    let middle = corrupt.len() / 2;
    corrupt[middle..middle + 20].fill(0xff);
    let parquet = parquet();
    let mut utf16 = vec![0xff, 0xfe];
    utf16.extend(HEADER.encode_utf16().flat_map(u16::to_le_bytes));
    let mut huge = format!("{HEADER}A,call,2025-01-01\n\"");
    huge.extend(std::iter::repeat_n('x', 10_000_000));
    huge += "\",call,2025-01-02\n";
    vec![
        log(
            "a wrong delimiter",
            "who;what;when\nA;call;2025-01-01\n",
            3,
            &["`log.csv` has no column `who`: its header is one name, `who;what;when`; is it cut by `;`? Write `delimiter = \";\"` into the block"],
        ),
        log("a byte order mark", format!("\u{feff}{}", rows(2)), 0, &["2 interactions"]),
        log("UTF-16", utf16, 3, &["`log.csv` cannot be read: it is written in UTF-16, expected UTF-8"]),
        log(
            "mixed encodings",
            [HEADER.as_bytes(), b"M\xfcller,call,2025-01-01\nM\xc3\xbcller,call,2025-01-01\n"].concat(),
            0,
            &["1 not_utf8: row 2: bytes that are not UTF-8", "1 interactions"],
        ),
        log("quoted line ends", format!("{HEADER}\"A\nB\",call,2025-01-01\n"), 0, &["1 interactions"]),
        log(
            "a quote that is never closed",
            format!("{HEADER}A,call,2025-01-01\nB,call,\"2025-01-02\n{}", &rows(500)[HEADER.len()..]),
            3,
            &["`log.csv` cannot be read: a quote that opens in line 3 is never closed"],
        ),
        log(
            "a quote that is closed far below by another",
            format!("{HEADER}A,call,\"2025-01-02\n{}B,call,see \"x\"\n", &rows(100)[HEADER.len()..]),
            3,
            &["`log.csv` cannot be read: in line 103 `x` stands behind a quote that closes, which was opened in line 2: is a quote left open there?"],
        ),
        log(
            "an open quote and a closed one",
            format!("{HEADER}A,call,\"2025-01-02\n\"B\",call,2025-01-01\n"),
            3,
            &["`log.csv` cannot be read: in line 3 `B` stands behind a quote that closes, which was opened in line 2"],
        ),
        log(
            "an open quote in the last row",
            format!("{HEADER}A,call,2025-01-02\nB,call,\"2025-01-02"),
            3,
            &["a quote that opens in line 3 is never closed"],
        ),
        log(
            "a quoted name behind a byte order mark",
            "\u{feff}\"who\",\"what\",\"when\"\r\n\"A \"\"x\"\"\",call,\"2025-01-01\"\r\n\"B\",call,2025-01-01",
            0,
            &["2 interactions"],
        ),
        log(
            "ragged rows",
            format!("{HEADER}A,call\nA,call,2025-01-01,more\n\"A\nB,call\"\nA,call,2025-01-01\n"),
            0,
            &["3 ragged: row 2: 2 values, expected 3 as in the header", "1 interactions"],
        ),
        log(
            "a field of 10 MB where a name is expected",
            huge,
            0,
            &["1 too_long: row 3: `account_id` has 10000000 bytes, expected at most 65536: is a quote left open?", "1 interactions"],
        ),
        log(
            "a header with names missing",
            "who,what,when,,\nA,call,2025-01-01,,\n",
            3,
            &["`log.csv` cannot be read: columns 4, 5 of its header have no name, expected at most one"],
        ),
        log(
            "a header that would colour the terminal",
            "who,what,when,\u{1b}[31m,\u{1b}[31m\nA,call,2025-01-01,,\n",
            3,
            &["`log.csv` has two columns named `\u{fffd}[31m`"],
        ),
        log(
            "a record of more than 16 MiB",
            gzip(format!("{HEADER}A,call,2025-01-01\nA,call,{}", "2025,".repeat(4 << 20)).as_bytes()),
            3,
            &["`log.csv` cannot be read: the record that begins in line 3 is longer than 16 MiB"],
        ),
        case(
            "a line of more than 16 MiB",
            named("log.jsonl"),
            vec![("log.jsonl", gzip(&vec![b'['; 17 << 20]))],
            3,
            &["`log.jsonl` cannot be read: line 1 is longer than 16 MiB"],
        ),
        case(
            "JSON lines behind a byte order mark and a blank line",
            named("log.json"),
            vec![("log.json", "\u{feff}\n{\"who\": \"A\", \"what\": \"call\", \"when\": \"2025-01-01\"}\n".into())],
            0,
            &["1 interactions"],
        ),
        case(
            "Parquet in gzip",
            named("log.parquet.gz"),
            vec![("log.parquet.gz", gzip(&parquet))],
            3,
            &["`log.parquet.gz` cannot be read: it is Parquet inside gzip or Zstandard: decompress it"],
        ),
        log("duplicate headers", "who,what,when,who\nA,call,2025-01-01,B\n", 3, &["`log.csv` has two columns named `who`"]),
        log("nothing", "", 3, &["`log.csv` is empty, expected a header and rows"]),
        log("a spreadsheet", b"PK\x03\x04rest", 3, &["it is a ZIP archive or spreadsheet: save it as CSV"]),
        log("a database", b"SQLite format 3\0rest", 3, &["it is an SQLite database: export it as CSV, OCEL JSON or XML"]),
        case("gzip", named("log.csv.gz"), vec![("log.csv.gz", whole)], 0, &["400 interactions"]),
        case("gzip cut off", named("log.csv.gz"), vec![("log.csv.gz", cut)], 3, &["`log.csv.gz` cannot be read: "]),
        case("corrupt gzip", named("log.csv.gz"), vec![("log.csv.gz", corrupt)], 3, &["`log.csv.gz` cannot be read: "]),
        case(
            "truncated Parquet",
            named("log.parquet"),
            vec![("log.parquet", parquet[..parquet.len() / 2].to_vec())],
            3,
            &["`log.parquet` cannot be read: Parquet error"],
        ),
        case(
            "JSON lines that are no objects",
            named("log.jsonl"),
            vec![("log.jsonl", b"{\"who\": \"A\", \"what\": \"call\", \"when\": \"2025-01-01\"}\n[1]\n\n{\"who\": \"A\"\n".to_vec())],
            0,
            &["1 interactions"],
        ),
        case(
            "a JSON array",
            named("log.json"),
            vec![("log.json", b"[{\"who\": \"A\"}]\n".to_vec())],
            3,
            &["`log.json` cannot be read: row 1: a JSON array, expected one object per line"],
        ),
    ]
}

/// Values: numbers, times, currencies.
fn values() -> Vec<Case> {
    vec![
        sales(
            "thousands and decimal commas, not declared",
            "",
            "who,month,amount\nA,2025-01,\"1.234,50\"\nA,2025-02,\"12,50\"\n",
            0,
            &["2 not_a_number: row 2: revenue: `1.234,50` is not a number; where a comma is the decimal sign, write `decimal = \",\"` and `thousands = \".\"` into the block"],
        ),
        sales(
            "thousands and decimal commas, declared",
            "decimal = \",\"\nthousands = \".\"\n",
            "who,month,amount\nA,2025-01,\"1.234,50\"\nA,2025-02,\"12,50\"\nA,2025-03,12.50\n",
            0,
            &["1 not_a_number: row 4: revenue: `12.50` is not a number", "2 outcomes"],
        ),
        sales(
            "a mix of currencies",
            "currency_column = \"cur\"\n",
            "who,month,amount,cur\nA,2025-01,5,EUR\nA,2025-02,5,USD\nA,2025-03,5,\n",
            0,
            &["2 other_currency: row 3: an amount in `USD`, expected `EUR`: convert it before", "1 outcomes"],
        ),
        sales(
            "a column of currencies that nobody reads",
            "",
            "who,month,amount,Currency\nA,2025-01,5,EUR\nA,2025-02,5,USD\n",
            0,
            &["warning: `Currency` of sales.csv is not read: amounts of several currencies would be taken for EUR; name it as `currency_column`"],
        ),
        sales("an amount with its currency", "", "who,month,amount\nA,2025-01,5 USD\n", 0, &["`5 USD` is not a number"]),
        log(
            "dates in three formats",
            format!("{HEADER}A,call,2025-03-01\nA,call,01/03/2025\nA,call,1 March 2025\n"),
            0,
            &["2 not_a_time: row 3: occurred_at: `01/03/2025` is not a time: expected RFC 3339", "1 interactions"],
        ),
        case(
            "dates in three declared formats",
            format!("{CALLS}time_format = [\"%Y-%m-%d\", \"%d/%m/%Y\", \"%d %B %Y\"]\n"),
            vec![("log.csv", format!("{HEADER}A,call,2025-03-01\nA,call,01/03/2025\nA,call,1 March 2025\nA,call,03.01.25\n").into_bytes())],
            0,
            &["1 not_a_time: row 5: occurred_at: `03.01.25` is not a time written as `%Y-%m-%d` or `%d/%m/%Y` or `%d %B %Y`", "3 interactions"],
        ),
        case(
            "a zone in letters",
            format!("{CALLS}time_format = \"%Y-%m-%d %H:%M %Z\"\n"),
            vec![("log.csv", format!("{HEADER}A,call,2025-03-01 10:00 PST\n").into_bytes())],
            2,
            &["`%Z` is a zone in letters, of which the offset is not known"],
        ),
        case(
            "a time that daylight saving skips",
            format!("{CALLS}time_zone = \"Europe/Berlin\"\n"),
            vec![("log.csv", format!("{HEADER}A,call,2025-03-30 02:30\nA,call,2025-10-26 02:30\n").into_bytes())],
            0,
            &["1 skipped_by_clock: row 2", "1 interactions"],
        ),
        log(
            "a type that the catalogue lacks",
            format!("{HEADER}A,calls,2025-03-30\nA,call,2025-03-30\n"),
            0,
            &["`calls` is not an interaction type of the catalogue; did you mean `call`?"],
        ),
    ]
}

/// Files that are not there, or not for us to read.
fn places() -> Vec<Case> {
    let list = named("log.csv").replace("\"log.csv\"", "[\"log.csv\", \"february.csv\"]");
    let one = || vec![("log.csv", rows(1).into_bytes())];
    vec![
        case(
            "a missing file in a list",
            list,
            one(),
            3,
            &["`february.csv` is not in the data folder"],
        ),
        case(
            "an empty pattern",
            named("exports/2024-*.csv"),
            one(),
            3,
            &["no file in the data folder", "matches `exports/2024-*.csv`"],
        ),
        case("a pattern beside the mapping", named("l*.csv"), one(), 0, &["1 interactions"]),
        case(
            "the folder of the mapping",
            named("."),
            vec![("log.csv", rows(1).into_bytes())],
            3,
            &["`catalogue.csv` has no column `what`"],
        ),
        case(
            "a mapping that leaves the folder",
            named("../log.csv"),
            one(),
            2,
            &[
                "`../log.csv` leaves the data folder",
                "name a file inside the folder given with `--data`",
            ],
        ),
        case(
            "an absolute path",
            named("/etc/passwd"),
            one(),
            2,
            &["`/etc/passwd` leaves the data folder"],
        ),
        case(
            "a pattern that leaves the folder",
            named("../*.csv"),
            one(),
            2,
            &["`../*.csv` leaves the data folder"],
        ),
        case(
            "no pattern at all",
            CALLS.replace("\"log.csv\"", "[]"),
            one(),
            2,
            &["`source` names no file"],
        ),
    ]
}

/// Event logs.
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn event_logs() -> Vec<Case> {
    vec![
        case(
            "XES without lifecycle",
            XES_BLOCK,
            vec![("log.xes", XES.into())],
            0,
            &["2 interactions"],
        ),
        case(
            "XES without lifecycle, mapped",
            XES_BLOCK.replace("account_id", "direction = \"lifecycle:transition\", account_id"),
            vec![("log.xes", XES.into())],
            3,
            &[
                "`log.xes` has no column `lifecycle:transition`: it has case:concept:name, concept:name, time:timestamp",
            ],
        ),
        case(
            "XES cut off",
            XES_BLOCK,
            vec![(
                "log.xes",
                XES.split_once("<event><string key=\"concept:name\" value=\"visit\"")
                    .unwrap()
                    .0
                    .into(),
            )],
            3,
            &["`log.xes` cannot be read: it ends inside `<trace>`: it is cut off"],
        ),
        case(
            "XES with an attribute without key",
            XES_BLOCK,
            vec![(
                "log.xes",
                XES.replace("key=\"concept:name\" value=\"visit\"", "value=\"visit\"").into(),
            )],
            0,
            &["1 malformed: row 2: an attribute `<string>` without `key`", "1 interactions"],
        ),
        case(
            "XES with a text of more than 16 MiB",
            XES_BLOCK,
            vec![(
                "log.xes",
                gzip(XES.replace("\"visit\"", &format!("\"{}\"", "v".repeat(17 << 20))).as_bytes()),
            )],
            3,
            &["`log.xes` cannot be read: ", "longer than 16 MiB"],
        ),
        case(
            "XES with an event of more than 16 MiB",
            XES_BLOCK,
            vec![(
                "log.xes",
                gzip(
                    XES.replace(
                        "<string key=\"concept:name\" value=\"visit\"/>",
                        &"<int key=\"n\" value=\"1\"/>".repeat(800_000),
                    )
                    .as_bytes(),
                ),
            )],
            3,
            &["`log.xes` cannot be read: the `<event>` in line 6 is longer than 16 MiB"],
        ),
        case(
            "OCEL with an object of more than 16 MiB",
            OCEL_BLOCK,
            vec![(
                "log.json",
                gzip(
                    OCEL.replace(
                        "\"type\": \"customer\"",
                        &format!("\"type\": \"{}\"", "c".repeat(17 << 20)),
                    )
                    .as_bytes(),
                ),
            )],
            3,
            &["`log.json` cannot be read: an object or event is longer than 16 MiB"],
        ),
        case(
            "OCEL behind a byte order mark and a blank line",
            OCEL_BLOCK,
            vec![("log.json", format!("\u{feff}\n{OCEL}").into())],
            0,
            &["1 unknown_object", "1 interactions"],
        ),
        case(
            "XES with a second log",
            XES_BLOCK,
            vec![(
                "log.xes",
                XES.replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "").repeat(2).into(),
            )],
            3,
            &["`log.xes` cannot be read: a second `<log>` in line 8, expected one"],
        ),
        case(
            "OCEL with a second log",
            OCEL_BLOCK.replace(".json", ".xml"),
            vec![(
                "log.xml",
                b"<log><objects/><events/></log>\n<log><objects/><events/></log>".to_vec(),
            )],
            3,
            &["`log.xml` cannot be read: a second `<log>` in line 2, expected one"],
        ),
        case(
            "no XES",
            XES_BLOCK,
            vec![("log.xes", b"<html></html>".to_vec())],
            3,
            &["`<html>` is not the `<log>` of XES"],
        ),
        case(
            "OCEL with dangling references and an id twice",
            OCEL_BLOCK,
            vec![("log.json", OCEL.into())],
            0,
            &[
                "1 unknown_object: row 2: event `e2` is about `B`, which is no object of the log",
                "1 duplicate: row 3: `e1` is the id of an earlier event",
                "1 interactions",
            ],
        ),
        case(
            "OCEL of two customers in one event",
            OCEL_BLOCK,
            vec![(
                "log.json",
                OCEL.replace("\"id\": \"e2\"", "\"id\": \"e2\", \"x\": 0")
                    .replace("{\"objectId\": \"B\"", "{\"objectId\": \"A\"}, {\"objectId\": \"A2\"")
                    .replace(
                        "[{\"id\": \"A\"",
                        "[{\"id\": \"A2\", \"type\": \"customer\"}, {\"id\": \"A\"",
                    )
                    .into(),
            )],
            0,
            &["1 several_values: row 2: 2 values, `A; A2`, expected one"],
        ),
    ]
}

/// What the command made of an export: exit code and all that it printed.
fn ingest(case: &Case) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("catalogue.csv", CATALOGUE.as_bytes());
    let head = "name = \"t\"\ndescription = \"d\"\ntime_zone = \"UTC\"\ncurrency = \"EUR\"\n\
                catalogue = \"catalogue.csv\"\nmax_rejected = 1.0\n";
    write("mapping.toml", format!("{head}{}", case.mapping).as_bytes());
    for (name, bytes) in &case.files {
        write(name, bytes);
    }
    run(folder.path(), &["ingest", "mapping.toml", "--out", "log", "--quiet"])
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = cargo_bin_cmd!("rvq").current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
}

#[test]
fn bad_input_is_told_clearly_and_no_row_is_lost() {
    let mut wrong = Vec::new();
    for case in [form(), values(), places(), event_logs()].iter().flatten() {
        let (exit, printed) = ingest(case);
        let mut rest = printed.as_str();
        let said = case.says.iter().all(|part| match rest.find(part) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        });
        // A message is for people: no value of the data may drown it or steer the terminal.
        let said = said && !printed.contains('\u{1b}');
        if exit != case.exit || !said || printed.len() > 4_000 {
            let shown: String = printed.chars().take(3_000).collect();
            wrong.push(format!("--- {}: exit {exit}, expected {}\n{shown}", case.name, case.exit));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_of_the_data_folder_is_refused() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.csv"), rows(1)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("data")).unwrap();
    symlink(outside.path().join("secret.csv"), at("data/log.csv")).unwrap();
    symlink(outside.path(), at("data/exports")).unwrap();
    fs::write(at("data/inside.csv"), rows(1)).unwrap();
    symlink(at("data/inside.csv"), at("data/link.csv")).unwrap();
    fs::write(at("catalogue.csv"), CATALOGUE).unwrap();
    let head = "name = \"t\"\ndescription = \"d\"\ntime_zone = \"UTC\"\ncurrency = \"EUR\"\n\
                catalogue = \"catalogue.csv\"\n";
    for (source, exit, says) in [
        ("log.csv", 3, "`log.csv` leads out of the data folder `data`"),
        ("exports/*.csv", 3, "`exports` leads out of the data folder `data`"),
        ("exports", 3, "`exports` leads out of the data folder `data`"),
        ("*.csv", 3, "`log.csv` leads out of the data folder `data`"),
        ("link.csv", 0, "1 interactions"),
    ] {
        fs::write(at("mapping.toml"), format!("{head}{}", named(source))).unwrap();
        let (code, printed) = run(
            folder.path(),
            &["ingest", "mapping.toml", "--data", "data", "--out", "log", "--dry-run"],
        );
        assert!(code == exit && printed.contains(says), "{source}: exit {code}\n{printed}");
    }
}

#[test]
fn what_a_spreadsheet_would_run_is_disarmed_in_a_csv_export() {
    let folder = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample");
    for entry in fs::read_dir(sample).unwrap() {
        let from = entry.unwrap().path();
        let text = fs::read_to_string(&from).unwrap();
        let text = text
            .replace("ACC-0003", "=1+1")
            .replace("ACC-0004", "@x")
            .replace("ACC-0005", "+x")
            .replace("ACC-0006", "-x");
        fs::write(folder.path().join(from.file_name().unwrap()), text).unwrap();
    }
    let (code, printed) =
        run(folder.path(), &["score", "plan.toml", "--out", "panels", "--format", "csv"]);
    assert_eq!(code, 0, "{printed}");
    let csv = fs::read_dir(folder.path().join("panels")).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(csv).unwrap();
    let accounts: Vec<&str> = text.lines().filter_map(|line| line.split(',').next()).collect();
    for (raw, disarmed) in [("=1+1", "'=1+1"), ("@x", "'@x"), ("+x", "'+x"), ("-x", "'-x")] {
        assert!(accounts.contains(&disarmed) && !accounts.contains(&raw), "{raw}");
    }
}
