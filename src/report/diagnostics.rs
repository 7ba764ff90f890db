//! What stands behind the information coefficients, in words.

use super::beside::{Section, heads};
use super::results::{Diagnostics, WorldResults};
use super::wording::{count, ends, horizon, number, p_value, plain};
use crate::backtest::{
    EventContrast, EventStudy, IcByGroup, LeakageLift, Migration, Placebo, PlaceboKind, SignCheck,
    SignStanding, TypeSign,
};
use crate::chart::percent;

/// Types that are shown; all are in `tables/`.
const MOST_TYPES: usize = 25;

/// The sections of a world whose results have diagnostics.
pub(super) fn sections(world: &WorldResults) -> Vec<Section> {
    let Some(found) = &world.diagnostics else { return Vec::new() };
    let mut sections = vec![placebos(found), leakage(found), signs(&found.signs)];
    sections.extend(found.by_group.iter().map(by_group));
    sections.extend(quantiles(found));
    sections.push(event_study(&found.event_study));
    sections
}

fn tested(score: &str, outcome: &str, months: u32) -> String {
    format!("{score} → {}, {}", outcome.replace('_', " "), horizon(months as i32))
}

/// A p-value in a sentence.
fn p_is(p: f64) -> String {
    let words = p_value(Some(p));
    if words.starts_with('<') { format!("p {words}") } else { format!("p = {words}") }
}

fn placebos(found: &Diagnostics) -> Section {
    let bites = found.placebos.iter().filter_map(bite);
    let lead: Vec<String> = bites.chain(found.placebos.iter().filter_map(catalogue)).collect();
    // One paragraph: the summary shows the first.
    let mut says: Vec<String> = Vec::new();
    if !lead.is_empty() {
        says.push(lead.join(" "));
    }
    says.push(
        "Tests in which nothing may be found, run like the real one. For what is drawn: the median of the draws \
         and 95 % of them; for the rest: the estimate and its interval. What each p asks stands beside it."
            .to_owned(),
    );
    let row = |placebo: &Placebo| {
        let mut row = vec![
            placebo.placebo.words().to_owned(),
            tested(&placebo.score, &placebo.outcome, placebo.horizon_months),
        ];
        match (&placebo.figures, &placebo.refusal) {
            (Some(figures), _) => row.extend([
                number(Some(figures.real)),
                number(Some(figures.median)),
                ends(Some(figures.low), Some(figures.high)),
                figures.percentile.map_or_else(|| "–".to_owned(), percent),
                p_value(Some(figures.p_value)),
                reads_as(placebo.placebo, figures.p_value).to_owned(),
                plain(&figures.method),
            ]),
            (None, why) => {
                row.extend(std::iter::repeat_n("n/a".to_owned(), 6));
                row.push(plain(why.as_deref().unwrap_or("no reason was given")));
            }
        }
        row
    };
    Section {
        title: "Placebos".to_owned(),
        says,
        headers: heads(&[
            "Placebo",
            "Tested",
            "Real",
            "Placebo gives",
            "95 %",
            "Draws below the real value",
            "p",
            "Reads as",
            "What was done",
        ]),
        rows: found.placebos.iter().map(row).collect(),
    }
}

/// What the p-value of a placebo says.
const fn reads_as(kind: PlaceboKind, p: f64) -> &'static str {
    match (kind, p <= 0.05) {
        (PlaceboKind::SwappedHistories, true) => "differs from other histories",
        (PlaceboKind::SwappedHistories, false) => "cannot be told from other histories",
        (PlaceboKind::RandomCatalogues, true) => "better than random catalogues",
        (PlaceboKind::RandomCatalogues, false) => "cannot be shown to be better than random ones",
        (PlaceboKind::TimeShift, true) => "it matters when the score was read",
        (PlaceboKind::TimeShift, false) => "cannot be told from other months of the account",
        (PlaceboKind::NegativeHorizon, true) => "differs from the IC with the past",
        (PlaceboKind::NegativeHorizon, false) => "cannot be told from the IC with the past",
        (PlaceboKind::NegativeControl, true) => "a warning: the score tells who the account is",
        (PlaceboKind::NegativeControl, false) => "cannot be shown to go with the control",
        (PlaceboKind::FakeDates, true) => "differs from fake dates",
        (PlaceboKind::FakeDates, false) => "cannot be told from fake dates",
    }
}

/// What a negative control says where it finds what it should not.
fn bite(placebo: &Placebo) -> Option<String> {
    let figures = placebo.figures.as_ref()?;
    if placebo.placebo != PlaceboKind::NegativeControl || figures.p_value > 0.05 {
        return None;
    }
    Some(format!(
        "{} goes with {} (IC {}, {}), which no interaction brings about: it tells who the account is, and part of \
         its IC with the outcome may be due to that.",
        placebo.score,
        placebo.outcome.replace('_', " "),
        number(Some(figures.median)),
        p_is(figures.p_value)
    ))
}

/// What the random catalogues say of the expert's.
fn catalogue(placebo: &Placebo) -> Option<String> {
    let figures = placebo.figures.as_ref()?;
    if placebo.placebo != PlaceboKind::RandomCatalogues {
        return None;
    }
    let share = percent(figures.percentile?);
    let tested = tested(&placebo.score, &placebo.outcome, placebo.horizon_months);
    let verdict = if figures.p_value <= 0.05 {
        "so it matters which type has which value"
    } else {
        "so it cannot be shown that it matters which type has which value"
    };
    Some(format!(
        "{tested}: the expert's catalogue does better than {share} of {} catalogues with the same values on \
         other types of the same sign, {verdict}.",
        count(u64::from(figures.draws))
    ))
}

fn leakage(found: &Diagnostics) -> Section {
    let late = found.late_rows;
    let mut says = vec![if late.rows == 0 {
        "No row became known later than it happened, or the log does not say so: final data and data as known \
         are the same."
            .to_owned()
    } else {
        let lifts: Vec<String> = found.leakage.iter().map(lifted).collect();
        format!(
            "{} rows of {} accounts became known after they had happened.{}",
            count(late.rows),
            count(late.accounts),
            lifts.concat()
        )
    }];
    says.push(
        "The lift is what a back-test that forgets when rows became known would add to the information \
         coefficient. Zero is good; a lift above zero says that late rows know the outcome."
            .to_owned(),
    );
    let row = |lift: &LeakageLift| {
        vec![
            tested(&lift.score, &lift.outcome, lift.horizon_months),
            number(Some(lift.as_known)),
            number(Some(lift.as_finally_known)),
            number(Some(lift.lift)),
            ends(Some(lift.ci_low), Some(lift.ci_high)),
            p_value(lift.p_value),
            count(lift.n_moved),
        ]
    };
    Section {
        title: "Leakage lift".to_owned(),
        says,
        headers: heads(&[
            "Tested",
            "IC as known",
            "IC on final data",
            "Lift",
            "95 % interval",
            "p",
            "Account-months that differ",
        ]),
        rows: found.leakage.iter().map(row).collect(),
    }
}

fn lifted(lift: &LeakageLift) -> String {
    format!(
        " To forget that would lift the IC of {} by {} ({}).",
        tested(&lift.score, &lift.outcome, lift.horizon_months),
        number(Some(lift.lift)),
        ends(Some(lift.ci_low), Some(lift.ci_high))
    )
}

fn signs(found: &SignCheck) -> Section {
    let n = |standing| count(found.count(standing) as u64);
    let outcome = found.outcome.replace('_', " ");
    let mut says = vec![format!(
        "Of {} interaction types that occur and are no purchases, {} have the catalogue's sign with {outcome} over {} at equal \
         activity, {} the other sign, {} cannot be told, {} are too few ({} interactions of {} accounts are \
         needed) and of {} the catalogue has no value.",
        count(found.types.iter().filter(|of_type| !of_type.transactional).count() as u64),
        n(SignStanding::Agrees),
        horizon(found.horizon_months as i32),
        n(SignStanding::Contradicts),
        n(SignStanding::Undecided),
        n(SignStanding::TooFew),
        found.least[0],
        found.least[1],
        n(SignStanding::NoSign),
    )];
    says.push(
        "Rank correlations of each type's decayed count, given the decayed count of all others, at p ≤ .05 after \
         Benjamini-Yekutieli. They are no effects: staff call whom they see leaving. Purchases are outcomes in \
         disguise: they are listed and not counted."
            .to_owned(),
    );
    let mut types: Vec<&TypeSign> = found.types.iter().collect();
    types.sort_by(|a, b| rank(a).cmp(&rank(b)).then(strength(b).total_cmp(&strength(a))));
    let hidden = types.len().saturating_sub(MOST_TYPES);
    if hidden > 0 {
        says.push(format!("{hidden} more types are in results.json and tables/."));
    }
    let row = |of_type: &&TypeSign| {
        vec![
            plain(&of_type.interaction_type),
            number(Some(of_type.catalogue_value)),
            count(of_type.n_interactions),
            count(of_type.n_accounts),
            number(of_type.alone),
            number(of_type.given_activity),
            ends(of_type.ci_low, of_type.ci_high),
            p_value(of_type.p_adjusted),
            if of_type.transactional {
                format!("{} (purchase)", of_type.standing.words())
            } else {
                of_type.standing.words().to_owned()
            },
        ]
    };
    Section {
        title: "Signs of the interaction types".to_owned(),
        says,
        headers: heads(&[
            "Interaction type",
            "Catalogue",
            "Interactions",
            "Accounts",
            "IC alone",
            "IC given activity",
            "95 % interval",
            "Adjusted p",
            "Sign",
        ]),
        rows: types.iter().take(MOST_TYPES).map(row).collect(),
    }
}

/// Contradictions first, then what agrees, then the rest; purchases last.
fn rank(of_type: &TypeSign) -> (bool, u8) {
    let of_standing = match of_type.standing {
        SignStanding::Contradicts => 0,
        SignStanding::Agrees => 1,
        SignStanding::Undecided => 2,
        SignStanding::NoSign => 3,
        SignStanding::TooFew => 4,
    };
    (of_type.transactional, of_standing)
}

fn strength(of_type: &TypeSign) -> f64 {
    of_type.given_activity.unwrap_or(0.0).abs()
}

fn by_group(found: &IcByGroup) -> Section {
    let below = found.dates.iter().filter(|date| date.ic < 0.0).count() as u64;
    let mut says = vec![format!(
        "{}: the pooled IC is {}; it is below 0 at {} of {} dates.",
        tested(&found.score, &found.outcome, found.horizon_months),
        number(Some(found.pooled)),
        count(below),
        count(found.dates.len() as u64)
    )];
    for together in &found.heterogeneity {
        let alike = match (together.reversed, together.p_value <= 0.05) {
            (true, _) => "its sign turns round between groups",
            (false, true) => "groups differ",
            (false, false) => "groups cannot be told apart",
        };
        says.push(format!(
            "By {}: stratified {}, {alike} ({}).",
            together.dimension,
            number(Some(together.stratified)),
            p_is(together.p_value)
        ));
    }
    says.extend(found.skipped.iter().map(|why| format!("Left out: {}.", plain(why))));
    let rows = found.groups.iter().map(|group| {
        vec![
            plain(&group.group),
            number(Some(group.ic)),
            ends(group.ci_low, group.ci_high),
            count(group.n_accounts),
            count(group.n_periods),
        ]
    });
    Section {
        title: "By date and group".to_owned(),
        says,
        headers: heads(&["Group", "IC", "95 % interval", "Accounts", "Dates"]),
        rows: rows.collect(),
    }
}

fn quantiles(found: &Diagnostics) -> Option<Section> {
    let mut says: Vec<String> = found
        .monotonicity
        .iter()
        .map(|rise| {
            let last = rise.means.len() as u32;
            let rises = if rise.p_value <= 0.05 {
                "rises at every step"
            } else {
                "cannot be shown to rise at every step"
            };
            format!(
                "{}: from the lowest to the highest of {last} quantiles the mean outcome {rises} (smallest step \
                 {}, from quantile {} to {}; {}).",
                tested(&rise.score, &rise.outcome, rise.horizon_months),
                number(Some(rise.smallest_step)),
                rise.below,
                rise.below + 1,
                p_is(rise.p_value)
            )
        })
        .collect();
    let migration = found.migration.as_ref();
    says.extend(migration.map(persistence));
    if says.is_empty() {
        return None;
    }
    let mut headers = heads(&["Quantile", "Starts"]);
    let mut rows = Vec::new();
    if let Some(Migration { shares, n_start, .. }) = migration {
        headers.extend((1..=shares.len()).map(|quantile| format!("To {quantile}")));
        headers.push("Exited".to_owned());
        rows = shares
            .iter()
            .zip(n_start)
            .zip(1..)
            .map(|((row, n), quantile)| {
                let mut cells = vec![quantile.to_string(), count(*n)];
                cells.extend(row.iter().map(|share| percent(*share)));
                cells
            })
            .collect();
    }
    Some(Section { title: "Quantiles and migration".to_owned(), says, headers, rows })
}

fn persistence(migration: &Migration) -> String {
    let at = |months: u32, autocorrelation: f64, turnover: f64| {
        format!(
            "{} after {} ({} of the top quantile left it)",
            number(Some(autocorrelation)),
            horizon(months as i32),
            percent(turnover)
        )
    };
    let parts: Vec<String> = migration
        .persistence
        .iter()
        .map(|p| at(p.months, p.autocorrelation, p.top_turnover))
        .collect();
    format!(
        "The ranking by {} correlates with its later self {}. The table: where accounts of a quantile stand {} \
         later.",
        migration.score,
        parts.join(", "),
        horizon(migration.horizon_months as i32)
    )
}

fn event_study(study: &EventStudy) -> Section {
    let outcome = study.outcome.replace('_', " ");
    let contrast = |contrast: &EventContrast| {
        format!(
            "{} ({}; {})",
            number(Some(contrast.estimate)),
            ends(Some(contrast.ci_low), Some(contrast.ci_high)),
            p_is(contrast.p_value)
        )
    };
    let mut says = vec![match (&study.figures, &study.refusal) {
        (Some(figures), _) => format!(
            "After the {}, {outcome} of a month differs by {} from the six months before, beside accounts to which \
             it did not happen. Before it, the last three months differ from the three before them by {}. {} \
             moments, {} accounts beside them.",
            plain(&study.moment),
            contrast(&figures.after),
            contrast(&figures.before),
            count(figures.n_moments),
            count(figures.n_controls)
        ),
        (None, why) => format!(
            "No study of {outcome} around the {}: {}.",
            plain(&study.moment),
            plain(why.as_deref().unwrap_or("no reason was given"))
        ),
    }];
    for dropped in &study.dropped {
        says.push(format!(
            "Left out: {} moments, {}.",
            count(dropped.count),
            plain(&dropped.reason)
        ));
    }
    Section { title: "Around moments".to_owned(), says, headers: Vec::new(), rows: Vec::new() }
}
