//! Words that charts have in common.

use crate::records::{Manifest, Op};
use crate::text::counted;

/// What every subtitle says of the run: `plan quick · 5 clients · 3 replicas · durability flush`.
pub(super) fn setting(manifest: &Manifest) -> String {
    let clients = || manifest.cells.iter().map(|cell| u64::from(cell.clients));
    let clients = match (clients().min(), clients().max()) {
        (Some(fewest), Some(most)) if fewest < most => format!("{fewest} to {most} clients"),
        (_, most) => counted(most.unwrap_or(0), "client", "clients"),
    };
    let replicas = counted(u64::from(manifest.replicas), "replica", "replicas");
    let (plan, durability) = (&manifest.plan_name, &manifest.durability);
    format!("plan {plan} · {clients} · {replicas} · durability {durability}")
}

/// `100/s · build a`, or whatever of it there is to say.
pub(super) fn rate_and_build(rate_per_s: Option<f64>, build: Option<&str>) -> String {
    let rate = rate_per_s.map(|rate| format!("{rate}/s"));
    let build = build.map(|build| format!("build {build}"));
    rate.into_iter().chain(build).collect::<Vec<_>>().join(" · ")
}

/// The title of every axis of latencies. They span decades, so all are logarithmic.
pub(super) const LATENCY: &str = "latency (ms, log scale)";

/// Microseconds as the milliseconds that axes show.
pub(super) fn to_ms(us: u64) -> f64 {
    us as f64 / 1000.0
}

/// The operation's name for one of them.
pub(super) fn singular(op: Op) -> &'static str {
    match op {
        Op::Query => "query",
        Op::Trade => "trade",
        Op::Lookup => "lookup",
    }
}

/// The operation's name for many of them.
pub(super) fn plural(op: Op) -> &'static str {
    match op {
        Op::Query => "queries",
        Op::Trade => "trades",
        Op::Lookup => "lookups",
    }
}

/// `cache on` or `cache off`.
pub(super) fn cache_name(cache: bool) -> &'static str {
    if cache { "cache on" } else { "cache off" }
}
