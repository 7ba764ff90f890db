//! Problems in files as written: all of them at once, each with its place and a hint.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet, renderer::DecorStyle};
use serde::de::DeserializeOwned;

/// A file as written, kept to point into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Path as the user gave it.
    pub path: String,
    /// Contents.
    pub text: String,
}

impl Source {
    /// A file's path and text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// Line number (from 1) of the byte at `offset`.
    pub fn line(&self, offset: usize) -> usize {
        self.text[..self.text.floor_char_boundary(offset)].matches('\n').count() + 1
    }
}

/// One problem in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Position of the file in [`Problems::sources`].
    pub source: usize,
    /// Bytes it is about.
    pub span: Range<usize>,
    /// What is wrong: lower case, no full stop, actual then expected, subject in backticks.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
}

/// All problems of a set of files; as an error it prints every one with a caret.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    sources: Vec<Source>,
    diagnostics: Vec<Diagnostic>,
}

impl Problems {
    /// Registers a file and gives its position.
    pub fn add_source(&mut self, source: Source) -> usize {
        self.sources.push(source);
        self.sources.len() - 1
    }

    /// The registered files.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Notes a problem at `span` of the file at position `source`.
    pub fn add(
        &mut self,
        source: usize,
        span: Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        self.diagnostics.push(Diagnostic { source, span, message: message.into(), help });
    }

    /// All problems, in the order found.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// `value` when no problem was noted.
    ///
    /// # Errors
    ///
    /// The problems themselves, when there are any.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.diagnostics.is_empty() { Ok(value) } else { Err(self) }
    }

    /// Reads the TOML file at position `source`; an unknown key names the nearest known one.
    ///
    /// `None` when the text does not fit `T`; the reason is then among the problems.
    pub fn parse_toml<T: DeserializeOwned>(&mut self, source: usize) -> Option<T> {
        match toml::from_str(&self.sources[source].text) {
            Ok(value) => Some(value),
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                let (message, help) = explain(error.message());
                self.add(source, span, message, help);
                None
            }
        }
    }
}

/// Turns serde's "unknown field" and "unknown variant" into a message and a suggestion.
fn explain(message: &str) -> (String, Option<String>) {
    // The toml crate words unknown keys of enum variants in its own way.
    if let Some((found, known)) = message
        .strip_prefix("unexpected keys in table: ")
        .and_then(|rest| rest.trim_end().split_once(", available keys: "))
    {
        let near = found.split(", ").next().and_then(|key| nearest(key, known.split(", ")));
        let help =
            near.map_or(format!("known here: {known}"), |near| format!("did you mean `{near}`?"));
        return (format!("unknown key `{}`", found.replace(", ", "`, `")), Some(help));
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let kind = ["unknown field", "unknown variant"].into_iter().find(|k| message.starts_with(k));
    let (Some(kind), Some(found)) = (kind, quoted.next()) else {
        return (message.trim_end().to_owned(), None);
    };
    let known: Vec<&str> = quoted.collect();
    let word = if kind == "unknown field" { "key" } else { "value" };
    let help = match nearest(found, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    };
    (format!("unknown {word} `{found}`"), Some(help))
}

/// The candidate most like `word`, if any is like it at all.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let renderer = Renderer::plain().decor_style(DecorStyle::Ascii);
        for (position, problem) in self.diagnostics.iter().enumerate() {
            let source = &self.sources[problem.source];
            let end = problem.span.end.min(source.text.len());
            let span = problem.span.start.min(end)..end;
            let snippet = Snippet::source(source.text.as_str())
                .path(source.path.as_str())
                .annotation(AnnotationKind::Primary.span(span));
            let mut group = Level::ERROR.primary_title(problem.message.as_str()).element(snippet);
            if let Some(help) = &problem.help {
                group = group.element(Level::HELP.message(help.as_str()));
            }
            if position > 0 {
                f.write_str("\n\n")?;
            }
            f.write_str(&renderer.render(&[group]))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        #[expect(dead_code, reason = "only its name matters")]
        half_life_days: f64,
    }

    #[test]
    fn an_unknown_key_names_its_place_and_the_nearest_known_key() {
        let mut problems = Problems::default();
        let source = problems.add_source(Source::new("plan.toml", "half_live_days = 90\n"));
        assert!(problems.parse_toml::<Wire>(source).is_none());
        insta::assert_snapshot!(problems, @r"
        error: unknown key `half_live_days`
         --> plan.toml:1:1
          |
        1 | half_live_days = 90
          | ^^^^^^^^^^^^^^
          |
          = help: did you mean `half_life_days`?
        ");
    }
}
