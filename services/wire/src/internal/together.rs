//! Requests of one process to another that travel in one.
//!
//! `POST /together` carries trades that came to the sender in the same turn. Each is worked on as if it had come
//! alone, and is answered on a line of its own as soon as it can be: a slow one holds up nobody.

use serde::{Deserialize, Serialize};

/// Requests that travel in one, at most. The answers to so many fit into what the system holds of an answer that is not
/// taken yet (16 KiB), so that a server need not wait with the rest until its peer acknowledges the first.
pub const MAX_TOGETHER: usize = 64;

/// The body of `POST /together`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TogetherRequest {
    /// At most [`MAX_TOGETHER`]. They are told apart by their places here, from 0.
    pub requests: Vec<MemberRequest>,
}

/// What would otherwise be a request of its own. The sender's token is the shared one's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// The path, with the query string.
    pub target: String,
    /// Names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// JSON, or nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}

/// One line of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberAnswer {
    /// The place of its request.
    pub member: usize,
    /// The status.
    pub status: u16,
    /// Names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// JSON, or nothing.
    pub body: String,
}
