//! What the client reaches: the bazaar at an address, or what a target's file describes, wherever it runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use driver::service::Service;
use targets::target::{PortChoice, Target};

use crate::cli::Client;
use crate::plan::UnderTest;
use crate::target::needed;

/// The service that was named.
///
/// # Errors
/// No address, or a bad file, or a port that is not known.
pub(super) fn service(args: &Client) -> anyhow::Result<Service> {
    let deadline = args.timeout_ms.map(Duration::from_millis);
    let Some(file) = &args.target else {
        if let Some((name, _)) = args.ports.first() {
            bail!("--port {name}: is one of a target's ports: name its file with --target");
        }
        let service = driver::bazaar::service(&args.address)?;
        return Ok(service.with_deadline(deadline.unwrap_or(driver::bazaar::DEADLINE)));
    };
    // The number of its replicas makes no difference to clients.
    let under_test = UnderTest::read(Some(file), 3)?;
    let target = under_test.target().context("no target was read")?;
    let setting = needed::setting(target, ports(target, file, &args.ports)?);
    let service = Service::over_http(Arc::clone(target), setting);
    Ok(match deadline {
        Some(deadline) => service.with_deadline(deadline),
        None => service,
    })
}

/// The ports by name: those that were given, and those that the file says.
fn ports(
    target: &Target,
    file: &Path,
    given: &[(String, u16)],
) -> anyhow::Result<BTreeMap<String, u16>> {
    let given: BTreeMap<&str, u16> =
        given.iter().map(|(name, port)| (name.as_str(), *port)).collect();
    let names: Vec<_> = target.ports.keys().map(String::as_str).collect();
    let unknown = given.keys().filter(|name| !target.ports.contains_key(**name)).map(|name| {
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        format!("--port {name}: {} has no such port; there are {names}", file.display())
    });
    let missing = needed::ports(target).into_iter().filter(|name| !given.contains_key(name));
    let missing = missing.map(|name| {
        format!(
            "--port {name}=N: is missing, for {} chooses that port anew each time; `serve --target` prints it after \
             \"Ports:\"",
            file.display()
        )
    });
    let problems: Vec<_> = unknown.chain(missing).collect();
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    let known = target.ports.iter().filter_map(|(name, choice)| {
        let fixed = match choice {
            PortChoice::Fixed(port) => Some(*port),
            PortChoice::Free => None,
        };
        Some((name.clone(), given.get(name.as_str()).copied().or(fixed)?))
    });
    Ok(known.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        let text = "name = 'x'\n[ports]\nfixed = 8080\nfront = 'free'\nback = 'free'\n\
            [processes.a]\ncommand = 'a'\n\
            [operations.query]\nurl = 'http://127.0.0.1:{{ port.front }}/{{ port.fixed }}/{{ stock }}'\n";
        let read = targets::read_text(text, Path::new("x.toml"), 3);
        read.unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test]
    fn what_is_fixed_is_known_and_what_is_given_stands_above_it() {
        let of = |given: &[(&str, u16)]| {
            let given: Vec<_> =
                given.iter().map(|(name, port)| ((*name).to_owned(), *port)).collect();
            let ports = ports(&target(), Path::new("x.toml"), &given).unwrap();
            (ports["fixed"], ports["front"], ports.get("back").copied())
        };
        assert_eq!(of(&[("front", 7)]), (8080, 7, None));
        assert_eq!(of(&[("front", 7), ("fixed", 9), ("back", 8)]), (9, 7, Some(8)));
    }

    #[test]
    fn all_that_is_missing_or_unknown_is_said() {
        let given = [("frnt".to_owned(), 7)];
        let error = ports(&target(), Path::new("x.toml"), &given).unwrap_err().to_string();
        let lines: Vec<_> = error.lines().collect();
        assert_eq!(lines.len(), 2, "{error}");
        assert_eq!(lines[0], "--port frnt: x.toml has no such port; there are back, fixed, front");
        assert!(lines[1].starts_with("--port front=N: is missing, "), "{error}");
    }
}
