//! Numbers as people read them: three significant digits.

/// `value` with three significant digits, a true minus sign and thousands apart.
///
/// Whole numbers of four digits and more keep their size and lose their detail (12,345 becomes
/// 12,300); below .001 the power of ten is written; NaN and infinities are `n/a`.
///
/// # Examples
///
/// ```
/// use rvq::chart::three_digits;
///
/// assert_eq!(three_digits(-0.123_45), "−0.123");
/// assert_eq!(three_digits(12_345.0), "12,300");
/// assert_eq!(three_digits(0.000_012_34), "1.23e−5");
/// ```
pub fn three_digits(value: f64) -> String {
    if !value.is_finite() {
        return "n/a".to_owned();
    }
    // The exponent after rounding: 9.999 has three digits as 10.0, not as 10.00.
    let scientific = format!("{:.2e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').expect("`e` is always written");
    let exponent: i32 = exponent.parse().expect("an exponent is a whole number");
    let digits = match exponent {
        _ if value == 0.0 => "0".to_owned(),
        ..-3 => format!("{mantissa}e−{}", -exponent),
        -3..=1 => format!("{:.*}", (2 - exponent) as usize, value.abs()),
        2 => format!("{:.0}", value.abs()),
        3..=14 => thousands(mantissa, exponent as usize),
        _ => format!("{mantissa}e{exponent}"),
    };
    if value < 0.0 { format!("−{digits}") } else { digits }
}

/// A share as a percentage with three significant digits: `0.1234` is `12.3 %`, kept on one line.
pub fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{}\u{a0}%", three_digits(100.0 * share))
    } else {
        "n/a".to_owned()
    }
}

/// `value` to as many digits as distinguish marks that lie `step` apart.
pub(super) fn tick(value: f64, step: f64) -> String {
    if step >= 1000.0 && value != 0.0 {
        return three_digits(value);
    }
    let decimals = if step > 0.0 { (-step.log10().floor()).clamp(0.0, 9.0) as usize } else { 2 };
    let text = format!("{:.*}", decimals, value.abs());
    let is_zero = text.chars().all(|c| c == '0' || c == '.');
    if value < 0.0 && !is_zero { format!("−{text}") } else { text }
}

/// A whole number with thousands apart.
pub(super) fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// A value and its unit, where it has one.
pub(super) fn with_unit(value: f64, unit: &str) -> String {
    let value = three_digits(value);
    if unit.is_empty() { value } else { format!("{value} {unit}") }
}

/// A name and its unit in brackets, where it has one.
pub(super) fn with_brackets(name: &str, unit: &str) -> String {
    if unit.is_empty() { name.to_owned() } else { format!("{name} [{unit}]") }
}

/// `words` with a capital first letter, unless they begin with an identifier.
pub(super) fn sentence(words: &str) -> String {
    if words.split(' ').next().is_some_and(|first| first.contains(['_', '.'])) {
        return words.to_owned();
    }
    let mut characters = words.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn thousands(mantissa: &str, exponent: usize) -> String {
    let mut digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.extend(std::iter::repeat_n('0', (exponent + 1).saturating_sub(digits.len())));
    grouped(&digits)
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_up_to_the_next_power_of_ten_keeps_three_digits() {
        assert_eq!(three_digits(9.999), "10.0");
        assert_eq!(three_digits(0.999_9), "1.00");
        assert_eq!(three_digits(999.6), "1,000");
    }

    #[test]
    fn large_and_small_numbers_are_readable() {
        assert_eq!(three_digits(0.0), "0");
        assert_eq!(three_digits(-0.0), "0");
        assert_eq!(three_digits(123.4), "123");
        assert_eq!(three_digits(1_234_567.0), "1,230,000");
        assert_eq!(three_digits(0.001_234), "0.00123");
        assert_eq!(three_digits(-5.5e-7), "−5.50e−7");
        assert_eq!(three_digits(1e20), "1.00e20");
        assert_eq!(three_digits(f64::NAN), "n/a");
    }

    #[test]
    fn percentages_and_counts() {
        assert_eq!(percent(0.123_4), "12.3\u{a0}%");
        assert_eq!(percent(f64::INFINITY), "n/a");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(12), "12");
    }

    #[test]
    fn a_sentence_leaves_identifiers_as_they_are() {
        assert_eq!(sentence("after 3 months"), "After 3 months");
        assert_eq!(sentence("rv_velocity goes"), "rv_velocity goes");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn ticks_of_one_axis_have_the_same_decimals() {
        assert_eq!(tick(0.1, 0.05), "0.10");
        assert_eq!(tick(-0.000_000_1, 0.05), "0.00");
        assert_eq!(tick(-20.0, 10.0), "−20");
        assert_eq!(tick(12_000.0, 2_000.0), "12,000");
    }
}
