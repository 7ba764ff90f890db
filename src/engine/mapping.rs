//! Answers the queries of a mapping, so that ingest reads their rows as it reads any file.

use std::fs::File;
use std::path::Path;

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, Volatility};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::{Engine, Limits, SqlError};
use crate::ingest::Mapping;

/// Answers the queries of `mapping`, which read its named sources in the folder `data`: the mapping with answers in
/// place of queries. They are files in the folder `staging`, which must stay for as long as the mapping is read.
///
/// A query runs on one thread, so that its rows have the same order in every run.
///
/// # Errors
///
/// [`SqlError::Ingest`] when a source cannot be read or an answer lacks a column, [`SqlError::InMapping`] naming the
/// query that cannot be answered.
pub fn answer(
    mapping: Mapping,
    data: &Path,
    staging: &Path,
    memory: Option<usize>,
) -> Result<Mapping, SqlError> {
    let given = mapping.give_sources(data, staging)?;
    let engine = Engine::new(Limits { memory, threads: 1 })?;
    for source in &given {
        engine.add_files(&source.name, &source.files)?;
    }
    let mut answers = Vec::new();
    for query in mapping.queries() {
        let out = staging.join(format!("answer_{}.parquet", answers.len()));
        engine.write(query.sql(), &out).map_err(|error| SqlError::InMapping {
            query: query.name().to_owned(),
            error: Box::new(error),
        })?;
        answers.push(out);
    }
    Ok(mapping.answered(given, answers)?)
}

impl Engine {
    /// Writes the answer to `sql` as the Parquet file `path`.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query); [`SqlError::Table`] when the file cannot be written.
    pub fn write(&self, sql: &str, path: &Path) -> Result<(), SqlError> {
        let failed = |reason: String| SqlError::Table {
            table: "answer".to_owned(),
            path: path.display().to_string(),
            reason,
        };
        self.check_repeatable(sql)?;
        let file = File::create(path).map_err(|error| failed(error.to_string()))?;
        let mut file = Some(file);
        let mut writer: Option<ArrowWriter<File>> = None;
        let open = |file, schema| {
            let properties =
                WriterProperties::builder().set_compression(Compression::SNAPPY).build();
            let options = ArrowWriterOptions::new()
                .with_properties(properties)
                .with_skip_arrow_metadata(true);
            ArrowWriter::try_new_with_options(file, schema, options)
        };
        let schema = self.query(sql, |batch| {
            if let Some(file) = file.take() {
                writer =
                    Some(open(file, batch.schema()).map_err(|error| failed(error.to_string()))?);
            }
            let writer = writer.as_mut().expect("opened with the first batch");
            writer.write(batch).map_err(|error| failed(error.to_string()))
        })?;
        if let Some(file) = file {
            writer = Some(open(file, schema).map_err(|error| failed(error.to_string()))?);
        }
        let writer = writer.expect("opened with the first batch or without any");
        writer.close().map(|_| ()).map_err(|error| failed(error.to_string()))
    }

    /// Refuses a query that asks the clock or chance.
    fn check_repeatable(&self, sql: &str) -> Result<(), SqlError> {
        let plan = self.runtime.block_on(self.context.state().create_logical_plan(sql));
        let plan = plan.map_err(|error| self.misunderstood(&error))?;
        let mut found = None;
        let seen = plan.apply_with_subqueries(|node| {
            node.apply_expressions(|expression| {
                expression.apply(|part| {
                    if let Expr::ScalarFunction(call) = part
                        && call.func.signature().volatility != Volatility::Immutable
                    {
                        found = Some(call.func.name().to_owned());
                    }
                    Ok(TreeNodeRecursion::Continue)
                })
            })
        });
        seen.map_err(|error| self.misunderstood(&error))?;
        found.map_or(Ok(()), |function| Err(SqlError::NotRepeatable { function }))
    }
}
