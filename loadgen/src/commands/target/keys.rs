//! Registers and logs in `target check`: one write and one compare-and-set, or one append, as a client of the load will do them, and
//! whether reads show them, also after each restart.

use std::time::{Duration, Instant};

use serde_json::Value as Json;
use targets::file::{Acknowledged, ModelKind};
use targets::operation::{Kind, Places};
use targets::target::Target;

use super::findings::Findings;
use super::operations::{Done, Operations};

/// How long what was written may take to be read again after a restart.
const SEEN_WITHIN: Duration = Duration::from_secs(5);
/// How long after a read without it the next is tried.
const READ_PERIOD: Duration = Duration::from_millis(100);

/// Values that nothing else in a target is likely to be: registers may hold anything before.
const FIRST: u64 = 4_242_001;

/// What was put somewhere and acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Put {
    /// The register, or the log.
    key: String,
    value: Json,
    is_log: bool,
}

impl Put {
    /// What it is called in a line.
    fn what(&self) -> String {
        let noun = if self.is_log { "entry" } else { "value" };
        format!("{noun} {} of {}", self.value, self.key)
    }

    fn is_in(&self, shown: &Json) -> bool {
        match shown {
            Json::Array(entries) if self.is_log => entries.contains(&self.value),
            shown => *shown == self.value,
        }
    }
}

/// Tries each operation on the first register or log, and returns what was put there.
pub(super) async fn try_each(
    target: &Target,
    operations: &Operations<'_>,
    findings: &mut Findings,
) -> Option<Put> {
    let key = target.model.keys.first()?;
    let is_log = target.model.kind == ModelKind::Log;
    match operations.read(key).await {
        None => findings.missing("read", "the file describes none: nothing that is kept is seen"),
        Some(done)
            if done.is_ok() || done.answer.outcome == results::records::Outcome::Rejected =>
        {
            let shown = done.answer.captures.value.as_ref();
            let shown = shown.map_or("nothing".to_owned(), Json::to_string);
            findings.ok("read", format_args!("of {key}: {shown} ({} ms)", done.took.as_millis()));
        }
        Some(done) => findings.fails("read", format_args!("of {key}: {}", done.why())),
    }
    let first = Put { key: key.clone(), value: Json::from(FIRST), is_log };
    let kind = if is_log { Kind::Append } else { Kind::Write };
    let put = match put(operations, kind, &first, None, findings).await {
        Some(true) => Some(first),
        Some(false) => return None,
        None if is_log => return None,
        None => None,
    };
    if let Some(put) = &put {
        seen(operations, put, findings).await;
    }
    if is_log || !operations.has(Kind::CompareAndSet) {
        return put;
    }
    let before = put?;
    let second = Put { value: Json::from(FIRST + 1), ..before.clone() };
    if put_if(operations, &second, &before.value, findings).await != Some(true) {
        return Some(before);
    }
    seen(operations, &second, findings).await;
    // What was there is there no longer, so the same must be refused now.
    let places = Places {
        register: Some(&second.key),
        value: Some(&before.value),
        expected: Some(&before.value),
        ..Places::default()
    };
    if let Some(done) = operations.perform(Kind::CompareAndSet, places).await
        && done.is_ok()
    {
        let what =
            format!("{} expected in {key}, where {} is, and it is ok", before.value, second.value);
        findings.fails("compare-and-set", format_args!("{what}: is it compared at all?"));
    }
    Some(second)
}

/// Puts something there; `None` if there is no such operation.
async fn put(
    operations: &Operations<'_>,
    kind: Kind,
    put: &Put,
    expected: Option<&Json>,
    findings: &mut Findings,
) -> Option<bool> {
    let places =
        Places { register: Some(&put.key), value: Some(&put.value), expected, ..Places::default() };
    let Some(done) = operations.perform(kind, places).await else {
        findings.missing(kind.name(), "the file describes none");
        return None;
    };
    let what = match expected {
        Some(expected) => format!("{} in {}, where {expected} was expected", put.value, put.key),
        None => format!("{} in {}", put.value, put.key),
    };
    if done.is_ok() {
        let at = done.answer.captures.position;
        let at = at.map(|position| format!(", put at {position}")).unwrap_or_default();
        findings.ok(kind.name(), format_args!("{what}{at} ({} ms)", done.took.as_millis()));
    } else {
        findings.fails(kind.name(), format_args!("{what}: {}", done.why()));
    }
    Some(done.is_ok())
}

async fn put_if(
    operations: &Operations<'_>,
    second: &Put,
    expected: &Json,
    findings: &mut Findings,
) -> Option<bool> {
    put(operations, Kind::CompareAndSet, second, Some(expected), findings).await
}

/// Whether a read shows what was put there.
async fn seen(operations: &Operations<'_>, put: &Put, findings: &mut Findings) {
    let Some(done) = operations.read(&put.key).await else { return };
    let subject = if put.is_log { "entry" } else { "value" };
    match shown(&done) {
        Some(shown) if put.is_in(shown) => {
            findings.ok(subject, format_args!("{} is read", put.what()));
        }
        Some(shown) => {
            let hint = if shown.is_string() {
                "; if it is a text, write value = \"int(...)\""
            } else {
                ""
            };
            findings.fails(
                subject,
                format_args!("{} was put there, and {shown} is read{hint}", put.what()),
            );
        }
        None => findings.fails(subject, format_args!("{}: {}", put.what(), done.why())),
    }
}

fn shown(done: &Done) -> Option<&Json> {
    done.answer.captures.value.as_ref().filter(|_| done.is_ok())
}

/// Whether what was put somewhere is there after `name` was killed and started again.
pub(super) async fn compare(
    target: &Target,
    operations: &Operations<'_>,
    put: &Put,
    name: &str,
    findings: &mut Findings,
) {
    let began = Instant::now();
    let (is_there, last) = loop {
        let Some(done) = operations.read(&put.key).await else { return };
        let is_there = shown(&done).is_some_and(|shown| put.is_in(shown));
        if is_there || began.elapsed() >= SEEN_WITHIN {
            let last = shown(&done).map_or_else(|| done.why(), Json::to_string);
            break (is_there, last);
        }
        tokio::time::sleep(READ_PERIOD).await;
    };
    let subject = format!("{} after it", if put.is_log { "entry" } else { "value" });
    if is_there {
        return findings.ok(&subject, format_args!("{} is still there", put.what()));
    }
    let what = format!(
        "{}, acknowledged before {name} was killed, is not there any more: {last} is read",
        put.what()
    );
    match target.model.acknowledged {
        Acknowledged::Durable => findings.fails(&subject, what),
        Acknowledged::MayBeLost => {
            findings.ok(&subject, format_args!("{what}; model.acknowledged allows it"));
        }
    }
}
