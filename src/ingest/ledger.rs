//! What became of every row: read = accepted + rejected, per source and reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::interaction::Table;
use crate::time::Instant;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident $name:literal,)*) => {
        /// The rule that a rejected row breaks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $variant,)*
        }

        impl Reason {
            /// Name as written in reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

reasons! {
    /// Not built as its format demands.
    Malformed "malformed",
    /// More or fewer values than the header.
    Ragged "ragged",
    /// Bytes that are not UTF-8.
    NotUtf8 "not_utf8",
    /// A needed value is empty.
    Empty "empty",
    /// Not a time.
    NotATime "not_a_time",
    /// A wall-clock time that the time zone skips.
    SkippedByClock "skipped_by_clock",
    /// Not a number.
    NotANumber "not_a_number",
    /// NaN or infinite.
    NotFinite "not_finite",
    /// A number outside what its column can hold.
    OutOfRange "out_of_range",
    /// Not an interaction type of the catalogue.
    UnknownInteractionType "unknown_interaction_type",
    /// A value that the mapping's `values` do not list, or a word its column does not know.
    UnknownValue "unknown_value",
    /// An account that no accounts row names.
    UnknownAccount "unknown_account",
    /// A contact that no contacts row of the account names.
    UnknownContact "unknown_contact",
    /// An object that an event log does not have.
    UnknownObject "unknown_object",
    /// Several values where one is expected.
    SeveralValues "several_values",
    /// Longer than any name or word.
    TooLong "too_long",
    /// An amount in a currency that is not the log's.
    OtherCurrency "other_currency",
    /// No row of the lookup source has the key.
    NoLookupMatch "no_lookup_match",
    /// Happened before the account entered.
    BeforeEntry "before_entry",
    /// Could be read before it happened.
    KnownBeforeItHappened "known_before_it_happened",
    /// Ends before it begins.
    EndsBeforeItBegins "ends_before_it_begins",
    /// Says again what an earlier row says.
    Duplicate "duplicate",
    /// Shares time with another period of the account.
    OverlappingPeriod "overlapping_period",
    /// An account without entry date and without any dated row.
    NoEntry "no_entry",
    /// More contacts than one account can hold.
    TooManyContacts "too_many_contacts",
    /// More distinct names of one kind than one account can hold.
    TooManyNames "too_many_names",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn table_name<S: serde::Serializer>(table: &Table, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(table.name())
}

/// A row that could not be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedRow {
    /// Table that the row was meant for.
    #[serde(serialize_with = "table_name")]
    pub table: Table,
    /// Source, as the mapping names it.
    pub source: String,
    /// File of the source.
    pub file: String,
    /// Line of a text file, row of a Parquet file, event of an event log; from 1.
    pub row: u64,
    /// Column of the source that breaks the rule; empty when the whole row does.
    pub column: String,
    /// Value that breaks the rule.
    pub value: String,
    /// Rule that is broken.
    pub reason: Reason,
    /// The rule in words, with the nearest known value where there is one.
    pub message: String,
    /// The row as read: a JSON object of all its columns, or a text where it has none.
    pub raw: String,
}

impl RejectedRow {
    /// The file, where the source has several.
    fn place_before_row(&self, source: &SourceReport) -> String {
        if source.files.len() > 1 { format!("{}, ", printable(&self.file)) } else { String::new() }
    }
}

/// Rows that the mapping itself leaves out of a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SetAside {
    /// Rows that `where` does not select.
    pub not_selected: u64,
    /// Rows before `data_start`.
    pub before_data_start: u64,
    /// Rows at or after `data_end`.
    pub after_data_end: u64,
    /// Rows that another one repeats, by the rule of the block: of two equal exports, one counts.
    pub repeated: u64,
    /// Other versions of a row that is kept, by the rule of the block.
    pub superseded: u64,
}

impl SetAside {
    /// All of them.
    pub const fn total(self) -> u64 {
        self.not_selected
            + self.before_data_start
            + self.after_data_end
            + self.repeated
            + self.superseded
    }
}

/// Rows in one file of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Path inside the data folder.
    pub file: String,
    /// Rows in it.
    pub rows: u64,
}

/// What became of the rows of one block of a mapping.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceReport {
    /// Table that the block fills.
    #[serde(serialize_with = "table_name")]
    pub table: Table,
    /// Source, as the mapping names it.
    pub source: String,
    /// Files of the source, in the order read.
    pub files: Vec<FileReport>,
    /// Which rows say the same thing and which of them is kept, in words; none without a rule.
    pub deduplicated: Option<String>,
    /// Whether queries of the mapping read it, and no table directly: then a row is accepted when it can be cut
    /// into values, and `table` is that of the first query that names it.
    pub for_queries: bool,
    /// Rows in the source: those set aside and those read.
    pub rows: u64,
    /// Rows that the mapping itself leaves out.
    pub set_aside: SetAside,
    /// Rows read: those accepted and those rejected.
    pub read: u64,
    /// Rows accepted.
    pub accepted: u64,
    /// Rows rejected, by reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// Rows of the table made from the accepted ones: fewer when rows were combined.
    pub made: u64,
    /// Columns of the source that the mapping does not use.
    pub unused_columns: Vec<String>,
    /// The first rejected row of every reason.
    pub examples: Vec<RejectedRow>,
}

impl SourceReport {
    /// Rows rejected for any reason.
    pub fn n_rejected(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Share of the rows read that was rejected, in `[0, 1]`.
    pub fn rejected_share(&self) -> f64 {
        if self.read == 0 { 0.0 } else { self.n_rejected() as f64 / self.read as f64 }
    }
}

/// What an ingest read, what it made of it, and what it could not use.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IngestReport {
    /// Name of the log, from the mapping.
    pub name: String,
    /// What the log can and cannot show, from the mapping.
    pub description: String,
    /// Time zone of months and wall clocks.
    pub time_zone: String,
    /// Currency of all amounts.
    pub currency: String,
    /// First instant the log covers, where the mapping states it.
    pub data_start: Option<Instant>,
    /// First instant the log no longer covers, where the mapping states it.
    pub data_end: Option<Instant>,
    /// Largest share of rejected rows allowed in a source.
    pub max_rejected: f64,
    /// Accounts made.
    pub n_accounts: u64,
    /// Accounts with an end.
    pub n_exits: u64,
    /// Accounts whose entry is only the first row seen: they may have begun earlier.
    pub n_entries_inferred: u64,
    /// Contacts made.
    pub n_contacts: u64,
    /// Interactions made.
    pub n_interactions: u64,
    /// Outcomes made.
    pub n_outcomes: u64,
    /// Survey rows made.
    pub n_surveys: u64,
    /// What became of every row, block by block.
    pub sources: Vec<SourceReport>,
    /// What a reader of results must know.
    pub warnings: Vec<String>,
}

impl IngestReport {
    /// Sources with a larger share of rejected rows than allowed.
    pub fn over_limit(&self) -> impl Iterator<Item = &SourceReport> {
        self.sources.iter().filter(|source| source.rejected_share() > self.max_rejected)
    }
}

impl fmt::Display for IngestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<14}{:>12}{:>11}{:>12}{:>12}{:>10}{:>12}  source",
            "table", "rows", "set aside", "read", "accepted", "rejected", "made"
        )?;
        for source in &self.sources {
            writeln!(
                f,
                "{:<14}{:>12}{:>11}{:>12}{:>12}{:>10}{:>12}  {}",
                if source.for_queries { "(for SQL)" } else { source.table.name() },
                source.rows,
                source.set_aside.total(),
                source.read,
                source.accepted,
                source.n_rejected(),
                source.made,
                printable(&source.source)
            )?;
        }
        self.write_files(f)?;
        self.write_repeats(f)?;
        self.write_reasons(f)?;
        self.write_unused(f)?;
        for warning in &self.warnings {
            write!(f, "\nwarning: {warning}")?;
        }
        Ok(())
    }
}

impl IngestReport {
    fn write_files(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for source in self.sources.iter().filter(|source| source.files.len() > 1) {
            writeln!(f, "\n{} ({}): {} files", source.source, source.table, source.files.len())?;
            for file in &source.files {
                writeln!(f, "  {:>8} rows  {}", file.rows, printable(&file.file))?;
            }
        }
        Ok(())
    }

    fn write_repeats(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for source in &self.sources {
            let SetAside { repeated, superseded, .. } = source.set_aside;
            if let Some(rule) = &source.deduplicated
                && repeated + superseded > 0
            {
                let (name, table) = (printable(&source.source), source.table);
                writeln!(
                    f,
                    "\n{name} ({table}): set aside {rule}: {repeated} repeated, {superseded} superseded"
                )?;
            }
        }
        Ok(())
    }

    fn write_reasons(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for source in self.sources.iter().filter(|source| !source.rejected.is_empty()) {
            writeln!(
                f,
                "\n{} ({}): {} of {} rows rejected ({:.2} %)",
                printable(&source.source),
                source.table,
                source.n_rejected(),
                source.read,
                100.0 * source.rejected_share()
            )?;
            for example in &source.examples {
                let count = source.rejected.get(&example.reason).copied().unwrap_or(0);
                writeln!(
                    f,
                    "  {count:>6} {}: {}row {}: {}",
                    example.reason,
                    example.place_before_row(source),
                    example.row,
                    printable(&example.message)
                )?;
            }
        }
        Ok(())
    }

    fn write_unused(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Blocks that read one source have the same columns left over: said once.
        let mut said = BTreeSet::new();
        for source in self.sources.iter().filter(|source| !source.unused_columns.is_empty()) {
            let columns = source.unused_columns.join(", ");
            if said.insert((&source.source, &source.unused_columns)) {
                write!(f, "\nnot used of {}: {}", source.source, printable(&columns))?;
            }
        }
        Ok(())
    }
}

/// Values come from data: control characters must not reach a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Where a row stands: position of its file in the source, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) row: u64,
}

/// Counts the rows of one block while they are read.
#[derive(Debug)]
pub(super) struct Tally {
    table: Table,
    source: String,
    files: Vec<FileReport>,
    rows: u64,
    set_aside: SetAside,
    accepted: u64,
    rejected: Vec<(Place, RejectedRow)>,
    pub(super) made: u64,
}

/// Characters of a message: values of any length come from data.
const LONGEST_MESSAGE: usize = 400;

/// `message`, without its middle where it is too long.
fn shortened(message: String) -> String {
    let length = message.chars().count();
    if length <= LONGEST_MESSAGE {
        return message;
    }
    let half = LONGEST_MESSAGE / 2;
    let start: String = message.chars().take(half).collect();
    let end: String = message.chars().skip(length - half).collect();
    format!("{start} … {end}")
}

/// Why the mapping leaves a row out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aside {
    NotSelected,
    BeforeDataStart,
    AfterDataEnd,
    Repeated,
    Superseded,
}

impl Tally {
    pub(super) fn new(table: Table, source: &str, files: impl IntoIterator<Item = String>) -> Self {
        Self {
            table,
            source: source.to_owned(),
            files: files.into_iter().map(|file| FileReport { file, rows: 0 }).collect(),
            rows: 0,
            set_aside: SetAside::default(),
            accepted: 0,
            rejected: Vec::new(),
            made: 0,
        }
    }

    /// One row was read from the source; exactly one of the calls below follows.
    pub(super) fn row(&mut self, place: Place) {
        self.rows += 1;
        self.files[place.file].rows += 1;
    }

    pub(super) fn accept(&mut self) {
        self.accepted += 1;
    }

    /// All `rows` of a file were read and accepted.
    pub(super) fn accept_all(&mut self, file: usize, rows: u64) {
        self.rows += rows;
        self.files[file].rows += rows;
        self.accepted += rows;
    }

    pub(super) fn set_aside(&mut self, why: Aside) {
        match why {
            Aside::NotSelected => self.set_aside.not_selected += 1,
            Aside::BeforeDataStart => self.set_aside.before_data_start += 1,
            Aside::AfterDataEnd => self.set_aside.after_data_end += 1,
            Aside::Repeated => self.set_aside.repeated += 1,
            Aside::Superseded => self.set_aside.superseded += 1,
        }
    }

    pub(super) fn reject(&mut self, place: Place, breach: Breach, raw: String) {
        let row = RejectedRow {
            table: self.table,
            source: self.source.clone(),
            file: self.files[place.file].file.clone(),
            row: place.row,
            column: breach.column,
            value: breach.value,
            reason: breach.reason,
            message: shortened(breach.message),
            raw,
        };
        self.rejected.push((place, row));
    }

    /// The rejected rows with their places, to complete what is kept of them.
    pub(super) fn rejected(&mut self) -> &mut [(Place, RejectedRow)] {
        &mut self.rejected
    }

    /// Takes back the acceptance of a row that later turned out to be unusable.
    pub(super) fn reject_accepted(&mut self, place: Place, breach: Breach, raw: String) {
        self.accepted -= 1;
        self.made -= 1;
        self.reject(place, breach, raw);
    }

    /// The finished report and the rejected rows in order of their place.
    ///
    /// # Panics
    ///
    /// When a row was counted twice or not at all: the ledger is this module's promise.
    pub(super) fn finish(
        mut self,
        unused_columns: Vec<String>,
        deduplicated: Option<String>,
    ) -> (SourceReport, Vec<RejectedRow>) {
        let n_rejected = self.rejected.len() as u64;
        assert_eq!(
            self.rows,
            self.accepted + n_rejected + self.set_aside.total(),
            "every row of `{}` is accepted, rejected or set aside",
            self.source
        );
        self.rejected.sort_by_key(|(place, _)| *place);
        let rows: Vec<RejectedRow> = self.rejected.into_iter().map(|(_, row)| row).collect();
        let mut rejected: BTreeMap<Reason, u64> = BTreeMap::new();
        let mut examples = Vec::new();
        for row in &rows {
            let count = rejected.entry(row.reason).or_default();
            *count += 1;
            if *count == 1 {
                examples.push(row.clone());
            }
        }
        let report = SourceReport {
            table: self.table,
            source: self.source,
            files: self.files,
            deduplicated,
            for_queries: false,
            rows: self.rows,
            set_aside: self.set_aside,
            read: self.accepted + n_rejected,
            accepted: self.accepted,
            rejected,
            made: self.made,
            unused_columns,
            examples,
        };
        (report, rows)
    }
}

/// What a row breaks: the column and value at fault and the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Breach {
    pub(super) column: String,
    pub(super) value: String,
    pub(super) reason: Reason,
    pub(super) message: String,
}

impl Breach {
    /// A row that repeats an earlier one in all its values.
    pub(super) fn repeated_row() -> Self {
        Self {
            column: String::new(),
            value: String::new(),
            reason: Reason::Duplicate,
            message: "repeats an earlier row in all columns".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breach(reason: Reason) -> Breach {
        Breach { column: "when".into(), value: "?".into(), reason, message: "no".into() }
    }

    #[test]
    fn values_of_the_data_cannot_steer_a_terminal() {
        assert_eq!(printable("it's \u{1b}[31m"), "it's \u{fffd}[31m");
    }

    #[test]
    fn a_ledger_counts_every_row_once_and_shows_one_example_per_reason() {
        let mut tally = Tally::new(Table::Interactions, "log.csv", ["log.csv".to_owned()]);
        for row in 2..7 {
            let place = Place { file: 0, row };
            tally.row(place);
            match row {
                2 => tally.accept(),
                3 => tally.set_aside(Aside::NotSelected),
                4 => tally.reject(place, breach(Reason::Empty), "{}".into()),
                _ => tally.reject(place, breach(Reason::NotATime), "{}".into()),
            }
        }
        let (report, rejected) = tally.finish(Vec::new(), None);
        assert_eq!((report.rows, report.read, report.accepted), (5, 4, 1));
        assert_eq!(report.n_rejected(), 3);
        assert_eq!(rejected.len(), 3);
        let shown: Vec<u64> = report.examples.iter().map(|row| row.row).collect();
        assert_eq!(shown, [4, 5]);
        assert!((report.rejected_share() - 0.75).abs() < 1e-12);
    }
}
