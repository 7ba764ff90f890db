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
    let note = "Dots: the mean rank IC of the data. Grey lines: what each draw of a placebo gives; the share of them \
                below the dot. Each p is of its own test, which is not always this share: two-sided in standard \
                errors for swapped histories, share of draws that reach the dot for random catalogues, two-sided by \
                account for the time shift, since series that last go together by chance.";
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
            let others = names(&others);
            format!("Inconclusive: tests do not tell {score} with later {outcome} from {others}")
        }
        (false, false) => sentence(&format!(
            "{score} goes with later {outcome} more than {} do; tests do not tell it from {}",
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
        let p = if column.p_value < 0.001 {
            "< 0.001".to_owned()
        } else {
            three_digits(column.p_value)
        };
        let above = format!("above {}, test p {p}", percent(column.percentile));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn data(p_values: &[(&str, f64)]) -> PlaceboData {
        let column = |(name, p): &(&str, f64)| PlaceboColumn {
            name: (*name).to_owned(),
            real: 0.2,
            draws: vec![0.0, 0.1, -0.05],
            percentile: 1.0,
            p_value: *p,
        };
        PlaceboData {
            score: "rv_decay_180d".to_owned(),
            outcome: "contribution".to_owned(),
            horizon_months: 3,
            columns: p_values.iter().map(column).collect(),
            simulated: true,
        }
    }

    #[test]
    fn the_title_tells_what_is_beaten_from_what_is_not() {
        let chart = placebos(&data(&[("swapped histories", 0.01), ("time shift", 0.3)])).unwrap();
        assert_eq!(
            chart.title,
            "rv_decay_180d goes with later contribution more than swapped histories do; tests do not tell it \
             from time shift"
        );
        assert_eq!(chart.name, "placebos_rv_decay_180d_contribution_3m");
        assert_eq!(chart.table.rows.len(), 8);
        assert!(chart.svg.contains("test p 0.0100") && chart.svg.contains("planted, recovered"));
        let none = placebos(&data(&[("time shift", 0.3)])).unwrap();
        assert!(none.title.starts_with("Inconclusive"), "{}", none.title);
        assert!(placebos(&data(&[])).unwrap().title.starts_with("No placebo"));
    }
}
