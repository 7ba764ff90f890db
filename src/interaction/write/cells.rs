//! Gathers cells into columns, by account and in bulk where cells repeat or are absent.

use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Float64Builder, StringBuilder, TimestampMicrosecondBuilder,
    UInt16Builder, UInt32Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, DictionaryArray, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use super::super::schema::{Column, ColumnKind, Table};
use crate::ids::{TypeIndex, TypeNames};
use crate::time::Instant;

/// Schema of `table` as its cells are gathered: repeated texts are positions in a dictionary.
pub(super) fn written_schema(table: Table) -> SchemaRef {
    let dictionary = |key: DataType| DataType::Dictionary(key.into(), DataType::Utf8.into());
    let field = |c: &Column| {
        let data_type = match c.kind {
            ColumnKind::Word => dictionary(DataType::UInt32),
            ColumnKind::Kind => dictionary(DataType::UInt16),
            kind => kind.data_type(),
        };
        Field::new(c.name, data_type, !c.required)
    };
    Arc::new(Schema::new(table.columns().iter().map(field).collect::<Vec<_>>()))
}

/// Gathers the cells of one column.
#[derive(Debug)]
pub(super) enum Builder {
    Text(StringBuilder),
    Word(WordBuilder),
    Kind { positions: UInt16Builder, names: ArrayRef },
    Flag(BooleanBuilder),
    Number(Float64Builder),
    Instant(TimestampMicrosecondBuilder),
    Position(UInt64Builder),
}

impl Builder {
    pub(super) fn new(column: &Column, types: &TypeNames) -> Self {
        match column.kind {
            ColumnKind::Name => Self::Text(StringBuilder::new()),
            ColumnKind::Word => Self::Word(WordBuilder::default()),
            ColumnKind::Kind => Self::Kind {
                positions: UInt16Builder::new(),
                names: Arc::new(StringArray::from_iter_values(types.iter())),
            },
            ColumnKind::Flag => Self::Flag(BooleanBuilder::new()),
            ColumnKind::Number => Self::Number(Float64Builder::new()),
            ColumnKind::Instant => Self::Instant(
                TimestampMicrosecondBuilder::new().with_data_type(column.kind.data_type()),
            ),
            ColumnKind::Position => Self::Position(UInt64Builder::new()),
        }
    }

    /// The column so far, which then starts anew.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Text(builder) => ArrayBuilder::finish(builder),
            Self::Word(builder) => builder.finish()?,
            Self::Kind { positions, names } => {
                Arc::new(DictionaryArray::try_new(positions.finish(), Arc::clone(names))?)
            }
            Self::Flag(builder) => ArrayBuilder::finish(builder),
            Self::Number(builder) => ArrayBuilder::finish(builder),
            Self::Instant(builder) => ArrayBuilder::finish(builder),
            Self::Position(builder) => ArrayBuilder::finish(builder),
        })
    }

    fn append_nulls(&mut self, rows: usize) {
        match self {
            Self::Text(builder) => builder.append_nulls(rows),
            Self::Word(builder) => builder.positions.append_nulls(rows),
            Self::Kind { positions, .. } => positions.append_nulls(rows),
            Self::Flag(builder) => builder.append_nulls(rows),
            Self::Number(builder) => builder.append_nulls(rows),
            Self::Instant(builder) => builder.append_nulls(rows),
            Self::Position(builder) => builder.append_nulls(rows),
        }
    }
}

/// Texts that neighbouring rows often share: each run of one text is stored once.
#[derive(Debug, Default)]
pub(super) struct WordBuilder {
    positions: UInt32Builder,
    texts: StringBuilder,
    n_texts: u32,
    last: String,
}

impl WordBuilder {
    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        self.n_texts = 0;
        let texts = Arc::new(self.texts.finish());
        Ok(Arc::new(DictionaryArray::try_new(self.positions.finish(), texts)?))
    }

    /// Position of a new text.
    fn push(&mut self, text: &str) -> u32 {
        self.texts.append_value(text);
        self.n_texts += 1;
        self.n_texts - 1
    }

    /// Position of `text`, which is new unless it is the one before.
    fn position(&mut self, text: &str) -> u32 {
        if self.n_texts > 0 && self.last == text {
            return self.n_texts - 1;
        }
        self.last.clear();
        self.last.push_str(text);
        self.push(text)
    }

    fn append(&mut self, text: Option<&str>) {
        let position = text.map(|text| self.position(text));
        self.positions.append_option(position);
    }

    fn repeat(&mut self, text: &str, rows: usize) {
        let position = self.position(text);
        self.positions.append_value_n(position, rows);
    }

    fn pick<'t>(
        &mut self,
        texts: impl Iterator<Item = &'t str>,
        picks: impl Iterator<Item = Option<u16>>,
    ) {
        let first = self.n_texts;
        for text in texts {
            self.last.clear();
            self.last.push_str(text);
            self.push(text);
        }
        for pick in picks {
            self.positions.append_option(pick.map(|position| first + u32::from(position)));
        }
    }
}

/// The columns of a table, to be filled in the order of its schema.
pub(super) struct Cells<'a> {
    columns: std::iter::Zip<std::slice::Iter<'static, Column>, std::slice::IterMut<'a, Builder>>,
    rows: usize,
}

impl<'a> Cells<'a> {
    pub(super) fn new(table: Table, columns: &'a mut [Builder], rows: usize) -> Self {
        Self { columns: table.columns().iter().zip(columns), rows }
    }

    /// Leaves all columns that are left without values.
    pub(super) fn finish(self) {
        self.columns.for_each(|(column, builder)| {
            debug_assert!(!column.required, "column `{}` is written", column.name);
            builder.append_nulls(self.rows);
        });
    }

    /// Builder of the column `name`; optional columns before it stay without values.
    fn to(&mut self, name: &str) -> &mut Builder {
        loop {
            let (column, builder) = self.columns.next().expect("columns follow the schema's order");
            if column.name == name {
                return builder;
            }
            assert!(!column.required, "column `{}` is written before `{name}`", column.name);
            builder.append_nulls(self.rows);
        }
    }

    pub(super) fn texts<'t>(&mut self, name: &str, values: impl Iterator<Item = Option<&'t str>>) {
        match self.to(name) {
            Builder::Text(builder) => values.for_each(|value| builder.append_option(value)),
            Builder::Word(builder) => values.for_each(|value| builder.append(value)),
            other => unreachable!("column `{name}` is built by {other:?}"),
        }
    }

    /// The same text in every row.
    pub(super) fn repeat(&mut self, name: &str, text: &str) {
        let rows = self.rows;
        match self.to(name) {
            Builder::Word(builder) => builder.repeat(text, rows),
            other => unreachable!("column `{name}` is built by {other:?}"),
        }
    }

    /// In every row one of `texts`, by its position among them.
    pub(super) fn pick<'t>(
        &mut self,
        name: &str,
        texts: impl Iterator<Item = &'t str>,
        picks: impl Iterator<Item = Option<u16>>,
    ) {
        match self.to(name) {
            Builder::Word(builder) => builder.pick(texts, picks),
            other => unreachable!("column `{name}` is built by {other:?}"),
        }
    }

    pub(super) fn kinds(&mut self, name: &str, values: impl Iterator<Item = TypeIndex>) {
        match self.to(name) {
            Builder::Kind { positions, .. } => {
                values.for_each(|TypeIndex(position)| positions.append_value(position));
            }
            other => unreachable!("column `{name}` is built by {other:?}"),
        }
    }

    pub(super) fn flags(&mut self, name: &str, values: impl Iterator<Item = Option<bool>>) {
        match self.to(name) {
            Builder::Flag(builder) => values.for_each(|value| builder.append_option(value)),
            other => unreachable!("column `{name}` is built by {other:?}"),
        }
    }

    pub(super) fn numbers<N: Into<Option<f64>>>(
        &mut self,
        name: &str,
        values: impl Iterator<Item = N>,
    ) {
        match self.to(name) {
            Builder::Number(builder) => values.for_each(|v| builder.append_option(v.into())),
            other => unreachable!("column `{name}` is built by {other:?}"),
        }
    }

    pub(super) fn instants<I: Into<Option<Instant>>>(
        &mut self,
        name: &str,
        values: impl Iterator<Item = I>,
    ) {
        match self.to(name) {
            Builder::Instant(builder) => {
                values.for_each(|v| builder.append_option(v.into().map(Instant::micros)));
            }
            other => unreachable!("column `{name}` is built by {other:?}"),
        }
    }

    /// The positions from `first` on.
    pub(super) fn positions(&mut self, name: &str, first: u64) {
        let rows = self.rows as u64;
        match self.to(name) {
            Builder::Position(builder) => {
                (first..first + rows).for_each(|position| builder.append_value(position));
            }
            other => unreachable!("column `{name}` is built by {other:?}"),
        }
    }
}
