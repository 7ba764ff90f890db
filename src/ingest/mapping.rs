//! A checked mapping: which column of which source fills which of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::cell::{NumberReader, TimeReader};
use super::check::{self, Wire};
use super::database::DatabaseTable;
use super::error::{IngestError, SourceError, SourceProblems};
use super::field::Field;
use super::query::GivenSource;
use super::source::Exports;
use crate::diagnostic::{Problems, Source};
use crate::flow::{Catalogue, FlowError};
use crate::ids::TypeNames;
use crate::interaction::Table;
use crate::time::{Calendar, Instant};

/// A checked mapping and the interaction types of its catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) currency: String,
    pub(super) calendar: Calendar,
    pub(super) data_start: Option<Instant>,
    pub(super) data_end: Option<Instant>,
    pub(super) max_rejected: f64,
    pub(super) add_unlisted_accounts: bool,
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) catalogue_path: PathBuf,
    pub(super) catalogue: Catalogue,
    pub(super) types: TypeNames,
    pub(super) blocks: Vec<Block>,
    /// Accounts and contacts that have keys of several systems.
    pub(super) links: BTreeMap<Field, Links>,
    /// Sources that queries name.
    pub(super) sources: BTreeMap<String, SourceFile>,
    /// What queries were given, once they are answered.
    pub(super) given: Vec<GivenSource>,
}

/// One block of a mapping: one source that fills one table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Block {
    pub(super) table: Table,
    pub(super) file: SourceFile,
    /// SQL whose answer is the source.
    pub(super) query: Option<String>,
    pub(super) columns: BTreeMap<Field, String>,
    pub(super) constants: BTreeMap<Field, String>,
    pub(super) values: BTreeMap<Field, BTreeMap<String, String>>,
    pub(super) lookup: Option<Lookup>,
    /// Columns of the keys of linked fields, by their place in the precedence.
    pub(super) keys: BTreeMap<Field, BTreeMap<usize, String>>,
    pub(super) filter: Option<Filter>,
    /// One interaction per account and distinct values of these columns.
    pub(super) distinct: Vec<String>,
    /// Outcomes are sums of dated rows per calendar month.
    pub(super) aggregate: bool,
    pub(super) deduplicate: Deduplicate,
    /// Column that names the currency of a row.
    pub(super) currency_column: Option<String>,
    pub(super) times: TimeReader,
    pub(super) numbers: NumberReader,
}

/// Which rows say the same thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Deduplicate {
    /// Only those of one `source_id` in several files, where that is mapped.
    #[default]
    No,
    /// Rows that agree in all columns.
    Equal,
    /// Rows that agree in these columns; one of them is kept.
    By { columns: Vec<String>, keep: Keep },
}

/// Which version of a row is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Keep {
    /// The one known first.
    First,
    /// The one known last.
    Last,
}

/// A source and where its rows are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourceFile {
    /// Name in the ledger: files as the mapping writes them, a list with commas.
    pub(super) name: String,
    pub(super) origin: Origin,
}

/// Where the rows of a source are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// Files, folders, or patterns of file names, in the data folder.
    Files {
        patterns: Vec<String>,
        /// How text is cut into values.
        delimiter: Option<Delimiter>,
    },
    /// A Parquet file with the answer to a query over named sources, once it is answered.
    Query(Option<PathBuf>),
    /// A table of a database.
    Database(DatabaseTable),
}

/// What stands between two values of a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delimiter {
    Byte(u8),
    /// Any run of blanks.
    Whitespace,
}

/// A second source whose row with the same key fills more columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lookup {
    pub(super) file: SourceFile,
    pub(super) key: String,
    pub(super) columns: BTreeMap<Field, String>,
}

/// Keys of several systems that name one account or contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Links {
    /// Names of the keys, strongest first.
    pub(super) precedence: Vec<String>,
    pub(super) tables: Vec<LinkTable>,
}

/// A source each row of which holds keys of one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LinkTable {
    pub(super) file: SourceFile,
    /// Columns by the place of their key in the precedence.
    pub(super) columns: BTreeMap<usize, String>,
}

/// Only rows whose column holds one of these values are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) column: String,
    pub(super) equals: Vec<String>,
}

impl Mapping {
    /// Reads and checks the mapping at `path` and the catalogue it names.
    ///
    /// # Errors
    ///
    /// `UnreadableMapping` when a file cannot be read, `Mapping` with all problems otherwise.
    pub fn load(path: &Path) -> Result<Self, IngestError> {
        let unreadable =
            |path: &Path, source| IngestError::UnreadableMapping { path: path.to_owned(), source };
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
        let mut problems = Problems::default();
        let position = problems.add_source(Source::new(path.display().to_string(), text.clone()));
        let Some(wire) = problems.parse_toml::<Wire>(position) else {
            return Err(IngestError::Mapping(problems));
        };
        let Some(name) = check::catalogue(&wire, &mut problems, position) else {
            return Err(IngestError::Mapping(problems));
        };
        let catalogue_path = path.with_file_name(name);
        let catalogue = match Catalogue::load(&catalogue_path) {
            Ok(catalogue) => catalogue,
            Err(FlowError::Problems(problems)) => return Err(IngestError::Mapping(problems)),
            Err(FlowError::Read { path, source }) => return Err(unreadable(&path, source)),
        };
        let mut mapping =
            check::mapping(wire, problems, text, catalogue).map_err(IngestError::Mapping)?;
        path.clone_into(&mut mapping.path);
        mapping.catalogue_path = catalogue_path;
        Ok(mapping)
    }

    /// Checks a mapping that is no file; its catalogue is given instead of named.
    ///
    /// # Errors
    ///
    /// `Mapping` with all problems.
    pub fn parse(text: &str, catalogue: Catalogue) -> Result<Self, IngestError> {
        let mut problems = Problems::default();
        let position = problems.add_source(Source::new("mapping", text));
        let Some(wire) = problems.parse_toml::<Wire>(position) else {
            return Err(IngestError::Mapping(problems));
        };
        check::mapping(wire, problems, text.to_owned(), catalogue).map_err(IngestError::Mapping)
    }

    /// Name of the log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the log can and cannot show.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Currency of all amounts.
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// Time zone of months and of wall clocks without offset.
    pub fn calendar(&self) -> Calendar {
        self.calendar
    }

    /// First instant the log covers, where stated.
    pub fn data_start(&self) -> Option<Instant> {
        self.data_start
    }

    /// First instant the log no longer covers, where stated.
    pub fn data_end(&self) -> Option<Instant> {
        self.data_end
    }

    /// Largest share of rejected rows allowed in a source, in `[0, 1]`.
    pub fn max_rejected(&self) -> f64 {
        self.max_rejected
    }

    /// Path of the mapping.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The mapping as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Path of the catalogue.
    pub fn catalogue_path(&self) -> &Path {
        &self.catalogue_path
    }

    /// What the interaction types are worth.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Interaction types of the catalogue, in the order of the file.
    pub fn types(&self) -> &TypeNames {
        &self.types
    }

    /// Files in the folder `data` that the mapping reads, in order of name.
    ///
    /// # Errors
    ///
    /// `Sources` with all that is not there or not inside `data`.
    pub fn files(&self, data: &Path) -> Result<BTreeSet<String>, IngestError> {
        let (mut names, mut problems) = (BTreeSet::new(), Vec::<SourceError>::new());
        for source in self.all_sources() {
            let Origin::Files { patterns, .. } = &source.origin else { continue };
            for pattern in patterns {
                match Exports::Folder(data).find(pattern) {
                    Ok(files) => names.extend(files.into_iter().map(|file| file.name)),
                    Err(problem) => problems.push(problem),
                }
            }
        }
        if problems.is_empty() {
            Ok(names)
        } else {
            Err(IngestError::Sources(SourceProblems::new(problems)))
        }
    }

    /// Every source that is named anywhere.
    pub(super) fn all_sources(&self) -> impl Iterator<Item = &SourceFile> {
        let blocks = self.blocks.iter().map(|block| &block.file);
        let lookups = self.blocks.iter().filter_map(|block| block.lookup.as_ref());
        let links = self.links.values().flat_map(|links| &links.tables).map(|table| &table.file);
        blocks.chain(self.sources.values()).chain(lookups.map(|lookup| &lookup.file)).chain(links)
    }

    /// Whether a table of accounts is mapped.
    pub(super) fn lists_accounts(&self) -> bool {
        self.blocks.iter().any(|block| block.table == Table::Accounts)
    }

    /// Whether rows may name accounts that no accounts row names.
    pub(super) fn adds_unlisted_accounts(&self) -> bool {
        self.add_unlisted_accounts
    }

    /// Whether a table of contacts is mapped.
    pub(super) fn lists_contacts(&self) -> bool {
        self.blocks.iter().any(|block| block.table == Table::Contacts)
    }
}
