use results::lateness::{Lateness, TrialLateness, by_cell, by_trial, table, text};
use results::records::{Cell, Event, EventKind, Observation, Op, Outcome, Phase};
use results::summary::{self, SummaryRow, add_lateness, mark_withheld, summarise};

use crate::rows::{cell, manifest, operation};
use crate::synthetic::Run;

/// A cell of 100 iterations per second.
fn open_cell() -> Cell {
    Cell { rate_per_s: Some(100.0), ..cell(0.5, true) }
}

/// An operation of a client that was due, sent and over at these times.
fn sent(client: u32, op: Op, due_us: u64, start_us: u64, end_us: u64) -> Observation {
    let row = operation(&open_cell(), op, start_us, end_us - start_us);
    Observation { client, phase: Phase::Load, planned_us: Some(due_us), ..row }
}

fn event(trial: u32, kind: EventKind, at_us: u64) -> Event {
    Event::new(open_cell().id, trial, at_us, kind)
}

/// From the first second to the third, with so many arrivals that were never sent.
fn events(unsent: u64) -> Vec<Event> {
    let ended = event(1, EventKind::ArrivalsEnded, 3_000_000);
    vec![event(1, EventKind::LoadBegan, 1_000_000), Event { unsent: Some(unsent), ..ended }]
}

fn trials(cells: Vec<Cell>, rows: &[Observation], events: &[Event]) -> Vec<TrialLateness> {
    let (observations, events) = (rows.to_vec(), events.to_vec());
    let manifest = manifest("bench", cells);
    by_trial(&Run { manifest, observations, events, final_rows: vec![] }.read())
}

fn measured(rows: &[Observation], events: &[Event]) -> Lateness {
    let trials = trials(vec![open_cell(), cell(0.5, false)], rows, events);
    assert_eq!(trials.len(), 1, "the closed loop has no schedule");
    by_cell(&trials).remove(open_cell().id.as_str()).unwrap()
}

#[test]
fn waiting_for_a_slow_service_is_not_the_generators_lateness() {
    let rows = [
        sent(1, Op::Query, 1_000_000, 1_000_040, 1_900_000),
        // Due long ago, but its client was waiting until 1_900_000.
        sent(1, Op::Query, 1_100_000, 1_900_015, 1_900_300),
        // Its client was free all the time.
        sent(2, Op::Query, 1_200_000, 1_200_700, 1_200_900),
    ];
    let own = measured(&rows, &events(0)).own;
    assert_eq!((own.count(), own.max_us()), (3, Some(700)));
    assert_eq!(own.percentile_us(0.5), Some(40));
}

#[test]
fn waiting_for_a_free_client_is_told_apart_from_the_generators_lateness() {
    let rows = [
        sent(1, Op::Query, 1_000_000, 1_000_040, 1_900_000),
        sent(1, Op::Query, 1_100_000, 1_900_015, 1_900_300),
        sent(2, Op::Query, 1_200_000, 1_200_700, 1_200_900),
    ];
    let lateness = measured(&rows, &events(0));
    assert_eq!(lateness.waited.max_us(), Some(800_000));
    assert_eq!(lateness.waited.percentile_us(0.5), Some(0));
    let text = text(&table(&[("p0.5-cache-on".to_owned(), lateness)]));
    assert!(text.contains("waited p50") && text.contains("800000"), "{text}");
}

#[test]
fn a_trade_is_late_for_the_reasons_of_the_query_before_it() {
    let rows = [
        sent(1, Op::Query, 1_000_000, 1_000_000, 1_400_000),
        // 300 ms for its client, 20 ms for the generator.
        sent(1, Op::Query, 1_100_000, 1_420_000, 1_421_000),
        sent(1, Op::Trade, 1_101_000, 1_421_005, 1_430_000),
    ];
    let lateness = measured(&rows, &events(0));
    let of = |op| lateness.own_by_op[&op].max_us();
    assert_eq!((of(Op::Query), of(Op::Trade)), (Some(20_000), Some(20_005)));
    assert_eq!(lateness.waited.max_us(), Some(300_000));
}

/// A thousand queries of 1 ms that were sent so late each.
fn sent_late(late_us: u64) -> Vec<SummaryRow> {
    let query = |n: u64| {
        let due_us = 1_000_000 + n * 2_000;
        sent(1, Op::Query, due_us, due_us + late_us, due_us + 1_000)
    };
    let rows: Vec<Observation> = (0..1_000).map(query).collect();
    let manifest = manifest("bench", vec![open_cell()]);
    let mut summary = summarise(&manifest, &rows);
    let trials = trials(vec![open_cell()], &rows, &events(0));
    let cells = by_cell(&trials);
    mark_withheld(&mut summary, &cells);
    add_lateness(&mut summary, &cells);
    summary
}

#[test]
fn a_figure_below_five_times_the_generators_own_lateness_is_withheld() {
    let told = &sent_late(200)[0];
    assert_eq!((told.p50_us, told.p99_us, told.withheld.as_str()), (Some(1_000), Some(1_000), ""));
    let late = &sent_late(201)[0];
    assert_eq!((late.p50_us, late.p99_us, late.max_us, late.mean_us), (None, None, None, None));
    assert_eq!((late.p50_low_us, late.p50_high_us), (None, None));
    assert_eq!(late.withheld, "p50 p90 p99 p999 max mean");
    // Counted from the send it holds no lateness.
    assert_eq!(late.uncorrected_p50_us, Some(799));
    let shown = summary::text(&summary::table(&sent_late(201), &manifest("bench", vec![])));
    assert!(shown.contains("withheld") && shown.contains("799"), "{shown}");
}

#[test]
fn an_iteration_is_answered_when_its_last_operation_is() {
    let unknown = Observation {
        outcome: Outcome::Unknown,
        ..sent(3, Op::Trade, 1_300_500, 1_300_500, 1_400_000)
    };
    let rows = [
        sent(1, Op::Query, 1_000_000, 1_000_000, 1_000_500),
        sent(1, Op::Trade, 1_000_500, 1_000_500, 1_005_000),
        sent(2, Op::Query, 2_990_000, 2_990_000, 2_990_500),
        sent(2, Op::Trade, 2_990_500, 2_990_500, 3_200_000),
        sent(3, Op::Query, 1_300_000, 1_300_000, 1_300_500),
        unknown,
        // Due in time, sent after the schedule's end.
        sent(1, Op::Query, 2_995_000, 3_100_000, 3_100_500),
    ];
    let lateness = measured(&rows, &events(6));
    assert_eq!((lateness.offered, lateness.sent), (10, 3));
    assert_eq!((lateness.answered, lateness.unsent), (1, 6));
    assert_eq!(lateness.offered_per_s(), Some(5.0));
    assert_eq!(lateness.sent_per_s(), Some(1.5));
    assert_eq!(lateness.answered_per_s(), Some(0.5));
}

#[test]
fn what_was_due_in_the_warm_up_was_not_offered_but_keeps_its_client_busy() {
    let warm_up = |row| Observation { phase: Phase::WarmUp, ..row };
    let rows = [
        warm_up(sent(1, Op::Query, 900_000, 950_000, 1_050_000)),
        sent(1, Op::Trade, 1_000_000, 1_050_000, 1_060_000),
        sent(1, Op::Query, 1_010_000, 1_060_010, 1_070_000),
    ];
    let lateness = measured(&rows, &events(0));
    assert_eq!((lateness.offered, lateness.sent, lateness.answered), (1, 1, 2));
    // The trade is as late as the query before it, the next query waits for both.
    assert_eq!((lateness.own.max_us(), lateness.own.percentile_us(0.5)), (Some(50_000), Some(10)));
    assert_eq!(lateness.waited.max_us(), Some(50_000));
}

#[test]
fn a_trial_that_was_cut_short_is_left_out_and_the_others_are_pooled() {
    let cell = Cell { trials: 3, ..open_cell() };
    let in_trial = |trial, row| Observation { trial, ..row };
    let rows: Vec<_> = (1..=3)
        .map(|trial| in_trial(trial, sent(1, Op::Query, 1_000_000, 1_000_010, 1_000_500)))
        .collect();
    let began = (1..=3).map(|trial| event(trial, EventKind::LoadBegan, 1_000_000));
    let ended = (1..=2).map(|trial| event(trial, EventKind::ArrivalsEnded, 1_500_000));
    let events: Vec<_> = began.chain(ended).collect();
    let trials = trials(vec![cell], &rows, &events);
    assert_eq!(trials.iter().map(|trial| trial.trial).collect::<Vec<_>>(), [1, 2]);
    let pooled = &by_cell(&trials)[open_cell().id.as_str()];
    assert_eq!((pooled.offered, pooled.seconds), (2, 1.0));
    assert_eq!(pooled.own.count(), 2);
}
