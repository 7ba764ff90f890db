//! Worlds as written: built in or in a file, alone or as the differences from another world.

use std::ops::Range;
use std::path::Path;

use super::World;
use crate::diagnostic::{Problems, Source};

macro_rules! builtin {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../data/worlds/", $name, ".toml")))),*]
    };
}

const BUILTIN: [(&str, &str); 18] = builtin![
    "informative",
    "irrelevant",
    "mirror",
    "targeting",
    "hostage",
    "shock",
    "recession",
    "silo_blind",
    "tenure",
    "size",
    "wrong_weights",
    "dark_touches",
    "survivor",
    "reverse",
    "slope_shock",
    "whale_mild",
    "whale_kanthal",
    "whale_extreme",
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
        if let Some(source) = builtin(name) {
            return Ok(Self::parse(source)?);
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
    /// A key `base` names the built-in world from which the file states only the differences;
    /// tables are merged key by key, anything else is replaced; a criterion is not inherited.
    ///
    /// # Errors
    ///
    /// All problems, each with its place.
    pub fn parse(source: Source) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let place = problems.add_source(source);
        let Some(written) = problems.parse_toml::<toml::Table>(place) else {
            return Err(problems);
        };
        let merged = match merged(written) {
            Ok(table) => table,
            Err(message) => {
                let span = key_span(&problems.sources()[place].text, "base").unwrap_or(0..0);
                problems.add(place, span, message, None);
                return Err(problems);
            }
        };
        // What the file itself sets is what an error is about: the base is known to be valid.
        let mut whole = Problems::default();
        let merged_place = whole.add_source(Source::new("merged", merged.to_string()));
        let Some(world) = whole.parse_toml::<Self>(merged_place) else {
            let text = &whole.sources()[merged_place].text;
            for found in whole.diagnostics() {
                let key = key_at(text, found.span.start);
                let span = key_span(&problems.sources()[place].text, key).unwrap_or(0..0);
                problems.add(place, span, found.message.clone(), found.help.clone());
            }
            return Err(problems);
        };
        for (key, rule) in world.broken_rules() {
            let span = key_span(&problems.sources()[place].text, key).unwrap_or(0..0);
            problems.add(place, span, format!("`{key}` {rule}"), None);
        }
        problems.into_result(world)
    }

    fn broken_rules(&self) -> Vec<(&'static str, &'static str)> {
        let mut rules = Rules::default();
        self.check_people(&mut rules);
        self.check_relationship(&mut rules);
        self.check_outcome(&mut rules);
        self.check_market(&mut rules);
        self.check_observation(&mut rules);
        self.check_events(&mut rules);
        rules.broken
    }

    fn check_people(&self, rules: &mut Rules) {
        let Self { cohort, activity, staff, .. } = self;
        rules.number(
            "growth",
            cohort.growth > -0.5 && cohort.growth < 1.0,
            "must lie between -0.5 and 1",
        );
        rules.probability("installed_share", cohort.installed_share.unwrap_or(0.0));
        rules.effects("entrant_size", &[cohort.entrant_size]);
        rules.probability("stakeholder_share", cohort.stakeholder_share);
        let contacts = cohort.contacts_mean >= 1.0 && cohort.contacts_mean <= 60.0;
        rules.number("contacts_mean", contacts, "must lie between 1 and 60");
        rules.positive("contacts_dispersion", cohort.contacts_dispersion);
        rules.days("contact_tenure_days", cohort.contact_tenure_days);
        rules.days("closing_days", cohort.closing_days);
        rules.shares("segments", &cohort.segments.values().copied().collect::<Vec<_>>());
        rules.spread("size_error", cohort.size_error);
        let limit = cohort.size_limit.is_none_or(|limit| (0.5..=10.0).contains(&limit));
        rules.number("size_limit", limit, "must lie between 0.5 and 10");
        rules.spread("pace_sigma", activity.pace_sigma);
        rules.effects("pace_by_size", &[activity.pace_by_size]);
        rules.rates("own_pace", &[activity.own_pace]);
        rules.rates("per_purchase", &[activity.per_purchase]);
        rules.effects("target_strength", &[activity.target_strength]);
        let weights: Vec<f64> = activity.function_weights.values().copied().collect();
        rules.non_negative("function_weights", &weights);
        rules.number(
            "accounts_per_team",
            (1..=1_000).contains(&staff.accounts_per_team),
            "must lie between 1 and 1,000",
        );
        rules.spread("skill_sigma", staff.skill_sigma);
        rules.non_negative("delay_effect", &[staff.delay_effect]);
        rules.non_negative(
            "handling_hours",
            &staff.desks.values().map(|desk| desk.handling_hours).collect::<Vec<_>>(),
        );
        let manned = staff.desks.values().all(|desk| (1..=1_000).contains(&desk.members));
        rules.number("members", manned, "must lie between 1 and 1,000");
    }

    fn check_relationship(&self, rules: &mut Rules) {
        let law = &self.relationship;
        rules.number(
            "catalogue_accuracy",
            (-1.0..=1.0).contains(&law.catalogue_accuracy),
            "must lie between -1 and 1",
        );
        rules.spread("segment_sigma", law.segment_sigma);
        rules.effects("effect_centre", &[law.effect_centre]);
        rules.positive("effect_scale", law.effect_scale);
        rules.persistence("goodwill_persistence", law.goodwill_persistence);
        rules.probability("spill_over", law.spill_over);
        rules.probability("critical_cut", law.critical_cut);
        rules.non_negative("recovery_share", &[law.recovery_share]);
        rules.non_negative("recovery_within_days", &[law.recovery_within_days]);
        for (key, value) in [
            ("responsiveness", law.responsiveness),
            ("move_up", law.move_up),
            ("move_down", law.move_down),
            ("betrayal", law.betrayal),
            ("betrayal_per_critical", law.betrayal_per_critical),
        ] {
            rules.effects(key, &[value]);
        }
        rules.spread("quality_sigma", law.quality_sigma);
        let tilts = law.negative_tilt.iter().all(|&tilt| tilt > 0.0 && tilt.is_finite());
        rules.number("negative_tilt", tilts, "must hold positive factors");
    }

    fn check_outcome(&self, rules: &mut Rules) {
        let law = &self.outcome;
        rules.positive("median_wallet", law.median_wallet);
        rules.money("median_wallet", law.median_wallet);
        rules.spread("size_sigma", law.size_sigma);
        rules.probability("gross_margin", law.gross_margin);
        rules.number("strength", law.strength.abs() <= 10.0, "must lie between -10 and 10");
        rules.effects("slope_mean", &[law.slope_mean]);
        rules.spread("slope_sigma", law.slope_sigma);
        rules.persistence("slope_persistence", law.slope_persistence);
        rules.effects("state_effect", &law.state_effect);
        rules.effects("age_effect", &[law.age_effect]);
        rules.spread("drift_sigma", law.drift_sigma);
        rules.persistence("drift_persistence", law.drift_persistence);
        rules.spread("noise_sigma", law.noise_sigma);
        rules.rates("orders_per_month", &[law.orders_per_month]);
        rules.money("cost_unit", law.cost_unit);
        rules.effects("cost_elasticity", &[law.cost_elasticity]);
        rules.money("retainer", law.retainer.unwrap_or(0.0));
        rules.non_negative("cost_to_serve_rate", &[law.cost_to_serve_rate]);
        rules.non_negative("effort_minute", &[law.effort_minute]);
        let attrition = law.annual_attrition > 0.0 && law.annual_attrition < 1.0;
        rules.number("annual_attrition", attrition, "must lie between 0 and 1, both excluded");
        let shape = law.order_shape.is_none_or(|shape| (0.01..=1e6).contains(&shape));
        rules.number("order_shape", shape, "must lie between 0.01 and 1e6");
        let dropout = law.dropout.is_none_or(|dropout| {
            (1e-6..1.0).contains(&dropout.mean) && (0.01..=1e6).contains(&dropout.concentration)
        });
        rules.number(
            "dropout",
            dropout,
            "needs a mean between 1e-6 and 1 and a concentration between 0.01 and 1e6",
        );
        let alike = law.attrition_concentration.is_none_or(|sum| (0.01..=1e6).contains(&sum));
        rules.number("attrition_concentration", alike, "must lie between 0.01 and 1e6");
        rules.probability("unrelated_attrition", law.unrelated_attrition);
        rules.effects("hazard_effect", &law.hazard_effect);
    }

    fn check_market(&self, rules: &mut Rules) {
        let Self { market, contract, survey, ledger, .. } = self;
        rules.shares("rivals", &market.rivals);
        rules.effects("share_base", &[market.share_base]);
        rules.effects("share_slope", &[market.share_slope]);
        rules.spread("preference_sigma", market.preference_sigma);
        rules.spread("rival_sigma", market.rival_sigma);
        rules.persistence("rival_persistence", market.rival_persistence);
        rules.shares("dimensions", &market.dimensions.values().copied().collect::<Vec<_>>());
        rules.spread("dimension_sigma", market.dimension_sigma);
        rules.spread("wallet_error", market.wallet_error);
        rules.shares("terms", &contract.terms);
        rules.non_negative("lock_in", &[contract.lock_in]);
        rules.non_negative("release", &[contract.release]);
        rules.number("every_months", survey.every_months >= 1, "must be at least 1");
        rules.probability("response", survey.response);
        rules.effects("response_effect", &survey.response_effect);
        rules.spread("answer_sigma", survey.answer_sigma);
        rules.effects("asking_effect", &[survey.asking_effect]);
        rules.rates("per_year", &ledger.per_year);
        rules.effects("advantage_effect", &[ledger.advantage_effect]);
        rules.probability("given_share", ledger.given_share);
    }

    fn check_observation(&self, rules: &mut Rules) {
        let law = &self.observation;
        rules.probability("late_probability", law.late_probability);
        rules.non_negative("late_mean_days", &[law.late_mean_days]);
        rules.number(
            "unlogged",
            (0.0..1.0).contains(&law.unlogged),
            "must be at least 0 and below 1",
        );
        rules.effects("unlogged_effect", &law.unlogged_effect);
        rules.probability("duplicated", law.duplicated);
        rules.probability("miskeyed", law.miskeyed);
    }

    fn check_events(&self, rules: &mut Rules) {
        // Who takes part, and who is treated, is kept in the bits of one number.
        rules.number("initiatives", self.initiatives.len() <= 64, "must be at most 64");
        rules.number("interventions", self.interventions.len() <= 64, "must be at most 64");
        for initiative in &self.initiatives {
            rules.probability("participation", initiative.participation);
            rules.rates("per_month", &[initiative.per_month]);
            rules.shares("mix", &initiative.mix.values().copied().collect::<Vec<_>>());
        }
        let ascending = self.regimes.is_sorted_by(|a, b| a.from_month < b.from_month);
        rules.number("regimes", ascending, "must be in order of `from_month`");
        for regime in &self.regimes {
            rules.positive("wallet", regime.wallet);
            rules.effects("strength", &[regime.strength]);
            rules.non_negative("hazard", &[regime.hazard]);
        }
        for intervention in &self.interventions {
            rules.probability("share", intervention.share);
            rules.rates("per_month", &[intervention.per_month]);
        }
    }
}

/// Broken rules so far: key and rule.
#[derive(Debug, Default)]
struct Rules {
    broken: Vec<(&'static str, &'static str)>,
}

impl Rules {
    fn number(&mut self, key: &'static str, holds: bool, rule: &'static str) {
        if !holds {
            self.broken.push((key, rule));
        }
    }

    fn probability(&mut self, key: &'static str, p: f64) {
        self.number(key, (0.0..=1.0).contains(&p), "must be a probability between 0 and 1");
    }

    fn persistence(&mut self, key: &'static str, p: f64) {
        self.number(key, (0.0..1.0).contains(&p), "must be at least 0 and below 1");
    }

    fn positive(&mut self, key: &'static str, x: f64) {
        self.number(key, x > 0.0 && x.is_finite(), "must be a positive number");
    }

    fn non_negative(&mut self, key: &'static str, xs: &[f64]) {
        let holds = xs.iter().all(|&x| x >= 0.0 && x.is_finite());
        self.number(key, holds, "must be a number that is not negative");
    }

    fn spread(&mut self, key: &'static str, x: f64) {
        let rule = "must be a standard deviation between 0 and 5";
        self.number(key, (0.0..=5.0).contains(&x), rule);
    }

    fn rates(&mut self, key: &'static str, xs: &[f64]) {
        let holds = xs.iter().all(|x| (0.0..=1_000.0).contains(x));
        self.number(key, holds, "must lie between 0 and 1,000");
    }

    fn money(&mut self, key: &'static str, x: f64) {
        self.number(key, (0.0..=1e12).contains(&x), "must lie between 0 and 1e12");
    }

    fn effects(&mut self, key: &'static str, xs: &[f64]) {
        let holds = xs.iter().all(|x| (-20.0..=20.0).contains(x));
        self.number(key, holds, "must lie between -20 and 20");
    }

    fn days(&mut self, key: &'static str, x: f64) {
        let rule = "must be a positive number of days, at most a century";
        self.number(key, x > 0.0 && x <= 36_525.0, rule);
    }

    fn shares(&mut self, key: &'static str, shares: &[f64]) {
        let sum: f64 = shares.iter().sum();
        let each = shares.iter().all(|p| (0.0..=1.0).contains(p));
        self.number(key, each && (sum - 1.0).abs() < 1e-9, "must be shares that sum to 1");
    }
}

fn builtin(name: &str) -> Option<Source> {
    let (_, text) = BUILTIN.iter().find(|(builtin, _)| *builtin == name)?;
    Some(Source::new(format!("data/worlds/{name}.toml"), *text))
}

/// The table with everything its base sets and it does not.
fn merged(mut written: toml::Table) -> Result<toml::Table, String> {
    let Some(base) = written.remove("base") else { return Ok(written) };
    let known = || World::builtin_names().collect::<Vec<_>>().join(", ");
    let source = base.as_str().and_then(builtin);
    let source =
        source.ok_or_else(|| format!("`base` {base} is no built-in world: {}", known()))?;
    let base: toml::Table = source.text.parse().expect("a built-in world is TOML");
    let mut whole = merged(base)?;
    // A criterion says what a world's own paragraph means.
    whole.remove("criterion");
    overlay(&mut whole, written);
    Ok(whole)
}

fn overlay(below: &mut toml::Table, above: toml::Table) {
    // Maps of names to shares are one value: a new set of segments replaces the old one.
    const WHOLE: [&str; 6] =
        ["segments", "mix", "dimensions", "desks", "function_weights", "criterion"];
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new))
                if !WHOLE.contains(&key.as_str()) =>
            {
                overlay(old, new);
            }
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

/// The key whose line holds the byte at `offset`.
fn key_at(text: &str, offset: usize) -> &str {
    let start = text[..offset].rfind('\n').map_or(0, |end| end + 1);
    let line = text[start..].lines().next().unwrap_or("");
    let name = line.trim_start().trim_start_matches('[');
    name.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).next().unwrap_or("")
}

/// Where `key` is first set in a TOML text; a few keys occur in several tables of a world.
fn key_span(text: &str, key: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let name = line.trim_start().trim_start_matches('[');
        if name.starts_with(key)
            && !name[key.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
        {
            return Some(start..start + line.trim_end().len());
        }
        start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_worlds_are_valid_and_named_as_their_files() {
        for name in World::builtin_names() {
            match World::load(name) {
                Ok(world) => assert_eq!(world.name, name),
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn messages(text: &str) -> (Vec<String>, String) {
        let problems = World::parse(Source::new("w.toml", text)).unwrap_err();
        let messages = problems.diagnostics().iter().map(|p| p.message.clone()).collect();
        (messages, problems.to_string())
    }

    #[test]
    fn every_broken_rule_is_reported_at_its_line() {
        let text = "base = \"informative\"\nname = \"mine\"\n[outcome]\nannual_attrition = 0.0\n\
                    [observation]\nlate_probability = 1.06\n";
        let (messages, printed) = messages(text);
        assert_eq!(
            messages,
            [
                "`annual_attrition` must lie between 0 and 1, both excluded",
                "`late_probability` must be a probability between 0 and 1"
            ]
        );
        assert!(printed.contains("late_probability = 1.06"), "{printed}");
    }

    #[test]
    fn an_unknown_key_is_shown_where_the_file_has_it() {
        let text = "base = \"informative\"\nname = \"mine\"\n[outcome]\nstrenght = 0.1\n";
        let (messages, printed) = messages(text);
        assert_eq!(messages, ["unknown key `strenght`"]);
        assert!(printed.contains("w.toml:4"), "{printed}");
        assert!(printed.contains("strength"), "{printed}");
    }

    #[test]
    fn a_base_that_is_not_built_in_is_named() {
        let (messages, _) = messages("base = \"informativ\"\nname = \"mine\"\n");
        assert!(messages[0].starts_with("`base` \"informativ\" is no built-in world"));
    }

    #[test]
    fn a_world_states_only_its_differences() {
        let text = "base = \"informative\"\nname = \"mine\"\n[outcome]\nstrength = 0.0\n\
                    [cohort]\nsegments = { all = 1.0 }\n";
        let world = World::parse(Source::new("w.toml", text)).unwrap();
        let mut expected = World::load("informative").unwrap();
        (expected.name, expected.criterion) = ("mine".to_owned(), None);
        expected.outcome.strength = 0.0;
        expected.cohort.segments = [("all".to_owned(), 1.0)].into();
        assert_eq!(world, expected);
    }
}
