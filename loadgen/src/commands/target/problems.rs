//! What is wrong with a target's file, a line each, as compilers say it.

use std::path::Path;

use targets::Problem;

use crate::output::note;

/// Says all of them: `FILE:LINE: field: what; how to mend it`.
pub(super) fn tell(file: &Path, problems: &[Problem]) {
    for problem in problems {
        note!("{}", line(file, problem));
    }
}

fn line(file: &Path, problem: &Problem) -> String {
    let Problem { line, field, what, fix } = problem;
    let line = line.map(|line| format!("{line}:")).unwrap_or_default();
    let field = if field.is_empty() { String::new() } else { format!("{field}: ") };
    let fix = if fix.is_empty() { String::new() } else { format!("; {fix}") };
    format!("{}:{line} {field}{what}{fix}", file.display())
}

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
        assert_eq!(line(file, &problem), "shop.toml:3: ports.front: is 0; write \"free\"");
        problem = Problem {
            line: None,
            field: String::new(),
            what: "cannot be read".to_owned(),
            fix: String::new(),
        };
        assert_eq!(line(file, &problem), "shop.toml: cannot be read");
    }
}
