//! What a source is written in.

use regex::Regex;

use crate::expression::Expression;
use crate::file::{Format, Source};
use crate::pattern;
use crate::problem::FieldProblem;

/// The ways to find rows.
#[derive(Debug)]
pub(super) enum How {
    Csv {
        header: bool,
    },
    Text,
    Json {
        rows: Option<Expression>,
    },
    Jsonl,
    Regex(Regex),
    /// Rows that come one by one: of a database, or from the client.
    Given,
}

/// How `source` is written, if that is clear.
pub(super) fn compile(source: &Source, problems: &mut Vec<FieldProblem>) -> Option<How> {
    if source.sqlite.is_some() || source.dump == Some(true) {
        if source.format.is_some() {
            let hint = "leave it out: rows of sqlite and dump come as `row`";
            problems.push(FieldProblem::new("format", "there is nothing to be parsed", hint));
        }
        return Some(How::Given);
    }
    Some(match source.format {
        None => {
            let hint = "give format = \"csv\", \"json\", \"jsonl\", \"text\" or \"regex\"";
            problems.push(FieldProblem::new("format", "it is missing", hint));
            return None;
        }
        Some(Format::Csv) => How::Csv { header: source.header == Some(true) },
        Some(Format::Text) => How::Text,
        Some(Format::Jsonl) => How::Jsonl,
        Some(Format::Json) => {
            let compiled = source
                .rows
                .as_deref()
                .map(|rows| Expression::compile(rows, &["body", "stock", "order_no"]));
            let rows = compiled.transpose();
            How::Json {
                rows: rows
                    .map_err(|error| problems.push(FieldProblem::of_expression("rows", error)))
                    .ok()?,
            }
        }
        Some(Format::Regex) => {
            let Some(text) = &source.regex else {
                let hint =
                    "give regex = '(?P<order_no>\\d+) ...', with a named group for each value";
                problems.push(FieldProblem::new("regex", "it is missing", hint));
                return None;
            };
            let regex = pattern::build(text)
                .map_err(|problem| problems.push(FieldProblem::new("regex", problem, "")));
            How::Regex(regex.ok()?)
        }
    })
}
