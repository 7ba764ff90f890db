//! What happens around a moment, beside accounts to which it did not happen, and around dates on which nothing
//! did.

use std::collections::BTreeMap;

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::backtest::information::before_cost;
use crate::backtest::placebo::{Claim, DrawnPlacebo, Placebo, PlaceboKind, drawn_figures};
use crate::panel::Measure;
use crate::rng::Draws;

/// Months before and after a moment.
const REACH: i32 = 6;
/// Months around a moment: −6 to +6.
const SPAN: usize = 2 * REACH as usize + 1;
/// A standard error below this share of the largest outcome is rounding.
const NEGLIGIBLE: f64 = 1e-12;
/// Fewest accounts to which nothing happened, for a moment to count.
const LEAST_CONTROLS: usize = 5;

/// One month around the moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventPoint {
    /// Months after the moment; 0 is its month, negative before.
    pub month: i32,
    /// Outcome of the month against the account's own mean of the six months before, less the same of accounts
    /// to which it did not happen.
    pub effect: f64,
    /// Lower end of the 95 % interval.
    pub ci_low: f64,
    /// Upper end of the 95 % interval.
    pub ci_high: f64,
}

/// A contrast of an event study.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventContrast {
    /// The estimate.
    pub estimate: f64,
    /// Standard error, clustered by account.
    pub std_error: f64,
    /// Lower end of the 95 % interval.
    pub ci_low: f64,
    /// Upper end of the 95 % interval.
    pub ci_high: f64,
    /// Two-sided p-value.
    pub p_value: f64,
}

/// What came out of an event study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventStudyFigures {
    /// From six months before to six months after.
    pub path: Vec<EventPoint>,
    /// Mean of the months 0 to +6.
    pub after: EventContrast,
    /// Mean of the months −3 to −1 less that of −6 to −4: no effect can be there, so it tells whether the
    /// accounts were already on another way.
    pub before: EventContrast,
    /// Moments that count: accounts.
    pub n_moments: u64,
    /// Accounts that stand beside them at some date.
    pub n_controls: u64,
}

/// The outcome around the first moment of each account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventStudy {
    /// What makes a moment, in words.
    pub moment: String,
    /// Outcome, month by month.
    pub outcome: String,
    /// What came out; absent where it could not be computed.
    pub figures: Option<EventStudyFigures>,
    /// Why it could not, where it could not.
    pub refusal: Option<String>,
    /// Moments that do not count, by reason.
    pub dropped: Vec<DroppedMoments>,
}

/// Moments left out of an event study for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DroppedMoments {
    /// Why.
    pub reason: String,
    /// How many.
    pub count: u64,
}

const NO_ROW: &str = "no row in the panel at the end of the month before";
const NO_SPAN: &str = "not all months from 6 before to 6 after lie in the data";
const NO_CONTROLS: &str = "fewer than 5 accounts of the stratum to which nothing happened";

/// The outcome around the first moment of each account.
///
/// ```text
/// D_a(e, k) = y(a, e + k) − mean of y(a, e − 6 … e − 1)             k = −6 … 6, e: month of the moment
/// effect(k) = mean over moments of [ D_a(e, k) − mean of D_c(e, k) over controls c ]
/// ```
///
/// - `moments`: month of each account's first moment, by position in the panel, negative before it; none
///   where there was none. `named`: what a moment is, in words.
/// - Controls of a moment: accounts of its stratum (`strata`) with a row at the end of the month before, to which
///   nothing had happened by e + 6. The outcome after an exit is 0 for money, so that who leaves still counts.
/// - Standard errors from influences clustered by account, as a moment and as a control together, each part
///   scaled by G/(G−1) of its own accounts; t with the fewer of the two less one. Refused where nothing varies.
/// - Fake dates: the date of each moment goes to a random one of its controls, who is compared with the others;
///   p is two-sided on the mean of the months 0 to +6 in standard errors: accounts to which much happens are large
///   and vary more. `draws`: draw k from `draws.stream(k)`.
/// - On gross profit where the outcome is contribution, since a moment has a cost of its own; on revenue where
///   the outcome is none of a single month.
///
/// Moments are no experiment: what brings a failure about may bring the loss about too. `before` tells when
/// that shows in time; what begins in the same month it cannot tell apart.
///
/// # Source
///
/// Callaway and Sant'Anna (2021), *J. Econometrics* 225(2), 200-230: not yet treated accounts as controls.
pub fn event_study(
    claim: &Claim<'_>,
    (named, moments): (&str, &[Option<i32>]),
    strata: &[u32],
    draws: Draws,
) -> (EventStudy, DrawnPlacebo) {
    let outcome = monthly(claim.outcome);
    let mut study = EventStudy {
        moment: named.to_owned(),
        outcome: outcome.name().to_owned(),
        figures: None,
        refusal: None,
        dropped: Vec::new(),
    };
    let sample = Sample::of(claim, outcome, moments, strata);
    study.dropped.clone_from(&sample.dropped);
    let placebo = Placebo {
        outcome: outcome.name().to_owned(),
        ..claim.refused(PlaceboKind::FakeDates, String::new()).placebo
    };
    let refused = |mut study: EventStudy, why: String| {
        study.refusal = Some(why.clone());
        let placebo = Placebo { refusal: Some(why), ..placebo.clone() };
        (study, DrawnPlacebo { placebo, draws: vec![] })
    };
    let fewest = claim.params.min_accounts as usize;
    if sample.n_moments() < fewest.max(2) {
        let why = format!("{} moments count, expected {fewest} or more", sample.n_moments());
        return refused(study, why);
    }
    let Some(figures) = sample.influences().figures(&sample) else {
        let what = outcome.name().replace('_', " ");
        return refused(study, format!("{what} around the moments does not vary between accounts"));
    };
    let fakes: Option<Vec<(f64, f64)>> =
        (0..u64::from(claim.params.permutations)).map(|k| sample.fake(draws, k)).collect();
    let Some(fakes) = fakes else {
        study.figures = Some(figures);
        let why = "the controls at a draw of fake dates do not vary".to_owned();
        let placebo = Placebo { refusal: Some(why), ..placebo };
        return (study, DrawnPlacebo { placebo, draws: vec![] });
    };
    let (fakes, fake_t): (Vec<f64>, Vec<f64>) = fakes.into_iter().unzip();
    let method = format!(
        "mean of {} in the months 0 to 6 after, against the six before and accounts to which nothing happened, \
         where the date of each moment goes to such an account; p asks, on both sides and in standard errors, whether \
         real moments do more",
        outcome.name().replace('_', " ")
    );
    let real = figures.after.estimate;
    let mut drawn = drawn_figures(real, &fakes, (sample.n_moments(), SPAN), method);
    let t = (real / figures.after.std_error).abs();
    let reached = fake_t.iter().filter(|fake| fake.abs() >= t).count();
    drawn.p_value = (reached + 1) as f64 / (fakes.len() + 1) as f64;
    study.figures = Some(figures);
    let placebo = Placebo { figures: Some(drawn), refusal: None, ..placebo };
    (study, DrawnPlacebo { placebo, draws: fakes })
}

/// The outcome month by month.
fn monthly(outcome: Measure) -> Measure {
    if outcome.is_money() && !outcome.is_cumulative() {
        before_cost(outcome)
    } else {
        Measure::Revenue
    }
}

/// An account by position, and its changes D by month around a date.
type Changed = (usize, [f64; SPAN]);

/// Moments of one month and stratum with the accounts beside them.
struct Cell {
    moments: Vec<Changed>,
    controls: Vec<Changed>,
    /// Mean of the controls.
    mean: [f64; SPAN],
}

struct Sample {
    cells: Vec<Cell>,
    accounts: usize,
    /// Largest outcome of any month.
    scale: f64,
    dropped: Vec<DroppedMoments>,
}

impl Sample {
    fn of(claim: &Claim<'_>, outcome: Measure, moments: &[Option<i32>], strata: &[u32]) -> Self {
        let panel = claim.panel;
        let accounts = panel.accounts().len();
        let change = |account: usize, month: i32| -> Option<[f64; SPAN]> {
            let mut values = [0.0; SPAN];
            for (value, at) in values.iter_mut().zip(month - REACH..) {
                *value = panel.in_month(outcome, account, at)?;
            }
            let own = values[..REACH as usize].iter().sum::<f64>() / f64::from(REACH);
            for value in &mut values {
                *value -= own;
            }
            Some(values)
        };
        let has_row = |account: usize, month: i32| {
            usize::try_from(month - 1).is_ok_and(|before| panel.is_active(account, before))
        };
        let mut counts = [(NO_ROW, 0_u64), (NO_SPAN, 0), (NO_CONTROLS, 0)];
        let mut by_date: BTreeMap<(i32, u32), Vec<Changed>> = BTreeMap::new();
        for (account, moment) in moments.iter().enumerate() {
            let Some(month) = *moment else { continue };
            if !has_row(account, month) {
                counts[0].1 += 1;
            } else if let Some(change) = change(account, month) {
                by_date.entry((month, strata[account])).or_default().push((account, change));
            } else {
                counts[1].1 += 1;
            }
        }
        let mut cells = Vec::new();
        for ((month, stratum), happened) in by_date {
            let is_clean = |account: usize| {
                strata[account] == stratum
                    && moments[account].is_none_or(|own| own > month + REACH)
                    && has_row(account, month)
            };
            let controls: Vec<Changed> = (0..accounts)
                .filter(|&account| is_clean(account))
                .filter_map(|account| Some((account, change(account, month)?)))
                .collect();
            if controls.len() < LEAST_CONTROLS {
                counts[2].1 += happened.len() as u64;
                continue;
            }
            let n = controls.len() as f64;
            let mean = std::array::from_fn(|k| controls.iter().map(|c| c.1[k]).sum::<f64>() / n);
            cells.push(Cell { moments: happened, controls, mean });
        }
        let dropped = counts
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| DroppedMoments { reason: reason.to_owned(), count })
            .collect();
        let months = panel.months() as i32;
        let of_account =
            |account| (0..months).filter_map(move |at| panel.in_month(outcome, account, at));
        let scale = (0..accounts).flat_map(of_account).fold(0.0, |most: f64, v| most.max(v.abs()));
        Self { cells, accounts, scale, dropped }
    }

    fn n_moments(&self) -> usize {
        self.cells.iter().map(|cell| cell.moments.len()).sum()
    }

    fn n_controls(&self) -> usize {
        let mut beside = vec![false; self.accounts];
        for (account, _) in self.cells.iter().flat_map(|cell| &cell.controls) {
            beside[*account] = true;
        }
        beside.into_iter().filter(|beside| *beside).count()
    }

    fn influences(&self) -> Influences {
        let n = self.n_moments() as f64;
        let mut effect = [0.0; SPAN];
        for cell in &self.cells {
            for (_, change) in &cell.moments {
                for k in 0..SPAN {
                    effect[k] += (change[k] - cell.mean[k]) / n;
                }
            }
        }
        let mut of_account = vec![[0.0; SPAN]; self.accounts];
        let controls = self.n_controls() as f64;
        // √(G/(G−1)) of each part: many controls do not make up for few moments.
        let [own, beside] = [n, controls].map(|g| (g / (g - 1.0)).sqrt());
        for cell in &self.cells {
            let weight = beside * cell.moments.len() as f64 / n / cell.controls.len() as f64;
            for (account, change) in &cell.moments {
                for k in 0..SPAN {
                    of_account[*account][k] += own * (change[k] - cell.mean[k] - effect[k]) / n;
                }
            }
            for (account, change) in &cell.controls {
                for k in 0..SPAN {
                    of_account[*account][k] -= weight * (change[k] - cell.mean[k]);
                }
            }
        }
        Influences { effect, of_account, df: n.min(controls) - 1.0, scale: self.scale }
    }

    /// The mean effect of the months from 0 on where the moments went to controls, draw `k`, and how many
    /// standard errors it lies from 0; none where the drawn effects do not vary.
    fn fake(&self, draws: Draws, k: u64) -> Option<(f64, f64)> {
        let mut stream = draws.stream(k);
        let after = |change: &[f64; SPAN]| mean(&change[REACH as usize..]);
        let mut effects = Vec::with_capacity(self.n_moments());
        for cell in &self.cells {
            let n = cell.controls.len();
            for _ in &cell.moments {
                let (_, change) = cell.controls[stream.random_range(0..n)];
                // Compared with the others: its own value is a share 1/n of the mean.
                effects.push((after(&change) - after(&cell.mean)) * n as f64 / (n as f64 - 1.0));
            }
        }
        let (estimate, n) = (mean(&effects), effects.len() as f64);
        let squares: f64 = effects.iter().map(|effect| (effect - estimate).powi(2)).sum();
        let std_error = (squares / (n * (n - 1.0))).sqrt();
        (std_error > NEGLIGIBLE * self.scale).then(|| (estimate, estimate / std_error))
    }
}

/// Effects by month, and the influence of each account on them.
struct Influences {
    effect: [f64; SPAN],
    /// Of each account, each part scaled for its number of accounts.
    of_account: Vec<[f64; SPAN]>,
    df: f64,
    /// Largest outcome of any month.
    scale: f64,
}

impl Influences {
    /// A weighted sum of the effects; none where it does not vary.
    fn contrast(&self, weights: &[f64; SPAN]) -> Option<EventContrast> {
        let dot =
            |values: &[f64; SPAN]| values.iter().zip(weights).map(|(v, w)| v * w).sum::<f64>();
        let estimate = dot(&self.effect);
        let squares: f64 = self.of_account.iter().map(|own| dot(own).powi(2)).sum();
        let std_error = squares.sqrt();
        if std_error <= NEGLIGIBLE * self.scale {
            return None;
        }
        let law = StudentsT::new(0.0, 1.0, self.df).expect("two moments and controls or more");
        let half = law.inverse_cdf(0.975) * std_error;
        let p_value = 2.0 * law.sf((estimate / std_error).abs());
        let (ci_low, ci_high) = (estimate - half, estimate + half);
        Some(EventContrast { estimate, std_error, ci_low, ci_high, p_value })
    }

    /// What came out; none where the months from 0 on, or those before, do not vary.
    fn figures(&self, sample: &Sample) -> Option<EventStudyFigures> {
        let point = |k: usize| {
            let mut weights = [0.0; SPAN];
            weights[k] = 1.0;
            let effect = self.effect[k];
            let (ci_low, ci_high) =
                self.contrast(&weights).map_or((effect, effect), |c| (c.ci_low, c.ci_high));
            EventPoint { month: k as i32 - REACH, effect, ci_low, ci_high }
        };
        let moment = REACH as usize;
        let after = std::array::from_fn(|k| if k >= moment { 1.0 / 7.0 } else { 0.0 });
        let before = std::array::from_fn(|k| match k {
            0..3 => -1.0 / 3.0,
            3..6 => 1.0 / 3.0,
            _ => 0.0,
        });
        Some(EventStudyFigures {
            path: (0..SPAN).map(point).collect(),
            after: self.contrast(&after)?,
            before: self.contrast(&before)?,
            n_moments: sample.n_moments() as u64,
            n_controls: sample.n_controls() as u64,
        })
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
