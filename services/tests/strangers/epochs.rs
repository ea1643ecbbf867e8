//! Rule S2: an epoch that a replica has not been told of is confirmed with the front-end before it is
//! stored.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use services::http::{Access, Answer, Endpoint, HttpConfig, Request, ServerConfig, Service, serve};
use services::metrics::Metrics;
use services::order;
use services::planted::Bugs;
use tempfile::TempDir;

use crate::services_under_test::{listen, order_config};
use crate::talk::{TOKEN, WITH_TOKEN, ask, body, status};

/// Plays the front-end.
struct FrontEnd {
    epoch: AtomicU64,
    asked: AtomicU64,
}

impl Service for FrontEnd {
    type Route = ();
    const ENDPOINTS: &'static [Endpoint<()>] =
        &[Endpoint::get("/configuration", Access::Internal, ())];

    async fn handle(self: Arc<Self>, (): (), _request: Request) -> Answer {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Answer::ok(&configuration(self.epoch.load(Ordering::SeqCst)))
    }
}

/// What the front-end answers while this epoch is current.
fn configuration(epoch: u64) -> Value {
    json!({
        "version": epoch, "epoch": epoch, "leader": 2, "leader_incarnation": "two",
        "in_sync": [{"id": 1, "identity": "d1"}, {"id": 2, "identity": "d2"}],
        "bazaar": "bazaar", "committed": 0, "by_everybody": true,
    })
}

async fn sync(order: SocketAddr, epoch: u64) -> String {
    let message = json!({
        "epoch": epoch, "leader": 2, "bazaar": "bazaar", "takeover_end": 0,
        "previous": {"order_no": 0, "epoch": 0}, "entries": [], "committed": 0,
    });
    let headers = format!("x-epoch: {epoch}\r\n{WITH_TOKEN}");
    ask(order, "POST /sync", &headers, &message.to_string()).await
}

async fn epoch_of(order: SocketAddr) -> u64 {
    let ping = ask(order, "GET /ping", "", "").await;
    serde_json::from_str::<Value>(body(&ping)).unwrap()["epoch"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_that_was_never_given_out_is_not_stored_whoever_sends_it() {
    let dir = TempDir::new().unwrap();
    let (front_end_listener, front_end_at) = listen().await;
    let front_end = Arc::new(FrontEnd { epoch: AtomicU64::new(3), asked: AtomicU64::new(0) });
    let config = ServerConfig {
        secret: Some(TOKEN.into()),
        http: HttpConfig::default(),
        metrics: Metrics::new().http,
        bugs: Bugs::default(),
    };
    tokio::spawn(serve(front_end_listener, Arc::clone(&front_end), config, pending()));
    let (order_listener, order) = listen().await;
    let config = order_config(&dir, front_end_at);
    tokio::spawn(order::run(order_listener, config, Some(TOKEN.into()), pending()));

    for never in [4, i64::MAX as u64] {
        let answer = sync(order, never).await;
        assert_eq!(status(&answer), 503, "{answer}");
        assert!(answer.contains(r#""effect":"none""#), "{answer}");
    }
    assert_eq!(epoch_of(order).await, 0);
    assert_eq!(status(&sync(order, 3).await), 200);
    assert_eq!(epoch_of(order).await, 3);
    // What is known needs nobody's word.
    let asked = front_end.asked.load(Ordering::SeqCst);
    assert_eq!(status(&sync(order, 3).await), 200);
    assert_eq!(front_end.asked.load(Ordering::SeqCst), asked);
    // The front-end stores an epoch before it gives it out.
    front_end.epoch.store(4, Ordering::SeqCst);
    assert_eq!(status(&sync(order, 4).await), 200);
    assert_eq!(epoch_of(order).await, 4);
}
