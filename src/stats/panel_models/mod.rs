//! Models of panels: fixed effects and Granger causality.
