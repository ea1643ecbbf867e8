//! More of the table in [`bad`](super::bad): what a file takes of a plan, and what a target tells of itself.

/// As there.
pub(super) const BAD: &[(&str, &str, &str, &str, &str)] = &[
    (
        "\"{{ scratch }}/a.conf\" = \"port {{ port.catalog }}\\n\"",
        "\"{{ scratch }}/a.conf\" = { text = \"a\", template = \"b\" }",
        "a.conf",
        "files.\"{{ scratch }}/a.conf\"",
        "has two texts; give template, or text",
    ),
    (
        "command = \"catalog {{ port.catalog }}\"",
        "command = \"catalog {{ system.dur }}\"",
        "system.dur",
        "processes.catalog.command",
        "a plan sets no `system.dur`",
    ),
    (
        "listens = [\"catalog\"]",
        "listens = [\"catalog\"]\ninherit = [\"A*B*\"]",
        "A*B*",
        "processes.catalog.inherit[0]",
        "names no variables",
    ),
    (
        "listens = [\"catalog\"]",
        "listens = [\"catalog\"]\nbody_path = \"orders\"",
        "body_path",
        "processes.catalog.body_path",
        "begins with /",
    ),
    (
        "listens = [\"catalog\"]",
        "listens = [\"catalog\"]\nshutdown = { before = [\"ordr\"] }",
        "before",
        "processes.catalog.shutdown.before[0]",
        "did you mean `order`?",
    ),
    (
        "listens = [\"catalog\"]",
        "listens = [\"catalog\"]\nshutdown = { before = [\"front-end\"] }",
        "before",
        "processes.catalog.shutdown.before",
        "the end waits for itself: catalog -> front-end -> catalog",
    ),
    (
        "process = \"'order-' + string(body.leader)\"",
        "process = \"body.leader\"\notherwise = { url = \"http://127.0.0.1:1/\", is = \"body.leads\" }",
        "otherwise",
        "leader.otherwise.url",
        "is the same for every process",
    ),
    (
        "roles = [\"order\"] }",
        "roles = [\"order\", \"catalog\"] }",
        "roles",
        "capabilities.dump.roles",
        "`catalog` keeps neither orders nor stocks",
    ),
    (
        "replicated = { orders = \"identical\" }",
        "replicated = { orders = \"same-set\" }",
        "roles",
        "capabilities.dump.roles",
        "dumps of orders are to be equal",
    ),
    (
        "in_sync = \"body.in_sync\"",
        "query_counts = { answered = { url = \"http://127.0.0.1:1/\", series = \"\" }, passed_on = { url = \"http://127.0.0.1:1/\", series = \"x\" } }",
        "query_counts",
        "capabilities.query_counts.answered.series",
        "is empty",
    ),
    (
        "cap = 100",
        "cap = \"{{ system.cap }}\"\nprices = { Tix = 1.5 }",
        "prices",
        "stocks.prices.Tix",
        "there is no stock `Tix`; there are Fox, Tux",
    ),
];
