//! A table: columns, and rows of cells.

use serde::{Serialize, Serializer};

use super::cell::{Basis, Cell};
use super::column::Column;

/// A column, and what a row of a family has in it.
pub type Field<R> = (Column, fn(&R) -> Cell);

/// A table of figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its name, the same in every version.
    pub id: &'static str,
    /// What it shows.
    pub caption: &'static str,
    columns: Vec<Column>,
    /// A cell for each column.
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A row for each of `rows`, with what each column has of it.
    pub fn new<'r, R: 'r>(
        id: &'static str,
        caption: &'static str,
        fields: &[Field<R>],
        rows: impl IntoIterator<Item = &'r R>,
    ) -> Self {
        let cells = |row: &R| fields.iter().map(|(_, cell)| cell(row)).collect();
        Self {
            id,
            caption,
            columns: fields.iter().map(|(column, _)| *column).collect(),
            rows: rows.into_iter().map(cells).collect(),
        }
    }

    /// Its columns, in the order of the JSON.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Its rows.
    #[must_use]
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row { columns: &self.columns, cells })
    }

    /// Whether it has no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The column of this name.
    ///
    /// # Panics
    /// There is none: layouts name columns that their table has.
    #[must_use]
    pub fn column(&self, name: &str) -> &Column {
        &self.columns[index(&self.columns, name)]
    }

    /// Whether some row has a value in a column, or one that is withheld.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.rows().any(|row| row.cell(name).is_told())
    }

    /// Whether rows differ in a column.
    #[must_use]
    pub fn varies(&self, name: &str) -> bool {
        let mut cells = self.rows().map(|row| row.cell(name));
        let first = cells.next();
        cells.any(|cell| Some(cell) != first)
    }

    /// Whether an interval of some row was drawn from this.
    #[must_use]
    pub fn has_basis(&self, basis: Basis) -> bool {
        let mut intervals = self.rows.iter().flatten().filter_map(|cell| cell.interval);
        intervals.any(|(_, of)| of == basis)
    }

    /// As JSON, each row on a line of its own.
    ///
    /// # Errors
    /// A figure is no number that JSON knows.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let lines = |lines: Vec<String>| lines.join(",\n    ");
        let columns: Vec<String> =
            self.columns.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        let rows: Vec<String> =
            self.rows().map(|row| serde_json::to_string(&row)).collect::<Result<_, _>>()?;
        Ok(format!(
            "{{\"id\": {}, \"caption\": {},\n  \"columns\": [\n    {}],\n  \"rows\": [\n    {}]}}",
            serde_json::to_string(self.id)?,
            serde_json::to_string(self.caption)?,
            lines(columns),
            lines(rows)
        ))
    }

    /// The same table with those of its rows that are wanted.
    #[must_use]
    pub fn only(&self, is_wanted: impl Fn(Row<'_>) -> bool) -> Self {
        let wanted = self.rows().filter(|row| is_wanted(*row)).map(|row| row.cells.to_vec());
        Self { rows: wanted.collect(), columns: self.columns.clone(), ..*self }
    }

    /// The same table, cut wherever one of these columns changes.
    #[must_use]
    pub fn split(&self, names: &[&str]) -> Vec<Self> {
        let places: Vec<usize> = names.iter().map(|name| index(&self.columns, name)).collect();
        let is_same = |a: &Vec<Cell>, b: &Vec<Cell>| places.iter().all(|&at| a[at] == b[at]);
        let part = |rows: &[Vec<Cell>]| Self {
            rows: rows.to_vec(),
            columns: self.columns.clone(),
            ..*self
        };
        self.rows.chunk_by(is_same).map(part).collect()
    }
}

fn index(columns: &[Column], name: &str) -> usize {
    let found = columns.iter().position(|column| column.name == name);
    found.unwrap_or_else(|| panic!("no column {name}"))
}

/// A row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Row<'t> {
    columns: &'t [Column],
    cells: &'t [Cell],
}

impl<'t> Row<'t> {
    /// The column of this name, and what the row has in it.
    ///
    /// # Panics
    /// There is no such column: layouts name columns that their table has.
    #[must_use]
    pub fn figure(self, name: &str) -> (&'t Column, &'t Cell) {
        let at = index(self.columns, name);
        (&self.columns[at], &self.cells[at])
    }

    /// What the row has in the column of this name.
    ///
    /// # Panics
    /// As [`figure`](Self::figure) does.
    #[must_use]
    pub fn cell(self, name: &str) -> &'t Cell {
        self.figure(name).1
    }

    /// The word that the row has in the column of this name; empty if that is none.
    ///
    /// # Panics
    /// As [`figure`](Self::figure) does.
    #[must_use]
    pub fn word(self, name: &str) -> &'t str {
        self.cell(name).as_text().unwrap_or_default()
    }
}

/// Each row is an object with the columns' names.
impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.columns.iter().map(|column| column.name).zip(self.cells))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::cell::Missing;
    use super::super::column::Unit;
    use super::*;
    use crate::stats::Interval;

    const FIELDS: [Field<(&str, Option<f64>)>; 2] = [
        (Column::new("what", "what", Unit::Text), |row| Cell::text(row.0)),
        (Column::new("p50_us", "median", Unit::Us).note("of answered"), |row| {
            let interval = row.1.map(|us| Interval { low: us - 1.0, high: us + 1.0 });
            Cell::some_number(row.1, Missing::Withheld).within(interval, Some(Basis::Trials))
        }),
    ];

    fn table() -> Table {
        Table::new("t", "A table", &FIELDS, &[("a", Some(7.0)), ("a", None), ("b", Some(2.5))])
    }

    #[test]
    fn a_program_finds_each_figure_by_its_name_with_interval_or_reason() {
        let expected = json!({
            "id": "t",
            "caption": "A table",
            "columns": [
                {"name": "what", "title": "what", "unit": "text"},
                {"name": "p50_us", "title": "median", "unit": "us", "note": "of answered"},
            ],
            "rows": [
                {"what": {"value": "a"},
                 "p50_us": {"value": 7.0, "low": 6.0, "high": 8.0, "basis": "trials"}},
                {"what": {"value": "a"}, "p50_us": {"missing": "withheld"}},
                {"what": {"value": "b"},
                 "p50_us": {"value": 2.5, "low": 1.5, "high": 3.5, "basis": "trials"}},
            ],
        });
        let json = table().to_json().unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), expected);
        assert_eq!(json.lines().filter(|line| line.contains("p50_us\":{")).count(), 3, "{json}");
    }

    #[test]
    fn a_table_can_be_cut_and_asked_what_is_in_it() {
        let table = table();
        let rows: Vec<usize> = table.split(&["what"]).iter().map(|part| part.rows.len()).collect();
        assert_eq!(rows, [2, 1]);
        let withheld = table.only(|row| !row.cell("p50_us").is_there());
        assert_eq!((withheld.rows().len(), withheld.has("p50_us")), (1, true));
        assert!(table.varies("what") && !withheld.varies("what"));
        assert!(table.has_basis(Basis::Trials) && !withheld.has_basis(Basis::Trials));
    }
}
