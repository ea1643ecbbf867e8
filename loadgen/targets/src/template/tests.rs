use super::*;
use crate::file;

fn scope(place: Place) -> Scope {
    let ports = ["front-end", "order-1", "order-2"].map(str::to_owned);
    Scope::new(place, Arc::new(ports.into()), 2)
}

fn setting() -> Setting {
    let ports = [("front-end", 8080), ("order-1", 9001), ("order-2", 9002)];
    let ports = ports.map(|(name, port)| (name.to_owned(), port)).into();
    Setting::new(ports, "/tmp/a trial's", 2, "/opt/bin", "secret")
}

fn rendered(text: &str) -> String {
    Template::compile(text, &scope(Place::Trial)).unwrap().render(&setting()).unwrap().into_owned()
}

fn error(text: &str, place: Place) -> String {
    Template::compile(text, &scope(place)).unwrap_err().to_string()
}

fn arguments(line: &str) -> Vec<String> {
    let command = file::Command::Line(line.to_owned());
    CommandTemplate::compile(&command, &scope(Place::Trial)).unwrap().render(&setting()).unwrap()
}

#[test]
fn placeholders_are_filled_in_and_everything_else_stays() {
    assert_eq!(rendered("http://x:{{ port['front-end'] }}/a?b=%20{c}"), "http://x:8080/a?b=%20{c}");
    assert_eq!(
        rendered("{{ scratch }}/{{ bin }} {{ token }}\n"),
        "/tmp/a trial's//opt/bin secret\n"
    );
    assert_eq!(
        rendered("{% for i in range(1, replicas + 1) %}{{ port['order-' ~ i] }} {% endfor %}"),
        "9001 9002 "
    );
}

#[test]
fn a_text_without_placeholders_is_borrowed() {
    let template = Template::compile("/orders?x={1}", &scope(Place::Trial)).unwrap();
    assert!(matches!(template.render(&setting()).unwrap(), Cow::Borrowed("/orders?x={1}")));
    assert_eq!(template.literal(), Some("/orders?x={1}"));
}

#[test]
fn a_value_goes_into_json_and_into_a_url_as_it_must() {
    let text = r#"{"name":{{ stock | tojson }},"quantity":{{ quantity }}} {{ stock | urlencode }}"#;
    let template =
        Template::compile(text, &scope(Place::Operation(&["stock", "quantity"]))).unwrap();
    assert!(template.uses("stock") && !template.uses("key"));
    let values = vec![("stock", Value::from("a \"b\"")), ("quantity", Value::from(3))];
    let rendered = template.render_with(&setting(), values).unwrap();
    assert_eq!(rendered, r#"{"name":"a \"b\"","quantity":3} a%20%22b%22"#);
}

/// Texts that plain places are tried with.
const VALUES: [&str; 7] = [
    "Tux",
    "",
    "a b&c=\u{e9}/~.-_",
    "<\"q\">'\\",
    "\u{0}\u{8}\u{c}\n\r\t\u{1f}\u{7f}",
    "{{ x }}",
    "\u{1f600}\u{2028}",
];

#[test]
fn plain_places_are_filled_in_as_the_engine_does() {
    let place = Place::Operation(&["stock", "quantity"]);
    for text in [
        "http://x:{{ port['front-end'] }}/{{ stock | urlencode }}?a=%20{b}}",
        "{{port.front}}{{ port[ \"front-end\" ] }} {{ replicas }}\n",
        r#"{"name":{{ stock | tojson }},"quantity":{{ quantity }}, "q":{{quantity|tojson}}}"#,
        "{{ stock }}{{ quantity | urlencode }} {{ scratch }} {{ bin | tojson }} {{ token|urlencode }}\n",
    ] {
        let mut scope = scope(place);
        scope.ports = Arc::new(["front-end", "front"].map(str::to_owned).into());
        let template = Template::compile(text, &scope).unwrap();
        let ports = [("front-end", 8080), ("front", 1)].map(|(name, port)| (name.to_owned(), port));
        let setting = Setting::new(ports.into(), "/tmp/a trial's", 2, "/opt/\"bin\"", "s/e?c");
        for stock in VALUES {
            for quantity in [0, 7, -3] {
                let filled = template.fill(&setting, |name| match name {
                    "stock" => Some(Bound::Text(stock)),
                    "quantity" => Some(Bound::Int(quantity)),
                    _ => None,
                });
                let values =
                    vec![("stock", Value::from(stock)), ("quantity", Value::from(quantity))];
                let rendered = template.render_with(&setting, values).unwrap();
                assert_eq!(filled, Some(rendered), "{text} with {stock:?}");
            }
        }
    }
}

#[test]
fn what_is_not_plain_and_what_is_not_there_is_left_to_the_engine() {
    let place = Place::Operation(&["stock", "value"]);
    for text in [
        "{{ stock | upper }}",
        "{{ stock | urlencode | upper }}",
        "{% if stock %}a{% endif %}",
        "{# a #}{{ stock }}",
        "{{- stock -}}",
        "{{ stock ~ '}}' }}",
        "{{ port['order-' ~ 1] }}",
        "{{ value | tojson }}",
    ] {
        let template = Template::compile(text, &scope(place)).unwrap();
        let json = serde_json::json!([1]);
        let filled = template.fill(&setting(), |name| match name {
            "stock" => Some(Bound::Text("Tux")),
            _ => Some(Bound::Json(&json)),
        });
        assert_eq!(filled, None, "{text}");
    }
    let template = Template::compile("{{ stock }}", &scope(place)).unwrap();
    assert_eq!(template.fill(&setting(), |_| None), None);
}

#[test]
fn n_is_known_in_a_table_that_is_repeated_only() {
    let mut repeated = scope(Place::Trial);
    repeated.n = Some(2);
    let template = Template::compile("{{ port['order-' ~ n] }}", &repeated).unwrap();
    assert_eq!(template.render(&setting()).unwrap(), "9002");
    assert!(error("{{ n }}", Place::Trial).starts_with("there is no `n` here"));
}

#[test]
fn what_is_wrong_is_said_at_reading_with_what_there_is() {
    assert_eq!(
        error("{{ prot.catalog }}", Place::Trial),
        "there is no `prot` here; did you mean port? There are port, address, scratch, replicas, bin, token, system, load"
    );
    assert_eq!(
        error("{{ port['order-3'] }}", Place::Trial),
        "there is no port 'order-3'; did you mean 'order-2'?"
    );
    assert_eq!(
        error("{{ port['order-' ~ (replicas + 5)] }}", Place::Trial),
        "there is no port 'order-7'; did you mean 'order-2'?"
    );
    assert!(error("{{ stock }}", Place::Trial).starts_with("there is no `stock` here"));
    assert!(error("{{ port['x'] ", Place::Trial).starts_with("is no template: "));
    assert!(error("{{ scratch | nonsense }}", Place::Trial).contains("nonsense"));
    assert!(
        error("{% for a in range(100000) %}{{ a }}{% endfor %}", Place::Trial)
            .contains("too much work")
    );
    assert!(error("{{ port }}{{ scratch }}", Place::Name).contains("no `port` here"));
}

#[test]
fn what_is_asked_of_each_process_is_tried_with_each() {
    let mut each = scope(Place::EachProcess);
    each.processes = vec!["order-1".to_owned(), "order-2".to_owned()];
    let template = Template::compile("{{ port[process] }}", &each).unwrap();
    let values = vec![("process", Value::from("order-2"))];
    assert_eq!(template.render_with(&setting(), values).unwrap(), "9002");
    each.processes.push("catalog".to_owned());
    let error = Template::compile("{{ port[process] }}", &each).unwrap_err();
    assert!(error.problem.starts_with("there is no port 'catalog'"), "{error}");
}

#[test]
fn a_line_is_split_as_a_shell_does_but_no_value_is() {
    assert_eq!(
        arguments("order --dir {{ scratch }}/data '--name=a b' \"{{ scratch }}\""),
        ["order", "--dir", "/tmp/a trial's/data", "--name=a b", "/tmp/a trial's"]
    );
    assert_eq!(
        arguments(
            "fe{% for i in range(1, replicas + 1) %} --replica {{ i }}={{ port['order-' ~ i] }}{% endfor %}"
        ),
        ["fe", "--replica", "1=9001", "--replica", "2=9002"]
    );
}

#[test]
fn a_list_is_not_split() {
    let list = ["a b", "{{ scratch }} x"].map(str::to_owned).to_vec();
    let command =
        CommandTemplate::compile(&file::Command::Arguments(list), &scope(Place::Trial)).unwrap();
    assert_eq!(command.render(&setting()).unwrap(), ["a b", "/tmp/a trial's x"]);
}

#[test]
fn a_command_that_is_none_is_an_error_at_reading() {
    let error =
        |command| CommandTemplate::compile(&command, &scope(Place::Trial)).unwrap_err().to_string();
    assert!(error(file::Command::Line("a 'b".to_owned())).contains("a quote"));
    assert!(error(file::Command::Line("  ".to_owned())).contains("empty"));
    assert!(error(file::Command::Arguments(Vec::new())).contains("empty"));
    assert!(error(file::Command::Line("a {{ port.b }}".to_owned())).contains("no port 'b'"));
}
