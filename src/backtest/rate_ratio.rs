//! Exit rates of accounts with a high and a low score: as of a landmark, and as nobody should.

use crate::panel::{Panel, PanelScore};
use crate::stats::mid_ranks;

/// When the score that parts the accounts is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadAt {
    /// In the account's first row: the landmark, from which on it is followed.
    Landmark,
    /// In its last row, while it is followed from the first: whoever stays longer has had more time to
    /// collect, so that a high score seems to protect (immortal time). For demonstration only.
    End,
}

/// Exit rate of the accounts with a higher score over that of the others.
///
/// ```text
/// ratio = (exits₁ / months₁) / (exits₀ / months₀)      1: above the median score, 0: below
/// ```
///
/// Months are those from the account's first row on. `None` where one of the groups has no exit.
///
/// # Source
///
/// Suissa (2008), *Am. J. Epidemiology* 167(4), 492–499, on immortal time; Anderson, Cain and Gelber
/// (1983), *J. Clinical Oncology* 1(11), on landmarks.
pub fn rate_ratio(panel: &Panel, score: &PanelScore, read_at: ReadAt) -> Option<f64> {
    let months = panel.months();
    let followed: Vec<(f64, f64, bool)> = panel
        .accounts()
        .iter()
        .enumerate()
        .filter_map(|(account, info)| {
            let active = || (0..months).filter(|&month| panel.is_active(account, month));
            let first = active().next()?;
            let read = match read_at {
                ReadAt::Landmark => first,
                ReadAt::End => active().next_back()?,
            };
            let exit = info.exit.filter(|&exit| (exit as usize) < months);
            let end = exit.map_or(months - 1, |exit| exit as usize);
            let value = score.values[account * months + read];
            Some((value, (end - first) as f64, exit.is_some()))
        })
        .collect();
    let ranks = mid_ranks(&followed.iter().map(|row| row.0).collect::<Vec<_>>());
    let middle = f64::midpoint(followed.len() as f64, 1.0);
    let rate = |high: bool| {
        let group = || followed.iter().zip(&ranks).filter(|(_, rank)| (**rank > middle) == high);
        let exits = group().filter(|(row, _)| row.2).count() as f64;
        let months = group().map(|(row, _)| row.1).sum::<f64>();
        (exits > 0.0 && months > 0.0).then(|| exits / months)
    };
    Some(rate(true)? / rate(false)?)
}
