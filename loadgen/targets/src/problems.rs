//! What is wrong with a target's file: all of it at once, a line each, with line, field, and what to do.

use std::fmt;
use std::path::Path;

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

impl Problem {
    /// As compilers say it: `FILE:LINE: field: what; how to mend it`.
    #[must_use]
    pub fn in_file(&self, file: &Path) -> String {
        let Self { line, field, what, fix } = self;
        let line = line.map(|line| format!("{line}:")).unwrap_or_default();
        let field = if field.is_empty() { String::new() } else { format!("{field}: ") };
        let fix = if fix.is_empty() { String::new() } else { format!("; {fix}") };
        format!("{}:{line} {field}{what}{fix}", file.display())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_said_as_compilers_do() {
        let mut problem = Problem {
            line: Some(3),
            field: "ports.front".to_owned(),
            what: "is 0".to_owned(),
            fix: "write \"free\"".to_owned(),
        };
        let file = Path::new("shop.toml");
        assert_eq!(problem.in_file(file), "shop.toml:3: ports.front: is 0; write \"free\"");
        problem = Problem {
            line: None,
            field: String::new(),
            what: "cannot be read".to_owned(),
            fix: String::new(),
        };
        assert_eq!(problem.in_file(file), "shop.toml: cannot be read");
    }
}
