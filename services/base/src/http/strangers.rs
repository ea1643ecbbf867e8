//! Rule S1: a request from another origin, or for another host name, changes nothing and is told
//! nothing. Pure; bytes are compared where they lie, nothing is allocated.
//!
//! The services have no password, since they are for anybody who sits at this machine. What has to be
//! kept out are pages from elsewhere in a browser on it, which can send requests to loopback:
//!
//! * A page whose own name was made to point at 127.0.0.1 (DNS rebinding) is of one origin with the
//!   service, for the browser. It sends that name as `Host`, so a name must be one that was given by
//!   flag; a literal address cannot be rebound. *Otherwise: it reads and trades at will.*
//! * A page of another origin says so in `Origin`, in every request that is no plain GET, and in
//!   `Sec-Fetch-Site`, in every request. *Otherwise: an `<img>` of `/trade?...` at an order replica
//!   trades; a form posts an order, whatever content type it has.*
//!
//! Scripts, curl and old clients send neither header, and nobody is being deceived through them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use hyper::header::{HOST, HeaderName, ORIGIN};
use hyper::{HeaderMap, Method, StatusCode, Uri};

use super::Answer;

/// The header in which a browser says how the page that asks is related to the service.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Names that a service answers to, besides `localhost` and literal addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Arc<[String]>);

impl Names {
    /// These names, whatever their letter case.
    #[must_use]
    pub fn new(names: Vec<String>) -> Self {
        Self(names.into())
    }

    fn contain(&self, host: &str) -> bool {
        host.eq_ignore_ascii_case("localhost")
            || self.0.iter().any(|name| name.eq_ignore_ascii_case(host))
    }
}

/// Why a request is not looked at any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stranger {
    /// It is for a name that is not ours.
    Host,
    /// It comes from a page of another origin.
    Origin,
}

impl Stranger {
    pub(super) fn answer(self) -> Answer {
        let message = match self {
            Self::Host => {
                "host: this service answers to literal addresses, localhost, and names given with \
                 --allowed-host"
            }
            Self::Origin => "origin: pages of other origins may not ask this service anything",
        };
        Answer::error_without_effect(StatusCode::FORBIDDEN, message)
    }
}

/// Whether a request may be answered at all.
pub(super) fn check(
    method: &Method,
    target: &Uri,
    headers: &HeaderMap,
    names: &Names,
) -> Result<(), Stranger> {
    // A target in absolute form names the host that is meant, whatever `Host` says.
    if let Some(authority) = target.authority()
        && !is_ours(authority.as_str().as_bytes(), names)
    {
        return Err(Stranger::Host);
    }
    let host = only(headers, &HOST).map_err(|Repeated| Stranger::Host)?;
    if host.is_some_and(|host| !host.is_empty() && !is_ours(host, names)) {
        return Err(Stranger::Host);
    }
    let origin = only(headers, &ORIGIN).map_err(|Repeated| Stranger::Origin)?;
    if origin.is_some_and(|origin| !is_same_origin(origin, host)) {
        return Err(Stranger::Origin);
    }
    match only(headers, &SEC_FETCH_SITE).map_err(|Repeated| Stranger::Origin)? {
        None | Some(b"same-origin") => Ok(()),
        // Somebody typed the address, or opened a bookmark.
        Some(b"none") if method == Method::GET => Ok(()),
        Some(_) => Err(Stranger::Origin),
    }
}

struct Repeated;

/// A header's value, unless there are several. Names that are known as such need not be read each time.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a [u8]>, Repeated> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(|value| value.as_bytes());
    if values.next().is_some() { Err(Repeated) } else { Ok(value) }
}

/// The service's own pages are plain HTTP, at the host and port that the request is for.
fn is_same_origin(origin: &[u8], host: Option<&[u8]>) -> bool {
    let scheme = b"http://";
    host.is_some_and(|host| {
        origin.len() == scheme.len() + host.len()
            && origin[..scheme.len()].eq_ignore_ascii_case(scheme)
            && origin[scheme.len()..].eq_ignore_ascii_case(host)
    })
}

/// A literal address, `localhost` or a given name, with any port or none.
fn is_ours(authority: &[u8], names: &Names) -> bool {
    let Ok(authority) = std::str::from_utf8(authority) else { return false };
    if let Some(rest) = authority.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        return is_port(port) && address.parse::<Ipv6Addr>().is_ok();
    }
    let end = authority.find(':').unwrap_or(authority.len());
    let (host, port) = authority.split_at(end);
    is_port(port) && (host.parse::<Ipv4Addr>().is_ok() || names.contain(host))
}

/// Nothing, or a colon and digits.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A name for the flag `--allowed-host`: what may stand in `Host`, without a port.
///
/// # Errors
/// If it is none; the text says why.
pub fn parse_name(text: &str) -> Result<String, String> {
    let fits = (1..=253).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if !fits {
        return Err("write a host name without a port, for example bazaar.example".to_owned());
    }
    if text.parse::<IpAddr>().is_ok() {
        return Err("literal addresses are answered to anyway".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn checked(method: &Method, target: &str, headers: &[(&str, &str)]) -> Result<(), Stranger> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        let names = Names::new(vec!["Bazaar.example".to_owned()]);
        check(method, &target.parse().unwrap(), &map, &names)
    }

    fn host(host: &str) -> Result<(), Stranger> {
        checked(&Method::GET, "/stocks", &[("host", host)])
    }

    #[test]
    fn literal_addresses_localhost_and_given_names_are_answered_with_any_port() {
        for own in [
            "127.0.0.1",
            "127.0.0.1:30001",
            "10.1.2.3:1",
            "[::1]",
            "[::1]:30001",
            "[fe80::1]:80",
            "localhost",
            "LocalHost:30001",
            "bazaar.example",
            "BAZAAR.EXAMPLE:30001",
            "",
        ] {
            assert_eq!(host(own), Ok(()), "{own}");
        }
        assert_eq!(checked(&Method::POST, "/orders", &[]), Ok(()), "an old client sends none");
    }

    #[test]
    fn a_name_that_points_here_is_not_answered() {
        for other in [
            "evil.example",
            "evil.example:30001",
            "127.0.0.1.evil.example",
            "localhost.evil.example:30001",
            "localhost:30001.evil.example",
            "evil.example:localhost",
            "127.0.0.1@evil.example",
            "0x7f.1",
            "127.1",
            "[::1",
            "[::1]evil.example",
            "[evil.example]",
            "::1",
            "x",
            " ",
        ] {
            assert_eq!(host(other), Err(Stranger::Host), "{other}");
        }
        let twice = [("host", "127.0.0.1"), ("host", "evil.example")];
        assert_eq!(checked(&Method::GET, "/stocks", &twice), Err(Stranger::Host));
    }

    #[test]
    fn a_target_in_absolute_form_is_held_to_the_same() {
        let own = [("host", "127.0.0.1:30001")];
        let ours = "http://127.0.0.1:30001/stocks";
        assert_eq!(checked(&Method::GET, ours, &own), Ok(()));
        assert_eq!(checked(&Method::GET, ours, &[]), Ok(()));
        for theirs in ["http://evil.example/stocks", "http://127.0.0.1@evil.example:30001/"] {
            assert_eq!(checked(&Method::GET, theirs, &own), Err(Stranger::Host), "{theirs}");
        }
        let other = [("host", "evil.example")];
        assert_eq!(checked(&Method::GET, ours, &other), Err(Stranger::Host));
    }

    #[test]
    fn another_origin_is_refused_whatever_the_method() {
        let own = ("host", "127.0.0.1:30001");
        for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS] {
            let from = |origin| checked(&method, "/orders", &[own, ("origin", origin)]);
            assert_eq!(from("http://127.0.0.1:30001"), Ok(()));
            for other in [
                "http://evil.example",
                "https://127.0.0.1:30001",
                "http://127.0.0.1:30002",
                "http://127.0.0.1",
                "http://localhost:30001",
                "null",
                "",
            ] {
                assert_eq!(from(other), Err(Stranger::Origin), "{method} {other}");
            }
        }
        let alone = [("origin", "http://127.0.0.1:30001")];
        assert_eq!(checked(&Method::GET, "/stocks", &alone), Err(Stranger::Origin));
        let twice = [own, ("origin", "http://127.0.0.1:30001"), ("origin", "null")];
        assert_eq!(checked(&Method::GET, "/stocks", &twice), Err(Stranger::Origin));
    }

    #[test]
    fn a_browser_says_how_the_page_is_related() {
        let own = ("host", "localhost:30001");
        let site = |method: &Method, site| {
            checked(method, "/trade?quantity=1", &[own, ("sec-fetch-site", site)])
        };
        for (method, typed) in [(Method::GET, Ok(())), (Method::POST, Err(Stranger::Origin))] {
            assert_eq!(site(&method, "same-origin"), Ok(()));
            assert_eq!(site(&method, "none"), typed);
            for other in ["cross-site", "same-site", "", "Same-Origin"] {
                assert_eq!(site(&method, other), Err(Stranger::Origin), "{method} {other}");
            }
        }
    }

    #[test]
    fn a_given_name_has_no_port() {
        assert_eq!(parse_name("bazaar.example"), Ok("bazaar.example".to_owned()));
        for wrong in ["", "bazaar:1", "http://bazaar", "two words", "10.0.0.1", "*"] {
            assert!(parse_name(wrong).is_err(), "{wrong}");
        }
    }
}
