//! Equal-age alignment: the instants at which accounts are as old as each other, on three clocks.

use std::str::FromStr;

use super::ScoreColumn;
use super::value::{ValuedHistory, ValuedInteraction};
use crate::interaction::Stage;
use crate::time::Instant;

/// When an account's time begins, and how it passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgeClock {
    /// Days since the first interaction.
    FirstInteraction,
    /// Days since the first interaction of a stage.
    Stage(Stage),
    /// Number of interactions.
    Index,
}

impl AgeClock {
    /// Instants at which the account has each of `ages` (days, or a number of interactions); absent
    /// where it had not got that old before `until`.
    ///
    /// - An age of n interactions is reached just after the n-th is known (in order of becoming known).
    /// - The first interaction is the first known one, so that no instant depends on a later row.
    pub fn instants(
        self,
        history: &ValuedHistory,
        ages: &[f64],
        until: Instant,
    ) -> Vec<Option<Instant>> {
        let known = |row: &ValuedInteraction| row.occurred_at.max(row.known_at);
        let rows = history.interactions().iter();
        let reached = |at: Option<Instant>| at.filter(|at| *at <= until);
        let just_after = |at: Instant| Instant::from_micros(at.micros() + 1);
        if self == Self::Index {
            let mut order: Vec<Instant> = rows.map(known).collect();
            order.sort_unstable();
            let nth = |age: &f64| order.get((age.max(1.0) as usize) - 1).copied().map(just_after);
            return ages.iter().map(|age| reached(nth(age))).collect();
        }
        let begins = |row: &&ValuedInteraction| match self {
            Self::Stage(stage) => row.stage == stage,
            Self::FirstInteraction | Self::Index => true,
        };
        let first = rows.filter(begins).map(known).min();
        ages.iter()
            .map(|age| reached(first.map(|first| just_after(first.plus_days(*age)))))
            .collect()
    }

    /// Values of `score` at each of `ages`; NaN where the account had not got that old before `until`.
    ///
    /// The values are those as of each instant: nothing that was known later is read.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::flow::Flow;
    /// use rvq::score::{AgeClock, Rv, Valuation, ValuedHistory};
    /// use rvq::rng::Streams;
    /// use rvq::simulate::{Simulation, World};
    /// use rvq::time::{Calendar, Month};
    ///
    /// let span = (Month::new(2022, 1).expect("a month"), 12);
    /// let world = World::load("informative")?;
    /// let simulation = Simulation::new(Flow::builtin(), world, Streams::new(1), Calendar::UTC, span)?;
    /// let valuation = Valuation::new(Flow::builtin().catalogue(), &simulation.types())?;
    /// let history = simulation.histories(1).next().expect("one account");
    /// let valued = ValuedHistory::new(&history, &valuation);
    /// let end = Calendar::UTC.start_of(span.0.plus(12));
    /// let ages = [30.0, 90.0, 10_000.0];
    /// let values = AgeClock::FirstInteraction.values(&Rv::sum(), &valued, &ages, end);
    /// assert!(values[2].is_nan(), "nobody is that old");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn values(
        self,
        score: &dyn ScoreColumn,
        history: &ValuedHistory,
        ages: &[f64],
        until: Instant,
    ) -> Vec<f64> {
        let instants = self.instants(history, ages, until);
        let value = |at: Option<Instant>| at.map_or(f64::NAN, |at| score.series(history, &[at])[0]);
        instants.into_iter().map(value).collect()
    }

    /// Unit of its ages.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Index => "interactions",
            Self::FirstInteraction | Self::Stage(_) => "days",
        }
    }
}

impl FromStr for AgeClock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "first" => Ok(Self::FirstInteraction),
            "index" => Ok(Self::Index),
            _ => text.parse().map(Self::Stage).map_err(|_| {
                format!(
                    "`{text}` is no clock, expected `first`, `index`, `acquisition`, `closing` or \
                     `retention`"
                )
            }),
        }
    }
}
