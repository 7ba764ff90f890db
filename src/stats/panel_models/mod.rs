//! Models of panels: fixed effects with the variances that panels need, the half-panel jackknife,
//! the wild cluster bootstrap, and Granger causality.

mod fixed_effects;
mod granger;
mod granger_pooled;
mod half_panel;
mod long_panel;
mod unit_regression;
mod wild;
mod wild_draws;
mod within;

pub use fixed_effects::{FixedEffectsFit, PanelVariance, fixed_effects};
pub use granger::{DumitrescuHurlin, both_directions, dumitrescu_hurlin};
pub use granger_pooled::{GrangerVariance, HalfPanelGranger, half_panel_granger};
pub use half_panel::{HalfPanelJackknife, half_panel_jackknife};
pub use long_panel::LongPanel;
pub use wild::{WildBootstrap, WildTest, WildWeights, wild_cluster_bootstrap};
pub use within::FixedEffects;
