//! Dumps and lists in pages (rule L9), while trades go on.

use serde_json::json;
use services::http::Call;
use wire::dump::CatalogPage;

use crate::running::{LONG, Running, body, order};

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_a_dump_belong_together_whatever_is_traded_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    for id in 0..40 {
        assert_eq!(catalog.call(trade(id)).await.status, 200);
    }
    let mut trading = Vec::new();
    let mut pages: Vec<CatalogPage> = Vec::new();
    let mut path = "/dump?limit=7".to_owned();
    loop {
        let after: u64 = pages.iter().map(|page| page.trades.len() as u64).sum();
        let page: CatalogPage = serde_json::from_slice(&catalog.get(&path).await.body).unwrap();
        let next = page.next(after);
        let through = page.through;
        pages.push(page);
        let Some(after) = next else { break };
        path = format!("/dump?limit=7&after={after}&through={through}");
        // Several at once, so that some share a transaction with the next page.
        let fresh = 100 * after..100 * after + 8;
        trading.extend(fresh.map(|id| catalog.sent(trade(id))));
    }
    for sent in trading {
        assert_eq!(tokio::time::timeout(LONG, sent).await.unwrap().unwrap().status, 200);
    }

    assert!(pages.iter().all(|page| (page.through, page.total) == (40, 40)));
    let trades: Vec<_> = pages.iter().flat_map(|page| &page.trades).collect();
    let ids: Vec<_> = trades.iter().map(|trade| trade.request_id.as_str().to_owned()).collect();
    assert_eq!(ids, (0..40).map(|id| format!("R{id}")).collect::<Vec<_>>());
    // The stocks are those of the same moment: the last trade's, not a later one's.
    let stock = pages[0].stocks.iter().find(|stock| stock.stock_name == "Stock1").unwrap();
    let last = trades.last().unwrap();
    assert_eq!(Some(stock.quantity), last.quantity_after);
    assert_eq!(Some(stock.version), last.version);
    assert!(pages[1..].iter().all(|page| page.stocks.is_empty()));
    catalog.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_its_bounds_and_a_dump_that_is_not_there_begins_again() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    for (path, status, says) in [
        ("/dump?limit=0", 400, "limit: must be between 1 and 10000"),
        ("/dump?limit=10001", 400, "limit: must be between 1 and 10000"),
        ("/dump?after=x", 400, "after: "),
        ("/dump?after=9223372036854775808", 400, "after: must be at most"),
        ("/dump?through=1", 409, "through: "),
    ] {
        let reply = catalog.call(Call::get(path)).await;
        let message = body(&reply)["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(reply.status, status, "{path}: {message}");
        assert!(message.starts_with(says), "{path}: {message}");
    }
    assert_eq!(body(&catalog.get("/dump").await)["trades"], json!([]));
    catalog.stop().await;
}

/// There are enough for all of them.
fn trade(id: u64) -> Call {
    order(&format!("R{id}"), 1, "Stock1", "Buy", 1)
}
