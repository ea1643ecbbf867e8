//! Whole runs, made up: what the files of a bench and of a failover test look like, with latencies
//! that have a body and a tail. The same every time.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use results::availability::AvailabilityRow;
use results::charts::{ChartInput, Drawn, FOLDER, draw};
use results::records::{
    Action, CacheState, Cell, Event, EventKind, FinalKind, FinalRow, Manifest, Observation, Op,
    Outcome, RunFolder,
};
use results::{availability, knee, lateness, run, summary};
use wire::bazaar::TradeType;

use crate::rows::{
    cell, in_sync_changed, injected, leader_changed, manifest, operation, order, trade,
};

/// A run that exists in memory.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) manifest: Manifest,
    pub(crate) observations: Vec<Observation>,
    pub(crate) events: Vec<Event>,
    pub(crate) final_rows: Vec<FinalRow>,
}

impl Run {
    /// Draws its charts into `folder`.
    pub(crate) fn draw(&self, folder: &Path) -> Drawn {
        let run = self.read_from(folder);
        let summary = summary::summarise(&self.manifest, &self.observations);
        let availability = availability::measure(&run);
        let trials = lateness::by_trial(&run);
        let cells = lateness::by_cell(&trials);
        let sweeps = knee::sweeps(&self.manifest, &self.observations, &cells);
        let lateness = &cells;
        let (summary, availability, sweeps) = (&summary, &availability, &sweeps);
        draw(
            &ChartInput { run: &run, summary, availability, lateness, sweeps },
            &run.folder().path(FOLDER),
        )
        .unwrap()
    }

    /// As it would be read from some folder.
    pub(crate) fn read(&self) -> run::Run {
        self.read_from(Path::new("synthetic"))
    }

    /// As it would be read from this folder.
    pub(crate) fn read_from(&self, folder: &Path) -> run::Run {
        let folder = RunFolder::new(folder);
        let Self { manifest, observations, events, final_rows } = self.clone();
        run::Run::of_rows(folder, &manifest, observations, events, final_rows).unwrap()
    }

    /// With what a client writes down of every operation besides: what an answer showed, and what a trade
    /// was.
    pub(crate) fn with_contents(&self) -> Self {
        let mut run = self.clone();
        // Numbers follow real time.
        let mut rows: Vec<&mut Observation> = run.observations.iter_mut().collect();
        rows.sort_by_key(|row| row.end_us);
        for (number, row) in (1..).zip(rows) {
            match row.op {
                Op::Query => {
                    row.seen_quantity.get_or_insert(100);
                    // More than was ever traded, so that no read seems to be stale.
                    row.seen_volume.get_or_insert(1_000_000);
                }
                _ => {
                    row.trade_type.get_or_insert(TradeType::Buy);
                    row.quantity.get_or_insert(1);
                    row.order_no.get_or_insert(number);
                    row.request_id.get_or_insert_with(|| format!("r{number}").into());
                }
            }
        }
        run
    }

    /// Writes its files as the harness does.
    pub(crate) fn write(&self, folder: &RunFolder) {
        fs::create_dir_all(folder.root()).unwrap();
        let manifest = serde_json::to_string_pretty(&self.manifest).unwrap();
        fs::write(folder.path("manifest.json"), manifest).unwrap();
        write_rows(folder, "observations.csv", &counted(&self.observations));
        write_rows(folder, "events.csv", &self.events);
        write_rows(folder, "final.csv", &self.final_rows);
    }
}

/// What faults cost in a run of these rows.
pub(crate) fn measured(
    manifest: Manifest,
    observations: &[Observation],
    events: &[Event],
    final_rows: &[FinalRow],
) -> Vec<AvailabilityRow> {
    let (observations, events) = (observations.to_vec(), events.to_vec());
    let run = Run { manifest, observations, events, final_rows: final_rows.to_vec() };
    availability::measure(&run.read())
}

/// The same rows, each with its client's own count.
fn counted(rows: &[Observation]) -> Vec<Observation> {
    let mut counts: HashMap<(&str, u32, u32), u64> = HashMap::new();
    let counted = rows.iter().map(|row| {
        let seq = counts.entry((&row.cell, row.trial, row.client)).or_default();
        *seq += 1;
        Observation { seq: *seq, ..row.clone() }
    });
    counted.collect()
}

fn write_rows<T: serde::Serialize>(folder: &RunFolder, name: &str, rows: &[T]) {
    let mut csv = csv::Writer::from_path(folder.path(name)).unwrap();
    for row in rows {
        csv.serialize(row).unwrap();
    }
    csv.flush().unwrap();
}

/// A small generator of the multiply-and-xor-shift kind: repeatable, and no dependency.
struct Dice(u64);

impl Dice {
    /// Evenly in [0, 1).
    fn share(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 >> 33) ^ (self.0 >> 17);
        (mixed & 0xff_ffff) as f64 / f64::from(0x100_0000)
    }

    /// A latency around `typical_us`: most of it near, one in a hundred several times as long.
    fn latency_us(&mut self, typical_us: f64) -> u64 {
        let body = 0.75 + 0.5 * (self.share() + self.share() + self.share()) / 3.0;
        let tail = (1.0 - self.share()).powf(-0.45).min(40.0);
        (typical_us * body * tail) as u64
    }
}

const CLIENTS: u32 = 5;

/// A sweep over p with the cache on and off, two seconds of load per cell.
pub(crate) fn bench() -> Run {
    let mut dice = Dice(7);
    let mut cells = Vec::new();
    let mut observations = Vec::new();
    for fifth in 0..=5_u32 {
        for cache in [true, false] {
            let cell = cell(f64::from(fifth) / 5.0, cache);
            let origin_us = 1_000_000 + cells.len() as u64 * 4_000_000;
            for client in 1..=CLIENTS {
                client_of_bench(&mut dice, &cell, client, origin_us, &mut observations);
            }
            cells.push(cell);
        }
    }
    let manifest = manifest("bench", cells);
    Run { manifest, observations, events: vec![], final_rows: vec![] }
}

fn client_of_bench(
    dice: &mut Dice,
    cell: &Cell,
    client: u32,
    origin_us: u64,
    observations: &mut Vec<Observation>,
) {
    let mut now_us = origin_us;
    let mut trades = 0_u64;
    while now_us < origin_us + 2_000_000 {
        let hit = cell.cache && dice.share() > 0.75 * cell.p;
        let latency_us = dice.latency_us(if hit { 160.0 } else { 420.0 });
        let cache = Some(if hit { CacheState::Hit } else { CacheState::Miss });
        let query = operation(cell, Op::Query, now_us, latency_us);
        observations.push(Observation { client, cache, ..query });
        now_us += latency_us + 40;
        if dice.share() < cell.p {
            let latency_us = dice.latency_us(if cell.cache { 5_600.0 } else { 5_300.0 });
            let rejected = dice.share() < 0.05;
            let outcome = if rejected { Outcome::Rejected } else { Outcome::Ok };
            let trade = operation(cell, Op::Trade, now_us, latency_us);
            observations.push(Observation { client, outcome, ..trade });
            now_us += latency_us + 40;
            trades += 1;
        }
    }
    for _ in 0..trades {
        let latency_us = dice.latency_us(350.0);
        let lookup = operation(cell, Op::Lookup, now_us, latency_us);
        observations.push(Observation { client, ..lookup });
        now_us += latency_us + 40;
    }
}

/// One fault of the failover run: kill `order-{victim}` at this second, restart it at that one.
struct Outage {
    victim: u8,
    successor: Option<u8>,
    at_s: f64,
    down_s: f64,
    stall_us: u64,
}

/// Seven kills in a minute: leaders, a follower, and two leaders in a row.
const OUTAGES: [Outage; 8] = [
    Outage { victim: 3, successor: Some(2), at_s: 6.0, down_s: 3.0, stall_us: 38_000 },
    Outage { victim: 2, successor: Some(3), at_s: 14.0, down_s: 3.0, stall_us: 29_000 },
    Outage { victim: 1, successor: None, at_s: 22.0, down_s: 3.0, stall_us: 12_000 },
    Outage { victim: 3, successor: Some(2), at_s: 30.0, down_s: 4.0, stall_us: 61_000 },
    Outage { victim: 2, successor: Some(1), at_s: 30.5, down_s: 5.0, stall_us: 44_000 },
    Outage { victim: 1, successor: Some(3), at_s: 42.0, down_s: 3.0, stall_us: 33_000 },
    Outage { victim: 3, successor: Some(2), at_s: 48.0, down_s: 3.0, stall_us: 41_000 },
    Outage { victim: 2, successor: Some(3), at_s: 54.0, down_s: 3.0, stall_us: 330_000 },
];

/// A minute of load in which leaders die and come back.
pub(crate) fn failover() -> Run {
    let mut dice = Dice(11);
    let cell = Cell { planned_faults: 8, ..cell(0.5, true) };
    let mut events = vec![leader_changed(&cell, 500_000, 1, 3, "1 2 3")];
    for (index, outage) in OUTAGES.iter().enumerate() {
        events.extend(events_of(&cell, index as u32 + 1, outage));
    }
    let mut observations = Vec::new();
    let mut final_rows = vec![FinalRow::new(&cell.id, 1, "order-1", FinalKind::Source)];
    for client in 1..=CLIENTS {
        client_of_failover(&mut dice, &cell, client, &mut observations, &mut final_rows);
    }
    for (number, order) in (1..).zip(&mut final_rows[1..]) {
        order.order_no = Some(number);
    }
    Run { manifest: manifest("failover", vec![cell]), observations, events, final_rows }
}

fn at_us(outage: &Outage) -> u64 {
    1_000_000 + (outage.at_s * 1e6) as u64
}

fn events_of(cell: &Cell, fault: u32, outage: &Outage) -> Vec<Event> {
    let (at_us, process) = (at_us(outage), format!("order-{}", outage.victim));
    let target = if outage.successor.is_some() { "leader" } else { "order-1" };
    let target = Some(target.to_owned());
    let back_us = at_us + (outage.down_s * 1e6) as u64;
    let kill = Event { target, ..injected(cell, fault, Action::Kill, &process, at_us) };
    let confirmed = Event { at_us: at_us + 900, event: EventKind::Confirmed, ..kill.clone() };
    let restart = injected(cell, fault, Action::Restart, &process, back_us);
    let joined = in_sync_changed(cell, back_us + 240_000, outage.successor.unwrap_or(3), "1 2 3");
    let mut events = vec![kill, confirmed, restart, joined];
    if let Some(successor) = outage.successor {
        let changed_us = at_us + outage.stall_us / 3;
        let changed = leader_changed(cell, changed_us, u64::from(fault) + 1, successor, "1");
        let serves_us = at_us + outage.stall_us * 2 / 3;
        let serves = Event { at_us: serves_us, event: EventKind::LeaderServes, ..changed.clone() };
        events.push(Event { suspected_us: Some(at_us + 1_100), ..changed });
        events.push(serves);
    }
    events
}

/// The last outage that began before, with its number.
fn outage_before(us: u64) -> Option<(u64, &'static Outage)> {
    let began = OUTAGES.iter().enumerate().rev().find(|(_, outage)| at_us(outage) <= us);
    began.map(|(index, outage)| (index as u64 + 1, outage))
}

fn client_of_failover(
    dice: &mut Dice,
    cell: &Cell,
    client: u32,
    observations: &mut Vec<Observation>,
    final_rows: &mut Vec<FinalRow>,
) {
    let mut now_us = 1_000_000;
    let mut seq = 0;
    while now_us < 61_000_000 {
        let hit = dice.share() > 0.4;
        let latency_us = dice.latency_us(if hit { 160.0 } else { 420.0 });
        let cache = Some(if hit { CacheState::Hit } else { CacheState::Miss });
        let query = operation(cell, Op::Query, now_us, latency_us);
        observations.push(Observation { client, cache, ..query });
        now_us += latency_us + 3_000;
        if dice.share() < cell.p {
            seq += 1;
            let id = format!("{client}-{seq}");
            let mut end_us = now_us + dice.latency_us(5_600.0);
            let mut attempts = 1;
            if let Some((_, outage)) = outage_before(end_us) {
                let served_us = at_us(outage) + outage.stall_us;
                if end_us < served_us {
                    end_us = served_us + dice.latency_us(2_000.0);
                    attempts = 2;
                }
            }
            let epoch = outage_before(end_us).map_or(1, |(fault, _)| fault + 1);
            observations.push(Observation { client, attempts, ..trade(cell, &id, now_us, end_us) });
            final_rows.push(order(cell, &id, epoch));
            now_us = end_us + 3_000;
        }
    }
}
