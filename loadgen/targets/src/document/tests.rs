use super::*;

fn problems(text: &str) -> Vec<String> {
    let mut problems = Document::read(text).problems;
    problems.sort_by_key(|problem| problem.line);
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_document_that_fits_is_read() {
    let document =
        Document::read("name = 'x'\n[processes.a]\ncommand = ['a', 'b']\n[ports]\np = 'free'\n");
    assert_eq!(document.problems, []);
    assert_eq!(document.file.unwrap().processes.len(), 1);
    assert_eq!(document.lines.of("processes.a.command"), 3);
    assert_eq!(document.lines.of("processes.a.user"), 2);
    assert_eq!(document.lines.of("model"), 1);
}

#[test]
fn all_that_does_not_fit_is_said_at_once() {
    let text = "nam = 'x'\ndescription = 7\n[processes.a]\ncomand = 'a'\ndata = 'x'\n\
                readiness_probe = { period_ms = -1, timeout_seconds = 'soon' }\n\
                depends_on = { b = 'healthy' }\n[model]\nquantities = [1]\nkind = 'stock'\n\
                [[state.orders]]\nfile = 'x'\n";
    assert_eq!(
        problems(text),
        [
            "line 1, nam: is no field of a target's file; did you mean `name`?",
            "line 1, name: is missing; What reports call the target",
            "line 2, description: is a whole number, must be a text; One line about it, for the report",
            "line 4, processes.a.comand: is no field of a target's file; did you mean `command`?",
            "line 5, processes.a.data: is a text, must be a list; Its files and folders, which the faults on files take",
            "line 6, processes.a.readiness_probe.period_ms: is -1, must be from 0 to 9223372036854775807",
            "line 6, processes.a.readiness_probe.timeout_seconds: is a text, must be a whole number; \
             After how long the process counts as never ready",
            "line 7, processes.a.depends_on.b: is \"healthy\", must be one of \"process_healthy\", \"process_started\"",
            "line 9, model.quantities: has 1 elements, must have 2; The least and the most that a trade moves",
            "line 10, model.kind: is \"stock\", must be one of \"stocks\", \"register\", \"log\", \"none\"; \
             did you mean \"stocks\"?",
            "line 11, state.orders[0].process: is missing; Whose copy it is",
        ]
    );
}

#[test]
fn what_is_left_is_read_all_the_same() {
    let document =
        Document::read("[processes.a]\ncommand = 'x'\nuser = 3\n[processes.b]\ncommand = 'y'\n");
    let file = document.file.unwrap();
    assert_eq!(file.processes["a"].command, Some(crate::file::Command::Line("x".to_owned())));
    assert_eq!(file.processes["a"].user, None);
    assert!(document.lines.is_unsure("processes.a.user"));
    assert!(document.lines.is_unsure("processes.a"));
    assert!(!document.lines.is_unsure("processes.a.command"));
    assert!(!document.lines.is_unsure("processes"));
}

#[test]
fn several_errors_of_syntax_are_said_with_their_lines() {
    let found = problems("name = \n[processes.a\nx = 1\ny = = 2\n");
    assert!(found.len() >= 2, "{found:#?}");
    assert!(found[0].starts_with("line 1: this is no TOML: "), "{found:#?}");
    assert!(Document::read("name = \n").file.is_none());
}

#[test]
fn keys_with_odd_characters_are_quoted_in_fields() {
    assert_eq!(join("processes", "order-{{ n }}"), "processes.\"order-{{ n }}\"");
    assert_eq!(parent("processes.\"a.b\".command"), Some("processes.\"a.b\""));
    assert_eq!(parent("state.orders[0].row"), Some("state.orders[0]"));
    assert_eq!(parent("state.orders[0]"), Some("state.orders"));
    assert_eq!(parent("name"), None);
}

#[test]
fn a_variant_has_its_default_and_any_process() {
    let text =
        "name = 'x'\n[variants.off]\ndefault = true\n[variants.off.front-end]\nargs = ['--x']\n";
    let document = Document::read(text);
    assert_eq!(document.problems, []);
    let variant = &document.file.unwrap().variants["off"];
    assert!(variant.default);
    assert_eq!(variant.processes["front-end"].args, ["--x"]);
}
