//! What is shown of a target that is nobody's bazaar: no word is said that is the bazaar's alone, and nothing stands
//! where a word was left away.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use results::measurements::Measurements;
use results::records::{
    Action, Cell, Event, EventKind, Fact, FinalKind, FinalRow, Manifest, Observation, Op, Process,
    Promises, Roles, RunFolder, Target,
};
use results::{checks, html, report, thresholds};
use scraper::Html;
use wire::bazaar::TradeType;

use crate::page::{all, text};
use crate::rows::{injected, operation};
use crate::synthetic::Run;

/// What nobody has to do with who brings a service of their own.
const BAZAARS: [&str; 6] =
    ["cache on", "cache off", "front-end", "catalog", "bazaar", "durability"];
/// What is left of a sentence or a list from which a word was taken.
const LEFT_OVER: [&str; 8] = [", ,", ",,", "· ·", " ,", " :", "  ", "with ,", ", :"];

const CLIENTS: u32 = 3;
const SECOND: u64 = 1_000_000;

/// A cell of a plan of the target `naive`, started as `variant`.
fn cell(p: f64, variant: Option<&str>) -> Cell {
    let id = [Some(format!("p{p}")), variant.map(str::to_owned)];
    let id = id.into_iter().flatten().collect::<Vec<_>>().join("-");
    Cell { clients: CLIENTS, variant: variant.map(str::to_owned), ..Cell::new(id, p, true) }
}

/// A run of one store and a gate before it. Nobody leads, no answer tells a volume, and what the store holds is read
/// at the end.
fn manifest(kind: &str, cells: Vec<Cell>) -> Manifest {
    let given = [
        Fact::Queries,
        Fact::Trades,
        Fact::Lookups,
        Fact::Quantity,
        Fact::OrderNumbers,
        Fact::StatusCodes,
    ];
    let target = Target::new("naive", given, Promises::default())
        .described("a shop in one file")
        .holding(vec!["shelf".to_owned()], vec!["shelf".to_owned()]);
    let process = |(name, role): (&str, &str)| Process {
        name: name.parse().unwrap(),
        role: role.parse().unwrap(),
    };
    let words = ["dt", kind, "--target", "shop/naive.toml"];
    Manifest {
        target: Some(target),
        plan: "name = \"quick\"\n".to_owned(),
        command: words.map(str::to_owned).to_vec(),
        replicas: 0,
        processes: [("gate", "gate"), ("shelf", "store")].map(process).to_vec(),
        roles: Roles { stocks: "store".parse().ok(), ..Roles::default() },
        durability: "as the target has it".to_owned(),
        ping_timeout_ms: None,
        ..Manifest::new(kind, "quick", cells)
    }
}

/// A query and a trade of each client in turn, every 20 ms for four seconds, and each order in the store at the end.
fn load(cell: &Cell, began_us: u64) -> (Vec<Observation>, Vec<FinalRow>) {
    let mut rows = Vec::new();
    let mut held = vec![FinalRow::new(&cell.id, 1, "shelf", FinalKind::Source)];
    for number in 1..=200_u64 {
        let at_us = began_us + number * SECOND / 50;
        let client = (number % u64::from(CLIENTS)) as u32 + 1;
        let due = |at_us: u64| cell.rate_per_s.map(|_| at_us);
        let query = operation(cell, Op::Query, at_us, 300 + number);
        let planned_us = due(at_us);
        rows.push(Observation { client, planned_us, seen_quantity: Some(100), ..query });
        let trade = Observation {
            client,
            planned_us: due(at_us + 1_000),
            trade_type: Some(TradeType::Buy),
            quantity: Some(1),
            order_no: Some(number),
            request_id: Some(format!("r{number}").into()),
            ..operation(cell, Op::Trade, at_us + 1_000, 900 + number)
        };
        let order = FinalRow {
            order_no: Some(number),
            stock_name: trade.stock_name.clone(),
            trade_type: trade.trade_type,
            quantity: trade.quantity,
            ..FinalRow::new(&cell.id, 1, "shelf", FinalKind::Order)
        };
        rows.push(trade);
        held.push(order);
    }
    (rows, held)
}

/// The load began, ended and was recorded.
fn marks(cell: &Cell, began_us: u64) -> Vec<Event> {
    let event = |at_us, kind| Event::new(cell.id.clone(), 1, at_us, kind);
    let ended = event(began_us + 5 * SECOND, EventKind::ArrivalsEnded);
    let began = event(began_us, EventKind::LoadBegan);
    vec![began, Event { unsent: cell.rate_per_s.map(|_| 0), ..ended }]
}

fn run(kind: &str, cells: Vec<Cell>) -> Run {
    let mut run = Run {
        manifest: manifest(kind, cells.clone()),
        observations: Vec::new(),
        events: Vec::new(),
        final_rows: Vec::new(),
    };
    for (cell, place) in cells.iter().zip(0..) {
        let began_us = (1 + place * 6) * SECOND;
        let (rows, held) = load(cell, began_us);
        run.observations.extend(rows);
        run.final_rows.extend(held);
        run.events.extend(marks(cell, began_us));
    }
    run
}

/// The store is killed in the third second, and started again.
fn failover() -> Run {
    let cell = Cell { planned_faults: 1, ..cell(0.5, Some("fast")) };
    let mut run = run("failover", vec![cell.clone()]);
    let kill = Event {
        target: Some("store".to_owned()),
        ..injected(&cell, 1, Action::Kill, "shelf", 3 * SECOND)
    };
    let confirmed = Event { at_us: kill.at_us + 900, event: EventKind::Confirmed, ..kill.clone() };
    let restart = injected(&cell, 1, Action::Restart, "shelf", 4 * SECOND);
    run.events.extend([kill, confirmed, restart]);
    run
}

/// What is said of a run: its report, its page, and the texts of its charts.
struct Said {
    root: PathBuf,
    report: String,
    page: String,
    charts: Vec<String>,
}

fn said(name: &str, run: &Run) -> Said {
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("foreign").join(name);
    if root.exists() {
        fs::remove_dir_all(&root).unwrap();
    }
    let folder = RunFolder::new(&root);
    run.write(&folder);
    let run = results::run::Run::open(&folder).unwrap();
    let checked = checks::check_run(&run).unwrap();
    checked.write(&folder).unwrap();
    let measured = Measurements::new(&run);
    let held = thresholds::evaluate_run(&measured, checked.verdict).unwrap();
    let figures = report::write(&measured).unwrap();
    let page = html::write(&run, &figures, &checked, &held).unwrap();
    let mut charts: Vec<String> = Vec::new();
    for chart in &figures.charts.charts {
        let svg = folder.path("charts").join(format!("{}.svg", chart.stem));
        let svg = Html::parse_document(&fs::read_to_string(svg).unwrap());
        charts.extend([chart.title.clone(), chart.alt.clone()]);
        charts.extend(all(&svg, "text").into_iter().map(text));
    }
    let report = figures.to_text() + &checked.to_text();
    Said { report, page: fs::read_to_string(page).unwrap(), charts, root }
}

/// A run without variants and one with a variant, with faults, with several rates.
static RUNS: LazyLock<[(&str, Said); 4]> = LazyLock::new(|| {
    let at_rate = |rate: f64| {
        let cell = cell(0.5, Some("fast"));
        Cell { id: format!("{}-r{rate}", cell.id), rate_per_s: Some(rate), ..cell }
    };
    let runs = [
        ("plain", run("bench", vec![cell(0.2, None), cell(0.8, None)])),
        ("variant", run("bench", vec![cell(0.5, Some("fast"))])),
        ("failover", failover()),
        ("rates", run("bench", vec![at_rate(50.0), at_rate(51.0)])),
    ];
    runs.map(|(name, run)| (name, said(name, &run)))
});

fn of(name: &str) -> &'static Said {
    &RUNS.iter().find(|(known, _)| *known == name).unwrap().1
}

/// What a reader sees of a page, element by element.
fn lines(page: &str) -> Vec<String> {
    let page = Html::parse_document(page);
    all(&page, "title, h1, h2, h3, h4, p, li, th, td, dt, dd, summary, caption")
        .into_iter()
        .map(text)
        .collect()
}

#[test]
fn no_word_of_the_bazaars_is_said() {
    for (name, said) in &*RUNS {
        let page = lines(&said.page);
        assert!(page.len() > 80, "{name}: the page is read");
        assert!(said.charts.len() > 40, "{name}: the charts are read");
        let told = said.report.lines().map(str::to_owned).chain(page).chain(said.charts.clone());
        for line in told {
            let lower = line.to_lowercase();
            for word in BAZAARS {
                assert!(!lower.contains(word), "{name}: {word:?} in {line:?}");
            }
        }
    }
}

#[test]
fn nothing_stands_where_a_word_was_left_away() {
    for (name, said) in &*RUNS {
        for line in lines(&said.page).into_iter().chain(said.charts.clone()) {
            for left_over in LEFT_OVER {
                assert!(!line.contains(left_over), "{name}: {left_over:?} in {line:?}");
            }
            let edges = [',', '·', ':'];
            assert!(!line.starts_with(edges) && !line.ends_with([',', '·']), "{name}: {line:?}");
        }
    }
}

#[test]
fn subtitles_name_the_target_and_how_it_was_started() {
    let has = |name: &str, expected: &str| {
        let texts = &of(name).charts;
        assert!(
            texts.iter().any(|text| text.contains(expected)),
            "{name}: {expected} in {texts:#?}"
        );
    };
    has("plain", "naive · plan quick · 3 clients · 400 queries");
    has("failover", "naive · plan quick · 3 clients · p = 0.5 · fast");
    has("rates", "knee, fast: 51/s");
}

#[test]
fn a_table_has_a_column_for_the_variant_where_there_is_one() {
    let heads = |name: &str| {
        let report = &of(name).report;
        let head = report.lines().find(|line| line.starts_with("op ")).unwrap();
        head.split_whitespace().take(4).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(heads("plain"), ["op", "p", "count", "median"]);
    assert_eq!(heads("variant"), ["op", "p", "variant", "count"]);
    let settings = |name: &str| {
        let page = Html::parse_document(&of(name).page);
        let heads = all(&page, "[aria-labelledby='settings-caption'] thead th");
        heads.into_iter().map(text).collect::<Vec<_>>()
    };
    assert_eq!(settings("plain")[..3], ["setting", "p", "clients"]);
    assert_eq!(settings("variant")[..4], ["setting", "p", "variant", "clients"]);
}

#[test]
fn the_page_asks_about_the_target_and_says_what_it_promises_and_how_to_repeat_the_run() {
    let said = of("variant");
    let page = Html::parse_document(&said.page);
    let asked = text(all(&page, "h1")[0]);
    assert_eq!(asked, "How fast does naive answer, and are its answers right?");
    assert!(text(all(&page, "title")[0]).starts_with("naive, quick: "));
    let setup = text(all(&page, "section[aria-labelledby='setup']")[0]);
    for part in [
        "--target shop/naive.toml",
        "target naive",
        "a shop in one file",
        "Later orders have larger numbers, from 1, and none is left out.",
        "Told: queries, trades, lookups, quantity, ",
    ] {
        assert!(setup.contains(part), "{part}: {setup}");
    }
    assert_eq!(said.page.matches("a shop in one file").count(), 1, "it is described once");
    assert!(!setup.contains("replicas "), "there are none: {setup}");
    assert!(said.root.join("plan.toml").is_file());
}
