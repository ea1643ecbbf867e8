//! Order numbers of any service: integers, or texts such as a UUID.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::expression::Bound;
use crate::name;

/// What a service calls an order. A number and the text of its digits are different: what a service calls its orders
/// is compared as it says it, and `int(...)` in an expression makes numbers of texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OrderNo {
    /// A number, which may promise an order.
    Number(i64),
    /// A text.
    Text(String),
}

impl OrderNo {
    /// The order number that a service says.
    ///
    /// # Errors
    /// If it is neither an integer nor a text that can be a name (`name::checked`).
    pub fn from_json(json: Json) -> Result<Self, String> {
        match json {
            Json::String(text) => match name::problem(&text) {
                Some(problem) => Err(problem),
                None => Ok(Self::Text(text)),
            },
            other => other.as_i64().map(Self::Number).ok_or_else(|| {
                format!(
                    "an order number is an integer or a text, not {}",
                    name::excerpt(&other.to_string())
                )
            }),
        }
    }
}

impl OrderNo {
    /// What an expression sees of it.
    pub(crate) fn bound(&self) -> Bound<'_> {
        match self {
            Self::Number(number) => Bound::Int(*number),
            Self::Text(text) => Bound::Text(text),
        }
    }
}

impl fmt::Display for OrderNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_numbers_are_integers_or_texts() {
        assert_eq!(OrderNo::from_json(json!(-1)), Ok(OrderNo::Number(-1)));
        assert_eq!(OrderNo::from_json(json!("a-7")), Ok(OrderNo::Text("a-7".to_owned())));
        assert_ne!(OrderNo::from_json(json!(7)), OrderNo::from_json(json!("7")));
        for bad in [
            json!(1.0),
            json!(null),
            json!(u64::MAX),
            json!([1]),
            json!(""),
            json!("a\n"),
            json!("x".repeat(65)),
        ] {
            assert!(OrderNo::from_json(bad.clone()).is_err(), "{bad}");
        }
    }
}
