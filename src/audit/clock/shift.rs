//! Hours of the day of one source, held against those of another.

use super::super::finding::{AuditFinding, Severity, Tally, Wording};
use super::super::{LogCheck, LogSpan};
use super::{BySource, HOURS, Hours};
use crate::interaction::AccountHistory;

const SHIFTED: Wording = Wording {
    check: "hours_shifted",
    why: "times of one system that are read in the zone of another are off by whole hours: what \
          happened first is read second, and rows near midnight fall into another day or month",
    remedy: "set `time_zone` of the source in the mapping, or ask whether its people work elsewhere",
};

/// Rows of a source from which on its hours say something.
const LEAST_ROWS: u64 = 200;
/// Share of rows that lie in other hours from which on it matters: an hour of ten is .1.
const LEAST_DISTANCE: f64 = 0.08;
/// Excess of χ² beyond its degrees of freedom, fifteen of its standard deviations.
const LEAST_EXCESS: f64 = 100.0;
/// Share of the excess that may be left after the shift: the rest of the shape must agree.
const LEFT_OVER: f64 = 0.1;

/// Sources whose rows have the hours of day of the largest source, some hours later or earlier.
#[derive(Debug, Default)]
pub(in crate::audit) struct HoursShifted {
    hours: BySource<Hours>,
    rows: u64,
}

impl LogCheck for HoursShifted {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        for row in history.interactions.iter().filter(|row| !span.is_day(row.occurred_at)) {
            let (_, hour) = span.calendar.weekday_and_hour(row.occurred_at);
            self.hours.of(row)[hour as usize] += 1;
            self.rows += 1;
        }
    }

    fn finding(&self, span: &LogSpan) -> Option<AuditFinding> {
        let BySource { systems, types } = &self.hours;
        let systems: Vec<_> = systems.iter().map(|(name, hours)| (name.as_str(), hours)).collect();
        let types: Vec<_> =
            types.iter().map(|(kind, hours)| (span.type_of(*kind).name.as_str(), hours)).collect();
        let of_systems = shifted(&systems);
        let (kind, severity, shifted) = if of_systems.is_empty() {
            // Types may keep hours of their own.
            ("interaction types", Severity::Note, shifted(&types))
        } else {
            ("source systems", Severity::Bias, of_systems)
        };
        let mut tally = Tally::default();
        let mut rows = 0;
        for Shifted { name, reference, hours, n } in &shifted {
            let side = if *hours > 0 { "later" } else { "earlier" };
            let by = hours.unsigned_abs();
            tally.see(true, || format!("{name}: {n} rows, {by} h {side} than {reference}"));
            rows += n;
        }
        let what = format!(
            "{} {kind} keep the hours of the largest one, but for a shift by whole hours",
            shifted.len()
        );
        (tally.affected, tally.of) = (rows, self.rows);
        (rows > 0).then(|| tally.finding(SHIFTED, severity, ("interactions", "interactions"), what))
    }
}

struct Shifted<'a> {
    name: &'a str,
    reference: &'a str,
    hours: i32,
    n: u64,
}

/// The sources that are shifted against the one with most rows.
fn shifted<'a>(sources: &[(&'a str, &Hours)]) -> Vec<Shifted<'a>> {
    let rows = |hours: &Hours| hours.iter().sum::<u64>();
    let Some((reference, of)) = sources.iter().rev().max_by_key(|(_, hours)| rows(hours)) else {
        return Vec::new();
    };
    let others = sources.iter().filter(|(name, _)| name != reference);
    let shift = |(name, hours): &(&'a str, &Hours)| {
        let hours_later = shift_between(hours, of)?;
        Some(Shifted { name, reference, hours: hours_later, n: rows(hours) })
    };
    others.filter_map(shift).collect()
}

/// By how many hours `one` is later than `other`, from −11 to 12; none when it is not, or when a shift
/// does not explain how they differ.
///
/// ```text
/// χ²(s) of two samples, hours of `one` moved s back;  E(s) = max(χ²(s) − df, 0);  ŝ = argmin χ²
/// shifted when ½ Σ|p − q| ≥ .08, E(0) ≥ 100 and E(ŝ) ≤ E(0)/10
/// ```
fn shift_between(one: &Hours, other: &Hours) -> Option<i32> {
    let (n, m) = (one.iter().sum::<u64>(), other.iter().sum::<u64>());
    if n.min(m) < LEAST_ROWS {
        return None;
    }
    let distance: f64 = one
        .iter()
        .zip(other)
        .map(|(&a, &b)| (a as f64 / n as f64 - b as f64 / m as f64).abs() / 2.0)
        .sum();
    let moved = |shift: usize| {
        let mut moved = *one;
        moved.rotate_left(shift);
        excess(&moved, other)
    };
    let best = (1..HOURS).min_by(|a, b| moved(*a).total_cmp(&moved(*b)))?;
    let unmoved = moved(0);
    let holds =
        distance >= LEAST_DISTANCE && unmoved >= LEAST_EXCESS && moved(best) <= LEFT_OVER * unmoved;
    holds.then(|| if best > 12 { best as i32 - HOURS as i32 } else { best as i32 })
}

/// χ² of two samples of different size less its degrees of freedom, at least 0.
fn excess(one: &Hours, other: &Hours) -> f64 {
    let (n, m) = (one.iter().sum::<u64>() as f64, other.iter().sum::<u64>() as f64);
    let (up, down) = ((m / n).sqrt(), (n / m).sqrt());
    let cells = one.iter().zip(other).filter(|(a, b)| **a + **b > 0);
    let df = cells.clone().count() as f64 - 1.0;
    let term = |(&a, &b): (&u64, &u64)| {
        let (a, b) = (a as f64, b as f64);
        (up * a - down * b).powi(2) / (a + b)
    };
    (cells.map(term).sum::<f64>() - df).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::found;
    use super::super::sample::{log, working_day};
    use super::*;

    #[test]
    fn the_excess_of_chi_square_is_that_of_a_contingency_table() {
        // scipy.stats.chi2_contingency([[30, 20, 10], [25, 50, 45]], correction=False): 17.5325, df 2
        let hours = |counts: [u64; 3]| {
            let mut hours = [0; HOURS];
            hours[8..11].copy_from_slice(&counts);
            hours
        };
        let excess = excess(&hours([30, 20, 10]), &hours([25, 50, 45]));
        assert!((excess - 15.532_467_532_467_535).abs() < 1e-9, "{excess}");
    }

    #[test]
    fn a_source_read_in_another_zone_is_named_and_one_with_other_hours_is_not() {
        let crm = || working_day("crm", 2_000, 0.0);
        let check = |rows| found(HoursShifted::default(), &[log([crm(), rows])]);
        assert_eq!(check(working_day("erp", 1_000, 0.0)), None);
        let finding = check(working_day("erp", 300, 5.0)).unwrap();
        assert_eq!((finding.affected, finding.of, finding.severity), (300, 2_300, Severity::Bias));
        assert_eq!(finding.examples, ["erp: 300 rows, 5 h later than crm"]);
        let finding = check(working_day("erp", 300, -1.0)).unwrap();
        assert_eq!(finding.examples, ["erp: 300 rows, 1 h earlier than crm"]);
        // Visits to a web site, at all hours of the day: no shift makes a working day of them.
        let mut web = working_day("web", 600, 0.0);
        for (n, row) in web.iter_mut().enumerate() {
            row.occurred_at = row.occurred_at.plus_days(n as f64 / 37.0);
        }
        assert_eq!(check(web), None);
        assert_eq!(check(working_day("erp", 100, 5.0)), None);
    }

    #[test]
    fn rows_without_a_system_are_compared_by_type() {
        let mut rows = working_day("crm", 1_000, 0.0);
        let mut late = working_day("crm", 500, 7.0);
        for row in &mut late {
            row.kind = crate::ids::TypeIndex(2);
        }
        rows.extend(late);
        for row in &mut rows {
            row.details = None;
        }
        let finding = found(HoursShifted::default(), &[log([rows])]).unwrap();
        assert_eq!((finding.affected, finding.severity), (500, Severity::Note));
        assert_eq!(finding.examples, ["visit: 500 rows, 7 h later than call"]);
    }
}
