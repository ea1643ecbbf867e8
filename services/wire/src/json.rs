//! Messages as JSON.
//!
//! Reading and writing JSON is generic code, which is compiled where it is used. So it is used here, where
//! the messages are, once for each, and not again in every crate that sends or receives them.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bazaar::{
    CatalogAnswer, CatalogTrade, Data, ErrorBody, LeaderBody, Order, OrderAccepted, OrderRejected,
    Readiness, Removed, Stock, TradeRequest,
};
use crate::configuration::{Configuration, Fence, History, Member, MembershipRequest};
use crate::dump::{CatalogPage, OrderPage};
use crate::internal::{
    Append, AppendReply, CatalogStatus, FillReply, FillRequest, Invalidation, MemberAnswer,
    PingReply, ProofRequest, SeenVersions, TogetherRequest, UnnumberedReply, UnnumberedRequest,
};

/// What is sent.
pub trait ToJson {
    /// The message as JSON, on one line.
    fn to_json(&self) -> String;
}

/// What comes back: anybody who receives it looks whether it is what was expected.
pub trait FromJson: Sized {
    /// The message that `json` holds.
    ///
    /// # Errors
    /// If it holds something else.
    fn from_json(json: &[u8]) -> serde_json::Result<Self>;
}

/// What is asked for: anybody who asks is told what is wrong with it.
pub trait FromBody: Sized {
    /// The message that `body` holds as JSON.
    ///
    /// # Errors
    /// If it holds something else.
    fn from_body(body: &[u8]) -> Result<Self, BadBody>;
}

/// What is wrong with the body of a request, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadBody {
    /// The path to the field, `body` for the body as a whole.
    pub field: String,
    /// In words.
    pub problem: String,
}

macro_rules! to_json {
    ($($message:ty),+ $(,)?) => {$(
        impl ToJson for $message {
            fn to_json(&self) -> String {
                written(self)
            }
        }
    )+};
}

macro_rules! from_json {
    ($($message:ty),+ $(,)?) => {$(
        impl FromJson for $message {
            fn from_json(json: &[u8]) -> serde_json::Result<Self> {
                serde_json::from_slice(json)
            }
        }
    )+};
}

macro_rules! from_body {
    ($($message:ty),+ $(,)?) => {$(
        impl FromBody for $message {
            fn from_body(body: &[u8]) -> Result<Self, BadBody> {
                read(body)
            }
        }
    )+};
}

to_json! {
    Append, AppendReply, CatalogAnswer, CatalogPage, CatalogStatus, CatalogTrade, Configuration,
    Data<Order>, Data<Stock>, ErrorBody, Fence, FillReply, FillRequest, History, Invalidation, LeaderBody,
    MemberAnswer, MembershipRequest, OrderAccepted, OrderPage, OrderRejected, PingReply, ProofRequest,
    Readiness, Removed, SeenVersions, Stock, TogetherRequest, UnnumberedReply, UnnumberedRequest, Vec<Member>, serde_json::Value,
}

from_json! {
    AppendReply, CatalogAnswer, CatalogStatus, Configuration, Data<Order>, Data<Stock>, ErrorBody,
    FillReply, MemberAnswer, OrderAccepted, OrderRejected, PingReply, SeenVersions, UnnumberedReply,
    Vec<Member>, serde_json::Value,
}

from_body! {
    Append, CatalogTrade, Configuration, Fence, FillRequest, Invalidation, MembershipRequest,
    ProofRequest, TogetherRequest, TradeRequest, UnnumberedRequest,
}

fn written(message: &impl Serialize) -> String {
    // All messages have string keys and finite numbers, so writing them cannot fail.
    serde_json::to_string(message).expect("wire types can always be written as JSON")
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, BadBody> {
    let bad = |field: String, error: serde_json::Error| {
        // What concerns the body as a whole has a lone dot for a path, or a question mark.
        let field = if [".", "?"].contains(&field.as_str()) { "body".into() } else { field };
        BadBody { field, problem: error.to_string() }
    };
    let mut json = serde_json::Deserializer::from_slice(body);
    let message = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| bad(error.path().to_string(), error.into_inner()))?;
    json.end().map_err(|error| bad("body".into(), error))?;
    Ok(message)
}
