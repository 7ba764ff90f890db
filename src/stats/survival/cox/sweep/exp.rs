//! Exponentials of many numbers at once.

/// 1/k! for odd k from 13 down: what is left out is below half a unit in the last place on ±ln 2 / 2.
const ODD: [f64; 7] = [
    1.0 / 6_227_020_800.0,
    1.0 / 39_916_800.0,
    1.0 / 362_880.0,
    1.0 / 5_040.0,
    1.0 / 120.0,
    1.0 / 6.0,
    1.0,
];

/// 1/k! for even k from 12 down.
const EVEN: [f64; 7] =
    [1.0 / 479_001_600.0, 1.0 / 3_628_800.0, 1.0 / 40_320.0, 1.0 / 720.0, 1.0 / 24.0, 0.5, 1.0];

/// Added to a number of up to 2^51 it leaves no room for a fraction: the sum's last bits are the nearest
/// whole number.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// ln 2, its upper part with so few digits that multiples of it are exact.
const LN_2_UPPER: f64 = 0.693_147_180_369_123_8;
const LN_2_LOWER: f64 = 1.908_214_929_270_587_7e-10;

/// Below this e^x has fewer digits than others and counts as 0.
const LEAST: f64 = -708.0;

/// Replaces each x ≤ 0 by e^x, within two units in the last place.
///
/// `f64::exp` takes one at a time and differs from one system to another in the last place; this loop
/// has no branch, so that a compiler makes it one of vectors, and the same numbers everywhere.
pub(super) fn exp_all(values: &mut [f64]) {
    for value in values {
        *value = exp(*value);
    }
}

/// e^x = 2^k e^r with k whole and |r| ≤ ln 2 / 2.
fn exp(x: f64) -> f64 {
    let rounded = x * std::f64::consts::LOG2_E + ROUND;
    let k = rounded - ROUND;
    let r = (x - k * LN_2_UPPER) - k * LN_2_LOWER;
    let in_square = |terms: &[f64; 7]| terms.iter().fold(0.0, |sum, term| sum * (r * r) + term);
    let series = in_square(&EVEN) + r * in_square(&ODD);
    // k into the exponent's bits.
    let power = f64::from_bits(series.to_bits().wrapping_add(rounded.to_bits() << 52));
    if x < LEAST { 0.0 } else { power }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_exponential() {
        for i in 0..200_000 {
            let x = -0.003_54 * f64::from(i) * 1.000_000_1;
            let (found, expected) = (exp(x), x.exp());
            let apart = (found - expected).abs();
            assert!(
                x < LEAST || apart <= 2.0 * f64::EPSILON * expected,
                "{x}: {found}, {expected}"
            );
        }
        let mut ends = [0.0, -0.0, -1e-300, -1e3, f64::MIN, f64::NEG_INFINITY];
        exp_all(&mut ends);
        assert_eq!(ends.map(f64::to_bits), [1.0, 1.0, 1.0, 0.0, 0.0, 0.0].map(f64::to_bits));
        assert!(exp(f64::NAN).is_nan());
    }
}
