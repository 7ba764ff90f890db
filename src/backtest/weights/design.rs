//! Rows that weights are fitted on, and sums over them.

/// Rows of a regression: controls (the first is 1), the fixed part of the score, exposures by type.
#[derive(Debug, Clone)]
pub(super) struct Design {
    /// Number of controls, the intercept included.
    pub(super) controls: usize,
    /// The expert's values, by type.
    pub(super) expert: Vec<f64>,
    /// Row-major.
    pub(super) x: Vec<f64>,
}

impl Design {
    pub(super) fn width(&self) -> usize {
        self.controls + 1 + self.expert.len()
    }

    pub(super) fn row(&self, row: usize) -> &[f64] {
        let width = self.width();
        &self.x[row * width..][..width]
    }

    /// Adds weight · x x′ of one row to the upper triangle of `gram`.
    pub(super) fn add_square(&self, gram: &mut [f64], row: usize, weight: f64) {
        let (x, width) = (self.row(row), self.width());
        for (i, &xi) in x.iter().enumerate() {
            if xi != 0.0 {
                let factor = weight * xi;
                let sums = &mut gram[i * width + i..(i + 1) * width];
                sums.iter_mut().zip(&x[i..]).for_each(|(sum, xj)| *sum += factor * xj);
            }
        }
    }
}

/// A row of the design and whether the account left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) row: usize,
    pub(super) exits: bool,
}

/// Fewest exits, and fewest others, from which anything is fitted: with fewer, intercept, age and scale, which
/// no penalty holds back, often tell them apart perfectly and have no best value.
pub(super) const LEAST_EXITS: u64 = 10;

/// Sums over rows that fits begin with: they add up over sets of rows.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    /// Σ x x′, upper triangle.
    pub(super) gram: Vec<f64>,
    exits: u64,
    n: u64,
}

impl Sums {
    pub(super) fn new(design: &Design) -> Self {
        Self { gram: vec![0.0; design.width() * design.width()], exits: 0, n: 0 }
    }

    pub(super) fn add(&mut self, design: &Design, case: Case) {
        design.add_square(&mut self.gram, case.row, 1.0);
        self.exits += u64::from(case.exits);
        self.n += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.gram.iter_mut().zip(&other.gram).for_each(|(sum, other)| *sum += other);
        self.exits += other.exits;
        self.n += other.n;
    }

    pub(super) const fn exits(&self) -> u64 {
        self.exits
    }

    pub(super) const fn rows(&self) -> u64 {
        self.n
    }

    /// Whether both who left and who stayed are enough for the parameters without penalty.
    pub(super) const fn is_enough(&self) -> bool {
        self.exits >= LEAST_EXITS && self.n - self.exits >= LEAST_EXITS
    }

    /// Standard deviation of the exposure of each type.
    pub(super) fn spreads(&self, design: &Design) -> Vec<f64> {
        let (width, n) = (design.width(), self.n.max(1) as f64);
        (design.controls + 1..width)
            .map(|at| {
                let (mean, square) = (self.gram[at] / n, self.gram[at * width + at] / n);
                let variance = square - mean * mean;
                // What rounding leaves of a constant is no spread.
                if variance > 1e-12 * square { variance.sqrt() } else { 0.0 }
            })
            .collect()
    }

    /// p (1 − p) with the share p of rows that stay: information of a row.
    pub(super) fn information(&self) -> f64 {
        let p = self.exits as f64 / self.n.max(1) as f64;
        p * (1.0 - p)
    }
}

/// Four sums side by side, always in the same order.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (mut sums, chunks) = ([0.0; 4], a.chunks_exact(4));
    let rest: f64 = chunks.remainder().iter().rev().zip(b.iter().rev()).map(|(a, b)| a * b).sum();
    for (a, b) in chunks.zip(b.chunks_exact(4)) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}
