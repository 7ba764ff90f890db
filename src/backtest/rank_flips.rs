//! Would the ranking of accounts be another one if the expert had been a little less sure?

use rand::RngExt;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::flow::{Catalogue, CatalogueEntry, Worth};
use crate::ids::{AccountIndex, ContactIndex, TypeNames};
use crate::interaction::AccountHistory;
use crate::rng::{Purpose, Stream, Streams};
use crate::score::{ScoreColumn, ScoreError, Valuation, ValuedHistory};
use crate::stats::{kendall, mid_ranks};
use crate::time::Instant;

/// Draws of a catalogue inside the expert's own uncertainty.
///
/// ```text
/// v_m ~ N(rv, rv_sd),   c_m ~ N(cost, cost_sd) given c_m ≥ 0      independent between types
/// ```
///
/// A type without `rv_sd` or `cost_sd` does not vary in it. In a segment with its own value a type moves by
/// the same standard normal number: an expert who errs about a type errs about it everywhere.
#[derive(Debug)]
pub struct CatalogueDraws {
    /// The expert's, then the drawn ones.
    valuations: Vec<Valuation>,
}

impl CatalogueDraws {
    /// `draws` catalogues around `catalogue`, arranged by `types`.
    ///
    /// # Errors
    ///
    /// [`ScoreError::UnknownTypes`] when the catalogue lacks a type of the log.
    pub fn new(
        catalogue: &Catalogue,
        types: &TypeNames,
        draws: u32,
        streams: Streams,
    ) -> Result<Self, ScoreError> {
        let drawn = (0..draws).map(|draw| Valuation::new(&drawn(catalogue, streams, draw), types));
        let own = Valuation::new(catalogue, types);
        Ok(Self { valuations: std::iter::once(own).chain(drawn).collect::<Result<_, _>>()? })
    }

    /// Number of draws.
    pub fn draws(&self) -> usize {
        self.valuations.len() - 1
    }

    /// Score of one account at `as_of` under the expert's catalogue, then under each draw.
    ///
    /// Folds the account anew under each, which any score allows; where the score is linear the result is
    /// that of its [`exposures`](crate::score::exposures), and a fold for each type met costs as much.
    pub fn scores(
        &self,
        score: &dyn ScoreColumn,
        history: &AccountHistory,
        as_of: Instant,
    ) -> Vec<f64> {
        self.valuations
            .par_iter()
            .map(|valuation| score.series(&ValuedHistory::new(history, valuation), &[as_of])[0])
            .collect()
    }
}

/// Catalogue number `draw` of those around `catalogue`.
fn drawn(catalogue: &Catalogue, streams: Streams, draw: u32) -> Catalogue {
    let entries = catalogue.entries().iter().zip(0..).map(|(entry, position)| {
        let draws = streams.draws(Purpose::Catalogue, AccountIndex(draw), ContactIndex(position));
        let shift = draws.stream(0).sample::<f64, _>(StandardNormal);
        let vary = |worth: Worth| Worth {
            rv: worth.rv + shift * worth.rv_sd.unwrap_or(0.0),
            variable_cost: cost(worth, draws.stream(1)),
            ..worth
        };
        CatalogueEntry {
            worth: vary(entry.worth),
            overrides: entry
                .overrides
                .iter()
                .map(|(segment, worth)| (segment.clone(), vary(*worth)))
                .collect(),
            ..entry.clone()
        }
    });
    Catalogue::from_entries(catalogue.version(), entries.collect()).expect("names are unique")
}

/// A cost that is not negative; what the expert gave is not, so half of the draws or more are kept.
fn cost(worth: Worth, mut stream: Stream) -> f64 {
    let Some(sd) = worth.cost_sd.filter(|sd| *sd > 0.0) else { return worth.variable_cost };
    loop {
        let cost = worth.variable_cost + sd * stream.sample::<f64, _>(StandardNormal);
        if cost >= 0.0 {
            return cost;
        }
    }
}

/// One account under all draws.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountRank {
    /// Id of the account.
    pub account: String,
    /// Score under the expert's catalogue.
    pub score: f64,
    /// Its rank, 1 the best; ties share the mean.
    pub rank: f64,
    /// 2.5 % quantile of its rank over the draws.
    pub rank_low: f64,
    /// 97.5 % quantile.
    pub rank_high: f64,
    /// Third of the accounts under the expert's catalogue: 0 top, 1 middle, 2 bottom.
    pub tercile: u8,
    /// Share of draws in which it is in another third.
    pub leaves_tercile: f64,
}

/// How far the ranking of accounts hangs on the expert's numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RankFlips {
    /// Score.
    pub score: String,
    /// Accounts ranked.
    pub n_accounts: u64,
    /// Draws of the catalogue.
    pub draws: u32,
    /// Mean Kendall τ-b of the ranking under a draw with that under the expert's catalogue.
    pub mean_tau: f64,
    /// 2.5 % quantile of τ-b over the draws.
    pub tau_low: f64,
    /// 97.5 % quantile.
    pub tau_high: f64,
    /// Mean probability that an account leaves its third.
    pub mean_leaves_tercile: f64,
    /// Share of accounts that leave their third in at least half of the draws.
    pub share_unsettled: f64,
    /// Mean width of the 95 % interval of a rank, as a share of the accounts.
    pub mean_rank_width: f64,
}

/// Ranks accounts under every draw.
///
/// - `accounts`: ids with scores as of [`CatalogueDraws::scores`]: the expert's first.
/// - Rank 1 is the highest score; thirds by rank: top, middle, bottom; an account leaves its third where its
///   rank under the draw lies in another one.
/// - Returns `None` for fewer than 3 accounts, or where all have the same score under the expert's catalogue.
///   A draw under which all have the same score agrees with nothing (τ 0).
///
/// # Source
///
/// Saisana, Saltelli and Tarantola (2005), *J. Roy. Stat. Soc. A* 168(2), 307-323: uncertainty of the ranks of
/// composite indicators.
pub fn rank_flips(
    score: &str,
    accounts: &[(String, Vec<f64>)],
) -> Option<(RankFlips, Vec<AccountRank>)> {
    let n = accounts.len();
    let draws = accounts.first().map_or(0, |(_, scores)| scores.len().saturating_sub(1));
    if n < 3 || draws == 0 {
        return None;
    }
    let under = |draw: usize| -> Vec<f64> { accounts.iter().map(|(_, s)| s[draw]).collect() };
    let ranks = |scores: &[f64]| mid_ranks(&scores.iter().map(|s| -s).collect::<Vec<f64>>());
    let own = under(0);
    kendall(&own, &own).ok()?;
    let expert = ranks(&own);
    let (mut taus, drawn): (Vec<f64>, Vec<Vec<f64>>) = (1..=draws)
        .into_par_iter()
        .map(|draw| {
            let scores = under(draw);
            (kendall(&own, &scores).unwrap_or(0.0), ranks(&scores))
        })
        .collect::<Vec<_>>()
        .into_iter()
        .unzip();
    taus.sort_by(f64::total_cmp);
    let third = |rank: f64| (3.0 * (rank - 0.5) / n as f64) as u8;
    let rows: Vec<AccountRank> = (0..n)
        .map(|account| {
            let mut found: Vec<f64> = drawn.iter().map(|ranks| ranks[account]).collect();
            found.sort_by(f64::total_cmp);
            let tercile = third(expert[account]);
            let leaves = found.iter().filter(|rank| third(**rank) != tercile).count();
            AccountRank {
                account: accounts[account].0.clone(),
                score: own[account],
                rank: expert[account],
                rank_low: quantile(&found, 0.025),
                rank_high: quantile(&found, 0.975),
                tercile,
                leaves_tercile: leaves as f64 / draws as f64,
            }
        })
        .collect();
    let mean = |of: &dyn Fn(&AccountRank) -> f64| rows.iter().map(of).sum::<f64>() / n as f64;
    let flips = RankFlips {
        score: score.to_owned(),
        n_accounts: n as u64,
        draws: draws as u32,
        mean_tau: taus.iter().sum::<f64>() / draws as f64,
        tau_low: quantile(&taus, 0.025),
        tau_high: quantile(&taus, 0.975),
        mean_leaves_tercile: mean(&|row| row.leaves_tercile),
        share_unsettled: mean(&|row| f64::from(u8::from(row.leaves_tercile >= 0.5))),
        mean_rank_width: mean(&|row| row.rank_high - row.rank_low) / n as f64,
    };
    Some((flips, rows))
}

/// The value nearest to a share of the way through ascending ones.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[(share * (sorted.len() - 1) as f64).round() as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TypeIndex;
    use crate::interaction::{Account, Interaction};
    use crate::score::{Rv, RvParams, exposures};

    fn entry(name: &str, rv: f64, rv_sd: Option<f64>, cost_sd: Option<f64>) -> CatalogueEntry {
        CatalogueEntry {
            worth: Worth { rv, rv_sd, variable_cost: 1.0, cost_sd },
            ..CatalogueEntry::plain(name, rv)
        }
    }

    fn catalogue() -> Catalogue {
        let entries = vec![
            entry("visit", 4.0, Some(1.0), Some(2.0)),
            entry("call", 2.0, Some(0.5), None),
            entry("mail", 1.0, None, Some(0.0)),
        ];
        Catalogue::from_entries("1", entries).unwrap()
    }

    fn types() -> TypeNames {
        ["mail", "visit", "call"].into_iter().collect()
    }

    fn day(day: f64) -> Instant {
        Instant::from_micros(0).plus_days(day)
    }

    fn history(rows: &[(u16, f64)]) -> AccountHistory {
        let account = Account { id: "a".to_owned(), entered_at: day(0.0), ..Account::default() };
        let row = |&(kind, at): &(u16, f64)| Interaction {
            contact: None,
            kind: TypeIndex(kind),
            occurred_at: day(at),
            known_at: day(at),
            ..Interaction::default()
        };
        AccountHistory {
            interactions: rows.iter().map(row).collect(),
            ..AccountHistory::empty(account)
        }
    }

    #[test]
    fn drawn_values_have_the_moments_that_the_expert_gave() {
        let n = 4_000;
        let drawn: Vec<Catalogue> =
            (0..n).map(|draw| drawn(&catalogue(), Streams::new(3), draw)).collect();
        let moments = |of: &dyn Fn(&Worth) -> f64, name: &str| {
            let values: Vec<f64> = drawn.iter().map(|c| of(&c.get(name).unwrap().worth)).collect();
            let mean = values.iter().sum::<f64>() / f64::from(n);
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(n);
            (mean, variance.sqrt())
        };
        // Standard errors: sd / √4000 = .016 of the mean and .011 of the deviation; four of them.
        let (mean, sd) = moments(&|worth| worth.rv, "visit");
        assert!((mean - 4.0).abs() < 0.064 && (sd - 1.0).abs() < 0.045, "{mean} {sd}");
        assert_eq!(moments(&|worth| worth.rv, "mail"), (1.0, 0.0));
        // A normal of mean 1 and deviation 2, cut at 0: mean 1 + 2 φ(.5)/Φ(.5) = 2.0183; deviation
        // 2 √(1 − .5 r − r²) with r = φ(.5)/Φ(.5) = .50916, that is 1.3942.
        let (mean, sd) = moments(&|worth| worth.variable_cost, "visit");
        assert!((mean - 2.0183).abs() < 0.09 && (sd - 1.3942).abs() < 0.08, "{mean} {sd}");
        assert!(drawn.iter().all(|c| c.get("visit").unwrap().worth.variable_cost >= 0.0));
        assert_eq!(moments(&|worth| worth.variable_cost, "call"), (1.0, 0.0));
    }

    #[test]
    fn a_linear_score_under_a_draw_is_its_exposures_times_the_drawn_values() {
        let draws = CatalogueDraws::new(&catalogue(), &types(), 20, Streams::new(5)).unwrap();
        let history = history(&[(0, 1.0), (1, 3.0), (2, 8.0), (1, 9.0), (0, 30.0)]);
        let score =
            Rv::new(RvParams { half_life_days: Some(20.0), position: 0.5, ..RvParams::default() })
                .unwrap();
        let at = day(40.0);
        let own = &draws.valuations[0];
        let valued = ValuedHistory::new(&history, own);
        let parts = exposures(&score, &valued, &[at]).unwrap();
        let scores = draws.scores(&score, &history, at);
        assert_eq!(scores.len(), 21);
        for (valuation, found) in draws.valuations.iter().zip(&scores) {
            let pairs = parts.types.iter().zip(parts.at(0));
            let sum: f64 = pairs.map(|(kind, e)| valuation.base_value(*kind) * e).sum();
            assert!((sum - found).abs() < 1e-9, "{sum} {found}");
        }
        assert!(scores[1..].iter().all(|drawn| (drawn - scores[0]).abs() > 1e-9));
    }

    #[test]
    fn accounts_leave_their_third_as_often_as_their_ranks_do() {
        let accounts = |scores: [[f64; 5]; 3]| -> Vec<(String, Vec<f64>)> {
            scores.iter().zip(["a", "b", "c"]).map(|(s, id)| (id.to_owned(), s.to_vec())).collect()
        };
        let found = rank_flips(
            "rv_sum",
            // By account: the expert's score, then four draws. a and b change places in the last one.
            &accounts([
                [9.0, 8.0, 9.0, 7.0, 4.0],
                [5.0, 5.0, 5.0, 5.0, 5.0],
                [1.0, 2.0, 0.0, 1.0, 1.0],
            ]),
        );
        let (flips, rows) = found.unwrap();
        let leaves: Vec<f64> = rows.iter().map(|row| row.leaves_tercile).collect();
        assert_eq!(leaves, [0.25, 0.25, 0.0]);
        assert_eq!(rows.iter().map(|row| row.tercile).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!((rows[0].rank, rows[0].rank_low, rows[0].rank_high), (1.0, 1.0, 2.0));
        // τ is 1 three times, and (2 − 1)/3 once.
        assert!((flips.mean_tau - (3.0 + 1.0 / 3.0) / 4.0).abs() < 1e-12, "{flips:?}");
        assert!((flips.mean_leaves_tercile - 0.5 / 3.0).abs() < 1e-12);
        assert_eq!(rank_flips("rv_sum", &accounts([[1.0; 5]; 3])), None);
    }
}
