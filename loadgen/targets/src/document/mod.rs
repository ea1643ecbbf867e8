//! The file as a document: where each field stands, and whether it has the shape that the schema says.
//!
//! Serde stops at the first thing that it does not like, and somebody who writes a file wants to know all of them. So the
//! parsed document is held to the schema first ([`shape`]), everything that does not fit is noted and taken out, and what is left
//! is what serde reads. The invariant: what is left always deserializes, so the rules of [`crate::check`] can be applied to it,
//! and a rule says nothing about a field that was taken out.

mod shape;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

use crate::file::TargetFile;
use crate::problems::Problem;
use shape::Shape;

/// Where the fields of a document stand.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    lines: BTreeMap<String, usize>,
    taken_out: BTreeSet<String>,
}

impl Lines {
    /// The line of a field, or else of what it would be in.
    pub(crate) fn of(&self, field: &str) -> usize {
        let mut field = field;
        loop {
            if let Some(line) = self.lines.get(field) {
                return *line;
            }
            match parent(field) {
                Some(outer) => field = outer,
                None => return 1,
            }
        }
    }

    /// Whether a rule has nothing to say about a field, since it was taken out, or something in it or around it was.
    pub(crate) fn is_unsure(&self, field: &str) -> bool {
        let is_in = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.taken_out.iter().any(|out| is_in(field, out) || parent(out) == Some(field))
    }
}

/// What a document says, and what is wrong with its form.
#[derive(Debug)]
pub(crate) struct Document {
    /// What is left of it; nothing if it is no TOML, so that little of it can be believed.
    pub(crate) file: Option<TargetFile>,
    pub(crate) lines: Lines,
    pub(crate) problems: Vec<Problem>,
}

impl Document {
    /// Reads a text.
    pub(crate) fn read(text: &str) -> Self {
        let (mut table, errors) = DeTable::parse_recoverable(text);
        let mut shape = Shape::new(text);
        for error in &errors {
            shape.note_syntax(error);
        }
        shape.check(&mut table, errors.is_empty());
        let (lines, taken_out, mut problems) = shape.into_parts();
        let mut file = None;
        if errors.is_empty() {
            match TargetFile::deserialize(Deserializer::from(table)) {
                Ok(read) => file = Some(read),
                Err(error) => {
                    let line = error.span().map_or(1, |span| line_at(text, span.start));
                    let what = error.message().lines().collect::<Vec<_>>().join("; ");
                    problems.push(Problem {
                        line: Some(line),
                        field: String::new(),
                        what,
                        fix: String::new(),
                    });
                }
            }
        }
        Self { file, lines: Lines { lines, taken_out }, problems }
    }
}

/// A field within another, as problems name it.
pub(crate) fn join(outer: &str, key: &str) -> String {
    let is_bare =
        !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let key = if is_bare { key.to_owned() } else { format!("\"{key}\"") };
    if outer.is_empty() { key } else { format!("{outer}.{key}") }
}

/// What a field is in; nothing for one that is in the file itself.
fn parent(field: &str) -> Option<&str> {
    let mut quoted = false;
    let mut end = None;
    for (at, character) in field.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '.' | '[' if !quoted => end = Some(at),
            _ => {}
        }
    }
    end.map(|end| &field[..end])
}

/// The line of a place in a text, from 1.
fn line_at(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    before.iter().filter(|&&byte| byte == b'\n').count() + 1
}
