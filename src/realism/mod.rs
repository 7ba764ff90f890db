//! How like a real log a simulated one is: distances, beside those of real accounts.
//!
//! A distance alone says nothing: two halves of one real log have distances too. So each distance
//! between simulated accounts and real ones that the fit has not seen stands beside the distances
//! of real accounts drawn anew from the fitting part, as many of them. That is like with like: the
//! draw carries the noise of a sample and of the fitting part, as the simulation does. What is
//! simulated are the held-out accounts' own contacts, each from when it was first seen until it
//! could last have been seen; closes are taken as they were, exits and all rows are simulated.
//!
//! What is deliberately absent: a single number to rank logs by. The grade only counts verdicts.

mod distance;
mod features;
mod score;
mod simulate;

pub use distance::{jensen_shannon, wasserstein};
pub use features::Aspect;
pub use score::{AspectScore, Grade, RealismError, RealismScore, realism_score};
pub use simulate::{simulate_like, split};
