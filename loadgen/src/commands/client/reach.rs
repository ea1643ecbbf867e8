//! What the client reaches: the bazaar at an address, or what a target's file describes, wherever it runs. A target's client
//! program is started for it, in the target's own folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use driver::service::Service;
use driver::stop::Stop;
use targets::target::{PortChoice, Target};
use targets::template::Setting;
use tempfile::TempDir;

use crate::cli::{Binaries, Client};
use crate::commands::bin_dir;
use crate::output::note;
use crate::plan::UnderTest;
use crate::target::clients::{ClientPrograms, LoadFacts, Place};
use crate::target::{home_of, needed};

/// What the client reaches.
pub(super) struct Reached {
    /// How.
    pub(super) service: Service,
    /// The programs that it speaks through, and the folder of their files, which is removed after them.
    programs: Option<(ClientPrograms, TempDir)>,
}

impl Reached {
    /// Ends the programs. Says what they did besides answering in time.
    pub(super) async fn end(self, stop: &Stop) -> anyhow::Result<()> {
        let Some((mut programs, folder)) = self.programs else { return Ok(()) };
        for said in programs.troubles() {
            note!("{said}");
        }
        programs.stop(stop).await;
        folder.close().context("cannot remove a temporary folder")
    }
}

/// The service that was named.
///
/// # Errors
/// No address, or a bad file, or a port that is not known, or a client program that does not say hello.
pub(super) async fn service(args: &Client) -> anyhow::Result<Reached> {
    let deadline = args.timeout_ms.map(Duration::from_millis);
    let Some(file) = &args.target else {
        if let Some((name, _)) = args.ports.first() {
            bail!("--port {name}: is one of a target's ports: name its file with --target");
        }
        let service = driver::bazaar::service(&args.address)?;
        let service = service.with_deadline(deadline.unwrap_or(driver::bazaar::DEADLINE));
        return Ok(Reached { service, programs: None });
    };
    // The number of its replicas makes no difference to clients.
    let under_test = UnderTest::read(Some(file), 3)?;
    let target = under_test.target();
    let ports = ports(target, file, &args.ports)?;
    let programs = start_programs(target, &ports).await?;
    let mut service = Service::over_http(Arc::clone(target), needed::setting(target, ports));
    if let Some((programs, _)) = &programs {
        service = service.with_programs(programs.programs().to_vec());
    }
    if let Some(deadline) = deadline {
        service = service.with_deadline(deadline);
    }
    Ok(Reached { service, programs })
}

/// Starts the client programs of a target that runs already. Nothing is prepared: whoever started it has done that.
async fn start_programs(
    target: &Target,
    ports: &BTreeMap<String, u16>,
) -> anyhow::Result<Option<(ClientPrograms, TempDir)>> {
    if target.client.is_none() {
        return Ok(None);
    }
    let folder = tempfile::Builder::new().prefix("double-trouble-client-").tempdir();
    let folder = folder.context("cannot make a temporary folder; set TMPDIR to another")?;
    let path = folder.path().to_string_lossy().into_owned();
    let bin_dir = bin_dir(&Binaries { bin_dir: None })?;
    let bin_dir = bin_dir.to_string_lossy();
    let setting = Setting::new(ports.clone(), &path, &target.plan, &bin_dir, "");
    let work = home_of(target)?;
    let place = Place { setting: &setting, ports, work: &work, logs: folder.path() };
    let load = LoadFacts { clients: 1, seed: 0 };
    match ClientPrograms::start(target, target.default_variant(), place, load).await {
        Ok(programs) => Ok(programs.map(|programs| (programs, folder))),
        Err(error) => {
            // Its log is what helps.
            let _ = folder.keep();
            Err(error)
        }
    }
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
