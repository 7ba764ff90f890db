//! The words and number formats that every form of the report shares.

use super::results::{Benchmark, Interval, WorldResults};
use crate::backtest::Finding;
use crate::chart::{percent, three_digits};
use crate::hypothesis::{Decision, Rung, Verdict};
use crate::patterns::PatternLabel;

/// Said of every result on simulated data.
pub(super) const PLANTED: &str = "Simulated data: every result below was planted and recovered, \
                                  none was found. It shows what the method can and cannot see.";

/// What no observational run can show.
pub(super) const LIMITS: [&str; 5] = [
    "An observed lead is predictive, not causal: firms work harder on customers who are already \
     good. Cause and effect need a randomised or otherwise designed comparison, or a simulation.",
    "A score is only as good as its catalogue: relative values and costs are judgements, and \
     contacts that nobody logged count for nothing.",
    "Inconclusive does not mean no effect: the detectable effect says how large one would have had \
     to be to be seen in four of five such samples.",
    "Results hold for the accounts, months and segments in the data; months add little when the \
     accounts stay the same.",
    "Purchases, renewals and invoices are outcomes in disguise and stay out of the score on which \
     a verdict rests.",
];

/// How the numbers were made, for every run.
pub(super) const METHODS: [(&str, &str); 6] = [
    (
        "Headline p",
        "The larger of two: a test with account-clustered variance plus a date variance by \
         equal-weighted cosines (EWC), and a permutation that swaps whole histories between \
         accounts of a stratum. Naive t and Newey-West are shown for comparison only: on \
         customer panels they reject true nulls far too often.",
    ),
    (
        "Associated",
        "The score goes with the later outcome: the 95 % interval excludes zero in the claimed \
         direction.",
    ),
    ("Leads", "The score goes with later outcomes more than with earlier ones."),
    (
        "Adds to baselines",
        "Out of sample, the score improves forecasts that already use count, recency, frequency, \
         past profit and tenure.",
    ),
    (
        "Verdict",
        "Supported: the interval excludes zero in the claimed direction and the rung's test \
         passes. Contradicted: it excludes zero the other way, or lies wholly inside the smallest \
         relevant effect. Otherwise inconclusive.",
    ),
    (
        "Detectable effect",
        "The effect that this design shows with 80 % power: (t.975 + t.80) × standard error. It \
         is never computed from the estimate.",
    ),
];

pub(super) fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Supported => "supported",
        Decision::Contradicted => "contradicted",
        Decision::Inconclusive => "inconclusive",
    }
}

pub(super) fn rung(rung: Rung) -> &'static str {
    match rung {
        Rung::Associated => "associated",
        Rung::Leads => "leads",
        Rung::AddsToBaselines => "adds to baselines",
        Rung::Robust => "robust",
        Rung::Causal => "causal",
    }
}

/// The verdict with its rung, which is named unless the score adds to the baselines.
pub(super) fn verdict(verdict: &Verdict) -> String {
    let words = decision(verdict.verdict);
    match verdict.rung {
        Some(highest)
            if verdict.verdict == Decision::Supported && highest < Rung::AddsToBaselines =>
        {
            format!("{words} as far as “{}”", rung(highest))
        }
        _ => words.to_owned(),
    }
}

pub(super) fn label(label: PatternLabel) -> &'static str {
    match label {
        PatternLabel::BestPractice => "best practice",
        PatternLabel::AtRisk => "at risk",
        PatternLabel::Unremarkable => "unremarkable",
    }
}

/// The estimate that stands beside a verdict: the first the plan names for its hypothesis.
pub(super) fn headline<'a>(world: &'a WorldResults, verdict: &Verdict) -> Option<&'a Finding> {
    let of = |f: &&Finding| f.hypothesis.as_deref() == Some(verdict.hypothesis.as_str());
    let planned = world.findings.iter().find(|f| of(f) && f.in_family);
    planned.or_else(|| world.findings.iter().find(of))
}

/// Three digits, or `n/a` where there is no value.
pub(super) fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), three_digits)
}

/// Both ends of an interval.
pub(super) fn ends(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{} to {}", three_digits(low), three_digits(high)),
        _ => "n/a".to_owned(),
    }
}

/// A p-value; very small ones are cut off, as permutations cannot tell them apart.
pub(super) fn p_value(p: Option<f64>) -> String {
    match p {
        Some(p) if p < 0.001 => "< 0.001".to_owned(),
        other => number(other),
    }
}

/// How far ahead or back.
pub(super) fn horizon(months: i32) -> String {
    let unit = if months.abs() == 1 { "month" } else { "months" };
    if months < 0 { format!("{} {unit} back", -months) } else { format!("{months} {unit}") }
}

/// A whole number with thousands apart.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `words` without the marks that set identifiers apart in plain text.
pub(super) fn plain(words: &str) -> String {
    words.replace('`', "")
}

/// One measure of the starting benchmark beside the sources' claim.
pub(super) struct Measured {
    pub(super) name: &'static str,
    pub(super) claim: &'static str,
    pub(super) interval: fn(&Benchmark) -> Interval,
    pub(super) write: fn(f64) -> String,
    /// How the ends of the interval are written.
    pub(super) ends: fn(f64) -> String,
}

fn times(ratio: f64) -> String {
    format!("{} ×", three_digits(ratio))
}

/// The starting benchmark, in the order in which it is read.
pub(super) const BENCHMARK: [Measured; 6] = [
    Measured {
        name: "Cost to engage per account, top fifth over the others",
        claim: "3 ×",
        interval: |b| b.cost_ratio,
        write: times,
        ends: three_digits,
    },
    Measured {
        name: "Revenue per account, top fifth over the others",
        claim: "16 ×, which is what 80/20 implies: (80/20)/(20/80) = 16; not independent evidence",
        interval: |b| b.revenue_ratio,
        write: times,
        ends: three_digits,
    },
    Measured {
        name: "Share of revenue held by the top fifth",
        claim: "about 80 %",
        interval: |b| b.top20_revenue_share,
        write: percent,
        ends: percent,
    },
    Measured {
        name: "Share of profit held by the top fifth",
        claim: "often 100 %",
        interval: |b| b.top20_profit_share,
        write: percent,
        ends: percent,
    },
    Measured {
        name: "Share of revenue from customers of a year before",
        claim: "80 % (repeat and renewal)",
        interval: |b| b.repeat_revenue_share,
        write: percent,
        ends: percent,
    },
    Measured {
        name: "Attrition per account-year",
        claim: "10 to 15 %",
        interval: |b| b.annual_attrition,
        write: percent,
        ends: percent,
    },
];

impl Measured {
    /// Estimate and interval of one data set, in words.
    pub(super) fn words(&self, benchmark: &Benchmark) -> String {
        let Interval { estimate, ci_low, ci_high } = (self.interval)(benchmark);
        let write = self.write;
        let ends = self.ends;
        format!("{} ({} to {})", write(estimate), ends(ci_low), ends(ci_high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_numbers_are_said_to_be_missing() {
        assert_eq!(number(None), "n/a");
        assert_eq!(ends(Some(1.0), None), "n/a");
        assert_eq!(p_value(None), "n/a");
        assert_eq!(p_value(Some(0.000_2)), "< 0.001");
        assert_eq!(p_value(Some(0.041)), "0.0410");
    }

    #[test]
    fn a_lower_rung_is_named_beside_supported() {
        let judged = |rung| Verdict {
            hypothesis: "H1".to_owned(),
            title: "leads profit".to_owned(),
            claim: String::new(),
            rung,
            verdict: Decision::Supported,
            why: String::new(),
            rungs: Vec::new(),
        };
        assert_eq!(verdict(&judged(Some(Rung::AddsToBaselines))), "supported");
        assert_eq!(verdict(&judged(Some(Rung::Leads))), "supported as far as “leads”");
    }

    #[test]
    fn horizons_back_are_said_in_words() {
        assert_eq!(horizon(-3), "3 months back");
        assert_eq!(horizon(1), "1 month");
    }
}
