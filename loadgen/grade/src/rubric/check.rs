//! The rules of a rubric.

use std::collections::BTreeSet;

use results::checks::requirements;
use results::thresholds::Threshold;
use toml::Spanned;

use super::file::{PropertyFile, RubricFile};
use super::problem::{Problem, line_at};
use super::{Partial, Property, Rubric};
use crate::demand::Demand;
use crate::points::Points;
use crate::story::Story;

/// As many columns as somebody can still read.
const MAX_PROPERTIES: usize = 40;
/// A column's head.
const MAX_NAME_CHARS: usize = 24;
/// A line.
const MAX_TITLE_CHARS: usize = 120;
/// Words that are this alike are meant to be the same.
const ALIKE: f64 = 0.8;

const PARTIAL: [(&str, Partial); 3] =
    [("none", Partial::None), ("by-run", Partial::ByRun), ("by-check", Partial::ByCheck)];

/// Makes a rubric of what the file says.
pub(super) fn check(file: &RubricFile, text: &str) -> Result<Rubric, Vec<Problem>> {
    let mut rules = Rules { text, problems: Vec::new() };
    rules.title("name", &file.name);
    let count = file.properties.len();
    if !(1..=MAX_PROPERTIES).contains(&count) {
        let what = format!("there are {count}; write 1 to {MAX_PROPERTIES} [[properties]]");
        rules.add("properties", 0, what);
    }
    let mut names = BTreeSet::new();
    let properties = file.properties.iter().enumerate();
    let properties = properties
        .map(|(index, property)| {
            rules.property(&format!("properties[{index}]"), property, &mut names)
        })
        .collect();
    let Rules { problems, .. } = rules;
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Rubric { name: file.name.get_ref().trim().to_owned(), properties })
}

struct Rules<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl Rules<'_> {
    fn add(&mut self, field: &str, offset: usize, what: impl Into<String>) {
        let line = line_at(self.text, offset);
        self.problems.push(Problem { line, field: field.to_owned(), what: what.into() });
    }

    /// Notes what is wrong; something harmless takes its place, so that the other rules are applied, too.
    fn property<'f>(
        &mut self,
        field: &str,
        file: &'f PropertyFile,
        names: &mut BTreeSet<&'f str>,
    ) -> Property {
        let at = file.name.span().start;
        self.name(&format!("{field}.name"), &file.name);
        if !names.insert(file.name.get_ref().as_str()) {
            let what = format!("{:?} is there twice; give each another name", file.name.get_ref());
            self.add(&format!("{field}.name"), at, what);
        }
        self.title(&format!("{field}.title"), &file.title);
        let points = Points::new(*file.points.get_ref());
        if points.is_none() {
            let most = Points::MOST;
            let what = format!("is {}; write 0.01 to {most}, two decimals", file.points.get_ref());
            self.add(&format!("{field}.points"), file.points.span().start, what);
        }
        let mut demands = self.checks(&format!("{field}.checks"), &file.checks);
        demands.extend(self.figures(&format!("{field}.figures"), &file.figures));
        if file.checks.is_empty() && file.figures.is_empty() {
            self.add(field, at, "demands nothing; name a check or a figure");
        }
        if file.runs.is_empty() {
            let what = format!("there are none; name some of {}", story_names());
            self.add(&format!("{field}.runs"), at, what);
        }
        let (mut stories, runs) = (Vec::new(), format!("{field}.runs"));
        for (index, word) in file.runs.iter().enumerate() {
            let known = Story::ALL.into_iter().find(|story| story.name() == word.get_ref());
            let at = word.span().start;
            match known {
                None => {
                    let what =
                        format!("there is no {:?}; there are {}", word.get_ref(), story_names());
                    self.add(&format!("{runs}[{index}]"), at, what);
                }
                Some(story) if stories.contains(&story) => {
                    let what = format!("{story} is there twice; leave one out");
                    self.add(&format!("{runs}[{index}]"), at, what);
                }
                Some(story) => stories.push(story),
            }
        }
        Property {
            name: file.name.get_ref().clone(),
            title: file.title.get_ref().trim().to_owned(),
            about: file.about.trim().to_owned(),
            points: points.unwrap_or_default(),
            demands,
            stories,
            partial: self.partial(&format!("{field}.partial"), file.partial.as_ref()),
            required: file.required,
        }
    }

    fn name(&mut self, field: &str, name: &Spanned<String>) {
        let word = name.get_ref();
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if word.is_empty() || word.len() > MAX_NAME_CHARS || !word.chars().all(is_plain) {
            let what = format!(
                "{word:?} is no name; write at most {MAX_NAME_CHARS} of a-z, 0-9 and -, it heads a column"
            );
            self.add(field, name.span().start, what);
        }
    }

    fn title(&mut self, field: &str, title: &Spanned<String>) {
        let text = title.get_ref().trim();
        let is_line = !text.is_empty() && !text.chars().any(char::is_control);
        if !is_line || text.chars().count() > MAX_TITLE_CHARS {
            let what = format!("write one line of at most {MAX_TITLE_CHARS} characters");
            self.add(field, title.span().start, what);
        }
    }

    fn checks(&mut self, field: &str, names: &[Spanned<String>]) -> Vec<Demand> {
        let known: BTreeSet<&str> = requirements().map(|one| one.check).collect();
        let mut seen = BTreeSet::new();
        for (index, name) in names.iter().enumerate() {
            let (word, field, at) =
                (name.get_ref(), format!("{field}[{index}]"), name.span().start);
            if !known.contains(word.as_str()) {
                let fix = closest(word, &known).map_or_else(
                    || {
                        format!(
                            "there are {}",
                            known.iter().copied().collect::<Vec<_>>().join(", ")
                        )
                    },
                    |meant| format!("did you mean {meant:?}?"),
                );
                self.add(&field, at, format!("there is no check {word:?}; {fix}"));
            } else if !seen.insert(word) {
                self.add(&field, at, format!("{word} is there twice; leave one out"));
            }
        }
        names.iter().map(|name| Demand::Check(name.get_ref().clone())).collect()
    }

    fn figures(&mut self, field: &str, texts: &[Spanned<String>]) -> Vec<Demand> {
        let mut demands = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            match text.get_ref().parse::<Threshold>() {
                Ok(threshold) => demands.push(Demand::Figure(threshold)),
                Err(error) => {
                    let at = text.span().start;
                    self.add(&format!("{field}[{index}]"), at, error.to_string());
                }
            }
        }
        demands
    }

    fn partial(&mut self, field: &str, word: Option<&Spanned<String>>) -> Partial {
        let Some(word) = word else { return Partial::default() };
        let known = PARTIAL.iter().find(|(name, _)| name == word.get_ref());
        known.map(|(_, partial)| *partial).unwrap_or_else(|| {
            let names = PARTIAL.map(|(name, _)| format!("{name:?}")).join(", ");
            let what = format!("is {:?}; write one of {names}", word.get_ref());
            self.add(field, word.span().start, what);
            Partial::default()
        })
    }
}

fn story_names() -> String {
    Story::ALL.map(Story::name).join(", ")
}

fn closest<'a>(word: &str, known: &BTreeSet<&'a str>) -> Option<&'a str> {
    let alike = known.iter().map(|name| (strsim::jaro_winkler(word, name), *name));
    let closest = alike.max_by(|(a, _), (b, _)| a.total_cmp(b));
    closest.filter(|(alike, _)| *alike >= ALIKE).map(|(_, name)| name)
}
