//! Relationship patterns: groups of accounts whose scores took a similar course.
//!
//! ```text
//! trajectories (accounts × ages) ─ split ─> train ─ standing by age ─> k-means, k by silhouette
//!                                    │                                    │ reference test, stability
//!                                    └──> held out ─ assign ─> later outcome ─> label
//! ```
//!
//! K-means always returns groups, so nothing is called a pattern before it has passed two checks:
//! the data separate better than ungrouped data with the same correlations
//! ([`ReferenceTest`]), and the same groups come back when the accounts are resampled
//! ([`PatternStability`]). When either fails the answer is "no stable pattern", with the reason.
//! Accounts are followed over the same ages, and their standing uses scores only, so a pattern
//! is neither a proxy for the length of a series nor for the outcome that names it.
//!
//! Size on ungrouped accounts: the reference test holds 5 % where trajectories are jointly normal
//! after ranking (noise, random walks). Accumulated counts of accounts with very different
//! rates are not, and reject more often, so a pattern must also separate by a material gain
//! ([`PatternParams::min_gain`]). The price: accounts that differ in level only are cut into
//! quantiles by no pattern, and weakly separated groups stay unnamed.
//!
//! Deliberately absent: mixture models and sequence methods; patterns of volatility at equal
//! level (a pattern is a course of the mean, see [`Features`]); any causal claim about a label.

mod choose;
mod error;
mod exceptions;
mod features;
mod find;
mod kmeans;
mod profile;
mod reference;
mod stability;
mod summary;

pub use choose::{Fitted, SILHOUETTE_EXACT_ACCOUNTS, choose_k, mean_silhouette};
pub use error::PatternError;
pub use exceptions::{Direction, Exception, ExceptionParams, Exceptions, exceptions};
pub use features::{AgeStanding, FeatureScale, Features, Trajectories, features};
pub use find::{Candidate, Outcome, PatternModel, PatternParams, Patterns, find_patterns};
pub use kmeans::{Assignment, Clustering, KMeansParams, LinfaRng};
pub use profile::{HeldOut, OutcomeScale, profile};
pub use reference::{ReferenceTest, Silhouette, reference_test};
pub use stability::{PatternStability, STABLE_FROM, bootstrap_stability};
pub use summary::{PatternLabel, PatternSummary};
