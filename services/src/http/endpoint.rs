//! The table of endpoints that a service answers: which paths exist, and who may call them.

use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, StatusCode};

use super::Answer;

/// Who may call an endpoint, and what it shares its places with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Other services, for work that clients cause: needs the shared secret where there is one.
    Work,
    /// Other services and operators, for what keeps the bazaar together: needs the shared secret
    /// where there is one, has places of its own so that neither clients nor the work that they
    /// cause can starve it (rule E5), and may carry larger bodies.
    Internal,
}

/// One row of a service's table.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint<R> {
    method: &'static str,
    path: &'static str,
    access: Access,
    route: R,
}

impl<R: Copy> Endpoint<R> {
    /// An endpoint that is read. A path that ends in `/*` takes one further, non-empty segment.
    pub const fn get(path: &'static str, access: Access, route: R) -> Self {
        Self { method: "GET", path, access, route }
    }

    /// An endpoint that is posted to.
    pub const fn post(path: &'static str, access: Access, route: R) -> Self {
        Self { method: "POST", path, access, route }
    }

    fn matches(&self, path: &str) -> bool {
        match self.path.strip_suffix("/*") {
            None => self.path == path,
            Some(prefix) => path
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_prefix('/'))
                .is_some_and(|segment| !segment.is_empty() && !segment.contains('/')),
        }
    }
}

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match<R> {
    /// The path as it stands in the table: a label with few values.
    pub(super) path: &'static str,
    pub(super) access: Access,
    pub(super) route: R,
}

/// Finds the row for a request; an unknown path is 404, a known one with another method 405.
pub(super) fn find<R: Copy>(
    table: &[Endpoint<R>],
    method: &Method,
    path: &str,
) -> Result<Match<R>, Answer> {
    let mut allowed = Vec::new();
    for row in table.iter().filter(|row| row.matches(path)) {
        if row.method == method.as_str() {
            return Ok(Match { path: row.path, access: row.access, route: row.route });
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

    fn status_or_route(method: &Method, path: &str) -> Result<u8, u16> {
        find(TABLE, method, path)
            .map(|found| found.route)
            .map_err(|answer| answer.status().as_u16())
    }

    #[test]
    fn a_known_path_with_another_method_is_405_and_an_unknown_path_is_404() {
        assert_eq!(status_or_route(&Method::GET, "/orders"), Ok(1));
        assert_eq!(status_or_route(&Method::POST, "/orders"), Ok(2));
        assert_eq!(status_or_route(&Method::DELETE, "/orders"), Err(405));
        assert_eq!(status_or_route(&Method::GET, "/order"), Err(404));
    }

    #[test]
    fn a_star_takes_exactly_one_segment() {
        assert_eq!(status_or_route(&Method::GET, "/orders/7"), Ok(1));
        assert_eq!(status_or_route(&Method::GET, "/orders/"), Err(404));
        assert_eq!(status_or_route(&Method::GET, "/orders/7/8"), Err(404));
        assert_eq!(status_or_route(&Method::GET, "/ordersX"), Err(404));
    }
}
