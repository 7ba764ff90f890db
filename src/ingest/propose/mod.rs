//! A first mapping for files that nobody has mapped yet.
//!
//! All values are read, column by column; names that people already have and what values look like
//! decide. What cannot be known (a currency, what an interaction is worth) is never invented: it is
//! marked `TODO` where it stands.

mod assign;
mod crosswalk;
mod deals;
mod first_catalogue;
mod first_plan;
mod mapping_text;
mod names;
mod profile;
mod times;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::assign::{Assignment, Role, assign};
use self::first_catalogue::Types;
use self::first_plan::Plan;
use self::profile::{Column, FileProfile};
use super::error::{IngestError, SourceProblems};
use super::field::Field;
use super::source::Exports;
use crate::time::Instant;

/// A first mapping, catalogue and plan for a set of files.
///
/// Made by [`propose`] or [`propose_bytes`]; the same files give the same texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    folder: PathBuf,
    mapping: String,
    catalogue: String,
    plan: Plan,
    files: Vec<(String, String)>,
    n_types: usize,
}

/// One file and what is proposed for it.
#[derive(Debug)]
struct Taken {
    file: FileProfile,
    role: Role,
    assignment: Assignment,
}

impl Taken {
    /// The account ids in the file.
    fn accounts(&self) -> impl Iterator<Item = &str> {
        let column =
            self.assignment.column(Field::AccountId).and_then(|name| self.file.column(name));
        column.into_iter().flat_map(|column| column.words.keys().map(String::as_str))
    }

    fn times(&self) -> impl Iterator<Item = &Column> {
        let chosen = self.assignment.choices.iter().filter(|choice| choice.field.is_time());
        chosen.filter_map(|choice| self.file.column(&choice.column))
    }

    fn has_offsets(&self) -> bool {
        self.times().all(|column| column.times.has_offsets())
    }

    fn has_clock(&self) -> bool {
        self.times().any(|column| column.times.has_clock() && !column.times.has_offsets())
    }

    /// First and last date of amounts that are summed by month; a deal begins when it is opened.
    fn amounts_range(&self) -> Option<(Instant, Instant)> {
        match self.role {
            Role::Amounts { .. } => {
                self.file.column(self.assignment.column(Field::OccurredAt)?)?.times.range()
            }
            Role::Deals => {
                let dates = || self.file.columns.iter().filter(|column| column.is_time());
                let ranges = || dates().filter_map(|column| column.times.range());
                Some((ranges().map(|r| r.0).min()?, ranges().map(|r| r.1).max()?))
            }
            _ => None,
        }
    }
}

/// Proposes a mapping for `files`, whose common folder becomes the data folder.
///
/// Every file is read whole, once; memory holds up to 100,000 distinct values per column.
///
/// # Errors
///
/// `Sources` with every file that cannot be read.
pub fn propose(files: &[PathBuf]) -> Result<Proposal, IngestError> {
    let folder = common_folder(files);
    let names: Vec<String> = files
        .iter()
        .map(|file| {
            let inside = file.strip_prefix(&folder).unwrap_or(file);
            inside.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
        })
        .collect();
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
    let mut proposal = read(Exports::Folder(here), &names, &log_name(&folder))?;
    proposal.folder = folder;
    Ok(proposal)
}

/// Proposes a mapping for files in memory: their bytes by name.
///
/// # Errors
///
/// As [`propose`].
///
/// # Examples
///
/// ```
/// let calls = "Customer ID;Date;Activity\nA;17.02.2025;call\nB;18.02.2025;visit\nA;19.02.2025;call\n";
/// let files = [("calls.csv".to_owned(), calls.as_bytes().into())].into();
/// let proposal = rvq::ingest::propose_bytes(&files)?;
/// assert!(proposal.mapping().contains("time_format = \"%d.%m.%Y\""));
/// assert!(proposal.mapping().contains("columns.account_id = \"Customer ID\""));
/// # Ok::<(), rvq::ingest::IngestError>(())
/// ```
pub fn propose_bytes(files: &BTreeMap<String, Arc<[u8]>>) -> Result<Proposal, IngestError> {
    let names: Vec<String> = files.keys().cloned().collect();
    read(Exports::Memory(files), &names, "own_log")
}

fn read(exports: Exports<'_>, names: &[String], name: &str) -> Result<Proposal, IngestError> {
    let (mut profiles, mut problems) = (Vec::new(), Vec::new());
    for file in names {
        match FileProfile::read(exports, file) {
            Ok(profile) => profiles.push(profile),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(IngestError::Sources(SourceProblems::new(problems)));
    }
    // First by names alone; then columns without a known name by the accounts found so.
    let by_name: Vec<BTreeSet<String>> = profiles
        .iter()
        .map(|file| {
            let (_, assignment) = assign(file, &BTreeSet::new());
            let column = assignment.column(Field::AccountId).and_then(|name| file.column(name));
            column.map_or_else(BTreeSet::new, |column| column.words.keys().cloned().collect())
        })
        .collect();
    let mut taken: Vec<Taken> = profiles
        .into_iter()
        .enumerate()
        .map(|(position, file)| {
            let others = by_name.iter().enumerate().filter(|(other, _)| *other != position);
            let accounts = others.flat_map(|(_, ids)| ids.iter().cloned()).collect();
            let (role, assignment) = assign(&file, &accounts);
            Taken { file, role, assignment }
        })
        .collect();
    let mut types = Types::default();
    let links = crosswalk::link(&mut taken);
    let mapping = mapping_text::write(name, &taken, &links, &mut types);
    let currency = mapping_text::currency(&taken);
    Ok(Proposal {
        folder: PathBuf::new(),
        mapping,
        catalogue: types.csv(),
        plan: first_plan::write(name, &currency, &taken),
        files: taken.iter().map(|one| (one.file.name.clone(), in_words(&one.role))).collect(),
        n_types: types.len(),
    })
}

fn in_words(role: &Role) -> String {
    match role {
        Role::Accounts => "accounts".to_owned(),
        Role::Contacts => "contacts".to_owned(),
        Role::Interactions => "interactions".to_owned(),
        Role::Months => "outcomes by period".to_owned(),
        Role::Amounts { purchases: true } => "purchases: interactions, and outcomes".to_owned(),
        Role::Amounts { purchases: false } => "dated amounts: outcomes".to_owned(),
        Role::Surveys => "surveys".to_owned(),
        Role::Deals => "deals: interactions, and outcomes".to_owned(),
        Role::Links => "keys of accounts: links".to_owned(),
        Role::Unknown(why) => format!("not used: {why}"),
    }
}

/// The deepest folder that all files are in.
fn common_folder(files: &[PathBuf]) -> PathBuf {
    let mut parents = files.iter().map(|file| file.parent().unwrap_or(Path::new("")));
    let mut common = parents.next().unwrap_or(Path::new("")).to_owned();
    for parent in parents {
        while !parent.starts_with(&common) {
            common.pop();
        }
    }
    common
}

/// A name for the log and its runs: letters, digits, `-` and `_`.
fn log_name(folder: &Path) -> String {
    let full =
        fs::canonicalize(if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let last =
        full.ok().and_then(|path| path.file_name().map(|n| n.to_string_lossy().into_owned()));
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name: String =
        last.unwrap_or_default().chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    if name.chars().any(|c| c.is_ascii_alphanumeric()) { name } else { "own_log".to_owned() }
}

impl Proposal {
    /// Folder that the files are in: the mapping names them from there.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The mapping, TOML.
    pub fn mapping(&self) -> &str {
        &self.mapping
    }

    /// The catalogue, CSV: a row for every interaction type found, worth 1 and free of cost.
    pub fn catalogue(&self) -> &str {
        &self.catalogue
    }

    /// Interaction types found.
    pub fn n_types(&self) -> usize {
        self.n_types
    }

    /// Every file and what it is taken for.
    pub fn files(&self) -> &[(String, String)] {
        &self.files
    }

    /// Lines of the mapping in which something could not be known.
    pub fn n_todo(&self) -> usize {
        let body = self.mapping.lines().skip(mapping_text::N_OPENING_LINES);
        body.filter(|line| line.contains("TODO")).count()
    }

    /// Writes the mapping to `path`, `catalogue.csv` and `plan.toml` beside it; gives their paths.
    ///
    /// # Errors
    ///
    /// `Exists` with the first of them that is already there (then none is written), `Write` when
    /// one cannot be written.
    pub fn write(&self, path: &Path) -> Result<[PathBuf; 3], IngestError> {
        let paths = [
            path.to_owned(),
            path.with_file_name("catalogue.csv"),
            path.with_file_name("plan.toml"),
        ];
        if let Some(path) = paths.iter().find(|path| path.exists()) {
            return Err(IngestError::Exists { path: path.clone() });
        }
        let own = path.parent().unwrap_or(Path::new(""));
        let name = path.file_name().map_or_else(Default::default, |name| name.to_string_lossy());
        let data = fs::canonicalize(&self.folder).unwrap_or_else(|_| self.folder.clone());
        let data = (own != self.folder).then(|| data.to_string_lossy());
        let plan = self.plan.text(&name, data.as_deref());
        if !own.as_os_str().is_empty() {
            let failed = |source| IngestError::Write { path: own.to_owned(), source };
            fs::create_dir_all(own).map_err(failed)?;
        }
        for (path, text) in paths.iter().zip([&self.mapping, &self.catalogue, &plan]) {
            let failed = |source| IngestError::Write { path: path.clone(), source };
            fs::write(path, text).map_err(failed)?;
        }
        Ok(paths)
    }
}
