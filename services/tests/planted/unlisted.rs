//! Rule L7: a catalog shows nothing before a leader has listed it. *Otherwise: its file is lost, the leader is
//! down, and it shows the stocks of the first day.*

use hyper::StatusCode;
use serde_json::{Value, json};
use services::http::Call;

use crate::processes::{Name, Processes};

/// One trade, then the catalog's file is lost while no replica is there to list it.
async fn lost_catalog(bug: Option<&'static str>) -> Processes {
    let mut processes = Processes::start(bug).await;
    let order = json!({"stock_name": "Stock1", "trade_type": "Buy", "quantity": 1});
    let reply = processes.ask(Name::FrontEnd, &Call::post("/orders", &order)).await;
    assert_eq!(reply.status, StatusCode::OK);
    processes.stop(Name::Order);
    let file = processes.stop(Name::Catalog);
    processes.start_over(Name::Catalog, &file);
    processes
}

fn quantity() -> Call {
    Call::get("/query?stock_name=Stock1")
}

#[tokio::test]
async fn a_catalog_whose_file_was_lost_shows_nothing_before_it_has_been_listed() {
    let mut processes = lost_catalog(None).await;
    let waits = async |processes: &mut Processes| {
        let reply = processes.try_ask(Name::Catalog, &Call::get("/healthz")).await?;
        let said: Value = reply.json()?;
        said["reason"].as_str()?.contains("waiting for the leader to list").then_some(())
    };
    processes.until("it waits for nothing but the list", waits).await;
    let reply = processes.ask(Name::Catalog, &quantity()).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_catalog_that_serves_before_it_has_been_listed_shows_what_is_over() {
    let mut processes = lost_catalog(Some("serve-unlisted")).await;
    let shown = async |processes: &mut Processes| {
        let reply = processes.try_ask(Name::Catalog, &quantity()).await?;
        let said: Value = reply.json()?;
        said["data"]["quantity"].as_u64()
    };
    let quantity = processes.until("it shows something", shown).await;
    assert_eq!(quantity, 100, "one was bought");
}
