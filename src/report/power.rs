//! What could be shown, in words: said before any verdict.

use std::fmt::Write as _;

use super::results::HypothesisPower;
use super::wording::count;
use crate::chart::{percent, three_digits};

/// One line per hypothesis and data set.
pub fn power_table(all: &[(String, Vec<HypothesisPower>)]) -> String {
    let mut text = String::new();
    for (name, powers) in all {
        writeln!(text, "{name}").expect("a string takes every word");
        if powers.is_empty() {
            text.push_str("  no hypothesis of the plan can be tested on these data\n");
        }
        for power in powers {
            writeln!(text, "  {}", sentence(power)).expect("a string takes every word");
        }
    }
    text
}

/// What the panel can show of one hypothesis.
pub(super) fn sentence(stated: &HypothesisPower) -> String {
    let HypothesisPower { hypothesis, power, smallest_relevant_effect: delta, .. } = stated;
    let unit = match power.statistic.as_str() {
        "landmark_auc" | "extremes_auc" => "an AUC of ½ ±",
        "mean_rank_ic" => "a rank IC of ±",
        "critical_partial_correlation" => "a partial correlation of ±",
        "top_fifth_log_ratio" => "a log ratio of ±",
        _ => "a difference of ±",
    };
    let mut text = format!(
        "{hypothesis}: with {} accounts over {} months, {} → {} over {} months can be told from chance at {unit} {} \
         in four of five such panels; the smallest relevant {} would be seen in {}",
        count(power.n_accounts),
        count(power.n_periods),
        power.score,
        power.outcome,
        power.horizon_months,
        three_digits(power.detectable_effect),
        three_digits(*delta),
        percent(stated.power_at_smallest),
    );
    if stated.power_at_smallest < 0.8 {
        let months = match (stated.months_needed, power.lasting) {
            (Some(months), _) => format!("or {} months", count(months as u64)),
            (None, Some(_)) => "and no number of months, since accounts differ for good".to_owned(),
            (None, None) => "and what more months would do is not known".to_owned(),
        };
        let accounts = count(stated.accounts_needed as u64);
        write!(text, "; for four of five it takes {accounts} accounts, {months}")
            .expect("a string takes every word");
    }
    text.push('.');
    text
}
