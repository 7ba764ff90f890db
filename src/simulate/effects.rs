//! The true effect of each interaction type, which Relationship Value only observes.

use rand_distr::{Distribution, StandardNormal};

use crate::flow::Flow;
use crate::ids::{AccountIndex, ContactIndex};
use crate::interaction::Stage;
use crate::rng::{Draws, Purpose, Streams};

use super::world;

/// The true effect of each type by segment, in order of catalogue position.
///
/// ```text
/// e = m + ρ (v − m) + √(1 − ρ²) s u + τ s z      v: relative value in the segment
/// ```
///
/// `m` and `s` are mean and standard deviation of the values, weighted by how often the retention
/// levels bring each type; `u` is a draw freed of its correlation with the values, so that the
/// weighted correlation of effects and values is ρ exactly; `z` is the segment's own part.
pub(super) fn true_effects(
    flow: &Flow,
    segments: &[String],
    params: &world::Relationship,
) -> Vec<Vec<f64>> {
    let entries = flow.catalogue().entries();
    let weights = frequencies(flow);
    let values: Vec<f64> = entries.iter().map(|entry| entry.worth.rv).collect();
    let (mean, sd) = moments(&values, &weights);
    let root = Streams::new(params.effects_seed);
    let draws = |segment: usize| {
        root.draws(Purpose::Effects, AccountIndex(0), ContactIndex(segment as u16))
    };
    let residual = residual(&values, &weights, draws(0));
    let accuracy = params.catalogue_accuracy;
    let blur = (1.0 - accuracy * accuracy).sqrt() * sd;
    let effects_in = |(segment, name): (usize, &String)| {
        let own = draws(segment + 1);
        let effect = |(kind, entry): (usize, &crate::flow::CatalogueEntry)| {
            let z: f64 = StandardNormal.sample(&mut own.stream(kind as u64));
            let value = entry.worth_in(Some(name)).rv;
            mean + accuracy * (value - mean) + blur * residual[kind] + params.segment_sigma * sd * z
        };
        entries.iter().enumerate().map(effect).collect()
    };
    segments.iter().enumerate().map(effects_in).collect()
}

/// How often the retention levels bring each type, on average over levels; a little for the others.
fn frequencies(flow: &Flow) -> Vec<f64> {
    let mut weights = vec![1e-3; flow.catalogue().entries().len()];
    for level in flow.levels().iter().filter(|level| level.stage == Stage::Retention) {
        for (kind, count) in level.expected_interactions() {
            weights[usize::from(kind.0)] += count;
        }
    }
    let total: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= total;
    }
    weights
}

fn moments(values: &[f64], weights: &[f64]) -> (f64, f64) {
    let mean = dot(values, weights);
    let variance: f64 = values.iter().zip(weights).map(|(v, w)| w * (v - mean).powi(2)).sum();
    (mean, variance.sqrt())
}

/// Standard normal draws, freed of mean and correlation with `values` and scaled to variance 1,
/// all weighted.
fn residual(values: &[f64], weights: &[f64], draws: Draws) -> Vec<f64> {
    let drawn: Vec<f64> = (0..values.len())
        .map(|kind| StandardNormal.sample(&mut draws.stream(kind as u64)))
        .collect();
    let ((mean, sd), (centre, _)) = (moments(values, weights), moments(&drawn, weights));
    let covariance: f64 =
        (0..values.len()).map(|k| weights[k] * (values[k] - mean) * (drawn[k] - centre)).sum();
    let slope = if sd > 0.0 { covariance / (sd * sd) } else { 0.0 };
    let free: Vec<f64> =
        drawn.iter().zip(values).map(|(u, v)| u - centre - slope * (v - mean)).collect();
    let (_, scale) = moments(&free, weights);
    free.into_iter().map(|u| if scale > 0.0 { u / scale } else { 0.0 }).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::World;

    #[test]
    fn effects_correlate_with_catalogue_values_as_the_world_says() {
        let flow = Flow::builtin();
        let mut params = World::load("informative").unwrap().relationship;
        params.segment_sigma = 0.0;
        let values: Vec<f64> = flow.catalogue().entries().iter().map(|e| e.worth.rv).collect();
        let weights = frequencies(&flow);
        for accuracy in [-0.5, 0.0, 0.85, 1.0] {
            params.catalogue_accuracy = accuracy;
            // A segment without overrides: the values are those of the catalogue.
            let effects = &true_effects(&flow, &["elsewhere".to_owned()], &params)[0];
            let ((mv, sv), (me, se)) = (moments(&values, &weights), moments(effects, &weights));
            let cross: f64 =
                (0..values.len()).map(|k| weights[k] * (values[k] - mv) * (effects[k] - me)).sum();
            assert!((cross / (sv * se) - accuracy).abs() < 1e-9, "{accuracy}");
            assert!((mv - me).abs() < 1e-9 && (sv - se).abs() < 1e-9);
        }
    }
}
