//! A world: what is true in a simulation, as data.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::diagnostic::{Problems, Source};

/// What is true in a simulation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Name of the world.
    pub name: String,
    /// What is true in it, in one paragraph.
    pub description: String,
    /// Which hidden relationship drives the outcomes.
    pub coupling: Coupling,
    /// Accounts and contacts.
    pub cohort: Cohort,
    /// The hidden relationship.
    pub relationship: Relationship,
    /// What the relationship brings.
    pub outcome: OutcomeLaw,
    /// How the log came about.
    pub observation: Observation,
}

/// Which hidden relationship drives the outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coupling {
    /// The one that the recorded interactions meet and move.
    Own,
    /// A statistically similar one that no recorded interaction meets or moves: a true null.
    Independent,
}

/// Accounts and contacts.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cohort {
    /// Share of accounts that are customers when the log begins, in `[0, 1]`.
    pub installed_share: f64,
    /// Mean number of contacts at one time: 1 + negative binomial.
    pub contacts_mean: f64,
    /// Size parameter of the negative binomial; smaller is more uneven.
    pub contacts_dispersion: f64,
    /// Mean time a contact stays with the account \[days\].
    pub contact_tenure_days: f64,
    /// Mean time from first touch to contract \[days\].
    pub closing_days: f64,
    /// Segment → share; the shares sum to 1.
    pub segments: BTreeMap<String, f64>,
    /// Standard deviation of the log of an account's pace of interaction.
    pub pace_sigma: f64,
}

/// The hidden relationship: goodwill, and the four states it moves an account through.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relationship {
    /// Correlation of an interaction type's true effect with its catalogue value, in `[0, 1]`.
    pub catalogue_accuracy: f64,
    /// Seed of the true effects: they belong to the world, not to the run.
    pub effects_seed: u64,
    /// Mean monthly effect of an account's interactions, taken off before it moves goodwill.
    pub effect_centre: f64,
    /// Standard deviation of the monthly effect, divided out.
    pub effect_scale: f64,
    /// Share of goodwill kept from month to month, in `[0, 1)`.
    pub goodwill_persistence: f64,
    /// Log-odds of a move per unit of goodwill.
    pub responsiveness: f64,
    /// Log-odds of a monthly move up at no goodwill (exploration, endowment, recovery).
    pub move_up: f64,
    /// Log-odds of a monthly move down at no goodwill (neglect).
    pub move_down: f64,
    /// Log-odds of a monthly fall to the damaged state at no goodwill (betrayal).
    pub betrayal: f64,
    /// Added to the log-odds of betrayal per influence-weighted critical negative interaction.
    pub betrayal_per_critical: f64,
    /// Standard deviation between accounts of the lasting quality of their interactions.
    pub quality_sigma: f64,
    /// Factor on negative interactions by state: damaged, transactional, transitional, communal.
    pub negative_tilt: [f64; 4],
}

/// What the relationship brings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeLaw {
    /// Median monthly revenue of an account \[currency\].
    pub median_revenue: f64,
    /// Standard deviation of log size between accounts; 1.683 puts 80 % of revenue on 20 %.
    pub size_sigma: f64,
    /// Gross margin, in `[0, 1]`.
    pub gross_margin: f64,
    /// How strongly the state moves revenue: multiplies `state_effect`.
    pub strength: f64,
    /// Log revenue by state: damaged, transactional, transitional, communal.
    pub state_effect: [f64; 4],
    /// Standard deviation of the slow part of log revenue that has nothing to do with the relationship.
    pub drift_sigma: f64,
    /// Its persistence from month to month, in `[0, 1)`.
    pub drift_persistence: f64,
    /// Standard deviation of log revenue from month to month.
    pub noise_sigma: f64,
    /// Orders per month of an account of median size.
    pub orders_per_month: f64,
    /// Money per unit of catalogue cost for an account of median size \[currency\].
    pub cost_unit: f64,
    /// Unit cost grows with size to this power.
    pub cost_elasticity: f64,
    /// Cost to engage booked as a monthly retainer instead of by interaction \[catalogue cost units\].
    pub retainer: Option<f64>,
    /// Cost to serve as a share of revenue.
    pub cost_to_serve_rate: f64,
    /// Probability of leaving within a year at effect 0, in `(0, 1)`.
    pub annual_attrition: f64,
    /// Log hazard of leaving by state: damaged, transactional, transitional, communal.
    pub hazard_effect: [f64; 4],
    /// Probability that a survey is answered, in `[0, 1]`.
    pub survey_response: f64,
}

/// How the log came about.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// Probability that a row is logged late, in `[0, 1]`.
    pub late_probability: f64,
    /// Mean delay of a late row \[days\].
    pub late_mean_days: f64,
}

const BUILTIN: [(&str, &str); 2] = [
    ("informative", include_str!("../../data/worlds/informative.toml")),
    ("irrelevant", include_str!("../../data/worlds/irrelevant.toml")),
];

/// Why there is no world.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// Neither a built-in world nor a readable file.
    #[error("`{name}` is neither a built-in world ({known}) nor a file that can be read: {source}")]
    Read {
        /// What was asked for.
        name: String,
        /// The built-in worlds.
        known: String,
        /// Why the file cannot be read.
        source: std::io::Error,
    },
    /// The file is no valid world.
    #[error("{0}")]
    Invalid(#[from] Problems),
}

impl World {
    /// Names of the worlds that are part of the program.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name)
    }

    /// The built-in world called `name`, or else the world in the TOML file at that path.
    ///
    /// # Errors
    ///
    /// [`WorldError::Read`] when there is neither, [`WorldError::Invalid`] with every problem of
    /// the file, each at its line.
    pub fn load(name: &str) -> Result<Self, WorldError> {
        if let Some((_, text)) = BUILTIN.iter().find(|(builtin, _)| *builtin == name) {
            return Ok(Self::parse(Source::new(format!("data/worlds/{name}.toml"), *text))?);
        }
        let text = std::fs::read_to_string(Path::new(name)).map_err(|source| WorldError::Read {
            name: name.to_owned(),
            known: Self::builtin_names().collect::<Vec<_>>().join(", "),
            source,
        })?;
        Ok(Self::parse(Source::new(name, text))?)
    }

    /// Reads and checks a world as written.
    ///
    /// # Errors
    ///
    /// All problems, each with its place.
    pub fn parse(source: Source) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let place = problems.add_source(source);
        let Some(world) = problems.parse_toml::<Self>(place) else {
            return Err(problems);
        };
        for (key, rule) in world.broken_rules() {
            let span = key_span(&problems.sources()[place].text, key);
            problems.add(place, span, format!("`{key}` {rule}"), None);
        }
        problems.into_result(world)
    }

    /// The same world with every account a customer from the first day.
    #[must_use]
    pub fn balanced(mut self) -> Self {
        self.cohort.installed_share = 1.0;
        self
    }

    fn broken_rules(&self) -> Vec<(&'static str, &'static str)> {
        let Self { cohort, relationship, outcome, observation, .. } = self;
        let probability = |p: f64| (0.0..=1.0).contains(&p);
        let positive = |x: f64| x > 0.0 && x.is_finite();
        let non_negative = |x: f64| x >= 0.0 && x.is_finite();
        let share_sum: f64 = cohort.segments.values().sum();
        let is_probability = "must be a probability between 0 and 1";
        let days = |x: f64| x > 0.0 && x <= 36_525.0;
        let is_days = "must be a positive number of days, at most a century";
        let is_positive = "must be a positive number";
        let is_non_negative = "must not be negative";
        let is_persistence = "must be at least 0 and below 1";
        let all_finite = |values: &[f64]| values.iter().all(|v| v.is_finite());
        let is_finite = "must hold finite numbers";
        [
            (probability(cohort.installed_share), "installed_share", is_probability),
            (
                cohort.contacts_mean >= 1.0 && cohort.contacts_mean.is_finite(),
                "contacts_mean",
                "must be at least 1",
            ),
            (positive(cohort.contacts_dispersion), "contacts_dispersion", is_positive),
            (days(cohort.contact_tenure_days), "contact_tenure_days", is_days),
            (days(cohort.closing_days), "closing_days", is_days),
            (
                (share_sum - 1.0).abs() < 1e-9 && cohort.segments.values().all(|&p| probability(p)),
                "segments",
                "must be shares that sum to 1",
            ),
            (non_negative(cohort.pace_sigma), "pace_sigma", is_non_negative),
            (probability(relationship.catalogue_accuracy), "catalogue_accuracy", is_probability),
            (relationship.effect_centre.is_finite(), "effect_centre", is_finite),
            (positive(relationship.effect_scale), "effect_scale", is_positive),
            (
                (0.0..1.0).contains(&relationship.goodwill_persistence),
                "goodwill_persistence",
                is_persistence,
            ),
            (relationship.responsiveness.is_finite(), "responsiveness", is_finite),
            (relationship.move_up.is_finite(), "move_up", is_finite),
            (relationship.move_down.is_finite(), "move_down", is_finite),
            (relationship.betrayal.is_finite(), "betrayal", is_finite),
            (relationship.betrayal_per_critical.is_finite(), "betrayal_per_critical", is_finite),
            (non_negative(relationship.quality_sigma), "quality_sigma", is_non_negative),
            (
                relationship.negative_tilt.iter().all(|&tilt| positive(tilt)),
                "negative_tilt",
                "must hold positive factors",
            ),
            (positive(outcome.median_revenue), "median_revenue", is_positive),
            (non_negative(outcome.size_sigma), "size_sigma", is_non_negative),
            (probability(outcome.gross_margin), "gross_margin", is_probability),
            (outcome.strength.abs() <= 10.0, "strength", "must lie between -10 and 10"),
            (all_finite(&outcome.state_effect), "state_effect", is_finite),
            (non_negative(outcome.drift_sigma), "drift_sigma", is_non_negative),
            ((0.0..1.0).contains(&outcome.drift_persistence), "drift_persistence", is_persistence),
            (non_negative(outcome.noise_sigma), "noise_sigma", is_non_negative),
            (non_negative(outcome.orders_per_month), "orders_per_month", is_non_negative),
            (non_negative(outcome.cost_unit), "cost_unit", is_non_negative),
            (outcome.cost_elasticity.is_finite(), "cost_elasticity", is_finite),
            (outcome.retainer.is_none_or(non_negative), "retainer", is_non_negative),
            (non_negative(outcome.cost_to_serve_rate), "cost_to_serve_rate", is_non_negative),
            (
                outcome.annual_attrition > 0.0 && outcome.annual_attrition < 1.0,
                "annual_attrition",
                "must lie between 0 and 1, both excluded",
            ),
            (all_finite(&outcome.hazard_effect), "hazard_effect", is_finite),
            (probability(outcome.survey_response), "survey_response", is_probability),
            (probability(observation.late_probability), "late_probability", is_probability),
            (non_negative(observation.late_mean_days), "late_mean_days", is_non_negative),
        ]
        .into_iter()
        .filter(|(holds, _, _)| !holds)
        .map(|(_, key, rule)| (key, rule))
        .collect()
    }
}

/// Where `key` is set in a TOML text: keys of a world are unique across its tables.
fn key_span(text: &str, key: &str) -> std::ops::Range<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let name = line.trim_start().trim_start_matches('[');
        if name.starts_with(key)
            && !name[key.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
        {
            return start..start + line.trim_end().len();
        }
        start += line.len();
    }
    0..0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_worlds_are_valid_and_named_as_their_files() {
        for name in World::builtin_names() {
            assert_eq!(World::load(name).unwrap().name, name);
        }
    }

    #[test]
    fn every_broken_rule_is_reported_at_its_line() {
        let text = BUILTIN[0]
            .1
            .replace("late_probability = 0.06", "late_probability = 1.06")
            .replace("annual_attrition = 0.105", "annual_attrition = 0.0");
        let problems = World::parse(Source::new("w.toml", text)).unwrap_err();
        let messages: Vec<_> = problems.diagnostics().iter().map(|p| p.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "`annual_attrition` must lie between 0 and 1, both excluded",
                "`late_probability` must be a probability between 0 and 1"
            ]
        );
        assert!(problems.to_string().contains("late_probability = 1.06"));
    }
}
