//! Do accounts that exit have lower log odds of staying than those that stay?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// AUC over pairs that one model compared at one date.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightAuc {
    /// Share of pairs in which the account that exits has the lower log odds of staying; ties half.
    pub estimate: f64,
    /// Standard error, clustered by account.
    pub std_error: f64,
    /// Lower end of the 95 % interval.
    pub ci_low: f64,
    /// Upper end of the 95 % interval.
    pub ci_high: f64,
    /// Exits that were compared.
    pub n_exits: u64,
}

/// What a model said of one account-period.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    /// Only what one model said of one date is compared: intercepts of different models would be
    /// compared too, and under the null they go against the exits left out.
    pub(super) cell: usize,
    pub(super) account: usize,
    pub(super) exits: bool,
    pub(super) log_odds: f64,
}

/// ```text
/// AUC = C / P,   C: concordant pairs (ties half), P: pairs, both over cells
/// SE² = Σ_a (c_a − AUC p_a)² / P²,   c_a, p_a: those in which account a takes part
/// ```
///
/// `None` without a pair.
///
/// # Source
///
/// DeLong, DeLong and Clarke-Pearson (1988), *Biometrics* 44(3), 837-845, with an account as the unit.
pub(super) fn concordance(said: &[Said], accounts: usize) -> Option<WeightAuc> {
    let mut order: Vec<&Said> = said.iter().collect();
    order.sort_by(|a, b| a.cell.cmp(&b.cell).then(a.log_odds.total_cmp(&b.log_odds)));
    let (mut by_account, mut n_exits) = (vec![(0.0, 0.0); accounts], 0);
    for cell in order.chunk_by(|a, b| a.cell == b.cell) {
        let exits = cell.iter().filter(|said| said.exits).count();
        let stays = cell.len() - exits;
        if exits == 0 || stays == 0 {
            continue;
        }
        n_exits += exits as u64;
        let (mut exits_below, mut stays_below) = (0, 0);
        for tied in cell.chunk_by(|a, b| a.log_odds.to_bits() == b.log_odds.to_bits()) {
            let exits_here = tied.iter().filter(|said| said.exits).count();
            let stays_here = tied.len() - exits_here;
            for said in tied {
                let (concordant, pairs) = if said.exits {
                    let above = stays - stays_below - stays_here;
                    (above as f64 + 0.5 * stays_here as f64, stays)
                } else {
                    (exits_below as f64 + 0.5 * exits_here as f64, exits)
                };
                by_account[said.account].0 += concordant;
                by_account[said.account].1 += pairs as f64;
            }
            exits_below += exits_here;
            stays_below += stays_here;
        }
    }
    // Every pair was counted for both of its accounts.
    let (concordant, pairs) =
        by_account.iter().fold((0.0, 0.0), |(c, p), (own, of)| (c + own / 2.0, p + of / 2.0));
    if pairs <= 0.0 {
        return None;
    }
    let estimate = concordant / pairs;
    let squares: f64 = by_account.iter().map(|(own, of)| (own - estimate * of).powi(2)).sum();
    let std_error = squares.sqrt() / pairs;
    Some(WeightAuc {
        estimate,
        std_error,
        ci_low: (estimate - 1.959_964 * std_error).max(0.0),
        ci_high: (estimate + 1.959_964 * std_error).min(1.0),
        n_exits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(cell: usize, account: usize, exits: bool, log_odds: f64) -> Said {
        Said { cell, account, exits, log_odds }
    }

    #[test]
    fn pairs_count_only_within_a_cell_and_ties_half() {
        let all = [
            // The exit is below one and level with the other: 1.5 of 2.
            said(0, 0, true, 1.0),
            said(0, 1, false, 1.0),
            said(0, 2, false, 3.0),
            // The exit is above: 0 of 1.
            said(1, 3, true, 9.0),
            said(1, 1, false, 0.0),
            // No pair.
            said(2, 2, false, -5.0),
        ];
        let auc = concordance(&all, 4).unwrap();
        assert!((auc.estimate - 0.5).abs() < 1e-12 && auc.n_exits == 2);
        // Deviations by account: 1.5 − 1, .5 − 1, 1 − .5, 0 − .5, over 3 pairs.
        assert!((auc.std_error - 1.0 / 3.0).abs() < 1e-12, "{}", auc.std_error);
        assert_eq!(concordance(&all[5..], 4), None);
    }
}
