//! Who leads a target, as its file says that it is found out: somebody is asked, each process is asked for itself, a log
//! names it, or it is guessed from who is alive.
//!
//! What an answer means is decided by `targets::leader`, which is pure; here is who is asked. Several may look at once,
//! the probes and a fault: an answer to an older question than one that was answered already is not taken in.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use faults::leadership::{self, Alive, Leaders, Leadership, NoLeader, Remembered};
use minijinja::Value;
use results::records::{BadName, ProcessName};
use serde_json::Value as Json;
use supervisor::host::HostClock;
use supervisor::locked::locked;
use supervisor::log_lines::LogLines;
use targets::expression::{Bound, Variables};
use targets::leader::{Answered, LeaderEvent, LeaderReading, LeaderWatch};
use targets::target::{Capabilities, Endpoint, Leader, LeaderSource, Otherwise, Target};
use tokio::task::JoinSet;
use wire::configuration::History;

use super::asking::{Answer, Asking, Question};

/// How long the history may take: it is in memory. One that does not come is asked for again.
const HISTORY_WITHIN: Duration = Duration::from_millis(500);
/// How long a command may take, which has to be started.
const OUTPUT_WITHIN: Duration = Duration::from_secs(2);
/// The longest answer that is read, in bytes: a name and a term, and much room.
const MAX_ANSWER_BYTES: usize = 64 << 10;
/// The longest history, in bytes: a thousand changes with a dozen members each.
const MAX_HISTORY_BYTES: usize = 4 << 20;
/// How often is looked where nobody is asked, and looking costs nothing.
const GUESS_PERIOD: Duration = Duration::from_millis(50);

/// Finds out who leads a target.
pub struct TargetLeaders {
    target: Arc<Target>,
    asking: Asking,
    /// The clock of whoever remembers the changes, if that is not ours.
    history_clock: Option<Arc<HostClock>>,
    /// Every process of the target, by its name in the file.
    names: BTreeMap<String, ProcessName>,
    /// Those that may lead, in the order of the file.
    candidates: Vec<(String, ProcessName)>,
    questions: AtomicU64,
    known: Mutex<Known>,
}

/// What is known so far.
struct Known {
    watch: LeaderWatch,
    alive: Alive,
    /// The newest question whose answers were taken in.
    answered: u64,
    /// What the answers say besides: of whom was asked, or of each.
    besides: BTreeMap<Option<String>, Besides>,
    /// How far the log was read that names the leader, and its last line that did.
    log: LogLines,
    named_by: Option<Vec<u8>>,
    /// What was said last, or why nothing was.
    said: Result<String, String>,
}

/// What an answer says besides who leads.
#[derive(Debug)]
struct Besides {
    epoch: Option<u64>,
    in_sync: Option<Vec<ProcessName>>,
}

/// Those who were asked, and what came of it.
type Round = Vec<(Option<String>, Result<Answer, String>)>;

impl TargetLeaders {
    /// Of a target that `asking` reaches.
    ///
    /// # Errors
    /// If a process has a name that means something else to faults and reports.
    pub fn new(target: Arc<Target>, asking: Asking) -> Result<Self, BadName> {
        let leader = target.leader.as_ref();
        let role = leader.and_then(|leader| leader.role.as_deref());
        let (mut names, mut candidates) = (BTreeMap::new(), Vec::new());
        for process in &target.processes {
            let name: ProcessName = process.name.parse()?;
            names.insert(process.name.clone(), name);
            if role.is_none_or(|role| role == process.role) {
                candidates.push((process.name.clone(), name));
            }
        }
        let reading = leader.map_or(&LeaderReading::Unknown, |leader| &leader.reading);
        let known = Known {
            watch: reading.watch(candidates.iter().map(|(name, _)| name.clone())),
            alive: Alive::new(),
            answered: 0,
            besides: BTreeMap::new(),
            log: LogLines::default(),
            named_by: None,
            said: Err("nobody was asked".to_owned()),
        };
        Ok(Self {
            names,
            candidates,
            questions: AtomicU64::new(0),
            known: Mutex::new(known),
            history_clock: {
                let endpoint = target.capabilities.history.as_ref();
                endpoint.and_then(|endpoint| asking.clock_behind(&endpoint.request, &target))
            },
            target,
            asking,
        })
    }

    /// Asks whoever is to be asked once. Returns what was new.
    pub async fn look(&self, alive: &Alive) -> Vec<LeaderEvent> {
        let Some(leader) = &self.target.leader else { return Vec::new() };
        let mut events = locked(&self.known).note(alive, &self.candidates);
        let question = self.questions.fetch_add(1, Ordering::Relaxed) + 1;
        match &leader.source {
            Some(source) => {
                let round = self.round(source, leader.deadline).await;
                events.extend(self.take_in(leader, question, &round));
            }
            None => events.extend(self.look_without_asking(leader)),
        }
        events
    }

    /// Who leads, by what was seen so far.
    ///
    /// # Errors
    /// Why that is not known.
    pub fn leadership(&self) -> Result<Leadership, NoLeader> {
        let reading = self.target.leader.as_ref().map(|leader| &leader.reading);
        let is_claimed = match reading {
            None | Some(LeaderReading::Unknown) => return Err(NoLeader::Untold),
            Some(reading) => matches!(reading, LeaderReading::Claimed { .. }),
        };
        let known = locked(&self.known);
        let leader = known.watch.leader();
        let Some((leader, name)) = leader.and_then(|name| Some((name, *self.names.get(name)?)))
        else {
            return Err(match &known.said {
                Ok(said) => NoLeader::Nobody(said.clone()),
                Err(reason) => NoLeader::Unanswered(reason.clone()),
            });
        };
        let besides = known.besides.get(&is_claimed.then(|| leader.to_owned()));
        let term = known.watch.term().and_then(|term| u64::try_from(term).ok());
        let rivals = known.watch.rivals().into_iter();
        Ok(Leadership {
            leader: name,
            epoch: besides.and_then(|besides| besides.epoch).or(term),
            in_sync: besides.and_then(|besides| besides.in_sync.clone()),
            rivals: rivals.filter_map(|rival| self.names.get(rival).copied()).collect(),
        })
    }

    /// Why nobody could be named last, if there was no answer of which a name could be read.
    fn silence(&self) -> Option<String> {
        let known = locked(&self.known);
        match &known.said {
            Err(reason) => Some(reason.clone()),
            Ok(said) => known.watch.is_unclear().then(|| said.clone()),
        }
    }

    /// Asks each process that may lead. Of those that say that they do the one with the highest term counts.
    async fn ask_others(
        &self,
        otherwise: &Otherwise,
        alive: &Alive,
        silence: String,
    ) -> Result<Leadership, NoLeader> {
        let mut asking = JoinSet::new();
        for (text, name) in self.candidates.iter().filter(|(_, name)| alive.contains_key(name)) {
            let values = vec![("process", Value::from(text.as_str()))];
            let question = self.asking.request(&otherwise.request, values);
            let (client, name, deadline) = (self.asking.clone(), *name, otherwise.deadline);
            asking.spawn(async move {
                let answer = client.ask(question.ok()?, deadline, MAX_ANSWER_BYTES).await.ok()?;
                Some((name, answer))
            });
        }
        let answers = asking.join_all().await.into_iter().flatten();
        let claims = answers.filter_map(|(name, answer)| {
            reading(&answer, |variables| {
                let leads = otherwise.is.holds(variables).unwrap_or(false);
                let term = otherwise.term.as_ref().and_then(|term| term.int(variables).ok());
                leads.then_some((term, name))
            })
        });
        let Some((term, leader)) = claims.max() else {
            let reason = format!("{silence}; none that may lead says that it does");
            return Err(NoLeader::Unanswered(reason));
        };
        Ok(Leadership {
            leader,
            epoch: term.and_then(|term| u64::try_from(term).ok()),
            in_sync: Some(vec![leader]),
            rivals: Vec::new(),
        })
    }

    /// Asks all at the same time, so that one that does not answer delays no other.
    async fn round(&self, source: &LeaderSource, deadline: Duration) -> Round {
        let each = source.is_asked_of_each();
        let asked: Vec<Option<&String>> = if each {
            self.candidates.iter().map(|(name, _)| Some(name)).collect()
        } else {
            vec![None]
        };
        let mut asking = JoinSet::new();
        for (place, process) in asked.iter().enumerate() {
            let values = process.map(|name| ("process", Value::from(name.as_str())));
            let values = values.into_iter().collect();
            let question = match source {
                LeaderSource::Url(request) => self.asking.request(request, values),
                LeaderSource::Exec(command) => self.asking.command(command, values),
            };
            let client = self.asking.clone();
            asking.spawn(async move {
                let question = match question {
                    Ok(question) => question,
                    Err(reason) => return (place, Err(reason)),
                };
                let within = match &question {
                    Question::Get { .. } => deadline,
                    Question::Run(_) => OUTPUT_WITHIN,
                };
                (place, client.ask(question, within, MAX_ANSWER_BYTES).await)
            });
        }
        let mut answers = asking.join_all().await;
        answers.sort_by_key(|(place, _)| *place);
        let answers = answers.into_iter().map(|(_, answer)| answer);
        asked.into_iter().map(|process| process.cloned()).zip(answers).collect()
    }

    fn take_in(&self, leader: &Leader, question: u64, round: &Round) -> Vec<LeaderEvent> {
        let mut known = locked(&self.known);
        if question < known.answered {
            return Vec::new();
        }
        known.answered = question;
        known.said = said(round);
        known.besides = round
            .iter()
            .filter_map(|(process, answer)| {
                Some((process.clone(), self.besides(answer.as_ref().ok()?)))
            })
            .collect();
        let answers: Vec<_> = round
            .iter()
            .map(|(process, answer)| Answered {
                process: process.as_deref(),
                answer: answer.as_ref().ok().map(|answer| (answer.status, answer.text.as_slice())),
            })
            .collect();
        leader.reading.answers(&mut known.watch, &answers)
    }

    fn look_without_asking(&self, leader: &Leader) -> Vec<LeaderEvent> {
        let mut known = locked(&self.known);
        let Known { watch, log, named_by, said, .. } = &mut *known;
        let LeaderReading::Logged { log: process, regex, .. } = &leader.reading else {
            *said = Ok("none that may lead is alive".to_owned());
            return Vec::new();
        };
        let path = self.asking.log_of(process);
        let looked = log.look(&path, |line| {
            if regex.is_match(&String::from_utf8_lossy(line)) {
                *named_by = Some(line.to_owned());
            }
            ControlFlow::Continue(())
        });
        match looked {
            Ok(()) => {
                let line = named_by.as_deref();
                *said = match line {
                    Some(line) => Ok(format!("the last line is: {}", excerpt(line))),
                    None => Ok(format!("no line of {} names a leader", path.display())),
                };
                line.map(|line| leader.reading.log_line(watch, line)).unwrap_or_default()
            }
            Err(error) => {
                *said = Err(format!("{}: {error}", path.display()));
                Vec::new()
            }
        }
    }

    /// What cannot be evaluated is not known.
    fn besides(&self, answer: &Answer) -> Besides {
        let Capabilities { epoch, in_sync, .. } = &self.target.capabilities;
        if epoch.is_none() && in_sync.is_none() {
            return Besides { epoch: None, in_sync: None };
        }
        reading(answer, |variables| {
            let epoch = epoch.as_ref().and_then(|epoch| epoch.int(variables).ok());
            let members = in_sync.as_ref().and_then(|in_sync| in_sync.list(variables).ok());
            Besides {
                epoch: epoch.and_then(|epoch| u64::try_from(epoch).ok()),
                // Of a list that has anything but names nobody knows whom it leaves out.
                in_sync: members.and_then(|members| {
                    let names: Option<Vec<&str>> = members.iter().map(Json::as_str).collect();
                    let known = |name: &&str| self.names.get(*name).copied();
                    Some(names?.iter().filter_map(known).collect())
                }),
            }
        })
    }

    async fn ask_history(&self, endpoint: &Endpoint) -> Remembered {
        let Endpoint { request, processes } = endpoint;
        let of_each = processes.iter().map(|name| {
            (vec![("process", Value::from(name.as_str()))], self.asking.clock_of(name))
        });
        let asked: Vec<_> = match processes.is_empty() {
            true => vec![(Vec::new(), self.history_clock.clone())],
            false => of_each.collect(),
        };
        let mut remembered = Remembered::NoAnswer;
        for (values, clock) in asked {
            let Ok(question) = self.asking.request(request, values) else { continue };
            match self.asking.ask(question, HISTORY_WITHIN, MAX_HISTORY_BYTES).await {
                Ok(Answer { status: 200, text, .. }) => match serde_json::from_slice(&text) {
                    Ok(history) => {
                        return Remembered::Changes(on_our_clock(history, clock.as_ref()));
                    }
                    Err(error) => tracing::warn!(%error, "the history is not what it should be"),
                },
                Ok(Answer { status: 404, .. }) => remembered = Remembered::Nothing,
                Ok(_) | Err(_) => {}
            }
        }
        remembered
    }
}

/// A history whose times are those of another host's clock, on ours.
fn on_our_clock(mut history: History, clock: Option<&Arc<HostClock>>) -> History {
    if let Some(clock) = clock.filter(|clock| !clock.is_same()) {
        let map = |us: &mut u64| *us = clock.ours(*us).at_us;
        for change in &mut history.changes {
            map(&mut change.stored_us);
            change.suspected_us.iter_mut().for_each(map);
            change.serving_us.iter_mut().for_each(map);
        }
    }
    history
}

impl Leaders for TargetLeaders {
    fn look_up<'a>(
        &'a self,
        alive: &'a Alive,
    ) -> leadership::Asking<'a, Result<Leadership, NoLeader>> {
        Box::pin(async move {
            self.look(alive).await;
            let leader = self.target.leader.as_ref();
            match (leader.and_then(|leader| leader.otherwise.as_ref()), self.silence()) {
                (Some(otherwise), Some(reason)) => self.ask_others(otherwise, alive, reason).await,
                _ => self.leadership(),
            }
        })
    }

    /// Who is asked while the one at `leader.url` is silent keeps no configuration: their word does not count here.
    fn ask<'a>(&'a self, alive: &'a Alive) -> leadership::Asking<'a, Result<Leadership, NoLeader>> {
        Box::pin(async move {
            self.look(alive).await;
            let leader = self.target.leader.as_ref();
            match self.silence().filter(|_| leader.is_some_and(|one| one.otherwise.is_some())) {
                Some(reason) => Err(NoLeader::Unanswered(reason)),
                None => self.leadership(),
            }
        })
    }

    fn history(&self) -> leadership::Asking<'_, Remembered> {
        Box::pin(async move {
            match &self.target.capabilities.history {
                Some(endpoint) => self.ask_history(endpoint).await,
                None => Remembered::Nothing,
            }
        })
    }

    fn period(&self) -> Duration {
        let leader = self.target.leader.as_ref();
        leader.filter(|leader| leader.source.is_some()).map_or(GUESS_PERIOD, |leader| leader.poll)
    }
}

impl fmt::Debug for TargetLeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TargetLeaders")
            .field("candidates", &self.candidates)
            .finish_non_exhaustive()
    }
}

impl Known {
    /// Who was started and who has died since the last time. One whose pid is another has done both.
    fn note(&mut self, alive: &Alive, candidates: &[(String, ProcessName)]) -> Vec<LeaderEvent> {
        let is_other = |(_, name): &&(String, ProcessName)| self.alive.get(name) != alive.get(name);
        let changed: Vec<_> = candidates.iter().filter(is_other).collect();
        let mut events = Vec::new();
        // Deaths first: who is started meanwhile may take over.
        for (name, _) in changed.iter().filter(|(_, name)| self.alive.contains_key(name)) {
            events.extend(self.watch.died(name));
        }
        for (name, _) in changed.iter().filter(|(_, name)| alive.contains_key(name)) {
            events.extend(self.watch.started(name));
        }
        self.alive.clone_from(alive);
        events
    }
}

/// Hands what an answer holds to whoever evaluates something on it.
fn reading<T>(answer: &Answer, evaluate: impl FnOnce(&Variables<'_>) -> T) -> T {
    let body: Json = serde_json::from_slice(&answer.text).unwrap_or(Json::Null);
    let text = String::from_utf8_lossy(&answer.text);
    let variables = Variables::new()
        .with("status", Bound::Int(answer.status))
        .with("headers", Bound::Json(&answer.headers))
        .with("text", Bound::Text(&text))
        .with("body", Bound::Json(&body));
    evaluate(&variables)
}

/// What was said last, for people; if nobody answered, why.
fn said(round: &Round) -> Result<String, String> {
    let answers = round.iter().rev().find_map(|(_, answer)| answer.as_ref().ok());
    if let Some(Answer { status, text, .. }) = answers {
        return Ok(format!("the last answer was status {status}: {}", excerpt(text)));
    }
    let reason = round.last().and_then(|(_, answer)| answer.as_ref().err());
    Err(reason.cloned().unwrap_or_else(|| "nobody was asked".to_owned()))
}

fn excerpt(text: &[u8]) -> String {
    targets::name::excerpt(&String::from_utf8_lossy(text))
}

#[cfg(test)]
mod tests;
