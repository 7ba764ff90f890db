//! How the log comes about: rows logged late, not at all, twice, or under a wrong type.

use crate::ids::{ContactIndex, InitiativeIndex, OwnerIndex, TypeIndex};
use crate::interaction::{Details, Interaction, RelationshipState};
use crate::rng::Purpose;

use super::life::{Life, Origin, Row};
use super::setting::Kind;
use super::staff::Member;

/// Splits 64 random bits into two uniform draws.
fn halves(bits: u64) -> (f64, f64) {
    const UNIT: f64 = 1.0 / 4_294_967_296.0;
    ((bits >> 32) as f64 * UNIT, f64::from(bits as u32) * UNIT)
}

impl Life<'_> {
    /// Logs a row, unless it is lost; gives 1 when it is. What is not yet known when the log ends
    /// is not in it.
    ///
    /// Purchases are never lost: they come from the firm's books.
    pub(super) fn record(&mut self, row: &Row, kind: &Kind, state: RelationshipState) -> f64 {
        let law = &self.world.observation;
        let books = row.origin == Origin::Transaction;
        // Books do not ask who ordered.
        let by = if books { ContactIndex(0) } else { row.contact };
        let (lost, late) = halves(self.streams.draws(Purpose::Logging, by).bits(row.draw()));
        if !books && lost < self.setting.unlogged[state as usize] {
            return 1.0;
        }
        let mut known_at = row.at;
        if late < law.late_probability {
            // Exponential: the rest of the draw is uniform again.
            let rest = 1.0 - late / law.late_probability;
            known_at = row.at.plus_days(-rest.ln() * law.late_mean_days);
        }
        if known_at >= self.log_end {
            return 0.0;
        }
        let by_interaction = self.world.outcome.retainer.is_none();
        let owner = row.served.map(|served| self.owner(served.member));
        self.history.interactions.push(Interaction {
            contact: Some(row.contact),
            kind: row.kind,
            occurred_at: row.at,
            known_at,
            variable_cost: by_interaction.then(|| self.cost_of(kind)),
            owner,
            initiative: match row.origin {
                Origin::Initiative(position) => Some(InitiativeIndex(position.into())),
                _ => None,
            },
            ..Interaction::default()
        });
        if law.duplicated > 0.0 || law.miskeyed > 0.0 {
            self.spoil(row);
        }
        0.0
    }

    fn owner(&mut self, member: Member) -> OwnerIndex {
        *self.owner_of[member.position()].get_or_insert_with(|| {
            self.owners.push(member);
            OwnerIndex(self.owners.len() as u16 - 1)
        })
    }

    /// Keys the row logged last in wrongly, or twice, as the world wants it; both copies carry the
    /// same source id.
    #[cold]
    fn spoil(&mut self, row: &Row) {
        let law = &self.world.observation;
        let draws = self.streams.draws(Purpose::Logging, row.contact);
        let mut stream = draws.part(1).stream(row.draw());
        let source_id =
            format!("{}-{}-{:x}", self.history.account.id, row.contact.0 + 1, row.draw());
        let logged = self.history.interactions.last_mut().expect("a row was logged");
        logged.details = Some(Box::new(Details {
            source_system: Some("simulation".to_owned()),
            source_id: Some(source_id),
            ..Details::default()
        }));
        if stream.uniform() < law.miskeyed {
            let kinds = self.kinds.len();
            let other = 1 + (stream.uniform() * (kinds - 1) as f64) as usize;
            logged.kind = TypeIndex(((usize::from(row.kind.0) + other) % kinds) as u16);
        }
        if stream.uniform() < law.duplicated {
            let copy = logged.clone();
            self.history.interactions.push(copy);
        }
    }
}
