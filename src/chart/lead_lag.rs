//! Information coefficient before and after the as-of date.

use super::canvas::{BLUE, Canvas, Caption, GRID, Key, MUTED, ORANGE, Painted, picture};
use super::number::sentence;
use super::plot::{Axes, Ticks, drawable, month_range, padded, plot};
use super::{Chart, ChartError, ChartTable, check_length, file_name, three_digits};

/// What [`lead_lag`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct LeadLagData {
    /// The x-axis \[months\]: negative looks back from the as-of date; shape `(horizons,)`.
    pub horizons: Vec<i32>,
    /// Mean rank IC at each horizon.
    pub ic: Vec<f64>,
    /// Lower ends of the 95 % intervals.
    pub low: Vec<f64>,
    /// Upper ends of the 95 % intervals.
    pub high: Vec<f64>,
    /// Lower edge of what histories swapped between accounts gave.
    pub envelope_low: Vec<f64>,
    /// Upper edge of what histories swapped between accounts gave.
    pub envelope_high: Vec<f64>,
    /// Score.
    pub score: String,
    /// Outcome, in words.
    pub outcome: String,
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Draws the mean rank IC at each horizon with its 95 % interval, over the permutation envelope.
///
/// A score that leads goes with later outcomes more than with earlier ones.
///
/// # Errors
///
/// `LengthMismatch` when a column is not as long as `horizons`; `Font` and `Draw` when drawing fails.
pub fn lead_lag(data: &LeadLagData) -> Result<Chart, ChartError> {
    let horizons = data.horizons.len();
    check_length(NAME, "ic", data.ic.len(), horizons)?;
    check_length(NAME, "low", data.low.len(), horizons)?;
    check_length(NAME, "high", data.high.len(), horizons)?;
    check_length(NAME, "envelope_low", data.envelope_low.len(), horizons)?;
    check_length(NAME, "envelope_high", data.envelope_high.len(), horizons)?;
    let name = file_name(&[NAME, &data.score, &data.outcome]);
    let title = title(data);
    let alt = alt(data, &title);
    let note = "Dots: mean rank IC with 95 % interval, each horizon judged alone. Grey: what \
                histories swapped between accounts give (2.5 to 97.5 %).";
    let caption =
        Caption { name: &name, title: &title, alt: &alt, note, simulated: data.simulated };
    let svg = picture(&caption, |canvas| paint(data, canvas))?;
    Ok(Chart { name, svg, table: table(data), alt, title })
}

const NAME: &str = "lead_lag";

/// Horizons on one side of the as-of date, and those at which chance is excluded.
#[derive(Default)]
struct Side {
    all: usize,
    positive: usize,
    negative: usize,
}

impl Side {
    fn clear(&self) -> usize {
        self.positive + self.negative
    }

    fn words(&self) -> String {
        let direction = match (self.positive, self.negative) {
            (_, 0) => "",
            (0, _) => ", inversely",
            _ => ", in both directions",
        };
        format!("at {} of {} horizons{direction}", self.clear(), self.all)
    }
}

/// The interval excludes zero and the estimate lies outside the envelope, at each horizon alone.
fn side(data: &LeadLagData, wanted: impl Fn(i32) -> bool) -> Side {
    let mut side = Side::default();
    for (index, _) in data.horizons.iter().enumerate().filter(|(_, horizon)| wanted(**horizon)) {
        let ic = data.ic[index];
        if !ic.is_finite() {
            continue;
        }
        side.all += 1;
        side.positive += usize::from(data.low[index] > 0.0 && ic > data.envelope_high[index]);
        side.negative += usize::from(data.high[index] < 0.0 && ic < data.envelope_low[index]);
    }
    side
}

fn title(data: &LeadLagData) -> String {
    let (score, outcome) = (&data.score, &data.outcome);
    let (later, earlier) = (side(data, |horizon| horizon > 0), side(data, |horizon| horizon < 0));
    if later.all + earlier.all == 0 {
        return format!("No {score} against {outcome} to show");
    }
    if later.clear() + earlier.clear() == 0 {
        return format!(
            "Inconclusive: {score} goes clearly with neither later nor earlier {outcome} at any horizon"
        );
    }
    let (later, earlier) = (later.words(), earlier.words());
    sentence(&format!(
        "{score} goes with later {outcome} {later}; with earlier {outcome} {earlier}"
    ))
}

fn alt(data: &LeadLagData, title: &str) -> String {
    let points: Vec<_> = data
        .horizons
        .iter()
        .zip(&data.ic)
        .filter(|(horizon, _)| [1, 3, 6, 12].contains(&horizon.abs()))
        .map(|(horizon, ic)| format!("{} at {horizon:+} months", three_digits(*ic)))
        .collect();
    format!(
        "Dot chart of the information coefficient by horizon, with intervals and permutation \
         envelope. {title}. Values: {}.",
        points.join(", ")
    )
}

fn paint(data: &LeadLagData, canvas: &mut Canvas<'_>) -> Painted {
    let columns = [&data.ic, &data.low, &data.high, &data.envelope_low, &data.envelope_high];
    let values: Vec<f64> = columns.into_iter().flatten().copied().collect();
    if !values.iter().any(|v| drawable(*v)) {
        return canvas.nothing("no horizons to show");
    }
    canvas.legend(&[
        ("later outcomes", BLUE, Key::Dot),
        ("earlier outcomes", ORANGE, Key::Dot),
        ("swapped histories", MUTED, Key::Band),
    ])?;
    let months = month_range(&data.horizons);
    let (x, y) = (months.start - 0.5..months.end + 0.5, padded(values.into_iter().chain([0.0])));
    let axes = Axes {
        x_ticks: Ticks::months(&months),
        y_ticks: Ticks::round(&y, 7),
        x_label: "Horizon [months]: outcomes before the as-of date | after it",
        y_label: "Mean rank IC",
        x: x.clone(),
        y: y.clone(),
    };
    let mut plot = plot(canvas, &axes, &[])?;
    let horizons: Vec<f64> = data.horizons.iter().copied().map(f64::from).collect();
    plot.band(&horizons, &data.envelope_low, &data.envelope_high, MUTED)?;
    plot.rule((x.start, 0.0), (x.end, 0.0), MUTED)?;
    plot.rule((0.0, y.start), (0.0, y.end), GRID)?;
    for (index, horizon) in horizons.iter().enumerate() {
        let color = match data.horizons[index] {
            1.. => BLUE,
            0 => MUTED,
            _ => ORANGE,
        };
        plot.estimate(*horizon, data.ic[index], (data.low[index], data.high[index]), color)?;
    }
    Ok(())
}

fn table(data: &LeadLagData) -> ChartTable {
    let headers = ["horizon [months]", "ic", "low", "high", "envelope_low", "envelope_high"];
    let mut table = ChartTable::new(&headers);
    for (index, horizon) in data.horizons.iter().enumerate() {
        table.rows.push(vec![
            (*horizon).into(),
            data.ic[index].into(),
            data.low[index].into(),
            data.high[index].into(),
            data.envelope_low[index].into(),
            data.envelope_high[index].into(),
        ]);
    }
    table
}
