//! A session with one node.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error, OptsBuilder};
use tokio::time::Instant;

use crate::member::Endpoint;

/// Who sets up and who looks into one node: what a server has from the beginning.
pub(super) const ADMINISTRATOR: &str = "root";
/// Who asks.
pub(super) const READER: &str = "reader";
/// Who trades. By this name the target knows at which node that is.
pub(super) const WRITER: &str = "writer";

/// What would otherwise be asked of each server, and of none that has no quorum.
const MAX_PACKET_BYTES: usize = 16 << 20;
const WAIT_TIMEOUT_SECONDS: usize = 28_800;

/// Connects to whoever listens there, sends `settings`, and prepares `statements`.
pub(super) async fn connect(
    at: &Endpoint,
    user: &str,
    settings: &[&str],
    statements: &[&str],
    until: Instant,
) -> Result<Conn, String> {
    let options = OptsBuilder::default()
        .ip_or_hostname(&*at.host)
        .tcp_port(at.port)
        .user(Some(user))
        .prefer_socket(false)
        .max_allowed_packet(Some(MAX_PACKET_BYTES))
        .wait_timeout(Some(WAIT_TIMEOUT_SECONDS))
        .init(settings.to_vec());
    let opened = async {
        let mut conn = Conn::new(options).await?;
        for statement in statements {
            // It is remembered by its text.
            conn.prep(*statement).await?;
        }
        Ok::<Conn, Error>(conn)
    };
    at.in_time(until, opened).await
}

/// The number of an error that a server answers with.
pub(super) fn code(error: &Error) -> Option<u16> {
    match error {
        Error::Server(error) => Some(error.code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_nobody_has_and_a_server_that_says_nothing_are_no_sessions() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let at = Endpoint { host: "127.0.0.1".to_owned(), port };
        let soon = || Instant::now() + std::time::Duration::from_millis(50);
        let silent = connect(&at, READER, &[], &[], soon()).await.map(|_| ());
        assert_eq!(silent, Err(format!("nothing came from {at} in time")));
        drop(listener);
        assert!(connect(&at, READER, &[], &[], soon()).await.is_err());
    }
}
