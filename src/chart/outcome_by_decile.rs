//! Later outcome by decile of a score.

use super::canvas::{BLUE, Canvas, Caption, MUTED, Painted, picture};
use super::number::{count, sentence, with_brackets, with_unit};
use super::plot::{Axes, Ticks, drawable, padded, plot};
use super::{Chart, ChartError, ChartTable, Estimate, check_length, file_name, three_digits};

/// What [`outcome_by_decile`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct DecileData {
    /// Score that makes the deciles.
    pub score: String,
    /// Outcome, in words, such as `contribution`.
    pub outcome: String,
    /// Unit of the outcome, such as `EUR per month`; empty for a pure number.
    pub unit: String,
    /// Months ahead at which the outcome is measured.
    pub horizon_months: i32,
    /// Mean outcome by decile, lowest score first; shape `(deciles,)`.
    pub decile_means: Vec<f64>,
    /// Lower ends of the 95 % intervals.
    pub low: Vec<f64>,
    /// Upper ends of the 95 % intervals.
    pub high: Vec<f64>,
    /// Accounts or account-dates in each decile.
    pub n: Vec<u64>,
    /// Mean outcome of all.
    pub overall: f64,
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Draws the mean later outcome of each decile of the score, with 95 % intervals and the overall mean.
///
/// # Errors
///
/// `LengthMismatch` when a column is not as long as `decile_means`; `Font` and `Draw` when drawing
/// fails.
pub fn outcome_by_decile(data: &DecileData) -> Result<Chart, ChartError> {
    let groups = data.decile_means.len();
    check_length(NAME, "low", data.low.len(), groups)?;
    check_length(NAME, "high", data.high.len(), groups)?;
    check_length(NAME, "n", data.n.len(), groups)?;
    let horizon = format!("{}m", data.horizon_months);
    let name = file_name(&[NAME, &data.score, &data.outcome, &horizon]);
    let title = title(data);
    let alt = alt(data, &title);
    let note = format!(
        "Dots: mean {} {} months later, with 95 % interval. Line: mean of all, {}.{}",
        data.outcome,
        data.horizon_months,
        three_digits(data.overall),
        contributors(&data.n),
    );
    let caption =
        Caption { name: &name, title: &title, alt: &alt, note: &note, simulated: data.simulated };
    let svg = picture(&caption, |canvas| paint(data, canvas))?;
    Ok(Chart { name, svg, table: table(data), alt, title })
}

const NAME: &str = "outcome_by_decile";

fn contributors(n: &[u64]) -> String {
    match (n.iter().min(), n.iter().max()) {
        (Some(least), Some(most)) if least == most => format!(" n = {} per group.", count(*most)),
        (Some(least), Some(most)) => {
            format!(" n = {} to {} per group.", count(*least), count(*most))
        }
        _ => String::new(),
    }
}

fn title(data: &DecileData) -> String {
    let (score, outcome) = (&data.score, &data.outcome);
    let last = data.decile_means.len().saturating_sub(1);
    let ends: Vec<_> = [0, last].iter().filter_map(|i| group(data, *i)).collect();
    let [bottom, top] = ends[..] else {
        return format!("No {outcome} by {score} to show");
    };
    let months = data.horizon_months;
    let values = format!(
        "{outcome} {months} months later is {} in the highest group by {score}, {} in the lowest",
        with_unit(top.value, &data.unit),
        with_unit(bottom.value, &data.unit),
    );
    if top.low > bottom.high || top.high < bottom.low {
        sentence(&values)
    } else {
        format!("Inconclusive: {values}, and their intervals overlap")
    }
}

fn group(data: &DecileData, index: usize) -> Option<Estimate> {
    let value = *data.decile_means.get(index)?;
    let estimate = Estimate { value, low: data.low[index], high: data.high[index] };
    value.is_finite().then_some(estimate)
}

fn alt(data: &DecileData, title: &str) -> String {
    let means: Vec<_> = data.decile_means.iter().map(|mean| three_digits(*mean)).collect();
    format!(
        "Dot chart with intervals. {title}. Mean {} by group, lowest {} first: {}; all: {}.",
        data.outcome,
        data.score,
        means.join(", "),
        three_digits(data.overall)
    )
}

fn paint(data: &DecileData, canvas: &mut Canvas<'_>) -> Painted {
    let values = [&data.decile_means, &data.low, &data.high].into_iter().flatten().copied();
    let values: Vec<f64> = values.chain([data.overall]).collect();
    if data.decile_means.is_empty() || !values.iter().any(|v| drawable(*v)) {
        return canvas.nothing("no groups to show");
    }
    let groups = data.decile_means.len() as f64;
    let (x, y) = (0.4..groups + 0.6, padded(values));
    let positions: Vec<f64> = (1..=data.decile_means.len()).map(|i| i as f64).collect();
    let axes = Axes {
        x_ticks: Ticks { positions: positions.clone(), step: 1.0, percent: false },
        y_ticks: Ticks::round(&y, 7),
        x_label: &format!("Decile of {} (1 = lowest)", data.score),
        y_label: &with_brackets(&data.outcome, &data.unit),
        x: x.clone(),
        y,
    };
    let mut plot = plot(canvas, &axes, &[])?;
    plot.rule((x.start, data.overall), (x.end, data.overall), MUTED)?;
    for (index, position) in positions.iter().enumerate() {
        let interval = (data.low[index], data.high[index]);
        plot.estimate(*position, data.decile_means[index], interval, BLUE)?;
    }
    Ok(())
}

fn table(data: &DecileData) -> ChartTable {
    let mean = with_brackets("mean", &data.unit);
    let mut table = ChartTable::new(&["decile", &mean, "low", "high", "n"]);
    for (index, mean) in data.decile_means.iter().enumerate() {
        table.rows.push(vec![
            (index as u64 + 1).into(),
            (*mean).into(),
            data.low[index].into(),
            data.high[index].into(),
            data.n[index].into(),
        ]);
    }
    table
}
