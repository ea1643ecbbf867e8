//! Where the processes of a target dump what they hold, as its file says: each page is asked for there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context, anyhow};
use faults::dump::{DumpKind, DumpSource};
use minijinja::Value;
use reqwest::Url;
use targets::target::{Dumped, Target};

use super::asking::{Asking, Question};

/// Those of all processes that dump, logs first.
///
/// # Errors
/// A URL that is not one of a process on this machine, or too much work to make one.
pub(super) fn sources(target: &Target, asking: &Asking) -> anyhow::Result<Vec<DumpSource>> {
    let Some(endpoint) = &target.capabilities.dump else { return Ok(Vec::new()) };
    let source = |(name, dumped): (&str, Dumped)| {
        let values = vec![("process", Value::from(name))];
        let question = asking.request(&endpoint.request, values);
        let question = question.map_err(|reason| anyhow!("capabilities.dump: {reason}"))?;
        let Question::Get { url, headers, .. } = question else {
            return Err(anyhow!("capabilities.dump is not asked by GET"));
        };
        let (address, path) = place(&url).with_context(|| {
            format!("capabilities.dump.url: {url}: must be http://, an IP address and a port")
        })?;
        let kind = match dumped {
            Dumped::Orders => DumpKind::Orders,
            Dumped::Stocks => DumpKind::Stocks,
        };
        Ok(DumpSource { name: name.parse()?, kind, address, path, headers })
    };
    target.dumped().into_iter().map(source).collect()
}

fn place(url: &str) -> Option<(SocketAddr, String)> {
    let url = Url::parse(url).ok().filter(|url| url.scheme() == "http")?;
    let host = match url.host_str()? {
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        host => host.trim_matches(['[', ']']).parse().ok()?,
    };
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = format!("{}{query}", url.path());
    Some((SocketAddr::new(host, url.port_or_known_default()?), path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_asked_for_where_its_url_leads() {
        let (address, path) = place("http://127.0.0.1:8081/dump?of=a%20b").unwrap();
        assert_eq!(
            (address.to_string().as_str(), path.as_str()),
            ("127.0.0.1:8081", "/dump?of=a%20b")
        );
        assert_eq!(place("http://localhost/x").unwrap().0.to_string(), "127.0.0.1:80");
        assert_eq!(place("http://[::1]:7/").unwrap().0.to_string(), "[::1]:7");
        for refused in ["https://127.0.0.1:1/", "http://elsewhere:1/", "dump"] {
            assert_eq!(place(refused), None, "{refused}");
        }
    }
}
