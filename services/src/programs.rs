//! Which of the three programs a process is.

use std::ffi::{CString, OsString};
use std::process::ExitCode;

use nix::sys::prctl;

use crate::{catalog, front_end, order, process};

/// Runs the service that the process is named after, or that its first argument names.
#[must_use]
pub fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    let named = arguments.first().map(std::path::Path::new).and_then(|name| name.file_name());
    let service = named.and_then(|name| of_name(name.to_str()?)).or_else(|| {
        let service = of_name(arguments.get(1)?.to_str()?)?;
        arguments.remove(0);
        Some(service)
    });
    let Some((name, service)) = service else {
        process::last_words(format_args!("usage: bazaar front-end|catalog|order [OPTIONS]"));
        return ExitCode::from(process::EXIT_SETUP);
    };
    // What `ps` and `top` show; without it, all three would be called the same there.
    if let Ok(name) = CString::new(name) {
        let _ = prctl::set_name(&name);
    }
    service(arguments)
}

type Service = fn(Vec<OsString>) -> ExitCode;

fn of_name(name: &str) -> Option<(&'static str, Service)> {
    let services: [(&'static str, Service); 3] =
        [("front-end", front_end::main), ("catalog", catalog::main), ("order", order::main)];
    services.into_iter().find(|(service, _)| *service == name)
}
