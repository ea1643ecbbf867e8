//! Paths: what a trial removes, writes and copies stays below the target's folder, or in the trial's scratch folder.
//!
//! A target's file is run by people who did not write it, so `remove = ["../.."]` must not reach what is theirs. The path
//! is resolved as it is written and, as far as it exists, through its links. What is resolved at reading may be changed until it is used, so
//! those who remove and copy look once more.

use std::path::{Component, Path, PathBuf};

use super::checker::Checker;
use crate::template::{Scope, Setting, Template};

/// Why a path is refused.
enum Refused {
    Empty,
    Itself,
    Outside,
}

impl Checker<'_> {
    /// A path below the target's folder or scratch, but neither itself.
    pub(super) fn path(&mut self, field: &str, text: &str, scope: &Scope) -> Template {
        let template = self.template(field, text, scope);
        let found = self.judge(&template, text, scope);
        self.note_refused(field, text, found);
        template
    }

    /// The same, or the folder itself.
    pub(super) fn folder(&mut self, field: &str, text: &str, scope: &Scope) -> Template {
        let template = self.template(field, text, scope);
        let found = self.judge(&template, text, scope);
        if !matches!(found, Err(Refused::Itself)) {
            self.note_refused(field, text, found);
        }
        template
    }

    fn note_refused(&mut self, field: &str, text: &str, found: Result<(), Refused>) {
        let Err(refused) = found else { return };
        let (what, fix) = match refused {
            Refused::Empty => ("is empty".to_owned(), "name a path below the folder of this file"),
            Refused::Itself => (
                format!("`{text}` is the target's folder itself, or all of scratch"),
                "name something below it",
            ),
            Refused::Outside => (
                format!("`{text}` is outside of the target's folder"),
                "name a path below the folder of this file, or begin it with {{ scratch }}",
            ),
        };
        self.add(field, what, fix);
    }

    fn judge(&self, template: &Template, text: &str, scope: &Scope) -> Result<(), Refused> {
        if template.text() != text {
            // It could not be compiled, which has been noted.
            return Ok(());
        }
        let setting = Setting::probe(scope);
        let rendered = template.render(&setting).unwrap_or_default();
        if rendered.trim().is_empty() {
            return Err(Refused::Empty);
        }
        let path = Path::new(&*rendered);
        let relative = if path.is_absolute() {
            match path.strip_prefix(Setting::PROBE_SCRATCH) {
                Ok(inside) => return below(inside).map(|_| ()),
                Err(_) => path.strip_prefix(&self.folder).map_err(|_| Refused::Outside)?,
            }
        } else {
            path
        };
        let inside = below(relative)?;
        // What has placeholders names something else in each trial.
        if template.literal().is_some() { self.follow_links(&inside) } else { Ok(()) }
    }

    /// Whether a path is below the folder still once its links are resolved, as far as it exists.
    fn follow_links(&self, inside: &Path) -> Result<(), Refused> {
        let Ok(folder) = self.folder.canonicalize() else { return Ok(()) };
        let path = folder.join(inside);
        let resolved = path.ancestors().find_map(|existing| existing.canonicalize().ok());
        match resolved {
            Some(resolved) if !resolved.starts_with(&folder) => Err(Refused::Outside),
            Some(resolved) if resolved == folder && path.exists() => Err(Refused::Itself),
            _ => Ok(()),
        }
    }
}

/// A relative path without `.` and `..`, if it leads somewhere below.
fn below(path: &Path) -> Result<PathBuf, Refused> {
    let mut inside = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => inside.push(name),
            Component::CurDir => {}
            Component::ParentDir if inside.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(Refused::Outside);
            }
        }
    }
    if inside.as_os_str().is_empty() { Err(Refused::Itself) } else { Ok(inside) }
}

/// What is copied for every trial: it has no placeholders, and is there.
pub(super) fn workspace(checker: &mut Checker<'_>, paths: &[String]) -> Vec<PathBuf> {
    let mut workspace = Vec::new();
    for (index, text) in paths.iter().enumerate() {
        let field = format!("workspace[{index}]");
        let found = below(Path::new(text))
            .and_then(|inside| checker.follow_links(&inside).map(|()| inside));
        match found {
            Ok(inside) => {
                if checker.folder.is_dir() && !checker.folder.join(&inside).exists() {
                    checker.add(
                        &field,
                        format!("`{text}` is not there"),
                        "name a folder or a file beside this file",
                    );
                }
                workspace.push(inside);
            }
            // The whole folder may be copied.
            Err(Refused::Itself) => workspace.push(PathBuf::from(".")),
            Err(refused) => checker.note_refused(&field, text, Err(refused)),
        }
    }
    workspace
}
