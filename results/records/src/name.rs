//! Names that many things have in common, as small as a pointer: each text is kept once, for as long as the
//! program runs.
//!
//! Two names are equal if they are the same text at the same place, so comparing them reads no text. A text that
//! was read from a file, a plan or a request is kept for good; so there is a bound on how many there may be.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};

/// The longest name: what still fits into a line of a page.
const MAX_CHARACTERS: usize = 64;
/// How many names are taken from outside. A system under test has a few dozen processes; more than these are an
/// error in what was read, or somebody who tries names.
const MAX_NAMES: usize = 65_536;

/// Every text that is the text of a name.
static KEPT: Mutex<BTreeSet<&'static Kept>> = Mutex::new(BTreeSet::new());

/// The text of a name, at the place where it is kept.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Kept(Box<str>);

impl std::borrow::Borrow<str> for &'static Kept {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// It is too long, empty, or has other characters.
    #[error("must be 1 to {MAX_CHARACTERS} of letters, digits, \"_\", \".\" and \"-\"")]
    Form,
    /// The word means something else wherever such a name may stand.
    #[error("has a meaning of its own; choose another name")]
    Reserved,
    /// Too many different names were read before.
    #[error("is one name too many: there may be {MAX_NAMES}")]
    TooMany,
}

/// A name. Ordered as people count: `order-2` is before `order-10`.
#[derive(Clone, Copy)]
pub(super) struct Name(&'static Kept);

impl Name {
    /// The name of this text, if it is well formed.
    pub(super) fn read(text: &str) -> Result<Self, BadName> {
        let is_of_names = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let is_right_length = (1..=MAX_CHARACTERS).contains(&text.len());
        if !is_right_length || !text.chars().all(is_of_names) {
            return Err(BadName::Form);
        }
        Self::keep(text, MAX_NAMES).ok_or(BadName::TooMany)
    }

    /// The name of a text of our own, of which there are few and all are well formed.
    pub(super) fn known(text: &str) -> Self {
        let known = Self::keep(text, usize::MAX);
        known.unwrap_or_else(|| unreachable!("there is room for any number of names"))
    }

    /// `None` if there are `most` others.
    fn keep(text: &str, most: usize) -> Option<Self> {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = kept.get(text) {
            return Some(Self(same));
        }
        if kept.len() >= most {
            return None;
        }
        let new: &'static Kept = Box::leak(Box::new(Kept(text.into())));
        kept.insert(new);
        Some(Self(new))
    }

    pub(super) fn as_str(self) -> &'static str {
        &self.0.0
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self.0).hash(state);
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        if self == other {
            return Ordering::Equal;
        }
        let (one, other) = (self.as_str(), other.as_str());
        // Two spellings of one number are two names.
        alphanumeric_sort::compare_str(one, other).then_with(|| one.cmp(other))
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// Names of one kind. `$reserved` are the words that are none of them, and `$what` says what is named.
macro_rules! names {
    ($name:ident, $what:literal, $reserved:expr) => {
        impl $name {
            /// Its text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                self.0.as_str()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::name::BadName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if $reserved.contains(&text) {
                    return Err($crate::name::BadName::Reserved);
                }
                $crate::name::Name::read(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                let named = text.parse();
                named.map_err(|error: $crate::name::BadName| {
                    format!(concat!($what, " {:?} {}"), text, error)
                })
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }
    };
}
pub(super) use names;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_any_word_of_up_to_64_characters() {
        let longest = "x".repeat(64);
        for text in ["redis-1", "A", "2", "node_3.local", "-", &longest] {
            assert_eq!(Name::read(text).unwrap().as_str(), text);
        }
        for text in ["", "a b", "é", "a/b", "a:1", "<b>", &format!("{longest}x")] {
            assert_eq!(Name::read(text), Err(BadName::Form), "{text}");
        }
    }

    #[test]
    fn the_same_text_is_the_same_name_and_as_small_as_a_pointer() {
        let [one, again] = [(); 2].map(|()| Name::read("the-same").unwrap());
        assert!(one == again && std::ptr::eq(one.as_str(), again.as_str()));
        assert_ne!(one, Name::read("the-sam").unwrap());
        assert_eq!(size_of::<Option<Name>>(), size_of::<usize>());
    }

    #[test]
    fn names_are_ordered_as_people_count() {
        let ascending = ["a", "b-1", "n1-2", "n1-10", "n2-1", "order-2", "order-10", "order-10a"];
        let mut names = ascending.map(|text| Name::read(text).unwrap());
        names.reverse();
        names.sort_unstable();
        assert_eq!(names.map(Name::as_str), ascending);
        let [short, long] = ["r-7", "r-07"].map(|text| Name::read(text).unwrap());
        assert_ne!(short.cmp(&long), Ordering::Equal, "two spellings are two names");
    }

    /// A library compares, and sorted maps rely on it.
    #[test]
    fn of_any_three_names_the_order_of_two_pairs_gives_that_of_the_third() {
        let longer = |all: &Vec<String>| -> Vec<String> {
            let one = |text: &String| ["0", "1", "-", "a"].map(|end| format!("{text}{end}"));
            all.iter().flat_map(one).collect()
        };
        let one = longer(&vec![String::new()]);
        let (two, three) = (longer(&one), longer(&longer(&one)));
        let mut names: Vec<Name> =
            [one, two, three].concat().iter().map(|text| Name::read(text).unwrap()).collect();
        names.sort_unstable();
        for (place, name) in names.iter().enumerate() {
            assert!(names[..place].iter().all(|before| before < name), "{name:?}");
            assert!(names[place + 1..].iter().all(|after| after > name), "{name:?}");
        }
    }

    #[test]
    fn there_is_no_room_for_names_beyond_the_bound() {
        let before = Name::known("was-there-before");
        assert_eq!(Name::keep("was-there-before", 0), Some(before));
        assert_eq!(Name::keep("comes-too-late", 0), None);
    }
}
