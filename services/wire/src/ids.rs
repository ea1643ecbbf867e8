//! Newtypes for ids and counters, so that an epoch is never compared with an order number.

use std::fmt;
use std::num::{IntErrorKind, ParseIntError};
use std::sync::Arc;

use arcstr::ArcStr;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use crate::planted;

/// The largest counter: what a database's signed 64 bits hold. Nothing above it is ever parsed (rule
/// S2), so a counter can be stored, and a few of them be added, wherever it comes from. *Otherwise: a
/// stranger's epoch of 2^64-1 ends a replica that adds one to it.*
pub const MAX_COUNTER: u64 = i64::MAX as u64;

/// Why a text cannot be a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadCounter {
    /// It is no whole number.
    NoNumber(ParseIntError),
    /// It is more than this.
    TooLarge(u64),
}

impl fmt::Display for BadCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNumber(error) => error.fmt(f),
            Self::TooLarge(most) => write!(f, "must be at most {most}"),
        }
    }
}

impl std::error::Error for BadCounter {}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident($inner:ty), $most:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The largest one that is parsed.
            pub const MAX: Self = Self($most);

            /// The value that follows this one; the largest one is followed by itself, which nobody
            /// lives to see: nothing reaches it but by counting.
            #[must_use]
            pub fn next(self) -> Self {
                Self(if self < Self::MAX { self.0 + 1 } else { $most })
            }
        }

        impl TryFrom<$inner> for $name {
            type Error = BadCounter;
            fn try_from(value: $inner) -> Result<Self, BadCounter> {
                let value = Self(value);
                if value > Self::MAX && !planted::takes_any_number() {
                    return Err(BadCounter::TooLarge(u64::from(Self::MAX.0)));
                }
                Ok(value)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::try_from(<$inner>::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadCounter;
            fn from_str(text: &str) -> Result<Self, BadCounter> {
                match text.parse::<$inner>() {
                    Ok(value) => Self::try_from(value),
                    Err(error) if *error.kind() == IntErrorKind::PosOverflow => {
                        Err(BadCounter::TooLarge(u64::from(Self::MAX.0)))
                    }
                    Err(error) => Err(BadCounter::NoNumber(error)),
                }
            }
        }
    };
}

counter! {
    /// An order replica's id, 1 and up. The highest one that may lead is chosen.
    ReplicaId(u8), u8::MAX
}
counter! {
    /// A leadership. Every change of leader, and every restart of one, begins a new epoch.
    Epoch(u64), MAX_COUNTER
}
counter! {
    /// A version of the configuration. Every change of leader or of the in-sync set raises it.
    ConfigVersion(u64), MAX_COUNTER
}
counter! {
    /// An order's number: 1 and up, without gaps. 0 stands for "before the first".
    OrderNo(u64), MAX_COUNTER
}
counter! {
    /// How many trades a stock has seen. Committed together with the trade that raises it.
    StockVersion(u64), MAX_COUNTER
}
counter! {
    /// The place of an applied trade among all that the catalog applied for the order service,
    /// 1 and up, without gaps. Trades posted to the catalog by hand have none. It is the trade's
    /// order number, too (rule N1).
    AppliedSeq(u64), MAX_COUNTER
}

impl AppliedSeq {
    /// The order's number: the place itself (rule N1).
    #[must_use]
    pub fn order_no(self) -> OrderNo {
        OrderNo(self.0)
    }
}

impl OrderNo {
    /// The place at the catalog: the number itself (rule N1).
    #[must_use]
    pub fn place(self) -> AppliedSeq {
        AppliedSeq(self.0)
    }
}

/// Why a text cannot be a name that a process draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadName;

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a drawn name has 1 to {MAX_NAME_LEN} visible ASCII characters and no spaces")
    }
}

impl std::error::Error for BadName {}

/// The longest name that is taken, in bytes. A UUID has 36.
pub const MAX_NAME_LEN: usize = 64;

macro_rules! drawn_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks that `text` fits a header and a database column.
            ///
            /// # Errors
            /// If it is empty, too long, or has characters that a header cannot carry.
            pub fn new(text: &str) -> Result<Self, BadName> {
                let fits = (1..=MAX_NAME_LEN).contains(&text.len());
                if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
                    Ok(Self(text.into()))
                } else {
                    Err(BadName)
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadName;
            fn from_str(text: &str) -> Result<Self, BadName> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;
            fn try_from(text: String) -> Result<Self, BadName> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }
    };
}

drawn_name! {
    /// A whole bazaar: drawn by the front-end at its first start, and kept by every database (rule
    /// L1). A database of another bazaar is refused.
    BazaarId
}
drawn_name! {
    /// One database: drawn when the file is made. A replica with another one is another replica,
    /// whatever its id (rule L1).
    Identity
}
drawn_name! {
    /// One process: drawn when it starts.
    Incarnation
}

/// The name under which a trade is applied once and numbered once. A replica holds those of all orders, so it is a thin pointer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(ArcStr);

/// Why a text cannot be a request id.
#[derive(Debug, PartialEq, Eq)]
pub struct BadRequestId;

impl fmt::Display for BadRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a request id has 1 to {} visible ASCII characters and no spaces",
            RequestId::MAX_LEN
        )
    }
}

impl std::error::Error for BadRequestId {}

impl RequestId {
    /// The longest id that is taken, in bytes.
    pub const MAX_LEN: usize = 128;

    /// Checks that `text` fits a header and a database key.
    pub fn new(text: impl Into<ArcStr>) -> Result<Self, BadRequestId> {
        let text = text.into();
        let fits = (1..=Self::MAX_LEN).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text))
        } else {
            Err(BadRequestId)
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_must_fit_a_header() {
        assert!(RequestId::new("order-17/retry").is_ok());
        assert_eq!(RequestId::new(""), Err(BadRequestId));
        assert_eq!(RequestId::new("two words"), Err(BadRequestId));
        assert_eq!(RequestId::new("line\nbreak"), Err(BadRequestId));
        assert_eq!(RequestId::new("x".repeat(129)), Err(BadRequestId));
    }

    #[test]
    fn a_counter_is_bounded_where_it_is_parsed() {
        let most = MAX_COUNTER.to_string();
        for text in [most.as_str(), "0", "17"] {
            assert_eq!(text.parse::<Epoch>().unwrap().to_string(), text);
            assert_eq!(serde_json::from_str::<Epoch>(text).unwrap().to_string(), text);
        }
        for text in ["9223372036854775808", "18446744073709551615", "18446744073709551616"] {
            let error = text.parse::<Epoch>().unwrap_err().to_string();
            assert_eq!(error, format!("must be at most {MAX_COUNTER}"), "{text}");
            assert!(serde_json::from_str::<StockVersion>(text).is_err(), "{text}");
            assert!(serde_json::from_str::<ConfigVersion>(text).is_err(), "{text}");
            assert!(serde_json::from_str::<OrderNo>(text).is_err(), "{text}");
            assert!(serde_json::from_str::<AppliedSeq>(text).is_err(), "{text}");
        }
        for text in ["", "-1", "one", "1.0"] {
            assert!(text.parse::<OrderNo>().is_err(), "{text}");
        }
        assert!("256".parse::<ReplicaId>().is_err());
    }

    #[test]
    fn counting_on_from_the_largest_counter_overflows_nothing() {
        assert_eq!(Epoch(MAX_COUNTER - 1).next(), Epoch::MAX);
        assert_eq!(Epoch::MAX.next(), Epoch::MAX);
        assert_eq!(OrderNo(u64::MAX).next(), OrderNo::MAX);
        assert_eq!(ReplicaId(u8::MAX).next(), ReplicaId::MAX);
    }

    #[test]
    fn a_drawn_name_is_bounded_where_it_is_parsed() {
        assert_eq!(serde_json::from_str::<Identity>(r#""d1""#).unwrap().as_str(), "d1");
        let long = "x".repeat(65);
        for bad in ["", "two words", long.as_str()] {
            assert!(serde_json::from_value::<Identity>(bad.into()).is_err(), "{bad}");
        }
    }
}
