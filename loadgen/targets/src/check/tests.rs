//! A good file and what it becomes, and a table of bad ones: each breaks one rule of the good one, in a line that is named.

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

/// Puts `new` in the place of `old` in the good file; the problem must stand in the line of `at`, a part of `new` or of
/// what is there else.
const BAD: &[(&str, &str, &str, &str, &str)] = &[
    // What stands there, what is written instead, the line's text, the field, and a part of what is said.
    ("name = \"toy-store\"", "name = \"\"", "name =", "name", "an empty text is no name"),
    ("front-end = 8080", "front-end = 0", "front-end = 0", "ports.front-end", "write \"free\""),
    (
        "catalog = \"free\"",
        "catalog = \"fre\"",
        "catalog = \"fre\"",
        "ports.catalog",
        "it must be a number",
    ),
    (
        "catalog = \"free\"",
        "catalog = 8080",
        "front-end = 8080",
        "ports.front-end",
        "as `catalog` is",
    ),
    (
        "port = 9000",
        "port = 8079",
        "port = 8079",
        "ports.\"order-{{ n }}\"",
        "is 8080, as `front-end` is",
    ),
    (
        "\"order-{{ n }}\" = {",
        "\"order-{{ m }}\" = {",
        "order-{{ m }}",
        "ports.\"order-{{ m }}\"",
        "there is no `m` here",
    ),
    ("commands = [\"true\"]", "commands = [\"a 'b\"]", "a 'b", "setup.commands[0]", "a quote"),
    (
        "commands = [\"true\"]",
        "timeout_seconds = 0",
        "timeout_seconds = 0",
        "setup.timeout_seconds",
        "from 1 to 3600",
    ),
    (
        "port.catalog }}\\n",
        "port.cat }}\\n",
        "a.conf",
        "files.\"{{ scratch }}/a.conf\"",
        "no port 'cat'; did you mean 'catalog'?",
    ),
    (
        "\"{{ scratch }}/a.conf\"",
        "\"{{ scratch }}/../a.conf\"",
        "a.conf",
        "files.\"{{ scratch }}/../a.conf\"",
        "outside",
    ),
    (
        "\"port {{ port.catalog }}\\n\"",
        "{ template = \"a.j2\" }",
        "a.j2",
        "files.\"{{ scratch }}/a.conf\".template",
        "cannot be read",
    ),
    ("remove = [\"data\"]", "remove = [\"../data\"]", "../data", "reset.remove[0]", "outside"),
    ("remove = [\"data\"]", "remove = [\"./x/..\"]", "./x/..", "reset.remove[0]", "folder itself"),
    (
        "remove = [\"data\"]",
        "remove = [\"{{ scratch }}\"]",
        "remove",
        "reset.remove[0]",
        "folder itself",
    ),
    ("remove = [\"data\"]", "remove = [\"/etc\"]", "/etc", "reset.remove[0]", "outside"),
    ("\"data/a\"]]", "\"\"]]", "copy", "reset.copy[0]", "is empty"),
    (
        "wait = { exec = \"true\" }",
        "wait = { exec = \"\" }",
        "wait",
        "prepare.wait.exec",
        "is empty",
    ),
    (
        "command = \"catalog {{ port.catalog }}\"",
        "role = \"x\"",
        "[processes.catalog]",
        "processes.catalog",
        "has no command",
    ),
    (
        "listens = [\"catalog\"]",
        "listens = [\"catalgo\"]",
        "catalgo",
        "processes.catalog.listens[0]",
        "did you mean `catalog`?",
    ),
    (
        "listens = [\"catalog\"]",
        "adopt = { pid = 'a', start = 'b', kill = 'c' }",
        "catalog {{ port.catalog }}",
        "processes.catalog.command",
        "there is `adopt` as well",
    ),
    (
        "{ catalog = \"process_healthy\" }",
        "{ catalogue = \"process_healthy\" }",
        "catalogue",
        "processes.front-end.depends_on.catalogue",
        "did you mean `catalog`?",
    ),
    (
        "listens = [\"catalog\"]",
        "depends_on = { front-end = \"process_started\" }\nlistens = [\"catalog\"]",
        "depends_on = { front-end",
        "processes.catalog.depends_on",
        "catalog -> front-end -> catalog",
    ),
    (
        "listens = [\"catalog\"]\n",
        "",
        "process_healthy",
        "processes.front-end.depends_on.catalog",
        "nobody can say when `catalog` is healthy",
    ),
    (
        "http_get = \"http://127.0.0.1:8080/ping\", ",
        "",
        "expect",
        "processes.front-end.readiness_probe.expect",
        "no answer to expect",
    ),
    (
        "expect = \"status == 200\"",
        "expect = \"statu == 200\"",
        "expect",
        "processes.front-end.readiness_probe.expect",
        "statu",
    ),
    (
        "{ log_line = \"ready\" }",
        "{ log_line = \"(\" }",
        "log_line",
        "processes.\"order-{{ n }}\".readiness_probe.log_line",
        "regular expression",
    ),
    (
        "{ log_line = \"ready\" }",
        "{ log_line = \"a\", tcp = \"b\" }",
        "log_line",
        "processes.\"order-{{ n }}\".readiness_probe",
        "in 2 ways",
    ),
    (
        "\"http://127.0.0.1:8080/ping\"",
        "\"https://127.0.0.1/\"",
        "https",
        "processes.front-end.readiness_probe.http_get",
        "begins with http://",
    ),
    (
        "{ MODE = \"fast\" }",
        "{ \"A=B\" = \"fast\" }",
        "A=B",
        "processes.front-end.environment.\"A=B\"",
        "no variable's name",
    ),
    (
        "data = [\"data/order-{{ n }}\"]",
        "data = [\".\"]",
        "data = [\".\"]",
        "processes.\"order-{{ n }}\".data[0]",
        "folder itself",
    ),
    (
        "host = \"n1\"",
        "host = \"n2\"",
        "host = \"n2\"",
        "processes.\"order-{{ n }}\".host",
        "there are n1",
    ),
    (
        "role = \"order\"",
        "role = \"or der\"",
        "or der",
        "processes.\"order-{{ n }}\".role",
        "is no name",
    ),
    (
        "[variants.slow.order]",
        "[variants.slow.ordre]",
        "ordre",
        "variants.slow.ordre",
        "did you mean `order`?",
    ),
    (
        "[variants.fast.front-end]",
        "[variants.fast]\ndefault = true\n[variants.fast.front-end]",
        "default = true\n[variants.slow.order]",
        "variants.slow.default",
        "`fast` is the default, too",
    ),
    (
        "{{ stock }}\"\nquantity",
        "{{ side }}\"\nquantity",
        "{{ side }}\"",
        "operations.query.url",
        "there is no `side` here",
    ),
    (
        "quantity = \"body.quantity\"",
        "order_no = \"body.quantity\"",
        "order_no = \"body.q",
        "operations.query.order_no",
        "quantity, volume, price",
    ),
    (
        "quantity = \"body.quantity\"",
        "deadline_ms = 0",
        "deadline_ms",
        "operations.query.deadline_ms",
        "0",
    ),
    ("method = \"POST\"", "method = \"PO ST\"", "PO ST", "operations.trade.method", "is no"),
    (
        "outcome.rejected = \"status == 404\"\n",
        "",
        "[operations.trade]",
        "operations.trade.outcome.rejected",
        "no default for a trade",
    ),
    (
        "order_no = \"int(body.no)\"\n",
        "",
        "[operations.trade]",
        "operations.trade.order_no",
        "orders are looked up by it",
    ),
    (
        "/orders/{{ order_no }}",
        "/orders/1",
        "[operations.lookup]",
        "operations.lookup",
        "does not say which order",
    ),
    (
        "initial = { Tux = 100 }",
        "initial = { Tuxx = 100 }",
        "Tuxx",
        "stocks.initial.Tuxx",
        "did you mean `Tux`?",
    ),
    (
        "initial = { Tux = 100 }",
        "initial = { Tux = 101 }",
        "101",
        "stocks.initial.Tux",
        "more than the cap of 100",
    ),
    ("[\"Tux\", \"Fox\"]", "[\"Tux\", \"Tux\"]", "names", "stocks.names", "there twice"),
    (
        "[\"Tux\", \"Fox\"]",
        "[\"Tux\"]\nfrom = \"list\"",
        "from =",
        "stocks.from",
        "there are `names` as well",
    ),
    (
        "names = [\"Tux\", \"Fox\"]\ninitial = { Tux = 100 }",
        "from = \"lst\"",
        "lst",
        "stocks.from",
        "no operation `lst`",
    ),
    (
        "process = \"'order-' + string(body.leader)\"",
        "guess = \"highest\"\nprocess = \"a\"",
        "[leader]",
        "leader",
        "2 ways",
    ),
    (
        "process = \"'order-' + string(body.leader)\"",
        "is = \"body.leads\"",
        "url = \"http://127.0.0.1:8080/leader\"",
        "leader.url",
        "the same for every process",
    ),
    (
        "url = \"http://127.0.0.1:8080/leader\"\nprocess = \"'order-' + string(body.leader)\"",
        "log = \"catalgo\"\nregex = '(?P<leader>.)'\nprocess = 'leader'",
        "catalgo",
        "leader.log",
        "did you mean `catalog`?",
    ),
    (
        "process = \"'order-' + string(body.leader)\"",
        "process = \"bodi.leader\"",
        "bodi",
        "leader.process",
        "bodi",
    ),
    (
        "process = \"order-{{ n }}\"",
        "process = \"ordre-{{ n }}\"",
        "ordre",
        "state.orders[0].process",
        "did you mean `order-1`?",
    ),
    (
        "file = \"data/order-{{ n }}/orders.csv\"\n",
        "",
        "[[state.orders]]",
        "state.orders[0]",
        "does not say where it is read from",
    ),
    (
        "format = \"csv\"",
        "format = \"csv\"\nexec = \"a\"",
        "[[state.orders]]",
        "state.orders[0]",
        "2 ways where it is read from: file, exec",
    ),
    (
        "format = \"csv\"",
        "format = \"csv\"\nquery = \"a\"",
        "query = \"a\"",
        "state.orders[0].query",
        "belongs to sqlite",
    ),
    (
        "file = \"data/order-{{ n }}/orders.csv\"\nformat = \"csv\"",
        "dump = true",
        "dump",
        "state.orders[0].dump",
        "no [client]",
    ),
    (
        "roles = [\"order\"]",
        "roles = [\"oder\"]",
        "oder",
        "capabilities.dump.roles[0]",
        "did you mean `order`?",
    ),
    (
        "roles = [\"order\"]",
        "roles = [\"order\", \"front-end\", \"catalog\"], headers = { \"a b\" = \"c\" }",
        "a b",
        "capabilities.dump.headers.\"a b\"",
        "no header's name",
    ),
    ("order_no = \"sequence\"\n", "", "gapless", "model.gapless", "no sequence"),
    ("gapless = true", "sides = [\"Buy\", \"Buy\"]", "sides", "model.sides", "both are `Buy`"),
    ("gapless = true", "sides = []", "sides", "model.sides", "has 0 sides"),
    ("gapless = true", "quantities = [5, 4]", "quantities", "model.quantities", "is [5, 4]"),
    ("gapless = true", "volume = true", "volume", "model.volume", "no query tells a volume"),
    (
        "{ orders = \"identical\" }",
        "{ orders = \"identical\", stocks = \"same-set\" }",
        "same-set",
        "model.replicated.stocks",
        "nobody can see the copies",
    ),
    (
        "kind = \"stocks\"",
        "kind = \"register\"",
        "[[state.orders]]",
        "state",
        "neither orders nor stocks",
    ),
    ("memory_mb = 1024", "memory_mb = 0", "memory_mb", "limits.memory_mb", "from 1 to"),
    ("address = \"10.0.0.1\"", "address = \"a b\"", "a b", "hosts.n1.address", "is no address"),
    ("confirm = \"is-cut\"\n", "", "[faults.cut]", "faults.cut.confirm", "is missing"),
];

#[test]
fn each_broken_rule_is_said_with_its_line_its_field_and_what_to_do() {
    let mut missed = Vec::new();
    for (old, new, at, field, part) in BAD {
        assert_eq!(GOOD.matches(old).count(), 1, "{old} is not in the good file once");
        let text = GOOD.replace(old, new);
        let offset = text.find(at).unwrap_or_else(|| panic!("{at} is not there"));
        let line = text[..offset].matches('\n').count() + 1;
        let found = problems(&text);
        let fits = |problem: &&Problem| {
            problem.line == Some(line)
                && problem.field == *field
                && problem.to_string().contains(part)
        };
        if !found.iter().any(|problem| fits(&problem)) {
            missed.push(format!(
                "{new}: wanted line {line}, {field}: ...{part}..., found {found:#?}"
            ));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
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
