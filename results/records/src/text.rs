//! Texts that many rows have in common: a cell's id, a stock's name, a trade's request id.

use std::collections::HashSet;

/// A text of a row. As large as a pointer; a copy of it is the same text, not another one.
pub type Text = arcstr::ArcStr;

/// Texts that were met before. A run of a million operations has two million rows, and each of them
/// names a cell, most a stock and a request: those are a few hundred thousand texts in all.
#[derive(Debug, Default)]
pub struct Texts {
    known: HashSet<Text>,
    /// The one that was asked about last: rows of a cell stand together.
    last: Text,
}

impl Texts {
    /// Replaces `text` by the equal one that was met first, if there is one.
    pub fn share(&mut self, text: &mut Text) {
        if self.last != *text {
            match self.known.get(text) {
                Some(known) => self.last.clone_from(known),
                None => {
                    self.known.insert(text.clone());
                    self.last.clone_from(text);
                }
            }
        }
        text.clone_from(&self.last);
    }

    /// The same for a text that may be missing.
    pub fn share_some(&mut self, text: &mut Option<Text>) {
        if let Some(text) = text {
            self.share(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_become_one() {
        let mut texts = Texts::default();
        let [mut first, mut other, mut again] = ["a", "b", "a"].map(Text::from);
        for text in [&mut first, &mut other, &mut again] {
            texts.share(text);
        }
        assert!(Text::ptr_eq(&first, &again) && !Text::ptr_eq(&first, &other));
        assert_eq!([&*first, &*other, &*again], ["a", "b", "a"]);
    }
}
