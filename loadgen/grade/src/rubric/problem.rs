//! What is wrong with a rubric: all of it at once, a line each, with the place and the fix.

use std::fmt;

/// Why a rubric cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.lines().join("\n"))]
pub struct RubricError {
    label: String,
    problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line in the file, from 1.
    pub line: usize,
    /// The field, if it is one's: `properties[2].checks[0]`.
    pub field: String,
    /// What is wrong, and what to do.
    pub what: String,
}

impl RubricError {
    /// The text is no TOML, or holds what no rubric has.
    pub(super) fn syntax(label: &str, text: &str, error: &toml::de::Error) -> Self {
        let line = line_at(text, error.span().map_or(0, |span| span.start));
        let what = error.message().lines().collect::<Vec<_>>().join("; ");
        let problem = Problem { line, field: String::new(), what };
        Self { label: label.to_owned(), problems: vec![problem] }
    }

    /// Rules are broken.
    pub(super) fn rules(label: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.line);
        Self { label: label.to_owned(), problems }
    }

    /// All that is wrong, by line.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn lines(&self) -> Vec<String> {
        let line = |problem: &Problem| format!("rubric {}, {problem}", self.label);
        self.problems.iter().map(line).collect()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if !self.field.is_empty() {
            write!(f, ", {}", self.field)?;
        }
        write!(f, ": {}", self.what)
    }
}

/// The line of a place in a text, from 1.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    before.iter().filter(|&&byte| byte == b'\n').count() + 1
}
