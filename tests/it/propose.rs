//! A first mapping for files that nobody mapped, and a mapping explained column by column.

use std::fs;
use std::path::Path;

use rvq::ingest::{
    Acceptance, Checkup, FieldCheck, IngestError, Ingested, Mapping, Proposal, checkup, ingest,
    propose,
};

/// Files in a folder with the mapping that is proposed for them.
struct Study {
    folder: tempfile::TempDir,
    proposal: Proposal,
}

impl Study {
    fn of(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut paths = Vec::new();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            paths.push(path);
        }
        let proposal = propose(&paths).unwrap_or_else(|error| panic!("{error}"));
        proposal.write(&folder.path().join("mapping.toml")).unwrap();
        Self { folder, proposal }
    }

    fn mapping(&self) -> Mapping {
        Mapping::load(&self.folder.path().join("mapping.toml"))
            .unwrap_or_else(|error| panic!("{error}\n{}", self.proposal.mapping()))
    }

    fn log(&self) -> Ingested {
        ingest(&self.mapping(), self.folder.path())
            .unwrap_or_else(|error| panic!("{error}\n{}", self.proposal.mapping()))
    }

    fn has(&self, line: &str) {
        assert!(self.proposal.mapping().contains(line), "{line}\n{}", self.proposal.mapping());
    }
}

/// `head` and `n` rows that `row` writes.
fn table(head: &str, n: usize, row: impl Fn(usize) -> String) -> String {
    let rows: Vec<String> = (0..n).map(row).collect();
    format!("{head}\n{}\n", rows.join("\n"))
}

#[test]
fn a_german_export_is_read_with_its_signs() {
    let calls = table("Kundennummer;Datum;Typ;Betreuer", 40, |i| {
        let (day, month) = (1 + i % 28, 1 + i % 12);
        format!("K{};{day:02}.{month:02}.2024;{};B{}", i % 5, ["Anruf", "Besuch"][i % 2], i % 3)
    });
    let sales = table("Kundennummer;Monat;Umsatz;Rohertrag", 12, |i| {
        format!("K{};2024-{:02};1.{:03},5{i};{},25", i % 5, 1 + i, 100 + i, 10 + i)
    });
    // The headings `Typ` and `Betreuer` are not known: few words that come again are taken for types.
    let study = Study::of(&[("calls.csv", &calls), ("sales.csv", &sales)]);
    study.has("delimiter = \";\"");
    study.has("time_format = \"%d.%m.%Y\"");
    study.has("decimal = \",\"");
    study.has("thousands = \".\"");
    study.has("columns.interaction_type = \"Typ\"");
    let log = study.log();
    assert_eq!((log.report.n_interactions, log.report.n_outcomes), (40, 12));
    assert!(log.rejected.is_empty());
    assert!((log.histories[0].outcomes[0].revenue - 1100.50).abs() < 1e-9);
}

#[test]
fn day_and_month_are_told_apart_by_any_column_of_the_file_and_else_marked() {
    let told = table("customer_id,activity,date,logged_at", 24, |i| {
        format!("C{},call,{:02}/03/2024,{:02}/{:02}/2024", i % 4, 1 + i % 9, 4 + i % 9, 13 + i % 9)
    });
    Study::of(&[("log.csv", &told)]).has("time_format = \"%m/%d/%Y\"  # as the values are written");
    let open = table("customer_id,activity,date", 24, |i| {
        format!("C{},call,{:02}/03/2024", i % 4, 1 + i % 9)
    });
    Study::of(&[("log.csv", &open)]).has("# TODO: day first or month first?");
}

#[test]
fn purchases_are_interactions_in_disguise_and_outcomes_by_month() {
    let retail = table("household_id,basket_id,transaction_timestamp,sales_value", 60, |i| {
        format!("{},{i},2024-{:02}-{:02}T10:00:00Z,{}.5", i % 6, 1 + i % 12, 1 + i % 28, i)
    });
    let study = Study::of(&[("baskets.csv", &retail)]);
    study.has("aggregate = \"month\"");
    study.has("data_start = \"2024-01-01\"");
    study.has("every time says its offset");
    assert!(study.proposal.catalogue().contains("purchase,,,,1,0,true,"));
    let log = study.log();
    assert_eq!(log.report.n_accounts, 6);
    assert!(log.report.n_outcomes > 0);
    let (purchase, ..) = (&log.catalogue.entries()[0],);
    assert!(purchase.transactional);
}

#[test]
fn dated_amounts_are_no_accounts_though_every_customer_bought_once() {
    let sales =
        table("customer_id,date,value", 20, |i| format!("C{i},2024-{:02}-10,5", 1 + i % 12));
    let study = Study::of(&[("sales.csv", &sales)]);
    study.has("columns.revenue = \"value\"");
    assert!(!study.proposal.mapping().contains("[[accounts]]"));
    let accounts = table("customer_id,customer_since,segment", 20, |i| {
        format!("C{i},2023-{:02}-10,{}", 1 + i % 12, ["large", "small"][i % 2])
    });
    Study::of(&[("customers.csv", &accounts)]).has("[[accounts]]");
}

#[test]
fn product_analytics_event_logs_and_pipelines_are_understood_by_their_names() {
    let events: Vec<String> = (0..30)
        .map(|i| {
            format!(
                "{{\"user_id\": \"u{}\", \"event\": \"{}\", \"event_time\": \"2024-02-{:02} 08:00:00\"}}\n",
                i % 3,
                ["login", "export"][i % 2],
                1 + i % 28
            )
        })
        .collect();
    assert_eq!(Study::of(&[("events.jsonl", &events.concat())]).log().report.n_interactions, 30);

    let event = |case: usize, name: &str, step: &str| {
        format!(
            "<event><string key=\"concept:name\" value=\"{name}\"/><string key=\"lifecycle:transition\" \
             value=\"{step}\"/><string key=\"org:resource\" value=\"R{case}\"/><date key=\"time:timestamp\" \
             value=\"2024-03-0{}T09:00:00+01:00\"/></event>",
            1 + case
        )
    };
    let traces: Vec<String> = (0..6)
        .map(|case| {
            format!(
                "<trace><string key=\"concept:name\" value=\"Case {case}\"/>{}{}{}</trace>",
                event(case, "Open ticket", "start"),
                event(case, "Open ticket", "complete"),
                event(case, "Close ticket", "complete")
            )
        })
        .collect();
    let study = Study::of(&[("desk.xes", &format!("<log>{}</log>", traces.concat()))]);
    study.has("columns.account_id = \"case:concept:name\"");
    study.has("where = { column = \"lifecycle:transition\", equals = \"complete\" }");
    assert_eq!(study.log().report.n_interactions, 12);

    let deals = table(
        "opportunity_id,sales_agent,account,deal_stage,engage_date,close_date,close_value",
        40,
        |i| {
            let stage = ["Won", "Lost"][i % 2];
            let value = if stage == "Won" { "100" } else { "0" };
            format!(
                "O{i},Ann,A{},{stage},2024-01-{:02},2024-{:02}-15,{value}",
                i % 8,
                1 + i % 28,
                2 + i % 9
            )
        },
    );
    let study = Study::of(&[("pipeline.csv", &deals)]);
    let log = study.log();
    // Opened and closed; October is not whole, so the four closed on its 15th are set aside.
    assert_eq!(log.report.n_interactions, 76);
    let aside: u64 = log.report.sources.iter().map(|s| s.set_aside.after_data_end).sum();
    let won_late = 4;
    assert_eq!(aside, 4 + won_late / 2);
    let revenue: f64 =
        log.histories.iter().flat_map(|history| &history.outcomes).map(|o| o.revenue).sum();
    assert!(revenue > 0.0 && revenue <= 2000.0, "only won deals bring revenue: {revenue}");
}

#[test]
fn what_no_mapping_can_read_is_said_and_not_mapped() {
    let clv =
        table("ID,frequency,recency,T,monetary_value", 5, |i| format!("{i},2,30.4,38.9,22.3"));
    let calls =
        table("customer_id,activity,date", 9, |i| format!("C{},call,2024-01-0{}", i % 3, 1 + i));
    let study = Study::of(&[("rfm.csv", &clv), ("calls.csv", &calls)]);
    study.has("# rfm.csv: 5 rows, not used: a summary of purchases per customer");
    assert_eq!(study.log().report.n_interactions, 9);
}

#[test]
fn an_account_column_without_a_known_name_is_found_by_its_values() {
    let accounts = table("id,name,industry", 10, |i| format!("X{i},Firm {i},Food"));
    let visits = table("visited,kind,on", 40, |i| {
        format!("X{},{},2024-05-{:02}", i % 10, ["tour", "demo"][i % 2], 1 + i % 28)
    });
    let study = Study::of(&[("firms.csv", &accounts), ("visits.csv", &visits)]);
    study.has("columns.account_id = \"visited\"  # 100 % of its values are account ids of the other files");
    assert_eq!(study.log().report.n_interactions, 40);
}

#[test]
fn a_proposal_is_the_same_each_time_and_overwrites_nothing() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample");
    let files = ["accounts.csv", "contacts.csv", "interactions.csv", "outcomes.csv"]
        .map(|name| sample.join(name));
    let (first, second) = (propose(&files).unwrap(), propose(&files).unwrap());
    assert_eq!(first, second);
    let marked = first.mapping().matches("TODO").count();
    assert_eq!(first.n_todo() + 1, marked, "the opening lines tell of TODO too");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("catalogue.csv"), "mine").unwrap();
    let refused = first.write(&folder.path().join("mapping.toml")).unwrap_err();
    assert!(matches!(refused, IngestError::Exists { .. }), "{refused}");
    assert!(!folder.path().join("mapping.toml").exists(), "none is written where one is there");
    assert_eq!(fs::read_to_string(folder.path().join("catalogue.csv")).unwrap(), "mine");
}

#[test]
fn names_and_values_of_the_data_stay_inside_strings_and_comments() {
    let nasty = table("customer_id,\"act\nivity_type\",activity,date,\"x\"\"] = 1\"", 12, |i| {
        format!(
            "C{},\"a\n# b\",\"=cmd()\",2024-01-{:02},\"q\ncurrency = \"\"EUR\"\"\"",
            i % 3,
            1 + i
        )
    });
    let study = Study::of(&[("log.csv", &nasty)]);
    let log = study.log();
    assert_eq!(log.report.n_interactions, 12);
    assert_eq!(log.report.currency, "XXX");
    assert!(!study.proposal.catalogue().contains("\n="), "no formula reaches the CSV");
}

fn checked(study: &Study, from: &str, to: &str) -> Checkup {
    let path = study.folder.path().join("mapping.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}\n{text}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
    checkup(&study.mapping(), study.folder.path())
}

fn field<'c>(checkup: &'c Checkup, table: &str, name: &str) -> &'c FieldCheck {
    let block = checkup.blocks.iter().find(|block| block.table == table).unwrap();
    block.fields.iter().find(|field| field.field == name).unwrap()
}

fn calls(bad: usize) -> Study {
    let calls = table("Account,Activity,When,Owner", 50, |i| {
        let when =
            if i < bad { "soon".to_owned() } else { format!("2024-06-{:02} 09:30", 1 + i % 28) };
        format!("A{},{},{when},{}", i % 5, ["call", "visit"][i % 2], if i == 7 { "" } else { "Bo" })
    });
    let accounts = table("Account,Industry,Customer Since", 4, |i| format!("A{i},Food,2024-01-01"));
    Study::of(&[("calls.csv", &calls), ("accounts.csv", &accounts)])
}

#[test]
fn a_check_counts_every_value_of_every_column_and_shows_offenders() {
    let study = calls(4);
    let found = checkup(&study.mapping(), study.folder.path());
    // 4 times that are none, and the rows of A4, which is in no accounts row.
    assert_eq!(found.acceptance, Acceptance::DataRefused);
    let when = field(&found, "interactions", "occurred_at");
    assert_eq!((when.read, when.empty, when.refused), (50, 0, 4));
    assert_eq!(when.offenders.len(), 1, "the same value is shown once");
    let shown = when.offenders[0].to_string();
    assert!(
        shown.contains("calls.csv row 2: ") && shown.contains("`soon` is not a time"),
        "{shown}"
    );
    let owner = field(&found, "interactions", "owner_id");
    assert_eq!((owner.read, owner.empty, owner.refused), (49, 1, 0));
    let types = field(&found, "interactions", "interaction_type");
    assert_eq!(types.words, [("call".to_owned(), 25), ("visit".to_owned(), 25)]);
    let join = found.joins.iter().find(|join| join.from == "interactions").unwrap();
    assert_eq!((join.ids, join.found, join.rows_not_found), (5, 4, 10));
    assert_eq!(join.examples, ["A4"]);
    let words = found.to_string();
    for said in ["no outcomes", "H8", "times without offset are read in UTC", "data refused"] {
        assert!(words.contains(said), "{said}\n{words}");
    }
}

#[test]
fn a_column_that_is_not_there_is_named_with_the_nearest_and_the_others_are_tried() {
    let study = calls(0);
    let found = checked(&study, "columns.occurred_at = \"When\"", "columns.occurred_at = \"Whem\"");
    assert_eq!(found.acceptance, Acceptance::MappingWrong);
    let block = found.blocks.iter().find(|block| block.table == "interactions").unwrap();
    assert_eq!(block.problems.len(), 1);
    assert!(block.problems[0].contains("did you mean `When`?"), "{}", block.problems[0]);
    assert_eq!(field(&found, "interactions", "account_id").read, 50);
    let accepted =
        checked(&study, "columns.occurred_at = \"Whem\"", "columns.occurred_at = \"When\"");
    assert_eq!(accepted.acceptance, Acceptance::DataRefused, "{accepted}");
    let added = checked(&study, "unlisted_accounts = \"reject\"", "unlisted_accounts = \"add\"");
    assert_eq!(added.acceptance, Acceptance::Accepted, "{added}");
}

#[test]
fn a_check_agrees_with_the_ingest() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample");
    let mapping = Mapping::load(&sample.join("mapping.toml")).unwrap();
    let found = checkup(&mapping, &sample);
    let log = ingest(&mapping, &sample).unwrap();
    assert_eq!(found.acceptance, Acceptance::Accepted);
    assert_eq!(found.ledger.as_ref(), Some(&log.report));
    let counted: u64 = found.broken_rules.iter().map(|rule| rule.rows).sum();
    assert_eq!(counted, log.rejected.len() as u64);
    assert!(found.broken_rules.iter().all(|rule| (1..=3).contains(&rule.examples.len())));
}

#[test]
fn a_table_of_keys_links_the_systems_that_it_names() {
    let accounts = table("account_id;segment;entered_at", 20, |i| {
        format!("001{i:03};{};2023-01-{:02}", ["small", "large"][i % 2], 1 + i)
    });
    // Some accounts are not in the other system.
    let customers = table("No;CrmId;City", 16, |i| format!("D{};001{i:03};Town", 500 + i));
    let calls = table("account_id;date;type", 60, |i| {
        format!(
            "001{:03};2024-{:02}-{:02};{}",
            i % 20,
            1 + i % 12,
            1 + i % 28,
            ["call", "visit"][i % 2]
        )
    });
    let invoices = table("customer_id;invoice_date;amount", 48, |i| {
        format!("D{};2024-{:02}-15;{}.50", 500 + i % 16, 1 + i % 12, 100 + i)
    });
    let study = Study::of(&[
        ("crm_accounts.csv", &accounts),
        ("erp_customers.csv", &customers),
        ("calls.csv", &calls),
        ("invoices.csv", &invoices),
    ]);
    study.has("[links.account_id]\nprecedence = [\"crm_accounts\", \"erp_customers\"]");
    study.has("\"crm_accounts\" = \"CrmId\", \"erp_customers\" = \"No\" }");
    study.has("keys.account_id = { \"erp_customers\" = \"customer_id\" }");
    study.has("columns.account_id = \"account_id\"");
    let found = study.log();
    assert_eq!(found.histories.len(), 20, "{}", study.proposal.mapping());
    let rejected: u64 =
        found.report.sources.iter().map(rvq::ingest::SourceReport::n_rejected).sum();
    assert_eq!(rejected, 0, "{}", study.proposal.mapping());
    let first = &found.histories[0];
    assert_eq!(first.account.id, "001000");
    assert!(first.outcomes.iter().any(|outcome| outcome.revenue > 0.0));
    assert!(study.proposal.files().iter().any(|(_, taken)| taken == "keys of accounts: links"));
}

#[test]
fn two_tables_of_accounts_that_nothing_links_stay_what_they_are() {
    let accounts =
        table("account_id;segment", 20, |i| format!("A{i};{}", ["small", "large"][i % 2]));
    let contracts = table("account_id;contract_end", 20, |i| format!("A{i};2026-01-{:02}", 1 + i));
    let study = Study::of(&[("accounts.csv", &accounts), ("contracts.csv", &contracts)]);
    assert!(!study.proposal.mapping().contains("links"), "{}", study.proposal.mapping());
}
