//! What the data make of the expert's weights, type by type.

use plotters::element::{Circle, PathElement};
use plotters::style::Color;
use plotters::style::text_anchor::HPos;

use super::canvas::{
    BLUE, Canvas, Caption, INK, Key, LABEL, MARGIN, MUTED, NOTE, ORANGE, Painted, WIDTH, picture,
    text,
};
use super::plot::drawable;
use super::{Chart, ChartError, ChartTable, Estimate, file_name, three_digits};

/// One interaction type.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightRow {
    /// Its name.
    pub interaction_type: String,
    /// The expert's weight.
    pub expert: f64,
    /// The learned weight, with the ends of the middle 95 % of half-samples.
    pub learned: Estimate,
}

/// What [`learned_weights`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnedWeightsData {
    /// Types, the most telling first.
    pub rows: Vec<WeightRow>,
    /// Types that the data say something about.
    pub differing: usize,
    /// All types.
    pub types: usize,
    /// AUC out of sample, and the middle 95 % of what chance brings.
    pub auc: f64,
    /// By chance.
    pub chance: (f64, f64),
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Types that have room.
const MOST_ROWS: usize = 14;

/// Draws the learned weight of each type with its interval beside the expert's.
///
/// Of more than 14 types the first 14 are drawn; the table holds all that are given.
///
/// # Errors
///
/// `Font` and `Draw` when drawing fails.
pub fn learned_weights(data: &LearnedWeightsData) -> Result<Chart, ChartError> {
    let name = file_name(&["learned_weights"]);
    let title = title(data);
    let alt = alt(data, &title);
    let caption = Caption {
        name: &name,
        title: &title,
        alt: &alt,
        note: "Weights in log odds of staying for one more interaction, faded as in the score. Bars: the middle \
               95 % of half-samples. Learned weights are drawn towards the expert's.",
        simulated: data.simulated,
    };
    let svg = picture(&caption, |canvas| paint(data, canvas))?;
    Ok(Chart { name, svg, table: table(data), alt, title })
}

fn title(data: &LearnedWeightsData) -> String {
    let (low, high) = data.chance;
    if data.auc <= high {
        return format!(
            "Learned weights say no more than chance: AUC {} out of sample, chance {} to {}",
            three_digits(data.auc),
            three_digits(low),
            three_digits(high)
        );
    }
    format!(
        "The data differ from the expert on {} of {} types: AUC {} out of sample, chance {} to {}",
        data.differing,
        data.types,
        three_digits(data.auc),
        three_digits(low),
        three_digits(high)
    )
}

fn alt(data: &LearnedWeightsData, title: &str) -> String {
    let row = |row: &WeightRow| {
        format!(
            "{}: expert {}, learned {} ({} to {})",
            row.interaction_type,
            three_digits(row.expert),
            three_digits(row.learned.value),
            three_digits(row.learned.low),
            three_digits(row.learned.high)
        )
    };
    let rows: Vec<String> = data.rows.iter().take(MOST_ROWS).map(row).collect();
    format!("Weights by interaction type. {title}. {}.", rows.join("; "))
}

fn paint(data: &LearnedWeightsData, canvas: &mut Canvas<'_>) -> Painted {
    canvas.legend(&[("Expert", ORANGE, Key::Dot), ("Learned", BLUE, Key::Dot)])?;
    let rows: Vec<&WeightRow> = data.rows.iter().take(MOST_ROWS).collect();
    let ends = || {
        let of =
            |row: &&WeightRow| [row.expert, row.learned.low, row.learned.high, row.learned.value];
        rows.iter().flat_map(of).chain([0.0])
    };
    if rows.is_empty() {
        return canvas.nothing("no type has enough exits to learn from");
    }
    if !ends().all(drawable) {
        return canvas.nothing("values without end cannot be drawn");
    }
    let (low, high) = (ends().fold(0.0, f64::min), ends().fold(0.0, f64::max));
    if high - low <= 0.0 {
        return canvas.nothing("all weights are 0");
    }
    let style = text(LABEL, INK);
    let mut left = 0;
    for row in &rows {
        left = left.max(canvas.width(&row.interaction_type, &style)?);
    }
    let left = MARGIN + left.min(WIDTH * 2 / 5) + 16;
    let (start, end) = (left + 10, WIDTH - MARGIN - 10);
    let x = |value: f64| start + ((value - low) / (high - low) * f64::from(end - start)) as i32;
    let height = ((canvas.bottom - canvas.top - 34) / rows.len() as i32).min(40);
    let bottom = canvas.top + height * rows.len() as i32;
    let axis = vec![(x(0.0), canvas.top), (x(0.0), bottom)];
    canvas.root.draw(&PathElement::new(axis, MUTED.stroke_width(1)))?;
    for (position, row) in (0..).zip(&rows) {
        let y = canvas.top + height * position + height / 2;
        let label = canvas.shorten(&row.interaction_type, &style, left - MARGIN - 16)?;
        canvas.write(&label, (MARGIN, y), HPos::Left, &style)?;
        let bar = vec![(x(row.learned.low), y), (x(row.learned.high), y)];
        canvas.root.draw(&PathElement::new(bar, BLUE.stroke_width(3)))?;
        canvas.root.draw(&Circle::new((x(row.expert), y), 6, ORANGE.filled()))?;
        canvas.root.draw(&Circle::new((x(row.learned.value), y), 6, BLUE.filled()))?;
    }
    let note = text(NOTE, MUTED);
    canvas.write("0", (x(0.0), bottom + 14), HPos::Center, &note)?;
    for value in [low, high].into_iter().filter(|value| (x(*value) - x(0.0)).abs() > 60) {
        let side = if value < 0.0 { HPos::Left } else { HPos::Right };
        canvas.write(&three_digits(value), (x(value), bottom + 14), side, &note)?;
    }
    Ok(())
}

fn table(data: &LearnedWeightsData) -> ChartTable {
    let mut table = ChartTable::new(&["interaction_type", "expert", "learned", "low", "high"]);
    for row in &data.rows {
        table.rows.push(vec![
            row.interaction_type.as_str().into(),
            row.expert.into(),
            row.learned.value.into(),
            row.learned.low.into(),
            row.learned.high.into(),
        ]);
    }
    table
}
