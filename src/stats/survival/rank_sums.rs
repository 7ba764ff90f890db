//! Sums over ranks.

/// Sums by rank that can grow: a binary indexed tree.
#[derive(Debug)]
pub(super) struct RankSums {
    tree: Vec<f64>,
    total: f64,
}

impl RankSums {
    pub(super) fn new(ranks: &[usize]) -> Self {
        let distinct = ranks.iter().max().map_or(0, |max| max + 1);
        Self { tree: vec![0.0; distinct + 1], total: 0.0 }
    }

    pub(super) fn add(&mut self, rank: usize, weight: f64) {
        self.total += weight;
        let mut at = rank + 1;
        while at < self.tree.len() {
            self.tree[at] += weight;
            at += at & at.wrapping_neg();
        }
    }

    fn below(&self, rank: usize) -> f64 {
        let (mut at, mut sum) = (rank, 0.0);
        while at > 0 {
            sum += self.tree[at];
            at &= at - 1;
        }
        sum
    }

    /// Below, at and above a rank.
    pub(super) fn split(&self, rank: usize) -> (f64, f64, f64) {
        let (less, up_to) = (self.below(rank), self.below(rank + 1));
        (less, up_to - less, self.total - up_to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_splits_what_was_added() {
        let mut sums = RankSums::new(&[0, 3, 7]);
        for (rank, weight) in [(0, 1.0), (7, 2.0), (3, 4.0), (7, 0.5), (3, -1.0)] {
            sums.add(rank, weight);
        }
        let (less, equal, greater) = sums.split(3);
        assert!((less - 1.0).abs() + (equal - 3.0).abs() + (greater - 2.5).abs() < 1e-12);
    }
}
