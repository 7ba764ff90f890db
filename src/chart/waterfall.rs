//! Steps from one value to another, or the parts of one value.

use plotters::element::{PathElement, Rectangle};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor};

use super::canvas::{
    BLUE, Canvas, Caption, GREEN, INK, LABEL, MARGIN, MUTED, NOTE, Painted, VERMILLION, WIDTH,
    bold, picture, text,
};
use super::plot::drawable;
use super::{Chart, ChartError, ChartTable, file_name, three_digits};

/// What [`waterfall`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct WaterfallData {
    /// Title of the picture: what was found.
    pub title: String,
    /// How to read the steps: one sentence.
    pub note: String,
    /// Words of the file name.
    pub name: Vec<String>,
    /// Label and value to begin with; absent where the parts begin at 0.
    pub from: Option<(String, f64)>,
    /// Label of each step and what it adds.
    pub steps: Vec<(String, f64)>,
    /// Label and value at the end: all of the above together.
    pub to: (String, f64),
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Draws steps as bars that each begin where the one before ends.
///
/// At most 12 steps are drawn: of more, the largest 11 keep their place and the rest is summed.
///
/// # Errors
///
/// `Font` and `Draw` when drawing fails.
pub fn waterfall(data: &WaterfallData) -> Result<Chart, ChartError> {
    let words: Vec<&str> = data.name.iter().map(String::as_str).collect();
    let name = file_name(&words);
    let steps = gathered(&data.steps);
    let alt = alt(data, &steps);
    let caption = Caption {
        name: &name,
        title: &data.title,
        alt: &alt,
        note: &data.note,
        simulated: data.simulated,
    };
    let svg = picture(&caption, |canvas| paint(data, &steps, canvas))?;
    Ok(Chart { name, svg, table: table(data), alt, title: data.title.clone() })
}

/// Steps that have a bar of their own.
const MOST_STEPS: usize = 12;

/// The steps in their order, those beyond the largest summed into a last one.
fn gathered(steps: &[(String, f64)]) -> Vec<(String, f64)> {
    if steps.len() <= MOST_STEPS {
        return steps.to_vec();
    }
    let mut sizes: Vec<f64> = steps.iter().map(|(_, step)| step.abs()).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    let least = sizes[MOST_STEPS - 2];
    let mut kept = Vec::new();
    let (mut rest, mut count) = (0.0, 0);
    for (label, step) in steps {
        if step.abs() >= least && kept.len() < MOST_STEPS - 1 {
            kept.push((label.clone(), *step));
        } else {
            rest += step;
            count += 1;
        }
    }
    kept.push((format!("{count} others"), rest));
    kept
}

fn signed(value: f64) -> String {
    let digits = three_digits(value);
    if value > 0.0 { format!("+{digits}") } else { digits }
}

fn alt(data: &WaterfallData, steps: &[(String, f64)]) -> String {
    let from = data.from.iter().map(|(label, value)| format!("{label} {}", three_digits(*value)));
    let steps = steps.iter().map(|(label, step)| format!("{label} {}", signed(*step)));
    let to = format!("{} {}", data.to.0, three_digits(data.to.1));
    let all: Vec<String> = from.chain(steps).chain([to]).collect();
    format!("Waterfall. {}. {}.", data.title, all.join(", "))
}

/// One bar: its label, where it begins and ends, what is written beside it, and how it looks.
struct Bar {
    label: String,
    from: f64,
    to: f64,
    value: String,
    color: RGBColor,
    whole: bool,
}

fn bars(data: &WaterfallData, steps: &[(String, f64)]) -> Vec<Bar> {
    let whole = |(label, value): &(String, f64)| Bar {
        label: label.clone(),
        from: 0.0,
        to: *value,
        value: three_digits(*value),
        color: BLUE,
        whole: true,
    };
    let mut all: Vec<Bar> = data.from.iter().map(whole).collect();
    let mut level = data.from.as_ref().map_or(0.0, |(_, value)| *value);
    for (label, step) in steps {
        let color = if *step < 0.0 { VERMILLION } else { GREEN };
        let (from, to) = (level, level + step);
        all.push(Bar { label: label.clone(), from, to, value: signed(*step), color, whole: false });
        level = to;
    }
    all.push(whole(&data.to));
    all
}

fn paint(data: &WaterfallData, steps: &[(String, f64)], canvas: &mut Canvas<'_>) -> Painted {
    let bars = bars(data, steps);
    if !bars.iter().all(|bar| drawable(bar.from) && drawable(bar.to)) {
        return canvas.nothing("values without end cannot be drawn");
    }
    let ends = || bars.iter().flat_map(|bar| [bar.from, bar.to]).chain([0.0]);
    let (low, high) = (ends().fold(0.0, f64::min), ends().fold(0.0, f64::max));
    if high - low <= 0.0 {
        return canvas.nothing("nothing to add up: all parts are 0");
    }
    let label_style = text(LABEL, INK);
    let mut left = 0;
    for bar in &bars {
        // Bold text is the widest.
        left = left.max(canvas.width(&bar.label, &bold(LABEL, INK))?);
    }
    let left = MARGIN + left.min(WIDTH * 2 / 5) + 16;
    // Room for the values beside the bars.
    let (start, end) = (left + 70, WIDTH - MARGIN - 80);
    let x = |value: f64| start + ((value - low) / (high - low) * f64::from(end - start)) as i32;
    let height = ((canvas.bottom - canvas.top - 8) / bars.len() as i32).min(44);
    let half = (height * 3 / 8).max(3);
    let zero = x(0.0);
    let bottom = canvas.top + height * bars.len() as i32;
    let axis = PathElement::new(vec![(zero, canvas.top), (zero, bottom)], MUTED.stroke_width(1));
    canvas.root.draw(&axis)?;
    let mut before: Option<i32> = None;
    for (row, bar) in (0..).zip(&bars) {
        let y = canvas.top + height * row + height / 2;
        let (a, b) = (x(bar.from.min(bar.to)), x(bar.from.max(bar.to)));
        canvas
            .root
            .draw(&Rectangle::new([(a, y - half), (b.max(a + 1), y + half)], bar.color.filled()))?;
        if let Some(x) = before {
            let link = vec![(x, y - height + half), (x, y - half)];
            canvas.root.draw(&PathElement::new(link, MUTED.stroke_width(1)))?;
        }
        before = Some(x(bar.to));
        let style = if bar.whole { bold(LABEL, INK) } else { label_style.clone() };
        let label = canvas.shorten(&bar.label, &style, left - MARGIN - 16)?;
        canvas.write(&label, (MARGIN, y), HPos::Left, &style)?;
        let (at, side) = if bar.to < bar.from { (a - 8, HPos::Right) } else { (b + 8, HPos::Left) };
        canvas.write(&bar.value, (at, y), side, &text(NOTE, INK))?;
    }
    Ok(())
}

fn table(data: &WaterfallData) -> ChartTable {
    let mut table = ChartTable::new(&["step", "change", "value after it"]);
    let mut level = 0.0;
    if let Some((label, value)) = &data.from {
        level = *value;
        table.rows.push(vec![label.as_str().into(), f64::NAN.into(), level.into()]);
    }
    for (label, step) in &data.steps {
        level += step;
        table.rows.push(vec![label.as_str().into(), (*step).into(), level.into()]);
    }
    table.rows.push(vec![data.to.0.as_str().into(), f64::NAN.into(), data.to.1.into()]);
    table
}
