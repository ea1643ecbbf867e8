//! The table of endpoints that a service answers: which paths exist, and who may call them.

use hyper::header::{ALLOW, HeaderValue};
use hyper::{HeaderMap, StatusCode};

use super::{Answer, Load, Peer};

/// Who may call an endpoint, and what it shares its places with. *On loopback* means: where the
/// service listens on a loopback address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody, wherever the service listens.
    Public,
    /// Work that clients cause: anybody on loopback, with the bazaar's token elsewhere.
    Work,
    /// What is looked at, or sent by clients of old, besides work: anybody on loopback, with the
    /// token elsewhere. Who has the token shares places with the internal endpoints.
    Local,
    /// Anybody who has the bazaar's token, on loopback too: what keeps the bazaar together. Has places of
    /// its own, so that neither clients nor the work that they cause can starve it (rule E5), and may
    /// carry larger bodies.
    Internal,
}

/// One row of a service's table, and what the service calls it.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint<R> {
    pub(super) row: Row,
    pub(super) route: R,
}

/// One row of a service's table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    method: &'static str,
    /// As it stands in the table: a label with few values.
    pub(super) path: &'static str,
    access: Access,
    /// With this header, it is an internal endpoint.
    internal_with: Option<&'static str>,
    pub(super) load: Load,
    /// Whom it has to ask where the service has no answer here.
    pub(super) asks: Option<Peer>,
}

impl<R: Copy> Endpoint<R> {
    /// An endpoint that is read. A path that ends in `/*` takes one further, non-empty segment.
    pub const fn get(path: &'static str, access: Access, route: R) -> Self {
        let (internal_with, load, asks) = (None, Load::Read, None);
        Self { row: Row { method: "GET", path, access, internal_with, load, asks }, route }
    }

    /// An endpoint that is posted to.
    pub const fn post(path: &'static str, access: Access, route: R) -> Self {
        let get = Self::get(path, access, route);
        Self { row: Row { method: "POST", ..get.row }, ..get }
    }

    /// The same, for trades: they share no places with what is only read (rule G3).
    #[must_use]
    pub const fn trading(mut self) -> Self {
        self.row.load = Load::Trade;
        self
    }

    /// The same, for reads that need another process unless the service has an answer
    /// [here](super::Service::answer_here): from then on they share no places with other reads (rule G3).
    #[must_use]
    pub const fn asking(mut self, peer: Peer) -> Self {
        self.row.asks = Some(peer);
        self
    }

    /// The same, which is internal for anybody who sends this header: it then is part of a protocol.
    #[must_use]
    pub const fn internal_with(mut self, header: &'static str) -> Self {
        self.row.internal_with = Some(header);
        self
    }
}

impl Row {
    fn matches(&self, path: &str) -> bool {
        match self.path.strip_suffix("/*") {
            None => self.path == path,
            Some(prefix) => path
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_prefix('/'))
                .is_some_and(|segment| !segment.is_empty() && !segment.contains('/')),
        }
    }

    /// What a request is let do there: as what kind of access its places are chosen. `None`: nothing,
    /// without the token.
    pub(super) fn admit(
        &self,
        headers: &HeaderMap,
        has_token: bool,
        on_loopback: bool,
    ) -> Option<Access> {
        match self.access {
            Access::Public => Some(Access::Public),
            Access::Work => (has_token || on_loopback).then_some(Access::Work),
            Access::Local | Access::Internal if has_token => Some(Access::Internal),
            Access::Local if on_loopback => {
                let is_internal = self.internal_with.is_some_and(|name| headers.contains_key(name));
                (!is_internal).then_some(Access::Public)
            }
            Access::Local | Access::Internal => None,
        }
    }
}

/// Finds the row for a request, by its index; an unknown path is 404, a known one with another method 405.
pub(super) fn find(table: &[Row], method: &str, path: &str) -> Result<usize, Answer> {
    let mut allowed = Vec::new();
    for (index, row) in table.iter().enumerate().filter(|(_, row)| row.matches(path)) {
        if row.method == method {
            return Ok(index);
        }
        allowed.push(row.method);
    }
    if allowed.is_empty() {
        return Err(Answer::error(StatusCode::NOT_FOUND, "no such path"));
    }
    let allowed = allowed.join(", ");
    let message = format!("this path takes {allowed}");
    // The table's methods are plain ASCII words.
    let allowed = HeaderValue::from_str(&allowed).expect("method names fit a header");
    Err(Answer::error(StatusCode::METHOD_NOT_ALLOWED, message).header(ALLOW, allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Endpoint<u8>] = &[
        Endpoint::get("/orders", Access::Public, 1),
        Endpoint::get("/orders/*", Access::Public, 1),
        Endpoint::post("/orders", Access::Public, 2),
    ];

    fn status_or_route(method: &str, path: &str) -> Result<u8, u16> {
        let rows: Vec<Row> = TABLE.iter().map(|endpoint| endpoint.row).collect();
        find(&rows, method, path)
            .map(|index| TABLE[index].route)
            .map_err(|answer| answer.status().as_u16())
    }

    #[test]
    fn a_known_path_with_another_method_is_405_and_an_unknown_path_is_404() {
        assert_eq!(status_or_route("GET", "/orders"), Ok(1));
        assert_eq!(status_or_route("POST", "/orders"), Ok(2));
        assert_eq!(status_or_route("DELETE", "/orders"), Err(405));
        assert_eq!(status_or_route("GET", "/order"), Err(404));
    }

    #[test]
    fn a_star_takes_exactly_one_segment() {
        assert_eq!(status_or_route("GET", "/orders/7"), Ok(1));
        assert_eq!(status_or_route("GET", "/orders/"), Err(404));
        assert_eq!(status_or_route("GET", "/orders/7/8"), Err(404));
        assert_eq!(status_or_route("GET", "/ordersX"), Err(404));
    }

    #[test]
    fn what_is_internal_wants_the_token_on_loopback_too() {
        let admitted = |access, has_token, on_loopback| {
            let row = Endpoint::get("/x", access, 0).internal_with("x-epoch").row;
            row.admit(&HeaderMap::new(), has_token, on_loopback)
        };
        let nobody =
            [false, true].map(|on_loopback| admitted(Access::Internal, false, on_loopback));
        assert_eq!(nobody, [None, None]);
        assert_eq!(admitted(Access::Internal, true, false), Some(Access::Internal));
        for access in [Access::Work, Access::Local] {
            assert_eq!(admitted(access, false, false), None, "{access:?}");
            assert!(admitted(access, false, true).is_some(), "{access:?}");
            assert!(admitted(access, true, false).is_some(), "{access:?}");
        }
        assert_eq!(admitted(Access::Public, false, false), Some(Access::Public));
        // Strangers take no place of the peers.
        assert_eq!(admitted(Access::Local, false, true), Some(Access::Public));
        assert_eq!(admitted(Access::Local, true, true), Some(Access::Internal));
    }

    #[test]
    fn an_endpoint_may_be_internal_for_who_sends_a_header() {
        let row = Endpoint::post("/sync", Access::Local, 0).internal_with("x-epoch").row;
        let mut headers = HeaderMap::new();
        assert_eq!(row.admit(&headers, false, true), Some(Access::Public));
        headers.insert("x-epoch", HeaderValue::from_static("1"));
        assert_eq!(row.admit(&headers, false, true), None);
        assert_eq!(row.admit(&headers, true, true), Some(Access::Internal));
    }
}
