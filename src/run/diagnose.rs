//! What stands behind the information coefficients of a data set.

use std::path::Path;

use crate::backtest::{
    BacktestError, CatalogueSample, Claim, DatedCounts, DatedExposures, DrawnPlacebo, LateRows,
    LeakageLift, Placebo, PlaceboKind, TypeSample, TypeSign, account_groups, event_study,
    ic_by_group, leakage_lift, migration, monotonicity, negative_control, negative_horizon,
    refuse_level_on_level, sign_check, swapped_histories, time_shift,
};
use crate::hypothesis::Statistic;
use crate::ids::{AccountIndex, ContactIndex};
use crate::interaction::{ColumnData, write_table};
use crate::panel::Panel;
use crate::report::Diagnostics;
use crate::rng::{Draws, Purpose};

use super::RunError;
use super::analyse::{Focus, focus};
use super::notes::{AccountNotes, Reader};
use super::plan::Plan;

/// Diagnostics, with every draw of the placebos.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosed {
    /// What `results.json` holds.
    pub diagnostics: Diagnostics,
    /// Every placebo with its draws, in the order of the diagnostics.
    pub placebos: Vec<DrawnPlacebo>,
}

/// The focus, and every hypothesis on money that is tested by an information coefficient.
pub(super) fn claims(plan: &Plan) -> Vec<Focus> {
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
    let monotonicity = of_each().filter_map(|c| noted.keep(monotonicity(&c))).collect();
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
    warnings.extend(reader.moment.unknown);
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
            found.unwrap_or_else(|error| claim.refused(kind, error.to_string()))
        };
        let undrawn = |kind, found: Result<Placebo, BacktestError>| {
            kept(kind, found.map(|placebo| DrawnPlacebo { placebo, draws: Vec::new() }))
        };
        let at = self.position(claim);
        let catalogues = match (&self.samples[at], &self.reader.scores[at].linear) {
            (Some(sample), _) => sample.compare(claim, draws(self.plan, Drawn::Catalogues)),
            (None, Err(why)) => Ok(claim.refused(PlaceboKind::RandomCatalogues, why.clone())),
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

/// Writes `signs.parquet` and `placebos.parquet` into `folder`.
///
/// # Errors
///
/// [`RunError::Table`] when a file cannot be written.
pub(super) fn write_diagnostics(folder: &Path, found: &Diagnosed) -> Result<(), RunError> {
    let types = &found.diagnostics.signs.types;
    let text = |of: &dyn Fn(&TypeSign) -> String| ColumnData::Text(types.iter().map(of).collect());
    let count = |of: &dyn Fn(&TypeSign) -> u64| {
        ColumnData::Integer(types.iter().map(|t| of(t) as i64).collect())
    };
    let number = |of: &dyn Fn(&TypeSign) -> Option<f64>| {
        ColumnData::Number(types.iter().map(|t| of(t).unwrap_or(f64::NAN)).collect())
    };
    let columns = [
        ("interaction_type", text(&|t| t.interaction_type.clone())),
        ("catalogue_value", number(&|t| Some(t.catalogue_value))),
        ("transactional", count(&|t| u64::from(t.transactional))),
        ("interactions", count(&|t| t.n_interactions)),
        ("accounts", count(&|t| t.n_accounts)),
        ("ic_alone", number(&|t| t.alone)),
        ("ic_given_activity", number(&|t| t.given_activity)),
        ("ci_low", number(&|t| t.ci_low)),
        ("ci_high", number(&|t| t.ci_high)),
        ("p_value", number(&|t| t.p_value)),
        ("p_adjusted", number(&|t| t.p_adjusted)),
        ("standing", text(&|t| t.standing.words().to_owned())),
    ];
    write_table(&folder.join("signs.parquet"), &columns)?;
    let draws = || {
        let of = |drawn: &DrawnPlacebo| drawn.draws.len();
        found.placebos.iter().flat_map(move |drawn| std::iter::repeat_n(drawn, of(drawn)))
    };
    let text = |of: &dyn Fn(&Placebo) -> String| {
        ColumnData::Text(draws().map(|drawn| of(&drawn.placebo)).collect())
    };
    let numbers = found.placebos.iter().flat_map(|drawn| 1..=drawn.draws.len() as i64);
    let values = found.placebos.iter().flat_map(|drawn| drawn.draws.iter().copied());
    let horizons = draws().map(|drawn| i64::from(drawn.placebo.horizon_months)).collect();
    let columns = [
        ("placebo", text(&|placebo| placebo.placebo.words().to_owned())),
        ("score", text(&|placebo| placebo.score.clone())),
        ("outcome", text(&|placebo| placebo.outcome.clone())),
        ("horizon_months", ColumnData::Integer(horizons)),
        ("draw", ColumnData::Integer(numbers.collect())),
        ("value", ColumnData::Number(values.collect())),
    ];
    Ok(write_table(&folder.join("placebos.parquet"), &columns)?)
}
