//! `[setup]`, `[files]`, `[reset]`, `[prepare]`, `[hosts]`, `[load]`, `[faults]`: what is done around a trial, and where.

use std::collections::BTreeMap;

use super::checker::Checker;
use crate::document::join;
use crate::file;
use crate::target::{Commands, Fault, Host, Prepare, RenderedFile, Reset, Wait};
use crate::template::{MAX_TEMPLATE_BYTES, Place, Scope, Template};

/// How long the commands of a setup may take together if nothing is said: a build and its downloads.
const SETUP_SECONDS: u64 = 300;
/// The same before every trial.
const RESET_SECONDS: u64 = 60;
/// How long is waited for what `prepare.wait` asks.
const WAIT_SECONDS: u64 = 20;
/// How long a command of a fault may take.
const FAULT_SECONDS: u64 = 10;

fn commands(
    checker: &mut Checker<'_>,
    section: &str,
    commands: &[file::Command],
    timeout_seconds: Option<u64>,
    default: u64,
) -> Commands {
    let scope = checker.scope(Place::Trial, None);
    let compile = |(index, command)| {
        checker.command(&format!("{section}.commands[{index}]"), command, &scope)
    };
    let commands = commands.iter().enumerate().map(compile).collect();
    let timeout = checker.seconds(&format!("{section}.timeout_seconds"), timeout_seconds, default);
    Commands { commands, timeout }
}

pub(super) fn setup(checker: &mut Checker<'_>, setup: Option<&file::Setup>) -> Commands {
    let Some(setup) = setup else { return Commands::default() };
    commands(checker, "setup", &setup.commands, setup.timeout_seconds, SETUP_SECONDS)
}

/// Files that are rendered; those of a process's variant may have its `n`.
pub(super) fn files(
    checker: &mut Checker<'_>,
    section: &str,
    files: &BTreeMap<String, file::FileContent>,
    n: Option<i64>,
) -> Vec<RenderedFile> {
    let scope = checker.scope(Place::Trial, n);
    let mut rendered = Vec::with_capacity(files.len());
    for (key, given) in files {
        let field = join(section, key);
        let path = checker.path(&field, key, &scope);
        let content = match given {
            file::FileContent::Text(text) => checker.template(&field, text, &scope),
            file::FileContent::Described(file) => match (&file.template, &file.text) {
                (Some(path), None) => template_file(checker, &field, path, &scope),
                (None, Some(text)) => checker.template(&join(&field, "text"), text, &scope),
                (given, _) => {
                    let what = if given.is_some() { "has two texts" } else { "has no text" };
                    checker.add(&field, what, "give template, or text");
                    Template::nothing()
                }
            },
        };
        let private = matches!(given, file::FileContent::Described(file) if file.private);
        rendered.push(RenderedFile { path, content, private });
    }
    rendered
}

fn template_file(checker: &mut Checker<'_>, field: &str, path: &str, scope: &Scope) -> Template {
    let field = join(field, "template");
    let literal = checker.path(&field, path, scope);
    if literal.literal().is_none() {
        checker.add(
            &field,
            "has placeholders",
            "the template's own path is the same in every trial",
        );
        return literal;
    }
    let whole = checker.folder.join(path);
    let is_short =
        |length: u64| usize::try_from(length).is_ok_and(|length| length <= MAX_TEMPLATE_BYTES);
    match std::fs::metadata(&whole).map(|file| file.len()) {
        Ok(length) if !is_short(length) => {
            checker.add(
                &field,
                format!("`{path}` has {length} bytes"),
                format!("{MAX_TEMPLATE_BYTES} are the most"),
            );
        }
        Ok(_) => match std::fs::read_to_string(&whole) {
            Ok(text) => return checker.template(&field, &text, scope),
            Err(error) => checker.add(
                &field,
                format!("`{path}` cannot be read: {error}"),
                "it must be a text",
            ),
        },
        Err(error) => {
            checker.add(
                &field,
                format!("`{path}` cannot be read: {error}"),
                "name a file beside this one",
            );
        }
    }
    Template::nothing()
}

pub(super) fn reset(checker: &mut Checker<'_>, reset: Option<&file::Reset>) -> Reset {
    let Some(reset) = reset else { return Reset::default() };
    let scope = checker.scope(Place::Trial, None);
    let mut paths = |name: &str, texts: &[String]| {
        let path = |(index, text): (usize, &String)| {
            checker.path(&format!("reset.{name}[{index}]"), text, &scope)
        };
        texts.iter().enumerate().map(path).collect()
    };
    let (remove, mkdir) = (paths("remove", &reset.remove), paths("mkdir", &reset.mkdir));
    let copy = |(index, [from, to]): (usize, &[String; 2])| {
        let field = format!("reset.copy[{index}]");
        (checker.path(&field, from, &scope), checker.path(&field, to, &scope))
    };
    let copy = reset.copy.iter().enumerate().map(copy).collect();
    let commands =
        commands(checker, "reset", &reset.commands, reset.timeout_seconds, RESET_SECONDS);
    Reset { remove, mkdir, copy, commands }
}

pub(super) fn prepare(checker: &mut Checker<'_>, prepare: Option<&file::Prepare>) -> Prepare {
    // A client program prepares within the same time, with or without this section.
    let prepare = prepare.cloned().unwrap_or_default();
    let commands =
        commands(checker, "prepare", &prepare.commands, prepare.timeout_seconds, RESET_SECONDS);
    let scope = checker.scope(Place::Trial, None);
    let wait = prepare.wait.as_ref().map(|wait| Wait {
        command: checker.command("prepare.wait.exec", &wait.exec, &scope),
        timeout: checker.seconds(
            "prepare.wait.timeout_seconds",
            wait.timeout_seconds,
            WAIT_SECONDS,
        ),
    });
    Prepare { commands, wait }
}

pub(super) fn hosts(
    checker: &mut Checker<'_>,
    hosts: &BTreeMap<String, file::Host>,
) -> BTreeMap<String, Host> {
    let scope = checker.scope(Place::Trial, None);
    let mut checked = BTreeMap::new();
    for (key, host) in hosts {
        let field = join("hosts", key);
        let name = checker.name(&field, key, None);
        let connect = checker.command(&join(&field, "connect"), &host.connect, &scope);
        let address = host.address.trim().to_owned();
        if address.is_empty() || address.contains(|c: char| c.is_whitespace() || c.is_control()) {
            checker.add(
                &join(&field, "address"),
                format!("`{address}` is no address"),
                "give a name or an IP address",
            );
        }
        checked.insert(name, Host { connect, address });
    }
    checked
}

/// The hosts that clients are on: each is there, once, and what they do goes over HTTP.
pub(super) fn load_from(checker: &mut Checker<'_>, file: &file::TargetFile) -> Vec<String> {
    let from = &file.load.from;
    for (index, host) in from.iter().enumerate() {
        let field = format!("load.from[{index}]");
        if !file.hosts.contains_key(host) {
            checker.add_unknown(&field, "host", host, file.hosts.keys().map(String::as_str));
        }
        if from[..index].contains(host) {
            checker.add(&field, format!("names `{host}` again"), "name each host once");
        }
    }
    if !from.is_empty() && file.client.is_some() {
        checker.add(
            "load.from",
            "is for clients over HTTP, and a [client] program runs on this machine",
            "leave it out",
        );
    }
    from.clone()
}

pub(super) fn faults(
    checker: &mut Checker<'_>,
    faults: &BTreeMap<String, file::Fault>,
) -> BTreeMap<String, Fault> {
    let scope = checker.scope(Place::Trial, None);
    let mut checked = BTreeMap::new();
    for (key, fault) in faults {
        let field = join("faults", key);
        let name = checker.name(&field, key, None);
        let mut command =
            |name: &str, command| checker.command(&join(&field, name), command, &scope);
        let (apply, undo) = (command("apply", &fault.apply), command("undo", &fault.undo));
        let confirm = command("confirm", &fault.confirm);
        let timeout =
            checker.seconds(&join(&field, "timeout_seconds"), fault.timeout_seconds, FAULT_SECONDS);
        checked.insert(name, Fault { apply, undo, confirm, timeout });
    }
    checked
}
