//! Keyed randomness: every random number is named by what it is for.
//!
//! A draw depends on nothing but its name (seed, replication, purpose, account, contact,
//! ordinal), so results do not change with the number of threads, one account can be replayed
//! alone, and a policy that adds a draw shifts no other. There is deliberately no shared stream.

use std::convert::Infallible;

use rand::TryRng;

use crate::ids::{AccountIndex, ContactIndex};

/// What a draw is for. The number is part of the draw's name: never renumber, only append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
#[repr(u64)]
#[non_exhaustive]
pub enum Purpose {
    Account = 1,
    Contact = 2,
    Walk = 3,
    FollowUp = 4,
    Logging = 5,
    State = 6,
    Outcome = 7,
    Attrition = 8,
    Survey = 9,
    Transaction = 10,
    Permutation = 11,
    Bootstrap = 12,
    Folds = 13,
    Clustering = 14,
    Coupling = 15,
    Effects = 16,
    Skill = 17,
    Handling = 18,
    Policy = 19,
    Initiative = 20,
    Ledger = 21,
    Market = 22,
    Regime = 23,
    Echo = 24,
    Appraisal = 25,
    Contract = 26,
    Catalogue = 27,
    Placebo = 28,
}

/// Root of every random number in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Streams {
    seed: u64,
    /// Of the seed and a replication.
    key: u64,
}

impl Streams {
    /// The streams of replication 0 of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self::of(seed, 0)
    }

    /// The same seed's streams for another replication.
    #[must_use]
    pub const fn replication(self, replication: u32) -> Self {
        Self::of(self.seed, replication)
    }

    const fn of(seed: u64, replication: u32) -> Self {
        Self { seed, key: named(mix(seed ^ 0x7276_7100_0000_0000), replication as u64) }
    }

    /// The root seed.
    pub const fn seed(self) -> u64 {
        self.seed
    }

    /// All draws of one account.
    pub const fn account(self, account: AccountIndex) -> AccountStreams {
        AccountStreams { key: named(self.key, account.0 as u64) }
    }

    /// All draws of one contact for one purpose; account-level draws use contact 0.
    pub const fn draws(
        self,
        purpose: Purpose,
        account: AccountIndex,
        contact: ContactIndex,
    ) -> Draws {
        self.account(account).draws(purpose, contact)
    }

    /// Draws for a purpose of the whole run, such as permutations or bootstrap resamples.
    pub fn global(self, purpose: Purpose) -> Draws {
        self.draws(purpose, AccountIndex(u32::MAX), ContactIndex(0))
    }
}

/// Root of every random number about one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountStreams {
    key: u64,
}

impl AccountStreams {
    /// All draws of one contact for one purpose; account-level draws use contact 0.
    #[inline]
    pub const fn draws(self, purpose: Purpose, contact: ContactIndex) -> Draws {
        Draws { key: named(self.key, (purpose as u64) << 16 | contact.0 as u64) }
    }
}

/// The draws of one (seed, replication, purpose, account, contact), addressed by ordinal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draws {
    key: u64,
}

impl Draws {
    /// The `ordinal`-th draw as 64 random bits: a pure function of its name.
    #[inline]
    pub fn bits(self, ordinal: u64) -> u64 {
        mix(self.key.wrapping_add(ordinal.wrapping_mul(GAMMA)))
    }

    /// The `ordinal`-th uniform draw in `[0, 1)`: a pure function of its name.
    pub fn uniform(self, ordinal: u64) -> f64 {
        unit_interval(self.bits(ordinal))
    }

    /// The generator named by `ordinal`, for samplers that use a varying number of draws.
    pub fn stream(self, ordinal: u64) -> Stream {
        Stream { state: self.bits(ordinal) }
    }

    /// The draws of one of several parts under the same name; part 0 is the whole itself.
    #[must_use]
    pub fn part(self, part: u16) -> Self {
        match part {
            0 => self,
            _ => Self { key: named(self.key, u64::from(part)) },
        }
    }
}

/// A counter-mode generator: the state advances by a constant, the output is its mix.
///
/// # Source
///
/// Steele, Lea and Flood (2014), *Fast splittable pseudorandom number generators*, OOPSLA.
#[derive(Debug, Clone)]
pub struct Stream {
    state: u64,
}

impl Stream {
    /// The next uniform draw in `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        unit_interval(self.next())
    }

    /// The next 32 random bits.
    pub fn bits(&mut self) -> u32 {
        (self.next() >> 32) as u32
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        mix(self.state)
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
const ODD: u64 = 0xd134_2543_de82_ef95;

/// The key of what `part` names under `key`.
#[inline]
const fn named(key: u64, part: u64) -> u64 {
    mix(key.wrapping_add(GAMMA) ^ part.wrapping_mul(ODD))
}

/// The finaliser of SplitMix64 in David Stafford's variant 13.
#[inline]
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn unit_interval(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(account: u32, contact: u16) -> Draws {
        Streams::new(7).draws(Purpose::Walk, AccountIndex(account), ContactIndex(contact))
    }

    #[test]
    fn a_draw_is_a_pure_function_of_its_name() {
        assert_eq!(walk(3, 1).uniform(9).to_bits(), walk(3, 1).uniform(9).to_bits());
        let names = [walk(3, 1), walk(1, 3), walk(3, 2), walk(4, 1)];
        for (i, a) in names.iter().enumerate() {
            for b in &names[..i] {
                assert_ne!(a.uniform(0).to_bits(), b.uniform(0).to_bits());
            }
        }
        let again = Streams::new(7).replication(1);
        let draws = again.draws(Purpose::Walk, AccountIndex(3), ContactIndex(1));
        assert_ne!(draws.uniform(0).to_bits(), walk(3, 1).uniform(0).to_bits());
    }

    #[test]
    fn draws_over_accounts_and_ordinals_are_uniform() {
        // 1,000 accounts × 100 ordinals in 20 bins: chi-square with 19 degrees of freedom,
        // its 99.9 % quantile is 43.8.
        let mut bins = [0_u32; 20];
        for account in 0..1_000 {
            for ordinal in 0..100 {
                bins[(walk(account, 0).uniform(ordinal) * 20.0) as usize] += 1;
            }
        }
        let chi2: f64 = bins.iter().map(|&n| (f64::from(n) - 5_000.0).powi(2) / 5_000.0).sum();
        assert!(chi2 < 43.8, "chi-square {chi2}");
    }

    #[test]
    fn neighbouring_names_are_uncorrelated() {
        // Correlation of n = 50,000 pairs has standard error 0.0045: 4 of them.
        let pairs = |other: fn(u32) -> f64| {
            let n = 50_000;
            (0..n).map(|a| 12.0 * (walk(a, 0).uniform(0) - 0.5) * (other(a) - 0.5)).sum::<f64>()
                / f64::from(n)
        };
        assert!(pairs(|a| walk(a + 1, 0).uniform(0)).abs() < 0.018);
        assert!(pairs(|a| walk(a, 1).uniform(0)).abs() < 0.018);
        assert!(pairs(|a| walk(a, 0).uniform(1)).abs() < 0.018);
        assert!(pairs(|a| walk(a, 0).stream(0).uniform()).abs() < 0.018);
    }
}
