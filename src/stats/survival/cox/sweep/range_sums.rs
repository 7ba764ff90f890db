//! Sums over ranges without differences.

use std::ops::Range;

/// Sums of values over any range, each as a sum of two partial sums.
///
/// A difference of running totals would leave the rounding of the larger total behind, which a
/// later row of a far higher risk would multiply. Disjoint sparse table: O(n log n) to build, O(1) to
/// ask.
#[derive(Debug, Clone)]
pub(in super::super) struct RangeSums {
    /// At level h sums away from the odd multiples of 2^h, each up to the next even ones.
    levels: Vec<Vec<f64>>,
}

impl RangeSums {
    pub(in super::super) fn new(values: Vec<f64>) -> Self {
        let mut levels = vec![values];
        let n = levels[0].len();
        let mut half = 2;
        while half < n {
            let mut sums = levels[0].clone();
            for centre in (half..n).step_by(2 * half) {
                for i in (centre - half..centre - 1).rev() {
                    sums[i] += sums[i + 1];
                }
                for i in centre + 1..(centre + half).min(n) {
                    sums[i] += sums[i - 1];
                }
            }
            levels.push(sums);
            half *= 2;
        }
        Self { levels }
    }

    /// The sum of a range that is not empty.
    pub(in super::super) fn sum(&self, range: Range<usize>) -> f64 {
        let (first, last) = (range.start, range.end - 1);
        if first == last {
            return self.levels[0][first];
        }
        let level = &self.levels[(first ^ last).ilog2() as usize];
        level[first] + level[last]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_has_its_sum() {
        for n in 1..40 {
            let values: Vec<f64> = (0..n).map(|i| f64::from(i * i % 17)).collect();
            let sums = RangeSums::new(values.clone());
            for first in 0..values.len() {
                for end in first + 1..=values.len() {
                    let expected: f64 = values[first..end].iter().sum();
                    assert!(
                        (sums.sum(first..end) - expected).abs() < 1e-12,
                        "{first}..{end} of {n}"
                    );
                }
            }
        }
    }
}
