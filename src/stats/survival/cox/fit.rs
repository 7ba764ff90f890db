//! Cox regression: coefficients, their errors and tests of the whole model.

use nalgebra::{DMatrix, DVector};

use super::super::super::error::StatsError;
use super::super::super::estimate::Estimate;
use super::super::chi_square::ChiSquareTest;
use super::NAME;
use super::layout::Layout;
use super::newton::{Optimum, factorise, maximise};
use super::residuals::score_residuals;
use super::rows::{CoxRows, Ties};

/// A fitted Cox proportional hazards model.
#[derive(Debug, Clone)]
pub struct CoxFit {
    /// Log hazard ratio per unit of each column; the null value is 0. With clusters the error is
    /// robust and `n` counts clusters; without, it comes from the information and `n` counts events.
    pub coefficients: Vec<Estimate>,
    /// Covariance of the coefficients, shape `(columns, columns)`, row by row; robust with clusters.
    pub covariance: Vec<f64>,
    /// Standard errors from the information, which takes rows as independent.
    pub model_std_errors: Vec<f64>,
    /// Log partial likelihood at the estimate.
    pub log_likelihood: f64,
    /// Log partial likelihood with all coefficients 0.
    pub null_log_likelihood: f64,
    /// Likelihood-ratio test that all coefficients are 0; takes rows as independent.
    pub likelihood_ratio: ChiSquareTest,
    /// Wald test that all coefficients are 0; robust with clusters.
    pub wald: ChiSquareTest,
    /// Score test that all coefficients are 0; takes rows as independent.
    pub score: ChiSquareTest,
    /// Rows.
    pub n_rows: usize,
    /// Events.
    pub n_events: usize,
    /// Clusters, when they were given.
    pub n_clusters: Option<usize>,
    /// Newton steps taken.
    pub iterations: usize,
    pub(super) layout: Layout,
    pub(super) optimum: Optimum,
    /// Kaplan-Meier survival of all strata together just before each event time.
    pub(super) survival_before: Vec<f64>,
}

impl CoxFit {
    /// Fits Cox proportional hazards to start-stop rows by Newton-Raphson on the partial likelihood.
    ///
    /// ```text
    /// hazard of row i at t:  λ_stratum(t) exp(β'xᵢ)   for entryᵢ < t ≤ exitᵢ
    /// ℓ(β) = Σ_events β'xᵢ − Σ_{event times} Σ_{l < d} log(S(t) − c_l S_D(t))
    /// S, S_D: Σ exp(β'x) of those at risk and of the d with an event;  c_l = l/d Efron, 0 Breslow
    /// V = I⁻¹,  I = −ℓ''          robust: V (Σ_g u_g u_g') V,  u_g: score residuals of cluster g
    /// intervals and p by the normal law
    /// ```
    ///
    /// Covariates are standardised inside; rows whose time at risk holds no event do not matter and
    /// cost nothing. The robust variance carries no small-sample factor, as in R and lifelines.
    /// O(n + events log events) once, then O(n · columns²) a step. Two convergence criteria are common:
    /// ours is the step (1e-9 standard deviations), not the change of the likelihood.
    ///
    /// # Errors
    ///
    /// `TooFew` without events, or with clusters no more than columns (a robust variance of lower
    /// rank); `Collinear` for a column that is constant, constant within every risk set, or
    /// determined by earlier ones; `Separated` when the likelihood rises without end along a
    /// column, so that the estimate is infinite.
    ///
    /// # Source
    ///
    /// Cox (1972), *J. R. Stat. Soc. B* 34(2), 187–220; Andersen and Gill (1982), *Ann. Stat.* 10(4),
    /// 1100–1120; Efron (1977), *J. Am. Stat. Assoc.* 72(359), 557–565; Lin and Wei (1989), *J. Am.
    /// Stat. Assoc.* 84(408), 1074–1078. Parity: R `survival::coxph`, `tests/fixtures/cox_r.json`,
    /// tolerance 1e-10; lifelines (`CoxPHFitter`, `CoxTimeVaryingFitter`) and statsmodels `PHReg`,
    /// `tests/fixtures/cox.json`, tolerance 1e-9. The robust errors of lifelines know neither ties nor
    /// late entry and differ there; a row of statsmodels is at risk at its entry itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::{CoxFit, CoxRows, Ties};
    ///
    /// // L = u/(2u + 1) · 1/(1 + u) with u = exp(β) is largest at u² = 1/2.
    /// let (entry, exit, event) = ([0.0; 3], [1.0, 2.0, 3.0], [true; 3]);
    /// let rows = CoxRows::new(&entry, &exit, &event, &[1.0, 0.0, 1.0], 1)?;
    /// let fit = CoxFit::fit(&rows, Ties::Efron)?;
    /// assert!((fit.coefficients[0].estimate - 0.5_f64.sqrt().ln()).abs() < 1e-12);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn fit(rows: &CoxRows, ties: Ties) -> Result<Self, StatsError> {
        let layout = Layout::new(rows)?;
        let optimum = maximise(&layout, ties)?;
        let model = optimum.factor.inverse();
        let robust = rows.cluster.map(|cluster| robust(&layout, &optimum, &model, cluster));
        let (covariance, n_clusters) = match robust.transpose()? {
            Some((covariance, clusters)) => (covariance, Some(clusters)),
            None => (model.clone(), None),
        };
        let df = layout.columns();
        let gain = optimum.sweep.log_likelihood - optimum.null_log_likelihood;
        Ok(Self {
            coefficients: estimates(&layout, &optimum, &covariance, n_clusters)?,
            covariance: unscaled(&layout, &covariance),
            model_std_errors: std_errors(&layout, &model),
            log_likelihood: optimum.sweep.log_likelihood,
            null_log_likelihood: optimum.null_log_likelihood,
            likelihood_ratio: ChiSquareTest::new(2.0 * gain, df)?,
            wald: wald(&optimum, &covariance)?,
            score: ChiSquareTest::new(optimum.score_statistic, df)?,
            n_rows: rows.exit.len(),
            n_events: layout.events.len(),
            n_clusters,
            iterations: optimum.iterations,
            survival_before: super::proportional::survival_before(rows, &layout),
            layout,
            optimum,
        })
    }
}

/// Lin and Wei's covariance, and the number of clusters.
fn robust(
    layout: &Layout,
    optimum: &Optimum,
    model: &DMatrix<f64>,
    cluster: &[u32],
) -> Result<(DMatrix<f64>, usize), StatsError> {
    let (cluster, clusters) = numbered(cluster);
    let p = layout.columns();
    if clusters <= p {
        let statistic = "clusters of cox";
        return Err(StatsError::TooFew { statistic, needed: p + 1, got: clusters });
    }
    let residuals = score_residuals(layout, &optimum.sweep, &optimum.moments);
    let mut sums = DMatrix::zeros(clusters, p);
    for (mut sums, residuals) in sums.column_iter_mut().zip(&residuals) {
        for (row, residual) in layout.row.iter().zip(residuals) {
            sums[cluster[*row as usize]] += residual;
        }
    }
    let influence = sums * model;
    Ok((influence.tr_mul(&influence), clusters))
}

/// Each row's cluster, numbered from 0, and how many clusters there are.
fn numbered(cluster: &[u32]) -> (Vec<usize>, usize) {
    let mut names = cluster.to_vec();
    names.sort_unstable();
    names.dedup();
    // Rows of a cluster follow each other.
    let mut before = (names[0], 0);
    let number = |&name: &u32| {
        if name != before.0 {
            before = (name, names.partition_point(|other| *other < name));
        }
        before.1
    };
    (cluster.iter().map(number).collect(), names.len())
}

fn estimates(
    layout: &Layout,
    optimum: &Optimum,
    covariance: &DMatrix<f64>,
    clusters: Option<usize>,
) -> Result<Vec<Estimate>, StatsError> {
    let method = if clusters.is_some() { "Cox, Lin-Wei by cluster" } else { "Cox, information" };
    let n = clusters.unwrap_or(layout.events.len());
    let errors = std_errors(layout, covariance);
    let with_scale = optimum.beta.iter().zip(&layout.scale);
    let each = with_scale.zip(errors);
    each.map(|((beta, scale), error)| Estimate::normal(beta / scale, error, 0.0, n, method))
        .collect()
}

fn std_errors(layout: &Layout, covariance: &DMatrix<f64>) -> Vec<f64> {
    let variances = covariance.diagonal();
    variances.iter().zip(&layout.scale).map(|(v, scale)| v.max(0.0).sqrt() / scale).collect()
}

fn unscaled(layout: &Layout, covariance: &DMatrix<f64>) -> Vec<f64> {
    let p = layout.columns();
    let cells = (0..p).flat_map(|a| (0..p).map(move |b| (a, b)));
    cells.map(|(a, b)| covariance[(a, b)] / layout.scale[a] / layout.scale[b]).collect()
}

fn wald(optimum: &Optimum, covariance: &DMatrix<f64>) -> Result<ChiSquareTest, StatsError> {
    let beta = DVector::from_column_slice(&optimum.beta);
    let collinear = |column| StatsError::Collinear { statistic: NAME, column };
    let factor = factorise(covariance, 1e-14).map_err(collinear)?;
    ChiSquareTest::new(beta.dot(&factor.solve(&beta)), beta.len())
}
