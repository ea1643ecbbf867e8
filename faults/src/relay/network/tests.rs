//! Relays over real sockets: when a connection is refused, and what a fault of a link does.

use records::built_in;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::*;
use crate::ports;
use crate::schedule::CutMode;

const PATIENCE: Duration = Duration::from_secs(20);
const A_WHILE: Duration = Duration::from_millis(150);
fn order_1() -> ProcessName {
    built_in::order(1)
}

/// A network whose processes do not run: a front-end, and who is told a relay to it.
struct Fixture {
    /// Where the front-end listens.
    front_end: SocketAddr,
    network: Network,
    relays: Vec<Relay>,
    /// Says that the processes are dead.
    dead: watch::Sender<bool>,
    _reservation: ports::Reservation,
}

impl Fixture {
    fn new() -> Self {
        let (addresses, _reservation) = ports::choose_more(3).unwrap();
        let to = built_in::front_end();
        let relay = |(from, address): (ProcessName, &SocketAddr)| Relay {
            from,
            to,
            address: *address,
            target: addresses[0],
        };
        let from = [built_in::catalog(), order_1()];
        let relays: Vec<_> = from.into_iter().zip(&addresses[1..]).map(relay).collect();
        let network = Network::new(relays.clone(), built_in::processes(3), true);
        let dead = watch::Sender::new(false);
        Self { front_end: addresses[0], network, relays, dead, _reservation }
    }

    /// The catalog's relay to the front-end.
    fn relay(&self) -> SocketAddr {
        self.relays[0].address
    }

    async fn begin_incarnation(&self) {
        let listening = self.network.listen(built_in::front_end()).await.unwrap();
        self.dead.send_replace(false);
        self.network.serve(listening, || {
            let mut dead = self.dead.subscribe();
            async move { _ = dead.wait_for(|dead| *dead).await }
        });
    }

    async fn is_refused(&self) -> bool {
        let connected = TcpStream::connect(self.relay()).await;
        connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    }
}

/// The invariant of the relays, for every incarnation (see the header of `relay`).
#[tokio::test]
async fn a_relay_refuses_connections_only_while_its_process_is_dead() {
    let fixture = Fixture::new();
    assert!(fixture.is_refused().await, "it has never lived");
    for _ in 0..3 {
        fixture.begin_incarnation().await;
        // It lives and does not listen yet: a reset, and no refusal.
        let mut early = TcpStream::connect(fixture.relay()).await.unwrap();
        let error = timeout(PATIENCE, early.read_u8()).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);

        let listener = TcpListener::bind(fixture.front_end).await.unwrap();
        let mut dialler = TcpStream::connect(fixture.relay()).await.unwrap();
        let (mut peer, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        dialler.write_all(b"x").await.unwrap();
        assert_eq!(timeout(PATIENCE, peer.read_u8()).await.unwrap().unwrap(), b'x');

        // It has closed its listener, and still lives.
        drop(listener);
        let mut late = TcpStream::connect(fixture.relay()).await.unwrap();
        assert!(timeout(PATIENCE, late.read_u8()).await.unwrap().is_err());

        fixture.dead.send_replace(true);
        while !fixture.is_refused().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The connection from its life is not the refusal's business.
        peer.write_all(b"y").await.unwrap();
        assert_eq!(timeout(PATIENCE, dialler.read_u8()).await.unwrap().unwrap(), b'y');
    }
}

#[tokio::test]
async fn a_cut_relay_accepts_and_says_nothing() {
    let fixture = Fixture::new();
    fixture.begin_incarnation().await;
    let listener = TcpListener::bind(fixture.front_end).await.unwrap();
    for mode in [CutMode::Silent, CutMode::Reset] {
        let (from, to, both_ways) = (built_in::front_end(), built_in::catalog(), true);
        let route = Route { from: from.into(), to: to.into(), both_ways };
        fixture.network.inject(7, route, LinkFault::Cut(mode)).unwrap();
        let mut dialler = TcpStream::connect(fixture.relay()).await.unwrap();
        dialler.write_all(b"x").await.unwrap();
        let wait = if mode == CutMode::Silent { A_WHILE } else { PATIENCE };
        let read = timeout(wait, dialler.read_u8()).await;
        match (mode, read) {
            (CutMode::Silent, Err(_)) => {}
            (CutMode::Reset, Ok(Err(error))) => {
                assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
            }
            (mode, other) => panic!("{mode:?}: {other:?}"),
        }
        assert_eq!(fixture.network.faulty().len(), 1);
        assert_eq!(
            fixture.network.heal(7).map(|healed| healed.route.to_string()).as_deref(),
            Some("front-end <-> catalog")
        );
        assert!(fixture.network.heal(7).is_none());
    }
    drop(listener);
}

#[tokio::test]
async fn one_direction_is_cut_on_connections_that_either_end_opened() {
    let fixture = Fixture::new();
    fixture.begin_incarnation().await;
    let front_end = TcpListener::bind(fixture.front_end).await.unwrap();
    // order-1 asks the front-end, whose answers are lost.
    let relay = fixture.relays[1].address;
    let mut dialler = TcpStream::connect(relay).await.unwrap();
    let (mut peer, _) = timeout(PATIENCE, front_end.accept()).await.unwrap().unwrap();
    let (from, to, both_ways) = (built_in::front_end(), order_1(), false);
    let route = Route { from: from.into(), to: to.into(), both_ways };
    fixture.network.inject(1, route, LinkFault::Cut(CutMode::Silent)).unwrap();
    dialler.write_all(b"q").await.unwrap();
    assert_eq!(timeout(PATIENCE, peer.read_u8()).await.unwrap().unwrap(), b'q');
    peer.write_all(b"a").await.unwrap();
    assert!(timeout(A_WHILE, dialler.read_u8()).await.is_err());
    fixture.network.heal(1);
    assert_eq!(timeout(PATIENCE, dialler.read_u8()).await.unwrap().unwrap(), b'a');
}

#[tokio::test]
async fn a_link_of_a_target_can_be_broken_once_something_has_passed_it_and_not_where_no_relay_is() {
    let [shop, store, other] = ["shop", "store", "other"].map(|name| name.parse().unwrap());
    let (own, _reservation) = ports::choose_more(2).unwrap();
    let relay = Relay { from: shop, to: store, address: own[0], target: own[1] };
    let network = Network::new(vec![relay], built_in::processes(3), false);
    let inject = |fault, from: ProcessName, to: ProcessName| {
        let route = Route { from: from.into(), to: to.into(), both_ways: false };
        network.inject(fault, route, LinkFault::Cut(CutMode::Silent))
    };
    let error = inject(1, shop, other).unwrap_err().to_string();
    assert!(error.starts_with("no relay is on shop -> other: "), "{error}");
    let error = inject(2, shop, store).unwrap_err().to_string();
    assert_eq!(
        error,
        "nothing has passed shop -> store so far, so nobody would notice that it is broken"
    );
    assert!(network.faulty().is_empty(), "what was refused is not there");

    let listening = network.listen(store).await.unwrap();
    network.serve(listening, std::future::pending::<()>);
    let listener = TcpListener::bind(relay.target).await.unwrap();
    let mut dialler = TcpStream::connect(relay.address).await.unwrap();
    let (mut peer, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    dialler.write_all(b"x").await.unwrap();
    assert_eq!(timeout(PATIENCE, peer.read_u8()).await.unwrap().unwrap(), b'x');
    // The byte is noted once it was handed on, which may be a moment after it was read.
    while inject(3, shop, store).is_err() {
        tokio::task::yield_now().await;
    }
    let error = inject(4, store, shop).unwrap_err();
    assert!(matches!(error, ActError::UnusedLink(_)), "no answer has come back: {error}");
    dialler.write_all(b"y").await.unwrap();
    assert!(timeout(A_WHILE, peer.read_u8()).await.is_err());
    network.heal(3).unwrap();
    assert_eq!(timeout(PATIENCE, peer.read_u8()).await.unwrap().unwrap(), b'y');
}
