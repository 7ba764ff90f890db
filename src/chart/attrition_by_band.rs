//! Share still customers, by band of the score at the landmark.

use plotters::style::RGBColor;

use super::canvas::{
    BLUE, Canvas, Caption, GREEN, ORANGE, PURPLE, Painted, SKY, VERMILLION, picture,
};
use super::number::sentence;
use super::plot::{AtRisk, Axes, Ticks, drawable, month_range, padded, plot};
use super::{Chart, ChartError, ChartTable, Estimate, check_length, file_name, percent};

/// The curve of one band of the score.
#[derive(Debug, Clone, PartialEq)]
pub struct AttritionBand {
    /// Name shown, such as `highest fifth`.
    pub label: String,
    /// Share still customers, in `[0, 1]`; shape `(months,)`.
    pub survival: Vec<f64>,
    /// Lower ends of the 95 % intervals.
    pub low: Vec<f64>,
    /// Upper ends of the 95 % intervals.
    pub high: Vec<f64>,
    /// Customers still observed.
    pub at_risk: Vec<u64>,
}

/// What [`attrition_by_band`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct AttritionData {
    /// The x-axis: months since the landmark, the date on which the score was read.
    pub months: Vec<i32>,
    /// Bands of the score as of the landmark, lowest first.
    pub bands: Vec<AttritionBand>,
    /// Score that makes the bands.
    pub score: String,
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Draws the share still customers by months since the landmark, one curve per band of the score.
///
/// # Errors
///
/// `LengthMismatch` when a curve is not as long as `months`; `Font` and `Draw` when drawing fails.
pub fn attrition_by_band(data: &AttritionData) -> Result<Chart, ChartError> {
    let months = data.months.len();
    for band in &data.bands {
        let label = &band.label;
        check_length(NAME, &format!("{label}: survival"), band.survival.len(), months)?;
        check_length(NAME, &format!("{label}: low"), band.low.len(), months)?;
        check_length(NAME, &format!("{label}: high"), band.high.len(), months)?;
        check_length(NAME, &format!("{label}: at_risk"), band.at_risk.len(), months)?;
    }
    let name = file_name(&[NAME, &data.score]);
    let title = title(data);
    let alt = alt(data, &title);
    let note = format!(
        "Bands of {} as known at the landmark; nothing later moves an account. Shaded: 95 % intervals.",
        data.score
    );
    let caption =
        Caption { name: &name, title: &title, alt: &alt, note: &note, simulated: data.simulated };
    let svg = picture(&caption, |canvas| paint(data, canvas))?;
    Ok(Chart { name, svg, table: table(data), alt, title })
}

const NAME: &str = "attrition_by_band";

/// The last month at which every band has an estimate.
fn last_common(data: &AttritionData) -> Option<usize> {
    let known = |row: &usize| data.bands.iter().all(|band| band.survival[*row].is_finite());
    if data.bands.is_empty() { None } else { (0..data.months.len()).rev().find(known) }
}

fn at(band: &AttritionBand, row: usize) -> Estimate {
    Estimate { value: band.survival[row], low: band.low[row], high: band.high[row] }
}

fn title(data: &AttritionData) -> String {
    let (Some(row), [lowest, .., highest]) = (last_common(data), &data.bands[..]) else {
        return format!("Share still customers by {}: too few bands to compare", data.score);
    };
    let (bottom, top) = (at(lowest, row), at(highest, row));
    let values = format!(
        "after {} months {} of the {} by {} are still customers, {} of the {}",
        data.months[row],
        percent(top.value),
        highest.label,
        data.score,
        percent(bottom.value),
        lowest.label,
    );
    if top.low > bottom.high || top.high < bottom.low {
        sentence(&values)
    } else {
        format!("Inconclusive: {values}, and their intervals overlap")
    }
}

fn alt(data: &AttritionData, title: &str) -> String {
    let row = last_common(data);
    let describe = |row: usize| {
        let band = |band: &AttritionBand| format!("{} {}", band.label, percent(band.survival[row]));
        let bands: Vec<_> = data.bands.iter().map(band).collect();
        format!(" At month {}: {}.", data.months[row], bands.join(", "))
    };
    format!("Survival curves with bands. {title}.{}", row.map(describe).unwrap_or_default())
}

fn paint(data: &AttritionData, canvas: &mut Canvas<'_>) -> Painted {
    let colors = colors(data.bands.len());
    let values = data.bands.iter().flat_map(|b| [&b.survival, &b.low, &b.high]).flatten();
    let values: Vec<f64> = values.copied().filter(|v| drawable(*v)).collect();
    if values.is_empty() {
        return canvas.nothing("no customers to show");
    }
    let (x, lowest) = (month_range(&data.months), padded(values).start.clamp(0.0, 0.95));
    let y = lowest..1.0;
    let axes = Axes {
        x_ticks: Ticks::months(&x),
        y_ticks: Ticks::round(&y, 7).percent(),
        x,
        y,
        x_label: "Months since the landmark",
        y_label: if lowest > 0.0 { "Still customers [%], cut" } else { "Still customers [%]" },
    };
    let rows: Vec<_> = data
        .bands
        .iter()
        .zip(&colors)
        .map(|(band, color)| AtRisk {
            label: &band.label,
            color: *color,
            months: &data.months,
            counts: &band.at_risk,
        })
        .collect();
    let mut plot = plot(canvas, &axes, &rows)?;
    let months: Vec<f64> = data.months.iter().copied().map(f64::from).collect();
    for (band, color) in data.bands.iter().zip(&colors) {
        plot.band(&months, &band.low, &band.high, *color)?;
    }
    for (band, color) in data.bands.iter().zip(&colors) {
        plot.line(&months, &band.survival, *color, 3)?;
    }
    Ok(())
}

/// Lowest band in vermillion, highest in blue, those between in the other colours.
fn colors(bands: usize) -> Vec<RGBColor> {
    let between = [ORANGE, PURPLE, GREEN, SKY];
    let color = |index: usize| match index {
        0 => VERMILLION,
        _ if index + 1 == bands => BLUE,
        _ => between[(index - 1) % between.len()],
    };
    (0..bands).map(color).collect()
}

fn table(data: &AttritionData) -> ChartTable {
    let headers = ["band", "month", "share still customers", "low", "high", "at_risk"];
    let mut table = ChartTable::new(&headers);
    for band in &data.bands {
        for (row, month) in data.months.iter().enumerate() {
            table.rows.push(vec![
                band.label.as_str().into(),
                (*month).into(),
                band.survival[row].into(),
                band.low[row].into(),
                band.high[row].into(),
                band.at_risk[row].into(),
            ]);
        }
    }
    table
}
