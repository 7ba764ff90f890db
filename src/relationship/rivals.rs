//! How the firm stands against its customers' other suppliers, and what that says of its share.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Estimate;
use crate::interaction::{AccountHistory, Survey};
use crate::rng::Draws;
use crate::score::{Standing, standings, wallet_allocation};
use crate::stats::spearman;
use crate::time::Instant;

/// The comparisons of one account over the trailing year.
#[derive(Debug, Clone, Default)]
struct Row {
    standings: Vec<Standing>,
    /// Share of wallet by the allocation rule, and as recorded.
    shares: Option<(f64, f64)>,
}

/// One dimension over all accounts that compared in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DimensionFigures {
    /// What was asked about; absent for the firm as a whole.
    pub dimension: Option<String>,
    /// Accounts that compared.
    pub n_accounts: u64,
    /// Mean answer about the firm.
    pub us: f64,
    /// Mean answer about each account's best rival.
    pub leader: f64,
    /// Mean difference over accounts.
    pub relative: Estimate,
    /// Share of accounts in which the firm leads, as answered.
    pub leads: f64,
    /// Variance of the accounts' true differences over that of the observed ones, in `[0, 1]`: 0 says that
    /// the differences between accounts are measurement error. Absent below ten accounts with repeated answers.
    pub reliability: Option<f64>,
}

/// The firm against its rivals over the trailing year.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RivalFigures {
    /// By dimension, in order of name.
    pub dimensions: Vec<DimensionFigures>,
    /// Accounts with a comparison and a recorded share of wallet.
    pub n_shares: u64,
    /// Spearman correlation of the share by the allocation rule with the recorded one.
    pub allocation_correlation: Option<Estimate>,
    /// Mean absolute difference between the two shares.
    pub allocation_error: Option<f64>,
}

/// Takes accounts one by one, over a year.
#[derive(Debug, Clone)]
pub struct Rivals {
    from: Instant,
    end: Instant,
    rows: Vec<Row>,
}

impl Rivals {
    /// Comparisons from the first instant of `year` to before the second.
    pub fn new(year: (Instant, Instant)) -> Self {
        Self { from: year.0, end: year.1, rows: Vec::new() }
    }

    /// Takes an account; it counts when it compared the firm with a rival in the trailing year.
    pub fn add(&mut self, history: &AccountHistory) {
        let answered = |survey: &&Survey| {
            survey.subject.is_some()
                && survey.answered_at.is_some_and(|at| (self.from..self.end).contains(&at))
        };
        let answers: Vec<&Survey> = history.surveys.iter().filter(answered).collect();
        let standings = standings(answers.iter().copied());
        if standings.is_empty() {
            return;
        }
        let recorded = history
            .outcomes
            .iter()
            .filter(|outcome| outcome.period_end <= self.end && outcome.period_start >= self.from)
            .filter_map(|outcome| outcome.share_of_wallet);
        let (sum, months) = recorded.fold((0.0, 0.0), |(sum, n), share| (sum + share, n + 1.0));
        let allocated = wallet_allocation(answers);
        let shares = allocated.filter(|_| months > 0.0).map(|share| (share, sum / months));
        self.rows.push(Row { standings, shares });
    }

    /// The figures; intervals resample accounts.
    ///
    /// `None` when nobody compared.
    pub fn finish(&self, resamples: u32, draws: Draws) -> Option<RivalFigures> {
        let mut dimensions: BTreeMap<Option<&str>, Vec<&Standing>> = BTreeMap::new();
        for standing in self.rows.iter().flat_map(|row| &row.standings) {
            dimensions.entry(standing.dimension.as_deref()).or_default().push(standing);
        }
        if dimensions.is_empty() {
            return None;
        }
        let shares: Vec<(f64, f64)> = self.rows.iter().filter_map(|row| row.shares).collect();
        let correlation = |chosen: &[usize]| {
            let (rule, recorded): (Vec<f64>, Vec<f64>) =
                chosen.iter().map(|&at| shares[at]).unzip();
            spearman(&rule, &recorded).ok()
        };
        let error = shares.iter().map(|(rule, recorded)| (rule - recorded).abs()).sum::<f64>();
        Some(RivalFigures {
            dimensions: dimensions
                .into_iter()
                .filter_map(|(name, all)| DimensionFigures::of(name, &all, (resamples, draws)))
                .collect(),
            n_shares: shares.len() as u64,
            allocation_correlation: Estimate::bootstrap(
                shares.len(),
                (resamples, draws),
                correlation,
            ),
            allocation_error: (!shares.is_empty()).then(|| error / shares.len() as f64),
        })
    }
}

impl DimensionFigures {
    fn of(name: Option<&str>, all: &[&Standing], resampling: (u32, Draws)) -> Option<Self> {
        let n = all.len() as f64;
        let mean = |of: &dyn Fn(&Standing) -> f64| all.iter().map(|s| of(s)).sum::<f64>() / n;
        let relative = Estimate::bootstrap(all.len(), resampling, |chosen| {
            let sum: f64 = chosen.iter().map(|&at| all[at].relative()).sum();
            Some(sum / chosen.len() as f64)
        })?;
        Some(Self {
            dimension: name.map(str::to_owned),
            n_accounts: all.len() as u64,
            us: mean(&|standing| standing.us),
            leader: mean(&|standing| standing.leader),
            relative,
            leads: mean(&|standing| f64::from(u8::from(standing.relative() > 0.0))),
            reliability: reliability(all),
        })
    }
}

/// Accounts with repeated answers below which measurement error is not known.
const FEWEST_REPEATED: usize = 10;

/// Share of the variance of observed differences that is not measurement error.
fn reliability(all: &[&Standing]) -> Option<f64> {
    let errors: Vec<f64> = all.iter().filter_map(|standing| standing.std_error).collect();
    if errors.len() < FEWEST_REPEATED {
        return None;
    }
    let n = all.len() as f64;
    let centre = all.iter().map(|standing| standing.relative()).sum::<f64>() / n;
    let squares: f64 = all.iter().map(|standing| (standing.relative() - centre).powi(2)).sum();
    let observed = squares / (n - 1.0);
    let noise = errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64;
    (observed > 0.0).then(|| (1.0 - noise / observed).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interaction::{Account, Outcome};
    use crate::rng::{Purpose, Streams};

    fn end() -> Instant {
        "2024-01-01T00:00:00Z".parse().unwrap()
    }

    /// An account that was asked twice about the firm and a rival, with a recorded share.
    fn customer(
        number: usize,
        us: [f64; 2],
        rival: [f64; 2],
        share: Option<f64>,
    ) -> AccountHistory {
        let answer = |subject: &str, value: f64, days: f64| Survey {
            asked_at: end().plus_days(-days),
            answered_at: Some(end().plus_days(-days)),
            instrument: "comparison".to_owned(),
            dimension: Some("delivery".to_owned()),
            subject: Some(subject.to_owned()),
            value: Some(value),
            ..Survey::default()
        };
        let id = format!("A{number:02}");
        AccountHistory {
            surveys: vec![
                answer("us", us[0], 90.0),
                answer("acme", rival[0], 90.0),
                answer("us", us[1], 10.0),
                answer("acme", rival[1], 10.0),
                // Before the trailing year.
                answer("us", 1.0, 400.0),
            ],
            outcomes: vec![Outcome {
                period_start: end().plus_days(-31.0),
                period_end: end(),
                share_of_wallet: share,
                ..Outcome::default()
            }],
            ..AccountHistory::empty(Account { id, ..Account::default() })
        }
    }

    fn figures(histories: &[AccountHistory]) -> Option<RivalFigures> {
        let mut rivals = Rivals::new((end().plus_days(-365.0), end()));
        for history in histories {
            rivals.add(history);
        }
        rivals.finish(199, Streams::new(1).global(Purpose::Bootstrap))
    }

    #[test]
    fn a_dimension_has_its_means_and_the_rule_its_error() {
        let histories = [
            customer(1, [4.0, 4.0], [3.0, 3.0], Some(0.7)),
            customer(2, [2.0, 2.0], [5.0, 5.0], Some(0.3)),
        ];
        let figures = figures(&histories).unwrap();
        let delivery = &figures.dimensions[0];
        assert_eq!((delivery.us, delivery.leader, delivery.leads), (3.0, 4.0, 0.5));
        assert!((delivery.relative.estimate - -1.0).abs() < 1e-12);
        assert_eq!(delivery.reliability, None, "two accounts say nothing about the error");
        // The rule says 2/3 and 1/3.
        let expected = f64::midpoint(0.7 - 2.0 / 3.0, 1.0 / 3.0 - 0.3);
        assert!((figures.allocation_error.unwrap() - expected).abs() < 1e-12);
        assert_eq!(figures.n_shares, 2);
    }

    #[test]
    fn where_answers_only_scatter_accounts_do_not_differ_reliably() {
        // Every account answers 1 and 5 about both: the difference is 0 or ±2 by chance alone.
        let noisy = |n: usize| {
            let us = [[1.0, 5.0], [5.0, 5.0], [1.0, 1.0]][n % 3];
            customer(n, us, [1.0, 5.0], None)
        };
        let figures = figures(&(0..30).map(noisy).collect::<Vec<_>>()).unwrap();
        // Squared standard errors: (8 + 8)/2 · 1, twice 8/2 · 1; observed variance 8/3 · 30/29.
        let noise = (8.0 + 4.0 + 4.0) / 3.0;
        let observed = 8.0 / 3.0 * 30.0 / 29.0;
        let expected = f64::max(1.0 - noise / observed, 0.0);
        assert!((figures.dimensions[0].reliability.unwrap() - expected).abs() < 1e-12);
        assert_eq!(figures.allocation_error, None);
    }

    #[test]
    fn without_a_rival_there_is_nothing_to_say() {
        let mut alone = customer(1, [4.0, 4.0], [3.0, 3.0], None);
        alone.surveys.retain(|survey| survey.subject.as_deref() == Some("us"));
        assert_eq!(figures(&[alone]), None);
    }
}
