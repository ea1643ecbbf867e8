//! Places by hand: files, a database, answers.

use std::fs;
use std::path::Path;

use driver::service::Service;
use faults::clock::Origin;
use targets::template::Setting;

use super::*;
use crate::target::http;
use crate::target::testing::{FakeService, target};

const PROCESSES: &str = "name = 'x'\n[ports]\na = 'free'\n[processes.a]\ncommand = 'true'\n\
    [processes.b]\ncommand = 'true'\n[model]\nsides = ['take', 'add']\n";
const CSV: &str = "format = 'csv'\n\
    row = { order_no = 'col[0]', stock = 'col[1]', side = 'col[2]', quantity = 'int(col[3])' }\n";

/// The number of an order is the length of its name.
type Numbered = fn(&OrderNo) -> u64;

fn state(text: &str, folder: &Path, port: u16, orders: &[&str]) -> FinalState<Numbered> {
    let (target, asking) = target(&format!("{PROCESSES}{text}"), folder, &[("a", port)]);
    let orders = orders.iter().map(|&order| OrderNo::Text(order.to_owned())).collect();
    let stocks = ["Tux", "Fox"].map(str::to_owned).into();
    let reader = StateReader::new(target, asking, stocks, orders);
    FinalState::new(reader, "cell".to_owned(), 7, |order_no| order_no.to_string().len() as u64)
}

fn row(source: &str, kind: FinalKind) -> FinalRow {
    FinalRow::new("cell", 7, source, kind)
}

fn order(source: &str, order_no: u64, stock: &str, trade_type: TradeType) -> FinalRow {
    FinalRow {
        order_no: Some(order_no),
        stock_name: Some(stock.into()),
        trade_type: Some(trade_type),
        quantity: Some(3),
        ..row(source, FinalKind::Order)
    }
}

fn stock(source: &str, name: &str, quantity: u32, volume: Option<u64>) -> FinalRow {
    FinalRow {
        stock_name: Some(name.into()),
        quantity_after: Some(quantity),
        volume_after: volume,
        ..row(source, FinalKind::Stock)
    }
}

#[tokio::test]
async fn the_places_of_a_process_are_one_source_and_the_first_side_takes() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), "x,Tux,take,3\nxy,Fox,add,3\n").unwrap();
    let database = rusqlite::Connection::open(folder.path().join("a.db")).unwrap();
    let text =
        "CREATE TABLE s (name TEXT, n INTEGER, v INTEGER); INSERT INTO s VALUES ('Tux', 4, 9)";
    database.execute_batch(text).unwrap();
    let text = format!(
        "[[state.orders]]\nprocess = 'a'\nfile = 'a.csv'\n{CSV}[[state.orders]]\nprocess = 'b'\nread = 'stopped'\n\
         file = 'b.csv'\n{CSV}[[state.stocks]]\nprocess = 'a'\nsqlite = 'a.db'\nquery = 'SELECT * FROM s'\n\
         row = {{ stock = 'row.name', quantity = 'row.n', volume = 'row.v' }}\n"
    );
    let state = state(&text, folder.path(), 1, &[]);
    let reading = state.read().await;
    let [a] = reading.sources.as_slice() else { panic!("{reading:?}") };
    assert_eq!((a.source.as_str(), &a.problem), ("a", &None));
    let expected = [
        row("a", FinalKind::Source),
        order("a", 1, "Tux", TradeType::Buy),
        order("a", 2, "Fox", TradeType::Sell),
        stock("a", "Tux", 4, Some(9)),
    ];
    assert_eq!(a.rows, expected);

    let stopped = state.read_when(WhenRead::Stopped).await;
    let [b] = stopped.sources.as_slice() else { panic!("{stopped:?}") };
    assert!(b.rows.is_empty() && b.problem.as_ref().unwrap().contains("b.csv: "), "{b:?}");
    fs::write(folder.path().join("b.csv"), "").unwrap();
    let stopped = state.read_when(WhenRead::Stopped).await;
    assert_eq!(stopped.sources[0].rows, [row("b", FinalKind::Source)]);
}

#[tokio::test]
async fn rows_that_make_no_sense_are_counted_and_the_others_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let torn = "x,Tux,take,3\nxy,Tux,buy,3\nxyz,Tux,add,-3\nxyz,Tu";
    fs::write(folder.path().join("a.csv"), torn).unwrap();
    let text = format!("[[state.orders]]\nprocess = 'a'\nfile = 'a.csv'\n{CSV}");
    let reading = state(&text, folder.path(), 1, &[]).read().await;
    let [a] = reading.sources.as_slice() else { panic!("{reading:?}") };
    let expected = [row("a", FinalKind::Source), order("a", 1, "Tux", TradeType::Buy)];
    assert_eq!(a.rows, expected);
    let problem = a.problem.as_ref().unwrap();
    assert!(problem.starts_with("3 of its rows make no sense; line 4: "), "{problem}");
}

#[tokio::test]
async fn a_stock_that_is_there_twice_and_a_side_that_is_none_are_said_with_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), "xy,Tux,buy,3\n").unwrap();
    fs::write(folder.path().join("b.csv"), "Tux,1\nTux,2\n").unwrap();
    let text = format!(
        "[[state.orders]]\nprocess = 'a'\nfile = 'a.csv'\n{CSV}[[state.stocks]]\nprocess = 'b'\n\
         file = 'b.csv'\nformat = 'csv'\nrow = {{ stock = 'col[0]', quantity = 'int(col[1])' }}\n"
    );
    let reading = state(&text, folder.path(), 1, &[]).read().await;
    let problems = reading.sources.iter().map(|source| source.problem.as_deref().unwrap());
    let expected = [
        "1 of its rows make no sense; line 1: side: `buy` is none of take, add",
        "1 of its rows make no sense; line 2: Tux is there twice",
    ];
    assert_eq!(problems.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_source_is_asked_about_each_order_and_stock_and_an_order_that_it_does_not_know_is_none() {
    let (folder, service) = (tempfile::tempdir().unwrap(), FakeService::start().await);
    service.answer("/orders/x", 200, r#"{"stock":"Tux","side":"add","quantity":3}"#);
    service.answer("/orders/xyz", 404, "");
    service.answer("/stocks/Tux", 200, r#"{"quantity":5}"#);
    service.answer("/stocks/Fox", 200, r#"{"quantity":6}"#);
    let text = "[[state.orders]]\nprocess = 'a'\nurl = 'http://127.0.0.1:{{ port.a }}/orders/{{ order_no }}'\n\
        format = 'json'\nrow = { order_no = 'order_no' }\n[[state.stocks]]\nprocess = 'a'\n\
        url = 'http://127.0.0.1:{{ port.a }}/stocks/{{ stock }}'\nformat = 'json'\nrow = { stock = 'stock' }\n";
    let of = |orders: &[&str]| state(text, folder.path(), service.port, orders);
    let reading = of(&["x", "xyz"]).read().await;
    let [a] = reading.sources.as_slice() else { panic!("{reading:?}") };
    let expected = [
        row("a", FinalKind::Source),
        order("a", 1, "Tux", TradeType::Sell),
        stock("a", "Tux", 5, None),
        stock("a", "Fox", 6, None),
    ];
    assert_eq!((&a.rows[..], &a.problem), (&expected[..], &None));

    // If half of it cannot be read, nothing of it is known.
    let reading = of(&["x", "broken"]).read().await;
    let [a] = reading.sources.as_slice() else { panic!("{reading:?}") };
    let problem = a.problem.as_ref().unwrap();
    assert!(a.rows.is_empty() && problem.contains("/orders/broken: status 500"), "{a:?}");
    service.answer("/stocks/Fox", 500, "");
    let reading = of(&["x"]).read().await;
    assert!(reading.sources[0].rows.is_empty(), "{reading:?}");
}

/// What is held of the log of a service, read as a client reads it.
async fn log_read_by_a_client(status: u16, answer: &str) -> Reading {
    let (folder, service) = (tempfile::tempdir().unwrap(), FakeService::start().await);
    service.answer("/jobs", status, answer);
    let text = "name = 'x'\n[ports]\na = 'free'\n[processes.a]\ncommand = 'true'\n[model]\nkind = 'log'\n\
        [operations.append]\nmethod = 'POST'\nurl = 'http://127.0.0.1:{{ port.a }}/jobs'\nbody = '{{ value }}'\n\
        [operations.read]\nurl = 'http://127.0.0.1:{{ port.a }}/jobs'\nvalue = 'body'\n";
    let (target, asking) = target(text, folder.path(), &[("a", service.port)]);
    let setting = Setting::new([("a".to_owned(), service.port)].into(), "", 3, "", "");
    let front_door = Service::over_http(Arc::clone(&target), setting);
    let front_door = front_door.client(http::client().unwrap(), 0, Origin::now());
    let reader = StateReader::new(target, asking, Vec::new(), Vec::new());
    let state = FinalState::new(reader, "cell".to_owned(), 7, |_: &OrderNo| 1);
    state.through(front_door).read().await
}

#[tokio::test]
async fn a_log_that_a_client_reads_holds_what_the_answer_shows_and_no_answer_is_no_empty_log() {
    let entries = async |answer: &str| -> Vec<String> {
        let reading = log_read_by_a_client(200, answer).await;
        let [door] = reading.sources.as_slice() else { panic!("{reading:?}") };
        assert_eq!(door.problem, None);
        let values = door.rows.iter().filter_map(|row| row.keyed.as_ref()?.value.as_ref());
        values.map(ToString::to_string).collect()
    };
    assert_eq!(entries("[1, 2]").await, ["1", "2"]);
    assert_eq!(entries("null").await, [""; 0]);
    assert_eq!(entries("7").await, ["7"], "what is no list is one entry, as in any other read");
    let reading = log_read_by_a_client(500, "").await;
    let [door] = reading.sources.as_slice() else { panic!("{reading:?}") };
    assert!(door.rows.is_empty() && door.problem.is_some(), "{door:?}");
}
