//! The page of a run, as a parser sees it: its structure, its figures, and that nothing in a run's
//! files becomes markup.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use results::measurements::Measurements;
use results::records::{Cell, Event, EventKind, Manifest, Observation, Op, RunFolder};
use results::{checks, html, report, thresholds};
use scraper::{ElementRef, Html, Selector};

use crate::rows::{cell, manifest, operation};
use crate::synthetic::{self, Run};

/// A page that is larger than this is a nuisance to open and to send.
const MAX_PAGE_BYTES: u64 = 5_000_000;

/// A run in a folder of its own, reported and laid out.
pub(crate) struct Laid {
    pub(crate) root: PathBuf,
    pub(crate) figures: report::Report,
    pub(crate) text: String,
}

/// Lays a run out as the harness does at its end, in a folder among what is built: statics are not dropped, so nobody
/// would remove one elsewhere.
fn laid(name: &str, run: &Run) -> Laid {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages").join(name.replace(' ', "-"));
    if root.exists() {
        fs::remove_dir_all(&root).unwrap();
    }
    fs::create_dir_all(&root).unwrap();
    let folder = RunFolder::new(&root);
    run.with_contents().write(&folder);
    let run = results::run::Run::open(&folder).unwrap();
    let checked = checks::check_run(&run).unwrap();
    checked.write(&folder).unwrap();
    let measured = Measurements::new(&run);
    let held = thresholds::evaluate_run(&measured, checked.verdict).unwrap();
    let figures = report::write(&measured).unwrap();
    let path = html::write(&run, &figures, &checked, &held).unwrap();
    assert!(fs::metadata(&path).unwrap().len() < MAX_PAGE_BYTES);
    let text = fs::read_to_string(path).unwrap();
    Laid { root, figures, text }
}

/// Every element that the selector names.
pub(crate) fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

/// What is written in it, its spaces alike.
pub(crate) fn text(element: ElementRef<'_>) -> String {
    let words = element.text().flat_map(str::split_whitespace);
    words.collect::<Vec<_>>().join(" ")
}

/// Pages of every shape, each laid out once for all tests: with faults and without, with something
/// broken and with nothing measured.
pub(crate) static PAGES: LazyLock<[(&str, Laid); 5]> = LazyLock::new(|| {
    let empty = Run {
        manifest: manifest("bench", vec![cell(0.5, true)]),
        observations: vec![],
        events: vec![],
        final_rows: vec![],
    };
    let page = |name, run: &Run| (name, laid(name, run));
    [
        page("failover", &synthetic::failover()),
        page("bench", &synthetic::bench()),
        page("broken", &broken()),
        page("open loop", &stalled()),
        page("empty", &empty),
    ]
});

/// The page of this shape.
pub(crate) fn page_of(wanted: &str) -> &'static Laid {
    &PAGES.iter().find(|(name, _)| *name == wanted).unwrap().1
}

/// A failover run in which an answer was not true: two clients were told of the same order number,
/// and nothing that was acknowledged is in any log.
fn broken() -> Run {
    let mut run = synthetic::failover();
    for (number, trade) in
        (1..).zip(run.observations.iter_mut().filter(|row| row.op == Op::Trade).take(40))
    {
        trade.order_no = Some(number / 2);
        trade.trade_type = Some(wire::bazaar::TradeType::Buy);
        trade.quantity = Some(1);
    }
    run
}

/// An open loop of 100 queries per second. For one second nobody answers: three clients wait for that, and
/// what is due meanwhile waits for a client.
fn stalled() -> Run {
    let cell = Cell { rate_per_s: Some(100.0), ..cell(0.0, true) };
    let client_of = |arrival: u64| (arrival % 3) as u32 + 1;
    let query = |arrival: u64| {
        let due_us = 1_000_000 + arrival * 10_000;
        let row = match arrival {
            100..103 => operation(&cell, Op::Query, due_us, 2_980_000 - due_us),
            103..200 => operation(&cell, Op::Query, 2_980_000 + (arrival - 100) * 140, 400),
            _ => operation(&cell, Op::Query, due_us, 400),
        };
        Observation { client: client_of(arrival), planned_us: Some(due_us), ..row }
    };
    let event = |at_us, kind| Event::new(cell.id.clone(), 1, at_us, kind);
    let ended = Event { unsent: Some(0), ..event(5_000_000, EventKind::ArrivalsEnded) };
    let thresholds = ["query.p99_us < 1000", "query.p50_us < 1000", "trade.p99_us < 1000"];
    let manifest = Manifest {
        thresholds: thresholds.map(str::to_owned).to_vec(),
        ..manifest("bench", vec![cell.clone()])
    };
    Run {
        manifest,
        observations: (0..400).map(query).collect(),
        events: vec![event(1_000_000, EventKind::LoadBegan), ended],
        final_rows: vec![],
    }
}

#[test]
fn an_open_loop_shows_what_was_offered_and_what_counting_from_the_send_would_hide() {
    let laid = page_of("open loop");
    let page = Html::parse_document(&laid.text);
    let row = &laid.figures.summary[0];
    let (due_us, sent_us) = (row.p99_us.unwrap(), row.uncorrected_p99_us.unwrap());
    assert!(due_us > 900_000 && sent_us < 1_000, "{due_us} {sent_us}");
    let answers = all(&page, ".answer, main > ul li");
    let about_waiting = |answer: &String| answer.contains("99th percentile of a query");
    let answer = answers.into_iter().map(text).find(about_waiting).unwrap();
    let [due, sent] = [due_us, sent_us].map(results::text::ms);
    assert!(answer.contains(&format!("is {due} from the moment at which it was due")), "{answer}");
    assert!(answer.ends_with(&format!("it would seem to be {sent}.")), "{answer}");
    let rates = all(&page, "[aria-labelledby=figures-rates] tbody td");
    assert_eq!(text(rates[0]), "100.0", "offered per second");
    assert_eq!(text(rates[4]), "0", "never sent");
    let waited_max_ms: f64 = text(rates[10]).parse().unwrap();
    assert!((940.0..1_000.0).contains(&waited_max_ms), "waited for a client: {waited_max_ms}");
    assert!(
        text(all(&page, "[aria-labelledby=figures]")[0]).contains("users who come at set times")
    );
}

#[test]
fn a_threshold_that_is_broken_decides_the_verdict_and_is_shown_with_what_was_measured() {
    let page = Html::parse_document(&page_of("open loop").text);
    let verdict = text(all(&page, ".verdict")[0]);
    assert!(verdict.starts_with("✗ fail "), "{verdict}");
    assert!(verdict.ends_with("1 of 3 thresholds were broken."), "{verdict}");
    let answer = text(all(&page, ".answer")[0]);
    assert!(answer.starts_with("Broken: query.p99_us < 1000. Measured: "), "{answer}");
    let lines = all(&page, "[aria-labelledby=thresholds-caption] tbody tr");
    let words: Vec<String> = lines.iter().map(|line| text(*line)).collect();
    for (line, word) in words.iter().zip(["✗ broken", "✓ kept", "? not measured"]) {
        assert!(line.contains(word), "{words:?}");
    }
    assert_eq!(words.len(), 3);
    assert!(!all(&page, "a[href='#thresholds']").is_empty(), "the reasons lead there");
}

#[test]
fn every_page_has_one_title_and_headings_in_order() {
    for (name, laid) in &*PAGES {
        let page = Html::parse_document(&laid.text);
        let levels: Vec<u32> = all(&page, "h1, h2, h3, h4, h5, h6")
            .iter()
            .map(|heading| heading.value().name()[1..].parse().unwrap())
            .collect();
        assert_eq!(levels.iter().filter(|&&level| level == 1).count(), 1, "{name}");
        assert_eq!(levels.first(), Some(&1), "{name}");
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{name}: {levels:?}");
        assert!(all(&page, "h1, h2, h3, h4").into_iter().all(|heading| !text(heading).is_empty()));
        for landmark in ["header", "nav[aria-label]", "main#main", "footer", "a.skip[href='#main']"]
        {
            assert_eq!(all(&page, landmark).len(), 1, "{name}: {landmark}");
        }
        assert_eq!(all(&page, "html[lang=en]").len(), 1, "{name}");
    }
}

#[test]
fn ids_are_unique_and_everything_that_is_referred_to_is_there() {
    for (name, laid) in &*PAGES {
        let page = Html::parse_document(&laid.text);
        let mut ids = HashSet::new();
        for element in all(&page, "[id]") {
            let id = element.value().id().unwrap();
            assert!(ids.insert(id), "{name}: {id} is there twice");
            assert!(!id.contains(char::is_whitespace), "{name}: {id:?}");
        }
        let links = all(&page, "a[href^='#']");
        assert!(links.len() > 5, "{name}");
        for link in links {
            let target = &link.attr("href").unwrap()[1..];
            assert!(ids.contains(target), "{name}: no #{target}");
        }
        for named in all(&page, "[aria-labelledby]") {
            let target = named.attr("aria-labelledby").unwrap();
            assert!(ids.contains(target), "{name}: no {target}");
        }
    }
}

#[test]
fn every_picture_and_every_table_can_be_read_without_being_seen() {
    for (name, laid) in &*PAGES {
        let page = Html::parse_document(&laid.text);
        for image in all(&page, "img") {
            assert!(image.attr("alt").is_some_and(|alt| alt.len() > 10), "{name}");
        }
        for drawing in all(&page, "svg") {
            assert_eq!(
                drawing.attr("aria-hidden"),
                Some("true"),
                "{name}: its figures are beside it"
            );
        }
        for table in all(&page, "table") {
            let caption = table.select(&Selector::parse("caption").unwrap()).next();
            assert!(caption.is_some_and(|caption| !text(caption).is_empty()), "{name}");
            let header = Selector::parse("th").unwrap();
            assert!(table.select(&header).all(|th| th.attr("scope").is_some()), "{name}");
            let width =
                |row: ElementRef<'_>| row.children().filter(|c| c.value().is_element()).count();
            let rows: Vec<usize> =
                table.select(&Selector::parse("tr").unwrap()).map(width).collect();
            assert!(rows.iter().all(|&cells| cells == rows[0]), "{name}: {rows:?}");
        }
        for scrolled in all(&page, ".scroll, .paper, pre") {
            assert_eq!(scrolled.attr("tabindex"), Some("0"), "{name}: the keyboard must reach it");
        }
    }
}

#[test]
fn the_page_needs_nothing_but_itself() {
    for (name, laid) in &*PAGES {
        let page = Html::parse_document(&laid.text);
        assert!(
            all(&page, "script, iframe, object, embed, form, base, [style], [srcset]").is_empty()
        );
        for image in all(&page, "[src]") {
            assert!(image.attr("src").unwrap().starts_with("data:image/"), "{name}");
        }
        for link in all(&page, "[href]") {
            let target = link.attr("href").unwrap();
            let inside = target.starts_with('#') || target == "data:,";
            assert!(inside || link.attr("download").is_some(), "{name}: {target}");
        }
        let style = text(all(&page, "style")[0]);
        assert!(!style.contains("url(") && !style.contains("@import"), "{name}");
        let policy = all(&page, "meta[http-equiv='Content-Security-Policy']");
        let policy = policy[0].attr("content").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; img-src data:; style-src 'sha256-"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}

#[test]
fn every_file_of_the_run_is_saved_from_the_page_alone_or_named_with_where_it_is() {
    for (name, laid) in &*PAGES {
        let page = Html::parse_document(&laid.text);
        let saved = all(&page, "a[download]");
        assert!(saved.len() >= 4, "{name}");
        for link in &saved {
            let file = link.attr("download").unwrap();
            let (kind, data) = link.attr("href").unwrap().split_once(";base64,").unwrap();
            assert!(kind.starts_with("data:"), "{name}: {kind}");
            let contents = fs::read(laid.root.join(file)).unwrap();
            assert!(STANDARD.decode(data).unwrap() == contents, "{name}: {file} is another");
        }
        let listed: Vec<String> = all(&page, ".files li")
            .iter()
            .map(|line| text(*line).split(' ').next().unwrap().to_owned())
            .collect();
        for file in ["summary.csv", "figures.json", "observations.csv", "manifest.json"] {
            assert!(listed.iter().any(|listed| listed == file), "{name}: {file} in {listed:?}");
        }
        let folder = RunFolder::new(&laid.root).name();
        let words = text(all(&page, "#files")[0]);
        assert!(words.contains(&folder), "{words}");
        for named in all(&page, ".files code, figure figcaption code") {
            let path = laid.root.join(text(named));
            assert!(path.is_file(), "{name}: {} is not there", path.display());
        }
    }
    // The rows of a failover run are too many for its page, the tables made of them are not.
    let page = Html::parse_document(&page_of("failover").text);
    let named: Vec<String> = all(&page, ".files code").into_iter().map(text).collect();
    assert!(named.contains(&"observations.csv".to_owned()), "{named:?}");
    assert!(!all(&page, "a[download='availability.csv']").is_empty());
}

#[test]
fn the_verdict_is_a_word_and_a_sign() {
    let verdict = |name| {
        let page = Html::parse_document(&page_of(name).text);
        let verdict = all(&page, ".verdict");
        assert_eq!(verdict.len(), 1);
        text(verdict[0])
    };
    let shown = verdict("broken");
    assert!(shown.starts_with("✗ fail "), "{shown}");
    let shown = verdict("bench");
    assert!(shown.starts_with("? inconclusive "), "{shown}");
}

#[test]
fn a_broken_promise_is_shown_with_its_requests_rows_and_fault() {
    let laid = page_of("broken");
    let page = Html::parse_document(&laid.text);
    let broken = all(&page, ".broken");
    assert!(!broken.is_empty());
    let survival =
        all(&page, "section.broken[aria-labelledby='evidence-acknowledged-orders-survive']");
    let shown = text(survival[0]);
    for part in ["observations.csv:", "before the kill of order-", "Requests: ", "consistency.json"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let reasons = all(&page, "a[href='#evidence-acknowledged-orders-survive']");
    assert_eq!(reasons.len(), 2, "one among the reasons, one in the table");
}

#[test]
fn a_run_with_faults_has_a_sheet_for_each() {
    let laid = page_of("failover");
    let page = Html::parse_document(&laid.text);
    let sheets = all(&page, ".sheet");
    assert_eq!(sheets.len(), laid.figures.availability.len());
    for (sheet, row) in sheets.into_iter().zip(&laid.figures.availability) {
        let shown = text(sheet);
        assert!(shown.contains(&row.process), "{shown}");
        let ack = results::text::three_digits(row.first_ack_ms.unwrap());
        assert!(shown.contains(&format!("first acknowledged trade {ack} ms")), "{shown}");
    }
}

#[test]
fn every_figure_of_the_summary_is_in_its_row() {
    for laid in ["bench", "failover"].map(page_of) {
        let page = Html::parse_document(&laid.text);
        let mut rows: HashMap<String, Vec<String>> = HashMap::new();
        for table in all(&page, "#figures ~ .scroll table") {
            for row in table.select(&Selector::parse("tbody tr").unwrap()) {
                let cell = text(row.select(&Selector::parse("th").unwrap()).next().unwrap());
                let figures = text(row).replace(['[', ']'], " ").replace(", ", " ");
                let figures = figures.split_whitespace().map(str::to_owned);
                rows.entry(cell).or_default().extend(figures);
            }
        }
        for row in &laid.figures.summary {
            let op = match row.op {
                Op::Query => "Query",
                Op::Trade => "Trade",
                _ => "Lookup",
            };
            let shown = &rows[&format!("{op}, {}", row.cell)];
            let latencies = [
                [row.p50_us, row.p50_low_us, row.p50_high_us],
                [row.p90_us, row.p90_low_us, row.p90_high_us],
                [row.p99_us, row.p99_low_us, row.p99_high_us],
                [row.p999_us, row.p999_low_us, row.p999_high_us],
                [row.uncorrected_p50_us, row.uncorrected_p99_us, row.uncorrected_p999_us],
                [row.max_us, row.uncorrected_max_us, None],
            ]
            .into_iter()
            .flatten();
            let counts = [row.count, row.ok, row.rejected, row.failed, row.unknown];
            let ms = |us: u64| format!("{:.3}", us as f64 / 1000.0);
            let grouped = results::text::grouped;
            let means = [row.mean_us, row.mean_low_us, row.mean_high_us];
            let rates = [row.throughput_per_s, row.throughput_low_per_s, row.throughput_high_per_s];
            let expected = latencies
                .flatten()
                .map(ms)
                .chain(counts.map(grouped))
                .chain(means.into_iter().flatten().map(|us| format!("{:.3}", us / 1000.0)))
                .chain(rates.into_iter().flatten().map(|rate| format!("{rate:.1}")))
                .chain(row.cache_hits.map(grouped))
                .chain(row.cache_misses.map(grouped));
            for figure in expected {
                assert!(shown.contains(&figure), "{figure} is not in {shown:?}");
            }
        }
    }
}

/// What somebody might write who wants to take the page over.
const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&lt;";

#[test]
fn nothing_in_a_runs_files_becomes_markup() {
    let mut run = broken();
    let poison = |row: &mut Observation| {
        row.stock_name = Some(HOSTILE.into());
        row.reason = Some(HOSTILE.into());
        row.request_id = row.request_id.as_ref().map(|id| format!("{id}{HOSTILE}").into());
    };
    run.observations.iter_mut().for_each(poison);
    for row in &mut run.final_rows {
        row.request_id = row.request_id.as_ref().map(|id| format!("{id}{HOSTILE}").into());
        row.stock_name = Some(HOSTILE.into());
    }
    for event in &mut run.events {
        event.target = event.target.as_ref().map(|_| HOSTILE.to_owned());
        event.detail = Some(HOSTILE.to_owned());
    }
    let manifest = &mut run.manifest;
    HOSTILE.clone_into(&mut manifest.plan_name);
    HOSTILE.clone_into(&mut manifest.plan);
    HOSTILE.clone_into(&mut manifest.kind);
    HOSTILE.clone_into(&mut manifest.durability);
    HOSTILE.clone_into(&mut manifest.started_at);
    manifest.commit = Some(HOSTILE.to_owned());
    manifest.command = vec![HOSTILE.to_owned()];
    manifest.machine = vec![(HOSTILE.to_owned(), HOSTILE.to_owned())];
    HOSTILE.clone_into(&mut manifest.cells[0].id);
    run.observations.iter_mut().for_each(|row| row.cell = HOSTILE.into());
    run.events.iter_mut().for_each(|event| HOSTILE.clone_into(&mut event.cell));
    run.final_rows.iter_mut().for_each(|row| row.cell = HOSTILE.into());

    let laid = laid("hostile", &run);
    let page = Html::parse_document(&laid.text);
    assert!(all(&page, "script").is_empty());
    for element in all(&page, "*") {
        let handler = element.value().attrs().find(|(name, _)| name.starts_with("on"));
        assert_eq!(handler, None, "{}", element.value().name());
    }
    let charts = laid.figures.charts.charts.len();
    assert_eq!(all(&page, "img").len(), charts, "no picture but the charts");
    assert!(text(all(&page, "title")[0]).starts_with(HOSTILE), "it is shown as it is");
    let evidence: String = all(&page, ".broken").into_iter().map(text).collect();
    assert!(evidence.contains("<script>alert(1)</script>"), "{evidence}");
}
