//! Scores: folds over the past of one account.
