//! `rvq score --fit`: parameters of scores, from the data of a plan.

use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use rvq::backtest::{ShapeFit, ShapeParameter};
use rvq::chart::three_digits;
use rvq::panel::Measure;
use rvq::run::{Run, ShapeQuestion, purchases_of, shape_of};
use rvq::score::{Rv, RvParams, Score as _};
use rvq::stats::BgNbdFit;
use serde_json::json;

use crate::options::{Console, Format};

/// What is to be fitted.
#[derive(Debug, clap::Args)]
pub(crate) struct FitArgs {
    /// Fit parameters instead, to the plan's first data set.
    #[arg(long, value_enum, value_name = "WHAT", conflicts_with_all = ["out", "explain"])]
    pub(crate) fit: Option<Fit>,
    /// Parameters of the relationship value that are fitted; the others stay.
    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        value_delimiter = ',',
        default_value = "half-life-days,asymmetry",
        requires = "fit"
    )]
    free: Vec<Free>,
    /// Read nothing later than this date; the end of the data if absent.
    #[arg(long, value_name = "DATE", requires = "fit")]
    until: Option<String>,
    /// Months after a date whose contribution is fitted.
    #[arg(long, value_name = "MONTHS", default_value_t = 3, requires = "fit",
          value_parser = clap::value_parser!(u32).range(1..=120))]
    horizon: u32,
}

/// What can be fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Fit {
    /// How a relationship value fades, and how much worse bad is than good, from later contribution.
    Shape,
    /// BG/NBD, the baseline from past purchases alone.
    Purchases,
}

/// A parameter of a relationship value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Free {
    HalfLifeDays,
    Asymmetry,
    Position,
    ShockProduct,
    ShockRelational,
    Recovery,
}

impl Free {
    const fn parameter(self) -> ShapeParameter {
        match self {
            Self::HalfLifeDays => ShapeParameter::HalfLife,
            Self::Asymmetry => ShapeParameter::Asymmetry,
            Self::Position => ShapeParameter::Position,
            Self::ShockProduct => ShapeParameter::ShockProduct,
            Self::ShockRelational => ShapeParameter::ShockRelational,
            Self::Recovery => ShapeParameter::Recovery,
        }
    }
}

impl FitArgs {
    /// `score`: the relationship value that is meant.
    pub(crate) fn run(
        &self,
        fit: Fit,
        run: &Run,
        score: impl FnOnce() -> anyhow::Result<Rv>,
        (format, dry_run): (Format, bool),
        console: &Console,
    ) -> anyhow::Result<()> {
        let dataset = &run.datasets()[0];
        let name = &dataset.name;
        if format == Format::Csv {
            bail!("a fit is printed as a table or as JSON");
        }
        let until = match &self.until {
            None => dataset.end(),
            Some(text) => {
                let parsed = dataset.calendar.parse(text);
                parsed.with_context(|| format!("`--until {text}`"))?.min(dataset.end())
            }
        };
        let day = dataset.calendar.date_of(until);
        if dry_run {
            return console.print_line(&format!("would fit {name} until {day}"));
        }
        console.say(&format!("{name}: fitting"));
        let text = match fit {
            Fit::Purchases => {
                let found = purchases_of(dataset, until)?;
                if format == Format::Json { purchases_json(&found)? } else { purchases(&found) }
            }
            Fit::Shape => {
                let free: Vec<ShapeParameter> =
                    self.free.iter().map(|free| free.parameter()).collect();
                let score = score()?;
                let question = ShapeQuestion {
                    start: *score.params(),
                    free: &free,
                    outcome: Measure::Contribution,
                    horizon: self.horizon,
                    until,
                };
                let found = shape_of(dataset, run.plan(), &question)?;
                let json = format == Format::Json;
                if json { shape_json(&found)? } else { shape(&found, &score.name(), self.horizon)? }
            }
        };
        console.print(&text)?;
        if format == Format::Table {
            console.print_line(&format!(
                "Fitted to what was known by {day}: test it on later months or on other accounts only."
            ))?;
        }
        Ok(())
    }
}

fn shape(found: &ShapeFit, score: &str, horizon: u32) -> anyhow::Result<String> {
    let mut text = format!(
        "Shape that fits contribution over the next {horizon} months best, begun from {score}: {} accounts, {} \
         dates of an account, {} rounds\n",
        found.accounts, found.rows, found.rounds
    );
    for of in &found.estimates {
        let _ = writeln!(
            text,
            "  {:<17} {:>8}  95 % interval {} to {}",
            of.parameter.name(),
            three_digits(of.estimate),
            three_digits(of.low),
            three_digits(of.high)
        );
    }
    let (slope, error) = found.slope;
    let _ =
        writeln!(text, "  slope             {:>8}  ± {}", three_digits(slope), three_digits(error));
    if slope.abs() < 2.0 * error {
        text.push_str(
            "  The score hardly moves the outcome here: then its shape cannot be told, and the intervals \
             say too much.\n",
        );
    }
    let _ = writeln!(text, "In a plan: {{ rv = {{ {} }} }}", keys(&found.params)?);
    Ok(text)
}

/// Six digits, as TOML reads them.
fn in_plan(value: f64) -> String {
    let rounded: f64 = format!("{value:.5e}").parse().expect("a number that was just written");
    format!("{rounded:?}")
}

/// The parameters that are not what they are by default, as a plan writes them.
fn keys(params: &RvParams) -> anyhow::Result<String> {
    let defaults = toml::Table::try_from(RvParams::default())?;
    let written = toml::Table::try_from(params)?;
    let rounded = |value: &toml::Value| match value {
        toml::Value::Float(number) => in_plan(*number),
        other => other.to_string(),
    };
    let changed = written.iter().filter(|(key, value)| defaults.get(*key) != Some(value));
    let keys: Vec<String> =
        changed.map(|(key, value)| format!("{key} = {}", rounded(value))).collect();
    Ok(keys.join(", "))
}

fn shape_json(found: &ShapeFit) -> anyhow::Result<String> {
    let value = json!({
        "params": found.params,
        "estimates": found.estimates,
        "slope": found.slope.0,
        "slope_std_error": found.slope.1,
        "n_accounts": found.accounts,
        "n_rows": found.rows,
    });
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

const NAMES: [&str; 4] = ["r", "alpha", "a", "b"];

fn purchases(found: &BgNbdFit) -> String {
    let mut text = format!(
        "BG/NBD of {} customers, times in days: log-likelihood {:.2}\n",
        found.customers, found.log_likelihood
    );
    let parameters = found.model.parameters();
    for ((name, value), error) in NAMES.iter().zip(parameters).zip(found.std_errors) {
        let factor = (1.96 * error / value).exp();
        let _ = writeln!(
            text,
            "  {name:<6} {:>9}  95 % interval {} to {}",
            three_digits(value),
            three_digits(value / factor),
            three_digits(value * factor)
        );
    }
    let [r, alpha, a, b] = parameters.map(in_plan);
    let _ = writeln!(
        text,
        "In a plan: {{ bg_nbd = {{ r = {r}, alpha = {alpha}, a = {a}, b = {b}, horizon_days = 90 }} }}"
    );
    text
}

fn purchases_json(found: &BgNbdFit) -> anyhow::Result<String> {
    let [r, alpha, a, b] = found.model.parameters();
    let value = json!({
        "model": "bg_nbd",
        "r": r, "alpha": alpha, "a": a, "b": b,
        "std_errors": found.std_errors,
        "log_likelihood": found.log_likelihood,
        "n_customers": found.customers,
    });
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_numbers_are_read_back_by_a_plan() {
        for value in [5e-4, 143.086_437, 1e-9, 12_345.678, 1.0] {
            let table: toml::Table = toml::from_str(&format!("x = {}", in_plan(value))).unwrap();
            let read = table["x"].as_float().unwrap();
            assert!((read / value - 1.0).abs() < 1e-5, "{value} {read}");
        }
    }
}
