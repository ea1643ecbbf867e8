//! What a client does: query a random stock, perhaps trade, look the acknowledged orders up.
//!
//! Reading order: what to do is decided in [`choice`] (pure), sent by [`http`], judged in
//! [`outcome`] (pure), and strung together and recorded by a [`client`]. [`control`] is what the
//! run and its clients tell each other; [`attack`] hands the clients to goose. In an open loop
//! [`arrivals`] (pure) says when something is due, and [`pacer`] who does it.

pub mod arrivals;
pub mod attack;
pub mod choice;
pub mod client;
pub mod control;
pub mod http;
pub mod outcome;
pub mod pacer;
