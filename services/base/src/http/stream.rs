//! A connection's bytes, with a bound on how long its other side may not take them (rule S4).
//!
//! A peer that pipelines and never reads makes every write wait. The time counts from when it first
//! takes no more until it has taken everything that there was to write, so one that takes a byte now
//! and then gains nothing. While it lasts, no further request of that connection is looked at.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::connections::Connection;

/// See the module.
#[derive(Debug)]
pub(super) struct Stream {
    tcp: TcpStream,
    write_time: Duration,
    /// Runs while the other side takes no more.
    deadline: Option<Pin<Box<Sleep>>>,
    connection: Arc<Connection>,
}

impl Stream {
    pub(super) fn new(tcp: TcpStream, write_time: Duration, connection: Arc<Connection>) -> Self {
        Self { tcp, write_time, deadline: None, connection }
    }

    /// What writing comes to if the other side takes no more.
    fn blocked<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        self.connection.set_blocked(true);
        let time = self.write_time;
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
