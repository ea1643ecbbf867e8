//! The network between the services, as far as the harness owns it: a TCP relay for every
//! direction in which one service opens connections to another.
//!
//! Linux lets nobody but root make a network worse. But each service is told its peers' addresses
//! on its command line, so where links are to be broken it is told the
//! addresses of relays, which run in the harness, and which can hold back, reset, delay and
//! throttle what passes. The harness itself, clients and probes, speak to the services directly.
//! A target's processes have relays where its file hands one the port of another
//! ([`ServicePlan::relays`](crate::bazaar::ServicePlan::relays)).
//!
//! A link is a direction from one process to another: all bytes that the one sends to the other,
//! on connections that either of them opened (see `path.rs`). So a cut in one direction lets
//! requests through and loses their answers, or lets an old leader hear and not be heard.
//!
//! The invariant that all of this must keep, because the catalog's cache protocol rests on it
//! (rule C3: only a refused connection at the front-end's address means that there is no
//! front-end, hence no cache):
//!
//! * **A relay refuses connections only while the process behind it is dead.** It listens before
//!   the process is started, so before the process can bind, let alone answer anything, and it
//!   stops listening only once the process has been waited for. Whatever else happens (a cut, a
//!   process that lives and does not listen yet or any more, too many connections) makes a
//!   connection silent or resets it, which is "unclear", and is tried again.
//!
//! The price is on the safe side: for a moment after a death a relay still accepts, and resets.

mod condition;
mod connection;
mod direction;
mod listener;
mod network;

pub(crate) use network::Network;
pub use network::Relay;
