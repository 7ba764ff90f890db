//! Learned weights and rank flips in the words of every form of the report.

use serde::Serialize;

use super::results::{WeightResults, WorldResults};
use super::wording::{count, ends, number, plain};
use crate::backtest::{
    LearnedWeights, NullBand, RankFlips, Standing, TypeWeight, WeightAuc, WeightFit,
};
use crate::chart::percent;

/// Types that are shown; all are in `tables/`.
const MOST_TYPES: usize = 15;

/// A section on weights, every number already in words.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct WeightSection {
    /// What was asked and what came out, one sentence each.
    pub(super) says: Vec<String>,
    /// Weights, AUC out of sample, what chance brings, AUC in sample, what chance brings.
    pub(super) comparison: Vec<Vec<String>>,
    /// Type, exits, expert's weight, learned weight, half-samples, share, what follows.
    pub(super) types: Vec<Vec<String>>,
    /// How many of `types` the data say something about: they come first.
    pub(super) differing: usize,
    /// Number of types that are not shown.
    pub(super) hidden: usize,
    /// What the ranking of accounts hangs on.
    pub(super) ranks: Option<String>,
}

/// Heads of the columns of `comparison`.
pub(super) const COMPARISON: [&str; 5] = [
    "Weights",
    "AUC out of sample (95 % interval)",
    "By chance out of sample (95 % band)",
    "AUC on the rows learned from",
    "By chance on such rows (95 % band)",
];

/// Heads of the columns of `types`.
pub(super) const TYPES: [&str; 7] = [
    "Interaction type",
    "Exits among exposed",
    "Expert's weight",
    "Learned weight",
    "Half-samples, 95 %",
    "Share that agree on a difference",
    "The data say",
];

/// The section of a world; `None` where the plan asked for none.
pub(super) fn section(world: &WorldResults) -> Option<WeightSection> {
    let WeightResults { learned, rank_flips } = world.weights.as_ref()?;
    let mut section = WeightSection {
        says: vec![asked(learned)],
        ranks: rank_flips.as_ref().map(ranks),
        ..WeightSection::default()
    };
    match (&learned.fit, &learned.refusal) {
        (Some(fit), _) => {
            section.says.extend([decision(fit), chance(fit), contradictions(fit)]);
            section.comparison = comparison(fit);
            let shown = shown(fit);
            section.hidden = fit.types.len() - shown.len();
            section.differing = shown.iter().filter(|of_type| differs(of_type)).count();
            section.types = shown.into_iter().map(of_type).collect();
        }
        (None, why) => section.says.push(format!(
            "No weights were learned, and the expert's stand: {}.",
            plain(why.as_deref().unwrap_or("no reason was given"))
        )),
    }
    Some(section)
}

fn asked(learned: &LearnedWeights) -> String {
    let constraint = match learned.constraint {
        crate::backtest::Constraint::Free => "no constraint",
        crate::backtest::Constraint::Sign => "no weight against the expert's sign",
        crate::backtest::Constraint::Order => "weights in the expert's order",
    };
    format!(
        "Weights of {} learned from attrition within {} months, drawn towards the expert's, with \
         {constraint}: {} accounts, {} account-periods, {} exits.",
        learned.score,
        learned.horizon_months,
        count(learned.n_accounts),
        count(learned.n_rows),
        count(learned.n_exits)
    )
}

/// Which weights to use.
fn decision(fit: &WeightFit) -> String {
    let gain = &fit.gain_over_expert;
    let share = |value: Option<f64>| value.map_or_else(|| "n/a".to_owned(), percent);
    let measured = format!(
        "their log loss out of sample is lower by {} (95 % interval {} to {})",
        share(gain.estimate),
        share(gain.ci_low),
        share(gain.ci_high)
    );
    let beats_chance = fit.learned.estimate > fit.null.out_of_sample.high;
    if gain.ci_low > Some(0.0) && beats_chance {
        format!("Learned weights forecast better than the expert's: {measured}.")
    } else if gain.ci_high < Some(0.0) {
        format!(
            "Learned weights forecast worse than the expert's, so keep the expert's: {measured}."
        )
    } else if beats_chance {
        format!("No proof that learned weights are better, so keep the expert's: {measured}.")
    } else {
        format!(
            "Learned weights forecast no better than chance, so nothing was learned: {measured}, and \
             the AUC lies inside what chance brings."
        )
    }
}

fn chance(fit: &WeightFit) -> String {
    format!(
        "On outcomes that belong to other accounts the same procedure reaches an AUC of {} on the \
         rows it learns from and {} out of sample ({} replications): only what lies above that counts.",
        band(fit.null.in_sample),
        band(fit.null.out_of_sample),
        count(u64::from(fit.null.replications))
    )
}

/// Signs and orders that the data contradict.
fn contradictions(fit: &WeightFit) -> String {
    let signs: Vec<&str> = fit
        .types
        .iter()
        .filter(|of_type| of_type.standing == Standing::Reversed)
        .map(|of_type| of_type.interaction_type.as_str())
        .collect();
    let orders: Vec<String> = fit
        .order_reversed
        .iter()
        .take(5)
        .map(|pair| format!("{} above {}", pair.expert_lower, pair.expert_higher))
        .collect();
    let signs = if signs.is_empty() {
        "The data contradict the sign of no type".to_owned()
    } else {
        format!("The data contradict the sign of {}", signs.join(", "))
    };
    let orders = if orders.is_empty() {
        "and no order of two types".to_owned()
    } else {
        format!("and put {}", orders.join(", "))
    };
    format!(
        "{signs} {orders}; of the types said to differ, {} at most are expected to be false.",
        number(Some(fit.false_selections_at_most))
    )
}

fn comparison(fit: &WeightFit) -> Vec<Vec<String>> {
    let row = |name: &str, auc: &WeightAuc, rest: [String; 3]| {
        let mut row = vec![name.to_owned(), with_interval(auc)];
        row.extend(rest);
        row
    };
    let none = || std::array::from_fn(|_| "–".to_owned());
    vec![
        row(
            "learned",
            &fit.learned,
            [
                band(fit.null.out_of_sample),
                number(Some(fit.in_sample.estimate)),
                band(fit.null.in_sample),
            ],
        ),
        row("expert's", &fit.expert, none()),
        row("none: age of the account only", &fit.baselines, none()),
    ]
}

fn with_interval(auc: &WeightAuc) -> String {
    format!("{} ({})", number(Some(auc.estimate)), ends(Some(auc.ci_low), Some(auc.ci_high)))
}

fn band(band: NullBand) -> String {
    format!("{} ({})", number(Some(band.mean)), ends(Some(band.low), Some(band.high)))
}

/// Whether the data say something else than the expert.
fn differs(of_type: &TypeWeight) -> bool {
    !matches!(of_type.standing, Standing::Kept | Standing::Refused)
}

/// Types that differ first, then those with the most exits.
fn shown(fit: &WeightFit) -> Vec<&TypeWeight> {
    let mut types: Vec<&TypeWeight> = fit.types.iter().collect();
    types.sort_by_key(|of_type| (!differs(of_type), std::cmp::Reverse(of_type.exits)));
    types.truncate(MOST_TYPES);
    types
}

fn of_type(of_type: &TypeWeight) -> Vec<String> {
    let is_refused = of_type.standing == Standing::Refused;
    vec![
        of_type.interaction_type.clone(),
        count(of_type.exits),
        number(Some(of_type.expert_weight)),
        number(Some(of_type.learned_weight)),
        if is_refused { "n/a".to_owned() } else { ends(of_type.low, of_type.high) },
        if is_refused { "n/a".to_owned() } else { percent(of_type.share_moved) },
        of_type.standing.words().to_owned(),
    ]
}

fn ranks(flips: &RankFlips) -> String {
    format!(
        "Within the uncertainty that the catalogue states for its own numbers, an account leaves its \
         third of the ranking by {} in {} of draws on average, and {} of {} accounts do in at least \
         half of them; the ranking agrees with the expert's by a Kendall τ of {} (95 % of draws: {}), \
         and the 95 % interval of a rank spans {} of all accounts.",
        flips.score,
        percent(flips.mean_leaves_tercile),
        percent(flips.share_unsettled),
        count(flips.n_accounts),
        number(Some(flips.mean_tau)),
        ends(Some(flips.tau_low), Some(flips.tau_high)),
        percent(flips.mean_rank_width)
    )
}
