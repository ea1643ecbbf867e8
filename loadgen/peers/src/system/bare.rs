//! A server that does nothing but answer, on the library that the bazaar stands on: what a cached query cannot be faster than.
//!
//! One thread, like nginx's worker. It gives the answer that it finds in a file, to whatever is asked.

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use bytes::Bytes;
use faults::ports::{Reservation, choose_more};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::{Fleet, Process};
use crate::http::Answer;

/// The first argument of the program where it is this server.
pub(crate) const COMMAND: &str = "bare-server";

/// Headers that every server says by itself.
const BY_ITSELF: [&str; 5] =
    ["content-length", "date", "connection", "server", "transfer-encoding"];

/// What is answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Said {
    /// The headers, without those that every server says by itself.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: String,
}

impl Said {
    /// The same as somebody else has answered.
    ///
    /// # Errors
    /// If it is no text.
    pub(crate) fn like(answer: &Answer) -> anyhow::Result<Self> {
        let mut headers = Vec::new();
        for (name, value) in &answer.headers {
            if !BY_ITSELF.contains(&name.as_str()) {
                headers.push((name.to_string(), value.to_str()?.to_owned()));
            }
        }
        Ok(Self { headers, body: String::from_utf8(answer.body.to_vec())? })
    }
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Bare {
    /// Its process.
    pub(crate) fleet: Fleet,
    /// Where it answers.
    pub(crate) address: SocketAddr,
    _ports: Reservation,
}

impl Bare {
    /// Starts one in `folder`, which is made.
    ///
    /// # Errors
    /// If it does not get ready.
    pub(crate) async fn start(folder: &Path, said: &Said) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let (addresses, ports) = choose_more(1)?;
        let file = folder.join("answer.json");
        fs::write(&file, serde_json::to_vec(said)?)?;
        let program = std::env::current_exe()?.display().to_string();
        let (address, file) = (addresses[0].to_string(), file.display().to_string());
        let command = [program, COMMAND.to_owned(), address, file];
        let process = Process::new("bare-hyper", command.to_vec(), addresses[0], "/");
        let fleet = Fleet::start(folder, vec![process]).await.context("bare hyper")?;
        Ok(Self { fleet, address: addresses[0], _ports: ports })
    }
}

/// The server itself: `bare-server ADDRESS FILE`.
pub(crate) fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(serve()));
    match ended {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(3)
        }
    }
}

async fn serve() -> anyhow::Result<Infallible> {
    let mut arguments = std::env::args().skip(2);
    let address: SocketAddr = arguments.next().context("no address")?.parse()?;
    let file = arguments.next().context("no file with the answer")?;
    let said: Said = serde_json::from_slice(&fs::read(file)?)?;
    let mut headers = HeaderMap::new();
    for (name, value) in said.headers {
        headers.append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    let body = Bytes::from(said.body);
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (headers, body) = (headers.clone(), body.clone());
        let answer = service_fn(move |_: Request<Incoming>| {
            let mut response = Response::new(Full::new(body.clone()));
            *response.headers_mut() = headers.clone();
            async move { Ok::<_, Infallible>(response) }
        });
        // A connection that breaks is its client's affair.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}
