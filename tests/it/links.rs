//! Accounts and contacts that several systems know under keys of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use rvq::flow::{Catalogue, CatalogueEntry};
use rvq::ingest::{IngestError, Ingested, Mapping, Reason, ingest_bytes};

const MAPPING: &str = r#"
name = "linked"
description = "three systems"
time_zone = "UTC"
currency = "EUR"
catalogue = "catalogue.csv"
max_rejected = 1.0

[links.account_id]
precedence = ["crm", "erp", "domain"]
tables = [
    { source = "crm.csv", columns = { crm = "Id", domain = "Website" } },
    { source = "customers.csv", delimiter = ";", columns = { erp = "No", crm = "CrmId" } },
]

[links.contact_id]
precedence = ["crm", "email"]
tables = [{ source = "people.csv", columns = { crm = "Id", email = "Mail" } }]

[[accounts]]
source = "crm.csv"
columns = { account_id = "Id" }

[[interactions]]
source = "mails.csv"
columns = { occurred_at = "at" }
constants = { interaction_type = "call" }
keys.account_id = { domain = "from_domain", erp = "customer" }
keys.contact_id = { email = "from" }
"#;

fn read(mapping: &str, mails: &str) -> Result<Ingested, IngestError> {
    let entries = vec![CatalogueEntry::plain("call", 1.0)];
    let mapping = Mapping::parse(mapping, Catalogue::from_entries("1", entries).unwrap())?;
    let files = [
        ("crm.csv", "Id,Website\nA,a.com\nB,group.com\nC,group.com\nD,\n"),
        ("customers.csv", "No;CrmId\n100;A\n200;B\n300;\n"),
        ("people.csv", "Id,Mail\nP1,ann@a.com\n"),
        ("mails.csv", mails),
        ("mails.jsonl", mails),
    ];
    let bytes: BTreeMap<String, Arc<[u8]>> =
        files.map(|(name, text)| (name.to_owned(), text.as_bytes().into())).into();
    ingest_bytes(&mapping, &bytes)
}

#[test]
fn rows_find_their_account_and_contact_by_the_strongest_key_they_have() {
    let mails = "at,from,from_domain,customer\n\
                 2025-01-01,ann@a.com,a.com,\n\
                 2025-01-02,bob@b.com,group.com,200\n\
                 2025-01-03,,group.com,\n\
                 2025-01-04,,,300\n\
                 2025-01-05,,,\n\
                 2025-01-06,,a.com,100\n";
    let log = read(MAPPING, mails).unwrap();
    let ids: Vec<(&str, usize)> = log
        .histories
        .iter()
        .map(|history| (history.account.id.as_str(), history.interactions.len()))
        .collect();
    assert_eq!(ids, [("A", 2), ("B", 1)]);
    let contacts = |at: usize| log.histories[at].contacts.iter().map(|contact| contact.id.as_str());
    assert_eq!(contacts(0).collect::<Vec<_>>(), ["P1"]);
    assert_eq!(contacts(1).collect::<Vec<_>>(), ["email:bob@b.com"]);
    let rejected: Vec<_> = log
        .rejected
        .iter()
        .filter(|row| row.source == "mails.csv")
        .map(|row| (row.row, row.reason, row.column.as_str(), row.message.as_str()))
        .collect();
    let shared = "`group.com` (domain) may be `B` or `C`: correct the tables of links, or map a stronger key";
    let none = "`account_id` is empty: none of `customer`, `from_domain` is there";
    assert_eq!(
        rejected,
        [
            (4, Reason::AmbiguousKey, "from_domain", shared),
            (5, Reason::UnknownAccount, "customer", "`erp:300` is in no accounts row"),
            (6, Reason::Empty, "customer", none),
        ]
    );
}

#[test]
fn what_is_wrong_with_links_is_said_where_it_is_written() {
    let wrong = MAPPING
        .replace("\"crm\", \"erp\", \"domain\"", "\"crm\", \"erp\", \"erp\"")
        .replace("[links.contact_id]", "[links.owner_id]");
    let error = read(&wrong, "at\n").unwrap_err();
    insta::assert_snapshot!(error, @r#"
    error: `precedence` names every key once, strongest first, without `:`
      --> mapping:10:14
       |
    10 | precedence = ["crm", "erp", "erp"]
       |              ^^^^^^^^^^^^^^^^^^^^^
       |
       = help: as in `precedence = ["crm", "erp", "email"]`

    error: `domain` is not in `precedence`
      --> mapping:12:51
       |
    12 |     { source = "crm.csv", columns = { crm = "Id", domain = "Website" } },
       |                                                   ^^^^^^

    error: `owner_id` is not linked
      --> mapping:16:8
       |
    16 | [links.owner_id]
       |        ^^^^^^^^
       |
       = help: `[links.account_id]` or `[links.contact_id]`

    error: `domain` is not in `precedence`
      --> mapping:28:21
       |
    28 | keys.account_id = { domain = "from_domain", erp = "customer" }
       |                     ^^^^^^

    error: no links say what the keys of `contact_id` name
      --> mapping:29:6
       |
    29 | keys.contact_id = { email = "from" }
       |      ^^^^^^^^^^
       |
       = help: declare `[links.account_id]` or `[links.contact_id]`
    "#);
}

#[test]
fn a_table_of_links_without_its_column_is_an_error() {
    let mails = "at,from,from_domain,customer\n";
    let error = read(&MAPPING.replace("Mail\" }", "E-Mail\" }"), mails).unwrap_err();
    insta::assert_snapshot!(error, @"`people.csv` has no column `E-Mail`: did you mean `Mail`?");
}

#[test]
fn links_that_name_nothing_are_refused() {
    let wrong = MAPPING
        .replace("{ email = \"from\" }", "{}")
        .replace("columns = { crm = \"Id\", email = \"Mail\" }", "columns = {}");
    let error = read(&wrong, "at\n").unwrap_err().to_string();
    assert!(error.contains("no table says which keys belong together"), "{error}");
    assert!(error.contains("`keys.contact_id` names no column"), "{error}");
}

/// JSON has lists; which of several keys is meant is not guessed.
#[test]
fn several_values_of_a_key_are_refused() {
    let mails = "{\"at\": \"2025-01-01\", \"from\": \"x\", \"from_domain\": [\"a.com\", \"b.com\"]}\n\
                 {\"at\": \"2025-01-01\", \"from\": \"x\", \"customer\": \"100\"}\n";
    let log = read(&MAPPING.replace("mails.csv", "mails.jsonl"), mails).unwrap();
    let row = log.rejected.iter().find(|row| row.source == "mails.jsonl").unwrap();
    assert_eq!((row.row, row.reason), (1, Reason::SeveralValues));
    assert_eq!(row.message, "2 values, `a.com; b.com`, expected one");
    assert_eq!(log.report.n_interactions, 1);
}
