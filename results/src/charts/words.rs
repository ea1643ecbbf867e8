//! Words that charts have in common.

use crate::records::{Manifest, Op};
use crate::text::counted;

/// What every subtitle says of the run: `plan quick · 5 clients · 3 replicas · durability flush`. The name of a
/// target that is not ours stands before that, and what is not known of it or is not there is left away.
pub(super) fn setting(manifest: &Manifest) -> String {
    let clients = || manifest.cells.iter().map(|cell| u64::from(cell.clients));
    let clients = match (clients().min(), clients().max()) {
        (Some(fewest), Some(most)) if fewest < most => format!("{fewest} to {most} clients"),
        (_, most) => counted(most.unwrap_or(0), "client", "clients"),
    };
    let replicas = counted(u64::from(manifest.replicas), "replica", "replicas");
    let target = manifest.target.as_ref().map(|target| target.name.clone());
    let parts = [
        target,
        Some(format!("plan {}", manifest.plan_name)),
        Some(clients),
        (manifest.replicas > 0).then_some(replicas),
        manifest.known_durability().map(|durability| format!("durability {durability}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// How cells were started that share a look.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Way {
    /// With the cache or without. It decides how they look.
    pub(super) cache: bool,
    /// What that is called; nothing of a target that is always started in the same way.
    pub(super) name: Option<String>,
}

impl Way {
    /// How a run's cells with this `cache` were started.
    pub(super) fn of(manifest: &Manifest, cache: bool) -> Self {
        Self { cache, name: manifest.way(cache).map(str::to_owned) }
    }

    /// `median, cache on`, or `median` where there is nothing to tell apart.
    pub(super) fn with(&self, figure: &str) -> String {
        figure_of(figure, self.name.as_deref())
    }
}

/// `median, cache on`, or `median` of cells that have no name for how they were started.
pub(super) fn figure_of(figure: &str, way: Option<&str>) -> String {
    [Some(figure), way].into_iter().flatten().collect::<Vec<_>>().join(", ")
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
    op.as_str()
}

/// The operation's name for many of them.
pub(super) fn plural(op: Op) -> &'static str {
    op.plural()
}
