//! What an expression's variables stand for, borrowed from the answer: nothing is copied to be looked at.

use http::HeaderMap;
use serde_json::Value as Json;

/// What one variable stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound<'a> {
    /// An integer.
    Int(i64),
    /// A text.
    Text(&'a str),
    /// A value of JSON; its integers are `int`.
    Json(&'a Json),
    /// The headers of an answer, which are a map of texts.
    Headers(&'a HeaderMap),
}

/// The variables that an expression may use, and what they stand for.
#[derive(Clone, Debug, Default)]
pub struct Variables<'a> {
    bound: Vec<(&'a str, Bound<'a>)>,
}

impl<'a> Variables<'a> {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        /// An answer's four and a request's: no growing on the way.
        const USUAL: usize = 12;
        Self { bound: Vec::with_capacity(USUAL) }
    }

    /// These, and `name`. Of two with one name the first counts.
    #[must_use]
    pub fn with(mut self, name: &'a str, value: Bound<'a>) -> Self {
        self.bound.push((name, value));
        self
    }

    /// What `name` stands for. There are a handful, so looking at each is the fastest way.
    pub(super) fn get(&self, name: &str) -> Option<Bound<'a>> {
        self.bound.iter().find(|(bound, _)| *bound == name).map(|(_, value)| *value)
    }
}
