//! What a run's manifest says of its target: which facts there are of it, and what it promises.
//!
//! Each fact follows from what the file gives and a run reads; checks and figures that need one which is not here do not apply.

use std::collections::BTreeSet;

use records::{Fact, Model, Numbering, Promises, Sides};

use crate::file::{Acknowledged, ModelKind, OrderNumbers, Replication, Restock};
use crate::leader::LeaderReading;
use crate::operation::{Kind, Operation};
use crate::target::{Dumped, Places, Source, Stocks, StocksFrom, Target};

/// Whose answers they are, where nothing but clients' own reads says in the end what registers and logs hold.
pub const FRONT_DOOR: &str = "front-door";

/// What a client program that can dump says that it can do.
const DUMP: &str = "dump";

/// What a manifest says of `target`. `can` is what its client program said that it can do (its answer to `hello`);
/// it counts only where there is such a program.
#[must_use]
pub fn manifest(target: &Target, can: &[String]) -> records::Target {
    let dumps = can.iter().any(|done| done == DUMP);
    let orders_of = shown_by(&target.orders, dumps);
    let stocks_of = shown_by(&target.stock_places, dumps);
    let described = records::Target::new(target.name.clone(), facts(target, can), promises(target))
        .described(target.description.clone())
        .holding(orders_of, stocks_of);
    let described = match target.model.kind {
        ModelKind::Stocks | ModelKind::None => described,
        ModelKind::Register => {
            let initial = target.model.initial.as_ref().map(ToString::to_string);
            described.keeping(Model::Register, keys_of(target, can), initial)
        }
        ModelKind::Log => described.keeping(Model::Log, keys_of(target, can), None),
    };
    let by_program = target.client.as_ref().map(|client| client.deadline);
    let deadline = target.operations.longest_deadline().max(by_program);
    match deadline
        .map(|deadline| deadline.as_millis())
        .and_then(|deadline_ms| u64::try_from(deadline_ms).ok())
    {
        Some(deadline_ms) => described.with_deadline_ms(deadline_ms),
        None => described,
    }
}

/// Of whom it is read at a trial's end what registers or logs hold: of those that the file names, else through the front
/// door, as clients read them.
fn keys_of(target: &Target, can: &[String]) -> Vec<String> {
    let dumps = can.iter().any(|done| done == DUMP);
    let mut shown = shown_by(&target.register_places, dumps);
    shown.extend(shown_by(&target.log_places, dumps));
    let reads = || {
        target.operations.get(Kind::Read).is_some()
            || target.client.is_some() && can.iter().any(|done| done == Kind::Read.name())
    };
    if shown.is_empty() && reads() {
        shown.push(FRONT_DOOR.to_owned());
    }
    shown
}

/// The processes of `places` that are shown at the end: those that the client program has to dump only if it can.
fn shown_by<T>(places: &Places<T>, dumps: bool) -> Vec<String> {
    let shown = places.iter().filter(|place| dumps || !matches!(place.source, Source::Dump));
    shown.map(|place| place.process.clone()).collect()
}

/// The facts that the file gives; those that follow from promises and lists of processes are worked out from these.
fn facts(target: &Target, can: &[String]) -> BTreeSet<Fact> {
    let model = &target.model;
    let by_program = target.client.is_some();
    let does = |kind: Kind| {
        let can_do = || by_program && can.iter().any(|done| done == kind.name());
        target.operations.get(kind).is_some() || can_do()
    };
    // A program's answers have all that a model needs.
    let tells = |kind: Kind, capture: &str| match target.operations.get(kind) {
        Some(operation) => operation.shows(capture),
        None => does(kind),
    };
    let has_contents = tells(Kind::Lookup, "stock")
        && tells(Kind::Lookup, "quantity")
        && (model.sides.len() == 1 || tells(Kind::Lookup, "side"));
    // A client program may append without saying where.
    let append = target.operations.get(Kind::Append);
    let tells_positions = append.is_some_and(|append| append.shows("position"));
    let capabilities = &target.capabilities;
    let leads = target
        .leader
        .as_ref()
        .is_some_and(|leader| !matches!(leader.reading, LeaderReading::Unknown));
    let mut operations = target.operations.each().peekable();
    // What a client program answers has no status.
    let by_status =
        !by_program && operations.peek().is_some() && operations.all(Operation::is_ok_by_status);
    let in_order = model.order_no == OrderNumbers::Sequence
        && model.replicated.orders == Replication::Identical
        && !shown_by(&target.orders, can.iter().any(|done| done == DUMP)).is_empty();
    let dumped = |what| target.dumped().iter().any(|(_, dumped)| *dumped == what);
    let given = [
        (Fact::Queries, does(Kind::Query)),
        (Fact::Trades, does(Kind::Trade)),
        (Fact::Lookups, does(Kind::Lookup)),
        (Fact::OrderContents, has_contents),
        (Fact::Quantity, tells(Kind::Query, "quantity")),
        (Fact::Volume, model.volume && does(Kind::Query)),
        (Fact::OrderNumbers, tells(Kind::Trade, "order_no")),
        (Fact::StatusCodes, by_status),
        (Fact::CacheHeader, capabilities.cache_hit.is_some()),
        (Fact::AttemptsHeader, capabilities.attempts.is_some()),
        (Fact::InitialStocks, target.stocks.as_ref().is_some_and(are_known_at_first)),
        (Fact::LogsInOrder, in_order),
        (Fact::RequestKeys, dumped(Dumped::Orders)),
        (Fact::OrderEpochs, dumped(Dumped::Orders)),
        (Fact::AppliedTrades, dumped(Dumped::Stocks)),
        (Fact::Leader, leads),
        (Fact::LeaderHistory, capabilities.history.is_some()),
        (Fact::InSyncSets, capabilities.in_sync.is_some()),
        (Fact::Reads, does(Kind::Read)),
        (Fact::Values, tells(Kind::Read, "value")),
        (Fact::Writes, does(Kind::Write) || does(Kind::CompareAndSet)),
        (Fact::CompareAndSets, does(Kind::CompareAndSet)),
        (Fact::Appends, does(Kind::Append)),
        (Fact::Positions, tells_positions),
    ];
    given.into_iter().filter(|(_, is_given)| *is_given).map(|(fact, _)| fact).collect()
}

fn are_known_at_first(stocks: &Stocks) -> bool {
    match &stocks.from {
        StocksFrom::Names(names) => names.iter().all(|name| stocks.initial.contains_key(name)),
        StocksFrom::Operation(_) => false,
    }
}

fn promises(target: &Target) -> Promises {
    let model = &target.model;
    let replication = |replication| match replication {
        Replication::Identical => records::Replication::Identical,
        Replication::SameSet => records::Replication::SameSet,
        Replication::Partitioned => records::Replication::Partitioned,
        Replication::None => records::Replication::None,
    };
    Promises {
        order_no: match model.order_no {
            OrderNumbers::Sequence => Numbering::Sequence,
            OrderNumbers::Unique => Numbering::Unique,
        },
        first_order_no: model.first_order_no,
        gapless: model.gapless,
        acknowledged: match model.acknowledged {
            Acknowledged::Durable => records::Acknowledged::Durable,
            Acknowledged::MayBeLost => records::Acknowledged::MayBeLost,
        },
        replicated_orders: replication(model.replicated.orders),
        replicated_stocks: replication(model.replicated.stocks),
        replicated_keys: match model.kind {
            ModelKind::Register => replication(model.replicated.registers),
            ModelKind::Log => replication(model.replicated.log),
            ModelKind::Stocks | ModelKind::None => records::Replication::None,
        },
        sides: if model.sides.len() == 1 { Sides::Takes } else { Sides::Both },
        restock: match model.restock {
            Restock::None => records::Restock::None,
            Restock::Unmodelled => records::Restock::Unmodelled,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{BAZAAR, read_text};

    fn facts_of(text: &str, can: &[&str]) -> Vec<Fact> {
        let target =
            read_text(text, Path::new("x.toml"), 3).unwrap_or_else(|problems| panic!("{problems}"));
        let can: Vec<String> = can.iter().map(|&done| done.to_owned()).collect();
        manifest(&target, &can).facts().collect()
    }

    #[test]
    fn the_bazaars_file_gives_every_fact_of_stocks_and_promises_what_the_bazaar_does() {
        // One catalog keeps the stocks.
        let given = |fact: &Fact| !fact.is_of_keys() && *fact != Fact::CopiesOfStocks;
        let of_stocks: Vec<Fact> = Fact::ALL.into_iter().filter(given).collect();
        assert_eq!(facts_of(BAZAAR, &[]), of_stocks);
        let target = read_text(BAZAAR, Path::new("x.toml"), 3).unwrap();
        let (described, built_in) = (manifest(&target, &[]), records::Target::bazaar(3));
        assert_eq!(described.promises(), built_in.promises());
        assert_eq!(described.orders_of(), built_in.orders_of());
        assert_eq!(described.stocks_of(), built_in.stocks_of());
    }

    #[test]
    fn a_key_value_api_gives_what_it_describes_and_is_read_in_the_end_as_clients_read_it() {
        let text = "name = 'x'\n[processes.a]\ncommand = 'a'\n[model]\nkind = 'register'\ninitial = 0\n\
                    [operations.read]\nurl = 'http://127.0.0.1:1/{{ register }}'\nvalue = 'body.value'\n\
                    [operations.write]\nmethod = 'PUT'\nurl = 'http://127.0.0.1:1/{{ register }}'\n\
                    body = '{{ value | tojson }}'\n";
        let target = read_text(text, Path::new("x.toml"), 1).unwrap_or_else(|all| panic!("{all}"));
        assert_eq!(target.model.keys.len(), 10);
        let manifest = manifest(&target, &[]);
        let needed = [Fact::Reads, Fact::Values, Fact::Writes, Fact::StateOfKeys];
        assert_eq!(manifest.lacks(&needed), []);
        assert_eq!(
            (manifest.keys_of(), manifest.initial()),
            (&[FRONT_DOOR.to_owned()][..], Some("0"))
        );
        let kept = format!(
            "{text}[[state.registers]]\nprocess = 'a'\nfile = 'kept.jsonl'\nformat = 'jsonl'\n"
        );
        let target = read_text(&kept, Path::new("x.toml"), 1).unwrap_or_else(|all| panic!("{all}"));
        assert_eq!(super::manifest(&target, &[]).keys_of(), ["a"]);
    }

    #[test]
    fn copies_of_registers_are_compared_where_the_file_promises_that_they_are_alike() {
        let text = "name = 'x'\n[processes.store-1]\ncommand = 'a'\n[processes.store-2]\ncommand = 'b'\n\
                    [operations.read]\nurl = 'http://127.0.0.1:1/{{ register }}'\nvalue = 'body.value'\n\
                    [[state.registers]]\nn = [1, 2]\nprocess = 'store-{{ n }}'\nfile = '{{ n }}.jsonl'\nformat = 'jsonl'\n\
                    [model]\nkind = 'register'\n";
        let copies = [Fact::ReplicatedKeys, Fact::CopiesOfKeys, Fact::IdenticalLogs];
        let lacks = |promise: &str| {
            let text = format!("{text}{promise}");
            let target = read_text(&text, Path::new("x.toml"), 1);
            manifest(&target.unwrap_or_else(|all| panic!("{all}")), &[]).lacks(&copies)
        };
        let of_a_log = Fact::IdenticalLogs;
        assert_eq!(lacks(""), [Fact::ReplicatedKeys, of_a_log]);
        assert_eq!(lacks("replicated = { registers = 'identical' }"), [of_a_log]);
        assert_eq!(
            lacks("replicated = { log = 'none', registers = 'partitioned' }"),
            [Fact::ReplicatedKeys, of_a_log]
        );
    }

    #[test]
    fn one_get_is_a_query_and_nothing_else() {
        let text = "name = 'x'\n[processes.a]\ncommand = 'a'\n[operations.query]\nurl = 'http://127.0.0.1:1/'\n";
        assert_eq!(
            facts_of(text, &[]),
            [Fact::Queries, Fact::StatusCodes, Fact::DurableAcknowledgement, Fact::NoRestock]
        );
    }

    #[test]
    fn what_a_program_would_have_to_dump_is_shown_only_if_it_can() {
        let text = "name = 'x'\n[processes.a]\ncommand = 'a'\n[client]\ncommand = 'c'\ndeadline_ms = 700\n\
                    [[state.orders]]\nprocess = 'a'\ndump = true\n\
                    [model]\norder_no = 'sequence'\nreplicated = { orders = 'identical' }\n[stocks]\nnames = ['Tux']\n";
        let target = read_text(text, Path::new("x.toml"), 3).unwrap();
        let shown = |can: &[&str]| {
            let can: Vec<String> = can.iter().map(|&done| done.to_owned()).collect();
            let manifest = manifest(&target, &can);
            (manifest.orders_of().len(), manifest.lacks(&[Fact::OrdersOfReplicas]).is_empty())
        };
        assert_eq!(shown(&["trade", "dump"]), (1, true));
        assert_eq!(shown(&["trade"]), (0, false));
        assert_eq!(manifest(&target, &[]).deadline_ms(), Some(700));
    }

    #[test]
    fn what_operations_describe_is_read_as_they_say_and_the_rest_is_the_programs() {
        let text = "name = 'x'\n[processes.a]\ncommand = 'a'\n[client]\ncommand = 'c'\n\
                    [operations.query]\nurl = 'http://127.0.0.1:1/{{ stock }}'\n";
        let facts = facts_of(text, &["query", "trade"]);
        assert!(facts.contains(&Fact::Queries) && facts.contains(&Fact::Trades), "{facts:?}");
        assert!(!facts.contains(&Fact::Quantity), "the query captures none: {facts:?}");
        assert!(!facts.contains(&Fact::StatusCodes), "trades have none: {facts:?}");
    }

    #[test]
    fn a_programs_facts_are_what_it_can_do() {
        let text = "name = 'x'\n[processes.a]\ncommand = 'a'\n[client]\ncommand = 'c'\n\
                    [stocks]\nnames = ['s']\n[model]\nsides = ['take']\n";
        let facts = facts_of(text, &["query", "trade"]);
        assert!(
            facts.contains(&Fact::OrderNumbers) && facts.contains(&Fact::OrderedReads),
            "{facts:?}"
        );
        assert!(
            !facts.contains(&Fact::Lookups) && !facts.contains(&Fact::InitialStocks),
            "{facts:?}"
        );
    }
}
