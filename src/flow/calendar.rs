//! The check of `[calendar]` as written.

use chrono::{NaiveDate, Weekday};

use super::wire::WireCalendar;
use crate::diagnostic::Problems;
use crate::time::OpeningHours;

/// The opening hours that `wire` names; whatever is wrong with them becomes a problem.
pub(super) fn check(
    wire: &WireCalendar,
    source: usize,
    problems: &mut Problems,
) -> Option<OpeningHours> {
    let mut days: Vec<Weekday> = Vec::new();
    for written in wire.working_days.get_ref() {
        let name = written.get_ref();
        match name.parse() {
            Ok(day) if days.contains(&day) => {
                let message = format!("working day `{name}` occurs twice");
                problems.add(source, written.span(), message, None);
            }
            Ok(day) => days.push(day),
            Err(_) => {
                let message = format!("`{name}` is no weekday, expected `monday` to `sunday`");
                problems.add(source, written.span(), message, None);
            }
        }
    }
    if wire.working_days.get_ref().is_empty() {
        let message = "no working days, expected at least 1";
        problems.add(source, wire.working_days.span(), message, None);
    }
    let (opens, closes) = (*wire.opens.get_ref(), *wire.closes.get_ref());
    let opens_at = u8::try_from(opens).ok().filter(|&hour| hour < 24);
    if opens_at.is_none() {
        let message = format!("`opens` is {opens}, expected an hour from 0 to 23");
        problems.add(source, wire.opens.span(), message, None);
    }
    let closes_at = u8::try_from(closes).ok().filter(|&hour| closes > opens && hour <= 24);
    if closes_at.is_none() {
        let message = format!("`closes` is {closes}, expected an hour after {opens}, at most 24");
        problems.add(source, wire.closes.span(), message, None);
    }
    let mut holidays = Vec::with_capacity(wire.holidays.len());
    for written in &wire.holidays {
        if let Ok(date) = NaiveDate::parse_from_str(written.get_ref(), "%Y-%m-%d") {
            holidays.push(date);
        } else {
            let message = format!("`{}` is no date, expected `YYYY-MM-DD`", written.get_ref());
            problems.add(source, written.span(), message, None);
        }
    }
    OpeningHours::new(&days, (opens_at?, closes_at?), &holidays)
}
