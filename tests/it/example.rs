//! Invented charts and results, in realistic shape, for the tests of charts and reports.

use rvq::backtest::{
    Constraint, Finding, LearnedWeights, NullAuc, NullBand, OrderReversal, Power, RankFlips,
    Standing, TypeWeight, WeightAuc, WeightFit,
};
use rvq::chart::{
    AttritionBand, AttritionData, BoardColumn, Chart, ConcentrationData, Curve, DecileData,
    Estimate, LeadLagData, PatternCurve, TrajectoryData, VerdictBoardData, attrition_by_band,
    concentration, lead_lag, outcome_by_decile, trajectories, verdict_board,
};
use rvq::hypothesis::{Decision, Rung, RungResult, Verdict};
use rvq::journey::{PathPoint, PlanFigures, TypeGap};
use rvq::patterns::{Direction, Exception, Exceptions, PatternLabel, PatternSummary};
use rvq::policy::{ComparedWith, Goodwill, SegmentGoodwill};
use rvq::relationship::{
    ComponentFigures, DimensionFigures, EmptyLedger, ExchangeFigures, Quadrants, RankShift,
    RivalFigures,
};
use rvq::report::{
    Benchmark, Beside, DataInfo, Diagnostics, Dropped, HypothesisPower, Interval, Results, RunInfo,
    SCHEMA_VERSION, WeightResults, WorldResults,
};
use serde_json::json;

fn curve(months: &[i32], level: f64, slope: f64, n: u64) -> Curve {
    let mean: Vec<f64> = months.iter().map(|m| level + slope * f64::from(*m)).collect();
    Curve {
        low: mean.iter().map(|m| m - 0.8).collect(),
        high: mean.iter().map(|m| m + 0.8).collect(),
        at_risk: months.iter().map(|m| n - u64::from(m.unsigned_abs()) * n / 60).collect(),
        mean,
    }
}

/// Two named patterns and one unremarkable one over two years.
pub(crate) fn trajectory_data() -> TrajectoryData {
    let months: Vec<i32> = (0..=24).collect();
    let pattern = |name: &str, label, slope, n| PatternCurve {
        name: name.to_owned(),
        label,
        curve: curve(&months, 6.0, slope, n),
    };
    TrajectoryData {
        patterns: vec![
            pattern("Pattern 1", PatternLabel::Unremarkable, 0.1, 1_840),
            pattern("Pattern 2", PatternLabel::BestPractice, 0.45, 912),
            pattern("Pattern 3", PatternLabel::AtRisk, -0.25, 448),
        ],
        overall: curve(&months, 6.0, 0.12, 3_200),
        months,
        since: "the first interaction".to_owned(),
        score: "rv_decay_90d".to_owned(),
        simulated: true,
    }
}

/// Ten groups with a clear gradient.
pub(crate) fn decile_data() -> DecileData {
    let decile_means: Vec<f64> = (0..10).map(|d| 310.0 + 42.5 * f64::from(d)).collect();
    DecileData {
        score: "rv_velocity_3m".to_owned(),
        outcome: "contribution".to_owned(),
        unit: "EUR per month".to_owned(),
        horizon_months: 3,
        low: decile_means.iter().map(|m| m - 61.0).collect(),
        high: decile_means.iter().map(|m| m + 61.0).collect(),
        n: vec![320, 320, 320, 320, 320, 320, 320, 320, 320, 319],
        overall: 501.0,
        decile_means,
        simulated: true,
    }
}

/// Twelve months back and twelve ahead; clear only ahead.
pub(crate) fn lead_lag_data() -> LeadLagData {
    let horizons: Vec<i32> = (-12..=12).collect();
    let ic: Vec<f64> = horizons
        .iter()
        .map(|h| if *h > 0 { 0.16 - 0.007 * f64::from(*h) } else { 0.02 + 0.001 * f64::from(*h) })
        .collect();
    LeadLagData {
        low: ic.iter().map(|v| v - 0.045).collect(),
        high: ic.iter().map(|v| v + 0.045).collect(),
        envelope_low: vec![-0.05; 25],
        envelope_high: vec![0.05; 25],
        ic,
        horizons,
        score: "rv_velocity_3m".to_owned(),
        outcome: "contribution".to_owned(),
        simulated: true,
    }
}

/// Five bands over two years.
pub(crate) fn attrition_data() -> AttritionData {
    let months: Vec<i32> = (0..=24).collect();
    let labels = ["lowest fifth", "second fifth", "middle fifth", "fourth fifth", "highest fifth"];
    let band = |(index, label): (usize, &&str)| {
        let hazard = 0.016 - 0.0028 * index as f64;
        let survival: Vec<f64> = months.iter().map(|m| (1.0 - hazard).powi(*m)).collect();
        let half = |m: &f64| 0.03 * (1.0 - m).sqrt();
        AttritionBand {
            label: (*label).to_owned(),
            low: survival.iter().map(|s| s - half(s)).collect(),
            high: survival.iter().map(|s| (s + half(s)).min(1.0)).collect(),
            at_risk: survival.iter().map(|s| (640.0 * s) as u64).collect(),
            survival,
        }
    };
    AttritionData {
        bands: labels.iter().enumerate().map(band).collect(),
        months,
        score: "rv_decay_90d".to_owned(),
        simulated: true,
    }
}

/// A whale curve: the last accounts lose money.
pub(crate) fn concentration_data() -> ConcentrationData {
    let share_of_accounts: Vec<f64> = (0..=20).map(|i| f64::from(i) / 20.0).collect();
    let profit = |x: f64| 1.9 * x.powf(0.4) - 0.9 * x.powf(1.6);
    ConcentrationData {
        cumulative_profit: share_of_accounts.iter().map(|x| profit(*x)).collect(),
        cumulative_cost: share_of_accounts.iter().map(|x| x.powf(0.53)).collect(),
        cumulative_revenue: share_of_accounts.iter().map(|x| x.powf(0.14)).collect(),
        top20_profit: Estimate { value: profit(0.2), low: 0.87, high: 1.03 },
        top20_revenue: Estimate { value: 0.2_f64.powf(0.14), low: 0.771, high: 0.822 },
        cost_ratio: Estimate { value: 2.97, low: 2.71, high: 3.24 },
        share_of_accounts,
        simulated: true,
    }
}

/// The verdicts of [`results`] side by side.
pub(crate) fn board_data() -> VerdictBoardData {
    let worlds = results().worlds.into_iter();
    let column = |world: WorldResults| BoardColumn { world: world.name, verdicts: world.verdicts };
    VerdictBoardData { worlds: worlds.map(column).collect(), simulated: true }
}

/// Every chart of a run with two worlds; the second has no pattern.
pub(crate) fn charts() -> Vec<(String, Chart)> {
    let mut flat = lead_lag_data();
    flat.ic.fill(0.01);
    flat.low.fill(-0.04);
    flat.high.fill(0.06);
    let no_pattern = TrajectoryData { patterns: Vec::new(), ..trajectory_data() };
    let informative = [
        verdict_board(&board_data()),
        trajectories(&trajectory_data()),
        outcome_by_decile(&decile_data()),
        lead_lag(&lead_lag_data()),
        attrition_by_band(&attrition_data()),
        concentration(&concentration_data()),
    ];
    let irrelevant = [lead_lag(&flat), trajectories(&no_pattern)];
    let named = |world: &'static str| {
        move |chart: Result<Chart, _>| (world.to_owned(), chart.expect("example data can be drawn"))
    };
    let informative = informative.into_iter().map(named("informative"));
    informative.chain(irrelevant.into_iter().map(named("irrelevant"))).collect()
}

/// Results of a simulated run: an informative world and the irrelevant one.
pub(crate) fn results() -> Results {
    Results {
        schema_version: SCHEMA_VERSION.to_owned(),
        run: RunInfo {
            name: "starting_benchmark".to_owned(),
            id: "3f9c2a7be410".to_owned(),
            version: "0.1.0".to_owned(),
            seed: 20_261_122,
            currency: "EUR".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            profile: "smoke".to_owned(),
            simulated: true,
        },
        worlds: vec![informative(), irrelevant()],
        warnings: vec![
            "12.4 % of account-months were lost to attrition before month 48".to_owned(),
        ],
    }
}

fn power() -> HypothesisPower {
    HypothesisPower {
        hypothesis: "H1".to_owned(),
        smallest_relevant_effect: 0.02,
        power_at_smallest: 0.14,
        accounts_needed: 15_240.0,
        months_needed: None,
        power: Power {
            score: "rv_velocity_3m".to_owned(),
            outcome: "contribution".to_owned(),
            horizon_months: 3,
            statistic: "mean_rank_ic".to_owned(),
            n_accounts: 1_396,
            n_periods: 51,
            null_std_error: 0.0235,
            detectable_effect: 0.0659,
            lasting: Some(0.4),
            curve: vec![(0.0329, 0.288), (0.0659, 0.8)],
        },
    }
}

fn estimate(estimate: f64, half: f64) -> rvq::relationship::Estimate {
    rvq::relationship::Estimate { estimate, ci_low: estimate - half, ci_high: estimate + half }
}

/// Figures of every part that stands beside the score.
fn beside() -> Beside {
    let dimension = |name: &str, us, leader| DimensionFigures {
        dimension: Some(name.to_owned()),
        n_accounts: 412,
        us,
        leader,
        relative: estimate(us - leader, 0.12),
        leads: 0.41,
        reliability: Some(0.38),
    };
    let component = |component: &str, direction: &str, unpriced| ComponentFigures {
        component: component.to_owned(),
        direction: direction.to_owned(),
        entries: 157,
        quantity: 157.0,
        value_low: 672_000.0,
        value_high: 2_690_000.0,
        unpriced,
    };
    let point = |age_months: u32| PathPoint {
        age_months,
        n_contacts: 4_000,
        n_accounts: 640,
        planned_rv: f64::from(age_months) * 1.5,
        actual_rv: f64::from(age_months) * 1.2,
        actual_rv_margin: 1.1,
        planned_cost: f64::from(age_months) * 38.0,
        actual_cost: f64::from(age_months) * 52.0,
        actual_cost_margin: 41.0,
    };
    let gap = |name: &str, planned, actual| TypeGap {
        interaction_type: name.to_owned(),
        planned,
        actual,
        rv_gap: 4.0 * (actual - planned),
    };
    Beside {
        value_exchange: Some(ExchangeFigures {
            n_accounts: 1_388,
            components: vec![
                component("customer_referral", "received", 0),
                component("knowledge", "given", 157),
            ],
            rank_shift: Some(RankShift {
                kendall: estimate(0.918, 0.011),
                kendall_low_high: [0.961, 0.886],
                top_tenth_kept: estimate(0.957, 0.03),
                correlation: Some(estimate(0.192, 0.05)),
            }),
            quadrants: Quadrants {
                affluents_who_give: 414,
                affluents: 280,
                advocates: 280,
                others: 414,
            },
            n_empty: 72,
            empty: vec![EmptyLedger { account_id: "A<7>".to_owned(), contribution: 81_000.0 }],
        }),
        rivals: Some(RivalFigures {
            dimensions: vec![dimension("delivery", 3.86, 3.45), dimension("service", 3.5, 3.9)],
            n_shares: 771,
            allocation_correlation: Some(estimate(0.101, 0.07)),
            allocation_error: Some(0.213),
        }),
        plan_against_actual: Some(PlanFigures {
            path: (1..=24).map(point).collect(),
            n_contacts: 4_000,
            types: vec![gap("quarterly_review", 3.9, 2.1), gap("incident_reported", 0.4, 0.9)],
            missing: vec!["advisory_board_attended".to_owned()],
            unplanned: vec!["ad_hoc_call".to_owned()],
        }),
        goodwill: Some(goodwill()),
    }
}

fn goodwill() -> Goodwill {
    let segment = |name: &str, value: f64| SegmentGoodwill {
        segment: Some(name.to_owned()),
        n_accounts: 700,
        value: estimate(value, 0.1 * value),
        goodwill: estimate(0.2 * value, 0.15 * value),
    };
    Goodwill {
        score: "rv_decay_90d".to_owned(),
        controls: vec!["tenure".to_owned()],
        compared_with: ComparedWith::NoRelationship,
        valued_at: "2024-12".to_owned(),
        n_accounts: 1_400,
        n_account_months: 48_000,
        n_events: 431,
        value: estimate(21e6, 2e6),
        goodwill: estimate(4.2e6, 3e6),
        segments: vec![segment("large", 18e6), segment("<small>", 3e6)],
        exit_log_odds: estimate(-0.31, 0.12),
        contribution: estimate(120.0, 80.0),
        carry_over: estimate(0.94, 0.01),
        left_after_a_year: Some(0.52),
        n_left_out: 31,
        retention_elasticity: Some(estimate(4.1, 0.4)),
        support: 0.004,
        market_less_book: Some(30e6),
        method: "example".to_owned(),
    }
}

fn exceptions() -> Exceptions {
    let alarm = |account: &str, direction, deviation| Exception {
        account_id: account.to_owned(),
        month: "2024-11".to_owned(),
        age_months: 31,
        direction,
        deviation,
        strength: 1.32,
    };
    Exceptions {
        score: "rv_velocity_3m".to_owned(),
        smoothing: 0.2,
        limit: 2.44,
        run_length_months: 120.0,
        n_accounts: 1_900,
        n_account_months: 61_000,
        expected_alarms: 632.8,
        expected_range: [598, 671],
        n_good: 410,
        n_bad: 502,
        current: vec![alarm("A<7>", Direction::Bad, -2.9), alarm("A12", Direction::Good, 2.2)],
    }
}

fn informative() -> WorldResults {
    WorldResults {
        name: "informative".to_owned(),
        description: "The hidden state drives both interactions and outcomes; interactions change \
                      one to three months before profit does."
            .to_owned(),
        data: data_info(),
        benchmark: Some(benchmark()),
        beside: beside(),
        power: vec![power()],
        findings: vec![
            finding("H1", "rv_velocity_3m", "contribution", 3, (0.121, 0.021), 0.001),
            finding("H1", "rv_velocity_3m", "contribution", 12, (0.064, 0.03), 0.038),
            finding("H8", "rv_decay_90d", "attrition", 6, (-0.083, 0.024), 0.001),
            Finding {
                estimate: None,
                std_error: None,
                ci_low: None,
                ci_high: None,
                p_value: None,
                p_adjusted: None,
                detectable_effect: None,
                method: "not computed: 4 exits, at least 20 needed".to_owned(),
                ..finding("H4", "rv_cumulative", "revenue growth", 12, (0.0, 1.0), 1.0)
            },
            Finding {
                hypothesis: None,
                in_family: false,
                p_adjusted: None,
                ..finding("H1", "recency", "contribution", 3, (0.051, 0.022), 0.021)
            },
        ],
        verdicts: vec![
            verdict("H1", Some(Rung::AddsToBaselines), Decision::Supported),
            verdict("H8", Some(Rung::Leads), Decision::Supported),
            verdict("H4", None, Decision::Inconclusive),
        ],
        patterns: vec![
            pattern(1, PatternLabel::Unremarkable, 1_840, 0.81, (12.0, 18.0)),
            pattern(2, PatternLabel::BestPractice, 912, 0.88, (141.0, 31.0)),
            pattern(3, PatternLabel::AtRisk, 448, 0.79, (-96.0, 28.0)),
        ],
        patterns_note: None,
        exceptions: Some(exceptions()),
        weights: None,
        data_map: None,
        diagnostics: None,
    }
}

fn irrelevant() -> WorldResults {
    WorldResults {
        name: "irrelevant".to_owned(),
        description: "Interactions carry no information about outcomes; every effect is zero by \
                      construction."
            .to_owned(),
        data: data_info(),
        benchmark: Some(benchmark()),
        beside: Beside::default(),
        power: Vec::new(),
        findings: vec![
            finding("H1", "rv_velocity_3m", "contribution", 3, (0.008, 0.021), 0.71),
            finding("H8", "rv_decay_90d", "attrition", 6, (-0.004, 0.024), 0.86),
        ],
        verdicts: vec![
            verdict("H1", None, Decision::Inconclusive),
            verdict("H8", None, Decision::Inconclusive),
            verdict("H4", None, Decision::Contradicted),
        ],
        patterns: Vec::new(),
        patterns_note: Some("no number of patterns reached a stability of .75".to_owned()),
        exceptions: None,
        weights: None,
        data_map: None,
        diagnostics: None,
    }
}

fn data_info() -> DataInfo {
    DataInfo {
        n_accounts: 3_200,
        n_contacts: 9_713,
        n_interactions: 655_021,
        n_exits: 1_204,
        first_month: "2021-01".to_owned(),
        last_month: "2024-12".to_owned(),
        n_account_months: 121_344,
        dropped: vec![Dropped {
            reason: "accounts younger than the score's window of 3 months".to_owned(),
            count: 214,
        }],
    }
}

fn benchmark() -> Benchmark {
    let interval = |estimate: f64, half: f64| Interval {
        estimate,
        ci_low: estimate - half,
        ci_high: estimate + half,
    };
    Benchmark {
        cost_ratio: interval(2.97, 0.26),
        revenue_ratio: interval(15.8, 1.4),
        top20_revenue_share: interval(0.798, 0.024),
        top20_profit_share: interval(0.952, 0.081),
        repeat_revenue_share: interval(0.806, 0.011),
        annual_attrition: interval(0.126, 0.006),
        n_accounts: 3_200,
    }
}

fn finding(
    hypothesis: &str,
    score: &str,
    outcome: &str,
    horizon_months: i32,
    (estimate, std_error): (f64, f64),
    p_value: f64,
) -> Finding {
    Finding {
        hypothesis: Some(hypothesis.to_owned()),
        score: score.to_owned(),
        outcome: outcome.to_owned(),
        horizon_months,
        statistic: "mean_rank_ic".to_owned(),
        estimate: Some(estimate),
        std_error: Some(std_error),
        ci_low: Some(estimate - 1.97 * std_error),
        ci_high: Some(estimate + 1.97 * std_error),
        p_value: Some(p_value),
        p_adjusted: Some((2.0 * p_value).min(1.0)),
        n_accounts: 3_200,
        n_events: 121_344,
        n_periods: 45,
        method: "mean rank IC, larger of account cluster + EWC and stratified swap p".to_owned(),
        detectable_effect: Some(2.8 * std_error),
        in_family: true,
    }
}

fn verdict(hypothesis: &str, rung: Option<Rung>, decision: Decision) -> Verdict {
    let claim = match hypothesis {
        "H1" => "RV velocity goes with later contribution",
        "H4" => "RV patterns tell growing from shrinking revenue",
        _ => "Falling RV warns of attrition",
    };
    let judge = |candidate: Rung| RungResult {
        rung: candidate,
        decision: match rung {
            Some(highest) if candidate <= highest => Decision::Supported,
            _ if candidate == Rung::Associated => decision,
            _ => Decision::Inconclusive,
        },
        why: "mean rank IC .121, 95 % interval .080 to .162, p = .001".to_owned(),
    };
    let why = match decision {
        Decision::Supported => "the interval excludes 0 in the claimed direction",
        Decision::Contradicted => "the interval lies wholly inside ±0.03",
        Decision::Inconclusive => "the interval contains 0; an IC of .059 could have been seen",
    };
    Verdict {
        hypothesis: hypothesis.to_owned(),
        title: "what it is about".to_owned(),
        claim: claim.to_owned(),
        rung,
        verdict: decision,
        why: why.to_owned(),
        rungs: [Rung::Associated, Rung::Leads, Rung::AddsToBaselines].map(judge).to_vec(),
    }
}

fn pattern(
    pattern: u32,
    label: PatternLabel,
    n_accounts: u64,
    stability: f64,
    (difference, half): (f64, f64),
) -> PatternSummary {
    PatternSummary {
        pattern,
        label,
        n_accounts,
        n_held_out: n_accounts / 2,
        stability,
        outcome: "contribution over the next 6 months [EUR per month]".to_owned(),
        difference: Some(difference),
        ci_low: Some(difference - half),
        ci_high: Some(difference + half),
    }
}

/// Diagnostics in which everything is there once.
pub(crate) fn diagnostics() -> Diagnostics {
    let figures = |real: f64, draws: u32| {
        json!({
            "real": real, "median": 0.02, "low": -0.03, "high": 0.07,
            "percentile": if draws > 0 { Some(0.985) } else { None }, "p_value": 0.02, "draws": draws,
            "n_accounts": 1600, "n_periods": 17, "method": "mean rank IC; p asks something",
        })
    };
    let placebo = |name: &str, outcome: &str, draws: u32| {
        json!({
            "placebo": name, "score": "rv_decay_90d", "outcome": outcome, "horizon_months": 3,
            "figures": figures(0.12, draws), "refusal": null,
        })
    };
    let refused = json!({
        "placebo": "time_shift", "score": "rv_decay_90d", "outcome": "contribution",
        "horizon_months": 3, "figures": null, "refusal": "3 accounts are long enough",
    });
    let sign = |name: &str, value: f64, given: f64, standing: &str| {
        json!({
            "interaction_type": name, "catalogue_value": value, "transactional": false,
            "n_interactions": 900, "n_accounts": 300, "alone": 0.1, "given_activity": given,
            "ci_low": given - 0.03, "ci_high": given + 0.03, "p_value": 0.001, "p_adjusted": 0.01,
            "standing": standing,
        })
    };
    let contrast = |estimate: f64, p: f64| {
        json!({
            "estimate": estimate, "std_error": 40.0, "ci_low": estimate - 80.0,
            "ci_high": estimate + 80.0, "p_value": p,
        })
    };
    let value = json!({
        "placebos": [
            placebo("random_catalogues", "contribution", 199),
            placebo("negative_control", "size", 0),
            refused,
        ],
        "late_rows": { "rows": 1234, "accounts": 56 },
        "leakage": [{
            "score": "rv_decay_90d", "outcome": "contribution", "horizon_months": 3,
            "as_known": 0.1, "as_finally_known": 0.14, "lift": 0.04, "std_error": 0.01,
            "ci_low": 0.02, "ci_high": 0.06, "p_value": 0.0004, "n_moved": 900, "n_accounts": 1600,
        }],
        "signs": {
            "outcome": "gross_profit", "horizon_months": 3, "half_life_days": 180.0,
            "least": [50, 20],
            "types": [
                sign("quarterly_review", 4.0, 0.08, "agrees"),
                sign("return_received", 1.0, -0.09, "contradicts"),
            ],
        },
        "by_group": [{
            "score": "rv_decay_90d", "outcome": "contribution", "horizon_months": 3, "pooled": 0.12,
            "dates": [{ "month": "2021-03", "ic": -0.02 }, { "month": "2021-04", "ic": 0.2 }],
            "groups": [{
                "dimension": "segment", "group": "segment `public`", "ic": -0.1, "ci_low": -0.15,
                "ci_high": -0.05, "n_accounts": 300, "n_periods": 2,
            }],
            "heterogeneity": [{
                "dimension": "segment", "stratified": -0.05, "f": 9.0, "p_value": 0.002,
                "reversed": true,
            }],
            "skipped": [],
        }],
        "monotonicity": [{
            "score": "rv_decay_90d", "outcome": "contribution", "horizon_months": 3,
            "means": [1.0, 3.0, 2.0], "smallest_step": -1.0, "below": 2, "p_value": 0.6,
            "n_accounts": 1600,
        }],
        "migration": {
            "score": "rv_decay_90d", "horizon_months": 3, "shares": [[0.7, 0.2, 0.1], [0.2, 0.75, 0.05]],
            "n_start": [800, 801], "n_dropped": 0,
            "persistence": [{
                "months": 3, "autocorrelation": 0.85, "top_turnover": 0.3, "n_periods": 20,
            }],
        },
        "event_study": {
            "moment": "first critical interaction of the account", "outcome": "gross_profit",
            "figures": {
                "path": [{ "month": 0, "effect": -300.0, "ci_low": -380.0, "ci_high": -220.0 }],
                "after": contrast(-300.0, 0.0001), "before": contrast(10.0, 0.8),
                "n_moments": 540, "n_controls": 820,
            },
            "refusal": null,
            "dropped": [{ "reason": "no row in the panel", "count": 12 }],
        },
    });
    serde_json::from_value(value).unwrap()
}

/// Weights of three types: one reversed, one kept, one refused.
pub(crate) fn weights() -> WeightResults {
    let auc = |estimate: f64| WeightAuc {
        estimate,
        std_error: 0.02,
        ci_low: estimate - 0.04,
        ci_high: estimate + 0.04,
        n_exits: 212,
    };
    let of_type = |name: &str, exits, value, learned_weight, share_moved, standing| TypeWeight {
        interaction_type: name.to_owned(),
        exits,
        expert_value: value,
        expert_weight: 0.02 * value,
        learned_weight,
        spread: if standing == Standing::Refused { 0.0 } else { 1.3 },
        low: Some(learned_weight - 0.05),
        high: Some(learned_weight + 0.05),
        share_moved,
        standing,
    };
    let gain = |statistic: &str| Finding {
        hypothesis: None,
        statistic: statistic.to_owned(),
        ..finding("H8", "rv_decay_180d", "attrition", 3, (0.012, 0.004), 0.004)
    };
    WeightResults {
        learned: LearnedWeights {
            score: "rv_decay_180d".to_owned(),
            horizon_months: 3,
            constraint: Constraint::Free,
            n_accounts: 1_900,
            n_rows: 17_204,
            n_exits: 402,
            refusal: None,
            fit: Some(WeightFit {
                penalty: 3.0,
                scale: 0.02,
                in_sample: auc(0.81),
                learned: auc(0.71),
                expert: auc(0.63),
                baselines: auc(0.52),
                gain_over_expert: gain("oos_gain_learned_over_expert"),
                gain_over_baselines: gain("oos_gain_learned_over_controls"),
                null: NullAuc {
                    replications: 39,
                    in_sample: NullBand { mean: 0.66, low: 0.61, high: 0.7 },
                    out_of_sample: NullBand { mean: 0.5, low: 0.46, high: 0.54 },
                    p_value: 0.025,
                    mean_exits: 311.0,
                },
                half_samples: 50,
                false_selections_at_most: 0.2,
                types: vec![
                    of_type("product_sample", 88, 3.0, -0.12, 0.98, Standing::Reversed),
                    of_type("executive_meeting", 140, 10.0, 0.2, 0.1, Standing::Kept),
                    of_type("plant_visit", 4, 8.0, 0.16, 0.0, Standing::Refused),
                ],
                order_reversed: vec![OrderReversal {
                    expert_lower: "newsletter".to_owned(),
                    expert_higher: "product_sample".to_owned(),
                    share: 0.96,
                }],
            }),
        },
        rank_flips: Some(RankFlips {
            score: "rv_decay_180d".to_owned(),
            n_accounts: 1_500,
            draws: 200,
            mean_tau: 0.91,
            tau_low: 0.86,
            tau_high: 0.95,
            mean_leaves_tercile: 0.08,
            share_unsettled: 0.03,
            mean_rank_width: 0.11,
        }),
    }
}
