//! What a target's registers and logs hold in the end: what its places say, or, if the file names none, what a read through the
//! front door shows.

use driver::service::Connection;
use results::records::{FinalKind, FinalRow, Keyed, NOTHING, Outcome, Texts};
use serde_json::Value as Json;
use targets::FRONT_DOOR;
use targets::file::{ModelKind, WhenRead};
use targets::operation::{Kind, Places};
use targets::order_no::OrderNo;
use targets::state::{EntryRow, RegisterRow, Rows};

use super::FinalState;
use faults::converge::Reading;

impl<N: Fn(&OrderNo) -> u64 + Send + Sync> FinalState<N> {
    /// The same, which reads through this connection what nothing else says.
    #[must_use]
    pub fn through(self, front_door: Connection) -> Self {
        Self { front_door: Some(front_door), ..self }
    }

    /// Whether registers or logs are read as clients read them.
    #[must_use]
    pub fn goes_through_the_front_door(&self) -> bool {
        let target = &self.reader.target;
        let has_keys = matches!(target.model.kind, ModelKind::Register | ModelKind::Log);
        let reads = self.front_door.as_ref().is_some_and(|door| door.service().does(Kind::Read));
        has_keys && reads && target.register_places.is_empty() && target.log_places.is_empty()
    }

    /// Adds what registers and logs hold.
    pub(super) async fn add_keys(&self, reading: &mut Reading, when: WhenRead, texts: &mut Texts) {
        let target = &self.reader.target;
        let keys = &target.model.keys;
        for place in target.register_places.iter().filter(|place| place.when == when) {
            let mut rows = self.reader.read(place).await;
            if let Ok(rows) = &mut rows {
                // What else the target keeps is nobody's business here.
                rows.rows.retain(|(_, row): &(_, RegisterRow)| keys.contains(&row.register));
            }
            self.add(reading, &place.process, rows, |row| {
                let value = row.value.to_string();
                let keyed =
                    Keyed { value: Some(texts.get(&value)), ..Keyed::of(texts.get(&row.register)) };
                Ok(self.row(&place.process, FinalKind::Register).with_keyed(keyed))
            });
        }
        for place in target.log_places.iter().filter(|place| place.when == when) {
            let rows = self.reader.read(place).await;
            self.add(reading, &place.process, rows, |row| {
                Ok(self.entry(&place.process, row, texts))
            });
        }
        if when == WhenRead::Running
            && self.goes_through_the_front_door()
            && let Some(door) = &self.front_door
        {
            self.add_front_door(reading, door, texts).await;
        }
    }

    fn entry(&self, process: &str, row: EntryRow, texts: &mut Texts) -> FinalRow {
        let key = row.register.or_else(|| self.reader.target.model.keys.first().cloned());
        let keyed = Keyed {
            key: key.map(|key| texts.get(&key)),
            value: Some(texts.get(&row.value.to_string())),
            expected: None,
            position: row.position,
        };
        self.row(process, FinalKind::Entry).with_keyed(keyed)
    }

    async fn add_front_door(&self, reading: &mut Reading, door: &Connection, texts: &mut Texts) {
        let is_log = self.reader.target.model.kind == ModelKind::Log;
        let (mut registers, mut entries) = (Rows::new(), Rows::new());
        for (number, key) in (1..).zip(&self.reader.target.model.keys) {
            let value = match read(door, key, is_log).await {
                Ok(value) => value,
                Err(reason) => {
                    let failed: Result<Rows<RegisterRow>, String> = Err(format!("{key}: {reason}"));
                    let row = |_| Err("there is no row".to_owned());
                    return self.add(reading, FRONT_DOOR, failed, row);
                }
            };
            match value {
                Json::Array(all) if is_log => entries.rows.extend(all.into_iter().map(|value| {
                    (number, EntryRow { register: Some(key.clone()), value, position: None })
                })),
                Json::Null if is_log => {}
                // What is no list is one entry, as the checks take it of any other read.
                value if is_log => {
                    let register = Some(key.clone());
                    entries.rows.push((number, EntryRow { register, value, position: None }));
                }
                value => {
                    registers.rows.push((number, RegisterRow { register: key.clone(), value }));
                }
            }
        }
        if is_log {
            return self.add(reading, FRONT_DOOR, Ok(entries), |row| {
                Ok(self.entry(FRONT_DOOR, row, texts))
            });
        }
        self.add(reading, FRONT_DOOR, Ok(registers), |row| {
            let value = row.value.to_string();
            let keyed =
                Keyed { value: Some(texts.get(&value)), ..Keyed::of(texts.get(&row.register)) };
            Ok(self.row(FRONT_DOOR, FinalKind::Register).with_keyed(keyed))
        });
    }
}

/// What a read shows: of a log from its beginning on. A well-formed no shows that nothing is there.
async fn read(door: &Connection, key: &str, is_log: bool) -> Result<Json, String> {
    let id = format!("final/{key}");
    let position = is_log.then_some(0);
    let places = Places { register: Some(key), position, key: &id, ..Places::default() };
    let done = door.perform(Kind::Read, places).await;
    let nothing = || serde_json::from_str(NOTHING).unwrap_or_default();
    match done.judged.outcome {
        Outcome::Ok => {
            let value = done.judged.shown.and_then(|shown| shown.value);
            value.ok_or_else(|| "the answer shows no value".to_owned())
        }
        Outcome::Rejected => Ok(nothing()),
        Outcome::Failed | Outcome::Unknown => {
            Err(done.judged.reason.unwrap_or_else(|| "no reason is known".to_owned()))
        }
    }
}
