//! How concentrated profit, revenue and cost to engage are.

use plotters::style::text_anchor::HPos;

use super::canvas::{
    BLUE, Canvas, Caption, GREEN, Key, MUTED, NOTE, ORANGE, Painted, picture, text,
};
use super::plot::{Axes, Ticks, drawable, padded, plot};
use super::{Chart, ChartError, ChartTable, Estimate, check_length, percent, three_digits};

/// What [`concentration`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct ConcentrationData {
    /// The x-axis: share of accounts from 0 to 1, most profitable first; shape `(points,)`.
    pub share_of_accounts: Vec<f64>,
    /// Share of total profit held by them; above 1 while the others lose money.
    pub cumulative_profit: Vec<f64>,
    /// Share of total cost to engage spent on them.
    pub cumulative_cost: Vec<f64>,
    /// Share of total revenue from them.
    pub cumulative_revenue: Vec<f64>,
    /// Share of profit held by the top fifth.
    pub top20_profit: Estimate,
    /// Share of revenue held by the top fifth.
    pub top20_revenue: Estimate,
    /// Cost to engage per account, top fifth over the others.
    pub cost_ratio: Estimate,
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Draws the whale curve: cumulative shares of profit, revenue and cost to engage by share of accounts.
///
/// # Errors
///
/// `LengthMismatch` when a column is not as long as `share_of_accounts`; `Font` and `Draw` when
/// drawing fails.
pub fn concentration(data: &ConcentrationData) -> Result<Chart, ChartError> {
    let points = data.share_of_accounts.len();
    check_length(NAME, "cumulative_profit", data.cumulative_profit.len(), points)?;
    check_length(NAME, "cumulative_cost", data.cumulative_cost.len(), points)?;
    check_length(NAME, "cumulative_revenue", data.cumulative_revenue.len(), points)?;
    let title = title(data);
    let alt = alt(data, &title);
    let note = note(data);
    let caption =
        Caption { name: NAME, title: &title, alt: &alt, note: &note, simulated: data.simulated };
    let svg = picture(&caption, |canvas| paint(data, canvas))?;
    Ok(Chart { name: NAME.to_owned(), svg, table: table(data), alt, title })
}

const NAME: &str = "concentration";

fn title(data: &ConcentrationData) -> String {
    let (profit, revenue) = (data.top20_profit.value, data.top20_revenue.value);
    if !profit.is_finite() || !revenue.is_finite() {
        return "No concentration of profit to show".to_owned();
    }
    format!(
        "The most profitable fifth of accounts brings {} of profit and {} of revenue",
        percent(profit),
        percent(revenue)
    )
}

fn between(estimate: Estimate, write: fn(f64) -> String) -> String {
    format!("{} ({} to {})", write(estimate.value), write(estimate.low), write(estimate.high))
}

fn note(data: &ConcentrationData) -> String {
    format!(
        "Top fifth, with 95 % intervals: profit {}, revenue {}; cost to engage per account {} times \
         that of the others.",
        between(data.top20_profit, percent),
        between(data.top20_revenue, percent),
        between(data.cost_ratio, three_digits),
    )
}

fn alt(data: &ConcentrationData, title: &str) -> String {
    let peak = data.cumulative_profit.iter().copied().filter(|v| v.is_finite()).fold(0.0, f64::max);
    format!(
        "Whale curve. {title}. Cumulative profit peaks at {} of its total. {}",
        percent(peak),
        note(data)
    )
}

fn paint(data: &ConcentrationData, canvas: &mut Canvas<'_>) -> Painted {
    let curves = [
        ("profit", BLUE, &data.cumulative_profit),
        ("revenue", GREEN, &data.cumulative_revenue),
        ("cost to engage", ORANGE, &data.cumulative_cost),
    ];
    let values: Vec<f64> = curves.iter().flat_map(|(_, _, values)| *values).copied().collect();
    if !values.iter().any(|v| drawable(*v)) {
        return canvas.nothing("no accounts to show");
    }
    let legend = curves.map(|(label, color, _)| (label, color, Key::Line));
    canvas.legend(&legend)?;
    let top = [data.top20_profit.high, data.top20_revenue.high];
    let y = padded(values.into_iter().chain(top).chain([0.0, 1.0]));
    let y = if y.start > -0.1 { 0.0..y.end } else { y };
    let axes = Axes {
        x_ticks: Ticks { positions: vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0], step: 0.2, percent: true },
        y_ticks: Ticks::round(&y, 7).percent(),
        x_label: "Accounts, most profitable first [%]",
        y_label: "Share of total [%]",
        x: 0.0..1.0,
        y: y.clone(),
    };
    let mut plot = plot(canvas, &axes, &[])?;
    plot.rule((0.2, y.start), (0.2, y.end), MUTED)?;
    plot.rule((0.0, 1.0), (1.0, 1.0), MUTED)?;
    for (_, color, values) in curves {
        plot.line(&data.share_of_accounts, values, color, 3)?;
    }
    for (estimate, color) in [(data.top20_profit, BLUE), (data.top20_revenue, GREEN)] {
        plot.estimate(0.2, estimate.value, (estimate.low, estimate.high), color)?;
    }
    let (x, y) = plot.pixel(0.2, y.start);
    canvas.write("top fifth", (x + 8, y - 14), HPos::Left, &text(NOTE, MUTED))
}

fn table(data: &ConcentrationData) -> ChartTable {
    let mut table = ChartTable::new(&[
        "share of accounts",
        "cumulative profit",
        "cumulative revenue",
        "cumulative cost to engage",
    ]);
    for (index, share) in data.share_of_accounts.iter().enumerate() {
        table.rows.push(vec![
            (*share).into(),
            data.cumulative_profit[index].into(),
            data.cumulative_revenue[index].into(),
            data.cumulative_cost[index].into(),
        ]);
    }
    table
}
