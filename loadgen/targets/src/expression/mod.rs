//! What a target's file says in CEL: outcomes, captures, rows, who leads. An expression is compiled once, when the file is
//! read, and everything that can be known to be wrong with it is an error then, with its place: names that the place does
//! not have, functions that there are not, regular expressions that do not compile.
//!
//! Most of what files say is a path, a comparison and an `int`. Those are evaluated on the parsed JSON as it is
//! (`direct`), since building the engine's own values costs more than the whole answer otherwise; everything else goes to
//! the crate `cel` (`engine`). The invariant: both mean the same, value for value and error for error, so nobody can
//! tell by an outcome which of them was used (`tests` compares them over a table).
//!
//! An evaluation never panics: what cannot be evaluated is an error that says why.

mod direct;
mod engine;
mod headers;
mod names;
mod patterns;
mod value;
mod variables;

use std::borrow::Cow;

use cel::IdedExpr;
use cel::common::ast::{Expr, SourceInfo};
use serde_json::Value as Json;
use thiserror::Error;

pub use variables::{Bound, Variables};

use direct::Node;
use patterns::Patterns;
use value::Value;

/// The longest text of an expression, in bytes. A page of CEL is far more than an outcome needs, and the parser's time
/// and stack grow with the text.
pub const MAX_EXPRESSION_BYTES: usize = 2048;

/// What is wrong with an expression's text.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("at column {column}: {problem}{}{}", if hint.is_empty() { "" } else { "; " }, hint)]
pub struct ExpressionError {
    /// The line of the text, from 1; expressions rarely have a second one.
    pub line: usize,
    /// The column in that line, in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
    /// How it might be mended; empty if there is nothing to suggest.
    pub hint: String,
}

impl ExpressionError {
    fn at_start(problem: String) -> Self {
        Self { line: 1, column: 1, problem, hint: String::new() }
    }
}

/// Why an expression has no value for an answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{expression}`: {reason}")]
pub struct EvaluationError {
    /// The expression's text.
    pub expression: String,
    /// What went wrong: a missing key, a text that is no number, a type that does not fit.
    pub reason: String,
}

/// A compiled expression.
#[derive(Debug)]
pub struct Expression {
    text: String,
    variables: Vec<String>,
    how: How,
}

#[derive(Debug)]
enum How {
    Direct(Node),
    Engine(engine::Compiled),
}

impl Expression {
    /// Compiles `text`, which may use the variables `names`.
    ///
    /// # Errors
    /// The first thing that is wrong, by its place in the text.
    pub fn compile(text: &str, names: &[&str]) -> Result<Self, ExpressionError> {
        Self::compile_with(text, names, true)
    }

    /// Compiles an expression of an operation, which is evaluated for every answer: a comprehension within another is
    /// refused, since a long list in an answer would make one outcome cost seconds.
    ///
    /// # Errors
    /// As [`Expression::compile`].
    pub fn compile_for_operation(text: &str, names: &[&str]) -> Result<Self, ExpressionError> {
        Self::compile_with(text, names, false)
    }

    fn compile_with(text: &str, names: &[&str], nested: bool) -> Result<Self, ExpressionError> {
        let (expression, patterns, variables) = prepare(text, names, nested)?;
        let how = match Node::of(&expression, &patterns) {
            Some(node) => How::Direct(node),
            None => How::Engine(engine::Compiled { expression, patterns }),
        };
        Ok(Self { text: text.to_owned(), variables, how })
    }

    /// The text that it was compiled from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it uses the variable `name`: what no expression uses need not be built.
    #[must_use]
    pub fn uses(&self, name: &str) -> bool {
        self.variables.iter().any(|used| used == name)
    }

    /// Whether nothing decides it but `name`, and whether the answer is one to what was `asked`: values that it must equal.
    pub(crate) fn is_decided_by(&self, name: &str, asked: &[&str]) -> bool {
        match &self.how {
            How::Direct(node) => node.is_decided_by(name, asked),
            How::Engine(_) => self.variables.iter().all(|used| used == name),
        }
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// If it cannot be evaluated, or is no bool.
    pub fn holds(&self, variables: &Variables<'_>) -> Result<bool, EvaluationError> {
        match self.evaluate(variables)? {
            Value::Bool(holds) => Ok(holds),
            other => Err(self.mistyped(&other, "bool")),
        }
    }

    /// Its integer.
    ///
    /// # Errors
    /// If it cannot be evaluated, or is no integer of 64 bits with a sign. A text of digits is none: `int(...)` makes it one.
    pub fn int(&self, variables: &Variables<'_>) -> Result<i64, EvaluationError> {
        match self.evaluate(variables)? {
            Value::Int(int) => Ok(int),
            other => Err(self.mistyped(&other, "int")),
        }
    }

    /// Its text.
    ///
    /// # Errors
    /// If it cannot be evaluated, or is no text.
    pub fn string(&self, variables: &Variables<'_>) -> Result<String, EvaluationError> {
        match self.evaluate(variables)? {
            Value::Text(text) => Ok(text.into_owned()),
            other => Err(self.mistyped(&other, "string")),
        }
    }

    /// Its list; borrowed where it is one of the variables' own, which may be as long as a whole state source.
    ///
    /// # Errors
    /// If it cannot be evaluated, or is no list.
    pub fn list<'a>(
        &'a self,
        variables: &Variables<'a>,
    ) -> Result<Cow<'a, [Json]>, EvaluationError> {
        match self.evaluate(variables)? {
            Value::Json(Cow::Borrowed(Json::Array(items))) => Ok(Cow::Borrowed(items)),
            Value::Json(Cow::Owned(Json::Array(items))) => Ok(Cow::Owned(items)),
            Value::List(items) => {
                let items = items.into_iter().map(|item| self.as_json(item));
                Ok(Cow::Owned(items.collect::<Result<_, _>>()?))
            }
            other => Err(self.mistyped(&other, "list")),
        }
    }

    /// Its value, whatever it is, as JSON.
    ///
    /// # Errors
    /// If it cannot be evaluated, or is nothing that JSON has.
    pub fn json(&self, variables: &Variables<'_>) -> Result<Json, EvaluationError> {
        let value = self.evaluate(variables)?;
        self.as_json(value)
    }

    fn evaluate<'a>(&'a self, variables: &Variables<'a>) -> Result<Value<'a>, EvaluationError> {
        match &self.how {
            How::Direct(node) => node.evaluate(variables),
            How::Engine(compiled) => compiled.evaluate(&self.variables, variables),
        }
        .map_err(|reason| self.wrong(reason))
    }

    fn as_json(&self, value: Value<'_>) -> Result<Json, EvaluationError> {
        value.into_json().map_err(|reason| self.wrong(reason))
    }

    fn mistyped(&self, value: &Value<'_>, wanted: &str) -> EvaluationError {
        self.wrong(format!("it is {} where {wanted} is needed", value.described()))
    }

    fn wrong(&self, reason: String) -> EvaluationError {
        EvaluationError { expression: self.text.clone(), reason }
    }

    /// The same expression through the engine alone, for comparing the two.
    ///
    /// # Errors
    /// As [`Expression::compile`].
    #[doc(hidden)]
    pub fn compile_for_engine(text: &str, names: &[&str]) -> Result<Self, ExpressionError> {
        let (expression, patterns, variables) = prepare(text, names, true)?;
        let how = How::Engine(engine::Compiled { expression, patterns });
        Ok(Self { text: text.to_owned(), variables, how })
    }

    /// Whether it is evaluated on the JSON as it is.
    #[doc(hidden)]
    #[must_use]
    pub fn is_direct(&self) -> bool {
        matches!(self.how, How::Direct(_))
    }
}

/// Parses and checks `text`: the expression without its literal patterns, these, and the variables that it uses.
fn prepare(
    text: &str,
    names: &[&str],
    nested: bool,
) -> Result<(IdedExpr, Patterns, Vec<String>), ExpressionError> {
    if text.len() > MAX_EXPRESSION_BYTES {
        let problem = format!("the expression is longer than {MAX_EXPRESSION_BYTES} bytes");
        return Err(ExpressionError::at_start(problem));
    }
    let (mut expression, source) = engine::parse(text)?;
    let variables = names::check(&expression, names, nested).map_err(|wrong| wrong.at(&source))?;
    let patterns = patterns::compile(&mut expression).map_err(|wrong| wrong.at(&source))?;
    Ok((expression, patterns, variables))
}

/// Something wrong at a node of the parsed expression.
#[derive(Debug)]
struct Wrong {
    node: u64,
    problem: String,
    hint: String,
}

impl Wrong {
    fn at(self, source: &SourceInfo) -> ExpressionError {
        let offset = source.offset_for(self.node).map_or(0, |(start, _)| start as usize);
        let before: String = source.source.chars().take(offset).collect();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        ExpressionError { line, column, problem: self.problem, hint: self.hint }
    }
}

/// The call `name(args)` or `args[0].name(args[1..])`, if `expression` is one: the two are the same function.
fn call(expression: &Expr) -> Option<(&str, Vec<&IdedExpr>)> {
    let Expr::Call(call) = expression else { return None };
    Some((&call.func_name, call.target.as_deref().into_iter().chain(&call.args).collect()))
}

#[cfg(test)]
mod tests;
