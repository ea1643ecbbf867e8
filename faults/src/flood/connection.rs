//! What each kind of flood does with a connection, until the other side closes it.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{MissedTickBehavior, interval};

use crate::schedule::FloodKind;

/// Between two bytes of a body, and between two looks at whether the other side has closed.
const EVERY: Duration = Duration::from_secs(1);
/// How long a body claims to be: longer than a server waits for it, at a byte a second.
const BODY_BYTES: usize = 100;
/// What the system holds of answers that are not read, the least that it takes: the other side holds the rest.
const UNREAD_BYTES: u32 = 4096;
/// Requests that are sent at once and whose answers are not read: more than fit into what both systems hold.
const PIPELINED: usize = 100;
/// How a server asks for the body that a header has announced.
const ASKED_FOR: &[u8; 12] = b"HTTP/1.1 100";

/// What a connection of a flood sends first; a body to `path`.
pub(super) fn opening(kind: FloodKind, path: &str) -> Vec<u8> {
    match kind {
        FloodKind::Idle => Vec::new(),
        FloodKind::SlowBodies => {
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                 Content-Length: {BODY_BYTES}\r\nExpect: 100-continue\r\n\r\n"
            );
            head.into_bytes()
        }
        // Every service has it, and it is long.
        FloodKind::StuckReaders => {
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(PIPELINED).into_bytes()
        }
    }
}

/// Connects.
pub(super) async fn open(kind: FloodKind, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    if kind == FloodKind::StuckReaders {
        // The window is agreed on when the connection is made.
        socket.set_recv_buffer_size(UNREAD_BYTES)?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Does with it what the flood is for, and says so by `begun`. Returns when the other side has closed it.
pub(super) async fn keep(
    kind: FloodKind,
    mut stream: TcpStream,
    opening: &[u8],
    begun: impl FnOnce(),
) {
    // Whatever goes wrong, the connection is no more.
    let _: io::Result<()> = match kind {
        FloodKind::Idle => {
            begun();
            closed(&mut stream).await
        }
        FloodKind::SlowBodies => drip(stream, opening, begun).await,
        FloodKind::StuckReaders => never_read(stream, opening, begun).await,
    };
}

/// Reads, and keeps nothing, until there is no more.
async fn closed(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut bytes = [0; 512];
    while stream.read(&mut bytes).await? > 0 {}
    Ok(())
}

/// It has begun once the body is asked for: then somebody waits for it.
async fn drip(mut stream: TcpStream, opening: &[u8], begun: impl FnOnce()) -> io::Result<()> {
    stream.write_all(opening).await?;
    let mut asked = [0; ASKED_FOR.len()];
    stream.read_exact(&mut asked).await?;
    if asked != *ASKED_FOR {
        return closed(&mut stream).await;
    }
    begun();
    let (mut reader, mut writer) = stream.split();
    let bytes = async {
        let mut every = interval(EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for _ in 1..BODY_BYTES {
            every.tick().await;
            writer.write_all(b" ").await?;
        }
        // The last byte never comes.
        std::future::pending().await
    };
    tokio::select! {
        ended = closed(&mut reader) => ended,
        failed = bytes => failed,
    }
}

async fn never_read(stream: TcpStream, opening: &[u8], begun: impl FnOnce()) -> io::Result<()> {
    let send = async {
        let mut left = opening;
        while !left.is_empty() {
            stream.writable().await?;
            match stream.try_write(left) {
                Ok(written) => left = &left[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        std::future::pending().await
    };
    let watch = async {
        // What is looked at stays where it is. Once there is something, an answer waits to be read.
        if stream.peek(&mut [0]).await? == 0 {
            return Ok(());
        }
        begun();
        let mut every = interval(EVERY);
        loop {
            every.tick().await;
            let ready = stream.ready(Interest::READABLE).await?;
            if ready.is_read_closed() || stream.peek(&mut [0]).await? == 0 {
                return Ok(());
            }
        }
    };
    tokio::select! {
        failed = send => failed,
        ended = watch => ended,
    }
}
