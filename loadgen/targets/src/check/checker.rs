//! What all rules need: the lines of fields, the names that there are, and a place for problems.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use crate::document::{Lines, join};
use crate::expression::Expression;
use crate::file;
use crate::pattern;
use crate::plan_values::PlanValues;
use crate::problem::FieldProblem;
use crate::problems::Problem;
use crate::suggest::closest;
use crate::template::{CommandTemplate, Place, Scope, Setting, Template};

/// The longest that anything may be waited for.
pub(super) const MAX_TIMEOUT_SECONDS: u64 = 3600;
/// The longest period of probes and polls, and the longest deadline of an operation: an hour would be no load.
pub(super) const MAX_PERIOD_MS: u64 = 600_000;
/// A process as it was declared: with its `n`, if its table is repeated.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    /// Its key in the file.
    pub(super) key: String,
    pub(super) n: Option<i64>,
    pub(super) name: String,
    pub(super) role: String,
}

/// See the module.
pub(super) struct Checker<'l> {
    lines: &'l Lines,
    problems: Vec<Problem>,
    /// The target's folder.
    pub(super) folder: PathBuf,
    pub(super) plan: Arc<PlanValues>,
    /// Which of a plan's values the file uses, as far as it was read.
    pub(super) of_plan: BTreeSet<String>,
    pub(super) ports: Arc<BTreeSet<String>>,
    /// The hosts and processes that have an address.
    pub(super) reached: Arc<BTreeSet<String>>,
    pub(super) processes: Vec<Declared>,
}

impl<'l> Checker<'l> {
    pub(super) fn new(
        path: &Path,
        lines: &'l Lines,
        problems: Vec<Problem>,
        plan: PlanValues,
    ) -> Self {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        let (plan, of_plan) = (Arc::new(plan), BTreeSet::new());
        let (ports, reached, processes) = (Arc::default(), Arc::default(), Vec::new());
        Self { lines, problems, folder, plan, of_plan, ports, reached, processes }
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Notes that a field is wrong, unless it is not known what stands there.
    pub(super) fn add(&mut self, field: &str, what: impl Display, fix: impl Display) {
        if self.lines.is_unsure(field) {
            return;
        }
        let line = Some(self.lines.of(field));
        let (what, fix) = (what.to_string(), fix.to_string());
        self.problems.push(Problem { line, field: field.to_owned(), what, fix });
    }

    /// Notes what is wrong within the table `outer`.
    pub(super) fn add_all(&mut self, outer: &str, problems: Vec<FieldProblem>) {
        for FieldProblem { field, what, fix } in problems {
            let field =
                if field.is_empty() { outer.to_owned() } else { format!("{outer}.{field}") };
            self.add(&field, what, fix);
        }
    }

    /// Notes that there is no such thing, and what might be meant.
    pub(super) fn add_unknown<'a>(
        &mut self,
        field: &str,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        let known: Vec<&str> = known.into_iter().collect();
        let fix = match closest(name, known.iter().copied()) {
            Some(like) => format!("did you mean `{like}`?"),
            None if known.is_empty() => "there is none at all".to_owned(),
            None => format!("there are {}", known.join(", ")),
        };
        self.add(field, format!("there is no {what} `{name}`"), fix);
    }

    /// What may be put in at a place.
    pub(super) fn scope(&self, place: Place, n: Option<i64>) -> Scope {
        let (ports, plan) = (Arc::clone(&self.ports), Arc::clone(&self.plan));
        let reached = Arc::clone(&self.reached);
        Scope { place, ports, reached, plan, n, processes: Vec::new() }
    }

    /// A text with placeholders.
    pub(super) fn template(&mut self, field: &str, text: &str, scope: &Scope) -> Template {
        match Template::compile(text, scope) {
            Ok(template) => {
                self.of_plan.extend(template.of_plan().map(str::to_owned));
                template
            }
            Err(error) => {
                self.add(field, error.problem, error.fix);
                Template::nothing()
            }
        }
    }

    /// Several, by name.
    pub(super) fn templates<C: FromIterator<(String, Template)>>(
        &mut self,
        field: &str,
        texts: &std::collections::BTreeMap<String, String>,
        scope: &Scope,
    ) -> C {
        let compile = |(name, text): (&String, &String)| {
            (name.clone(), self.template(&join(field, name), text, scope))
        };
        texts.iter().map(compile).collect()
    }

    /// A command line.
    pub(super) fn command(
        &mut self,
        field: &str,
        command: &file::Command,
        scope: &Scope,
    ) -> CommandTemplate {
        match CommandTemplate::compile(command, scope) {
            Ok(command) => {
                self.of_plan.extend(command.of_plan().map(str::to_owned));
                command
            }
            Err(error) => {
                self.add(field, error.problem, error.fix);
                CommandTemplate::Arguments(Vec::new())
            }
        }
    }

    /// An expression that is evaluated now and then.
    pub(super) fn expression(
        &mut self,
        field: &str,
        text: &str,
        names: &[&str],
    ) -> Option<Expression> {
        let compiled = Expression::compile(text, names);
        self.compiled(field, compiled)
    }

    /// An expression that is evaluated for every answer, and so must be cheap.
    pub(super) fn operation_expression(
        &mut self,
        field: &str,
        text: &str,
        names: &[&str],
    ) -> Option<Expression> {
        let compiled = Expression::compile_for_operation(text, names);
        self.compiled(field, compiled)
    }

    fn compiled(
        &mut self,
        field: &str,
        compiled: Result<Expression, crate::expression::ExpressionError>,
    ) -> Option<Expression> {
        match compiled {
            Ok(expression) => Some(expression),
            Err(error) => {
                let FieldProblem { what, fix, .. } = FieldProblem::of_expression(field, error);
                self.add(field, what, fix);
                None
            }
        }
    }

    /// A regular expression.
    pub(super) fn regex(&mut self, field: &str, text: &str) -> Option<Regex> {
        match pattern::build(text) {
            Ok(regex) => Some(regex),
            Err(problem) => {
                let fix = "put it in single quotes, so that TOML leaves its backslashes alone";
                self.add(field, problem, fix);
                None
            }
        }
    }

    /// A time to wait, in seconds.
    pub(super) fn seconds(&mut self, field: &str, given: Option<u64>, default: u64) -> Duration {
        Duration::from_secs(self.within(field, given.unwrap_or(default), 1, MAX_TIMEOUT_SECONDS))
    }

    /// A period or deadline, in milliseconds.
    pub(super) fn milliseconds(
        &mut self,
        field: &str,
        given: Option<u64>,
        default: u64,
    ) -> Duration {
        Duration::from_millis(self.within(field, given.unwrap_or(default), 1, MAX_PERIOD_MS))
    }

    /// A number that may be the plan's; `None` if there is none, which has been noted.
    pub(super) fn count(&mut self, field: &str, given: &file::Count) -> Option<u64> {
        let text = match given {
            file::Count::Number(number) => return Some(*number),
            file::Count::Text(text) => text,
        };
        let scope = self.scope(Place::Name, None);
        let template = self.template(field, text, &scope);
        let setting = Setting::probe(&scope);
        // A template that was compiled renders.
        let rendered = template.render(&setting).unwrap_or_default();
        let number = rendered.trim().parse().ok();
        if number.is_none() && template.text() == text {
            let fix = "write a number, or one of a plan's: \"{{ system.cap }}\"";
            self.add(field, format!("\"{rendered}\" is no number"), fix);
        }
        number
    }

    /// A number between two bounds that are allowed.
    pub(super) fn within(&mut self, field: &str, value: u64, least: u64, most: u64) -> u64 {
        if value < least || value > most {
            self.add(field, format!("is {value}"), format!("it must be from {least} to {most}"));
        }
        value.clamp(least, most)
    }

    /// Whether there is a process of this name.
    pub(super) fn knows_process(&mut self, field: &str, name: &str) -> bool {
        let known = self.processes.iter().any(|process| process.name == name);
        if !known {
            let names: Vec<String> =
                self.processes.iter().map(|process| process.name.clone()).collect();
            self.add_unknown(field, "process", name, names.iter().map(String::as_str));
        }
        known
    }

    /// The processes of a role.
    pub(super) fn of_role(&mut self, field: &str, role: &str) -> Vec<String> {
        let of_role = self.processes.iter().filter(|process| process.role == role);
        let names: Vec<String> = of_role.map(|process| process.name.clone()).collect();
        if names.is_empty() {
            let roles: BTreeSet<String> =
                self.processes.iter().map(|process| process.role.clone()).collect();
            self.add_unknown(
                field,
                "process with the role",
                role,
                roles.iter().map(String::as_str),
            );
        }
        names
    }
}
