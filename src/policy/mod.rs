//! What relationships are worth, and what could be done about them.
//!
//! Reads the panel like a back-test does, and puts money on what was found there. What is predicted is never
//! called caused: a value here says what such customers bring, not what a change would bring.

mod goodwill;
mod present_value;
mod study;

pub use goodwill::{
    AccountGoodwill, ComparedWith, Goodwill, GoodwillError, GoodwillParams, SegmentGoodwill,
    goodwill,
};
