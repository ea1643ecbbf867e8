//! What an answer means: the first outcome that holds, and what is captured from an ok answer.
//!
//! The rules, from the target's contract: ok, rejected and failed are looked at in this order; an outcome that cannot be
//! evaluated does not hold; if none holds, the outcome is unknown. A capture that cannot be evaluated on an ok answer makes
//! it unknown as well, since whatever it did cannot be checked. Only a trade has no default for *rejected*: services answer
//! 400 to what they have applied.

use http::{HeaderMap, StatusCode};
use records::{CacheState, Outcome};
use serde_json::Value as Json;

use super::{Kind, Operation, Places};
use crate::expression::{Bound, Expression, Variables};
use crate::name;
use crate::order_no::OrderNo;

/// The longest answer, in bytes: it is held in memory for every operation under way, and parsed between measurements.
pub const MAX_ANSWER_BYTES: usize = 64 << 10;

/// The most that an answer's headers may take, names and values together, in bytes.
pub const MAX_HEADER_BYTES: usize = 16 << 10;

/// As much of an answer as a reason is made of, in bytes.
const SAID_BYTES: usize = 400;

/// The longest reason of an answer that says one itself, in characters: a row stays a row.
const SAID_CHARS: usize = 200;

/// What expressions see of an answer.
pub(super) const NAMES: [&str; 4] = ["status", "headers", "text", "body"];

/// The outcomes that the file describes; those that it does not are the defaults.
#[derive(Debug)]
pub(super) struct Outcomes {
    pub(super) ok: Option<Expression>,
    pub(super) rejected: Option<Expression>,
    pub(super) failed: Option<Expression>,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// How the operation ended.
    pub outcome: Outcome,
    /// What an ok answer shows.
    pub captures: Captures,
    /// Why it is not ok.
    pub reason: Option<String>,
    /// What it says of the target's cache, if it does.
    pub cache: Option<CacheState>,
    /// How often it says that the target tried, if it does.
    pub attempts: Option<u32>,
}

/// What was captured from an ok answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Captures {
    /// Of a trade: the order's number.
    pub order_no: Option<OrderNo>,
    /// Of a lookup: the stock.
    pub stock: Option<String>,
    /// Of a lookup: the side, as the target says it.
    pub side: Option<String>,
    /// Of a query or a lookup: how many.
    pub quantity: Option<i64>,
    /// Of a query: how many were ever traded.
    pub volume: Option<i64>,
    /// Of a query: the price.
    pub price: Option<f64>,
    /// Of a list: the stocks' names.
    pub names: Option<Vec<String>>,
    /// Of a read: what is there.
    pub value: Option<Json>,
    /// Of an append: where it was put.
    pub position: Option<i64>,
}

impl Answer {
    /// One that is ok.
    #[must_use]
    pub fn ok(captures: Captures) -> Self {
        Self { outcome: Outcome::Ok, captures, reason: None, cache: None, attempts: None }
    }

    /// One that is not, or none at all.
    #[must_use]
    pub fn not_ok(outcome: Outcome, reason: String) -> Self {
        let (captures, reason) = (Captures::default(), Some(reason));
        Self { outcome, captures, reason, cache: None, attempts: None }
    }
}

impl Operation {
    /// What the answer to the request with `places` means. Whoever reads the `body` stops beyond [`MAX_ANSWER_BYTES`]: one
    /// byte more makes the answer unknown.
    #[must_use]
    pub fn read_answer(
        &self,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        places: &Places<'_>,
    ) -> Answer {
        if body.len() > MAX_ANSWER_BYTES {
            return unknown(format!("the answer is longer than {MAX_ANSWER_BYTES} bytes"));
        }
        let bytes = headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        if bytes.sum::<usize>() > MAX_HEADER_BYTES {
            let reason = format!("the answer's headers are longer than {MAX_HEADER_BYTES} bytes");
            return unknown(reason);
        }
        // What no expression uses is not built: parsing is most of what an answer costs.
        let uses = |name: &str| self.uses.contains(&name);
        let json = match uses("body") {
            true => serde_json::from_slice(body).unwrap_or(Json::Null),
            false => Json::Null,
        };
        let text = if uses("text") { String::from_utf8_lossy(body) } else { "".into() };
        let variables = Variables::new()
            .with("status", Bound::Int(i64::from(status)))
            .with("body", Bound::Json(&json))
            .with("text", Bound::Text(&text))
            .with("headers", Bound::Headers(headers));
        let variables = places.bind(self.kind.places(), variables);
        let said = || said(status, &json, body);
        let answer = match self.outcome(status, &variables) {
            Ok(Outcome::Ok) => match self.capture(&variables) {
                Ok(captures) => Answer::ok(captures),
                Err(reason) => unknown(reason),
            },
            Ok(outcome) => Answer::not_ok(outcome, said()),
            Err(reasons) if reasons.is_empty() => unknown(said()),
            Err(reasons) => unknown(format!("{}; {reasons}", said())),
        };
        Answer { cache: self.cache(&variables), attempts: self.attempts(&variables), ..answer }
    }

    fn cache(&self, variables: &Variables<'_>) -> Option<CacheState> {
        let is_hit = self.cache_hit.as_ref()?.holds(variables).ok()?;
        Some(if is_hit { CacheState::Hit } else { CacheState::Miss })
    }

    fn attempts(&self, variables: &Variables<'_>) -> Option<u32> {
        u32::try_from(self.attempts.as_ref()?.int(variables).ok()?).ok()
    }

    /// The first outcome that holds; else which could not be evaluated and why.
    fn outcome(&self, status: u16, variables: &Variables<'_>) -> Result<Outcome, String> {
        let status = StatusCode::from_u16(status);
        let is = |test: fn(&StatusCode) -> bool| status.as_ref().is_ok_and(test);
        let rejects = self.kind != Kind::Trade && is(StatusCode::is_client_error);
        let outcomes = [
            (Outcome::Ok, "ok", &self.outcomes.ok, is(StatusCode::is_success)),
            (Outcome::Rejected, "rejected", &self.outcomes.rejected, rejects),
            (Outcome::Failed, "failed", &self.outcomes.failed, false),
        ];
        let mut reasons = Vec::new();
        for (outcome, name, expression, default) in outcomes {
            let holds = expression.as_ref().map(|expression| expression.holds(variables));
            match holds.unwrap_or(Ok(default)) {
                Ok(true) => return Ok(outcome),
                Ok(false) => {}
                Err(error) => reasons.push(format!("outcome.{name}: {error}")),
            }
        }
        Err(reasons.join("; "))
    }

    fn capture(&self, variables: &Variables<'_>) -> Result<Captures, String> {
        let mut captures = Captures::default();
        for (name, expression) in &self.captures {
            captures
                .take(name, expression, variables)
                .map_err(|reason| format!("{name}: {reason}"))?;
        }
        Ok(captures)
    }
}

impl Captures {
    fn take(
        &mut self,
        name: &str,
        expression: &Expression,
        variables: &Variables<'_>,
    ) -> Result<(), String> {
        let int = || expression.int(variables).map(Some).map_err(|error| error.to_string());
        let json = || expression.json(variables).map_err(|error| error.to_string());
        let text = || {
            let text = expression.string(variables).map_err(|error| error.to_string())?;
            name::checked(text).map(Some)
        };
        match name {
            "order_no" => self.order_no = Some(OrderNo::from_json(json()?)?),
            "stock" => self.stock = text()?,
            "side" => self.side = text()?,
            "quantity" => self.quantity = int()?,
            "volume" => self.volume = int()?,
            "price" => self.price = Some(json()?.as_f64().ok_or("it is no number")?),
            "names" => self.names = Some(names(expression, variables)?),
            "value" => self.value = Some(json()?),
            "position" => self.position = int()?,
            other => return Err(format!("nothing is captured as {other}")),
        }
        Ok(())
    }
}

fn names(expression: &Expression, variables: &Variables<'_>) -> Result<Vec<String>, String> {
    let list = expression.list(variables).map_err(|error| error.to_string())?;
    let name = |item: &Json| match item.as_str() {
        Some(name) => name::checked(name.to_owned()),
        None => Err(format!("{} is no name", name::excerpt(&item.to_string()))),
    };
    list.iter().map(name).collect()
}

/// The answer in short, as a reason: its message in words, where services put it, else its beginning.
fn said(status: u16, json: &Json, body: &[u8]) -> String {
    let message = json.pointer("/error/message").or_else(|| json.get("message"));
    if let Some(message) = message.and_then(Json::as_str).filter(|message| !message.is_empty()) {
        return name::shortened(message, SAID_CHARS);
    }
    match name::excerpt(&String::from_utf8_lossy(&body[..body.len().min(SAID_BYTES)])) {
        said if said.is_empty() => format!("status {status}"),
        said => format!("status {status}: {said}"),
    }
}

fn unknown(reason: String) -> Answer {
    Answer::not_ok(Outcome::Unknown, reason)
}
