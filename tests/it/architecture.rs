//! The direction of dependencies and the rooms of outside crates, enforced.
//!
//! Sources are scanned as text after comments and literals are blanked; nothing is compiled, so
//! a use under `#[cfg(test)]` counts like any other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every top-level module and its level: a module uses only modules of a lower level.
const LEVELS: &[(&str, u8)] = &[
    ("stats", 0),
    ("ids", 0),
    ("time", 0),
    ("rng", 0),
    ("diagnostic", 0),
    ("interaction", 1),
    ("flow", 2),
    ("simulate", 3),
    ("ingest", 3),
    ("score", 3),
    ("panel", 4),
    ("realism", 4),
    ("database", 4),
    ("engine", 4),
    ("audit", 5),
    ("backtest", 5),
    ("journey", 5),
    ("relationship", 5),
    ("patterns", 5),
    ("hypothesis", 6),
    ("policy", 6),
    ("calibrate", 6),
    ("recover", 7),
    ("chart", 7),
    ("report", 8),
    ("run", 9),
    ("bin", 10),
];

/// The arrows inside level 0: permutations and bootstraps take draws, and draws are named by
/// positions.
const ALLOWED_SIDEWAYS: &[(&str, &str)] = &[("stats", "rng"), ("rng", "ids")];

/// Outside crates that may be named only in these modules.
const ROOMS: &[(&str, &[&str])] = &[
    ("linfa", &["patterns"]),
    ("linfa_clustering", &["patterns"]),
    ("rand_xoshiro06", &["patterns"]),
    ("plotters", &["chart"]),
    ("dejavu", &["chart"]),
    ("arrow_array", &["interaction", "ingest", "engine"]),
    ("arrow_schema", &["interaction", "ingest", "engine"]),
    ("parquet", &["interaction", "ingest", "engine"]),
    ("postgres", &["database"]),
    ("rustls", &["database"]),
    ("rustls_native_certs", &["database"]),
    ("tokio_postgres_rustls", &["database"]),
    ("datafusion", &["engine"]),
    ("tokio", &["engine"]),
    ("futures", &["engine"]),
    ("flate2", &["ingest"]),
    ("hmac", &["ingest"]),
    ("zstd", &["ingest"]),
    ("quick_xml", &["ingest"]),
    ("grenad", &["ingest"]),
    ("postcard", &["ingest"]),
    ("roaring", &["ingest"]),
    ("minijinja", &["report"]),
    ("anyhow", &["bin"]),
    ("clap", &["bin"]),
];

/// Modules that must work without the simulated truth.
const BLIND_TO_TRUTH: &[&str] = &[
    "score",
    "panel",
    "audit",
    "backtest",
    "journey",
    "relationship",
    "patterns",
    "hypothesis",
    "policy",
];

struct SourceFile {
    path: PathBuf,
    /// First component below `src/`: `stats`, `bin`, …; `lib` for the root.
    module: String,
    /// Text with comments and literals replaced by spaces; lines stay where they were.
    code: String,
}

impl SourceFile {
    fn complaint(&self, offset: usize, what: &str) -> String {
        let line = self.code[..offset].matches('\n').count() + 1;
        format!("{}:{line}: {what}", self.path.display())
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
}

fn sources() -> Vec<SourceFile> {
    let mut paths = Vec::new();
    rust_files(&root().join("src"), &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let code = blank(&fs::read_to_string(&path).unwrap());
            let path = path.strip_prefix(root()).unwrap().to_owned();
            let first = path.iter().nth(1).unwrap().to_str().unwrap();
            let module = first.trim_end_matches(".rs").to_owned();
            SourceFile { path, module, code }
        })
        .collect()
}

/// Replaces comments, strings and character literals by spaces, byte for byte.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let length = literal_length(text, at);
        for byte in &mut out[at..at + length] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at += length.max(1);
    }
    String::from_utf8(out).expect("whole literals are blanked, so characters stay whole")
}

/// Length of the comment or literal that starts at `at`; 0 when code does.
fn literal_length(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let rest = &bytes[at..];
    let starts_word = at == 0 || !is_word(bytes[at - 1]);
    if rest.starts_with(b"//") {
        return rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return block_comment_length(rest);
    }
    let prefix =
        if starts_word { rest.iter().take_while(|byte| b"brc".contains(byte)).count() } else { 0 };
    let hashes = rest[prefix..].iter().take_while(|&&byte| byte == b'#').count();
    if prefix > 0 && rest[..prefix].contains(&b'r') && rest.get(prefix + hashes) == Some(&b'"') {
        let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
        let body = prefix + hashes + 1;
        let end = rest[body..].windows(close.len()).position(|window| window == close);
        return end.map_or(rest.len(), |end| body + end + close.len());
    }
    match rest.get(prefix) {
        Some(b'"') => prefix + quoted_length(&rest[prefix..], b'"'),
        Some(b'\'') if is_character(&text[at..], prefix) => {
            prefix + quoted_length(&rest[prefix..], b'\'')
        }
        _ => 0,
    }
}

fn block_comment_length(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_u32, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn quoted_length(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Tells `'a'` and `'\n'` from the lifetime `'a`.
fn is_character(rest: &str, prefix: usize) -> bool {
    let mut characters = rest[prefix + 1..].chars();
    characters.next() == Some('\\') || characters.next() == Some('\'')
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Positions of `word` as a whole identifier.
fn occurrences<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = at.checked_sub(1).is_none_or(|before| !is_word(bytes[before]));
        before && bytes.get(at + word.len()).is_none_or(|&after| !is_word(after))
    })
}

/// Names that follow `root::`, alone or at the first depth of a group, with their positions.
fn names_after<'a>(code: &'a str, root: &'a str) -> Vec<(usize, &'a str)> {
    let mut names = Vec::new();
    for at in occurrences(code, root) {
        let Some(tail) = code[at + root.len()..].trim_start().strip_prefix("::") else { continue };
        let tail = tail.trim_start();
        let start = code.len() - tail.len();
        if let Some(group) = tail.strip_prefix('{') {
            let mut depth = 1_u32;
            let mut expects_name = true;
            for (offset, character) in group.char_indices() {
                match character {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => expects_name = true,
                    _ if depth == 1 && expects_name && !character.is_whitespace() => {
                        names.push((start + 1 + offset, word_at(&group[offset..])));
                        expects_name = false;
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            names.push((start, word_at(tail)));
        }
    }
    names
}

fn word_at(text: &str) -> &str {
    let end = text.bytes().position(|byte| !is_word(byte)).unwrap_or(text.len());
    &text[..end]
}

fn level(module: &str) -> Option<u8> {
    LEVELS.iter().find(|(name, _)| *name == module).map(|&(_, level)| level)
}

/// What is wrong with the modules that one file uses.
fn wrong_uses(file: &SourceFile) -> Vec<String> {
    let Some(own) = level(&file.module) else {
        return vec![file.complaint(0, "module without a level: place it in `LEVELS`")];
    };
    let mut uses = names_after(&file.code, "crate");
    if file.module == "bin" {
        // `crate` is the binary itself there.
        uses = names_after(&file.code, "rvq");
    }
    uses.extend(names_out_of_module(file));
    uses.into_iter()
        .filter_map(|(at, name)| match level(name) {
            _ if name == file.module => None,
            None => Some(file.complaint(at, &format!("`{name}` is no module with a level"))),
            Some(used) if used < own => None,
            Some(_) if ALLOWED_SIDEWAYS.contains(&(file.module.as_str(), name)) => None,
            Some(used) => Some(file.complaint(
                at,
                &format!("`{}` (level {own}) uses `{name}` (level {used})", file.module),
            )),
        })
        .collect()
}

/// Other top-level modules named through `super::`, which would hide an arrow.
fn names_out_of_module(file: &SourceFile) -> Vec<(usize, &str)> {
    let own_folder = root().join("src").join(&file.module);
    names_after(&file.code, "super")
        .into_iter()
        .filter(|&(at, name)| {
            let goes_on = file.code[at + name.len()..].trim_start().starts_with("::");
            let own_part =
                own_folder.join(format!("{name}.rs")).exists() || own_folder.join(name).exists();
            file.module != "bin" && goes_on && level(name).is_some() && !own_part
        })
        .collect()
}

fn report(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn modules_use_only_modules_of_a_lower_level() {
    let files = sources();
    let complaints: Vec<_> =
        files.iter().filter(|file| file.module != "lib").flat_map(wrong_uses).collect();
    report(&complaints);
}

#[test]
fn every_module_has_content_and_every_folder_a_mod_file() {
    let mut complaints = Vec::new();
    let mut folders = BTreeSet::new();
    for file in sources() {
        if file.code.trim().is_empty() {
            complaints.push(file.complaint(0, "a module without content"));
        }
        folders.insert(file.path.parent().unwrap().to_owned());
    }
    for folder in folders {
        let is_module = folder != Path::new("src") && !folder.starts_with("src/bin");
        if is_module && !root().join(&folder).join("mod.rs").exists() {
            complaints.push(format!("{}: a folder without `mod.rs`", folder.display()));
        }
    }
    report(&complaints);
}

#[test]
fn outside_crates_stay_in_their_rooms() {
    let mut complaints = Vec::new();
    for file in sources() {
        for (name, rooms) in ROOMS {
            if rooms.contains(&file.module.as_str()) {
                continue;
            }
            for at in occurrences(&file.code, name) {
                // A field or a function may share the name: only paths name a crate.
                if file.code[at + name.len()..].trim_start().starts_with("::") {
                    complaints.push(
                        file.complaint(at, &format!("`{name}` may be used only in {rooms:?}")),
                    );
                }
            }
        }
    }
    report(&complaints);
}

#[test]
fn only_run_reads_the_clock() {
    let mut complaints = Vec::new();
    for file in sources().iter().filter(|file| file.module != "run") {
        for clock in ["SystemTime", "Instant", "Utc", "Local"] {
            for (at, name) in names_after(&file.code, clock) {
                if name == "now" {
                    complaints.push(file.complaint(at, &format!("`{clock}::now` outside `run`")));
                }
            }
        }
    }
    report(&complaints);
}

#[test]
fn the_truth_is_read_by_nothing_that_judges_scores() {
    let mut complaints = Vec::new();
    for file in sources().iter().filter(|file| BLIND_TO_TRUTH.contains(&file.module.as_str())) {
        let reads = occurrences(&file.code, "truth").filter(|&at| file.code[..at].ends_with('.'));
        for at in reads.chain(occurrences(&file.code, "Truth")) {
            complaints.push(file.complaint(at, "reads the simulated truth"));
        }
    }
    report(&complaints);
}

fn file(module: &str, text: &str) -> SourceFile {
    let path = PathBuf::from(format!("src/{module}.rs"));
    SourceFile { path, module: module.to_owned(), code: blank(text) }
}

#[test]
fn an_upward_a_sideways_and_an_unknown_use_are_named_with_their_line() {
    let upward =
        file("stats", "use crate::{\n    ids::TypeIndex,\n    panel::{Panel, score},\n};\n");
    assert_eq!(
        wrong_uses(&upward),
        [
            "src/stats.rs:2: `stats` (level 0) uses `ids` (level 0)",
            "src/stats.rs:3: `stats` (level 0) uses `panel` (level 4)",
        ]
    );
    let hidden = file("panel", "use super::backtest::Finding;");
    assert_eq!(
        wrong_uses(&hidden),
        ["src/panel.rs:1: `panel` (level 4) uses `backtest` (level 5)"]
    );
    let unknown = file("panel", "fn f() { crate::cube::make() }");
    assert_eq!(wrong_uses(&unknown), ["src/panel.rs:1: `cube` is no module with a level"]);
    let unplaced = file("cube", "fn f() {}");
    assert_eq!(
        wrong_uses(&unplaced),
        ["src/cube.rs:1: module without a level: place it in `LEVELS`"]
    );
}

#[test]
fn downward_uses_comments_and_literals_pass() {
    let fine = file(
        "panel",
        "//! See [`crate::report`].\nuse crate::{score, stats::rank};\nuse crate::panel::Column;\n\
         /* crate::run /* nested */ */\nconst A: &str = \"crate::run\\\"\";\n\
         const B: &str = r#\"crate::run \"x\" \"#;\nfn f<'a>(x: &'a str) -> char { '\"' }\n",
    );
    assert_eq!(wrong_uses(&fine), [] as [&str; 0]);
    let bin = file("bin", "use rvq::run::Plan;\nuse crate::args::Args;");
    assert_eq!(wrong_uses(&bin), [] as [&str; 0]);
}
