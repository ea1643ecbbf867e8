//! What must be on the pictures: the series of open loops, of sweeps and of reads, seen by their
//! legends and headings.

use std::fs;

use results::charts::{Chart, ChartKind, Drawn};
use results::records::{
    Action, Cell, Event, EventKind, FinalKind, FinalRow, Observation, Op, Outcome, Stage,
};
use tempfile::TempDir;

use crate::rows::{cell, injected, manifest, operation, trade};
use crate::synthetic::{self, Run};

/// A run's charts, and where they are.
struct Pictures {
    folder: TempDir,
    drawn: Drawn,
}

impl Pictures {
    fn of(run: &Run) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let drawn = run.draw(folder.path());
        Self { folder, drawn }
    }

    fn chart(&self, kind: ChartKind) -> &Chart {
        let found = self.drawn.charts.iter().find(|chart| chart.kind == kind);
        found.unwrap_or_else(|| panic!("no {kind:?} in {:?}", self.drawn))
    }

    /// The SVG of the only or first chart of the kind.
    fn svg(&self, kind: ChartKind) -> String {
        let stem = &self.chart(kind).stem;
        fs::read_to_string(self.folder.path().join(format!("charts/{stem}.svg"))).unwrap()
    }

    #[track_caller]
    fn assert_shows(&self, kind: ChartKind, texts: &[&str]) {
        let svg = self.svg(kind);
        for text in texts {
            assert!(svg.contains(&format!(">{text}</text>")), "{text} not in {svg}");
        }
    }
}

/// An open loop of one query every millisecond for two seconds, during which nobody answers for half
/// a second. Five clients wait for the end of that; what was due meanwhile is sent when it is over.
fn open_loop(rate_per_s: f64) -> Run {
    let cell = Cell { rate_per_s: Some(rate_per_s), ..cell(0.0, true) };
    let cell = Cell { id: format!("p0-cache-on-r{rate_per_s}"), ..cell };
    let rows = (0..2000_u64).map(|n| {
        let due_us = 1_000_000 + n * 1000;
        let row = match n {
            500..505 => operation(&cell, Op::Query, due_us, 2_000_000 - due_us),
            505..1000 => operation(&cell, Op::Query, 2_000_000, 200),
            _ => operation(&cell, Op::Query, due_us, 200),
        };
        Observation { planned_us: Some(due_us), client: n as u32 % 5, seq: n, ..row }
    });
    let event = |at_us, kind| Event::new(cell.id.clone(), 1, at_us, kind);
    let events = vec![
        event(1_000_000, EventKind::LoadBegan),
        event(3_000_000, EventKind::ArrivalsEnded),
        injected(&cell, 1, Action::Pause, "front-end", 1_500_000),
        injected(&cell, 1, Action::Resume, "front-end", 2_000_000),
    ];
    let observations = rows.collect();
    let manifest = manifest("failover", vec![cell]);
    Run { manifest, observations, events, final_rows: vec![] }
}

#[test]
fn an_open_loop_shows_corrected_and_uncorrected_latency_side_by_side() {
    let mut run = open_loop(1000.0);
    let over_time = Pictures::of(&run);
    over_time.assert_shows(
        ChartKind::Timeline,
        &["p99", "p99 uncorrected (from the actual send)", "failed (0)", "queries"],
    );
    let dashed_or_not = over_time.svg(ChartKind::Timeline);
    assert!(dashed_or_not.contains("1: pause front-end at 1.5 s"), "{dashed_or_not}");
    let alt = &over_time.chart(ChartKind::Timeline).alt;
    assert!(alt.contains("2000 queries: median 0.200 ms, p99 480 ms, slowest 500 ms"), "{alt}");

    run.manifest.kind = "bench".to_owned();
    let swept = Pictures::of(&run);
    swept.assert_shows(ChartKind::Distribution, &["cache on, uncorrected (from the actual send)"]);
    swept.assert_shows(ChartKind::LatencyByP, &["p99, cache on", "p99 uncorrected, cache on"]);
    let alt = &swept.chart(ChartKind::Distribution).alt;
    // The five that were under way took long by either count.
    assert!(alt.contains("slowest 500 ms with cache on, slowest 500 ms with"), "{alt}");
    assert!(alt.contains("uncorrected (from the actual send)"), "{alt}");
}

#[test]
fn the_stages_of_a_load_are_marked_over_time_and_named_in_the_set_up() {
    let mut run = open_loop(1000.0);
    let stage =
        |duration_s, rate| Stage { duration_s, rate: Some(rate), clients: None, ramp: false };
    let cell = &mut run.manifest.cells[0];
    (cell.rate_per_s, cell.stages) = (None, vec![stage(1.0, 1000.0), stage(1.0, 1001.0)]);
    let id = cell.id.clone();
    for (at_us, stage) in [1_000_000, 2_000_000].into_iter().zip(&cell.stages) {
        let event = Event::new(id.as_str(), 1, at_us, EventKind::StageBegan);
        run.events.push(Event { detail: Some(stage.to_string()), ..event });
    }
    let pictures = Pictures::of(&run);
    pictures.assert_shows(
        ChartKind::Timeline,
        &["next stage of the load", "p99 uncorrected (from the actual send)"],
    );
    let alt = &pictures.chart(ChartKind::Timeline).alt;
    assert!(alt.ends_with("The load has 2 stages."), "{alt}");
}

#[test]
fn a_fault_is_shown_for_as_long_as_it_was_felt() {
    let pictures = Pictures::of(&open_loop(1000.0));
    let zoomed = pictures.chart(ChartKind::Faults);
    assert!(zoomed.alt.contains("1: pause front-end"), "{zoomed:?}");
    pictures
        .assert_shows(ChartKind::Faults, &["ms since the fault", "per 10 ms", "its end", "800"]);
}

#[test]
fn answers_are_full_or_missing_in_the_availability_strip() {
    let pictures = Pictures::of(&open_loop(1000.0));
    let alt = &pictures.chart(ChartKind::Availability).alt;
    assert!(alt.contains("queries accepted in full for 1.4 s, degraded for 0.0 s, none for 0.5 s"));
    pictures.assert_shows(ChartKind::Availability, &["queries per 100 ms", "none"]);
}

#[test]
fn several_rates_make_a_sweep_with_its_knee() {
    let mut all = open_loop(1000.0);
    let calm = open_loop(500.0);
    // Half the arrivals, none of them late.
    let on_time = calm.observations.into_iter().filter(|row| row.seq % 2 == 0);
    let on_time = on_time.map(|row| {
        let start_us = row.planned_us.unwrap();
        Observation { start_us, end_us: start_us + row.latency_us, ..row }
    });
    all.observations.extend(on_time);
    all.events.extend(calm.events);
    all.manifest.cells.extend(calm.manifest.cells);
    all.manifest.kind = "bench".to_owned();
    let pictures = Pictures::of(&all);
    pictures.assert_shows(
        ChartKind::RateSweep,
        &[
            "knee, cache on: 500/s",
            "median, cache on",
            "p99 uncorrected, cache on",
            "all that was offered",
            "accepted per second",
            "1000",
        ],
    );
    let sweep = pictures.chart(ChartKind::RateSweep);
    assert_eq!(sweep.stem, "rate-sweep-p0");
    assert!(sweep.alt.contains("up to 500/s are held"), "{sweep:?}");
}

#[test]
fn two_builds_get_a_panel_each() {
    let mut run = synthetic::bench();
    let of_b = |id: &str| format!("{id}-b");
    let built = |cell: &Cell, build: &str| Cell { build: Some(build.to_owned()), ..cell.clone() };
    let b: Vec<Cell> = run
        .manifest
        .cells
        .iter()
        .map(|cell| Cell { id: of_b(&cell.id), ..built(cell, "b") })
        .collect();
    run.manifest.cells = run.manifest.cells.iter().map(|cell| built(cell, "a")).chain(b).collect();
    let rows = run
        .observations
        .iter()
        .map(|row| Observation { cell: of_b(&row.cell).into(), ..row.clone() });
    let rows: Vec<Observation> = rows.collect();
    run.observations.extend(rows);
    let pictures = Pictures::of(&run);
    pictures.assert_shows(
        ChartKind::LatencyByP,
        &["build a", "build b", "steadiness within a trial (an interval takes 3)"],
    );
    let alt = &pictures.chart(ChartKind::LatencyByP).alt;
    assert!(alt.contains("build b, p99, cache off: "), "{alt}");
}

/// Three trades of a stock, volume 10, 20 and 30 after them, and a read 0.4 ms after each: the second
/// does not show its trade.
fn reads() -> Run {
    let cell = cell(0.5, true);
    let mut run = Run {
        manifest: manifest("bench", vec![cell.clone()]),
        observations: vec![],
        events: vec![],
        final_rows: vec![],
    };
    for n in 1..=3_u64 {
        let (id, at_us) = (format!("r{n}"), n * 10_000);
        run.observations.push(trade(&cell, &id, at_us - 5_000, at_us));
        run.final_rows.push(FinalRow {
            request_id: Some(id.into()),
            stock_name: Some("Stock1".into()),
            volume_after: Some(n * 10),
            ..FinalRow::new(&cell.id, 1, "catalog", FinalKind::Applied)
        });
        let seen_volume = Some(if n == 2 { 10 } else { n * 10 });
        let read = operation(&cell, Op::Query, at_us + 400, 100);
        run.observations.push(Observation { seen_volume, ..read });
    }
    run
}

#[test]
fn stale_reads_are_shown_with_how_stale_they_were() {
    let pictures = Pictures::of(&reads());
    let heading = "cache on: 1 of 3 reads stale, by up to 0.400 ms · 3 within 1 ms";
    pictures.assert_shows(
        ChartKind::Staleness,
        &[heading, "stale ones, by how stale they were (1)", "reads (log scale)"],
    );
    assert!(pictures.chart(ChartKind::Staleness).alt.contains(heading));
}

#[test]
fn without_a_stale_read_the_chart_says_so_and_how_many_there_could_have_been() {
    let mut run = reads();
    run.observations.retain(|row| row.seen_volume != Some(10) || row.start_us < 20_000);
    run.events = vec![
        injected(&run.manifest.cells[0], 1, Action::Kill, "order-3", 25_000),
        injected(&run.manifest.cells[0], 1, Action::Restart, "order-3", 40_000),
    ];
    let pictures = Pictures::of(&run);
    pictures.assert_shows(
        ChartKind::Staleness,
        &[
            "cache on: 0 of 1 read stale · 1 within 1 ms",
            "cache on, during a fault: 0 of 1 read stale · 1 within 1 ms",
        ],
    );
}

#[test]
fn unanswered_trades_leave_no_read_to_judge() {
    let mut run = reads();
    for row in run.observations.iter_mut().filter(|row| row.op == Op::Trade) {
        row.outcome = Outcome::Unknown;
    }
    let left_out = Pictures::of(&run).drawn.left_out;
    let reason = "staleness: no read came after an acknowledged trade".to_owned();
    assert!(left_out.contains(&reason), "{left_out:?}");
}
