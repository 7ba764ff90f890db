//! A checkup as text.

use std::fmt;

use super::{Acceptance, BlockCheck, Checkup, FieldCheck, JoinCheck, Offender};
use crate::ingest::ledger::printable;

impl fmt::Display for Acceptance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "accepted",
            Self::DataRefused => "data refused",
            Self::MappingWrong => "mapping wrong",
        })
    }
}

impl fmt::Display for Checkup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for block in &self.blocks {
            write!(f, "{block}")?;
        }
        if !self.joins.is_empty() {
            writeln!(f, "ids that tables share")?;
        }
        for join in &self.joins {
            writeln!(f, "  {join}")?;
        }
        if !self.broken_rules.is_empty() {
            writeln!(f, "\nrows that would be rejected, each by the first rule that it breaks")?;
        }
        for rule in &self.broken_rules {
            writeln!(f, "  {:>8} {} in {}", rule.rows, rule.reason, rule.source)?;
            for example in &rule.examples {
                writeln!(f, "           {example}")?;
            }
        }
        if !self.untestable.is_empty() {
            writeln!(f, "\nwhat these tables cannot show")?;
        }
        for lack in &self.untestable {
            writeln!(f, "  {lack}")?;
        }
        for warning in self.ledger.iter().flat_map(|ledger| &ledger.warnings) {
            writeln!(f, "warning: {warning}")?;
        }
        write!(f, "\n{}: {}", self.acceptance, printable(&self.why))
    }
}

impl fmt::Display for BlockCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[[{}]] {}: {} rows", self.table, printable(&self.source), self.rows)?;
        for problem in &self.problems {
            writeln!(f, "  error: {}", printable(problem))?;
        }
        if !self.fields.is_empty() {
            let width = self.column_width();
            writeln!(
                f,
                "  {:<18} {:<width$} {:>9} {:>7} {:>8} {:>9}  range",
                "field", "column", "read", "empty", "refused", "distinct"
            )?;
            for field in &self.fields {
                field.write(f, width)?;
            }
        }
        if !self.unused_columns.is_empty() {
            writeln!(f, "  not used: {}", printable(&self.unused_columns.join(", ")))?;
        }
        writeln!(f)
    }
}

impl BlockCheck {
    fn column_width(&self) -> usize {
        let widths = self.fields.iter().map(|field| field.column.chars().count());
        widths.max().unwrap_or(0).clamp(6, 40)
    }
}

impl FieldCheck {
    fn write(&self, f: &mut fmt::Formatter<'_>, width: usize) -> fmt::Result {
        let range = match &self.range {
            Some((low, high)) if low == high => printable(&short(low)),
            Some((low, high)) => {
                format!("{} to {}", printable(&short(low)), printable(&short(high)))
            }
            None => String::new(),
        };
        writeln!(
            f,
            "  {:<18} {:<width$} {:>9} {:>7} {:>8} {:>9}  {range}",
            self.field,
            printable(&self.column),
            self.read,
            self.empty,
            self.refused,
            self.distinct
        )?;
        if self.words.len() > 1 {
            let words: Vec<String> = self
                .words
                .iter()
                .map(|(word, n)| format!("{} {n}", printable(&short(word))))
                .collect();
            let more = if self.distinct as usize > words.len() { ", …" } else { "" };
            writeln!(f, "      {}{more}", words.join(", "))?;
        }
        for note in &self.notes {
            writeln!(f, "      {note}")?;
        }
        for offender in &self.offenders {
            writeln!(f, "      refused: {offender}")?;
        }
        Ok(())
    }
}

/// `text` without its end where it is long.
fn short(text: &str) -> String {
    if text.chars().count() <= 32 {
        return text.to_owned();
    }
    text.chars().take(31).chain(['…']).collect()
}

impl fmt::Display for Offender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, message) = (printable(&self.file), printable(&self.message));
        write!(f, "{file} row {}: {message} ({})", self.row, self.reason)
    }
}

impl fmt::Display for JoinCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = if self.ids == 0 { 0.0 } else { 100.0 * self.found as f64 / self.ids as f64 };
        write!(
            f,
            "{} of {} values of {} in {} are in {} ({share:.1} %)",
            self.found, self.ids, self.id, self.from, self.to
        )?;
        if !self.examples.is_empty() {
            let rows = if self.rows_not_found == 1 { "row" } else { "rows" };
            let examples = printable(&self.examples.join(", "));
            write!(f, "; {} {rows} not, as of {examples}", self.rows_not_found)?;
        }
        Ok(())
    }
}
