//! The client program, at its pipes; and Redis's own protocol, as far as a test needs it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

/// How long an engine may take for what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program, which ends with its stdin.
pub(crate) struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    next_id: u64,
}

impl Client {
    pub(crate) fn start(engine: &str, hello: &Json) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_double-trouble-clients"))
            .arg(engine)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut client = Self { child, stdin, stdout, next_id: 1 };
        client.write(hello);
        assert_eq!(client.read()["hello"], 1);
        client
    }

    /// The answer to `request`.
    pub(crate) fn ask(&mut self, request: Json) -> Json {
        let id = self.send(request);
        let answer = self.read();
        assert_eq!(answer["id"], id);
        answer
    }

    /// All rows of a dump.
    pub(crate) fn dump(&mut self, process: &str, what: &str) -> Result<Vec<Json>, Json> {
        let id = self.send(json!({"op": "dump", "process": process, "what": what}));
        let mut rows = Vec::new();
        loop {
            let line = self.read();
            assert_eq!(line["id"], id);
            match &line["rows"] {
                Json::Array(more) => rows.extend(more.iter().cloned()),
                _ if line["end"] == true => return Ok(rows),
                _ => return Err(line),
            }
        }
    }

    pub(crate) fn send(&mut self, mut request: Json) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        request["id"] = id.into();
        self.write(&request);
        id
    }

    pub(crate) fn read(&mut self) -> Json {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }

    fn write(&mut self, line: &Json) {
        let stdin = self.stdin.as_mut().expect("open");
        writeln!(stdin, "{line}").expect("it reads");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `holds`, and fails where an engine takes too long.
pub(crate) fn until(mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "it took more than {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What the Redis server at `port` says that it is.
pub(crate) fn redis_role(port: &Json) -> Option<String> {
    let port = port.as_u64().and_then(|port| u16::try_from(port).ok())?;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    stream.write_all(b"ROLE\r\nQUIT\r\n").ok()?;
    let mut said = String::new();
    stream.read_to_string(&mut said).ok()?;
    Some(said)
}
