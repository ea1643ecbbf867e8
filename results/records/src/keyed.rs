//! What is known of an operation on a register or a log, or of what one holds: columns that only files of such targets have.
//!
//! Values are JSON in one line, as the target was sent them or said them, so that the text `"7"` and the number `7` stay two
//! values. Two values are the same if their texts are.

use serde::ser::SerializeStruct;

use super::Text;

/// The columns of registers and logs. Empty means not applicable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Keyed<T = Text> {
    /// The register, or the log.
    pub key: Option<T>,
    /// What was written, appended or is held; of a read what it showed: of a log, the list of the entries.
    pub value: Option<T>,
    /// Of a compare-and-set: what was to be there.
    pub expected: Option<T>,
    /// Of an append: where the target put it; of a read of a log from a place on: that place. Of an entry that is held: where.
    pub position: Option<i64>,
}

/// A value that says that nothing is there.
pub const NOTHING: &str = "null";

impl<T> Keyed<T> {
    /// Of this register or log, with nothing said of it.
    pub fn of(key: impl Into<T>) -> Self {
        Self { key: Some(key.into()), ..Self::default() }
    }

    pub(super) fn with_texts<U>(self, mut text: impl FnMut(T) -> U) -> Keyed<U> {
        Keyed {
            key: self.key.map(&mut text),
            value: self.value.map(&mut text),
            expected: self.expected.map(text),
            position: self.position,
        }
    }

    /// Whether a row of a file without these columns was read.
    pub(super) fn if_any(self) -> Option<Box<Self>> {
        let Self { key, value, expected, position } = &self;
        let is_any = key.is_some() || value.is_some() || expected.is_some() || position.is_some();
        is_any.then(|| Box::new(self))
    }
}

// Written out, since a derived one would ask for a default text.
impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self { key: None, value: None, expected: None, position: None }
    }
}

/// What a column is that a file does not have; serde's own default would ask for a default text.
pub(super) fn none<T>() -> Option<T> {
    None
}

/// How many fields [`write`] adds.
pub(super) const FIELDS: usize = 4;

/// Adds the columns to a row that is written.
pub(super) fn write<S: SerializeStruct, T: serde::Serialize>(
    row: &mut S,
    keyed: &Keyed<T>,
) -> Result<(), S::Error> {
    row.serialize_field("key", &keyed.key)?;
    row.serialize_field("value", &keyed.value)?;
    row.serialize_field("expected", &keyed.expected)?;
    row.serialize_field("position", &keyed.position)
}
