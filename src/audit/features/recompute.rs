//! The same features from an export that ends earlier: what changes knew the rest.

use std::collections::BTreeMap;

use crate::audit::finding::{AuditFinding, Severity, Tally, Wording};
use crate::ingest::FeatureTable;
use crate::time::Instant;

const CHANGES: Wording = Wording {
    check: "changes_with_future",
    why: "the same row, computed without the months to come, has another value: it was told of them",
    remedy: "compute the feature from rows with `known_at` before its date, scaling included",
};

/// Relative difference below which two values are one.
const SAME: f64 = 1e-9;

/// Features of `table` whose values differ in `cut`, the same features from an export that ended
/// earlier; rows of both are compared, by account, contact and date.
///
/// No statistics: a feature that reads its past only has the same values in both.
pub fn changed_features(table: &FeatureTable, cut: &FeatureTable) -> Vec<AuditFinding> {
    let earlier: BTreeMap<Key<'_>, usize> =
        (0..cut.accounts.len()).map(|row| (key(cut, row), row)).collect();
    table.columns.iter().filter_map(|column| {
        let other = cut.columns.iter().find(|other| other.name == column.name)?;
        let mut tally = Tally::default();
        for (row, value) in column.values.iter().enumerate() {
            if let Some(&at) = earlier.get(&key(table, row)) {
                let before = other.values[at];
                tally.see(!same(*value, before), || {
                    let (account, as_of) = (&table.accounts[row], table.as_of[row]);
                    format!("{account} as of {as_of}: {before} without what came later, {value} with it")
                });
            }
        }
        let what = format!(
            "{} of {} values of `{}` change when what came later is left out",
            tally.affected, tally.of, column.name
        );
        (tally.affected > 0)
            .then(|| tally.finding(CHANGES, Severity::Leak, (&column.name, "values"), what))
    })
    .collect()
}

type Key<'a> = (&'a str, Instant, &'a str);

fn key(table: &FeatureTable, row: usize) -> Key<'_> {
    let contact = table.contacts.as_ref().map_or("", |contacts| contacts[row].as_str());
    (&table.accounts[row], table.as_of[row], contact)
}

fn same(a: f64, b: f64) -> bool {
    a.is_nan() && b.is_nan() || (a - b).abs() <= SAME * a.abs().max(b.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::FeatureColumn;

    fn table(rows: &[(&str, i64, f64)]) -> FeatureTable {
        FeatureTable {
            name: "f.csv".to_owned(),
            accounts: rows.iter().map(|row| row.0.to_owned()).collect(),
            contacts: None,
            as_of: rows.iter().map(|row| Instant::from_micros(row.1)).collect(),
            folds: None,
            columns: vec![FeatureColumn {
                name: "rv".to_owned(),
                values: rows.iter().map(|row| row.2).collect(),
            }],
            texts: Vec::new(),
        }
    }

    #[test]
    fn values_that_change_are_counted_among_rows_of_both() {
        let full = table(&[("A", 1, 1.0), ("A", 2, 2.0), ("B", 1, f64::NAN), ("B", 3, 9.0)]);
        let cut = table(&[("A", 1, 1.0), ("A", 2, 2.5), ("B", 1, f64::NAN)]);
        let found = changed_features(&full, &cut);
        assert_eq!((found[0].affected, found[0].of), (1, 3));
        assert_eq!(changed_features(&full, &full), []);
    }
}
