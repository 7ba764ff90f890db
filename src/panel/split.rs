//! Walk-forward folds: train on the past of some accounts, test on the later past of others.

use crate::ids::{AccountIndex, ContactIndex};
use crate::rng::{Purpose, Streams};

/// How a panel is split for out-of-sample tests at one horizon.
#[derive(Debug, Clone, PartialEq)]
pub struct WalkForward {
    folds: Vec<Fold>,
    /// Group of each account: an account is tested only by models that never saw it.
    groups: Vec<u32>,
    n_groups: u32,
}

/// One block of test months, with the training months that may be used for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Training as-of months: positions `0..train_end`.
    pub train_end: usize,
    /// First test as-of month.
    pub test_start: usize,
    /// First month after the test block.
    pub test_end: usize,
}

impl WalkForward {
    /// Folds of `block` test months over `months` months, for outcomes `horizon` months ahead.
    ///
    /// ```text
    /// train as-of t:  t + horizon ≤ test_start − horizon      (purge, then embargo of one horizon)
    /// ```
    ///
    /// So no training target reaches into the test block, nor into the horizon before it. The
    /// first fold starts once `min_train` as-of months can be trained on after `first`, the first
    /// as-of month with rows. Accounts are dealt into `n_groups` groups by keyed draws.
    pub fn new(
        (first, months): (usize, usize),
        accounts: usize,
        horizon: usize,
        (min_train, block): (usize, usize),
        n_groups: u32,
        streams: Streams,
    ) -> Self {
        let mut folds = Vec::new();
        let mut test_start = first + min_train + 2 * horizon;
        while test_start + horizon < months {
            let test_end = (test_start + block.max(1)).min(months - horizon);
            folds.push(Fold { train_end: test_start - 2 * horizon + 1, test_start, test_end });
            test_start = test_end;
        }
        let group = |account: usize| {
            let draws =
                streams.draws(Purpose::Folds, AccountIndex(account as u32), ContactIndex(0));
            (draws.uniform(0) * f64::from(n_groups)) as u32
        };
        Self { folds, groups: (0..accounts).map(group).collect(), n_groups }
    }

    /// The folds, in order of time.
    pub fn folds(&self) -> &[Fold] {
        &self.folds
    }

    /// Number of account groups.
    pub fn n_groups(&self) -> u32 {
        self.n_groups
    }

    /// Group of the account at position `account`.
    pub fn group(&self, account: usize) -> u32 {
        self.groups[account]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn training_targets_never_reach_the_test_block_nor_the_horizon_before_it(
            first in 0_usize..12,
            months in 1_usize..90,
            horizon in 1_usize..13,
            min_train in 1_usize..24,
            block in 1_usize..12,
        ) {
            let split = WalkForward::new(
                (first, months), 10, horizon, (min_train, block), 5, Streams::new(1),
            );
            let mut covered = None;
            for fold in split.folds() {
                let last_target = fold.train_end - 1 + horizon;
                prop_assert!(last_target + horizon <= fold.test_start);
                prop_assert!(fold.train_end >= first + min_train);
                prop_assert!(fold.test_start < fold.test_end);
                // Test targets lie inside the data, and test blocks neither overlap nor leave gaps.
                prop_assert!(fold.test_end - 1 + horizon < months);
                prop_assert!(covered.is_none_or(|end| end == fold.test_start));
                covered = Some(fold.test_end);
            }
        }
    }

    #[test]
    fn groups_are_about_equal_and_do_not_depend_on_the_number_of_accounts() {
        let small = WalkForward::new((0, 48), 500, 3, (12, 6), 5, Streams::new(1));
        let large = WalkForward::new((0, 48), 1_000, 3, (12, 6), 5, Streams::new(1));
        assert!((0..500).all(|account| small.group(account) == large.group(account)));
        for group in 0..5 {
            let size = (0..1_000).filter(|&a| large.group(a) == group).count();
            assert!((150..250).contains(&size), "group {group} holds {size}");
        }
    }
}
