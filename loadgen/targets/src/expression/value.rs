//! A value on its way through an evaluation, and how values compare. The rules are CEL's: the three kinds of number compare
//! as numbers, equality of different kinds is false, and an order between different kinds is an error.

use std::borrow::Cow;
use std::cmp::Ordering;

use http::HeaderMap;
use serde_json::Value as Json;

use super::headers;

/// A value. Lists and maps of JSON stay as they are; numbers of JSON never appear as such.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// Of JSON only what no `Int` holds.
    Uint(u64),
    Double(f64),
    Text(Cow<'a, str>),
    /// An array or an object.
    Json(Cow<'a, Json>),
    /// A list that the expression itself writes down.
    List(Vec<Value<'a>>),
    /// The headers of an answer: a map of texts.
    Headers(&'a HeaderMap),
}

impl<'a> Value<'a> {
    pub(super) fn of(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(bool) => Self::Bool(*bool),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(int), _) => Self::Int(int),
                (None, Some(uint)) => Self::Uint(uint),
                (None, None) => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::Text(Cow::Borrowed(text)),
            Json::Array(_) | Json::Object(_) => Self::Json(Cow::Borrowed(json)),
        }
    }

    /// The same for a value that nobody else holds.
    pub(super) fn from_json(json: Json) -> Value<'static> {
        match json {
            Json::String(text) => Value::Text(Cow::Owned(text)),
            Json::Array(_) | Json::Object(_) => Value::Json(Cow::Owned(json)),
            Json::Null => Value::Null,
            Json::Bool(bool) => Value::Bool(bool),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(int), _) => Value::Int(int),
                (None, Some(uint)) => Value::Uint(uint),
                (None, None) => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
        }
    }

    pub(super) fn into_json(self) -> Result<Json, String> {
        Ok(match self {
            Self::Null => Json::Null,
            Self::Bool(bool) => bool.into(),
            Self::Int(int) => int.into(),
            Self::Uint(uint) => uint.into(),
            Self::Double(double) => serde_json::Number::from_f64(double)
                .ok_or_else(|| format!("{double} is no number of JSON"))?
                .into(),
            Self::Text(text) => text.into_owned().into(),
            Self::Json(json) => json.into_owned(),
            Self::Headers(headers) => headers::json(headers),
            Self::List(items) => {
                items.into_iter().map(Value::into_json).collect::<Result<Vec<_>, _>>()?.into()
            }
        })
    }

    /// The name of its type, with the article that a sentence needs.
    pub(super) fn described(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an int",
            Self::Uint(_) => "a uint",
            Self::Double(_) => "a double",
            Self::Text(_) => "a string",
            Self::Json(json) if json.is_object() => "a map",
            Self::Headers(_) => "a map",
            Self::Json(_) | Self::List(_) => "a list",
        }
    }

    /// `self == other`.
    pub(super) fn equals(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Self::Null, Value::Null) => true,
            (Self::Json(a), Value::Json(b)) => equal_json(a, b),
            (Self::Headers(a), Value::Headers(b)) => headers::json(a) == headers::json(b),
            (Self::Headers(map), Value::Json(json)) => equal_json(&headers::json(map), json),
            (Self::Json(json), Value::Headers(map)) => equal_json(json, &headers::json(map)),
            _ => match (self.items(), other.items()) {
                (Some(a), Some(b)) => {
                    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.equals(b))
                }
                (None, None) => self.compare(other) == Some(Ordering::Equal),
                _ => false,
            },
        }
    }

    /// How `self` orders against `other`, if there is an order between them.
    pub(super) fn compare(&self, other: &Value<'_>) -> Option<Ordering> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "CEL compares an integer with a double as doubles"
        )]
        let as_double = |value: &Value<'_>| match value {
            Value::Int(int) => Some(*int as f64),
            Value::Uint(uint) => Some(*uint as f64),
            Value::Double(double) => Some(*double),
            _ => None,
        };
        match (self, other) {
            (Self::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Self::Text(a), Value::Text(b)) => Some(a.as_ref().cmp(b.as_ref())),
            (Self::Int(a), Value::Int(b)) => Some(a.cmp(b)),
            (Self::Uint(a), Value::Uint(b)) => Some(a.cmp(b)),
            (Self::Int(a), Value::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
            (Self::Uint(a), Value::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
            _ => as_double(self)?.partial_cmp(&as_double(other)?),
        }
    }

    /// Its items, if it is a list.
    pub(super) fn items(&self) -> Option<Vec<Value<'_>>> {
        match self {
            Self::Json(json) => Some(json.as_array()?.iter().map(Value::of).collect()),
            Self::List(items) => Some(items.clone()),
            _ => None,
        }
    }
}

fn equal_json(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal_json(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal_json(a, b)))
        }
        _ => Value::of(a).equals(&Value::of(b)),
    }
}
