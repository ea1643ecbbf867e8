//! Targets of two processes, and what they say of who leads.

use std::fs;
use std::path::Path;

use super::*;
use crate::target::testing::{FakeService, target};

const PROCESSES: &str = "name = 'x'\n[ports]\na = 'free'\nb = 'free'\n\
    [processes.a]\nrole = 'kv'\ncommand = 'true'\n[processes.b]\nrole = 'kv'\ncommand = 'true'\n\
    [processes.front]\nrole = 'front'\ncommand = 'true'\n";

fn leaders(text: &str, folder: &Path, ports: &[(&str, u16)]) -> TargetLeaders {
    let (target, asking) = target(&format!("{PROCESSES}{text}"), folder, ports);
    TargetLeaders::new(target, asking).unwrap()
}

fn name(text: &str) -> ProcessName {
    text.parse().unwrap()
}

fn alive(pids: &[(&str, u32)]) -> Alive {
    pids.iter().map(|(text, pid)| (name(text), *pid)).collect()
}

fn alone(leader: &str) -> Leadership {
    Leadership { leader: name(leader), epoch: None, in_sync: None, rivals: Vec::new() }
}

const BOTH: [(&str, u32); 3] = [("a", 1), ("b", 2), ("front", 3)];

#[tokio::test]
async fn a_target_without_a_leader_table_does_not_say_who_leads() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["", "[leader]\nguess = 'none'\n"] {
        let leaders = leaders(text, folder.path(), &[]);
        let error = leaders.look_up(&alive(&BOTH)).await.unwrap_err();
        assert_eq!(error, NoLeader::Untold);
        assert_eq!(leaders.history().await, Remembered::Nothing);
    }
}

#[tokio::test]
async fn a_guess_follows_who_lives_and_a_new_pid_is_a_death() {
    let folder = tempfile::tempdir().unwrap();
    let leaders = leaders("[leader]\nrole = 'kv'\nguess = 'lowest'\n", folder.path(), &[]);
    assert!(matches!(leaders.look_up(&Alive::new()).await, Err(NoLeader::Nobody(_))));
    assert_eq!(leaders.look_up(&alive(&BOTH)).await, Ok(alone("a")));
    // It died and was started again between two looks; who led meanwhile does still.
    let back = alive(&[("a", 9), ("b", 2), ("front", 3)]);
    assert_eq!(leaders.look_up(&back).await, Ok(alone("b")));
    let other = alive(&[("a", 9), ("b", 2), ("front", 8)]);
    assert_eq!(leaders.look_up(&other).await, Ok(alone("b")), "a front-end does not lead");
    assert_eq!(leaders.look_up(&alive(&[("a", 9)])).await, Ok(alone("a")));
}

#[tokio::test]
async fn who_is_asked_names_the_leader_and_what_else_the_file_reads() {
    let (folder, service) = (tempfile::tempdir().unwrap(), FakeService::start().await);
    let text = "[leader]\nrole = 'kv'\nurl = \"http://127.0.0.1:{{ port['a'] }}/leader\"\nprocess = 'body.leader'\n\
        [capabilities]\nepoch = 'body.epoch'\nin_sync = 'body.members'\n";
    let leaders = leaders(text, folder.path(), &[("a", service.port), ("b", 1)]);
    service.answer("/leader", 200, r#"{"leader":"a","epoch":4,"members":["b","z"]}"#);
    let named = Leadership { epoch: Some(4), in_sync: Some(vec![name("b")]), ..alone("a") };
    assert_eq!(leaders.look_up(&alive(&BOTH)).await, Ok(named));
    let error = leaders.look_up(&alive(&[("b", 2), ("front", 3)])).await.unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("nobody leads: the last answer was status 200: {"), "{said}");
    for who_is_in_sync_is_not_said in [r#"{"leader":"b"}"#, r#"{"leader":"b","members":[1,2]}"#] {
        service.answer("/leader", 200, who_is_in_sync_is_not_said);
        assert_eq!(leaders.look_up(&alive(&BOTH)).await, Ok(alone("b")));
    }
    service.answer("/leader", 200, r#"{"leader":"z"}"#);
    let events = leaders.look(&alive(&BOTH)).await;
    assert_eq!(events, [LeaderEvent::Stranger { name: "z".to_owned() }]);
}

#[tokio::test]
async fn each_that_may_lead_is_asked_and_two_at_once_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (FakeService::start().await, FakeService::start().await);
    let text = "[leader]\nrole = 'kv'\nurl = 'http://127.0.0.1:{{ port[process] }}/me'\n\
        is = \"body.role == 'leader'\"\nterm = 'body.term'\n";
    let leaders = leaders(text, folder.path(), &[("a", one.port), ("b", other.port)]);
    let error = leaders.look_up(&alive(&BOTH)).await.unwrap_err();
    assert!(matches!(error, NoLeader::Nobody(_)), "both answered, with 500: {error}");
    one.answer("/me", 200, r#"{"role":"leader","term":3}"#);
    other.answer("/me", 200, r#"{"role":"follower","term":3}"#);
    let led = Leadership { epoch: Some(3), ..alone("a") };
    assert_eq!(leaders.look_up(&alive(&BOTH)).await, Ok(led));
    other.answer("/me", 200, r#"{"role":"leader","term":4}"#);
    let two = Leadership { epoch: Some(4), rivals: vec![name("a")], ..alone("b") };
    assert_eq!(leaders.look_up(&alive(&BOTH)).await, Ok(two));
    let alone = Leadership { epoch: Some(4), ..alone("b") };
    assert_eq!(leaders.look_up(&alive(&[("b", 2)])).await, Ok(alone), "a is dead");
}

#[tokio::test]
async fn a_log_names_the_leader_in_its_last_line_that_does() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[leader]\nrole = 'kv'\nlog = 'front'\nregex = 'New leader: (?P<leader>\\w+)'\nprocess = 'leader'\n";
    let leaders = leaders(text, folder.path(), &[]);
    let error = leaders.look_up(&alive(&BOTH)).await.unwrap_err();
    assert!(matches!(error, NoLeader::Unanswered(_)), "there is no log: {error}");
    let log = folder.path().join("front.log");
    fs::write(&log, "begins\n").unwrap();
    let error = leaders.look_up(&alive(&BOTH)).await.unwrap_err().to_string();
    assert!(error.ends_with("front.log names a leader"), "{error}");
    fs::write(&log, "begins\nNew leader: a\nNew leader: b\nNew le").unwrap();
    assert_eq!(leaders.look_up(&alive(&BOTH)).await, Ok(alone("b")));
    assert!(leaders.look_up(&alive(&[("a", 1)])).await.is_err(), "b is dead");
    assert_eq!(leaders.look_up(&alive(&BOTH)).await, Ok(alone("b")), "nobody else was named");
}

#[tokio::test]
async fn an_answer_to_an_older_question_is_not_taken_in() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[leader]\nrole = 'kv'\nexec = 'who-leads'\nprocess = 'text'\n";
    let leaders = leaders(text, folder.path(), &[]);
    let take_in = |question, text: &str| {
        let (headers, text) = (Json::Null, text.as_bytes().to_vec());
        let round = vec![(None, Ok(Answer { status: 0, headers, text }))];
        leaders.take_in(leaders.target.leader.as_ref().unwrap(), question, &round);
        leaders.leadership().unwrap().leader
    };
    locked(&leaders.known).note(&alive(&BOTH), &leaders.candidates);
    assert_eq!(take_in(2, "b"), name("b"));
    assert_eq!(take_in(1, "a"), name("b"));
    assert_eq!(take_in(3, "a"), name("a"));
}

#[tokio::test]
async fn a_history_is_read_in_the_bazaars_shape() {
    let (folder, service) = (tempfile::tempdir().unwrap(), FakeService::start().await);
    let text = "[leader]\nrole = 'kv'\nguess = 'lowest'\n\
        [capabilities]\nhistory = { url = 'http://127.0.0.1:{{ port.a }}/history' }\n";
    let leaders = leaders(text, folder.path(), &[("a", service.port), ("b", 1)]);
    assert_eq!(leaders.history().await, Remembered::NoAnswer);
    service.answer("/history", 404, "");
    assert_eq!(leaders.history().await, Remembered::Nothing);
    service.answer("/history", 200, r#"{"changes":[]}"#);
    assert_eq!(leaders.history().await, Remembered::Changes(Default::default()));
    service.answer("/history", 200, "[]");
    assert_eq!(leaders.history().await, Remembered::NoAnswer);
}

#[tokio::test]
async fn while_nobody_says_who_leads_the_one_that_claims_the_highest_term_does() {
    let folder = tempfile::tempdir().unwrap();
    let (keeper, a, b) =
        (FakeService::start().await, FakeService::start().await, FakeService::start().await);
    let text = format!(
        "[leader]\nrole = 'kv'\nurl = 'http://127.0.0.1:{}/leader'\nprocess = 'body.leader'\n\
         otherwise = {{ url = 'http://127.0.0.1:{{{{ port[process] }}}}/ping', is = 'body.leading', term = 'body.term' }}\n\
         [capabilities]\nin_sync = 'body.members'\n",
        keeper.port
    );
    let leaders = leaders(&text, folder.path(), &[("a", a.port), ("b", b.port)]);
    keeper.answer("/leader", 200, r#"{"leader":"a","members":["a","b"]}"#);
    a.answer("/ping", 200, r#"{"leading":true,"term":4}"#);
    b.answer("/ping", 200, r#"{"leading":true,"term":6}"#);
    let in_sync = Some(vec![name("a"), name("b")]);
    let named = Leadership { in_sync, ..alone("a") };
    assert_eq!(leaders.look_up(&alive(&BOTH)).await, Ok(named.clone()));
    // It answers, and says nothing of which a name could be read.
    keeper.answer("/leader", 503, r#"{"error":"no configuration"}"#);
    let claimed = Leadership { epoch: Some(6), in_sync: Some(vec![name("b")]), ..alone("b") };
    assert_eq!(leaders.look_up(&alive(&BOTH)).await, Ok(claimed));
    let error = leaders.ask(&alive(&BOTH)).await.unwrap_err();
    assert!(matches!(error, NoLeader::Unanswered(_)), "the keeper alone: {error}");
    // Who is dead leads nobody, whatever it says.
    let of_a = Leadership { epoch: Some(4), in_sync: Some(vec![name("a")]), ..alone("a") };
    assert_eq!(leaders.look_up(&alive(&[("a", 1), ("front", 3)])).await, Ok(of_a));
    a.answer("/ping", 200, r#"{"leading":false,"term":4}"#);
    let error = leaders.look_up(&alive(&[("a", 1), ("front", 3)])).await.unwrap_err().to_string();
    assert!(error.ends_with("; none that may lead says that it does"), "{error}");
    keeper.answer("/leader", 200, r#"{"leader":"a","members":["a","b"]}"#);
    assert_eq!(leaders.look_up(&alive(&BOTH)).await, Ok(named));
}
