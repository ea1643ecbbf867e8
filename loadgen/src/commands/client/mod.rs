//! `client`: what a client of the load does, by hand, each step with the time it took.

mod keys;
mod manual;
mod reach;

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use driver::choice;
use driver::http::measuring_client;
use driver::outcome::Shown;
use driver::service::Service;
use faults::clock::Origin;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use targets::operation::Kind;
use targets::order_no::OrderNo;
use wire::bazaar::{Quantity, TradeRequest, TradeType};
use wire::ids::RequestId;

use self::keys::value_of;
use self::manual::ManualClient;
use crate::cli::{Client, ClientAction};
use crate::exit::Exit;
use driver::stop::Stop;

/// Does what was asked for, as often as was asked for.
pub(super) async fn client(args: Client, stop: &Stop) -> anyhow::Result<Exit> {
    let reached = reach::service(&args).await?;
    let exit = by_hand(args, &reached.service, stop).await;
    reached.end(stop).await?;
    exit
}

async fn by_hand(args: Client, service: &Service, stop: &Stop) -> anyhow::Result<Exit> {
    let connection = service.client(measuring_client().build()?, 1, Origin::now());
    let mut hand = ManualClient::new(connection);
    let repeat = args.repeat;
    match args.action {
        ClientAction::Random { p, seed, stocks } => {
            ensure!((0.0..=1.0).contains(&p), "--p: is {p}, must be from 0 to 1");
            if hand.has_keys() {
                let keys = if stocks.is_empty() { service.keys().to_vec() } else { stocks };
                keys::random(&mut hand, stop, repeat, p, seed, &keys).await;
                return Ok(hand.sum_up());
            }
            let stocks = if stocks.is_empty() { hand.stocks().await? } else { stocks };
            random(&mut hand, stop, repeat, p, seed, &stocks).await;
        }
        ClientAction::QueryStock { stock_name } => {
            needs(service, Kind::Query)?;
            for _ in rounds(repeat, stop) {
                hand.query_stock(&stock_name).await;
            }
        }
        ClientAction::QueryOrder { order_no } => {
            needs(service, Kind::Lookup)?;
            let order_no = order_no_of(&order_no);
            for _ in rounds(repeat, stop) {
                hand.query_order(&order_no).await;
            }
        }
        ClientAction::Trade { stock_name, side, quantity, key } => {
            needs(service, Kind::Trade)?;
            if let Some(key) = &key {
                RequestId::new(key.as_str()).context("--key")?;
            }
            let trade_type = side_of(service, &side)?;
            let trade = TradeRequest { stock_name, trade_type, quantity };
            for _ in rounds(repeat, stop) {
                hand.trade(&trade, &key.clone().unwrap_or_else(fresh_key)).await;
            }
        }
        ClientAction::Read { key, position } => {
            needs(service, Kind::Read)?;
            for _ in rounds(repeat, stop) {
                hand.read(&key, position).await;
            }
        }
        ClientAction::Write { register, value, expected } => {
            let kind = if expected.is_some() { Kind::CompareAndSet } else { Kind::Write };
            needs(service, kind)?;
            let (value, expected) = (value_of(&value), expected.as_deref().map(value_of));
            for _ in rounds(repeat, stop) {
                hand.put(kind, &register, &value, expected.as_ref()).await;
            }
        }
        ClientAction::Append { log, value } => {
            needs(service, Kind::Append)?;
            let value = value_of(&value);
            for _ in rounds(repeat, stop) {
                hand.put(Kind::Append, &log, &value, None).await;
            }
        }
        ClientAction::Check { name } if hand.has_keys() => {
            for _ in rounds(repeat, stop) {
                keys::check(&mut hand, name.as_deref()).await?;
            }
        }
        ClientAction::Check { name } => {
            needs(service, Kind::Trade)?;
            let stock_name = match name {
                Some(name) => name,
                None => hand
                    .stocks()
                    .await?
                    .into_iter()
                    .next()
                    .context("NAME: is missing, and the target's file names no stocks")?,
            };
            let least = Quantity::new(u64::from(service.trading().quantities().0.max(1)))?;
            for _ in rounds(repeat, stop) {
                check(&mut hand, &stock_name, least).await;
            }
        }
    }
    Ok(hand.sum_up())
}

/// Refuses what the target's file does not describe.
fn needs(service: &Service, kind: Kind) -> anyhow::Result<()> {
    let name = kind.name();
    let there_are = || {
        let all = Kind::ALL.into_iter().filter(|kind| service.does(*kind)).map(Kind::name);
        all.collect::<Vec<_>>().join(", ")
    };
    ensure!(
        service.does(kind),
        "[operations.{name}]: the target's file has none, and no client program does it, so there is no {name}; there \
         is {}",
        there_are()
    );
    Ok(())
}

/// The side that was typed.
fn side_of(service: &Service, typed: &str) -> anyhow::Result<TradeType> {
    let trading = service.trading();
    let side = trading.side_in_any_case(typed);
    side.with_context(|| format!("SIDE: is {typed:?}, must be {}", trading.names()))
}

/// The order that was typed: a number, if it is written as numbers are.
fn order_no_of(typed: &str) -> OrderNo {
    match typed.parse::<i64>() {
        Ok(number) if number.to_string() == typed => OrderNo::Number(number),
        _ => OrderNo::Text(typed.to_owned()),
    }
}

/// Counts to `repeat`, or until somebody asks for the end.
fn rounds(repeat: u32, stop: &Stop) -> impl Iterator<Item = u32> + '_ {
    (0..repeat).take_while(|_| !stop.is_requested())
}

/// A key that nobody has used.
fn fresh_key() -> String {
    uuid::Uuid::new_v4().to_string()
}

async fn random(
    hand: &mut ManualClient,
    stop: &Stop,
    repeat: u32,
    p: f64,
    seed: Option<u64>,
    stocks: &[String],
) {
    let (queries, trades, looks_up) =
        (hand.does(Kind::Query), hand.does(Kind::Trade), hand.does(Kind::Lookup));
    let mut rng = seed.map_or_else(rand::make_rng, Xoshiro256PlusPlus::seed_from_u64);
    let mut acknowledged = BTreeMap::new();
    hand.accept_refusals();
    for _ in rounds(repeat, stop) {
        let Some(name) = choice::stock(&mut rng, stocks) else { return };
        let mut quantity = None;
        if queries {
            let Some(stock) = hand.query_stock(name).await else { continue };
            quantity = stock.quantity;
        }
        let follow_up = choice::follow_up(&mut rng, p, hand.trading(), quantity);
        let trade = follow_up.filter(|_| trades).and_then(|trade| {
            let (stock_name, trade_type) = (name.to_owned(), trade.side);
            let quantity = Quantity::new(u64::from(trade.quantity)).ok()?;
            Some(TradeRequest { stock_name, trade_type, quantity })
        });
        if let Some(trade) = trade
            && let Some(order_no) = hand.trade(&trade, &fresh_key()).await
        {
            acknowledged.insert(order_no, trade);
        }
    }
    for (order_no, trade) in acknowledged {
        if stop.is_requested() || !looks_up {
            return;
        }
        look_up(hand, &order_no, &trade).await;
    }
}

/// Buys the least and sells it again, as far as there is such a trade; both orders must be kept, and the stock must follow. Others may
/// trade the same stock meanwhile, so of the stock only the volume is compared: it never shrinks.
async fn check(hand: &mut ManualClient, stock_name: &str, quantity: Quantity) {
    let (queries, looks_up) = (hand.does(Kind::Query), hand.does(Kind::Lookup));
    let sides: &[TradeType] =
        if hand.trading().adds() { &[TradeType::Buy, TradeType::Sell] } else { &[TradeType::Buy] };
    for &trade_type in sides {
        let before = if queries { hand.query_stock(stock_name).await } else { None };
        let trade = TradeRequest { stock_name: stock_name.to_owned(), trade_type, quantity };
        let Some(order_no) = hand.trade(&trade, &fresh_key()).await else { return };
        if looks_up {
            look_up(hand, &order_no, &trade).await;
        }
        let after = if queries { hand.query_stock(stock_name).await } else { None };
        let volume = |shown: Option<Shown>| shown.and_then(|stock| stock.volume);
        if let (Some(before), Some(after)) = (volume(before), volume(after))
            && after < before + u64::from(quantity.get())
        {
            hand.differs(&format!(
                "{stock_name} shows volume {after} after the trade, must be at least {}",
                before + u64::from(quantity.get())
            ));
        }
    }
}

async fn look_up(hand: &mut ManualClient, order_no: &OrderNo, trade: &TradeRequest) {
    let Some(order) = hand.query_order(order_no).await else { return };
    // What the target's file does not capture is not compared.
    let same = order.stock.as_ref().is_none_or(|stock| *stock == trade.stock_name)
        && order.side.is_none_or(|side| side == trade.trade_type)
        && order.quantity.is_none_or(|quantity| quantity == trade.quantity.get());
    if !same {
        let side = hand.trading().name(trade.trade_type).to_owned();
        let (quantity, stock) = (trade.quantity.get(), &trade.stock_name);
        hand.differs(&format!("order {order_no} must be {side} {quantity} {stock}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_number_only_if_it_is_written_as_one() {
        for number in ["0", "7", "-1"] {
            assert_eq!(order_no_of(number), OrderNo::Number(number.parse().unwrap()));
        }
        for text in ["007", "+7", "7a", "1764417600.25", "99999999999999999999"] {
            assert_eq!(order_no_of(text), OrderNo::Text(text.to_owned()));
        }
    }
}
