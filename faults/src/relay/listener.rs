//! Where a relay listens, for one incarnation of the process behind it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::connection::{Directions, carry};

/// How many connections one relay carries. Beyond them connections wait in the kernel's queue,
/// and are not refused. A cut keeps every connection that was opened during it; pings and
/// retries open some tens a second.
const MAX_CONNECTIONS: usize = 1024;
/// How many connections wait to be accepted.
const BACKLOG: u32 = 1024;
/// After a failed accept (no file descriptor is left, usually).
const ACCEPT_BACKOFF: Duration = Duration::from_millis(10);
/// How long a port may stay in use after its listener was closed: a process that was forked
/// just then holds a copy until it runs its own program.
const FREE_WITHIN: Duration = Duration::from_secs(2);
/// How often the port is tried meanwhile.
const BIND_POLL: Duration = Duration::from_millis(5);

/// Where a relay listens, where it leads, and along which paths.
#[derive(Clone, Debug)]
pub(super) struct RelayListener {
    pub(super) address: SocketAddr,
    pub(super) target: SocketAddr,
    pub(super) paths: Directions,
}

impl RelayListener {
    /// Begins to listen. From now on connections wait, until [`serve`](Self::serve) takes them or
    /// the listener is dropped.
    pub(super) async fn listen(&self) -> io::Result<TcpListener> {
        let deadline = Instant::now() + FREE_WITHIN;
        loop {
            match self.bind() {
                Err(error)
                    if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline =>
                {
                    sleep(BIND_POLL).await;
                }
                bound => return bound,
            }
        }
    }

    fn bind(&self) -> io::Result<TcpListener> {
        let socket = match self.address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        socket.set_reuseaddr(true)?;
        socket.bind(self.address)?;
        socket.listen(BACKLOG)
    }

    /// Carries connections until `death`, the end of the process behind the relay, completes;
    /// then refuses new ones. Connections that are open see for themselves that it is gone.
    pub(super) async fn serve(self, listener: TcpListener, death: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        tokio::pin!(death);
        loop {
            let accepted = async {
                // Nobody closes the semaphore.
                let place = Arc::clone(&places).acquire_owned().await;
                (listener.accept().await, place)
            };
            tokio::select! {
                () = &mut death => break,
                (accepted, place) = accepted => match accepted {
                    Ok((stream, _)) => {
                        let (target, paths) = (self.target, self.paths.clone());
                        connections.spawn(async move {
                            carry(stream, target, &paths).await;
                            drop(place);
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a relay cannot accept; trying again");
                        sleep(ACCEPT_BACKOFF).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
        drop(listener);
        // What the dead process sent still arrives, as far as the paths let it.
        while connections.join_next().await.is_some() {}
    }
}
