//! Runs to tell of: those that the crate `results` keeps, as they are or changed.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use results::measurements::Measurements;
use results::records::{Manifest, RunFolder};
use results::run::Run;
use results::{checks, report};
use scraper::{Html, Selector};

/// Columns of times, in microseconds since the run's origin, or since another one of them.
const TIMES: [&str; 6] =
    ["planned_us", "start_us", "end_us", "latency_us", "at_us", "suspected_us"];

/// How a kept run is changed.
pub(crate) struct Change<'a> {
    /// All times are so many times as long.
    pub(crate) slower: u64,
    /// The manifest.
    pub(crate) manifest: &'a dyn Fn(&mut Manifest),
}

impl Default for Change<'_> {
    fn default() -> Self {
        Self { slower: 1, manifest: &|_| {} }
    }
}

/// Unpacks the kept run of this name into `to`, changes it, and has it checked and measured as any run is.
pub(crate) fn run(name: &str, to: &Path, change: &Change<'_>) {
    fs::create_dir_all(to).unwrap();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results/tests/corpus").join(name);
    for entry in fs::read_dir(kept).unwrap() {
        let from = entry.unwrap().path();
        let file = from.file_name().unwrap().to_str().unwrap();
        if !from.is_file() {
            continue;
        }
        let mut text = String::new();
        let name = match file.strip_suffix(".gz") {
            Some(name) => {
                GzDecoder::new(File::open(&from).unwrap()).read_to_string(&mut text).unwrap();
                name
            }
            None => {
                File::open(&from).unwrap().read_to_string(&mut text).unwrap();
                file
            }
        };
        if change.slower > 1 && ["observations.csv", "events.csv"].contains(&name) {
            text = slower(&text, change.slower);
        }
        fs::write(to.join(name), text).unwrap();
    }
    let folder = RunFolder::new(to);
    let mut manifest = folder.manifest().unwrap();
    (change.manifest)(&mut manifest);
    fs::write(folder.path("manifest.json"), serde_json::to_string(&manifest).unwrap()).unwrap();
    let run = Run::open(&folder).unwrap();
    checks::check_run(&run).unwrap().write(&folder).unwrap();
    report::write_figures(&Measurements::new(&run)).unwrap();
}

fn slower(text: &str, times: u64) -> String {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&headers).unwrap();
    for row in reader.records() {
        let row = row.unwrap();
        let fields =
            headers.iter().zip(row.iter()).map(|(name, value)| match value.parse::<u64>() {
                Ok(time) if TIMES.contains(&name) => (time * times).to_string(),
                _ => value.to_owned(),
            });
        writer.write_record(fields).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

/// What a page says, and that it needs nothing but itself.
pub(crate) fn text_of(page: &Path) -> String {
    let html = fs::read_to_string(page).unwrap();
    let document = Html::parse_document(&html);
    let select = |selector: &str| Selector::parse(selector).unwrap();
    assert_eq!(document.select(&select("script, link[rel=stylesheet], iframe")).count(), 0);
    for image in document.select(&select("img")) {
        assert!(image.attr("src").unwrap().starts_with("data:image/svg+xml;base64,"));
        assert!(!image.attr("alt").unwrap().is_empty());
    }
    let ids: Vec<&str> = document.select(&select("[id]")).filter_map(|it| it.attr("id")).collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(ids.len(), once.len(), "ids are not unique: {ids:?}");
    let body = document.select(&select("body")).next().unwrap();
    body.text().collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}
