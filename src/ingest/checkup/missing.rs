//! What the tables of a mapping cannot show, for lack of columns or values.

use super::column::BlockCheck;
use crate::ingest::field::Field;
use crate::ingest::mapping::Mapping;
use crate::interaction::Table;

/// One sentence for everything that cannot be tested.
pub(super) fn untestable(mapping: &Mapping, blocks: &[BlockCheck]) -> Vec<String> {
    let has_table = |table: Table| blocks.iter().any(|block| block.table == table.name());
    let has = |table: Table, field: Field| {
        let of_table = blocks.iter().filter(|block| block.table == table.name());
        let mut fields = of_table.flat_map(|block| &block.fields);
        fields.any(|one| one.field == field.name() && one.read > one.refused)
    };
    let outcome = |field| has(Table::Outcomes, field);
    let mut lacks = Vec::new();
    let mut lack = |lacking: bool, why: &str| {
        if lacking {
            lacks.push(why.to_owned());
        }
    };
    let outcomes = has_table(Table::Outcomes);
    lack(!outcomes, "no outcomes: nothing on money can be tested (H1, H3, H4, H10, H14, H33)");
    lack(
        outcomes && !outcome(Field::GrossProfit),
        "no `gross_profit` in outcomes: H1, H3, H10 and H33 can be tested on revenue only, H14 (which needs \
         contribution) not at all",
    );
    let costs = outcome(Field::CostToEngage) || outcome(Field::CostToServe);
    lack(
        outcome(Field::GrossProfit) && !costs,
        "neither `cost_to_engage` nor `cost_to_serve` in outcomes: contribution is gross profit, and H14 sees no \
         cost",
    );
    lack(
        outcomes && !outcome(Field::ShareOfWallet),
        "no `share_of_wallet` in outcomes: H5 cannot be tested, H9 only on satisfaction or revenue",
    );
    let exits = has(Table::Accounts, Field::ExitedAt);
    lack(!exits, "no `exited_at` in accounts: attrition cannot be tested (H8, H31)");
    lack(
        exits && !has(Table::Accounts, Field::SegmentId),
        "no `segment_id` in accounts: H31 has no segments to compare with",
    );
    let satisfaction = blocks.iter().flat_map(|block| &block.fields).any(|one| {
        one.field == Field::Instrument.name()
            && (one.column == "\"satisfaction\"" || one.words.iter().any(|w| w.0 == "satisfaction"))
    });
    lack(
        !satisfaction,
        "no answers to the instrument `satisfaction` in surveys: H2 and H30 cannot be tested",
    );
    let entries = mapping.catalogue().entries();
    lack(
        entries.iter().all(|entry| !entry.critical),
        "no type of the catalogue is `critical`: H9 has nothing to look at",
    );
    let judged: Vec<f64> =
        entries.iter().filter(|entry| !entry.transactional).map(|entry| entry.worth.rv).collect();
    lack(
        judged.is_empty(),
        "every type of the catalogue is transactional: no interaction is left to judge Relationship Value by",
    );
    lack(
        judged.len() > 1 && judged.iter().all(|rv| rv.total_cmp(&judged[0]).is_eq()),
        "all types of the catalogue have the same relative value: the score counts interactions",
    );
    lack(
        !has(Table::Interactions, Field::KnownAt),
        "no `known_at` in interactions: rows that were entered late cannot be told from others",
    );
    let contacts = has(Table::Interactions, Field::ContactId);
    lack(!contacts, "no `contact_id` in interactions: scores are of accounts, not of people");
    lacks
}
