//! Templates that only have plain places: a value as it is, through `urlencode`, or through `tojson`. A request of the load is
//! put together between two measurements, and the engine takes 2 µs for what is a few copies of texts.
//!
//! The invariant: what is filled in here is what the engine would render, character for character (`tests` compares the two).
//! Everything else is left to the engine: other filters, loops, values that are not there, values of JSON.

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Setting;
use crate::expression::Bound;

/// What the filter `urlencode` leaves as it is, besides letters and digits.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

/// A part of a template.
#[derive(Debug)]
pub(super) enum Piece {
    /// A text as it is.
    Text(Box<str>),
    /// A port, by its name.
    Port(Box<str>),
    /// A value, by its name.
    Value { name: Box<str>, filter: Filter },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Filter {
    None,
    UrlEncode,
    ToJson,
}

/// `text` in its parts; `None` if there is something in it that only the engine knows.
pub(super) fn parse(text: &str) -> Option<Box<[Piece]>> {
    if text.contains("{%") || text.contains("{#") {
        return None;
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inside, after) = after.split_once("}}")?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before.into()));
        }
        pieces.push(piece(inside.trim())?);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.into()));
    }
    Some(pieces.into())
}

fn piece(inside: &str) -> Option<Piece> {
    if let Some(port) = inside.strip_prefix("port") {
        let quoted = |quote: &str| {
            let opened = port.strip_prefix('[')?.trim_start().strip_prefix(quote)?;
            opened.strip_suffix(']')?.trim_end().strip_suffix(quote)
        };
        let name = quoted("'").or_else(|| quoted("\"")).filter(|name| {
            name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        });
        let name = name.or_else(|| port.strip_prefix('.').filter(|name| is_identifier(name)))?;
        return Some(Piece::Port(name.into()));
    }
    let (name, filter) = match inside.split_once('|') {
        None => (inside, Filter::None),
        Some((name, filter)) => match filter.trim() {
            "urlencode" => (name.trim(), Filter::UrlEncode),
            "tojson" => (name.trim(), Filter::ToJson),
            _ => return None,
        },
    };
    is_identifier(name).then(|| Piece::Value { name: name.into(), filter })
}

fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The pieces with the trial's values and those of one request; `None` if one is for the engine to render or to refuse.
pub(super) fn fill<'v>(
    pieces: &[Piece],
    setting: &Setting,
    value: impl Fn(&str) -> Option<Bound<'v>>,
) -> Option<String> {
    /// As much as most requests' texts need, so that they are not copied while they grow.
    const USUAL_BYTES: usize = 128;
    let mut filled = String::with_capacity(USUAL_BYTES);
    for piece in pieces {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Port(name) => write!(filled, "{}", setting.port(name)?).ok()?,
            Piece::Value { name, filter } => {
                let bound = value(name).or_else(|| setting.bound(name))?;
                match (bound, filter) {
                    (Bound::Int(int), _) => write!(filled, "{int}").ok()?,
                    (Bound::Text(text), Filter::None) => filled.push_str(text),
                    (Bound::Text(text), Filter::UrlEncode) => {
                        filled.extend(utf8_percent_encode(text, ENCODED));
                    }
                    (Bound::Text(text), Filter::ToJson) => push_json(&mut filled, text)?,
                    (Bound::Json(_) | Bound::Headers(_), _) => return None,
                }
            }
        }
    }
    Some(filled)
}

/// A text as JSON, and safe within HTML, as the engine has it.
fn push_json(filled: &mut String, text: &str) -> Option<()> {
    filled.push('"');
    for character in text.chars() {
        match character {
            '"' => filled.push_str("\\\""),
            '\\' => filled.push_str("\\\\"),
            '\u{8}' => filled.push_str("\\b"),
            '\u{c}' => filled.push_str("\\f"),
            '\n' => filled.push_str("\\n"),
            '\r' => filled.push_str("\\r"),
            '\t' => filled.push_str("\\t"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\'' => {
                write!(filled, "\\u{:04x}", u32::from(character)).ok()?;
            }
            other => filled.push(other),
        }
    }
    filled.push('"');
    Some(())
}
