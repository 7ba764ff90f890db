//! The `rvq` command as a user meets it: run folders, exit codes and words.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin_cmd;
use rvq::interaction::{AccountHistory, Log};
use serde_json::Value;

const PLAN: &str = r#"[run]
name = "small"

[world]
world = "informative"
accounts = 120
start = "2020-01"
months = 24

[score]
scores = [{ rv_sum = {} }, { rv_decay = { half_life_days = 180 } }]
baselines = [{ count = {} }, { past_profit = {} }]

[panel]
warm_up_months = 3
min_age_months = 1

[backtest]
outcomes = ["contribution", "attrition"]
horizons = [1, 3]
lead_lag = [1, 2]
permutations = 19
resamples = 99
min_train_months = 6
test_block_months = 3

[hypotheses.H1]
score = "rv_decay_180d"
outcome = "contribution"
horizon = 3
delta = { associated = 0.02, leads = 0.02, adds = 0.002 }

[patterns]
first_age_months = 2
last_age_months = 8
resamples = 5
references = 19

[profiles.tiny.world]
accounts = 60
"#;

/// A folder with a plan, in which commands are run.
struct Study {
    folder: tempfile::TempDir,
}

/// What a command did.
struct Done {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Study {
    fn new() -> Self {
        let study = Self { folder: tempfile::tempdir().unwrap() };
        study.write("plan.toml", PLAN);
        study
    }

    /// With the sample exports, their mapping, catalogue and plan in `sample`.
    fn with_sample() -> Self {
        let study = Self::new();
        study.copy("data/sample", "sample");
        study
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Copies the files of a folder of the repository.
    fn copy(&self, from: &str, to: &str) {
        fs::create_dir_all(self.path(to)).unwrap();
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(from)).unwrap() {
            let from = entry.unwrap().path();
            fs::copy(&from, self.path(to).join(from.file_name().unwrap())).unwrap();
        }
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "`{from}` is in {name}");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// Runs `rvq`; arguments are parted by blanks.
    fn rvq(&self, line: &str) -> Done {
        let output = cargo_bin_cmd!("rvq")
            .current_dir(self.folder.path())
            .args(line.split_whitespace())
            .output()
            .unwrap();
        Done {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn ok(&self, line: &str) -> Done {
        let done = self.rvq(line);
        assert_eq!(done.code, 0, "rvq {line}\n{}{}", done.stdout, done.stderr);
        done
    }

    /// Exit code and standard error of a command that must fail.
    fn refused(&self, line: &str) -> String {
        let done = self.rvq(&format!("{line} --quiet"));
        assert_ne!(done.code, 0, "rvq {line}");
        format!("exit {}\n{}", done.code, done.stderr)
    }

    /// The only folder in `out`.
    fn run_folder(&self, out: &str) -> PathBuf {
        let folders: Vec<_> =
            fs::read_dir(self.path(out)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(folders.len(), 1, "a run leaves its folder and nothing else: {folders:?}");
        folders.into_iter().next().unwrap()
    }

    fn outputs(&self, out: &str) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.run_folder(out).join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_str(&text).unwrap();
        serde_json::from_value(manifest["outputs"].clone()).unwrap()
    }
}

#[cfg(not(feature = "sql"))]
#[test]
fn without_sql_whatever_asks_for_it_says_how_to_get_it() {
    let study = Study::with_sample();
    study.edit(
        "sample/mapping.toml",
        "[[interactions]]\nsource = \"interactions.csv\"",
        "[sources]\nactivities = \"interactions.csv\"\n[[interactions]]\nsql = \"SELECT 1 AS account_id FROM activities\"",
    );
    let features = if cfg!(feature = "postgres") { "sql,postgres" } else { "sql" };
    let how =
        format!("in a clone, `cargo install --path . --features {features}` installs it with SQL");
    for line in [
        "sql sample",
        "ingest sample/mapping.toml --out log",
        "ingest --check sample/mapping.toml",
        "run sample/plan.toml",
    ] {
        let said = study.refused(line);
        assert!(said.starts_with("exit 2\n") && said.contains(&how), "rvq {line}\n{said}");
    }
    assert!(!study.path("log").exists());
}

#[cfg(not(feature = "postgres"))]
#[test]
fn without_postgres_whatever_asks_for_it_says_how_to_get_it() {
    let study = Study::with_sample();
    study.edit(
        "sample/mapping.toml",
        "source = \"interactions.csv\"",
        "source = { postgres = \"CRM_DATABASE\", table = \"crm.activity\" }",
    );
    let features = if cfg!(feature = "sql") { "sql,postgres" } else { "postgres" };
    let how = format!(
        "in a clone, `cargo install --path . --features {features}` installs it with PostgreSQL"
    );
    for line in [
        "ingest sample/mapping.toml --out log",
        "ingest --check sample/mapping.toml",
        "run sample/plan.toml",
        "score sample/plan.toml --out panel.csv",
    ] {
        let said = study.refused(line);
        assert!(said.starts_with("exit 2\n") && said.contains(&how), "rvq {line}\n{said}");
    }
    assert!(!study.path("log").exists());
}

#[cfg(feature = "sql")]
#[test]
fn a_log_is_asked_in_sql() {
    let study = Study::with_sample();
    study.ok("ingest sample/mapping.toml --out log");
    study.write(
        "q.sql",
        "SELECT account_id, 1 AS one, '=1+1' AS formula, NULL AS nothing FROM accounts ORDER BY 1 LIMIT 2",
    );
    insta::assert_snapshot!(study.ok("sql log --file q.sql").stdout, @r"
    account_id  one  formula  nothing
    ACC-0001      1  =1+1
    ACC-0002      1  =1+1
    (2 rows)
    ");
    insta::assert_snapshot!(study.ok("sql log --file q.sql --format csv").stdout, @r"
    account_id,one,formula,nothing
    ACC-0001,1,'=1+1,
    ACC-0002,1,'=1+1,
    ");
    insta::assert_snapshot!(study.ok("sql log --file q.sql --format json").stdout, @r#"
    [
    {"account_id":"ACC-0001","one":1,"formula":"=1+1","nothing":null},
    {"account_id":"ACC-0002","one":1,"formula":"=1+1","nothing":null}
    ]
    "#);
    insta::assert_snapshot!(study.ok("sql log --file q.sql --rows 1").stdout, @r"
    account_id  one  formula  nothing
    ACC-0001      1  =1+1
    (2 rows, 1 shown)
    ");
    let tables = study.ok("sql log").stdout;
    for line in ["months        as_of", "catalogue     rv", "interactions  known_at"] {
        assert!(tables.contains(line), "{line}\n{tables}");
    }
    study.write("bad.sql", "SELECT accont_id FROM accounts");
    assert!(study.refused("sql log --file bad.sql").contains("did you mean `account_id`?"));
    assert!(study.refused("sql sample --file q.sql").starts_with("exit 2\n"));
}

#[test]
fn every_help_shows_an_example_that_the_command_line_accepts() {
    let study = Study::new();
    let all = [
        "",
        "init",
        "audit",
        "flow check",
        "flow show",
        "simulate",
        "ingest",
        "score",
        "backtest",
        "patterns",
        "report",
        "run",
        "verify",
        "schema",
    ];
    for subcommand in all {
        let help = study.ok(&format!("{subcommand} --help")).stdout;
        let example = help
            .split_once("Example")
            .and_then(|(_, rest)| rest.lines().find_map(|line| line.trim().strip_prefix("rvq ")));
        let example = example.unwrap_or_else(|| panic!("no example in: rvq {subcommand} --help"));
        let alone = example.split([';', '>', '&']).next().unwrap();
        let starts = subcommand.is_empty() || alone.starts_with(subcommand);
        assert!(starts, "the example of `{subcommand}` is `{alone}`");
        // With `--help` the rest of the line is parsed, but nothing is run.
        study.ok(&format!("{alone} --help"));
    }
}

#[test]
fn the_examples_of_the_helps_run_in_a_clone() {
    let study = Study::new();
    for folder in ["experiments/starting_benchmark", "data/sample", "data/flows/b2b"] {
        study.copy(folder, folder);
    }
    let plan = "experiments/starting_benchmark/plan.toml";
    study.ok(&format!("run --profile smoke {plan} --dry-run"));
    study.ok(&format!("simulate {plan} --set world.accounts=20 --out log"));
    study.ok(&format!("score --profile smoke {plan} --out panels --dry-run"));
    study.ok(&format!("backtest --profile smoke {plan} --dry-run"));
    study.ok(&format!("patterns --profile smoke {plan} --dry-run"));
    study.ok("ingest data/sample/mapping.toml --out my-log");
    study.ok("flow check data/flows/b2b/flow.toml");
    study.ok("flow show data/flows/b2b/flow.toml --svg flow.svg");
    assert!(study.read("flow.svg").starts_with("<svg"));
    assert!(!study.path("panels").exists() && !study.path("runs").exists());
}

#[test]
fn a_run_leaves_one_whole_folder_that_verifies_from_anywhere() {
    let study = Study::new();
    let done = study.ok("run plan.toml --out out");
    assert!(done.stdout.contains("inconclusive") || done.stdout.contains("supported"));
    let folder = study.run_folder("out");
    for name in [
        "manifest.json",
        "results.json",
        "report.html",
        "summary.md",
        "junit.xml",
        "plan.resolved.toml",
        "log.jsonl",
        "timings.json",
        "charts/verdict_board.svg",
        "charts/verdict_board.csv",
        "charts/informative/trajectories_rv_decay_180d.svg",
        "charts/informative/trajectories_rv_decay_180d.csv",
        "tables/irrelevant/panel.parquet",
        "tables/informative/interactions.parquet",
    ] {
        assert!(folder.join(name).is_file(), "{name}");
    }
    let elsewhere = Study::new();
    let verified = elsewhere.ok(&format!("verify {}", folder.display()));
    assert!(verified.stdout.starts_with("verified: run "), "{}", verified.stdout);
}

#[test]
fn a_plan_named_without_a_folder_is_verified_from_another_folder() {
    let study = Study::with_sample();
    study.edit("sample/plan.toml", "mapping = \"", "mapping = \"sample/");
    study.write("own.toml", &study.read("sample/plan.toml"));
    study.ok("run own.toml --out out --set backtest.permutations=19 --set backtest.resamples=99");
    Study::new().ok(&format!("verify {}", study.run_folder("out").display()));
}

#[test]
fn the_bytes_of_a_run_do_not_depend_on_the_number_of_threads() {
    let study = Study::new();
    for threads in [1, 2, 5] {
        study.ok(&format!("run plan.toml --out out{threads} --threads {threads}"));
    }
    let one = study.outputs("out1");
    assert!(one.len() > 30, "{one:?}");
    assert_eq!(one, study.outputs("out2"));
    assert_eq!(one, study.outputs("out5"));
}

#[test]
fn a_second_run_is_a_check_and_force_writes_the_same_bytes() {
    let study = Study::new();
    study.ok("run plan.toml --out out");
    let first = study.outputs("out");
    let again = study.ok("run plan.toml --out out");
    assert!(again.stdout.contains("This run was there already"), "{}", again.stdout);
    let folder = study.run_folder("out");
    fs::write(folder.join("charts/verdict_board.svg"), "<svg/>").unwrap();
    for line in ["run plan.toml --out out".to_owned(), format!("verify {}", folder.display())] {
        let done = study.rvq(&line);
        assert_eq!(done.code, 5, "{}", done.stderr);
        let named = "charts/verdict_board.svg (other bytes)";
        assert!(done.stderr.contains(named), "{}", done.stderr);
        assert!(done.stdout.is_empty(), "{}", done.stdout);
    }
    study.ok("run plan.toml --out out --force");
    assert_eq!(study.outputs("out"), first);
}

#[test]
fn a_folder_without_manifest_is_no_run() {
    let study = Study::new();
    study.ok("run plan.toml --out out");
    let folder = study.run_folder("out");
    fs::remove_file(folder.join("manifest.json")).unwrap();
    let name = folder.strip_prefix(study.folder.path()).unwrap().display().to_string();
    let words = study.refused(&format!("verify {name}")).replace(&name, "RUN");
    insta::assert_snapshot!(words, @r"
    exit 2
    error: `RUN` is not a run: it has no `manifest.json`
    ");
    study.ok("run plan.toml --out out");
    study.ok(&format!("verify {name}"));
}

#[test]
fn an_input_that_changed_is_not_reproduced() {
    let study = Study::with_sample();
    study.ok("run sample/plan.toml --out out --set backtest.permutations=19");
    study.edit("sample/outcomes.csv", "2024", "2025");
    let done = study.rvq(&format!("verify {}", study.run_folder("out").display()));
    assert_eq!(done.code, 5, "{}", done.stderr);
    assert!(done.stderr.contains("its inputs or the version of rvq changed"), "{}", done.stderr);
}

#[test]
fn a_dry_run_names_the_run_and_writes_nothing() {
    let study = Study::new();
    let done = study.ok("run plan.toml --out out --dry-run");
    assert!(done.stdout.starts_with("would write out/small-"), "{}", done.stdout);
    let left: Vec<_> =
        fs::read_dir(study.folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["plan.toml"]);
}

#[test]
fn a_dry_run_of_ingest_needs_no_folder_for_the_log() {
    let study = Study::with_sample();
    let done = study.ok("ingest sample/mapping.toml --dry-run");
    assert!(done.stdout.ends_with("survey rows would be in the log\n"), "{}", done.stdout);
    assert!(!study.folder.path().join("log").exists());
}

#[test]
fn a_recorded_expectation_holds_and_a_wrong_one_names_every_difference() {
    let study = Study::new();
    study.ok("run plan.toml --out out --record expected.json");
    let done = study.ok("run plan.toml --out out --check expected.json");
    assert!(done.stdout.contains("as expected in expected.json"), "{}", done.stdout);
    let mut expected: Value = serde_json::from_str(&study.read("expected.json")).unwrap();
    expected[0]["n_accounts"] = 7.into();
    expected[0]["findings"][0]["estimate"] = 9.into();
    expected[1]["world"] = "nowhere".into();
    study.write("expected.json", &expected.to_string());
    let done = study.rvq("run plan.toml --out out --check expected.json --quiet");
    assert_eq!(done.code, 1);
    let lines: Vec<&str> = done.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{}", done.stderr);
    assert!(lines[0].contains("accounts, expected 7"), "{}", lines[0]);
    assert!(lines[1].contains("mean_rank_ic of `rv_decay_180d` on `contribution`"), "{}", lines[1]);
    assert!(lines[2].contains("no results on `nowhere`"), "{}", lines[2]);
    insta::assert_snapshot!(study.refused("run plan.toml --out new --check none.json"), @r"
    exit 2
    error: cannot read expectation `none.json`: No such file or directory (os error 2)
    ");
    assert!(!study.path("new").exists(), "what to expect is read before anything is run");
}

#[test]
fn a_violated_gate_ends_with_exit_code_1() {
    let study = Study::new();
    let gate =
        "[gates.never]\nhypothesis = \"H1\"\nworld = \"irrelevant\"\nverdict = \"supported\"\n";
    study.write("plan.toml", &format!("{PLAN}\n{gate}"));
    insta::assert_snapshot!(study.refused("run plan.toml --out out"), @r"
    exit 1
    gate `never` failed: H1 in irrelevant is inconclusive, expected supported
    ");
    study.ok("run plan.toml --out out --set gates.never.not=true");
}

#[test]
fn a_run_that_is_killed_leaves_no_run_and_can_be_repeated() {
    let study = Study::new();
    let line = "run plan.toml --out out --set backtest.permutations=4999 --quiet";
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("rvq"))
        .current_dir(study.folder.path())
        .args(line.split_whitespace())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    let drafts =
        || fs::read_dir(study.path("out")).is_ok_and(|mut entries| entries.next().is_some());
    while !drafts() {
        assert!(Instant::now() < deadline, "no draft within a minute");
        assert!(child.try_wait().unwrap().is_none(), "the run ended before it wrote a draft");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    let with_manifest = || {
        let entries = fs::read_dir(study.path("out")).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|folder| folder.join("manifest.json").exists()).count()
    };
    assert_eq!(with_manifest(), 0);
    study.ok(line.replace("=4999", "=19").as_str());
    assert_eq!(with_manifest(), 1);
}

#[test]
fn a_plan_that_cannot_be_run_is_refused_with_place_and_hint() {
    let study = Study::new();
    study.write("typo.toml", &PLAN.replace("accounts = 120", "acounts = 120"));
    insta::assert_snapshot!(study.refused("run typo.toml"), @r"
    exit 2
    error: unknown key `acounts`
     --> typo.toml:6:1
      |
    6 | acounts = 120
      | ^^^^^^^
      |
      = help: did you mean `accounts`?
    ");
    study.write("kind.toml", &PLAN.replace("accounts = 120", "accounts = \"many\""));
    insta::assert_snapshot!(study.refused("run kind.toml"), @r#"
    exit 2
    error: invalid type: string "many", expected u32
     --> kind.toml:6:12
      |
    6 | accounts = "many"
      |            ^^^^^^
    "#);
    study.write("zero.toml", &PLAN.replace("horizon = 3", "horizon = 0"));
    insta::assert_snapshot!(study.refused("run zero.toml"), @r"
    exit 2
    error: `H1` has a horizon of 0 months, expected 1 to 1200
      --> zero.toml:27:1
       |
    27 | [hypotheses.H1]
       | ^^^^^^^^^^^^^^^
    ");
    study.write("score.toml", &PLAN.replace("\"rv_decay_180d\"", "\"rv_decay_90d\""));
    insta::assert_snapshot!(study.refused("run score.toml"), @r"
    exit 2
    error: `H1` names the score `rv_decay_90d`, which `[score]` lacks
      --> score.toml:27:1
       |
    27 | [hypotheses.H1]
       | ^^^^^^^^^^^^^^^
       |
       = help: did you mean `rv_decay_180d`?
    ");
    let level = PLAN
        .replace("\"rv_decay_180d\"", "\"rv_sum\"")
        .replace("outcome = \"contribution\"", "outcome = \"cumulative_contribution\"");
    study.write("level.toml", &level);
    insta::assert_snapshot!(study.refused("run level.toml"), @r"
    exit 2
    error: `rv_sum` on `cumulative_contribution` is refused: both grow with tenure, so they correlate (about .9 between accounts) even when they are independent; use an outcome over a horizon, or a score that does not accumulate
      --> level.toml:27:1
       |
    27 | [hypotheses.H1]
       | ^^^^^^^^^^^^^^^
    ");
    study.write(
        "attrition.toml",
        &PLAN.replace("outcome = \"contribution\"", "outcome = \"attrition\""),
    );
    insta::assert_snapshot!(study.refused("run attrition.toml"), @r"
    exit 2
    error: `H1` is on `attrition`, expected `contribution` or `gross_profit` or `revenue`
      --> attrition.toml:27:1
       |
    27 | [hypotheses.H1]
       | ^^^^^^^^^^^^^^^
    ");
    insta::assert_snapshot!(study.refused("run plan.toml --set patterns.references=5"), @r"
    exit 2
    error: `references` is 5, expected at least 19
      --> plan.resolved.toml (profile and --set applied):27:1
       |
    27 | references = 5
       | ^^^^^^^^^^^^^^
    ");
    insta::assert_snapshot!(study.refused("run plan.toml --profile tinny"), @r"
    exit 2
    error: the plan has no profile `tinny`; it has: tiny, full
    ");
    insta::assert_snapshot!(study.refused("run plan.toml --set world.accounts"), @r"
    exit 2
    error: `--set world.accounts` is not `key=value`, such as `world.accounts=500`
    ");
    insta::assert_snapshot!(study.refused("run none.toml"), @r"
    exit 2
    error: cannot read plan `none.toml`: No such file or directory (os error 2)
    ");
    insta::assert_snapshot!(
        study.refused("run plan.toml --set gates.g.hypothesis=H1 --set gates.g.world=informtive --set gates.g.verdict=supported"),
        @r"
        exit 2
        error: gate `g` names the world `informtive`, which the plan does not have; it has informative, irrelevant
        "
    );
    assert!(!study.path("runs").exists());
}

#[test]
fn a_world_or_flow_that_cannot_be_used_is_refused() {
    let study = Study::new();
    insta::assert_snapshot!(study.refused("run plan.toml --set world.world=informtive"), @r"
    exit 2
    error: `[world]` names `informtive`, which is neither a built-in world (informative, irrelevant, mirror, targeting, hostage, shock, recession, silo_blind, tenure, size, wrong_weights, dark_touches, survivor, reverse, slope_shock, whale_mild, whale_kanthal, whale_extreme) nor the file `informtive`; did you mean `informative`?
    ");
    study.copy("data/worlds", "worlds");
    study.edit("worlds/informative.toml", "late_probability = 0.06", "late_probability = 1.06");
    insta::assert_snapshot!(
        study.refused("run plan.toml --set world.world=worlds/informative.toml"),
        @r"
        exit 2
        error: `late_probability` must be a probability between 0 and 1
           --> worlds/informative.toml:112:1
            |
        112 | late_probability = 1.06
            | ^^^^^^^^^^^^^^^^^^^^^^^
        "
    );
    insta::assert_snapshot!(study.refused("run plan.toml --set world.flow=none.toml"), @r"
    exit 2
    error: cannot read `none.toml`: No such file or directory (os error 2)
    ");
    study.copy("data/flows/b2b", "flow");
    study.edit("flow/flow.toml", "newsletter_sent = 0.19", "newsletter_sent = 0.2");
    insta::assert_snapshot!(study.refused("run plan.toml --set world.flow=flow/flow.toml"), @r"
    exit 2
    error: probabilities in mix of `suspect` sum to 1.010000, expected 1
      --> flow/flow.toml:38:1
       |
    38 | [levels.mix]
       | ^^^^^^^^^^^^
       |
       = help: scale the probabilities, or add the missing one
    ");
    insta::assert_snapshot!(study.refused("flow check flow/flow.toml"), @r"
    exit 2
    error: probabilities in mix of `suspect` sum to 1.010000, expected 1
      --> flow/flow.toml:38:1
       |
    38 | [levels.mix]
       | ^^^^^^^^^^^^
       |
       = help: scale the probabilities, or add the missing one
    ");
    study.copy("data/flows/b2b", "flow");
    let island = "\n[[levels]]\nname = \"island\"\nstage = \"retention\"\nwait = { exponential = { mean_days = 9 } }\nmix = { newsletter_sent = 1.0 }\n";
    study.write("flow/flow.toml", &(study.read("flow/flow.toml") + island));
    let words = study.refused("flow check flow/flow.toml");
    assert!(words.starts_with("exit 2\n") && words.contains("island"), "{words}");
}

#[test]
fn an_own_world_file_is_found_beside_the_plan() {
    let study = Study::new();
    fs::create_dir(study.path("plans")).unwrap();
    study.copy("data/worlds", "plans");
    study.edit("plans/informative.toml", "name = \"informative\"", "name = \"mine\"");
    study.write("plans/plan.toml", &PLAN.replace("\"informative\"", "\"informative.toml\""));
    let done = study.ok("run plans/plan.toml --out out --profile tiny");
    assert!(done.stdout.contains("\nmine\n"), "{}", done.stdout);
    study.ok(&format!("verify {}", study.run_folder("out").display()));
    study.edit("plans/informative.toml", "name = \"mine\"", "name = \"../mine\"");
    insta::assert_snapshot!(study.refused("run plans/plan.toml --out out"), @r"
    exit 2
    error: the data set is named `../mine`, expected a name that does not start with `.` and has no `/`, `\`, `:` or control character: a folder of the run is named after it
    ");
}

#[test]
fn rows_that_cannot_be_used_are_in_the_ledger_and_too_many_are_an_error() {
    let study = Study::with_sample();
    let done = study.ok("ingest sample/mapping.toml --out log");
    for reason in ["unknown_value", "duplicate", "before_entry", "not_finite"] {
        assert!(done.stdout.contains(reason), "{reason}: {}", done.stdout);
    }
    insta::assert_snapshot!(study.refused("ingest sample/mapping.toml --out log"), @r"
    exit 2
    error: `log` is already there, expected a new folder
    ");
    study.edit("sample/mapping.toml", "currency = ", "max_rejected = 0.001\ncurrency = ");
    let done = study.rvq("ingest sample/mapping.toml --out strict --quiet");
    assert_eq!(done.code, 3);
    assert!(done.stdout.contains("before_entry"), "the ledger is printed: {}", done.stdout);
    insta::assert_snapshot!(done.stderr, @r"
    error: `interactions.csv` (interactions): 11 of 5019 rows rejected, 0.22 %, more than the 0.10 % that `max_rejected` allows
    `outcomes.csv` (outcomes): 2 of 1664 rows rejected, 0.12 %, more than the 0.10 % that `max_rejected` allows
    ");
    assert!(!study.path("strict").exists());
    study.write("sample/contacts.csv", "");
    insta::assert_snapshot!(study.refused("ingest sample/mapping.toml --out empty"), @r"
    exit 3
    error: `contacts.csv` is empty, expected a header and rows
    ");
    study.edit("sample/mapping.toml", "columns.role", "columns.rule");
    insta::assert_snapshot!(study.refused("ingest sample/mapping.toml --out typo"), @r#"
    exit 2
    error: `rule` is not a column of contacts
      --> sample/mapping.toml:28:9
       |
    28 | columns.rule = "Buying Role"
       |         ^^^^
       |
       = help: did you mean `role`?
    "#);
}

#[test]
fn a_log_that_cannot_be_used_is_refused() {
    let study = Study::with_sample();
    study.ok("ingest sample/mapping.toml --out log");
    study.write(
        "plan.toml",
        &study.read("sample/plan.toml").replace("mapping = \"mapping.toml\"", "log = \"log\""),
    );
    insta::assert_snapshot!(study.refused("run plan.toml --set run.time_zone=UTC"), @r"
    exit 2
    error: `time_zone` is `UTC` in `[run]` of the plan and `America/New_York` in `log/mapping.toml`, expected the same: set `run.time_zone` to what is true of the export
    ");
    let catalogue = study.read("log/catalogue.csv");
    let without: Vec<&str> =
        catalogue.lines().filter(|line| !line.starts_with("escalation")).collect();
    study.write("log/catalogue.csv", &(without.join("\n") + "\n"));
    insta::assert_snapshot!(study.refused("run plan.toml"), @r"
    exit 3
    error: catalogue `1` has no `escalation`
    ");
    study.write("log/catalogue.csv", &catalogue);
    let bytes = fs::read(study.path("log/outcomes.parquet")).unwrap();
    fs::write(study.path("log/outcomes.parquet"), &bytes[..bytes.len() / 2]).unwrap();
    insta::assert_snapshot!(study.refused("run plan.toml"), @r"
    exit 3
    error: `log/outcomes.parquet` is not a whole Parquet file: Parquet error: Invalid Parquet file. Corrupt footer
    ");
    insta::assert_snapshot!(study.refused("run plan.toml --set data.log=nowhere"), @r"
    exit 3
    error: `nowhere/accounts.parquet` is missing, expected a Parquet file
    `nowhere/contacts.parquet` is missing, expected a Parquet file
    `nowhere/interactions.parquet` is missing, expected a Parquet file
    `nowhere/outcomes.parquet` is missing, expected a Parquet file
    ");
}

/// Findings of an audit, by check and what it is about: severity, affected, of.
type Audited = BTreeMap<(String, String), (String, u64, u64)>;

fn audited(study: &Study, line: &str) -> (i32, Audited) {
    let done = study.rvq(line);
    let mut findings = BTreeMap::new();
    for row in csv::Reader::from_reader(done.stdout.as_bytes()).records() {
        let row = row.unwrap_or_else(|error| panic!("{error}: {}{}", done.stdout, done.stderr));
        let count = |column: usize| row[column].parse().unwrap();
        findings.insert(
            (row[1].to_owned(), row[3].to_owned()),
            (row[2].to_owned(), count(4), count(5)),
        );
    }
    (done.code, findings)
}

#[test]
fn the_audit_names_what_init_planted_and_leaves_the_rest_alone() {
    let study = Study::new();
    let done = study.ok("init planted --example");
    assert!(done.stdout.contains("rvq audit planted/plan.toml --features planted/features.csv"));
    let line = "audit planted/plan.toml --features planted/features.csv";
    let (code, findings) = audited(&study, &format!("{line} --format csv"));
    assert_eq!(code, 1);
    let rows = csv::Reader::from_path(study.path("planted/features.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = rows.into_records().map(Result::unwrap).collect();
    let all = rows.len() as u64;
    let of = |check: &str, about: &str| &findings[&(check.to_owned(), about.to_owned())];
    let leak = |affected, of| ("leak".to_owned(), affected, of);
    assert_eq!(*of("normalisation_leak", "rv_z"), leak(all, all));

    // One row for each of two contacts: as many values of the account as there are dates.
    let mut at: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for row in &rows {
        *at.entry((&row[0], &row[2])).or_default() += 1;
    }
    let shared = at.values().filter(|n| **n > 1).sum();
    let contacts = of("contacts_as_independent", "features.csv");
    assert_eq!(*contacts, ("bias".to_owned(), shared, all));
    let (severity, affected, values) = of("look_ahead", "next_quarter");
    assert_eq!((severity.as_str(), *values), ("leak", at.len() as u64));
    assert!(*affected * 10 > *values * 7, "{affected} of {values}");

    let mut folds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in &rows {
        folds.entry(&row[0]).or_default().push(&row[3]);
    }
    let split = |folds: &&Vec<&str>| folds.iter().any(|fold| *fold != folds[0]);
    let in_two = folds.values().filter(split).map(|folds| folds.len() as u64).sum();
    assert_eq!(*of("account_in_two_folds", "features.csv"), leak(in_two, all));
    assert_eq!(of("whole_life", "lifetime_rv").0, "leak");
    assert!(findings.keys().all(|(_, about)| about != "rv_decay"), "{findings:?}");
    let accused = findings.values().filter(|found| found.0 != "note").count();
    assert_eq!(accused, 5, "{findings:?}");

    // The log itself is clean, as a plan and as a folder.
    for line in ["audit planted/plan.toml", "audit planted/log"] {
        assert!(study.ok(line).stdout.contains("0 leaks, 0 biases"));
    }
    let json = study.rvq(&format!("{line} --format json")).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["findings"][0]["severity"], "leak");
}

#[test]
fn features_from_an_export_that_ended_earlier_show_what_was_told() {
    let study = Study::new();
    study.ok("simulate plan.toml --out log");
    study.write(
        "full.csv",
        "account_id,as_of,honest,told\nA0000001,2020-06,1,3\nA0000001,2021-06,2,4\n",
    );
    study.write("cut.csv", "account_id,as_of,honest,told\nA0000001,2020-06,1,2\n");
    let (code, findings) =
        audited(&study, "audit log --features full.csv --cut cut.csv --format csv");
    assert_eq!(code, 1);
    let found: Vec<_> = findings.iter().filter(|(_, found)| found.0 == "leak").collect();
    let key = ("changes_with_future".to_owned(), "told".to_owned());
    assert_eq!(found, [(&key, &("leak".to_owned(), 1, 1))]);
    let compared = &findings[&("compared_with_cut".to_owned(), "full.csv".to_owned())];
    assert_eq!(*compared, ("note".to_owned(), 2, 4));
    study.write("less.csv", "account_id,as_of,honest\nA0000001,2020-06,1\n");
    let (code, findings) =
        audited(&study, "audit log --features full.csv --cut less.csv --format csv");
    assert_eq!(code, 0);
    let compared = &findings[&("compared_with_cut".to_owned(), "full.csv".to_owned())];
    assert_eq!(*compared, ("bias".to_owned(), 1, 4));
    study.write("other.csv", "account_id,as_of,honest,rv\nA0000001,2020-07,1,2\n");
    let line = "audit log --features full.csv --cut other.csv";
    insta::assert_snapshot!(study.refused(line), @r"
    exit 3
    error: `other.csv` and `full.csv` have no value in common: of 1 rows of `other.csv`, 0 have an account, contact and date of `full.csv`; of its 2 columns of numbers, 1 have a name of `full.csv`; expected the same features from an export that ended earlier
    ");
    insta::assert_snapshot!(study.refused("audit log --features nowhere.csv"), @r"
    exit 3
    error: `nowhere.csv` cannot be read: there is no such file
    ");
}

#[test]
fn init_gives_a_study_that_runs() {
    let study = Study::new();
    study.ok("init mine");
    let done = study.ok("run mine/simulated.toml --profile smoke --set world.accounts=150 \
        --set world.months=24 --set backtest.permutations=19 --set backtest.horizons=[3] \
        --set gates.found_where_planted.verdict=supported --set backtest.resamples=99 \
        --set gates.found_where_planted.not=true --set patterns.resamples=2 --out out");
    assert!(done.stdout.contains("informative"), "{}", done.stdout);
    insta::assert_snapshot!(study.refused("init mine"), @r"
    exit 2
    error: `mine` is already there, expected a new folder
    ");
    insta::assert_snapshot!(study.refused("run mine/own_log.toml"), @r"
    exit 3
    error: `accounts.csv` is not in the data folder `mine`
    `contacts.csv` is not in the data folder `mine`
    `interactions.csv` is not in the data folder `mine`
    `outcomes.csv` is not in the data folder `mine`
    help: `mine/mapping.toml` names these files; put them there, or name their folder with `folder` in `[data]`
    ");
    study.copy("data/sample", "mine");
    study.ok("run mine/own_log.toml --out own --set backtest.permutations=19");
}

#[test]
fn the_sample_gives_the_same_findings_through_its_mapping_and_through_a_log() {
    let study = Study::with_sample();
    study.ok("ingest sample/mapping.toml --out log");
    study.write(
        "log.toml",
        &study.read("sample/plan.toml").replace("mapping = \"mapping.toml\"", "log = \"log\""),
    );
    let direct = study.ok("backtest sample/plan.toml --format csv").stdout;
    assert_eq!(direct, study.ok("backtest log.toml --format csv").stdout);
    assert!(direct.contains("sample,H1,rv_decay_180d,contribution,3,mean_rank_ic,"), "{direct}");
    let table = study.ok("backtest sample/plan.toml").stdout;
    assert!(table.contains("H1") && table.contains("H8") && table.contains("verdict"), "{table}");
    let json: Value =
        serde_json::from_str(&study.ok("backtest log.toml --format json").stdout).unwrap();
    assert_eq!(json["worlds"][0]["verdicts"].as_array().unwrap().len(), 2);
}

#[test]
fn scores_are_written_as_csv_or_parquet() {
    let study = Study::new();
    study.ok("score plan.toml --out panels --format csv");
    let panel = study.read("panels/informative.csv");
    assert!(panel.starts_with("account_id,month,age,rv_sum,rv_decay_180d,count,past_profit,"));
    assert!(panel.lines().count() > 500, "{}", panel.lines().count());
    study.ok("score plan.toml --out panels");
    assert!(fs::read(study.path("panels/irrelevant.parquet")).unwrap().starts_with(b"PAR1"));
}

#[test]
fn patterns_that_are_not_there_cannot_be_saved() {
    let study = Study::new();
    let done = study.rvq("patterns plan.toml --save patterns.json --quiet");
    assert_eq!(done.code, 2);
    assert!(done.stdout.contains("no stable pattern"), "{}", done.stdout);
    assert!(done.stderr.starts_with("error: nothing to save: "), "{}", done.stderr);
    assert!(!study.path("patterns.json").exists());
}

#[test]
fn saved_patterns_place_accounts_of_the_same_ages_only() {
    let study = Study::new();
    let ages_months: Vec<i32> = (2..=8).collect();
    let values = ndarray::Array2::from_shape_fn((40, ages_months.len()), |(account, age)| {
        (account * 7 + age) as f64
    });
    let scale = rvq::patterns::features(&rvq::patterns::Trajectories { ages_months, values })
        .unwrap()
        .scale;
    let model = rvq::patterns::PatternModel {
        centroids: vec![vec![1.0; scale.kept.len()], vec![-1.0; scale.kept.len()]],
        scale,
    };
    study.write("patterns.json", &serde_json::to_string(&model).unwrap());
    let placed = study.ok("patterns plan.toml --assign patterns.json").stdout;
    assert!(placed.starts_with("account_id,pattern,margin\n"), "{placed}");
    let of = |pattern: &str| placed.lines().filter(|line| line.contains(pattern)).count();
    assert_eq!(of(",1,") + of(",2,"), placed.lines().count() - 1, "{placed}");
    assert!(placed.lines().count() > 10, "{placed}");
    let line = "patterns plan.toml --assign patterns.json --set patterns.last_age_months=9";
    let words = study.refused(line);
    assert!(words.contains("the plan's `[patterns]` has 8 ages"), "{words}");
    let found = study.ok("patterns plan.toml --format json").stdout;
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found[1]["world"], "irrelevant");
    study.write("patterns.json", "{}");
    insta::assert_snapshot!(study.refused("patterns plan.toml --assign patterns.json"), @r"
    exit 2
    error: `patterns.json` holds no patterns, expected a file of `--save`: missing field `scale` at line 1 column 2
    ");
}

#[test]
fn a_report_is_pure_in_every_format_and_fits_its_schema() {
    let study = Study::new();
    study.ok("run plan.toml --out out");
    let run = study.run_folder("out").display().to_string();
    let report = |format: &str| study.ok(&format!("report {run} --format {format}")).stdout;
    let json: Value = serde_json::from_str(&report("json")).unwrap();
    assert_eq!(report("json"), fs::read_to_string(format!("{run}/results.json")).unwrap());
    assert_eq!(report("markdown"), fs::read_to_string(format!("{run}/summary.md")).unwrap());
    assert!(report("table").contains("Report: "));
    let csv = report("csv");
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let n = rows.records().flatten().count();
    let worlds = json["worlds"].as_array().unwrap();
    let findings = worlds.iter().map(|world| world["findings"].as_array().unwrap().len());
    assert_eq!(n, findings.sum::<usize>());
    let schema: Value = serde_json::from_str(&study.ok("schema results").stdout).unwrap();
    let mut checked = 0;
    fits(&schema, &schema, &json, &mut checked);
    assert!(checked > 500, "{checked} required properties were looked up");
    assert!(serde_json::from_str::<rvq::report::Results>(&report("json")).is_ok());
}

/// Every property that `schema` requires is in `value`, all the way down.
fn fits(root: &Value, schema: &Value, value: &Value, checked: &mut usize) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).expect("a known definition");
        return fits(root, target, value, checked);
    }
    for key in schema["required"].as_array().into_iter().flatten() {
        let key = key.as_str().unwrap();
        assert!(value.get(key).is_some(), "`{key}` is required in {value}");
        *checked += 1;
    }
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(key) {
            fits(root, inner, value, checked);
        }
    }
    for item in value.as_array().into_iter().flatten() {
        fits(root, &schema["items"], item, checked);
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("rvq"))
        .args(["schema", "results"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn a_world_is_fitted_to_targets_and_written_as_a_plan_can_name_it() {
    let study = Study::new();
    study.write("targets.toml", "contacts_mean = { value = 4, within = 0.5 }\n");
    let fit = "simulate plan.toml --fit-accounts 120 --calibrate targets.toml";
    let done = study.ok(&format!("{fit} --out fitted.toml"));
    assert!(done.stdout.contains("contacts_mean  4 ± 0.5"), "{}", done.stdout);
    assert!(done.stdout.contains("cohort.contacts_mean = "), "{}", done.stdout);
    assert!(done.stdout.contains("converged at 120 accounts"), "{}", done.stdout);
    assert!(study.read("fitted.toml").starts_with("base = \"informative\"\n"));
    study.ok("simulate plan.toml --set world.world=fitted.toml --set world.accounts=20 --out log");
    assert_eq!(study.ok(&format!("{fit} --out again.toml")).stdout, done.stdout);
    assert_eq!(study.read("again.toml"), study.read("fitted.toml"));
    // The fit of a fitted file keeps what the file says.
    let again = "--set world.world=fitted.toml --out third.toml";
    study.ok(&format!("{fit} {again}"));
    assert!(study.read("third.toml").starts_with("base = \"informative\"\n"));
}

#[test]
fn a_missed_target_is_exit_code_1_and_targets_that_contradict_each_other_2() {
    let study = Study::new();
    // One exit is more than this band holds.
    study.write("narrow.toml", "annual_attrition = { value = 0.12, within = 0.000001 }\n");
    let fit = "simulate plan.toml --fit-accounts 60 --calibrate";
    let done = study.rvq(&format!("{fit} narrow.toml"));
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(done.stdout.contains("  no\n"), "{}", done.stdout);
    study.write(
        "torn.toml",
        "cost_ratio = { value = 0, within = 1 }\nrevenue_ratio = { value = 10, within = -1 }\n",
    );
    let refused = study.refused(&format!("{fit} torn.toml"));
    assert!(refused.starts_with("exit 2\n"), "{refused}");
    assert!(refused.contains("torn.toml:1") && refused.contains("torn.toml:2"), "{refused}");
    study.write(
        "torn.toml",
        "revenue_ratio = { value = 10, within = 1 }\n\
         top_fifth_revenue_share = { value = 0.8, within = 0.03 }\n",
    );
    let refused = study.refused(&format!("{fit} torn.toml"));
    assert!(refused.starts_with("exit 2\n"), "{refused}");
    assert!(refused.contains("`revenue_ratio` 10 ± 1 contradicts"), "{refused}");
    assert!(study.refused("simulate plan.toml").contains("--out"));
}

#[test]
fn a_score_that_reads_purchases_gives_no_verdict() {
    let study = Study::new();
    let plan = study.read("plan.toml");
    let with = plan
        .replace("{ rv_sum = {} }", "{ rv_decay = { half_life_days = 90, transactions = true } }")
        .replace("score = \"rv_decay_180d\"", "score = \"rv_decay_90d_with_transactions\"");
    study.write("with.toml", &with);
    let refused = study.refused("backtest with.toml --dry-run");
    assert!(refused.contains("reads purchases") && refused.contains("R1"), "{refused}");
}

#[test]
fn a_plan_sees_scores_within_their_segment() {
    let study = Study::new();
    let relative = |list: &str| {
        let plan = study.read("plan.toml");
        let plan = plan.replace("[panel]", &format!("relative = [{list}]\n\n[panel]"));
        study.write("relative.toml", &plan);
    };
    relative("{ rank = { of = \"rv_sum\" } }, { z = { of = \"rv_decay_180d\" } }");
    study.ok("score relative.toml --set world.accounts=60 --format csv --out panels");
    let panel = study.read("panels/informative.csv");
    let header = panel.lines().next().unwrap();
    assert!(header.contains("rv_sum_rank") && header.contains("rv_decay_180d_z"), "{header}");
    relative("{ rank = { of = \"rv_sums\" } }");
    let refused = study.refused("score relative.toml --out other");
    assert!(
        refused.contains("needs the score `rv_sums`") && refused.contains("`rv_sum`?"),
        "{refused}"
    );
    relative("{ rank = { of = \"rv_sum\" } }, { rank = { of = \"rv_sum\" } }");
    let refused = study.refused("score relative.toml --out other");
    assert!(refused.contains("`rv_sum_rank` is named twice"), "{refused}");
}

#[test]
fn records_units_and_scores_by_age_are_written_beside_the_panel() {
    let study = Study::new();
    let plan = "score plan.toml --set world.accounts=60 --format csv --out panels";
    study.ok(&format!("{plan} --also records,units,ages --clock index --ages 1,5,100000"));
    let rows = |name: &str| -> Vec<Vec<String>> {
        let text = study.read(&format!("panels/informative.{name}.csv"));
        text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
    };
    let records = rows("records");
    assert_eq!(records[0][..5], ["account_id", "contact_id", "segment_id", "initiative_id", "rv"]);
    let panel = study.read("panels/informative.csv");
    let accounts = |rows: &[Vec<String>]| -> usize {
        let ids: std::collections::BTreeSet<&String> =
            rows[1..].iter().map(|row| &row[0]).collect();
        ids.len()
    };
    assert!(accounts(&records) > 50, "{}", records.len());
    let units = rows("units");
    let enterprise = units.iter().filter(|row| row[0] == "enterprise").count();
    let months: std::collections::BTreeSet<&str> =
        panel.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert_eq!(enterprise, months.len(), "one row per month of the panel");
    let ages = rows("ages");
    assert_eq!(ages[0], ["account_id", "interactions", "score"]);
    assert!(ages[1..].iter().all(|row| row[1] == "1" || row[1] == "5"), "nobody has 100,000");
    let refused = study.rvq("score plan.toml --out panels --also ages --clock moon");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("`moon` is no clock, expected `first`"), "{}", refused.stderr);
}

#[test]
fn a_score_is_explained_by_parts_that_add_up() {
    let study = Study::new();
    let plan = "plan.toml --set world.accounts=40 --explain A0000003";
    let json = |more: &str| -> Value {
        let done = study.ok(&format!("score {plan} --format json {more}"));
        serde_json::from_str(&done.stdout).unwrap()
    };
    let number = |value: &Value| value.as_f64().unwrap();
    let found = json("--since 2020-07-01");
    assert_eq!(found["score"], "rv_sum");
    let value = number(&found["value"]);
    for kind in ["by_type", "by_function", "by_contact"] {
        let parts = found[kind].as_array().unwrap();
        let sum: f64 = parts.iter().map(|part| number(&part["part"])).sum();
        assert!(parts.len() > 1 && (sum - value).abs() < 1e-9, "{kind}: {sum} {value}");
    }
    let moved = &found["moved"];
    let steps: f64 =
        moved["steps"].as_array().unwrap().iter().map(|step| number(&step["change"])).sum();
    assert!((number(&moved["from"]) + steps - number(&moved["to"])).abs() < 1e-9, "{moved}");
    assert!((number(&moved["to"]) - value).abs() < 1e-9);

    // As somebody who exports the panel reads it at the last month end.
    study.ok("score plan.toml --set world.accounts=40 --format csv --out panels");
    let decay = json("--score rv_decay_180d --at 2020-12-01");
    let panel = study.read("panels/informative.csv");
    let mut lines = panel.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let column = |name: &str| header.iter().position(|cell| *cell == name).unwrap();
    let (account, month) = (column("account_id"), column("month"));
    let row = lines.find(|row| row[account] == "A0000003" && row[month].starts_with("2020-11"));
    let expected: f64 = row.unwrap()[column("rv_decay_180d")].parse().unwrap();
    assert!((number(&decay["value"]) - expected).abs() < 1e-9, "{decay} {expected}");

    let drawn = study.ok(&format!("score {plan} --since 2020-07-01 --chart charts"));
    assert!(drawn.stdout.contains("late data") && drawn.stdout.contains("aggregation"));
    assert!(study.read("charts/bridge_a0000003_rv_sum.svg").starts_with("<svg"));
    assert!(study.read("charts/drivers_a0000003_rv_sum.svg").starts_with("<svg"));
}

#[test]
fn old_history_is_valued_anew_by_another_catalogue() {
    let study = Study::new();
    study.copy("data/flows/b2b", "flow");
    let plan = "plan.toml --set world.accounts=40 --explain A0000003";
    let same = study.ok(&format!("score {plan} --catalogue flow/catalogue.csv --format json"));
    let same: Value = serde_json::from_str(&same.stdout).unwrap();
    assert!(
        same["moved"]["steps"].as_array().unwrap().iter().all(|s| s["change"] == 0.0),
        "{same}"
    );
    // Twice the value of every type is twice the score, by nothing but the catalogue.
    let doubled: Vec<String> = study
        .read("flow/catalogue.csv")
        .lines()
        .enumerate()
        .map(|(number, line)| {
            let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
            if number > 0 {
                cells[5] = (2.0 * cells[5].parse::<f64>().unwrap()).to_string();
            }
            cells.join(",")
        })
        .collect();
    study.write("double.csv", &doubled.join("\n"));
    let twice = study.ok(&format!("score {plan} --catalogue double.csv --format json"));
    let twice: Value = serde_json::from_str(&twice.stdout).unwrap();
    let (from, to) = (&twice["moved"]["from"], &twice["moved"]["to"]);
    assert!((2.0 * from.as_f64().unwrap() - to.as_f64().unwrap()).abs() < 1e-9, "{twice}");
    assert_eq!(twice["moved"]["steps"][0]["name"], "catalogue");
    assert!(
        (twice["moved"]["steps"][0]["change"].as_f64().unwrap() - from.as_f64().unwrap()).abs()
            < 1e-9
    );
    let refused = study.refused("score plan.toml --explain A0000003 --score velocity");
    assert!(refused.contains("no relationship value `velocity`"), "{refused}");
    let refused = study.refused("score plan.toml --explain A12");
    assert!(refused.contains("`informative` has no account `A12`"), "{refused}");
    let refused = study.refused("score plan.toml --explain A0000003 --since 2031-01-01");
    assert!(refused.contains("`--since 2031-01-01` is later than"), "{refused}");
    assert!(study.refused("score plan.toml").contains("--out"));
    let refused = study.refused("score plan.toml --since 2020-07-01");
    assert!(refused.contains("--explain") && !refused.contains("--out"), "{refused}");
    let refused = study.refused("score plan.toml --format json --out panels");
    assert!(refused.contains("JSON is for `--explain`"), "{refused}");
}

#[test]
fn shards_hold_each_account_and_its_staff_once() {
    let study = Study::new();
    let plan = "plan.toml --set world.accounts=100 --set world.months=6";
    let names = |folder: &str, table: &str| {
        let log = Log::open(&study.path(folder)).unwrap();
        match table {
            "accounts" => log.histories().unwrap().map(|h| h.unwrap().account.id).collect(),
            _ => log.staff().unwrap().into_iter().map(|member| member.id).collect::<Vec<_>>(),
        }
    };
    study.ok(&format!("simulate {plan} --out whole"));
    (1..=3).for_each(|i| drop(study.ok(&format!("simulate {plan} --shard {i}/3 --out part-{i}"))));
    for table in ["accounts", "staff"] {
        let parts: Vec<String> = (1..=3).flat_map(|i| names(&format!("part-{i}"), table)).collect();
        assert_eq!(parts, names("whole", table), "{table}");
    }
    let refused = study.refused("simulate plan.toml --shard 4/3 --out other");
    assert!(refused.contains("I from 1 to N"), "{refused}");
    let refused = study.refused(&format!("simulate {plan} --shard 2/9 --out other"));
    assert!(refused.contains("the shard is empty"), "{refused}");
}

#[test]
fn another_replication_is_another_cohort() {
    let study = Study::new();
    let plan = "plan.toml --set world.accounts=40 --set world.months=6";
    study.ok(&format!("simulate {plan} --out first"));
    study.ok(&format!("simulate {plan} --replication 0 --out again"));
    study.ok(&format!("simulate {plan} --replication 1 --out other"));
    let rows = |folder: &str| -> Vec<AccountHistory> {
        let log = Log::open(&study.path(folder)).unwrap();
        log.histories().unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(rows("first"), rows("again"));
    let alike = rows("first").iter().zip(rows("other")).filter(|(a, b)| *a == b).count();
    assert_eq!(alike, 0);
}

#[test]
fn two_worlds_are_compared_account_by_account() {
    let study = Study::new();
    let plan = "plan.toml --set world.accounts=120 --set world.months=12";
    study.write(
        "visits.toml",
        "base = \"informative\"\nname = \"visits\"\ndescription = \"More visits.\"\n\
         [[interventions]]\nname = \"visits\"\ninteraction_type = \"account_manager_visit\"\nper_month = 2\nby_team = false\n\
         share = 0.5\nfrom_month = 3\n",
    );
    let done = study.ok(&format!("simulate {plan} --against visits.toml"));
    let line = |name: &str| {
        let line = done.stdout.lines().find(|line| line.starts_with(name)).unwrap();
        let cells = line[20..].split_whitespace().map(|cell| cell.parse().unwrap_or(f64::NAN));
        cells.collect::<Vec<_>>()
    };
    let more = line("interactions");
    // Half of the accounts get two visits a month for nine months, while they are customers.
    assert!(more[1] > 4.0 * more[2] && more[1] < 9.0 + 4.0 * more[2], "{more:?}");
    assert!(more[2] < more[3], "pairing has the smaller error: {more:?}");
    assert!(done.stdout.contains("of 120 accounts are the same in both"), "{}", done.stdout);
    let refused = study.refused("simulate plan.toml --against visits.toml --out log");
    assert!(refused.contains("--out"), "{refused}");
}

#[test]
fn a_calibrated_world_tells_how_far_it_is_from_its_targets() {
    let study = Study::new();
    let done = study.ok("simulate plan.toml --out log");
    let line = done.stdout.lines().find(|line| line.starts_with("contacts_mean")).unwrap();
    assert!(line.contains("7 ± 0.2") && line.contains(" to "), "{line}");
    let other = study.ok("simulate plan.toml --set world.world=irrelevant --out other");
    assert!(!other.stdout.contains("contacts_mean"), "{}", other.stdout);
}

/// A section of weights that a small cohort can carry.
const WEIGHTS: &str = r#"
[weights]
score = "rv_decay_180d"
constraint = "order"
penalties = [3, 30]
folds = 2
inner_folds = 2
null_replications = 3
half_samples = 4
min_events = 5
exits_per_weight = 0
draws = 20
"#;

#[test]
fn weights_are_learned_beside_their_null_and_reproduced() {
    let study = Study::new();
    study.write("plan.toml", &format!("{PLAN}{WEIGHTS}"));
    study.edit("plan.toml", "accounts = 120", "accounts = 300");
    study.edit("plan.toml", "months = 24", "months = 36");
    study.ok("run plan.toml --threads 1 --out one --quiet");
    study.ok("run plan.toml --threads 3 --out three --quiet");
    assert_eq!(study.outputs("one"), study.outputs("three"));
    let folder = study.run_folder("one");
    let results: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("results.json")).unwrap()).unwrap();
    let weights = &results["worlds"][0]["weights"];
    let learned = &weights["learned"];
    assert!(learned["n_exits"].as_u64().unwrap() > 5, "{learned}");
    let fit = &learned["fit"];
    assert_eq!(fit["null"]["replications"], 3, "{learned}");
    let types = fit["types"].as_array().unwrap();
    let refused = |of_type: &&Value| of_type["standing"] == "refused";
    assert!(types.iter().any(|of_type| !refused(&of_type)));
    for of_type in types.iter().filter(refused) {
        assert_eq!(of_type["learned_weight"], of_type["expert_weight"], "{of_type}");
    }
    // The constraint holds among the types with a weight of their own.
    let number = |of_type: &Value, key: &str| of_type[key].as_f64().unwrap();
    let free: Vec<&Value> = types.iter().filter(|of_type| !refused(of_type)).collect();
    for low in &free {
        for high in &free {
            if number(low, "expert_value") < number(high, "expert_value") {
                assert!(number(low, "learned_weight") <= number(high, "learned_weight") + 1e-9);
            }
        }
    }
    let tau = weights["rank_flips"]["mean_tau"].as_f64().unwrap();
    assert!((0.3..1.0).contains(&tau), "{tau}");
    for table in ["weights.parquet", "rank_flips.parquet"] {
        assert!(folder.join("tables/informative").join(table).is_file(), "{table}");
    }
    let summary = fs::read_to_string(folder.join("summary.md")).unwrap();
    assert!(summary.contains("### Weights in informative"), "{summary}");
}

#[test]
fn weights_that_cannot_be_learned_are_refused_before_the_run() {
    let study = Study::new();
    study.write("plan.toml", &format!("{PLAN}{WEIGHTS}"));
    let refused = |set: &str| study.refused(&format!("run plan.toml --dry-run --set {set}"));
    let error = refused("weights.score=rv_decay_18d");
    assert!(error.contains("did you mean `rv_decay_180d`?") && error.starts_with("exit 2"));
    let error = refused("weights.null_replications=0");
    assert!(error.contains("weights are not learned without their null"), "{error}");
    let error = refused("weights.half_sample=9");
    assert!(error.contains("did you mean `half_samples`?"), "{error}");
    study.edit(
        "plan.toml",
        "{ rv_sum = {} }",
        "{ rv = { half_life_days = 180, asymmetry = 2 } }, { rv_sum = { transactions = true } }",
    );
    let error = refused("weights.score=rv_decay_180d_asymmetry_2");
    assert!(error.contains("its `asymmetry` is 2, expected 1"), "{error}");
    let error = refused("weights.score=rv_sum_with_transactions");
    assert!(error.contains("(rule R1)"), "{error}");
}

/// The lines of the newcomer's path in the README, as they stand there.
fn newcomers_path() -> Vec<String> {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, rest) = readme.split_once("## Your own CSV").unwrap();
    let (_, rest) = rest.split_once("```sh\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let command = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
    block.lines().map(command).filter(|line| line.starts_with("rvq ")).collect()
}

#[test]
fn the_newcomers_path_of_the_readme_ends_in_verdicts() {
    let study = Study::new();
    fs::create_dir(study.path("my_export")).unwrap();
    let names = ["accounts.csv", "contacts.csv", "interactions.csv", "outcomes.csv"];
    for name in names {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample").join(name);
        fs::copy(from, study.path("my_export").join(name)).unwrap();
    }
    let all = names.map(|name| format!("my_export/{name}")).join(" ");
    let path = newcomers_path();
    assert!(path.len() >= 4, "{path:?}");
    for line in path {
        let arguments = line["rvq ".len()..].replace("my_export/*.csv", &all);
        let done = study.ok(&arguments);
        if arguments.contains("--propose") {
            // The edits that the TODOs ask for.
            study.edit("my_export/mapping.toml", "\"UTC\"", "\"America/New_York\"");
            study.edit("my_export/plan.toml", "\"UTC\"", "\"America/New_York\"");
            study.edit("my_export/mapping.toml", "\"XXX\"", "\"USD\"");
            study.edit("my_export/plan.toml", "\"XXX\"", "\"USD\"");
            study.edit("my_export/catalogue.csv", "Complaint,,,,1,", "Complaint,,,,-6,");
            study.edit("my_export/catalogue.csv", "Site visit,,,,1,", "Site visit,,,,5,");
        }
        if arguments.starts_with("run ") {
            assert!(done.stdout.contains("H1") && done.stdout.contains("H8"), "{}", done.stdout);
        }
    }
    let again = study.refused(&format!("ingest --propose {all}"));
    assert!(again.starts_with("exit 2") && again.contains("nothing is overwritten"), "{again}");
}

#[test]
fn a_check_ends_with_the_code_of_what_is_wrong() {
    let study = Study::with_sample();
    let done = study.ok("ingest --check sample/mapping.toml");
    assert!(done.stdout.contains("accepted: "), "{}", done.stdout);
    let json = study.ok("ingest --check sample/mapping.toml --format json");
    assert_eq!(serde_json::from_str::<Value>(&json.stdout).unwrap()["acceptance"], "accepted");
    study.edit(
        "sample/mapping.toml",
        "columns.channel = \"Channel\"",
        "columns.channel = \"Chanel\"",
    );
    let wrong = study.rvq("ingest --check sample/mapping.toml");
    assert_eq!(wrong.code, 2);
    assert!(wrong.stdout.contains("did you mean `Channel`?"), "{}", wrong.stdout);
    study.edit("sample/mapping.toml", "\"Chanel\"", "\"Channel\"");
    study.edit("sample/mapping.toml", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M");
    let refused = study.rvq("ingest --check sample/mapping.toml");
    assert_eq!(refused.code, 3, "{}", refused.stdout);
    assert!(refused.stdout.contains("is not a time written as"), "{}", refused.stdout);
}
