//! The one rule that turns findings into verdicts.

use crate::backtest::Finding;

use super::core::Statistic;
use super::id::HypothesisId;
use super::plan::HypothesisParams;
use super::robust::{Check, Robustness};
use super::verdict::{Decision, Rung, RungResult, Verdict};

/// What one rung was judged by; a test that could not be computed says why.
#[derive(Debug, Clone, PartialEq)]
pub enum RungTest {
    /// One estimate.
    Estimate(Box<Result<Finding, String>>),
    /// Out-of-sample gain over two forms of the baselines: the flexible one decides, the linear one must agree.
    Gain {
        /// Over linear baselines.
        linear: Box<Result<Finding, String>>,
        /// Over splines and interactions of the baselines.
        flexible: Box<Result<Finding, String>>,
    },
    /// Signs within accounts and in every stratum.
    Checks(Result<Robustness, String>),
}

/// The tests of one hypothesis, lowest rung first.
pub type Judged = Vec<(Rung, RungTest)>;

/// Level of every test.
const LEVEL: f64 = 0.05;

/// Judges one hypothesis by its findings.
///
/// *Supported* at a rung: the 95 % interval excludes 0 in the claimed direction and the rung's
/// test passes (its p-value adjusted for the plan's family, where it belongs to it, is at most
/// .05). *Contradicted*: the interval excludes 0 the other way, or lies wholly inside ±δ.
/// Otherwise *inconclusive*. The whole claim is supported only at its decisive rung (*adds to
/// baselines*, or *robust* for comparisons that add nothing); lower rungs that failed are named.
///
/// At a rung that is a known limit of the hypothesis nothing is contradicted: there even 800 accounts seldom
/// show what is true.
///
/// *Robust* is supported when every sign is the claimed one and the association is more than chance;
/// contradicted when the interval of a check, at 5 % over all of them, excludes 0 the other way.
pub fn judge(id: HypothesisId, params: &HypothesisParams, tests: &Judged) -> Verdict {
    let delta = params.delta;
    let null = |rung: Rung| match (id.hypothesis().statistic, rung) {
        (statistic, Rung::Associated) => statistic.null(),
        (Statistic::Risk, Rung::Leads) => 0.5,
        _ => 0.0,
    };
    let judged = |(rung, test): &(Rung, RungTest)| match test {
        RungTest::Estimate(found) => {
            let relevant = if *rung == Rung::Leads { delta.leads } else { delta.associated };
            estimated(*rung, found, null(*rung), relevant)
        }
        RungTest::Gain { linear, flexible } => gained(linear, flexible, delta.adds),
        RungTest::Checks(found) => checked(found),
    };
    let limits = id.hypothesis().known_limits;
    let limited =
        |rung: RungResult| if limits.contains(&rung.rung) { at_limit(rung) } else { rung };
    let rungs: Vec<RungResult> = tests.iter().map(judged).map(limited).collect();
    let passed = rungs.iter().rev().find(|r| r.decision == Decision::Supported).map(|r| r.rung);
    let verdict = whole(id.hypothesis().decisive, &rungs);
    Verdict {
        hypothesis: id.name().to_owned(),
        title: id.title().to_owned(),
        claim: id.claim(params),
        rung: passed,
        verdict,
        why: sentence(id.hypothesis().decisive, &rungs, passed, verdict),
        rungs,
    }
}

/// What is not found at a known limit is not refuted.
fn at_limit(mut rung: RungResult) -> RungResult {
    if rung.decision != Decision::Supported {
        rung.decision = Decision::Inconclusive;
        rung.why.push_str("; a known limit: even 800 accounts seldom show this where it is true");
    }
    rung
}

/// Contradicted when the first rung is, whatever the higher ones say: a gain has no direction of its
/// own. Supported needs the decisive rung and the first.
fn whole(decisive: Rung, rungs: &[RungResult]) -> Decision {
    let at = |rung: Rung| rungs.iter().find(|r| r.rung == rung).map(|r| r.decision);
    if at(Rung::Associated) == Some(Decision::Contradicted) {
        Decision::Contradicted
    } else if at(decisive) == Some(Decision::Supported) {
        Decision::Supported
    } else {
        Decision::Inconclusive
    }
}

fn estimated(rung: Rung, test: &Result<Finding, String>, null: f64, delta: f64) -> RungResult {
    match test {
        Ok(finding) => {
            let decision = decide(finding, null, delta);
            RungResult { rung, decision, why: describe(finding) }
        }
        Err(why) => not_computed(rung, why),
    }
}

fn not_computed(rung: Rung, why: &str) -> RungResult {
    RungResult { rung, decision: Decision::Inconclusive, why: format!("not computed: {why}") }
}

fn gained(
    linear: &Result<Finding, String>,
    flexible: &Result<Finding, String>,
    delta: f64,
) -> RungResult {
    let rung = Rung::AddsToBaselines;
    let (mut adds, linear) =
        (estimated(rung, flexible, 0.0, delta), estimated(rung, linear, 0.0, delta));
    adds.why =
        format!("over flexible baselines: {}; over linear baselines: {}", adds.why, linear.why);
    if adds.decision == Decision::Supported && linear.decision != Decision::Supported {
        adds.decision = Decision::Inconclusive;
    }
    adds
}

fn checked(test: &Result<Robustness, String>) -> RungResult {
    let rung = Rung::Robust;
    let found = match test {
        Ok(found) => found,
        Err(why) => return not_computed(rung, why),
    };
    let reversed = |check: &&Check| check.upper(LEVEL, found.checks.len()) < Some(0.0);
    let decision = if found.holds(LEVEL) {
        Decision::Supported
    } else if found.checks.iter().any(|check| reversed(&check)) {
        Decision::Contradicted
    } else {
        Decision::Inconclusive
    };
    let positive = found.checks.iter().filter(|check| check.estimate > 0.0).count();
    let weakest = found.weakest().map_or_else(String::new, |check| {
        format!("; weakest {:.3}: {}", check.estimate, check.place)
    });
    let skipped = if found.skipped.is_empty() {
        String::new()
    } else {
        format!("; not computed: {}", found.skipped.join(", "))
    };
    let why = format!(
        "{positive} of {} signs as claimed, association p {:.3}{weakest}{skipped}",
        found.checks.len(),
        found.p_value
    );
    RungResult { rung, decision, why }
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

fn sentence(
    decides: Rung,
    rungs: &[RungResult],
    passed: Option<Rung>,
    verdict: Decision,
) -> String {
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
    let undecided = match (verdict, passed) {
        (Decision::Inconclusive, Some(passed)) if passed != decides => {
            format!(", and {} decides", decides.words())
        }
        _ => String::new(),
    };
    let decisive = match verdict {
        Decision::Contradicted => &rungs[0],
        _ => rungs.iter().find(|r| Some(r.rung) == passed).unwrap_or(&rungs[0]),
    };
    format!("{reached}{but}{undecided}; {}", decisive.why)
}

#[cfg(test)]
mod tests {
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

    fn tests(associated: Finding, gain: &Result<Finding, String>) -> Judged {
        let gain =
            RungTest::Gain { linear: Box::new(gain.clone()), flexible: Box::new(gain.clone()) };
        vec![
            (Rung::Associated, RungTest::Estimate(Box::new(Ok(associated)))),
            (Rung::Leads, RungTest::Estimate(Box::new(Ok(finding(-0.1, 0.1, 0.9))))),
            (Rung::AddsToBaselines, gain),
        ]
    }

    #[test]
    fn association_alone_is_not_support() {
        let params = HypothesisParams::of(HypothesisId::H1);
        let there = finding(0.05, 0.2, 0.001);
        let short = Err("too short".to_owned());
        let verdict = judge(HypothesisId::H1, &params, &tests(there.clone(), &short));
        assert_eq!(verdict.verdict, Decision::Inconclusive);
        assert_eq!(verdict.rung, Some(Rung::Associated));
        assert!(
            verdict
                .why
                .starts_with("highest rung passed: associated, and adds to baselines decides; "),
            "{}",
            verdict.why
        );
        let gain = Ok(finding(0.01, 0.03, 0.001));
        let verdict = judge(HypothesisId::H1, &params, &tests(there, &gain));
        assert_eq!(verdict.verdict, Decision::Supported);
        assert!(verdict.why.contains("although it failed leads"), "{}", verdict.why);
        let reversed = finding(-0.2, -0.01, 0.001);
        let verdict = judge(HypothesisId::H1, &params, &tests(reversed, &gain));
        assert_eq!(verdict.verdict, Decision::Contradicted);
    }

    #[test]
    fn what_is_not_found_at_a_known_limit_is_inconclusive() {
        let params = HypothesisParams::of(HypothesisId::H8);
        let associated = finding(0.52, 0.6, 0.001);
        let judged = |gain: Finding| {
            let verdict = judge(HypothesisId::H8, &params, &tests(associated.clone(), &Ok(gain)));
            (verdict.rungs[2].decision, verdict.rungs[2].why.contains("a known limit"))
        };
        // Inside ±δ, and on the other side.
        assert_eq!(judged(finding(-0.001, 0.001, 0.9)), (Decision::Inconclusive, true));
        assert_eq!(judged(finding(-0.02, -0.01, 0.01)), (Decision::Inconclusive, true));
        assert_eq!(judged(finding(0.01, 0.03, 0.001)), (Decision::Supported, false));
        let elsewhere = HypothesisParams::of(HypothesisId::H1);
        let verdict = judge(
            HypothesisId::H1,
            &elsewhere,
            &tests(associated, &Ok(finding(-0.001, 0.001, 0.9))),
        );
        assert_eq!(verdict.rungs[2].decision, Decision::Contradicted);
    }

    #[test]
    fn robust_needs_every_sign_and_more_than_chance() {
        let check = |estimate| Check {
            place: "somewhere".to_owned(),
            estimate,
            std_error: Some(0.02),
            df: Some(100.0),
        };
        let decided = |estimates: &[f64], p_value| {
            let checks = estimates.iter().map(|e| check(*e)).collect();
            checked(&Ok(Robustness { checks, p_value, skipped: vec![] })).decision
        };
        assert_eq!(decided(&[0.1, 0.01], 0.03), Decision::Supported);
        assert_eq!(decided(&[0.1, 0.01], 0.06), Decision::Inconclusive);
        assert_eq!(decided(&[0.1, -0.01], 0.001), Decision::Inconclusive);
        assert_eq!(decided(&[0.1, -0.1], 0.001), Decision::Contradicted);
    }
}
