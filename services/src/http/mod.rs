//! HTTP as the three services need it: a table of endpoints, bounded bodies and queues, one form
//! of error, and a pooled client that tells a refused connection from a broken one.
//!
//! Nothing here knows what a stock or an order is.

mod answer;
mod attempts;
mod client;
mod endpoint;
mod places;
mod request;
mod server;

pub use answer::Answer;
pub use attempts::{Attempt, Attempts};
pub use client::{Call, CallError, Peers, Reply};
pub use endpoint::{Access, Endpoint};
pub use places::Places;
pub use request::{BadRequest, Request};
pub use server::{ServerConfig, Service, serve};
