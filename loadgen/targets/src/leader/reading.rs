//! What `[leader]` says about an answer or a line of a log: its expressions, compiled, and what they find.

use std::borrow::Cow;

use regex::Regex;
use serde_json::Value as Json;

use super::LeaderWatch;
use super::{GuessRule, LeaderEvent};
use crate::expression::{Bound, Expression, Variables};
use crate::file;
use crate::pattern;
use crate::problem::FieldProblem;

/// The variables of an answer.
const ANSWER_NAMES: [&str; 3] = ["status", "text", "body"];

/// What came of asking once.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The process that was asked, where each is asked for itself.
    pub process: Option<&'a str>,
    /// The status and the text; none if nobody answered. The output of a command is an answer with its exit code as the
    /// status.
    pub answer: Option<(i64, &'a [u8])>,
}

/// How the leader is known.
#[derive(Debug)]
pub enum LeaderReading {
    /// Somebody is asked, and names it.
    Asked {
        /// The name, of the answer.
        process: Expression,
    },
    /// Somebody's log names it.
    Logged {
        /// Whose.
        log: String,
        /// What a line that names it looks like.
        regex: Regex,
        /// The name, of the groups.
        process: Expression,
    },
    /// Each process of the role is asked whether it leads.
    Claimed {
        /// Whether it does, of its answer.
        is: Expression,
        /// Its term, of the same answer.
        term: Option<Expression>,
    },
    /// Nobody is asked.
    Guessed(GuessRule),
    /// Nobody knows.
    Unknown,
}

impl LeaderReading {
    /// Compiles `[leader]`.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn compile(leader: &file::Leader) -> Result<Self, Vec<FieldProblem>> {
        let mut problems = Vec::new();
        let asks = leader.url.is_some() || leader.exec.is_some();
        let ways = [
            ("log", leader.log.is_some()),
            ("is", leader.is.is_some()),
            ("process", asks && leader.is.is_none()),
            ("guess", leader.guess.is_some()),
        ];
        let given: Vec<&str> =
            ways.iter().filter(|(_, given)| *given).map(|(way, _)| *way).collect();
        if given.len() != 1 {
            let hint = "give url or exec with process; log with regex and process; role with url or exec and is; or guess";
            let problem = match given.as_slice() {
                [] => "it does not say how the leader is found".to_owned(),
                several => format!("it says in {} ways how the leader is found", several.len()),
            };
            return Err(vec![FieldProblem::new("", problem, hint)]);
        }
        let needed = |field: &str,
                      text: &Option<String>,
                      names: &[&str],
                      problems: &mut Vec<FieldProblem>| match text {
            None => {
                problems.push(FieldProblem::new(
                    field,
                    "it is missing",
                    format!("give leader.{field}"),
                ));
                None
            }
            Some(text) => Expression::compile(text, names)
                .map_err(|error| problems.push(FieldProblem::of_expression(field, error)))
                .ok(),
        };
        let reading = match given[0] {
            "log" => Self::compile_log(leader, &mut problems),
            "is" => {
                if !asks {
                    let hint = "give leader.url or leader.exec, with {{ process }}";
                    problems.push(FieldProblem::new("url", "nobody is asked", hint));
                }
                let is = needed("is", &leader.is, &ANSWER_NAMES, &mut problems);
                let term = leader
                    .term
                    .is_some()
                    .then(|| needed("term", &leader.term, &ANSWER_NAMES, &mut problems));
                is.map(|is| Self::Claimed { is, term: term.flatten() })
            }
            "process" => needed("process", &leader.process, &ANSWER_NAMES, &mut problems)
                .map(|process| Self::Asked { process }),
            _ => Some(Self::guess(leader)),
        };
        match reading {
            Some(reading) if problems.is_empty() => Ok(reading),
            _ => Err(problems),
        }
    }

    fn guess(leader: &file::Leader) -> Self {
        let takes_back = leader.takes_back.unwrap_or(false);
        match leader.guess {
            Some(file::Guess::Highest) => Self::Guessed(GuessRule { highest: true, takes_back }),
            Some(file::Guess::Lowest) => Self::Guessed(GuessRule { highest: false, takes_back }),
            Some(file::Guess::None) | None => Self::Unknown,
        }
    }

    fn compile_log(leader: &file::Leader, problems: &mut Vec<FieldProblem>) -> Option<Self> {
        let (Some(log), Some(text), Some(process)) = (&leader.log, &leader.regex, &leader.process)
        else {
            let field = if leader.regex.is_none() { "regex" } else { "process" };
            problems.push(FieldProblem::new(
                field,
                "it is missing",
                format!("give leader.{field}"),
            ));
            return None;
        };
        let regex = pattern::build(text)
            .map_err(|problem| problems.push(FieldProblem::new("regex", problem, "")))
            .ok()?;
        let groups: Vec<&str> = regex.capture_names().flatten().collect();
        let process = Expression::compile(process, &groups)
            .map_err(|error| problems.push(FieldProblem::of_expression("process", error)))
            .ok()?;
        Some(Self::Logged { log: log.clone(), regex, process })
    }

    /// A watch over `processes` that is read this way.
    #[must_use]
    pub fn watch(&self, processes: impl IntoIterator<Item = String>) -> LeaderWatch {
        let guess = match self {
            Self::Guessed(rule) => Some(*rule),
            _ => None,
        };
        LeaderWatch::new(processes, guess)
    }

    /// What the answers say to questions that were asked at the same time.
    pub fn answers(&self, watch: &mut LeaderWatch, answers: &[Answered<'_>]) -> Vec<LeaderEvent> {
        match self {
            Self::Asked { process } => {
                // Who does not answer has named nobody else.
                let texts = answers.iter().filter_map(|answered| answered.answer);
                texts.flat_map(|(status, text)| named(process, watch, status, text)).collect()
            }
            Self::Claimed { is, term } => {
                let mut unclear = Vec::new();
                let claims: Vec<_> = answers
                    .iter()
                    .filter_map(|answered| {
                        let claim = claim(is, term.as_ref(), answered.answer, &mut unclear);
                        answered.process.map(|process| (process, claim.0, claim.1))
                    })
                    .collect();
                let mut events = watch.claimed(claims);
                events.extend(unclear.into_iter().flat_map(|reason| watch.unclear(reason)));
                events
            }
            Self::Logged { .. } | Self::Guessed(_) | Self::Unknown => Vec::new(),
        }
    }

    /// What a line of the log says.
    pub fn log_line(&self, watch: &mut LeaderWatch, line: &[u8]) -> Vec<LeaderEvent> {
        let Self::Logged { regex, process, .. } = self else { return Vec::new() };
        let line: Cow<'_, str> = String::from_utf8_lossy(line);
        let Some(captures) = regex.captures(&line) else { return Vec::new() };
        let mut variables = Variables::new();
        for name in regex.capture_names().flatten() {
            let group = captures.name(name).map_or("", |group| group.as_str());
            variables = variables.with(name, Bound::Text(group));
        }
        match process.string(&variables) {
            Ok(name) => watch.told(Some(&name)),
            Err(error) => watch.unclear(error.to_string()),
        }
    }
}

/// Whom an answer names.
fn named(
    process: &Expression,
    watch: &mut LeaderWatch,
    status: i64,
    text: &[u8],
) -> Vec<LeaderEvent> {
    match with_variables(status, text, |variables| process.json(variables)) {
        Ok(Json::String(name)) => watch.told(Some(&name)),
        Ok(Json::Null) => watch.told(None),
        Ok(other) => {
            watch.unclear(format!("`{}` is no name of a process: {other}", process.text()))
        }
        Err(error) => watch.unclear(error.to_string()),
    }
}

/// Whether an answer says that its process leads, and in which term; what cannot be evaluated says nothing, and why is
/// added to `unclear`.
fn claim(
    is: &Expression,
    term: Option<&Expression>,
    answer: Option<(i64, &[u8])>,
    unclear: &mut Vec<String>,
) -> (bool, Option<i64>) {
    let Some((status, text)) = answer else { return (false, None) };
    with_variables(status, text, |variables| {
        let leads = is.holds(variables).unwrap_or_else(|error| {
            unclear.push(error.to_string());
            false
        });
        let term = term.filter(|_| leads).map(|term| term.int(variables));
        let term = term.transpose().unwrap_or_else(|error| {
            unclear.push(error.to_string());
            None
        });
        (leads, term)
    })
}

fn with_variables<T>(status: i64, text: &[u8], read: impl FnOnce(&Variables<'_>) -> T) -> T {
    let body: Json = serde_json::from_slice(text).unwrap_or(Json::Null);
    let text = String::from_utf8_lossy(text);
    let variables = Variables::new()
        .with("status", Bound::Int(status))
        .with("text", Bound::Text(&text))
        .with("body", Bound::Json(&body));
    read(&variables)
}
