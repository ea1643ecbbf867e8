//! Who the master is: Sentinel is asked, and whom it names is asked whether it is so, as Redis's guide for clients demands.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, Value};
use tokio::time::Instant;

use crate::member::{Endpoint, Member};

/// What the sentinels call the master and its replicas.
const NAME: &str = "bazaar";

/// How long one sentinel may take to answer: one that is stopped must not cost what an attempt has for all of them.
const SENTINEL: Duration = Duration::from_millis(200);

/// A connection to a server, ready for use. What takes too long is given up by whoever waits, not here.
pub(super) async fn connect(
    at: &Endpoint,
    until: Instant,
) -> Result<MultiplexedConnection, String> {
    let client = Client::open((at.host.as_str(), at.port)).map_err(|error| error.to_string())?;
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    at.in_time(until, client.get_multiplexed_async_connection_with_config(&config)).await
}

/// A connection to the master that the first sentinel which answers names.
pub(super) async fn find(
    sentinels: &[Member],
    until: Instant,
) -> Result<MultiplexedConnection, String> {
    let mut problems = Vec::new();
    for Member { name, at } in sentinels {
        match ask(at, until.min(Instant::now() + SENTINEL)).await {
            Ok(master) => return confirm(&master, until).await,
            Err(why) => problems.push(format!("{name}: {why}")),
        }
    }
    Err(format!("no sentinel names a master: {}", problems.join("; ")))
}

/// How many replicas and how many other sentinels a sentinel knows.
pub(super) async fn known(at: &Endpoint, until: Instant) -> Result<(usize, usize), String> {
    let master: BTreeMap<String, String> = sentinel(at, "MASTER", until).await?;
    let count = |name: &str| master.get(name).and_then(|count| count.parse().ok()).unwrap_or(0);
    Ok((count("num-slaves"), count("num-other-sentinels")))
}

async fn ask(at: &Endpoint, until: Instant) -> Result<Endpoint, String> {
    let master: Option<(String, u16)> = sentinel(at, "GET-MASTER-ADDR-BY-NAME", until).await?;
    let master = master.map(|(host, port)| Endpoint { host, port });
    master.ok_or_else(|| "it knows no master".to_owned())
}

async fn sentinel<T: FromRedisValue>(
    at: &Endpoint,
    what: &str,
    until: Instant,
) -> Result<T, String> {
    let mut connection = connect(at, until).await?;
    let command = redis::cmd("SENTINEL").arg(what).arg(NAME).to_owned();
    at.in_time(until, command.query_async(&mut connection)).await
}

async fn confirm(at: &Endpoint, until: Instant) -> Result<MultiplexedConnection, String> {
    let mut connection = connect(at, until).await?;
    let command = redis::cmd("ROLE");
    let role: Vec<Value> = at.in_time(until, command.query_async(&mut connection)).await?;
    match role.first() {
        Some(Value::BulkString(role)) if role == b"master" => Ok(connection),
        _ => Err(format!("{at} is no master, though a sentinel says so")),
    }
}
