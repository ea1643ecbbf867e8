//! What a column of a table shows.

use serde::Serialize;

/// The unit of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// Names and words.
    #[serde(rename = "text")]
    Text,
    /// A setting: a number as the plan has it.
    #[serde(rename = "setting")]
    Setting,
    /// How many; estimates of that are no whole numbers.
    #[serde(rename = "count")]
    Count,
    /// Microseconds.
    #[serde(rename = "us")]
    Us,
    /// Microseconds since the run's origin, which people are shown as seconds.
    #[serde(rename = "us since the run's origin")]
    At,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Ms,
    /// Per second.
    #[serde(rename = "per s")]
    PerSecond,
    /// A share in per cent.
    #[serde(rename = "%")]
    Percent,
    /// A change in per cent.
    #[serde(rename = "% more")]
    Change,
    /// Another one in each row, which says what it is.
    #[serde(rename = "of the row")]
    OfTheRow,
}

/// At which side the values of a column line up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// What is read: words, and settings.
    Left,
    /// Numbers.
    Right,
}

/// A column: what its values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name, the same in every version; that of the CSV files, with the unit at its end.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The same where there is little room, if it differs.
    #[serde(skip)]
    short: Option<&'static str>,
    /// The unit of its values.
    pub unit: Unit,
    /// What it is, where the title does not say; empty if it does.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub note: &'static str,
    /// Where its values line up.
    #[serde(skip)]
    pub align: Align,
}

impl Column {
    /// Words line up at the left, everything else at the right.
    #[must_use]
    pub const fn new(name: &'static str, title: &'static str, unit: Unit) -> Self {
        let align = match unit {
            Unit::Text | Unit::Setting => Align::Left,
            _ => Align::Right,
        };
        Self { name, title, short: None, unit, note: "", align }
    }

    /// The same with a shorter title for the heads of tables.
    #[must_use]
    pub const fn short(self, short: &'static str) -> Self {
        Self { short: Some(short), ..self }
    }

    /// The same with a note.
    #[must_use]
    pub const fn note(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    /// The title where there is little room.
    #[must_use]
    pub fn heading(&self) -> &'static str {
        self.short.unwrap_or(self.title)
    }
}
