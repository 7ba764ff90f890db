//! Integration tests.

mod score;
