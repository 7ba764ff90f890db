//! Integration tests.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod architecture;

mod tables;

mod score;
#![allow(clippy::unwrap_used, clippy::float_cmp)]

mod notebook;
mod patterns;
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests")]

mod ingest;
