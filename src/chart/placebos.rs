//! The real value of a statistic among what placebos give.

use plotters::style::text_anchor::HPos;

use super::canvas::{BLUE, Canvas, Caption, INK, Key, LABEL, MUTED, Painted, picture, text};
use super::number::sentence;
use super::plot::{Axes, Ticks, drawable, padded, plot};
use super::{Chart, ChartError, ChartTable, file_name, percent, three_digits};

/// One placebo of [`placebos`].
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceboColumn {
    /// Its name, in words.
    pub name: String,
    /// The statistic of the data, on the rows that the placebo has.
    pub real: f64,
    /// The statistic of each draw.
    pub draws: Vec<f64>,
    /// Share of the draws below the real value.
    pub percentile: f64,
    /// p-value.
    pub p_value: f64,
}

/// What [`placebos`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceboData {
    /// Score.
    pub score: String,
    /// Outcome, in words.
    pub outcome: String,
    /// Horizon \[months\].
    pub horizon_months: u32,
    /// The placebos that are drawn many times.
    pub columns: Vec<PlaceboColumn>,
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Draws every draw of each placebo as a short line, and the real value as a dot among them.
///
/// # Errors
///
/// `Font` and `Draw` when drawing fails.
pub fn placebos(data: &PlaceboData) -> Result<Chart, ChartError> {
    let horizon = format!("{}m", data.horizon_months);
    let name = file_name(&[NAME, &data.score, &data.outcome, &horizon]);
    let title = title(data);
    let alt = alt(data, &title);
    let note = "Dots: the mean rank IC of the data. Grey: what each draw of a placebo gives. A dot among the grey \
                lines is no more than the placebo brings.";
    let caption =
        Caption { name: &name, title: &title, alt: &alt, note, simulated: data.simulated };
    let svg = picture(&caption, |canvas| paint(data, canvas))?;
    Ok(Chart { name, svg, table: table(data), alt, title })
}

const NAME: &str = "placebos";

fn title(data: &PlaceboData) -> String {
    let (beaten, others): (Vec<_>, Vec<_>) =
        data.columns.iter().partition(|column| column.p_value <= 0.05);
    let names = |columns: &[&PlaceboColumn]| {
        columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>().join(" and ")
    };
    let (score, outcome) = (&data.score, &data.outcome);
    match (beaten.is_empty(), others.is_empty()) {
        (true, true) => format!("No placebo of {score} against {outcome} to show"),
        (false, true) => {
            sentence(&format!("{score} goes with later {outcome} more than {} do", names(&beaten)))
        }
        (true, false) => {
            sentence(&format!("{score} goes with later {outcome} no more than {}", names(&others)))
        }
        (false, false) => sentence(&format!(
            "{score} goes with later {outcome} more than {} do, but no more than {}",
            names(&beaten),
            names(&others)
        )),
    }
}

fn alt(data: &PlaceboData, title: &str) -> String {
    let columns: Vec<String> = data
        .columns
        .iter()
        .map(|column| {
            format!(
                "{}: real {}, above {} of {} draws",
                column.name,
                three_digits(column.real),
                percent(column.percentile),
                column.draws.len()
            )
        })
        .collect();
    format!("Strips of placebo draws with the real value. {title}. {}.", columns.join("; "))
}

fn paint(data: &PlaceboData, canvas: &mut Canvas<'_>) -> Painted {
    let all = data.columns.iter().flat_map(|c| c.draws.iter().copied().chain([c.real]));
    let values: Vec<f64> = all.collect();
    if !values.iter().any(|value| drawable(*value)) {
        return canvas.nothing("no placebos to show");
    }
    canvas.legend(&[("the data", BLUE, Key::Dot), ("draws of the placebo", MUTED, Key::Band)])?;
    let (x, y) = (0.4..data.columns.len() as f64 + 0.6, padded(values.into_iter().chain([0.0])));
    let axes = Axes {
        x_ticks: Ticks { positions: Vec::new(), step: 1.0, percent: false },
        y_ticks: Ticks::round(&y, 7),
        x_label: "",
        y_label: "Mean rank IC",
        x: x.clone(),
        y: y.clone(),
    };
    let mut plot = plot(canvas, &axes, &[])?;
    plot.rule((x.start, 0.0), (x.end, 0.0), MUTED)?;
    for (column, place) in data.columns.iter().zip(1..) {
        let place = f64::from(place);
        for &draw in &column.draws {
            plot.rule((place - 0.22, draw), (place + 0.22, draw), MUTED)?;
        }
        plot.estimate(place, column.real, (f64::NAN, f64::NAN), BLUE)?;
        let (left, bottom) = plot.pixel(place, y.start);
        canvas.write(&column.name, (left, bottom + 18), HPos::Center, &text(LABEL, INK))?;
        let above = format!("above {}", percent(column.percentile));
        canvas.write(&above, (left, bottom + 42), HPos::Center, &text(LABEL, MUTED))?;
    }
    Ok(())
}

fn table(data: &PlaceboData) -> ChartTable {
    let mut table = ChartTable::new(&["placebo", "draw", "ic"]);
    for column in &data.columns {
        table.rows.push(vec![column.name.as_str().into(), "real".into(), column.real.into()]);
        for (draw, k) in column.draws.iter().zip(1_u64..) {
            let number = k.to_string();
            table.rows.push(vec![
                column.name.as_str().into(),
                number.as_str().into(),
                (*draw).into(),
            ]);
        }
    }
    table
}
