//! The `rvq` command.
fn main() {}
