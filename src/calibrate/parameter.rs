//! The numbers of a world that a fit may change.

use crate::backtest::Moment;
use crate::simulate::World;

use super::targets::Targets;

/// A number of a world that a fit may change; each is free when a moment that it moves first of
/// all has a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// Spread of log size: concentration of revenue.
    SizeSigma,
    /// How cost to engage grows with size: cost ratio.
    CostElasticity,
    /// Level of cost to engage: concentration of profit.
    CostUnit,
    /// Growth of the number of customers.
    Growth,
    /// Risk of leaving.
    AnnualAttrition,
    /// Size of the buying group.
    ContactsMean,
    /// Log size of entrants: revenue from new customers.
    EntrantSize,
}

impl Parameter {
    /// All of them, in the order in which they are reported.
    pub const ALL: [Self; 7] = [
        Self::SizeSigma,
        Self::CostElasticity,
        Self::CostUnit,
        Self::Growth,
        Self::AnnualAttrition,
        Self::ContactsMean,
        Self::EntrantSize,
    ];

    /// Table and key in the file of a world.
    pub const fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::SizeSigma => ("outcome", "size_sigma"),
            Self::CostElasticity => ("outcome", "cost_elasticity"),
            Self::CostUnit => ("outcome", "cost_unit"),
            Self::Growth => ("cohort", "growth"),
            Self::AnnualAttrition => ("outcome", "annual_attrition"),
            Self::ContactsMean => ("cohort", "contacts_mean"),
            Self::EntrantSize => ("cohort", "entrant_size"),
        }
    }

    /// The parameters that `targets` leave to a fit: never more than there are targets.
    pub(super) fn free(targets: &Targets) -> Vec<Self> {
        let set = |moment: &Moment| targets.get(*moment).is_some();
        Self::ALL.into_iter().filter(|parameter| parameter.moved().iter().any(set)).collect()
    }

    const fn moved(self) -> &'static [Moment] {
        match self {
            Self::SizeSigma => &[Moment::TopFifthRevenueShare, Moment::RevenueRatio],
            Self::CostElasticity => &[Moment::CostRatio],
            Self::CostUnit => &[Moment::TopFifthProfitShare, Moment::CostShare],
            Self::Growth => &[Moment::Growth],
            Self::AnnualAttrition => &[Moment::AnnualAttrition],
            Self::ContactsMean => &[Moment::ContactsMean],
            Self::EntrantSize => &[Moment::RepeatRevenueShare],
        }
    }

    /// What it is in `world`.
    pub const fn of(self, world: &World) -> f64 {
        match self {
            Self::SizeSigma => world.outcome.size_sigma,
            Self::CostElasticity => world.outcome.cost_elasticity,
            Self::CostUnit => world.outcome.cost_unit,
            Self::Growth => world.cohort.growth,
            Self::AnnualAttrition => world.outcome.annual_attrition,
            Self::ContactsMean => world.cohort.contacts_mean,
            Self::EntrantSize => world.cohort.entrant_size,
        }
    }

    pub(super) const fn set(self, world: &mut World, value: f64) {
        *match self {
            Self::SizeSigma => &mut world.outcome.size_sigma,
            Self::CostElasticity => &mut world.outcome.cost_elasticity,
            Self::CostUnit => &mut world.outcome.cost_unit,
            Self::Growth => &mut world.cohort.growth,
            Self::AnnualAttrition => &mut world.outcome.annual_attrition,
            Self::ContactsMean => &mut world.cohort.contacts_mean,
            Self::EntrantSize => &mut world.cohort.entrant_size,
        } = value;
    }

    /// The coordinate in which a fit moves it: any real number is a valid world.
    pub(super) fn coordinate(self, value: f64) -> f64 {
        match self {
            Self::SizeSigma | Self::CostUnit => value.max(SMALLEST).ln(),
            Self::AnnualAttrition => (value / (1.0 - value)).ln(),
            Self::ContactsMean => (value - 1.0).max(SMALLEST).ln(),
            Self::CostElasticity | Self::Growth | Self::EntrantSize => value,
        }
    }

    /// The parameter at a coordinate.
    pub(super) fn at(self, coordinate: f64) -> f64 {
        match self {
            Self::SizeSigma | Self::CostUnit => coordinate.exp(),
            Self::AnnualAttrition => 1.0 / (1.0 + (-coordinate).exp()),
            Self::ContactsMean => (1.0 + coordinate.exp()).min(60.0),
            Self::Growth => coordinate.clamp(-0.4, 0.9),
            Self::CostElasticity | Self::EntrantSize => coordinate,
        }
    }

    /// Derivative of the parameter by its coordinate.
    pub(super) fn slope(self, value: f64) -> f64 {
        match self {
            Self::SizeSigma | Self::CostUnit => value,
            Self::AnnualAttrition => value * (1.0 - value),
            Self::ContactsMean => value - 1.0,
            Self::CostElasticity | Self::Growth | Self::EntrantSize => 1.0,
        }
    }

    /// Step of the first differences: large against the jumps of a finite cohort, small against
    /// the bends of its moments.
    pub(super) const fn step(self) -> f64 {
        match self {
            Self::SizeSigma => 0.04,
            Self::CostElasticity => 0.05,
            Self::CostUnit | Self::ContactsMean => 0.1,
            Self::Growth => 0.02,
            Self::AnnualAttrition | Self::EntrantSize => 0.2,
        }
    }
}

/// Where a logarithm needs a positive number.
const SMALLEST: f64 = 1e-3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_what_was_set_and_the_way_to_its_coordinate_leads_back() {
        let before = World::load("informative").unwrap();
        for parameter in Parameter::ALL {
            let mut world = before.clone();
            let value = 1.07 * parameter.of(&before) + 0.01;
            parameter.set(&mut world, value);
            assert!((parameter.of(&world) - value).abs() < 1e-12, "{parameter:?}");
            let u = parameter.coordinate(value);
            assert!((parameter.at(u) - value).abs() < 1e-12, "{parameter:?}");
            let slope = (parameter.at(u + 1e-6) - parameter.at(u - 1e-6)) / 2e-6;
            assert!((slope - parameter.slope(value)).abs() < 1e-6, "{parameter:?}");
            for other in Parameter::ALL.into_iter().filter(|other| *other != parameter) {
                assert!((other.of(&world) - other.of(&before)).abs() < 1e-12, "{other:?}");
            }
        }
    }
}
