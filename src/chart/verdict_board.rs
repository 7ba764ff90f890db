//! Hypothesis × rung, the informative world beside the irrelevant one.

use plotters::element::Rectangle;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor};

use super::canvas::{
    BLUE, Canvas, Caption, INK, LABEL, MARGIN, MUTED, NOTE, PALE, PAPER, Painted, VERMILLION,
    WIDTH, bold, picture, text,
};
use super::{Chart, ChartError, ChartTable};
use crate::hypothesis::{Decision, Rung, Verdict};

/// The verdicts on one data set.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardColumn {
    /// World of a simulation, or name of the log.
    pub world: String,
    /// Its verdicts.
    pub verdicts: Vec<Verdict>,
}

/// What [`verdict_board`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct VerdictBoardData {
    /// Data sets side by side; the first two are drawn, all are in the table.
    pub worlds: Vec<BoardColumn>,
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Draws which rungs of the evidence ladder each hypothesis passed in each data set.
///
/// # Errors
///
/// `Font` and `Draw` when drawing fails.
pub fn verdict_board(data: &VerdictBoardData) -> Result<Chart, ChartError> {
    let title = title(data);
    let alt = alt(data, &title);
    let note = "Each rung is judged alone. A hypothesis is supported without further words only \
                when the score adds to the baselines; a comparison of groups or scores, when it is \
                robust.";
    let caption = Caption { name: NAME, title: &title, alt: &alt, note, simulated: data.simulated };
    let svg = picture(&caption, |canvas| paint(data, canvas))?;
    Ok(Chart { name: NAME.to_owned(), svg, table: table(data), alt, title })
}

const NAME: &str = "verdict_board";

const RUNGS: [Rung; 4] = [Rung::Associated, Rung::Leads, Rung::AddsToBaselines, Rung::Robust];

fn decision_words(decision: Option<Decision>) -> &'static str {
    match decision {
        Some(Decision::Supported) => "supported",
        Some(Decision::Contradicted) => "contradicted",
        Some(Decision::Inconclusive) => "inconclusive",
        None => "not judged",
    }
}

fn title(data: &VerdictBoardData) -> String {
    let counts = data.worlds.iter().map(|column| {
        let supported = column.verdicts.iter().filter(|v| is_supported(v)).count();
        format!("{supported} of {} in {}", column.verdicts.len(), column.world)
    });
    let counts: Vec<_> = counts.collect();
    if counts.is_empty() {
        return "No hypothesis was judged".to_owned();
    }
    format!("Hypotheses supported: {}", counts.join(", "))
}

fn is_supported(verdict: &Verdict) -> bool {
    verdict.verdict == Decision::Supported && verdict.rung >= Some(Rung::AddsToBaselines)
}

fn alt(data: &VerdictBoardData, title: &str) -> String {
    let verdicts = data.worlds.iter().flat_map(|column| {
        column.verdicts.iter().map(move |verdict| {
            let decision = decision_words(Some(verdict.verdict));
            format!("{} in {}: {decision}", verdict.hypothesis, column.world)
        })
    });
    format!("Grid of hypotheses and rungs. {title}. {}.", verdicts.collect::<Vec<_>>().join("; "))
}

/// Hypotheses in order of first appearance.
fn hypotheses(data: &VerdictBoardData) -> Vec<&Verdict> {
    let mut all: Vec<&Verdict> = Vec::new();
    for verdict in data.worlds.iter().flat_map(|column| &column.verdicts) {
        if !all.iter().any(|known| known.hypothesis == verdict.hypothesis) {
            all.push(verdict);
        }
    }
    all
}

fn decision(column: &BoardColumn, hypothesis: &str, rung: Rung) -> Option<Decision> {
    let verdict = column.verdicts.iter().find(|v| v.hypothesis == hypothesis)?;
    verdict.rungs.iter().find(|r| r.rung == rung).map(|r| r.decision)
}

/// Where the cells of the grid lie.
struct Grid {
    left: i32,
    top: i32,
    cell: i32,
    row: i32,
}

const GAP_BETWEEN_WORLDS: i32 = 20;

/// Height of a row in which a claim can be read.
const ROOM_FOR_A_CLAIM: i32 = 44;

impl Grid {
    fn x(&self, world: usize, rung: usize) -> i32 {
        let cells = (RUNGS.len() * world + rung) as i32;
        self.left + cells * self.cell + world as i32 * GAP_BETWEEN_WORLDS
    }

    fn y(&self, row: usize) -> i32 {
        self.top + row as i32 * self.row
    }
}

fn paint(data: &VerdictBoardData, canvas: &mut Canvas<'_>) -> Painted {
    let rows = hypotheses(data);
    let worlds = &data.worlds[..data.worlds.len().min(2)];
    if rows.is_empty() {
        return canvas.nothing("no hypothesis was judged");
    }
    let left = 240;
    let gaps = (worlds.len() as i32 - 1) * GAP_BETWEEN_WORLDS;
    let top = canvas.top + 76;
    let room = canvas.bottom - top;
    let shown = rows.len().min((room / 24) as usize);
    let grid = Grid {
        left,
        top,
        cell: ((WIDTH - MARGIN - left - gaps) / (RUNGS.len() * worlds.len()) as i32).min(150),
        row: (room / shown as i32).min(66),
    };
    heads(worlds, &grid, canvas)?;
    for (row, verdict) in rows.iter().take(shown).enumerate() {
        let hypothesis = verdict.hypothesis.as_str();
        // A thin row has no room for a sentence.
        let words = if grid.row < ROOM_FOR_A_CLAIM { &verdict.title } else { &verdict.claim };
        claim_words(hypothesis, words, &grid, row, canvas)?;
        for (position, column) in worlds.iter().enumerate() {
            for (step, rung) in RUNGS.into_iter().enumerate() {
                let corner = (grid.x(position, step), grid.y(row));
                cell(decision(column, hypothesis, rung), corner, &grid, canvas)?;
            }
        }
    }
    if shown < rows.len() {
        let more = format!("{} more in the table", rows.len() - shown);
        canvas.write(&more, (WIDTH - MARGIN, top - 66), HPos::Right, &text(NOTE, MUTED))?;
    }
    Ok(())
}

fn heads(worlds: &[BoardColumn], grid: &Grid, canvas: &Canvas<'_>) -> Painted {
    for (position, column) in worlds.iter().enumerate() {
        let width = RUNGS.len() as i32 * grid.cell;
        let middle = grid.x(position, 0) + width / 2;
        let name = canvas.shorten(&column.world, &bold(LABEL, INK), width)?;
        canvas.write(&name, (middle, grid.top - 60), HPos::Center, &bold(LABEL, INK))?;
        for (step, rung) in RUNGS.into_iter().enumerate() {
            let style = text(NOTE, MUTED);
            let lines = canvas.wrap(rung.words(), &style, grid.cell - 4, 2)?;
            for (line, words) in lines.iter().rev().enumerate() {
                let at = (grid.x(position, step) + grid.cell / 2, grid.top - 14 - 18 * line as i32);
                canvas.write(words, at, HPos::Center, &style)?;
            }
        }
    }
    Ok(())
}

fn claim_words(
    hypothesis: &str,
    claim: &str,
    grid: &Grid,
    row: usize,
    canvas: &Canvas<'_>,
) -> Painted {
    let middle = grid.y(row) + grid.row / 2 - 2;
    let head = canvas.shorten(hypothesis, &bold(LABEL, INK), 60)?;
    canvas.write(&head, (MARGIN, middle), HPos::Left, &bold(LABEL, INK))?;
    let start = MARGIN + canvas.width(&head, &bold(LABEL, INK))? + 10;
    let most = ((grid.row - 4) / 19).clamp(1, 3) as usize;
    let lines = canvas.wrap(claim, &text(NOTE, INK), grid.left - start - 12, most)?;
    let first = middle - 19 * (lines.len() as i32 - 1) / 2;
    for (line, words) in lines.iter().enumerate() {
        let at = (start, first + 19 * line as i32);
        canvas.write(words, at, HPos::Left, &text(NOTE, INK))?;
    }
    Ok(())
}

fn cell(
    decision: Option<Decision>,
    (x, y): (i32, i32),
    grid: &Grid,
    canvas: &Canvas<'_>,
) -> Painted {
    let (fill, ink): (RGBColor, RGBColor) = match decision {
        Some(Decision::Supported) => (BLUE, PAPER),
        Some(Decision::Contradicted) => (VERMILLION, INK),
        Some(Decision::Inconclusive) => (PALE, INK),
        None => (PAPER, MUTED),
    };
    let corners = [(x + 2, y), (x + grid.cell - 2, y + grid.row - 4)];
    canvas.root.draw(&Rectangle::new(corners, fill.filled()))?;
    let style = text(NOTE, ink);
    let words = decision_words(decision);
    let words = if canvas.width(words, &style)? <= grid.cell - 6 { words } else { sign(decision) };
    let middle = (x + grid.cell / 2, y + grid.row / 2 - 2);
    canvas.write(words, middle, HPos::Center, &style)
}

/// Short form for narrow cells: the colour never speaks alone.
fn sign(decision: Option<Decision>) -> &'static str {
    match decision {
        Some(Decision::Supported) => "yes",
        Some(Decision::Contradicted) => "no",
        Some(Decision::Inconclusive) => "open",
        None => "–",
    }
}

fn table(data: &VerdictBoardData) -> ChartTable {
    let mut headers = vec!["world", "hypothesis"];
    headers.extend(RUNGS.map(Rung::words));
    headers.push("verdict");
    let mut table = ChartTable::new(&headers);
    for column in &data.worlds {
        for verdict in &column.verdicts {
            let mut row = vec![column.world.as_str().into(), verdict.hypothesis.as_str().into()];
            row.extend(
                RUNGS
                    .map(|rung| decision_words(decision(column, &verdict.hypothesis, rung)).into()),
            );
            row.push(decision_words(Some(verdict.verdict)).into());
            table.rows.push(row);
        }
    }
    table
}
