//! How the values of each unit look: the one place in which figures of tables become text.

use super::cell::{Cell, Missing, Value};
use super::column::Unit;
use crate::stats::Interval;
use crate::text::{grouped, three_digits};

/// Where a table is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In a terminal, and in Markdown: plain numbers, latencies in whole microseconds.
    Terminal,
    /// On the page: large counts grouped, latencies in milliseconds with every digit.
    Page,
}

impl Form {
    /// Not applicable, or nothing measured.
    #[must_use]
    pub fn none(self) -> &'static str {
        match self {
            Self::Terminal => "-",
            Self::Page => "–",
        }
    }

    /// A cell's value, without its interval and its unit.
    #[must_use]
    pub fn value(self, unit: Unit, cell: &Cell) -> String {
        match &cell.value {
            Value::Text(text) => text.clone(),
            Value::Whole(number) => self.whole(unit, *number),
            Value::Number(number) => self.number(unit, *number),
            Value::Missing(Missing::Withheld) => "withheld".to_owned(),
            Value::Missing(_) => self.none().to_owned(),
        }
    }

    /// The same with its unit, as a sentence has it: `2.22 ms`, `86%`.
    #[must_use]
    pub fn with_unit(self, unit: Unit, cell: &Cell) -> String {
        let value = self.value(unit, cell);
        let suffix = match unit {
            Unit::Us if self == Self::Terminal => " µs",
            Unit::Us | Unit::Ms => " ms",
            Unit::At => " s",
            Unit::PerSecond => "/s",
            _ => "",
        };
        if cell.is_there() { value + suffix } else { value }
    }

    /// `[645, 851]`; nothing without an interval.
    #[must_use]
    pub fn brackets(self, unit: Unit, cell: &Cell) -> Option<String> {
        self.bounds(unit, cell).map(|[low, high]| format!("[{low}, {high}]"))
    }

    /// The bounds of a cell's interval.
    #[must_use]
    pub fn bounds(self, unit: Unit, cell: &Cell) -> Option<[String; 2]> {
        let (Interval { low, high }, _) = cell.interval?;
        Some([low, high].map(|bound| self.number(unit, bound)))
    }

    fn whole(self, unit: Unit, number: u64) -> String {
        match unit {
            Unit::Us | Unit::At => self.number(unit, number as f64),
            Unit::Count | Unit::OfTheRow if self == Self::Page => grouped(number),
            Unit::Percent => format!("{number}%"),
            _ => number.to_string(),
        }
    }

    fn number(self, unit: Unit, number: f64) -> String {
        match unit {
            Unit::Text | Unit::Setting => number.to_string(),
            Unit::Count => self.rounded(number),
            Unit::Us if self == Self::Terminal => format!("{number:.0}"),
            Unit::Us => format!("{:.3}", number / 1000.0),
            Unit::At => format!("{:.1}", number / 1e6),
            Unit::PerSecond if self == Self::Page => format!("{number:.1}"),
            Unit::Ms | Unit::PerSecond | Unit::OfTheRow => three_digits(number),
            Unit::Percent => format!("{number:.1}%"),
            Unit::Change => format!("{number:+.1}%"),
        }
    }

    /// An estimate of a count. Never `-0`.
    fn rounded(self, number: f64) -> String {
        let whole = number.round();
        let sign = if whole < 0.0 { "-" } else { "" };
        format!("{sign}{}", self.whole(Unit::Count, whole.abs() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(unit: Unit, cell: &Cell) -> [String; 2] {
        [Form::Terminal, Form::Page].map(|form| form.value(unit, cell))
    }

    #[test]
    fn each_unit_has_one_look_in_a_terminal_and_one_on_the_page() {
        assert_eq!(shown(Unit::Us, &Cell::whole(1_204_000)), ["1204000", "1204.000"]);
        assert_eq!(shown(Unit::Us, &Cell::number(1204.6)), ["1205", "1.205"]);
        assert_eq!(shown(Unit::At, &Cell::whole(4_071_000)), ["4.1", "4.1"]);
        assert_eq!(shown(Unit::Ms, &Cell::number(9.954)), ["9.95", "9.95"]);
        assert_eq!(shown(Unit::PerSecond, &Cell::number(1284.97)), ["1285", "1285.0"]);
        assert_eq!(shown(Unit::Count, &Cell::whole(148_230)), ["148230", "148,230"]);
        assert_eq!(shown(Unit::Count, &Cell::number(-1204.4)), ["-1204", "-1,204"]);
        assert_eq!(shown(Unit::Count, &Cell::number(-0.4)), ["0", "0"]);
        assert_eq!(shown(Unit::Setting, &Cell::number(0.6)), ["0.6", "0.6"]);
        assert_eq!(shown(Unit::Change, &Cell::number(-51.36)), ["-51.4%", "-51.4%"]);
    }

    #[test]
    fn what_is_missing_is_a_dash_unless_it_was_withheld() {
        assert_eq!(shown(Unit::Us, &Cell::missing(Missing::NotSeen)), ["-", "–"]);
        let withheld = Cell::missing(Missing::Withheld);
        assert_eq!(shown(Unit::Us, &withheld), ["withheld", "withheld"]);
        assert_eq!(Form::Page.with_unit(Unit::Ms, &withheld), "withheld");
        assert_eq!(Form::Page.with_unit(Unit::Ms, &Cell::number(2.216)), "2.22 ms");
    }
}
