//! Tables that turn 32 random bits into an outcome or a wait, in constant time.

use crate::flow::SojournLaw;

const MICROS_PER_DAY: f64 = 86_400_000_000.0;

/// 2³², the number of values of 32 bits.
const RANGE: f64 = 4_294_967_296.0;

/// A discrete law as a table of slots of equal probability, each shared by two outcomes.
///
/// # Source
///
/// Walker (1977), *ACM Trans. Math. Softw.* 3(3), 253-256; built as in Vose (1991), *IEEE Trans.
/// Softw. Eng.* 17(9), 972-975.
#[derive(Debug, Clone)]
pub(super) struct AliasTable<T> {
    slots: Box<[Slot<T>]>,
}

#[derive(Debug, Clone, Copy)]
struct Slot<T> {
    /// Of 2³² equal parts of the slot, those that belong to `own`.
    own_parts: u32,
    /// The slot's own outcome and the other: an array, so that picking takes no branch.
    outcomes: [T; 2],
}

impl<T: Copy> AliasTable<T> {
    /// The law of `outcomes` with weights that need not sum to 1; `None` without positive weight.
    ///
    /// Probabilities are exact to 2⁻³² per slot.
    pub(super) fn new(outcomes: impl Iterator<Item = (T, f64)>) -> Option<Self> {
        let outcomes: Vec<(T, f64)> = outcomes.filter(|(_, weight)| *weight > 0.0).collect();
        let total: f64 = outcomes.iter().map(|(_, weight)| weight).sum();
        let scale = outcomes.len() as f64 / total;
        let mut left: Vec<f64> = outcomes.iter().map(|(_, weight)| weight * scale).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..left.len()).partition(|&position| left[position] < 1.0);
        let whole = |&(outcome, _): &(T, f64)| Slot { own_parts: 0, outcomes: [outcome; 2] };
        let mut slots: Vec<Slot<T>> = outcomes.iter().map(whole).collect();
        while let (Some(poor), Some(&rich)) = (small.pop(), large.last()) {
            slots[poor].own_parts = (left[poor] * RANGE) as u32;
            slots[poor].outcomes[1] = outcomes[rich].0;
            left[rich] -= 1.0 - left[poor];
            if left[rich] < 1.0 {
                large.pop();
                small.push(rich);
            }
        }
        (!slots.is_empty()).then(|| Self { slots: slots.into() })
    }

    /// The outcome that `bits` draw.
    #[inline]
    pub(super) fn pick(&self, bits: u32) -> T {
        let place = u64::from(bits) * self.slots.len() as u64;
        let slot = &self.slots[(place >> 32) as usize];
        slot.outcomes[usize::from(place as u32 >= slot.own_parts)]
    }
}

/// Cells per factor of 2 in probability: 2⁶.
const CELL_BITS: u32 = 6;

/// Cells of one half: 32 factors of 2, from 2⁻³³ to 1/2.
const CELLS: usize = 32 << CELL_BITS;

/// Bits of the number ½ as far as they name a cell.
const FIRST_CELL: u64 = 0.5_f64.to_bits() >> (52 - CELL_BITS);

/// How far the mean of a table is moved at most to equal that of its law.
const MOST_CORRECTION: f64 = 1e-3;

/// The quantile function of a law of waits, linear between knots.
///
/// ```text
/// knots at probabilities 2^(e−32)·(1 + m/64) from below and from above,  e = −1..30, m = 0..63
/// ```
///
/// So cells shrink with the tail that they cut: between the shares 2⁻³³ and 1 − 2⁻³³ the relative
/// error of a quantile is below 1e-3 for Weibull and gamma shapes of at least .3 and log-normal
/// σ up to 2, and mostly below 1e-4. At a break of a piecewise law it is at most 2⁻⁸ of the
/// quantile times the relative jump of the hazard, and an empirical law is smoothed over one cell.
/// The mean is that of the law: the knots are scaled by the ratio of the two means, which differs
/// from 1 by less than 1e-3, or else (a mean that lives beyond 1 − 2⁻³³) not scaled further.
#[derive(Debug, Clone)]
pub(super) struct QuantileTable {
    /// The lower half, then the upper one \[µs\].
    knots: Box<[f64]>,
}

impl QuantileTable {
    pub(super) fn new(law: &SojournLaw) -> Self {
        let knot = |position: usize| {
            let cell = FIRST_CELL + (position % (CELLS + 1)) as u64;
            let share = f64::from_bits(cell << (52 - CELL_BITS)) / RANGE;
            let (lower, upper) =
                if position <= CELLS { (share, 1.0 - share) } else { (1.0 - share, share) };
            (share, law.quantile_between(lower, upper) * MICROS_PER_DAY)
        };
        let knots: Vec<(f64, f64)> = (0..2 * (CELLS + 1)).map(knot).collect();
        let mut mean = 0.0;
        for half in knots.chunks(CELLS + 1) {
            mean += half[0].0 * half[0].1;
            for cell in half.windows(2) {
                mean += (cell[1].0 - cell[0].0) * 0.5 * (cell[0].1 + cell[1].1);
            }
        }
        let ratio = law.mean_days() * MICROS_PER_DAY / mean;
        let ratio = ratio.clamp(1.0 - MOST_CORRECTION, 1.0 + MOST_CORRECTION);
        Self { knots: knots.into_iter().map(|(_, wait)| wait * ratio).collect() }
    }

    /// The wait \[µs\] at the share `(bits + ½)/2³²`.
    pub(super) fn at(&self, bits: u32) -> f64 {
        self.at_place(Place::of(bits))
    }

    /// The wait \[µs\] at a place that was found before the law was known.
    #[inline]
    pub(super) fn at_place(&self, place: Place) -> f64 {
        let position = place.knot as usize;
        let (left, right) = (self.knots[position], self.knots[position + 1]);
        left + place.within * (right - left)
    }
}

/// Where 32 random bits fall in every [`QuantileTable`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    /// The knot before it.
    knot: u32,
    /// How far it is to the next knot, in `[0, 1)`.
    within: f64,
}

impl Place {
    #[inline]
    pub(super) fn of(bits: u32) -> Self {
        const MANTISSA: u64 = (1 << 52) - 1;
        let is_upper = bits >> 31;
        let from_end = bits ^ is_upper.wrapping_neg();
        let share = (f64::from(from_end) + 0.5).to_bits();
        let cell = ((share >> (52 - CELL_BITS)) - FIRST_CELL) as u32;
        let within = f64::from_bits(((share << CELL_BITS) & MANTISSA) | 1.0_f64.to_bits()) - 1.0;
        Self { knot: cell + is_upper * (CELLS as u32 + 1), within }
    }
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF, Gamma, LogNormal, Weibull};

    use super::*;
    use crate::rng::{Purpose, Streams};

    #[test]
    fn an_alias_table_gives_each_outcome_its_weight() {
        let weights = [0.002, 3.0, 0.0, 0.5, 0.498, 1.0];
        let table = AliasTable::new(weights.iter().copied().enumerate()).unwrap();
        // Every slot is visited evenly: the count is exact to the slots at its edges.
        let n = 1 << 20;
        let mut counts = [0_u32; 6];
        for draw in 0..n {
            counts[table.pick(draw << 12)] += 1;
        }
        for (count, weight) in counts.into_iter().zip(weights) {
            let expected = weight / 5.0 * f64::from(n);
            assert!((f64::from(count) - expected).abs() <= 12.0, "{weight}: {count}");
        }
        assert!(AliasTable::new([(1, 0.0)].into_iter()).is_none());
    }

    fn laws() -> Vec<(SojournLaw, Box<dyn ContinuousCDF<f64, f64>>)> {
        let mut laws: Vec<(SojournLaw, Box<dyn ContinuousCDF<f64, f64>>)> = Vec::new();
        for shape in [0.3, 0.8, 1.0, 2.0, 20.0] {
            let weibull = SojournLaw::Weibull { shape, scale_days: 25.0 };
            laws.push((weibull, Box::new(Weibull::new(shape, 25.0).unwrap())));
            let gamma = SojournLaw::Gamma { shape, mean_days: 25.0 };
            laws.push((gamma, Box::new(Gamma::new(shape, shape / 25.0).unwrap())));
        }
        for sigma in [0.05, 0.6, 2.0] {
            let law = SojournLaw::LogNormal { median_days: 25.0, sigma };
            laws.push((law, Box::new(LogNormal::new(25.0_f64.ln(), sigma).unwrap())));
        }
        laws
    }

    /// Random bits, and some near both ends.
    fn draws() -> Vec<u32> {
        let draws = Streams::new(1).global(Purpose::Walk);
        let mut all: Vec<u32> = (0..4_000).map(|i| draws.bits(i) as u32).collect();
        for shift in 0..32 {
            all.extend([1_u32 << shift, !(1_u32 << shift), (1 << shift) - 1]);
        }
        all
    }

    #[test]
    fn quantiles_of_a_table_are_those_of_its_law_to_a_thousandth() {
        for (law, reference) in laws() {
            let table = QuantileTable::new(&law);
            for bits in draws() {
                let (lower, upper) = shares(bits);
                let days = table.at(bits) / MICROS_PER_DAY;
                // The log of the nearer tail has to agree to what 1e-3 of the wait moves it by.
                let (found, tail) = if lower < upper {
                    (reference.cdf(days), lower)
                } else {
                    (reference.sf(days), upper)
                };
                let log_slope = log_slope(&*reference, days, lower < upper);
                let error = (found / tail).ln().abs() / log_slope;
                assert!(error < 1e-3, "{law:?} at {lower}: relative error {error}");
            }
        }
    }

    fn shares(bits: u32) -> (f64, f64) {
        ((f64::from(bits) + 0.5) / RANGE, (f64::from(!bits) + 0.5) / RANGE)
    }

    /// |d ln tail / d ln wait|, by a difference over a small relative step.
    fn log_slope(law: &dyn ContinuousCDF<f64, f64>, days: f64, lower: bool) -> f64 {
        let tail = |days| if lower { law.cdf(days) } else { law.sf(days) };
        let step: f64 = 1e-4;
        ((tail(days * step.exp()) / tail(days * (-step).exp())).ln() / (2.0 * step)).abs()
    }

    #[test]
    fn the_mean_of_a_table_is_that_of_its_law() {
        for (law, _) in laws() {
            let table = QuantileTable::new(&law);
            // A stratified sum over all shares; the last stratum holds what is left of the tail.
            let n = 1_u32 << 20;
            let width = u32::MAX / n + 1;
            let sum: f64 = (0..n).map(|i| table.at(i * width + width / 2)).sum();
            let mean = sum / f64::from(n) / MICROS_PER_DAY;
            let relative = mean / law.mean_days() - 1.0;
            assert!(relative.abs() < 2e-3, "{law:?}: mean off by {relative}");
        }
    }

    #[test]
    fn breaks_and_observed_waits_are_smoothed_over_one_cell() {
        let piecewise = SojournLaw::Piecewise {
            breaks_days: vec![7.0, 30.0],
            rates_per_day: vec![0.1, 0.05, 0.02],
        };
        let empirical = SojournLaw::Empirical { days: vec![1.0, 2.0, 2.0, 3.0, 8.0, 20.0] };
        for law in [piecewise, empirical] {
            let table = QuantileTable::new(&law);
            for bits in draws() {
                let days = table.at(bits) / MICROS_PER_DAY;
                let (lower, upper) = shares(bits);
                // A cell is at most 1/64 of the nearer tail wide; the scale of the mean adds 1e-3.
                let cell = lower.min(upper) / 64.0;
                let low = law.quantile((lower - cell).max(0.0)) * 0.999;
                let high = law.quantile_between(lower + cell, upper - cell) * 1.001;
                assert!((low..=high).contains(&days), "{law:?} at {lower}: {days}");
            }
        }
    }
}
