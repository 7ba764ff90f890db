//! Nested folds: penalties chosen inside the training part, forecasts only for accounts never seen.

use std::collections::BTreeMap;

use super::WeightError;
use super::concordance::{Said, WeightAuc, concordance};
use super::constraint::Constraint;
use super::design::{Case, Design, Sums};
use super::sample::WeightSample;
use super::solve::{Model, fit, log_loss};
use super::space::Freedom;
use crate::panel::WalkForward;

/// Precision of what penalties are compared by, of forecasts, and of what is reported \[log odds per standard
/// deviation\].
const ROUGH: f64 = 1e-3;
const FORECAST: f64 = 1e-5;
const FINE: f64 = 1e-8;

/// Everything that the whole procedure needs beside the outcomes.
pub(super) struct Procedure<'a> {
    pub(super) sample: &'a WeightSample,
    pub(super) split: &'a WalkForward,
    /// Inner group of each account.
    pub(super) inner: Vec<usize>,
    pub(super) n_inner: usize,
    pub(super) constraint: Constraint,
    /// Descending.
    pub(super) penalties: Vec<f64>,
    pub(super) min_events: u32,
    pub(super) expert: Design,
    pub(super) baselines: Design,
}

/// What the weights learned from one set of rows came out as.
pub(super) struct Learned {
    pub(super) model: Model,
    pub(super) freedom: Freedom,
    /// By type: exits of accounts that were exposed to it.
    pub(super) events: Vec<u64>,
}

/// Out-of-sample losses of one account.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Losses {
    pub(super) learned: f64,
    pub(super) expert: f64,
    pub(super) baselines: f64,
    pub(super) n: u64,
}

/// What came out of sample.
pub(super) struct OutOfSample {
    pub(super) learned: Option<WeightAuc>,
    pub(super) expert: Option<WeightAuc>,
    pub(super) baselines: Option<WeightAuc>,
    /// By account.
    pub(super) losses: Vec<Losses>,
    pub(super) dates: usize,
}

/// Rows of one account group and inner group, up to a fold's training end.
type Cells = BTreeMap<(usize, u32, usize), Sums>;

impl Procedure<'_> {
    fn account(&self, case: &Case) -> usize {
        self.sample.place(case.row).account
    }

    fn month(&self, case: &Case) -> usize {
        self.sample.dates()[self.sample.place(case.row).date]
    }

    /// Weights learned from all of `cases`, and how well they tell those same cases apart.
    pub(super) fn in_sample(
        &self,
        cases: &[Case],
    ) -> Result<(Learned, Option<WeightAuc>), WeightError> {
        let learned = self.learn(cases, &self.by_inner(cases), FINE)?;
        let said: Vec<Said> = cases
            .iter()
            .map(|case| Said {
                cell: self.sample.place(case.row).date,
                account: self.account(case),
                exits: case.exits,
                log_odds: learned.model.predict(self.sample.design().row(case.row)),
            })
            .collect();
        Ok((learned, concordance(&said, self.sample.accounts())))
    }

    fn by_inner(&self, cases: &[Case]) -> Vec<Sums> {
        let design = self.sample.design();
        let mut sums = vec![Sums::new(design); self.n_inner];
        for case in cases {
            sums[self.inner[self.account(case)]].add(design, *case);
        }
        sums
    }

    /// Forecasts of every walk-forward fold and account group by models that saw neither.
    pub(super) fn out_of_sample(&self, cases: &[Case]) -> Result<OutOfSample, WeightError> {
        let cells = self.cells(cases);
        let (mut learned, mut expert, mut baselines) = (Vec::new(), Vec::new(), Vec::new());
        let mut losses = vec![Losses::default(); self.sample.accounts()];
        let mut dates: Vec<usize> = Vec::new();
        for (number, fold) in self.split.folds().iter().enumerate() {
            for group in 0..self.split.n_groups() {
                let is_test = |case: &Case| {
                    (fold.test_start..fold.test_end).contains(&self.month(case))
                        && self.split.group(self.account(case)) == group
                };
                let is_training = |case: &Case| {
                    self.month(case) < fold.train_end
                        && self.split.group(self.account(case)) != group
                };
                let test: Vec<Case> = cases.iter().copied().filter(is_test).collect();
                let training: Vec<Case> = cases.iter().copied().filter(is_training).collect();
                let inner = self.training_sums(&cells, number, group);
                if test.is_empty() || !merged(&inner).is_some_and(|all| all.is_enough()) {
                    continue;
                }
                let model = self.learn(&training, &inner, FORECAST)?.model;
                let by_expert = fit_alone(&self.expert, &training)?;
                let by_baselines = fit_alone(&self.baselines, &training)?;
                for case in test {
                    let place = self.sample.place(case.row);
                    let cell = (number * self.split.n_groups() as usize + group as usize)
                        * self.sample.dates().len()
                        + place.date;
                    let said = |log_odds: f64| Said {
                        cell,
                        account: place.account,
                        exits: case.exits,
                        log_odds,
                    };
                    let row = self.sample.design().row(case.row);
                    let odds = [
                        model.predict(row),
                        by_expert.predict(self.expert.row(case.row)),
                        by_baselines.predict(self.baselines.row(case.row)),
                    ];
                    learned.push(said(odds[0]));
                    expert.push(said(odds[1]));
                    baselines.push(said(odds[2]));
                    let loss = &mut losses[place.account];
                    loss.learned += log_loss(odds[0], case.exits);
                    loss.expert += log_loss(odds[1], case.exits);
                    loss.baselines += log_loss(odds[2], case.exits);
                    loss.n += 1;
                    dates.push(place.date);
                }
            }
        }
        dates.sort_unstable();
        dates.dedup();
        let auc = |said: &[Said]| concordance(said, self.sample.accounts());
        Ok(OutOfSample {
            learned: auc(&learned),
            expert: auc(&expert),
            baselines: auc(&baselines),
            losses,
            dates: dates.len(),
        })
    }

    /// Sums by the first fold that may train on a row, account group and inner group.
    fn cells(&self, cases: &[Case]) -> Cells {
        let design = self.sample.design();
        let mut cells = Cells::new();
        for case in cases {
            let month = self.month(case);
            let from = self.split.folds().iter().position(|fold| month < fold.train_end);
            if let Some(from) = from {
                let account = self.account(case);
                let key = (from, self.split.group(account), self.inner[account]);
                cells.entry(key).or_insert_with(|| Sums::new(design)).add(design, *case);
            }
        }
        cells
    }

    /// Sums of what a fold may train on for a group, by inner group.
    fn training_sums(&self, cells: &Cells, fold: usize, group: u32) -> Vec<Sums> {
        let mut sums = vec![Sums::new(self.sample.design()); self.n_inner];
        for (&(from, of, inner), cell) in cells {
            if from <= fold && of != group {
                sums[inner].merge(cell);
            }
        }
        sums
    }

    /// Chooses the penalty by account-grouped folds of `cases` and fits all of them with it.
    fn learn(
        &self,
        cases: &[Case],
        inner: &[Sums],
        precision: f64,
    ) -> Result<Learned, WeightError> {
        let design = self.sample.design();
        let all = merged(inner).expect("there is an inner group");
        let events = self.events(cases);
        let mut spread = all.spreads(design);
        for (spread, &events) in spread.iter_mut().zip(&events) {
            if events < u64::from(self.min_events) {
                *spread = 0.0;
            }
        }
        let mut freedom = Freedom { constraint: self.constraint, penalty: 0.0, spread };
        freedom.penalty = self.penalty(cases, inner, &mut freedom)?;
        let model = self.model(cases, &all, &freedom, None, precision)?;
        Ok(Learned { model, freedom, events })
    }

    pub(super) fn model(
        &self,
        cases: &[Case],
        sums: &Sums,
        freedom: &Freedom,
        start: Option<&Model>,
        precision: f64,
    ) -> Result<Model, WeightError> {
        fit(self.sample.design(), cases, sums, freedom, start, precision).ok_or(
            WeightError::NotConverged {
                constraint: self.constraint.name(),
                penalty: freedom.penalty,
                rows: sums.rows(),
                exits: sums.exits(),
            },
        )
    }

    /// The penalty with the least log loss on the accounts left out; of equals the strongest.
    fn penalty(
        &self,
        cases: &[Case],
        inner: &[Sums],
        freedom: &mut Freedom,
    ) -> Result<f64, WeightError> {
        let mut losses = vec![0.0; self.penalties.len()];
        if self.penalties.len() == 1 || freedom.spread.iter().all(|spread| *spread == 0.0) {
            return Ok(self.penalties[0]);
        }
        for left_out in 0..self.n_inner {
            let is_out = |case: &&Case| self.inner[self.account(case)] == left_out;
            let kept = inner.iter().enumerate().filter(|(group, _)| *group != left_out);
            let Some(sums) = merged(kept.map(|(_, sums)| sums)).filter(Sums::is_enough) else {
                continue;
            };
            let training: Vec<Case> = cases.iter().filter(|c| !is_out(c)).copied().collect();
            let mut start: Option<Model> = None;
            for (loss, &penalty) in losses.iter_mut().zip(&self.penalties) {
                freedom.penalty = penalty;
                let model = self.model(&training, &sums, freedom, start.as_ref(), ROUGH)?;
                for case in cases.iter().filter(is_out) {
                    let log_odds = model.predict(self.sample.design().row(case.row));
                    *loss += log_loss(log_odds, case.exits);
                }
                start = Some(model);
            }
        }
        let mut best = 0;
        for (at, loss) in losses.iter().enumerate() {
            if *loss < losses[best] {
                best = at;
            }
        }
        Ok(self.penalties[best])
    }

    /// Number of types that all of `cases` would give a weight of their own.
    pub(super) fn free(&self, cases: &[Case]) -> usize {
        let enough = |events: &&u64| **events >= u64::from(self.min_events.max(1));
        self.events(cases).iter().filter(enough).count()
    }

    /// By type: cases in which an exposed account exits.
    fn events(&self, cases: &[Case]) -> Vec<u64> {
        let design = self.sample.design();
        let mut events = vec![0; design.expert.len()];
        for case in cases.iter().filter(|case| case.exits) {
            let exposures = &design.row(case.row)[design.controls + 1..];
            for (events, exposure) in events.iter_mut().zip(exposures) {
                *events += u64::from(*exposure != 0.0);
            }
        }
        events
    }
}

/// All sums together; `None` without any.
pub(super) fn merged<'s>(sums: impl IntoIterator<Item = &'s Sums>) -> Option<Sums> {
    sums.into_iter().fold(None, |all: Option<Sums>, next| match all {
        None => Some(next.clone()),
        Some(mut all) => {
            all.merge(next);
            Some(all)
        }
    })
}

/// The expert's score, or nothing, beside the controls.
fn fit_alone(design: &Design, cases: &[Case]) -> Result<Model, WeightError> {
    let mut sums = Sums::new(design);
    for case in cases {
        sums.add(design, *case);
    }
    let freedom = Freedom { constraint: Constraint::Free, penalty: 0.0, spread: Vec::new() };
    fit(design, cases, &sums, &freedom, None, FINE).ok_or(WeightError::NotConverged {
        constraint: "expert",
        penalty: 0.0,
        rows: sums.rows(),
        exits: sums.exits(),
    })
}
