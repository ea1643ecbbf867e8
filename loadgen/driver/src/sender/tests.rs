//! What a sender makes of a program that does as it is told, and of others.

use reqwest::{Method, Url};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

use super::*;

const LONG: Duration = Duration::from_secs(60);

/// A sender that is ready, and the lines that it writes.
struct Scene {
    sender: Sender,
    written: UnboundedReceiver<String>,
    origin: Origin,
}

impl Scene {
    async fn new() -> Self {
        let sender = Sender::new(Arc::default());
        let (lines, written) = unbounded_channel();
        sender.tells(move |line| _ = lines.send(line));
        let scene = Self { sender, written, origin: Origin::now() };
        scene.say("{\"hello\":{\"version\":1}}\n");
        scene.sender.ready().await.unwrap();
        scene
    }

    fn say(&self, text: &str) {
        self.sender.hear(Said::Line(text.to_owned()));
    }

    fn end(&self) {
        let reason = "it has ended".to_owned();
        self.sender.hear(Said::Ended(TalkEnd {
            reason,
            at_monotonic_us: 9,
            heard_monotonic_us: 4,
        }));
    }

    /// Sends a request, and returns its order.
    async fn ask(&mut self) -> (Order, JoinHandle<Option<Sent>>) {
        let (asks, origin) = (self.sender.clone(), self.origin);
        let asked = tokio::spawn(async move { asks.send(4, &request(LONG), origin).await });
        let order = serde_json::from_str(&self.written.recv().await.unwrap()).unwrap();
        (order, asked)
    }
}

fn request(deadline: Duration) -> Request {
    let mut request = Request::new(Method::GET, Url::parse("http://127.0.0.1:1/").unwrap());
    *request.timeout_mut() = Some(deadline);
    request
}

fn answer() -> Reply {
    Reply::Answered { status: 200, headers: Default::default(), body: b"x".to_vec() }
}

#[tokio::test]
async fn what_was_answered_there_lies_within_what_was_seen_here_whatever_the_clock_there_says() {
    let mut scene = Scene::new().await;
    for (start_us, end_us) in [(5, 6), (u64::MAX - 1, u64::MAX)] {
        let (order, asked) = scene.ask().await;
        assert_eq!(order.client, 4);
        // Nobody knows that clock, so it may be any time.
        scene.say(&line(&Told::Done(Done::new(order.id, (start_us, end_us), answer()))));
        let Sent { times, reply } = asked.await.unwrap().unwrap();
        assert_eq!(reply, answer());
        let now_us = scene.origin.elapsed_us();
        assert!(times.start_us <= times.end_us && times.end_us <= now_us, "{times:?}");
        assert!(times.latency_us <= 1, "it is the host's to say: {times:?}");
    }
    assert_eq!(scene.sender.account().requests, 2);
}

#[tokio::test]
async fn what_is_owed_when_the_host_is_lost_is_unknown_and_nothing_is_sent_after_that() {
    let mut scene = Scene::new().await;
    let (_, asked) = scene.ask().await;
    scene.end();
    let Sent { reply, .. } = asked.await.unwrap().unwrap();
    assert!(matches!(reply, Reply::Lost(why) if why.contains("lost")));
    let lost = scene.sender.lost().await;
    assert_eq!((lost.reason.as_str(), lost.owed), ("it has ended", 1));
    assert_eq!((lost.heard_monotonic_us, lost.at_monotonic_us), (4, 9));
    assert!(scene.sender.is_lost());
    assert!(scene.sender.send(4, &request(LONG), scene.origin).await.is_none());
    // The first reason stays.
    scene.end();
    assert_eq!(scene.sender.lost().await.owed, 1);
}

#[tokio::test]
async fn what_is_no_message_loses_a_sender() {
    for said in ["nonsense\n", "{\"hello\":{\"version\":1}}\n", "{\"hello\":{\"version\":9}}\n"] {
        let scene = Scene::new().await;
        scene.say(said);
        assert!(scene.sender.lost().await.reason.contains("no message"), "{said}");
    }
}

#[tokio::test]
async fn who_ends_before_it_says_hello_is_not_ready_and_says_why() {
    let sender = Sender::new(Arc::default());
    let (reason, us) = ("its host was lost: x".to_owned(), 7);
    let end = TalkEnd { reason, at_monotonic_us: us, heard_monotonic_us: us };
    sender.hear(Said::Ended(end));
    assert_eq!(sender.ready().await.unwrap_err(), "its host was lost: x");
}
