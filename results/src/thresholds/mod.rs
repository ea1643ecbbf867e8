//! What a run's figures must keep to, as a plan says it: `trade.p99_us < 5000`.
//!
//! A threshold is `[CELL:]FIGURE COMPARISON VALUE`. Without a cell it must hold in every cell in which
//! the figure was measured. A figure that nobody measured keeps to nothing: the threshold is then
//! inconclusive.
//!
//! What is held against a threshold are the bounds between which the service's own value lies. It is held or
//! broken if it is at both, and inconclusive otherwise. A fault that was not seen to end before the next one took at least as
//! long as nothing was answered, and perhaps for ever: a median may be known all the same. For as long as the machine
//! stalled the harness during an outage it may have stalled the service, so that much may have been the machine's. Of
//! what the generator's lateness is part of only the upper bound is known.
//!
//! | figure | what it is |
//! | --- | --- |
//! | `query.p50_us`, `trade.p99_us`, `lookup.max_us`, ... | `mean_us`, `p50_us`, `p90_us`, `p99_us`, `p999_us`, `max_us`, `throughput_per_s`, `failed`, `unknown` of an operation, as in `summary.csv` |
//! | `failover.first_ack_ms.max`, ... | the `median` or `max`, over all faults that hit a leader, of `detected_ms`, `new_leader_ms`, `serving_ms`, `first_ack_ms`, `backlog_drained_ms`, `p99_back_ms`, `longest_gap_ms`, as in `availability.csv` |
//! | `leader-kill.longest_gap_ms.max`, ... | the same over those of one kind: `leader-kill`, `leader-pause`, `leader-disk`, `leader-slow`, as in `availability-overall.csv` |
//! | `consistency` | the verdict of the checks; compared as `consistency = pass` |
//!
//! A plan can also end a load when the last seconds break a threshold: those of operations can be looked at while it
//! runs. In which trial that happened is in `events.csv`.

mod figure;
mod figures;
mod parse;
mod run;
mod running;
mod threshold;

pub use figures::Figures;
pub use parse::ThresholdError;
pub use run::{FILE, evaluate_run, read};
pub use running::{Lately, watchable};
pub use threshold::{Threshold, ThresholdResult, evaluate, table, verdict};
