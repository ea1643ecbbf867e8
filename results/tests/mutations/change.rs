//! What can be done to a run's files, in words that a table can hold.

use crate::run::{File, Run};
use crate::table::{Pick, Where};

/// One thing that is done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// A row goes.
    Drop(File, Pick),
    /// All of these go.
    DropAll(File, Where),
    /// Every `n`th of them goes.
    DropEvery(File, usize, Where),
    /// The last rows go.
    DropLast(File, usize),
    /// Of these the first is left.
    KeepOne(File, Where),
    /// A row is there twice.
    Double(File, Pick),
    /// Two rows change places.
    Swap(File, Pick, Pick),
    /// Rows with less in a column come first, otherwise in the order that they had.
    Sort(File, &'static str),
    /// A field of a row becomes this.
    Set(File, Pick, &'static str, &'static str),
    /// A field of all of these does.
    SetAll(File, Where, &'static str, &'static str),
    /// A field of every `n`th of them does.
    SetEvery(File, usize, Where, &'static str, &'static str),
    /// A number in a row grows by so much.
    Shift(File, Pick, &'static str, i64),
    /// A number in all of these does.
    ShiftAll(File, Where, &'static str, i64),
    /// Two rows exchange what they have in a column.
    Exchange(File, Pick, Pick, &'static str),
    /// Rows of that file go which carry the request of this row of `observations.csv`.
    DropRequest(File, Where, Pick),
    /// A row is added: a copy of this one with other fields.
    Add(File, Pick, &'static [(&'static str, &'static str)]),
    /// A column has another name.
    Rename(File, &'static str, &'static str),
    /// A field of the manifest, named by a JSON pointer, becomes this JSON.
    Manifest(&'static str, &'static str),
    /// A file's text becomes another, or the file goes.
    Text(&'static str, fn(&str) -> Option<String>),
}

/// A change of a file's text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edit {
    pub(crate) file: &'static str,
    pub(crate) change: fn(&str) -> Option<String>,
}

impl Change {
    pub(crate) fn apply(self, run: &mut Run) {
        match self {
            Self::Drop(file, pick) => {
                let rows = run.table_mut(file);
                let place = rows.pick(pick);
                rows.remove(&[place]);
            }
            Self::DropAll(file, among) => {
                let rows = run.table_mut(file);
                let places = rows.all(among);
                rows.remove(&places);
            }
            Self::DropEvery(file, n, among) => {
                let rows = run.table_mut(file);
                let places: Vec<_> = rows.all(among).into_iter().step_by(n).collect();
                rows.remove(&places);
            }
            Self::DropLast(file, count) => {
                let rows = &mut run.table_mut(file).rows;
                rows.truncate(rows.len() - count);
            }
            Self::KeepOne(file, among) => {
                let rows = run.table_mut(file);
                let places = rows.all(among);
                rows.remove(&places[1..]);
            }
            Self::Double(file, pick) => {
                let rows = run.table_mut(file);
                let place = rows.pick(pick);
                let again = rows.rows[place].clone();
                rows.rows.insert(place + 1, again);
            }
            Self::Swap(file, one, other) => {
                let rows = run.table_mut(file);
                let (one, other) = (rows.pick(one), rows.pick(other));
                rows.rows.swap(one, other);
            }
            Self::Sort(file, column) => {
                let rows = run.table_mut(file);
                let column = rows.column(column);
                rows.rows.sort_by(|one, other| one[column].cmp(&other[column]));
            }
            Self::Set(file, pick, column, value) => {
                let rows = run.table_mut(file);
                let place = rows.pick(pick);
                rows.set(place, column, value);
            }
            Self::SetAll(file, among, column, value) => {
                Self::SetEvery(file, 1, among, column, value).apply(run);
            }
            Self::SetEvery(file, n, among, column, value) => {
                let rows = run.table_mut(file);
                for place in rows.all(among).into_iter().step_by(n) {
                    rows.set(place, column, value);
                }
            }
            Self::Shift(file, pick, column, by) => {
                let rows = run.table_mut(file);
                let place = rows.pick(pick);
                rows.shift(place, column, by);
            }
            Self::ShiftAll(file, among, column, by) => {
                let rows = run.table_mut(file);
                for place in rows.all(among) {
                    rows.shift(place, column, by);
                }
            }
            Self::Exchange(file, one, other, column) => {
                let rows = run.table_mut(file);
                let (one, other) = (rows.pick(one), rows.pick(other));
                let [first, second] = [one, other].map(|place| rows.get(place, column).to_owned());
                assert_ne!(first, second, "nothing would change");
                rows.set(one, column, second);
                rows.set(other, column, first);
            }
            Self::DropRequest(file, among, pick) => {
                let sent = run.table(File::Observations);
                let request_id = sent.get(sent.pick(pick), "request_id").to_owned();
                let rows = run.table_mut(file);
                let mut places = rows.all(among);
                places.retain(|&place| rows.get(place, "request_id") == request_id);
                assert!(!places.is_empty(), "nothing would change");
                rows.remove(&places);
            }
            Self::Add(file, pick, fields) => {
                let rows = run.table_mut(file);
                let place = rows.pick(pick);
                let copy = rows.rows[place].clone();
                rows.rows.insert(place + 1, copy);
                for (column, value) in fields {
                    rows.set(place + 1, column, *value);
                }
            }
            Self::Rename(file, from, to) => {
                let rows = run.table_mut(file);
                let column = rows.column(from);
                to.clone_into(&mut rows.header[column]);
            }
            Self::Manifest(pointer, json) => {
                let field = run.manifest.pointer_mut(pointer).unwrap();
                *field = serde_json::from_str(json).unwrap();
            }
            Self::Text(file, change) => run.edits.push(Edit { file, change }),
        }
    }
}
