//! One connection through a relay: two pumps, each along the path of its direction.
//!
//! Bytes, ends and breaks all travel along paths: a cut path does not even say that the other end
//! has gone. What a pump has taken and not yet given is bounded, so that a sender whose bytes
//! are held back feels it as it would in a network: its own buffers fill up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::direction::{Direction, Reset};

/// How much is taken at once: small enough that a throttled path moves smoothly.
const CHUNK_BYTES: usize = 8 * 1024;
/// How many chunks may be on their way in one direction of one connection.
const MAX_CHUNKS: usize = 64;
/// How long a connection to a live process may take: its kernel answers for it, unless the
/// process lets connections pile up.
const DIAL_WITHIN: Duration = Duration::from_secs(10);

/// The two directions of a connection, seen from the end that opened it.
#[derive(Clone, Debug)]
pub(super) struct Directions {
    pub(super) out: Arc<Direction>,
    pub(super) back: Arc<Direction>,
}

/// Carries one connection to `target`, from its acceptance to its end.
pub(super) async fn carry(mut dialler: TcpStream, target: SocketAddr, paths: &Directions) {
    // Nobody may be there any more who would notice.
    let _ = dialler.set_nodelay(true);
    paths.out.not_silent().await;
    let Ok(Ok(mut peer)) = timeout(DIAL_WITHIN, TcpStream::connect(target)).await else {
        // The process lives and does not listen, or has just died. Not for the relay to say which.
        return reset(&dialler);
    };
    let _ = peer.set_nodelay(true);
    pump_both(&mut dialler, &mut peer, paths).await;
}

/// Carries both directions, until both are at their end or one breaks.
async fn pump_both(dialler: &mut TcpStream, peer: &mut TcpStream, paths: &Directions) {
    let carried = {
        let (from_dialler, to_dialler) = dialler.split();
        let (from_peer, to_peer) = peer.split();
        tokio::try_join!(
            pump(from_dialler, to_peer, &paths.out, &paths.back),
            pump(from_peer, to_dialler, &paths.back, &paths.out)
        )
    };
    if carried == Err(Reset) {
        reset(dialler);
        reset(peer);
    }
}

/// Dropping the stream then sends a reset instead of an orderly end.
fn reset(stream: &TcpStream) {
    if let Err(error) = stream.set_zero_linger() {
        tracing::debug!(%error, "a connection ends in order instead of being reset");
    }
}

/// Bytes on their way; none means the end.
struct Chunk {
    /// When they have come as far as a delay holds them back; `None` without one. A timer that is due already would
    /// cost a millisecond, for timers count whole ones.
    due: Option<Instant>,
    bytes: Bytes,
}

/// Moves bytes along `path`; what has to be told to the sender travels along `back`.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    path: &Direction,
    back: &Direction,
) -> Result<(), Reset> {
    let (taken, to_give) = mpsc::channel(MAX_CHUNKS);
    tokio::try_join!(take(&mut from, path, taken), give(&mut to, path, back, to_give)).map(|_| ())
}

async fn take(
    from: &mut ReadHalf<'_>,
    path: &Direction,
    taken: mpsc::Sender<Chunk>,
) -> Result<(), Reset> {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        path.not_silent().await;
        let Ok(read) = from.read(&mut buffer).await else {
            path.open().await?;
            return Err(Reset);
        };
        let bytes = Bytes::copy_from_slice(&buffer[..read]);
        let due = path.delay().map(|delay| Instant::now() + delay);
        let chunk = Chunk { due, bytes };
        if taken.send(chunk).await.is_err() || read == 0 {
            return Ok(());
        }
    }
}

async fn give(
    to: &mut WriteHalf<'_>,
    path: &Direction,
    back: &Direction,
    mut to_give: mpsc::Receiver<Chunk>,
) -> Result<(), Reset> {
    while let Some(Chunk { due, bytes }) = to_give.recv().await {
        if let Some(due) = due {
            sleep_until(due).await;
        }
        path.open().await?;
        path.take_time(bytes.len()).await;
        path.open().await?;
        let given = if bytes.is_empty() { to.shutdown().await } else { to.write_all(&bytes).await };
        if given.is_err() {
            // The receiver is gone, and its reset is on its way back.
            back.open().await?;
            return Err(Reset);
        }
        if !bytes.is_empty() {
            path.carried();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
