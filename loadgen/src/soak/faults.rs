//! Random faults: what, to whom, when, for how long. Pure; integers only, so that a seed means the
//! same on every machine.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use ::faults::process::ProcessName;
use ::faults::schedule::{
    Action, CutMode, DiskFault, FilesFault, Flood, FloodKind, Link, LinkEnd, LinkFault,
    PlannedFault, Target,
};
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use results::records::{Processes, RoleName};

/// Before the first fault, so that there is a load that it can disturb.
const FIRST_AT_MS: u64 = 1_500;
/// What is left of the load when the last fault begins.
const LAST_BEFORE_END_MS: u64 = 1_000;
/// One in so many faults of a replica or link lasts until everything is healed.
const UNTIL_THE_END: u32 = 12;

/// Of so many kills, power cuts included, one has its process's files lost or old as well.
const FILES: u32 = 4;
/// The oldest copy that is put back.
const OLDEST_COPY_MS: u64 = 8_000;
/// Before that the load has written nothing.
const FIRST_COPY_AT_MS: u64 = 200;

/// One in so many faults of links is of all links of a process.
const ALL_LINKS: u32 = 5;

/// What may happen, and how often compared to the rest. What is done to processes and disks comes first, and
/// of that what is always possible.
const KINDS: [(u32, Kind); 31] = [
    (20, Kind::Kill(Who::Leader)),
    (12, Kind::Pause(Who::Leader)),
    (9, Kind::Kill(Who::Follower)),
    (7, Kind::Pause(Who::Follower)),
    (9, Kind::Kill(Who::Replica)),
    (6, Kind::Pause(Who::Replica)),
    (6, Kind::Kill(Who::Stocks)),
    (4, Kind::Pause(Who::Stocks)),
    (6, Kind::Kill(Who::Cache)),
    (4, Kind::Pause(Who::Cache)),
    (6, Kind::PowerCut(Who::Leader)),
    (4, Kind::PowerCut(Who::Follower)),
    (4, Kind::PowerCut(Who::Replica)),
    (4, Kind::PowerCut(Who::Stocks)),
    (3, Kind::PowerCut(Who::Cache)),
    (6, Kind::Disk(Who::Leader)),
    (4, Kind::Disk(Who::Follower)),
    (4, Kind::Disk(Who::Replica)),
    (4, Kind::Disk(Who::Stocks)),
    (5, Kind::Slow(Who::Leader)),
    (4, Kind::Slow(Who::Follower)),
    (4, Kind::Slow(Who::Replica)),
    (3, Kind::Slow(Who::Stocks)),
    (3, Kind::Slow(Who::Cache)),
    (3, Kind::Flood(Who::Leader)),
    (2, Kind::Flood(Who::Follower)),
    (2, Kind::Flood(Who::Replica)),
    (2, Kind::Flood(Who::Stocks)),
    (3, Kind::Flood(Who::Cache)),
    (40, Kind::Cut),
    (18, Kind::SlowLink),
];
/// How many of [`KINDS`] are always possible. A disk harms nobody who does not write meanwhile, a process that is slow or
/// flooded must be seen to be before that ends, and a link may have no other end.
const ALWAYS_POSSIBLE: usize = 15;
/// How many of [`KINDS`] are for processes and disks; the others come in two of three rounds only: without
/// them there are no relays, which cost time on every message.
const OF_PROCESSES: usize = 29;

/// What any service may be asked to survive: those of its processes that lead and follow, if it has such, and all of them.
const OF_ANY_SERVICE: [(u32, Kind); 9] = [
    (12, Kind::Kill(Who::Anybody)),
    (8, Kind::Pause(Who::Anybody)),
    (20, Kind::Kill(Who::Leader)),
    (12, Kind::Pause(Who::Leader)),
    (9, Kind::Kill(Who::Follower)),
    (7, Kind::Pause(Who::Follower)),
    (4, Kind::Slow(Who::Anybody)),
    (5, Kind::Slow(Who::Leader)),
    (4, Kind::Slow(Who::Follower)),
];
/// What else, if relays stand between some of them. A process that dials nobody yet has no link that can be seen to be broken.
const OF_ANY_LINK: [(u32, Kind); 2] = [(24, Kind::Cut), (10, Kind::SlowLink)];
/// How many of [`OF_ANY_SERVICE`] are for a service in which nobody leads.
const WITHOUT_LEADER: usize = 2;
/// How many of them are always possible: a process that is slow must be seen to be before that ends.
const OF_ANY_ALWAYS_POSSIBLE: usize = 6;

/// What is drawn from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Repertoire {
    /// Everything: processes, disks, files, links, floods.
    Everything,
    /// Kills, pauses and slowness of processes, which are possible whatever they are, and faults of the links between these.
    Processes { links: Vec<[ProcessName; 2]> },
}

#[derive(Clone, Copy)]
enum Kind {
    Kill(Who),
    Pause(Who),
    PowerCut(Who),
    Disk(Who),
    Slow(Who),
    Flood(Who),
    Cut,
    SlowLink,
}

#[derive(Clone, Copy)]
enum Who {
    Leader,
    Follower,
    Replica,
    /// Who keeps the stocks.
    Stocks,
    /// Who answers queries from a cache.
    Cache,
    /// Any process.
    Anybody,
}

/// The faults of a round with these processes whose load lasts for `load_ms`, in the order of time.
pub(super) fn draw(
    rng: &mut Xoshiro256PlusPlus,
    load_ms: u64,
    processes: &Processes,
    repertoire: &Repertoire,
) -> Vec<PlannedFault> {
    let (kinds, always_possible) = match repertoire {
        Repertoire::Everything if rng.random_ratio(2, 3) => (KINDS.to_vec(), ALWAYS_POSSIBLE),
        Repertoire::Everything => (KINDS[..OF_PROCESSES].to_vec(), ALWAYS_POSSIBLE),
        Repertoire::Processes { links } => {
            let (some, always) = match processes.replicas().is_empty() {
                true => (&OF_ANY_SERVICE[..WITHOUT_LEADER], WITHOUT_LEADER),
                false => (&OF_ANY_SERVICE[..], OF_ANY_ALWAYS_POSSIBLE),
            };
            let mut kinds = some.to_vec();
            if !links.is_empty() && rng.random_ratio(2, 3) {
                kinds.extend(OF_ANY_LINK);
            }
            (kinds, always)
        }
    };
    let mut drawing = Drawing { rng, load_ms, processes, repertoire, faults: Vec::new() };
    let mut at_ms = FIRST_AT_MS + drawing.rng.random_range(0..1_000);
    while at_ms + LAST_BEFORE_END_MS < load_ms {
        // The first must be possible.
        let kinds = if drawing.faults.is_empty() { &kinds[..always_possible] } else { &kinds[..] };
        drawing.add(at_ms, kinds);
        at_ms += drawing.gap_ms();
    }
    drawing.faults
}

struct Drawing<'a> {
    rng: &'a mut Xoshiro256PlusPlus,
    load_ms: u64,
    processes: &'a Processes,
    repertoire: &'a Repertoire,
    faults: Vec<PlannedFault>,
}

impl Drawing<'_> {
    /// Until the next fault: most come in bursts, some after everything has settled.
    fn gap_ms(&mut self) -> u64 {
        match self.rng.random_range(0..20) {
            0..10 => self.rng.random_range(0..500),
            10..16 => self.rng.random_range(500..2_000),
            16..19 => self.rng.random_range(2_000..5_000),
            _ => self.rng.random_range(7_000..10_000),
        }
    }

    fn add(&mut self, at_ms: u64, kinds: &[(u32, Kind)]) {
        let fault = match self.kind(kinds) {
            Kind::Kill(who) => self.of_process(at_ms, Action::Kill, who),
            Kind::Pause(who) => self.of_process(at_ms, Action::Pause, who),
            Kind::PowerCut(who) => self.of_process(at_ms, Action::PowerCut, who),
            Kind::Disk(who) => {
                let kind = self.disk();
                let by_ms = PlannedFault::of_disk(at_ms, kind, Target::Leader).by_ms;
                PlannedFault { by_ms, ..self.of_process(at_ms, kind.begin(), who) }
            }
            Kind::Slow(who) => {
                let percent = Some(self.rng.random_range(3..50));
                PlannedFault { percent, ..self.of_process(at_ms, Action::Slow, who) }
            }
            Kind::Flood(who) => {
                let PlannedFault { kind, connections, .. } =
                    PlannedFault::of_flood(at_ms, self.flood(), Target::Leader);
                PlannedFault { kind, connections, ..self.of_process(at_ms, Action::Flood, who) }
            }
            Kind::Cut => {
                let modes = [CutMode::Silent, CutMode::Silent, CutMode::Reset];
                let mode = modes[self.rng.random_range(0..modes.len())];
                self.of_link(at_ms, LinkFault::Cut(mode))
            }
            Kind::SlowLink => {
                let kind = self.slow_link();
                self.of_link(at_ms, kind)
            }
        };
        if !self.is_taken(&fault) {
            let if_possible = !self.faults.is_empty();
            let files = self.files(&fault);
            self.faults.push(PlannedFault { if_possible, ..fault });
            self.faults.extend(files);
        }
    }

    /// What becomes of the files of a process that `killed` kills: most often nothing.
    fn files(&mut self, killed: &PlannedFault) -> Option<PlannedFault> {
        let is_kill = matches!(killed.action, Action::Kill | Action::PowerCut);
        if !is_kill
            || *self.repertoire != Repertoire::Everything
            || !self.rng.random_ratio(1, FILES)
        {
            return None;
        }
        let at_ms = killed.at_ms;
        let kind = if self.rng.random_bool(0.5) {
            FilesFault::Lose
        } else {
            let oldest_ms = at_ms.saturating_sub(OLDEST_COPY_MS).max(FIRST_COPY_AT_MS);
            FilesFault::Old { copied_at_ms: self.rng.random_range(oldest_ms..at_ms) }
        };
        Some(PlannedFault {
            if_possible: true,
            ..PlannedFault::of_files(at_ms, kind, killed.target?)
        })
    }

    fn kind(&mut self, kinds: &[(u32, Kind)]) -> Kind {
        let total = kinds.iter().map(|(weight, _)| weight).sum();
        let mut left = self.rng.random_range(0..total);
        for (weight, kind) in kinds {
            if left < *weight {
                return *kind;
            }
            left -= weight;
        }
        Kind::Kill(Who::Leader)
    }

    fn of_process(&mut self, at_ms: u64, action: Action, who: Who) -> PlannedFault {
        let target = match who {
            Who::Leader => Target::Leader,
            Who::Follower => Target::Follower,
            Who::Replica => self.replica(),
            Who::Stocks => self.stocks(),
            Who::Cache => self.cache(),
            Who::Anybody => self.anybody(),
        };
        // Without them nothing happens any more; a round is too short for that.
        let may_stay = !matches!(who, Who::Stocks | Who::Cache | Who::Anybody);
        let for_ms = self.for_ms(at_ms, may_stay);
        PlannedFault { for_ms, ..PlannedFault::of_process(at_ms, action, target) }
    }

    fn of_link(&mut self, at_ms: u64, kind: LinkFault) -> PlannedFault {
        let [from, to] = self.ends();
        let both_ways = self.rng.random_bool(0.5);
        let for_ms = self.for_ms(at_ms, true);
        let link = Link { from, to, both_ways };
        PlannedFault { for_ms, ..PlannedFault::of_link(at_ms, kind, link) }
    }

    fn disk(&mut self) -> DiskFault {
        match self.rng.random_range(0..3) {
            0 => DiskFault::Stall,
            1 => DiskFault::Full,
            _ => DiskFault::Slow(Duration::from_millis(self.rng.random_range(5..600))),
        }
    }

    /// Of fewer connections than a service has for strangers: then anybody who behaves loses none of its own.
    fn flood(&mut self) -> Flood {
        let kinds = [FloodKind::Idle, FloodKind::SlowBodies, FloodKind::StuckReaders];
        let kind = kinds[self.rng.random_range(0..kinds.len())];
        let connections = NonZeroU32::new(self.rng.random_range(50..500));
        Flood { kind, connections: connections.unwrap_or(NonZeroU32::MIN) }
    }

    fn slow_link(&mut self) -> LinkFault {
        if self.rng.random_ratio(2, 3) {
            LinkFault::Delay(Duration::from_millis(self.rng.random_range(5..600)))
        } else {
            let bytes_per_s = self.rng.random_range(500..50_000);
            LinkFault::Throttle(NonZeroU64::new(bytes_per_s).unwrap_or(NonZeroU64::MIN))
        }
    }

    /// Two ends that are never the same process, in either order; or one, and everybody else.
    fn ends(&mut self) -> [LinkEnd; 2] {
        if let Repertoire::Processes { links } = self.repertoire {
            let [from, to] = links[self.rng.random_range(0..links.len())];
            let mut ends = [LinkEnd::Target(from.into()), LinkEnd::Target(to.into())];
            if self.rng.random_ratio(1, ALL_LINKS) {
                ends[self.rng.random_range(0..2)] = LinkEnd::Any;
            }
            if self.rng.random_bool(0.5) {
                ends.reverse();
            }
            return ends;
        }
        if self.rng.random_ratio(1, ALL_LINKS) {
            let one = self.one_of_all();
            let mut ends = [LinkEnd::Target(one), LinkEnd::Any];
            if self.rng.random_bool(0.5) {
                ends.reverse();
            }
            return ends;
        }
        let mut ends = match self.rng.random_range(0..7) {
            0 => [Target::Leader, Target::Follower],
            1 => [Target::Leader, self.stocks()],
            2 => [Target::Leader, self.cache()],
            3 => [Target::Follower, self.cache()],
            4 => [self.stocks(), self.cache()],
            5 => [self.replica(), self.stocks()],
            _ => {
                let replicas = self.replicas();
                let first = self.rng.random_range(1..=replicas);
                let step = self.rng.random_range(1..replicas.max(2));
                let second = (first + step - 1) % replicas + 1;
                [first, second].map(|number| self.numbered(number))
            }
        };
        if self.rng.random_bool(0.5) {
            ends.reverse();
        }
        ends.map(LinkEnd::Target)
    }

    /// Whose links are all bad: most often those of who has the cache, which has one to everybody.
    fn one_of_all(&mut self) -> Target {
        match self.rng.random_range(0..6) {
            0..3 => self.cache(),
            3 => self.stocks(),
            4 => Target::Leader,
            _ => Target::Follower,
        }
    }

    fn replica(&mut self) -> Target {
        let number = self.rng.random_range(1..=self.replicas());
        self.numbered(number)
    }

    fn anybody(&mut self) -> Target {
        let names: Vec<ProcessName> = self.processes.names().collect();
        Target::Process(names[self.rng.random_range(0..names.len())])
    }

    /// How many replicas there are; a bazaar has one or more.
    fn replicas(&self) -> u8 {
        u8::try_from(self.processes.replicas().len()).unwrap_or(u8::MAX).max(1)
    }

    fn numbered(&self, number: u8) -> Target {
        self.processes.replica(number).map_or(Target::Leader, Target::Process)
    }

    fn stocks(&mut self) -> Target {
        self.one_of(self.processes.roles().stocks)
    }

    fn cache(&mut self) -> Target {
        self.one_of(self.processes.roles().cache)
    }

    /// One of the processes of a role; the leader if there is none.
    fn one_of(&mut self, role: Option<RoleName>) -> Target {
        let list = self.processes.list().iter().filter(|process| Some(process.role) == role);
        let names: Vec<ProcessName> = list.map(|process| process.name).collect();
        match names.as_slice() {
            [] => Target::Leader,
            [one] => Target::Process(*one),
            several => Target::Process(several[self.rng.random_range(0..several.len())]),
        }
    }

    /// From 50 ms to 6.4 s, each doubling as likely as the next; `None` until the end.
    fn for_ms(&mut self, at_ms: u64, may_stay: bool) -> Option<u64> {
        let shortest = 50 << self.rng.random_range(0..7);
        let for_ms = self.rng.random_range(shortest..2 * shortest);
        if may_stay && self.rng.random_ratio(1, UNTIL_THE_END) {
            return None;
        }
        Some(for_ms.min(self.load_ms - at_ms - 1))
    }

    /// A process that is known to be broken cannot be broken again; its disk can, it can be flooded, and one that is
    /// slow be paused or killed.
    fn is_taken(&self, fault: &PlannedFault) -> bool {
        let process = |fault: &PlannedFault| -> Option<ProcessName> {
            let is_apart = fault.action.is_of_disks()
                || fault.action.is_of_files()
                || fault.action == Action::Flood;
            fault.target.filter(|_| !is_apart)?.process()
        };
        self.faults.iter().any(|earlier| {
            let over = earlier.for_ms.is_some_and(|for_ms| earlier.at_ms + for_ms <= fault.at_ms);
            let may_be = earlier.action == Action::Slow && fault.action != Action::Slow;
            process(fault).is_some() && process(earlier) == process(fault) && !over && !may_be
        })
    }
}
