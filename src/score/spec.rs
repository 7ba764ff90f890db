//! Scores as a plan writes them, such as `{ rv_decay = { half_life_days = 180 } }`.

use serde::{Deserialize, Serialize};

use super::{
    AgainstRivals, Cohesion, Comparator, Comparison, Count, CustomerNetValue, Dimensions,
    ExpectedPurchases, Frequency, LastSurvey, LastValue, Level, Movement, NonMonetary, PastProfit,
    Recency, Rv, RvMovement, RvParams, ScoreColumn, ScoreError, Size, Spend, Tenure,
    TrailingComparator,
};
use crate::interaction::ValueDirection;

/// One score as a plan writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ScoreSpec {
    /// [`Rv::sum`].
    RvSum {
        /// Whether transactional rows are included.
        #[serde(default)]
        transactions: bool,
    },
    /// [`Rv::decay`].
    RvDecay {
        /// Half-life \[days\].
        half_life_days: f64,
        /// Whether transactional rows are included.
        #[serde(default)]
        transactions: bool,
    },
    /// [`Rv`] with any mixture of its parameters.
    Rv(RvParams),
    /// [`Movement::Velocity`].
    RvVelocity(WindowParams),
    /// [`Movement::Acceleration`].
    RvAcceleration(WindowParams),
    /// [`Movement::Volatility`].
    RvVolatility(WindowParams),
    /// [`Movement::SignFlips`].
    RvSignFlips(WindowParams),
    /// [`Movement::PeakEnd`].
    RvPeakEnd(WindowParams),
    /// [`Level`].
    Level {
        /// Whether transactional rows move contacts.
        #[serde(default)]
        transactions: bool,
    },
    /// [`Cohesion`].
    Cohesion {
        /// Trailing window \[days\].
        window_days: f64,
        /// How soon a hand-off has to come \[days\].
        gap_days: f64,
    },
    /// [`Comparator::RvPerCost`].
    RvPerCost {
        /// Trailing window \[days\].
        window_days: f64,
        /// Least cost that is divided by \[currency\].
        floor: f64,
    },
    /// [`Comparator::CustomerEffortCost`].
    CustomerEffortCost {
        /// Trailing window \[days\].
        window_days: f64,
        /// Of the customer's people \[currency per hour\].
        wage: f64,
        /// Of each interaction that takes effort \[currency\].
        #[serde(default)]
        out_of_pocket: f64,
        /// Of waiting for an answer \[currency per day\].
        #[serde(default)]
        delay: f64,
    },
    /// [`Comparator::WeightedContacts`].
    WeightedContacts {
        /// Trailing window \[days\].
        window_days: f64,
        /// Weight of what the customer began.
        inbound: f64,
        /// Weight of what the firm began.
        outbound: f64,
    },
    /// [`Comparator::VolumeRecency`].
    VolumeRecency {
        /// Trailing window \[days\].
        window_days: f64,
    },
    /// [`Comparator::VolumeTimesEmotion`].
    VolumeTimesEmotion {
        /// Trailing window \[days\].
        window_days: f64,
    },
    /// [`LastSurvey`].
    LastSurvey {
        /// Questionnaire.
        instrument: String,
        /// Value before the first answer.
        unanswered: f64,
    },
    /// [`Comparison::Standing`].
    Standing {
        /// Trailing window \[days\].
        window_days: f64,
        /// Which dimension decides.
        #[serde(default)]
        over: Dimensions,
        /// Answers at which half of a standing is believed.
        #[serde(default)]
        pseudo_answers: f64,
    },
    /// [`Comparison::WalletAllocation`].
    WalletAllocation {
        /// Trailing window \[days\].
        window_days: f64,
        /// The share while nobody compares.
        unanswered: f64,
    },
    /// [`NonMonetary`].
    NonMonetary {
        /// Who gave.
        direction: ValueDirection,
        /// Trailing window \[days\].
        window_days: f64,
    },
    /// [`CustomerNetValue`].
    CustomerNetValue {
        /// What full scores are worth to the customer \[currency per month\].
        worth: f64,
        /// Weight of brand value.
        #[serde(default = "one")]
        brand: f64,
        /// Weight of product value.
        #[serde(default = "one")]
        product: f64,
        /// Weight of experience value.
        #[serde(default = "one")]
        experience: f64,
    },
    /// [`ExpectedPurchases`].
    BgNbd {
        /// Shape of the rates of purchase.
        r: f64,
        /// Scale of the rates of purchase \[days\].
        alpha: f64,
        /// First shape of the probabilities of dropping out.
        a: f64,
        /// Second shape of the probabilities of dropping out.
        b: f64,
        /// Days over which purchases are expected \[days\].
        horizon_days: f64,
    },
    /// [`Size`].
    Size {},
    /// [`Count`].
    Count {},
    /// [`Recency`].
    Recency {},
    /// [`Frequency`].
    Frequency {},
    /// [`Spend`].
    Spend {},
    /// [`PastProfit`].
    PastProfit {},
    /// [`Tenure`].
    Tenure {},
    /// [`LastValue`].
    LastValue {},
    /// [`Count::of_purchases`].
    PurchaseCount {},
    /// [`Recency::of_purchases`].
    PurchaseRecency {},
}

fn one() -> f64 {
    1.0
}

/// A trailing window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowParams {
    /// Length \[days\].
    pub window_days: f64,
    /// Whether transactional rows are included.
    #[serde(default)]
    pub transactions: bool,
}

impl WindowParams {
    fn build(self, movement: Movement) -> Result<Box<dyn ScoreColumn>, ScoreError> {
        let score = RvMovement::new(movement, self.window_days)?;
        Ok(Box::new(score.with_transactions(self.transactions)))
    }
}

impl ScoreSpec {
    /// Sum, decay with a half-life of 180 days, velocity over 90 days; without transactional rows.
    pub fn default_family() -> Vec<Self> {
        vec![
            Self::RvSum { transactions: false },
            Self::RvDecay { half_life_days: 180.0, transactions: false },
            Self::RvVelocity(WindowParams { window_days: 90.0, transactions: false }),
        ]
    }

    /// Every baseline.
    pub fn baselines() -> Vec<Self> {
        vec![
            Self::Count {},
            Self::Recency {},
            Self::Frequency {},
            Self::Spend {},
            Self::PastProfit {},
            Self::Tenure {},
            Self::LastValue {},
            Self::PurchaseCount {},
            Self::PurchaseRecency {},
        ]
    }

    /// The relationship value that the plan means, where it is one that [`drivers`](super::drivers)
    /// can take apart.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn rv(&self) -> Result<Option<Rv>, ScoreError> {
        Ok(match *self {
            Self::RvSum { transactions } => {
                Some(Rv::new(RvParams { transactions, ..RvParams::default() })?)
            }
            Self::RvDecay { half_life_days, transactions } => {
                let params = *Rv::decay(half_life_days)?.params();
                Some(Rv::new(RvParams { transactions, ..params })?)
            }
            Self::Rv(params) => Some(Rv::new(params)?),
            _ => None,
        })
    }

    /// Whether transactional rows feed the score: it can then stand beside others, but gives no verdict
    /// (rule R1).
    pub fn reads_transactions(&self) -> bool {
        match self {
            Self::RvSum { transactions }
            | Self::RvDecay { transactions, .. }
            | Self::Level { transactions } => *transactions,
            Self::Rv(params) => params.transactions,
            Self::RvVelocity(window)
            | Self::RvAcceleration(window)
            | Self::RvVolatility(window)
            | Self::RvSignFlips(window)
            | Self::RvPeakEnd(window) => window.transactions,
            Self::Cohesion { .. }
            | Self::RvPerCost { .. }
            | Self::LastSurvey { .. }
            | Self::Standing { .. }
            | Self::WalletAllocation { .. }
            | Self::NonMonetary { .. }
            | Self::Size {} => false,
            _ => true,
        }
    }

    /// The score itself.
    ///
    /// # Errors
    ///
    /// [`ScoreError`] naming the parameter that is out of its range.
    pub fn build(&self) -> Result<Box<dyn ScoreColumn>, ScoreError> {
        if let Some(rv) = self.rv()? {
            return Ok(Box::new(rv));
        }
        let trailing = |comparator, window_days| TrailingComparator::new(comparator, window_days);
        Ok(match *self {
            Self::RvSum { .. } | Self::RvDecay { .. } | Self::Rv(_) => {
                unreachable!("relationship values are built above")
            }
            Self::RvVelocity(window) => window.build(Movement::Velocity)?,
            Self::RvAcceleration(window) => window.build(Movement::Acceleration)?,
            Self::RvVolatility(window) => window.build(Movement::Volatility)?,
            Self::RvSignFlips(window) => window.build(Movement::SignFlips)?,
            Self::RvPeakEnd(window) => window.build(Movement::PeakEnd)?,
            Self::Level { transactions } => {
                Box::new(Level::default().with_transactions(transactions))
            }
            Self::Cohesion { window_days, gap_days } => {
                Box::new(Cohesion::new(window_days, gap_days)?)
            }
            Self::RvPerCost { window_days, floor } => {
                Box::new(trailing(Comparator::RvPerCost { floor }, window_days)?)
            }
            Self::CustomerEffortCost { window_days, wage, out_of_pocket, delay } => {
                let effort = Comparator::CustomerEffortCost { wage, out_of_pocket, delay };
                Box::new(trailing(effort, window_days)?)
            }
            Self::WeightedContacts { window_days, inbound, outbound } => {
                let weighted = Comparator::WeightedContacts { inbound, outbound };
                Box::new(trailing(weighted, window_days)?)
            }
            Self::VolumeRecency { window_days } => {
                Box::new(trailing(Comparator::VolumeRecency, window_days)?)
            }
            Self::VolumeTimesEmotion { window_days } => {
                Box::new(trailing(Comparator::VolumeTimesEmotion, window_days)?)
            }
            Self::LastSurvey { ref instrument, unanswered } => {
                Box::new(LastSurvey::new(instrument, unanswered)?)
            }
            Self::Standing { window_days, over, pseudo_answers } => {
                let standing = Comparison::Standing { over, pseudo_answers };
                Box::new(AgainstRivals::new(standing, window_days)?)
            }
            Self::WalletAllocation { window_days, unanswered } => {
                let allocation = Comparison::WalletAllocation { unanswered };
                Box::new(AgainstRivals::new(allocation, window_days)?)
            }
            Self::NonMonetary { direction, window_days } => {
                Box::new(NonMonetary::new(direction, window_days)?)
            }
            Self::CustomerNetValue { worth, brand, product, experience } => {
                Box::new(CustomerNetValue::new(worth, [brand, product, experience])?)
            }
            Self::BgNbd { r, alpha, a, b, horizon_days } => {
                Box::new(ExpectedPurchases::new([r, alpha, a, b], horizon_days)?)
            }
            Self::Size {} => Box::new(Size),
            Self::Count {} => Box::new(Count::default()),
            Self::Recency {} => Box::new(Recency::default()),
            Self::Frequency {} => Box::new(Frequency),
            Self::Spend {} => Box::new(Spend),
            Self::PastProfit {} => Box::new(PastProfit),
            Self::Tenure {} => Box::new(Tenure),
            Self::LastValue {} => Box::new(LastValue),
            Self::PurchaseCount {} => Box::new(Count::of_purchases()),
            Self::PurchaseRecency {} => Box::new(Recency::of_purchases()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Problems, Source};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Plan {
        scores: Vec<ScoreSpec>,
    }

    fn names(specs: &[ScoreSpec]) -> Vec<String> {
        specs.iter().map(|spec| spec.build().unwrap().name()).collect()
    }

    #[test]
    fn scores_are_read_as_a_plan_writes_them() {
        let plan: Plan = toml::from_str(
            "scores = [
                { rv_sum = {} },
                { rv_decay = { half_life_days = 7.5 } },
                { rv_decay = { half_life_days = inf } },
                { rv_velocity = { window_days = 90, transactions = true } },
                { purchase_count = {} },
            ]",
        )
        .unwrap();
        let expected = [
            "rv_sum",
            "rv_decay_7_5d",
            "rv_sum",
            "rv_velocity_90d_with_transactions",
            "purchase_count",
        ];
        assert_eq!(names(&plan.scores), expected);
    }

    #[test]
    fn every_score_survives_a_round_trip_through_text() {
        let scores = [ScoreSpec::default_family(), ScoreSpec::baselines()].concat();
        let plan = Plan { scores };
        let text = toml::to_string(&plan).unwrap();
        assert_eq!(toml::from_str::<Plan>(&text).unwrap(), plan);
    }

    #[test]
    fn the_defaults_have_stable_names() {
        assert_eq!(
            names(&ScoreSpec::default_family()),
            ["rv_sum", "rv_decay_180d", "rv_velocity_90d"]
        );
        assert_eq!(
            names(&ScoreSpec::baselines()),
            [
                "count",
                "recency",
                "frequency",
                "spend",
                "past_profit",
                "tenure",
                "last_value",
                "purchase_count",
                "purchase_recency"
            ]
        );
    }

    #[test]
    fn only_levels_that_grow_with_tenure_accumulate() {
        let all = [ScoreSpec::default_family(), ScoreSpec::baselines()].concat();
        let levels: Vec<String> = all
            .iter()
            .map(|spec| spec.build().unwrap())
            .filter(|score| score.accumulates())
            .map(|score| score.name())
            .collect();
        assert_eq!(levels, ["rv_sum", "count", "tenure", "purchase_count"]);
        let endless = ScoreSpec::RvDecay { half_life_days: f64::INFINITY, transactions: false };
        assert!(endless.build().unwrap().accumulates());
    }

    #[test]
    fn an_unknown_key_names_the_nearest_known_key() {
        let text = "scores = [{ rv_decay = { half_live_days = 90 } }]\n";
        let mut problems = Problems::default();
        let source = problems.add_source(Source::new("plan.toml", text));
        assert_eq!(problems.parse_toml::<Plan>(source), None);
        insta::assert_snapshot!(problems, @r"
        error: unknown key `half_live_days`
         --> plan.toml:1:26
          |
        1 | scores = [{ rv_decay = { half_live_days = 90 } }]
          |                          ^^^^^^^^^^^^^^
          |
          = help: did you mean `half_life_days`?
        ");
    }

    #[test]
    fn a_score_without_parameters_takes_none() {
        assert!(toml::from_str::<Plan>("scores = [{ count = { window = 1 } }]").is_err());
    }

    #[test]
    fn a_parameter_that_is_no_positive_number_is_named_with_its_value() {
        let message = |spec: ScoreSpec| spec.build().err().map(|error| error.to_string());
        let decay = |half_life_days| ScoreSpec::RvDecay { half_life_days, transactions: false };
        let velocity =
            |window_days| ScoreSpec::RvVelocity(WindowParams { window_days, transactions: false });
        assert_eq!(
            message(decay(-3.0)).as_deref(),
            Some("`half_life_days` of `rv_decay` is -3, expected a positive number of days")
        );
        assert!(message(decay(f64::NAN)).is_some() && message(decay(0.0)).is_some());
        assert_eq!(
            message(velocity(f64::INFINITY)).as_deref(),
            Some("`window_days` of `rv_velocity` is inf, expected a positive number of days")
        );
    }
}
