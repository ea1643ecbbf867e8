//! Texts with placeholders, in Jinja (crate `minijinja`): compiled once, when the file is read, and rendered per trial or per
//! operation.
//!
//! What can be known to be wrong is an error at reading, and the invariant is that a template which was compiled renders
//! with every [`Setting`] that has the target's ports: besides the syntax the names are checked, since each place has its own
//! ([`Place`]), and the template is rendered once with values that stand for the real ones, which finds a port that there is not even
//! where its name is put together (`port['order-' ~ n]`).
//!
//! A text without placeholders is no template: it is borrowed as it is, and costs nothing. One whose places are all plain is
//! filled in without the engine where that matters (`plain`).

mod command;
mod plain;
mod scope;
mod setting;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Object, Value};
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use thiserror::Error;

pub use command::{CommandError, CommandTemplate};
pub use scope::{Place, Scope};
pub use setting::Setting;

use crate::expression::Bound;
use crate::plan_values;

/// How much work one rendering may do, in instructions of the engine: a loop over some hundred replicas needs a few
/// thousand, and a loop without end takes some milliseconds until it is refused.
pub const MAX_FUEL: u64 = 100_000;

/// The longest template, in bytes: configuration files of services are shorter by far.
pub const MAX_TEMPLATE_BYTES: usize = 1024 * 1024;

/// The name that the one template of each environment has.
const ONLY: &str = "template";

/// Functions of the engine that a template may call.
const FUNCTIONS: [&str; 3] = ["range", "dict", "namespace"];

/// What is wrong with a template.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{problem}{}{fix}", if fix.is_empty() { "" } else { "; " })]
pub struct TemplateError {
    /// The line of the text, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
    /// How it might be mended; empty if there is nothing to suggest.
    pub fix: String,
}

/// Why a template could not be rendered: with values that were checked, only because it does too much work.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{template}` cannot be rendered: {reason}")]
pub struct RenderError {
    /// Its text.
    pub template: String,
    /// Why.
    pub reason: String,
}

/// A text with placeholders, or without.
#[derive(Clone)]
pub struct Template {
    text: Arc<str>,
    n: Option<i64>,
    /// Nothing for a text without placeholders.
    compiled: Option<Compiled>,
}

#[derive(Clone)]
struct Compiled {
    environment: Arc<Environment<'static>>,
    uses: Arc<BTreeSet<String>>,
    /// Its parts, if all its places are plain.
    plain: Option<Arc<[plain::Piece]>>,
}

impl Template {
    /// Compiles `text`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn compile(text: &str, scope: &Scope) -> Result<Self, TemplateError> {
        Self::compile_with(text, scope, Environment::new())
    }

    fn compile_with(
        text: &str,
        scope: &Scope,
        mut environment: Environment<'static>,
    ) -> Result<Self, TemplateError> {
        let wrong =
            |problem: String, fix: &str| TemplateError { line: 1, problem, fix: fix.to_owned() };
        if text.len() > MAX_TEMPLATE_BYTES {
            let problem = format!("has {} bytes", text.len());
            return Err(wrong(problem, &format!("{MAX_TEMPLATE_BYTES} are the most")));
        }
        if !["{{", "{%", "{#"].iter().any(|opening| text.contains(opening)) {
            return Ok(Self { text: text.into(), n: scope.n, compiled: None });
        }
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(MAX_FUEL));
        let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
        environment.set_syntax(syntax.map_err(|error| explain(&error, ""))?);
        environment.add_template_owned(ONLY, text.to_owned()).map_err(|error| {
            explain(&error, "placeholders are {{ name }}, conditions {% if ... %}{% endif %}")
        })?;
        let template = environment.get_template(ONLY).map_err(|error| explain(&error, ""))?;
        let mut uses: BTreeSet<String> = template.undeclared_variables(false).into_iter().collect();
        for function in FUNCTIONS {
            uses.remove(function);
        }
        let of_plan: Vec<String> = template
            .undeclared_variables(true)
            .into_iter()
            .filter(|name| plan_values::is_of_plan(name))
            .collect();
        let names = scope.names();
        if let Some(unknown) = uses.iter().find(|name| !names.contains(&name.as_str())) {
            let like = crate::suggest::closest(unknown, names.iter().copied());
            let fix = like.map_or_else(
                || format!("there are {}", names.join(", ")),
                |like| format!("did you mean {like}? There are {}", names.join(", ")),
            );
            return Err(wrong(format!("there is no `{unknown}` here"), &fix));
        }
        if let Some((problem, fix)) = of_plan.iter().find_map(|name| plan_values::unknown(name)) {
            return Err(wrong(problem, &fix));
        }
        uses.extend(of_plan);
        let compiled = Compiled {
            environment: Arc::new(environment),
            uses: Arc::new(uses),
            plain: plain::parse(text).map(Arc::from),
        };
        let template = Self { text: text.into(), n: scope.n, compiled: Some(compiled) };
        let setting = Setting::probe(scope);
        for values in scope.probes() {
            template.try_render(&setting, values).map_err(|error| explain(&error, ""))?;
        }
        Ok(template)
    }

    /// An empty text, in the place of what could not be compiled or is not there.
    pub(crate) fn nothing() -> Self {
        Self::literally("")
    }

    /// A text as it is.
    pub(crate) fn literally(text: &str) -> Self {
        Self { text: text.into(), n: None, compiled: None }
    }

    /// As it stands in the file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it has the placeholder `name`.
    #[must_use]
    pub fn uses(&self, name: &str) -> bool {
        self.compiled.as_ref().is_some_and(|compiled| compiled.uses.contains(name))
    }

    /// Which of a plan's values it takes, as `system.cap`.
    pub(crate) fn of_plan(&self) -> impl Iterator<Item = &str> {
        let uses = self.compiled.iter().flat_map(|compiled| compiled.uses.iter());
        uses.map(String::as_str).filter(|name| plan_values::is_of_plan(name) && name.contains('.'))
    }

    /// The text itself if it has no placeholders.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        self.compiled.is_none().then_some(&*self.text)
    }

    /// Fills in the trial's values.
    ///
    /// # Errors
    /// If that is too much work.
    pub fn render(&self, setting: &Setting) -> Result<Cow<'_, str>, RenderError> {
        self.render_with(setting, Vec::new())
    }

    /// Fills in the trial's values and those of one request, which `value` has by their names, without the engine. `None` if
    /// that takes the engine ([`Template::render_with`]), which says what is wrong if anything is.
    pub(crate) fn fill<'v>(
        &self,
        setting: &Setting,
        value: impl Fn(&str) -> Option<Bound<'v>>,
    ) -> Option<Cow<'_, str>> {
        match &self.compiled {
            None => Some(Cow::Borrowed(&self.text)),
            Some(compiled) => plain::fill(compiled.plain.as_ref()?, setting, value).map(Cow::Owned),
        }
    }

    /// Fills in the trial's values and those of one request.
    ///
    /// # Errors
    /// If that is too much work, or a value is missing or does not fit a filter.
    pub fn render_with(
        &self,
        setting: &Setting,
        values: Vec<(&'static str, Value)>,
    ) -> Result<Cow<'_, str>, RenderError> {
        if self.compiled.is_none() {
            return Ok(Cow::Borrowed(&self.text));
        }
        self.try_render(setting, values).map(Cow::Owned).map_err(|error| RenderError {
            template: self.text.to_string(),
            reason: reason(&error),
        })
    }

    fn try_render(
        &self,
        setting: &Setting,
        values: Vec<(&'static str, Value)>,
    ) -> Result<String, minijinja::Error> {
        let Some(compiled) = &self.compiled else { return Ok(self.text.to_string()) };
        let values = Values { setting: setting.clone(), n: self.n, values };
        compiled.environment.get_template(ONLY)?.render(Value::from_object(values))
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.text).finish()
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.n == other.n
    }
}

/// What one rendering looks names up in.
#[derive(Debug)]
struct Values {
    setting: Setting,
    n: Option<i64>,
    values: Vec<(&'static str, Value)>,
}

impl Object for Values {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let given = self.values.iter().find(|(known, _)| *known == name);
        given.map(|(_, value)| value.clone()).or_else(|| match name {
            "n" => self.n.map(Value::from),
            _ => self.setting.get(name),
        })
    }
}

fn explain(error: &minijinja::Error, fix: &str) -> TemplateError {
    TemplateError { line: error.line().unwrap_or(1), problem: reason(error), fix: fix.to_owned() }
}

fn reason(error: &minijinja::Error) -> String {
    let what = match error.kind() {
        ErrorKind::SyntaxError => "is no template".to_owned(),
        ErrorKind::OutOfFuel => {
            return format!(
                "does too much work: more than {MAX_FUEL} steps, as a loop without end does"
            );
        }
        ErrorKind::UndefinedError if error.detail().is_none() => {
            "uses a value that there is not".to_owned()
        }
        kind => kind.to_string(),
    };
    match error.detail() {
        // Ours says all there is to say.
        Some(detail) if error.kind() == ErrorKind::UndefinedError => detail.to_owned(),
        Some(detail) => format!("{what}: {detail}"),
        None => what,
    }
}
