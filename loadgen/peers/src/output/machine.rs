//! Where and when it was measured, and what speaks against believing it.

use std::fs;
use std::path::Path;
use std::thread::available_parallelism;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Above this share of its processors a machine has other work, and what is measured on it is that, too.
const QUIET: f64 = 0.3;

/// A machine, when a run begins on it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    /// When, in UTC.
    pub(crate) begun: String,
    /// How many processors may be used.
    pub(crate) processors: usize,
    /// What they are called.
    pub(crate) model: String,
    /// The kernel's release.
    pub(crate) kernel: String,
    /// The kind of file system that is measured.
    pub(crate) file_system: String,
    /// Processes that ran or waited for the disk, on average over the last minute.
    pub(crate) load_average: f64,
}

impl Machine {
    /// This one, with the file system that a folder is on. What cannot be found out is told as unknown.
    pub(crate) fn look(folder: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let known = |text: Option<&str>| text.map_or("unknown", str::trim).to_owned();
        let (cpuinfo, average) = (read("/proc/cpuinfo"), read("/proc/loadavg"));
        let model = cpuinfo.lines().find(|line| line.starts_with("model name"));
        let kernel = read("/proc/sys/kernel/osrelease");
        Self {
            begun: OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default(),
            processors: available_parallelism().map_or(1, usize::from),
            model: known(model.and_then(|line| Some(line.split_once(':')?.1))),
            kernel: known(Some(&kernel)),
            file_system: known(file_system(&read("/proc/self/mounts"), folder).as_deref()),
            load_average: average.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0.0),
        }
    }

    /// Why its figures should not be believed, a sentence each.
    pub(crate) fn caveats(&self) -> Vec<String> {
        let mut caveats = Vec::new();
        if self.load_average > QUIET * self.processors as f64 {
            let (load, processors) = (self.load_average, self.processors);
            caveats.push(format!(
                "the machine was not quiet when this began: its load average was {load} on {processors} processors"
            ));
        }
        if cfg!(debug_assertions) {
            caveats.push(
                "this program was built without optimisation, and the bare server is a part of it"
                    .to_owned(),
            );
        }
        if self.file_system == "tmpfs" {
            caveats.push(
                "the files are in memory, so a flush costs nothing: give an --out on a disk"
                    .to_owned(),
            );
        }
        caveats
    }
}

/// The kind of the innermost mount that holds a folder.
fn file_system(mounts: &str, folder: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((Path::new(words.next()?), words.next()?))
    });
    let holding = mounts.filter(|(point, _)| folder.starts_with(point));
    // The last of those that are equally deep hides the ones before it.
    holding.max_by_key(|(point, _)| point.components().count()).map(|(_, kind)| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_tells_the_file_system() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmp/disk xfs rw 0 0\n";
        let of = |path| file_system(mounts, Path::new(path)).unwrap();
        assert_eq!([of("/home/x"), of("/tmp/x"), of("/tmp/disk/x")], ["ext4", "tmpfs", "xfs"]);
        assert_eq!(file_system("", Path::new("/")), None);
    }

    #[test]
    fn a_busy_machine_and_files_in_memory_are_told() {
        let machine = Machine {
            begun: String::new(),
            processors: 2,
            model: String::new(),
            kernel: String::new(),
            file_system: "tmpfs".to_owned(),
            load_average: 1.5,
        };
        let always = usize::from(cfg!(debug_assertions));
        assert_eq!(machine.caveats().len(), 2 + always);
        let quiet = Machine { file_system: "ext4".to_owned(), load_average: 0.5, ..machine };
        assert_eq!(quiet.caveats().len(), always);
    }
}
