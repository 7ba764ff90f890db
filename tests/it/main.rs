//! Integration tests.
#![allow(clippy::unwrap_used, clippy::float_cmp)]

mod parity;
