use super::*;
use crate::file;

fn watch(guess: Option<GuessRule>) -> LeaderWatch {
    let mut watch = LeaderWatch::new(["a", "b", "c"].map(str::to_owned), guess);
    for process in ["a", "b", "c"] {
        watch.started(process);
    }
    watch
}

fn changed(leader: Option<&str>) -> Vec<LeaderEvent> {
    vec![LeaderEvent::Changed { leader: leader.map(str::to_owned), term: None }]
}

fn in_term(leader: &str, term: i64) -> LeaderEvent {
    LeaderEvent::Changed { leader: Some(leader.to_owned()), term: Some(term) }
}

fn two(processes: &[&str]) -> LeaderEvent {
    LeaderEvent::TwoAtOnce { processes: processes.iter().map(|&name| name.to_owned()).collect() }
}

#[test]
fn who_is_named_leads_until_somebody_else_is() {
    let mut watch = watch(None);
    assert_eq!(watch.told(Some("a")), changed(Some("a")));
    assert_eq!(watch.told(Some("a")), []);
    assert_eq!(watch.told(Some("b")), changed(Some("b")));
    assert_eq!(watch.told(None), changed(None));
    assert_eq!(watch.leader(), None);
}

#[test]
fn a_dead_process_is_no_leader_whatever_anybody_says() {
    let mut watch = watch(None);
    watch.told(Some("a"));
    assert_eq!(watch.died("a"), changed(None));
    assert_eq!(watch.told(Some("a")), []);
    assert_eq!(watch.leader(), None);
    assert_eq!(watch.died("b"), []);
    assert_eq!(watch.started("a"), []);
    assert_eq!(watch.told(Some("a")), changed(Some("a")));
}

#[test]
fn a_name_that_is_no_process_is_said_once() {
    let mut watch = watch(None);
    watch.told(Some("a"));
    assert_eq!(watch.told(Some("z\n")), [LeaderEvent::Stranger { name: "z".to_owned() }]);
    assert_eq!(watch.told(Some("z\n")), []);
    assert_eq!(watch.leader(), Some("a"));
}

#[test]
fn two_that_claim_at_once_are_an_event_and_the_higher_term_leads() {
    let mut watch = watch(None);
    assert_eq!(watch.claimed([("a", true, Some(1))]), [in_term("a", 1)]);
    assert_eq!(watch.claimed([("b", true, Some(2))]), [two(&["a", "b"]), in_term("b", 2)]);
    assert_eq!(watch.claimed([("b", true, Some(2))]), []);
    assert_eq!(watch.claimed([("a", false, None)]), []);
    assert_eq!(watch.claimed([("a", true, Some(1))]), [two(&["a", "b"])]);
    assert_eq!(watch.died("b"), [in_term("a", 1)]);
    assert_eq!(watch.claimed([("b", true, Some(2))]), [], "asked before it died");
    assert_eq!(watch.died("a"), changed(None));
}

#[test]
fn of_two_without_terms_the_one_that_led_still_does() {
    let mut watch = watch(None);
    assert_eq!(watch.claimed([("b", true, None)]), changed(Some("b")));
    assert_eq!(watch.claimed([("a", true, None)]), [two(&["a", "b"])]);
    assert_eq!(watch.leader(), Some("b"));
    assert_eq!(watch.claimed([("b", false, None)]), changed(Some("a")));
    assert_eq!(watch.claimed([("a", false, None)]), changed(None));
}

#[test]
fn a_guess_changes_when_the_leader_dies_and_not_when_a_better_one_returns() {
    let mut watch = watch(Some(GuessRule { highest: true, takes_back: false }));
    assert_eq!(watch.leader(), Some("c"), "the best of those that were started");
    assert_eq!(watch.died("b"), []);
    assert_eq!(watch.died("c"), changed(Some("a")));
    assert_eq!(watch.died("a"), changed(None));
    assert_eq!(watch.started("b"), changed(Some("b")));
    assert_eq!(watch.started("c"), []);
}

#[test]
fn with_takes_back_a_better_one_that_returns_leads_again() {
    let mut highest = watch(Some(GuessRule { highest: true, takes_back: true }));
    assert_eq!(highest.leader(), Some("c"));
    assert_eq!(highest.died("c"), changed(Some("b")));
    assert_eq!(highest.started("c"), changed(Some("c")));
    let mut lowest = watch(Some(GuessRule { highest: false, takes_back: true }));
    assert_eq!(lowest.died("a"), changed(Some("b")));
    assert_eq!(lowest.started("a"), changed(Some("a")));
}

fn answer(
    reading: &LeaderReading,
    watch: &mut LeaderWatch,
    process: Option<&str>,
    text: &[u8],
) -> Vec<LeaderEvent> {
    reading.answers(watch, &[Answered { process, answer: Some((200, text)) }])
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn an_answer_is_read_by_its_expression() {
    let leader = file::Leader {
        url: text("http://x/leader"),
        process: text("body.leader == -1 ? null : string(body.leader)"),
        ..Default::default()
    };
    let reading = LeaderReading::compile(&leader).expect("it is right");
    let mut watch = reading.watch(["1", "2"].map(str::to_owned));
    watch.started("2");
    assert_eq!(answer(&reading, &mut watch, None, br#"{"leader":2}"#), changed(Some("2")));
    let events = answer(&reading, &mut watch, None, b"<html>");
    assert!(matches!(events.as_slice(), [LeaderEvent::Unclear { .. }]), "{events:?}");
    assert_eq!(answer(&reading, &mut watch, None, b"<html>"), []);
    assert_eq!(watch.leader(), Some("2"));
    assert_eq!(answer(&reading, &mut watch, None, br#"{"leader":-1}"#), changed(None));
}

#[test]
fn a_log_line_is_read_by_its_pattern() {
    let leader = file::Leader {
        log: text("front-end"),
        regex: text(r"New leader: (?P<leader>\w+)"),
        process: text("leader"),
        ..Default::default()
    };
    let reading = LeaderReading::compile(&leader).expect("it is right");
    let mut watch = reading.watch(["a", "b"].map(str::to_owned));
    watch.started("b");
    assert_eq!(reading.log_line(&mut watch, b"nothing"), []);
    assert_eq!(reading.log_line(&mut watch, b"\xff New leader: b."), changed(Some("b")));
}

#[test]
fn each_of_a_role_is_asked_for_itself() {
    let leader = file::Leader {
        url: text("http://x"),
        role: text("order"),
        is: text("body.role == 'leader'"),
        term: text("body.term"),
        ..Default::default()
    };
    let reading = LeaderReading::compile(&leader).expect("it is right");
    let mut watch = reading.watch(["a", "b"].map(str::to_owned));
    watch.started("a");
    let leads = br#"{"role":"leader","term":3}"#;
    assert_eq!(answer(&reading, &mut watch, Some("a"), leads), [in_term("a", 3)]);
    assert_eq!(answer(&reading, &mut watch, Some("b"), leads), [], "it is dead");
    let silent = Answered { process: Some("a"), answer: None };
    assert_eq!(reading.answers(&mut watch, &[silent]), changed(None));
}

#[test]
fn a_leadership_that_goes_from_one_to_another_between_two_rounds_is_not_two_at_once() {
    let mut watch = watch(None);
    let round = |leads: &'static str| ["a", "b"].map(|name| (name, name == leads, None));
    assert_eq!(watch.claimed(round("b")), changed(Some("b")));
    assert_eq!(watch.claimed(round("a")), changed(Some("a")));
    assert_eq!(watch.claimed(["a", "b"].map(|name| (name, true, None))), [two(&["a", "b"])]);
    assert_eq!((watch.leader(), watch.rivals()), (Some("a"), vec!["b"]));
    assert_eq!(watch.claimed(round("a")), []);
    assert!(watch.rivals().is_empty());
}

#[test]
fn what_is_wrong_with_the_table_is_said_with_its_field() {
    let wrong = |leader: file::Leader| {
        let problems = LeaderReading::compile(&leader).expect_err("it is wrong");
        problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
    };
    let asked = || file::Leader { url: text("u"), ..Default::default() };
    assert_eq!(wrong(file::Leader::default()), [""]);
    assert_eq!(wrong(file::Leader { guess: Some(file::Guess::Lowest), ..asked() }), [""]);
    assert_eq!(wrong(asked()), ["process"]);
    assert_eq!(wrong(file::Leader { process: text("bdy"), ..asked() }), ["process"]);
    assert_eq!(
        wrong(file::Leader { is: text("bdy"), term: text("1 +"), ..asked() }),
        ["is", "term"]
    );
    let logged = || file::Leader { log: text("l"), process: text("who"), ..Default::default() };
    assert_eq!(wrong(logged()), ["regex"]);
    assert_eq!(wrong(file::Leader { regex: text("("), ..logged() }), ["regex"]);
    assert_eq!(wrong(file::Leader { regex: text("(?P<leader>x)"), ..logged() }), ["process"]);
}
