//! The present value of a customer whose score fades towards its segment's mean.

/// What is expected of one customer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Course {
    /// Score now, within segment.
    pub(super) z: f64,
    /// Share of it that is left a month later.
    pub(super) carry_over: f64,
    /// Log odds of leaving within a month at z = 0, and for each unit of z.
    pub(super) exit: (f64, f64),
    /// Contribution of a month at z = 0, and for each unit of z \[currency\].
    pub(super) contribution: (f64, f64),
}

/// How money to come is valued.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PresentValue {
    /// Worth now of one unit in a month.
    discount: f64,
    horizon_months: u32,
}

impl PresentValue {
    /// - `rate`: what money now is preferred by \[per year\].
    pub(super) fn new(rate: f64, horizon_months: u32) -> Self {
        Self { discount: (1.0 + rate).powf(-1.0 / 12.0), horizon_months }
    }

    /// Present value of a course, when `kept` times as many stay each year (never more than all).
    pub(super) fn of(&self, course: &Course, kept: f64) -> f64 {
        let kept = kept.powf(1.0 / 12.0);
        let (mut value, mut weight, mut z) = (0.0, 1.0, course.z);
        for _ in 0..self.horizon_months {
            weight *= self.discount;
            value += weight * (course.contribution.0 + course.contribution.1 * z);
            let stays = 1.0 / (1.0 + (course.exit.0 + course.exit.1 * z).exp());
            weight *= (kept * stays).min(1.0);
            z *= course.carry_over;
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(z: f64, carry_over: f64) -> Course {
        // 1 in 50 leaves each month; each unit of z doubles the odds of staying and brings 10.
        let exit = ((0.02_f64 / 0.98).ln(), -2.0_f64.ln());
        Course { z, carry_over, exit, contribution: (100.0, 10.0) }
    }

    /// A geometric series: m v (1 − q^K) / (1 − q), q = .98 v.
    #[test]
    fn a_steady_customer_is_worth_a_geometric_series() {
        let present = PresentValue::new(0.1, 120);
        let v = 1.1_f64.powf(-1.0 / 12.0);
        let q = 0.98 * v;
        let expected = 100.0 * v * (1.0 - q.powi(120)) / (1.0 - q);
        assert!((present.of(&course(0.0, 1.0), 1.0) - expected).abs() < 1e-9);
        // The worked number of the methodology.
        assert!((expected - 3_452.71).abs() < 0.005, "{expected}");
    }

    #[test]
    fn a_deviation_that_fades_at_once_is_worth_its_first_month() {
        let present = PresentValue::new(0.0, 2);
        // 110 now; the odds of leaving are half of .02 / .98; 100 afterwards.
        let leaves = 0.5 * 0.02 / 0.98;
        let expected = 110.0 + 100.0 / (1.0 + leaves);
        assert!((present.of(&course(1.0, 0.0), 1.0) - expected).abs() < 1e-9);
    }

    #[test]
    fn nobody_stays_more_than_always() {
        let present = PresentValue::new(0.0, 12);
        let loyal = Course { exit: (-40.0, 0.0), ..course(0.0, 1.0) };
        assert!((present.of(&loyal, 1.5) - 1_200.0).abs() < 1e-9);
    }
}
