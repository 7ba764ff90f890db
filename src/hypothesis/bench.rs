//! The tests of a hypothesis on one panel, rung by rung.

use crate::backtest::{
    self, AccountGroup, BacktestError, BacktestParams, Baseline, Finding, Power, account_groups,
    account_strata, attrition_auc, attrition_hazard, incremental_gain, power_from_error,
};
use crate::panel::{Measure, Panel, PanelScore};
use crate::rng::{Draws, Purpose, Streams};
use crate::stats::{self, PanelStatistic, PermutationTest, StatsError, cluster_ewc};

use super::core::{Hypothesis, Lead, Statistic};
use super::id::HypothesisId;
use super::plan::HypothesisParams;
use super::robust::Robustness;
use super::view::View;

/// What every test of one panel shares.
#[derive(Debug)]
pub struct Bench<'a> {
    panel: &'a Panel,
    params: &'a BacktestParams,
    baselines: Vec<&'a PanelScore>,
    streams: Streams,
    /// Inside which histories are swapped.
    strata: Vec<u32>,
    draws: Draws,
    /// In which *robust* looks for a reversal.
    groups: Vec<AccountGroup>,
}

impl<'a> Bench<'a> {
    /// Tests on `panel`; `baselines` are what a score must beat.
    pub fn new(
        panel: &'a Panel,
        params: &'a BacktestParams,
        baselines: Vec<&'a PanelScore>,
        streams: Streams,
    ) -> Self {
        Self {
            panel,
            params,
            baselines,
            streams,
            strata: account_strata(panel, params.min_stratum as usize),
            draws: streams.global(Purpose::Permutation),
            groups: account_groups(panel),
        }
    }

    /// The strata inside which histories are swapped, and the draws that name the permutations.
    pub fn permutation(&self) -> (&[u32], Draws) {
        (&self.strata, self.draws)
    }

    /// *Associated*: the statistic of the hypothesis, with every test of it.
    ///
    /// # Errors
    ///
    /// [`BacktestError`] where the statistic is undefined on this panel.
    pub fn associated(
        &self,
        id: HypothesisId,
        params: &HypothesisParams,
    ) -> Result<Association, BacktestError> {
        let (view, measured, clustered) = self.clustered(id, params)?;
        let statistic = id.hypothesis().statistic;
        let permuted =
            self.permuted(&view, statistic).map_err(|source| failed(id, "association", source))?;
        Ok(Association { clustered, permuted, measured, null: statistic.null() })
    }

    /// What the panel can show of the hypothesis, from the error of its statistic; none without one.
    ///
    /// # Errors
    ///
    /// [`BacktestError`] where the statistic is undefined on this panel.
    pub fn power(
        &self,
        id: HypothesisId,
        params: &HypothesisParams,
    ) -> Result<Option<Power>, BacktestError> {
        let (_, _, clustered) = self.clustered(id, params)?;
        Ok(power_from_error(&clustered))
    }

    /// The statistic of the hypothesis with account cluster and EWC date variance.
    fn clustered(
        &self,
        id: HypothesisId,
        params: &HypothesisParams,
    ) -> Result<(View<'_>, PanelStatistic, Finding), BacktestError> {
        let hypothesis = id.hypothesis();
        let statistic = hypothesis.statistic;
        let view = self.view(hypothesis, params, params.outcome, hypothesis.horizon(params))?;
        let measured =
            view.measure(statistic).map_err(|source| failed(id, "association", source))?;
        let mut clustered = finding(statistic.name(), (id, params), (&measured, statistic.null()))?;
        if statistic == Statistic::Risk {
            clustered.n_events = view.outcome.iter().filter(|&&event| event > 0.5).count() as u64;
        }
        Ok((view, measured, clustered))
    }

    /// *Leads*: the statistic with what comes less that with what was, or with what comes later.
    ///
    /// # Errors
    ///
    /// [`BacktestError`] where it is undefined; `None` where the rung makes no sense.
    pub fn leads(
        &self,
        id: HypothesisId,
        params: &HypothesisParams,
    ) -> Option<Result<Finding, BacktestError>> {
        match id.hypothesis().lead {
            Lead::No => None,
            Lead::Delayed => {
                let what = (params.horizon, self.params.attrition_lead_months);
                let score = self.score(&params.score);
                Some(score.and_then(|score| {
                    attrition_auc(self.panel, score, what, self.params, Some(self.permutation()))
                }))
            }
            Lead::Contrast => Some(self.lead_contrast(id, params)),
        }
    }

    fn lead_contrast(
        &self,
        id: HypothesisId,
        params: &HypothesisParams,
    ) -> Result<Finding, BacktestError> {
        let hypothesis = id.hypothesis();
        let fail = |source| failed(id, "lead", source);
        let outcome = backtest::before_cost(params.outcome);
        let months = params.horizon as i32;
        let ahead = self.view(hypothesis, params, outcome, months)?;
        let behind = self.view(hypothesis, params, outcome, -months)?;
        // Few answer twice within months: answers before and after come from whoever answered.
        let paired = outcome != Measure::Satisfaction;
        let known = |cell: usize| !ahead.outcome[cell].is_nan() && !behind.outcome[cell].is_nan();
        let both = |cell: usize| !paired || known(cell);
        let measure = |view: &View<'_>| view.kept(both).measure(hypothesis.statistic);
        let difference = measure(&ahead)
            .and_then(|ahead| stats::difference(&ahead, &measure(&behind)?))
            .map_err(fail)?;
        let params = HypothesisParams { outcome, ..params.clone() };
        let name = match hypothesis.statistic {
            Statistic::RankCorrelation => "lead_ic_difference",
            _ => "lead_auc_difference",
        };
        finding(name, (id, &params), (&difference, 0.0))
    }

    /// *Adds to baselines*: out-of-sample gain over one form of the baselines; `None` where the rung
    /// makes no sense.
    ///
    /// For H9 the critical interactions are what is added, and the score is a baseline.
    ///
    /// # Errors
    ///
    /// [`BacktestError`] where the panel is too short or a regression fails.
    pub fn adds(
        &self,
        id: HypothesisId,
        params: &HypothesisParams,
        kind: Baseline,
    ) -> Option<Result<Finding, BacktestError>> {
        id.hypothesis().adds.then(|| self.gain(id, params, kind))
    }

    fn gain(
        &self,
        id: HypothesisId,
        params: &HypothesisParams,
        kind: Baseline,
    ) -> Result<Finding, BacktestError> {
        let score = self.score(&params.score)?;
        let (mut baselines, mut tested) = (self.baselines.clone(), score);
        if id.hypothesis().statistic == Statistic::CriticalGivenScore {
            baselines.push(score);
            tested = self.score(super::columns::CRITICAL)?;
        }
        let what = (params.outcome, params.horizon);
        let gain = incremental_gain(
            self.panel,
            tested,
            &baselines,
            what,
            kind,
            self.params,
            self.streams,
        )?;
        Ok(gain.finding)
    }

    /// What the monthly hazard says of the score among accounts alike in the baselines, where the
    /// hypothesis is of attrition; see [`attrition_hazard`].
    ///
    /// # Errors
    ///
    /// [`BacktestError`] without exits, or where the regression fails.
    pub fn hazard_given_baselines(
        &self,
        id: HypothesisId,
        params: &HypothesisParams,
    ) -> Option<Result<Finding, BacktestError>> {
        let of = |score| attrition_hazard(self.panel, score, &self.baselines);
        (id.hypothesis().statistic == Statistic::Risk).then(|| of(self.score(&params.score)?))
    }

    /// *Robust*: the sign of the statistic within accounts and in every stratum, with the p-value of
    /// *associated*.
    ///
    /// # Errors
    ///
    /// [`BacktestError`] where no check can be computed.
    pub fn robust(
        &self,
        id: HypothesisId,
        params: &HypothesisParams,
        associated: &Finding,
    ) -> Result<Robustness, BacktestError> {
        let hypothesis = id.hypothesis();
        let view = self.view(hypothesis, params, params.outcome, hypothesis.horizon(params))?;
        let p_value = associated.p_value.unwrap_or(1.0);
        Robustness::of(hypothesis, &view, &self.groups, p_value)
            .map_err(|source| failed(id, "robustness", source))
    }

    fn score(&self, name: &str) -> Result<&'a PanelScore, BacktestError> {
        self.panel.score(name).ok_or_else(|| BacktestError::UnknownScore {
            name: name.to_owned(),
            known: self
                .panel
                .scores()
                .iter()
                .map(|s| s.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        })
    }

    fn view(
        &self,
        hypothesis: &Hypothesis,
        params: &HypothesisParams,
        outcome: Measure,
        horizon: i32,
    ) -> Result<View<'a>, BacktestError> {
        let score = self.score(&params.score)?;
        backtest::refuse_level_on_level(&score.name, score.accumulates, outcome)?;
        let looked = (outcome, horizon);
        Ok(View::new(self.panel, score, looked, hypothesis.statistic, self.params))
    }

    /// The permutation test that belongs to a statistic; none where swapping histories does not give
    /// its null.
    fn permuted(
        &self,
        view: &View<'_>,
        statistic: Statistic,
    ) -> Result<Option<PermutationTest>, StatsError> {
        let permutations = self.params.permutations as usize;
        let ranked = |x: &[f64], y: &[f64]| {
            let (x, y) = (view.grid(x)?, view.grid(y)?);
            let least = view.min_accounts;
            stats::permute_histories(x, y, &self.strata, permutations, self.draws, least)
        };
        Ok(Some(match statistic {
            Statistic::RankCorrelation
            | Statistic::Risk
            | Statistic::Sufficiency
            | Statistic::RankOverRaw => ranked(&view.score, &view.outcome)?,
            Statistic::Extremes => ranked(&view.score, &view.extremes())?,
            Statistic::CriticalGivenScore => {
                let (harm, rest) = view.freed()?;
                let least = view.min_accounts;
                let correlation = |x: stats::Grid<'_>, y: stats::Grid<'_>| {
                    stats::mean_correlation(x, y, least).ok()
                };
                let (harm, rest) = (view.grid(&harm)?, view.grid(&rest)?);
                stats::permute_statistic(
                    harm,
                    rest,
                    &self.strata,
                    permutations,
                    self.draws,
                    correlation,
                )?
            }
            Statistic::TopFifth | Statistic::OwnOverSegment => return Ok(None),
        }))
    }
}

/// The inference on a statistic as a finding.
fn finding(
    statistic: &str,
    (id, params): (HypothesisId, &HypothesisParams),
    (measured, null): (&PanelStatistic, f64),
) -> Result<Finding, BacktestError> {
    let inference = cluster_ewc(measured, null).map_err(|source| failed(id, statistic, source))?;
    let looked = (params.outcome, id.hypothesis().horizon(params));
    Ok(backtest::from_inference(statistic, &params.score, looked.0, looked.1, &inference, null))
}

/// An association with every test of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Association {
    /// Account cluster + EWC date variance.
    clustered: Finding,
    /// Permutation of whole histories; absent where it does not give the null.
    ///
    /// H10 and H33 compare what is said in two ways: theirs is that of the score's rank correlation,
    /// since a comparison says something only where the score does.
    permuted: Option<PermutationTest>,
    measured: PanelStatistic,
    null: f64,
}

impl Association {
    /// The finding with the headline p-value: the larger of clustered and permuted.
    pub fn headline(&self) -> Finding {
        let clustered = self.clustered.clone();
        match &self.permuted {
            Some(test) => clustered.with_permutation(test.p_value, test.share_without_partner),
            None => clustered,
        }
    }

    /// p-values by test: the two of the headline, and for comparison the two that are usual.
    pub fn p_values(&self, horizon: u32) -> Vec<(&'static str, f64)> {
        let overlap = horizon.saturating_sub(1) as usize;
        let lag = overlap.min(self.measured.n_periods.saturating_sub(1));
        let usual = [
            ("newey_west", stats::newey_west(&self.measured, self.null, lag)),
            ("naive_t", stats::naive_t(&self.measured, self.null)),
        ];
        let own = [
            ("cluster_ewc", self.clustered.p_value),
            ("permutation", self.permuted.as_ref().map(|test| test.p_value)),
        ];
        let own = own.into_iter().filter_map(|(name, p)| Some((name, p?)));
        own.chain(usual.into_iter().filter_map(|(name, test)| Some((name, test.ok()?.p_value))))
            .collect()
    }
}

fn failed(id: HypothesisId, what: &str, source: StatsError) -> BacktestError {
    BacktestError::Statistic { what: format!("{what} of {}", id.name()), source }
}
