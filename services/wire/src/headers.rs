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
/// The bazaar's token, which internal endpoints demand, and without which the headers of the
/// protocols count as not sent.
pub const SECRET: &str = "x-double-trouble-secret";
/// The process of the catalog that answers (an [`Incarnation`](crate::ids::Incarnation)): a leader
/// that meets another one numbers nothing from answers of the earlier (rule L6). In a trade, the one
/// that its leader has listed: no other applies it.
pub const CATALOG_INCARNATION: &str = "x-catalog-incarnation";
/// What only the bazaar's own processes may send to each other (rule S2). The client's name for a
/// trade, [`IDEMPOTENCY_KEY`], is none of them.
pub const OF_THE_PROTOCOLS: &[&str] =
    &[REQUEST_ID, EPOCH, CONFIGURATION, STOCK_VERSION, MIN_VERSION, CATALOG_INCARNATION];
