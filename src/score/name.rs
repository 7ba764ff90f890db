//! Names of scores, which say their parameters.

/// `0.5` as `0_5`, `-1` as `minus_1`: fit for a column name.
pub(super) fn number(value: f64) -> String {
    format!("{value}").replace('-', "minus_").replace('.', "_")
}

/// A name that grows part by part.
pub(super) struct Name(String);

impl Name {
    pub(super) fn new(first: &str) -> Self {
        Self(first.to_owned())
    }

    pub(super) fn part(&mut self, part: &str) -> &mut Self {
        if !part.is_empty() {
            self.0.push('_');
            self.0.push_str(part);
        }
        self
    }

    /// `180` as `180d`, `7.5` as `7_5d`.
    pub(super) fn days(&mut self, days: f64) -> &mut Self {
        self.part(&format!("{}d", number(days)))
    }

    /// A parameter that differs from the value at which it does nothing.
    pub(super) fn unless(&mut self, value: f64, usual: f64, parameter: &str) {
        if value.to_bits() != usual.to_bits() {
            self.part(parameter).part(&number(value));
        }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}
