//! The fit of BG/NBD and MBG/NBD, with first and second derivatives.

use statrs::function::gamma::digamma;

use super::super::error::StatsError;
use super::beta_geometric::{BetaGeometric, FirstPurchase};
use super::fit::{LogLikelihood, Maximum, maximise};
use super::summary::{CustomerBase, PurchaseSummary};

/// What a search finds.
pub(super) struct Found {
    pub(super) model: BetaGeometric,
    pub(super) log_likelihood: f64,
    pub(super) std_errors: [f64; 4],
}

/// The fit to a customer base, unless its likelihood has no top.
pub(super) fn fit(
    statistic: &'static str,
    first: FirstPurchase,
    base: &CustomerBase,
) -> Result<Found, StatsError> {
    let likelihood = Likelihood::new(base, first);
    let Maximum { logs, std_errors } = maximise(statistic, &likelihood, [0.0, 0.0, 0.0, 0.5])?;
    let scaled = likelihood.model(&logs);
    let model = BetaGeometric { alpha: scaled.alpha * base.mean_age, ..scaled };
    let BetaGeometric { r, alpha, a, b, .. } = model;
    let parameters = [r, alpha, a, b];
    Ok(Found {
        model,
        log_likelihood: base.groups.iter().map(|(c, n)| n * model.log_likelihood(c)).sum(),
        std_errors: std::array::from_fn(|i| parameters[i] * std_errors[i]),
    })
}

/// The log-likelihood of a customer base, but for a constant: all times are in units of the mean age,
/// so that no unit of the data overflows a square.
///
/// Customers with as many repeats share the gamma functions, and all customers the logs of the times
/// that occur, of which there are few where time is counted in days.
struct Likelihood {
    /// Customers by number of repeats.
    runs: Vec<(f64, Vec<Group>)>,
    /// Every time that occurs, in units of the mean age.
    times: Vec<f64>,
    customers: f64,
    first: FirstPurchase,
}

/// Equal customers: positions of the last purchase and of the age among the times, and how many.
struct Group {
    last: usize,
    age: usize,
    size: f64,
}

impl Likelihood {
    fn new(base: &CustomerBase, first: FirstPurchase) -> Self {
        let mut times: Vec<f64> = base.groups.iter().flat_map(|(c, _)| [c.last, c.age]).collect();
        times.sort_unstable_by(f64::total_cmp);
        times.dedup_by_key(|time| time.to_bits());
        let at = |time: f64| times.partition_point(|known| *known < time);
        let group = |(c, size): &(PurchaseSummary, f64)| Group {
            last: at(c.last),
            age: at(c.age),
            size: *size,
        };
        let same = |left: &(PurchaseSummary, f64), right: &(PurchaseSummary, f64)| {
            left.0.repeats.to_bits() == right.0.repeats.to_bits()
        };
        let runs = base.groups.chunk_by(same);
        let runs = runs.map(|run| (run[0].0.repeats, run.iter().map(group).collect())).collect();
        let times = times.iter().map(|time| time / base.mean_age).collect();
        Self { runs, times, customers: base.customers as f64, first }
    }

    /// The model with α in units of the mean age.
    fn model(&self, logs: &[f64; 4]) -> BetaGeometric {
        let [r, alpha, a, b] = logs.map(f64::exp);
        BetaGeometric { r, alpha, a, b, first: self.first }
    }

    fn derivatives(&self, logs: &[f64; 4], curved: bool) -> Derivatives {
        let model = self.model(logs);
        let shifted: Vec<Shifted> =
            self.times.iter().map(|time| Shifted::new(model.alpha + time)).collect();
        let mut sums = Derivatives::default();
        for (repeats, groups) in &self.runs {
            sums.add_gammas(&model, *repeats, groups.iter().map(|group| group.size).sum());
            let run = Run::new(&model, *repeats);
            for group in groups {
                sums.add_paths(&run, group, [&shifted[group.age], &shifted[group.last]], curved);
            }
        }
        sums
    }
}

/// α plus a time.
struct Shifted {
    ln: f64,
    inverse: f64,
}

impl Shifted {
    fn new(value: f64) -> Self {
        Self { ln: value.ln(), inverse: value.recip() }
    }
}

/// A log-likelihood with its derivatives by r, α, a, b; of the second ones the upper triangle.
#[derive(Default)]
struct Derivatives {
    value: f64,
    first: [f64; 4],
    second: [[f64; 4]; 4],
}

impl Derivatives {
    /// Adds what `size` customers with x repeats have in common.
    fn add_gammas(&mut self, model: &BetaGeometric, x: f64, size: f64) {
        let BetaGeometric { r, alpha, a, b, first } = *model;
        let k = first.chances(x);
        let common = digamma(a + b) - digamma(a + b + k);
        self.value += size * (model.of_repeats(x) + r * alpha.ln());
        self.first[0] += size * (digamma(r + x) - digamma(r) + alpha.ln());
        self.first[1] += size * r / alpha;
        self.first[2] += size * common;
        self.first[3] += size * (common + digamma(b + k) - digamma(b));
        let common = trigamma(a + b) - trigamma(a + b + k);
        self.second[0][0] += size * (trigamma(r + x) - trigamma(r));
        self.second[0][1] += size / alpha;
        self.second[1][1] -= size * r / (alpha * alpha);
        self.second[2][2] += size * common;
        self.second[2][3] += size * common;
        self.second[3][3] += size * (common + trigamma(b + k) - trigamma(b));
    }

    /// Adds the log of the bracket: still here, or lost at the last purchase.
    fn add_paths(&mut self, run: &Run, group: &Group, [now, then]: [&Shifted; 2], curved: bool) {
        let Run { shape, a, tail, drop, may_be_lost } = *run;
        let size = group.size;
        let (mut lost, mut ln_bracket) = (0.0, 0.0);
        if may_be_lost {
            let ln_odds = drop + shape * (now.ln - then.ln);
            let odds = (-ln_odds.abs()).exp();
            lost = if ln_odds > 0.0 { 1.0 } else { odds } / (1.0 + odds);
            ln_bracket = ln_odds.max(0.0) + odds.ln_1p();
            self.first[2] += size * lost / a;
            self.first[3] -= size * lost * tail;
        }
        let here = 1.0 - lost;
        let inverse = here * now.inverse + lost * then.inverse;
        self.value += size * (ln_bracket - shape * now.ln);
        self.first[0] += size * (lost * (now.ln - then.ln) - now.ln);
        self.first[1] -= size * shape * inverse;
        if curved {
            let squares = here * now.inverse * now.inverse + lost * then.inverse * then.inverse;
            self.second[0][1] -= size * inverse;
            self.second[1][1] += size * shape * squares;
        }
        if curved && may_be_lost {
            self.second[2][2] -= size * lost / (a * a);
            self.second[3][3] += size * lost * tail * tail;
            // How the log odds of being lost move with r, α, a, b.
            let odds = [now.ln - then.ln, shape * (now.inverse - then.inverse), a.recip(), -tail];
            for i in 0..4 {
                for j in i..4 {
                    self.second[i][j] += size * lost * here * odds[i] * odds[j];
                }
            }
        }
    }
}

/// What the paths of customers with as many repeats have in common.
struct Run {
    /// r + x.
    shape: f64,
    a: f64,
    /// 1 / (b + k − 1), with k chances to drop out.
    tail: f64,
    /// Log of a · `tail`.
    drop: f64,
    may_be_lost: bool,
}

impl Run {
    fn new(model: &BetaGeometric, repeats: f64) -> Self {
        let BetaGeometric { r, a, b, first, .. } = *model;
        let k = first.chances(repeats);
        let tail = (b + k - 1.0).recip();
        Self { shape: r + repeats, a, tail, drop: (a * tail).ln(), may_be_lost: k > 0.0 }
    }
}

impl LogLikelihood<4> for Likelihood {
    const CHEAP_CURVATURE: bool = true;

    fn observations(&self) -> f64 {
        self.customers
    }

    fn value(&self, logs: &[f64; 4]) -> f64 {
        self.derivatives(logs, false).value
    }

    fn with_gradient(&self, logs: &[f64; 4]) -> (f64, [f64; 4]) {
        let Derivatives { value, first, .. } = self.derivatives(logs, false);
        let BetaGeometric { r, alpha, a, b, .. } = self.model(logs);
        let parameters = [r, alpha, a, b];
        (value, std::array::from_fn(|i| parameters[i] * first[i]))
    }

    fn curvature(&self, logs: &[f64; 4]) -> [[f64; 4]; 4] {
        let Derivatives { first, second, .. } = self.derivatives(logs, true);
        let BetaGeometric { r, alpha, a, b, .. } = self.model(logs);
        let parameters = [r, alpha, a, b];
        // By the logs: θᵢθⱼ times the second derivative, and on the diagonal θᵢ times the first.
        std::array::from_fn(|i| {
            std::array::from_fn(|j| {
                let own = if i == j { parameters[i] * first[i] } else { 0.0 };
                parameters[i] * parameters[j] * second[i.min(j)][i.max(j)] + own
            })
        })
    }
}

/// ψ′(x) for `x > 0`: shifted to where its asymptotic series holds.
fn trigamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < 12.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let square = (x * x).recip();
    let series = 1.0 / 6.0
        - square
            * (1.0 / 30.0
                - square
                    * (1.0 / 42.0
                        - square * (1.0 / 30.0 - square * (5.0 / 66.0 - square * 691.0 / 2730.0))));
    sum + (1.0 + 0.5 / x + square * series) / x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trigamma_function_has_its_known_values() {
        let square = std::f64::consts::PI.powi(2);
        assert!((trigamma(1.0) - square / 6.0).abs() < 1e-14);
        assert!((trigamma(0.5) - square / 2.0).abs() < 1e-14);
        assert!((trigamma(1e8) * 1e8 - 1.0).abs() < 1e-8);
    }

    #[test]
    fn derivatives_are_the_limits_of_differences() {
        let customers: Vec<PurchaseSummary> = (0..40_u32)
            .map(|i| {
                let repeats = f64::from(i % 5);
                let age = 20.0 + f64::from(i * 7 % 11);
                let last = if i % 5 == 0 { 0.0 } else { 1.0 + f64::from(i * 3 % 17) };
                PurchaseSummary { repeats, last, age }
            })
            .collect();
        let base = CustomerBase::new("test", &customers).unwrap();
        for first in [FirstPurchase::Kept, FirstPurchase::MayLose] {
            let likelihood = Likelihood::new(&base, first);
            let logs = [-0.3, 0.2, 0.4, 0.9];
            let (value, slopes) = likelihood.with_gradient(&logs);
            let model = likelihood.model(&logs);
            let unit = base.mean_age;
            let scaled = |c: &PurchaseSummary| {
                let (last, age) = (c.last / unit, c.age / unit);
                model.log_likelihood(&PurchaseSummary { last, age, ..*c })
            };
            let direct: f64 = customers.iter().map(scaled).sum();
            assert!((value - direct).abs() < 1e-11);
            let curvature = likelihood.curvature(&logs);
            for i in 0..4 {
                let moved = |by: f64| {
                    let mut moved = logs;
                    moved[i] += by;
                    likelihood.with_gradient(&moved)
                };
                let (up, down) = (moved(1e-4), moved(-1e-4));
                assert!(((up.0 - down.0) / 2e-4 - slopes[i]).abs() < 1e-5, "{i}");
                for (j, found) in curvature[i].iter().enumerate() {
                    let known = (up.1[j] - down.1[j]) / 2e-4;
                    assert!((known - found).abs() < 1e-5, "{i} {j}: {known}");
                }
            }
        }
    }
}
