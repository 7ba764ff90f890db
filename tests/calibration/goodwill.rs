//! Does the interval of goodwill hold the truth as often as it says?

use rayon::prelude::*;
use rvq::policy::{GoodwillParams, goodwill};

use crate::table::{check, row};
use crate::told::planted_goodwill::{CONTROL, Law, RV, generate};

const REPLICATIONS: u64 = 400;

#[test]
#[cfg_attr(debug_assertions, ignore = "400 fits of 41 hazards")]
fn goodwill_intervals_hold_the_truth() {
    let params = GoodwillParams { controls: vec![CONTROL.to_owned()], ..GoodwillParams::default() };
    let mut rows = vec![row(&["world", "covered", "mean error", "half-width of the interval"])];
    for (name, law) in [("a score that leads", Law::LEADS), ("one that says nothing", Law::NOTHING)]
    {
        let held: Vec<(bool, f64, f64)> = (0..REPLICATIONS)
            .into_par_iter()
            .map(|seed| {
                let (panel, truth) = generate(law, 1_000 + seed, (300, 36), -2.0);
                let found = goodwill(&panel, RV, &params).unwrap().0.goodwill;
                let inside = (found.ci_low..=found.ci_high).contains(&truth);
                (inside, found.estimate - truth, found.ci_high - found.estimate)
            })
            .collect();
        let n = REPLICATIONS as f64;
        let rate = held.iter().filter(|of| of.0).count() as f64 / n;
        let bias = held.iter().map(|of| of.1).sum::<f64>() / n;
        let half = held.iter().map(|of| of.2).sum::<f64>() / n;
        rows.push(vec![
            name.to_owned(),
            format!("{rate:.3}"),
            format!("{bias:.0}"),
            format!("{half:.0}"),
        ]);
        // 95 % less and plus 2.6 standard errors of 400 replications.
        assert!((0.922..=0.978).contains(&rate), "{name}: {rate}");
    }
    check(
        "goodwill",
        "Goodwill, recovered",
        &format!(
            "300 accounts over 36 months whose leaving and contribution follow a score by known laws; the truth is \
             what they make of the customers left. How often the 95 % interval holds it, {REPLICATIONS} \
             replications."
        ),
        &rows,
    );
}
