//! What the cache buys: the table and the sentences.

use results::compare::{CacheEffects, Change, cache_effects};
use results::records::{CacheState, Cell, Observation, Op};
use results::summary::{SummaryRow, summarise};

use crate::rows::{cell, manifest, operation};

/// Three trials of 60 operations of one kind in a cell, each some per mille off `latency_us`.
fn trials(cell: &Cell, op: Op, latency_us: u64) -> Vec<Observation> {
    let one = |trial: u32, n: u64| {
        let own_us = latency_us + latency_us * u64::from(trial) / 500 + n % 2;
        let cache = (op == Op::Query && cell.cache).then_some(if n.is_multiple_of(4) {
            CacheState::Miss
        } else {
            CacheState::Hit
        });
        Observation { trial, cache, ..operation(cell, op, n * 50_000, own_us) }
    };
    (1..=3).flat_map(|trial| (0..60).map(move |n| one(trial, n))).collect()
}

fn effects(cells: &[(Cell, Op, u64)]) -> CacheEffects {
    let rows: Vec<Observation> =
        cells.iter().flat_map(|(cell, op, latency_us)| trials(cell, *op, *latency_us)).collect();
    let mut all: Vec<Cell> = Vec::new();
    for (cell, ..) in cells {
        if !all.contains(cell) {
            all.push(cell.clone());
        }
    }
    let manifest = manifest("bench", all);
    cache_effects(&manifest, &rows, &summarise(&manifest, &rows))
}

#[test]
fn ratios_by_p_and_the_effect_on_trades_come_with_their_intervals() {
    let effects = effects(&[
        (cell(0.0, true), Op::Query, 200),
        (cell(0.0, false), Op::Query, 500),
        (cell(1.0, true), Op::Query, 400),
        (cell(1.0, false), Op::Query, 480),
        (cell(1.0, true), Op::Trade, 5_600),
        (cell(1.0, false), Op::Trade, 5_000),
    ]);
    assert_eq!(
        effects.sentences().unwrap(),
        "With the cache on, the median query is 2.50 times as fast (2.47 to 2.52) at p = 0 (0.201 \
         ms instead of 0.502 ms), 1.20 times (1.20 to 1.20) at p = 1; the cache answered 75% of the \
         queries at p = 0 and 75% at p = 1. The median trade takes 12% longer (12% to 12%) at p = 1 \
         with it."
    );
    let table = effects.text();
    assert!(table.contains("\ntrade  p = 1  5023  5623  +11.9%"), "{table}");
}

#[test]
fn a_cache_that_changes_nothing_is_said_to_change_nothing() {
    let effects = effects(&[
        (cell(0.5, true), Op::Query, 500),
        (cell(0.5, false), Op::Query, 505),
        (cell(0.5, true), Op::Trade, 5_050),
        (cell(0.5, false), Op::Trade, 5_000),
    ]);
    assert!(effects.0.iter().all(|effect| effect.change == Change::WithinNoise), "{effects:?}");
    let said = effects.sentences().unwrap();
    assert!(said.starts_with("The cache makes no difference to the median query"), "{said}");
    assert!(said.contains("It makes no difference to the median trade"), "{said}");
}

#[test]
fn a_difference_at_one_p_is_told_and_the_others_are_within_noise() {
    let said = effects(&[
        (cell(0.0, true), Op::Query, 200),
        (cell(0.0, false), Op::Query, 500),
        (cell(1.0, true), Op::Query, 500),
        (cell(1.0, false), Op::Query, 500),
    ]);
    let said = said.sentences().unwrap();
    assert!(said.contains(" instead of 0.502 ms), within noise at p = 1; the cache"), "{said}");
}

#[test]
fn a_single_trial_of_each_setting_tells_nothing_of_the_cache() {
    let (on, off) = (cell(1.0, true), cell(1.0, false));
    let mut rows: Vec<Observation> = Vec::new();
    for (cell, query_us, trade_us) in [(&on, 200, 5_600), (&off, 500, 5_000)] {
        rows.extend(trials(cell, Op::Query, query_us));
        rows.extend(trials(cell, Op::Trade, trade_us));
    }
    rows.retain(|row| row.trial == 1);
    let manifest = manifest("bench", vec![on, off]);
    let effects = cache_effects(&manifest, &rows, &summarise(&manifest, &rows));
    assert!(effects.0.iter().all(|effect| effect.change == Change::Unknown), "{effects:?}");
    assert!(effects.0.iter().all(|effect| effect.ratio.is_none()), "{effects:?}");
    assert_eq!(
        effects.sentences().unwrap(),
        "What the cache does to the median query cannot be told: it takes 3 trials of each setting. \
         Measured were 0.200 ms with it and 0.501 ms without at p = 1; the cache answered 75% of the \
         queries at p = 1. Nor can what it does to the median trade."
    );
}

#[test]
fn medians_that_are_withheld_are_told_in_no_other_words_either() {
    let (on, off) = (cell(0.5, true), cell(0.5, false));
    let mut rows: Vec<Observation> = Vec::new();
    for (cell, query_us, trade_us) in [(&on, 200, 5_600), (&off, 500, 5_000)] {
        rows.extend(trials(cell, Op::Query, query_us));
        rows.extend(trials(cell, Op::Trade, trade_us));
    }
    let manifest = manifest("bench", vec![on.clone(), off]);
    let mut summary = summarise(&manifest, &rows);
    let withhold = |summary: &mut [SummaryRow], op: Op| {
        let row = summary.iter_mut().find(|row| row.op == op && row.cell == on.id).unwrap();
        row.withheld = "p50 mean".to_owned();
    };
    withhold(&mut summary, Op::Query);
    let effects = cache_effects(&manifest, &rows, &summary);
    let table = effects.text();
    assert!(table.contains("query  p = 0.5  withheld  withheld  withheld"), "{table}");
    assert!(table.contains("trade  p = 0.5      5023      5623    +11.9%"), "{table}");
    assert_eq!(
        effects.sentences().unwrap(),
        "What the cache does to the median query cannot be told: the generator was too late itself; the \
         cache answered 75% of the queries at p = 0.5. The median trade takes 12% longer (12% to 12%) at \
         p = 0.5 with it."
    );
    withhold(&mut summary, Op::Trade);
    let effects = cache_effects(&manifest, &rows, &summary);
    assert!(effects.sentences().unwrap().ends_with("Nor can what it does to the median trade."));
}

#[test]
fn without_both_settings_or_with_too_few_operations_nothing_is_claimed() {
    assert_eq!(effects(&[(cell(0.0, true), Op::Query, 200)]).sentences(), None);
    let apart = [(cell(0.0, true), Op::Query, 200), (cell(0.4, false), Op::Query, 500)];
    assert_eq!(effects(&apart).text(), "");
    let (on, off) = (cell(0.0, true), cell(0.0, false));
    let few: Vec<Observation> = [(&on, 100), (&off, 500)]
        .into_iter()
        .flat_map(|(cell, us)| (0..9).map(move |n| operation(cell, Op::Query, n * 1_000, us)))
        .collect();
    let manifest = manifest("bench", vec![on.clone(), off.clone()]);
    let effects = cache_effects(&manifest, &few, &summarise(&manifest, &few));
    assert_eq!(effects, CacheEffects::default());
}
