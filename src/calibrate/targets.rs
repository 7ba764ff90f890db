//! What a world is calibrated to, as written.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::backtest::Moment;
use crate::diagnostic::{Problems, Source};

use super::identities::contradictions;

const BUILTIN: [(&str, &str); 4] = [
    ("default", include_str!("../../data/targets/default.toml")),
    ("mild", include_str!("../../data/targets/mild.toml")),
    ("kanthal", include_str!("../../data/targets/kanthal.toml")),
    ("extreme", include_str!("../../data/targets/extreme.toml")),
];

/// Built-in worlds that are calibrated, and to which targets.
const CALIBRATED: [(&str, &str); 4] = [
    ("informative", "default"),
    ("whale_mild", "mild"),
    ("whale_kanthal", "kanthal"),
    ("whale_extreme", "extreme"),
];

/// Why there are no targets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetsError {
    /// Neither built-in targets nor a readable file.
    #[error("`{name}` is neither built-in targets ({known}) nor a file that can be read: {source}")]
    Read {
        /// What was asked for.
        name: String,
        /// The built-in targets.
        known: String,
        /// Why the file cannot be read.
        source: std::io::Error,
    },
    /// The file holds no targets that a world can meet together.
    #[error("{0}")]
    Invalid(#[from] Problems),
}

/// What one moment is to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// What is meant.
    pub moment: Moment,
    /// What it is to be.
    pub value: f64,
    /// How far off it may be; its inverse is the target's weight in a fit.
    pub within: f64,
}

impl Target {
    /// Lower end of the band.
    pub fn low(&self) -> f64 {
        self.value - self.within
    }

    /// Upper end of the band.
    pub fn high(&self) -> f64 {
        self.value + self.within
    }

    /// Whether `value` lies in the band.
    pub fn contains(&self, value: f64) -> bool {
        (self.low()..=self.high()).contains(&value)
    }
}

/// What a world is calibrated to: targets that do not contradict each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets(Vec<Target>);

/// The file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    top_fifth_revenue_share: Option<Spanned<Band>>,
    top_fifth_profit_share: Option<Spanned<Band>>,
    cost_ratio: Option<Spanned<Band>>,
    revenue_ratio: Option<Spanned<Band>>,
    repeat_revenue_share: Option<Spanned<Band>>,
    cost_share: Option<Spanned<Band>>,
    growth: Option<Spanned<Band>>,
    annual_attrition: Option<Spanned<Band>>,
    contacts_mean: Option<Spanned<Band>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Band {
    value: f64,
    within: f64,
}

impl Wire {
    fn of(&self, moment: Moment) -> Option<&Spanned<Band>> {
        match moment {
            Moment::TopFifthRevenueShare => &self.top_fifth_revenue_share,
            Moment::TopFifthProfitShare => &self.top_fifth_profit_share,
            Moment::CostRatio => &self.cost_ratio,
            Moment::RevenueRatio => &self.revenue_ratio,
            Moment::RepeatRevenueShare => &self.repeat_revenue_share,
            Moment::CostShare => &self.cost_share,
            Moment::Growth => &self.growth,
            Moment::AnnualAttrition => &self.annual_attrition,
            Moment::ContactsMean => &self.contacts_mean,
        }
        .as_ref()
    }
}

impl Targets {
    /// The built-in targets called `name`, or else those in the TOML file at that path.
    ///
    /// # Errors
    ///
    /// [`TargetsError::Read`] when there is neither, [`TargetsError::Invalid`] with every problem
    /// of the file, contradictions among them, each at its line.
    pub fn load(name: &str) -> Result<Self, TargetsError> {
        if let Some((_, text)) = BUILTIN.iter().find(|(builtin, _)| *builtin == name) {
            let source = Source::new(format!("data/targets/{name}.toml"), *text);
            return Ok(Self::parse(source)?);
        }
        let text = std::fs::read_to_string(Path::new(name)).map_err(|source| {
            let known = BUILTIN.map(|(builtin, _)| builtin).join(", ");
            TargetsError::Read { name: name.to_owned(), known, source }
        })?;
        Ok(Self::parse(Source::new(name, text))?)
    }

    /// The targets that the built-in world called `world` is calibrated to, if it is.
    pub fn of_world(world: &str) -> Option<Self> {
        let (_, name) = CALIBRATED.iter().find(|(calibrated, _)| *calibrated == world)?;
        Some(Self::load(name).expect("built-in targets are valid"))
    }

    /// Reads and checks targets as written: a moment per key, each with `value` and `within`.
    ///
    /// # Errors
    ///
    /// All problems, each with its place: unknown keys, impossible values, and targets that no
    /// world meets together.
    pub fn parse(source: Source) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let place = problems.add_source(source);
        let Some(wire) = problems.parse_toml::<Wire>(place) else {
            return Err(problems);
        };
        let mut targets = Vec::new();
        for moment in Moment::ALL {
            let Some(written) = wire.of(moment) else { continue };
            let Band { value, within } = *written.get_ref();
            if let Some(rule) = broken_rule(moment, value, within) {
                let message = format!("`{}` {rule}", moment.key());
                problems.add(place, written.span(), message, None);
            }
            targets.push(Target { moment, value, within });
        }
        if targets.is_empty() {
            problems.add(
                place,
                0..0,
                "there is no target",
                Some(format!("known here: {}", keys())),
            );
        }
        let targets = Self(targets);
        if problems.diagnostics().is_empty() {
            for found in contradictions(&targets) {
                let span = wire.of(found.moment).map_or(0..0, Spanned::span);
                problems.add(place, span, found.message, Some(found.help));
            }
        }
        problems.into_result(targets)
    }

    /// The targets, in the order in which they are reported.
    pub fn as_slice(&self) -> &[Target] {
        &self.0
    }

    /// The target for `moment`.
    pub fn get(&self, moment: Moment) -> Option<&Target> {
        self.0.iter().find(|target| target.moment == moment)
    }
}

fn keys() -> String {
    Moment::ALL.map(Moment::key).join(", ")
}

/// What is impossible about a target.
fn broken_rule(moment: Moment, value: f64, within: f64) -> Option<String> {
    let (range, rule) = match moment {
        Moment::TopFifthRevenueShare | Moment::RepeatRevenueShare | Moment::CostShare => {
            (0.0..=1.0, "between 0 and 1, both excluded")
        }
        Moment::TopFifthProfitShare => (0.2..=1e3, "above 0.2: the top fifth earns most"),
        Moment::CostRatio | Moment::RevenueRatio => (0.0..=1e6, "above 0"),
        Moment::Growth => (-0.4..=0.9, "between -0.4 and 0.9"),
        Moment::AnnualAttrition => (0.0..=3.0, "between 0 and 3, both excluded"),
        Moment::ContactsMean => (1.0..=60.0, "between 1 and 60, both excluded"),
    };
    // Also false for what is not a number.
    if !(value > *range.start() && value < *range.end()) {
        return Some(format!("is {value}, expected a value {rule}"));
    }
    (!(within > 0.0 && within.is_finite()))
        .then(|| format!("has `within` {within}, expected a positive number"))
}
