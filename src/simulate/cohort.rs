//! Who is in the cohort: accounts with their lasting traits, contacts with roles and influence.

use rand_distr::{Distribution, Exp1, Gamma, Poisson, StandardNormal};

use crate::ids::{AccountIndex, ContactIndex};
use crate::interaction::Contact;
use crate::rng::{Purpose, Stream, Streams};
use crate::time::Instant;

use super::world;

/// Lasting traits of one account.
#[derive(Debug, Clone)]
pub(super) struct Traits {
    /// First record of the account; before the log for the installed base.
    pub(super) entered_at: Instant,
    /// Contract signed; before the log for the installed base.
    pub(super) customer_since: Instant,
    pub(super) segment: String,
    /// Standard normal; size relative to the median is `exp(size_sigma · size_z)`.
    pub(super) size_z: f64,
    /// Size as the firm records it, with error \[people\].
    pub(super) recorded_size: f64,
    /// Factor on the waiting times of all its contacts.
    pub(super) pace: f64,
    /// Lasting quality of its interactions, standard normal.
    pub(super) quality: f64,
    /// Contacts at one time.
    pub(super) seats: u16,
}

/// Draws the traits of `account` for a log over `[log_start, log_end)`.
pub(super) fn traits(
    streams: Streams,
    account: AccountIndex,
    params: &world::Cohort,
    (log_start, log_end): (Instant, Instant),
) -> Traits {
    let draws = streams.draws(Purpose::Account, account, ContactIndex(0));
    let normal = |ordinal| -> f64 { StandardNormal.sample(&mut draws.stream(ordinal)) };
    let exponential = |ordinal| -> f64 { Exp1.sample(&mut draws.stream(ordinal)) };
    let closing =
        (params.closing_days * exponential(0)).clamp(7.0, (8.0 * params.closing_days).max(7.0));
    let (entered_at, customer_since) = if draws.uniform(1) < params.installed_share {
        // Installed: a customer for up to several years before the log begins.
        let since = log_start.plus_days(-30.0 - 1_000.0 * exponential(2).min(6.0));
        (since.plus_days(-closing), since)
    } else {
        let entered = log_start.plus_days(draws.uniform(3) * log_end.days_since(log_start));
        (entered, entered.plus_days(closing))
    };
    let size_z = normal(4);
    Traits {
        entered_at,
        customer_since,
        segment: pick(&params.segments, draws.uniform(5)),
        size_z,
        recorded_size: (4.0 + size_z + 0.3 * normal(6)).exp().round().max(1.0),
        pace: (params.pace_sigma * normal(7)).exp(),
        quality: normal(8),
        seats: seats(params, &mut draws.stream(9)),
    }
}

fn pick(shares: &std::collections::BTreeMap<String, f64>, u: f64) -> String {
    let mut below = 0.0;
    for (name, share) in shares {
        below += share;
        if u < below {
            return name.clone();
        }
    }
    shares.keys().next_back().expect("a checked world has segments").clone()
}

/// 1 + negative binomial with mean `contacts_mean - 1`, as a gamma mixture of Poissons.
fn seats(params: &world::Cohort, stream: &mut Stream) -> u16 {
    let mean = params.contacts_mean - 1.0;
    if mean <= 0.0 {
        return 1;
    }
    let shape = params.contacts_dispersion;
    let rate = Gamma::new(shape, mean / shape).expect("a checked world is positive").sample(stream);
    let others: f64 = Poisson::new(rate.max(1e-9)).expect("rate is positive").sample(stream);
    1 + others.min(60.0) as u16
}

/// Role, its share among the contacts after the first, and its mean buying influence.
const ROLES: [(&str, f64, f64); 5] = [
    ("decision_maker", 0.15, 0.35),
    ("influencer", 0.25, 0.25),
    ("buyer", 0.20, 0.20),
    ("user", 0.30, 0.10),
    ("turn_order_buyer", 0.10, 0.10),
];

/// The `ordinal`-th contact of an account, present from `valid_from`; the first one decides.
pub(super) fn contact(
    streams: Streams,
    account: AccountIndex,
    account_id: &str,
    ordinal: u16,
    valid_from: Instant,
    params: &world::Cohort,
) -> Contact {
    let draws = streams.draws(Purpose::Contact, account, ContactIndex(ordinal));
    let mut u = if ordinal == 0 { 0.0 } else { draws.uniform(0) };
    let mut role = ROLES[0];
    for candidate in ROLES {
        role = candidate;
        if u < candidate.1 {
            break;
        }
        u -= candidate.1;
    }
    let spread = Gamma::new(4.0, 0.25).expect("constants are positive");
    let stay: f64 = Exp1.sample(&mut draws.stream(2));
    Contact {
        id: format!("{account_id}-C{:03}", ordinal + 1),
        role: Some(role.0.to_owned()),
        influence: role.2 * spread.sample(&mut draws.stream(1)),
        valid_from: Some(valid_from),
        valid_to: Some(valid_from.plus_days((stay * params.contact_tenure_days).max(30.0))),
        ..Contact::default()
    }
}
