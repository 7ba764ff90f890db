//! Who is in the cohort: accounts with their lasting traits, contacts with roles and influence.

use rand_distr::{Beta, Distribution, Exp1, Gamma, Poisson, StandardNormal};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::ids::ContactIndex;
use crate::interaction::Contact;
use crate::rng::{AccountStreams, Purpose, Stream};
use crate::time::Instant;

use super::world;

/// Lasting traits of one account.
#[derive(Debug, Clone)]
pub(super) struct Traits {
    /// First record of the account; before the log for the installed base.
    pub(super) entered_at: Instant,
    /// Contract signed; before the log for the installed base, never for a mere stakeholder.
    pub(super) customer_since: Option<Instant>,
    /// Position among the segments of the world.
    pub(super) segment: usize,
    /// Log size relative to the median account.
    pub(super) log_size: f64,
    /// Size as the firm records it, with error \[people\].
    pub(super) recorded_size: f64,
    /// Factor on the pace of all its contacts.
    pub(super) pace: f64,
    /// Lasting quality of its interactions, standard normal.
    pub(super) quality: f64,
    /// Rate of leaving at effect 0 \[1/month\].
    pub(super) monthly_hazard: f64,
    /// Factor on its orders.
    pub(super) order_factor: f64,
    /// Probability of leaving after an order.
    pub(super) dropout: f64,
    /// Contacts at one time.
    pub(super) seats: u16,
    /// What it is, when it is no customer and will not be one.
    pub(super) stakeholder: Option<&'static str>,
}

/// What the traits of all accounts depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Census<'a> {
    pub(super) world: &'a world::World,
    pub(super) log: (Instant, Instant),
    /// Share of accounts that are customers when the log begins.
    pub(super) installed_share: f64,
}

/// People in an account of median size.
const MEDIAN_LOG_PEOPLE: f64 = 4.0;

/// Draws the traits of `account`.
pub(super) fn traits(streams: AccountStreams, census: Census<'_>) -> Traits {
    let (params, law) = (&census.world.cohort, &census.world.outcome);
    let draws = streams.draws(Purpose::Account, ContactIndex(0));
    let normal = |ordinal| -> f64 { StandardNormal.sample(&mut draws.stream(ordinal)) };
    let installed = draws.uniform(1) < census.installed_share;
    let (entered_at, since) = entry(streams, census, installed);
    let score = params.size_limit.map_or_else(|| normal(4), |z| cut_normal(z, draws.uniform(4)));
    let size = law.size_sigma * score + if installed { 0.0 } else { params.entrant_size };
    let stakeholder = (draws.uniform(10) < params.stakeholder_share)
        .then(|| STAKEHOLDERS[(draws.uniform(11) * STAKEHOLDERS.len() as f64) as usize]);
    let pace = census.world.activity.pace_sigma * normal(7);
    Traits {
        entered_at,
        customer_since: stakeholder.is_none().then_some(since),
        segment: pick(params.segments.values().copied(), draws.uniform(5)),
        log_size: size,
        recorded_size: (MEDIAN_LOG_PEOPLE + size + params.size_error * normal(6))
            .exp()
            .round()
            .max(1.0),
        pace: (pace + census.world.activity.pace_by_size * size).exp(),
        quality: normal(8),
        monthly_hazard: -(1.0 - leaving(law, &mut draws.stream(12))).ln() / 12.0,
        order_factor: law.order_shape.map_or(1.0, |shape| {
            let own = Gamma::new(shape, shape.recip()).expect("a checked world is positive");
            own.sample(&mut draws.stream(13))
        }),
        dropout: law
            .dropout
            .map_or(0.0, |law| beta(law.mean, law.concentration).sample(&mut draws.stream(14))),
        seats: seats(params, &mut draws.stream(9)),
        stakeholder,
    }
}

/// The account's own yearly probability of leaving.
fn leaving(law: &world::OutcomeLaw, stream: &mut Stream) -> f64 {
    let mean = law.annual_attrition;
    let Some(sum) = law.attrition_concentration else { return mean };
    beta(mean, sum).sample(stream).min(1.0 - 1e-9)
}

/// The beta law with this mean and sum of parameters.
fn beta(mean: f64, sum: f64) -> Beta<f64> {
    Beta::new(mean * sum, (1.0 - mean) * sum).expect("a checked world is positive")
}

/// The quantile at `u` of the standard normal law between `-limit` and `limit`.
fn cut_normal(limit: f64, u: f64) -> f64 {
    let law = Normal::standard();
    let beyond = law.cdf(-limit);
    law.inverse_cdf(beyond + u * (1.0 - 2.0 * beyond)).clamp(-limit, limit)
}

/// Kinds of stakeholders that are no customers.
const STAKEHOLDERS: [&str; 4] = ["partner", "supplier", "influencer", "interested_party"];

/// When the account was first seen, and when it signed.
fn entry(streams: AccountStreams, census: Census<'_>, installed: bool) -> (Instant, Instant) {
    let (params, (start, end)) = (&census.world.cohort, census.log);
    let draws = streams.draws(Purpose::Account, ContactIndex(0));
    let exponential = |ordinal| -> f64 { Exp1.sample(&mut draws.stream(ordinal)) };
    let closing =
        (params.closing_days * exponential(0)).clamp(7.0, (8.0 * params.closing_days).max(7.0));
    if installed {
        // Customers for up to several years before the log begins.
        let since = start.plus_days(-30.0 - 1_000.0 * exponential(2).min(6.0));
        return (since.plus_days(-closing), since);
    }
    // Entries grow with the base, and begin early enough for the first signatures to fall at once.
    let first = start.plus_days(-params.closing_days);
    let years = end.days_since(first) / 365.25;
    let (u, rate) = (draws.uniform(3), params.growth.ln_1p());
    let at =
        if rate.abs() < 1e-9 { u * years } else { (u * (rate * years).exp_m1()).ln_1p() / rate };
    let entered = first.plus_days(365.25 * at);
    (entered, entered.plus_days(closing))
}

/// Position drawn from `shares` by `u`.
pub(super) fn pick(shares: impl Iterator<Item = f64>, u: f64) -> usize {
    let mut below = 0.0;
    let mut last = 0;
    for (position, share) in shares.enumerate() {
        below += share;
        last = position;
        if u < below {
            break;
        }
    }
    last
}

/// 1 + negative binomial with mean `contacts_mean - 1`, as a gamma mixture of Poissons.
fn seats(params: &world::Cohort, stream: &mut Stream) -> u16 {
    let mean = params.contacts_mean - 1.0;
    if mean <= 0.0 {
        return 1;
    }
    let shape = params.contacts_dispersion;
    let rate = Gamma::new(shape, mean / shape).expect("a checked world is positive").sample(stream);
    1 + poisson(rate, stream).min(200) as u16
}

/// A Poisson draw of mean `rate`; 0 for a rate of 0.
pub(super) fn poisson(rate: f64, stream: &mut Stream) -> u32 {
    let drawn: f64 = Poisson::new(rate.max(1e-12)).expect("rates are finite").sample(stream);
    drawn as u32
}

/// Role, its share among the contacts after the first, and its mean buying influence.
const ROLES: [(&str, f64, f64); 5] = [
    ("decision_maker", 0.15, 0.35),
    ("influencer", 0.25, 0.25),
    ("buyer", 0.20, 0.20),
    ("user", 0.30, 0.10),
    ("turn_order_buyer", 0.10, 0.10),
];

/// Name of the `ordinal`-th contact: `{account_id}-C{:03}` counted from 1, without the machinery
/// of formatting.
fn contact_id(account_id: &str, ordinal: u16) -> String {
    let number = u32::from(ordinal) + 1;
    let mut id = String::with_capacity(account_id.len() + 7);
    id.push_str(account_id);
    id.push_str("-C");
    for place in [10_000, 1_000, 100, 10, 1] {
        if place <= 100 || number >= place {
            id.push(char::from(b'0' + (number / place % 10) as u8));
        }
    }
    id
}

/// The `ordinal`-th contact of an account, who came at `since` and is there at `at`; the first one
/// decides.
pub(super) fn contact(
    streams: AccountStreams,
    account_id: &str,
    ordinal: u16,
    (since, at): (Instant, Instant),
    (params, stakeholder): (&world::Cohort, Option<&'static str>),
) -> Contact {
    let draws = streams.draws(Purpose::Contact, ContactIndex(ordinal));
    let u = if ordinal == 0 { 0.0 } else { draws.uniform(0) };
    let role = ROLES[pick(ROLES.iter().map(|role| role.1), u)];
    let spread = Gamma::new(4.0, 0.25).expect("constants are positive");
    let stay: f64 = Exp1.sample(&mut draws.stream(2));
    // Nobody leaves in the first month.
    let least = if since < at { 0.0 } else { 30.0_f64.min(params.contact_tenure_days / 2.0) };
    Contact {
        id: contact_id(account_id, ordinal),
        stakeholder_type: Some(stakeholder.unwrap_or("customer").to_owned()),
        role: Some(role.0.to_owned()),
        influence: role.2 * spread.sample(&mut draws.stream(1)),
        valid_from: Some(since),
        valid_to: Some(at.plus_days(least + stay * (params.contact_tenure_days - least))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_numbered_from_1_with_3_digits_or_more() {
        for ordinal in [0, 8, 98, 998, 999, 9_998, 9_999, u16::MAX] {
            let expected = format!("A0000007-C{:03}", u32::from(ordinal) + 1);
            assert_eq!(contact_id("A0000007", ordinal), expected);
        }
    }
}
