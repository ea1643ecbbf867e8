//! Names of processes, ports and the like, and the `n` that repeats a table.

use super::checker::Checker;
use crate::file::Repeat;
use crate::name::MAX_NAME_CHARS;
use crate::template::{Place, Setting};

/// How often a table may be repeated, and how many processes a target may have: one machine is to run them all.
pub(super) const MAX_REPEATS: i64 = 100;

impl Checker<'_> {
    /// A name that may have `{{ n }}` in it. Names end up in files, folders and commands.
    pub(super) fn name(&mut self, field: &str, text: &str, n: Option<i64>) -> String {
        let scope = self.scope(Place::Name, n);
        let template = self.template(field, text, &scope);
        let setting = Setting::probe(&scope);
        // A template that was compiled renders.
        let name = template.render(&setting).unwrap_or_default().into_owned();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_name = !name.is_empty()
            && name.chars().all(fits)
            && name.len() <= MAX_NAME_CHARS
            && !name.starts_with(['.', '-']);
        // What could not be compiled has been noted.
        if !is_name && (template.text() == text || text.is_empty()) {
            let fix =
                format!("letters, digits, -, _ and . are taken, {MAX_NAME_CHARS} at the most");
            self.add(field, format!("`{name}` is no name"), fix);
        }
        name
    }

    /// The values of `n` for a table; one `None` if it is not repeated.
    pub(super) fn repeats(&mut self, field: &str, repeat: Option<&Repeat>) -> Vec<Option<i64>> {
        let values: Vec<i64> = match repeat {
            None => return vec![None],
            Some(Repeat::Each(values)) => values.clone(),
            Some(Repeat::UpTo(text)) => {
                let scope = self.scope(Place::Name, None);
                let template = self.template(field, text, &scope);
                let setting = Setting::probe(&scope);
                let count = template.render(&setting).unwrap_or_default().trim().parse::<i64>();
                match count {
                    Ok(count) if (1..=MAX_REPEATS).contains(&count) => (1..=count).collect(),
                    _ => {
                        let fix = "it must be a list, or a text that says how many, as \"{{ replicas }}\"";
                        self.add(
                            field,
                            format!("\"{text}\" is no number from 1 to {MAX_REPEATS}"),
                            fix,
                        );
                        return Vec::new();
                    }
                }
            }
        };
        if values.is_empty() || values.len() > MAX_REPEATS as usize {
            let fix = format!("it must have from 1 to {MAX_REPEATS}");
            self.add(field, format!("has {} values", values.len()), fix);
            return Vec::new();
        }
        values.into_iter().map(Some).collect()
    }
}
