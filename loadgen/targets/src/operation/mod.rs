//! What clients do with an [`Operation`](crate::target::Operation): the request that it sends, and what the answer means.
//! Pure: somebody else sends it.
//!
//! What comes from the service is bounded and never trusted: a name with a line break must not become a header, and an
//! answer that cannot be understood is *unknown*, since it may have had an effect.

mod answer;
mod places;
mod request;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Captures, MAX_ANSWER_BYTES, MAX_HEADER_BYTES};
pub use places::Places;
pub use request::{FilledRequest, RequestError};
