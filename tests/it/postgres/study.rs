//! Files, mappings and commands of a test with a server.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::cargo::cargo_bin_cmd;
use rvq::interaction::Log;
use tempfile::TempDir;

use super::server::PASSWORD;
use super::{ACCOUNTS, ACTIVITIES};

/// A folder with the files and the mappings of a test.
pub(crate) struct Study {
    folder: TempDir,
    address: String,
}

pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) said: String,
}

impl Study {
    pub(crate) fn new(address: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let study = Self { folder, address };
        study.write("catalogue.csv", "interaction_type,rv,variable_cost\ncall,1,5\nvisit,3,50\n");
        study.write("accounts.csv", ACCOUNTS);
        study.write("activities.csv", ACTIVITIES);
        let mut erp = "account,month,revenue,margin\n".to_owned();
        for (account, month) in (1..=3).flat_map(|a| (5..=9).map(move |m| (a, m))) {
            let margin = f64::from(account) * 1.1 * f64::from(month);
            writeln!(erp, "A{account},2024-0{month},{account}0{month}.05,{margin}").unwrap();
        }
        study.write("erp.csv", &erp);
        study
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Runs `rvq`; neither what it says nor what it leaves holds the password.
    pub(crate) fn rvq(&self, line: &str) -> Done {
        let output = cargo_bin_cmd!("rvq")
            .current_dir(self.folder.path())
            .env("RVQ_TEST_CRM", &self.address)
            .args(line.split_whitespace())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(!holds_password(&said), "{line}");
        assert!(!any_file_holds_password(self.folder.path()), "{line}");
        let leftover = fs::read_dir(self.folder.path())
            .unwrap()
            .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with(".rvq"));
        assert!(!leftover, "{line}");
        Done { code: output.status.code().unwrap(), said: String::from_utf8(said).unwrap() }
    }

    pub(crate) fn ok(&self, line: &str) -> String {
        let done = self.rvq(line);
        assert_eq!(done.code, 0, "rvq {line}\n{}", done.said);
        done.said
    }

    /// The bytes of the tables and rejected rows of a log, but for its id, and its ledger.
    pub(crate) fn log(&self, name: &str) -> (Vec<(String, Vec<u8>)>, String) {
        let folder = self.path(name);
        let id = Log::open(&folder).unwrap().run_id().unwrap().to_owned();
        let ledger = fs::read_to_string(folder.join("ingest.json")).unwrap();
        let mut tables: Vec<(String, Vec<u8>)> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "parquet"))
            .filter(|path| !path.ends_with("rejected.parquet"))
            .map(|path| {
                let bytes = without(&fs::read(&path).unwrap(), id.as_bytes());
                (path.file_name().unwrap().to_string_lossy().into_owned(), bytes)
            })
            .collect();
        tables.sort();
        (tables, ledger)
    }
}

/// `bytes` with zeros in the place of `part`.
fn without(bytes: &[u8], part: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len() {
        if bytes[at..].starts_with(part) {
            bytes[at..at + part.len()].fill(b'0');
        }
    }
    bytes
}

fn holds_password(bytes: &[u8]) -> bool {
    bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes())
}

fn any_file_holds_password(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            any_file_holds_password(&path)
        } else {
            holds_password(&fs::read(&path).unwrap())
        }
    })
}
