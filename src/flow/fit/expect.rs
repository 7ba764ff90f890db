//! Expectation: which rows are steps of the walk and which are answers, given a model.
//!
//! A row is a *step* (it was drawn from the mix when a wait ended, and the next wait starts with
//! it) or an *answer* to an earlier row (the wait in progress goes on). Where both are possible,
//! all ways of reading a record are weighed by their likelihood: a path through a lattice whose
//! nodes are the rows at which the clock started anew. Answers are weighed as if each earlier row
//! could bring any number of them; with probabilities below one that is close.

use super::law::{Law, Waits};
use super::levels::{Event, Path};
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
    /// Possible questions of every row: (rule, position of the question, density).
    questions: Vec<Vec<(usize, usize, f64)>>,
}

impl<'a> Lattice<'a> {
    /// Builds the lattice; the log likelihood of the path is that of its last node.
    pub(super) fn new(model: &'a Model, path: &'a Path) -> Self {
        let mut lattice = Self {
            model,
            path,
            alphas: vec![0.0],
            edges: Vec::with_capacity(path.events.len() + 1),
            seen: Vec::with_capacity(path.events.len()),
            questions: Vec::with_capacity(path.events.len()),
        };
        lattice.build();
        lattice
    }

    /// Log likelihood of the path.
    pub(super) fn log_likelihood(&self) -> f64 {
        self.alphas[self.alphas.len() - 1]
    }

    fn build(&mut self) {
        let mut open = vec![Open { node: 0, log_weight: 0.0, clock: self.path.clock }];
        let mut level = self.path.start_level;
        for event in &self.path.events {
            match *event {
                Event::Row { at, kind, level: here, moves } => {
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

    fn row(&mut self, open: &[Open], at: Instant, kind: u16, level: u16, moves: bool) -> Vec<Open> {
        let row = self.seen.len();
        let questions = self.questions_of(at, kind);
        let density: f64 = questions.iter().map(|(_, _, density)| density).sum();
        let first = row == 0 && self.path.clock.is_none();
        self.seen.push(Seen { at, kind, level });
        self.questions.push(questions);
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

    fn questions_of(&self, at: Instant, kind: u16) -> Vec<(usize, usize, f64)> {
        let mut questions = Vec::new();
        for &rule_at in &self.model.by_answer[usize::from(kind)] {
            let rule = &self.model.rules[rule_at];
            let horizon = 30.0 * rule.wait.mean_days();
            for (position, seen) in self.seen.iter().enumerate().rev() {
                let lag = at.days_since(seen.at);
                if lag > horizon {
                    break;
                }
                if seen.kind == rule.after && seen.level == rule.level {
                    let density = rule.wait.ln_density(lag.max(SHORTEST_DAYS)).exp();
                    let density = rule.probability * density;
                    if density > 1e-12 {
                        questions.push((rule_at, position, density));
                    }
                }
            }
        }
        questions
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

    /// Adds the expected counts of all readings, weighted by `weight`, to `tally`.
    pub(super) fn tally(&self, weight: f64, tally: &mut Tally) {
        let total = self.log_likelihood();
        let mut betas = vec![f64::NEG_INFINITY; self.alphas.len()];
        betas[self.alphas.len() - 1] = 0.0;
        let mut steps = vec![0.0; self.seen.len()];
        // Edges into a node come before all edges out of it.
        for edge in self.edges.iter().rev() {
            let onward = edge.log_weight + betas[edge.to];
            betas[edge.from] = log_sum([betas[edge.from], onward].into_iter());
            let share = weight * (self.alphas[edge.from] + onward - total).exp();
            if share < 1e-9 {
                continue;
            }
            if let Some((level, days, complete)) = edge.wait {
                let waits = &mut tally.waits[usize::from(level)];
                let list = if complete { &mut waits.complete } else { &mut waits.censored };
                list.push((days, share));
            }
            match edge.ends_in {
                EndsIn::Step { row, level, kind } => {
                    steps[row] += share;
                    tally.mixes[usize::from(level)][usize::from(kind)] += share;
                }
                EndsIn::Exit { level } => tally.exits[usize::from(level)] += share,
                EndsIn::Nothing => {}
            }
        }
        self.tally_answers(weight, &steps, tally);
    }

    /// What may answer what, given how likely each row is a step.
    fn links(&self, weight: f64, steps: &[f64]) -> Vec<Link> {
        let mut links = Vec::new();
        for (row, questions) in self.questions.iter().enumerate() {
            // The first row of an old record is never told apart.
            let first = row == 0 && self.path.clock.is_none();
            let answers = (1.0 - steps[row] / weight).clamp(0.0, 1.0);
            if first || answers < 1e-9 {
                continue;
            }
            links.extend(questions.iter().map(|&(rule_at, question, density)| {
                let rule = &self.model.rules[rule_at];
                let left = self.path.end.days_since(self.seen[question].at);
                let survival = rule.wait.ln_survival(left).exp();
                let silent = (1.0 - rule.probability * (1.0 - survival)).max(1e-6);
                Link { row, rule: rule_at, question, density, silent, answers, share: 0.0 }
            }));
        }
        links
    }

    fn tally_answers(&self, weight: f64, steps: &[f64], tally: &mut Tally) {
        let mut links = self.links(weight, steps);
        match_answers(&mut links);
        let mut answered: Vec<(usize, usize, f64)> = Vec::new();
        for link in &links {
            let seen = self.seen[link.question];
            let lag = self.seen[link.row].at.days_since(seen.at).max(SHORTEST_DAYS);
            let part = weight * link.share;
            tally.lags[link.rule].complete.push((lag, part));
            tally.unsure[link.rule] += weight * link.share * (1.0 - link.share).max(0.0);
            answered.push((link.rule, link.question, part));
        }
        for (rule_at, rule) in self.model.rules.iter().enumerate() {
            for (question, seen) in self.seen.iter().enumerate() {
                if seen.kind != rule.after || seen.level != rule.level {
                    continue;
                }
                tally.asked[rule_at] += weight;
                let here = answered.iter().filter(|(r, q, _)| (*r, *q) == (rule_at, question));
                let open = (weight - here.map(|(_, _, part)| part).sum::<f64>()).max(0.0);
                let left = self.path.end.days_since(seen.at);
                let survival = rule.wait.ln_survival(left).exp();
                let late = rule.probability * survival
                    / (1.0 - rule.probability * (1.0 - survival)).max(1e-9);
                if open * late > 1e-9 && left > SHORTEST_DAYS {
                    tally.lags[rule_at].censored.push((left, open * late));
                }
            }
        }
    }
}

/// A row that may answer an earlier one.
#[derive(Debug, Clone, Copy)]
struct Link {
    row: usize,
    rule: usize,
    question: usize,
    density: f64,
    /// Probability that the question stays without answer while it is watched.
    silent: f64,
    /// Probability that the row is an answer at all.
    answers: f64,
    /// Probability that it is the answer to this question.
    share: f64,
}

/// Shares every answer among its possible questions, of which each has at most one answer.
///
/// ```text
/// share(q, a) ∝ density(q, a) x(q) y(a)      Σ_q share = P(a is an answer)
///                                            Σ_a share + silent(q) x(q) = 1
/// ```
///
/// The scaling of Sinkhorn (1967), *Am. Math. Mon.* 74, 402–405. Without it two answers would both
/// go to the later of two questions, and answers would seem too quick.
fn match_answers(links: &mut [Link]) {
    const ROUNDS: usize = 12;
    let mut keys: Vec<(usize, usize)> = links.iter().map(|l| (l.rule, l.question)).collect();
    keys.sort_unstable();
    keys.dedup();
    let key = |link: &Link| {
        keys.binary_search(&(link.rule, link.question)).expect("every key is in the list")
    };
    let positions: Vec<usize> = links.iter().map(key).collect();
    let rows = links.last().map_or(0, |link| link.row + 1);
    let mut factors = vec![1.0; keys.len()];
    for _ in 0..ROUNDS {
        let mut totals = vec![0.0; rows];
        for (link, &at) in links.iter().zip(&positions) {
            totals[link.row] += link.density * factors[at];
        }
        let mut taken = vec![0.0; keys.len()];
        let mut silent = vec![1.0; keys.len()];
        for (link, &at) in links.iter_mut().zip(&positions) {
            link.share = link.answers * link.density * factors[at] / totals[link.row].max(1e-300);
            taken[at] += link.share;
            silent[at] = link.silent;
        }
        for (factor, (taken, silent)) in factors.iter_mut().zip(taken.iter().zip(silent)) {
            *factor = f64::max((silent + taken / *factor).recip(), 1e-9);
        }
    }
}

fn log_sum(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return most;
    }
    most + terms.map(|term| (term - most).exp()).sum::<f64>().ln()
}
