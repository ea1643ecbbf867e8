//! Newtypes for ids and counters, so that an epoch is never compared with an order number.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The value that follows this one.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

counter! {
    /// An order replica's id, 1 and up. The highest one that may lead is chosen.
    ReplicaId(u8)
}
counter! {
    /// A leadership. Every change of leader, and every restart of one, begins a new epoch.
    Epoch(u64)
}
counter! {
    /// A version of the configuration. Every change of leader or of the in-sync set raises it.
    ConfigVersion(u64)
}
counter! {
    /// An order's number: 1 and up, without gaps. 0 stands for "before the first".
    OrderNo(u64)
}
counter! {
    /// How many trades a stock has seen. Committed together with the trade that raises it.
    StockVersion(u64)
}
counter! {
    /// The place of an applied trade among all that the catalog applied for the order service,
    /// 1 and up, without gaps. Trades posted to the catalog by hand have none.
    AppliedSeq(u64)
}

/// The name under which a trade is applied once and numbered once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(String);

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
    pub fn new(text: impl Into<String>) -> Result<Self, BadRequestId> {
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
}
