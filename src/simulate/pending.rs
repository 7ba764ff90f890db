//! Answers on their way, soonest first.

use crate::ids::TypeIndex;

/// An answer that will come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Answer {
    /// Raw time \[µs\].
    pub(super) at: i64,
    pub(super) kind: TypeIndex,
    pub(super) ordinal: u32,
    /// What decides on an answer to it, of 2²⁰.
    pub(super) asks: u32,
}

/// Nothing is on its way: later than any end.
const NEVER: Answer =
    Answer { at: i64::MAX, kind: TypeIndex(u16::MAX), ordinal: u32::MAX, asks: u32::MAX };

/// Answers in order of time; the first four take no allocation.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    /// Ascending, filled up with [`NEVER`].
    soon: [Answer; 4],
    /// Ascending from the end, none before the last of `soon`.
    later: Vec<Answer>,
}

impl Default for Pending {
    fn default() -> Self {
        Self { soon: [NEVER; 4], later: Vec::new() }
    }
}

impl Pending {
    /// When the first answer comes \[µs\]; `i64::MAX` without one.
    #[inline]
    pub(super) fn first_at(&self) -> i64 {
        self.soon[0].at
    }

    /// Takes the first answer if it comes before `end`.
    pub(super) fn pop_before(&mut self, end: i64) -> Option<Answer> {
        let first = self.soon[0];
        if first.at >= end {
            return None;
        }
        self.soon.rotate_left(1);
        self.soon[3] = self.later.pop().unwrap_or(NEVER);
        Some(first)
    }

    #[inline]
    pub(super) fn add(&mut self, answer: Answer) {
        if self.soon[0].at == i64::MAX {
            self.soon[0] = answer;
        } else {
            self.add_to_others(answer);
        }
    }

    fn add_to_others(&mut self, answer: Answer) {
        let mut moved = answer;
        for place in &mut self.soon {
            if moved < *place {
                std::mem::swap(&mut moved, place);
            }
        }
        if moved != NEVER {
            let position = self.later.partition_point(|other| *other > moved);
            self.later.insert(position, moved);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn answers_come_in_order_and_none_is_lost(
            times in prop::collection::vec((0_i64..50, any::<bool>()), 0..30),
        ) {
            let mut pending = Pending::default();
            let mut expected: Vec<Answer> = Vec::new();
            for ((at, take), ordinal) in times.into_iter().zip(0..) {
                let answer = Answer { at, kind: TypeIndex(0), ordinal, asks: 0 };
                pending.add(answer);
                expected.push(answer);
                expected.sort();
                if take {
                    prop_assert_eq!(pending.pop_before(i64::MAX), Some(expected.remove(0)));
                }
                prop_assert_eq!(pending.first_at(), expected.first().map_or(i64::MAX, |a| a.at));
            }
            for answer in expected {
                prop_assert_eq!(pending.pop_before(answer.at), None);
                prop_assert_eq!(pending.pop_before(answer.at + 1), Some(answer));
            }
            prop_assert_eq!(pending.pop_before(i64::MAX), None);
        }
    }
}
