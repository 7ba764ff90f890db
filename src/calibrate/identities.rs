//! What ties the targets to one another, whatever the world: algebra, not simulation.
//!
//! ```text
//! s: revenue share of the top fifth     R: revenue ratio     r: cost ratio, top fifth over others
//! k = r / (r + 4): cost share of the top fifth
//! C: cost to engage over contribution before it       P: profit share of the top fifth
//! c: share of customers lost in a year    g: growth of their number    ρ: size of an entrant
//!
//! R = 4 s / (1 − s)                                    a fifth against four
//! P = (s − k C) / (1 − C),   C = (P − s) / (P − k)     margins alike before cost to engage
//! new = ρ (c + g) / (1 − c + ρ (c + g))                who was no customer a year ago
//! ```

use crate::backtest::Moment;

use super::targets::{Target, Targets};

/// Revenue per account of the top fifth over that of the others, from its share of revenue.
///
/// ```text
/// R = (s / 0.2) / ((1 − s) / 0.8) = 4 s / (1 − s)
/// ```
///
/// ```
/// # use rvq::calibrate::revenue_ratio;
/// assert!((revenue_ratio(0.8) - 16.0).abs() < 1e-12);
/// ```
pub fn revenue_ratio(revenue_share: f64) -> f64 {
    4.0 * revenue_share / (1.0 - revenue_share)
}

/// The top fifth's share of what it has `ratio` times as much of per account: the inverse of
/// [`revenue_ratio`].
///
/// ```text
/// s = R / (R + 4)
/// ```
///
/// ```
/// # use rvq::calibrate::top_fifth_share;
/// assert!((top_fifth_share(3.0) - 3.0 / 7.0).abs() < 1e-12);
/// ```
pub fn top_fifth_share(ratio: f64) -> f64 {
    ratio / (ratio + 4.0)
}

/// Profit share of the top fifth, from its share of revenue, the cost ratio and cost to engage as
/// a share of contribution before it.
///
/// ```text
/// P = (s − k C) / (1 − C),   k = r / (r + 4)
/// ```
///
/// Margins before cost to engage are alike.
///
/// ```
/// # use rvq::calibrate::profit_share;
/// assert!((profit_share(0.8, 3.0, 0.35) - 1.0).abs() < 1e-12);
/// ```
pub fn profit_share(revenue_share: f64, cost_ratio: f64, cost_share: f64) -> f64 {
    (revenue_share - top_fifth_share(cost_ratio) * cost_share) / (1.0 - cost_share)
}

/// Cost to engage as a share of contribution before it: the inverse of [`profit_share`].
///
/// ```text
/// C = (P − s) / (P − k),   k = r / (r + 4)
/// ```
///
/// Below 0 or from 1 on where no cost gives the three.
///
/// ```
/// # use rvq::calibrate::cost_share;
/// assert!((cost_share(1.4, 0.8, 3.0) - 21.0 / 34.0).abs() < 1e-12);
/// ```
pub fn cost_share(profit_share: f64, revenue_share: f64, cost_ratio: f64) -> f64 {
    (profit_share - revenue_share) / (profit_share - top_fifth_share(cost_ratio))
}

/// Share of revenue from customers of less than a year, in a base that grows steadily.
///
/// ```text
/// ρ (c + g) / (1 − c + ρ (c + g))
/// ```
///
/// - `lost`: c, share of customers who leave within a year.
/// - `growth`: g, yearly growth of their number.
/// - `entrant_size`: ρ, revenue of a new customer over that of the others.
///
/// ```
/// # use rvq::calibrate::new_revenue_share;
/// assert!((new_revenue_share(0.15, 0.05, 1.0) - 4.0 / 21.0).abs() < 1e-12);
/// ```
pub fn new_revenue_share(lost: f64, growth: f64, entrant_size: f64) -> f64 {
    let new = entrant_size * (lost + growth);
    new / (1.0 - lost + new)
}

/// Revenue of a new customer over that of the others: the inverse of [`new_revenue_share`].
///
/// ```text
/// ρ = n (1 − c) / ((1 − n) (c + g))
/// ```
///
/// ```
/// # use rvq::calibrate::entrant_size;
/// assert!((entrant_size(4.0 / 21.0, 0.15, 0.05) - 1.0).abs() < 1e-12);
/// ```
pub fn entrant_size(new_revenue_share: f64, lost: f64, growth: f64) -> f64 {
    new_revenue_share * (1.0 - lost) / ((1.0 - new_revenue_share) * (lost + growth))
}

/// Share of customers who leave within a year at `rate` exits per customer-year.
fn lost(rate: f64) -> f64 {
    -(-rate).exp_m1()
}

/// Entrants this many times larger or smaller than others are believed.
const ENTRANT_LIMIT: f64 = 4.0;

/// Targets that no world meets together.
#[derive(Debug, Clone, PartialEq)]
pub struct Contradiction {
    /// The target that the others speak against.
    pub moment: Moment,
    /// Which targets, and by how much.
    pub message: String,
    /// What the last of them should be.
    pub help: String,
}

/// Every contradiction among `targets` that no choice inside their bands removes.
pub fn contradictions(targets: &Targets) -> Vec<Contradiction> {
    [ratio_against_share(targets), profit_against_cost(targets), repeat_against_entry(targets)]
        .into_iter()
        .flatten()
        .collect()
}

fn ratio_against_share(targets: &Targets) -> Option<Contradiction> {
    let (moment, by) = (Moment::RevenueRatio, Moment::TopFifthRevenueShare);
    let (ratio, share) = (targets.get(moment)?, targets.get(by)?);
    let (low, high) = (revenue_ratio(share.low().max(0.0)), revenue_ratio(share.high().min(1.0)));
    (ratio.high() < low || ratio.low() > high).then(|| Contradiction {
        moment,
        message: format!(
            "{} contradicts {}, which is a ratio of {:.2} ({low:.2} to {high:.2})",
            named(ratio),
            named(share),
            revenue_ratio(share.value),
        ),
        help: format!(
            "with that `{}` set `{}` to {:.2}, or with that `{}` the share to {:.3}",
            by.key(),
            moment.key(),
            revenue_ratio(share.value),
            moment.key(),
            top_fifth_share(ratio.value),
        ),
    })
}

/// The target of the revenue share, or what the ratio says that it is.
fn revenue_share_target(targets: &Targets) -> Option<Target> {
    targets.get(Moment::TopFifthRevenueShare).copied().or_else(|| {
        let ratio = targets.get(Moment::RevenueRatio)?;
        let (low, high) = (top_fifth_share(ratio.low().max(0.0)), top_fifth_share(ratio.high()));
        Some(Target { value: f64::midpoint(low, high), within: (high - low) / 2.0, ..*ratio })
    })
}

fn profit_against_cost(targets: &Targets) -> Option<Contradiction> {
    let moment = Moment::TopFifthProfitShare;
    let profit = targets.get(moment)?;
    let share = revenue_share_target(targets)?;
    let ratio = targets.get(Moment::CostRatio)?;
    if let Some(cost) = targets.get(Moment::CostShare) {
        return profit_against_cost_share(profit, &share, (ratio, cost));
    }
    let (least, most) = (top_fifth_share(ratio.low().max(0.0)), top_fifth_share(ratio.high()));
    // With the smaller share of cost, the top fifth has at least its share of revenue in profit,
    // with the larger at most.
    let thrifty = share.high().min(profit.high());
    let costly = share.low().max(profit.low());
    let feasible =
        (share.low() <= thrifty && thrifty > least) || (costly <= share.high() && costly < most);
    (!feasible).then(|| {
        let needed = cost_share(profit.value, share.value, ratio.value);
        let bound = if share.value > top_fifth_share(ratio.value) { "least" } else { "most" };
        Contradiction {
            moment,
            message: format!(
                "{} contradicts {} and {}: cost to engage would have to be {needed:.2} of the \
                 contribution before it",
                named(profit),
                named(&share),
                named(ratio),
            ),
            help: format!("with the other two it is at {bound} {:.2}", share.value),
        }
    })
}

fn profit_against_cost_share(
    profit: &Target,
    share: &Target,
    (ratio, cost): (&Target, &Target),
) -> Option<Contradiction> {
    let ends = |target: &Target| [target.low(), target.high()];
    // The profit share is monotone in each of the three: its range lies between corners.
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for s in ends(share) {
        for r in ends(ratio) {
            for c in ends(cost) {
                let p = profit_share(s, r, c.clamp(0.0, 0.999));
                (low, high) = (low.min(p), high.max(p));
            }
        }
    }
    (profit.high() < low || profit.low() > high).then(|| Contradiction {
        moment: Moment::TopFifthProfitShare,
        message: format!(
            "{} contradicts {}, {} and {}, which leave {low:.2} to {high:.2}",
            named(profit),
            named(share),
            named(ratio),
            named(cost),
        ),
        help: format!(
            "with the other three set `{}` to {:.2}, or with the others `{}` to {:.2}",
            Moment::TopFifthProfitShare.key(),
            profit_share(share.value, ratio.value, cost.value),
            Moment::CostShare.key(),
            cost_share(profit.value, share.value, ratio.value),
        ),
    })
}

fn repeat_against_entry(targets: &Targets) -> Option<Contradiction> {
    let moment = Moment::RepeatRevenueShare;
    let repeat = targets.get(moment)?;
    let (growth, attrition) = (targets.get(Moment::Growth)?, targets.get(Moment::AnnualAttrition)?);
    let size = |repeat: f64, rate: f64, growth: f64| {
        let entering = lost(rate) + growth;
        if entering > 0.0 { entrant_size(1.0 - repeat, lost(rate), growth) } else { f64::INFINITY }
    };
    let smallest = size(repeat.high().min(1.0), attrition.high(), growth.high());
    let largest = size(repeat.low().max(0.0), attrition.low().max(0.0), growth.low());
    (smallest > ENTRANT_LIMIT || largest < 1.0 / ENTRANT_LIMIT).then(|| {
        let alike = 1.0 - new_revenue_share(lost(attrition.value), growth.value, 1.0);
        Contradiction {
            moment,
            message: format!(
                "{} contradicts {} and {}: new customers would have to bring {:.2} times the \
                 revenue of the others, beyond {} to {ENTRANT_LIMIT}",
                named(repeat),
                named(growth),
                named(attrition),
                size(repeat.value, attrition.value, growth.value),
                1.0 / ENTRANT_LIMIT,
            ),
            help: format!("with new customers like the others `{}` is {alike:.3}", moment.key()),
        }
    })
}

fn named(target: &Target) -> String {
    format!("`{}` {} ± {}", target.moment.key(), target.value, target.within)
}
