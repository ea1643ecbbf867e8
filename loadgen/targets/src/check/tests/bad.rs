//! A table of bad files: each breaks one rule of the good one, in a line that is named.

use super::*;

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
        "command = \"catalog {{ port.catalog }}\"",
        "adopt.pid = 'a'",
        "listens = [\"catalog\"]",
        "processes.catalog.listens",
        "an adopted process listens already",
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
        "[model]",
        "[client]\ncommand = \"client\"\n\n[model]",
        "[client]",
        "client",
        "would have nothing to do",
    ),
    (
        "[model]",
        "[processes.client-2]\ncommand = \"c\"\n\n[client]\ncommand = \"client\"\nprocesses = 2\n\n[model]",
        "[client]",
        "client",
        "a process has that name",
    ),
    (
        "[model]",
        "[client]\ncommand = \"client\"\nprocesses = 65\n\n[model]",
        "processes = 65",
        "client.processes",
        "is 65",
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
        "state.orders",
        "registers and logs have no orders",
    ),
    ("memory_mb = 1024", "memory_mb = 0", "memory_mb", "limits.memory_mb", "from 1 to"),
    ("address = \"10.0.0.1\"", "address = \"a b\"", "a b", "hosts.n1.address", "is no address"),
    ("from = [\"n1\"]", "from = [\"n2\"]", "from = ", "load.from[0]", "there is no host `n2`"),
    ("from = [\"n1\"]", "from = [\"n1\", \"n1\"]", "from = ", "load.from[1]", "names `n1` again"),
    ("confirm = \"is-cut\"\n", "", "[faults.cut]", "faults.cut.confirm", "is missing"),
    (
        "command = \"order {{ n }} {{ port['order-' ~ n] }}\"",
        "adopt = { pid = 'a', start = 'b', kill = 'c' }",
        "[variants.slow.order]",
        "variants.slow.order",
        "is adopted",
    ),
];

#[test]
fn each_broken_rule_is_said_with_its_line_its_field_and_what_to_do() {
    let mut missed = Vec::new();
    for (old, new, at, field, part) in BAD.iter().chain(bad_besides::BAD) {
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
