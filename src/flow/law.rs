//! Checks of waiting times as written: parameters, breaks, rates, observed waits, clock.

use toml::Spanned;

use super::wire::{WireLaw, WireLevel};
use super::{Clock, SojournLaw};
use crate::diagnostic::Problems;

/// The law that `written` names; whatever is wrong with it becomes a problem.
pub(super) fn check(
    written: &Spanned<WireLaw>,
    source: usize,
    problems: &mut Problems,
) -> SojournLaw {
    let before = problems.diagnostics().len();
    let wire = written.get_ref();
    for (name, value) in wire.parameters() {
        let number = *value.get_ref();
        if !(number.is_finite() && number > 0.0) {
            let message = format!("`{name}` is {number}, expected a finite number above 0");
            problems.add(source, value.span(), message, None);
        }
    }
    for (name, value) in wire.not_negative() {
        let number = *value.get_ref();
        if !(number.is_finite() && number >= 0.0) {
            let message = format!("`{name}` is {number}, expected a finite number of at least 0");
            problems.add(source, value.span(), message, None);
        }
    }
    match wire {
        WireLaw::Piecewise { breaks_days, rates_per_day } => {
            piecewise(breaks_days, rates_per_day, source, problems);
        }
        WireLaw::Empirical { days } if days.get_ref().len() < 2 => {
            let message = format!("{} observed waits, expected at least 2", days.get_ref().len());
            problems.add(source, days.span(), message, None);
        }
        _ => {}
    }
    let law = wire.to_law();
    if problems.diagnostics().len() == before {
        let mean = law.mean_days();
        if !(mean.is_finite() && mean > 0.0) {
            let message = format!("mean wait is {mean} days, expected a finite number above 0");
            problems.add(source, written.span(), message, None);
        }
    }
    law
}

fn piecewise(
    breaks: &[Spanned<f64>],
    rates: &Spanned<Vec<Spanned<f64>>>,
    source: usize,
    problems: &mut Problems,
) {
    for pair in breaks.windows(2) {
        let (first, second) = (pair[0].get_ref(), pair[1].get_ref());
        if first >= second {
            let message = format!("break {second} follows {first}, expected a later one");
            problems.add(source, pair[1].span(), message, None);
        }
    }
    let (found, expected) = (rates.get_ref().len(), breaks.len() + 1);
    if found != expected {
        let message = format!("{found} rates for {} breaks, expected {expected}", breaks.len());
        problems.add(source, rates.span(), message, None);
    }
    if let Some(last) = rates.get_ref().last()
        && *last.get_ref() == 0.0
    {
        let help = "after the last break the wait must end some day".to_owned();
        problems.add(source, last.span(), "last rate is 0, expected above 0", Some(help));
    }
}

/// The clock of a level: an empirical law has an end, so it knows no wait beyond it.
pub(super) fn clock(level: &WireLevel, source: usize, problems: &mut Problems) -> Clock {
    let Some(written) = &level.clock else { return Clock::Reset };
    let clock = *written.get_ref();
    if clock == Clock::Forward && matches!(level.wait.get_ref(), WireLaw::Empirical { .. }) {
        let message = "clock `forward` with an empirical wait, which ends at its last day";
        let help = "use `piecewise`, or leave the clock at `reset`".to_owned();
        problems.add(source, written.span(), message, Some(help));
    }
    clock
}
