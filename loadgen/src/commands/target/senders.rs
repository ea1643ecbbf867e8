//! The hosts that clients are to be on: does a request that is sent from each get there, and back?

use driver::service::Service;
use faults::clock::Origin;
use targets::target::Target;

use super::findings::Findings;
use super::operations::Operations;
use crate::target::hosts::Hosts;
use crate::target::senders::Senders;

/// Has each send, if the file names such hosts, and the service's clients send from there.
pub(super) async fn start(
    hosts: &Hosts,
    service: Service,
    findings: &mut Findings,
) -> (Service, Option<Senders>) {
    match Senders::start(hosts).await {
        Ok(Some(senders)) => (service.with_senders(senders.senders().to_vec()), Some(senders)),
        Ok(None) => (service, None),
        Err(error) => {
            let told = format!("{error:#}");
            told.lines().for_each(|line| findings.fails("load.from", line));
            (service, None)
        }
    }
}

/// Asks once from each of the hosts, as the clients there will.
pub(super) async fn try_each(
    target: &Target,
    senders: Option<&Senders>,
    (service, http): (&Service, &reqwest::Client),
    stocks: &[String],
    findings: &mut Findings,
) {
    let hosts = senders.into_iter().flat_map(Senders::hosts);
    for (number, host) in (1..).zip(hosts) {
        let subject = format!("load from {host}");
        let connection = service.client(http.clone(), number, Origin::now());
        let asked =
            Operations::new(target, connection).ask(stocks.first().map(String::as_str)).await;
        match asked {
            Some(done) if done.is_ok() => {
                findings.ok(subject, format_args!("answered ({} ms)", done.took.as_millis()));
            }
            Some(done) => findings.fails(subject, done.why()),
            None => findings.missing(subject, "the file describes nothing to be asked"),
        }
    }
}
