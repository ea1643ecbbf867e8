//! What is wrong with a field of a table that is being compiled.

use crate::expression::ExpressionError;

/// Something wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field's dotted name within its table: `outcome.ok`.
    pub field: String,
    /// What is wrong.
    pub problem: String,
    /// How it might be mended; empty if there is nothing to suggest.
    pub hint: String,
}

impl FieldProblem {
    /// `problem` with the field `field`.
    #[must_use]
    pub fn new(field: &str, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { field: field.to_owned(), problem: problem.into(), hint: hint.into() }
    }

    /// An expression in `field` that does not compile.
    #[must_use]
    pub fn of_expression(field: &str, error: ExpressionError) -> Self {
        let place = match error.line {
            1 => format!("column {}", error.column),
            line => format!("line {line}, column {}", error.column),
        };
        Self::new(field, format!("{} ({place} of the expression)", error.problem), error.hint)
    }
}
