//! A first plan: the hypotheses that the columns found can be tried on.

use std::fmt::Write as _;

use super::Taken;
use super::assign::Role;
use super::mapping_text::quoted;
use crate::ingest::field::Field;

/// A plan without its `[data]`, which names paths: what stands before and after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    before: String,
    after: String,
}

impl Plan {
    /// The plan that reads the mapping `mapping`; `folder` is that of the data, where it is another.
    pub(super) fn text(&self, mapping: &str, folder: Option<&str>) -> String {
        let folder = folder.map_or(String::new(), |f| format!("folder = {}\n", quoted(f)));
        let Self { before, after } = self;
        format!("{before}\n[data]\nmapping = {}\n{folder}\n{after}", quoted(mapping))
    }
}

/// The plan of a log called `name`.
pub(super) fn write(name: &str, currency: &str, taken: &[Taken]) -> Plan {
    let fills = |field: Field| taken.iter().any(|one| one.assignment.column(field).is_some());
    let money = |one: &Taken| matches!(one.role, Role::Months | Role::Amounts { .. } | Role::Deals);
    let amounts = taken.iter().any(money);
    let profit = taken.iter().any(|one| {
        money(one) && one.role != Role::Deals && one.assignment.column(Field::GrossProfit).is_some()
    });
    let exits = fills(Field::ExitedAt);
    let amount = if profit { "contribution" } else { "revenue" };
    let mut outcomes = Vec::new();
    let mut hypotheses = String::new();
    let mut hypothesis = |id: &str, outcome: &str| {
        outcomes.push(format!("\"{outcome}\""));
        let _ = write!(
            hypotheses,
            "\n[hypotheses.{id}]\nscore = \"rv_decay_180d\"\noutcome = \"{outcome}\"\nhorizon = 3\n\
             delta = {{ associated = 0.02, leads = 0.02, adds = 0.002 }}\n"
        );
    };
    if amounts {
        hypothesis("H1", amount);
    }
    if exits {
        hypothesis("H8", "attrition");
    }
    let lacks = match (amounts, exits) {
        (true, true) => "",
        (true, false) => "# No column of exits: attrition (H8) cannot be tried.\n",
        (false, true) => "# No amounts: profit (H1) cannot be tried.\n",
        (false, false) => {
            "# TODO: neither amounts nor exits were found: there is nothing yet that a score could lead.\n"
        }
    };
    let before = format!(
        "# A first plan for the mapping beside it; time zone and currency must be those of the mapping.\n\
         [run]\nname = {}\ncurrency = {}\ntime_zone = \"UTC\"\n",
        quoted(name),
        quoted(currency),
    );
    let after = format!(
        "[score]\nscores = [{{ rv_sum = {{}} }}, {{ rv_decay = {{ half_life_days = 180 }} }}]\n\n\
         [panel]\nwarm_up_months = 3\nmin_age_months = 1\n\n\
         [backtest]\noutcomes = [{}]\nhorizons = [1, 3]\nlead_lag = [1, 2, 3]\nmin_train_months = 6\n\
         test_block_months = 3\n\n\
         {lacks}# TODO: state the smallest effects that would matter to you before you look.{hypotheses}\n\
         [patterns]\nfirst_age_months = 2\nlast_age_months = 8\n",
        outcomes.join(", ")
    );
    Plan { before, after }
}
