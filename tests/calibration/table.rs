//! Tables of `docs/measured`: what the tests here compute, held against what the documents say.
//!
//! `UPDATE_TABLES=1 cargo test --release --test calibration` writes them anew.

use std::fs;
use std::path::Path;

/// Holds `docs/measured/<name>.md` against a title, a sentence and rows, of which the first are the heads.
pub(crate) fn check(name: &str, title: &str, says: &str, rows: &[Vec<String>]) {
    let line = |cells: &Vec<String>| format!("| {} |\n", cells.join(" | "));
    let rule = format!("|{}\n", "---|".repeat(rows[0].len()));
    let body: String = rows[1..].iter().map(line).collect();
    let computed = format!(
        "# {title}\n\n{says}\n\nMade by `UPDATE_TABLES=1 cargo test --release --test calibration {name}`; the same \
         test without `UPDATE_TABLES` fails when it computes anything else.\n\n{}{rule}{body}",
        line(&rows[0])
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/measured/{name}.md"));
    if std::env::var_os("UPDATE_TABLES").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &computed).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, computed, "{} is out of date: set UPDATE_TABLES=1", path.display());
}

/// A row of a table.
pub(crate) fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}
