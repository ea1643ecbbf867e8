//! Holds a document to the schema: fields that there are not, values of another type, numbers out of range, words that are none of
//! those that may stand there, and fields that are missing.
//!
//! The schema is that of our own types, so only what those make of it is understood: references, alternatives, objects with
//! properties or with any keys, lists, and the plain types. Of several alternatives each takes another type of value, but for words.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::{join, line_at};
use crate::problems::Problem;
use crate::suggest::closest;

pub(super) struct Shape<'t> {
    text: &'t str,
    schema: &'static Json,
    lines: BTreeMap<String, usize>,
    taken_out: BTreeSet<String>,
    problems: Vec<Problem>,
    /// Whether everything was parsed, so that what is missing is missing.
    whole: bool,
}

/// A type of values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table,
    List,
    Text,
    Integer,
    Number,
    Boolean,
    Date,
}

impl Kind {
    fn of(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(_) => Self::Text,
            DeValue::Integer(_) => Self::Integer,
            DeValue::Float(_) => Self::Number,
            DeValue::Boolean(_) => Self::Boolean,
            DeValue::Datetime(_) => Self::Date,
            DeValue::Array(_) => Self::List,
            DeValue::Table(_) => Self::Table,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Table => "a table",
            Self::List => "a list",
            Self::Text => "a text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Date => "a date",
        }
    }

    /// The types that a schema without alternatives takes.
    fn taken_by(schema: &Json) -> Vec<Self> {
        let of = |name: &str| match name {
            "object" => Some(Self::Table),
            "array" => Some(Self::List),
            "string" => Some(Self::Text),
            "integer" => Some(Self::Integer),
            "number" => Some(Self::Number),
            "boolean" => Some(Self::Boolean),
            _ => None,
        };
        match &schema["type"] {
            Json::String(name) => of(name).into_iter().collect(),
            Json::Array(names) => names.iter().filter_map(Json::as_str).filter_map(of).collect(),
            _ if schema.get("const").is_some() || schema.get("enum").is_some() => vec![Self::Text],
            _ => Vec::new(),
        }
    }
}

impl<'t> Shape<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            schema: crate::schema::value(),
            lines: BTreeMap::new(),
            taken_out: BTreeSet::new(),
            problems: Vec::new(),
            whole: true,
        }
    }

    pub(super) fn into_parts(self) -> (BTreeMap<String, usize>, BTreeSet<String>, Vec<Problem>) {
        (self.lines, self.taken_out, self.problems)
    }

    pub(super) fn note_syntax(&mut self, error: &toml::de::Error) {
        let line = error.span().map_or(1, |span| line_at(self.text, span.start));
        let what = error.message().lines().collect::<Vec<_>>().join("; ");
        let what = format!("this is no TOML: {what}");
        self.problems.push(Problem {
            line: Some(line),
            field: String::new(),
            what,
            fix: String::new(),
        });
    }

    /// Notes all that does not fit, and takes it out.
    pub(super) fn check(&mut self, table: &mut Spanned<DeTable<'_>>, whole: bool) {
        self.whole = whole;
        let schema = self.schema;
        self.lines.insert(String::new(), 1);
        self.check_fields(table.get_mut(), schema, "");
    }

    fn add(&mut self, field: &str, what: impl Into<String>, fix: impl Into<String>) {
        let line = self.lines.get(field).copied();
        let (field, what, fix) = (field.to_owned(), what.into(), fix.into());
        self.problems.push(Problem { line, field, what, fix });
    }

    /// Whether a value, or what is left of it, may stay.
    fn fits(
        &mut self,
        value: &mut Spanned<DeValue<'_>>,
        schema: &'static Json,
        field: &str,
    ) -> bool {
        let alternatives = self.alternatives(schema);
        let kind = Kind::of(value.get_ref());
        let takes = |alternative: &&'static Json| {
            let kinds = Kind::taken_by(alternative);
            kinds.contains(&kind) || (kind == Kind::Integer && kinds.contains(&Kind::Number))
        };
        let taking: Vec<&'static Json> = alternatives.iter().copied().filter(takes).collect();
        let Some(&first) = taking.first() else {
            let mut kinds: Vec<_> =
                alternatives.iter().copied().flat_map(Kind::taken_by).map(Kind::words).collect();
            kinds.dedup();
            let wanted = kinds.join(" or ");
            self.add(
                field,
                format!("is {}, must be {wanted}", kind.words()),
                self.description(schema),
            );
            return false;
        };
        match value.get_mut() {
            DeValue::Table(table) => self.check_fields(table, first, field),
            DeValue::Array(list) => {
                let mut fits = self.has_length(list.len(), first, field);
                for (index, element) in list.iter_mut().enumerate() {
                    let element_field = format!("{field}[{index}]");
                    let line = line_at(self.text, element.span().start);
                    self.lines.insert(element_field.clone(), line);
                    fits &= self.fits(element, &first["items"], &element_field);
                }
                fits
            }
            DeValue::String(text) => self.is_word(text, &taking, field),
            DeValue::Integer(number) => self.is_within(number, first, field),
            _ => true,
        }
    }

    fn check_fields(
        &mut self,
        table: &mut DeTable<'_>,
        schema: &'static Json,
        outer: &str,
    ) -> bool {
        let mut out = Vec::new();
        for (key, value) in table.iter_mut() {
            let name: &str = key.get_ref();
            let field = join(outer, name);
            self.lines.insert(field.clone(), line_at(self.text, key.span().start));
            let known = schema["properties"].get(name);
            let known =
                known.or_else(|| schema.get("additionalProperties").filter(|any| any.is_object()));
            let fits = match known {
                Some(known) => self.fits(value, known, &field),
                None => {
                    // After a heading that could not be read, fields seem to be in another table.
                    if self.whole {
                        self.note_unknown(name, schema, &field);
                    }
                    false
                }
            };
            if !fits {
                self.taken_out.insert(field);
                out.push(name.to_owned());
            }
        }
        if !out.is_empty() {
            let all = std::mem::take(table).into_iter();
            *table = all.filter(|(key, _)| !out.iter().any(|name| name == key.get_ref())).collect();
        }
        let mut has_all = true;
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            if table.iter().any(|(key, _)| key.get_ref() == name) {
                continue;
            }
            has_all = false;
            let field = join(outer, name);
            if self.whole && !self.taken_out.contains(&field) {
                let line = self.lines.get(outer).copied();
                let fix = self.description(&schema["properties"][name]);
                let what = "is missing".to_owned();
                self.problems.push(Problem { line, field: field.clone(), what, fix });
            }
            // The file itself is never taken out: its one field that must be there is given.
            if outer.is_empty() {
                let name = Spanned::new(0..0, name.to_owned().into());
                let value = Spanned::new(0..0, DeValue::String("unnamed".into()));
                table.insert(name, value);
                self.taken_out.insert(field);
            }
        }
        has_all
    }

    fn note_unknown(&mut self, name: &str, schema: &'static Json, field: &str) {
        let known: Vec<&str> = match schema["properties"].as_object() {
            Some(properties) => properties.keys().map(String::as_str).collect(),
            None => Vec::new(),
        };
        let fix = match closest(name, known.iter().copied()) {
            Some(like) => format!("did you mean `{like}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        self.add(field, "is no field of a target's file", fix);
    }

    fn has_length(&mut self, length: usize, schema: &'static Json, field: &str) -> bool {
        let bound =
            |name: &str| schema[name].as_u64().and_then(|bound| usize::try_from(bound).ok());
        let fits = bound("minItems").is_none_or(|least| length >= least)
            && bound("maxItems").is_none_or(|most| length <= most);
        if !fits {
            let wanted = bound("minItems").unwrap_or(0);
            self.add(
                field,
                format!("has {length} elements, must have {wanted}"),
                self.description(schema),
            );
        }
        fits
    }

    fn is_within(&mut self, number: &DeInteger<'_>, schema: &'static Json, field: &str) -> bool {
        let text = number.as_str().replace('_', "");
        let Ok(value) = i128::from_str_radix(&text, number.radix()) else {
            self.add(field, format!("is {text}, which is too large"), "");
            return false;
        };
        let (lowest, highest) = match schema["format"].as_str() {
            Some("uint16") => (0, i128::from(u16::MAX)),
            Some("uint32") => (0, i128::from(u32::MAX)),
            Some("uint64") => (0, i128::from(i64::MAX)),
            _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
        };
        if value < lowest || value > highest {
            self.add(field, format!("is {value}, must be from {lowest} to {highest}"), "");
            return false;
        }
        true
    }

    /// Whether a text is one of the words that may stand there, if only such may.
    fn is_word(&mut self, text: &str, taking: &[&Json], field: &str) -> bool {
        let mut words = Vec::new();
        for schema in taking {
            if let Some(word) = schema["const"].as_str() {
                words.push(word);
            } else if let Some(several) = schema["enum"].as_array() {
                words.extend(several.iter().filter_map(Json::as_str));
            } else {
                return true;
            }
        }
        if words.contains(&text) {
            return true;
        }
        let there_are =
            words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let like = closest(text, words.iter().copied());
        let fix = like.map_or_else(String::new, |like| format!("did you mean \"{like}\"?"));
        self.add(field, format!("is \"{text}\", must be one of {there_are}"), fix);
        false
    }

    /// A schema without references and alternatives, or several such.
    fn alternatives(&self, schema: &'static Json) -> Vec<&'static Json> {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or_default();
            return self.alternatives(&self.schema["$defs"][name]);
        }
        let several = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array());
        match several {
            Some(several) => several.iter().flat_map(|one| self.alternatives(one)).collect(),
            None => vec![schema],
        }
    }

    /// What a field is for, in the schema's words.
    fn description(&self, schema: &'static Json) -> String {
        let described = schema["description"].as_str().unwrap_or_default();
        let line = described.split_whitespace().collect::<Vec<_>>().join(" ");
        let sentence = line.split_inclusive(". ").next().unwrap_or_default().trim();
        sentence.trim_end_matches(['.', ':']).to_owned()
    }
}
