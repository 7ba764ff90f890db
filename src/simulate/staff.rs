//! The firm's side: teams of staff with skill, portfolios and queues.

use rand_distr::{Distribution, StandardNormal};

use crate::ids::{AccountIndex, ContactIndex};
use crate::interaction::Staff;
use crate::rng::{Draws, Purpose, Streams};
use crate::time::Instant;

use super::world::{Desk, Staffing};

/// A member of staff by position in the team: desk by desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member(u32);

impl Member {
    #[inline]
    pub(super) const fn position(self) -> usize {
        self.0 as usize
    }
}

/// One interaction that waits for a member of staff.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) at: Instant,
    /// Position of the account in its team.
    pub(super) account: u32,
    pub(super) desk: u8,
    /// Draw that says how long it keeps a member busy, in `[0, 1)`.
    pub(super) handling: f64,
}

/// When the turn of a request comes: by time, then account and row. One number, so that turns sort
/// fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn(i128);

impl Turn {
    /// The turn of the `row`-th row in the month of the account at position `account` of its team.
    #[inline]
    pub(super) const fn new(at: Instant, account: u32, row: u32) -> Self {
        Self((at.micros() as i128) << 64 | (account as i128) << 32 | row as i128)
    }

    /// Position of the account in its team.
    #[inline]
    pub(super) const fn account(self) -> usize {
        (self.0 >> 32) as u32 as usize
    }

    /// Position of the row in the account's month.
    #[inline]
    pub(super) const fn row(self) -> usize {
        self.0 as u32 as usize
    }
}

/// Who took a request, and how long it waited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Served {
    pub(super) member: Member,
    pub(super) wait_days: f64,
}

/// The desks of one team over time.
#[derive(Debug, Clone)]
pub(super) struct Team<'a> {
    desks: &'a [(String, Desk)],
    /// By desk: its first member.
    first: Vec<u32>,
    /// By member.
    names: Vec<String>,
    /// By member: skill, standard normal times its deviation.
    skill: Vec<f64>,
    /// By member: when the work in hand is done.
    free_at: Vec<Instant>,
}

impl<'a> Team<'a> {
    pub(super) fn new(
        number: u32,
        desks: &'a [(String, Desk)],
        params: &Staffing,
        streams: Streams,
    ) -> Self {
        let (mut first, mut names, mut skill) = (Vec::new(), Vec::new(), Vec::new());
        for (position, (function, desk)) in desks.iter().enumerate() {
            first.push(names.len() as u32);
            let draws = skill_draws(streams, number, position);
            for seat in 0..desk.members {
                let normal: f64 = StandardNormal.sample(&mut draws.stream(u64::from(seat)));
                skill.push(params.skill_sigma * normal);
                names.push(member_name(number, function, seat));
            }
        }
        let free_at = vec![Instant::from_micros(i64::MIN); names.len()];
        Self { desks, first, names, skill, free_at }
    }

    /// Number of members.
    pub(super) fn size(&self) -> usize {
        self.names.len()
    }

    #[inline]
    pub(super) fn skill(&self, member: Member) -> f64 {
        self.skill[member.position()]
    }

    /// The member of `desk` whose portfolio holds the account at `position` of the team.
    pub(super) fn keeper(&self, desk: u8, position: u32) -> Member {
        let members = u32::from(self.desks[usize::from(desk)].1.members);
        Member(self.first[usize::from(desk)] + position % members)
    }

    /// Name of a member.
    pub(super) fn name(&self, member: Member) -> &str {
        &self.names[member.position()]
    }

    /// Serves a request, first come, first served: requests must come in order of time.
    ///
    /// A portfolio desk keeps an account with its keeper; any other gives it to the member who is
    /// free first.
    pub(super) fn serve(&mut self, request: &Request) -> Served {
        let (_, desk) = &self.desks[usize::from(request.desk)];
        let member = if desk.portfolio {
            self.keeper(request.desk, request.account)
        } else {
            let first = self.first[usize::from(request.desk)];
            let members = first..first + u32::from(desk.members);
            let soonest = members.min_by_key(|member| self.free_at[*member as usize]);
            Member(soonest.unwrap_or(first))
        };
        let free_at = &mut self.free_at[member.position()];
        let starts = (*free_at).max(request.at);
        let busy = -(1.0 - request.handling).ln() * desk.handling_hours / 24.0;
        *free_at = starts.plus_days(busy);
        Served { member, wait_days: starts.days_since(request.at) }
    }
}

fn skill_draws(streams: Streams, team: u32, desk: usize) -> Draws {
    streams.draws(Purpose::Skill, AccountIndex(team), ContactIndex(desk as u16))
}

fn team_name(team: u32) -> String {
    format!("T{:06}", team + 1)
}

fn member_name(team: u32, function: &str, seat: u16) -> String {
    format!("{}-{function}-{}", team_name(team), seat + 1)
}

/// All members of a team, in order of name.
pub(super) fn members(team: u32, desks: &[(String, Desk)], since: Instant) -> Vec<Staff> {
    let mut members: Vec<Staff> = desks
        .iter()
        .flat_map(|(function, desk)| {
            (0..desk.members).map(move |seat| Staff {
                id: member_name(team, function, seat),
                function: function.clone(),
                team: Some(team_name(team)),
                joined_at: Some(since),
                left_at: None,
            })
        })
        .collect();
    members.sort_by(|a, b| a.id.cmp(&b.id));
    members
}

/// Position of `account` in its team, and the team's number.
pub(super) fn team_of(account: AccountIndex, params: &Staffing) -> (u32, u32) {
    (account.0 / params.accounts_per_team, account.0 % params.accounts_per_team)
}

#[cfg(test)]
mod tests {
    use rand_distr::Exp1;

    use super::*;

    /// Erlang C: probability that an arrival waits, by summing the stationary law directly.
    fn probability_of_waiting(servers: u32, load: f64) -> f64 {
        let mut term = 1.0;
        let mut below = 0.0;
        for n in 0..servers {
            below += term;
            term *= load / f64::from(n + 1);
        }
        let all_busy = term / (1.0 - load / f64::from(servers));
        all_busy / (below + all_busy)
    }

    /// Mean wait of a desk under Poisson arrivals, with its standard error over batches.
    fn mean_wait(servers: u16, hours: f64, gap_hours: f64) -> (f64, f64, f64) {
        let desk = Desk { members: servers, portfolio: false, handling_hours: hours };
        let desks = [("service".to_owned(), desk)];
        let params = Staffing {
            accounts_per_team: 40,
            skill_sigma: 0.0,
            delay_effect: 0.0,
            desks: [("service".to_owned(), desk)].into(),
        };
        let mut team = Team::new(0, &desks, &params, Streams::new(3));
        let draws = Streams::new(8).global(Purpose::Handling);
        let mut stream = draws.stream(0);
        let mut at = Instant::from_micros(0);
        let (batches, size) = (60, 20_000);
        let mut means = Vec::new();
        let mut waited = 0.0;
        for batch in 0..=batches {
            let mut sum = 0.0;
            for _ in 0..size {
                let gap: f64 = Exp1.sample(&mut stream);
                at = at.plus_days(gap * gap_hours / 24.0);
                let handling = stream.uniform();
                let served = team.serve(&Request { at, account: 0, desk: 0, handling });
                sum += 24.0 * served.wait_days;
                if batch > 0 && served.wait_days > 0.0 {
                    waited += 1.0;
                }
            }
            // The first batch warms the queue up.
            if batch > 0 {
                means.push(sum / f64::from(size));
            }
        }
        let n = means.len() as f64;
        let mean = means.iter().sum::<f64>() / n;
        let variance = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, (variance / n).sqrt(), waited / (n * f64::from(size)))
    }

    #[test]
    fn waits_are_those_of_erlang_c() {
        // Offered load a = λ/μ; mean wait = C(c, a) · (1/μ) / (c − a).
        for (servers, hours, gap) in [(1_u16, 2.0, 2.5), (2, 4.0, 2.5), (5, 3.0, 0.8)] {
            let load = hours / gap;
            let waiting = probability_of_waiting(u32::from(servers), load);
            let expected = waiting * hours / (f64::from(servers) - load);
            let (mean, error, share) = mean_wait(servers, hours, gap);
            assert!(
                (mean - expected).abs() < 4.0 * error,
                "{servers}: {mean} ± {error}, not {expected}"
            );
            assert!((share - waiting).abs() < 0.02, "{servers}: {share} wait, not {waiting}");
        }
    }

    #[test]
    fn a_portfolio_keeps_an_account_with_one_member() {
        let desk = Desk { members: 3, portfolio: true, handling_hours: 1.0 };
        let desks = [("sales".to_owned(), desk)];
        let params = Staffing {
            accounts_per_team: 40,
            skill_sigma: 0.3,
            delay_effect: 0.0,
            desks: [("sales".to_owned(), desk)].into(),
        };
        let mut team = Team::new(4, &desks, &params, Streams::new(3));
        for account in 0..9 {
            let at = Instant::from_micros(0);
            let request = Request { at, account, desk: 0, handling: 0.5 };
            let member = team.serve(&request).member;
            assert_eq!(member, team.keeper(0, account));
            assert_eq!(team.name(member), format!("T000005-sales-{}", account % 3 + 1));
        }
    }
}
