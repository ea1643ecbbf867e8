//! A figure in a table: its value with the interval that it lies in, or why there is none.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::stats::{self, Estimate, Interval};

/// A value in its column's unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any number.
    Number(f64),
    /// A whole number, which is shown with all of its digits.
    Whole(u64),
    /// A name or a word.
    Text(String),
    /// There is none.
    Missing(Missing),
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// It is less than five times the generator's own lateness ([`crate::lateness`]).
    Withheld,
    /// No operation was answered.
    NoneAnswered,
    /// It was not seen, or there was nothing to see.
    NotSeen,
    /// What it is held against was not measured, or not for long enough.
    NotMeasured,
    /// Nothing was checked that could have told.
    NotChecked,
    /// It has no meaning here: a rate in a closed loop.
    NotApplicable,
}

/// What an interval was drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Whole trials: a bootstrap interval that holds what makes trials differ.
    Trials,
    /// Slices of too few trials: it says how steady the figure was, and nothing about other trials.
    Slices,
    /// Faults of a kind: from order statistics.
    Faults,
}

impl From<stats::Basis> for Basis {
    fn from(basis: stats::Basis) -> Self {
        match basis {
            stats::Basis::Trials => Self::Trials,
            stats::Basis::Slices => Self::Slices,
        }
    }
}

/// One figure of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The value.
    pub value: Value,
    /// Between which bounds it lies, in the same unit, and what they were drawn from.
    pub interval: Option<(Interval, Basis)>,
}

impl Cell {
    fn new(value: Value) -> Self {
        Self { value, interval: None }
    }

    /// A name or a word.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Value::Text(text.into()))
    }

    /// A whole number.
    #[must_use]
    pub fn whole(number: u64) -> Self {
        Self::new(Value::Whole(number))
    }

    /// Any number.
    #[must_use]
    pub fn number(number: f64) -> Self {
        Self::new(Value::Number(number))
    }

    /// No value, and why.
    #[must_use]
    pub fn missing(why: Missing) -> Self {
        Self::new(Value::Missing(why))
    }

    /// A word, if there is one.
    #[must_use]
    pub fn some_text(text: Option<String>, otherwise: Missing) -> Self {
        text.map_or_else(|| Self::missing(otherwise), Self::text)
    }

    /// A whole number, if there is one.
    #[must_use]
    pub fn some_whole(number: Option<u64>, otherwise: Missing) -> Self {
        number.map_or_else(|| Self::missing(otherwise), Self::whole)
    }

    /// A number, if there is one.
    #[must_use]
    pub fn some_number(number: Option<f64>, otherwise: Missing) -> Self {
        number.map_or_else(|| Self::missing(otherwise), Self::number)
    }

    /// A figure with its interval, if there is one.
    #[must_use]
    pub fn estimate(
        estimate: Option<Estimate>,
        basis: Option<impl Into<Basis>>,
        otherwise: Missing,
    ) -> Self {
        let Some(Estimate { value, interval }) = estimate else { return Self::missing(otherwise) };
        Self::number(value).within(interval, basis)
    }

    /// The same with an interval, if there is one.
    #[must_use]
    pub fn within(self, interval: Option<Interval>, basis: Option<impl Into<Basis>>) -> Self {
        Self { interval: interval.zip(basis.map(Into::into)), ..self }
    }

    /// Whether there is a value.
    #[must_use]
    pub fn is_there(&self) -> bool {
        !matches!(self.value, Value::Missing(_))
    }

    /// Whether it says something: a value, or that there is one and it is withheld.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.is_there() || self.value == Value::Missing(Missing::Withheld)
    }

    /// The name or word; nothing if it is another kind of value.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number; nothing if it is another kind of value.
    #[must_use]
    pub fn as_whole(&self) -> Option<u64> {
        match self.value {
            Value::Whole(number) => Some(number),
            _ => None,
        }
    }
}

/// `{"value": 741, "low": 645, "high": 851, "basis": "trials"}` or `{"missing": "withheld"}`.
impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.value {
            Value::Number(number) => map.serialize_entry("value", number)?,
            Value::Whole(number) => map.serialize_entry("value", number)?,
            Value::Text(text) => map.serialize_entry("value", text)?,
            Value::Missing(why) => map.serialize_entry("missing", why)?,
        }
        if let Some((Interval { low, high }, basis)) = &self.interval {
            map.serialize_entry("low", low)?;
            map.serialize_entry("high", high)?;
            map.serialize_entry("basis", basis)?;
        }
        map.end()
    }
}
