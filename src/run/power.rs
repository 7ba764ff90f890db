//! What the hypotheses of a plan could show on a panel, before any result is seen.

use crate::backtest::{account_strata, power_of};
use crate::hypothesis::{HypothesisId, HypothesisParams};
use crate::panel::Panel;
use crate::report::HypothesisPower;
use crate::rng::Purpose;

use super::plan::Plan;

/// The power of each hypothesis of `plan` on `panel`, and why one has none.
pub fn powers(panel: &Panel, plan: &Plan) -> (Vec<HypothesisPower>, Vec<String>) {
    let strata = account_strata(panel, plan.backtest.min_stratum as usize);
    let draws = plan.run.streams().global(Purpose::Permutation);
    let (mut powers, mut warnings) = (Vec::new(), Vec::new());
    let told = |(id, _): &(&HypothesisId, &HypothesisParams)| id.hypothesis().has_power();
    for (id, params) in plan.hypotheses.iter().filter(told) {
        let score = panel.score(&params.score).expect("a checked plan has this score");
        let tested = (params.outcome, params.horizon);
        match power_of(panel, score, tested, &plan.backtest, (&strata, draws)) {
            Err(error) => warnings.push(format!("{}: {error}", id.name())),
            Ok(power) => {
                let delta = params.delta.associated;
                powers.push(HypothesisPower {
                    hypothesis: id.name().to_owned(),
                    smallest_relevant_effect: delta,
                    power_at_smallest: power.of(delta),
                    accounts_needed: power.accounts_for(delta),
                    months_needed: power.months_for(delta),
                    power,
                });
            }
        }
    }
    (powers, warnings)
}
