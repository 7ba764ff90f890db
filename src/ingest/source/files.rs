//! Which files a source is, and their bytes: never from outside the data folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::ingest::error::SourceError;

/// Where the files that a mapping names are.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) enum Exports<'a> {
    Folder(&'a Path),
    Memory(&'a BTreeMap<String, Arc<[u8]>>),
}

/// One file of a source.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct ExportFile {
    /// Path inside the data folder, with `/`.
    pub(in crate::ingest) name: String,
    content: Content,
}

/// What a file has to keep while it is read.
pub(super) type Stamp = (u64, SystemTime);

#[derive(Debug, Clone)]
enum Content {
    Path(PathBuf),
    Bytes(Arc<[u8]>),
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

impl Exports<'_> {
    /// The files that `pattern` names, in order of name: one file, those of a folder, or those that
    /// a pattern with `*` and `?` matches.
    pub(in crate::ingest) fn find(self, pattern: &str) -> Result<Vec<ExportFile>, SourceError> {
        match self {
            Self::Folder(folder) => Folder::new(folder, pattern)?.find(),
            Self::Memory(files) => in_memory(files, pattern),
        }
    }
}

fn in_memory(
    files: &BTreeMap<String, Arc<[u8]>>,
    pattern: &str,
) -> Result<Vec<ExportFile>, SourceError> {
    let parts = parts(pattern);
    let found: Vec<ExportFile> = files
        .iter()
        .filter(|(name, _)| {
            let names: Vec<&str> = name.split('/').collect();
            names.len() == parts.len() && parts.iter().zip(names).all(|(p, name)| matches(p, name))
        })
        .map(|(name, bytes)| ExportFile {
            name: name.clone(),
            content: Content::Bytes(Arc::clone(bytes)),
        })
        .collect();
    if found.is_empty() { Err(absent(pattern, Path::new("memory"))) } else { Ok(found) }
}

fn absent(pattern: &str, folder: &Path) -> SourceError {
    let (file, folder) = (pattern.to_owned(), folder.to_owned());
    if is_pattern(pattern) {
        SourceError::NoMatch { pattern: file, folder }
    } else {
        SourceError::Missing { file, folder }
    }
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Names on the way to a file, without `.`.
fn parts(pattern: &str) -> Vec<&str> {
    pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect()
}

/// Whether `name` fits `pattern`, in which `*` stands for any characters and `?` for one.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    if name.first() == Some(&'.') && pattern.first() != Some(&'.') {
        return false;
    }
    let (mut p, mut n) = (0, 0);
    // Where to go on when the characters after the last `*` do not fit.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    p = star + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// A search in one data folder.
struct Folder<'a> {
    path: &'a Path,
    /// The same without links.
    real: PathBuf,
    pattern: &'a str,
}

impl<'a> Folder<'a> {
    fn new(path: &'a Path, pattern: &'a str) -> Result<Self, SourceError> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let real = fs::canonicalize(path).map_err(|_| absent(pattern, path))?;
        Ok(Self { path, real, pattern })
    }

    fn find(&self) -> Result<Vec<ExportFile>, SourceError> {
        let mut names = vec![String::new()];
        for part in parts(self.pattern) {
            let mut next = Vec::new();
            for name in names {
                if is_pattern(part) {
                    next.extend(self.list(&name, |inside| matches(part, inside))?);
                } else {
                    next.push(join(&name, part));
                }
            }
            names = next;
        }
        let mut found = Vec::new();
        for name in names {
            let Some(path) = self.check(&name)? else { continue };
            if !path.is_dir() {
                found.push(ExportFile { name, content: Content::Path(path) });
            } else if !is_pattern(self.pattern) {
                // A pattern names files; a folder stands for the files in it.
                for name in self.list(&name, |inside| !inside.starts_with('.'))? {
                    if let Some(path) = self.check(&name)?.filter(|path| path.is_file()) {
                        found.push(ExportFile { name, content: Content::Path(path) });
                    }
                }
            }
        }
        if found.is_empty() { Err(absent(self.pattern, self.path)) } else { Ok(found) }
    }

    /// What is in the folder `name` and `wanted` there, in order of name.
    fn list(&self, name: &str, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>, SourceError> {
        let Some(folder) = self.check(name)?.filter(|folder| folder.is_dir()) else {
            return Ok(Vec::new());
        };
        let entries = fs::read_dir(&folder).map_err(|error| self.unreadable(name, &error))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| self.unreadable(name, &error))?.file_name();
            let inside = entry.to_string_lossy();
            if wanted(&inside) {
                if entry.to_str().is_none() {
                    let file = join(name, &inside);
                    let reason = "its name is not UTF-8".to_owned();
                    return Err(SourceError::Unreadable { file, reason });
                }
                names.push(join(name, &inside));
            }
        }
        names.sort();
        Ok(names)
    }

    /// Path of `name`, which must be inside the data folder, links followed; none where a pattern
    /// leads to nothing.
    fn check(&self, name: &str) -> Result<Option<PathBuf>, SourceError> {
        let path = self.path.join(name);
        let is_absent = |error: &io::Error| {
            matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        };
        let real = match fs::canonicalize(&path) {
            Ok(real) => real,
            Err(error) if is_absent(&error) => {
                let nothing = fs::symlink_metadata(&path).is_err_and(|error| is_absent(&error));
                return if nothing && is_pattern(self.pattern) {
                    Ok(None)
                } else {
                    Err(absent(name, self.path))
                };
            }
            Err(error) => return Err(self.unreadable(name, &error)),
        };
        if !real.starts_with(&self.real) {
            let (file, folder) = (name.to_owned(), self.path.to_owned());
            return Err(SourceError::Outside { file, folder });
        }
        if real.is_dir() || real.is_file() {
            return Ok(Some(path));
        }
        let reason = "it is neither a file nor a folder".to_owned();
        Err(SourceError::Unreadable { file: name.to_owned(), reason })
    }

    fn unreadable(&self, name: &str, error: &io::Error) -> SourceError {
        let file = if name.is_empty() { self.path.display().to_string() } else { name.to_owned() };
        SourceError::Unreadable { file, reason: error.to_string() }
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

impl ExportFile {
    /// The file at `path`, which the user named himself.
    pub(in crate::ingest) fn at(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Self { name: name.unwrap_or_default(), content: Content::Path(path.to_owned()) }
    }

    /// The same file under another name.
    pub(super) fn called(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// Path of a file that is not in memory.
    pub(super) fn path(&self) -> Option<&Path> {
        match &self.content {
            Content::Path(path) => Some(path),
            Content::Bytes(_) => None,
        }
    }

    /// Length and time of the last change; none in memory.
    pub(super) fn stamp(&self) -> io::Result<Option<Stamp>> {
        let Some(path) = self.path() else { return Ok(None) };
        let metadata = fs::metadata(path)?;
        Ok(Some((metadata.len(), metadata.modified()?)))
    }

    /// What tells this file from others, links followed.
    pub(super) fn identity(&self) -> PathBuf {
        match &self.content {
            Content::Path(path) => fs::canonicalize(path).unwrap_or_else(|_| path.clone()),
            Content::Bytes(_) => PathBuf::from(&self.name),
        }
    }

    /// An error of this file.
    pub(super) fn unreadable(&self, reason: &impl ToString) -> SourceError {
        SourceError::Unreadable { file: self.name.clone(), reason: reason.to_string() }
    }

    /// The bytes as they are; for memory, in a file without name.
    pub(super) fn as_file(&self) -> io::Result<File> {
        match &self.content {
            Content::Path(path) => File::open(path),
            Content::Bytes(bytes) => {
                let mut file = tempfile::tempfile()?;
                io::copy(&mut bytes.as_ref(), &mut file)?;
                Ok(file)
            }
        }
    }

    fn raw(&self) -> io::Result<Box<dyn BufRead>> {
        Ok(match &self.content {
            Content::Path(path) => Box::new(BufReader::with_capacity(1 << 16, File::open(path)?)),
            Content::Bytes(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        })
    }

    /// Whether the bytes begin as gzip or Zstandard do.
    pub(super) fn is_compressed(&self) -> io::Result<bool> {
        let mut raw = self.raw()?;
        let start = raw.fill_buf()?;
        Ok(start.starts_with(GZIP) || start.starts_with(ZSTD))
    }

    /// The bytes, decompressed when they begin as gzip or Zstandard do, without byte order mark.
    pub(super) fn open(&self) -> io::Result<Box<dyn BufRead>> {
        let mut raw = self.raw()?;
        let start = raw.fill_buf()?;
        let mut plain = if start.starts_with(GZIP) {
            buffered(flate2::bufread::MultiGzDecoder::new(raw))
        } else if start.starts_with(ZSTD) {
            buffered(zstd::stream::read::Decoder::with_buffer(raw)?)
        } else {
            raw
        };
        if plain.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
            plain.consume(BYTE_ORDER_MARK.len());
        }
        Ok(plain)
    }

    /// Lower-case ending of the name without that of compression: `csv` of `Calls.CSV.gz`.
    pub(super) fn ending(&self) -> String {
        let mut name = self.name.to_ascii_lowercase();
        for compressed in [".gz", ".gzip", ".zst", ".zstd"] {
            if let Some(shorter) = name.strip_suffix(compressed) {
                name = shorter.to_owned();
                break;
            }
        }
        match last(&name).rsplit_once('.') {
            Some((_, ending)) => ending.to_owned(),
            None => String::new(),
        }
    }
}

fn buffered(reader: impl Read + 'static) -> Box<dyn BufRead> {
    Box::new(BufReader::with_capacity(1 << 16, reader))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_within_one_name() {
        for (pattern, name, expected) in [
            ("2024-*.csv", "2024-01.csv", true),
            ("2024-*.csv", "2023-01.csv", false),
            ("*a*b", "xaybzb", true),
            ("*a*b", "xaybz", false),
            ("day-?.csv", "day-7.csv", true),
            ("day-?.csv", "day-17.csv", false),
            ("*", ".hidden", false),
            ("***", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn the_ending_ignores_compression() {
        let ending = |name: &str| ExportFile::at(Path::new(name)).ending();
        assert_eq!(ending("a/Calls.CSV.gz"), "csv");
        assert_eq!(ending("log.xes"), "xes");
        assert_eq!(ending("log.gz"), "");
        assert_eq!(ending("a.b/log"), "");
    }
}
