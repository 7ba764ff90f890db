//! The built-in flow, and what the checker rejects.

use rvq::flow::Flow;

#[test]
fn the_files_in_the_clone_are_the_builtin_flow() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/flows/b2b/flow.toml");
    assert_eq!(Flow::load(path).unwrap_or_else(|error| panic!("{error}")), Flow::builtin());
}
