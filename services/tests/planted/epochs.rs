//! Rule S2: an epoch that the front-end has not given out is not stored. *Otherwise: one message with epoch
//! 2^63-1, and there is none above it: every later leadership has the epoch of the one before.*

use hyper::StatusCode;
use serde_json::json;
use services::http::Call;
use wire::configuration::Configuration;
use wire::headers;
use wire::ids::{BazaarId, Epoch, Incarnation};
use wire::internal::PingReply;

use crate::processes::{Name, Processes};

impl Processes {
    async fn ping(&self) -> PingReply {
        self.ask(Name::Order, &Call::get("/ping")).await.json().unwrap()
    }

    /// Sends what a leader would send that has nothing to say, in an epoch that was never given out.
    async fn lie(&self, epoch: Epoch, bazaar: &BazaarId) -> StatusCode {
        let message = json!({
            "epoch": epoch, "leader": 2, "bazaar": bazaar, "takeover_end": 0,
            "previous": {"order_no": 0, "epoch": 0}, "entries": [], "committed": 0,
        });
        let call = Call::post("/sync", &message).header(headers::EPOCH, epoch);
        self.ask(Name::Order, &call).await.status
    }

    /// The epoch of the leadership that the running process was given, once it was, and that process.
    async fn leadership(&mut self, is_known: impl Fn(&PingReply) -> bool) -> (Epoch, Incarnation) {
        self.until("the replica was given the leadership", async |processes| {
            let reply = processes.ask(Name::FrontEnd, &Call::get("/configuration")).await;
            let current: Configuration = reply.json()?;
            let leader = processes.ping().await;
            let is_given =
                (current.epoch, &current.leader_incarnation) == (leader.epoch, &leader.incarnation);
            (is_given && is_known(&leader)).then_some((current.epoch, leader.incarnation))
        })
        .await
    }

    /// Two leaderships after a lie, one after the other.
    async fn after_a_lie(&mut self) -> (StatusCode, [(Epoch, Incarnation); 2]) {
        let (before, _) = self.leadership(|leader| leader.serving).await;
        let bazaar = self.ping().await.bazaar.unwrap();
        let told = self.lie(Epoch::MAX, &bazaar).await;
        let is_believed = told == StatusCode::OK;
        let is_over = |leader: &PingReply| !is_believed || leader.epoch > before;
        let first = self.leadership(|leader| leader.leading && is_over(leader)).await;
        self.kill_and_restart(Name::Order).await;
        let second = self.leadership(|_| true).await;
        assert_ne!(first.1, second.1, "the leadership is another process's");
        (told, [first, second])
    }
}

#[tokio::test]
async fn a_leadership_after_a_lie_about_epochs_has_an_epoch_of_its_own() {
    let mut processes = Processes::start(None).await;
    let (told, [(first, _), (second, _)]) = processes.after_a_lie().await;
    assert_eq!(told, StatusCode::SERVICE_UNAVAILABLE);
    assert!(first < second && second < Epoch::MAX, "{first}, {second}");
    let order = json!({"stock_name": "Stock1", "trade_type": "Buy", "quantity": 1});
    let reply = processes.ask(Name::FrontEnd, &Call::post("/orders", &order)).await;
    assert_eq!(reply.status, StatusCode::OK);
}

#[tokio::test]
async fn with_epochs_stored_unconfirmed_two_leaderships_share_one_after_a_lie() {
    let mut processes = Processes::start(Some("store-unconfirmed-epochs")).await;
    let (told, [(first, _), (second, _)]) = processes.after_a_lie().await;
    assert_eq!(told, StatusCode::OK);
    assert_eq!((first, second), (Epoch::MAX, Epoch::MAX));
}
