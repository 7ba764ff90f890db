//! Reading files: the only part of this module that touches the disk.

use std::fs;
use std::path::Path;

use super::wire::WireFlow;
use super::{Catalogue, Flow, FlowError, catalogue, check};
use crate::diagnostic::{Problems, Source};

const BUILTIN_FLOW: &str = include_str!("../../data/flows/b2b/flow.toml");
const BUILTIN_CATALOGUE: &str = include_str!("../../data/flows/b2b/catalogue.csv");

impl Catalogue {
    /// Reads the catalogue at `path`, as CSV.
    ///
    /// Only `interaction_type` and `rv` are required columns; see [`Catalogue::from_source`].
    ///
    /// # Errors
    ///
    /// [`FlowError::Read`] when the file cannot be read, [`FlowError::Problems`] with everything
    /// that is wrong in it.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, FlowError> {
        Ok(Self::from_source(read(path.as_ref())?)?)
    }

    /// Checks a catalogue given as CSV text.
    ///
    /// Columns other than `interaction_type` and `rv` may be missing or empty: stage is then
    /// retention, function empty, direction outbound, cost and effort 0, every flag false. A row
    /// with a `segment_id` overrides the values of its type for that segment.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with its place.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::{diagnostic::Source, flow::Catalogue};
    ///
    /// let text = "interaction_type,rv\ncall,1.5\nvisit,3\n";
    /// let catalogue = Catalogue::from_source(Source::new("mine.csv", text))?;
    /// assert_eq!(catalogue.entries()[1].worth.rv, 3.0);
    /// # Ok::<(), rvq::diagnostic::Problems>(())
    /// ```
    pub fn from_source(source: Source) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let source = problems.add_source(source);
        let parsed = catalogue::parse(&mut problems, source);
        problems.into_result(parsed.catalogue)
    }
}

impl Flow {
    /// Reads the flow at `path` and the catalogue it names, relative to it.
    ///
    /// # Errors
    ///
    /// [`FlowError::Read`] when `path` cannot be read; [`FlowError::Problems`] with everything
    /// that is wrong in both files, or that the catalogue cannot be read.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, FlowError> {
        let path = path.as_ref();
        let mut problems = Problems::default();
        let source = problems.add_source(read(path)?);
        let Some(wire) = problems.parse_toml::<WireFlow>(source) else {
            return Err(problems.into());
        };
        let catalogue = path.with_file_name(wire.catalogue.get_ref());
        match fs::read_to_string(&catalogue) {
            Ok(text) => {
                problems.add_source(Source::new(catalogue.display().to_string(), text));
                Ok(check::flow(&wire, problems)?)
            }
            Err(error) => {
                let message = format!("cannot read catalogue `{}`: {error}", catalogue.display());
                problems.add(source, wire.catalogue.span(), message, None);
                Err(problems.into())
            }
        }
    }

    /// Checks a flow and its catalogue given as text; `catalogue` inside `flow` is not followed.
    ///
    /// # Errors
    ///
    /// Everything that is wrong in both, each with its place.
    pub fn from_sources(flow: Source, catalogue: Source) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let source = problems.add_source(flow);
        problems.add_source(catalogue);
        match problems.parse_toml::<WireFlow>(source) {
            Some(wire) => check::flow(&wire, problems),
            None => Err(problems),
        }
    }

    /// The business-to-business flow that comes with `rvq`, a copy of `data/flows/b2b`.
    pub fn builtin() -> Self {
        let flow = Source::new("flow.toml", BUILTIN_FLOW);
        let catalogue = Source::new("catalogue.csv", BUILTIN_CATALOGUE);
        Self::from_sources(flow, catalogue).expect("a test checks the built-in flow")
    }
}

fn read(path: &Path) -> Result<Source, FlowError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Source::new(path.display().to_string(), text)),
        Err(source) => Err(FlowError::Read { path: path.to_owned(), source }),
    }
}
