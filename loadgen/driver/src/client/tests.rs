//! Clients against services that answer as little as a target may.

use std::collections::BTreeMap;
use std::path::Path;

use faults::clock::Origin;
use targets::template::Setting;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use wire::bazaar::TradeType;

use super::*;
use crate::http::measuring_client;

#[test]
fn a_client_that_is_refused_rests_a_moment_and_one_that_is_answered_does_not() {
    for turn in [Turn::First, Turn::Later] {
        let rest = rest_after(turn, Some(503), false);
        assert!(rest.is_some_and(|rest| rest > REST_AFTER_SILENCE), "{rest:?}");
        assert!(rest.is_some_and(|rest| rest <= Duration::from_millis(50)), "{rest:?}");
        for status in [200, 404, 500] {
            assert_eq!(rest_after(turn, Some(status), false), None, "{turn:?} {status}");
        }
        assert_eq!(rest_after(turn, None, false), None, "of a program's answer there is no status");
    }
    assert_eq!(rest_after(Turn::First, None, true), Some(REST_AFTER_SILENCE));
    assert_eq!(rest_after(Turn::Later, None, true), None);
}

/// What a service answers to a request line: a status and a body; with status 0 nothing, ever.
type Answers = fn(&str) -> (u16, String);

/// A service on a port of its own; it lives as long as the test's runtime.
async fn served(answers: Answers) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(answer_each(socket, answers));
        }
    });
    port
}

async fn answer_each(socket: TcpStream, answers: Answers) {
    let mut socket = BufReader::new(socket);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if socket.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            if first.is_empty() {
                first = line.trim().to_owned();
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        socket.read_exact(&mut body).await.unwrap();
        let asked = format!("{first} {}", String::from_utf8(body).unwrap());
        let (status, said) = answers(&asked);
        if status == 0 {
            std::future::pending::<()>().await;
        }
        let text = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{said}", said.len());
        socket.write_all(text.as_bytes()).await.unwrap();
    }
}

struct Load {
    client: Client,
    records: UnboundedReceiver<Record>,
    names: Arc<OrderNames>,
}

/// A client of the target that `file` describes, which is served on `port`, that does so many iterations.
async fn load(file: &str, port: u16, p: f64, iterations: u64) -> Load {
    let text = format!("name = 'x'\n[ports]\nweb = 1\n[processes.a]\ncommand = 'a'\n{file}");
    let target =
        targets::read_text(&text, Path::new("x.toml"), 1).unwrap_or_else(|e| panic!("{e}"));
    let ports = BTreeMap::from([("web".to_owned(), port)]);
    let service = Service::over_http(Arc::new(target), Setting::new(ports, "", 1, "", ""));
    let control = Arc::new(Control::new(Origin::now(), Some(iterations)));
    control.open_gate(0);
    let http = measuring_client().build().unwrap();
    let connection = service.client(http, 1, control.origin());
    connection.open().await.unwrap();
    let stocks = connection.stocks().await.unwrap();
    let (records, receiver) = unbounded_channel();
    let names = Arc::new(OrderNames::default());
    let setting = TrialSettings {
        next_value: Arc::new(AtomicU64::new(1)),
        cell: "c".to_owned(),
        trial: 1,
        p,
        peek: 0.0,
        seed: 1,
        stocks,
        service,
        order_names: Arc::clone(&names),
        control,
        turns: None,
        records,
    };
    Load { client: Client::new(Arc::new(setting), connection), records: receiver, names }
}

impl Load {
    /// Runs it to its end, lookups included.
    async fn run(mut self) -> (Vec<Observation>, Arc<OrderNames>) {
        while self.client.run_iteration().await {}
        self.client.look_up_all().await;
        self.records.close();
        let mut rows = Vec::new();
        while let Some(record) = self.records.recv().await {
            if let Record::Observation(row) = record {
                rows.push(*row);
            }
        }
        (rows, self.names)
    }
}

fn count(rows: &[Observation], op: Op) -> usize {
    rows.iter().filter(|row| row.op == op).count()
}

#[tokio::test]
async fn where_orders_cannot_be_looked_up_nobody_does() {
    let port = served(|asked| match asked.starts_with("GET") {
        true => (200, r#"{"n": 5}"#.to_owned()),
        false => (200, r#"{"no": 7}"#.to_owned()),
    });
    let file = "[operations.query]\nurl = \"http://127.0.0.1:{{ port.web }}/{{ stock }}\"\nquantity = 'body.n'\n\
                [operations.trade]\nmethod = 'POST'\nurl = \"http://127.0.0.1:{{ port.web }}/\"\n\
                body = '{{ side }} {{ quantity }}'\noutcome.rejected = 'false'\norder_no = 'body.no'\n\
                [stocks]\nnames = ['Tux']\n[model]\nsides = ['take', 'put']\nquantities = [2, 3]\n";
    let (rows, _) = load(file, port.await, 1.0, 20).await.run().await;
    assert_eq!((count(&rows, Op::Query), count(&rows, Op::Trade), rows.len()), (20, 20, 40));
    for row in &rows {
        assert_eq!((row.outcome, row.status), (Outcome::Ok, Some(200)), "{row:?}");
        assert_eq!(row.stock_name.as_deref(), Some("Tux"));
        match row.op {
            Op::Query => assert_eq!((row.seen_quantity, row.seen_volume), (Some(5), None)),
            _ => {
                assert_eq!(row.order_no, Some(7));
                assert!(row.quantity.is_some_and(|quantity| (2..=3).contains(&quantity)));
            }
        }
    }
    let sides: Vec<_> = rows.iter().filter_map(|row| row.trade_type).collect();
    assert!(sides.contains(&TradeType::Buy) && sides.contains(&TradeType::Sell), "{sides:?}");
}

#[tokio::test]
async fn without_queries_every_iteration_is_a_trade_of_any_stock() {
    let port = served(|asked| match asked.starts_with("GET /stocks") {
        true => (200, r#"["a", "b"]"#.to_owned()),
        false => (200, String::new()),
    });
    let file = "[operations.list]\nurl = \"http://127.0.0.1:{{ port.web }}/stocks\"\nnames = 'body'\n\
                [operations.trade]\nmethod = 'POST'\nurl = \"http://127.0.0.1:{{ port.web }}/{{ stock }}\"\n\
                outcome.rejected = 'false'\n[stocks]\nfrom = 'list'\n[model]\nsides = ['order']\n";
    let (rows, _) = load(file, port.await, 0.0, 40).await.run().await;
    assert_eq!((count(&rows, Op::Trade), rows.len()), (40, 40), "whatever p is");
    let of = |name| rows.iter().filter(|row| row.stock_name.as_deref() == Some(name)).count();
    assert!(of("a") > 0 && of("b") > 0 && of("a") + of("b") == 40);
    assert!(
        rows.iter().all(|row| row.trade_type == Some(TradeType::Buy) && row.order_no.is_none())
    );
}

#[tokio::test]
async fn without_trades_there_are_queries_alone_and_no_stock_is_needed() {
    let port = served(|_| (200, String::new()));
    let file = "[operations.query]\nurl = \"http://127.0.0.1:{{ port.web }}/\"\n";
    let (rows, _) = load(file, port.await, 1.0, 5).await.run().await;
    assert_eq!((count(&rows, Op::Query), rows.len()), (5, 5));
    assert!(rows.iter().all(|row| row.stock_name.is_none() && row.outcome == Outcome::Ok));
}

#[tokio::test]
async fn one_side_that_is_sold_out_ends_in_rejections_and_not_in_a_run_without_trades() {
    let port = served(|asked| match asked.starts_with("GET") {
        true => (200, r#"{"n": 0}"#.to_owned()),
        false => (409, r#"{"message": "sold out"}"#.to_owned()),
    });
    let file = "[operations.query]\nurl = \"http://127.0.0.1:{{ port.web }}/{{ stock }}\"\nquantity = 'body.n'\n\
                [operations.trade]\nmethod = 'POST'\nurl = \"http://127.0.0.1:{{ port.web }}/\"\n\
                outcome.rejected = \"status == 409 && body.message == 'sold out'\"\n\
                [stocks]\nnames = ['Tux']\n[model]\nsides = ['order']\n";
    let (rows, _) = load(file, port.await, 1.0, 10).await.run().await;
    let trades: Vec<_> = rows.iter().filter(|row| row.op == Op::Trade).collect();
    assert_eq!(trades.len(), 10);
    for trade in trades {
        assert_eq!((trade.outcome, trade.trade_type), (Outcome::Rejected, Some(TradeType::Buy)));
        assert_eq!(trade.reason.as_deref(), Some("sold out"));
    }
}

#[tokio::test]
async fn orders_that_are_called_by_texts_are_looked_up_by_them_and_numbered_in_rows() {
    let port = served(|asked| match asked.split(' ').nth(1) {
        Some("/orders/x-7") => (200, r#"{"stock": "Tux", "n": 1}"#.to_owned()),
        Some("/orders") => (200, r#"{"no": "x-7"}"#.to_owned()),
        other => panic!("{other:?}"),
    });
    let file = "[operations.trade]\nmethod = 'POST'\nurl = \"http://127.0.0.1:{{ port.web }}/orders\"\n\
                outcome.rejected = 'false'\norder_no = 'body.no'\n\
                [operations.lookup]\nurl = \"http://127.0.0.1:{{ port.web }}/orders/{{ order_no }}\"\n\
                stock = 'body.stock'\nquantity = 'body.n'\n[stocks]\nnames = ['Tux']\n[model]\nsides = ['order']\n";
    let (rows, names) = load(file, port.await, 0.5, 2).await.run().await;
    let seen: Vec<_> = rows.iter().map(|row| (row.op, row.order_no, row.outcome)).collect();
    let (trade, lookup) = (Op::Trade, Op::Lookup);
    let all = [trade, trade, lookup, lookup].map(|op| (op, Some(1), Outcome::Ok));
    assert_eq!(seen, all);
    assert_eq!(names.name(1), Some(OrderNo::Text("x-7".to_owned())));
    let lookup = &rows[2];
    assert_eq!((lookup.stock_name.as_deref(), lookup.quantity), (Some("Tux"), Some(1)));
    assert_eq!((lookup.trade_type, lookup.phase), (None, Phase::Lookup));
    assert_eq!(lookup.request_id, rows[0].request_id);
}

#[tokio::test]
async fn a_read_that_is_not_understood_has_failed_and_a_trade_is_unknown() {
    let port = served(|_| (500, "<html>".to_owned()));
    let query = "[operations.query]\nurl = \"http://127.0.0.1:{{ port.web }}/\"\n";
    let trade = "[operations.trade]\nurl = \"http://127.0.0.1:{{ port.web }}/\"\noutcome.rejected = 'false'\n";
    let port = port.await;
    for (file, outcome) in [(query, Outcome::Failed), (trade, Outcome::Unknown)] {
        let (rows, _) = load(file, port, 1.0, 1).await.run().await;
        assert_eq!((rows.len(), rows[0].outcome), (1, outcome));
        assert_eq!(rows[0].reason.as_deref(), Some("status 500: <html>"));
    }
}

#[tokio::test]
async fn a_target_without_queries_and_trades_gives_its_clients_nothing_to_do() {
    let (rows, _) = load("", 1, 1.0, 5).await.run().await;
    assert_eq!(rows, []);
}

/// A service that takes orders, of which its answer to a lookup is `looked_up`.
const ORDERS: &str = "[operations.trade]
method = 'POST'
url = 'http://127.0.0.1:{{ port.web }}/orders'
outcome.rejected = 'status == 409'
order_no = 'text'
[operations.lookup]
url = 'http://127.0.0.1:{{ port.web }}/orders/{{ order_no }}'
deadline_ms = 20
[model]
order_no = 'unique'
";

#[tokio::test]
async fn a_service_that_hangs_is_asked_for_a_few_orders_and_one_that_answers_wrongly_for_all() {
    fn taken(asked: &str, looked_up: u16) -> (u16, String) {
        let status = if asked.starts_with("POST") { 200 } else { looked_up };
        (status, "x-7".to_owned())
    }
    let hangs: Answers = |asked| taken(asked, 0);
    let answers_wrongly: Answers = |asked| taken(asked, 500);
    for (answers, asked) in [(hangs, 3), (answers_wrongly, 8)] {
        let port = served(answers).await;
        let (rows, _) = load(ORDERS, port, 1.0, 8).await.run().await;
        assert_eq!((count(&rows, Op::Trade), count(&rows, Op::Lookup)), (8, asked));
    }
}

/// A key-value service at three keys, where 3 is everywhere.
const REGISTERS: &str = "[operations.read]
url = 'http://127.0.0.1:{{ port.web }}/{{ register }}'
value = 'body.value'
[operations.write]
method = 'PUT'
url = 'http://127.0.0.1:{{ port.web }}/{{ register }}'
body = '{{ value | tojson }}'
[operations.compare-and-set]
method = 'PUT'
url = 'http://127.0.0.1:{{ port.web }}/{{ register }}'
body = '{{ value | tojson }} for {{ expected | tojson }}'
[model]
kind = 'register'
keys = 3
";

#[tokio::test]
async fn of_registers_p_is_the_share_of_changes_and_no_value_is_written_twice() {
    let port = served(|_| (200, r#"{"value": 3}"#.to_owned())).await;
    for (p, changes) in [(0.0, 0..=0), (0.5, 70..=130), (1.0, 200..=200)] {
        let (rows, _) = load(REGISTERS, port, p, 200).await.run().await;
        assert_eq!(rows.len(), 200, "one operation an iteration");
        let changed: Vec<_> = rows.iter().filter(|row| row.op.changes()).collect();
        assert!(changes.contains(&changed.len()), "{} with p = {p}", changed.len());
        let values: Vec<u64> =
            changed.iter().map(|row| row.value().unwrap().parse().unwrap()).collect();
        assert!(values.is_sorted_by(|one, next| one < next), "{values:?}");
        let keys: std::collections::BTreeSet<_> = rows.iter().filter_map(|row| row.key()).collect();
        assert_eq!(keys.into_iter().collect::<Vec<_>>(), ["k1", "k2", "k3"]);
        for row in rows.iter().filter(|row| row.op == Op::Read) {
            assert_eq!((row.value(), row.outcome), (Some("3"), Outcome::Ok));
        }
        let expecting = |row: &&Observation| row.keyed.as_ref().unwrap().expected.is_some();
        assert_eq!(count(&rows, Op::CompareAndSet), rows.iter().filter(expecting).count());
        assert_eq!(count(&rows, Op::CompareAndSet) > 0, p > 0.0);
    }
}

#[tokio::test]
async fn a_compare_and_set_expects_what_the_client_saw_last() {
    let port = served(|asked| match asked.starts_with("GET") {
        true => (200, r#"{"value": 3}"#.to_owned()),
        false => (409, String::new()),
    });
    let file = REGISTERS
        .replace("[operations.write]", "[operations.write]\noutcome.rejected = 'status == 409'");
    let (rows, _) = load(&file, port.await, 0.5, 100).await.run().await;
    let sets: Vec<_> = rows.iter().filter(|row| row.op == Op::CompareAndSet).collect();
    assert!(!sets.is_empty());
    for set in sets {
        assert_eq!(set.keyed.as_ref().unwrap().expected.as_deref(), Some("3"), "{set:?}");
        assert_eq!(set.outcome, Outcome::Rejected);
    }
}

#[tokio::test]
async fn a_log_is_appended_to_and_read_from_shortly_before_where_it_is_known_to_end() {
    let port = served(|asked| match asked.starts_with("GET") {
        true => (200, r#"{"entries": []}"#.to_owned()),
        false => (200, r#"{"at": 41}"#.to_owned()),
    });
    let file = "[operations.append]\nmethod = 'POST'\nurl = \"http://127.0.0.1:{{ port.web }}/\"\n\
                body = '{{ value | tojson }}'\nposition = 'body.at'\n\
                [operations.read]\nurl = \"http://127.0.0.1:{{ port.web }}/{{ position }}\"\nvalue = 'body.entries'\n\
                [model]\nkind = 'log'\n";
    let (rows, _) = load(file, port.await, 0.5, 100).await.run().await;
    let (appends, reads): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.op == Op::Append);
    assert!(appends.len() > 30 && reads.len() > 30);
    let position = |row: &Observation| row.keyed.as_ref().unwrap().position;
    assert!(appends.iter().all(|row| position(row) == Some(41) && row.key() == Some("log1")));
    assert!(reads.iter().all(|row| row.value() == Some("[]") && position(row) <= Some(42)));
    assert!(reads.iter().any(|row| position(row) > Some(20)), "it has learnt where the log ends");
}
