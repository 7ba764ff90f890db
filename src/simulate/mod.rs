//! Simulated cohorts: a hidden relationship, the interactions it meets and the outcomes it drives.
