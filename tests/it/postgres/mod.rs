//! Tables of a real PostgreSQL server as sources of a mapping, beside the same rows as CSV.

mod server;
mod study;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rvq::interaction::Log;
use server::{PASSWORD, Server};
use study::Study;

/// What the server holds; its settings write dates, instants and numbers as few programs expect them.
const SCHEMA: &str = r#"
ALTER ROLE analyst SET datestyle TO 'SQL, DMY';
ALTER ROLE analyst SET timezone TO 'America/New_York';
ALTER ROLE analyst SET extra_float_digits TO -3;
CREATE SCHEMA crm;
CREATE TABLE crm."Account" (
    id text, "Name" text, segment text, since date, size double precision, priority boolean
);
INSERT INTO crm."Account" VALUES
    ('A1', 'Müller & Söhne', 'Großhandel', '2024-01-15', 0.1::float8 + 0.2::float8, true),
    ('A2', '=1+1', '=cmd()', '2024-03-02', NULL, false),
    ('A3', 'three' || chr(10) || 'lines, "quoted"', NULL, '2024-02-01', 1e22, NULL);
CREATE TABLE crm.activity (
    id bigint, account text, kind text, at timestamp with time zone, cost numeric(12, 2), note text
);
INSERT INTO crm.activity VALUES
    (1, 'A1', 'call', '2024-05-01 14:00:00+02', 12.50, E'line one\nline "two", three'),
    (2, 'A1', 'visit', '2024-11-03 01:30:00-04', NULL, '=HYPERLINK("x")'),
    (3, 'A2', 'call', '2024-06-30 23:59:59.123456+00', 0.00, ''),
    (4, 'A9', 'call', '2024-07-01 00:00:00+00', 1.00, 'nobody''s' || chr(13) || chr(10) || 'own'),
    (5, 'A3', 'mail', '2024-07-01 00:00:00+00', 1.00, 'Grüße'),
    (6, 'A3', 'call', NULL, 1.00, NULL),
    (7, NULL, 'call', '2024-07-02 00:00:00+00', 1.00, NULL),
    (8, 'A3', 'visit', '2024-08-02 10:00:00+00', 'NaN', ' ');
CREATE TABLE erp (account text, month text, revenue numeric(12, 2), margin double precision);
INSERT INTO erp SELECT 'A' || a, '2024-' || to_char(m, 'FM00'), a * 100 + m + 0.05, a * 1.1::float8 * m
    FROM generate_series(1, 3) a, generate_series(5, 9) m ORDER BY 1, 2;
"#;

/// The same accounts and activities as another program would export them.
const ACCOUNTS: &str = "id,Name,segment,since,size,priority\n\
    A1,Müller & Söhne,Großhandel,2024-01-15,0.30000000000000004,t\n\
    A2,=1+1,=cmd(),2024-03-02,,f\n\
    A3,\"three\nlines, \"\"quoted\"\"\",,2024-02-01,1e+22,\n";
const ACTIVITIES: &str = "id,account,kind,at,cost,note\n\
    1,A1,call,2024-05-01 12:00:00+00,12.50,\"line one\nline \"\"two\"\", three\"\n\
    2,A1,visit,2024-11-03 05:30:00+00,,\"=HYPERLINK(\"\"x\"\")\"\n\
    3,A2,call,2024-06-30 23:59:59.123456+00,0.00,\n\
    4,A9,call,2024-07-01 00:00:00+00,1.00,\"nobody's\r\nown\"\n\
    5,A3,mail,2024-07-01 00:00:00+00,1.00,Grüße\n\
    6,A3,call,,1.00,\n\
    7,,call,2024-07-02 00:00:00+00,1.00,\n\
    8,A3,visit,2024-08-02 10:00:00+00,NaN,\" \"\n";

const HEAD: &str = r#"
name = "crm"
description = "a test"
time_zone = "Europe/Berlin"
currency = "EUR"
catalogue = "catalogue.csv"
max_rejected = 1.0
"#;

/// Where a block's rows come from: a file, or the table or query of the same rows.
type Origin<'a> = (&'a str, &'a str);

const ACCOUNT: Origin = (
    r#"source = "accounts.csv""#,
    r#"source = { postgres = "RVQ_TEST_CRM", table = "crm.Account" }"#,
);
const ACTIVITY: Origin = (
    r#"source = "activities.csv""#,
    "source.postgres = \"RVQ_TEST_CRM\"\nsource.query = \"\"\"\nSELECT * -- all of it\nFROM crm.activity\nORDER BY id; \"\"\"",
);
const ERP: Origin =
    (r#"source = "erp.csv""#, r#"source = { postgres = "RVQ_TEST_CRM", table = "erp" }"#);

/// A mapping by columns.
fn by_columns([account, activity, erp]: [&str; 3]) -> String {
    format!(
        "{HEAD}
[[accounts]]
{account}
columns = {{ account_id = \"id\", segment_id = \"segment\", entered_at = \"since\", size = \"size\", priority = \"priority\" }}
[[interactions]]
{activity}
columns = {{ account_id = \"account\", interaction_type = \"kind\", occurred_at = \"at\", variable_cost = \"cost\", source_id = \"id\" }}
[[outcomes]]
{erp}
columns = {{ account_id = \"account\", month = \"month\", revenue = \"revenue\", gross_profit = \"margin\" }}
"
    )
}

/// The ledger with the names of files in the place of those of tables.
fn in_files(ledger: &str) -> String {
    ledger
        .replace("crm.Account of RVQ_TEST_CRM", "accounts.csv")
        .replace("query 1 of RVQ_TEST_CRM", "activities.csv")
        .replace("erp of RVQ_TEST_CRM", "erp.csv")
}

#[test]
fn tables_of_a_server_are_those_of_the_same_rows_in_files() {
    let Some(server) = Server::start() else { return };
    server.client().batch_execute(SCHEMA).unwrap();
    let study = Study::new(server.address(""));
    let (files, tables): (Vec<&str>, Vec<&str>) = [ACCOUNT, ACTIVITY, ERP].into_iter().unzip();
    study.write("files.toml", &by_columns(files.try_into().unwrap()));
    study.write("tables.toml", &by_columns(tables.try_into().unwrap()));
    study.ok("ingest files.toml --out files");
    study.ok("ingest tables.toml --out tables");
    let (in_files_tables, in_files_ledger) = study.log("files");
    let (in_server_tables, in_server_ledger) = study.log("tables");
    assert_eq!(in_files_tables.len(), 4, "accounts, contacts, interactions, outcomes");
    for (of_files, of_server) in in_files_tables.iter().zip(&in_server_tables) {
        assert!(of_files == of_server, "{}", of_files.0);
    }
    assert_eq!(in_files(&in_server_ledger), in_files_ledger);
    // Five of eight activities break a rule, and the raw row is kept.
    assert!(in_files_ledger.contains("\"unknown_account\": 1"), "{in_files_ledger}");
    assert!(in_server_ledger.contains(r"nobody's\\r\\nown"), "{in_server_ledger}");
    // The same rows give the same log, others another.
    study.ok("ingest tables.toml --out again");
    let id = |name: &str| Log::open(&study.path(name)).unwrap().run_id().unwrap().to_owned();
    assert_eq!(id("again"), id("tables"));
    server.client().batch_execute("UPDATE erp SET margin = margin + 1e-9").unwrap();
    study.ok("ingest tables.toml --out changed");
    assert_ne!(id("changed"), id("tables"));
    // What a mapping says of itself is said of tables too.
    let check = study.ok("ingest --check tables.toml");
    assert!(check.contains("query 1 of RVQ_TEST_CRM"), "{check}");
    study.ok("ingest tables.toml --dry-run");
}

#[cfg(feature = "sql")]
#[test]
fn sql_reads_tables_of_a_server_as_it_reads_files() {
    let Some(server) = Server::start() else { return };
    server.client().batch_execute(SCHEMA).unwrap();
    let study = Study::new(server.address(""));
    let mapping = |[account, activity, erp]: [&str; 3]| {
        let named = |origin: &str| origin.strip_prefix("source = ").unwrap().to_owned();
        format!(
            "{HEAD}
[sources]
activities = {}
accounts = {}
[[accounts]]
{account}
columns = {{ account_id = \"id\", entered_at = \"since\" }}
[[interactions]]
sql = \"\"\"
SELECT a.account AS account_id, a.kind AS interaction_type, a.at AS occurred_at, c.segment AS segment_id
FROM activities a JOIN accounts c ON c.id = a.account
WHERE a.note IS NULL OR a.note NOT LIKE '=%'
\"\"\"
[[outcomes]]
{erp}
columns = {{ account_id = \"account\", month = \"month\", revenue = \"revenue\" }}
",
            named(activity),
            named(account)
        )
    };
    let activity = r#"source = { postgres = "RVQ_TEST_CRM", table = "crm.activity" }"#;
    study.write("files.toml", &mapping([ACCOUNT.0, ACTIVITY.0, ERP.0]));
    study.write("tables.toml", &mapping([ACCOUNT.1, activity, ERP.1]));
    study.ok("ingest files.toml --out files");
    study.ok("ingest tables.toml --out tables");
    assert!(study.log("files").0 == study.log("tables").0);
}

#[test]
fn a_column_of_absent_values_loses_no_row() {
    let Some(server) = Server::start() else { return };
    server.client().batch_execute(SCHEMA).unwrap();
    let study = Study::new(server.address(""));
    let one = "source.postgres = \"RVQ_TEST_CRM\"\n\
               source.query = 'SELECT account AS \"id\" FROM crm.activity -- of all'";
    let mapping = by_columns([one, ACTIVITY.1, ERP.1]);
    let start = mapping.find(", segment_id").unwrap();
    let end = start + mapping[start..].find(" }").unwrap();
    study.write("one.toml", &format!("{}{}", &mapping[..start], &mapping[end..]));
    study.ok("ingest one.toml --out one");
    let ledger = fs::read_to_string(study.path("one/ingest.json")).unwrap();
    let ledger: serde_json::Value = serde_json::from_str(&ledger).unwrap();
    // Eight rows: A1 twice, A2, A9, A3 three times, and one of nobody's.
    let accounts = &ledger["sources"][0];
    assert_eq!((&accounts["rows"], &accounts["rejected"]["empty"]), (&8.into(), &1.into()));
}

#[test]
fn tables_of_one_connection_are_of_one_instant() {
    let Some(server) = Server::start() else { return };
    let mut client = server.client();
    client.batch_execute(SCHEMA).unwrap();
    let study = Study::new(server.address(""));
    // The first query waits until the test has changed the table that is read after it.
    let waiting = "source.postgres = \"RVQ_TEST_CRM\"\n\
                   source.query = 'SELECT a.*, pg_advisory_xact_lock_shared(4711)::text AS lock FROM crm.\"Account\" a'";
    study.write("tables.toml", &by_columns([waiting, ACTIVITY.1, ERP.1]));
    client.execute("SELECT pg_advisory_lock(4711)", &[]).unwrap();
    let reading = std::thread::scope(|scope| {
        let reading = scope.spawn(|| study.rvq("ingest tables.toml --out tables"));
        let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        while client.query_one(waits, &[]).unwrap().get::<_, i64>(0) == 0 && !reading.is_finished()
        {
            std::thread::yield_now();
        }
        client
            .batch_execute("UPDATE erp SET revenue = 0; SELECT pg_advisory_unlock(4711)")
            .unwrap();
        reading.join().unwrap()
    });
    assert_eq!(reading.code, 0, "{}", reading.said);
    let histories = Log::open(&study.path("tables")).unwrap().histories().unwrap();
    let revenues: Vec<f64> = histories
        .flat_map(|history| history.unwrap().outcomes)
        .map(|outcome| outcome.revenue)
        .collect();
    assert_eq!(revenues.len(), 15);
    assert!(revenues.iter().all(|revenue| *revenue > 100.0), "{revenues:?}");
}

#[test]
fn a_connection_is_encrypted_and_its_server_known_where_it_is_asked() {
    let Some(server) = Server::start() else { return };
    server.client().batch_execute(SCHEMA).unwrap();
    let how = "source.postgres = \"RVQ_TEST_CRM\"\nsource.query = '''
SELECT a.id, a.since, a.size, a.priority, s.ssl::text AS segment
FROM crm.\"Account\" a, pg_stat_ssl s WHERE s.pid = pg_backend_pid() ORDER BY 1
'''";
    let root = server.path("server.crt").display().to_string();
    let elsewhere = |address: String| address.replace("localhost", "127.0.0.1");
    for (address, expected) in [
        (server.socket(), "false"),
        (server.address("?sslmode=disable"), "false"),
        (server.address(""), "true"),
        (elsewhere(server.address("?sslmode=require")), "true"),
        (server.address(&format!("?sslmode=verify-full&sslrootcert={root}")), "true"),
        (server.address("?sslmode=verify-full&sslrootcert=system"), "invalid peer certificate"),
        (
            elsewhere(server.address(&format!("?sslrootcert={root}&sslmode=verify-full"))),
            "not valid for name",
        ),
    ] {
        let study = Study::new(address.clone());
        study.write("tables.toml", &by_columns([how, ACTIVITY.1, ERP.1]));
        let done = study.rvq("ingest tables.toml --out tables");
        if done.code == 0 {
            let histories = Log::open(&study.path("tables")).unwrap().histories().unwrap();
            let encrypted: Vec<String> = histories
                .map(|history| history.unwrap().account.segment_id.unwrap_or_default())
                .collect();
            assert_eq!(encrypted, [expected; 3], "{address}");
        } else {
            assert!(done.code == 3 && done.said.contains(expected), "{address}: {}", done.said);
        }
    }
}

#[test]
fn a_run_names_what_it_read_and_is_verified_against_the_server() {
    let Some(server) = Server::start() else { return };
    let study = Study::new(server.address(""));
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample");
    for entry in fs::read_dir(&sample).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, study.path(path.file_name().unwrap().to_str().unwrap())).unwrap();
    }
    let mut client = server.client();
    let months = fs::read_to_string(sample.join("outcomes.csv")).unwrap();
    let header = months.lines().next().unwrap();
    let columns: Vec<String> = header.split(',').map(|name| format!("\"{name}\" text")).collect();
    client.batch_execute(&format!("CREATE TABLE months ({})", columns.join(", "))).unwrap();
    let mut writer = client.copy_in("COPY months FROM STDIN WITH (FORMAT csv, HEADER)").unwrap();
    std::io::Write::write_all(&mut writer, months.as_bytes()).unwrap();
    writer.finish().unwrap();
    let mapping = fs::read_to_string(study.path("mapping.toml")).unwrap();
    let origin = r#"source = { postgres = "RVQ_TEST_CRM", table = "months" }"#;
    study.write("mapping.toml", &mapping.replace("source = \"outcomes.csv\"", origin));
    study.ok("run plan.toml --out out");
    let run = fs::read_dir(study.path("out")).unwrap().next().unwrap().unwrap().path();
    let manifest = fs::read_to_string(run.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let inputs = manifest["inputs"].as_array().unwrap();
    let input = inputs.iter().find(|input| input["name"] == "months of RVQ_TEST_CRM").unwrap();
    // The server gives the file back as it was, so the hash is that of the file.
    let digest = <sha2::Sha256 as sha2::Digest>::digest(months.replace("\r\n", "\n").as_bytes());
    let mut expected = String::new();
    digest.iter().for_each(|byte| write!(expected, "{byte:02x}").unwrap());
    assert_eq!(input["sha256"], expected);
    let name = format!("out/{}", run.file_name().unwrap().to_string_lossy());
    study.ok(&format!("verify {name}"));
    client.batch_execute("DELETE FROM months WHERE \"Month\" = '2025-01'").unwrap();
    assert_eq!(study.rvq(&format!("verify {name}")).code, 5);
}

/// A source whose rows are those of `query`.
fn of(query: &str) -> String {
    format!("source.postgres = \"RVQ_TEST_CRM\"\nsource.query = '''{query}'''")
}

#[test]
fn what_is_wrong_is_said_with_the_words_of_the_server_and_without_the_connection() {
    let Some(server) = Server::start() else { return };
    let mut client = server.client();
    client.batch_execute(SCHEMA).unwrap();
    client
        .batch_execute(
            "CREATE FUNCTION wipe() RETURNS text LANGUAGE sql AS $$ DELETE FROM erp RETURNING account $$; \
             CREATE ROLE guest LOGIN",
        )
        .unwrap();
    let here = server.address("");
    let guest = server.socket().replace("analyst", "guest");
    let nowhere = here.replace("localhost", "127.0.0.1").replace(&server.port.to_string(), "1");
    let pasted = r#"source = { postgres = "postgresql://me:secret@host/crm", table = "erp" }"#;
    let both = r#"source = { postgres = "RVQ_TEST_CRM", table = "a", query = "b" }"#;
    let unknown = r#"source = { postgres = "RVQ_TEST_CRM", tables = "a" }"#;
    let two = of("SELECT * FROM crm.activities")
        + "\nlookup = { source = { postgres = \"RVQ_TEST_CRM\", table = \"crm.account\" }, key = \"account\", \
           columns = { segment_id = \"segment\" } }";
    let unset = ACTIVITY.1.replace("_CRM", "_CRM_THAT_IS_NOT_SET");
    let mut messages = String::new();
    for (what, address, activity, line) in [
        (
            "a column that is not there",
            &here,
            of("SELECT id, acount\nFROM crm.activity a"),
            "--out log",
        ),
        ("a table that is not there", &here, of("SELECT *\nFROM crm.activty"), "--check"),
        ("two tables that are not there", &here, two, "--out log"),
        ("a value", &here, of("SELECT account::int FROM crm.activity"), "--out log"),
        (
            "a value, beside pseudonyms",
            &here,
            of("SELECT account::int FROM crm.activity"),
            "--out log --pseudonymise accounts.csv",
        ),
        ("two statements", &here, of("SELECT 1; DROP TABLE erp"), "--out log"),
        ("a way out", &here, of("SELECT 1) TO PROGRAM 'touch x' --"), "--out log"),
        ("a query that writes", &here, of("DELETE FROM erp RETURNING *"), "--out log"),
        ("a function that writes", &here, of("SELECT wipe() AS a, 1 AS b"), "--out log"),
        ("no query", &here, of("VACUUM"), "--out log"),
        ("a parameter", &here, of("SELECT * FROM erp WHERE account = $1"), "--out log"),
        ("two columns of one name", &here, of("SELECT id, id FROM crm.activity"), "--out log"),
        (
            "a mapped column that is not there",
            &here,
            of("SELECT id, kind FROM crm.activity"),
            "--out log",
        ),
        ("no rows", &here, of("SELECT * FROM crm.activity WHERE false"), "--out log"),
        ("another password", &here.replace(PASSWORD, "geheim"), ACTIVITY.1.to_owned(), "--out log"),
        ("a role without rights", &guest, of("SELECT * FROM erp"), "--out log"),
        (
            "no such database",
            &here.replace("/postgres", "/crm"),
            ACTIVITY.1.to_owned(),
            "--out log",
        ),
        ("no server", &nowhere, ACTIVITY.1.to_owned(), "--out log"),
        ("no connection", &PASSWORD.to_owned(), ACTIVITY.1.to_owned(), "--out log"),
        ("an unset variable", &here, unset, "--out log"),
        ("a connection in the mapping", &here, pasted.to_owned(), "--out log"),
        ("a table and a query", &here, both.to_owned(), "--out log"),
        ("an unknown key", &here, unknown.to_owned(), "--out log"),
    ] {
        let study = Study::new(address.clone());
        study.write("m.toml", &by_columns([ACCOUNT.0, &activity, ERP.1]));
        let done = study.rvq(&format!("ingest m.toml {line} --quiet"));
        assert!(!study.path("log").exists(), "{what}");
        let said = done.said.replace(&format!(":{}", server.port), ":PORT");
        writeln!(messages, "--- {what} (exit code {})\n{said}", done.code).unwrap();
    }
    assert!(!messages.contains("secret"));
    let left: i64 = client.query_one("SELECT count(*) FROM erp", &[]).unwrap().get(0);
    assert_eq!(left, 15);
    insta::assert_snapshot!(messages);
}
