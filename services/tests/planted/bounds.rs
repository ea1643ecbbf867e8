//! Rules S2 and S3: numbers are bounded where they are parsed, and names have a length. *Otherwise: a
//! configuration with epoch 2^64-1 ends a replica, whose file cannot hold it; a name of any length is kept for
//! good.*

use hyper::StatusCode;
use serde_json::{Value, json};
use services::http::Call;
use wire::headers;

use crate::processes::{Name, Processes};

impl Processes {
    /// Announces the current configuration, but for its epoch.
    async fn announce(&self, epoch: u64) -> Option<StatusCode> {
        let current = self.ask(Name::FrontEnd, &Call::get("/configuration")).await;
        let mut announced: Value = current.json().unwrap();
        announced["epoch"] = json!(epoch);
        let call = Call::get("/ping").header(headers::CONFIGURATION, announced);
        Some(self.try_ask(Name::Order, &call).await?.status)
    }

    async fn push(&self, stock_name: &str) -> StatusCode {
        let stocks = json!([{"stock_name": stock_name, "version": 1}]);
        let push = json!({"start": false, "stocks": stocks});
        self.ask(Name::FrontEnd, &Call::post("/invalidate", &push)).await.status
    }
}

#[tokio::test]
async fn a_number_that_no_file_can_hold_ends_nobody() {
    let mut processes = Processes::start(None).await;
    assert_eq!(processes.announce(u64::MAX).await, Some(StatusCode::BAD_REQUEST));
    assert!(!processes.has_ended(Name::Order));
}

#[tokio::test]
async fn with_numbers_of_any_size_one_ends_a_replica() {
    let mut processes = Processes::start(Some("take-any-number")).await;
    processes.announce(u64::MAX).await;
    let ended = async |processes: &mut Processes| processes.has_ended(Name::Order).then_some(());
    processes.until("the replica has ended", ended).await;
}

#[tokio::test]
async fn a_name_that_no_stock_has_is_kept_only_if_any_length_is_taken() {
    let long = "x".repeat(100_000);
    for (bug, wanted) in
        [(None, StatusCode::BAD_REQUEST), (Some("take-any-length"), StatusCode::OK)]
    {
        let processes = Processes::start(bug).await;
        assert_eq!(processes.push(&long).await, wanted);
    }
}
