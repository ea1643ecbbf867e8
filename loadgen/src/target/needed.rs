//! The ports that clients of a target must be told: those of its operations that are another number in every trial, and all of
//! these if there is a client program, which is told them all.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use targets::operation::{Kind, Operation, Places};
use targets::order_no::OrderNo;
use targets::target::{PortChoice, Process, Target};
use targets::template::Setting;

/// The ports that are chosen anew in every trial and that an operation goes to, in the order of their names.
///
/// A client program may go to any. Whether an operation does is tried: a port is needed if with another number another request is sent.
pub(crate) fn ports(target: &Target) -> Vec<&str> {
    let free = target.ports.iter().filter(|(_, choice)| **choice == PortChoice::Free);
    let base = requests(target, None);
    let is_needed = |name: &str| target.client.is_some() || requests(target, Some(name)) != base;
    free.map(|(name, _)| name.as_str()).filter(|name| is_needed(name)).collect()
}

/// The processes that listen on a port that an operation goes to.
pub(crate) fn listeners(target: &Target, kind: Kind) -> Vec<&str> {
    let Some(operation) = target.operations.get(kind) else { return Vec::new() };
    let base = request(operation, target, None);
    let goes_to = |port: &String| request(operation, target, Some(port)) != base;
    let listening = |process: &&Process| process.listens.iter().any(goes_to);
    target.processes.iter().filter(listening).map(|process| process.name.as_str()).collect()
}

/// What a target's templates are filled with for somebody who knows these ports of it.
pub(crate) fn setting(target: &Target, ports: BTreeMap<String, u16>) -> Setting {
    Setting::new(ports, "", &target.plan, "", "").with_addresses(target.addresses())
}

/// Every request, if the ports are 1, and `other` is 2.
fn requests(target: &Target, other: Option<&str>) -> Vec<String> {
    target.operations.each().map(|operation| request(operation, target, other)).collect()
}

fn request(operation: &Operation, target: &Target, other: Option<&str>) -> String {
    let numbered = target.ports.keys().map(|name| {
        let port = if other == Some(name.as_str()) { 2 } else { 1 };
        (name.clone(), port)
    });
    let setting = setting(target, numbered.collect());
    let (order_no, value) = (OrderNo::Number(1), Json::from(1));
    let places = Places {
        stock: Some("a"),
        side: Some("a"),
        quantity: Some(1),
        order_no: Some(&order_no),
        register: Some("a"),
        value: Some(&value),
        expected: Some(&value),
        position: Some(1),
        key: "a",
        client: 1,
    };
    format!("{:?}", operation.request(&setting, &places))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn free_ports_that_a_request_goes_to_are_needed_and_no_others() {
        let text = "name = 'x'\n[ports]\nfixed = 8080\nfront = 'free'\nback = 'free'\n\
            [processes.a]\ncommand = 'a'\n\
            [operations.query]\nurl = 'http://127.0.0.1:{{ port.front }}/{{ stock }}'\n\
            [operations.trade]\nmethod = 'POST'\nurl = 'http://127.0.0.1:{{ port.fixed }}/'\norder_no = 'int(text)'\noutcome.rejected = 'false'\n";
        let target = targets::read_text(text, Path::new("x.toml"), 3);
        let target = target.unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(ports(&target), ["front"]);
        assert!(listeners(&target, Kind::Query).is_empty(), "nobody says that it listens");
        let listening = text.replace("command = 'a'", "command = 'a'\nlistens = ['front']");
        let listening = targets::read_text(&listening, Path::new("x.toml"), 3).unwrap();
        assert_eq!(listeners(&listening, Kind::Query), ["a"]);
        assert!(listeners(&listening, Kind::Trade).is_empty());
        let register = "name = 'x'\n[ports]\nfront = 'free'\n[processes.a]\ncommand = 'a'\n[model]\nkind = 'register'\n\
            [operations.compare-and-set]\nurl = 'http://127.0.0.1:{{ port.front }}/{{ register }}'\n\
            body = '{{ value | tojson }} {{ expected | tojson }}'\n";
        let register = targets::read_text(register, Path::new("x.toml"), 3);
        let register = register.unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(ports(&register), ["front"]);
        let by_program = format!("{text}[client]\ncommand = 'c'\n");
        let target = targets::read_text(&by_program, Path::new("x.toml"), 3).unwrap();
        assert_eq!(ports(&target), ["back", "front"], "a program is told all");
    }
}
