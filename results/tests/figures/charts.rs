//! The pictures: what is drawn, what is not, and that there is something on them.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use results::charts::{ChartKind, Drawn};
use results::records::{Observation, Op, Outcome};

use crate::rows::{cell, manifest, operation};
use crate::synthetic::{self, Run};

fn names(drawn: &Drawn) -> Vec<String> {
    let name = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    drawn.files.iter().map(name).collect()
}

fn bench_of(observations: Vec<Observation>) -> Run {
    let cells = vec![cell(0.5, true)];
    let manifest = manifest("bench", cells);
    Run { manifest, observations, events: vec![], final_rows: vec![] }
}

/// The texts of an SVG.
fn texts(path: &Path) -> Vec<String> {
    let svg = fs::read_to_string(path).unwrap();
    let after_tag = |part: &str| part.split_once('>').map(|(_, text)| text.to_owned());
    svg.split("<text").skip(1).filter_map(after_tag).map(before_end).collect()
}

fn before_end(text: String) -> String {
    text.split_once("</text>").unwrap().0.to_owned()
}

/// Width, height and the number of different colours of a PNG.
fn picture(path: &Path) -> (u32, u32, usize) {
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let colours: HashSet<&[u8]> = pixels.chunks(3).collect();
    (info.width, info.height, colours.len())
}

#[test]
fn a_bench_is_drawn_by_p_and_as_distributions() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = synthetic::bench().draw(folder.path());
    let expected = [
        "latency-query-by-p",
        "latency-trade-by-p",
        "throughput-by-p",
        "distribution-query",
        "distribution-trade",
        "distribution-lookup",
    ];
    let both = |name: &&str| [format!("{name}.svg"), format!("{name}.png")];
    assert_eq!(names(&drawn), expected.iter().flat_map(both).collect::<Vec<_>>());
    assert_eq!(drawn.charts.iter().map(|chart| chart.stem.as_str()).collect::<Vec<_>>(), expected);
    let by_p = &drawn.charts[0];
    assert_eq!(
        (by_p.kind, by_p.title.as_str()),
        (ChartKind::LatencyByP, "Latency of queries by share of trades")
    );
    assert!(by_p.alt.contains("p99, cache off: ") && by_p.alt.contains(" ms at p = 1"), "{by_p:?}");
    // Its queries say nothing of what they saw.
    assert_eq!(drawn.left_out, ["staleness: no read came after an acknowledged trade"]);
    assert_explains_itself(&folder.path().join("charts/latency-query-by-p.svg"));
    for path in &drawn.files {
        if path.extension().is_some_and(|extension| extension == "png") {
            let (width, height, colours) = picture(path);
            assert!(width == 1400 && height >= 700, "{path:?}: {width}x{height}");
            assert!(colours > 20, "{path:?} has {colours} colours");
        }
    }
}

/// That the chart says what was measured, in which unit, and what the lines are.
fn assert_explains_itself(chart: &Path) {
    let texts = texts(chart);
    for expected in [
        "Latency of queries by share of trades",
        "latency (ms, log scale)",
        "p, the probability that a query is followed by a trade",
        "median, cache on",
        "p99, cache on",
        "median, cache off",
        "p99, cache off",
        "0.4",
    ] {
        assert!(texts.iter().any(|text| text == expected), "{expected} not in {texts:?}");
    }
    let setting = "plan synthetic · 5 clients · 3 replicas · durability flush";
    assert!(texts.iter().any(|text| text.starts_with(setting)), "{texts:?}");
}

#[test]
fn panels_beside_one_another_share_the_title_of_their_axis() {
    let folder = tempfile::tempdir().unwrap();
    let at_rate = |rate: f64, p: f64| {
        let id = format!("p{p}-r{rate}");
        results::records::Cell { id, rate_per_s: Some(rate), ..cell(p, true) }
    };
    let rates = [100.0, 200.0, 400.0];
    let cells: Vec<_> =
        rates.iter().flat_map(|&rate| [at_rate(rate, 0.0), at_rate(rate, 0.8)]).collect();
    let queries = cells.iter().flat_map(|cell| {
        (0..60)
            .map(|n| operation(cell, Op::Query, n * 10_000, 300 + n * 7 + (cell.p * 900.0) as u64))
    });
    let observations = queries.collect();
    let manifest = manifest("bench", cells.clone());
    Run { manifest, observations, events: vec![], final_rows: vec![] }.draw(folder.path());
    let texts = texts(&folder.path().join("charts/latency-query-by-p.svg"));
    let title = "p, the probability that a query is followed by a trade";
    assert_eq!(texts.iter().filter(|text| *text == title).count(), 1, "{texts:?}");
    for panel in ["100/s", "200/s", "400/s"] {
        assert!(texts.iter().any(|text| text == panel), "{texts:?}");
    }
}

#[test]
fn a_failover_run_is_drawn_over_time_and_around_each_fault() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = synthetic::failover().draw(folder.path());
    let [timeline, strip, faults] =
        ["timeline", "availability", "faults"].map(|what| format!("{what}-p0.5-cache-on-trial1"));
    let both = |name: &str| [format!("{name}.svg"), format!("{name}.png")];
    assert_eq!(names(&drawn), [both(&timeline), both(&strip), both(&faults)].concat());
    let texts = texts(&folder.path().join(format!("charts/{timeline}.svg")));
    for expected in [
        "time since the run began (s)",
        "latency (ms, log scale)",
        "accepted per second",
        "unknown (0)",
    ] {
        assert!(texts.iter().any(|text| text == expected), "{expected} not in {texts:?}");
    }
    let listed = "1: kill order-3 (leader) at 7.0 s, first ack after ";
    assert!(texts.iter().any(|text| text.starts_with(listed)), "{texts:?}");
    assert!(drawn.charts[0].alt.contains(listed), "{:?}", drawn.charts[0]);
    let thinned = "all that were lost, the slowest of each slice";
    assert!(texts.iter().any(|text| text.ends_with(thinned)), "{texts:?}");
    let left_out = " left out were answered, each no slower than one beside it that is drawn; the lines \
                    count them";
    assert!(texts.iter().any(|text| text.ends_with(left_out)), "{texts:?}");
    assert!(texts.iter().any(|text| text == "Latency of operations over time, with the faults"));
    let zoomed = self::texts(&folder.path().join(format!("charts/{faults}.svg")));
    for expected in ["per 10 ms", "ms since the fault", "3: kill order-1 (follower), ack "] {
        assert!(
            zoomed.iter().any(|text| text.starts_with(expected)),
            "{expected} not in {zoomed:?}"
        );
    }
    for name in [timeline, strip, faults] {
        let (width, _, colours) = picture(&folder.path().join(format!("charts/{name}.png")));
        let svg = fs::read(folder.path().join(format!("charts/{name}.svg"))).unwrap();
        assert!(svg.len() < 500_000, "{name}: {} bytes", svg.len());
        assert!(width == 1400 && colours > 20, "{name}: {width} wide, {colours} colours");
    }
}

#[test]
fn nothing_measured_draws_nothing_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let drawn_bench = bench_of(vec![]).draw(folder.path());
    assert!(drawn_bench.files.is_empty());
    assert_eq!(drawn_bench.left_out.len(), 7, "{:?}", drawn_bench.left_out);

    let unanswered = operation(&cell(0.5, true), Op::Trade, 0, 100);
    let unanswered = Observation { outcome: Outcome::Unknown, ..unanswered };
    assert!(bench_of(vec![unanswered]).draw(folder.path()).files.is_empty());

    let mut failover = synthetic::failover();
    failover.observations.clear();
    let drawn = failover.draw(folder.path());
    assert!(drawn.files.is_empty());
    let reason = "timeline-p0.5-cache-on-trial1: no operation in the load";
    assert_eq!(drawn.left_out.first().map(String::as_str), Some(reason));
}

#[test]
fn one_operation_or_equal_ones_still_make_charts() {
    let cell = cell(0.5, true);
    for rows in [1, 40] {
        let folder = tempfile::tempdir().unwrap();
        let same = (0..rows).map(|n| operation(&cell, Op::Query, n * 1000, 700)).collect();
        let drawn = bench_of(same).draw(folder.path());
        let expected = ["latency-query-by-p", "throughput-by-p", "distribution-query"];
        let both = |name: &&str| [format!("{name}.svg"), format!("{name}.png")];
        assert_eq!(names(&drawn), expected.iter().flat_map(both).collect::<Vec<_>>());
    }
}

#[test]
fn a_run_that_took_no_time_at_all_still_makes_charts() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = synthetic::failover();
    run.observations = vec![operation(&cell(0.5, true), Op::Query, 7_000_000, 0)];
    let drawn = run.draw(folder.path());
    assert_eq!(names(&drawn).len(), 4, "{drawn:?}");
}
