//! The name of a stock where there are many of them.

use std::cell::RefCell;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::ops::Deref;

use arcstr::ArcStr;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

/// The name of an order's stock. A replica holds that of every order, and there are few stocks: equal names mostly share one text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct StockName(ArcStr);

/// So many names are remembered on each thread, so that the next one like it shares its text. Names come from anybody: what is
/// remembered is bounded, and a name that has no room is simply not shared.
const REMEMBERED: usize = 1024;

/// The last name of each hash.
struct Remembered {
    names: Box<[ArcStr]>,
    hashes: RandomState,
}

thread_local! {
    static REMEMBERED_HERE: RefCell<Remembered> = RefCell::new(Remembered {
        names: vec![ArcStr::new(); REMEMBERED].into(),
        hashes: RandomState::new(),
    });
}

impl Remembered {
    fn of(&mut self, text: &str) -> ArcStr {
        let place = self.hashes.hash_one(text) as usize % REMEMBERED;
        let name = &mut self.names[place];
        if *name != text {
            *name = ArcStr::from(text);
        }
        name.clone()
    }
}

impl From<&str> for StockName {
    fn from(text: &str) -> Self {
        Self(REMEMBERED_HERE.with_borrow_mut(|names| names.of(text)))
    }
}

impl<'de> Deserialize<'de> for StockName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfText;
        impl de::Visitor<'_> for OfText {
            type Value = StockName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<StockName, E> {
                Ok(StockName::from(text))
            }
        }
        deserializer.deserialize_str(OfText)
    }
}

impl Deref for StockName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_share_a_text_and_however_many_there_are_each_keeps_its_own() {
        let names: Vec<_> = (0..5_000).map(|number| format!("Stock{number}")).collect();
        let held: Vec<_> = names.iter().map(|name| StockName::from(name.as_str())).collect();
        assert!(names.iter().zip(&held).all(|(name, held)| **held == **name));
        let (one, other) = (StockName::from("Stock1"), StockName::from("Stock1"));
        assert!(ArcStr::ptr_eq(&one.0, &other.0));
        let read: StockName = serde_json::from_str("\"Stock1\"").unwrap();
        assert!(ArcStr::ptr_eq(&one.0, &read.0));
        let escaped: StockName = serde_json::from_str("\"a\\\"b\"").unwrap();
        assert_eq!(serde_json::to_string(&escaped).unwrap(), "\"a\\\"b\"");
    }
}
