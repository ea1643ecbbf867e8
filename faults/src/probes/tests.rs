//! Histories and answers by hand, as a target would tell them poll by poll.

use std::collections::VecDeque;
use std::sync::Mutex;

use records::built_in;
use wire::configuration::Member;
use wire::ids::{BazaarId, Identity, Incarnation, OrderNo, ReplicaId};

use super::*;
use crate::http::HttpClient;
use crate::leadership::{Asking, NoLeader};
use crate::process::{ProcessInfo, ProcessName, ProcessState};
use crate::testing::{AskedLeaders, FakeBazaar, FakeService, drain, events, kinds};

fn change(version: u64, epoch: u64, leader: u8, cause: Cause) -> ConfigurationChange {
    ConfigurationChange {
        configuration: Configuration {
            version: ConfigVersion(version),
            epoch: Epoch(epoch),
            leader: ReplicaId(leader),
            leader_incarnation: Incarnation::new("first").unwrap(),
            in_sync: vec![member(1), member(leader)],
            bazaar: BazaarId::new("bazaar").unwrap(),
            committed: OrderNo(0),
            by_everybody: true,
            new_catalog: None,
        },
        cause,
        suspected_us: None,
        stored_us: 0,
        serving_us: None,
    }
}

fn member(id: u8) -> Member {
    Member { id: ReplicaId(id), identity: Identity::new("file").unwrap() }
}

fn three() -> Processes {
    built_in::processes(3)
}

fn told(news: &[ConfigurationEvent]) -> Vec<(EventKind, Option<u64>)> {
    news.iter().map(|news| (news.kind, news.version.map(|version| version.0))).collect()
}

#[test]
fn every_version_is_told_once() {
    use EventKind::{InSyncChanged, LeaderChanged};
    let origin = Origin::now();
    let mut timeline = Timeline::default();
    let mut history =
        History { changes: vec![change(1, 1, 3, Cause::First), change(2, 1, 3, Cause::Remove)] };
    let news = timeline.of_history(&history, &three(), origin);
    assert_eq!(told(&news), [(LeaderChanged, Some(1)), (InSyncChanged, Some(2))]);
    history.changes.push(change(3, 2, 2, Cause::Election));
    assert_eq!(told(&timeline.of_history(&history, &three(), origin)), [(LeaderChanged, Some(3))]);
    assert_eq!(timeline.of_history(&history, &three(), origin), []);
}

#[test]
fn times_are_the_front_ends_own() {
    let origin = Origin::now();
    let at = |us| origin.monotonic_us() + us;
    let mut timeline = Timeline::default();
    let mut election = change(4, 2, 2, Cause::Election);
    (election.suspected_us, election.stored_us) = (Some(at(700)), at(900));
    let history = History { changes: vec![election.clone()] };
    let news = timeline.of_history(&history, &three(), origin);
    assert_eq!((news[0].at_us, news[0].suspected_us), (900, Some(700)));
    assert_eq!(news[0].detail, "leader did not answer");

    election.serving_us = Some(at(1500));
    let history = History { changes: vec![election] };
    let news = timeline.of_history(&history, &three(), origin);
    assert_eq!(told(&news), [(EventKind::LeaderServes, Some(4))]);
    assert_eq!(news[0].at_us, 1500);
    assert_eq!(timeline.of_history(&history, &three(), origin), []);
}

#[test]
fn a_restarted_front_end_goes_on_from_its_new_version() {
    use EventKind::{LeaderChanged, LeaderServes};
    let origin = Origin::now();
    let mut timeline = Timeline::default();
    let before = History { changes: vec![change(7, 3, 2, Cause::Election)] };
    timeline.of_history(&before, &three(), origin);
    assert_eq!(timeline.of_history(&History::default(), &three(), origin), []);
    let mut restart = change(9, 4, 2, Cause::FrontEndRestart);
    restart.serving_us = Some(origin.monotonic_us() + 5);
    let after = History { changes: vec![restart] };
    let news = timeline.of_history(&after, &three(), origin);
    assert_eq!(told(&news), [(LeaderChanged, Some(9)), (LeaderServes, Some(9))]);
}

#[test]
fn a_front_end_that_lost_its_file_counts_from_1_in_a_newer_epoch() {
    let origin = Origin::now();
    let mut timeline = Timeline::default();
    let before = History { changes: vec![change(7, 3, 2, Cause::Election)] };
    timeline.of_history(&before, &three(), origin);
    let after = History { changes: vec![change(1, 5, 2, Cause::Adopted)] };
    let news = timeline.of_history(&after, &three(), origin);
    assert_eq!(told(&news), [(EventKind::LeaderChanged, Some(1))]);
    assert_eq!(timeline.of_history(&after, &three(), origin), []);
}

fn leadership(leader: u8, epoch: u64, in_sync: &[u8]) -> Leadership {
    Leadership {
        leader: built_in::order(leader),
        epoch: Some(epoch),
        in_sync: Some(in_sync.iter().copied().map(built_in::order).collect()),
        rivals: Vec::new(),
    }
}

/// order-1 to order-3, whose pids are these; 0 is dead.
fn pids(pids: [u32; 3]) -> Alive {
    let names = [1, 2, 3].map(built_in::order);
    names.into_iter().zip(pids).filter(|(_, pid)| *pid > 0).collect()
}

#[test]
fn a_history_of_somebody_who_is_no_replica_is_left_out() {
    let origin = Origin::now();
    let changes = vec![change(1, 1, 9, Cause::First), change(2, 2, 3, Cause::Election)];
    let news = Timeline::default().of_history(&History { changes }, &three(), origin);
    assert_eq!(told(&news), [(EventKind::LeaderChanged, Some(2))]);
    assert_eq!(news[0].configuration, leadership(3, 2, &[1, 3]));
}

#[test]
fn without_a_history_the_answers_are_compared() {
    use EventKind::{InSyncChanged, LeaderChanged};
    let mut timeline = Timeline::default();
    let mut kinds = |leadership| {
        let news = timeline.of_answer(Some(leadership), &pids([11, 12, 13]), 17);
        news.into_iter().map(|news| (news.kind, news.at_us)).collect::<Vec<_>>()
    };
    assert_eq!(kinds(leadership(3, 1, &[1, 2, 3])), [(LeaderChanged, 17)]);
    assert_eq!(kinds(leadership(3, 1, &[1, 2, 3])), []);
    assert_eq!(kinds(leadership(3, 1, &[1, 3])), [(InSyncChanged, 17)]);
    assert_eq!(kinds(leadership(3, 2, &[1, 3])), [(LeaderChanged, 17)]);
}

#[test]
fn a_dead_leader_leads_no_more_whatever_is_said_and_anew_if_it_returns() {
    let led = || Some(leadership(3, 1, &[1, 2, 3]));
    let mut timeline = Timeline::default();
    let mut news = |answer, alive| timeline.of_answer(answer, &pids(alive), 17).len();
    assert_eq!(news(led(), [11, 12, 0]), 0, "named, and not alive");
    assert_eq!(news(led(), [11, 12, 13]), 1);
    assert_eq!(news(None, [11, 12, 13]), 0);
    assert_eq!(news(led(), [11, 12, 13]), 0, "one answer did not come");
    assert_eq!(news(led(), [11, 12, 0]), 0, "named still, and dead");
    assert_eq!(news(led(), [11, 12, 33]), 1, "it has returned");
    assert_eq!(news(led(), [11, 12, 34]), 1, "it died and returned between two polls");
}

#[test]
fn two_leaders_at_once_are_told_once_with_a_change_of_leader() {
    let with = |rivals: &[u8]| Leadership {
        rivals: rivals.iter().copied().map(built_in::order).collect(),
        ..leadership(3, 1, &[1, 2, 3])
    };
    let mut timeline = Timeline::default();
    let mut details = |leadership| {
        let news = timeline.of_answer(Some(leadership), &pids([11, 12, 13]), 17);
        assert!(news.iter().all(|news| news.kind == EventKind::LeaderChanged), "{news:?}");
        news.into_iter().map(|news| news.detail).collect::<Vec<_>>()
    };
    let alone = "as polled, without a history";
    assert_eq!(details(with(&[])), [alone]);
    assert_eq!(details(with(&[2])), [format!("{alone}; at the same time lead order-2")]);
    assert_eq!(details(with(&[2])), [""; 0]);
    assert_eq!(details(with(&[])), [""; 0], "the other gave up");
    assert_eq!(
        details(with(&[1, 2])),
        [format!("{alone}; at the same time lead order-1, order-2")]
    );
}

/// A target that says who leads, answer by answer, and remembers nothing.
#[derive(Debug)]
struct Scripted(Mutex<VecDeque<Result<Leadership, NoLeader>>>);

impl Leaders for Scripted {
    fn look_up<'a>(&'a self, _: &'a Alive) -> Asking<'a, Result<Leadership, NoLeader>> {
        let next = self.0.lock().unwrap().pop_front();
        Box::pin(std::future::ready(next.unwrap_or(Err(NoLeader::Untold))))
    }

    fn period(&self) -> Duration {
        PERIOD
    }
}

#[tokio::test]
async fn a_target_without_a_history_is_asked_who_leads() {
    let unsaid =
        |leader: u8| Leadership { epoch: None, in_sync: None, ..leadership(leader, 0, &[]) };
    let nobody = Err(NoLeader::Nobody("an election".to_owned()));
    let script = [nobody, Ok(unsaid(1)), Ok(unsaid(1)), Err(NoLeader::Untold), Ok(unsaid(2))];
    let leaders = Scripted(Mutex::new(VecDeque::from(script)));
    let mut timeline = Timeline::default();
    let mut news = Vec::new();
    for _ in 0..6 {
        let (alive, origin) = (pids([11, 12, 13]), Origin::now());
        news.extend(timeline.ask(&leaders, &alive, &three(), origin).await);
    }
    let names: Vec<ProcessName> = news.iter().map(|news| news.configuration.leader).collect();
    assert_eq!(names, [1, 2].map(built_in::order));
    assert_eq!(told(&news), [(EventKind::LeaderChanged, None); 2]);
}

#[tokio::test]
async fn an_answer_of_a_front_end_becomes_news() {
    let service = FakeService::start().await;
    let history = History { changes: vec![change(1, 1, 3, Cause::First)] };
    let (sink, _received) = events();
    let leaders = AskedLeaders { http: HttpClient::new(), front_end: service.address() };
    let mut timeline = Timeline::default();
    let (alive, origin) = (pids([11, 12, 13]), sink.origin());
    let mut ask = async || timeline.ask(&leaders, &alive, &three(), origin).await;
    assert_eq!(ask().await, [], "neither a history nor a leader");
    service.answer("/leader", 200, r#"{"leader":3,"epoch":1,"in_sync":[1,3]}"#);
    assert_eq!(told(&ask().await), [(EventKind::LeaderChanged, None)]);
    service.answer("/history", 200, serde_json::to_string(&history).unwrap());
    assert_eq!(told(&ask().await), [(EventKind::LeaderChanged, Some(1))]);
    service.answer("/history", 503, "{}");
    assert_eq!(ask().await, []);
}

#[tokio::test]
async fn a_death_is_told_and_the_last_look_comes_after_the_stop() {
    let fake = FakeBazaar::new();
    let bazaar = Arc::new(fake.start().await);
    let order_1 = bazaar.process(built_in::order(1)).unwrap();
    let (sink, mut received) = events();
    let killed = async {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(order_1.pid).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        let down = |process: ProcessInfo| process.state == ProcessState::Down;
        while !bazaar.process(order_1.name).is_some_and(down) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    watch(Arc::clone(&bazaar), sink, killed).await;
    let told = drain(&mut received);
    assert_eq!(kinds(&told), [EventKind::Died]);
    assert_eq!(told[0].process, "order-1".parse().ok());
    assert!(told[0].detail.as_deref().unwrap().contains("SIGKILL"));
}
