//! Command lines with placeholders.
//!
//! A line is split after its placeholders were filled in, since a loop may add arguments to it (`{% for %}`). What a
//! placeholder puts in must not be split all the same: a folder's name may have a space. So while a line is rendered, the characters of
//! values that the splitting would take for its own stand as others, of a plane that no text uses, and are put back into the
//! arguments.

use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, Output, State};
use thiserror::Error as ThisError;

use super::{RenderError, Scope, Setting, Template, TemplateError};
use crate::file;

/// Where the stand-ins begin: a plane for private use. The characters that need one are ASCII.
const STAND_INS: u32 = 0xF_0000;

/// Why there is no command to run.
#[derive(Clone, Debug, ThisError, PartialEq, Eq)]
pub enum CommandError {
    /// It cannot be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A quote is open at its end.
    #[error("`{0}` cannot be split into arguments: a quote or a backslash is open at its end")]
    Quotes(String),
    /// It has no program.
    #[error("`{0}` is empty: the first word names the program")]
    Empty(String),
}

/// A command, compiled.
#[derive(Clone, Debug, PartialEq)]
pub enum CommandTemplate {
    /// One text, which is split once its placeholders are filled in.
    Line(Template),
    /// Its arguments, the program first; at least one.
    Arguments(Vec<Template>),
}

impl CommandTemplate {
    /// Compiles a command of the file.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn compile(command: &file::Command, scope: &Scope) -> Result<Self, TemplateError> {
        let compiled = match command {
            file::Command::Line(line) => {
                let mut environment = Environment::new();
                environment.set_formatter(write_unsplit);
                Self::Line(Template::compile_with(line, scope, environment)?)
            }
            file::Command::Arguments(arguments) => {
                let compile = |argument: &String| Template::compile(argument, scope);
                Self::Arguments(arguments.iter().map(compile).collect::<Result<_, _>>()?)
            }
        };
        let setting = Setting::probe(scope);
        for values in scope.probes() {
            compiled.render_with(&setting, values).map_err(|error| TemplateError {
                line: 1,
                problem: error.to_string(),
                fix: String::new(),
            })?;
        }
        Ok(compiled)
    }

    /// Which of a plan's values it takes.
    pub(crate) fn of_plan(&self) -> impl Iterator<Item = &str> {
        let templates = match self {
            Self::Line(line) => std::slice::from_ref(line),
            Self::Arguments(arguments) => arguments,
        };
        templates.iter().flat_map(Template::of_plan)
    }

    /// The program and its arguments.
    ///
    /// # Errors
    /// If it cannot be rendered, or what was rendered cannot be split.
    pub fn render(&self, setting: &Setting) -> Result<Vec<String>, CommandError> {
        self.render_with(setting, Vec::new())
    }

    /// The same with further values.
    ///
    /// # Errors
    /// As [`CommandTemplate::render`].
    pub fn render_with(
        &self,
        setting: &Setting,
        values: Vec<(&'static str, Value)>,
    ) -> Result<Vec<String>, CommandError> {
        let (arguments, text): (Vec<String>, _) = match self {
            Self::Line(line) => {
                let rendered = line.render_with(setting, values)?;
                let split = shlex::split(&rendered);
                let split = split.ok_or_else(|| CommandError::Quotes(line.text().to_owned()))?;
                (split.iter().map(|argument| put_back(argument)).collect(), line.text())
            }
            Self::Arguments(arguments) => {
                let render = |argument: &Template| {
                    argument.render_with(setting, values.clone()).map(std::borrow::Cow::into_owned)
                };
                let rendered = arguments.iter().map(render).collect::<Result<_, _>>()?;
                (rendered, arguments.first().map_or("", |first| first.text()))
            }
        };
        if arguments.first().is_none_or(String::is_empty) {
            return Err(CommandError::Empty(text.to_owned()));
        }
        Ok(arguments)
    }
}

/// Writes a value so that splitting leaves it whole.
fn write_unsplit(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    // An error that stands for a value, as that of a port which there is not, must not be written as a text.
    if matches!(value.kind(), ValueKind::Undefined | ValueKind::Invalid) {
        return minijinja::escape_formatter(out, state, value);
    }
    let stand_in = |character: char| {
        let splits =
            character.is_ascii_whitespace() || matches!(character, '"' | '\'' | '\\' | '#');
        let stand_in = char::from_u32(STAND_INS + u32::from(character)).filter(|_| splits);
        stand_in.unwrap_or(character)
    };
    out.write_str(&value.to_string().chars().map(stand_in).collect::<String>()).map_err(Error::from)
}

fn put_back(argument: &str) -> String {
    let original = |character: char| {
        let code = u32::from(character).checked_sub(STAND_INS).filter(|code| *code < 0x80);
        code.and_then(char::from_u32).unwrap_or(character)
    };
    argument.chars().map(original).collect()
}
