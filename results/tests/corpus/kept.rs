//! A kept run: its files, packed, and everything that is said about it.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use results::checks::ConsistencyReport;
use results::measurements::Measurements;
use results::records::RunFolder;
use results::report::Report;
use results::run::Run;
use results::{catalog_queries, checks, html, report, thresholds};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Where the runs are: a folder each, rows packed with gzip.
pub(crate) fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// A run in a folder of its own, from which nothing but its own files is missing.
pub(crate) struct Kept {
    _root: TempDir,
    folder: RunFolder,
}

/// A page that is larger is a nuisance to send on.
const MAX_PAGE_BYTES: u64 = 1_500_000;

/// What is said about it, by the name of the golden file.
pub(crate) type Said = Vec<(&'static str, String)>;

impl Kept {
    pub(crate) fn unpack(name: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        // The folder's name is part of what is said.
        let to = root.path().join(name);
        fs::create_dir(&to).unwrap();
        for entry in fs::read_dir(corpus().join(name)).unwrap() {
            let from = entry.unwrap().path();
            let file = from.file_name().unwrap().to_str().unwrap();
            if let Some(unpacked) = file.strip_suffix(".gz") {
                let mut text = GzDecoder::new(File::open(&from).unwrap());
                io::copy(&mut text, &mut File::create(to.join(unpacked)).unwrap()).unwrap();
            } else if from.is_file() {
                fs::copy(&from, to.join(file)).unwrap();
            }
        }
        Self { folder: RunFolder::new(to), _root: root }
    }

    /// Where its files are.
    pub(crate) fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Checks, figures, charts and page, as `check` and `report` make them.
    pub(crate) fn said(&self) -> Said {
        let folder = &self.folder;
        let run = &Run::open(folder).unwrap();
        let checked = checks::check_run(run).unwrap();
        checked.write(folder).unwrap();
        let measured = Measurements::new(run);
        let held = thresholds::evaluate_run(&measured, checked.verdict).unwrap();
        let figures = report::write(&measured).unwrap();
        let page = html::write(run, &figures, &checked, &held).unwrap();
        assert!(fs::metadata(&page).unwrap().len() < MAX_PAGE_BYTES, "the page can be sent on");
        let text = |name: &str| fs::read_to_string(folder.path(name)).ok();
        let mut said = vec![
            ("verdicts.txt", verdicts(&checked)),
            ("checks.txt", checked.to_text()),
            ("consistency.json", text("consistency.json").unwrap()),
            ("figures.txt", self.figures(&figures)),
            ("charts.txt", self.charts(&figures)),
            ("page.html", without_data(&fs::read_to_string(page).unwrap())),
        ];
        let files = [
            "summary.csv",
            "availability.csv",
            "availability-overall.csv",
            "gaps.csv",
            report::FIGURES_FILE,
            thresholds::FILE,
        ];
        said.extend(files.into_iter().filter_map(|name| Some((name, text(name)?))));
        let root = folder.root().parent().unwrap().to_str().unwrap();
        said.into_iter().map(|(name, text)| (name, text.replace(root, "RUNS"))).collect()
    }

    fn figures(&self, figures: &Report) -> String {
        let mut text = figures.to_text();
        for sentence in catalog_queries::sentences(&self.folder) {
            text += &format!("{sentence}\n");
        }
        text
    }

    /// What each chart says in words, and a digest of its picture.
    fn charts(&self, figures: &Report) -> String {
        let mut text = String::new();
        for chart in &figures.charts.charts {
            let picture = fs::read(self.folder.path("charts").join(format!("{}.svg", chart.stem)));
            let digest = Sha256::digest(picture.unwrap());
            let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            writeln!(text, "{} {short}\n{}\n{}\n", chart.stem, chart.title, chart.alt).unwrap();
        }
        for reason in &figures.charts.left_out {
            writeln!(text, "left out: {reason}").unwrap();
        }
        text
    }
}

/// The verdict and the number of violations of every check, and of every gate its worst number.
fn verdicts(checked: &ConsistencyReport) -> String {
    let mut text = format!("verdict {}\n", checked.verdict);
    for check in &checked.checks {
        let verdict = check.verdict.map_or("-".to_owned(), |verdict| verdict.to_string());
        writeln!(text, "{} {verdict} {}", check.name, check.violations).unwrap();
    }
    for gate in &checked.gates {
        let worst = gate.worst.map_or("-".to_owned(), |worst| worst.to_string());
        let state = if gate.is_open() { "open" } else { "shut" };
        writeln!(text, "{} {state} {worst}", gate.name).unwrap();
    }
    text
}

/// Pictures are held by `charts.txt`; what is saved from the page is held by files of its own.
fn without_data(page: &str) -> String {
    let mut parts = page.split("=\"data:");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str("=\"\"");
        text.push_str(part.split_once('"').map_or("", |(_, rest)| rest));
    }
    text
}
