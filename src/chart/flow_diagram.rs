//! The interaction process flow as boxes and arrows.

use plotters::element::{PathElement, Polygon, Rectangle};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor};

use super::canvas::{
    BLUE, Canvas, Caption, GRID, INK, LABEL, MARGIN, MUTED, PALE, PAPER, Painted, VERMILLION, bold,
    picture, text,
};
use super::{Chart, ChartError, ChartTable, percent, three_digits};
use crate::flow::{Flow, Level, LevelIndex};
use crate::ids::TypeIndex;
use crate::interaction::Stage;

/// Draws the flow: levels as boxes in the columns of the three stages, triggers as arrows.
///
/// A box says what the level's own interactions are worth on average, which share of them has a
/// negative value, and how often a step is the last one.
///
/// # Errors
///
/// `Font` and `Draw` when drawing fails.
pub fn flow_diagram(flow: &Flow) -> Result<Chart, ChartError> {
    draw(&Diagram::of(flow))
}

const NAME: &str = "flow_diagram";

/// What is drawn of a flow.
#[derive(Debug, Clone, PartialEq)]
struct Diagram {
    levels: Vec<LevelBox>,
    moves: Vec<Move>,
}

/// A level as a box.
#[derive(Debug, Clone, PartialEq)]
struct LevelBox {
    name: String,
    stage: Stage,
    mean_rv: f64,
    negative_share: f64,
    exits: Vec<(String, f64)>,
    /// Who begins here, if anybody does.
    start: Option<String>,
}

/// A trigger as an arrow.
#[derive(Debug, Clone, PartialEq)]
struct Move {
    from: usize,
    to: usize,
    /// Probability per step of the level it leaves.
    probability: f64,
    triggers: Vec<String>,
}

impl Diagram {
    fn of(flow: &Flow) -> Self {
        let levels = flow.levels().iter().enumerate();
        let boxes = levels.map(|(index, level)| level_box(flow, index, level)).collect();
        let levels = flow.levels().iter().enumerate();
        let moves = levels.flat_map(|(index, level)| moves(flow, index, level)).collect();
        Self { levels: boxes, moves }
    }
}

fn level_box(flow: &Flow, index: usize, level: &Level) -> LevelBox {
    let rv = |kind: TypeIndex| flow.catalogue().entries()[usize::from(kind.0)].worth.rv;
    let negative = level.mix.iter().filter(|(kind, _)| rv(*kind) < 0.0);
    LevelBox {
        name: level.name.clone(),
        stage: level.stage,
        mean_rv: level.mix.iter().map(|(kind, probability)| probability * rv(*kind)).sum(),
        negative_share: negative.map(|(_, probability)| probability).sum(),
        exits: level.exits.iter().map(|e| (e.reason.clone(), e.probability)).collect(),
        start: start(flow, LevelIndex(index as u16)),
    }
}

fn start(flow: &Flow, index: LevelIndex) -> Option<String> {
    if index == flow.retention_entry() {
        return Some("start".to_owned());
    }
    let entry = flow.entry().iter().find(|(level, _)| *level == index);
    entry.map(|(_, share)| format!("start {}", percent(*share)))
}

/// One arrow per level that a trigger leads to, counting the level's own types and the answers.
fn moves(flow: &Flow, from: usize, level: &Level) -> Vec<Move> {
    let share = |kind: TypeIndex| -> f64 {
        level.mix.iter().filter(|(other, _)| *other == kind).map(|(_, p)| p).sum()
    };
    let own = level.mix.iter().copied();
    let answers = level.follow_ups.iter().map(|f| (f.then, share(f.after) * f.probability));
    let mut moves: Vec<Move> = Vec::new();
    for (kind, probability) in own.chain(answers) {
        let Some(to) = flow.trigger(kind).map(|level| usize::from(level.0)) else { continue };
        if to == from {
            continue;
        }
        let name = flow.catalogue().entries()[usize::from(kind.0)].interaction_type.clone();
        match moves.iter_mut().find(|known| known.to == to) {
            Some(known) => {
                known.probability += probability;
                if !known.triggers.contains(&name) {
                    known.triggers.push(name);
                }
            }
            None => moves.push(Move { from, to, probability, triggers: vec![name] }),
        }
    }
    moves
}

fn draw(diagram: &Diagram) -> Result<Chart, ChartError> {
    let title = title(diagram);
    let alt = alt(diagram, &title);
    let note = "Boxes: mean relative value of a step, share of steps with a negative value, share \
                of steps that end the walk; start: where prospects (with share) and new customers \
                begin. Arrows: share of steps that lead on (blue) or back (vermillion).";
    let caption = Caption { name: NAME, title: &title, alt: &alt, note, simulated: false };
    let svg = picture(&caption, |canvas| paint(diagram, canvas))?;
    Ok(Chart { name: NAME.to_owned(), svg, table: table(diagram), alt, title })
}

fn title(diagram: &Diagram) -> String {
    let plural =
        |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let exits = diagram.levels.iter().map(|level| level.exits.len()).sum();
    format!(
        "Interaction process flow: {}, {}, {}",
        plural(diagram.levels.len(), "level", "levels"),
        plural(diagram.moves.len(), "move", "moves"),
        plural(exits, "way out", "ways out")
    )
}

fn alt(diagram: &Diagram, title: &str) -> String {
    let levels = diagram.levels.iter().map(|level| {
        format!("{} ({}, mean RV {})", level.name, level.stage, three_digits(level.mean_rv))
    });
    let moves = diagram.moves.iter().map(|arrow| {
        let (from, to) = (&diagram.levels[arrow.from].name, &diagram.levels[arrow.to].name);
        format!("{from} to {to} {}", percent(arrow.probability))
    });
    format!(
        "Boxes and arrows. {title}. Levels: {}. Moves per step: {}.",
        levels.collect::<Vec<_>>().join("; "),
        moves.collect::<Vec<_>>().join("; ")
    )
}

/// Corners of every box: upper left, lower right.
type Corners = [(i32, i32); 2];

const BOX_WIDTH: i32 = 216;
/// From the left of one column to the left of the next; arrows run in between.
const PITCH: i32 = BOX_WIDTH + 100;

fn layout(diagram: &Diagram, top: i32, bottom: i32) -> Vec<Corners> {
    let mut next = [0; 3];
    let column = |stage: Stage| Stage::ALL.iter().position(|s| *s == stage).unwrap_or(0);
    let number = |c: usize| diagram.levels.iter().filter(|l| column(l.stage) == c).count() as i32;
    let corners = diagram.levels.iter().map(|level| {
        let c = column(level.stage);
        let slot = (bottom - top) / number(c);
        let height = (slot - 20).clamp(26, 86);
        let y = top + slot * next[c] + (slot - height) / 2;
        next[c] += 1;
        let x = MARGIN + PITCH * c as i32;
        [(x, y), (x + BOX_WIDTH, y + height)]
    });
    corners.collect()
}

fn paint(diagram: &Diagram, canvas: &mut Canvas<'_>) -> Painted {
    if diagram.levels.is_empty() {
        return canvas.nothing("the flow has no levels");
    }
    for (column, stage) in Stage::ALL.into_iter().enumerate() {
        let x = MARGIN + PITCH * column as i32;
        let band = [(x - 10, canvas.top), (x + BOX_WIDTH + 10, canvas.bottom)];
        canvas.root.draw(&Rectangle::new(band, PALE.filled()))?;
        let middle = (x + BOX_WIDTH / 2, canvas.top + 14);
        canvas.write(stage.name(), middle, HPos::Center, &bold(LABEL, MUTED))?;
    }
    let corners = layout(diagram, canvas.top + 22, canvas.bottom - 2);
    let curves: Vec<_> = diagram
        .moves
        .iter()
        .enumerate()
        .map(|(position, arrow)| (arrow, curve(diagram, &corners, position)))
        .collect();
    for (arrow, points) in &curves {
        paint_arrow(points, color(arrow), canvas)?;
    }
    for (level, corners) in diagram.levels.iter().zip(&corners) {
        paint_box(level, *corners, canvas)?;
    }
    let mut taken = corners;
    for (arrow, points) in &curves {
        paint_share(arrow, points, &mut taken, canvas)?;
    }
    Ok(())
}

fn color(arrow: &Move) -> RGBColor {
    if arrow.to > arrow.from { BLUE } else { VERMILLION }
}

/// Points of an arrow from box to box; arrows of the same level leave at different heights.
fn curve(diagram: &Diagram, corners: &[Corners], position: usize) -> Vec<(i32, i32)> {
    let arrow = &diagram.moves[position];
    let ([a, b], [c, d]) = (corners[arrow.from], corners[arrow.to]);
    let leaves = spread(diagram, position, |m| m.from == arrow.from);
    let arrives = spread(diagram, position, |m| m.to == arrow.to);
    let height = |(low, high): (i32, i32), share: f64| low + (f64::from(high - low) * share) as i32;
    let (start, end) = (height((a.1, b.1), leaves), height((c.1, d.1), arrives));
    let width = |share: f64| a.0 + (f64::from(BOX_WIDTH) * share) as i32;
    if a.0 < c.0 {
        bend((b.0, start), (c.0, end), 60)
    } else if a.0 > c.0 {
        bend((a.0, start), (d.0, end), -60)
    } else if c.1 > b.1 && c.1 - b.1 < 60 {
        vec![(width(0.35), b.1), (width(0.35), c.1)]
    } else if a.1 > d.1 && a.1 - d.1 < 60 {
        vec![(width(0.65), a.1), (width(0.65), d.1)]
    } else {
        bow((b.0, start), (d.0, end))
    }
}

/// Where among its like an arrow touches the side of a box, as a share of its height.
fn spread(diagram: &Diagram, position: usize, like: impl Fn(&Move) -> bool) -> f64 {
    let alike: Vec<_> = (0..diagram.moves.len()).filter(|i| like(&diagram.moves[*i])).collect();
    let rank = alike.iter().position(|i| *i == position).unwrap_or(0);
    (rank as f64 + 1.0) / (alike.len() as f64 + 1.0)
}

/// A smooth line that leaves and arrives horizontally.
fn bend(from: (i32, i32), to: (i32, i32), reach: i32) -> Vec<(i32, i32)> {
    cubic([from, (from.0 + reach, from.1), (to.0 - reach, to.1), to])
}

/// A smooth line out to the right and back.
fn bow(from: (i32, i32), to: (i32, i32)) -> Vec<(i32, i32)> {
    cubic([from, (from.0 + 70, from.1), (to.0 + 70, to.1), to])
}

fn cubic(control: [(i32, i32); 4]) -> Vec<(i32, i32)> {
    let at = |t: f64| {
        let weights = [
            (1.0 - t).powi(3),
            3.0 * t * (1.0 - t).powi(2),
            3.0 * t.powi(2) * (1.0 - t),
            t.powi(3),
        ];
        let sum = |part: fn(&(i32, i32)) -> i32| {
            let terms = control.iter().zip(weights).map(|(p, w)| f64::from(part(p)) * w);
            terms.sum::<f64>().round() as i32
        };
        (sum(|p| p.0), sum(|p| p.1))
    };
    (0..=24).map(|step| at(f64::from(step) / 24.0)).collect()
}

fn paint_arrow(points: &[(i32, i32)], color: RGBColor, canvas: &Canvas<'_>) -> Painted {
    canvas.root.draw(&PathElement::new(points.to_vec(), color.stroke_width(2)))?;
    let [.., before, tip] = points else { return Ok(()) };
    let (dx, dy) = (f64::from(tip.0 - before.0), f64::from(tip.1 - before.1));
    let length = dx.hypot(dy).max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    let side = |sign: f64| {
        let x = f64::from(tip.0) - 11.0 * ux - sign * 5.0 * uy;
        let y = f64::from(tip.1) - 11.0 * uy + sign * 5.0 * ux;
        (x.round() as i32, y.round() as i32)
    };
    canvas.root.draw(&Polygon::new(vec![*tip, side(1.0), side(-1.0)], color.filled()))
}

fn paint_box(level: &LevelBox, [upper, lower]: Corners, canvas: &Canvas<'_>) -> Painted {
    canvas.root.draw(&Rectangle::new([upper, lower], PAPER.filled()))?;
    canvas.root.draw(&Rectangle::new([upper, lower], MUTED.stroke_width(1)))?;
    let exit: f64 = level.exits.iter().map(|(_, probability)| probability).sum();
    let mut lines = vec![
        format!("RV {} · {} negative", three_digits(level.mean_rv), percent(level.negative_share)),
        format!("last step {}", percent(exit)),
    ];
    lines.truncate(((lower.1 - upper.1 - 22) / 17).max(0) as usize);
    let (x, mut y) = (upper.0 + 10, i32::midpoint(upper.1, lower.1) - 8 * lines.len() as i32);
    let (head, body) = (bold(HEAD, INK), text(BODY, INK));
    let mut width = BOX_WIDTH - 20;
    if let Some(start) = &level.start {
        let style = text(BODY, MUTED);
        canvas.write(start, (lower.0 - 8, y), HPos::Right, &style)?;
        width -= canvas.width(start, &style)? + 6;
    }
    let name = canvas.shorten(&level.name, &head, width)?;
    canvas.write(&name, (x, y), HPos::Left, &head)?;
    for line in &lines {
        y += 17;
        let line = canvas.shorten(line, &body, BOX_WIDTH - 20)?;
        canvas.write(&line, (x, y), HPos::Left, &body)?;
    }
    Ok(())
}

/// Heights of text in and between the boxes.
const HEAD: i32 = 19;
const BODY: i32 = 16;

/// Writes an arrow's share where it covers no box and no other share, if there is such a place.
fn paint_share(
    arrow: &Move,
    points: &[(i32, i32)],
    taken: &mut Vec<Corners>,
    canvas: &Canvas<'_>,
) -> Painted {
    let style = text(BODY, INK);
    let words = percent(arrow.probability);
    let half = canvas.width(&words, &style)? / 2 + 2;
    let around = |(x, y): (i32, i32)| [(x - half, y - 9), (x + half, y + 9)];
    let places: Vec<_> = match points {
        [from, to] => vec![(from.0 + half + 6, i32::midpoint(from.1, to.1))],
        _ => [8, 12, 16, 5, 10, 14, 19].iter().filter_map(|i| points.get(*i).copied()).collect(),
    };
    let free = |place: &&(i32, i32)| !taken.iter().any(|other| overlap(*other, around(**place)));
    let Some(&place) = places.iter().find(free).or(places.first()) else { return Ok(()) };
    canvas.root.draw(&Rectangle::new(around(place), GRID.filled()))?;
    taken.push(around(place));
    canvas.write(&words, place, HPos::Center, &style)
}

fn overlap([a, b]: Corners, [c, d]: Corners) -> bool {
    a.0 < d.0 && c.0 < b.0 && a.1 < d.1 && c.1 < b.1
}

fn table(diagram: &Diagram) -> ChartTable {
    let mut table = ChartTable::new(&["from", "to", "share of steps", "by"]);
    for arrow in &diagram.moves {
        table.rows.push(vec![
            diagram.levels[arrow.from].name.as_str().into(),
            diagram.levels[arrow.to].name.as_str().into(),
            arrow.probability.into(),
            arrow.triggers.join(", ").as_str().into(),
        ]);
    }
    for level in &diagram.levels {
        for (reason, probability) in &level.exits {
            table.rows.push(vec![
                level.name.as_str().into(),
                "out".into(),
                (*probability).into(),
                reason.as_str().into(),
            ]);
        }
    }
    table
}
