use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::*;

fn connections(newcomers: usize, clients: usize, peers: usize) -> Arc<Connections> {
    let limits = Limits { newcomers, clients, peers, ..Limits::default() };
    Connections::new(limits, Bugs::default())
}

fn is_gone(connection: &Connection) -> bool {
    connection.state.waiting.load(Ordering::Relaxed) == GONE
}

fn accept(all: &Arc<Connections>) -> Connection {
    try_accept(all).expect("a socket may be opened")
}

/// `None` if somebody is still waited for.
fn try_accept(all: &Arc<Connections>) -> Option<Connection> {
    match poll(pin!(all.accept())) {
        Poll::Ready(connection) => Some(connection),
        Poll::Pending => None,
    }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Accepts one more than there may be newcomers, of which none has sent anything but those named.
fn accept_beside(all: &Arc<Connections>, newcomers: &[Connection], sent: &[usize]) -> Connection {
    let mut accepting = pin!(all.accept());
    for _ in 0..=newcomers.len() {
        if let Poll::Ready(connection) = poll(accepting.as_mut()) {
            return connection;
        }
        for (index, newcomer) in newcomers.iter().enumerate() {
            let _ = poll(pin!(newcomer.told(|| sent.contains(&index))));
        }
    }
    panic!("nobody goes");
}

/// A client that has had its answer, in the place-th microsecond.
fn idle_since(all: &Arc<Connections>, since: u64) -> Connection {
    let client = accept(all);
    assert!(client.is_admitted(false));
    client.state.waiting.store(since, Ordering::Relaxed);
    client
}

#[test]
fn of_too_many_newcomers_the_first_one_goes() {
    let all = connections(2, 1, 1);
    let mut newcomers = vec![accept(&all), accept(&all)];
    for _ in 0..2 {
        newcomers.push(accept_beside(&all, &newcomers, &[]));
    }
    let gone: Vec<_> = newcomers.iter().map(is_gone).collect();
    assert_eq!(gone, [true, true, false, false]);
    assert!(!newcomers[0].is_admitted(true), "what it sends now comes too late");
    assert!(newcomers[0].begin().is_err());
}

#[test]
fn a_newcomer_that_has_sent_something_stays_and_the_next_one_goes() {
    let all = connections(3, 1, 1);
    let newcomers = [accept(&all), accept(&all), accept(&all)];
    let fourth = accept_beside(&all, &newcomers, &[0, 1]);
    assert_eq!(newcomers.each_ref().map(is_gone), [false, false, true]);
    assert!(!is_gone(&fourth));
}

#[test]
fn nobody_goes_if_somebody_is_read_first() {
    let all = connections(1, 1, 1);
    let first = accept(&all);
    let mut accepting = pin!(all.accept());
    assert!(poll(accepting.as_mut()).is_pending());
    assert!(first.is_admitted(false));
    assert!(poll(pin!(first.told(|| false))).is_pending(), "it was asked as a newcomer");
    assert!(poll(accepting.as_mut()).is_ready());
    assert!(!is_gone(&first));
}

#[test]
fn a_socket_is_counted_until_it_is_closed() {
    let all = connections(1, 1, 1);
    let mut newcomers = vec![accept(&all)];
    for _ in 0..2 {
        newcomers.push(accept_beside(&all, &newcomers, &[]));
    }
    let mut accepting = pin!(all.accept());
    for _ in 0..3 {
        assert!(poll(accepting.as_mut()).is_pending(), "all are still open");
        newcomers.iter().for_each(|newcomer| _ = poll(pin!(newcomer.told(|| false))));
    }
    assert!(newcomers.iter().all(is_gone));
    newcomers.remove(0);
    assert!(poll(accepting.as_mut()).is_ready());
}

#[test]
fn of_too_many_clients_the_one_goes_that_has_kept_us_waiting_longest() {
    let all = connections(8, 3, 1);
    let clients = [idle_since(&all, 7), idle_since(&all, 3), idle_since(&all, 9)];
    let fourth = accept(&all);
    assert!(fourth.is_admitted(false));
    assert_eq!(clients.each_ref().map(is_gone), [false, true, false]);
    assert!(!is_gone(&fourth));
}

#[test]
fn a_client_whose_request_is_worked_on_keeps_its_place() {
    let all = connections(8, 2, 1);
    let clients = [idle_since(&all, 3), idle_since(&all, 7)];
    for client in &clients {
        client.begin().unwrap();
    }
    let third = accept(&all);
    assert!(!third.is_admitted(false), "nobody can be spared");
    clients[1].end();
    assert!(third.is_admitted(false));
    assert_eq!(clients.each_ref().map(is_gone), [false, true]);
}

#[test]
fn a_peer_takes_no_clients_place() {
    let all = connections(8, 1, 1);
    let client = accept(&all);
    assert!(client.is_admitted(false));
    client.begin().unwrap();
    let peer = accept(&all);
    assert!(peer.is_admitted(true));
    assert!(peer.is_admitted(false), "it stays a peer, whatever it sends next");
    assert!(!accept(&all).is_admitted(false), "and leaves no client's place");
}

#[test]
fn a_connection_that_has_ended_is_not_counted() {
    let all = connections(1, 1, 1);
    for _ in 0..3 {
        let client = accept(&all);
        assert!(client.is_admitted(false));
        client.begin().unwrap();
    }
    assert!(all.kinds().open.iter().all(BTreeMap::is_empty));
}

#[test]
fn who_dawdles_over_a_header_goes_and_nobody_else() {
    let limits = Limits { header_time: Duration::from_micros(10), ..Limits::default() };
    let all = Connections::new(limits, Bugs::default());
    let idle = idle_since(&all, 1);
    let [busy, sending, taking] = [1, 1, 1].map(|since| Arc::new(idle_since(&all, since)));
    let turn = Turn::begin(&busy).unwrap();
    let heard = Heard::of(&sending);
    taking.set_blocked(true);
    let silent = accept(&all);
    silent.state.waiting.store(1, Ordering::Relaxed);
    let fresh = idle_since(&all, GONE - 1);
    std::thread::sleep(limits.header_time * 2);
    all.evict_dawdlers();
    assert!(is_gone(&idle) && is_gone(&silent));
    assert_eq!(poll(pin!(idle.told(|| true))), Poll::Ready(Told::Gone));
    assert!(![&*busy, &sending, &taking, &fresh].into_iter().any(is_gone));
    drop((turn, heard));
    taking.set_blocked(false);
    std::thread::sleep(limits.header_time * 2);
    all.evict_dawdlers();
    assert!([&*busy, &sending, &taking].into_iter().all(is_gone));
}

#[test]
fn the_server_ends_once_every_connection_has() {
    let all = connections(2, 2, 2);
    let client = idle_since(&all, 1);
    let mut closing = pin!(all.close());
    assert!(poll(closing.as_mut()).is_pending());
    assert_eq!(poll(pin!(client.told(|| false))), Poll::Ready(Told::Closing));
    drop(client);
    assert!(poll(closing.as_mut()).is_ready());
}

#[test]
fn without_descriptors_newcomers_are_spared_first() {
    let all = connections(8, 8, 8);
    let client = idle_since(&all, 1);
    let newcomer = accept(&all);
    all.spare_one();
    assert!(is_gone(&newcomer) && !is_gone(&client));
    all.spare_one();
    assert!(is_gone(&client));
    all.spare_one();
}
