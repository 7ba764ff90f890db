//! Rows counted while they are read.

use std::collections::BTreeMap;

use super::{Breach, FileReport, Reason, RejectedRow, SetAside, SourceReport};
use crate::ingest::assemble::Taken;
use crate::interaction::Table;

/// Where a row stands: position of its file in the source, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::ingest) struct Place {
    pub(in crate::ingest) file: usize,
    pub(in crate::ingest) row: u64,
}

/// Counts the rows of one block while they are read.
#[derive(Debug)]
pub(in crate::ingest) struct Tally {
    table: Table,
    source: String,
    files: Vec<FileReport>,
    rows: u64,
    set_aside: SetAside,
    accepted: u64,
    rejected: BTreeMap<Reason, u64>,
    /// The first of every reason.
    examples: Vec<RejectedRow>,
    pub(in crate::ingest) made: u64,
}

/// Why the mapping leaves a row out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Aside {
    NotSelected,
    BeforeDataStart,
    AfterDataEnd,
    Repeated,
    Superseded,
}

impl Tally {
    pub(in crate::ingest) fn new(
        table: Table,
        source: &str,
        files: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            table,
            source: source.to_owned(),
            files: files.into_iter().map(|file| FileReport { file, rows: 0 }).collect(),
            rows: 0,
            set_aside: SetAside::default(),
            accepted: 0,
            rejected: BTreeMap::new(),
            examples: Vec::new(),
            made: 0,
        }
    }

    /// One row was read from the source; exactly one of the calls below follows.
    pub(in crate::ingest) fn row(&mut self, place: Place) {
        self.rows += 1;
        self.files[place.file].rows += 1;
    }

    pub(in crate::ingest) fn accept(&mut self) {
        self.accepted += 1;
    }

    /// All `rows` of a file were read and accepted.
    pub(in crate::ingest) fn accept_all(&mut self, file: usize, rows: u64) {
        self.rows += rows;
        self.files[file].rows += rows;
        self.accepted += rows;
    }

    /// Counts a row by what became of it.
    pub(in crate::ingest) fn take(&mut self, taken: Taken) {
        match taken {
            Taken::Made => {
                self.made += 1;
                self.accept();
            }
            Taken::Combined => self.accept(),
            Taken::Aside(why) => self.set_aside(why),
        }
    }

    pub(in crate::ingest) fn set_aside(&mut self, why: Aside) {
        match why {
            Aside::NotSelected => self.set_aside.not_selected += 1,
            Aside::BeforeDataStart => self.set_aside.before_data_start += 1,
            Aside::AfterDataEnd => self.set_aside.after_data_end += 1,
            Aside::Repeated => self.set_aside.repeated += 1,
            Aside::Superseded => self.set_aside.superseded += 1,
        }
    }

    /// Takes back the acceptance of a row that later turned out to be unusable; its rejection follows.
    pub(in crate::ingest) fn take_back(&mut self) {
        self.accepted -= 1;
        self.made -= 1;
    }

    /// Counts a rejected row and gives it as it is reported; of each reason the first is kept as example.
    pub(in crate::ingest) fn reject(
        &mut self,
        place: Place,
        breach: Breach,
        raw: String,
    ) -> RejectedRow {
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
        let count = self.rejected.entry(row.reason).or_default();
        *count += 1;
        if *count == 1 {
            self.examples.push(row.clone());
        }
        row
    }

    /// The finished report.
    ///
    /// # Panics
    ///
    /// When a row was counted twice or not at all: the ledger is this module's promise.
    pub(in crate::ingest) fn finish(
        self,
        unused_columns: Vec<String>,
        deduplicated: Option<String>,
    ) -> SourceReport {
        let n_rejected: u64 = self.rejected.values().sum();
        assert_eq!(
            self.rows,
            self.accepted + n_rejected + self.set_aside.total(),
            "every row of `{}` is accepted, rejected or set aside",
            self.source
        );
        SourceReport {
            table: self.table,
            source: self.source,
            files: self.files,
            deduplicated,
            for_queries: false,
            rows: self.rows,
            set_aside: self.set_aside,
            read: self.accepted + n_rejected,
            accepted: self.accepted,
            rejected: self.rejected,
            made: self.made,
            unused_columns,
            examples: self.examples,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn breach(reason: Reason) -> Breach {
        Breach { column: "when".into(), value: "?".into(), reason, message: "no".into() }
    }

    #[test]
    fn a_ledger_counts_every_row_once_and_shows_one_example_per_reason() {
        let mut tally = Tally::new(Table::Interactions, "log.csv", ["log.csv".to_owned()]);
        let mut rejected = Vec::new();
        for row in 2..7 {
            let place = Place { file: 0, row };
            tally.row(place);
            match row {
                2 => tally.accept(),
                3 => tally.set_aside(Aside::NotSelected),
                4 => rejected.push(tally.reject(place, breach(Reason::Empty), "{}".into())),
                _ => rejected.push(tally.reject(place, breach(Reason::NotATime), "{}".into())),
            }
        }
        let report = tally.finish(Vec::new(), None);
        assert_eq!((report.rows, report.read, report.accepted), (5, 4, 1));
        assert_eq!(report.n_rejected(), 3);
        assert_eq!(rejected.len(), 3);
        let shown: Vec<u64> = report.examples.iter().map(|row| row.row).collect();
        assert_eq!(shown, [4, 5]);
        assert!((report.rejected_share() - 0.75).abs() < 1e-12);
    }
}
