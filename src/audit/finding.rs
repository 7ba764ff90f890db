//! What an audit finds, with the rows it is about.

use serde::Serialize;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something knows what only became known later: results that rest on it are worth nothing.
    Leak,
    /// Something makes estimates or their errors wrong in a known way.
    Bias,
    /// A fact that a reader of results must know; no accusation.
    Note,
}

impl Severity {
    /// Name as printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::Bias => "bias",
            Self::Note => "note",
        }
    }
}

/// One thing that an audit found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditFinding {
    /// Name of the check.
    pub check: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// Feature, score or table that it is about.
    pub about: String,
    /// How many of `of` are affected.
    pub affected: u64,
    /// How many were looked at.
    pub of: u64,
    /// What is counted, in the plural.
    pub unit: &'static str,
    /// What was found, in a sentence.
    pub what: String,
    /// The first few of the affected.
    pub examples: Vec<String>,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

impl AuditFinding {
    /// Share of those looked at that are affected, in `[0, 1]`; 0 when there are none.
    pub fn share(&self) -> f64 {
        if self.of == 0 { 0.0 } else { self.affected as f64 / self.of as f64 }
    }
}

/// What a check always says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wording {
    pub(super) check: &'static str,
    pub(super) why: &'static str,
    pub(super) remedy: &'static str,
}

/// Counts what a check looks at, and keeps the first few of the affected.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) affected: u64,
    pub(super) of: u64,
    examples: Vec<String>,
}

/// Examples that a finding carries.
const EXAMPLES: usize = 3;

impl Tally {
    /// What was counted elsewhere, without examples.
    pub(super) fn counted(affected: u64, of: u64) -> Self {
        Self { affected, of, examples: Vec::new() }
    }

    /// Looks at one more.
    pub(super) fn see(&mut self, affected: bool, example: impl FnOnce() -> String) {
        self.of += 1;
        if affected {
            self.affected += 1;
            if self.examples.len() < EXAMPLES {
                self.examples.push(example());
            }
        }
    }

    /// Share of those looked at that are affected, in `[0, 1]`.
    pub(super) fn share(&self) -> f64 {
        if self.of == 0 { 0.0 } else { self.affected as f64 / self.of as f64 }
    }

    /// The finding on `about`: `what` says what holds for the `unit`s that were counted.
    pub(super) fn finding(
        &self,
        wording: Wording,
        severity: Severity,
        (about, unit): (&str, &'static str),
        what: String,
    ) -> AuditFinding {
        AuditFinding {
            check: wording.check,
            severity,
            about: about.to_owned(),
            affected: self.affected,
            of: self.of,
            unit,
            what,
            examples: self.examples.clone(),
            why: wording.why,
            remedy: wording.remedy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_keeps_three_examples_and_counts_all() {
        let mut tally = Tally::default();
        for number in 0..10 {
            tally.see(number % 2 == 0, || number.to_string());
        }
        assert_eq!((tally.affected, tally.of, tally.share()), (5, 10, 0.5));
        let wording = Wording { check: "even", why: "", remedy: "" };
        let finding = tally.finding(wording, Severity::Note, ("n", "numbers"), String::new());
        assert_eq!(finding.examples, ["0", "2", "4"]);
        assert!((finding.share() - 0.5).abs() < 1e-15);
    }
}
