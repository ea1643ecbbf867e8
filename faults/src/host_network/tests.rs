//! What the harness makes of holders that do as they are told, and of others: shell scripts, for which nobody needs rights.

use std::path::Path;

use records::{Subject, built_in};
use supervisor::host::Host;

use super::*;
use crate::schedule::CutMode;

const CUT: LinkFault = LinkFault::Cut(CutMode::Silent);
/// Does what a holder does, and notes what it was told and how it ended.
const GOOD: &str = r#"echo "$a" >> "$0"; echo '"ready"'; read b; echo "$b" >> "$0"; echo '"applied"'; cat > /dev/null; echo end >> "$0"; echo '{"undone":{"packets":3}}'"#;

/// The bazaar on hosts of its own, whose holders note into `notes` and do `script` once they have read a line.
fn network(notes: &Path, script: &str) -> HostNetwork {
    let mut layout = HostLayout::default();
    for (number, name) in (1..).zip(built_in::processes(3).names()) {
        let host = format!("n{number}");
        let placement = Placement { host: host.clone(), ports: [7000 + number].into() };
        layout.placed.insert(name, placement);
        let reached = Host { connect: vec!["env".into()], address: format!("10.0.0.{number}") };
        let script = format!("read a; {script}");
        let words = ["sh", "-c", &script, notes.to_str().unwrap()];
        let holder = words.iter().map(|word| (*word).to_owned()).collect();
        layout.ways.insert(host, Way { host: reached, holder });
    }
    HostNetwork::new(layout, built_in::processes(3))
}

fn route(text: &str) -> Route {
    text.parse::<Subject>().unwrap().link().unwrap()
}

fn notes(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[tokio::test]
async fn a_link_is_broken_once_every_host_has_said_so_and_healed_when_their_input_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes");
    let network = network(&path, GOOD);
    let link = route("order-1 <-> order-2");
    let delay = LinkFault::Delay(std::time::Duration::from_millis(5));
    let broken = network.break_link(7, link, delay).await.unwrap();
    assert_eq!(broken.hosts.len(), 2, "each holds back what it sends: {broken:?}");
    assert!(broken.at_us <= broken.seen_us);
    assert_eq!(network.faulty(), [(7, link)]);
    let told = notes(&path);
    assert_eq!(told.matches("\"prepare\"").count(), 2, "{told}");
    assert_eq!((told.matches("\"apply\"").count(), told.matches("end").count()), (2, 0), "{told}");
    assert!(network.heal(8).await.is_none());
    let healed = network.heal(7).await.unwrap();
    let (seen_us, packets) = healed.seen.unwrap();
    assert_eq!((packets, notes(&path).matches("end").count()), (Some(6), 2));
    assert!(healed.at_us <= seen_us && network.faulty().is_empty());
}

#[tokio::test]
async fn packets_that_one_host_has_not_counted_are_unknown_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let uncounted = GOOD.replace("\"packets\":3", "\"packets\":null");
    // Each host is asked with its own number, of which one is odd.
    let script = format!("case \"$a\" in *10.0.0.3*) {uncounted};; *) {GOOD};; esac");
    let network = network(&folder.path().join("notes"), &script);
    let delay = LinkFault::Delay(std::time::Duration::from_millis(5));
    network.break_link(1, route("order-1 <-> order-2"), delay).await.unwrap();
    let (_, packets) = network.heal(1).await.unwrap().seen.unwrap();
    assert_eq!(packets, None);
}

#[tokio::test]
async fn hosts_are_asked_once_for_what_they_can_do_and_again_if_they_are_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes");
    let HostNetwork { layout, .. } = network(&path, GOOD);
    let delay = |ms| LinkFault::Delay(std::time::Duration::from_millis(ms));
    let tries = HostTries::default();
    let asked = || notes(&path).matches("\"apply\"").count();
    // Whatever way their programs have come there in each trial.
    for program in ["first", "second"] {
        let mut layout = layout.clone();
        for way in layout.ways.values_mut() {
            way.holder.push(program.to_owned());
        }
        let links = tries.links(layout.clone(), &[CUT, delay(5), delay(9)]).await;
        assert!(matches!(&links, HostLinks::InTheirNetworks(told) if *told == layout), "{links:?}");
        assert_eq!(asked(), 10, "five hosts, a cut and a delay");
    }
    let mut moved = layout.clone();
    moved.ways.get_mut("n2").unwrap().host.address = "10.0.0.77".to_owned();
    tries.links(moved, &[CUT, delay(5)]).await;
    assert_eq!(asked(), 20);
    let unable = network(&path, r#"echo '{"failed":{"reason":"no rights"}}'"#).layout;
    let links = HostTries::default().links(unable, &[CUT]).await;
    let HostLinks::ByRelays { reason } = links else { panic!("{links:?}") };
    assert_eq!(reason, "host n1: no rights");
}

#[tokio::test]
async fn what_one_host_cannot_do_is_done_at_none_and_told_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let link = route("order-1 <-> catalog");
    let cases = [
        (r#"echo '{"failed":{"reason":"no rights"}}'"#, "no rights"),
        ("echo 'Permission denied (publickey).' >&2; exit 255", "ended: Permission denied"),
        ("echo nonsense", "it said \"nonsense\""),
        (r#"echo '"ready"'; read b"#, "the connection has ended"),
        (r#"echo '"applied"'"#, "it said Applied"),
    ];
    for (script, reason) in cases {
        let network = network(&folder.path().join("notes"), script);
        let error = network.break_link(1, link, CUT).await.unwrap_err().to_string();
        assert!(
            error.starts_with("order-1 <-> catalog: host n") && error.contains(reason),
            "{error}"
        );
        assert!(network.faulty().is_empty() && network.heal(1).await.is_none());
    }
    let mut nowhere = network(&folder.path().join("notes"), GOOD);
    for way in nowhere.layout.ways.values_mut() {
        way.host.connect = vec!["/no/such/program".into()];
    }
    let error = nowhere.break_link(1, link, CUT).await.unwrap_err().to_string();
    assert!(error.contains("cannot run /no/such/program"), "{error}");
}

#[tokio::test]
async fn a_host_that_is_lost_meanwhile_is_told_of_at_the_healing() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"echo '"ready"'; read b; echo '"applied"'; exec 2>&1; exit 1"#;
    let network = network(&folder.path().join("notes"), script);
    network.break_link(1, route("front-end <-> replicas"), CUT).await.unwrap();
    let error = network.heal(1).await.unwrap().seen.unwrap_err().to_string();
    assert!(error.contains("the connection has ended"), "{error}");
    assert!(network.faulty().is_empty());
}

#[test]
fn a_link_is_the_hosts_if_whoever_it_names_is_on_one() {
    let mut network = network(Path::new("notes"), GOOD);
    network.layout.placed.remove(&built_in::catalog());
    for (text, is) in [
        ("order-1 <-> any", true),
        ("order-1 -> clients", true),
        ("order-1 -> catalog", false),
        ("any -> catalog", false),
    ] {
        assert_eq!(network.has(route(text)), is, "{text}");
    }
}
