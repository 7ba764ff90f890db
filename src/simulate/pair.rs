//! Two simulations of the same accounts: what a change of one parameter or policy makes, draw by draw.

use super::Simulation;
use crate::interaction::AccountHistory;

/// The difference that a change makes, from accounts that share every draw it does not touch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedDifference {
    /// Mean per account before the change.
    pub before: f64,
    /// Mean difference per account.
    pub estimate: f64,
    /// Its standard error, from the differences of teams.
    pub std_error: f64,
    /// The standard error that two unrelated cohorts of the same size would give.
    pub independent_std_error: f64,
    /// Variance of unrelated cohorts over that of the pair.
    pub variance_reduction: f64,
    /// Accounts compared.
    pub accounts: u64,
    /// Accounts whose histories are the same in both.
    pub untouched: u64,
}

/// Why two simulations cannot be compared account by account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PairError {
    /// Accounts are missing from one of the logs.
    #[error("world `{world}` keeps accounts that left out of its log: accounts cannot be paired")]
    SurvivorsOnly {
        /// Name of the world.
        world: String,
    },
    /// The teams differ.
    #[error(
        "`accounts_per_team` is {before} and {after}: teams cannot be paired, expected the same"
    )]
    OtherTeams {
        /// Accounts per team before the change.
        before: u32,
        /// Accounts per team after it.
        after: u32,
    },
    /// No spread without several teams.
    #[error(
        "{accounts} accounts make too few teams: {teams}, expected at least 2 for a standard error"
    )]
    TooFewTeams {
        /// Accounts asked for.
        accounts: u32,
        /// Teams that they make.
        teams: usize,
    },
}

/// Differences of `values` between two simulations, `after` less `before`, over the first
/// `accounts` accounts: one for each value.
///
/// ```text
/// d̄ = Σ_t d_t / n      se² = T/(T−1) · Σ_t (d_t − d̄ n_t)² / n²      d_t: sum over team t
/// ```
///
/// Teams are the units: accounts of one team share their staff. Both simulations should have the
/// same seed and replication, otherwise nothing is paired and the variance reduction is about 1.
///
/// # Errors
///
/// [`PairError`] when accounts or teams of the two do not correspond, or there are fewer than two
/// teams.
///
/// # Source
///
/// Glasserman and Yao (1992), *Some guidelines and guarantees for common random numbers*,
/// Management Science 38(6).
pub fn paired_difference<const N: usize>(
    (before, after): (&Simulation, &Simulation),
    accounts: u32,
    values: impl Fn(&AccountHistory) -> [f64; N],
) -> Result<[PairedDifference; N], PairError> {
    check(before, after)?;
    let size = before.world.staff.accounts_per_team as usize;
    let mut teams: Vec<TeamSums<N>> = Vec::new();
    let (mut count, mut untouched) = (0_u64, 0);
    for (a, b) in before.histories(accounts).zip(after.histories(accounts)) {
        if (count as usize).is_multiple_of(size) {
            teams.push(TeamSums { accounts: 0.0, before: [0.0; N], after: [0.0; N] });
        }
        let sums = teams.last_mut().expect("an account has a team");
        sums.accounts += 1.0;
        add(&mut sums.before, values(&a));
        add(&mut sums.after, values(&b));
        count += 1;
        untouched += u64::from(a == b);
    }
    if teams.len() < 2 {
        return Err(PairError::TooFewTeams { accounts, teams: teams.len() });
    }
    Ok(std::array::from_fn(|at| {
        let (mean, of_before) = mean_and_variance(&teams, |team| team.before[at]);
        let (_, of_after) = mean_and_variance(&teams, |team| team.after[at]);
        let difference = |team: &TeamSums<N>| team.after[at] - team.before[at];
        let (estimate, variance) = mean_and_variance(&teams, difference);
        PairedDifference {
            before: mean,
            estimate,
            std_error: variance.sqrt(),
            independent_std_error: (of_before + of_after).sqrt(),
            variance_reduction: (of_before + of_after) / variance,
            accounts: count,
            untouched,
        }
    }))
}

/// What the accounts of one team add up to.
struct TeamSums<const N: usize> {
    accounts: f64,
    before: [f64; N],
    after: [f64; N],
}

fn add<const N: usize>(sums: &mut [f64; N], values: [f64; N]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

fn check(before: &Simulation, after: &Simulation) -> Result<(), PairError> {
    for simulation in [before, after] {
        if simulation.world.observation.survivors_only {
            return Err(PairError::SurvivorsOnly { world: simulation.world.name.clone() });
        }
    }
    let sizes = [before, after].map(|simulation| simulation.world.staff.accounts_per_team);
    if sizes[0] != sizes[1] {
        return Err(PairError::OtherTeams { before: sizes[0], after: sizes[1] });
    }
    Ok(())
}

/// Mean per account of a sum by team, and the variance of that mean.
fn mean_and_variance<const N: usize>(
    teams: &[TeamSums<N>],
    sum: impl Fn(&TeamSums<N>) -> f64,
) -> (f64, f64) {
    let accounts: f64 = teams.iter().map(|team| team.accounts).sum();
    let mean = teams.iter().map(&sum).sum::<f64>() / accounts;
    let squares: f64 = teams.iter().map(|team| (sum(team) - mean * team.accounts).powi(2)).sum();
    let n = teams.len() as f64;
    (mean, n / (n - 1.0) * squares / (accounts * accounts))
}
