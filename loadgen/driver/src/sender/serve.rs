//! The program on another host that sends what clients of the harness ask.
//!
//! The invariant: it ends with its standard input, and nothing of it is left.

use std::collections::HashMap;
use std::process::ExitCode;

use faults::clock::monotonic_us;
use targets::operation::MAX_ANSWER_BYTES;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::message::{Done, MAX_LINE_BYTES, Order, Told, VERSION, line};
use crate::http::{self, Reply, measuring_client};

/// The whole program, for the caller's `main` to call (and return from).
#[must_use]
pub fn serve() -> ExitCode {
    let made = runtime::Builder::new_multi_thread().enable_all().build();
    let Ok(runtime) = made.inspect_err(|error| eprintln!("error: cannot begin: {error}")) else {
        return ExitCode::FAILURE;
    };
    let ended = runtime.block_on(obey());
    // What is under way nobody waits for any more.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the standard input says, to its end.
async fn obey() -> Result<(), String> {
    let (tell, to_tell) = unbounded_channel();
    let mut telling = tokio::spawn(write(to_tell));
    // Its end shows at the output as well.
    let _ = tell.send(line(&Told::Hello { version: VERSION }));
    let mut input = BufReader::new(tokio::io::stdin());
    let mut clients = HashMap::new();
    let mut text = Vec::new();
    loop {
        text.clear();
        // An answer's line is the longest, and an order's is shorter.
        let mut bounded = (&mut input).take(MAX_LINE_BYTES);
        let read = tokio::select! {
            read = bounded.read_until(b'\n', &mut text) => read,
            // Nobody listens.
            _ = &mut telling => return Ok(()),
        };
        match read {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(format!("the standard input: {error}")),
        }
        let order: Order =
            serde_json::from_slice(&text).map_err(|error| format!("no order: {error}"))?;
        let client = match clients.get(&order.client) {
            Some(client) => reqwest::Client::clone(client),
            None => {
                let client = measuring_client().build().map_err(|error| error.to_string())?;
                clients.insert(order.client, client.clone());
                client
            }
        };
        tokio::spawn(send(client, order, tell.clone()));
    }
}

async fn send(client: reqwest::Client, order: Order, tell: UnboundedSender<String>) {
    let id = order.id;
    let request = order.request();
    let start_us = monotonic_us();
    let reply = match request {
        Ok(request) => http::send(&client, request, MAX_ANSWER_BYTES).await,
        Err(reason) => Reply::NotSent(reason),
    };
    let done = Done::new(id, (start_us, monotonic_us()), reply);
    // Nobody may be there to be told.
    let _ = tell.send(line(&Told::Done(done)));
}

/// Writes lines until nobody reads them.
async fn write(mut lines: UnboundedReceiver<String>) {
    let mut output = tokio::io::stdout();
    while let Some(line) = lines.recv().await {
        let written = output.write_all(line.as_bytes()).await;
        if written.is_err() || output.flush().await.is_err() {
            return;
        }
    }
}
