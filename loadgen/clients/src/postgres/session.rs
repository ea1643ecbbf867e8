//! A session with one server, with what is sent over it prepared.

use tokio::time::Instant;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Error, NoTls, Row, Statement};

use crate::member::Endpoint;

/// Who trades, and where: what a server has from the beginning.
const USER: &str = "postgres";

/// A session with the primary.
pub(super) struct Session {
    client: Client,
    trade: Statement,
    order_of_key: Statement,
    order: Statement,
    stock: Statement,
}

/// What is sent in a session.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sent {
    Trade,
    OrderOfKey,
    Order,
    Stock,
}

/// Connects to whoever listens there, if it is as `attributes` say.
pub(super) async fn connect(
    at: &Endpoint,
    attributes: TargetSessionAttrs,
    until: Instant,
) -> Result<Client, String> {
    let mut config = Config::new();
    config.host(&at.host).port(at.port).user(USER).dbname(USER).target_session_attrs(attributes);
    let opened = async { config.connect(NoTls).await.map_err(|error| words_of(&error)) };
    let (client, connection) = at.in_time(until, opened).await?;
    // It ends with the client, or when the server closes it; what was under way is told then.
    tokio::spawn(connection);
    Ok(client)
}

impl Session {
    /// Prepares what is sent.
    pub(super) async fn new(client: Client) -> Result<Self, Error> {
        Ok(Self {
            trade: client.prepare(include_str!("trade.sql")).await?,
            order_of_key: client.prepare("SELECT order_no FROM orders WHERE key = $1").await?,
            order: client
                .prepare("SELECT stock, side, quantity FROM orders WHERE order_no = $1")
                .await?,
            stock: client.prepare("SELECT quantity, volume FROM stocks WHERE name = $1").await?,
            client,
        })
    }

    /// The row that is answered, if there is one.
    pub(super) async fn ask(
        &self,
        sent: Sent,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, Error> {
        let statement = match sent {
            Sent::Trade => &self.trade,
            Sent::OrderOfKey => &self.order_of_key,
            Sent::Order => &self.order,
            Sent::Stock => &self.stock,
        };
        self.client.query_opt(statement, values).await
    }
}

/// Whether the server said that the statement was undone. What ends the session as well (FATAL) may come after a commit:
/// a server that is stopped while a commit waits for its standby says so, and has committed.
pub(super) fn was_undone(error: &Error) -> bool {
    error.as_db_error().is_some_and(|error| is_undone(error.parsed_severity()))
}

fn is_undone(severity: Option<Severity>) -> bool {
    severity == Some(Severity::Error)
}

/// Whether the same may have success at once in the same session: somebody else's attempt at the same was in the way.
pub(super) fn was_in_the_way(error: &Error) -> bool {
    let codes = [
        SqlState::UNIQUE_VIOLATION,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    error.code().is_some_and(|code| codes.contains(code))
}

/// An error with its causes, of which the last says most.
pub(super) fn words_of(error: &Error) -> String {
    let causes =
        std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_error_that_leaves_the_session_open_means_that_nothing_is_committed() {
        assert!(is_undone(Some(Severity::Error)));
        for severity in [Some(Severity::Fatal), Some(Severity::Panic), None] {
            assert!(!is_undone(severity));
        }
    }

    #[tokio::test]
    async fn a_port_that_nobody_has_and_a_server_that_says_nothing_are_no_sessions() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let at = Endpoint { host: "127.0.0.1".to_owned(), port };
        let soon = || Instant::now() + std::time::Duration::from_millis(50);
        let silent = connect(&at, TargetSessionAttrs::Any, soon()).await.map(|_| ());
        assert_eq!(silent, Err(format!("nothing came from {at} in time")));
        drop(listener);
        assert!(connect(&at, TargetSessionAttrs::Any, soon()).await.is_err());
    }
}
