//! What the tests here ask instead of a target: a server in this process whose answers are scripted.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use targets::Target;
use targets::template::Setting;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::asking::Asking;
use super::http;

/// Answers `GET` by path; 500 for the rest.
#[derive(Clone, Debug)]
pub(super) struct FakeService {
    pub(super) port: u16,
    answers: Arc<Mutex<BTreeMap<String, (u16, String)>>>,
}

impl FakeService {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let service = Self { port, answers: Arc::default() };
        let answering = service.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answering.clone().serve(stream));
            }
        });
        service
    }

    /// From now on `path` is answered like this.
    pub(super) fn answer(&self, path: &str, status: u16, body: &str) {
        self.answers.lock().unwrap().insert(path.to_owned(), (status, body.to_owned()));
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            // Whoever goes away early has asked nothing.
            let Ok(byte) = stream.read_u8().await else { return };
            request.push(byte);
        }
        let request = String::from_utf8(request).unwrap();
        let path = request.split(' ').nth(1).unwrap();
        let answer = self.answers.lock().unwrap().get(path).cloned();
        let (status, body) = answer.unwrap_or((500, String::new()));
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
    }
}

/// The target that `text` describes, in `folder`, and how it is asked if its ports are these.
pub(super) fn target(text: &str, folder: &Path, ports: &[(&str, u16)]) -> (Arc<Target>, Asking) {
    let read = targets::read_text(text, &folder.join("x.toml"), 3);
    let target = Arc::new(read.unwrap_or_else(|problems| panic!("{problems}")));
    let ports = ports.iter().map(|(name, port)| ((*name).to_owned(), *port)).collect();
    let setting = Setting::new(ports, &folder.to_string_lossy(), 3, "", "token");
    (target, Asking::new(setting, http::client().unwrap(), folder, folder))
}
