//! A connection's bytes, with a bound on how long its other side may not take them (rule S4).
//!
//! A peer that pipelines and never reads makes every write wait. The time counts from when it first
//! takes no more until it has taken everything that there was to write, so one that takes a byte now
//! and then gains nothing. While it lasts, no further request of that connection is looked at.
//!
//! What the system holds of answers is bounded, too, at less than one segment of the loopback device, whose other side then acknowledges each only
//! after 40 ms, in which it expects the next. Strangers ask for nothing that is that long. A peer does, page by page; so the first
//! answer that its connection takes no more of makes its bound larger. *Otherwise: a page of 10,000 orders takes 0.5 s instead of 10 ms.*

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use nix::sys::socket::{setsockopt, sockopt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::connections::Connection;
use super::limits::Limits;

/// See the module.
#[derive(Debug)]
pub(super) struct Stream {
    tcp: TcpStream,
    limits: Limits,
    /// Whether the system holds as much of answers as it may for a peer.
    holds_more: bool,
    /// Runs while the other side takes no more.
    deadline: Option<Pin<Box<Sleep>>>,
    connection: Arc<Connection>,
}

impl Stream {
    pub(super) fn new(tcp: TcpStream, limits: Limits, connection: Arc<Connection>) -> Self {
        Self { tcp, limits, holds_more: false, deadline: None, connection }
    }

    /// What writing comes to if the other side takes no more.
    fn blocked<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        self.connection.set_blocked(true);
        if !self.holds_more && self.connection.is_peer() {
            self.holds_more = true;
            // The system says that there is room again if this makes some.
            let bytes = self.limits.unread_bytes_of_peers;
            if let Err(error) = setsockopt(&self.tcp, sockopt::SndBuf, &bytes) {
                tracing::warn!(%error, "long answers take longer than they should");
            }
        }
        let time = self.limits.write_time;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(time)));
        deadline.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Pin::new(&mut this.tcp).poll_write(context, bytes) {
            Poll::Pending => this.blocked(context),
            ready => ready,
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Pin::new(&mut this.tcp).poll_write_vectored(context, bytes) {
            Poll::Pending => this.blocked(context),
            ready => ready,
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    /// Is called once everything has been written: TCP itself has nothing to flush.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.deadline.take().is_some() {
            this.connection.set_blocked(false);
        }
        Pin::new(&mut this.tcp).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;
    use std::time::Duration;

    use nix::sys::socket::getsockopt;
    use tokio::net::TcpListener;

    use super::super::connections::Connections;
    use super::*;
    use crate::planted::Bugs;

    const FOREVER: Duration = Duration::from_secs(3600);

    /// What the system has taken of a long answer that nobody reads, once it takes no more; and what it may hold before and after.
    async fn taken_unread(has_token: bool) -> (usize, usize, usize) {
        let limits = Limits { write_time: FOREVER, ..Limits::default() };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        setsockopt(&listener, sockopt::SndBuf, &limits.unread_bytes).unwrap();
        let reader = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (tcp, _) = listener.accept().await.unwrap();
        let connection = Arc::new(Connections::new(limits, Bugs::default()).accept().await);
        assert!(connection.is_admitted(has_token));
        let mut stream = Stream::new(tcp, limits, connection);
        let held = |stream: &Stream| getsockopt(&stream.tcp, sockopt::SndBuf).unwrap();
        let before = held(&stream);
        let (answer, mut taken) = (vec![0; 64 * 1024], 0);
        let mut context = Context::from_waker(Waker::noop());
        // A peer's answer goes on: the system says that there is room again.
        for _ in 0..if has_token { 2 } else { 1 } {
            stream.tcp.writable().await.unwrap();
            while let Poll::Ready(written) = Pin::new(&mut stream).poll_write(&mut context, &answer)
            {
                taken += written.unwrap();
            }
        }
        let after = held(&stream);
        drop(reader);
        (taken, before, after)
    }

    #[tokio::test]
    async fn of_a_long_answer_to_a_peer_the_system_takes_more_than_of_a_strangers() {
        let (of_stranger, before, after) = taken_unread(false).await;
        assert_eq!(before, after);
        let (of_peer, before, after) = taken_unread(true).await;
        assert!(after >= 4 * before, "{before} {after}");
        assert!(of_peer > of_stranger, "{of_peer} {of_stranger}");
    }
}
