//! What a request must look like before anything is done for it. Pure.
//!
//! The console has no password: it is for anybody who sits at this machine. What must be kept out are
//! pages from elsewhere in the same browser. Three ways in, and what closes them:
//!
//! * A page that has its own name point at 127.0.0.1 (DNS rebinding) sends that name as `Host`: only
//!   the console's own addresses are accepted.
//! * A page that asks or posts across origins sends its own `Origin`, and `Sec-Fetch-Site` other than
//!   `same-origin`; both must be ours if they are there, as at the services (rule S1). Browsers always
//!   send `Origin` with a POST, and without it (curl, a script) nobody is being deceived. Bodies must say
//!   that they are JSON, which a form cannot.
//! * A page that shows the console in a frame, to have its buttons pressed unseen: [`HEADERS`] forbid
//!   frames, and whatever is not the console's own.

use hyper::header::{CONTENT_TYPE, HOST, ORIGIN};
use hyper::{HeaderMap, Method, StatusCode};

/// The longest body of a POST: a few fields.
pub(super) const MAX_BODY_BYTES: usize = 4 * 1024;

/// What every answer carries.
pub(super) const HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
];

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Page,
    Style,
    Script,
    Timeline,
    Icon,
    State,
    Events,
    Fault,
    Load,
    Cache,
}

const ROUTES: [(&str, Method, Route); 10] = [
    ("/", Method::GET, Route::Page),
    ("/console.css", Method::GET, Route::Style),
    ("/console.js", Method::GET, Route::Script),
    ("/timeline.js", Method::GET, Route::Timeline),
    ("/icon.svg", Method::GET, Route::Icon),
    ("/state", Method::GET, Route::State),
    ("/events", Method::GET, Route::Events),
    ("/fault", Method::POST, Route::Fault),
    ("/load", Method::POST, Route::Load),
    ("/cache", Method::POST, Route::Cache),
];

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
    /// The method that would do.
    pub(super) allow: Option<Method>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), allow: None }
    }
}

/// Who asks the console on `port`, and for what.
pub(super) fn check(
    port: u16,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Result<Route, Refusal> {
    let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let host = only(headers, HOST.as_str())
        .filter(|host| hosts.iter().any(|own| own == host))
        .ok_or_else(|| {
            let message = format!("host: the console answers as {} only", hosts.join(" or "));
            Refusal::new(StatusCode::MISDIRECTED_REQUEST, message)
        })?;
    check_origin(method, host, headers)?;
    let (_, wanted, route) = ROUTES
        .iter()
        .find(|(known, _, _)| *known == path)
        .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "there is no such page"))?;
    if method != wanted {
        let message = format!("{path} takes {wanted} only");
        let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message);
        return Err(Refusal { allow: Some(wanted.clone()), ..refusal });
    }
    if wanted == Method::POST {
        check_content_type(headers)?;
    }
    Ok(*route)
}

/// Nobody of another origin is told anything either. A browser whose user typed the address says so
/// of what it gets, never of what it posts.
fn check_origin(method: &Method, host: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    let own = format!("http://{host}");
    let is_own = |name: &str, wanted: &[&str]| {
        !headers.contains_key(name) || only(headers, name).is_some_and(|is| wanted.contains(&is))
    };
    let sites: &[&str] =
        if method == Method::GET { &["same-origin", "none"] } else { &["same-origin"] };
    if is_own(ORIGIN.as_str(), &[&own]) && is_own("sec-fetch-site", sites) {
        return Ok(());
    }
    let message = "origin: only the console's own page may do that; type its address to open it";
    Err(Refusal::new(StatusCode::FORBIDDEN, message))
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let content_type = only(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        let message = "content-type: must be application/json";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    Ok(())
}

/// A header's text, unless it is absent, repeated or no text.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    const PORT: u16 = 30_000;

    fn checked(method: Method, path: &str, headers: &[(&str, &str)]) -> Result<Route, u16> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        check(PORT, &method, path, &map).map_err(|refusal| refusal.status.as_u16())
    }

    fn post(headers: &[(&str, &str)]) -> Result<Route, u16> {
        let all: Vec<_> = [("host", "127.0.0.1:30000")].iter().chain(headers).copied().collect();
        checked(Method::POST, "/fault", &all)
    }

    const JSON: (&str, &str) = ("content-type", "application/json");

    #[test]
    fn only_the_consoles_own_names_are_answered() {
        let get = |host| checked(Method::GET, "/", &[("host", host)]);
        for own in ["127.0.0.1:30000", "localhost:30000"] {
            assert_eq!(get(own), Ok(Route::Page));
        }
        let rebound = [
            "evil.example:30000",
            "127.0.0.1",
            "127.0.0.1:30001",
            "localhost:30000.evil.example",
            "LOCALHOST.evil.example:30000",
            "",
        ];
        for other in rebound {
            assert_eq!(get(other), Err(421), "{other}");
        }
        assert_eq!(checked(Method::GET, "/", &[]), Err(421));
        let twice = [("host", "127.0.0.1:30000"), ("host", "evil.example")];
        assert_eq!(checked(Method::GET, "/", &twice), Err(421));
    }

    #[test]
    fn another_origin_may_not_post() {
        let own = ("origin", "http://127.0.0.1:30000");
        assert_eq!(post(&[JSON, own, ("sec-fetch-site", "same-origin")]), Ok(Route::Fault));
        assert_eq!(post(&[JSON]), Ok(Route::Fault), "a script sends neither");
        for origin in
            ["http://evil.example", "null", "http://127.0.0.1:8000", "https://127.0.0.1:30000"]
        {
            assert_eq!(post(&[JSON, ("origin", origin)]), Err(403), "{origin}");
        }
        // The page and its post must agree on the console's name.
        assert_eq!(post(&[JSON, ("origin", "http://localhost:30000")]), Err(403));
        for site in ["cross-site", "same-site", "none"] {
            assert_eq!(post(&[JSON, own, ("sec-fetch-site", site)]), Err(403), "{site}");
        }
        assert_eq!(post(&[JSON, own, ("origin", "http://evil.example")]), Err(403));
    }

    #[test]
    fn another_origin_is_told_nothing() {
        let get = |name, value| {
            checked(Method::GET, "/state", &[("host", "127.0.0.1:30000"), (name, value)])
        };
        for site in ["same-origin", "none"] {
            assert_eq!(get("sec-fetch-site", site), Ok(Route::State), "{site}");
        }
        for site in ["cross-site", "same-site", ""] {
            assert_eq!(get("sec-fetch-site", site), Err(403), "{site}");
        }
        assert_eq!(get("origin", "http://evil.example"), Err(403));
        assert_eq!(get("origin", "http://127.0.0.1:30000"), Ok(Route::State));
    }

    #[test]
    fn a_form_cannot_post() {
        for content_type in
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
        {
            assert_eq!(post(&[("content-type", content_type)]), Err(415), "{content_type}");
        }
        assert_eq!(post(&[]), Err(415));
        let with_charset = ("content-type", "Application/JSON; charset=utf-8");
        assert_eq!(post(&[with_charset]), Ok(Route::Fault));
    }

    #[test]
    fn paths_and_methods_are_the_consoles_own() {
        let host = ("host", "127.0.0.1:30000");
        assert_eq!(checked(Method::GET, "/../etc/passwd", &[host]), Err(404));
        assert_eq!(checked(Method::GET, "/fault", &[host]), Err(405));
        assert_eq!(checked(Method::POST, "/state", &[host, JSON]), Err(405));
        assert_eq!(checked(Method::OPTIONS, "/fault", &[host]), Err(405));
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("127.0.0.1:30000"));
        let refusal = check(PORT, &Method::DELETE, "/load", &headers).unwrap_err();
        assert_eq!(refusal.allow, Some(Method::POST));
    }
}
