//! A good file and what it becomes; what breaks a rule is in [`bad`].

mod bad;
mod bad_besides;

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::file::{Condition, ModelKind, OrderNumbers};
use crate::target::{PortChoice, Probe, Source, Start, StocksFrom};
use crate::template::Setting;

const GOOD: &str = r#"name = "toy-store"
[ports]
front-end = 8080
catalog = "free"
"order-{{ n }}" = { n = [1, 2, 10], port = 9000 }
[setup]
commands = ["true"]
[files]
"{{ scratch }}/a.conf" = "port {{ port.catalog }}\n"
[reset]
remove = ["data"]
copy = [["seed/a", "data/a"]]
[prepare]
wait = { exec = "true" }
[processes.catalog]
command = "catalog {{ port.catalog }}"
listens = ["catalog"]
[processes.front-end]
command = ["front-end", "{{ port['front-end'] }}"]
depends_on = { catalog = "process_healthy" }
readiness_probe = { http_get = "http://127.0.0.1:8080/ping", expect = "status == 200" }
environment = { MODE = "fast" }
[processes."order-{{ n }}"]
n = [1, 2, 10]
role = "order"
command = "order {{ n }} {{ port['order-' ~ n] }}"
depends_on = { catalog = "process_started" }
readiness_probe = { log_line = "ready" }
data = ["data/order-{{ n }}"]
inner.log = { pid_file = "{{ scratch }}/{{ n }}.pid" }
host = "n1"
[variants.slow]
default = true
[variants.slow.order]
args = ["--slow={{ n }}"]
[variants.fast.front-end]
environment = { MODE = "slow" }
[operations.query]
url = "http://127.0.0.1:{{ port['front-end'] }}/{{ stock }}"
quantity = "body.quantity"
[operations.trade]
method = "POST"
url = "http://127.0.0.1:8080/orders"
body = "{{ stock }} {{ side }} {{ quantity }}"
order_no = "int(body.no)"
outcome.rejected = "status == 404"
[operations.lookup]
url = "http://127.0.0.1:8080/orders/{{ order_no }}"
stock = "body.stock"
[stocks]
names = ["Tux", "Fox"]
initial = { Tux = 100 }
cap = 100
[leader]
url = "http://127.0.0.1:8080/leader"
process = "'order-' + string(body.leader)"
[[state.orders]]
n = [1, 2, 10]
process = "order-{{ n }}"
file = "data/order-{{ n }}/orders.csv"
format = "csv"
row = { order_no = "int(col[0])", stock = "col[1]", side = "col[2]", quantity = "int(col[3])" }
[capabilities]
dump = { url = "http://127.0.0.1:{{ port[process] }}/dump", roles = ["order"] }
in_sync = "body.in_sync"
[model]
kind = "stocks"
order_no = "sequence"
gapless = true
replicated = { orders = "identical" }
[limits]
memory_mb = 1024
[hosts.n1]
connect = ["ssh", "n1"]
address = "10.0.0.1"
[load]
from = ["n1"]
[faults.cut]
apply = "cut"
undo = "mend"
confirm = "is-cut"
"#;

fn problems(text: &str) -> Vec<Problem> {
    let read = read_text(text, Path::new("/nowhere/toy.toml"), 3);
    read.map_or_else(|problems| problems.each().to_vec(), |_| Vec::new())
}

#[test]
fn a_good_file_becomes_a_target() {
    let target = read_text(GOOD, Path::new("/nowhere/toy.toml"), 3)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let names: Vec<&str> = target.processes.iter().map(|process| process.name.as_str()).collect();
    assert_eq!(names, ["catalog", "front-end", "order-1", "order-2", "order-10"]);
    assert_eq!(target.ports["order-10"], PortChoice::Fixed(9002));
    assert_eq!(target.ports["catalog"], PortChoice::Free);

    let setting = Setting::new([("order-2".to_owned(), 7)].into(), "/tmp/s", 3, "/bin", "t");
    let order = target.process("order-2").unwrap();
    let Start::Command { command, .. } = &order.start else { panic!("{order:?}") };
    assert_eq!(command.render(&setting).unwrap(), ["order", "2", "7"]);
    assert_eq!(order.role, "order");
    assert_eq!(order.depends_on["catalog"], Condition::ProcessStarted);
    assert_eq!(order.inner[0].pid_file.render(&setting).unwrap(), "/tmp/s/2.pid");
    assert_eq!(order.environment["PYTHONUNBUFFERED"].render(&setting).unwrap(), "1");
    assert!(matches!(order.readiness.probe, Probe::LogLine(_)));
    assert_eq!(order.readiness.timeout, Duration::from_secs(10));
    assert!(matches!(target.process("catalog").unwrap().readiness.probe, Probe::Tcp(_)));

    let slow = target.default_variant().unwrap();
    assert_eq!(slow.name, "slow");
    assert_eq!(slow.changes["order-10"].args[0].render(&setting).unwrap(), "--slow=10");
    assert!(!slow.changes.contains_key("catalog"));

    assert_eq!(target.model.kind, ModelKind::Stocks);
    assert_eq!(target.model.order_no, OrderNumbers::Sequence);
    assert_eq!((target.model.quantities, target.model.volume), ((1, 10), false));
    assert_eq!(
        target.stocks.unwrap().from,
        StocksFrom::Names(vec!["Tux".to_owned(), "Fox".to_owned()])
    );
    assert_eq!(target.leader.unwrap().role.as_deref(), Some("order"));
    assert_eq!(target.orders.len(), 3);
    let Source::File(file) = &target.orders[2].source else { panic!("{:?}", target.orders) };
    assert_eq!(file.render(&setting).unwrap(), "data/order-10/orders.csv");
    assert_eq!(target.capabilities.dump.unwrap().processes, ["order-1", "order-2", "order-10"]);
    assert_eq!(target.operations.longest_deadline(), Some(Duration::from_secs(6)));
}

#[test]
fn all_problems_of_a_file_are_said_at_once_by_line() {
    let text = GOOD
        .replace("catalog = \"free\"", "catalog = \"fre\"")
        .replace("role = \"order\"", "rol = \"order\"")
        .replace("remove = [\"data\"]", "remove = [\"..\"]")
        .replace("memory_mb = 1024", "memory_mb = \"much\"");
    let error = read_text(&text, Path::new("/nowhere/toy.toml"), 3).unwrap_err();
    let lines: Vec<Option<usize>> = error.each().iter().map(|problem| problem.line).collect();
    assert!(lines.is_sorted(), "{lines:?}");
    let text = error.to_string();
    for part in [
        "ports.catalog: is \"fre\"",
        "rol: is no field",
        "reset.remove[0]: `..` is outside",
        "limits.memory_mb: is a text",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(text.lines().all(|line| line.starts_with("target /nowhere/toy.toml, line ")), "{text}");
}

#[test]
fn a_table_that_is_repeated_has_each_problem_once() {
    let found = problems(&GOOD.replace("order {{ n }} {{ port['order-' ~ n] }}", "order {{ nn }}"));
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn n_may_be_the_plans_count() {
    let text = "name = 'x'\n[processes.\"a-{{ n }}\"]\nn = \"{{ replicas }}\"\ncommand = 'a {{ n }} of {{ replicas }}'\n";
    let target = read_text(text, Path::new("x.toml"), 4).unwrap();
    assert_eq!(target.processes.len(), 4);
    let wrong = problems(&text.replace("{{ replicas }}\"\n", "many\"\n"));
    assert_eq!(wrong[0].field, "processes.\"a-{{ n }}\".n");
    assert_eq!(problems(&text.replace("a-{{ n }}", "a"))[0].what, "there are two processes `a`");
}

#[test]
fn a_cycle_is_named_in_the_order_of_waiting() {
    let process = |name: &str, other: &str| {
        format!(
            "[processes.{name}]\ncommand = 'x'\ndepends_on = {{ {other} = \"process_started\" }}\n"
        )
    };
    let text = format!(
        "name = 'x'\n{}{}{}{}",
        process("a", "b"),
        process("b", "c"),
        process("c", "d"),
        process("d", "b")
    );
    let found = problems(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].what.ends_with("b -> c -> d -> b"), "{found:#?}");
    assert_eq!(found[0].field, "processes.b.depends_on");
    let itself = problems(&format!("name = 'x'\n{}", process("a", "a")));
    assert!(itself[0].what.ends_with("a -> a"), "{itself:#?}");
}

#[test]
fn paths_are_held_to_the_folder_after_their_links_are_resolved() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("self")).unwrap();
    std::fs::create_dir(folder.path().join("real")).unwrap();
    let path = folder.path().join("toy.toml");
    let found = |section: &str| {
        let text = format!("name = 'x'\n{section}\n[processes.a]\ncommand = 'a'\n");
        std::fs::write(&path, text).unwrap();
        read(&path, 3).map_or_else(|problems| problems.to_string(), |_| String::new())
    };
    assert_eq!(found("[reset]\nremove = ['real', 'real/new', 'new/file']"), "");
    assert!(found("[reset]\nremove = ['out']").contains("outside"));
    assert!(found("[reset]\nremove = ['out/new']").contains("outside"));
    assert!(found("[reset]\nremove = ['self']").contains("itself"));
    assert_eq!(found("workspace = ['real', '.']"), "");
    assert!(found("workspace = ['gone']").contains("is not there"));
    assert!(found("workspace = ['out']").contains("outside"));
    std::fs::write(folder.path().join("a.j2"), "{{ prot }}").unwrap();
    assert!(found("[files]\n'a.conf' = { template = 'a.j2' }").contains("there is no `prot` here"));
}

#[test]
fn a_file_that_cannot_be_read_is_one_problem() {
    let error = read(Path::new("/nowhere/toy.toml"), 3).unwrap_err().to_string();
    assert!(error.starts_with("target /nowhere/toy.toml: cannot be read: "), "{error}");
    let error = read_text("name = ", Path::new("x.toml"), 3).unwrap_err().to_string();
    assert!(error.starts_with("target x.toml, line 1: this is no TOML: "), "{error}");
}

const STORE: &str = "name = 'x'
[processes.a]
command = 'a'
[operations.read]
url = 'http://127.0.0.1:1/{{ register }}'
value = 'body.value'
[operations.write]
url = 'http://127.0.0.1:1/{{ register }}/{{ value }}'
[model]
kind = 'register'
";

#[test]
fn registers_are_counted_or_named_and_are_one_where_nobody_names_them() {
    let keys = |text: &str| {
        let read = read_text(text, Path::new("x.toml"), 1);
        read.unwrap_or_else(|problems| panic!("{problems}")).model.keys
    };
    assert_eq!(keys(STORE).len(), 10);
    assert_eq!(keys(&format!("{STORE}keys = 2\n")), ["k1", "k2"]);
    assert_eq!(keys(&format!("{STORE}keys = ['lock', 'config']\n")), ["lock", "config"]);
    assert_eq!(keys(&STORE.replace("/{{ register }}", "")), ["k1"]);
    let log = "name = 'x'\n[processes.a]\ncommand = 'a'\n[operations.append]\nurl = 'http://127.0.0.1:1/{{ value }}'\n\
               [model]\nkind = 'log'\n";
    assert_eq!(keys(log), ["log1"]);
}

#[test]
fn what_does_not_fit_registers_and_logs_is_said_with_its_field() {
    let log =
        STORE.replace("'register'", "'log'").replace("[operations.write]", "[operations.append]");
    for (text, field, said) in [
        (format!("{STORE}keys = 0\n"), "model.keys", "from 1 to 1000"),
        (format!("{STORE}keys = ['a', 'a']\n"), "model.keys", "is there twice"),
        (
            STORE.replace("/{{ register }}", "") + "keys = 3\n",
            "model.keys",
            "no operation says which",
        ),
        (STORE.replace("/{{ value }}", ""), "operations.write", "does not say the value"),
        (STORE.replace("value = 'body.value'\n", ""), "operations.read.value", "is missing"),
        (
            format!("{STORE}[[state.log]]\nprocess = 'a'\nfile = 'f'\nformat = 'jsonl'\n"),
            "state.log",
            "has no log",
        ),
        (format!("{log}initial = 3\n"), "model.initial", "only registers"),
        (
            log.replace("{{ register }}'", "{{ register }}/{{ position }}'"),
            "operations.read",
            "nothing tells any",
        ),
        (
            format!("{log}keys = 2\n[[state.log]]\nprocess = 'a'\nfile = 'f'\nformat = 'jsonl'\n"),
            "state.log",
            "which of several logs",
        ),
        (
            format!("{STORE}[operations.append]\nurl = 'http://127.0.0.1:1/{{{{ value }}}}'\n"),
            "operations.append",
            "does not fit",
        ),
    ] {
        let found = problems(&text);
        let fits =
            |problem: &&Problem| problem.field == field && problem.to_string().contains(said);
        assert!(found.iter().any(|problem| fits(&problem)), "{field}: {said}: {found:#?}");
    }
}
