//! A client program that is played by the test: lines that it is sent, bytes that it says.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value as Json, json};
use targets::client::Dumped;
use targets::order_no::OrderNo;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinHandle;

use super::*;
use crate::outcome::judge;
use crate::service::{Connection, Done, Service};

const LONG: Duration = Duration::from_secs(60);

/// A life of a program, whose part the test plays.
struct Life {
    asked: UnboundedReceiver<String>,
    says: UnboundedSender<Output>,
    ended: JoinHandle<Broken>,
}

impl Life {
    async fn asked(&mut self) -> Json {
        serde_json::from_str(&self.asked.recv().await.expect("it is asked")).unwrap()
    }

    fn says(&self, line: &Json) {
        self.says.send(Output::Bytes(format!("{line}\n").into_bytes())).unwrap();
    }

    /// Says hello, as a program that can do everything.
    async fn greet(&mut self) {
        assert_eq!(self.asked().await["op"], "hello");
        self.says(&json!({"hello": 1, "can": ["query", "trade", "lookup", "prepare", "dump"]}));
    }

    /// Lets client 1 connect, which is what it is asked first.
    async fn connect(&mut self) {
        let asked = self.asked().await;
        assert_eq!((&asked["op"], &asked["client"]), (&json!("connect"), &json!(1)));
        self.says(&json!({"id": asked["id"], "outcome": "ok"}));
    }
}

fn program() -> (Program, UnboundedReceiver<ProgramEvent>) {
    let (ports, hosts, stocks) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let hello = Hello {
        ports: &ports,
        hosts: &hosts,
        variant: None,
        clients: 1,
        deadline_ms: 6000,
        seed: 1,
        stocks: &stocks,
        cap: None,
        registers: &[],
    };
    let (told, events) = unbounded_channel();
    (Program::new(1, &hello, told), events)
}

fn live(program: &Program) -> Life {
    let (lines, asked) = unbounded_channel();
    let (says, output) = unbounded_channel();
    let program = program.clone();
    let ended = tokio::spawn(async move { program.live(lines, output).await });
    Life { asked, says, ended }
}

fn connection(program: &Program, deadline: Duration) -> Connection {
    let text = "name = 'x'\n[processes.a]\ncommand = 'a'\n[client]\ncommand = 'c'\n";
    let target = targets::read_text(text, Path::new("x.toml"), 1).unwrap();
    let setting = targets::template::Setting::new(BTreeMap::new(), "", 1, "", "");
    let service = Service::over_http(Arc::new(target), setting);
    let service = service.with_programs(vec![program.clone()]);
    let http = crate::http::measuring_client().build().unwrap();
    service.with_deadline(deadline).client(http, 1, Origin::now())
}

fn query(connection: &Connection, stock: &'static str) -> JoinHandle<Done> {
    let connection = connection.clone();
    tokio::spawn(async move {
        let places = Places { stock: Some(stock), ..Places::default() };
        connection.perform(Kind::Query, places).await
    })
}

fn trade(connection: &Connection) -> JoinHandle<Done> {
    let connection = connection.clone();
    tokio::spawn(async move {
        let (stock, side, quantity) = (Some("Tux"), Some("Buy"), Some(3));
        let places = Places { stock, side, quantity, key: "k", ..Places::default() };
        connection.perform(Kind::Trade, places).await
    })
}

#[tokio::test]
async fn whatever_was_sent_to_a_life_was_begun_before_it_broke() {
    let (program, _events) = program();
    let mut life = live(&program);
    life.greet().await;
    program.ready().await;
    let begun_us = monotonic_us();
    assert!(program.send(&Request::Prepare, |_, _| ()).is_some());
    let (events, broke_us) = program.hear(|session, _| session.died("exit status: 3"));
    assert!(begun_us <= broke_us);
    let owed = events.into_iter().map(|event| match event {
        ClientEvent::Broken { unknown, .. } => unknown.len(),
        other => panic!("{other:?}"),
    });
    assert_eq!(owed.sum::<usize>(), 1);
    assert!(program.send(&Request::Prepare, |_, _| ()).is_none(), "nobody is there to be asked");
}

#[tokio::test]
async fn many_are_under_way_and_answered_in_any_order() {
    let (program, _events) = program();
    let mut life = live(&program);
    life.greet().await;
    program.ready().await;
    assert!(program.does(Kind::Trade) && !program.does(Kind::Append));
    let connection = connection(&program, LONG);
    let (opened, ()) = tokio::join!(connection.open(), life.connect());
    opened.unwrap();
    let (first, second) = (query(&connection, "a"), query(&connection, "b"));
    let (one, other) = (life.asked().await, life.asked().await);
    for asked in [&other, &one] {
        let quantity = if asked["stock"] == "a" { 1 } else { 2 };
        life.says(&json!({"id": asked["id"], "outcome": "ok", "seen": {"quantity": quantity}}));
    }
    for (done, quantity) in [(first, 1), (second, 2)] {
        let done = done.await.unwrap();
        assert_eq!((done.judged.outcome, done.status, done.is_silent), (Outcome::Ok, None, false));
        assert_eq!(done.judged.shown.and_then(|shown| shown.quantity), Some(quantity));
    }
    let traded = trade(&connection);
    let asked = life.asked().await;
    assert_eq!((&asked["side"], &asked["key"]), (&json!("Buy"), &json!("k")));
    life.says(&json!({"id": asked["id"], "outcome": "ok", "order_no": "a-1"}));
    let shown = traded.await.unwrap().judged.shown.unwrap();
    assert_eq!(shown.order_no, Some(OrderNo::Text("a-1".to_owned())));
}

#[tokio::test]
async fn a_death_makes_what_is_owed_unknown_and_the_next_life_is_connected_anew() {
    let (program, mut events) = program();
    let mut life = live(&program);
    life.greet().await;
    program.ready().await;
    let connection = connection(&program, LONG);
    let traded = trade(&connection);
    life.connect().await;
    life.asked().await;
    life.says.send(Output::Ended("signal 9".to_owned())).unwrap();
    let done = traded.await.unwrap();
    let why = "the client program: it ended: signal 9";
    assert_eq!((done.judged.outcome, done.judged.reason.as_deref()), (Outcome::Unknown, Some(why)));
    assert_eq!(life.ended.await.unwrap(), Broken::Died { how: "signal 9".to_owned() });
    let mut happened = || events.try_recv().map(|event| event.kind);
    assert_eq!(happened(), Ok(ProgramEventKind::Ready { life: 1 }));
    assert!(matches!(happened(), Ok(ProgramEventKind::Broken { owed: 1, .. })));

    let impatient = self::connection(&program, Duration::from_millis(20));
    let nobody = trade(&impatient).await.unwrap();
    assert_eq!((nobody.judged.outcome, nobody.is_silent), (Outcome::Failed, true));

    // It is asked before the next life begins, and waits for that.
    let traded = trade(&connection);
    let mut life = live(&program);
    life.greet().await;
    life.connect().await;
    let asked = life.asked().await;
    life.says(&json!({"id": asked["id"], "outcome": "rejected", "reason": "sold out"}));
    let done = traded.await.unwrap();
    let expected = (Outcome::Rejected, Some("sold out"));
    assert_eq!((done.judged.outcome, done.judged.reason.as_deref()), expected);
}

#[tokio::test]
async fn nonsense_ends_a_life_and_what_it_owes_is_unknown() {
    for nonsense in ["hello", "{\"id\": 99, \"outcome\": \"ok\"}"] {
        let (program, _events) = program();
        let mut life = live(&program);
        life.greet().await;
        program.ready().await;
        let traded = trade(&connection(&program, LONG));
        life.connect().await;
        life.asked().await;
        life.says.send(Output::Bytes(format!("{nonsense}\n").into_bytes())).unwrap();
        assert_eq!(traded.await.unwrap().judged.outcome, Outcome::Unknown, "{nonsense}");
        let why = life.ended.await.unwrap();
        assert!(matches!(why, Broken::Nonsense { .. } | Broken::UnknownId { .. }), "{why}");
    }
}

// However long the machine takes: the deadline passes once everybody waits for it.
#[tokio::test(start_paused = true)]
async fn a_late_answer_is_told_and_changes_nothing() {
    let (program, mut events) = program();
    let mut life = live(&program);
    life.greet().await;
    program.ready().await;
    let connection = connection(&program, Duration::from_millis(50));
    let (opened, ()) = tokio::join!(connection.open(), life.connect());
    opened.unwrap();
    let traded = trade(&connection);
    let asked = life.asked().await;
    let done = traded.await.unwrap();
    let expected = (Outcome::Unknown, Some("timed out"));
    assert_eq!((done.judged.outcome, done.judged.reason.as_deref()), expected);
    life.says(&json!({"id": asked["id"], "outcome": "ok", "order_no": 7}));
    let late = loop {
        if let ProgramEventKind::Late { asked, answer } = events.recv().await.unwrap().kind {
            break (asked, answer.order_no);
        }
    };
    assert_eq!(late, ("trade k".to_owned(), Some(OrderNo::Number(7))));
    assert!(!life.ended.is_finished(), "late is not twice");
}

#[tokio::test]
async fn what_the_target_needs_is_prepared_and_a_refusal_says_why() {
    let (program, _events) = program();
    let mut life = live(&program);
    life.greet().await;
    program.ready().await;
    for (outcome, reason, expected) in
        [("ok", None, Ok(true)), ("failed", Some("no table"), Err("no table".to_owned()))]
    {
        let asks = program.clone();
        let prepared = tokio::spawn(async move { asks.prepare(LONG).await });
        let asked = life.asked().await;
        assert_eq!(asked["op"], "prepare");
        life.says(&json!({"id": asked["id"], "outcome": outcome, "reason": reason}));
        assert_eq!(prepared.await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_dump_is_its_rows_until_it_ends_is_refused_or_breaks() {
    let (program, _events) = program();
    assert!(program.dump("kv-1", Dumped::Orders, LONG).is_err(), "nobody has said hello");
    let mut life = live(&program);
    life.greet().await;
    program.ready().await;
    let mut whole = program.dump("kv-1", Dumped::Orders, LONG).unwrap();
    let asked = life.asked().await;
    assert_eq!((&asked["process"], &asked["what"]), (&json!("kv-1"), &json!("orders")));
    life.says(&json!({"id": asked["id"], "rows": [1, 2]}));
    life.says(&json!({"id": asked["id"], "end": true}));
    assert_eq!(whole.next().await, Ok(Some(vec![json!(1), json!(2)])));
    assert_eq!(whole.next().await, Ok(None));

    let mut refused = program.dump("kv-2", Dumped::Stocks, LONG).unwrap();
    let asked = life.asked().await;
    life.says(&json!({"id": asked["id"], "outcome": "failed", "reason": "it is down"}));
    let why = "the client program does not dump it: it is down";
    assert_eq!(refused.next().await, Err(why.to_owned()));

    let dropped = program.dump("kv-1", Dumped::Stocks, LONG).unwrap();
    let asked = life.asked().await;
    drop(dropped);
    life.says(&json!({"id": asked["id"], "rows": []}));
    life.says(&json!({"id": asked["id"], "end": true}));

    let mut half = program.dump("kv-1", Dumped::Orders, LONG).unwrap();
    let asked = life.asked().await;
    life.says(&json!({"id": asked["id"], "rows": [3]}));
    life.says.send(Output::Ended("signal 9".to_owned())).unwrap();
    assert_eq!(half.next().await, Ok(Some(vec![json!(3)])));
    assert_eq!(half.next().await, Err("the client program: it ended: signal 9".to_owned()));
    assert_eq!(life.ended.await.unwrap(), Broken::Died { how: "signal 9".to_owned() });
}

#[tokio::test]
async fn a_hint_is_told_when_it_says_something_new() {
    let (program, mut events) = program();
    let mut life = live(&program);
    life.greet().await;
    for leader in ["a", "a", "b"] {
        life.says(&json!({"event": "leader", "process": leader}));
    }
    let mut hints = Vec::new();
    while hints.len() < 2 {
        if let ProgramEventKind::LeaderHint { process } = events.recv().await.unwrap().kind {
            hints.push(process);
        }
    }
    assert_eq!(hints, ["a", "b"]);
}

#[test]
fn an_ok_answer_has_what_the_model_needs() {
    let answer = |order_no, seen| client::Answer {
        id: 1,
        outcome: Outcome::Ok,
        order_no,
        seen,
        position: None,
        reason: None,
        times_us: None,
    };
    let text = "name = 'x'\n[processes.a]\ncommand = 'a'\n";
    let target = targets::read_text(text, Path::new("x.toml"), 1).unwrap();
    let trading = crate::trading::Trading::of(&target.model);
    let outcome = |kind, answer| judge(kind, words::shown(kind, answer), &trading).outcome;
    assert_eq!(outcome(Kind::Trade, answer(None, None)), Outcome::Unknown);
    assert_eq!(outcome(Kind::Trade, answer(Some(OrderNo::Number(1)), None)), Outcome::Ok);
    assert_eq!(outcome(Kind::Query, answer(None, None)), Outcome::Failed);
    let seen = |stock: Option<&str>, quantity| {
        let stock = stock.map(str::to_owned);
        Some(client::Seen { stock, quantity, ..client::Seen::default() })
    };
    assert_eq!(outcome(Kind::Query, answer(None, seen(None, Some(1)))), Outcome::Ok);
    assert_eq!(outcome(Kind::Lookup, answer(None, seen(None, Some(1)))), Outcome::Failed);
    assert_eq!(outcome(Kind::Lookup, answer(None, seen(Some("Tux"), Some(1)))), Outcome::Ok);
}
