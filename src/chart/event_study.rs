//! An outcome around a moment.

use super::canvas::{BLUE, Canvas, Caption, GRID, Key, MUTED, ORANGE, Painted, picture};
use super::number::{count, sentence, with_brackets, with_unit};
use super::plot::{Axes, Ticks, drawable, padded, plot};
use super::{Chart, ChartError, ChartTable, Estimate, check_length, file_name, three_digits};

/// What [`event_study`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct EventStudyData {
    /// What the moment is, in words.
    pub moment: String,
    /// Outcome, in words.
    pub outcome: String,
    /// Unit of the outcome; empty for a pure number.
    pub unit: String,
    /// Months after the moment, negative before; shape `(months,)`.
    pub months: Vec<i32>,
    /// Effect in each month.
    pub effect: Vec<f64>,
    /// Lower ends of the 95 % intervals.
    pub low: Vec<f64>,
    /// Upper ends of the 95 % intervals.
    pub high: Vec<f64>,
    /// Mean of the months from 0 on.
    pub after: Estimate,
    /// Step between the months before.
    pub before: Estimate,
    /// Band of the mean of the months from 0 on at fake dates.
    pub fake: Option<(f64, f64)>,
    /// Number of moments.
    pub n_moments: u64,
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Draws the outcome from six months before a moment to six after, beside what fake dates give.
///
/// # Errors
///
/// `LengthMismatch` when a column is not as long as `months`; `Font` and `Draw` when drawing fails.
pub fn event_study(data: &EventStudyData) -> Result<Chart, ChartError> {
    let months = data.months.len();
    check_length(NAME, "effect", data.effect.len(), months)?;
    check_length(NAME, "low", data.low.len(), months)?;
    check_length(NAME, "high", data.high.len(), months)?;
    let name = file_name(&[NAME, &data.outcome]);
    let title = title(data);
    let alt = alt(data, &title);
    let note = format!(
        "Against the account's own six months before, less accounts to which it did not happen; 95 % intervals \
         by account. n = {} moments. Band: mean of the months from 0 on at fake dates (95 %).",
        count(data.n_moments)
    );
    let caption =
        Caption { name: &name, title: &title, alt: &alt, note: &note, simulated: data.simulated };
    let svg = picture(&caption, |canvas| paint(data, canvas))?;
    Ok(Chart { name, svg, table: table(data), alt, title })
}

const NAME: &str = "event_study";

fn title(data: &EventStudyData) -> String {
    let (moment, outcome) = (&data.moment, &data.outcome);
    let Estimate { value, low, high } = data.after;
    let drifts = data.before.low > 0.0 || data.before.high < 0.0;
    let already = if drifts { ", and it was already moving before" } else { "" };
    if low > 0.0 || high < 0.0 {
        let words = if value < 0.0 { "lower" } else { "higher" };
        return sentence(&format!(
            "{outcome} of a month is {} {words} after the {moment}{already}",
            with_unit(value.abs(), &data.unit)
        ));
    }
    format!("Inconclusive: {outcome} after the {moment} cannot be told from before{already}")
}

fn alt(data: &EventStudyData, title: &str) -> String {
    let points: Vec<String> = data
        .months
        .iter()
        .zip(&data.effect)
        .map(|(month, effect)| format!("{} at {month:+}", three_digits(*effect)))
        .collect();
    format!("Dot chart by month around the moment. {title}. Values: {}.", points.join(", "))
}

fn paint(data: &EventStudyData, canvas: &mut Canvas<'_>) -> Painted {
    let values: Vec<f64> =
        [&data.effect, &data.low, &data.high].into_iter().flatten().copied().collect();
    if !values.iter().any(|value| drawable(*value)) {
        return canvas.nothing("no moments to show");
    }
    let mut keys = vec![("before", ORANGE, Key::Dot), ("from the moment on", BLUE, Key::Dot)];
    if data.fake.is_some() {
        keys.push(("fake dates", MUTED, Key::Band));
    }
    canvas.legend(&keys)?;
    let ends = data.fake.map(|(low, high)| [low, high]).into_iter().flatten();
    let y = padded(values.into_iter().chain(ends).chain([0.0]));
    let range = super::plot::month_range(&data.months);
    let x = range.start - 0.5..range.end + 0.5;
    let axes = Axes {
        x_ticks: Ticks::months(&range),
        y_ticks: Ticks::round(&y, 7),
        x_label: "Months after the moment",
        y_label: &with_brackets("difference", &data.unit),
        x: x.clone(),
        y: y.clone(),
    };
    let mut plot = plot(canvas, &axes, &[])?;
    if let Some((low, high)) = data.fake {
        plot.band(&[-0.4, range.end + 0.4], &[low; 2], &[high; 2], MUTED)?;
    }
    plot.rule((x.start, 0.0), (x.end, 0.0), MUTED)?;
    plot.rule((-0.5, y.start), (-0.5, y.end), GRID)?;
    for (index, &month) in data.months.iter().enumerate() {
        let color = if month < 0 { ORANGE } else { BLUE };
        let interval = (data.low[index], data.high[index]);
        plot.estimate(f64::from(month), data.effect[index], interval, color)?;
    }
    Ok(())
}

fn table(data: &EventStudyData) -> ChartTable {
    let effect = with_brackets("effect", &data.unit);
    let mut table = ChartTable::new(&["month", &effect, "low", "high"]);
    for (index, month) in data.months.iter().enumerate() {
        table.rows.push(vec![
            (*month).into(),
            data.effect[index].into(),
            data.low[index].into(),
            data.high[index].into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(after: f64, before: f64) -> EventStudyData {
        let around = |value: f64| Estimate { value, low: value - 10.0, high: value + 10.0 };
        EventStudyData {
            moment: "first complaint".to_owned(),
            outcome: "gross profit".to_owned(),
            unit: "EUR".to_owned(),
            months: vec![-1, 0, 1],
            effect: vec![0.0, after, after],
            low: vec![-10.0, after - 10.0, after - 10.0],
            high: vec![10.0, after + 10.0, after + 10.0],
            after: around(after),
            before: around(before),
            fake: Some((-8.0, 8.0)),
            n_moments: 1_200,
            simulated: false,
        }
    }

    #[test]
    fn the_title_says_how_much_and_what_was_moving_before() {
        let title = |after, before| event_study(&data(after, before)).unwrap().title;
        assert_eq!(
            title(-40.0, 0.0),
            "Gross profit of a month is 40.0 EUR lower after the first complaint"
        );
        assert_eq!(
            title(-40.0, -20.0),
            "Gross profit of a month is 40.0 EUR lower after the first complaint, and it was already moving \
             before"
        );
        assert!(title(4.0, 0.0).starts_with("Inconclusive"));
    }

    #[test]
    fn a_short_column_is_named() {
        let mut short = data(1.0, 0.0);
        short.low.pop();
        let error = event_study(&short).unwrap_err().to_string();
        assert_eq!(error, "`low` of chart `event_study` has 2 values, expected 3");
    }
}
