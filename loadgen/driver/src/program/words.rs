//! A client's operations in a program's words, and its answers in ours. Pure.

use results::records::Outcome;
use targets::client::{self, Request};
use targets::operation::{self, Captures, Kind, Places};

/// The request of an operation; none for one that programs are not asked for.
pub(super) fn request<'a>(kind: Kind, places: &Places<'a>) -> Option<Request<'a>> {
    let &Places { client, key, .. } = places;
    Some(match kind {
        Kind::Query => Request::Query { stock: places.stock?, client },
        Kind::Trade => Request::Trade {
            stock: places.stock?,
            side: places.side?,
            quantity: u64::try_from(places.quantity?).ok()?,
            key,
            client,
        },
        Kind::Lookup => Request::Lookup { order_no: places.order_no?, client },
        Kind::Read => {
            Request::Read { register: places.register?, position: places.position, client }
        }
        Kind::Write => {
            Request::Write { register: places.register?, value: places.value?, key, client }
        }
        Kind::CompareAndSet => Request::CompareAndSet {
            register: places.register?,
            expected: places.expected?,
            value: places.value?,
            key,
            client,
        },
        Kind::Append => {
            Request::Append { register: places.register?, value: places.value?, key, client }
        }
        Kind::List => return None,
    })
}

/// What was asked, so that whoever reads it finds the operation.
pub(super) fn in_words(request: &Request<'_>) -> String {
    match request {
        Request::Prepare => "prepare".to_owned(),
        Request::Connect { client } => format!("the connection of client {client}"),
        Request::Query { stock, client } => format!("a query of {stock} by client {client}"),
        Request::Trade { key, .. } => format!("trade {key}"),
        Request::Lookup { order_no, client } => {
            format!("a lookup of order {order_no} by client {client}")
        }
        Request::Read { register, client, .. } => {
            format!("a read of {register} by client {client}")
        }
        Request::Write { key, .. } => format!("write {key}"),
        Request::CompareAndSet { key, .. } => format!("compare-and-set {key}"),
        Request::Append { key, .. } => format!("append {key}"),
        Request::Dump { process, .. } => format!("a dump of {process}"),
    }
}

/// A program's answer as that of an operation. What the model needs of an ok answer must be in it.
pub(super) fn shown(kind: Kind, answer: client::Answer) -> operation::Answer {
    let client::Answer { outcome, order_no, seen, position, reason, .. } = answer;
    if outcome != Outcome::Ok {
        let reason = reason.unwrap_or_else(|| "the client program gives no reason".to_owned());
        return operation::Answer::not_ok(outcome, reason);
    }
    let client::Seen { stock, side, quantity, volume, price, value } = seen.unwrap_or_default();
    let missing = match kind {
        Kind::Query if quantity.is_none() => Some("seen.quantity"),
        Kind::Trade if order_no.is_none() => Some("order_no"),
        Kind::Lookup if stock.is_none() => Some("seen.stock"),
        Kind::Lookup if quantity.is_none() => Some("seen.quantity"),
        Kind::Read if value.is_none() => Some("seen.value"),
        _ => None,
    };
    if let Some(missing) = missing {
        let reason = format!("the client program's answer is ok and has no {missing}");
        return operation::Answer::not_ok(Outcome::Unknown, reason);
    }
    let names = None;
    operation::Answer::ok(Captures {
        order_no,
        stock,
        side,
        quantity,
        volume,
        price,
        names,
        value,
        position,
    })
}
