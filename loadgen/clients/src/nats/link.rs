//! One connection to one server, which is never opened again behind anybody's back.
//!
//! The library would connect to another server by itself and send there what it still has: a request would neither fail nor
//! be answered meanwhile. Here a connection that is lost says so to everybody who waits, and is given up with all that it has.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::{
    Client, ConnectOptions, Event, HeaderMap, Message, Request, RequestErrorKind, Subscriber,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::member::Endpoint;

/// When the library would try to connect again: after everybody has given the connection up.
const NEVER: Duration = Duration::from_secs(60);

/// A connection to one server.
pub(super) struct Link {
    client: Client,
    lost: watch::Receiver<bool>,
    at: Endpoint,
}

/// Why there is no answer.
#[derive(Debug, PartialEq)]
pub(super) enum Problem {
    /// Nobody got what was sent, if anything was.
    Refused(String),
    /// Something was sent, and nothing came.
    Silent(String),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(why) | Self::Silent(why) => out.write_str(why),
        }
    }
}

impl Link {
    /// Connects to the server there, which has greeted when this ends.
    pub(super) async fn open(at: &Endpoint, until: Instant) -> Result<Self, String> {
        let (tell, lost) = watch::channel(false);
        let is_new = AtomicBool::new(true);
        let options = ConnectOptions::new()
            .ignore_discovered_servers()
            .max_reconnects(1)
            .reconnect_delay_callback(move |_| match is_new.swap(false, Ordering::Relaxed) {
                true => Duration::ZERO,
                false => NEVER,
            })
            .event_callback(move |event| {
                if matches!(event, Event::Disconnected | Event::Closed) {
                    tell.send_replace(true);
                }
                async {}
            });
        let client = at.in_time(until, options.connect(format!("nats://{at}"))).await?;
        Ok(Self { client, lost, at: at.clone() })
    }

    /// The one answer to what is sent.
    pub(super) async fn ask(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Vec<u8>,
        until: Instant,
    ) -> Result<Message, Problem> {
        if *self.lost.borrow() {
            return Err(Problem::Refused(format!("the connection to {} was lost before", self.at)));
        }
        let mut request = Request::new().payload(payload.into()).timeout(None);
        if !headers.is_empty() {
            request = request.headers(headers);
        }
        let what = subject.clone();
        let mut lost = self.lost.clone();
        tokio::select! {
            answer = self.client.send_request(subject, request) => answer.map_err(|error| match error.kind() {
                // The server knows of nobody who would take it, so nobody has.
                RequestErrorKind::NoResponders => Problem::Refused(format!("nobody answers for {what}")),
                _ => Problem::Silent(format!("{}: {error}", self.at)),
            }),
            _ = lost.wait_for(|lost| *lost) => {
                Err(Problem::Silent(format!("the connection to {} was lost", self.at)))
            }
            () = sleep_until(until) => {
                Err(Problem::Silent(format!("nothing came for {what} over {} in time", self.at)))
            }
        }
    }

    /// Sends something to which many answers come.
    pub(super) async fn ask_for_many(
        &self,
        subject: String,
        payload: Vec<u8>,
    ) -> anyhow::Result<Subscriber> {
        let inbox = self.client.new_inbox();
        let answers = self.client.subscribe(inbox.clone()).await?;
        self.client.publish_with_reply(subject, inbox, payload.into()).await?;
        self.client.flush().await?;
        Ok(answers)
    }

    /// The name of the server.
    pub(super) fn server(&self) -> String {
        self.client.server_info().server_name
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    const INFO: &str = "INFO {\"server_id\":\"S\",\"server_name\":\"nats-1\",\"version\":\"2.9.10\",\"go\":\"go\",\"host\":\"127.0.0.1\",\
        \"port\":4222,\"headers\":true,\"max_payload\":1048576,\"proto\":1,\"client_id\":1,\"nonce\":\"\"}\r\n";

    /// A server that greets, and closes the connection once something is published.
    async fn serve_until_published(listener: TcpListener) {
        let (mut stream, _) = listener.accept().await.expect("it connects");
        stream.write_all(INFO.as_bytes()).await.expect("it reads");
        let (read, mut write) = stream.split();
        let mut lines = BufReader::new(read).lines();
        while let Some(line) = lines.next_line().await.expect("lines") {
            if line.starts_with("PING") {
                write.write_all(b"PONG\r\n").await.expect("it reads");
            }
            if line.starts_with("PUB") || line.starts_with("HPUB") {
                return;
            }
        }
    }

    #[tokio::test]
    async fn a_connection_that_is_lost_is_silence_at_once_and_refusal_later() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let at = Endpoint { host: "127.0.0.1".to_owned(), port };
        let until = Instant::now() + Duration::from_secs(30);
        let served = tokio::spawn(serve_until_published(listener));
        let link = Link::open(&at, until).await.expect("it greets");
        assert_eq!(link.server(), "nats-1");
        let answer = link.ask("orders.Tux".to_owned(), HeaderMap::new(), Vec::new(), until).await;
        assert!(matches!(answer, Err(Problem::Silent(_))), "{answer:?}");
        assert!(Instant::now() < until, "nobody waited for its time to pass");
        let answer = link.ask("orders.Tux".to_owned(), HeaderMap::new(), Vec::new(), until).await;
        assert!(matches!(answer, Err(Problem::Refused(_))), "{answer:?}");
        served.await.expect("it does not panic");
        assert!(Link::open(&at, until).await.is_err(), "nobody listens any more");
    }
}
