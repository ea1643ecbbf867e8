//! Header names, all lower case as HTTP libraries want them.

/// The client's name for a trade: the same key gives the same answer and trades once.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The same, between the services.
pub const REQUEST_ID: &str = "x-request-id";
/// The epoch in which the sender acts. A message of the protocols without it changes nothing.
pub const EPOCH: &str = "x-epoch";
/// A [`Configuration`](crate::configuration::Configuration) as JSON, announced with every ping.
pub const CONFIGURATION: &str = "x-configuration";
/// The stock version that a catalog answer shows.
pub const STOCK_VERSION: &str = "x-stock-version";
/// The lowest stock version that the front-end may still show; the catalog waits until it can.
/// Its presence also marks the query as a cache fill.
pub const MIN_VERSION: &str = "x-min-version";
/// `hit` or `miss`.
pub const CACHE: &str = "x-cache";
/// In an answer of the front-end that it had from the order service: how often it asked for it, 1
/// if it went well at once.
pub const ATTEMPTS: &str = "x-attempts";
/// The shared secret that internal endpoints demand once a service is not bound to loopback.
pub const SECRET: &str = "x-double-trouble-secret";
