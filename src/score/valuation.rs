//! The catalogue's values, arranged by the types of one log.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{ScoreError, UnknownType};
use crate::flow::{Catalogue, CatalogueEntry, Worth};
use crate::ids::{TypeIndex, TypeNames};
use crate::interaction::{Direction, Failure, Interaction, Stage};

/// The catalogue's values, arranged by the types of one log.
#[derive(Debug, Clone)]
pub struct Valuation {
    base: Vec<TypeValue>,
    /// Only segments for which the catalogue overrides a value.
    segments: BTreeMap<String, Vec<TypeValue>>,
    functions: Vec<String>,
}

/// What one interaction of a type is worth, unless its row says otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TypeValue {
    pub(super) rv: f64,
    /// How many base values of the type that is; absent where no number of them is.
    pub(super) multiple: Option<f64>,
    pub(super) variable_cost: f64,
    pub(super) customer_effort: f64,
    pub(super) transactional: bool,
    pub(super) emotional: bool,
    pub(super) failure: Option<Failure>,
    pub(super) recovery: bool,
    pub(super) stage: Stage,
    pub(super) direction: Direction,
    pub(super) function: u16,
    pub(super) level: Option<u16>,
}

impl TypeValue {
    fn new(entry: &CatalogueEntry, worth: Worth, (function, level): (u16, Option<u16>)) -> Self {
        Self {
            rv: worth.rv,
            multiple: multiple(worth.rv, entry.worth.rv),
            variable_cost: worth.variable_cost,
            customer_effort: entry.customer_effort,
            transactional: entry.transactional,
            emotional: entry.emotional,
            failure: entry.failure,
            recovery: entry.recovery,
            stage: entry.stage,
            direction: entry.direction,
            function,
            level,
        }
    }
}

impl Valuation {
    /// Arranges the values of `catalogue` by the positions of `types`.
    ///
    /// # Errors
    ///
    /// [`ScoreError::UnknownTypes`] listing every type of the log that the catalogue lacks.
    pub fn new(catalogue: &Catalogue, types: &TypeNames) -> Result<Self, ScoreError> {
        let known = || catalogue.entries().iter().map(|entry| entry.interaction_type.as_str());
        let mut entries = Vec::with_capacity(types.len());
        let mut unknown = Vec::new();
        for name in types.iter() {
            match catalogue.get(name) {
                Some(entry) => entries.push(entry),
                None => unknown.push(UnknownType::new(name, known())),
            }
        }
        if !unknown.is_empty() {
            let catalogue = catalogue.version().to_owned();
            return Err(ScoreError::UnknownTypes { catalogue, unknown });
        }
        let functions = ranks(catalogue.entries().iter().map(|entry| entry.function.as_str()));
        let levels = levels(catalogue);
        let places = |entry: &CatalogueEntry| {
            let level = entry.trigger_to.as_deref().map(|level| position(&levels, level));
            (position(&functions, &entry.function) - 1, level)
        };
        let values = |segment: Option<&str>| -> Vec<TypeValue> {
            let value = |entry: &&CatalogueEntry| {
                TypeValue::new(entry, entry.worth_in(segment), places(entry))
            };
            entries.iter().map(value).collect()
        };
        let segments = entries
            .iter()
            .flat_map(|entry| &entry.overrides)
            .map(|(segment, _)| (segment.clone(), values(Some(segment))))
            .collect();
        let base = values(None);
        let functions = functions.into_iter().chain([OTHER_FUNCTION]).map(str::to_owned).collect();
        Ok(Self { base, segments, functions })
    }

    /// Functions of the firm, as [`ValuedInteraction::function`](super::ValuedInteraction::function) counts them.
    pub fn functions(&self) -> &[String] {
        &self.functions
    }

    /// Positions of the functions that non-transactional types have, each with the signs of their values.
    pub(super) fn functions_and_signs(&self) -> BTreeSet<(u16, bool)> {
        let types = self.base.iter().filter(|value| !value.transactional);
        types.map(|value| (value.function, value.rv < 0.0)).collect()
    }

    /// Value of a type where no segment overrides it.
    pub fn base_value(&self, kind: TypeIndex) -> f64 {
        self.base[usize::from(kind.0)].rv
    }

    /// Whether a type is a purchase, renewal or invoice (rule R1).
    pub fn is_transactional(&self, kind: TypeIndex) -> bool {
        self.base[usize::from(kind.0)].transactional
    }

    /// Whether a type is critical: it can destroy goodwill.
    pub fn is_critical(&self, kind: TypeIndex) -> bool {
        self.base[usize::from(kind.0)].failure.is_some()
    }

    /// The values for `segment`: the catalogue's own, where it overrides none there.
    pub(super) fn of_segment(&self, segment: Option<&str>) -> &[TypeValue] {
        segment.and_then(|id| self.segments.get(id)).unwrap_or(&self.base)
    }

    /// What the segment that `row` names makes of its type; absent where it names none.
    pub(super) fn of_row(&self, row: &Interaction) -> Option<&TypeValue> {
        let segment = row.details.as_deref()?.segment_id.as_deref()?;
        self.of_segment(Some(segment)).get(usize::from(row.kind.0))
    }

    /// Position of the function that `row` names; absent where it names none.
    pub(super) fn function_of_row(&self, row: &Interaction) -> Option<u16> {
        let name = row.details.as_deref()?.function.as_deref()?;
        Some(position_or_last(&self.functions, name))
    }
}

/// `value` over `base`, where it is a multiple of it.
fn multiple(value: f64, base: f64) -> Option<f64> {
    if value.to_bits() == base.to_bits() { Some(1.0) } else { (base != 0.0).then(|| value / base) }
}

/// Position of `name`, or that of the last, which stands for all others.
fn position_or_last(names: &[String], name: &str) -> u16 {
    names.iter().position(|known| known == name).unwrap_or(names.len() - 1) as u16
}

/// Function of a row that names one which no type of the catalogue has.
const OTHER_FUNCTION: &str = "another function";

/// Each of `names` once, in order of first appearance.
fn ranks<'n>(names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let mut all = Vec::new();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// Levels to which types move a contact: by stage of the first type that does, then as listed.
fn levels(catalogue: &Catalogue) -> Vec<&str> {
    let moves = |stage: Stage| {
        let of_stage = catalogue.entries().iter().filter(move |entry| entry.stage == stage);
        of_stage.filter_map(|entry| entry.trigger_to.as_deref())
    };
    ranks(Stage::ALL.into_iter().flat_map(moves))
}

/// Position of `name`, from 1.
fn position(all: &[&str], name: &str) -> u16 {
    all.iter().position(|known| *known == name).map_or(0, |at| at as u16 + 1)
}
