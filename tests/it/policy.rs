//! Goodwill on panels in which it was planted.

use rvq::policy::{ComparedWith, Goodwill, GoodwillError, GoodwillParams, goodwill};
use rvq::relationship::Estimate;

use crate::told::planted_goodwill::{CONTROL, Law, RV, generate};

/// Where a score of 0 stands.
const NOTHING: f64 = -2.0;

fn params() -> GoodwillParams {
    GoodwillParams { controls: vec![CONTROL.to_owned()], ..GoodwillParams::default() }
}

fn covers(interval: &Estimate, truth: f64) -> bool {
    (interval.ci_low..=interval.ci_high).contains(&truth)
}

fn found(law: Law, seed: u64, params: &GoodwillParams) -> (Goodwill, f64) {
    let (panel, truth) = generate(law, seed, (400, 36), NOTHING);
    (goodwill(&panel, RV, params).unwrap().0, truth)
}

#[test]
fn planted_goodwill_is_found_with_its_parts() {
    let (found, truth) = found(Law::LEADS, 1, &params());
    assert!(covers(&found.goodwill, truth), "{:?} {truth}", found.goodwill);
    assert!(found.goodwill.ci_low > 0.0 && found.exit_log_odds.ci_high < 0.0);
    assert!(found.goodwill.estimate < found.value.estimate);
    assert!(covers(&found.carry_over, 0.6), "{:?}", found.carry_over);
    let parts: f64 = found.segments.iter().map(|of| of.goodwill.estimate).sum();
    assert!((parts - found.goodwill.estimate).abs() < 1e-6);
}

#[test]
fn a_score_that_says_nothing_has_no_goodwill() {
    let (found, truth) = found(Law::NOTHING, 2, &params());
    assert!(truth.abs() < 1e-9 && covers(&found.goodwill, 0.0), "{:?}", found.goodwill);
}

#[test]
fn accounts_add_up_and_are_compared_within_their_segment() {
    let (panel, truth) = generate(Law::LEADS, 3, (400, 36), 0.0);
    let compared_with = ComparedWith::SegmentMean;
    let (found, accounts) =
        goodwill(&panel, RV, &GoodwillParams { compared_with, ..params() }).unwrap();
    let sum: f64 = accounts.iter().map(|account| account.goodwill).sum();
    assert!((sum - found.goodwill.estimate).abs() < 1e-6);
    assert_eq!(accounts.len() as u64, found.n_accounts);
    // Gains and losses largely cancel; not quite, since who hardly leaves cannot leave less.
    assert!(covers(&found.goodwill, truth), "{:?} {truth}", found.goodwill);
    let (from_nothing, _) = goodwill(&panel, RV, &params()).unwrap();
    assert!(sum.abs() < 0.25 * from_nothing.goodwill.estimate, "{sum}");
}

#[test]
fn what_cannot_be_valued_is_refused_with_the_reason() {
    let (panel, _) = generate(Law::LEADS, 4, (40, 12), NOTHING);
    let few = goodwill(&panel, RV, &params()).unwrap_err();
    assert!(matches!(few, GoodwillError::TooFewExits { needed: 30, .. }), "{few}");
    let unknown = goodwill(&panel, "rv_sum", &params()).unwrap_err().to_string();
    assert_eq!(unknown, "goodwill: the panel has no score `rv_sum`; it has rv_decay_180d, tenure");
}
