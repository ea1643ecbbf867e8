//! Real sockets on both sides of a connection, and paths that get worse.

use std::io;
use std::num::NonZeroU64;

use tokio::net::TcpListener;

use super::*;
use crate::schedule::{CutMode, LinkFault};

/// Far beyond what anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough for bytes that are not held back to arrive.
const A_WHILE: Duration = Duration::from_millis(150);

/// A carried connection: the end that opened it, and the end that was reached.
struct Carried {
    dialler: TcpStream,
    peer: TcpStream,
    paths: Directions,
}

fn paths() -> Directions {
    Directions { out: Arc::default(), back: Arc::default() }
}

/// Opens a connection to a relay that leads to `target`.
async fn dial(target: SocketAddr, paths: &Directions) -> TcpStream {
    let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = relay.local_addr().unwrap();
    let (dialler, accepted) = tokio::join!(TcpStream::connect(address), relay.accept());
    let (accepted, paths) = (accepted.unwrap().0, paths.clone());
    tokio::spawn(async move { carry(accepted, target, &paths).await });
    dialler.unwrap()
}

async fn carried() -> Carried {
    let paths = paths();
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dialler = dial(target.local_addr().unwrap(), &paths).await;
    let (peer, _) = target.accept().await.unwrap();
    Carried { dialler, peer, paths }
}

async fn receive(stream: &mut TcpStream, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    timeout(PATIENCE, stream.read_exact(&mut bytes)).await.expect("in vain").map(|_| bytes)
}

async fn assert_silent(stream: &mut TcpStream) {
    assert!(timeout(A_WHILE, stream.read_u8()).await.is_err(), "something arrived");
}

async fn assert_reset(stream: &mut TcpStream) {
    let error = receive(stream, 1).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
}

fn cut(path: &Direction, mode: CutMode) {
    path.inject(1, LinkFault::Cut(mode));
}

/// A connection of its own within this machine: both ends.
async fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let opening = TcpStream::connect(listener.local_addr().unwrap());
    let (opened, accepted) = tokio::join!(opening, listener.accept());
    (opened.unwrap(), accepted.unwrap().0)
}

/// It would take a timer's millisecond each way, and a trade crosses a dozen links. The runtime has no timers
/// here: the first one panics.
#[test]
fn what_nothing_holds_back_waits_for_no_timer() {
    let without_timers = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    without_timers.block_on(async {
        let (mut dialler, mut dialled) = connected().await;
        let (mut target, mut peer) = connected().await;
        let paths = paths();
        let exchanges = async {
            for _ in 0..3 {
                dialler.write_u8(1).await.unwrap();
                assert_eq!(peer.read_u8().await.unwrap(), 1);
                peer.write_u8(2).await.unwrap();
                assert_eq!(dialler.read_u8().await.unwrap(), 2);
            }
            drop((dialler, peer));
        };
        tokio::join!(pump_both(&mut dialled, &mut target, &paths), exchanges);
    });
}

#[tokio::test]
async fn what_is_sent_arrives_and_so_does_the_end() {
    let Carried { mut dialler, mut peer, .. } = carried().await;
    let sent: Vec<u8> = (0..1_000_000).map(|n: u32| n.to_le_bytes()[0]).collect();
    let sending = sent.clone();
    let sender = tokio::spawn(async move {
        dialler.write_all(&sending).await.unwrap();
        dialler.shutdown().await.unwrap();
        dialler
    });
    assert_eq!(receive(&mut peer, sent.len()).await.unwrap(), sent);
    assert_eq!(peer.read(&mut [0]).await.unwrap(), 0, "the end has arrived");
    peer.write_all(b"bye").await.unwrap();
    drop(peer);
    let mut dialler = sender.await.unwrap();
    assert_eq!(receive(&mut dialler, 3).await.unwrap(), b"bye");
    assert_eq!(dialler.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_silent_cut_holds_back_one_direction_until_it_is_healed() {
    let Carried { mut dialler, mut peer, paths } = carried().await;
    cut(&paths.out, CutMode::Silent);
    dialler.write_all(b"request").await.unwrap();
    peer.write_all(b"answer").await.unwrap();
    assert_eq!(receive(&mut dialler, 6).await.unwrap(), b"answer");
    assert_silent(&mut peer).await;
    paths.out.heal(1);
    assert_eq!(receive(&mut peer, 7).await.unwrap(), b"request");
}

#[tokio::test]
async fn a_silent_cut_hides_even_that_the_other_end_has_gone() {
    let Carried { dialler, mut peer, paths } = carried().await;
    cut(&paths.out, CutMode::Silent);
    drop(dialler);
    assert_silent(&mut peer).await;
    paths.out.heal(1);
    assert_eq!(timeout(PATIENCE, peer.read(&mut [0])).await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn a_connection_over_a_silent_cut_is_accepted_and_reaches_nobody() {
    let paths = paths();
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    cut(&paths.out, CutMode::Silent);
    let mut dialler = dial(target.local_addr().unwrap(), &paths).await;
    dialler.write_all(b"request").await.unwrap();
    assert!(timeout(A_WHILE, target.accept()).await.is_err());
    paths.out.heal(1);
    let (mut peer, _) = timeout(PATIENCE, target.accept()).await.unwrap().unwrap();
    assert_eq!(receive(&mut peer, 7).await.unwrap(), b"request");
}

#[tokio::test]
async fn a_cut_that_resets_breaks_the_connection_when_something_is_to_pass() {
    let Carried { mut dialler, mut peer, paths } = carried().await;
    cut(&paths.back, CutMode::Reset);
    dialler.write_all(b"request").await.unwrap();
    assert_eq!(receive(&mut peer, 7).await.unwrap(), b"request");
    peer.write_all(b"answer").await.unwrap();
    assert_reset(&mut dialler).await;
    assert_reset(&mut peer).await;
}

#[tokio::test]
async fn delayed_bytes_arrive_later_and_in_order() {
    let Carried { mut dialler, mut peer, paths } = carried().await;
    let delay = Duration::from_millis(200);
    paths.out.inject(1, LinkFault::Delay(delay));
    let begun = Instant::now();
    dialler.write_all(b"one ").await.unwrap();
    assert_eq!(receive(&mut peer, 4).await.unwrap(), b"one ");
    assert!(begun.elapsed() >= delay, "{:?}", begun.elapsed());
    dialler.write_all(b"two ").await.unwrap();
    paths.out.heal(1);
    dialler.write_all(b"three").await.unwrap();
    assert_eq!(receive(&mut peer, 9).await.unwrap(), b"two three");
}

#[tokio::test]
async fn a_delay_does_not_slow_the_other_direction() {
    let Carried { mut dialler, mut peer, paths } = carried().await;
    paths.out.inject(1, LinkFault::Delay(Duration::from_secs(3600)));
    dialler.write_all(b"never").await.unwrap();
    peer.write_all(b"at once").await.unwrap();
    assert_eq!(receive(&mut dialler, 7).await.unwrap(), b"at once");
}

#[tokio::test]
async fn all_connections_of_a_throttled_path_share_its_rate() {
    let paths = paths();
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rate = NonZeroU64::new(40_000).unwrap();
    paths.out.inject(1, LinkFault::Throttle(rate));
    let begun = Instant::now();
    let mut transfers = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let mut dialler = dial(target.local_addr().unwrap(), &paths).await;
        let (mut peer, _) = target.accept().await.unwrap();
        transfers.spawn(async move {
            dialler.write_all(&[7; 8_000]).await.unwrap();
            assert_eq!(receive(&mut peer, 8_000).await.unwrap(), [7; 8_000]);
        });
    }
    transfers.join_all().await;
    assert!(begun.elapsed() >= Duration::from_millis(390), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_throttle_that_is_healed_lets_everything_go() {
    let Carried { mut dialler, mut peer, paths } = carried().await;
    paths.out.inject(1, LinkFault::Throttle(NonZeroU64::MIN));
    dialler.write_all(b"a year's worth of bytes").await.unwrap();
    assert_silent(&mut peer).await;
    paths.out.heal(1);
    assert_eq!(receive(&mut peer, 23).await.unwrap(), b"a year's worth of bytes");
}

#[tokio::test]
async fn an_end_by_reset_is_passed_on_as_one() {
    let Carried { mut dialler, peer, .. } = carried().await;
    peer.set_zero_linger().unwrap();
    drop(peer);
    assert_reset(&mut dialler).await;
}
