//! Valid inputs and their mutations.

use std::collections::BTreeMap;
use std::sync::Arc;

/// One thing that is read.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) mapping: &'static str,
    pub(crate) file: &'static str,
    pub(crate) valid: &'static str,
    /// A second file of the source, which stays as it is.
    pub(crate) beside: Option<(&'static str, &'static str)>,
    /// The mapping is mutated, not the export.
    pub(crate) mutates_mapping: bool,
}

impl Target {
    /// The files, where the export holds `bytes`.
    pub(crate) fn files(&self, bytes: &[u8]) -> BTreeMap<String, Arc<[u8]>> {
        let beside = self.beside.map(|(name, text)| (name.to_owned(), Arc::from(text.as_bytes())));
        std::iter::once((self.file.to_owned(), Arc::from(bytes))).chain(beside).collect()
    }

    /// What is mutated.
    pub(crate) fn source(&self) -> &'static str {
        if self.mutates_mapping { self.mapping } else { self.valid }
    }
}

const CSV: &str = "\
id,who,what,when,known,worth,person,\"in \"\"out\"\"\"
1,A,call,2025-01-01 10:00,2025-01-02,\"1.234,5\",p1,in
2,\"B, C\",visit,2025-03-29 02:30,2025-04-01,\"-0,5\",,out
3,A,call,2025-02-01T10:00:00+01:00,,12,\"p
2\",in
";

const JSON_LINES: &str = r#"{"id": 1, "who": {"id": "A", "tags": ["x", "y"]}, "what": "call", "when": "2025-01-01", "worth": 1.5, "ok": true}
{"id": 2, "who": {"id": "B"}, "what": "visit", "when": "2025-01-02T10:00:00Z", "worth": null, "note": "\u00e4\n"}
"#;

const XES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016"><extension name="Time" prefix="time" uri="u"/><global scope="event"><string key="concept:name" value="?"/></global>
<trace><string key="concept:name" value="A &amp; B"/><event><string key="concept:name" value="call"/><date key="time:timestamp" value="2025-01-01T10:00:00+01:00"/><int key="n" value="1"><string key="unit" value="h"/></int><list key="l"><values><string key="i" value="1"/><string key="i" value="2"/></values></list></event>
<event><string key="concept:name" value="visit"/><date key="time:timestamp" value="2025-01-02"/></event></trace></log>
"#;

const OCEL_JSON: &str = r#"{"objectTypes": [{"name": "customer", "attributes": []}], "eventTypes": [],
"objects": [{"id": "A", "type": "customer", "attributes": [], "relationships": []}, {"id": "p", "type": "person"}],
"events": [{"id": "e1", "type": "call", "time": "2025-01-01T00:00:00Z", "attributes": [{"name": "n", "value": 1}], "relationships": [{"objectId": "A", "qualifier": ""}, {"objectId": "p", "qualifier": "by"}]},
{"id": "e2", "type": "visit", "time": "2025-01-02T00:00:00Z", "relationships": [{"objectId": "A", "qualifier": "x"}]}]}
"#;

const OCEL_XML: &str = r#"<log><object-types><object-type name="customer"><attributes/></object-type></object-types>
<objects><object id="A" type="customer"><objects><relationship object-id="p" qualifier="q"/></objects></object><object id="p" type="person"/></objects>
<events><event id="e1" type="call" time="2025-01-01T00:00:00Z"><attributes><attribute name="n">1 &lt; 2</attribute></attributes><objects><relationship object-id="A" qualifier=""/><relationship object-id="p" qualifier="by"/></objects></event>
<event id="e2" type="visit" time="2025-01-02T00:00:00Z"><objects><relationship object-id="A" qualifier="x"/></objects></event></events></log>
"#;

macro_rules! mapped {
    ($block:literal) => {
        concat!(
            "name = \"t\"\ndescription = \"d\"\ntime_zone = \"Europe/Berlin\"\ncurrency = \"EUR\"\n",
            "catalogue = \"catalogue.csv\"\nmax_rejected = 1.0\n[[interactions]]\n",
            $block
        )
    };
}

const CSV_MAPPING: &str = mapped!(
    r#"source = ["log.csv"]
columns = { source_id = "id", account_id = "who", interaction_type = "what", occurred_at = "when", known_at = "known", rv = "worth", contact_id = "person", direction = 'in "out"' }
values = { direction = { in = "inbound", out = "outbound" } }
decimal = ","
thousands = "."
time_zone = "UTC"
deduplicate = { by = ["id"], keep = "last" }
"#
);

const CSV_MAPPINGS: &str = mapped!(
    r#"source = "*.csv"
columns = { account_id = "who", interaction_type = "what", occurred_at = "when", known_at = "known", rv = "worth" }
decimal = ","
thousands = "."
time_zone = "UTC"
deduplicate = true
"#
);

pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "mapping",
        mapping: CSV_MAPPING,
        file: "log.csv",
        valid: CSV,
        beside: None,
        mutates_mapping: true,
    },
    Target {
        name: "csv",
        mapping: CSV_MAPPING,
        file: "log.csv",
        valid: CSV,
        beside: None,
        mutates_mapping: false,
    },
    Target {
        name: "jsonl",
        mapping: mapped!(
            r#"source = "*.jsonl"
columns = { source_id = "id", account_id = "who.id", interaction_type = "what", occurred_at = "when", rv = "worth", planned = "ok" }
deduplicate = true
"#
        ),
        file: "log.jsonl",
        valid: JSON_LINES,
        beside: None,
        mutates_mapping: false,
    },
    Target {
        name: "xes",
        mapping: mapped!(
            r#"source = "log.xes"
columns = { account_id = "case:concept:name", interaction_type = "concept:name", occurred_at = "time:timestamp", variable_cost = "n" }
"#
        ),
        file: "log.xes",
        valid: XES,
        beside: None,
        mutates_mapping: false,
    },
    Target {
        name: "ocel json",
        mapping: mapped!(
            r#"source = "log.json"
columns = { source_id = "ocel:id", account_id = "object:customer", contact_id = "object:person:by", interaction_type = "concept:name", occurred_at = "time:timestamp", variable_cost = "n" }
"#
        ),
        file: "log.json",
        valid: OCEL_JSON,
        beside: None,
        mutates_mapping: false,
    },
    Target {
        name: "ocel xml",
        mapping: mapped!(
            r#"source = "log.xml"
columns = { source_id = "ocel:id", account_id = "object:customer", contact_id = "object:person:by", interaction_type = "concept:name", occurred_at = "time:timestamp", channel = "n" }
"#
        ),
        file: "log.xml",
        valid: OCEL_XML,
        beside: None,
        mutates_mapping: false,
    },
    Target {
        name: "two csv",
        mapping: CSV_MAPPINGS,
        file: "log.csv",
        valid: CSV,
        beside: Some(("earlier.csv", CSV)),
        mutates_mapping: false,
    },
    Target {
        name: "two jsonl",
        mapping: mapped!(
            r#"source = ["log.jsonl", "earlier.jsonl"]
columns = { source_id = "id", account_id = "who.id", interaction_type = "what", occurred_at = "when", rv = "worth", planned = "ok" }
"#
        ),
        file: "log.jsonl",
        valid: JSON_LINES,
        beside: Some(("earlier.jsonl", JSON_LINES)),
        mutates_mapping: false,
    },
];

/// Pieces that parsers trip over.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"'",
    b"\n",
    b"\r\n",
    b",",
    b";",
    b"\t",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xc3",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"true",
    b"1e999",
    b"-0",
    b"NaN",
    b"99999999999999999999",
    b"<",
    b">",
    b"/>",
    b"</",
    b"<!--",
    b"<![CDATA[",
    b"]]>",
    b"<!DOCTYPE a [<!ENTITY x \"y\">]>",
    b"&x;",
    b"&#x0;",
    b"&#1114112;",
    b"<?",
    b"=",
    b"..",
    b"*",
    b"?",
    b"0001-01-01",
    b"9999-12-31T23:59:59Z",
    b"-262144-01-01",
    b"2025-03-30 02:30",
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    b"\x28\xb5\x2f\xfd",
    b"PAR1",
    b"<event>",
    b"</event>",
    b"<trace>",
    b"<string key=\"k\" value=\"v\"/>",
    b"{\"id\":1}",
    b"account_id",
    b"%",
    b"%q",
];

/// Random numbers of one input (SplitMix64), named by seed and number.
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        let mut draws = Self(seed);
        draws.0 = draws.next().wrapping_add(number);
        draws.0 = draws.next();
        draws
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 when there is none.
    fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() % end as u64) as usize }
    }

    /// `valid` with one to eight mutations, most often with few.
    pub(crate) fn mutated(&mut self, valid: &str) -> Vec<u8> {
        let mut bytes = valid.as_bytes().to_vec();
        let most = 1 + self.below(8);
        for _ in 0..=self.below(most) {
            self.mutate(&mut bytes, valid.as_bytes());
        }
        bytes
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>, valid: &[u8]) {
        let at = self.below(bytes.len() + 1);
        let length = self.below(24).min(bytes.len() - at);
        match self.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 if at < bytes.len() => bytes[at] = self.next() as u8,
            2 => drop(bytes.drain(at..at + length)),
            3 => {
                let piece = PIECES[self.below(PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            4 => {
                let piece = PIECES[self.below(PIECES.len())];
                bytes.splice(at..at + length, piece.iter().copied());
            }
            5 => {
                let copied = bytes[at..at + length].to_vec();
                let to = self.below(bytes.len() + 1);
                bytes.splice(to..to, copied);
            }
            6 => {
                let from = self.below(valid.len());
                let to = (from + self.below(200)).min(valid.len());
                bytes.splice(at..at, valid[from..to].iter().copied());
            }
            7 if self.below(8) == 0 => bytes.truncate(at),
            _ => {
                let times = 1 + self.below(40);
                let piece = PIECES[self.below(PIECES.len())];
                bytes.splice(at..at, piece.repeat(times));
            }
        }
    }
}
