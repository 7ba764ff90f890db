//! Integration tests.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod architecture;
mod ingest;
