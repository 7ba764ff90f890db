//! Score by age of the relationship, one curve per pattern.

use plotters::style::RGBColor;

use super::canvas::{
    BLUE, Canvas, Caption, GREEN, Key, ORANGE, PURPLE, Painted, SKY, VERMILLION, picture,
};
use super::plot::{AtRisk, Axes, Ticks, drawable, month_range, padded, plot};
use super::{Chart, ChartError, ChartTable, check_length, file_name, three_digits};
use crate::patterns::PatternLabel;

/// A mean over accounts with its 95 % band, by month.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    /// Mean score; shape `(months,)`, NaN where it is unknown.
    pub mean: Vec<f64>,
    /// Lower end of the band.
    pub low: Vec<f64>,
    /// Upper end of the band.
    pub high: Vec<f64>,
    /// Accounts that contribute.
    pub at_risk: Vec<u64>,
}

/// The curve of one pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct PatternCurve {
    /// Name shown, such as `Pattern 1`.
    pub name: String,
    /// What the pattern is called on held-out accounts.
    pub label: PatternLabel,
    /// Its curve.
    pub curve: Curve,
}

/// What [`trajectories`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct TrajectoryData {
    /// The x-axis: months since `since`; shape `(months,)`.
    pub months: Vec<i32>,
    /// What the months count from, such as `the first interaction`.
    pub since: String,
    /// Stable patterns; empty when there is none.
    pub patterns: Vec<PatternCurve>,
    /// All accounts; drawn when there is no pattern.
    pub overall: Curve,
    /// Score drawn.
    pub score: String,
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Draws the mean score by month of each pattern, with 95 % bands and the number at risk.
///
/// Without patterns the mean of all accounts is drawn and the title says so.
///
/// # Errors
///
/// `LengthMismatch` when a curve is not as long as `months`; `Font` and `Draw` when drawing fails.
pub fn trajectories(data: &TrajectoryData) -> Result<Chart, ChartError> {
    let months = data.months.len();
    for shown in shown(data) {
        check_curve(&shown.name, shown.curve, months)?;
    }
    let name = file_name(&[NAME, &data.score]);
    let title = title(data);
    let alt = alt(data, &title);
    let note = format!(
        "Mean {} of the accounts observed in each month; bands: 95 % intervals.",
        data.score
    );
    let caption =
        Caption { name: &name, title: &title, alt: &alt, note: &note, simulated: data.simulated };
    let svg = picture(&caption, |canvas| paint(data, canvas))?;
    Ok(Chart { name, svg, table: table(data), alt, title })
}

const NAME: &str = "trajectories";

/// A curve as it is shown.
struct Shown<'a> {
    name: String,
    full_name: String,
    color: RGBColor,
    curve: &'a Curve,
}

fn shown(data: &TrajectoryData) -> Vec<Shown<'_>> {
    if data.patterns.is_empty() {
        let name = "All accounts".to_owned();
        return vec![Shown { full_name: name.clone(), name, color: BLUE, curve: &data.overall }];
    }
    let mut unremarkable = [SKY, PURPLE, ORANGE, GREEN].into_iter().cycle();
    let mut best = [BLUE, GREEN].into_iter().cycle();
    let mut risk = [VERMILLION, ORANGE].into_iter().cycle();
    let curves = data.patterns.iter().map(|pattern| Shown {
        name: pattern.name.clone(),
        full_name: format!("{} ({})", pattern.name, words(pattern.label)),
        color: match pattern.label {
            PatternLabel::BestPractice => best.next(),
            PatternLabel::AtRisk => risk.next(),
            PatternLabel::Unremarkable => unremarkable.next(),
        }
        .expect("the colours repeat"),
        curve: &pattern.curve,
    });
    curves.collect()
}

fn words(label: PatternLabel) -> &'static str {
    match label {
        PatternLabel::BestPractice => "best practice",
        PatternLabel::AtRisk => "at risk",
        PatternLabel::Unremarkable => "unremarkable",
    }
}

fn check_curve(name: &str, curve: &Curve, months: usize) -> Result<(), ChartError> {
    check_length(NAME, &format!("{name}: mean"), curve.mean.len(), months)?;
    check_length(NAME, &format!("{name}: low"), curve.low.len(), months)?;
    check_length(NAME, &format!("{name}: high"), curve.high.len(), months)?;
    check_length(NAME, &format!("{name}: at_risk"), curve.at_risk.len(), months)
}

fn title(data: &TrajectoryData) -> String {
    if data.patterns.is_empty() {
        return format!("No stable pattern: mean {} of all accounts", data.score);
    }
    let number = |label| data.patterns.iter().filter(|p| p.label == label).count();
    let (best, risk) = (number(PatternLabel::BestPractice), number(PatternLabel::AtRisk));
    let total = data.patterns.len();
    let patterns =
        if total == 1 { "1 stable pattern".into() } else { format!("{total} stable patterns") };
    match (best, risk) {
        (0, 0) => format!(
            "{patterns} of {}, none followed by an outcome that differs from the others'",
            data.score
        ),
        _ => format!(
            "{patterns} of {}: {best} best practice, {risk} at risk, {} unremarkable",
            data.score,
            total - best - risk
        ),
    }
}

fn alt(data: &TrajectoryData, title: &str) -> String {
    use std::fmt::Write as _;
    let mut alt = format!("Line chart. {title}.");
    for shown in shown(data) {
        let mut ends = data.months.iter().zip(&shown.curve.mean).filter(|(_, m)| m.is_finite());
        let first = ends.next();
        if let (Some((from, start)), Some((to, end))) = (first, ends.next_back().or(first)) {
            let (start, end) = (three_digits(*start), three_digits(*end));
            let name = &shown.full_name;
            write!(alt, " {name}: {start} at month {from}, {end} at month {to}.")
                .expect("a string takes every word");
        }
    }
    alt
}

fn paint(data: &TrajectoryData, canvas: &mut Canvas<'_>) -> Painted {
    let curves = shown(data);
    let legend: Vec<_> =
        curves.iter().map(|c| (c.full_name.as_str(), c.color, Key::Line)).collect();
    canvas.legend(&legend)?;
    let values = curves.iter().flat_map(|c| [&c.curve.mean, &c.curve.low, &c.curve.high]);
    let values: Vec<f64> = values.flatten().copied().collect();
    if !values.iter().any(|v| drawable(*v)) {
        return canvas.nothing("no account-months to show");
    }
    let (x, y) = (month_range(&data.months), padded(values));
    let axes = Axes {
        x_ticks: Ticks::months(&x),
        y_ticks: Ticks::round(&y, 7),
        x,
        y,
        x_label: &format!("Months since {}", data.since),
        y_label: &format!("{} [RV points]", data.score),
    };
    let rows: Vec<_> = curves
        .iter()
        .map(|c| AtRisk {
            label: &c.name,
            color: c.color,
            months: &data.months,
            counts: &c.curve.at_risk,
        })
        .collect();
    let mut plot = plot(canvas, &axes, &rows)?;
    let months: Vec<f64> = data.months.iter().copied().map(f64::from).collect();
    for c in &curves {
        plot.band(&months, &c.curve.low, &c.curve.high, c.color)?;
    }
    for c in &curves {
        plot.line(&months, &c.curve.mean, c.color, 3)?;
    }
    Ok(())
}

fn table(data: &TrajectoryData) -> ChartTable {
    let mut table =
        ChartTable::new(&["pattern", "label", "month", "mean", "low", "high", "at_risk"]);
    let labels = data.patterns.iter().map(|p| words(p.label));
    for (shown, label) in shown(data).iter().zip(labels.chain(["no stable pattern"])) {
        let curve = shown.curve;
        for (row, month) in data.months.iter().enumerate() {
            table.rows.push(vec![
                shown.name.as_str().into(),
                label.into(),
                (*month).into(),
                curve.mean[row].into(),
                curve.low[row].into(),
                curve.high[row].into(),
                curve.at_risk[row].into(),
            ]);
        }
    }
    table
}
