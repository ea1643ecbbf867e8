use records::Outcome;
use serde_json::{Value as Json, json};

use super::*;

const QUERY: Request<'_> = Request::Query { stock: "Tux", client: 2 };

/// A client that said hello, and was asked `requests` queries at 100 us.
fn session(requests: usize) -> ClientSession {
    let mut session = ClientSession::new();
    let ready = session.receive(b"{\"hello\":1,\"can\":[\"query\",\"dump\"]}\n", 50);
    assert!(matches!(ready.as_slice(), [ClientEvent::Ready { can }] if can == &["query", "dump"]));
    for _ in 0..requests {
        session.request(&QUERY, 100);
    }
    session
}

fn says(session: &mut ClientSession, line: Json) -> Vec<ClientEvent> {
    session.receive(format!("{line}\n").as_bytes(), 200)
}

fn answer(id: u64, outcome: Outcome) -> Answer {
    Answer { id, outcome, order_no: None, seen: None, position: None, reason: None, times_us: None }
}

fn broken(events: &[ClientEvent]) -> (&Broken, &[u64]) {
    match events {
        [ClientEvent::Broken { why, unknown }] => (why, unknown),
        other => panic!("{other:?}"),
    }
}

#[test]
fn lines_to_a_client_are_as_the_protocol_says() {
    let mut session = ClientSession::new();
    let ports = BTreeMap::from([("web".to_owned(), 8080)]);
    let stocks = BTreeMap::from([("Tux".to_owned(), 100)]);
    let hello = Hello {
        ports: &ports,
        hosts: &BTreeMap::new(),
        variant: Some("safe"),
        clients: 5,
        deadline_ms: 6000,
        seed: 7,
        stocks: &stocks,
        cap: None,
        registers: &[],
    };
    assert_eq!(
        session.hello(&hello),
        "{\"op\":\"hello\",\"version\":1,\"ports\":{\"web\":8080},\"hosts\":{},\"variant\":\"safe\",\"clients\":5,\
         \"deadline_ms\":6000,\"seed\":7,\"stocks\":{\"Tux\":100},\"cap\":null}\n"
    );
    let order_no = OrderNo::Text("a-1".to_owned());
    for (request, line) in [
        (Request::Prepare, json!({"id": 1, "op": "prepare"})),
        (Request::Connect { client: 2 }, json!({"id": 2, "op": "connect", "client": 2})),
        (QUERY, json!({"id": 3, "op": "query", "stock": "Tux", "client": 2})),
        (
            Request::Trade { stock: "Tux", side: "Buy", quantity: 3, key: "k", client: 2 },
            json!({"id": 4, "op": "trade", "stock": "Tux", "side": "Buy", "quantity": 3, "key": "k", "client": 2}),
        ),
        (
            Request::Lookup { order_no: &order_no, client: 2 },
            json!({"id": 5, "op": "lookup", "order_no": "a-1", "client": 2}),
        ),
        (
            Request::Dump { process: "etcd-2", what: Dumped::Orders },
            json!({"id": 6, "op": "dump", "process": "etcd-2", "what": "orders"}),
        ),
    ] {
        let (id, text) = session.request(&request, 0);
        assert_eq!(serde_json::from_str::<Json>(&text).ok(), Some(line.clone()));
        assert_eq!(json!(id), line["id"]);
        assert!(text.ends_with('\n'));
    }
}

#[test]
fn answers_come_in_any_order_and_in_any_pieces() {
    let mut session = session(2);
    let bytes = b"{\"id\":2,\"outcome\":\"rejected\",\"reason\":\"sold out\"}\n\n{\"id\":1,\"outcome\":\"ok\",\"order_no\":12}\n";
    let events: Vec<_> = bytes.iter().flat_map(|byte| session.receive(&[*byte], 200)).collect();
    let first = Answer { reason: Some("sold out".to_owned()), ..answer(2, Outcome::Rejected) };
    let second = Answer { order_no: Some(OrderNo::Number(12)), ..answer(1, Outcome::Ok) };
    assert_eq!(events, [ClientEvent::Answered(first), ClientEvent::Answered(second)]);
    assert!(!session.is_broken());
}

#[test]
fn what_was_seen_is_handed_on() {
    let mut session = session(1);
    let events =
        says(&mut session, json!({"id": 1, "outcome": "ok", "seen": {"quantity": 97}, "more": 1}));
    let seen = Seen { quantity: Some(97), ..Seen::default() };
    assert_eq!(
        events,
        [ClientEvent::Answered(Answer { seen: Some(seen), ..answer(1, Outcome::Ok) })]
    );
}

#[test]
fn a_late_answer_is_recorded_and_is_not_a_second_one() {
    let mut session = session(1);
    assert!(session.expired(1));
    assert!(!session.expired(1));
    let events = says(&mut session, json!({"id": 1, "outcome": "ok"}));
    assert_eq!(events, [ClientEvent::Late(answer(1, Outcome::Ok))]);
    let events = says(&mut session, json!({"id": 1, "outcome": "ok"}));
    assert_eq!(broken(&events), (&Broken::Twice { id: 1 }, &[][..]));
}

#[test]
fn whoever_answers_twice_owes_all_the_rest() {
    let mut session = session(3);
    says(&mut session, json!({"id": 2, "outcome": "ok"}));
    let events = says(&mut session, json!({"id": 2, "outcome": "ok"}));
    assert_eq!(broken(&events), (&Broken::Twice { id: 2 }, &[1, 3][..]));
    assert!(session.is_broken());
    assert_eq!(
        says(&mut session, json!({"id": 1, "outcome": "ok"})),
        [],
        "nothing counts after that"
    );
    assert_eq!(session.died("exit code 1"), []);
}

#[test]
fn an_id_that_was_never_sent_breaks_it() {
    for id in [0, 2, 99] {
        let mut session = session(1);
        let events = says(&mut session, json!({"id": id, "outcome": "ok"}));
        assert_eq!(broken(&events), (&Broken::UnknownId { id }, &[1][..]));
    }
}

#[test]
fn nonsense_breaks_it() {
    for line in [
        "hello",
        "{\"id\":1",
        "7",
        "{}",
        "{\"id\":1}",
        "{\"id\":-1,\"outcome\":\"ok\"}",
        "{\"id\":1,\"outcome\":\"fine\"}",
        "{\"id\":1,\"outcome\":\"ok\",\"order_no\":1.5}",
        "{\"id\":1,\"rows\":[]}",
        "{\"hello\":1}",
        "\u{0}\u{7}",
    ] {
        let mut session = session(1);
        let events = session.receive(format!("{line}\n").as_bytes(), 200);
        let (why, unknown) = broken(&events);
        assert!(matches!(why, Broken::Nonsense { .. }), "{line}: {why:?}");
        assert_eq!(unknown, [1], "{line}");
    }
}

#[test]
fn before_hello_and_with_another_version_nothing_counts() {
    for line in ["{\"id\":1,\"outcome\":\"ok\"}\n", "{\"hello\":2}\n"] {
        let mut session = ClientSession::new();
        session.request(&Request::Prepare, 0);
        assert_eq!(broken(&session.receive(line.as_bytes(), 1)).1, [1]);
    }
}

#[test]
fn a_line_without_end_breaks_it_at_the_bound_and_its_memory_is_freed() {
    let mut session = session(1);
    assert_eq!(session.receive(&vec![b' '; MAX_LINE_BYTES], 200), []);
    assert_eq!(broken(&session.receive(b" ", 200)), (&Broken::LongLine, &[1][..]));
    assert_eq!(session.receive(&vec![b' '; MAX_LINE_BYTES], 200), []);
    assert_eq!(session.partial.capacity(), 0);
}

#[test]
fn a_death_makes_what_is_owed_unknown() {
    let mut session = session(2);
    let events = session.died("signal 9");
    assert_eq!(broken(&events), (&Broken::Died { how: "signal 9".to_owned() }, &[1, 2][..]));
}

#[test]
fn who_says_no_hello_is_not_waited_for_and_nothing_that_comes_then_counts() {
    let mut session = ClientSession::new();
    assert_eq!(broken(&session.silent(10)), (&Broken::Silent { within_ms: 10 }, &[][..]));
    assert_eq!(session.receive(b"{\"hello\":1}\n", 100), []);
    assert_eq!(session.silent(10), []);
}

#[test]
fn a_dump_is_rows_until_its_end() {
    let mut session = session(0);
    session.request(&Request::Dump { process: "a", what: Dumped::Stocks }, 100);
    let line = json!({"id": 1, "rows": [{"stock": "Tux"}]});
    let bytes = line.to_string().len() as u64 + 1;
    let rows = vec![json!({"stock": "Tux"})];
    assert_eq!(says(&mut session, line), [ClientEvent::Rows { id: 1, rows, bytes }]);
    assert_eq!(says(&mut session, json!({"id": 1, "end": true})), [ClientEvent::DumpEnd { id: 1 }]);
    assert_eq!(
        broken(&says(&mut session, json!({"id": 1, "end": true}))).0,
        &Broken::Twice { id: 1 }
    );
}

#[test]
fn rows_of_a_dump_that_ran_out_of_time_are_left_alone() {
    let mut session = session(0);
    session.request(&Request::Dump { process: "a", what: Dumped::Orders }, 100);
    assert!(session.expired(1));
    assert_eq!(says(&mut session, json!({"id": 1, "rows": [1]})), []);
    assert_eq!(says(&mut session, json!({"id": 1, "end": true})), []);
    assert_eq!(
        broken(&says(&mut session, json!({"id": 1, "end": true}))).0,
        &Broken::Twice { id: 1 }
    );
}

#[test]
fn a_hint_is_handed_on_and_other_events_are_left_alone() {
    let mut session = session(0);
    let hint = ClientEvent::LeaderHint { process: "redis-2".to_owned() };
    assert_eq!(says(&mut session, json!({"event": "leader", "process": "redis-2"})), [hint]);
    assert_eq!(says(&mut session, json!({"event": "weather"})), []);
}

#[test]
fn its_times_count_only_within_ours() {
    for (start_us, end_us, counts) in
        [(100, 200, true), (150, 150, true), (99, 150, false), (150, 201, false), (160, 150, false)]
    {
        let mut session = session(1);
        let line = json!({"id": 1, "outcome": "ok", "start_us": start_us, "end_us": end_us});
        let events = says(&mut session, line);
        let times_us = counts.then_some((start_us, end_us));
        let expected = Answer { times_us, ..answer(1, Outcome::Ok) };
        assert_eq!(events, [ClientEvent::Answered(expected)]);
        assert_eq!(session.ignored_times(), u64::from(!counts));
    }
}

#[test]
fn only_so_many_late_requests_are_remembered() {
    let mut session = session(MAX_LATE + 1);
    for id in 1..=MAX_LATE as u64 + 1 {
        assert!(session.expired(id));
    }
    assert_eq!(session.late.len(), MAX_LATE);
}
