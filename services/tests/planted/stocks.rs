//! Rule S3: nothing is stored of what does not exist. *Otherwise: 2,000 trades of invented stocks make the
//! catalog's file larger for good.*

use hyper::StatusCode;
use serde_json::json;
use services::http::Call;

use crate::processes::{Name, Processes};

/// As many as the story has.
const INVENTED: usize = 2000;

/// Trades invented stocks, through the front-end and by hand, and counts what the catalog's file holds of
/// it once its process has ended.
async fn kept_of_invented_stocks(bug: Option<&'static str>) -> usize {
    let mut processes = Processes::start(bug).await;
    for number in 0..INVENTED {
        let stock_name = format!("Nothing{number:0>50}");
        let order = json!({"stock_name": stock_name, "trade_type": "Buy", "quantity": 1});
        let by_hand = json!({"stock_name": stock_name, "type": "Buy", "quantity": 1});
        for (name, call) in [
            (Name::FrontEnd, Call::post("/orders", &order)),
            (Name::Catalog, Call::post("/trade", &by_hand)),
        ] {
            let reply = processes.ask(name, &call).await;
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{name:?}");
        }
    }
    let file = rusqlite::Connection::open(processes.stop(Name::Catalog)).unwrap();
    let kept = "SELECT count(*) FROM trades WHERE stock_name LIKE 'Nothing%'";
    file.query_row(kept, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn nothing_is_kept_of_trades_of_invented_stocks() {
    assert_eq!(kept_of_invented_stocks(None).await, 0);
}

#[tokio::test]
async fn with_unknown_stocks_recorded_every_trade_of_an_invented_stock_is_kept() {
    assert_eq!(kept_of_invented_stocks(Some("record-unknown-stocks")).await, 2 * INVENTED);
}
