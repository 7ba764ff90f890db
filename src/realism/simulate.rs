//! Simulates what a fitted flow says of given contacts, and splits a log into two parts.

use rand_distr::{Distribution, Gamma, Poisson};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::flow::LevelIndex;
use crate::flow::fit::{AccountRecord, FlowFit, PurchaseLaw, Record};
use crate::ids::{AccountIndex, ContactIndex, TypeIndex};
use crate::interaction::AccountHistory;
use crate::rng::{Draws, Purpose, Streams};
use crate::simulate::PlainFlow;
use crate::time::{Calendar, Instant, Month};

/// Days of a mean month.
const MONTH_DAYS: f64 = 365.25 / 12.0;

/// Splits accounts into a fitting part and a held-out part of about `share`.
///
/// An account's part depends on its id and `seed` alone: not on its order, nor on other accounts.
pub fn split(
    histories: Vec<AccountHistory>,
    seed: u64,
    share: f64,
) -> (Vec<AccountHistory>, Vec<AccountHistory>) {
    histories.into_iter().partition(|history| {
        let mut hash = Sha256::new();
        hash.update(seed.to_le_bytes());
        hash.update(history.account.id.as_bytes());
        let digest = hash.finalize();
        let word: [u8; 8] = digest[..8].try_into().expect("a digest has 32 bytes");
        (u64::from_le_bytes(word) >> 11) as f64 / (1_u64 << 53) as f64 >= share
    })
}

/// The accounts `like`, each contact watched as long, doing what the fitted flow says.
pub fn simulate_like(
    fit: &FlowFit,
    like: &[AccountRecord],
    streams: Streams,
) -> Vec<AccountRecord> {
    // Each contact brings its own window: the flow's own months are not used.
    let month = Month::new(2000, 1).expect("January is a month");
    let walks = PlainFlow::new(&fit.flow, streams, Calendar::UTC, month, 1);
    like.par_iter()
        .enumerate()
        .map(|(position, account)| {
            let index = AccountIndex(position as u32);
            let contacts = (0..=u16::MAX)
                .zip(&account.contacts)
                .map(|(contact, record)| walk(fit, &walks, (streams, index, contact), record))
                .collect();
            let draws = streams.draws(Purpose::Transaction, index, ContactIndex(0));
            let purchases = match (&fit.purchases, account.customer) {
                (Some(law), Some(window)) => buy(law, window, draws),
                _ => Vec::new(),
            };
            account.with(contacts, purchases)
        })
        .collect()
}

/// One contact from where it starts, through the closes that its account had.
fn walk(
    fit: &FlowFit,
    walks: &PlainFlow,
    (streams, account, contact): (Streams, AccountIndex, u16),
    record: &Record,
) -> Record {
    let u = streams.draws(Purpose::Contact, account, ContactIndex(contact)).uniform(0);
    let mut level = pick(fit.starts.of(record), u);
    let mut from = record.start;
    let mut rows = Vec::new();
    let ends = record.moves().iter().map(|(at, kind)| (*at, fit.flow.trigger(*kind)));
    let ends: Vec<(Instant, Option<LevelIndex>)> = ends.chain([(record.until, None)]).collect();
    let mut segment = 0;
    for (until, target) in ends {
        if target.is_none() && until != record.until {
            continue;
        }
        // Each part of a walk has draws of its own.
        let name = ContactIndex(contact.wrapping_mul(8).wrapping_add(segment));
        let part = walks.contact_walk((account, name), level, (from, until));
        rows.extend(part.rows);
        if part.left_at.is_some() {
            return record.with(&rows, part.left_at);
        }
        if let Some(target) = target {
            (level, from) = (target, until);
            segment += 1;
        }
    }
    record.with(&rows, None)
}

fn pick(shares: &[(LevelIndex, f64)], u: f64) -> LevelIndex {
    let mut below = 0.0;
    let found = shares.iter().find(|(_, share)| {
        below += share;
        u < below
    });
    found.or(shares.last()).expect("a record starts at one level at least").0
}

fn buy(
    law: &PurchaseLaw,
    (from, to): (Instant, Instant),
    draws: Draws,
) -> Vec<(Instant, TypeIndex)> {
    let mut stream = draws.stream(0);
    let days = to.days_since(from);
    let spread = law.relative_variance;
    let factor = match Gamma::new(spread.recip(), spread) {
        Ok(gamma) if spread > 1e-9 => gamma.sample(&mut stream),
        _ => 1.0,
    };
    let mean = law.monthly_rate * factor * days / MONTH_DAYS;
    let count: f64 = Poisson::new(mean.max(1e-12)).map_or(0.0, |law| law.sample(&mut stream));
    let mut bought: Vec<(Instant, TypeIndex)> = (0..count as u64)
        .map(|_| (from.plus_days(stream.uniform() * days), law.mix[0].0))
        .collect();
    bought.sort_unstable();
    bought
}
