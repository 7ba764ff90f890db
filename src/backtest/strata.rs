//! Strata inside which account histories are exchangeable under the null, and groups in which a finding is
//! looked at again.

use crate::panel::Panel;
use crate::stats::{coarsen, quantile_groups};

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

/// Rows of the panel that are looked at together.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountGroup {
    /// What the groups of its kind differ in: `segment`, `size` or `tenure`.
    pub dimension: &'static str,
    /// Name, such as "lowest third of size".
    pub name: String,
    /// Whether a row belongs to it, shape `(accounts, months)`.
    pub cells: Vec<bool>,
}

/// Each segment, each third of size, and each third of tenure at its date.
pub fn account_groups(panel: &Panel) -> Vec<AccountGroup> {
    let (accounts, months) = (panel.accounts(), panel.months());
    let mut groups = Vec::new();
    let mut segments: Vec<&str> =
        accounts.iter().filter_map(|account| account.segment.as_deref()).collect();
    segments.sort_unstable();
    segments.dedup();
    let of_accounts = |dimension, name: String, keep: &dyn Fn(usize) -> bool| {
        let cells = (0..accounts.len() * months).map(|cell| keep(cell / months)).collect();
        AccountGroup { dimension, name, cells }
    };
    if segments.len() > 1 {
        for segment in &segments {
            let name = format!("segment `{segment}`");
            let inside = |account: usize| accounts[account].segment.as_deref() == Some(segment);
            groups.push(of_accounts("segment", name, &inside));
        }
    }
    let sized: Vec<usize> = (0..accounts.len()).filter(|&a| accounts[a].size.is_some()).collect();
    let sizes: Vec<f64> = sized.iter().map(|&a| accounts[a].size.unwrap_or(0.0)).collect();
    let mut third = vec![None; accounts.len()];
    for (&account, group) in sized.iter().zip(quantile_groups(&sizes, THIRDS.len())) {
        third[account] = Some(group);
    }
    for (group, words) in THIRDS.iter().enumerate() {
        if sized.len() > THIRDS.len() {
            let name = format!("{words} third of size");
            groups.push(of_accounts("size", name, &|account: usize| third[account] == Some(group)));
        }
    }
    groups.extend(thirds_of_tenure(panel));
    groups
}

const THIRDS: [&str; 3] = ["lowest", "middle", "highest"];

fn thirds_of_tenure(panel: &Panel) -> Vec<AccountGroup> {
    let (accounts, months) = (panel.accounts(), panel.months());
    let mut cells = vec![vec![false; accounts.len() * months]; THIRDS.len()];
    for month in 0..months {
        let active: Vec<usize> =
            (0..accounts.len()).filter(|&account| panel.is_active(account, month)).collect();
        let ages: Vec<f64> = active
            .iter()
            .map(|&account| f64::from(month as i32 - accounts[account].entry))
            .collect();
        for (&account, group) in active.iter().zip(quantile_groups(&ages, THIRDS.len())) {
            cells[group][account * months + month] = true;
        }
    }
    let named = THIRDS.iter().zip(cells);
    named
        .map(|(words, cells)| AccountGroup {
            dimension: "tenure",
            name: format!("{words} third of tenure"),
            cells,
        })
        .collect()
}
