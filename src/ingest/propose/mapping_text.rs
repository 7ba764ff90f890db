//! The proposed mapping as text: every choice with its reason, every doubt with a TODO.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::assign::{Assignment, Role};
use super::crosswalk::key_line;
use super::first_catalogue::Types;
use super::profile::{Column, FileProfile, NUMBER_STYLES};
use super::{Taken, words};
use crate::ingest::field::Field;
use crate::ingest::mapping::Delimiter;
use crate::interaction::Table;
use crate::time::{Calendar, Instant};

/// Lines that explain a proposed mapping before it begins.
pub(super) const N_OPENING_LINES: usize = 3;

/// Writes one block of the mapping.
struct Block<'a> {
    text: String,
    file: &'a FileProfile,
    assignment: &'a Assignment,
}

/// `text` as a TOML string on one line, fit for a key too.
pub(super) fn quoted(text: &str) -> String {
    // JSON escapes as TOML's basic strings do, except that it leaves DEL as it is.
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// One line of a comment: what stands in data cannot end it.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The mapping of all files, in the order of tables.
///
/// - `links`: what [`link`](super::crosswalk::link) found.
pub(super) fn write(name: &str, taken: &[Taken], links: &str, types: &mut Types) -> String {
    let mut blocks = String::new();
    let order = |taken: &Taken| match taken.role {
        Role::Accounts => 0,
        Role::Contacts => 1,
        Role::Interactions => 2,
        Role::Deals => 3,
        Role::Amounts { .. } => 4,
        Role::Months => 5,
        Role::Surveys => 6,
        Role::Links | Role::Unknown(_) => 7,
    };
    let mut in_order: Vec<&Taken> = taken.iter().filter(|one| one.role != Role::Links).collect();
    in_order.sort_by_key(|taken| order(taken));
    for one in in_order {
        blocks.push('\n');
        blocks.push_str(&file_blocks(one, types));
    }
    format!("{}{links}{blocks}", head(name, taken))
}

fn head(name: &str, taken: &[Taken]) -> String {
    let mut text = String::from(
        "# A first mapping, proposed from the columns and values of the files: read it line by line.\n\
         # On the left stand our columns, on the right yours. What says TODO could not be known.\n\
         #   rvq ingest --check THIS_FILE    explains it column by column\n",
    );
    let _ = writeln!(text, "name = {}", quoted(name));
    text.push_str("description = \"TODO: what this log is, and what it cannot show.\"\n");
    let zone = if taken.iter().all(Taken::has_offsets) {
        "every time says its offset; the zone cuts months"
    } else if taken.iter().any(Taken::has_clock) {
        "TODO: zone of times written without offset, as in \"America/New_York\"; also cuts months"
    } else {
        "TODO: zone of dates, as in \"America/New_York\"; the files hold no time of day"
    };
    let _ = writeln!(text, "time_zone = \"UTC\"  # {zone}");
    let note = match currencies(taken).len() {
        0 => "TODO: nothing in the files tells it",
        1 => "TODO: the one that the files name",
        _ => "TODO: of several that the files name, the most frequent",
    };
    let _ = writeln!(text, "currency = {}  # {note}", quoted(&currency(taken)));
    text.push_str(
        "catalogue = \"catalogue.csv\"  # TODO: relative values and costs in it are neutral\n",
    );
    if let Some((start, end)) = months_of_amounts(taken) {
        let _ = writeln!(
            text,
            "# TODO: the months that the amounts cover completely: months without rows between them\n\
             # count as 0, and rows of all tables outside are set aside.\n\
             data_start = \"{start}\"\ndata_end = \"{end}\""
        );
    }
    unlisted(&mut text, taken);
    text
}

/// The currency that the files name most often; without one `XXX`, the code for none.
pub(super) fn currency(taken: &[Taken]) -> String {
    currencies(taken).into_iter().next().unwrap_or_else(|| "XXX".to_owned())
}

/// Codes of currencies that the files name, the most frequent first.
fn currencies(taken: &[Taken]) -> Vec<String> {
    let mut codes: Vec<(u64, &str)> = taken
        .iter()
        .filter_map(|taken| currency_column(&taken.file))
        .flat_map(|column| column.words.iter().map(|(code, count)| (*count, code.as_str())))
        .collect();
    codes.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    codes.into_iter().map(|(_, code)| code.to_owned()).collect()
}

fn currency_column(file: &FileProfile) -> Option<&Column> {
    file.columns.iter().find(|column| {
        matches!(
            super::names::plain(&column.name).as_str(),
            "currency" | "currency_code" | "currency_iso_code" | "waehrung"
        ) && column.words.keys().all(|word| word.len() == 3)
    })
}

/// First day of the first month of amounts, and of the month after the last whole one.
fn months_of_amounts(taken: &[Taken]) -> Option<(String, String)> {
    let calendar = Calendar::UTC;
    let ranges: Vec<(Instant, Instant)> = taken.iter().filter_map(Taken::amounts_range).collect();
    let first = ranges.iter().map(|range| range.0).min()?;
    let last = ranges.iter().map(|range| range.1).max()?;
    let end = calendar.month_of(last.plus_days(1.0));
    let start = calendar.month_of(first);
    // A span within one month stays one: half a month is better than none.
    let end = if end <= start { start.plus(1) } else { end };
    let day = |month| calendar.date_of(calendar.start_of(month)).to_string();
    Some((day(start), day(end)))
}

/// Says how many accounts of other files the accounts file lacks.
fn unlisted(text: &mut String, taken: &[Taken]) {
    let listed: BTreeSet<&str> =
        taken.iter().filter(|one| one.role == Role::Accounts).flat_map(Taken::accounts).collect();
    if listed.is_empty() {
        return;
    }
    let mut lacking = false;
    let by_id = |one: &&Taken| {
        !matches!(one.role, Role::Accounts | Role::Links | Role::Unknown(_))
            && one.assignment.system.is_none()
    };
    for one in taken.iter().filter(by_id) {
        let ids: Vec<&str> = one.accounts().collect();
        let missing = ids.iter().filter(|id| !listed.contains(*id)).count();
        if missing > 0 {
            lacking = true;
            let _ = writeln!(
                text,
                "# TODO: {missing} of {} accounts of {} are in no file of accounts: their rows are rejected,",
                ids.len(),
                comment(&one.file.name)
            );
        }
    }
    if lacking {
        text.push_str("# unless this says \"add\".\nunlisted_accounts = \"reject\"\n");
    }
}

fn file_blocks(taken: &Taken, types: &mut Types) -> String {
    let file = &taken.file;
    let mut text = String::new();
    let (name, rows) = (comment(&file.name), file.rows);
    let what = match &taken.role {
        Role::Accounts => "accounts: each account has one row",
        Role::Contacts => "contacts: each contact has one row, and an account",
        Role::Interactions => "interactions: account, date and type of what happened",
        Role::Months => "outcomes: amounts of accounts by period",
        Role::Amounts { purchases: true } => {
            "purchases: dated amounts, each an interaction, and summed by month as outcomes"
        }
        Role::Amounts { purchases: false } => "outcomes: dated amounts, summed by month",
        Role::Surveys => "surveys: answers of accounts",
        Role::Deals => "a pipeline: deals opened, and closed with a value",
        Role::Links => "keys of accounts",
        Role::Unknown(why) => {
            let _ = writeln!(text, "# {name}: {rows} rows, not used: {why}. Its columns:");
            for column in &file.columns {
                let _ = writeln!(text, "#   {}: {}", comment(&column.name), column.looks());
            }
            return text;
        }
    };
    let _ = writeln!(text, "# {name}: {rows} rows, taken for {what}.");
    if let (n, Some(why)) = &file.broken {
        let _ = writeln!(
            text,
            "# TODO: rows that cannot be cut into values: {n}; the first: {}",
            comment(why)
        );
    }
    match &taken.role {
        Role::Amounts { purchases } => {
            if *purchases {
                text.push_str(&purchase_block(taken, types));
                text.push('\n');
            }
            text.push_str(&block(taken, "outcomes", "aggregate = \"month\"\n", &[], true));
        }
        Role::Deals => text.push_str(&super::deals::blocks(taken, types)),
        Role::Interactions => text.push_str(&interactions(taken, types)),
        Role::Surveys => {
            let value = taken.assignment.column(Field::Value).map(super::names::plain);
            let instrument = taken.assignment.column(Field::Instrument).is_none().then(|| {
                format!(
                    "constants.instrument = {}  # TODO: the question asked; hypotheses on satisfaction read \
                     \"satisfaction\"\n",
                    quoted(&value.unwrap_or_default())
                )
            });
            text.push_str(&block(
                taken,
                "surveys",
                "",
                &instrument.into_iter().collect::<Vec<_>>(),
                true,
            ));
        }
        _ => text.push_str(&block(taken, taken.assignment.table.name(), "", &[], true)),
    }
    text
}

fn purchase_block(taken: &Taken, types: &mut Types) -> String {
    types.add_purchases(taken.file.rows);
    let mut text = String::new();
    let only = [Field::AccountId, Field::OccurredAt];
    let _ = writeln!(text, "[[interactions]]");
    settings(&mut text, &taken.file, &taken.assignment, &only);
    for field in only {
        column_line(&mut text, taken, field);
    }
    text.push_str("constants.interaction_type = \"purchase\"\n");
    text.push_str(&source_system(&taken.file));
    text
}

/// Name of the system that an export is from, as far as its file tells.
pub(super) fn source_system(file: &FileProfile) -> String {
    let stem = file.name.rsplit('/').next().unwrap_or_default();
    let stem = stem.split('.').next().unwrap_or_default();
    format!(
        "constants.source_system = {}  # TODO: the system that this export is from\n",
        quoted(stem)
    )
}

fn interactions(taken: &Taken, types: &mut Types) -> String {
    let (file, assignment) = (&taken.file, &taken.assignment);
    let mut more = Vec::new();
    if assignment.column(Field::SourceSystem).is_none() {
        more.push(source_system(file));
    }
    let lifecycle = file.column("lifecycle:transition");
    if lifecycle
        .is_some_and(|column| column.words.len() > 1 && column.words.contains_key("complete"))
    {
        more.push(
            "where = { column = \"lifecycle:transition\", equals = \"complete\" }  # one row per activity\n"
                .to_owned(),
        );
    }
    let name = assignment.column(Field::InteractionType).unwrap_or_default();
    if let Some(column) = file.column(name) {
        more.push(types.add_words(&column.words));
    }
    block(taken, "interactions", "", &more, true)
}

/// One block with all columns chosen, `more` lines, and what was not chosen.
fn block(taken: &Taken, table: &str, settings_line: &str, more: &[String], unused: bool) -> String {
    let (file, assignment) = (&taken.file, &taken.assignment);
    let mut block = Block { text: format!("[[{table}]]\n"), file, assignment };
    let fields: Vec<Field> = assignment.choices.iter().map(|choice| choice.field).collect();
    settings(&mut block.text, file, assignment, &fields);
    block.text.push_str(settings_line);
    if table == Table::Outcomes.name()
        && let Some(column) = currency_column(file)
    {
        let _ = writeln!(block.text, "currency_column = {}", quoted(&column.name));
    }
    for field in fields {
        column_line(&mut block.text, taken, field);
    }
    for line in more {
        block.text.push_str(line);
    }
    block.translations();
    if unused {
        block.not_chosen();
    }
    block.text
}

/// What parts the values of a file, where its ending does not say it.
pub(super) fn delimiter_text(file: &FileProfile) -> Option<String> {
    let sign = match file.delimiter? {
        Delimiter::Whitespace => "whitespace".to_owned(),
        Delimiter::Byte(byte) => char::from(byte).to_string(),
    };
    Some(format!("delimiter = {}", quoted(&sign)))
}

/// Source, delimiter, and how times and numbers of `fields` are written.
pub(super) fn settings(
    text: &mut String,
    file: &FileProfile,
    assignment: &Assignment,
    fields: &[Field],
) {
    let _ = writeln!(text, "source = {}", quoted(&file.name));
    if let Some(delimiter) = delimiter_text(file) {
        let _ = writeln!(text, "{delimiter}");
    }
    let columns = |keep: fn(Field) -> bool| -> Vec<&Column> {
        let chosen =
            assignment.choices.iter().filter(|c| fields.contains(&c.field) && keep(c.field));
        chosen.filter_map(|choice| file.column(&choice.column)).collect()
    };
    time_format(text, &columns(Field::is_time));
    number_style(text, &columns(Field::is_number));
}

fn time_format(text: &mut String, columns: &[&Column]) {
    let writings: Vec<_> = columns.iter().map(|column| column.times.writing()).collect();
    let mut patterns: Vec<&str> = Vec::new();
    for pattern in writings.iter().flat_map(|writing| &writing.patterns) {
        if !patterns.contains(pattern) {
            patterns.push(pattern);
        }
    }
    if patterns.is_empty() {
        return;
    }
    let doubtful = writings.iter().any(|writing| writing.day_or_month);
    let told = writings.iter().any(|w| !w.patterns.is_empty() && !w.day_or_month);
    if writings.iter().any(|writing| writing.patterns.is_empty()) {
        patterns.extend(["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]);
    }
    let owned: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    let note = if doubtful && !told {
        "TODO: day first or month first? no day in the file is above 12"
    } else {
        "as the values are written"
    };
    write_patterns(text, &owned, note);
}

fn write_patterns(text: &mut String, patterns: &[String], note: &str) {
    let mut list: Vec<String> = Vec::new();
    for pattern in patterns.iter().map(|pattern| quoted(pattern)) {
        if !list.contains(&pattern) {
            list.push(pattern);
        }
    }
    let value = if list.len() == 1 { list[0].clone() } else { format!("[{}]", list.join(", ")) };
    let _ = writeln!(text, "time_format = {value}  # {note}");
}

fn number_style(text: &mut String, columns: &[&Column]) {
    let sum = |style: usize| columns.iter().map(|column| column.numbers[style]).sum::<u64>();
    let best = (0..NUMBER_STYLES.len()).rev().max_by_key(|&style| sum(style)).unwrap_or(0);
    if columns.is_empty() || best == 0 {
        return;
    }
    let style = NUMBER_STYLES[best];
    let rivals = (1..NUMBER_STYLES.len())
        .any(|other| sum(other) == sum(best) && NUMBER_STYLES[other].decimal != style.decimal);
    let note = if rivals {
        "TODO: a comma may part decimals or thousands here"
    } else {
        "as the values are written"
    };
    let _ = writeln!(text, "decimal = {}  # {note}", quoted(&style.decimal.to_string()));
    if let Some(sign) = style.thousands {
        let _ = writeln!(text, "thousands = {}", quoted(&sign.to_string()));
    }
}

/// The line of one column, with its reason.
fn column_line(text: &mut String, taken: &Taken, field: Field) {
    let (file, choices) = (&taken.file, &taken.assignment.choices);
    let Some(choice) = choices.iter().find(|choice| choice.field == field) else {
        return;
    };
    if let (Field::AccountId, Some(line)) = (field, key_line(taken)) {
        text.push_str(&line);
        return;
    }
    let todo = match field {
        Field::KnownAt => "TODO: when the row could first be read, not when it was last edited; ",
        Field::OwnerId | Field::AccountId
            if file.column(&choice.column).is_some_and(|column| column.n_empty > 0) =>
        {
            "some are empty; "
        }
        _ => "",
    };
    let _ = writeln!(
        text,
        "columns.{} = {}  # {todo}{}",
        field.name(),
        quoted(&choice.column),
        comment(&choice.why)
    );
}

impl Block<'_> {
    /// `values` for words that are not ours, but plainly mean ours.
    fn translations(&mut self) {
        for choice in &self.assignment.choices {
            if !matches!(choice.field, Field::Direction | Field::Stage | Field::Status) {
                continue;
            }
            let Some(words) = self
                .file
                .column(&choice.column)
                .and_then(|column| words::translation(choice.field, column))
            else {
                continue;
            };
            if words.iter().all(|(theirs, ours)| theirs == ours) {
                continue;
            }
            let pairs: Vec<String> = words
                .iter()
                .map(|(theirs, ours)| format!("{} = {}", quoted(theirs), quoted(ours)))
                .collect();
            let _ =
                writeln!(self.text, "values.{} = {{ {} }}", choice.field.name(), pairs.join(", "));
        }
    }

    fn not_chosen(&mut self) {
        for other in &self.assignment.others {
            let _ = writeln!(
                self.text,
                "# not chosen for `{}`: {}: {}",
                other.field.name(),
                comment(&quoted(&other.column)),
                comment(&other.why)
            );
        }
        let named = |column: &Column| {
            let all = self.assignment.choices.iter().chain(&self.assignment.others);
            all.clone().any(|choice| choice.column == column.name)
                || currency_column(self.file).is_some_and(|other| other.name == column.name)
        };
        for column in self.file.columns.iter().filter(|column| !named(column)) {
            let _ = writeln!(
                self.text,
                "# not used: {}: {}",
                comment(&quoted(&column.name)),
                column.looks()
            );
        }
    }
}
