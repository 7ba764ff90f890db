//! The ledger in words.

use std::collections::BTreeSet;
use std::fmt;

use super::{IngestReport, RejectedRow, SetAside, SourceReport};

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

impl RejectedRow {
    /// The file, where the source has several.
    fn place_before_row(&self, source: &SourceReport) -> String {
        if source.files.len() > 1 { format!("{}, ", printable(&self.file)) } else { String::new() }
    }
}

/// Values come from data: control characters must not reach a terminal.
pub(in crate::ingest) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_data_cannot_steer_a_terminal() {
        assert_eq!(printable("it's \u{1b}[31m"), "it's \u{fffd}[31m");
    }
}
