//! Tables of a database as sources: what a mapping asks for, and the copy that is read in its place.
//!
//! Nothing is asked here; that is `database`'s. A copy is CSV, and its rows pass the same checks as those of any
//! file.

use std::path::{Path, PathBuf};

use super::mapping::{Mapping, Origin, SourceFile};

/// A table of a database, or the rows of a query there, that a mapping reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseTable {
    name: String,
    variable: String,
    statement: String,
    copy: Option<TableCopy>,
}

/// The rows of a table as they were read: a CSV file with a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableCopy {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

impl DatabaseTable {
    /// The table `name` of the database to which the environment variable `variable` leads, in its schema or in that
    /// of the connection: `crm.activity`. Names are as the database has them.
    pub(super) fn table(variable: &str, name: &str) -> Self {
        let parts: Vec<String> = name.split('.').map(quoted).collect();
        let statement = format!("SELECT * FROM {}", parts.join("."));
        Self::new(format!("{name} of {variable}"), variable, statement)
    }

    /// The rows of `query`, the `number`th of the mapping.
    pub(super) fn query(variable: &str, query: &str, number: usize) -> Self {
        let statement = query.trim_end_matches(|c: char| c.is_whitespace() || c == ';');
        Self::new(format!("query {number} of {variable}"), variable, statement.to_owned())
    }

    fn new(name: String, variable: &str, statement: String) -> Self {
        Self { name, variable: variable.to_owned(), statement, copy: None }
    }

    /// Name in the ledger and in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Environment variable that holds the connection.
    pub fn variable(&self) -> &str {
        &self.variable
    }

    /// The query whose rows are read.
    pub fn statement(&self) -> &str {
        &self.statement
    }

    /// The file that is read in its place, once there is one.
    pub(super) fn copy(&self) -> Option<&Path> {
        self.copy.as_ref().map(|copy| copy.path.as_path())
    }

    fn is(&self, other: &Self) -> bool {
        (&self.variable, &self.statement) == (&other.variable, &other.statement)
    }
}

/// A name between quotes, as SQL takes it for nothing but a name.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Mapping {
    /// The tables of databases that the mapping reads and nobody has copied, each once.
    pub fn database_tables(&self) -> Vec<DatabaseTable> {
        let uncopied = self.databases().filter(|table| table.copy.is_none());
        distinct(uncopied).into_iter().cloned().collect()
    }

    /// The mapping that reads `copies` in the place of its [`database_tables`](Self::database_tables), in their order.
    ///
    /// # Panics
    ///
    /// When there are more or fewer copies than tables.
    #[must_use]
    pub fn copied(mut self, copies: Vec<TableCopy>) -> Self {
        let tables = self.database_tables();
        assert_eq!(tables.len(), copies.len(), "one copy for each table");
        for (table, copy) in tables.iter().zip(copies) {
            for one in self.all_sources_mut() {
                match &mut one.origin {
                    Origin::Database(same) if same.is(table) => same.copy = Some(copy.clone()),
                    _ => {}
                }
            }
        }
        self
    }

    /// The tables that were copied, each once, by name with the SHA-256 of the rows read.
    pub fn copies(&self) -> impl Iterator<Item = (&str, &[u8; 32])> {
        let copied = self.databases().filter(|table| table.copy.is_some());
        distinct(copied)
            .into_iter()
            .filter_map(|table| Some((table.name(), &table.copy.as_ref()?.sha256)))
    }

    fn databases(&self) -> impl Iterator<Item = &DatabaseTable> {
        self.all_sources().filter_map(|source| match &source.origin {
            Origin::Database(table) => Some(table),
            Origin::Files { .. } | Origin::Query(_) => None,
        })
    }

    fn all_sources_mut(&mut self) -> impl Iterator<Item = &mut SourceFile> {
        let blocks = self.blocks.iter_mut().flat_map(|block| {
            std::iter::once(&mut block.file).chain(block.lookup.as_mut().map(|one| &mut one.file))
        });
        let links = self.links.values_mut().flat_map(|links| &mut links.tables);
        blocks.chain(self.sources.values_mut()).chain(links.map(|table| &mut table.file))
    }
}

/// Each table once, where it is named first.
fn distinct<'t>(tables: impl Iterator<Item = &'t DatabaseTable>) -> Vec<&'t DatabaseTable> {
    let mut found: Vec<&DatabaseTable> = Vec::new();
    for table in tables {
        if !found.iter().any(|one| one.is(table)) {
            found.push(table);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::flow::{Catalogue, CatalogueEntry};
    use crate::ingest::{IngestError, ingest_bytes};

    const MAPPING: &str = r#"
name = "crm"
description = "a test"
time_zone = "UTC"
currency = "EUR"
catalogue = "catalogue.csv"

[[accounts]]
source = { postgres = "CRM", table = "account" }
columns = { account_id = "id" }

[[interactions]]
source.postgres = "CRM"
source.query = "SELECT * FROM call"
lookup = { source = { postgres = "CRM", table = "account" }, key = "id", columns = { segment_id = "segment" } }
columns = { account_id = "id", occurred_at = "at" }
constants = { interaction_type = "call" }
"#;

    #[test]
    fn a_table_that_is_named_twice_is_copied_once_and_read_wherever_it_is_named() {
        let catalogue = Catalogue::from_entries("1", vec![CatalogueEntry::plain("call", 1.0)]);
        let mapping = Mapping::parse(MAPPING, catalogue.unwrap()).unwrap();
        let tables = mapping.database_tables();
        let names: Vec<&str> = tables.iter().map(DatabaseTable::name).collect();
        assert_eq!(names, ["account of CRM", "query 1 of CRM"]);
        let nothing_copied = ingest_bytes(&mapping, &BTreeMap::new());
        assert!(matches!(nothing_copied, Err(IngestError::NotCopied)));
        let copy = |name: &str, byte| TableCopy { path: name.into(), sha256: [byte; 32] };
        let copied = mapping.copied(vec![copy("a.csv", 1), copy("q.csv", 2)]);
        assert_eq!(copied.database_tables(), []);
        let hashes: Vec<(&str, u8)> = copied.copies().map(|(name, hash)| (name, hash[0])).collect();
        assert_eq!(hashes, [("account of CRM", 1), ("query 1 of CRM", 2)]);
        let read: Vec<&Path> = copied.databases().filter_map(DatabaseTable::copy).collect();
        assert_eq!(read, ["a.csv", "q.csv", "a.csv"].map(Path::new));
    }

    #[test]
    fn a_table_is_its_name_and_nothing_else() {
        let statement = |name: &str| DatabaseTable::table("CRM", name).statement;
        assert_eq!(statement("crm.Activity log"), r#"SELECT * FROM "crm"."Activity log""#);
        assert_eq!(statement(r#"a"; DROP TABLE b"#), r#"SELECT * FROM "a""; DROP TABLE b""#);
    }

    #[test]
    fn a_query_ends_where_it_says_what_it_wants() {
        assert_eq!(DatabaseTable::query("CRM", "SELECT 1 ;\n;\n", 1).statement, "SELECT 1");
    }
}
