//! The run folder: written beside its place and renamed when whole, with a manifest of its bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::RunError;
use super::data::Input;
use super::plan::hex;

/// Files outside every hash: what differs between two runs of the same thing.
pub(super) const UNHASHED: [&str; 3] = ["manifest.json", "log.jsonl", "timings.json"];

/// `manifest.json`: a folder that has one is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name in the plan.
    pub name: String,
    /// Id of the run: hash of resolved plan, inputs and version.
    pub id: String,
    /// Version of rvq.
    pub version: String,
    /// Processor and operating system.
    pub target: String,
    /// Root seed.
    pub seed: u64,
    /// Profile of the plan.
    pub profile: String,
    /// SHA-256 of the resolved plan.
    pub plan_sha256: String,
    /// What the run depends on.
    pub inputs: Vec<Input>,
    /// SHA-256 of every file written, by path within the folder.
    pub outputs: BTreeMap<String, String>,
}

/// A run folder that is being written: removed unless it is finished.
#[derive(Debug)]
pub(super) struct Draft {
    place: PathBuf,
    draft: tempfile::TempDir,
}

impl Draft {
    /// Starts a folder that will stand at `place`.
    pub(super) fn create(place: &Path) -> Result<Self, RunError> {
        let parent = place.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(|source| RunError::io(parent, source))?;
        let draft = tempfile::Builder::new()
            .prefix(".rvq-draft-")
            .tempdir_in(parent)
            .map_err(|source| RunError::io(parent, source))?;
        Ok(Self { place: place.to_owned(), draft })
    }

    pub(super) fn path(&self) -> &Path {
        self.draft.path()
    }

    /// Writes `bytes` to `name` within the folder, with the folders in between.
    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), RunError> {
        let path = self.path().join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|source| RunError::io(parent, source))?;
        }
        fs::write(&path, bytes).map_err(|source| RunError::io(&path, source))
    }

    /// Writes the manifest and moves the folder to its place, over an older run if there is one.
    pub(super) fn finish(self, mut manifest: Manifest) -> Result<Manifest, RunError> {
        manifest.outputs = digests(self.path())?;
        let text = serde_json::to_string_pretty(&manifest).expect("plain values");
        self.write("manifest.json", text + "\n")?;
        if self.place.exists() {
            // The manifest goes first: should this be interrupted, what is left is no run.
            let old = self.place.join("manifest.json");
            if old.exists() {
                fs::remove_file(&old).map_err(|source| RunError::io(&old, source))?;
            }
            fs::remove_dir_all(&self.place).map_err(|source| RunError::io(&self.place, source))?;
        }
        fs::rename(self.draft.path(), &self.place)
            .map_err(|source| RunError::io(&self.place, source))?;
        // The folder has moved: nothing is left to be removed.
        let _ = self.draft.keep();
        open_to_others(&self.place);
        Ok(manifest)
    }
}

/// Temporary folders are private to their owner; a finished run is as readable as any folder.
#[cfg(unix)]
fn open_to_others(place: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    // A run that stays private is still a run.
    let _ = fs::set_permissions(place, fs::Permissions::from_mode(0o755));
}

#[cfg(not(unix))]
fn open_to_others(_place: &Path) {}

/// SHA-256 of every hashed file below `folder`, by relative path with forward slashes.
pub(super) fn digests(folder: &Path) -> Result<BTreeMap<String, String>, RunError> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(place) = open.pop() {
        let entries = fs::read_dir(&place).map_err(|source| RunError::io(&place, source))?;
        for entry in entries {
            let path = entry.map_err(|source| RunError::io(&place, source))?.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let relative = path.strip_prefix(folder).expect("found below the folder");
            let name = relative
                .components()
                .map(|part| part.as_os_str().to_string_lossy())
                .collect::<Vec<_>>()
                .join("/");
            if UNHASHED.contains(&name.as_str()) {
                continue;
            }
            let bytes = fs::read(&path).map_err(|source| RunError::io(&path, source))?;
            found.insert(name, hex(&Sha256::digest(&bytes)));
        }
    }
    Ok(found)
}

/// Reads the manifest of the run folder at `folder`.
pub(super) fn manifest(folder: &Path) -> Result<Manifest, RunError> {
    let path = folder.join("manifest.json");
    let text = fs::read_to_string(&path)
        .map_err(|_| RunError::NotARun { folder: folder.display().to_string() })?;
    serde_json::from_str(&text)
        .map_err(|source| RunError::BadManifest { path: path.display().to_string(), source })
}

/// Files whose bytes are not those of the manifest; missing and added ones included.
pub(super) fn differences(
    expected: &BTreeMap<String, String>,
    found: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut names: Vec<String> = expected
        .iter()
        .filter(|(name, digest)| found.get(*name) != Some(digest))
        .map(|(name, _)| match found.get(name) {
            Some(_) => format!("{name} (other bytes)"),
            None => format!("{name} (missing)"),
        })
        .collect();
    let added = found.keys().filter(|name| !expected.contains_key(*name));
    names.extend(added.map(|name| format!("{name} (not in the manifest)")));
    names
}
