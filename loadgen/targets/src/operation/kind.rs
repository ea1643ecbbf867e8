//! Which operations there are, what goes into each, and what is captured from its answer.

/// An operation of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Asks for a stock.
    Query,
    /// Buys or sells.
    Trade,
    /// Asks for an order.
    Lookup,
    /// Lists the stocks.
    List,
    /// Reads a register or a log.
    Read,
    /// Writes a register.
    Write,
    /// Writes a register if it holds what is expected.
    CompareAndSet,
    /// Appends to a log.
    Append,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Query,
        Self::Trade,
        Self::Lookup,
        Self::List,
        Self::Read,
        Self::Write,
        Self::CompareAndSet,
        Self::Append,
    ];

    /// Its name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Trade => "trade",
            Self::Lookup => "lookup",
            Self::List => "list",
            Self::Read => "read",
            Self::Write => "write",
            Self::CompareAndSet => "compare-and-set",
            Self::Append => "append",
        }
    }

    /// The one that the file calls `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What its templates and expressions may use of the request.
    #[must_use]
    pub fn places(self) -> &'static [&'static str] {
        match self {
            Self::Query => &["stock", "key", "client"],
            Self::Trade => &["stock", "side", "quantity", "key", "client"],
            Self::Lookup => &["order_no", "key", "client"],
            Self::List => &["client"],
            Self::Read => &["register", "position", "key", "client"],
            Self::Write | Self::Append => &["register", "value", "key", "client"],
            Self::CompareAndSet => &["register", "value", "expected", "key", "client"],
        }
    }

    /// What may be captured from an ok answer.
    #[must_use]
    pub fn captures(self) -> &'static [&'static str] {
        match self {
            Self::Query => &["quantity", "volume", "price"],
            Self::Trade => &["order_no"],
            Self::Lookup => &["stock", "side", "quantity"],
            Self::List => &["names"],
            Self::Read => &["value"],
            Self::Write | Self::CompareAndSet => &[],
            Self::Append => &["position"],
        }
    }
}
