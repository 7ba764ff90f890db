//! Scores as SQL functions of an account and an instant.
//!
//! A function reads the accounts of its batch from the log and folds them as every other reader does
//! ([`series`](crate::score::series)): it cannot see the future, and equals the panel. Batches in order of
//! account, as a scan of `accounts` gives them, are read forward; others cost more.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{ArrayRef, Float64Array};
use arrow_schema::DataType;
use datafusion::common::{DataFusionError, Result as EngineResult, ScalarValue, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::log::{ScoredLog, instant};
use crate::interaction::WRITABLE;
use crate::interaction::schema::column;
use crate::score::{ScoreColumn, ScoreError, ScoreSpec};
use crate::time::Instant;

/// The relationship values that have a function of their own, and the numbers that it takes.
const NAMED: [(&str, &[&str]); 8] = [
    ("rv_sum", &[]),
    ("rv_decay", &["half_life_days"]),
    ("rv_velocity", &["window_days"]),
    ("rv_acceleration", &["window_days"]),
    ("rv_volatility", &["window_days"]),
    ("rv_sign_flips", &["window_days"]),
    ("rv_peak_end", &["window_days"]),
    ("rv_per_cost", &["window_days", "floor"]),
];

/// The functions of a log: one for each relationship value, and `score` for whatever a plan can write.
pub(super) fn functions(log: &Arc<ScoredLog>) -> impl Iterator<Item = ScoreFunction> {
    let function = |name, takes| ScoreFunction {
        name,
        takes,
        signature: Signature::user_defined(Volatility::Immutable),
        log: Arc::clone(log),
    };
    let named = NAMED.map(|(name, numbers)| function(name, Takes::Numbers(numbers)));
    named.into_iter().chain([function("score", Takes::Spec)])
}

/// Whether an error of the engine says that one of these functions is not there.
pub(super) fn is_missing(reason: &str) -> bool {
    let names = NAMED.iter().map(|(name, _)| *name).chain(["score"]);
    names.into_iter().any(|name| reason.contains(&format!("Invalid function '{name}'")))
}

/// What a function takes beside account and instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Takes {
    /// Numbers, by the names they have in a plan.
    Numbers(&'static [&'static str]),
    /// A score as a plan writes it.
    Spec,
}

/// A score as a function `(account_id, as_of, parameters…)`.
#[derive(Debug)]
pub(super) struct ScoreFunction {
    name: &'static str,
    takes: Takes,
    signature: Signature,
    log: Arc<ScoredLog>,
}

impl PartialEq for ScoreFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.log, &other.log)
    }
}

impl Eq for ScoreFunction {}

impl Hash for ScoreFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScoreFunction {
    /// How the function is called.
    fn usage(&self) -> String {
        let mut parameters = vec![column::ACCOUNT_ID, "as_of"];
        match self.takes {
            Takes::Numbers(names) => parameters.extend(names),
            Takes::Spec => parameters.push("'rv_decay = { half_life_days = 90 }'"),
        }
        format!("`{}({})`", self.name, parameters.join(", "))
    }

    fn n_parameters(&self) -> usize {
        match self.takes {
            Takes::Numbers(names) => names.len(),
            Takes::Spec => 1,
        }
    }

    /// The score that the parameters name.
    fn score(&self, parameters: &[ColumnarValue]) -> EngineResult<Box<dyn ScoreColumn>> {
        let mut scalars = Vec::with_capacity(parameters.len());
        for parameter in parameters {
            match parameter {
                ColumnarValue::Scalar(scalar) => scalars.push(scalar),
                ColumnarValue::Array(_) => {
                    return plan_err!(
                        "the parameters of {} are the same in all rows, expected constants",
                        self.usage()
                    );
                }
            }
        }
        let text = match (self.takes, scalars.as_slice()) {
            (Takes::Spec, [scalar]) => scalar.to_string(),
            (Takes::Spec, _) => return plan_err!("{} takes one text", self.usage()),
            (Takes::Numbers(names), scalars) => {
                let mut table = toml::Table::new();
                for (name, scalar) in names.iter().zip(scalars) {
                    let ScalarValue::Float64(Some(number)) = scalar else {
                        return plan_err!("`{name}` of {} is no number", self.usage());
                    };
                    table.insert((*name).to_owned(), toml::Value::Float(*number));
                }
                format!("{} = {}", self.name, toml::Value::Table(table))
            }
        };
        let spec = spec(&text).or_else(|reason| {
            plan_err!("`{}` is no score as a plan writes it: {reason}", text.trim())
        })?;
        spec.build().or_else(|error: ScoreError| plan_err!("{error}"))
    }
}

/// A score as a plan writes it, with or without the braces around it.
fn spec(text: &str) -> Result<ScoreSpec, String> {
    let text = text.trim();
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    toml::from_str(inner).map_err(|error: toml::de::Error| error.message().to_owned())
}

impl ScalarUDFImpl for ScoreFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> EngineResult<DataType> {
        Ok(DataType::Float64)
    }

    fn coerce_types(&self, given: &[DataType]) -> EngineResult<Vec<DataType>> {
        if given.len() != 2 + self.n_parameters() {
            return plan_err!("{} arguments, expected {}", given.len(), self.usage());
        }
        let is_date = matches!(
            given[1],
            DataType::Timestamp(_, _)
                | DataType::Date32
                | DataType::Date64
                | DataType::Utf8
                | DataType::Utf8View
                | DataType::LargeUtf8
                | DataType::Null
        );
        if !is_date {
            return plan_err!("`as_of` of {} is a {}, expected a time", self.usage(), given[1]);
        }
        let parameter = match self.takes {
            Takes::Numbers(_) => DataType::Float64,
            Takes::Spec => DataType::Utf8,
        };
        let parameters = std::iter::repeat_n(parameter, self.n_parameters());
        Ok([DataType::Utf8View, instant()].into_iter().chain(parameters).collect())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let score = self.score(&args.args[2..])?;
        let rows = args.number_rows;
        let one = args.args[..2].iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let accounts = args.args[0].to_array(rows)?;
        let dates = args.args[1].to_array(rows)?;
        let (accounts, dates) =
            (accounts.as_string_view(), dates.as_primitive::<TimestampMicrosecondType>());
        let requests: Vec<Option<(&str, Instant)>> = accounts
            .iter()
            .zip(dates.iter())
            .map(|(account, date)| Some((account?, Instant::from_micros(date?))))
            .collect();
        if let Some((_, as_of)) = requests.iter().flatten().find(|(_, at)| !WRITABLE.contains(at)) {
            let usage = self.usage();
            return plan_err!(
                "`as_of` of {usage} is {as_of}, expected a time in the years 1 to 9999"
            );
        }
        let values = self
            .log
            .values(score.as_ref(), &requests)
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        let cells: ArrayRef = Arc::new(values.into_iter().collect::<Float64Array>());
        if one && rows > 0 {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&cells, 0)?));
        }
        Ok(ColumnarValue::Array(cells))
    }
}
