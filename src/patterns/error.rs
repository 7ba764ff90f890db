//! Why patterns could not be looked for.

/// Why patterns could not be looked for. Too little data is not among them: that is an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum PatternError {
    /// More patterns asked for than there are accounts.
    #[error("{accounts} accounts cannot form {k} patterns")]
    TooManyPatterns { k: usize, accounts: usize },
    /// Two inputs that must agree in length do not.
    #[error("`{what}` has length {got}, expected {expected}")]
    LengthMismatch { what: &'static str, got: usize, expected: usize },
    /// A value that must be a number is not.
    #[error(
        "`{what}` of account {account} at position {position} is {value}, expected a finite number"
    )]
    NotFinite { what: &'static str, account: usize, position: usize, value: f64 },
    /// A setting is outside its range.
    #[error("`{name}` is {value}, expected {expected}")]
    InvalidParameter { name: &'static str, value: f64, expected: &'static str },
    /// The k-means solver failed.
    #[error("k-means failed")]
    KMeans(#[from] linfa_clustering::KMeansError),
}
