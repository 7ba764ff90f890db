//! The one rule that turns findings into verdicts.

use crate::backtest::Finding;

use super::plan::{HypothesisId, HypothesisParams};
use super::verdict::{Decision, Rung, RungResult, Verdict};

/// The findings of one hypothesis, by rung; a test that could not be computed says why.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Score and later outcome.
    pub associated: Result<Finding, String>,
    /// More with what follows than with what went before.
    pub leads: Result<Finding, String>,
    /// Out-of-sample gain over linear baselines.
    pub adds_linear: Result<Finding, String>,
    /// Out-of-sample gain over spline baselines: this one decides.
    pub adds_spline: Result<Finding, String>,
}

/// Level of every test.
const LEVEL: f64 = 0.05;

/// Judges one hypothesis by its findings.
///
/// *Supported* at a rung: the 95 % interval excludes 0 in the claimed direction and the rung's
/// test passes (its p-value adjusted for the plan's family, where it belongs to it, is at most
/// .05). *Contradicted*: the interval excludes 0 the other way, or lies wholly inside ±δ.
/// Otherwise *inconclusive*. The whole claim is supported only at *adds to baselines*; lower rungs
/// that failed are named.
pub fn judge(id: HypothesisId, params: &HypothesisParams, tests: &Judged) -> Verdict {
    let null = |rung: Rung| match (id, rung) {
        (HypothesisId::H8, Rung::Associated | Rung::Leads) => 0.5,
        _ => 0.0,
    };
    let delta = params.delta;
    let mut rungs = vec![
        rung(Rung::Associated, &tests.associated, null(Rung::Associated), delta.associated),
        rung(Rung::Leads, &tests.leads, null(Rung::Leads), delta.leads),
    ];
    let mut adds = rung(Rung::AddsToBaselines, &tests.adds_spline, 0.0, delta.adds);
    let linear = rung(Rung::AddsToBaselines, &tests.adds_linear, 0.0, delta.adds);
    adds.why = format!(
        "over splines of the baselines: {}; over linear baselines: {}",
        adds.why, linear.why
    );
    if adds.decision == Decision::Supported && linear.decision != Decision::Supported {
        adds.decision = Decision::Inconclusive;
    }
    rungs.push(adds);
    let passed = rungs.iter().rev().find(|r| r.decision == Decision::Supported).map(|r| r.rung);
    let verdict = whole(&rungs);
    Verdict {
        hypothesis: id.name().to_owned(),
        claim: id.claim(params),
        rung: passed,
        verdict,
        why: sentence(&rungs, passed, verdict),
        rungs,
    }
}

/// Contradicted when the first rung is, whatever the higher ones say: a gain has no direction of its
/// own. Supported needs the top rung.
fn whole(rungs: &[RungResult]) -> Decision {
    let at = |rung: Rung| rungs.iter().find(|r| r.rung == rung).map(|r| r.decision);
    if at(Rung::Associated) == Some(Decision::Contradicted) {
        Decision::Contradicted
    } else if at(Rung::AddsToBaselines) == Some(Decision::Supported) {
        Decision::Supported
    } else {
        Decision::Inconclusive
    }
}

fn rung(rung: Rung, test: &Result<Finding, String>, null: f64, delta: f64) -> RungResult {
    match test {
        Ok(finding) => {
            let decision = decide(finding, null, delta);
            RungResult { rung, decision, why: describe(finding) }
        }
        Err(why) => RungResult {
            rung,
            decision: Decision::Inconclusive,
            why: format!("not computed: {why}"),
        },
    }
}

/// The decision at one rung.
fn decide(finding: &Finding, null: f64, delta: f64) -> Decision {
    let (Some(low), Some(high), Some(p)) = (finding.ci_low, finding.ci_high, finding.p_value)
    else {
        return Decision::Inconclusive;
    };
    let (low, high) = (low - null, high - null);
    let p = finding.p_adjusted.unwrap_or(p);
    if low > 0.0 && p <= LEVEL {
        Decision::Supported
    } else if high < 0.0 || (low > -delta && high < delta) {
        Decision::Contradicted
    } else {
        Decision::Inconclusive
    }
}

fn describe(finding: &Finding) -> String {
    let number = |value: Option<f64>| value.map_or("?".to_owned(), |v| format!("{v:.3}"));
    let adjusted = finding.p_adjusted.map_or(String::new(), |p| format!(" (adjusted {p:.3})"));
    format!(
        "{} {} [{}, {}], p {}{adjusted}, detectable {}",
        finding.statistic,
        number(finding.estimate),
        number(finding.ci_low),
        number(finding.ci_high),
        number(finding.p_value),
        number(finding.detectable_effect),
    )
}

fn sentence(rungs: &[RungResult], passed: Option<Rung>, verdict: Decision) -> String {
    let below = |rung: &RungResult| passed.is_some_and(|passed| rung.rung < passed);
    let failed: Vec<&str> = rungs
        .iter()
        .filter(|r| below(r) && r.decision != Decision::Supported)
        .map(|r| r.rung.words())
        .collect();
    let reached = match passed {
        Some(rung) => format!("highest rung passed: {}", rung.words()),
        None => "no rung passed".to_owned(),
    };
    let but = if failed.is_empty() {
        String::new()
    } else {
        format!(", although it failed {}", failed.join(" and "))
    };
    let decisive = match verdict {
        Decision::Contradicted => &rungs[0],
        _ => rungs.iter().find(|r| Some(r.rung) == passed).unwrap_or(&rungs[0]),
    };
    format!("{reached}{but}; {}", decisive.why)
}

#[cfg(test)]
mod tests {
    use super::super::plan::Delta;
    use super::*;

    fn finding(low: f64, high: f64, p: f64) -> Finding {
        Finding {
            hypothesis: None,
            score: "rv".to_owned(),
            outcome: "contribution".to_owned(),
            horizon_months: 3,
            statistic: "mean_rank_ic".to_owned(),
            estimate: Some(f64::midpoint(low, high)),
            std_error: Some(0.02),
            ci_low: Some(low),
            ci_high: Some(high),
            p_value: Some(p),
            p_adjusted: None,
            n_accounts: 100,
            n_events: 1_000,
            n_periods: 48,
            method: String::new(),
            detectable_effect: Some(0.056),
            in_family: false,
        }
    }

    #[test]
    fn an_interval_beyond_zero_needs_its_test_to_pass_too() {
        assert_eq!(decide(&finding(0.01, 0.2, 0.01), 0.0, 0.02), Decision::Supported);
        assert_eq!(decide(&finding(0.01, 0.2, 0.08), 0.0, 0.02), Decision::Inconclusive);
        let adjusted = Finding { p_adjusted: Some(0.06), ..finding(0.01, 0.2, 0.01) };
        assert_eq!(decide(&adjusted, 0.0, 0.02), Decision::Inconclusive);
    }

    #[test]
    fn the_wrong_direction_or_a_negligible_interval_contradicts() {
        assert_eq!(decide(&finding(-0.2, -0.01, 0.01), 0.0, 0.02), Decision::Contradicted);
        assert_eq!(decide(&finding(-0.01, 0.015, 0.7), 0.0, 0.02), Decision::Contradicted);
        assert_eq!(decide(&finding(-0.05, 0.06, 0.7), 0.0, 0.02), Decision::Inconclusive);
        assert_eq!(decide(&finding(0.52, 0.6, 0.01), 0.5, 0.02), Decision::Supported);
    }

    #[test]
    fn association_alone_is_not_support() {
        let params = HypothesisParams {
            score: "rv".to_owned(),
            outcome: crate::panel::Measure::Contribution,
            horizon: 3,
            delta: Delta { associated: 0.02, leads: 0.02, adds: 0.001 },
        };
        let tests = Judged {
            associated: Ok(finding(0.05, 0.2, 0.001)),
            leads: Ok(finding(-0.1, 0.1, 0.9)),
            adds_linear: Err("too short".to_owned()),
            adds_spline: Err("too short".to_owned()),
        };
        let verdict = judge(HypothesisId::H1, &params, &tests);
        assert_eq!(verdict.verdict, Decision::Inconclusive);
        assert_eq!(verdict.rung, Some(Rung::Associated));
        let top = Judged {
            adds_linear: Ok(finding(0.01, 0.03, 0.001)),
            adds_spline: Ok(finding(0.01, 0.03, 0.001)),
            ..tests
        };
        let verdict = judge(HypothesisId::H1, &params, &top);
        assert_eq!(verdict.verdict, Decision::Supported);
        assert!(verdict.why.contains("although it failed leads"), "{}", verdict.why);
        let reversed = Judged { associated: Ok(finding(-0.2, -0.01, 0.001)), ..top };
        let verdict = judge(HypothesisId::H1, &params, &reversed);
        assert_eq!(verdict.verdict, Decision::Contradicted);
    }
}
