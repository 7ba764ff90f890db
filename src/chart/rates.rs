//! How often tests reject where the truth is known, by hypothesis.

use plotters::style::text_anchor::HPos;

use super::canvas::{
    BLUE, Canvas, Caption, INK, Key, LABEL, MUTED, ORANGE, Painted, picture, text,
};
use super::plot::{Axes, Ticks, plot};
use super::{Chart, ChartError, ChartTable};

/// How often one test rejects in one setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    /// Hypothesis, such as `H1`.
    pub hypothesis: String,
    /// Rung, in words.
    pub rung: String,
    /// World.
    pub world: String,
    /// Accounts of each cohort.
    pub accounts: u32,
    /// Whether the cell is true: finds are wanted; else rejections are false alarms.
    pub truth: bool,
    /// Share of cohorts on which the test rejects.
    pub rate: f64,
    /// Its 95 % Monte-Carlo interval.
    pub interval: (f64, f64),
    /// Whether the rate is inside its band.
    pub holds: bool,
}

/// Draws each rate as a dot with its 95 % Monte-Carlo interval, false cells left of the hypothesis's name and
/// true ones right of it, in the order given.
///
/// # Errors
///
/// `Font` and `Draw` when drawing fails.
pub fn rates(rates: &[Rate]) -> Result<Chart, ChartError> {
    let title = title(rates);
    let alt =
        format!("Dots of rejection rates by hypothesis, with lines at 5 % and 50 %. {title}.");
    let note = "One dot: one test in one world at one number of accounts, with its 95 % Monte-Carlo interval. A \
                false cell is inside its band when it is not significantly above 5 % (13 % with slope shocks), a true one \
                when it is not significantly below 50 %. Worlds, rungs and \
                accounts of each dot: in the tables of the page.";
    let caption = Caption { name: NAME, title: &title, alt: &alt, note, simulated: false };
    let svg = picture(&caption, |canvas| paint(rates, canvas))?;
    Ok(Chart { name: NAME.to_owned(), svg, table: table(rates), alt, title })
}

const NAME: &str = "rates";

fn title(rates: &[Rate]) -> String {
    let inside = |truth: bool| {
        let of: Vec<&Rate> = rates.iter().filter(|rate| rate.truth == truth).collect();
        (of.iter().filter(|rate| rate.holds).count(), of.len())
    };
    let ((quiet, of_false), (found, of_true)) = (inside(false), inside(true));
    format!(
        "Inside their bands: {quiet} of {of_false} tests where nothing is true, {found} of {of_true} where something is"
    )
}

/// Hypotheses in the order in which they come.
fn hypotheses(rates: &[Rate]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for rate in rates {
        if !names.contains(&rate.hypothesis.as_str()) {
            names.push(&rate.hypothesis);
        }
    }
    names
}

fn paint(rates: &[Rate], canvas: &mut Canvas<'_>) -> Painted {
    let names = hypotheses(rates);
    if names.is_empty() {
        return canvas.nothing("no rates to show");
    }
    canvas.legend(&[("false cells", ORANGE, Key::Dot), ("true cells", BLUE, Key::Dot)])?;
    let (x, y) = (0.4..names.len() as f64 + 0.6, 0.0..1.02);
    let axes = Axes {
        x_ticks: Ticks { positions: Vec::new(), step: 1.0, percent: false },
        y_ticks: Ticks::round(&y, 10).percent(),
        x_label: "",
        y_label: "Cohorts on which the test rejects",
        x: x.clone(),
        y: y.clone(),
    };
    let mut plot = plot(canvas, &axes, &[])?;
    for level in [0.05, 0.5] {
        plot.rule((x.start, level), (x.end, level), MUTED)?;
    }
    for (name, place) in names.into_iter().zip(1..) {
        let place = f64::from(place);
        for (truth, side, color) in [(false, -0.42, ORANGE), (true, 0.06, BLUE)] {
            let of = |rate: &&Rate| rate.hypothesis == name && rate.truth == truth;
            let marks: Vec<&Rate> = rates.iter().filter(of).collect();
            for (position, mark) in marks.iter().enumerate() {
                let across = 0.36 * (position as f64 + 0.5) / marks.len() as f64;
                plot.estimate(place + side + across, mark.rate, mark.interval, color)?;
            }
        }
        let (left, bottom) = plot.pixel(place, y.start);
        canvas.write(name, (left, bottom + 18), HPos::Center, &text(LABEL, INK))?;
    }
    Ok(())
}

fn table(rates: &[Rate]) -> ChartTable {
    let mut table = ChartTable::new(&[
        "hypothesis",
        "rung",
        "world",
        "accounts",
        "truth",
        "rate",
        "low",
        "high",
        "inside",
    ]);
    for rate in rates {
        table.rows.push(vec![
            rate.hypothesis.as_str().into(),
            rate.rung.as_str().into(),
            rate.world.as_str().into(),
            f64::from(rate.accounts).into(),
            if rate.truth { "true" } else { "false" }.into(),
            rate.rate.into(),
            rate.interval.0.into(),
            rate.interval.1.into(),
            if rate.holds { "yes" } else { "no" }.into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_counts_what_is_inside_its_band() {
        let rate = |truth: bool, rate: f64, holds: bool| Rate {
            hypothesis: "H1".to_owned(),
            rung: "associated".to_owned(),
            world: "mirror".to_owned(),
            accounts: 200,
            truth,
            rate,
            interval: (rate - 0.02, rate + 0.02),
            holds,
        };
        let all = [rate(false, 0.04, true), rate(true, 0.7, true), rate(true, 0.2, false)];
        let chart = rates(&all).unwrap();
        assert_eq!(
            chart.title,
            "Inside their bands: 1 of 1 tests where nothing is true, 1 of 2 where something is"
        );
        assert_eq!(chart.table.rows.len(), 3);
        assert!(rates(&[]).unwrap().svg.contains("no rates to show"));
    }
}
