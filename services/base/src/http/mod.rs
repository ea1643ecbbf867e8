//! HTTP as the three services need it: a table of endpoints, bounded bodies and queues, one form
//! of error, and a pooled client that tells a refused connection from a broken one.
//!
//! Nothing here knows what a stock or an order is.

mod answer;
mod attempts;
mod body;
#[cfg(test)]
mod bounds;
mod bulkhead;
mod capacity;
mod client;
mod connections;
mod endpoint;
mod limits;
mod members;
mod request;
mod server;
mod service;
mod strangers;
mod stream;
mod together;
mod token;

pub use answer::Answer;
pub use attempts::{Attempt, Attempts};
pub use bulkhead::{Bulkhead, Load, Peer};
pub use client::{Call, CallError, Peers, Reply};
pub use endpoint::{Access, Endpoint};
pub use limits::{HttpConfig, Limits};
pub use request::{BadRequest, Request};
pub use server::{ServerConfig, serve};
pub use service::Service;
pub use strangers::{Names, parse_name};
pub use together::Together;
