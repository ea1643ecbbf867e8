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
use crate::target::Capabilities;
use crate::template::{Scope, Template};

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
    /// Whether the answer came from a cache.
    cache_hit: Option<Arc<Expression>>,
    /// How often the target tried.
    attempts: Option<Arc<Expression>>,
    /// Which of [`answer::NAMES`] any expression uses.
    uses: Vec<&'static str>,
}

impl Operation {
    /// Compiles what the file says of the operation `kind`, with its deadline and what may be put into it.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn compile(
        kind: Kind,
        operation: &file::Operation,
        deadline_ms: Option<u64>,
        scope: Scope,
    ) -> Result<Self, Vec<FieldProblem>> {
        let mut compiler = Compiler {
            scope,
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
        let deadline_ms = deadline_ms.unwrap_or(DEFAULT_DEADLINE_MS);
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
                let (cache_hit, attempts, uses) = (None, None, Vec::new());
                let operation = Self {
                    kind,
                    method,
                    url,
                    headers,
                    body,
                    deadline_ms,
                    outcomes,
                    captures,
                    cache_hit,
                    attempts,
                    uses,
                };
                Ok(operation.telling(&Capabilities::default()))
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

    /// Which of a plan's values its request takes.
    pub(crate) fn of_plan(&self) -> impl Iterator<Item = &str> {
        let headers = self.headers.iter().map(|(_, value)| value);
        [&self.url].into_iter().chain(headers).chain(&self.body).flat_map(Template::of_plan)
    }

    /// The same, whose answers are also read by what the target tells besides: of a query whether it came from a cache, of a
    /// trade and the lookup of an order how often the target tried.
    #[must_use]
    pub(crate) fn telling(mut self, capabilities: &Capabilities) -> Self {
        match self.kind {
            Kind::Query => self.cache_hit = capabilities.cache_hit.clone(),
            Kind::Trade | Kind::Lookup => self.attempts = capabilities.attempts.clone(),
            Kind::List | Kind::Read | Kind::Write | Kind::CompareAndSet | Kind::Append => {}
        }
        let uses = |name: &&str| self.expressions().any(|expression| expression.uses(name));
        self.uses = answer::NAMES.into_iter().filter(uses).collect();
        self
    }

    fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let answer::Outcomes { ok, rejected, failed } = &self.outcomes;
        let told = [&self.cache_hit, &self.attempts].into_iter().flatten().map(|told| &**told);
        let captures = self.captures.iter().map(|(_, capture)| capture);
        [ok, rejected, failed].into_iter().flatten().chain(captures).chain(told)
    }

    /// Whether an answer's status alone says that it is ok. An `ok` that also compares the answer with what was asked
    /// (`body.name == stock`) says no more than that an answer must be one to the question, if the other outcomes look at the
    /// status, too.
    #[must_use]
    pub fn is_ok_by_status(&self) -> bool {
        let answer::Outcomes { ok: Some(ok), rejected, failed } = &self.outcomes else {
            return true;
        };
        let looks = |name: &&str| *name != "status" && ok.uses(name);
        !answer::NAMES.iter().any(looks)
            || ok.is_decided_by("status", self.kind.places())
                && [rejected, failed].into_iter().flatten().all(|other| other.uses("status"))
    }

    /// Whether its request says `name`, one of its places.
    #[must_use]
    pub fn uses(&self, name: &str) -> bool {
        let headers = self.headers.iter().map(|(_, value)| value);
        let all = [Some(&self.url), self.body.as_ref()].into_iter().flatten().chain(headers);
        all.into_iter().any(|template| template.uses(name))
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
