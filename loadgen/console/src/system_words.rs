//! What the page calls the system that it is beside, and what clients do to it. Pure.
//!
//! The page knows three kinds of operations by the places that they have on it: `query` reads, `trade` changes, `lookup` asks for an
//! order. What each is called is said here, in the words of the target's model, so the page asks for no model.

use driver::service::Service;
use serde::Serialize;
use targets::file::ModelKind;
use targets::operation::Kind;

/// The system that the page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct SystemWords {
    name: String,
    /// One line; may be empty.
    description: String,
    operations: Operations,
}

/// What each place for an operation stands for; nothing if clients do nothing of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Operations {
    query: Option<Word>,
    trade: Option<Word>,
    lookup: Option<Word>,
}

/// A word, and the same of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Word {
    one: &'static str,
    many: &'static str,
}

impl SystemWords {
    /// The system that clients reach as `service`.
    pub(super) fn new(name: String, description: String, service: &Service) -> Self {
        let operations = Operations::of(service.kind(), |kind| service.does(kind));
        Self { name, description, operations }
    }
}

impl Operations {
    fn of(model: ModelKind, does: impl Fn(Kind) -> bool) -> Self {
        let word = |kinds: &[Kind], one, many| {
            kinds.iter().any(|kind| does(*kind)).then_some(Word { one, many })
        };
        let reads = word(&[Kind::Read], "read", "reads");
        match model {
            ModelKind::Stocks | ModelKind::None => Self {
                query: word(&[Kind::Query], "query", "queries"),
                trade: word(&[Kind::Trade], "trade", "trades"),
                lookup: word(&[Kind::Lookup], "lookup", "lookups"),
            },
            ModelKind::Register => Self {
                query: reads,
                trade: word(&[Kind::Write, Kind::CompareAndSet], "write", "writes"),
                lookup: None,
            },
            ModelKind::Log => Self {
                query: reads,
                trade: word(&[Kind::Append], "append", "appends"),
                lookup: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(model: ModelKind, does: &[Kind]) -> [Option<&'static str>; 3] {
        let Operations { query, trade, lookup } =
            Operations::of(model, |kind| does.contains(&kind));
        [query, trade, lookup].map(|word| word.map(|word| word.one))
    }

    #[test]
    fn operations_are_called_what_the_model_calls_them() {
        let all = [Kind::Query, Kind::Trade, Kind::Lookup];
        let stocks = [Some("query"), Some("trade"), Some("lookup")];
        assert_eq!(words(ModelKind::Stocks, &all), stocks);
        let keys = [Kind::Read, Kind::CompareAndSet];
        assert_eq!(words(ModelKind::Register, &keys), [Some("read"), Some("write"), None]);
        let log = [Kind::Read, Kind::Append];
        assert_eq!(words(ModelKind::Log, &log), [Some("read"), Some("append"), None]);
    }

    #[test]
    fn what_clients_do_not_do_has_no_word() {
        assert_eq!(words(ModelKind::Stocks, &[Kind::Query]), [Some("query"), None, None]);
        assert_eq!(words(ModelKind::Log, &[Kind::Append]), [None, Some("append"), None]);
    }
}
