//! Real exports, read through a declared mapping: every row is accepted or rejected with its reason.
