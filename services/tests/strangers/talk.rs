//! A client that sends what it is told to, byte for byte.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A generous bound on anything awaited; reached only when a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The token of the services under test.
pub(crate) const TOKEN: &str = "open-sesame";
/// It, as a header's line.
pub(crate) const WITH_TOKEN: &str = "x-double-trouble-secret: open-sesame\r\n";

pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it did not happen")
}

pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    within(TcpStream::connect(address)).await.unwrap()
}

/// Sends bytes on a connection of its own and reads until the other side has no more to say.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = connect(address).await;
    // The other side may close before it has read everything; what it said still counts.
    let _ = within(stream.write_all(bytes)).await;
    rest(&mut stream).await
}

/// What is still said until the connection is closed, by its end or by a reset.
pub(crate) async fn rest(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let _ = within(stream.read_to_end(&mut said)).await;
    String::from_utf8_lossy(&said).into_owned()
}

/// A request with the host that an own client names, and these lines of headers.
pub(crate) fn request(line: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\n{headers}\
         Content-Length: {length}\r\n\r\n{body}"
    );
    head.into_bytes()
}

/// The status of an answer.
pub(crate) fn status(answer: &str) -> u16 {
    let status = answer.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    status.and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

/// The body of an answer.
pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}")).1
}

/// Sends a request on a connection of its own.
pub(crate) async fn ask(address: SocketAddr, line: &str, headers: &str, body: &str) -> String {
    exchange(address, &request(line, headers, body)).await
}
