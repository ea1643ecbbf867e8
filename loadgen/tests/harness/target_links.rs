//! Links of somebody else's service, broken by relays that its file makes possible.

use std::path::Path;

use results::records::{Action, EventKind, Op, Outcome};

use crate::common::{ended, latest, plan, run};
use crate::target::has_python;

/// A leader whose copies a follower does not get goes on after its own timeout; one that the front-end does not hear is
/// waited for or replaced; and where nothing ever passes nothing can be broken.
const LINKS: &str = "\
[load]
clients = 5
p = [0.8]
duration_s = 6
warm_up_s = 0.5
[checks]
recovery_ms = 2000
[[faults]]
at_ms = 300
action = \"cut\"
link = \"front-end -> order-1\"
if_possible = true
for_ms = 100
[[faults]]
at_ms = 1000
action = \"cut\"
link = \"leader <-> follower\"
for_ms = 1200
[[faults]]
at_ms = 3000
action = \"cut\"
link = \"leader -> front-end\"
mode = \"reset\"
for_ms = 500
[[faults]]
at_ms = 4300
action = \"delay\"
link = \"catalog <-> any\"
delay_ms = 60
for_ms = 1000
";

#[test]
fn links_of_a_target_are_cut_and_slow_and_what_nothing_passes_is_said() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mended = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets/naive/mended.toml");
    let plan = plan(folder.path(), LINKS);
    let arguments = ["failover", "--target", mended.to_str().unwrap(), "--plan", &plan];
    let (code, stdout, stderr) = ended(&run(folder.path(), &arguments));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let run_folder = latest(folder.path());
    let events = run_folder.events().unwrap();
    let confirmed: Vec<_> = events
        .iter()
        .filter(|event| event.event == EventKind::Confirmed && event.fault != Some(1))
        .map(|event| (event.fault, event.action.map_or("", Action::as_str)))
        .collect();
    let expected = [(2, "cut"), (2, "heal"), (3, "cut"), (3, "heal"), (4, "delay"), (4, "heal")];
    assert_eq!(confirmed, expected.map(|(fault, action)| (Some(fault), action)));
    let at = |fault: u32, action: &str| {
        let is_it = |event: &&results::records::Event| {
            event.event == EventKind::Confirmed
                && event.fault == Some(fault)
                && event.action.is_some_and(|did| did.as_str() == action)
        };
        events.iter().find(is_it).unwrap().at_us
    };
    let observations = run_folder.observations().unwrap();
    let trades_that_felt = |fault: u32, begin: &str, at_least_us: u64| {
        let during = at(fault, begin)..at(fault, "heal");
        let felt = observations.iter().filter(|row| {
            row.op == Op::Trade
                && row.outcome == Outcome::Ok
                && row.start_us < during.end
                && row.start_us + row.latency_us > during.start
                && row.latency_us >= at_least_us
        });
        felt.count()
    };
    // For 0.3 s a leader waits for a follower, and each trade for the catalog twice as long as a message takes. Who waits
    // may have begun before the link was cut, for afterwards the leader skips that follower for as long as the cut lasts.
    assert!(trades_that_felt(2, "cut", 280_000) > 0, "a trade waits for the copy that nobody gets");
    assert!(trades_that_felt(4, "delay", 110_000) > 0, "trades wait for the catalog");
    // The front-end speaks to who leads and to nobody else, unless the machine was so slow that it chose another.
    let of_first = events.iter().filter(|event| event.fault == Some(1));
    let said = of_first.filter(|event| event.event == EventKind::Skipped);
    for said in said.map(|event| event.detail.as_deref().unwrap_or_default()) {
        assert!(said.starts_with("nothing has passed front-end -> order-1 so far"), "{said}");
    }
}
