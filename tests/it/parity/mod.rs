//! Numbers of other systems, from `tests/fixtures/*.json` (made by `regenerate.py` and
//! `regenerate.R`), one file for each topic.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

mod classification;
mod control_chart;
mod forecast;
mod joint;
mod models;
mod panel;
mod panel_models;
mod purchases;
mod survival;
mod two_sample;

#[derive(Deserialize)]
struct Fixture<C> {
    tool: String,
    tolerance: f64,
    cases: Vec<C>,
}

impl<C: DeserializeOwned> Fixture<C> {
    fn read(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/{name}.json"));
        let text = fs::read_to_string(&path).unwrap();
        let fixture: Self = serde_json::from_str(&text).unwrap();
        assert!(!fixture.cases.is_empty(), "{name} has no cases");
        fixture
    }

    /// Asserts equality within the tolerance, absolute below 1 and relative above.
    #[track_caller]
    fn near(&self, what: &str, actual: f64, expected: f64) {
        let error = (actual - expected).abs() / expected.abs().max(1.0);
        let (tool, tolerance) = (&self.tool, self.tolerance);
        assert!(error <= tolerance, "{what}: {actual}, but {expected} by {tool} (± {tolerance})");
    }

    #[track_caller]
    fn all_near(&self, what: &str, actual: &[f64], expected: &[f64]) {
        assert_eq!(actual.len(), expected.len(), "{what}");
        for (i, (actual, expected)) in actual.iter().zip(expected).enumerate() {
            self.near(&format!("{what} [{i}]"), *actual, *expected);
        }
    }

    #[track_caller]
    fn periods_near(&self, what: &str, actual: &[Option<f64>], expected: &[Option<f64>]) {
        assert_eq!(actual.len(), expected.len(), "{what}");
        for (t, (actual, expected)) in actual.iter().zip(expected).enumerate() {
            match (actual, expected) {
                (Some(actual), Some(expected)) => {
                    self.near(&format!("{what} at {t}"), *actual, *expected);
                }
                _ => assert_eq!(actual, expected, "{what} at {t}"),
            }
        }
    }
}
