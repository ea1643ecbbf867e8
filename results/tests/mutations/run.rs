//! A kept run whose files can be changed, and what the checks say of it then.

use std::collections::BTreeMap;
use std::fs::{self, File as DiskFile};
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use flate2::read::GzDecoder;
use results::checks::check_run;
use results::records::RunFolder;
use results::verdict::Verdict;

use crate::change::Edit;
use crate::table::Table;

/// The newest format.
const FORMAT: u32 = 3;

/// A table of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File {
    Observations,
    Events,
    Final,
}

impl File {
    pub(crate) const ALL: [Self; 3] = [Self::Observations, Self::Events, Self::Final];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Observations => "observations.csv",
            Self::Events => "events.csv",
            Self::Final => "final.csv",
        }
    }
}

/// What `check` comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Got {
    Pass,
    Fail,
    Inconclusive,
    /// The files cannot be read as a run's.
    Error,
    Panic,
}

/// A run.
#[derive(Clone)]
pub(crate) struct Run {
    tables: [Table; 3],
    pub(crate) manifest: serde_json::Value,
    /// What is done to the files' text once everything else is done.
    pub(crate) edits: Vec<Edit>,
}

impl Run {
    /// The kept run of that name.
    pub(crate) fn kept(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name);
        let table = |file: File| Table::parse(&read(&folder, file.name()));
        let manifest = serde_json::from_str(&read(&folder, "manifest.json")).unwrap();
        let mut run = Self { tables: File::ALL.map(table), manifest, edits: Vec::new() };
        run.renew();
        run
    }

    /// Makes a run of an older format one of [`FORMAT`], which counts its rows.
    fn renew(&mut self) {
        self.manifest["format"] = FORMAT.into();
        let events = self.table_mut(File::Events);
        for (column, after) in [
            ("ends", "pid"),
            ("observation_rows", "unsent"),
            ("event_rows", "observation_rows"),
            ("final_rows", "event_rows"),
        ] {
            events.add_column(column, after);
        }
        self.count_rows();
    }

    pub(crate) fn table(&self, file: File) -> &Table {
        &self.tables[file as usize]
    }

    pub(crate) fn table_mut(&mut self, file: File) -> &mut Table {
        &mut self.tables[file as usize]
    }

    /// Makes every count agree with the rows again: what is wrong then is wrong in what they say.
    pub(crate) fn make_good(&mut self) {
        self.count_sequences();
        self.count_dumps();
        self.count_rows();
    }

    /// How many rows of its trial each `finished` event says that there are.
    fn count_rows(&mut self) {
        for finished in self.table(File::Events).all("event=finished") {
            let events = self.table(File::Events);
            let trial = ["cell", "trial"].map(|column| events.get(finished, column).to_owned());
            for (file, column) in
                File::ALL.into_iter().zip(["observation_rows", "event_rows", "final_rows"])
            {
                let rows = self.table(file);
                let is_of_trial = |place: &usize| {
                    rows.get(*place, "cell") == trial[0] && rows.get(*place, "trial") == trial[1]
                };
                let count = (0..rows.rows.len()).filter(is_of_trial).count().to_string();
                self.table_mut(File::Events).set(finished, column, count);
            }
        }
    }

    /// Each client's own count, in the order of its rows.
    fn count_sequences(&mut self) {
        let rows = self.table_mut(File::Observations);
        let mut counts: BTreeMap<[String; 3], u64> = BTreeMap::new();
        for place in 0..rows.rows.len() {
            let client =
                ["cell", "trial", "client"].map(|column| rows.get(place, column).to_owned());
            let count = counts.entry(client).or_default();
            *count += 1;
            let count = count.to_string();
            rows.set(place, "seq", count);
        }
    }

    /// How many orders each replica's dump says that it has.
    fn count_dumps(&mut self) {
        let rows = self.table_mut(File::Final);
        let source = |rows: &Table, place| {
            ["cell", "trial", "source"].map(|column| rows.get(place, column).to_owned())
        };
        let mut counts: BTreeMap<[String; 3], u64> = BTreeMap::new();
        for place in rows.all("kind=order") {
            *counts.entry(source(rows, place)).or_default() += 1;
        }
        for place in rows.all("kind=source source!=catalog") {
            let count = counts.get(&source(rows, place)).copied().unwrap_or_default();
            rows.set(place, "order_no", count.to_string());
        }
    }

    /// What `check` says of the files as they are now.
    pub(crate) fn judge(&self) -> Got {
        let folder = tempfile::tempdir().unwrap();
        let mut texts: BTreeMap<&str, Option<String>> =
            File::ALL.map(|file| (file.name(), Some(self.table(file).text()))).into();
        texts.insert("manifest.json", Some(self.manifest.to_string()));
        for Edit { file, change } in &self.edits {
            let text = texts.get_mut(file).unwrap();
            *text = text.take().and_then(|text| change(&text));
        }
        for (name, text) in texts {
            if let Some(text) = text {
                fs::write(folder.path().join(name), text).unwrap();
            }
        }
        let folder = RunFolder::new(folder.path());
        match catch_unwind(AssertUnwindSafe(|| {
            results::run::Run::open(&folder).and_then(|run| check_run(&run))
        })) {
            Err(_) => Got::Panic,
            Ok(Err(_)) => Got::Error,
            Ok(Ok(report)) => match report.verdict {
                Verdict::Pass => Got::Pass,
                Verdict::Fail => Got::Fail,
                Verdict::Inconclusive => Got::Inconclusive,
            },
        }
    }
}

/// A file of the corpus, packed or not.
fn read(folder: &Path, name: &str) -> String {
    if let Ok(text) = fs::read_to_string(folder.join(name)) {
        return text;
    }
    let packed = DiskFile::open(folder.join(format!("{name}.gz"))).unwrap();
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    text
}
