//! Models of a customer base.

use rvq::stats::{
    BgBb, BgNbd, Cohort, GammaGamma, MbgNbd, OccasionSummary, ParetoNbd, PurchaseFit,
    PurchaseSummary, ShiftedBetaGeometric, SpendSummary, StatsError,
};
use serde::Deserialize;

use super::Fixture;

#[derive(Deserialize)]
struct PurchasesCase {
    params: [f64; 4],
    repeats: f64,
    last: f64,
    age: f64,
    log_likelihood: f64,
    alive: Option<f64>,
    horizons: Vec<f64>,
    expected: Vec<f64>,
}

impl PurchasesCase {
    fn customer(&self) -> PurchaseSummary {
        let Self { repeats, last, age, .. } = *self;
        PurchaseSummary { repeats, last, age }
    }
}

/// What a model says of one customer.
struct Said {
    log_likelihood: f64,
    alive: f64,
    expected: Vec<f64>,
}

fn same(name: &str, say: impl Fn(&PurchasesCase) -> Result<Said, StatsError>) {
    let fixture = Fixture::<PurchasesCase>::read(name);
    for case in &fixture.cases {
        let what = format!("{name} {:?} {:?}", case.params, case.customer());
        let said = say(case).unwrap();
        fixture.near(&what, said.log_likelihood, case.log_likelihood);
        fixture.all_near(&what, &said.expected, &case.expected);
        if let Some(alive) = case.alive {
            fixture.near(&what, said.alive, alive);
        }
    }
}

#[test]
fn bg_nbd_matches_its_definition_integrated_numerically() {
    same("bg_nbd", |case| {
        let [r, alpha, a, b] = case.params;
        let (model, customer) = (BgNbd::new(r, alpha, a, b)?, case.customer());
        let expected = case.horizons.iter().map(|t| model.expected(&customer, *t));
        Ok(Said {
            log_likelihood: model.log_likelihood(&customer)?,
            alive: model.alive(&customer)?,
            expected: expected.collect::<Result<_, _>>()?,
        })
    });
}

#[test]
fn mbg_nbd_matches_its_definition_integrated_numerically() {
    same("mbg_nbd", |case| {
        let [r, alpha, a, b] = case.params;
        let (model, customer) = (MbgNbd::new(r, alpha, a, b)?, case.customer());
        let expected = case.horizons.iter().map(|t| model.expected(&customer, *t));
        Ok(Said {
            log_likelihood: model.log_likelihood(&customer)?,
            alive: model.alive(&customer)?,
            expected: expected.collect::<Result<_, _>>()?,
        })
    });
}

#[test]
fn pareto_nbd_matches_its_definition_integrated_numerically() {
    same("pareto_nbd", |case| {
        let [r, alpha, s, beta] = case.params;
        let (model, customer) = (ParetoNbd::new(r, alpha, s, beta)?, case.customer());
        let expected = case.horizons.iter().map(|t| model.expected(&customer, *t));
        Ok(Said {
            log_likelihood: model.log_likelihood(&customer)?,
            alive: model.alive(&customer)?,
            expected: expected.collect::<Result<_, _>>()?,
        })
    });
}

#[derive(Deserialize)]
struct OccasionsCase {
    params: [f64; 4],
    purchases: u32,
    last: u32,
    occasions: u32,
    log_likelihood: f64,
    alive: Vec<f64>,
    expected: f64,
    discounted: f64,
}

#[test]
fn bg_bb_matches_its_definition_integrated_numerically() {
    let fixture = Fixture::<OccasionsCase>::read("bg_bb");
    for case in &fixture.cases {
        let [alpha, beta, gamma, delta] = case.params;
        let model = BgBb::new(alpha, beta, gamma, delta).unwrap();
        let OccasionsCase { purchases, last, occasions, .. } = *case;
        let customer = OccasionSummary { purchases, last, occasions };
        let what = format!("{:?} {customer:?}", case.params);
        fixture.near(&what, model.log_likelihood(&customer).unwrap(), case.log_likelihood);
        let alive = [0, 1, 7].map(|ahead| model.alive(&customer, ahead).unwrap());
        fixture.all_near(&what, &alive, &case.alive);
        fixture.near(&what, model.expected(&customer, 7).unwrap(), case.expected);
        fixture.near(&what, model.discounted(&customer, 0.1).unwrap(), case.discounted);
    }
}

#[derive(Deserialize)]
struct SpendCase {
    params: [f64; 3],
    purchases: u32,
    mean: f64,
    log_likelihood: f64,
    expected: f64,
    expected_of_new: f64,
}

#[test]
fn gamma_gamma_matches_its_definition_integrated_numerically() {
    let fixture = Fixture::<SpendCase>::read("gamma_gamma");
    for case in &fixture.cases {
        let [p, q, gamma] = case.params;
        let model = GammaGamma::new(p, q, gamma).unwrap();
        let customer = SpendSummary { purchases: case.purchases, mean: case.mean };
        let what = format!("{:?} {customer:?}", case.params);
        fixture.near(&what, model.log_likelihood(&customer).unwrap(), case.log_likelihood);
        // Relative to the value, since one case is in thousandths.
        let ratio = model.expected(&customer).unwrap() / case.expected;
        fixture.near(&what, ratio, 1.0);
        fixture.near(&what, model.expected_of_new().unwrap() / case.expected_of_new, 1.0);
    }
}

#[derive(Deserialize)]
struct CohortsCase {
    name: String,
    cohorts: Vec<Vec<u64>>,
    params: [f64; 2],
    log_likelihood: f64,
    std_errors: [f64; 2],
    survival: Vec<f64>,
    lifetime: f64,
    residual: [f64; 2],
}

#[test]
fn shifted_beta_geometric_matches_its_definition_and_newtons_method() {
    let fixture = Fixture::<CohortsCase>::read("shifted_beta_geometric");
    for case in &fixture.cases {
        let cohorts: Vec<Cohort> =
            case.cohorts.iter().map(|c| Cohort::new(c.clone()).unwrap()).collect();
        let [alpha, beta] = case.params;
        let model = ShiftedBetaGeometric::new(alpha, beta).unwrap();
        fixture.near(&case.name, model.log_likelihood(&cohorts), case.log_likelihood);
        let survival: Vec<f64> = (0..13).map(|t| model.survival(t)).collect();
        fixture.all_near(&case.name, &survival, &case.survival);
        fixture.near(&case.name, model.discounted_lifetime(0.1).unwrap(), case.lifetime);
        let residual = [1, 8].map(|n| model.residual_lifetime(n, 0.1).unwrap());
        fixture.all_near(&case.name, &residual, &case.residual);

        let fit = ShiftedBetaGeometric::fit(&cohorts).unwrap();
        fixture.near(&case.name, fit.log_likelihood, case.log_likelihood);
        for (found, known) in fit.model.parameters().iter().zip(case.params) {
            assert!((found / known - 1.0).abs() < 1e-7, "{}: {found} {known}", case.name);
        }
        for (found, known) in fit.std_errors.iter().zip(case.std_errors) {
            assert!((found / known - 1.0).abs() < 1e-5, "{}: {found} {known}", case.name);
        }
    }
}

#[derive(Deserialize)]
struct FitCase {
    model: String,
    customers: Vec<Vec<f64>>,
    params: Vec<f64>,
    log_likelihood: f64,
    std_errors: Vec<f64>,
}

/// Parameters, standard errors, log-likelihood.
type Found = (Vec<f64>, Vec<f64>, f64);

fn found<M, const N: usize>(fit: &PurchaseFit<M, N>, parameters: [f64; N]) -> Found {
    (parameters.to_vec(), fit.std_errors.to_vec(), fit.log_likelihood)
}

fn fit(case: &FitCase) -> Result<Found, StatsError> {
    let summary = |row: &Vec<f64>| PurchaseSummary { repeats: row[0], last: row[1], age: row[2] };
    let buyers = || case.customers.iter().map(summary).collect::<Vec<_>>();
    Ok(match case.model.as_str() {
        "bg_nbd" => BgNbd::fit(&buyers()).map(|fit| found(&fit, fit.model.parameters()))?,
        "mbg_nbd" => MbgNbd::fit(&buyers()).map(|fit| found(&fit, fit.model.parameters()))?,
        "pareto_nbd" => ParetoNbd::fit(&buyers()).map(|fit| found(&fit, fit.model.parameters()))?,
        "gamma_gamma" => {
            let spend = |row: &Vec<f64>| SpendSummary { purchases: row[0] as u32, mean: row[1] };
            let customers: Vec<_> = case.customers.iter().map(spend).collect();
            GammaGamma::fit(&customers).map(|fit| found(&fit, fit.model.parameters()))?
        }
        _ => {
            let repeated = |row: &Vec<f64>| {
                let [purchases, last, occasions] = [0, 1, 2].map(|i| row[i] as u32);
                vec![OccasionSummary { purchases, last, occasions }; row[3] as usize]
            };
            let customers: Vec<_> = case.customers.iter().flat_map(repeated).collect();
            BgBb::fit(&customers).map(|fit| found(&fit, fit.model.parameters()))?
        }
    })
}

#[test]
fn fits_are_the_tops_of_the_likelihoods_of_lifetimes() {
    let fixture = Fixture::<FitCase>::read("purchase_fits");
    for case in &fixture.cases {
        let (parameters, std_errors, log_likelihood) = fit(case).unwrap();
        // Tighter than the parameters: a likelihood is flat at its top.
        let error = (log_likelihood / case.log_likelihood - 1.0).abs();
        assert!(error < 1e-11, "{}: {log_likelihood} {}", case.model, case.log_likelihood);
        for i in 0..parameters.len() {
            let what = format!("{} [{i}]", case.model);
            fixture.near(&what, parameters[i] / case.params[i], 1.0);
            fixture.near(&what, std_errors[i] / case.std_errors[i], 1.0);
        }
    }
}

#[test]
fn the_donors_have_the_published_parameters() {
    let fixture = Fixture::<FitCase>::read("purchase_fits");
    let donors = fixture.cases.iter().find(|case| case.model == "bg_bb").unwrap();
    let (parameters, _, log_likelihood) = fit(donors).unwrap();
    assert!((log_likelihood - -33_225.6).abs() < 0.05, "{log_likelihood}");
    for (found, published) in parameters.iter().zip([1.204, 0.750, 0.657, 2.783]) {
        assert!((found - published).abs() < 1e-3, "{found} {published}");
    }
}
