//! A table as lines of text, and as Markdown: the columns that a layout picks, in its order.

use super::column::Align;
use super::form::Form;
use super::grid::{Row, Table};
use crate::markdown;
use crate::text::lined_up;

/// What a layout shows of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Values, each with its interval in brackets.
    Both(&'static str),
    /// Values alone.
    Value(&'static str),
    /// Intervals alone.
    Interval(&'static str),
}

/// The title of a column of intervals.
const INTERVAL: &str = "95% interval";

impl Pick {
    fn head(self, table: &Table) -> (&'static str, Align) {
        match self {
            Self::Both(name) | Self::Value(name) => {
                let column = table.column(name);
                (column.heading(), column.align)
            }
            Self::Interval(_) => (INTERVAL, Align::Right),
        }
    }

    fn shown(self, row: Row<'_>, form: Form) -> String {
        let (Self::Both(name) | Self::Value(name) | Self::Interval(name)) = self;
        let (column, cell) = row.figure(name);
        match self {
            Self::Value(_) => form.value(column.unit, cell),
            Self::Both(_) => {
                let value = form.value(column.unit, cell);
                match form.brackets(column.unit, cell) {
                    Some(interval) => format!("{value} {interval}"),
                    None => value,
                }
            }
            Self::Interval(_) => match form.bounds(column.unit, cell) {
                Some([low, high]) => format!("{low} to {high}"),
                None => form.none().to_owned(),
            },
        }
    }
}

impl Table {
    /// The picked columns as lines of text that line up, below a header. Every line ends with a newline.
    #[must_use]
    pub fn to_text(&self, picks: &[Pick]) -> String {
        let header: Vec<(&str, bool)> = picks
            .iter()
            .map(|pick| pick.head(self))
            .map(|(title, align)| (title, align == Align::Left))
            .collect();
        lined_up(&header, &self.shown(picks))
    }

    /// The picked columns as a table in Markdown. Every line ends with a newline.
    #[must_use]
    pub fn to_markdown(&self, picks: &[Pick]) -> String {
        let heads: Vec<(&str, Align)> = picks.iter().map(|pick| pick.head(self)).collect();
        let titles: Vec<String> = heads.iter().map(|(title, _)| (*title).to_owned()).collect();
        let rule = heads.iter().map(|(_, align)| match align {
            Align::Left => "---".to_owned(),
            Align::Right => "---:".to_owned(),
        });
        let shown = self.shown(picks).into_iter();
        let shown = shown.map(|cells| cells.iter().map(|cell| markdown::text(cell)).collect());
        let lines = [titles, rule.collect()].into_iter().chain(shown);
        lines.map(|cells| format!("| {} |\n", cells.join(" | "))).collect()
    }

    fn shown(&self, picks: &[Pick]) -> Vec<Vec<String>> {
        let line =
            |row: Row<'_>| picks.iter().map(|pick| pick.shown(row, Form::Terminal)).collect();
        self.rows().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::cell::{Basis, Cell, Missing};
    use super::super::column::{Column, Unit};
    use super::super::grid::Field;
    use super::*;
    use crate::stats::Interval;

    const FIELDS: [Field<(&str, Option<f64>)>; 2] = [
        (Column::new("what", "what it is", Unit::Text).short("what"), |row| Cell::text(row.0)),
        (Column::new("change_percent", "change", Unit::Change), |row| {
            let interval =
                row.1.map(|percent| Interval { low: percent - 1.0, high: percent + 1.0 });
            Cell::some_number(row.1, Missing::NotMeasured).within(interval, Some(Basis::Trials))
        }),
    ];

    fn table() -> Table {
        Table::new("t", "A table", &FIELDS, &[("a", Some(7.0)), ("bc", None)])
    }

    #[test]
    fn an_interval_stands_beside_its_value_or_in_a_column_of_its_own() {
        let both = table().to_text(&[Pick::Value("what"), Pick::Both("change_percent")]);
        let lines = [
            "what                change",
            "----  --------------------",
            "a     +7.0% [+6.0%, +8.0%]",
            "bc                       -",
        ];
        assert_eq!(both.lines().collect::<Vec<_>>(), lines);
        let apart =
            table().to_text(&[Pick::Value("change_percent"), Pick::Interval("change_percent")]);
        assert!(apart.starts_with("change    95% interval\n"), "{apart}");
        assert!(apart.contains("\n +7.0%  +6.0% to +8.0%\n"), "{apart}");
    }

    #[test]
    fn markdown_says_where_its_columns_line_up() {
        assert_eq!(
            table().to_markdown(&[Pick::Value("what"), Pick::Value("change_percent")]),
            "| what | change |\n| --- | ---: |\n| a | +7.0% |\n| bc | - |\n"
        );
    }
}
