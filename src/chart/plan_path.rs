//! Plan against actual: relative value of a contact by months into retention.

use super::canvas::{BLUE, Canvas, Caption, Key, ORANGE, Painted, picture};
use super::plot::{AtRisk, Axes, Ticks, month_range, padded, plot};
use super::{Chart, ChartError, ChartTable, three_digits};

/// One age of the two paths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathAge {
    /// Months since the first interaction in retention.
    pub month: i32,
    /// Planned mean.
    pub planned: f64,
    /// Actual mean.
    pub actual: f64,
    /// Half the width of its 95 % interval.
    pub margin: f64,
    /// Contacts watched for that long.
    pub contacts: u64,
}

/// What [`plan_path`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanPathData {
    /// By age.
    pub path: Vec<PathAge>,
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Draws the planned and the actual path of relative value, the latter with its 95 % band.
///
/// # Errors
///
/// `Font` and `Draw` when drawing fails.
pub fn plan_path(data: &PlanPathData) -> Result<Chart, ChartError> {
    let name = "plan_against_actual".to_owned();
    let title = title(data);
    let alt = format!("Line chart of planned and actual relative value by age. {title}.");
    let caption = Caption {
        name: &name,
        title: &title,
        alt: &alt,
        note: "Mean cumulative RV per contact of a new customer, who leaves counted with what it had; band: \
               95 % interval, accounts as clusters.",
        simulated: data.simulated,
    };
    let svg = picture(&caption, |canvas| paint(data, canvas))?;
    Ok(Chart { name, svg, table: table(data), alt, title })
}

fn title(data: &PlanPathData) -> String {
    let Some(age) = data.path.iter().find(|age| age.month == 12).or(data.path.last()) else {
        return "No contact of a new customer to compare with the plan".to_owned();
    };
    format!(
        "{} months into retention a contact has an RV of {}; the flow plans {}",
        age.month,
        three_digits(age.actual),
        three_digits(age.planned)
    )
}

fn paint(data: &PlanPathData, canvas: &mut Canvas<'_>) -> Painted {
    canvas.legend(&[("Planned", ORANGE, Key::Line), ("Actual", BLUE, Key::Line)])?;
    if data.path.is_empty() {
        return canvas.nothing("no contact began within the data");
    }
    let column = |of: fn(&PathAge) -> f64| -> Vec<f64> { data.path.iter().map(of).collect() };
    let (planned, actual) = (column(|age| age.planned), column(|age| age.actual));
    let (low, high) =
        (column(|age| age.actual - age.margin), column(|age| age.actual + age.margin));
    let ages: Vec<i32> = data.path.iter().map(|age| age.month).collect();
    let contacts: Vec<u64> = data.path.iter().map(|age| age.contacts).collect();
    let x = month_range(&ages);
    let y = padded(planned.iter().chain(&low).chain(&high).copied());
    let axes = Axes {
        x_ticks: Ticks::months(&x),
        y_ticks: Ticks::round(&y, 7),
        x,
        y,
        x_label: "Months since the first interaction in retention",
        y_label: "Cumulative RV per contact [RV points]",
    };
    let rows = [AtRisk { label: "Contacts", color: BLUE, months: &ages, counts: &contacts }];
    let mut plot = plot(canvas, &axes, &rows)?;
    let months: Vec<f64> = ages.iter().copied().map(f64::from).collect();
    plot.band(&months, &low, &high, BLUE)?;
    plot.line(&months, &planned, ORANGE, 3)?;
    plot.line(&months, &actual, BLUE, 3)
}

fn table(data: &PlanPathData) -> ChartTable {
    let mut table = ChartTable::new(&["month", "planned", "actual", "low", "high", "contacts"]);
    for age in &data.path {
        table.rows.push(vec![
            age.month.into(),
            age.planned.into(),
            age.actual.into(),
            (age.actual - age.margin).into(),
            (age.actual + age.margin).into(),
            age.contacts.into(),
        ]);
    }
    table
}
