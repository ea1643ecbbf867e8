//! What a harness and the program that sends for it on another host tell each other: a line of JSON each.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request, Url};
use serde::{Deserialize, Serialize};

use crate::http::Reply;

/// The version of these messages. Both are the same build, so another one is a mistake.
pub(super) const VERSION: u32 = 1;
/// The longest line, in bytes: an answer of 64 KiB with headers of 16 KiB, in base64, with room to spare.
pub(super) const MAX_LINE_BYTES: u64 = 1 << 20;

/// A request, to be sent once.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// Its number; no other has it in this life of the program.
    pub(super) id: u64,
    /// Whose it is: each client has a connection of its own.
    pub(super) client: u32,
    method: String,
    url: String,
    headers: Vec<(String, Bytes)>,
    body: Option<Bytes>,
    deadline_us: u64,
}

/// What the program tells.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Told {
    /// It is there.
    Hello {
        /// The version that it speaks.
        version: u32,
    },
    /// How far a request got.
    Done(Done),
}

/// How far a request got, and when that was, on the clock there.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Done {
    /// Whose.
    pub(super) id: u64,
    /// Just before it was sent, in microseconds of `CLOCK_MONOTONIC`.
    pub(super) start_us: u64,
    /// After the last byte of the answer, or when it was given up.
    pub(super) end_us: u64,
    got: Got,
}

/// A [`Reply`] as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Got {
    Answered { status: u16, headers: Vec<(String, Bytes)>, body: Bytes },
    NotSent(String),
    Lost(String),
}

impl Order {
    /// What is to be done for a request.
    pub(super) fn new(id: u64, client: u32, request: &Request) -> Self {
        let deadline = request.timeout().copied().unwrap_or_default();
        Self {
            id,
            client,
            method: request.method().to_string(),
            url: request.url().to_string(),
            headers: written(request.headers()),
            body: request.body().and_then(|body| body.as_bytes()).map(|body| Bytes(body.to_vec())),
            deadline_us: u64::try_from(deadline.as_micros()).unwrap_or(u64::MAX),
        }
    }

    /// The request again.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn request(self) -> Result<Request, String> {
        let method: Method = self.method.parse().map_err(|error| format!("{error}"))?;
        let url = Url::parse(&self.url).map_err(|error| format!("`{}`: {error}", self.url))?;
        let mut request = Request::new(method, url);
        *request.headers_mut() = read(self.headers);
        *request.body_mut() = self.body.map(|Bytes(body)| body.into());
        *request.timeout_mut() = Some(Duration::from_micros(self.deadline_us));
        Ok(request)
    }
}

impl Done {
    pub(super) fn new(id: u64, (start_us, end_us): (u64, u64), reply: Reply) -> Self {
        let got = match reply {
            Reply::Answered { status, headers, body } => {
                Got::Answered { status, headers: written(&headers), body: Bytes(body) }
            }
            Reply::NotSent(reason) => Got::NotSent(reason),
            Reply::Lost(reason) => Got::Lost(reason),
        };
        Self { id, start_us, end_us, got }
    }

    pub(super) fn reply(self) -> Reply {
        match self.got {
            Got::Answered { status, headers, body: Bytes(body) } => {
                Reply::Answered { status, headers: read(headers), body }
            }
            Got::NotSent(reason) => Reply::NotSent(reason),
            Got::Lost(reason) => Reply::Lost(reason),
        }
    }
}

fn written(headers: &HeaderMap) -> Vec<(String, Bytes)> {
    let pair = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), Bytes(value.as_bytes().to_vec()))
    };
    headers.iter().map(pair).collect()
}

/// The headers again. What was one before is one now.
fn read(headers: Vec<(String, Bytes)>) -> HeaderMap {
    let pairs = headers.into_iter().filter_map(|(name, Bytes(value))| {
        Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_bytes(&value).ok()?))
    });
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(name, value);
    }
    map
}

/// A message as a line.
pub(super) fn line(message: &impl Serialize) -> String {
    // Texts and numbers are always JSON; an empty line is no message, and ends the program.
    let mut line = serde_json::to_string(message).unwrap_or_default();
    line.push('\n');
    line
}

/// Bytes that need not be text, in base64.
#[derive(Debug, PartialEq, Eq)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(&self.0).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use base64::Engine;
        let text = String::deserialize(from)?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(text);
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_and_what_came_of_it_come_through_as_they_were() {
        let mut request = Request::new(Method::POST, Url::parse("http://n1:1/a?b=%20c").unwrap());
        let value = HeaderValue::from_bytes(b"\xff").unwrap();
        request.headers_mut().append("x-a", value.clone());
        request.headers_mut().append("x-a", HeaderValue::from_static("b"));
        *request.body_mut() = Some("{\"a\":\n1}".into());
        *request.timeout_mut() = Some(Duration::from_millis(7));
        let written = line(&Order::new(3, 5, &request));
        assert_eq!(written.matches('\n').count(), 1);
        let order: Order = serde_json::from_str(&written).unwrap();
        assert_eq!((order.id, order.client), (3, 5));
        let again = order.request().unwrap();
        assert_eq!((again.method(), again.url()), (request.method(), request.url()));
        assert_eq!((again.headers(), again.timeout()), (request.headers(), request.timeout()));
        assert_eq!(again.body().unwrap().as_bytes(), request.body().unwrap().as_bytes());

        let headers: HeaderMap = [("x-a".parse().unwrap(), value)].into_iter().collect();
        for reply in [
            Reply::Answered { status: 503, headers, body: vec![0, 255, b'\n'] },
            Reply::NotSent("refused".to_owned()),
            Reply::Lost("timed out".to_owned()),
        ] {
            let written = line(&Told::Done(Done::new(7, (1, 2), reply.clone())));
            let Told::Done(done) = serde_json::from_str(&written).unwrap() else { panic!() };
            assert_eq!((done.id, done.start_us, done.end_us), (7, 1, 2));
            assert_eq!(done.reply(), reply);
        }
    }
}
