//! What an engine must be able to do. Each does it as those would who use that engine; how a request comes and an answer goes
//! is not its matter.

use std::future::Future;

use serde_json::Value as Json;
use tokio::time::Instant;

use crate::protocol::{Answer, Copy, Dumped, Hello, Trade};

/// An engine, with its clients' connections. Every operation ends by `until`, with an answer that is true then.
pub(crate) trait Engine: Sized + Send + Sync + 'static {
    /// The engine that `hello` describes. Nobody is asked yet.
    fn new(hello: &Hello) -> anyhow::Result<Self>;

    /// Waits until all members are there, and makes the stocks.
    fn prepare(&self) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Opens what a client needs.
    fn connect(&self, client: u32, until: Instant) -> impl Future<Output = Answer> + Send;

    /// Asks for a stock.
    fn query(
        &self,
        client: u32,
        stock: &str,
        until: Instant,
    ) -> impl Future<Output = Answer> + Send;

    /// Trades, once per key.
    fn trade(&self, trade: &Trade, until: Instant) -> impl Future<Output = Answer> + Send;

    /// Asks for an order.
    fn lookup(
        &self,
        client: u32,
        order_no: &Json,
        until: Instant,
    ) -> impl Future<Output = Answer> + Send;

    /// What one process holds itself, whoever leads.
    fn dump(
        &self,
        process: &str,
        what: Dumped,
    ) -> impl Future<Output = anyhow::Result<Copy>> + Send;
}
