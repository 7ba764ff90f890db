//! What stands beside the verdicts, in words: exceptions, goodwill, plan against actual, rivals, and the
//! non-monetary ledger.

use serde::Serialize;

use super::data_map;
use super::results::WorldResults;
use super::wording::{count, ends, number, plain};
use crate::chart::{percent, three_digits};
use crate::journey::{PathPoint, PlanFigures};
use crate::patterns::{Direction, Exception, Exceptions};
use crate::policy::{ComparedWith, Goodwill, SegmentGoodwill};
use crate::relationship::{DimensionFigures, Estimate, ExchangeFigures, RivalFigures};

/// A headed paragraph with a table.
#[derive(Debug, Serialize)]
pub(super) struct Section {
    pub(super) title: String,
    pub(super) says: Vec<String>,
    pub(super) headers: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// Heads of columns.
pub(super) fn heads(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Rows of a table that are shown.
const SHOWN: usize = 12;

/// The sections of a world that it has figures for.
pub(super) fn sections(world: &WorldResults) -> Vec<Section> {
    let beside = &world.beside;
    let plan = beside.plan_against_actual.as_ref().map(plan);
    let rivals = beside.rivals.as_ref().map(rivals);
    let ledger = beside.value_exchange.as_ref().map(ledger);
    let goodwill = beside.goodwill.as_ref().map(goodwill);
    let exceptions = world.exceptions.as_ref().map(exceptions);
    let data_map = world.data_map.as_ref().map(data_map::section);
    [exceptions, goodwill, plan, rivals, ledger, data_map].into_iter().flatten().collect()
}

fn interval(estimate: &Estimate) -> String {
    let Estimate { estimate, ci_low, ci_high } = *estimate;
    format!("{} ({})", three_digits(estimate), ends(Some(ci_low), Some(ci_high)))
}

/// Larger, smaller or no different, for an actual value with its margin.
fn against(actual: f64, margin: f64, planned: f64) -> &'static str {
    match actual - planned {
        difference if difference > margin => "above plan",
        difference if difference < -margin => "below plan",
        _ => "not told apart from plan",
    }
}

fn plan(figures: &PlanFigures) -> Section {
    let at = |months: u32| figures.path.iter().find(|point| point.age_months == months);
    let last = figures.path.last().expect("a path has a point");
    let point = at(12).unwrap_or(last);
    let PathPoint { age_months, planned_rv, actual_rv, planned_cost, actual_cost, .. } = *point;
    let mut says = vec![format!(
        "{} months into retention a contact of a new customer has an RV of {} where the flow plans {} \
         ({}), at a cost to engage of {} where it plans {} ({}). Contacts of {} accounts.",
        age_months,
        three_digits(actual_rv),
        three_digits(planned_rv),
        against(actual_rv, point.actual_rv_margin, planned_rv),
        three_digits(actual_cost),
        three_digits(planned_cost),
        against(actual_cost, point.actual_cost_margin, planned_cost),
        count(point.n_accounts),
    )];
    says.extend(listed("Planned, and never seen", &figures.missing));
    says.extend(listed("Seen, and not planned", &figures.unplanned));
    says.push(
        "The table holds the types that make most of the difference in RV over the first year."
            .to_owned(),
    );
    let row = |gap: &crate::journey::TypeGap| {
        vec![
            gap.interaction_type.clone(),
            three_digits(gap.planned),
            three_digits(gap.actual),
            three_digits(gap.rv_gap),
        ]
    };
    Section {
        title: "Plan against actual".to_owned(),
        says,
        headers: heads(&["Interaction type", "Planned per contact", "Actual", "RV it makes"]),
        rows: figures.types.iter().take(SHOWN).map(row).collect(),
    }
}

fn listed(what: &str, names: &[String]) -> Option<String> {
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!names.is_empty()).then(|| plain(&format!("{what}: {shown}{more}.")))
}

fn rivals(figures: &RivalFigures) -> Section {
    let mut says: Vec<String> = ends_of(figures).into_iter().collect();
    says.push(
        "Answers of the trailing year about the firm, less those about each customer's own best \
         rival. A reliability near 0 says that accounts differ by measurement error only."
            .to_owned(),
    );
    if let (Some(correlation), Some(error)) =
        (&figures.allocation_correlation, figures.allocation_error)
    {
        says.push(format!(
            "The wallet allocation rule, from ranks alone, correlates {} with the recorded share of \
             wallet of {} accounts, and is off by {} on average.",
            interval(correlation),
            count(figures.n_shares),
            percent(error)
        ));
    }
    let row = |figures: &DimensionFigures| {
        vec![
            figures.dimension.clone().unwrap_or_else(|| "as a whole".to_owned()),
            count(figures.n_accounts),
            three_digits(figures.us),
            three_digits(figures.leader),
            interval(&figures.relative),
            percent(figures.leads),
            number(figures.reliability),
        ]
    };
    Section {
        title: "Against rivals".to_owned(),
        says,
        headers: heads(&[
            "Dimension",
            "Accounts",
            "We",
            "Best rival",
            "Difference (95 % interval)",
            "We lead in",
            "Reliability",
        ]),
        rows: figures.dimensions.iter().map(row).collect(),
    }
}

/// Where the firm stands best against rivals, and where worst.
fn ends_of(figures: &RivalFigures) -> Option<String> {
    let by_difference = |a: &&DimensionFigures, b: &&DimensionFigures| {
        a.relative.estimate.total_cmp(&b.relative.estimate)
    };
    let best = figures.dimensions.iter().max_by(by_difference)?;
    let worst = figures.dimensions.iter().min_by(by_difference)?;
    let name =
        |of: &DimensionFigures| plain(of.dimension.as_deref().unwrap_or("the firm as a whole"));
    Some(format!(
        "Against each customer's best rival the firm stands best in {}, by {}, and worst in {}, by {}.",
        name(best),
        interval(&best.relative),
        name(worst),
        interval(&worst.relative),
    ))
}

fn ledger(figures: &ExchangeFigures) -> Section {
    let mut says = Vec::new();
    if let Some(shift) = &figures.rank_shift {
        let [low, high] = shift.kendall_low_high.map(three_digits);
        says.push(format!(
            "Adding what customers gave beside money to contribution would leave Kendall's τ at {} with the \
             ranking by contribution ({low} with all lower ends, {high} with all upper ends), and {} of the \
             best tenth in place.",
            interval(&shift.kendall),
            interval(&shift.top_tenth_kept),
        ));
        if let Some(correlation) = &shift.correlation {
            says.push(format!(
                "Contribution and what was received correlate {}.",
                interval(correlation)
            ));
        }
    }
    let quadrants = figures.quadrants;
    says.push(format!(
        "Of {} accounts, {} bring much of both, {} much contribution only, {} much beside money only. \
         {} of the best fifth by contribution have an empty ledger{}.",
        count(figures.n_accounts),
        count(quadrants.affluents_who_give),
        count(quadrants.affluents),
        count(quadrants.advocates),
        count(figures.n_empty),
        named(figures),
    ));
    says.push(
        "All of the trailing year. The ledger stands beside RV and is never added to it: a referral is an \
         interaction too."
            .to_owned(),
    );
    let row = |component: &crate::relationship::ComponentFigures| {
        vec![
            component.component.replace('_', " "),
            component.direction.clone(),
            count(component.entries),
            ends(Some(component.value_low), Some(component.value_high)),
            count(component.unpriced),
        ]
    };
    Section {
        title: "Value exchanged without money".to_owned(),
        says,
        headers: heads(&["Component", "Direction", "Entries", "Worth", "Without a price"]),
        rows: figures.components.iter().filter(|c| c.entries > 0).map(row).collect(),
    }
}

fn named(figures: &ExchangeFigures) -> String {
    let shown: Vec<String> = figures.empty.iter().take(5).map(|e| plain(&e.account_id)).collect();
    if shown.is_empty() { String::new() } else { format!(", such as {}", shown.join(", ")) }
}

fn exceptions(figures: &Exceptions) -> Section {
    let [least, most] = figures.expected_range;
    let seen = figures.n_good + figures.n_bad;
    let finding = if seen > most {
        "more than chance brings"
    } else if seen < least {
        "fewer than chance brings, so surprises make up for each other"
    } else {
        "no more than chance brings: take none of them for more"
    };
    let mut says = vec![format!(
        "{} alarms for the better and {} for the worse in {} months of {} accounts, {finding} ({} to {} when each \
         account's months come in a random order).",
        count(figures.n_good),
        count(figures.n_bad),
        count(figures.n_account_months),
        count(figures.n_accounts),
        count(least),
        count(most),
    )];
    says.push(format!(
        "An alarm says that {} moved further than its own course, and that of accounts of its segment and age, let \
         expect; where it stands among them is another matter.",
        plain(&figures.score),
    ));
    let current = figures.current.len();
    says.push(match current {
        0 => "No alarm is younger than three months.".to_owned(),
        _ if current > SHOWN => {
            format!("The strongest {SHOWN} of {current} alarms of the last three months:")
        }
        _ => "Alarms of the last three months:".to_owned(),
    });
    let row = |alarm: &Exception| {
        let direction = match alarm.direction {
            Direction::Good => "better",
            Direction::Bad => "worse",
        };
        vec![
            plain(&alarm.account_id),
            alarm.month.clone(),
            direction.to_owned(),
            three_digits(alarm.deviation),
            format!("{} × the limit", three_digits(alarm.strength)),
        ]
    };
    Section {
        title: "Relationships that fell out of pattern".to_owned(),
        says,
        headers: heads(&["Account", "Month", "Moved", "Stands at (sd)", "Strength"]),
        rows: figures.current.iter().take(SHOWN).map(row).collect(),
    }
}

fn goodwill(figures: &Goodwill) -> Section {
    let compared = match figures.compared_with {
        ComparedWith::NoRelationship => "0",
        ComparedWith::SegmentMean => "the mean of their segment",
    };
    let mut says = vec![format!(
        "At the end of {} the {} customers are expected to bring {} in present value: {} \
         more than comparable customers with {} at {compared} would. That is what such customers bring, not what \
         a change would bring.",
        figures.valued_at,
        count(figures.n_accounts),
        interval(&figures.value),
        interval(&figures.goodwill),
        plain(&figures.score),
    )];
    says.push(format!(
        "One standard deviation more of the score goes with {} more log odds of leaving in a month and {} \
         more contribution; {} of a deviation is left a month later.",
        interval(&figures.exit_log_odds),
        interval(&figures.contribution),
        interval(&figures.carry_over),
    ));
    if let Some(elasticity) = &figures.retention_elasticity {
        says.push(format!(
            "If 1 % more customers stayed each year the value would be {} % higher (3 to 7 is the range \
             known from other companies).",
            interval(elasticity),
        ));
    }
    if let Some(left) = figures.left_after_a_year {
        let taken = figures.carry_over.estimate.powi(12);
        if (left - taken).abs() > LASTING {
            says.push(format!(
                "After a year {} of a deviation is seen to be left, where goodwill takes {}: accounts differ \
                 for longer than it knows, so it is too small.",
                number(Some(left)),
                number(Some(taken)),
            ));
        }
    }
    if figures.support < THIN_SUPPORT {
        says.push(format!(
            "Only {} of account-months have such a score or a lower one: goodwill is extrapolated.",
            percent(figures.support)
        ));
    }
    if let Some(difference) = figures.market_less_book {
        says.push(format!(
            "Market value less book value is stated as {}; goodwill by relationships is {} of it.",
            three_digits(difference),
            percent(figures.goodwill.estimate / difference)
        ));
    }
    let row = |of: &SegmentGoodwill| {
        vec![
            plain(of.segment.as_deref().unwrap_or("none")),
            count(of.n_accounts),
            interval(&of.value),
            interval(&of.goodwill),
        ]
    };
    Section {
        title: "Goodwill".to_owned(),
        says,
        headers: heads(&["Segment", "Customers", "Present value", "Goodwill (95 % interval)"]),
        rows: figures.segments.iter().map(row).collect(),
    }
}

/// Difference of what is left after a year from which on the course of a deviation counts as misjudged.
const LASTING: f64 = 0.1;

/// Share of account-months below which a score counts as hardly seen.
const THIN_SUPPORT: f64 = 0.01;
