//! A table whose columns are known only once the runs are: one row for each system, round or commit.

use results::markdown;
use results::verdict::Verdict;

/// The class of what lines up at the right.
const NUMBER: &str = "number";

/// One field of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    /// What stands there.
    pub(crate) text: String,
    /// What belongs to it, a line each: an interval, a maximum.
    pub(crate) more: Vec<String>,
    /// The classes of the field on a page.
    pub(crate) class: &'static str,
    /// The class of the badge around it, if it is one.
    pub(crate) badge: Option<&'static str>,
}

impl Field {
    /// A number.
    pub(crate) fn number(text: impl Into<String>) -> Self {
        Self { text: text.into(), class: NUMBER, ..Self::default() }
    }

    /// Words, which may take several lines.
    pub(crate) fn words(text: impl Into<String>) -> Self {
        Self { text: text.into(), class: "wide", ..Self::default() }
    }

    /// A verdict, in its colour and with its sign.
    pub(crate) fn verdict(verdict: Verdict) -> Self {
        Self::badge(format!("{} {verdict}", verdict.sign()), verdict.as_str())
    }

    /// A verdict, or another word with a colour.
    pub(crate) fn badge(text: impl Into<String>, badge: &'static str) -> Self {
        Self { text: text.into(), badge: Some(badge), ..Self::default() }
    }

    /// The same with a line more.
    pub(crate) fn with(mut self, more: Option<String>) -> Self {
        self.more.extend(more);
        self
    }

    /// All of it in one line.
    pub(crate) fn in_line(&self) -> String {
        std::iter::once(&self.text).chain(&self.more).cloned().collect::<Vec<_>>().join(" ")
    }
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GridRow {
    /// What it is about.
    pub(crate) name: String,
    /// Where more is said of that, seen from the page.
    pub(crate) link: Option<String>,
    /// A field for each column.
    pub(crate) fields: Vec<Field>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Fit to be an id in HTML.
    pub(crate) id: String,
    /// What it shows.
    pub(crate) caption: String,
    /// The title of the first column, which says what rows are about.
    pub(crate) head: &'static str,
    /// The titles of the others, and the class of each: `number`, or none.
    pub(crate) titles: Vec<(String, &'static str)>,
    /// The rows.
    pub(crate) rows: Vec<GridRow>,
}

impl Grid {
    /// A table without rows. Columns whose title begins with a `<` hold words, all others numbers.
    pub(crate) fn new(
        id: impl Into<String>,
        caption: impl Into<String>,
        head: &'static str,
        titles: impl IntoIterator<Item = String>,
    ) -> Self {
        let titles = titles.into_iter().map(|title| match title.strip_prefix('<') {
            Some(title) => (title.to_owned(), ""),
            None => (title, NUMBER),
        });
        Self {
            id: id.into(),
            caption: caption.into(),
            head,
            titles: titles.collect(),
            rows: Vec::new(),
        }
    }

    /// In Markdown.
    pub(crate) fn to_markdown(&self) -> String {
        let titles = self.titles.iter().map(|(title, _)| markdown::text(title));
        let sides =
            self.titles.iter().map(|(_, class)| if *class == NUMBER { "---:" } else { "---" });
        let line = |fields: Vec<String>| format!("| {} |\n", fields.join(" | "));
        let head = line(std::iter::once(markdown::text(self.head)).chain(titles).collect());
        let rule = line(std::iter::once("---").chain(sides).map(str::to_owned).collect());
        let rows = self.rows.iter().map(|row| {
            let fields = row.fields.iter().map(|field| markdown::text(&field.in_line()));
            line(std::iter::once(markdown::text(&row.name)).chain(fields).collect())
        });
        format!("{head}{rule}{}", rows.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_says_where_columns_line_up_and_keeps_what_belongs_to_a_figure() {
        let titles = ["<verdict", "trades/s"].map(str::to_owned);
        let mut grid = Grid::new("figures", "Figures", "system", titles);
        let figure = Field::number("741").with(Some("[645, 851]".to_owned()));
        let fields = vec![Field::badge("✓ pass", "pass"), figure];
        grid.rows.push(GridRow { name: "a|b".to_owned(), link: None, fields });
        assert_eq!(
            grid.to_markdown(),
            "| system | verdict | trades/s |\n| --- | --- | ---: |\n| a\\|b | ✓ pass | 741 \\[645, 851\\] |\n"
        );
    }
}
