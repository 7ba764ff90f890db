//! The panel, account × month: scores as of each month end, and the outcomes around it.
