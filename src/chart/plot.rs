//! Two axes and the marks on them; what is not finite is left out.

use std::ops::Range;

use plotters::backend::SVGBackend;
use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::coord::types::RangedCoordf64;
use plotters::element::{Circle, PathElement, Polygon};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor};

use super::canvas::{
    Canvas, GRID, INK, Key, LABEL, MARGIN, MUTED, NOTE, Painted, WIDTH, bold, text,
};
use super::number::{count, tick};

/// A linear axis that marks the positions it is given.
struct Axis {
    scale: RangedCoordf64,
    marks: Vec<f64>,
}

impl Axis {
    fn new(range: &Range<f64>, ticks: &Ticks) -> Self {
        Self { scale: range.clone().into(), marks: ticks.positions.clone() }
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.scale.map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.marks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.scale.range()
    }
}

/// Larger values are errors of the data and would overflow the pixels.
const LARGEST: f64 = 1e15;

/// Where marks go and what is written beside them.
#[derive(Debug)]
pub(super) struct Axes<'a> {
    pub(super) x: Range<f64>,
    pub(super) y: Range<f64>,
    pub(super) x_ticks: Ticks,
    pub(super) y_ticks: Ticks,
    pub(super) x_label: &'a str,
    pub(super) y_label: &'a str,
}

/// Labelled positions on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ticks {
    pub(super) positions: Vec<f64>,
    pub(super) step: f64,
    /// Written as a percentage of 1.
    pub(super) percent: bool,
}

/// A row of the table under the x-axis.
#[derive(Debug)]
pub(super) struct AtRisk<'a> {
    pub(super) label: &'a str,
    pub(super) color: RGBColor,
    /// Months of the counts.
    pub(super) months: &'a [i32],
    pub(super) counts: &'a [u64],
}

/// The drawn axes.
pub(super) struct Plot<'a> {
    context: ChartContext<'a, SVGBackend<'a>, Cartesian2d<Axis, Axis>>,
    x: Range<f64>,
    y: Range<f64>,
}

impl Ticks {
    /// Round positions, about `target` of them.
    pub(super) fn round(range: &Range<f64>, target: usize) -> Self {
        let raw = (range.end - range.start) / target as f64;
        let power = 10_f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * power)
            .find(|step| *step >= raw)
            .unwrap_or(10.0 * power);
        Self::every(range, step)
    }

    /// Whole months, at most 13 of them.
    pub(super) fn months(range: &Range<f64>) -> Self {
        let width = range.end - range.start;
        let step = [1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 60.0, 120.0]
            .into_iter()
            .find(|step| width / step <= 12.0)
            .unwrap_or_else(|| (width / 10.0).ceil());
        Self::every(range, step)
    }

    /// Written as percentages.
    pub(super) fn percent(self) -> Self {
        Self { percent: true, ..self }
    }

    fn every(range: &Range<f64>, step: f64) -> Self {
        let first = (range.start / step).ceil();
        let number = ((range.end / step).floor() - first).clamp(0.0, 50.0) as u32;
        let positions = (0..=number).map(|i| (first + f64::from(i)) * step).collect();
        Self { positions, step, percent: false }
    }

    fn label(&self, value: f64) -> String {
        if self.percent {
            format!("{} %", tick(100.0 * value, 100.0 * self.step))
        } else {
            tick(value, self.step)
        }
    }
}

/// The range of the finite values, padded; 0 to 1 when there are none.
pub(super) fn padded(values: impl IntoIterator<Item = f64>) -> Range<f64> {
    let finite = values.into_iter().filter(|v| drawable(*v));
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low > high {
        return 0.0..1.0;
    }
    let width = high - low;
    let pad = if width > 1e-12 * high.abs().max(low.abs()) {
        0.06 * width
    } else if high.abs() > 0.0 {
        0.5 * high.abs()
    } else {
        1.0
    };
    low - pad..high + pad
}

/// The range of the months; one wide when there are fewer than two.
pub(super) fn month_range(months: &[i32]) -> Range<f64> {
    let low = months.iter().copied().min().unwrap_or(0);
    let high = months.iter().copied().max().unwrap_or(0);
    f64::from(low)..f64::from(high).max(f64::from(low) + 1.0)
}

/// Whether a value has a place on paper.
pub(super) fn drawable(value: f64) -> bool {
    value.abs() <= LARGEST
}

/// Draws axes into the free space of `canvas`, with room for `rows` below them.
pub(super) fn plot<'a>(
    canvas: &Canvas<'a>,
    axes: &Axes<'_>,
    rows: &[AtRisk<'_>],
) -> Painted<Plot<'a>> {
    let left = label_width(canvas, axes, rows)?;
    let below = if rows.is_empty() { 0 } else { 24 + 22 * rows.len() as i32 };
    let area =
        canvas.root.margin(canvas.top, super::canvas::HEIGHT - canvas.bottom + below, 0, MARGIN);
    let mut builder = ChartBuilder::on(&area);
    builder.margin_top(8).margin_left(MARGIN - 6).x_label_area_size(54).y_label_area_size(left);
    let context = builder
        .build_cartesian_2d(Axis::new(&axes.x, &axes.x_ticks), Axis::new(&axes.y, &axes.y_ticks))?;
    let mut plot = Plot { context, x: axes.x.clone(), y: axes.y.clone() };
    plot.axes(axes)?;
    plot.at_risk(canvas, axes, rows, left)?;
    Ok(plot)
}

fn label_width(canvas: &Canvas<'_>, axes: &Axes<'_>, rows: &[AtRisk<'_>]) -> Painted<i32> {
    let mut width = 60;
    for position in &axes.y_ticks.positions {
        let label = axes.y_ticks.label(*position);
        width = width.max(canvas.width(&label, &text(LABEL, INK))? + 52);
    }
    for row in rows {
        width = width.max(canvas.width(row.label, &text(NOTE, INK))? + 68);
    }
    Ok(width.min(WIDTH / 4))
}

impl<'a> Plot<'a> {
    fn axes(&mut self, axes: &Axes<'_>) -> Painted {
        self.context
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID)
            .axis_style(MUTED)
            .label_style(text(LABEL, INK))
            .axis_desc_style(text(LABEL, MUTED))
            .x_desc(axes.x_label)
            .y_desc(axes.y_label)
            .x_label_formatter(&|value| axes.x_ticks.label(*value))
            .y_label_formatter(&|value| axes.y_ticks.label(*value))
            .draw()
    }

    fn at_risk(
        &self,
        canvas: &Canvas<'a>,
        axes: &Axes<'_>,
        rows: &[AtRisk<'_>],
        left: i32,
    ) -> Painted {
        let head = canvas.bottom - 22 * rows.len() as i32 - 11;
        if !rows.is_empty() {
            let style = bold(NOTE, MUTED);
            canvas.write("Number at risk", (MARGIN, head), HPos::Left, &style)?;
        }
        for (position, row) in rows.iter().enumerate() {
            let y = head + 22 * (position as i32 + 1);
            let label = canvas.shorten(row.label, &text(NOTE, INK), left - 66)?;
            canvas.key(Key::Line, (MARGIN, y), row.color)?;
            canvas.write(&label, (MARGIN + 36, y), HPos::Left, &text(NOTE, INK))?;
            for month in &axes.x_ticks.positions {
                let wanted = month.round() as i32;
                let at = row.months.iter().position(|month| *month == wanted);
                if let Some(number) = at.and_then(|index| row.counts.get(index)) {
                    let x = self.context.backend_coord(&(*month, axes.y.start)).0;
                    canvas.write(&count(*number), (x, y), HPos::Center, &text(NOTE, INK))?;
                }
            }
        }
        Ok(())
    }

    /// The nearest point inside the axes: the drawing library overflows far outside of them.
    fn inside(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (x.clamp(self.x.start, self.x.end), y.clamp(self.y.start, self.y.end))
    }

    /// A line through the points, broken where one is missing.
    pub(super) fn line(&mut self, x: &[f64], y: &[f64], color: RGBColor, width: u32) -> Painted {
        let points: Vec<_> = x.iter().copied().zip(y.iter().copied()).collect();
        let runs = points.split(|(_, y)| !drawable(*y)).filter(|run| run.len() > 1);
        let style = color.stroke_width(width);
        let paths: Vec<_> = runs
            .map(|run| run.iter().map(|point| self.inside(*point)).collect::<Vec<_>>())
            .map(|run| PathElement::new(run, style))
            .collect();
        self.context.draw_series(paths).map(|_| ())
    }

    /// The area between two lines, broken where one of them is missing.
    pub(super) fn band(
        &mut self,
        x: &[f64],
        low: &[f64],
        high: &[f64],
        color: RGBColor,
    ) -> Painted {
        let edges = low.iter().copied().zip(high.iter().copied());
        let points: Vec<_> = x.iter().copied().zip(edges).collect();
        let runs = points.split(|(_, (low, high))| !drawable(*low) || !drawable(*high));
        let outline = |run: &[(f64, (f64, f64))]| {
            let above = run.iter().map(|(x, (_, high))| self.inside((*x, *high)));
            let below = run.iter().rev().map(|(x, (low, _))| self.inside((*x, *low)));
            Polygon::new(above.chain(below).collect::<Vec<_>>(), color.mix(0.2).filled())
        };
        let areas: Vec<_> = runs.filter(|run| run.len() > 1).map(outline).collect();
        self.context.draw_series(areas).map(|_| ())
    }

    /// A dot with its interval.
    pub(super) fn estimate(
        &mut self,
        x: f64,
        y: f64,
        interval: (f64, f64),
        color: RGBColor,
    ) -> Painted {
        let (low, high) = interval;
        if drawable(low) && drawable(high) {
            let whisker = PathElement::new(
                vec![self.inside((x, low)), self.inside((x, high))],
                color.stroke_width(3),
            );
            self.context.draw_series([whisker])?;
        }
        if drawable(y) {
            self.context.draw_series([Circle::new(self.inside((x, y)), 6, color.filled())])?;
        }
        Ok(())
    }

    /// A straight thin line from one point to another.
    pub(super) fn rule(&mut self, from: (f64, f64), to: (f64, f64), color: RGBColor) -> Painted {
        if ![from.0, from.1, to.0, to.1].into_iter().all(drawable) {
            return Ok(());
        }
        let rule =
            PathElement::new(vec![self.inside(from), self.inside(to)], color.stroke_width(1));
        self.context.draw_series([rule]).map(|_| ())
    }

    /// Pixel of a point.
    pub(super) fn pixel(&self, x: f64, y: f64) -> (i32, i32) {
        self.context.backend_coord(&self.inside((x, y)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_ticks_are_round_and_inside() {
        let ticks = Ticks::round(&(-0.13..0.42), 6);
        assert_eq!(ticks.positions.len(), 6);
        assert!((ticks.step - 0.1).abs() < 1e-12);
        assert_eq!(ticks.label(ticks.positions[0]), "−0.1");
    }

    #[test]
    fn months_step_by_quarters_and_years() {
        assert_eq!(Ticks::months(&(-12.0..12.0)).positions.len(), 13);
        assert!((Ticks::months(&(0.0..36.0)).step - 3.0).abs() < 1e-12);
        assert!((Ticks::months(&(0.0..61.0)).step - 6.0).abs() < 1e-12);
    }

    #[test]
    fn ranges_of_nothing_and_of_constants_have_width() {
        assert_eq!(padded([]), 0.0..1.0);
        assert_eq!(padded([f64::NAN, f64::INFINITY, 1e300]), 0.0..1.0);
        assert_eq!(padded([0.0, 0.0]), -1.0..1.0);
        assert_eq!(padded([4.0]), 2.0..6.0);
        assert_eq!(month_range(&[]), 0.0..1.0);
    }
}
