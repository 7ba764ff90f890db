//! Integration tests.

mod tables;
