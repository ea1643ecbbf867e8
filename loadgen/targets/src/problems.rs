//! What is wrong with a target's file: all of it at once, a line each, with line, field, and what to do.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line in the file, from 1; none if the file cannot be read at all.
    pub line: Option<usize>,
    /// The field's dotted name: `processes.order-1.command`. Empty if it is no field's.
    pub field: String,
    /// What is wrong.
    pub what: String,
    /// How to mend it; empty if that says itself.
    pub fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.field.as_str()) {
            (Some(line), "") => write!(f, "line {line}: ")?,
            (Some(line), field) => write!(f, "line {line}, {field}: ")?,
            (None, _) => {}
        }
        f.write_str(&self.what)?;
        if self.fix.is_empty() { Ok(()) } else { write!(f, "; {}", self.fix) }
    }
}

/// Everything that is wrong with a file, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    label: String,
    each: Vec<Problem>,
}

impl Problems {
    /// Each once, by line.
    pub(crate) fn new(label: String, mut each: Vec<Problem>) -> Self {
        each.sort_by_key(|problem| problem.line);
        // A table that is repeated has the same problem once for each n.
        let mut distinct: Vec<Problem> = Vec::with_capacity(each.len());
        for problem in each {
            if !distinct.contains(&problem) {
                distinct.push(problem);
            }
        }
        Self { label, each: distinct }
    }

    /// Each of them.
    #[must_use]
    pub fn each(&self) -> &[Problem] {
        &self.each
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.each.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            let comma = if problem.line.is_some() { "," } else { ":" };
            write!(f, "{separator}target {}{comma} {problem}", self.label)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
