//! What stands behind the information coefficients of a data set: what is read of every account for it on the
//! way into the panel, and what comes of that.

use crate::backtest::{
    BacktestError, CatalogueSample, Claim, DatedCounts, DatedExposures, DrawnPlacebo, ExpertType,
    LateRows, LeakageLift, Placebo, PlaceboDates, PlaceboKind, SIGN_HALF_LIFE_DAYS, TypeSample,
    account_groups, event_study, ic_by_group, leakage_lift, migration, monotonicity,
    negative_control, negative_horizon, refuse_level_on_level, sign_check, swapped_histories,
    time_shift,
};
use crate::hypothesis::Statistic;
use crate::ids::{AccountIndex, ContactIndex, TypeIndex};
use crate::panel::{AccountRead, Panel};
use crate::report::Diagnostics;
use crate::rng::{Draws, Purpose};
use crate::score::{
    DecayedCounts, Exposures, Rv, ScoreColumn, Valuation, check_linear, decayed_counts, exposures,
};
use crate::time::{Calendar, Month};

use super::analyse::{Focus, focus, panel_params};
use super::data::Dataset;
use super::plan::Plan;

/// Diagnostics, with every draw of the placebos.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosed {
    /// What `results.json` holds.
    pub diagnostics: Diagnostics,
    /// Every placebo with its draws, in the order of the diagnostics.
    pub placebos: Vec<DrawnPlacebo>,
}

/// What is read of every account on its way into the panel.
pub(super) struct Reader {
    dates: PlaceboDates,
    scores: Vec<ScoreReader>,
    types: Vec<ExpertType>,
    transactional: Vec<bool>,
    moment: Moment,
    calendar: Calendar,
    first: Month,
}

/// One score under test.
struct ScoreReader {
    name: String,
    column: Option<Box<dyn ScoreColumn>>,
    /// The score, where it is linear in the catalogue's values; else why it is not.
    linear: Result<Rv, String>,
}

/// What makes a moment.
struct Moment {
    named: String,
    /// By type.
    is_moment: Vec<bool>,
}

/// What was read of one account.
pub(super) struct AccountNotes {
    /// Positions of the dates at which it has a row.
    dates: Vec<usize>,
    /// Months of its rows.
    months: Vec<usize>,
    /// By score: exposures at the dates, where it is linear.
    exposures: Vec<Option<Exposures>>,
    /// By score: values at its rows on the final data, where they may differ.
    finally: Vec<Option<Vec<f64>>>,
    counts: DecayedCounts,
    late_rows: u64,
    moment: Option<i32>,
}

impl Reader {
    pub(super) fn new(dataset: &Dataset, plan: &Plan, valuation: &Valuation) -> Self {
        let kinds = (0..dataset.types.len()).map(|kind| TypeIndex(kind as u16));
        let expert = |(name, kind): (&str, TypeIndex)| ExpertType {
            name: name.to_owned(),
            value: valuation.base_value(kind),
        };
        let mut scores: Vec<ScoreReader> = Vec::new();
        for claim in claims(plan) {
            if scores.iter().all(|known| known.name != claim.score) {
                scores.push(ScoreReader::of(plan, &claim.score));
            }
        }
        Self {
            dates: PlaceboDates::new(&panel_params(dataset, plan)),
            scores,
            types: dataset.types.iter().zip(kinds.clone()).map(expert).collect(),
            transactional: kinds.map(|kind| valuation.is_transactional(kind)).collect(),
            moment: Moment::of(plan, dataset, valuation),
            calendar: dataset.calendar,
            first: dataset.first,
        }
    }

    pub(super) fn read(&self, account: &AccountRead<'_>) -> AccountNotes {
        let (dates, rows) = self.dates.among(account.months);
        let as_of: Vec<_> = rows.iter().map(|&row| account.dates[row]).collect();
        let late_rows = account.valued.late_rows() as u64;
        let finally = (late_rows > 0).then(|| account.valued.finally_known());
        let exposed = |score: &ScoreReader| {
            let rv = score.linear.as_ref().ok()?;
            exposures(rv, account.valued, &as_of).ok()
        };
        let known_finally = |score: &ScoreReader| {
            Some(score.column.as_ref()?.series(finally.as_ref()?, account.dates))
        };
        let is_moment = |kind: TypeIndex| self.moment.is_moment[usize::from(kind.0)];
        let first = account.valued.interactions().iter().find(|row| is_moment(row.kind));
        AccountNotes {
            exposures: self.scores.iter().map(exposed).collect(),
            finally: self.scores.iter().map(known_finally).collect(),
            counts: decayed_counts(account.valued, SIGN_HALF_LIFE_DAYS, &as_of),
            moment: first.map(|row| self.calendar.month_of(row.occurred_at).since(self.first)),
            months: account.months.to_vec(),
            dates,
            late_rows,
        }
    }
}

impl ScoreReader {
    /// The score called `name`; one that is seen within segment and month has no column of its own.
    fn of(plan: &Plan, name: &str) -> Self {
        let built = plan.score.scores.iter().find_map(|spec| {
            let column = spec.build().expect("a checked plan has valid scores");
            (column.name() == name).then(|| (column, spec.rv().ok().flatten()))
        });
        let (column, rv) = match built {
            Some((column, rv)) => (Some(column), rv),
            None => (None, None),
        };
        let linear = match rv {
            Some(rv) => check_linear(&rv).map(|()| rv).map_err(|error| error.to_string()),
            None => {
                Err(format!("`{name}` is not a sum of values that types have in the catalogue"))
            }
        };
        Self { name: name.to_owned(), column, linear }
    }
}

impl Moment {
    fn of(plan: &Plan, dataset: &Dataset, valuation: &Valuation) -> Self {
        let named = plan.backtest.moment.as_deref();
        let is_moment = |(name, kind): (&str, u16)| match named {
            Some(named) => name == named,
            None => valuation.is_critical(TypeIndex(kind)),
        };
        Self {
            is_moment: dataset.types.iter().zip(0..).map(is_moment).collect(),
            named: named.map_or_else(
                || "first critical interaction of the account".to_owned(),
                |named| format!("first `{named}` of the account"),
            ),
        }
    }
}

/// The focus, and every hypothesis on money that is tested by an information coefficient.
fn claims(plan: &Plan) -> Vec<Focus> {
    let mut claims = vec![focus(plan)];
    for (id, params) in &plan.hypotheses {
        let hypothesis = id.hypothesis();
        let ahead = hypothesis.horizon(params) > 0;
        let ranked = hypothesis.statistic == Statistic::RankCorrelation;
        let claim =
            Focus { score: params.score.clone(), outcome: params.outcome, horizon: params.horizon };
        if ahead && ranked && params.outcome.is_money() && !claims.contains(&claim) {
            claims.push(claim);
        }
    }
    claims
}

/// What a draw of the diagnostics is for.
#[derive(Debug, Clone, Copy)]
enum Drawn {
    Catalogues,
    Shifts,
    Dates,
    Resamples,
}

fn draws(plan: &Plan, of: Drawn) -> Draws {
    let contact = ContactIndex(of as u16);
    plan.run.streams().draws(Purpose::Placebo, AccountIndex(u32::MAX), contact)
}

/// Everything behind the information coefficients of a panel.
///
/// - `permutation`: strata and draws of the headline's permutation.
pub(super) fn diagnose(
    plan: &Plan,
    panel: &Panel,
    reader: Reader,
    mut notes: Vec<AccountNotes>,
    permutation: (&[u32], Draws),
    warnings: &mut Vec<String>,
) -> Diagnosed {
    let samples = catalogue_samples(&reader, &mut notes);
    let types = type_sample(&reader, &mut notes);
    let shared = Shared { plan, panel, reader: &reader, notes: &notes, samples, permutation };
    let claims = claims(plan);
    let focus = shared.claim(&claims[0]);
    let accumulate = |claim: &Claim<'_>| {
        let Claim { score, outcome, .. } = claim;
        refuse_level_on_level(&score.name, score.accumulates, *outcome).is_err()
    };
    let of_each = || claims.iter().map(|c| shared.claim(c)).filter(|c| !accumulate(c));
    let mut placebos: Vec<DrawnPlacebo> = of_each().flat_map(|c| shared.placebos(&c)).collect();
    let mut noted = Noted(warnings);
    let groups = account_groups(panel);
    let leakage = of_each().filter_map(|c| noted.keep(shared.leakage(&c)?)).collect();
    let by_group = of_each().filter_map(|c| noted.keep(ic_by_group(&c, &groups))).collect();
    let resamples = draws(plan, Drawn::Resamples);
    let monotonicity = of_each().filter_map(|c| noted.keep(monotonicity(&c, resamples))).collect();
    let migration = noted.keep(migration(&focus, &plan.backtest.horizons));
    let moments: Vec<Option<i32>> = notes.iter().map(|notes| notes.moment).collect();
    let moments = (reader.moment.named.as_str(), moments.as_slice());
    let (event_study, fake) =
        event_study(&focus, moments, permutation.0, draws(plan, Drawn::Dates));
    placebos.push(fake);
    let late_rows = LateRows {
        rows: notes.iter().map(|notes| notes.late_rows).sum(),
        accounts: notes.iter().filter(|notes| notes.late_rows > 0).count() as u64,
    };
    let diagnostics = Diagnostics {
        placebos: placebos.iter().map(|drawn| drawn.placebo.clone()).collect(),
        late_rows,
        leakage,
        signs: sign_check(&focus, &types),
        by_group,
        monotonicity,
        migration,
        event_study,
    };
    warnings.extend(reversals(&diagnostics));
    Diagnosed { diagnostics, placebos }
}

/// Keeps what could be computed, and remembers why the rest could not.
struct Noted<'a>(&'a mut Vec<String>);

impl Noted<'_> {
    fn keep<T>(&mut self, found: Result<T, BacktestError>) -> Option<T> {
        found.map_err(|error| self.0.push(error.to_string())).ok()
    }
}

/// What the claims of one panel share.
struct Shared<'a> {
    plan: &'a Plan,
    panel: &'a Panel,
    reader: &'a Reader,
    notes: &'a [AccountNotes],
    /// By score: its exposures, where it is linear.
    samples: Vec<Option<CatalogueSample>>,
    permutation: (&'a [u32], Draws),
}

impl<'a> Shared<'a> {
    fn claim(&self, named: &Focus) -> Claim<'a> {
        Claim {
            panel: self.panel,
            score: self.panel.score(&named.score).expect("a checked plan's claims name its scores"),
            outcome: named.outcome,
            horizon: named.horizon,
            params: &self.plan.backtest,
        }
    }

    fn position(&self, claim: &Claim<'_>) -> usize {
        let scores = &self.reader.scores;
        let found = scores.iter().position(|score| score.name == claim.score.name);
        found.expect("the reader has the score of every claim")
    }

    fn placebos(&self, claim: &Claim<'_>) -> Vec<DrawnPlacebo> {
        let kept = |kind, found: Result<DrawnPlacebo, BacktestError>| {
            found.unwrap_or_else(|error| claim.refused(kind, error))
        };
        let undrawn = |kind, found: Result<Placebo, BacktestError>| {
            kept(kind, found.map(|placebo| DrawnPlacebo { placebo, draws: Vec::new() }))
        };
        let at = self.position(claim);
        let catalogues = match (&self.samples[at], &self.reader.scores[at].linear) {
            (Some(sample), _) => sample.compare(claim, draws(self.plan, Drawn::Catalogues)),
            (None, Err(why)) => Ok(claim.refused(PlaceboKind::RandomCatalogues, why)),
            (None, Ok(_)) => unreachable!("a linear score has a sample"),
        };
        let shifts = time_shift(claim, &self.reader.dates, draws(self.plan, Drawn::Shifts));
        let mut placebos = vec![
            kept(PlaceboKind::SwappedHistories, swapped_histories(claim, self.permutation)),
            kept(PlaceboKind::RandomCatalogues, catalogues),
            kept(PlaceboKind::TimeShift, shifts),
            undrawn(PlaceboKind::NegativeHorizon, negative_horizon(claim)),
        ];
        for &control in &claim.params.negative_controls {
            let kind = PlaceboKind::NegativeControl;
            let mut found = undrawn(kind, negative_control(claim, control));
            control.name().clone_into(&mut found.placebo.outcome);
            placebos.push(found);
        }
        placebos
    }

    /// The leakage lift; none for a score that is seen within segment and month, which is no fold over one
    /// account.
    fn leakage(&self, claim: &Claim<'_>) -> Option<Result<LeakageLift, BacktestError>> {
        let at = self.position(claim);
        self.reader.scores[at].column.as_ref()?;
        let months = self.panel.months();
        let mut finally = claim.score.values.clone();
        for (account, notes) in self.notes.iter().enumerate() {
            let values = notes.finally[at].iter().flatten();
            for (&month, &value) in notes.months.iter().zip(values) {
                finally[account * months + month] = value;
            }
        }
        Some(leakage_lift(claim, &finally))
    }
}

/// By score: the exposures of all accounts, taken out of their notes.
fn catalogue_samples(reader: &Reader, notes: &mut [AccountNotes]) -> Vec<Option<CatalogueSample>> {
    let values: Vec<f64> = reader.types.iter().map(|of_type| of_type.value).collect();
    let mut sample = |score: usize| {
        let take = |notes: &mut AccountNotes| {
            let exposures = notes.exposures[score].take()?;
            Some(DatedExposures { dates: notes.dates.clone(), exposures })
        };
        let accounts: Option<Vec<DatedExposures>> = notes.iter_mut().map(take).collect();
        Some(CatalogueSample::new(reader.dates.clone(), accounts?, values.clone()))
    };
    (0..reader.scores.len()).map(&mut sample).collect()
}

/// The counts of all accounts, taken out of their notes.
fn type_sample(reader: &Reader, notes: &mut [AccountNotes]) -> TypeSample {
    let dated = |notes: &mut AccountNotes| DatedCounts {
        dates: notes.dates.clone(),
        counts: std::mem::take(&mut notes.counts),
    };
    TypeSample {
        dates: reader.dates.clone(),
        accounts: notes.iter_mut().map(dated).collect(),
        types: reader.types.clone(),
        transactional: reader.transactional.clone(),
    }
}

/// What a reader of any number has to know: signs that turn round from group to group.
fn reversals(diagnostics: &Diagnostics) -> Vec<String> {
    let mut warnings = Vec::new();
    for found in &diagnostics.by_group {
        for together in found.heterogeneity.iter().filter(|together| together.reversed) {
            warnings.push(format!(
                "`{}` and `{}` at {} months: the sign of the IC turns round between groups of {} \
                 (pooled {:.3}, stratified {:.3})",
                found.score,
                found.outcome,
                found.horizon_months,
                together.dimension,
                found.pooled,
                together.stratified
            ));
        }
    }
    warnings
}
