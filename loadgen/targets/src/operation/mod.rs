//! One operation of a client: the request that it sends, and what the answer means. Pure: somebody else sends it.
//!
//! Everything that can be wrong with the file's texts is said when they are compiled. What comes from the service is
//! bounded and never trusted: a name with a line break must not become a header, and an answer that cannot be understood
//! is *unknown*, since it may have had an effect.

mod answer;
mod kind;
mod places;
mod request;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Method};

pub use answer::{Answer, Captures, MAX_ANSWER_BYTES, MAX_HEADER_BYTES};
pub use kind::Kind;
pub use places::Places;
pub use request::{Request, RequestError};

use crate::expression::Expression;
use crate::file;
use crate::problem::FieldProblem;
use crate::template::{Place, Scope, Template};

/// After how long without an answer the outcome is unknown, if the file does not say.
const DEFAULT_DEADLINE_MS: u64 = 6_000;

/// An operation, compiled.
#[derive(Debug)]
pub struct Operation {
    kind: Kind,
    method: Method,
    url: Template,
    headers: Vec<(HeaderName, Template)>,
    body: Option<Template>,
    deadline_ms: u64,
    outcomes: answer::Outcomes,
    captures: Vec<(&'static str, Expression)>,
}

impl Operation {
    /// Compiles what the file says of the operation `kind`, with the `ports` that there are.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn compile(
        kind: Kind,
        operation: &file::Operation,
        ports: &Arc<BTreeSet<String>>,
        replicas: u32,
    ) -> Result<Self, Vec<FieldProblem>> {
        let mut compiler = Compiler {
            scope: Scope::new(Place::Operation(kind.places()), Arc::clone(ports), replicas),
            names: answer::NAMES.iter().chain(kind.places()).copied().collect(),
            problems: Vec::new(),
        };
        let method = compiler.method(operation.method.as_deref());
        let url = compiler.template("url", &operation.url);
        let headers = operation
            .headers
            .iter()
            .filter_map(|(name, value)| compiler.header(name, value))
            .collect();
        let body = operation.body.as_ref().and_then(|body| compiler.template("body", body));
        let deadline_ms = operation.deadline_ms.unwrap_or(DEFAULT_DEADLINE_MS);
        if deadline_ms == 0 {
            let problem = FieldProblem::new("deadline_ms", "it is 0", "give milliseconds: 6000");
            compiler.problems.push(problem);
        }
        let mut outcome = |field, text: &Option<String>| {
            text.as_ref().and_then(|text| compiler.expression(field, text))
        };
        let outcomes = answer::Outcomes {
            ok: outcome("outcome.ok", &operation.outcome.ok),
            rejected: outcome("outcome.rejected", &operation.outcome.rejected),
            failed: outcome("outcome.failed", &operation.outcome.failed),
        };
        let captures = operation
            .captures()
            .filter_map(|(name, text)| compiler.capture(kind, name, text))
            .collect();
        match (method, url) {
            (Some(method), Some(url)) if compiler.problems.is_empty() => {
                Ok(Self { kind, method, url, headers, body, deadline_ms, outcomes, captures })
            }
            _ => Err(compiler.problems),
        }
    }

    /// Which it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// After how long without an answer the outcome is unknown.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }

    /// Whether an answer's status alone says that it is ok.
    #[must_use]
    pub fn is_ok_by_status(&self) -> bool {
        let looks =
            |ok: &Expression| answer::NAMES.iter().any(|name| *name != "status" && ok.uses(name));
        !self.outcomes.ok.as_ref().is_some_and(looks)
    }

    /// Whether its answers show `capture`, as [`Kind::captures`] calls it.
    #[must_use]
    pub fn shows(&self, capture: &str) -> bool {
        self.captures.iter().any(|(name, _)| *name == capture)
    }
}

struct Compiler {
    scope: Scope,
    names: Vec<&'static str>,
    problems: Vec<FieldProblem>,
}

impl Compiler {
    fn method(&mut self, text: Option<&str>) -> Option<Method> {
        let text = text.unwrap_or("GET");
        let method = Method::from_bytes(text.as_bytes()).ok();
        if method.is_none() {
            let what = format!("`{text}` is no HTTP method");
            self.problems.push(FieldProblem::new("method", what, "give GET, POST or its like"));
        }
        method
    }

    fn header(&mut self, name: &str, value: &str) -> Option<(HeaderName, Template)> {
        let field = format!("headers.{name}");
        let Ok(known) = HeaderName::from_bytes(name.as_bytes()) else {
            let fix = "it has letters, digits and hyphens";
            self.problems.push(FieldProblem::new(&field, "it is no name of a header", fix));
            return None;
        };
        Some((known, self.template(&field, value)?))
    }

    fn template(&mut self, field: &str, text: &str) -> Option<Template> {
        Template::compile(text, &self.scope)
            .map_err(|error| {
                self.problems.push(FieldProblem::new(field, error.problem, error.fix));
            })
            .ok()
    }

    fn expression(&mut self, field: &str, text: &str) -> Option<Expression> {
        Expression::compile_for_operation(text, &self.names)
            .map_err(|error| self.problems.push(FieldProblem::of_expression(field, error)))
            .ok()
    }

    fn capture(
        &mut self,
        kind: Kind,
        name: &'static str,
        text: &str,
    ) -> Option<(&'static str, Expression)> {
        if !kind.captures().contains(&name) {
            let what = format!("nothing of that name is captured from a {}", kind.name());
            let fix = match kind.captures() {
                [] => "leave it out".to_owned(),
                captures => format!("there are {}", captures.join(", ")),
            };
            self.problems.push(FieldProblem::new(name, what, fix));
            return None;
        }
        Some((name, self.expression(name, text)?))
    }
}
