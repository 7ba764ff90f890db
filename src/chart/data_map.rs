//! Which functions have data, month by month: a heat map of the share of accounts with a row.

use plotters::element::Rectangle;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor};

use super::canvas::{
    BLUE, Canvas, Caption, GRID, INK, Key, LABEL, MARGIN, MUTED, NOTE, Painted, VERMILLION, WIDTH,
    picture, text,
};
use super::{Cell, Chart, ChartError, ChartTable, check_length};

/// What [`data_map`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct DataMapData {
    /// The columns: months, `YYYY-MM`.
    pub months: Vec<String>,
    /// The rows: functions of the firm.
    pub functions: Vec<FunctionCoverage>,
    /// Interaction types of the catalogue without any row, and all of them.
    pub never_seen: (usize, usize),
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// One row of the heat map.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionCoverage {
    /// Name of the function.
    pub name: String,
    /// Share of the active accounts with a row, from 0 to 1; NaN where no account is active; shape `(months,)`.
    pub coverage: Vec<f64>,
    /// Whether the month belongs to a suspicious silence; shape `(months,)`.
    pub silent: Vec<bool>,
}

const NAME: &str = "data_map";
/// Rows that fit; further functions are only in the table.
const MOST_ROWS: usize = 14;
const NOTE_TEXT: &str = "The darker a month, the larger the share of active accounts with a row of the function \
                         (black is all); white: none. Framed: silences where the usual rate would have brought rows.";

/// Draws functions by months: how many of the accounts that were there have a row.
///
/// # Errors
///
/// `LengthMismatch` when a row is not as long as `months`; `Font` and `Draw` when drawing fails.
pub fn data_map(data: &DataMapData) -> Result<Chart, ChartError> {
    for function in &data.functions {
        check_length(NAME, "coverage", function.coverage.len(), data.months.len())?;
        check_length(NAME, "silent", function.silent.len(), data.months.len())?;
    }
    let title = title(data);
    let alt = format!("Heat map of functions by months. {title}. {NOTE_TEXT}");
    let caption = Caption {
        name: NAME,
        title: &title,
        alt: &alt,
        note: NOTE_TEXT,
        simulated: data.simulated,
    };
    let svg = picture(&caption, |canvas| paint(data, canvas))?;
    Ok(Chart { name: NAME.to_owned(), svg, table: table(data), alt, title })
}

fn title(data: &DataMapData) -> String {
    let (never, all) = data.never_seen;
    let types = match never {
        0 => format!("All {all} interaction types have data"),
        _ => format!("{never} of {all} interaction types have no data"),
    };
    let silent: Vec<&str> = data
        .functions
        .iter()
        .filter(|function| function.silent.contains(&true))
        .map(|function| function.name.as_str())
        .collect();
    match silent.as_slice() {
        [] => format!("{types}; no function falls silent"),
        [one] => format!("{types}; {one} falls silent"),
        several => format!("{types}; {} functions fall silent", several.len()),
    }
}

fn paint(data: &DataMapData, canvas: &mut Canvas<'_>) -> Painted {
    let rows = &data.functions[..data.functions.len().min(MOST_ROWS)];
    if rows.is_empty() || data.months.is_empty() {
        return canvas.nothing("no interactions to show");
    }
    canvas.legend(&[
        ("share of active accounts with a row", BLUE, Key::Band),
        ("suspicious silence", VERMILLION, Key::Line),
    ])?;
    let label = text(LABEL, INK);
    let quiet = text(NOTE, MUTED);
    canvas.write("Function", (MARGIN, canvas.top + 10), HPos::Left, &quiet)?;
    let top = canvas.top + 24;
    let bottom = canvas.bottom - 48;
    let mut left = MARGIN;
    for row in rows {
        let name = canvas.shorten(&row.name, &label, 220)?;
        left = left.max(MARGIN + canvas.width(&name, &label)? + 12);
    }
    let height = ((bottom - top) / rows.len() as i32).min(40);
    let columns = data.months.len() as i32;
    let at = |column: i32| left + (WIDTH - MARGIN - left) * column / columns;
    for (position, row) in rows.iter().enumerate() {
        let y = top + height * position as i32;
        let name = canvas.shorten(&row.name, &label, 220)?;
        canvas.write(&name, (MARGIN, y + height / 2), HPos::Left, &label)?;
        for (column, &share) in row.coverage.iter().enumerate() {
            let corners = [(at(column as i32), y), (at(column as i32 + 1) - 1, y + height - 2)];
            if share > 0.0 {
                canvas.root.draw(&Rectangle::new(corners, shade(share).filled()))?;
            } else {
                canvas.root.draw(&Rectangle::new(corners, GRID.stroke_width(1)))?;
            }
            if row.silent[column] {
                canvas.root.draw(&Rectangle::new(corners, VERMILLION.stroke_width(3)))?;
            }
        }
    }
    let y = top + height * rows.len() as i32 + 12;
    let step = (data.months.len() / 8).max(1);
    for (column, month) in data.months.iter().enumerate().step_by(step) {
        let x = i32::midpoint(at(column as i32), at(column as i32 + 1));
        let side = if x + 40 > WIDTH - MARGIN { HPos::Right } else { HPos::Left };
        canvas.write(month, (x, y), side, &quiet)?;
    }
    canvas.write("Month", (WIDTH - MARGIN, y + 22), HPos::Right, &quiet)
}

/// From nearly white over blue to nearly black, so that grey print keeps the order.
fn shade(share: f64) -> RGBColor {
    let share = share.clamp(0.0, 1.0);
    let (light, dark) = ([222.0, 236.0, 247.0], [0.0, 40.0, 70.0]);
    let middle = [f64::from(BLUE.0), f64::from(BLUE.1), f64::from(BLUE.2)];
    let (from, to, way) =
        if share < 0.5 { (light, middle, 2.0 * share) } else { (middle, dark, 2.0 * share - 1.0) };
    let mix = |i: usize| (from[i] + (to[i] - from[i]) * way).round() as u8;
    RGBColor(mix(0), mix(1), mix(2))
}

fn table(data: &DataMapData) -> ChartTable {
    let mut rows = Vec::new();
    for function in &data.functions {
        for ((month, share), silent) in
            data.months.iter().zip(&function.coverage).zip(&function.silent)
        {
            rows.push(vec![
                Cell::Text(function.name.clone()),
                Cell::Text(month.clone()),
                Cell::Number(*share),
                Cell::Text(if *silent { "silent".to_owned() } else { String::new() }),
            ]);
        }
    }
    let headers = ["function", "month", "coverage", "silence"];
    ChartTable { headers: headers.map(str::to_owned).to_vec(), rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> DataMapData {
        DataMapData {
            months: (1..=6).map(|month| format!("2025-{month:02}")).collect(),
            functions: vec![
                FunctionCoverage {
                    name: "service <b>".to_owned(),
                    coverage: vec![0.5, 0.6, 0.5, 0.0, 0.0, 0.0],
                    silent: vec![false, false, false, true, true, true],
                },
                FunctionCoverage {
                    name: "sales".to_owned(),
                    coverage: vec![0.1, 1.0, 0.3, f64::NAN, 0.2, 0.2],
                    silent: vec![false; 6],
                },
            ],
            never_seen: (2, 9),
            simulated: false,
        }
    }

    #[test]
    fn the_picture_has_title_axes_and_one_cell_per_function_and_month() {
        let chart = data_map(&data()).unwrap();
        assert_eq!(chart.title, "2 of 9 interaction types have no data; service <b> falls silent");
        for said in ["Function", "Month", "2025-01", "sales"] {
            assert!(chart.svg.contains(said), "{said}");
        }
        assert!(!chart.svg.contains("<b>"), "names come from data");
        assert_eq!(chart.table.rows.len(), 12);
        assert!(data_map(&DataMapData { months: vec![], ..data() }).is_err());
    }

    #[test]
    fn more_coverage_is_darker() {
        let light = |share| {
            let RGBColor(r, g, b) = shade(share);
            u32::from(r) + u32::from(g) + u32::from(b)
        };
        let shades: Vec<u32> = (0..=10).map(|tenth| light(f64::from(tenth) / 10.0)).collect();
        assert!(shades.is_sorted_by(|a, b| a > b), "{shades:?}");
    }
}
