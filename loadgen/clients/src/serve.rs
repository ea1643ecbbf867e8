//! Requests come, answers go, many at once. Which engine it is, is not known here.
//!
//! The invariant: each request is answered exactly once, and no line is longer than the protocol allows.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::Serialize;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
    BufWriter,
};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout};

use crate::engine::Engine;
use crate::protocol::{
    Answer, Copy, Dumped, Hello, Line, MAX_LINE_BYTES, Numbered, Request, VERSION,
};

/// What every engine here can do.
const CAN: &[&str] = &["query", "trade", "lookup", "prepare", "dump"];
/// The most requests under way. No plan has as many clients; more wait in the pipe.
const MAX_UNDER_WAY: usize = 10_000;
/// The most lines that wait for whoever reads them.
const MAX_LINES: usize = 1024;
/// Rows in a line: a row has two names of 64 characters at the most, which is 1 KB if all of them are escaped.
const ROWS_PER_LINE: usize = 1000;
/// How long a dump may take.
const DUMP: Duration = Duration::from_secs(120);
/// How long an engine may take to be whole before the load.
const PREPARE: Duration = Duration::from_secs(60);

/// Serves `engine` to whoever writes `input`, until its end.
pub(crate) async fn serve<E: Engine>(
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin + Send + 'static,
) -> anyhow::Result<()> {
    let mut lines = Lines { input: BufReader::new(input), line: Vec::new() };
    let Some(hello) = lines.next().await? else { return Ok(()) };
    let hello: Hello = serde_json::from_slice(hello).context("the first line is no hello")?;
    ensure!(hello.version == VERSION, "version {} of the protocol is not known", hello.version);
    let engine = Arc::new(E::new(&hello)?);
    // What an operation's time leaves undone has to be told before the harness gives it up: a tenth of it, 100 ms at the most.
    let deadline = Duration::from_millis(hello.deadline_ms);
    let deadline = deadline - (deadline / 10).min(Duration::from_millis(100));
    let (outgoing, waiting) = mpsc::channel(MAX_LINES);
    let writer = tokio::spawn(write(waiting, output));
    send(&outgoing, &Line::Greeting { hello: VERSION, can: CAN }).await;
    let under_way = Arc::new(Semaphore::new(MAX_UNDER_WAY));
    while let Some(line) = lines.next().await? {
        let until = Instant::now() + deadline;
        let numbered: Numbered = serde_json::from_slice(line)
            .with_context(|| format!("no request: {}", String::from_utf8_lossy(line).trim()))?;
        let permit = under_way.clone().acquire_owned().await?;
        let (engine, outgoing) = (engine.clone(), outgoing.clone());
        tokio::spawn(async move {
            handle(&*engine, numbered, until, &outgoing).await;
            drop(permit);
        });
        if writer.is_finished() {
            bail!("nobody reads the answers");
        }
    }
    Ok(())
}

async fn handle<E: Engine>(engine: &E, numbered: Numbered, until: Instant, outgoing: &Outgoing) {
    let id = numbered.id;
    let answer = match numbered.request {
        Request::Prepare => match timeout(PREPARE, engine.prepare()).await {
            Ok(Ok(())) => Answer::done(),
            Ok(Err(error)) => Answer::failed(format!("{error:#}")),
            Err(_) => Answer::failed(format!("it was not whole within {} s", PREPARE.as_secs())),
        },
        Request::Connect { client } => engine.connect(client, until).await,
        Request::Query { client, stock } => engine.query(client, &stock, until).await,
        Request::Trade(trade) => engine.trade(&trade, until).await,
        Request::Lookup { client, order_no } => engine.lookup(client, &order_no, until).await,
        Request::Dump { process, what } => match dump(engine, &process, what).await {
            Ok(copy) => return send_copy(outgoing, id, &copy).await,
            Err(error) => Answer::failed(format!("{error:#}")),
        },
    };
    send(outgoing, &Line::Answered { id, answer }).await;
}

async fn dump<E: Engine>(engine: &E, process: &str, what: Dumped) -> anyhow::Result<Copy> {
    let copy = timeout(DUMP, engine.dump(process, what)).await;
    copy.with_context(|| format!("{process} took more than {} s", DUMP.as_secs()))?
}

async fn send_copy(outgoing: &Outgoing, id: u64, copy: &Copy) {
    match copy {
        Copy::Orders(orders) => {
            for rows in orders.chunks(ROWS_PER_LINE) {
                send(outgoing, &Line::Orders { id, rows }).await;
            }
        }
        Copy::Stocks(stocks) => {
            for rows in stocks.chunks(ROWS_PER_LINE) {
                send(outgoing, &Line::Stocks { id, rows }).await;
            }
        }
    }
    send(outgoing, &Line::End { id, end: true }).await;
}

type Outgoing = mpsc::Sender<Vec<u8>>;

async fn send(outgoing: &Outgoing, line: &impl Serialize) {
    // Strings, numbers and lists of them always are JSON.
    let mut bytes = serde_json::to_vec(line).unwrap_or_default();
    bytes.push(b'\n');
    // If nobody writes any more, nobody reads either.
    let _ = outgoing.send(bytes).await;
}

/// Writes lines, and flushes when none waits.
async fn write(
    mut waiting: mpsc::Receiver<Vec<u8>>,
    output: impl AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let mut output = BufWriter::new(output);
    while let Some(line) = waiting.recv().await {
        output.write_all(&line).await?;
        if waiting.is_empty() {
            output.flush().await?;
        }
    }
    output.flush().await
}

struct Lines<R> {
    input: BufReader<R>,
    line: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// The next line, or nothing at the end. A line that is cut off by it was never asked.
    async fn next(&mut self) -> anyhow::Result<Option<&[u8]>> {
        self.line.clear();
        let mut bounded = (&mut self.input).take(MAX_LINE_BYTES as u64);
        bounded.read_until(b'\n', &mut self.line).await.context("cannot read stdin")?;
        if self.line.len() == MAX_LINE_BYTES && !self.line.ends_with(b"\n") {
            bail!("a line has more than {MAX_LINE_BYTES} bytes");
        }
        Ok(self.line.ends_with(b"\n").then_some(&*self.line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{OrderRow, Trade};
    use serde_json::{Value as Json, json};

    /// Acknowledges every trade as order 1, and holds 2,500 orders.
    struct Toy;

    impl Engine for Toy {
        fn new(_: &Hello) -> anyhow::Result<Self> {
            Ok(Self)
        }
        async fn prepare(&self) -> anyhow::Result<()> {
            bail!("there is no quorum")
        }
        async fn connect(&self, _: u32, _: Instant) -> Answer {
            Answer::done()
        }
        async fn query(&self, _: u32, _: &str, _: Instant) -> Answer {
            Answer::rejected("none")
        }
        async fn trade(&self, _: &Trade, _: Instant) -> Answer {
            Answer::traded(1)
        }
        async fn lookup(&self, _: u32, _: &Json, _: Instant) -> Answer {
            Answer::rejected("none")
        }
        async fn dump(&self, process: &str, _: Dumped) -> anyhow::Result<Copy> {
            ensure!(process == "toy", "there is no process {process}");
            let row = |order_no| OrderRow {
                order_no,
                stock: "Tux".into(),
                side: "Buy".into(),
                quantity: 1,
            };
            Ok(Copy::Orders((1..=2500).map(row).collect()))
        }
    }

    const HELLO: &str = "{\"op\":\"hello\",\"version\":1,\"ports\":{},\"hosts\":{},\"variant\":null,\"clients\":1,\
        \"deadline_ms\":1000,\"seed\":1,\"stocks\":{},\"cap\":null}\n";

    /// What is answered to each of `requests`, in their order, one after the other.
    async fn answers(requests: &[Json]) -> Vec<Json> {
        let (near, far) = tokio::io::duplex(1 << 16);
        let (input, output) = tokio::io::split(far);
        let served = tokio::spawn(async move { serve::<Toy>(input, output).await });
        let (read, mut write) = tokio::io::split(near);
        let mut lines = BufReader::new(read).lines();
        let mut said = Vec::new();
        write.write_all(HELLO.as_bytes()).await.expect("it reads");
        let mut read = async || -> Json {
            let line = lines.next_line().await.expect("it writes").expect("a line");
            serde_json::from_str(&line).expect("JSON")
        };
        assert_eq!(read().await, json!({"hello": 1, "can": CAN}));
        for request in requests {
            write.write_all(format!("{request}\n").as_bytes()).await.expect("it reads");
            said.push(read().await);
            while said.last().is_some_and(|line| !line["rows"].is_null()) {
                said.push(read().await);
            }
        }
        write.shutdown().await.expect("it is open");
        served.await.expect("it does not panic").expect("it ends well");
        said
    }

    #[tokio::test]
    async fn every_request_has_one_answer() {
        let trade = json!({"id": 1, "op": "trade", "client": 1, "stock": "Tux", "side": "Buy", "quantity": 1, "key": "k"});
        assert_eq!(
            answers(&[
                trade,
                json!({"id": 2, "op": "prepare"}),
                json!({"id": 3, "op": "connect", "client": 1})
            ])
            .await,
            [
                json!({"id": 1, "outcome": "ok", "order_no": 1}),
                json!({"id": 2, "outcome": "failed", "reason": "there is no quorum"}),
                json!({"id": 3, "outcome": "ok"}),
            ]
        );
    }

    #[tokio::test]
    async fn a_dump_is_rows_in_several_lines_and_an_end() {
        let said =
            answers(&[json!({"id": 5, "op": "dump", "process": "toy", "what": "orders"})]).await;
        let rows: Vec<usize> =
            said.iter().filter_map(|line| Some(line["rows"].as_array()?.len())).collect();
        assert_eq!(rows, [1000, 1000, 500]);
        assert_eq!(said.last(), Some(&json!({"id": 5, "end": true})));
        let said =
            answers(&[json!({"id": 6, "op": "dump", "process": "who", "what": "orders"})]).await;
        assert_eq!(
            said,
            [json!({"id": 6, "outcome": "failed", "reason": "there is no process who"})]
        );
    }

    #[tokio::test]
    async fn what_is_no_hello_or_of_another_version_ends_it() {
        for line in [
            "hello\n",
            &HELLO.replace("\"version\":1", "\"version\":2"),
            &" ".repeat(MAX_LINE_BYTES + 1),
        ] {
            assert!(serve::<Toy>(line.as_bytes(), tokio::io::sink()).await.is_err());
        }
        assert!(serve::<Toy>(&b""[..], tokio::io::sink()).await.is_ok(), "nobody asked anything");
    }
}
