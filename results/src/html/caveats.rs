//! What the figures do not say: the run's own limits, first those that mislead most.

use super::input::PageInput;
use crate::records::{Manifest, Op};
use crate::text::{capitalised, grouped};
use crate::verdict::Verdict;

/// A 99.9th percentile of fewer operations rests on fewer than ten of them.
const ENOUGH_FOR_P999: u64 = 10_000;

/// The limits of this run, a sentence or two each.
pub(super) fn of(material: &PageInput<'_>) -> Vec<String> {
    let manifest = material.manifest;
    let has_hosts = !material.figures.tables.hosts.is_empty();
    let mut limits = vec![match has_hosts {
        true if material.figures.tables.hosts.has("clients") => ABOUT_HOSTS_OF_CLIENTS.to_owned(),
        true => ABOUT_HOSTS.to_owned(),
        false => about_the_machine(manifest),
    }];
    limits.push(about_the_loop(manifest));
    limits.extend(about_trials(manifest));
    limits.extend(about_percentiles(material));
    if !material.figures.availability.is_empty() && !has_hosts {
        limits.push(
            "Faults are done to processes and links of one machine. A killed process is noticed at \
             once, because the system closes its connections; a cable that is pulled, or a machine \
             that loses power, is noticed by the ping’s timeout only."
                .to_owned(),
        );
    }
    let left_out = material.figures.tables.left_out.iter();
    limits.extend(left_out.map(|line| format!("{}.", capitalised(line))));
    limits.extend(material.consistency.run.about_clients());
    limits.extend(about_the_verdict(material));
    if let Some(durability) = manifest.known_durability().filter(|known| *known != "flush") {
        limits.push(format!(
            "Durability is {durability}: what was acknowledged survives the death of a process, not that of \
             the machine."
        ));
    }
    limits
}

/// What may be off between machines.
const ABOUT_HOSTS: &str = "Services ran on hosts that the table of hosts names, and all clients on the harness’s own: \
    operations are timed by one clock. Times of faults on a host are of its clock, mapped to the harness’s within the bound that the table tells; \
    what that leaves open is not judged. A network may lie between, which latencies contain.";

/// The same where clients were on such hosts, too.
const ABOUT_HOSTS_OF_CLIENTS: &str = "Services and clients were on hosts that the table of hosts names. Latencies are by the clock of the client’s host, \
    exactly; when an operation began and ended, and when a fault on a host did, is mapped to the harness’s clock within the bound that the table tells, \
    and what that leaves open is not judged: operations that cannot be ordered count as simultaneous. A network may lie between, which latencies contain.";

fn about_the_machine(manifest: &Manifest) -> String {
    let cores = manifest.machine.iter().find(|(name, _)| name == "cores");
    let cores = cores.map(|(_, cores)| format!(" of {cores} cores")).unwrap_or_default();
    format!(
        "Clients and services shared one machine{cores}, and no network lay between them. Compare \
         figures within this run, or with a run on the same machine; do not carry milliseconds \
         elsewhere."
    )
}

fn about_the_loop(manifest: &Manifest) -> String {
    let open = manifest.cells.iter().any(|cell| cell.is_open_loop());
    if open {
        "Latencies are those of a user who comes at a set time and may find every client busy: they are \
         counted from the moment at which an operation was due, so waiting behind a slow service counts, \
         and how long that was is in the table of rates. They hold for the offered rate and this number of \
         clients, not for others."
            .to_owned()
    } else {
        "Clients waited for each answer before they went on (a closed loop), so a slow service was \
         asked less often: percentiles hide part of an outage. The longest gap and the first \
         acknowledged trade do not."
            .to_owned()
    }
}

fn about_trials(manifest: &Manifest) -> Option<String> {
    let fewest = manifest.cells.iter().map(|cell| cell.trials).min()?;
    (fewest == 1).then(|| {
        "Each setting was run once. How much another run would differ cannot be told from this one."
            .to_owned()
    })
}

fn about_percentiles(material: &PageInput<'_>) -> Option<String> {
    let of_load = material.figures.summary.iter().filter(|row| row.op != Op::Lookup);
    let fewest = of_load.map(|row| row.answered()).filter(|&count| count > 0).min()?;
    (fewest < ENOUGH_FOR_P999).then(|| {
        format!(
            "A 99.9th percentile of fewer than {} operations rests on fewer than ten of them; the \
             smallest sample here has {}.",
            grouped(ENOUGH_FOR_P999),
            grouped(fewest)
        )
    })
}

/// The rule of three: what happened never in n chances has, at 95 %, a frequency below 3 / n.
fn about_the_verdict(material: &PageInput<'_>) -> Option<String> {
    let consistency = material.consistency;
    let trades = consistency.run.acknowledged_trades;
    let one_in = trades / 3;
    (consistency.verdict == Verdict::Pass && one_in > 0).then(|| {
        format!(
            "A pass means that nothing was found here, not that nothing can be. With {} acknowledged \
             trades, a mistake that hits fewer than about one in {} of them may well have stayed \
             unseen.",
            grouped(trades),
            grouped(one_in)
        )
    })
}
