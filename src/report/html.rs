//! `report.html`: one file that reads on a screen, on a phone and on paper.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use super::page::Page;
use super::results::Results;
use super::{ReportContext, ReportError};
use crate::chart::Chart;

const NAME: &str = "report.html";
const TEMPLATE: &str = include_str!("templates/report.html");
const STYLE: &str = include_str!("templates/report.css");

/// The report as one self-contained page: no script, no network, everything from data escaped.
///
/// `charts` are shown under the name of their world, in the order given; a world that is not in
/// `results` makes a section of its own.
///
/// # Errors
///
/// `Page` when the template fails.
pub fn html(
    results: &Results,
    charts: &[(String, Chart)],
    context: &ReportContext,
) -> Result<String, ReportError> {
    let page = Page::of(results, charts, context);
    render(&page).map_err(|source| ReportError::Page { source })
}

fn render(page: &Page) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    // Escaping must not hang on the file name's ending.
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_template(NAME, TEMPLATE)?;
    environment.get_template(NAME)?.render(context! { page => Serde(page), style => STYLE })
}
