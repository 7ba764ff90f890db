//! A world: what is true in a simulation, as data.

mod criterion;
mod load;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use criterion::{
    Accumulation, Control, Correlation, Criterion, Statistic, TruthColumn, Weights,
};
pub use load::WorldError;

/// What is true in a simulation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Name of the world.
    pub name: String,
    /// What is true in it, in one paragraph.
    pub description: String,
    /// Which hidden relationship drives the outcomes.
    pub coupling: Coupling,
    /// Accounts and contacts.
    pub cohort: Cohort,
    /// What brings interactions about.
    pub activity: Activity,
    /// Who carries them out.
    pub staff: Staffing,
    /// The hidden relationship.
    pub relationship: Relationship,
    /// What the relationship brings.
    pub outcome: OutcomeLaw,
    /// The rivals for the customer's wallet.
    pub market: Market,
    /// Contract terms.
    pub contract: Contract,
    /// Surveys.
    pub survey: SurveyLaw,
    /// Value that is not money, given and received.
    pub ledger: LedgerLaw,
    /// How the log came about.
    pub observation: Observation,
    /// Stakeholder communities, beside the main flow.
    #[serde(default)]
    pub initiatives: Vec<InitiativeLaw>,
    /// Dates from which other values hold.
    #[serde(default)]
    pub regimes: Vec<Regime>,
    /// What a policy adds for some accounts.
    #[serde(default)]
    pub interventions: Vec<Intervention>,
    /// What the description means as one number of the truth table.
    pub criterion: Option<Criterion>,
}

/// Which hidden relationship drives the outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coupling {
    /// The one that the recorded interactions meet and move.
    Own,
    /// A statistically similar one that no recorded interaction meets or moves: a true null.
    Independent,
}

/// Accounts and contacts.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cohort {
    /// Yearly growth of the number of customers: with attrition it sets how many enter, and when.
    pub growth: f64,
    /// Share of accounts that are customers when the log begins, in `[0, 1]`; without it, what
    /// growth and attrition imply for a log of this length.
    pub installed_share: Option<f64>,
    /// Log size of an account that enters during the log, relative to the installed base.
    pub entrant_size: f64,
    /// Share of accounts that are no customers but stakeholders: partners, suppliers, influencers.
    pub stakeholder_share: f64,
    /// Mean number of contacts at one time: 1 + negative binomial.
    pub contacts_mean: f64,
    /// Size parameter of the negative binomial; smaller is more uneven.
    pub contacts_dispersion: f64,
    /// Mean time a contact stays with the account \[days\].
    pub contact_tenure_days: f64,
    /// Mean time from first touch to contract \[days\].
    pub closing_days: f64,
    /// Segment → share; the shares sum to 1.
    pub segments: BTreeMap<String, f64>,
    /// Standard scores beyond which no log size lies; without it, sizes have no largest and the
    /// sums of few giants decide what a cohort earns.
    pub size_limit: Option<f64>,
    /// Standard deviation of the log of the size on record around the true size.
    pub size_error: f64,
}

/// What brings interactions about.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// Standard deviation of the log of an account's pace of interaction.
    pub pace_sigma: f64,
    /// Pace grows with true size to this power.
    pub pace_by_size: f64,
    /// Pace of the contacts' own walks once their account is a customer; 0 stops them.
    pub own_pace: f64,
    /// Interactions that each purchase of a customer brings about, on average.
    pub per_purchase: f64,
    /// Whom staff turn to.
    pub target: Target,
    /// How strongly they do: log pace, and log odds against negative interactions, per unit of the
    /// target's standard score.
    pub target_strength: f64,
    /// Function → weight of its interactions in the relationship, in both directions; 1 where a
    /// function is not named. A function of weight 0 neither moves the relationship nor shows it.
    #[serde(default)]
    pub function_weights: BTreeMap<String, f64>,
}

/// Whom staff turn to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Everybody alike.
    Nobody,
    /// Accounts that brought much gross profit in the trailing twelve months.
    Profit,
    /// Accounts whose revenue of the last quarter lies above that of the nine months before.
    Rise,
    /// Accounts whose relationship is bad.
    Risk,
}

/// Who carries the interactions out.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Staffing {
    /// Accounts that one team serves; neighbours by number.
    pub accounts_per_team: u32,
    /// Standard deviation of the skill of a member of staff.
    pub skill_sigma: f64,
    /// Experience lost per `ln(1 + days)` in the queue.
    pub delay_effect: f64,
    /// Function → its desk; a function that is not named has neither owner nor queue.
    pub desks: BTreeMap<String, Desk>,
}

/// The members of one team for one function.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Desk {
    /// Number of members.
    pub members: u16,
    /// Whether an account stays with one member, or goes to whoever is free first.
    pub portfolio: bool,
    /// Mean time that one interaction keeps a member busy \[hours\]; exponential.
    pub handling_hours: f64,
}

/// The hidden relationship: goodwill of each contact, and the four states that it moves an account
/// through.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relationship {
    /// Correlation of an interaction type's true effect with its catalogue value, in `[-1, 1]`.
    pub catalogue_accuracy: f64,
    /// Seed of the true effects: they belong to the world, not to the run.
    pub effects_seed: u64,
    /// Standard deviation of a segment's own part of the true effect, as a share of that of the
    /// catalogue's values.
    pub segment_sigma: f64,
    /// Mean monthly effect of an account's interactions, taken off before it moves goodwill.
    pub effect_centre: f64,
    /// Standard deviation of the monthly effect, divided out.
    pub effect_scale: f64,
    /// Share of goodwill kept from month to month, in `[0, 1)`.
    pub goodwill_persistence: f64,
    /// Share of the distance to the account's mean goodwill that a contact takes over from the
    /// others each month, in `[0, 1]`.
    pub spill_over: f64,
    /// Share of a contact's positive goodwill that a critical negative interaction destroys, in
    /// `[0, 1]`.
    pub critical_cut: f64,
    /// Interaction types that repair a critical one.
    pub recovery_types: Vec<String>,
    /// Share of the destroyed goodwill that a repair gives back.
    pub recovery_share: f64,
    /// Time within which a repair counts \[days\].
    pub recovery_within_days: f64,
    /// Log-odds of a move per unit of goodwill.
    pub responsiveness: f64,
    /// Log-odds of a monthly move up at no goodwill (exploration, endowment, recovery).
    pub move_up: f64,
    /// Log-odds of a monthly move down at no goodwill (neglect).
    pub move_down: f64,
    /// Log-odds of a monthly fall to the damaged state at no goodwill (betrayal).
    pub betrayal: f64,
    /// Added to the log-odds of betrayal per influence-weighted critical negative interaction.
    pub betrayal_per_critical: f64,
    /// Standard deviation between accounts of the lasting quality of their interactions.
    pub quality_sigma: f64,
    /// Factor on negative interactions by state: damaged, transactional, transitional, communal.
    pub negative_tilt: [f64; 4],
    /// Whether negative interactions are those of negative true effect, not of negative value.
    #[serde(default)]
    pub tilt_by_effect: bool,
}

/// What the relationship brings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeLaw {
    /// Median monthly spend of an account in the category, on all suppliers \[currency\].
    pub median_wallet: f64,
    /// Standard deviation of log size between accounts; 1.683 puts 80 % of revenue on 20 %.
    pub size_sigma: f64,
    /// Gross margin, in `[0, 1]`.
    pub gross_margin: f64,
    /// How strongly the state moves outcomes: multiplies `state_effect`.
    pub strength: f64,
    /// Mean of the monthly factor on `strength` that all accounts share.
    pub slope_mean: f64,
    /// Standard deviation of that factor, a first-order autoregression over months.
    pub slope_sigma: f64,
    /// Its persistence from month to month, in `[0, 1)`.
    pub slope_persistence: f64,
    /// The relationship's advantage by state: damaged, transactional, transitional, communal.
    pub state_effect: [f64; 4],
    /// Log wallet per `ln(1 + years)` as a customer.
    pub age_effect: f64,
    /// Standard deviation of the slow part of the log wallet that has nothing to do with the
    /// relationship.
    pub drift_sigma: f64,
    /// Its persistence from month to month, in `[0, 1)`.
    pub drift_persistence: f64,
    /// Standard deviation of log revenue from month to month.
    pub noise_sigma: f64,
    /// Orders per month of an account of median size.
    pub orders_per_month: f64,
    /// Shape of the gamma law of mean 1 from which each account's own factor on its orders comes;
    /// smaller is more uneven. Without it all are alike.
    pub order_shape: Option<f64>,
    /// Whether customers may fall silent after an order, as those without a contract do.
    pub dropout: Option<Dropout>,
    /// Money per unit of catalogue cost for an account of median size \[currency\].
    pub cost_unit: f64,
    /// Unit cost grows with size to this power.
    pub cost_elasticity: f64,
    /// Cost to engage booked as a monthly retainer instead of by interaction \[catalogue cost units\].
    pub retainer: Option<f64>,
    /// Cost to serve as a share of revenue.
    pub cost_to_serve_rate: f64,
    /// What a minute of the customer's effort costs the customer \[currency\].
    pub effort_minute: f64,
    /// Probability of leaving within a year at effect 0, in `(0, 1)`.
    pub annual_attrition: f64,
    /// Sum of the parameters of the beta law from which each account's own yearly probability comes,
    /// with `annual_attrition` as its mean; smaller is more uneven. Without it all are alike.
    pub attrition_concentration: Option<f64>,
    /// Share of that risk which has nothing to do with the relationship, in `[0, 1]`.
    pub unrelated_attrition: f64,
    /// Log hazard of the rest by state: damaged, transactional, transitional, communal.
    pub hazard_effect: [f64; 4],
}

/// After each order an account leaves with a probability of its own, from a beta law.
///
/// With [`OutcomeLaw::order_shape`], this is the BG/NBD model: Fader, Hardie and Lee (2005),
/// *Marketing Science* 24(2), 275-284.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// Mean probability, in `(0, 1)`.
    pub mean: f64,
    /// Sum of the parameters of the beta law; smaller is more uneven.
    pub concentration: f64,
}

/// The rivals for the customer's wallet.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Market {
    /// Shares of accounts with one, two and three rivals; they sum to 1.
    pub rivals: [f64; 3],
    /// Log-odds of the firm's share of wallet at no advantage against one rival.
    pub share_base: f64,
    /// Log-odds of the share per unit of advantage.
    pub share_slope: f64,
    /// Standard deviation of an account's lasting preference \[log-odds\].
    pub preference_sigma: f64,
    /// Standard deviation of the best rival's advantage over time \[log-odds\].
    pub rival_sigma: f64,
    /// Its persistence from month to month, in `[0, 1)`.
    pub rival_persistence: f64,
    /// Dimension → its weight in the comparison; the weights sum to 1.
    pub dimensions: BTreeMap<String, f64>,
    /// Standard deviation of one supplier's strength in one dimension.
    pub dimension_sigma: f64,
    /// Standard deviation of the error in the log-odds of the share of wallet that is reported.
    pub wallet_error: f64,
}

/// Contract terms: customers are bound until a term ends.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Terms of 12, 24 and 36 months: shares that sum to 1.
    pub terms: [f64; 3],
    /// Factor on the risk of leaving while a term runs.
    pub lock_in: f64,
    /// Factor on the risk of leaving in the month in which a term ends.
    pub release: f64,
}

/// Surveys.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurveyLaw {
    /// Months between two surveys of an account.
    pub every_months: u32,
    /// Probability of an answer from a transactional relationship, in `[0, 1]`.
    pub response: f64,
    /// Log-odds of an answer by state: damaged, transactional, transitional, communal.
    pub response_effect: [f64; 4],
    /// Standard deviation of an answer around what the customer feels.
    pub answer_sigma: f64,
    /// Goodwill that being asked adds: the mere-measurement effect.
    pub asking_effect: f64,
}

/// Value that is not money, given and received.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerLaw {
    /// Entries per customer and year by component, at no advantage: word of mouth, customer
    /// referral, employee referral, reference, network introduction, knowledge.
    pub per_year: [f64; 6],
    /// Log rate of an entry per unit of advantage.
    pub advantage_effect: f64,
    /// Share of entries that the firm gives and does not receive, in `[0, 1]`.
    pub given_share: f64,
    /// Months between two assessments of brand, product and experience value; 0 for none.
    pub assessed_every_months: u32,
}

/// How the log came about.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// Probability that a row is logged late, in `[0, 1]`.
    pub late_probability: f64,
    /// Mean delay of a late row \[days\].
    pub late_mean_days: f64,
    /// Probability that an interaction is not logged in a transactional relationship, in `[0, 1)`.
    pub unlogged: f64,
    /// Log-odds of not being logged by state: damaged, transactional, transitional, communal.
    pub unlogged_effect: [f64; 4],
    /// Probability that a row is there twice, in `[0, 1]`.
    pub duplicated: f64,
    /// Probability that a row carries a wrong interaction type, in `[0, 1]`.
    pub miskeyed: f64,
    /// Whether accounts that left are missing from the log, with everything they ever did.
    pub survivors_only: bool,
}

/// A stakeholder community beside the main flow.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitiativeLaw {
    /// Name of the initiative.
    pub id: String,
    /// What it is for, such as `self_help`, `evangelism` or `product_development`.
    pub purpose: String,
    /// Whether anybody may join; a closed one is for priority accounts.
    pub open: bool,
    /// First month, counted from the beginning of the log.
    pub from_month: u32,
    /// First month after it; absent while it lasts.
    pub to_month: Option<u32>,
    /// Share of the contacts of a customer who may join that do.
    pub participation: f64,
    /// Interactions of a participant per month.
    pub per_month: f64,
    /// Interaction type → share; the shares sum to 1.
    pub mix: BTreeMap<String, f64>,
}

/// Other values from one month on.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regime {
    /// First month, counted from the beginning of the log.
    pub from_month: u32,
    /// Factor on every wallet.
    pub wallet: f64,
    /// Factor on `strength`.
    pub strength: f64,
    /// Factor on the risk of leaving.
    pub hazard: f64,
}

/// What a policy adds for some accounts: interactions beyond those that happen anyhow.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intervention {
    /// Name of the policy.
    pub name: String,
    /// First month, counted from the beginning of the log.
    pub from_month: u32,
    /// First month after it; absent while it lasts.
    pub to_month: Option<u32>,
    /// Share of accounts, or of teams, that are treated; drawn at random.
    pub share: f64,
    /// Whether whole teams are treated.
    pub by_team: bool,
    /// What is added for a customer.
    pub interaction_type: String,
    /// How much of it per month.
    pub per_month: f64,
}

impl World {
    /// The same world with every account a customer from the first day.
    #[must_use]
    pub fn balanced(mut self) -> Self {
        self.cohort.installed_share = Some(1.0);
        self.cohort.stakeholder_share = 0.0;
        self
    }

    /// Weight of the interactions of `function` in the relationship.
    pub(super) fn function_weight(&self, function: &str) -> f64 {
        self.activity.function_weights.get(function).copied().unwrap_or(1.0)
    }
}

impl Cohort {
    /// Share of accounts that are customers when a log of `years` begins, given `attrition` a year.
    ///
    /// ```text
    /// 1 / (1 + (c + g)·(exp(gT) − 1)/g)        c: attrition, g: growth, T: years
    /// ```
    ///
    /// so that entries at the rate (c + g)·N(t) keep N(t) growing at g.
    pub fn installed_share(&self, attrition: f64, years: f64) -> f64 {
        self.installed_share.unwrap_or_else(|| {
            let loss = -(1.0 - attrition).ln();
            let growth = self.growth.ln_1p();
            let grown =
                if growth.abs() < 1e-9 { years } else { (growth * years).exp_m1() / growth };
            1.0 / (1.0 + (loss + growth).max(0.0) * grown)
        })
    }
}
