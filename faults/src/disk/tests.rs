//! The library in a real process: this test binary again, which does to files what it is told.

use records::built_in;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Lines, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::process::ProcessName;
use crate::schedule::DiskFault;

/// Set for the process: the folder that its files are in.
const FOLDER_VARIABLE: &str = "DISK_TEST_FOLDER";
fn name() -> ProcessName {
    built_in::catalog()
}
const BY: Duration = Duration::from_millis(30);

/// The process. As a test it does nothing.
#[test]
fn process_with_files() {
    let Some(folder) = std::env::var_os(FOLDER_VARIABLE) else { return };
    for line in io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let began = Instant::now();
        let done = obey(Path::new(&folder), &words);
        let said = match done {
            Ok(()) => format!("ok {}", began.elapsed().as_micros()),
            Err(error) => format!("error {}", error.raw_os_error().unwrap()),
        };
        println!("= {said}");
    }
}

fn obey(folder: &Path, words: &[&str]) -> io::Result<()> {
    let path = |name: &str| folder.join(name);
    let number = |word: &str| word.parse::<u64>().unwrap();
    let open = |name| OpenOptions::new().write(true).create(true).truncate(false).open(path(name));
    match *words {
        ["write", name, offset, length, byte] => {
            let bytes = vec![byte.as_bytes()[0]; number(length) as usize];
            open(name)?.write_all_at(&bytes, number(offset))
        }
        ["append", name, length, byte] => {
            let bytes = vec![byte.as_bytes()[0]; number(length) as usize];
            OpenOptions::new().append(true).create(true).open(path(name))?.write_all(&bytes)
        }
        ["truncate", name, size] => open(name)?.set_len(number(size)),
        ["empty", name] => File::create(path(name)).map(|_| ()),
        ["sync", name] => File::open(path(name))?.sync_all(),
        ["sync-data", name] => File::open(path(name))?.sync_data(),
        ["rename", from, to] => fs::rename(path(from), path(to)),
        ["remove", name] => fs::remove_file(path(name)),
        _ => unreachable!("{words:?}"),
    }
}

/// A folder of files, and the process that works on them.
struct Bench {
    folder: tempfile::TempDir,
    disks: Disks,
    process: Process,
}

struct Process {
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Bench {
    fn new(power_cuts: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let faults = DiskFaults { processes: [name()].into(), power_cuts };
        let folders = [(name(), folder.path().canonicalize().unwrap())].into();
        let disks = Disks::new(&faults, &folders).unwrap();
        let process = Process::start(&disks, folder.path());
        Self { folder, disks, process }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn order(&mut self, order: &str) {
        writeln!(self.process.orders, "{order}").unwrap();
    }

    fn answer(&mut self) -> String {
        let mut lines = self.process.answers.by_ref().map(Result::unwrap);
        let answer = lines.find_map(|line| line.split_once("= ").map(|(_, said)| said.to_owned()));
        answer.unwrap()
    }

    fn ask(&mut self, order: &str) -> String {
        self.order(order);
        self.answer()
    }

    /// Has it do all of this, and expects no error.
    fn has_done(&mut self, orders: &[&str]) {
        for order in orders {
            let said = self.ask(order);
            assert!(said.starts_with("ok"), "{order}: {said}");
        }
    }

    fn kill_and_start(&mut self) {
        self.process.end();
        self.process = Process::start(&self.disks, self.folder.path());
    }

    fn cut_power(&mut self) -> journal::Undone {
        self.process.end();
        self.disks.undo(name()).unwrap()
    }

    /// The files and what is in them.
    fn content(&self) -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(self.folder.path()).unwrap();
        files
            .map(|file| {
                let file = file.unwrap();
                (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())
            })
            .collect()
    }

    fn inject(&self, fault: u32, kind: DiskFault) -> u64 {
        self.disks.inject(ActiveDiskFault { fault, process: name(), kind }).unwrap()
    }

    fn await_hits(&self, kind: DiskFault, hits: u64) {
        while self.disks.hits(name(), kind).unwrap() < hits {
            std::thread::yield_now();
        }
    }
}

impl Process {
    fn start(disks: &Disks, folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["disk::tests::process_with_files", "--exact", "--nocapture"])
            .env(FOLDER_VARIABLE, folder)
            .envs(disks.begin_incarnation(name()).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, orders, answers }
    }

    fn end(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

#[test]
fn the_library_answers_from_the_process_that_it_is_in_and_from_no_other() {
    let mut bench = Bench::new(false);
    bench.has_done(&["write a 0 1 x"]);
    assert!(bench.disks.is_reached(name(), bench.process.child.id()));
    assert!(!bench.disks.is_reached(name(), std::process::id()));
    assert!(bench.disks.is_reached(built_in::front_end(), 1), "nobody breaks that one's disk");
}

#[test]
fn a_flush_hangs_until_its_disk_is_healed() {
    for flush in ["sync a", "sync-data a"] {
        let mut bench = Bench::new(false);
        bench.has_done(&["write a 0 1 x", flush]);
        assert_eq!(bench.inject(1, DiskFault::Stall), 0, "nothing was held before");
        bench.inject(2, DiskFault::Stall);
        bench.has_done(&["write a 1 1 y"]);
        bench.order(flush);
        bench.await_hits(DiskFault::Stall, 1);
        bench.disks.heal(1).unwrap().unwrap();
        assert_eq!(bench.disks.held(name()).unwrap(), 1, "the other fault lasts");
        bench.disks.heal(2).unwrap().unwrap();
        assert!(bench.answer().starts_with("ok"));
        assert_eq!(bench.disks.held(name()).unwrap(), 0);
        assert!(bench.disks.heal(2).unwrap().is_none());
    }
}

#[test]
fn a_flush_takes_longer_on_a_slow_disk() {
    let mut bench = Bench::new(false);
    bench.has_done(&["write a 0 1 x"]);
    let kind = DiskFault::Slow(BY);
    bench.inject(1, kind);
    let said = bench.ask("sync a");
    let took_us: u128 = said.strip_prefix("ok ").unwrap().parse().unwrap();
    assert!(took_us >= BY.as_micros(), "{said}");
    assert_eq!(bench.disks.hits(name(), kind).unwrap(), 1);
}

#[test]
fn a_full_disk_refuses_writes_of_data_and_no_others() {
    let mut bench = Bench::new(false);
    let elsewhere = tempfile::tempdir().unwrap();
    let other = elsewhere.path().join("b").to_str().unwrap().to_owned();
    bench.has_done(&["write a 0 1 x"]);
    bench.inject(1, DiskFault::Full);
    let no_space = format!("error {}", nix::errno::Errno::ENOSPC as i32);
    assert_eq!(bench.ask("write a 1 1 y"), no_space);
    assert_eq!(bench.ask("append a 1 y"), no_space);
    bench.has_done(&[&format!("append {other} 1 y")]);
    assert_eq!(bench.disks.hits(name(), DiskFault::Full).unwrap(), 2);
    bench.disks.heal(1).unwrap();
    bench.has_done(&["append a 1 y"]);
    assert_eq!(fs::read(bench.path("a")).unwrap(), b"xy");
}

#[test]
fn a_disk_is_none_the_better_for_a_new_process() {
    let mut bench = Bench::new(false);
    bench.has_done(&["write a 0 1 x"]);
    bench.inject(1, DiskFault::Full);
    bench.kill_and_start();
    assert!(bench.ask("append a 1 y").starts_with("error"));
    bench.inject(2, DiskFault::Stall);
    bench.order("sync a");
    bench.await_hits(DiskFault::Stall, 1);
    bench.kill_and_start();
    bench.disks.heal(1).unwrap();
    bench.has_done(&["append a 1 y"]);
    assert_eq!(bench.disks.held(name()).unwrap(), 0, "what was held died");
}

#[test]
fn a_power_cut_takes_back_what_was_not_flushed() {
    let mut bench = Bench::new(true);
    bench.has_done(&["write a 0 10000 x", "write b 0 10 x", "sync a", "sync b", "sync ."]);
    bench.has_done(&["write a 4000 200 y", "append a 10 z", "write b 0 10 y", "sync-data b"]);
    bench.has_done(&["truncate b 4", "write new 0 10 x", "sync new"]);
    let undone = bench.cut_power();
    let expected = [("a", vec![b'x'; 10_000]), ("b", b"yyyyyyyyyy".to_vec())];
    assert_eq!(bench.content(), expected.map(|(name, held)| (name.to_owned(), held)).into());
    assert_eq!((undone.files, undone.names), (2, 1), "{undone}");
}

#[test]
fn what_an_open_cuts_off_comes_back() {
    let mut bench = Bench::new(true);
    bench.has_done(&["write a 0 9000 x", "sync a", "sync .", "empty a", "append a 3 y"]);
    bench.cut_power();
    assert_eq!(bench.content(), [("a".to_owned(), vec![b'x'; 9_000])].into());
}

#[test]
fn a_rename_lasts_once_its_folder_was_flushed() {
    let mut bench = Bench::new(true);
    bench.has_done(&["write a.new 0 3 x", "write b.new 0 3 x", "sync a.new", "sync b.new"]);
    bench.has_done(&["rename a.new a", "sync .", "rename b.new b"]);
    bench.cut_power();
    assert_eq!(bench.content().into_keys().collect::<Vec<_>>(), ["a", "b.new"]);
}

#[test]
fn what_a_process_left_behind_that_was_killed_goes_with_the_next_power_cut() {
    let mut bench = Bench::new(true);
    bench.has_done(&["write a 0 3 x", "write b 0 3 x", "sync a", "sync b", "sync ."]);
    bench.has_done(&["write a 0 3 y", "write b 0 3 y"]);
    bench.kill_and_start();
    bench.has_done(&["append a 3 z", "sync b"]);
    bench.cut_power();
    let expected = [("a", b"xxx".to_vec()), ("b", b"yyy".to_vec())];
    assert_eq!(bench.content(), expected.map(|(name, held)| (name.to_owned(), held)).into());
}

#[test]
fn what_was_written_to_files_that_were_replaced_is_not_undone_in_what_took_their_place() {
    let mut bench = Bench::new(true);
    bench.has_done(&["write a 0 3 x", "sync a", "sync .", "write a 0 3 y"]);
    bench.process.end();
    bench.disks.forget(name()).unwrap();
    fs::remove_file(bench.path("a")).unwrap();
    fs::write(bench.path("a"), "old").unwrap();
    bench.kill_and_start();
    bench.has_done(&["append a 3 z"]);
    bench.cut_power();
    assert_eq!(bench.content(), [("a".to_owned(), b"old".to_vec())].into());
    // And after a power cut there is nothing left to undo.
    bench.disks.forget(name()).unwrap();
    fs::remove_file(bench.path("a")).unwrap();
    bench.kill_and_start();
    bench.cut_power();
    assert!(bench.content().is_empty());
}

/// What a file is, and what the disk is sure to have of it.
#[derive(Clone, Default)]
struct Model {
    is: Vec<u8>,
    flushed: Vec<u8>,
}

#[test]
fn whatever_is_done_a_power_cut_leaves_what_was_flushed_last() {
    const NAMES: [&str; 3] = ["a", "b", "c"];
    for seed in 0..6 {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut bench = Bench::new(true);
        for name in NAMES {
            bench.has_done(&[&format!("write {name} 0 0 x"), &format!("sync {name}")]);
        }
        bench.has_done(&["sync ."]);
        let mut models: [Model; 3] = Default::default();
        // Enough to begin the journal anew a few times.
        for _ in 0..400 {
            let which = rng.random_range(0..NAMES.len());
            let (name, model) = (NAMES[which], &mut models[which]);
            let byte = b'a' + rng.random_range(0..26u8);
            let letter = char::from(byte);
            let order = match rng.random_range(0..10) {
                0..5 => {
                    let (offset, length) =
                        (rng.random_range(0..200_000), rng.random_range(1..90_000));
                    model.is.resize(model.is.len().max(offset + length), 0);
                    model.is[offset..offset + length].fill(byte);
                    format!("write {name} {offset} {length} {letter}")
                }
                5 => {
                    let length = rng.random_range(1..9_000);
                    model.is.resize(model.is.len() + length, byte);
                    format!("append {name} {length} {letter}")
                }
                6 => {
                    let size = rng.random_range(0..250_000);
                    model.is.resize(size, 0);
                    format!("truncate {name} {size}")
                }
                7 => {
                    model.is.clear();
                    format!("empty {name}")
                }
                _ => {
                    model.flushed.clone_from(&model.is);
                    format!("sync {name}")
                }
            };
            bench.has_done(&[&order]);
        }
        bench.cut_power();
        let content = bench.content();
        for (name, model) in NAMES.iter().zip(&models) {
            assert!(content[*name] == model.flushed, "{name} with seed {seed}");
        }
    }
}
