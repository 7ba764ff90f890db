//! Gauss' hypergeometric function with 1 as first argument.

/// Steps after which the fraction is cut.
const MOST_STEPS: u32 = 1_000_000;

/// ₂F₁(1, b; c; z) for `b > 0`, `c > b − 1`, `c > 0` and `0 <= z < 1`.
///
/// ```text
/// ₂F₁(1, b; c; z) = 1 / (1 − k₁z / (1 − k₂z / (1 − …)))
/// k₁ = b/c     k₂ₙ = n (c−1−b+n) / ((c+2n−2)(c+2n−1))     k₂ₙ₊₁ = (b+n)(c−1+n) / ((c+2n−1)(c+2n))
/// ```
///
/// Gauss' continued fraction rather than the power series: all k are positive, so nothing cancels,
/// and it takes of the order of 1/√(1−z) steps where the series takes 1/(1−z).
pub(super) fn hypergeometric_1(b: f64, c: f64, z: f64) -> f64 {
    // Steed's way through the fraction: every step adds to the sum what the next level changes.
    let (mut inverse, mut change, mut value) = (1.0_f64, 1.0_f64, 1.0_f64);
    for step in 1..=MOST_STEPS {
        let half = f64::from(step / 2);
        let k = if step == 1 {
            b / c
        } else if step % 2 == 0 {
            half * (c - 1.0 - b + half) / ((c + 2.0 * half - 2.0) * (c + 2.0 * half - 1.0))
        } else {
            (b + half) * (c - 1.0 + half) / ((c + 2.0 * half - 1.0) * (c + 2.0 * half))
        };
        inverse = 1.0 / (1.0 - k * z * inverse);
        change *= inverse - 1.0;
        value += change;
        if change.abs() <= 1e-17 * value {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_forms_are_met() {
        for z in [0.0, 1e-9, 0.3, 0.9, 0.9999] {
            // (1 − z)^−1, −ln(1 − z)/z and artanh(√z)/√z.
            let near = |found: f64, known: f64| {
                assert!((found / known - 1.0).abs() < 1e-12, "{z}: {found} {known}");
            };
            near(hypergeometric_1(2.5, 2.5, z), (1.0 - z).recip());
            let log = if z == 0.0 { 1.0 } else { -f64::ln_1p(-z) / z };
            near(hypergeometric_1(1.0, 2.0, z), log);
            let root = z.sqrt();
            let artanh = if z == 0.0 { 1.0 } else { root.atanh() / root };
            near(hypergeometric_1(0.5, 1.5, z), artanh);
        }
    }
}
