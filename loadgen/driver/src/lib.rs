//! What a client does, and the one writer of its rows: everything that runs while a target is measured.
//!
//! A crate of its own, so that it is optimised and what surrounds it (plans, the console, reports
//! of progress) need not be: see the profiles in the workspace's Cargo.toml. It knows neither plans
//! nor processes of a target, and no target: what is sent and what answers mean is in the target's file.
//!
//! Reading order: what to do is decided in [`choice`] (pure) within what a target's [`trading`] allows, sent through a [`service`]
//! by [`http`], here or from a [`sender`]'s host, or by a [`program`], judged in [`outcome`] (pure), and strung together and recorded by a [`client`]. [`bazaar`] is
//! the built-in target, and [`order_names`] has numbers for orders that are called by texts. [`control`] is what the
//! run and its clients tell each other; [`attack`] hands the clients to goose. In an open loop
//! [`arrivals`] (pure) says when something is due, following a [`profile`] (pure), and [`pacer`] who does it. [`recorder`] writes
//! the rows down, and [`tally`] counts them meanwhile; [`recent`] holds the last seconds of them. [`heartbeat`] tells when the machine let none of
//! them run, and [`stop`] whether somebody wants the end.

pub mod arrivals;
pub mod attack;
pub mod bazaar;
pub mod choice;
pub mod client;
pub mod control;
pub mod heartbeat;
pub mod http;
pub mod order_names;
pub mod outcome;
pub mod pacer;
pub mod profile;
pub mod program;
pub mod recent;
pub mod recorder;
pub mod sender;
pub mod service;
pub mod stop;
pub mod tally;
pub mod trading;
