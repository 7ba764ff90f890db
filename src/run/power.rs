//! What the hypotheses of a plan could show on a panel, before any result is seen.

use crate::backtest::{BacktestError, Power, power_of};
use crate::hypothesis::{Bench, HypothesisId, HypothesisParams};
use crate::panel::Panel;
use crate::report::HypothesisPower;

use super::plan::Plan;

/// The power of each hypothesis of `plan` on `panel`, and why one has none.
pub fn powers(panel: &Panel, plan: &Plan) -> (Vec<HypothesisPower>, Vec<String>) {
    let bench = Bench::new(panel, &plan.backtest, Vec::new(), plan.run.streams());
    let of =
        |id: HypothesisId, params: &HypothesisParams| -> Result<Option<Power>, BacktestError> {
            if !id.hypothesis().has_power() {
                return bench.power(id, params);
            }
            let score = panel.score(&params.score).expect("a checked plan has this score");
            let tested = (params.outcome, params.horizon);
            power_of(panel, score, tested, &plan.backtest, bench.permutation()).map(Some)
        };
    let (mut powers, mut warnings) = (Vec::new(), Vec::new());
    for (&id, params) in &plan.hypotheses {
        match of(id, params) {
            Err(error) => warnings.push(format!("{}: {error}", id.name())),
            Ok(None) => warnings.push(format!("{}: no error, so no power", id.name())),
            Ok(Some(power)) => {
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
