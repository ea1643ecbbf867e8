//! A target's client program: does it say hello, prepare and connect, and does it live to the end?

use driver::service::Connection;
use targets::target::{Target, Variant};

use super::findings::Findings;
use crate::target::TargetTrial;
use crate::target::clients::{ClientPrograms, LoadFacts, Place};

/// What is said of the load: the check is one client, and nothing in it is drawn.
const LOAD: LoadFacts = LoadFacts { clients: 1, seed: 0 };

/// Starts it, if the file has one, and has it prepare what the target needs. Whoever does not say hello is not there.
pub(super) async fn start(
    target: &Target,
    variant: Option<&Variant>,
    trial: &TargetTrial,
    findings: &mut Findings,
) -> Option<ClientPrograms> {
    let clients = match ClientPrograms::start(target, variant, Place::of(trial), LOAD).await {
        Ok(clients) => clients?,
        Err(error) => {
            findings.fails("client", format_args!("{error:#}"));
            return None;
        }
    };
    let can = clients.capabilities().join(", ");
    findings.ok("client", format_args!("says hello, and that it can do {can}"));
    match clients.prepare().await {
        Ok(true) => findings.ok("client prepare", "is done"),
        Ok(false) => findings.missing("client prepare", "it does not say that it can"),
        Err(reason) => findings.fails("client prepare", reason),
    }
    Some(clients)
}

/// Says whether a client can be connected, where a program has to do that.
pub(super) async fn connect(connection: &Connection, findings: &mut Findings) {
    match connection.open().await {
        Ok(true) => findings.ok("client connect", "client 1 is connected"),
        Ok(false) => {}
        Err(reason) => findings.fails("client connect", reason),
    }
}

/// Says what it did wrong, or too late.
pub(super) fn sum_up(clients: &mut ClientPrograms, findings: &mut Findings) {
    for said in clients.troubles() {
        findings.fails("client", said);
    }
}
