//! An HTTP server in-process whose answers are scripted.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;

type Answers = BTreeMap<String, Vec<(u16, String)>>;

#[derive(Debug)]
struct Script {
    answers: Mutex<Answers>,
    asked: watch::Sender<BTreeMap<String, usize>>,
}

/// An HTTP server in this process with scripted answers; 404 for the rest.
#[derive(Debug)]
pub(crate) struct FakeService {
    address: SocketAddr,
    script: Arc<Script>,
}

impl FakeService {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = watch::Sender::new(BTreeMap::new());
        let script = Arc::new(Script { answers: Mutex::default(), asked });
        let scripted = Arc::clone(&script);
        tokio::spawn(serve(listener, move |path| {
            let answer = scripted.next(&path);
            async move { answer }
        }));
        Self { address, script }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on `path` is answered like this.
    pub(crate) fn answer(&self, path: &str, status: u16, body: impl Into<String>) {
        self.answer_in_turn(path, vec![(status, body.into())]);
    }

    /// From now on `path` is answered like this, the last answer again and again.
    pub(crate) fn answer_in_turn(&self, path: &str, mut answers: Vec<(u16, String)>) {
        answers.reverse();
        self.script.answers.lock().unwrap().insert(path.to_owned(), answers);
    }

    /// Completes once `path` was asked for `times` times.
    pub(crate) async fn asked(&self, path: &str, times: usize) {
        let mut asked = self.script.asked.subscribe();
        let enough = |asked: &BTreeMap<String, usize>| asked.get(path).is_some_and(|n| *n >= times);
        asked.wait_for(enough).await.unwrap();
    }
}

impl Script {
    fn next(&self, path: &str) -> (u16, String) {
        self.asked.send_modify(|asked| *asked.entry(path.to_owned()).or_default() += 1);
        let mut answers = self.answers.lock().unwrap();
        let Some(answers) = answers.get_mut(path) else { return (404, "{}".to_owned()) };
        if answers.len() > 1 { answers.pop() } else { answers.last().cloned() }.unwrap()
    }
}

pub(super) async fn serve<F, A>(listener: TcpListener, answer: F)
where
    F: Fn(String) -> A + Clone + Send + 'static,
    A: Future<Output = (u16, String)> + Send,
{
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let answer = answer.clone();
        let handler = service_fn(move |request: Request<Incoming>| {
            let answer = answer(request.uri().path().to_owned());
            async move {
                let (status, body) = answer.await;
                let body = Full::new(Bytes::from(body));
                Ok::<_, Infallible>(Response::builder().status(status).body(body).unwrap())
            }
        });
        // A connection that ends early is the client's business.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), handler));
    }
}
