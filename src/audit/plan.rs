//! Plans: scores that grow with time where staying is what is asked.

use super::finding::{AuditFinding, Severity, Tally, Wording};
use crate::panel::Measure;

/// A score that a plan holds against an outcome.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanPair<'a> {
    /// Name of the hypothesis.
    pub hypothesis: &'a str,
    /// Name of the score.
    pub score: &'a str,
    /// Whether the score grows with tenure by construction.
    pub accumulates: bool,
    /// The outcome.
    pub outcome: Measure,
}

const IMMORTAL: Wording = Wording {
    check: "immortal_time",
    why: "who stays longer has had more time to accumulate: read at a landmark, as here, the score \
          is tenure in disguise; read over whole lives it would be immortal time",
    remedy: "judge attrition by a score that fades or moves, such as `rv_decay` or `rv_velocity`, \
             and read the accumulated one at equal age",
};

/// Hypotheses that hold an accumulating score against attrition.
pub fn audit_pairs(pairs: &[PlanPair<'_>]) -> Vec<AuditFinding> {
    let mut tally = Tally::default();
    for pair in pairs {
        let risky = pair.accumulates && pair.outcome == Measure::Attrition;
        tally.see(risky, || format!("{}: {} against attrition", pair.hypothesis, pair.score));
    }
    let what = format!("{} hypotheses judge attrition by a score that accumulates", tally.affected);
    let finding = || tally.finding(IMMORTAL, Severity::Note, ("plan", "hypotheses"), what);
    if tally.affected > 0 { vec![finding()] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_against_attrition_is_noted_and_a_fading_score_or_another_outcome_is_not() {
        let pair = PlanPair {
            hypothesis: "H8",
            score: "rv_sum",
            accumulates: true,
            outcome: Measure::Attrition,
        };
        let fading = PlanPair { score: "rv_decay_180d", accumulates: false, ..pair };
        let money = PlanPair { hypothesis: "H1", outcome: Measure::Contribution, ..pair };
        assert_eq!(audit_pairs(&[fading, money]), []);
        let found = audit_pairs(&[pair, fading, money]);
        assert_eq!((found[0].affected, found[0].of), (1, 3));
        assert_eq!(found[0].examples, ["H8: rv_sum against attrition"]);
    }
}
