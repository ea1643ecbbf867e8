//! What is wrong with a field of a table that is being compiled.

use crate::expression::ExpressionError;

/// Something wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field's dotted name within its table: `outcome.ok`.
    pub field: String,
    /// What is wrong.
    pub what: String,
    /// How to mend it; empty if that says itself.
    pub fix: String,
}

impl FieldProblem {
    /// `what` is wrong with the field `field`.
    #[must_use]
    pub fn new(field: &str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { field: field.to_owned(), what: what.into(), fix: fix.into() }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Expression;

    #[test]
    fn an_expression_is_a_problem_with_its_place() {
        let of = |text: &str| {
            let error = Expression::compile(text, &["status"]).expect_err("it is wrong");
            FieldProblem::of_expression("outcome.ok", error)
        };
        let problem = of("stauts");
        assert_eq!(problem.field, "outcome.ok");
        assert_eq!(problem.what, "unknown name `stauts` (column 1 of the expression)");
        assert_eq!(problem.fix, "did you mean `status`?");
        assert!(of("status ==\n bdy").what.ends_with("(line 2, column 2 of the expression)"));
    }
}
