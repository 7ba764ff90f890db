//! The notebook reads a real run from its first cell to its last.

use std::fs;
use std::path::Path;
use std::process::Command;

const NOTEBOOK: &str = "notebooks/read_run.ipynb";

fn cells(notebook: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(notebook).unwrap();
    let notebook: serde_json::Value = serde_json::from_str(&text).unwrap();
    notebook["cells"].as_array().unwrap().clone()
}

#[test]
fn the_notebook_is_committed_without_outputs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cells = cells(&root.join(NOTEBOOK));
    let code: Vec<_> = cells.iter().filter(|cell| cell["cell_type"] == "code").collect();
    assert!(!code.is_empty());
    for cell in code {
        assert_eq!(cell["outputs"], serde_json::json!([]));
        assert!(cell["execution_count"].is_null());
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn the_notebook_reads_a_run() {
    let Some(jupyter) = std::env::var_os("RVQ_JUPYTER") else {
        assert!(std::env::var_os("RVQ_REQUIRE_ALL").is_none(), "RVQ_JUPYTER is not set");
        println!("SKIPPED: set RVQ_JUPYTER to a jupyter executable to run the notebook");
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = tempfile::tempdir().unwrap();
    assert_cmd::cargo::cargo_bin_cmd!("rvq")
        .current_dir(root)
        .args(["run", "--profile", "smoke", "experiments/starting_benchmark/plan.toml", "--out"])
        .arg(out.path())
        .assert()
        .success();
    let run = fs::read_dir(out.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("starting_benchmark-"))
        .unwrap();

    let executed = Command::new(jupyter)
        .current_dir(root)
        .env("RVQ_RUN", &run)
        .args(["nbconvert", "--execute", "--to", "notebook", "--output-dir"])
        .arg(out.path())
        .arg(NOTEBOOK)
        .output()
        .unwrap();
    assert!(executed.status.success(), "{}", String::from_utf8_lossy(&executed.stderr));

    let cells = cells(&out.path().join("read_run.ipynb"));
    let outputs: Vec<_> =
        cells.iter().filter_map(|cell| cell["outputs"].as_array()).flatten().collect();
    assert!(outputs.iter().all(|output| output["output_type"] != "error"));
    let shown = serde_json::to_string(&outputs).unwrap();
    let id = run.file_name().unwrap().to_string_lossy().replace("starting_benchmark-", "");
    assert!(shown.contains(&id), "the notebook names the run");
    let drawn = outputs.iter().filter(|output| !output["data"]["image/png"].is_null()).count();
    assert_eq!(drawn, 2, "one lead-lag curve per world");
}
