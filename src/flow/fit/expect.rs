//! Expectation: which rows are steps of the walk and which are answers, given a model.
//!
//! A row is a *step* (it was drawn from the mix when a wait ended, and the next wait starts with
//! it) or an *answer* to an earlier row (the wait in progress goes on). Where both are possible,
//! all ways of reading a record are weighed by their likelihood: a path through a lattice whose
//! nodes are the rows at which the clock started anew. What may answer what is no path: the lattice
//! and the [`matching`](super::matching) of answers to questions are solved in turn, each with what
//! the other says of a row (Bethe's approximation of the joint likelihood).

use super::law::{Law, Waits};
use super::levels::{Event, Path};
use super::matching::{Link, settle};
use crate::time::Instant;

/// Shorter waits count as this \[days\]: the simulator knows no shorter ones either.
pub(super) const SHORTEST_DAYS: f64 = 1e-3;

/// Readings less likely than the best by this factor (in logs) are dropped.
const DROP: f64 = 20.0;

/// After one type, maybe another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rule {
    pub(super) level: u16,
    pub(super) after: u16,
    pub(super) then: u16,
    pub(super) probability: f64,
    pub(super) wait: Law,
}

/// A flow as numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Model {
    /// By level and type; 0 for types of another stage.
    pub(super) mixes: Vec<Vec<f64>>,
    pub(super) waits: Vec<Law>,
    pub(super) exits: Vec<f64>,
    pub(super) rules: Vec<Rule>,
    /// By type: the rules that it may answer.
    pub(super) by_answer: Vec<Vec<usize>>,
}

/// Expected counts of a complete reading.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tally {
    pub(super) mixes: Vec<Vec<f64>>,
    pub(super) waits: Vec<Waits>,
    pub(super) exits: Vec<f64>,
    /// By rule: times until the answer; censored where it may still come.
    pub(super) lags: Vec<Waits>,
    /// By rule: rows that could be answered.
    pub(super) asked: Vec<f64>,
    /// By rule: Σ w (1 − w) over possible answers of weight w: how unsure their number is.
    pub(super) unsure: Vec<f64>,
}

impl Tally {
    pub(super) fn new(model: &Model) -> Self {
        let (levels, rules) = (model.waits.len(), model.rules.len());
        Self {
            mixes: vec![vec![0.0; model.by_answer.len()]; levels],
            waits: vec![Waits::default(); levels],
            exits: vec![0.0; levels],
            lags: vec![Waits::default(); rules],
            asked: vec![0.0; rules],
            unsure: vec![0.0; rules],
        }
    }

    /// Adds what another part of the log showed.
    pub(super) fn add(&mut self, other: Self) {
        for (own, other) in self.mixes.iter_mut().zip(&other.mixes) {
            add(own, other);
        }
        add(&mut self.exits, &other.exits);
        add(&mut self.asked, &other.asked);
        add(&mut self.unsure, &other.unsure);
        let waits = self.waits.iter_mut().zip(other.waits);
        for (own, other) in waits.chain(self.lags.iter_mut().zip(other.lags)) {
            own.complete.extend(other.complete);
            own.censored.extend(other.censored);
        }
    }
}

fn add(own: &mut [f64], other: &[f64]) {
    for (own, other) in own.iter_mut().zip(other) {
        *own += other;
    }
}

/// A row seen so far, as a possible question.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Instant,
    kind: u16,
    level: u16,
}

impl Seen {
    /// Whether the row asks what `rule` answers.
    fn asks(&self, rule: &Rule) -> bool {
        self.kind == rule.after && self.level == rule.level
    }
}

/// The way from one start of the clock to the next.
#[derive(Debug, Clone, Copy)]
struct Edge {
    from: usize,
    to: usize,
    log_weight: f64,
    /// Level and length of the wait, and whether it ended; `None` when its start is unknown.
    wait: Option<(u16, f64, bool)>,
    ends_in: EndsIn,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum EndsIn {
    Step { row: usize, level: u16, kind: u16 },
    Exit { level: u16 },
    Nothing,
}

/// A reading in progress: the node at which its clock started and the log weight since.
#[derive(Debug, Clone, Copy)]
struct Open {
    node: usize,
    log_weight: f64,
    clock: Option<Instant>,
}

/// All readings of one path.
pub(super) struct Lattice<'a> {
    model: &'a Model,
    path: &'a Path,
    alphas: Vec<f64>,
    edges: Vec<Edge>,
    seen: Vec<Seen>,
    /// Possible answers, ordered by row.
    links: Vec<Link>,
    /// By row: where its links begin, and at the end their number.
    first_link: Vec<usize>,
}

/// Times that lattice and matching take turns after the first.
const TURNS: usize = 2;

impl<'a> Lattice<'a> {
    /// Builds the lattice; the log likelihood of the path is that of its last node.
    pub(super) fn new(model: &'a Model, path: &'a Path) -> Self {
        let mut lattice = Self::read(model, path, None);
        for _ in 0..TURNS {
            if lattice.links.is_empty() {
                break;
            }
            let mut links = std::mem::take(&mut lattice.links);
            let steps = lattice.step_weights(&links);
            settle(&mut links, &steps);
            lattice = Self::read(model, path, Some(&links));
        }
        lattice
    }

    /// Builds the lattice with the links as they were settled, or as if each stood alone.
    fn read(model: &'a Model, path: &'a Path, links: Option<&[Link]>) -> Self {
        let rows = path.events.len();
        let mut lattice = Self {
            model,
            path,
            alphas: vec![0.0],
            edges: Vec::with_capacity(rows + 1),
            seen: Vec::with_capacity(rows),
            links: Vec::new(),
            first_link: Vec::with_capacity(rows + 1),
        };
        lattice.build(links);
        lattice
    }

    /// Log likelihood of the path: with what the questions that stay open add to it.
    pub(super) fn log_likelihood(&self) -> f64 {
        self.walked() + self.silence()
    }

    fn walked(&self) -> f64 {
        self.alphas[self.alphas.len() - 1]
    }

    /// Log of the probability that no question is answered while it is watched.
    fn silence(&self) -> f64 {
        let open = |rule: &Rule| -> f64 {
            let asked = self.seen.iter().filter(|seen| seen.asks(rule));
            asked.map(|seen| silent(rule, self.path.end.days_since(seen.at)).ln()).sum()
        };
        self.model.rules.iter().map(open).sum()
    }

    fn build(&mut self, settled: Option<&[Link]>) {
        let mut open = vec![Open { node: 0, log_weight: 0.0, clock: self.path.clock }];
        let mut level = self.path.start_level;
        for event in &self.path.events {
            match *event {
                Event::Row { at, kind, level: here, moves } => {
                    self.link(at, kind, here, settled);
                    open = self.row(&open, at, kind, here, moves);
                    level = here;
                }
                Event::Reset { at, level: to } => {
                    let node = self.join(&open, |lattice, o| lattice.cut(o, at, level));
                    open = vec![Open { node, log_weight: 0.0, clock: Some(at) }];
                    level = to;
                }
                Event::Lost => {
                    let node = self.join(&open, |_, _| (0.0, None, EndsIn::Nothing));
                    open = vec![Open { node, log_weight: 0.0, clock: None }];
                }
            }
        }
        let level = self.path.end_level;
        let (end, left) = (self.path.end, self.path.left);
        self.join(&open, |lattice, o| {
            if !left {
                return lattice.cut(o, end, level);
            }
            let (log_weight, wait) = lattice.wait(o, end, level);
            let exit = lattice.model.exits[usize::from(level)].max(1e-12).ln();
            (log_weight + exit, wait, EndsIn::Exit { level })
        });
    }

    /// Notes a row and what it may answer.
    fn link(&mut self, at: Instant, kind: u16, level: u16, settled: Option<&[Link]>) {
        let first = self.links.len();
        self.first_link.push(first);
        match settled {
            Some(settled) => {
                let own = settled[first..].iter().take_while(|link| link.row == self.seen.len());
                self.links.extend(own);
            }
            None => self.links_of(at, kind),
        }
        self.seen.push(Seen { at, kind, level });
    }

    /// The links of a row, in any reading of it.
    fn own_links(&self, row: usize) -> &[Link] {
        let end = self.first_link.get(row + 1).copied().unwrap_or(self.links.len());
        &self.links[self.first_link[row]..end]
    }

    fn row(&mut self, open: &[Open], at: Instant, kind: u16, level: u16, moves: bool) -> Vec<Open> {
        let row = self.seen.len() - 1;
        let density: f64 = self.own_links(row).iter().map(Link::weight).sum();
        let first = row == 0 && self.path.clock.is_none();
        if first {
            // The first row of a record that was there before the log: its own wait is unknown,
            // and if its type is ever an answer, no wait is known to start with it.
            let node = self.join(open, |_, _| (0.0, None, EndsIn::Nothing));
            let known = moves || self.model.by_answer[usize::from(kind)].is_empty();
            return vec![Open { node, log_weight: 0.0, clock: known.then_some(at) }];
        }
        let share = self.model.mixes[usize::from(level)][usize::from(kind)];
        let stays = (1.0 - self.model.exits[usize::from(level)]).max(1e-12).ln();
        let mut next = Vec::new();
        if share > 0.0 {
            let ends_in = EndsIn::Step { row, level, kind };
            let node = self.join(open, |lattice, o| {
                let (log_weight, wait) = lattice.wait(o, at, level);
                (log_weight + share.ln() + stays, wait, ends_in)
            });
            next.push(Open { node, log_weight: 0.0, clock: Some(at) });
        }
        if density > 0.0 || share <= 0.0 {
            // A type that neither the mix nor a rule explains must still be somewhere.
            let answer = if density > 0.0 { density.ln() } else { 0.0 };
            if moves {
                let node = self.join(open, |lattice, o| {
                    let (log_weight, wait, ends_in) = lattice.cut(o, at, level);
                    (log_weight + answer, wait, ends_in)
                });
                next.push(Open { node, log_weight: 0.0, clock: Some(at) });
            } else {
                next.extend(open.iter().map(|o| Open { log_weight: o.log_weight + answer, ..*o }));
            }
        }
        let weight = |o: &Open| self.alphas[o.node] + o.log_weight;
        let best = next.iter().map(weight).fold(f64::NEG_INFINITY, f64::max);
        next.retain(|o| self.alphas[o.node] + o.log_weight >= best - DROP);
        next
    }

    fn links_of(&mut self, at: Instant, kind: u16) {
        let row = self.seen.len();
        for &rule_at in &self.model.by_answer[usize::from(kind)] {
            let rule = &self.model.rules[rule_at];
            let horizon = 30.0 * rule.wait.mean_days();
            for (question, seen) in self.seen.iter().enumerate().rev() {
                let lag = at.days_since(seen.at);
                if lag > horizon {
                    break;
                }
                if seen.asks(rule) {
                    let density = rule.wait.ln_density(lag.max(SHORTEST_DAYS)).exp();
                    let density = rule.probability * density;
                    if density > 1e-12 {
                        let silent = silent(rule, self.path.end.days_since(seen.at));
                        let free = silent.recip();
                        let link = Link { row, rule: rule_at, question, density, silent, free };
                        self.links.push(link);
                    }
                }
            }
        }
    }

    /// A new node that every open reading reaches, each by an edge.
    fn join(
        &mut self,
        open: &[Open],
        edge: impl Fn(&Self, &Open) -> (f64, Option<(u16, f64, bool)>, EndsIn),
    ) -> usize {
        let to = self.alphas.len();
        let first = self.edges.len();
        for o in open {
            let (log_weight, wait, ends_in) = edge(self, o);
            let log_weight = log_weight + o.log_weight;
            self.edges.push(Edge { from: o.node, to, log_weight, wait, ends_in });
        }
        let incoming =
            self.edges[first..].iter().map(|edge| self.alphas[edge.from] + edge.log_weight);
        let alpha = log_sum(incoming);
        self.alphas.push(alpha);
        to
    }

    /// A wait that ends at `at`.
    fn wait(&self, open: &Open, at: Instant, level: u16) -> (f64, Option<(u16, f64, bool)>) {
        let law = self.model.waits[usize::from(level)];
        let Some(clock) = open.clock else { return (-law.mean_days().ln(), None) };
        let days = at.days_since(clock).max(SHORTEST_DAYS);
        (law.ln_density(days), Some((level, days, true)))
    }

    /// A wait that is still going on at `at`.
    fn cut(&self, open: &Open, at: Instant, level: u16) -> (f64, Option<(u16, f64, bool)>, EndsIn) {
        let Some(clock) = open.clock else { return (0.0, None, EndsIn::Nothing) };
        let days = at.days_since(clock);
        if days < SHORTEST_DAYS {
            return (0.0, None, EndsIn::Nothing);
        }
        let law = self.model.waits[usize::from(level)];
        (law.ln_survival(days), Some((level, days, false)), EndsIn::Nothing)
    }

    /// Probability of each edge, last edge first.
    fn shares(&self) -> impl Iterator<Item = (&Edge, f64)> {
        let total = self.walked();
        let mut betas = vec![f64::NEG_INFINITY; self.alphas.len()];
        betas[self.alphas.len() - 1] = 0.0;
        // Edges into a node come before all edges out of it.
        self.edges.iter().rev().map(move |edge| {
            let onward = edge.log_weight + betas[edge.to];
            betas[edge.from] = log_sum([betas[edge.from], onward].into_iter());
            (edge, (self.alphas[edge.from] + onward - total).exp())
        })
    }

    /// By row: the probability that it is a step.
    fn steps(&self) -> Vec<f64> {
        let mut steps = vec![0.0; self.seen.len()];
        for (edge, share) in self.shares() {
            if let EndsIn::Step { row, .. } = edge.ends_in {
                steps[row] += share;
            }
        }
        steps
    }

    /// By row: the weight of a step beside that of its links.
    fn step_weights(&self, links: &[Link]) -> Vec<f64> {
        let mut answers = vec![0.0; self.seen.len()];
        for link in links {
            answers[link.row] += link.weight();
        }
        let odds = self.steps().into_iter().map(|step| step / (1.0 - step).max(1e-12));
        let mut weights: Vec<f64> = odds.zip(answers).map(|(odds, answer)| odds * answer).collect();
        // The first row of an old record is never told apart.
        if let Some(first) = weights.first_mut().filter(|_| self.path.clock.is_none()) {
            *first = f64::MAX;
        }
        weights
    }

    /// Adds the expected counts of all readings, weighted by `weight`, to `tally`.
    pub(super) fn tally(&self, weight: f64, tally: &mut Tally) {
        for (edge, share) in self.shares() {
            let share = weight * share;
            if share < 1e-9 {
                continue;
            }
            if let Some((level, days, complete)) = edge.wait {
                let waits = &mut tally.waits[usize::from(level)];
                let list = if complete { &mut waits.complete } else { &mut waits.censored };
                list.push((days, share));
            }
            match edge.ends_in {
                EndsIn::Step { level, kind, .. } => {
                    tally.mixes[usize::from(level)][usize::from(kind)] += share;
                }
                EndsIn::Exit { level } => tally.exits[usize::from(level)] += share,
                EndsIn::Nothing => {}
            }
        }
        self.tally_answers(weight, tally);
    }

    /// By link: the probability that it is how the row came about.
    fn answers(&self) -> Vec<f64> {
        let mut answers = vec![0.0; self.links.len()];
        for (row, step) in self.steps().into_iter().enumerate() {
            let first = row == 0 && self.path.clock.is_none();
            let own = self.own_links(row);
            let total: f64 = own.iter().map(Link::weight).sum();
            if !first && total > 0.0 {
                for (link, answer) in own.iter().zip(&mut answers[self.first_link[row]..]) {
                    *answer = (1.0 - step).max(0.0) * link.weight() / total;
                }
            }
        }
        answers
    }

    fn tally_answers(&self, weight: f64, tally: &mut Tally) {
        let mut answered: Vec<(usize, usize, f64)> = Vec::new();
        for (link, share) in self.links.iter().zip(self.answers()) {
            let seen = self.seen[link.question];
            let lag = self.seen[link.row].at.days_since(seen.at).max(SHORTEST_DAYS);
            let part = weight * share;
            tally.lags[link.rule].complete.push((lag, part));
            tally.unsure[link.rule] += weight * share * (1.0 - share).max(0.0);
            answered.push((link.rule, link.question, part));
        }
        for (rule_at, rule) in self.model.rules.iter().enumerate() {
            for (question, seen) in self.seen.iter().enumerate() {
                if !seen.asks(rule) {
                    continue;
                }
                tally.asked[rule_at] += weight;
                let here = answered.iter().filter(|(r, q, _)| (*r, *q) == (rule_at, question));
                let open = (weight - here.map(|(_, _, part)| part).sum::<f64>()).max(0.0);
                let left = self.path.end.days_since(seen.at);
                let late =
                    rule.probability * rule.wait.ln_survival(left).exp() / silent(rule, left);
                if open * late > 1e-9 && left > SHORTEST_DAYS {
                    tally.lags[rule_at].censored.push((left, open * late));
                }
            }
        }
    }
}

/// Probability that a question is not answered in the `days` in which it is watched.
fn silent(rule: &Rule, days: f64) -> f64 {
    let survival = rule.wait.ln_survival(days).exp();
    (1.0 - rule.probability * (1.0 - survival)).max(1e-6)
}

fn log_sum(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return most;
    }
    most + terms.map(|term| (term - most).exp()).sum::<f64>().ln()
}
