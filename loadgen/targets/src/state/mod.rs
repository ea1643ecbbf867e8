//! What a target holds, read from whatever it keeps it in: rows of orders, of stocks, of registers, or of a log.
//!
//! A source is read line by line, but for one JSON text, so that what is held in memory is the rows and not the file. A
//! row that cannot be evaluated is kept as what it is, with its line and the reason: a torn line is evidence, and a
//! reader that skipped it would let a check pass on what is missing.

mod csv;
mod format;
mod input;
mod rows;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::{BufReader, Read};
use std::marker::PhantomData;

use serde_json::{Map, Value as Json};
use thiserror::Error;

pub use rows::{EntryRow, OrderRow, RegisterRow, StateRow, StockRow};

use crate::expression::{Bound, Expression, Variables};
use crate::file::Source;
use crate::name;
use crate::order_no::OrderNo;
use crate::problem::FieldProblem;
use format::How;
use input::{Bounded, Lines};
use rows::Fields;

/// The longest source, in bytes. One that is longer is not what a trial leaves, and reading it would take minutes.
pub const MAX_SOURCE_BYTES: u64 = 256 << 20;

/// The most rows of one source: more do not fit into the memory of a small machine, as what they are compared with.
pub const MAX_ROWS: usize = 5_000_000;

/// How many bad rows are kept; the others are only counted.
pub const MAX_BAD_ROWS: usize = 1_000;

/// What rows of columns are evaluated with.
const COLUMN_NAMES: [&str; 4] = ["col", "stock", "order_no", "register"];

/// What other rows are evaluated with.
const ROW_NAMES: [&str; 4] = ["row", "stock", "order_no", "register"];

/// Why a source cannot be read.
#[derive(Debug, Error)]
pub enum StateError {
    /// Reading failed.
    #[error("it cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It is too long.
    #[error("it is longer than {} MiB", MAX_SOURCE_BYTES >> 20)]
    TooLong,
    /// It has too many rows.
    #[error("it has more than {MAX_ROWS} rows")]
    TooManyRows,
    /// It is no JSON.
    #[error("it is no JSON: {0}")]
    Json(serde_json::Error),
    /// Its rows cannot be found.
    #[error("its rows cannot be found: {0}")]
    Rows(String),
}

/// A row that could not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Its line, or in JSON the number of its element; from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
    /// The beginning of what is there.
    pub excerpt: String,
}

/// What a source holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows<T> {
    /// The rows, in the order of the source, each with its line.
    pub rows: Vec<(u64, T)>,
    /// The first [`MAX_BAD_ROWS`] rows that could not be evaluated.
    pub bad: Vec<BadRow>,
    /// How many could not be.
    pub bad_count: u64,
    /// How many lines do not match the pattern of a source that has one, and so are no rows.
    pub unmatched: u64,
}

/// What a source was asked about, where it is asked once per stock, order or register: the answer may not say it again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// The stock.
    pub stock: Option<&'a str>,
    /// The order.
    pub order_no: Option<&'a OrderNo>,
    /// The register, or the log.
    pub register: Option<&'a str>,
}

/// Reads the rows of one source: [`OrderRow`]s, or another kind of [`StateRow`]s.
#[derive(Debug)]
pub struct RowReader<T> {
    how: How,
    skip_rows: u64,
    fields: Fields,
    row: PhantomData<fn() -> T>,
}

impl<T: StateRow> RowReader<T> {
    /// Compiles how the rows of `source` are read.
    ///
    /// # Errors
    /// All that is wrong with its format and expressions.
    pub fn compile(source: &Source) -> Result<Self, Vec<FieldProblem>> {
        let mut problems = Vec::new();
        let how = format::compile(source, &mut problems);
        let columns = match how {
            Some(How::Csv { header }) => !header,
            Some(How::Text) => true,
            _ => false,
        };
        let names = if columns { &COLUMN_NAMES } else { &ROW_NAMES };
        let fields = Fields::compile::<T>(source.row.as_ref(), columns, names, &mut problems);
        let skip_rows = source.skip_rows.unwrap_or(0);
        match how {
            Some(how) if problems.is_empty() => {
                Ok(Self { how, skip_rows, fields, row: PhantomData })
            }
            _ => Err(problems),
        }
    }

    /// Reads all rows of `input`.
    ///
    /// # Errors
    /// If it cannot be read, or is larger than the bounds. A row that makes no sense is none of these.
    pub fn read(&self, input: impl Read, asked: Asked<'_>) -> Result<Rows<T>, StateError> {
        self.read_within(MAX_SOURCE_BYTES, input, asked)
    }

    fn read_within(
        &self,
        bound: u64,
        input: impl Read,
        asked: Asked<'_>,
    ) -> Result<Rows<T>, StateError> {
        let mut rows = Rows::new();
        if let How::Json { rows: list } = &self.how {
            self.read_json(Bounded::new(input, bound), list.as_ref(), asked, &mut rows)?;
            return Ok(rows);
        }
        let mut lines = Lines::new(Bounded::new(input, bound), self.skip_rows);
        let mut header = None;
        loop {
            // A quoted column of a csv may go on in the next line.
            let record = if matches!(self.how, How::Csv { .. }) {
                lines.next_record()?
            } else {
                lines.next()?
            };
            let Some((line, text)) = record else { return Ok(rows) };
            let text = String::from_utf8_lossy(text);
            if text.trim().is_empty() {
                continue;
            }
            if matches!(self.how, How::Csv { header: true }) && header.is_none() {
                header = Some(csv::columns(&text).map_err(StateError::Rows)?);
                continue;
            }
            let row = match self.parse(&text, header.as_deref()) {
                Ok(None) => {
                    rows.unmatched += 1;
                    continue;
                }
                Ok(Some((name, value))) => {
                    let variables = Variables::new().with(name, Bound::Json(&value));
                    self.fields.row(&with_asked(variables, asked))
                }
                Err(reason) => Err(reason),
            };
            rows.take(line, row, || text.into_owned())?;
        }
    }

    /// Adds one row that a database or the client gave, as number `line`.
    ///
    /// # Errors
    /// If there are too many.
    pub fn add(&self, line: u64, row: &Json, rows: &mut Rows<T>) -> Result<(), StateError> {
        let variables =
            with_asked(Variables::new().with("row", Bound::Json(row)), Asked::default());
        rows.take(line, self.fields.row(&variables), || row.to_string())
    }

    fn read_json(
        &self,
        input: impl Read,
        list: Option<&Expression>,
        asked: Asked<'_>,
        rows: &mut Rows<T>,
    ) -> Result<(), StateError> {
        let mut input = BufReader::new(input);
        input::skip_lines(&mut input, self.skip_rows)?;
        let body: Json =
            serde_json::from_reader(input).map_err(|error| match error.io_error_kind() {
                Some(input::TOO_LONG) => StateError::TooLong,
                _ => StateError::Json(error),
            })?;
        let variables = with_asked(Variables::new().with("body", Bound::Json(&body)), asked);
        let items = match (list, &body) {
            (Some(list), _) => {
                list.list(&variables).map_err(|error| StateError::Rows(error.to_string()))?
            }
            (None, Json::Array(items)) => Cow::Borrowed(items.as_slice()),
            (None, one) => Cow::Borrowed(std::slice::from_ref(one)),
        };
        for (number, item) in (1..).zip(items.iter()) {
            let variables = with_asked(Variables::new().with("row", Bound::Json(item)), asked);
            rows.take(number, self.fields.row(&variables), || item.to_string())?;
        }
        Ok(())
    }

    /// What a line is, and the variable that it is called; `None` if it is no row.
    fn parse(
        &self,
        text: &str,
        header: Option<&[String]>,
    ) -> Result<Option<(&'static str, Json)>, String> {
        Ok(Some(match (&self.how, header) {
            (How::Csv { .. }, Some(names)) => {
                let columns = csv::columns(text)?.into_iter().map(Json::String);
                ("row", Json::Object(names.iter().cloned().zip(columns).collect()))
            }
            (How::Csv { .. }, None) => ("col", csv::columns(text)?.into()),
            (How::Text, _) => ("col", text.split_whitespace().collect()),
            (How::Regex(regex), _) => {
                let Some(captures) = regex.captures(text) else { return Ok(None) };
                let groups = regex.capture_names().flatten().map(|name| {
                    let group =
                        captures.name(name).map_or(Json::Null, |group| group.as_str().into());
                    (name.to_owned(), group)
                });
                ("row", Json::Object(groups.collect::<Map<_, _>>()))
            }
            _ => (
                "row",
                serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?,
            ),
        }))
    }
}

impl<T> Rows<T> {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self { rows: Vec::new(), bad: Vec::new(), bad_count: 0, unmatched: 0 }
    }

    fn take(
        &mut self,
        line: u64,
        row: Result<T, String>,
        text: impl FnOnce() -> String,
    ) -> Result<(), StateError> {
        match row {
            Ok(_) if self.rows.len() >= MAX_ROWS => return Err(StateError::TooManyRows),
            Ok(row) => self.rows.push((line, row)),
            Err(reason) => {
                self.bad_count += 1;
                if self.bad.len() < MAX_BAD_ROWS {
                    self.bad.push(BadRow { line, reason, excerpt: name::excerpt(&text()) });
                }
            }
        }
        Ok(())
    }
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self::new()
    }
}

fn with_asked<'a>(mut variables: Variables<'a>, asked: Asked<'a>) -> Variables<'a> {
    if let Some(stock) = asked.stock {
        variables = variables.with("stock", Bound::Text(stock));
    }
    if let Some(order_no) = asked.order_no {
        variables = variables.with("order_no", order_no.bound());
    }
    if let Some(register) = asked.register {
        variables = variables.with("register", Bound::Text(register));
    }
    variables
}
