//! `[weights]` of a plan: weights learned from attrition, and ranks under the expert's own uncertainty.

use std::path::Path;

use rayon::prelude::*;

use crate::backtest::{
    AccountRank, CatalogueDraws, ExpertType, LearnedWeights, RankFlips, WeightParams, WeightSample,
    account_strata, learn_weights, rank_flips,
};
use crate::diagnostic::nearest;
use crate::interaction::{AccountHistory, ColumnData, write_table};
use crate::panel::Panel;
use crate::score::{Exposures, Rv, ScoreColumn, Valuation, ValuedHistory, check_linear, exposures};
use crate::time::Instant;

use super::RunError;
use super::data::Dataset;
use super::plan::{Broken, Plan};

/// Learned weights, and every account's rank under draws of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightsFound {
    /// Weights with their null, or why there are none.
    pub learned: LearnedWeights,
    /// The ranking of accounts at the last month end, where there is one.
    pub ranks: Option<(RankFlips, Vec<AccountRank>)>,
}

/// The relationship value that `[weights]` names.
fn score_of(plan: &Plan, params: &WeightParams) -> Option<Rv> {
    let values = plan.score.scores.iter().filter_map(|spec| spec.rv().ok().flatten());
    values.into_iter().find(|rv| ScoreColumn::name(rv) == params.score)
}

/// What is wrong with `[weights]`.
pub(super) fn broken_weights(plan: &Plan) -> Vec<Broken> {
    let Some(params) = &plan.weights else { return Vec::new() };
    let mut broken: Vec<Broken> = params
        .broken()
        .into_iter()
        .map(|(key, message)| (("weights", key), message, None))
        .collect();
    let place = ("weights", "score");
    match score_of(plan, params) {
        None => {
            let values: Vec<String> = plan
                .score
                .scores
                .iter()
                .filter_map(|spec| spec.rv().ok().flatten())
                .map(|rv| ScoreColumn::name(&rv))
                .collect();
            let known = || values.iter().map(String::as_str);
            let help = nearest(&params.score, known())
                .map(|near| format!("did you mean `{near}`?"))
                .or_else(|| Some(format!("relationship values: {}", values.join(", "))));
            let message = format!(
                "`score` is `{}`, expected a relationship value among `scores` of `[score]`",
                params.score
            );
            broken.push((place, message, help));
        }
        Some(rv) => {
            if let Err(error) = check_linear(&rv) {
                broken.push((place, error.to_string(), None));
            }
            if rv.params().transactions {
                let message = format!(
                    "`score` is `{}`, which reads purchases: outcomes in disguise give no weights \
                     (rule R1)",
                    params.score
                );
                broken.push((place, message, None));
            }
        }
    }
    broken
}

/// Accounts read at a time.
const CHUNK: usize = 256;

/// What one account brings.
struct Read {
    exposures: Option<Exposures>,
    scores: Option<Vec<f64>>,
}

/// Learns the weights of `params.score` from `dataset`, of which `panel` was built.
///
/// # Errors
///
/// [`RunError::Weights`] when the search for weights does not end; else as reading and scoring.
pub fn weights_of(
    dataset: &Dataset,
    panel: &Panel,
    plan: &Plan,
    params: &WeightParams,
) -> Result<WeightsFound, RunError> {
    let rv = score_of(plan, params).expect("a checked plan has this score");
    let streams = plan.run.streams();
    let valuation = Valuation::new(&dataset.catalogue, &dataset.types)?;
    let draws = CatalogueDraws::new(&dataset.catalogue, &dataset.types, params.draws, streams)?;
    let (types, positions) = learnable(dataset, &valuation);
    let strata = account_strata(panel, plan.backtest.min_stratum as usize);
    let mut sample = WeightSample::of_panel(panel, &types, params.horizon, strata);
    let month_end = |month: usize| dataset.calendar.end_of(panel.first_month().plus(month as i32));
    let last = panel.months() - 1;
    let read = |account: usize, history: &AccountHistory| -> Result<Read, RunError> {
        let dates: Vec<Instant> = sample_dates(&sample, panel, account).map(month_end).collect();
        let exposures = if dates.is_empty() {
            None
        } else {
            let valued = ValuedHistory::new(history, &valuation);
            Some(exposures(&rv, &valued, &dates)?)
        };
        let is_there = panel.is_active(account, last);
        let scores = is_there.then(|| draws.scores(&rv, history, month_end(last)));
        Ok(Read { exposures, scores })
    };
    let mut reads: Vec<Read> = Vec::with_capacity(panel.accounts().len());
    let mut histories = dataset.histories()?;
    loop {
        let chunk: Vec<AccountHistory> =
            histories.by_ref().take(CHUNK).collect::<Result<_, _>>()?;
        if chunk.is_empty() {
            break;
        }
        let first = reads.len();
        let more: Vec<Result<Read, RunError>> = chunk
            .par_iter()
            .enumerate()
            .map(|(position, history)| read(first + position, history))
            .collect();
        for read in more {
            reads.push(read?);
        }
    }
    let mut ranked: Vec<(String, Vec<f64>)> = Vec::new();
    for (account, read) in reads.into_iter().enumerate() {
        if let Some(exposures) = read.exposures {
            sample.push_account(panel, account, &exposures, (&positions, &valuation));
        }
        if let Some(scores) = read.scores {
            ranked.push((panel.accounts()[account].id.clone(), scores));
        }
    }
    Ok(WeightsFound {
        learned: learn_weights(&sample, params, &plan.backtest, streams)?,
        ranks: rank_flips(&params.score, &ranked),
    })
}

/// Types whose weights may be learned, and where each type of the log stands among them: purchases are
/// outcomes in disguise (rule R1) and no such score reads them.
fn learnable(dataset: &Dataset, valuation: &Valuation) -> (Vec<ExpertType>, Vec<Option<usize>>) {
    let mut types = Vec::new();
    let mut positions = Vec::new();
    for (name, kind) in dataset.types.iter().zip(0..) {
        let entry = dataset.catalogue.get(name);
        if entry.is_some_and(|entry| entry.transactional) {
            positions.push(None);
            continue;
        }
        positions.push(Some(types.len()));
        let value = valuation.base_value(crate::ids::TypeIndex(kind));
        types.push(ExpertType { name: name.to_owned(), value });
    }
    (types, positions)
}

/// Months of the sample's dates at which an account has a row.
fn sample_dates<'a>(
    sample: &'a WeightSample,
    panel: &'a Panel,
    account: usize,
) -> impl Iterator<Item = usize> + 'a {
    sample.dates().iter().copied().filter(move |&month| panel.is_active(account, month))
}

/// Writes `weights.parquet` and `rank_flips.parquet` into `folder`.
///
/// # Errors
///
/// [`RunError::Table`] when a file cannot be written.
pub(super) fn write_weights(folder: &Path, found: &WeightsFound) -> Result<(), RunError> {
    if let Some(fit) = &found.learned.fit {
        let number = |of: &dyn Fn(&crate::backtest::TypeWeight) -> f64| {
            ColumnData::Number(fit.types.iter().map(of).collect())
        };
        let names = fit.types.iter().map(|of_type| of_type.interaction_type.clone());
        let words = fit.types.iter().map(|of_type| of_type.standing.words().to_owned());
        let columns = [
            ("interaction_type", ColumnData::Text(names.collect())),
            ("exits", ColumnData::Integer(fit.types.iter().map(|t| t.exits as i64).collect())),
            ("expert_value", number(&|t| t.expert_value)),
            ("expert_weight", number(&|t| t.expert_weight)),
            ("learned_weight", number(&|t| t.learned_weight)),
            ("low", number(&|t| t.low.unwrap_or(f64::NAN))),
            ("high", number(&|t| t.high.unwrap_or(f64::NAN))),
            ("exposure_sd", number(&|t| t.spread)),
            ("share_moved", number(&|t| t.share_moved)),
            ("standing", ColumnData::Text(words.collect())),
        ];
        write_table(&folder.join("weights.parquet"), &columns)?;
    }
    if let Some((_, rows)) = &found.ranks {
        let number =
            |of: &dyn Fn(&AccountRank) -> f64| ColumnData::Number(rows.iter().map(of).collect());
        let columns = [
            ("account_id", ColumnData::Text(rows.iter().map(|row| row.account.clone()).collect())),
            ("score", number(&|row| row.score)),
            ("rank", number(&|row| row.rank)),
            ("rank_low", number(&|row| row.rank_low)),
            ("rank_high", number(&|row| row.rank_high)),
            (
                "tercile",
                ColumnData::Integer(rows.iter().map(|row| i64::from(row.tercile) + 1).collect()),
            ),
            ("leaves_tercile", number(&|row| row.leaves_tercile)),
        ];
        write_table(&folder.join("rank_flips.parquet"), &columns)?;
    }
    Ok(())
}
