//! Exports through mappings: the maintained logs, the sample, and bad input.

use std::path::{Path, PathBuf};

use rvq::ingest::{IngestError, Ingested, Mapping, ingest};

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Folder of a fetched data set; `None`, said aloud, when `data/fetch` has not put it there.
fn fetched(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("RVQ_DATA").map(PathBuf::from).or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        Some(cache.join("rvq"))
    })?;
    let folder = root.join(name);
    if folder.join(".sha256").is_file() {
        return Some(folder);
    }
    println!("SKIPPED: `{name}` is not fetched; run `data/fetch {name}`");
    None
}

fn read(mapping: &str, data: &Path) -> Ingested {
    let mapping = Mapping::load(&project(mapping)).unwrap();
    ingest(&mapping, data).unwrap()
}

#[test]
fn complete_journey_has_its_published_counts() {
    let Some(folder) = fetched("complete_journey") else { return };
    let log = read("data/mappings/complete_journey/mapping.toml", &folder);
    println!("{}", log.report);
}
#[test]
fn cdnow_has_its_published_counts() {
    let Some(folder) = fetched("cdnow") else { return };
    let log = read("data/mappings/cdnow/mapping.toml", &folder);
    println!("{}", log.report);
}
