//! Strata inside which account histories are exchangeable under the null.

use crate::panel::Panel;
use crate::stats::coarsen;

/// Stratum of each account: segment × third of size × third of entry, coarsened until each holds
/// at least `minimum` accounts.
pub fn account_strata(panel: &Panel, minimum: usize) -> Vec<u32> {
    let accounts = panel.accounts();
    let mut segments: Vec<&str> =
        accounts.iter().map(|a| a.segment.as_deref().unwrap_or("")).collect();
    segments.sort_unstable();
    segments.dedup();
    let sizes: Vec<f64> = accounts.iter().map(|a| a.size.unwrap_or(0.0)).collect();
    // The installed base is one cohort: when it entered says nothing about what the log shows.
    let entries: Vec<f64> = accounts.iter().map(|a| f64::from(a.entry.max(0))).collect();
    let (sizes, entries) = (thirds(&sizes), thirds(&entries));
    let levels: Vec<[u32; 3]> = accounts
        .iter()
        .enumerate()
        .map(|(i, account)| {
            let name = account.segment.as_deref().unwrap_or("");
            let segment = segments.binary_search(&name).expect("collected above") as u32;
            [segment, sizes[i], entries[i]]
        })
        .collect();
    coarsen(&levels, minimum)
}

/// Third of each value among all, ties in the same third.
fn thirds(values: &[f64]) -> Vec<u32> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let cut = |share: usize| sorted.get(sorted.len() * share / 3).copied().unwrap_or(0.0);
    let (low, high) = (cut(1), cut(2));
    values.iter().map(|&v| u32::from(v >= low) + u32::from(v >= high)).collect()
}
