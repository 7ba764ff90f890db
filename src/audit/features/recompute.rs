//! The same features from an export that ends earlier: what changes knew the rest.

use std::collections::BTreeMap;

use crate::audit::finding::{AuditFinding, Severity, Tally, Wording};
use crate::ingest::{FeatureColumn, FeatureTable};
use crate::time::Instant;

const CHANGES: Wording = Wording {
    check: "changes_with_future",
    why: "the same row, computed without the months to come, has another value: it was told of them",
    remedy: "compute the feature from rows with `known_at` before its date, scaling included",
};

/// Relative difference below which two values are one.
const SAME: f64 = 1e-9;

const COMPARED: Wording = Wording {
    check: "compared_with_cut",
    why: "only what is in both tables can be seen to change: the rest is not cleared",
    remedy: "make the earlier table with the same columns, for the same accounts, contacts and dates",
};

/// Two tables of features that have nothing in common.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{cut}` and `{table}` have no value in common: of {cut_rows} rows of `{cut}`, {rows} have an account, \
     contact and date of `{table}`; of its {cut_columns} columns of numbers, {columns} have a name of \
     `{table}`; expected the same features from an export that ended earlier"
)]
pub struct NothingCompared {
    table: String,
    cut: String,
    rows: usize,
    cut_rows: usize,
    columns: usize,
    cut_columns: usize,
}

/// Features of `table` whose values differ in `cut`, the same features from an export that ended
/// earlier, and how many values were compared: rows of both, by account, contact and date. A
/// column that is in one table only is a bias; so nothing passes unseen.
///
/// No statistics: a feature that reads its past only has the same values in both.
///
/// # Errors
///
/// [`NothingCompared`] when the tables share no row or no column.
pub fn changed_features(
    table: &FeatureTable,
    cut: &FeatureTable,
) -> Result<Vec<AuditFinding>, NothingCompared> {
    let shared = Shared::new(table, cut);
    if shared.rows.is_empty() || shared.columns.is_empty() {
        return Err(shared.nothing(table, cut));
    }
    let mut findings: Vec<AuditFinding> =
        shared.columns.iter().filter_map(|pair| changed(table, *pair, &shared.rows)).collect();
    findings.push(shared.finding(table));
    Ok(findings)
}

/// What two tables have in common.
struct Shared<'a> {
    /// Positions of a row in both.
    rows: Vec<(usize, usize)>,
    /// A column as it is in both.
    columns: Vec<(&'a FeatureColumn, &'a FeatureColumn)>,
    /// Names of columns in one table only.
    alone: Vec<&'a str>,
}

impl<'a> Shared<'a> {
    fn new(table: &'a FeatureTable, cut: &'a FeatureTable) -> Self {
        let earlier: BTreeMap<Key<'_>, usize> =
            (0..cut.accounts.len()).map(|row| (key(cut, row), row)).collect();
        let rows = (0..table.accounts.len())
            .filter_map(|row| Some((row, *earlier.get(&key(table, row))?)))
            .collect();
        let pair = |column: &'a FeatureColumn| Some((column, named(cut, &column.name)?));
        let columns = table.columns.iter().filter_map(pair).collect();
        let of_table = table.columns.iter().filter(|column| named(cut, &column.name).is_none());
        let of_cut = cut.columns.iter().filter(|column| named(table, &column.name).is_none());
        let alone = of_table.chain(of_cut).map(|column| column.name.as_str()).collect();
        Self { rows, columns, alone }
    }

    fn nothing(&self, table: &FeatureTable, cut: &FeatureTable) -> NothingCompared {
        NothingCompared {
            table: table.name.clone(),
            cut: cut.name.clone(),
            rows: self.rows.len(),
            cut_rows: cut.accounts.len(),
            columns: self.columns.len(),
            cut_columns: cut.columns.len(),
        }
    }

    /// How much was compared.
    fn finding(&self, table: &FeatureTable) -> AuditFinding {
        let compared = self.rows.len() * self.columns.len();
        let all = table.accounts.len() * table.columns.len();
        let (severity, missing) = match self.alone.as_slice() {
            [] => (Severity::Note, String::new()),
            alone => {
                let names = alone.join("`, `");
                (Severity::Bias, format!("; in one table only, not compared: `{names}`"))
            }
        };
        let what = format!(
            "{compared} values were compared, {} rows of {} columns{missing}",
            self.rows.len(),
            self.columns.len()
        );
        let tally = Tally::counted(compared as u64, all as u64);
        tally.finding(COMPARED, severity, (&table.name, "values"), what)
    }
}

fn named<'a>(table: &'a FeatureTable, name: &str) -> Option<&'a FeatureColumn> {
    table.columns.iter().find(|column| column.name == name)
}

fn changed(
    table: &FeatureTable,
    (column, earlier): (&FeatureColumn, &FeatureColumn),
    rows: &[(usize, usize)],
) -> Option<AuditFinding> {
    let mut tally = Tally::default();
    for &(row, at) in rows {
        let (value, before) = (column.values[row], earlier.values[at]);
        tally.see(!same(value, before), || {
            let (account, as_of) = (&table.accounts[row], table.as_of[row]);
            format!("{account} as of {as_of}: {before} without what came later, {value} with it")
        });
    }
    let what = format!(
        "{} of {} values of `{}` change when what came later is left out",
        tally.affected, tally.of, column.name
    );
    (tally.affected > 0)
        .then(|| tally.finding(CHANGES, Severity::Leak, (&column.name, "values"), what))
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
        let found = changed_features(&full, &cut).unwrap();
        assert_eq!((found[0].affected, found[0].of), (1, 3));
        assert_eq!((found[1].check, found[1].severity), ("compared_with_cut", Severity::Note));
        assert_eq!((found[1].affected, found[1].of), (3, 4));
        let same = changed_features(&full, &full).unwrap();
        assert_eq!((same.len(), same[0].affected), (1, 4));
    }

    #[test]
    fn columns_in_one_table_only_are_named_and_tables_without_common_values_refused() {
        let full = table(&[("A", 1, 1.0), ("A", 2, 2.0)]);
        let mut more = full.clone();
        more.columns.push(FeatureColumn { name: "told".to_owned(), values: vec![3.0, 4.0] });
        for (table, cut, all) in [(&more, &full, 4), (&full, &more, 2)] {
            let found = changed_features(table, cut).unwrap();
            assert_eq!((found.len(), found[0].severity), (1, Severity::Bias));
            assert_eq!((found[0].affected, found[0].of), (2, all));
            assert!(found[0].what.ends_with("not compared: `told`"), "{}", found[0].what);
        }
        let mut renamed = full.clone();
        renamed.columns[0].name = "other".to_owned();
        let elsewhere = table(&[("A", 3, 1.0), ("B", 1, 2.0)]);
        let refused = |cut| changed_features(&full, cut).unwrap_err();
        assert_eq!((refused(&renamed).rows, refused(&renamed).columns), (2, 0));
        assert_eq!((refused(&elsewhere).rows, refused(&elsewhere).columns), (0, 1));
    }
}
