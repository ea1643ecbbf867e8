//! `client`: what a client of the load does, by hand, each step with the time it took.

mod manual;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use driver::choice;
use driver::http::measuring_client;
use driver::outcome::Shown;
use faults::clock::Origin;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use targets::order_no::OrderNo;
use wire::bazaar::{Quantity, TradeRequest, TradeType};
use wire::ids::RequestId;

use self::manual::ManualClient;
use crate::cli::{Client, ClientAction};
use crate::exit::Exit;
use driver::stop::Stop;

/// Does what was asked for, as often as was asked for.
pub(super) async fn client(args: Client, stop: &Stop) -> anyhow::Result<Exit> {
    let service = driver::bazaar::service(&args.address)?;
    let service = service.with_deadline(Duration::from_millis(args.timeout_ms));
    let connection = service.client(measuring_client().build()?, 1, Origin::now());
    let mut hand = ManualClient::new(connection);
    let repeat = args.repeat;
    match args.action {
        ClientAction::Random { p, seed, stocks } => {
            ensure!((0.0..=1.0).contains(&p), "--p: is {p}, must be from 0 to 1");
            random(&mut hand, stop, repeat, p, seed, stocks).await;
        }
        ClientAction::QueryStock { stock_name } => {
            for _ in rounds(repeat, stop) {
                hand.query_stock(&stock_name).await;
            }
        }
        ClientAction::QueryOrder { order_no } => {
            let order_no = OrderNo::Number(i64::try_from(order_no).context("ORDER_NO")?);
            for _ in rounds(repeat, stop) {
                hand.query_order(&order_no).await;
            }
        }
        ClientAction::Trade { stock_name, trade_type, quantity, key } => {
            if let Some(key) = &key {
                RequestId::new(key.as_str()).context("--key")?;
            }
            let trade = TradeRequest { stock_name, trade_type, quantity };
            for _ in rounds(repeat, stop) {
                hand.trade(&trade, &key.clone().unwrap_or_else(fresh_key)).await;
            }
        }
        ClientAction::Check { stock_name } => {
            let one = Quantity::new(1)?;
            for _ in rounds(repeat, stop) {
                check(&mut hand, &stock_name, one).await;
            }
        }
    }
    Ok(hand.sum_up())
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
    stocks: Vec<String>,
) {
    let stocks = if stocks.is_empty() { default_stocks() } else { stocks };
    let mut rng = seed.map_or_else(rand::make_rng, Xoshiro256PlusPlus::seed_from_u64);
    let mut acknowledged = BTreeMap::new();
    hand.accept_refusals();
    for _ in rounds(repeat, stop) {
        let Some(name) = choice::stock(&mut rng, &stocks) else { return };
        let Some(stock) = hand.query_stock(name).await else { continue };
        let follow_up = choice::follow_up(&mut rng, p, hand.trading(), stock.quantity);
        let trade = follow_up.and_then(|trade| {
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
        if stop.is_requested() {
            return;
        }
        look_up(hand, &order_no, &trade).await;
    }
}

fn default_stocks() -> Vec<String> {
    (1..=10).map(|number| format!("Stock{number}")).collect()
}

/// Buys one and sells it again; both orders must be kept, and the stock must follow. Others may
/// trade the same stock meanwhile, so of the stock only the volume is compared: it never shrinks.
async fn check(hand: &mut ManualClient, stock_name: &str, quantity: Quantity) {
    for trade_type in [TradeType::Buy, TradeType::Sell] {
        let before = hand.query_stock(stock_name).await;
        let trade = TradeRequest { stock_name: stock_name.to_owned(), trade_type, quantity };
        let Some(order_no) = hand.trade(&trade, &fresh_key()).await else { return };
        look_up(hand, &order_no, &trade).await;
        let after = hand.query_stock(stock_name).await;
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
    let same = order.stock.as_ref() == Some(&trade.stock_name)
        && order.side == Some(trade.trade_type)
        && order.quantity == Some(trade.quantity.get());
    if !same {
        hand.differs(&format!(
            "order {order_no} must be {} {} {}",
            trade.trade_type,
            trade.quantity.get(),
            trade.stock_name
        ));
    }
}
