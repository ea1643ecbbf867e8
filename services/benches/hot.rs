//! What the pure parts cost that every request passes through: `cargo bench -p services`.
//!
//! A change in them is lost in the noise of sockets and disks, and shows here. Nobody runs these by themselves; clippy
//! compiles them.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use services::catalog::ledger::{Ledger, Trade};
use services::front_end::cache::Cache;
use services::order::log::{OrderLog, Plan};
use services::planted::Bugs;
use wire::bazaar::{CatalogTrade, Quantity, TradeType};
use wire::ids::{AppliedSeq, BazaarId, Epoch, OrderNo, ReplicaId, RequestId, StockVersion};
use wire::internal::{Append, Entry, LogPoint, StockRecord};

/// As many stocks as a bazaar has by itself.
const STOCKS: u64 = 10;
/// What a log holds before something is appended: enough that its table does not fit a cache.
const HELD: u64 = 100_000;
/// What one message brings under load.
const FRESH: u64 = 10;

fn stock_name(number: u64) -> String {
    format!("Stock{}", number % STOCKS + 1)
}

fn request_id(number: u64) -> RequestId {
    let id = RequestId::new(format!("{number:08x}-0000-4000-8000-000000000000"));
    id.expect("36 visible ASCII characters")
}

fn entry(number: u64) -> Entry {
    Entry {
        order_no: OrderNo(number),
        epoch: Epoch(1),
        request_id: request_id(number),
        stock_name: stock_name(number).as_str().into(),
        trade_type: TradeType::Buy,
        quantity: 1,
    }
}

fn cache_hit(c: &mut Criterion) {
    let mut cache = Cache::new(true);
    for number in 0..STOCKS {
        cache.fill(&stock_name(number), StockVersion(1), Arc::<[u8]>::from([0; 80]));
    }
    c.bench_function("cache: a hit", |b| b.iter(|| black_box(cache.lookup(black_box("Stock7")))));
}

fn cache_push(c: &mut Criterion) {
    let mut cache = Cache::<Arc<[u8]>>::new(true);
    let mut version = 0;
    c.bench_function("cache: a push and a fill", |b| {
        b.iter(|| {
            version += 1;
            cache.invalidate("Stock7", StockVersion(version));
            cache.fill("Stock7", StockVersion(version), Arc::from([0; 80]))
        });
    });
}

fn log_append(c: &mut Criterion) {
    let log = OrderLog::from_entries((1..=HELD).map(entry), OrderNo(HELD));
    let mut log = log.expect("numbered from 1 and up");
    let message = Append {
        epoch: Epoch(1),
        leader: ReplicaId(1),
        bazaar: BazaarId::new("bazaar").expect("a name"),
        takeover_end: OrderNo(0),
        previous: LogPoint { order_no: OrderNo(HELD), epoch: Epoch(1) },
        entries: (HELD + 1..=HELD + FRESH).map(|number| Arc::new(entry(number))).collect(),
        committed: OrderNo(HELD),
    };
    c.bench_function("order log: a message of ten orders", |b| {
        b.iter(|| {
            let plan = log.plan(&message, OrderNo(HELD), Bugs::default());
            let Ok(Plan::Change { keep, entries, .. }) = plan else {
                panic!("the message follows the log");
            };
            log.apply(keep, entries);
            // Back to where the message fits.
            log.apply(OrderNo(HELD), Vec::new());
        });
    });
}

fn ledger_decide(c: &mut Criterion) {
    let stocks = (0..STOCKS).map(|number| StockRecord {
        stock_name: stock_name(number),
        price: 9.99,
        quantity: 1_000_000,
        trade_volume: 0,
        version: StockVersion(0),
        cap: 2_000_000,
    });
    let mut ledger = Ledger::new(Epoch(1), AppliedSeq(0), stocks);
    let mut number = 0;
    let mut trade = || {
        number += 1;
        let trade_type = if number % 2 == 0 { TradeType::Buy } else { TradeType::Sell };
        let quantity = Quantity::new(1).expect("1 is a quantity");
        let body = CatalogTrade { stock_name: stock_name(number), trade_type, quantity };
        Trade { request_id: request_id(number), epoch: Some(Epoch(1)), body }
    };
    c.bench_function("ledger: a trade", |b| {
        b.iter_batched(&mut trade, |trade| ledger.decide(&trade, None), BatchSize::SmallInput);
    });
}

criterion_group!(hot, cache_hit, cache_push, log_append, ledger_decide);
criterion_main!(hot);
