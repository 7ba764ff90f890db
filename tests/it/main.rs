//! Integration tests.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test that cannot go on fails")]

mod architecture;
mod flow;
mod ingest;
mod notebook;
mod parity;
mod patterns;
mod score;
mod tables;
