//! Pseudonyms on the way in: no id and no text of the export is left anywhere, and nothing else moves.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use assert_cmd::Command;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use proptest::prelude::*;
use rvq::flow::{Catalogue, CatalogueEntry};
use rvq::ingest::{Ingest, IngestError, Ingested, Mapping, PseudonymKey, ingest};
use rvq::interaction::Outcome;

const KEY: &str = "0123456789abcdef0123456789abcdef";
/// In every id and text of the export below.
const SENTINEL: &str = "Zanzibar";

fn key(bytes: &str) -> PseudonymKey {
    PseudonymKey::new(bytes.as_bytes(), "the test").unwrap()
}

const MAPPING: &str = r#"
name = "secret"
description = "an export of which no word may be left"
time_zone = "UTC"
currency = "EUR"
catalogue = "catalogue.csv"
max_rejected = 0.9
unlisted_accounts = "add"

[[accounts]]
source = "accounts.csv"
columns = { account_id = "id", parent_id = "parent", segment_id = "segment", industry = "industry", exit_reason = "why", entered_at = "since" }

[[contacts]]
source = "contacts.csv"
columns = { account_id = "account", contact_id = "id", role = "role" }

[[interactions]]
source = "interactions.csv"
columns = { account_id = "account", contact_id = "contact", occurred_at = "at", owner_id = "owner", initiative_id = "project", interaction_type = "type", source_id = "id", channel = "channel", level = "level" }

[[outcomes]]
source = "outcomes.csv"
columns = { account_id = "account", month = "month", revenue = "revenue" }

[[surveys]]
source = "surveys.csv"
columns = { account_id = "account", contact_id = "contact", asked_at = "at", instrument = "form", dimension = "topic", subject = "whom", value = "answer" }
"#;

/// The export: `n` accounts, and with `faults` rows that break each kind of rule.
fn export(n: usize, faults: bool) -> BTreeMap<String, String> {
    let s = SENTINEL;
    let mut files = BTreeMap::from([
        ("accounts.csv", "id,parent,segment,industry,why,since,note\n".to_owned()),
        ("contacts.csv", "account,id,role\n".to_owned()),
        (
            "interactions.csv",
            "account,contact,at,owner,project,type,id,channel,level,note\n".into(),
        ),
        ("outcomes.csv", "account,month,revenue\n".to_owned()),
        ("surveys.csv", "account,contact,at,form,topic,whom,answer\n".to_owned()),
    ]);
    let mut add = |file: &str, row: String| files.get_mut(file).unwrap().push_str(&(row + "\n"));
    for i in 0..n {
        let (a, p) = (format!("{s}-A{i}"), format!("{s}-P{i}"));
        add("accounts.csv", format!("{a},{s}-G,{s} seg,{s} ind,{s} why,2024-01-01,{s} note"));
        add("contacts.csv", format!("{a},{p},{s} role"));
        for k in 0..3 {
            let id = format!("{s}-R{i}-{k}");
            add(
                "interactions.csv",
                format!(
                    "{a},{p},2024-02-0{} 10:00,{s}-O,{s}-J,call,{id},{s} ch,{s} lev,{s}",
                    k + 1
                ),
            );
        }
        add("outcomes.csv", format!("{a},2024-02,{}", 10 * i + 5));
        add("surveys.csv", format!("{a},{p},2024-02-05,{s} form,{s} topic,{s} rival,7"));
    }
    if faults {
        add("accounts.csv", format!("{s}-A0,,,,,2024-01-01,"));
        add("contacts.csv", format!("{s}-A0,{s}-P0,"));
        for (account, contact, at, kind) in [
            ("A0", "nobody", "2024-02-03", "call"),
            ("A0", "P0", "1999-02-03", "call"),
            ("A0", "P0", SENTINEL, "call"),
            ("A0", "P0", "2024-02-03", SENTINEL),
        ] {
            add("interactions.csv", format!("{s}-{account},{s}-{contact},{at},,,{kind},,,,"));
        }
        add("interactions.csv", format!("{s},{s},ragged"));
        add("outcomes.csv", format!("{s}-A0,2024-03,{s}"));
    }
    files.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}

fn write(folder: &Path, mapping: &str, files: &BTreeMap<String, String>) {
    let catalogue = "interaction_type,stage,function,direction,rv,variable_cost,customer_effort,\
                     emotional,critical,transactional,is_voc,version\n\
                     call,retention,sales,outbound,1,1,0,false,false,false,false,1\n";
    std::fs::write(folder.join("catalogue.csv"), catalogue).unwrap();
    std::fs::write(folder.join("mapping.toml"), mapping).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// All of a file: its bytes, and the cells and metadata of Parquet as text.
fn words(path: &Path) -> String {
    let mut text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    if path.extension().is_some_and(|extension| extension == "parquet") {
        let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
        write!(text, "{:?}", reader.metadata()).unwrap();
        for row in reader.get_row_iter(None).unwrap() {
            text += &row.unwrap().to_string();
        }
    }
    text
}

/// Runs the command in `folder`; exit code and everything it printed.
fn rvq(folder: &Path, line: &str) -> (i32, String) {
    let mut command = Command::cargo_bin("rvq").unwrap();
    command.current_dir(folder).args(line.split(' ')).env("RVQ_TEST_KEY", KEY);
    let done = command.output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    (done.status.code().unwrap(), text.into_owned())
}

#[test]
fn no_file_and_no_message_holds_an_id_a_text_or_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, MAPPING, &export(4, true));
    std::fs::write(folder.join("my.key"), KEY).unwrap();
    // Without pseudonyms everything is there: the search below can find it.
    assert_eq!(rvq(folder, "ingest mapping.toml --out plain").0, 0);
    assert!(words(&folder.join("plain/accounts.parquet")).contains(SENTINEL));
    assert!(words(&folder.join("plain/rejected.parquet")).contains(SENTINEL));

    for (out, place) in [("one", "my.key"), ("two", "env:RVQ_TEST_KEY")] {
        let (code, text) =
            rvq(folder, &format!("ingest mapping.toml --out {out} --pseudonymise {place}"));
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("ids are pseudonyms"), "{text}");
        assert!(!text.contains(SENTINEL) && !text.contains(KEY), "{text}");
        for entry in std::fs::read_dir(folder.join(out)).unwrap() {
            let path = entry.unwrap().path();
            let text = words(&path);
            assert!(!text.contains(SENTINEL) && !text.contains(KEY), "{}", path.display());
        }
    }
    // The same key gives the same log, wherever it comes from.
    let tables = |out: &str| std::fs::read(folder.join(out).join("interactions.parquet")).unwrap();
    assert_eq!(tables("one"), tables("two"));
    assert!(
        words(&folder.join("one/accounts.parquet")).contains(&key(KEY).pseudonym("Zanzibar-A0"))
    );
    // Nor does what is made of the log, such as its audit.
    let (_, audit) = rvq(folder, "audit one --format json");
    assert!(audit.contains("impossible_order") && !audit.contains(SENTINEL), "{audit}");
}

#[test]
fn errors_hold_no_id_text_or_key_either() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("my.key"), KEY).unwrap();
    let refused = |mapping: &str, files: &BTreeMap<String, String>| {
        write(folder, mapping, files);
        let (code, text) = rvq(folder, "ingest mapping.toml --out log --pseudonymise my.key");
        assert_eq!(code, 3, "{text}");
        assert!(!text.contains(SENTINEL) && !text.contains(KEY), "{text}");
        text
    };
    let text =
        refused(&MAPPING.replace("max_rejected = 0.9", "max_rejected = 0.01"), &export(4, true));
    assert!(text.contains("rows rejected") && text.contains("before_entry"), "{text}");
    // A file without header: its first row stands for the names of its columns.
    let mut headless = export(4, false);
    let rows = headless["contacts.csv"].split_once('\n').unwrap().1.to_owned();
    headless.insert("contacts.csv".to_owned(), rows);
    let text = refused(MAPPING, &headless);
    assert!(text.contains("`contacts.csv` has no column `account`"), "{text}");

    for (text, message) in [
        ("", "has 0 bytes, expected at least 32"),
        ("hunter2\n", "the key of `my.key` has 7 bytes, expected at least 32"),
    ] {
        std::fs::write(folder.join("my.key"), text).unwrap();
        let (code, said) = rvq(folder, "ingest mapping.toml --out log --pseudonymise my.key");
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(message) && !said.contains("hunter2"), "{said}");
    }
    let (code, said) = rvq(folder, "ingest mapping.toml --out log --pseudonymise env:RVQ_NOT_SET");
    assert_eq!(code, 2);
    assert!(said.contains("environment variable `RVQ_NOT_SET` is not set"), "{said}");
    let (code, said) = rvq(folder, "ingest --check mapping.toml --pseudonymise my.key");
    assert_eq!(code, 2, "{said}");
}

fn in_memory(files: &BTreeMap<String, String>) -> Result<Ingested, IngestError> {
    let entries = vec![CatalogueEntry::plain("call", 1.0)];
    let mapping = Mapping::parse(MAPPING, Catalogue::from_entries("1", entries).unwrap()).unwrap();
    let bytes = files.iter().map(|(name, text)| (name.clone(), text.as_bytes().into())).collect();
    Ingest::from_bytes(&mapping, &bytes).with_pseudonyms(&key(KEY)).read()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Cells moved anywhere, cut or repeated: whatever breaks, nothing of them is left.
    #[test]
    fn nothing_is_left_whatever_is_wrong_with_the_files(
        file in 0..5_usize,
        moves in prop::collection::vec((0..40_usize, 0..12_usize, 0..12_usize), 1..8),
    ) {
        let mut files = export(3, true);
        let text = files.values_mut().nth(file).unwrap();
        let mut rows: Vec<Vec<String>> =
            text.lines().map(|row| row.split(',').map(str::to_owned).collect()).collect();
        for (row, from, to) in moves {
            let row = row % (rows.len() - 1) + 1;
            let cells = &mut rows[row];
            let (from, to) = (from % cells.len(), to % cells.len());
            cells.swap(from, to);
            if from == to {
                cells.pop();
            }
            if cells.is_empty() {
                cells.push(SENTINEL.to_owned());
            }
        }
        *text = rows.iter().map(|row| row.join(",") + "\n").collect();
        let left = format!("{:?}", in_memory(&files));
        prop_assert!(!left.contains(SENTINEL), "{left}");
    }
}

#[test]
fn the_same_rows_are_of_the_same_accounts_and_contacts_under_other_names() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample");
    let mapping = Mapping::load(&path.join("mapping.toml")).unwrap();
    let plain = ingest(&mapping, &path).unwrap();
    let key = key(KEY);
    let hidden = Ingest::new(&mapping, &path).with_pseudonyms(&key).read().unwrap();
    assert!(hidden.histories.is_sorted_by(|a, b| a.account.id < b.account.id));
    assert_eq!(hidden.histories.len(), plain.histories.len());
    let by_id: BTreeMap<&str, _> =
        hidden.histories.iter().map(|history| (history.account.id.as_str(), history)).collect();
    for history in &plain.histories {
        let other = by_id[key.pseudonym(&history.account.id).as_str()];
        assert!(other.contacts.is_sorted_by(|a, b| a.id < b.id));
        assert_eq!(Vec::<Outcome>::clone(&history.outcomes), other.outcomes);
        assert_eq!(history.account.exited_at, other.account.exited_at);
        for (row, renamed) in history.interactions.iter().zip(&other.interactions) {
            let who = |history: &rvq::interaction::AccountHistory,
                       row: &rvq::interaction::Interaction| {
                row.contact.map(|contact| history.contacts[usize::from(contact.0)].clone())
            };
            let (one, two) = (who(history, row), who(other, renamed));
            assert_eq!(
                one.as_ref().map(|c| key.pseudonym(&c.id)),
                two.as_ref().map(|c| c.id.clone())
            );
            assert_eq!(one.map(|c| c.influence), two.map(|c| c.influence));
            assert_eq!(
                (row.kind, row.occurred_at, row.owner),
                (renamed.kind, renamed.occurred_at, renamed.owner)
            );
        }
        assert_eq!(history.interactions.len(), other.interactions.len());
    }
}

#[test]
fn another_key_gives_other_pseudonyms() {
    let other = key("another key of thirty-two bytes!!");
    for id in ["A", "ACC-0001", ""] {
        assert_ne!(key(KEY).pseudonym(id), other.pseudonym(id));
        assert_eq!(key(KEY).pseudonym(id).len(), 32);
    }
}
