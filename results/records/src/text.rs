//! Texts that many rows have in common: a cell's id, a stock's name, a trade's request id.

use hashbrown::HashSet;

/// A text of a row. As large as a pointer; a copy of it is the same text, not another one.
pub type Text = arcstr::ArcStr;

/// Texts that were met before. A run of a million operations has two million rows, and each of them
/// names a cell, most a stock and a request: those are a few hundred thousand texts in all.
#[derive(Debug, Default)]
pub struct Texts(HashSet<Text>);

impl Texts {
    /// The equal text that was met first, which may be this one.
    pub fn get(&mut self, text: &str) -> Text {
        self.0.get_or_insert_with(text, |text| Text::from(text)).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_become_one() {
        let mut texts = Texts::default();
        let [first, other, again] = ["a", "b", "a"].map(|text| texts.get(text));
        assert!(Text::ptr_eq(&first, &again) && !Text::ptr_eq(&first, &other));
        assert_eq!([&*first, &*other, &*again], ["a", "b", "a"]);
    }
}
