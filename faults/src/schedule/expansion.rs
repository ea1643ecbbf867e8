//! From a plan's list to faults with a beginning and an end, and what is wrong with the list.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use records::Processes;

use super::action::{DiskFault, FaultAction, FilesFault, Flood, FloodKind, LinkFault, Percent};
use super::target::{Link, LinkEnd, Target};
use super::{Action, Fault, FaultTarget, PlannedFault, ScheduleError, absent, group};

/// The latest that anything may be planned for: a day, so that no sum of times can overflow.
const MAX_MS: u64 = 24 * 60 * 60 * 1000;
/// A link that is later than this is a cut one: every call that passes it has timed out.
const MAX_DELAY_MS: u64 = 60_000;

/// A disk that takes longer than this over a flush hangs, for all that waits for it.
const MAX_BY_MS: u64 = 60_000;

/// How many connections a flood has unless the plan says so.
const CONNECTIONS: NonZeroU32 = NonZeroU32::new(1000).expect("1000 is not 0");
/// The loopback interface has ports for some 28,000 connections to one process.
const MAX_CONNECTIONS: u32 = 10_000;

/// A fault and the plan's element that began it.
struct Begun {
    index: usize,
    fault: Fault,
}

/// A plan's list, element by element.
pub(super) struct Expansion<'a> {
    processes: &'a Processes,
    index: usize,
    latest_ms: u64,
    begun: Vec<Begun>,
    errors: Vec<ScheduleError>,
}

impl<'a> Expansion<'a> {
    pub(super) fn new(processes: &'a Processes) -> Self {
        Self { processes, index: 0, latest_ms: 0, begun: Vec::new(), errors: Vec::new() }
    }

    /// The next element of the list.
    pub(super) fn add(&mut self, planned: &PlannedFault) {
        self.check_times(planned);
        self.check_details(planned);
        if self.check_group(planned) {
            for single in group::spell_out(planned, self.processes) {
                self.add_single(&single);
            }
        }
        self.latest_ms = self.latest_ms.max(planned.at_ms);
        self.index += 1;
    }

    /// What is for one process or link.
    fn add_single(&mut self, planned: &PlannedFault) {
        let Some(target) = self.target_of(planned) else { return };
        match self.action_of(planned) {
            Ok(FaultAction::Files { kind, .. }) => self.change_files(planned, kind, target),
            Ok(action) => self.begin(planned, action, target),
            Err(end) => self.end(planned.at_ms, end, target),
        }
    }

    /// The faults, or everything that is wrong.
    pub(super) fn finish(mut self) -> Result<Vec<Fault>, Vec<ScheduleError>> {
        self.put_in_order();
        self.check_overlaps();
        if self.errors.is_empty() {
            Ok(self.begun.into_iter().map(|begun| begun.fault).collect())
        } else {
            Err(self.errors)
        }
    }

    /// Numbers the faults in the order of their times: the turns of a group come between those of others.
    fn put_in_order(&mut self) {
        self.begun.sort_by_key(|begun| begun.fault.at_ms);
        let numbers: BTreeMap<u32, u32> =
            self.begun.iter().map(|begun| begun.fault.number).zip(1..).collect();
        for Begun { fault, .. } in &mut self.begun {
            fault.number = numbers[&fault.number];
            if let FaultAction::Files { of, .. } = &mut fault.action {
                *of = numbers[of];
            }
        }
    }

    fn refuse(&mut self, field: &str, problem: impl Into<String>) {
        let field = format!("faults[{}].{field}", self.index);
        self.errors.push(ScheduleError { field, problem: problem.into() });
    }

    fn check_times(&mut self, planned: &PlannedFault) {
        let PlannedFault { at_ms, action, for_ms, .. } = *planned;
        if at_ms < self.latest_ms {
            let latest_ms = self.latest_ms;
            let problem = format!(
                "{at_ms} is before the fault above it, at {latest_ms}; write faults in the order \
                 of their times"
            );
            self.refuse("at_ms", problem);
        }
        if at_ms > MAX_MS {
            self.refuse("at_ms", format!("must be at most {MAX_MS}, which is a day"));
        }
        match for_ms {
            Some(_) if action.is_of_files() => {
                let problem =
                    format!("{action} lasts until the process that was killed is whole again");
                self.refuse("for_ms", problem);
            }
            Some(_) if action.is_end() => {
                let problem = format!("a {action} does not last; for_ms belongs to what it ends");
                self.refuse("for_ms", problem);
            }
            Some(0) | Some(MAX_MS..) => {
                self.refuse("for_ms", format!("must be from 1 to {}, or left out", MAX_MS - 1));
            }
            _ => {}
        }
    }

    /// Whether it is clear whom the element is for.
    fn check_group(&mut self, planned: &PlannedFault) -> bool {
        let PlannedFault { action, target, targets, apart_ms, backwards, .. } = *planned;
        let before = self.errors.len();
        if let Some(group) = targets {
            let replicas = self.processes.replicas().len();
            if action.is_of_links() {
                self.refuse("targets", format!("a {action} has a link, not targets"));
            } else if action.is_of_the_targets_own() {
                self.refuse("targets", format!("a {action} has the target's own fault as target"));
            } else if target.is_some() {
                self.refuse("targets", "say either target or targets");
            } else if group::spell_out(planned, self.processes).is_empty() {
                let s = if replicas == 1 { "" } else { "s" };
                let problem =
                    format!("\"{group}\" are nobody here; this system has {replicas} replica{s}");
                self.refuse("targets", problem);
            } else if planned.at_ms <= MAX_MS && planned.last_at_ms(self.processes) > MAX_MS {
                let problem =
                    format!("the last of \"{group}\" would come after {MAX_MS}, which is a day");
                self.refuse("apart_ms", problem);
            }
        } else {
            let only_of_groups = "belongs to targets: one target has one time";
            if apart_ms.is_some() {
                self.refuse("apart_ms", only_of_groups);
            }
            if backwards {
                self.refuse("backwards", only_of_groups);
            }
        }
        self.errors.len() == before
    }

    /// Fields that belong to one action only.
    fn check_details(&mut self, planned: &PlannedFault) {
        let PlannedFault { action, mode, delay_ms, bytes_per_s, by_ms, .. } = *planned;
        let PlannedFault { at_ms, percent, kind, connections, copied_at_ms, .. } = *planned;
        let details = [
            ("mode", mode.is_some(), Action::Cut),
            ("delay_ms", delay_ms.is_some(), Action::Delay),
            ("bytes_per_s", bytes_per_s.is_some(), Action::Throttle),
            ("by_ms", by_ms.is_some(), Action::SlowDisk),
            ("copied_at_ms", copied_at_ms.is_some(), Action::OldFiles),
            ("kind", kind.is_some(), Action::Flood),
            ("connections", connections.is_some(), Action::Flood),
        ];
        for (field, given, owner) in details {
            if given && action != owner {
                self.refuse(field, format!("belongs to {owner}, not to {action}"));
            }
        }
        let of_packets = matches!(action, Action::LosePackets | Action::DuplicatePackets);
        if percent.is_some() && action != Action::Slow && !of_packets {
            let problem =
                format!("belongs to slow, lose-packets and duplicate-packets, not to {action}");
            self.refuse("percent", problem);
        }
        if of_packets && percent.and_then(Percent::new).is_none() {
            self.refuse("percent", "say how many of a hundred packets, from 1 to 99");
        }
        if planned.unguarded && !action.is_of_files() {
            let problem = format!("belongs to lose-files and old-files, not to {action}");
            self.refuse("unguarded", problem);
        }
        match delay_ms {
            None if action == Action::Delay => {
                self.refuse("delay_ms", "is missing: say how much later everything passes");
            }
            Some(0 | MAX_DELAY_MS..) if action == Action::Delay => {
                self.refuse("delay_ms", format!("must be from 1 to {}", MAX_DELAY_MS - 1));
            }
            _ => {}
        }
        match by_ms {
            None if action == Action::SlowDisk => {
                self.refuse("by_ms", "is missing: say how much longer each flush takes");
            }
            Some(0 | MAX_BY_MS..) if action == Action::SlowDisk => {
                self.refuse("by_ms", format!("must be from 1 to {}", MAX_BY_MS - 1));
            }
            _ => {}
        }
        match copied_at_ms {
            None if action == Action::OldFiles => {
                self.refuse("copied_at_ms", "is missing: say when the copy is made");
            }
            Some(copied_at_ms) if action == Action::OldFiles && copied_at_ms >= at_ms => {
                let problem = format!("must be before at_ms, which is {at_ms}");
                self.refuse("copied_at_ms", problem);
            }
            _ => {}
        }
        if action == Action::Slow && percent.is_some_and(|percent| Percent::new(percent).is_none())
        {
            self.refuse("percent", "must be from 1 to 99: how much of the time it runs");
        }
        if action == Action::Flood && kind.is_none() {
            let problem = "is missing: say \"idle\", \"slow-bodies\" or \"stuck-readers\"";
            self.refuse("kind", problem);
        }
        if action == Action::Flood && matches!(connections, Some(0 | MAX_CONNECTIONS..)) {
            self.refuse("connections", format!("must be from 1 to {}", MAX_CONNECTIONS - 1));
        }
        match bytes_per_s {
            None if action == Action::Throttle => {
                self.refuse("bytes_per_s", "is missing: say how much may pass in a second");
            }
            Some(0) if action == Action::Throttle => {
                self.refuse("bytes_per_s", "must be 1 or more; use cut to let nothing pass");
            }
            _ => {}
        }
    }

    /// What the fault is for, if that makes sense.
    fn target_of(&mut self, planned: &PlannedFault) -> Option<FaultTarget> {
        let PlannedFault { action, target, link, .. } = *planned;
        let (needed, other) =
            if action.is_of_links() { ("link", "target") } else { ("target", "link") };
        if (action.is_of_links() && target.is_some()) || (!action.is_of_links() && link.is_some()) {
            self.refuse(other, format!("a {action} has a {needed}, not a {other}"));
        }
        let found = if action.is_of_links() {
            link.map(FaultTarget::Link)
        } else if action.is_of_the_targets_own() {
            if target.is_some_and(|target| target.process().is_none()) {
                self.refuse("target", "must name one of the target's [faults]");
                return None;
            }
            planned.own().map(FaultTarget::Own)
        } else {
            target.map(FaultTarget::Process)
        };
        match found {
            None => self.refuse(needed, format!("is missing: say what to {action}")),
            Some(FaultTarget::Process(target)) => self.check_target(needed, target),
            Some(FaultTarget::Link(link)) => self.check_link(needed, link),
            // The target's file says which there are, and whoever read it compares.
            Some(FaultTarget::Own(_)) => {}
        }
        found
    }

    fn check_target(&mut self, field: &str, target: Target) {
        let replicas = self.processes.replicas().len();
        match target {
            Target::Process(name) if !self.processes.contains(name) => {
                self.refuse(field, absent::describe(name, self.processes));
            }
            Target::Leader | Target::Follower if replicas == 0 => {
                self.refuse(field, format!("there is no {target}: no process is said to lead"));
            }
            Target::Follower if replicas < 2 => {
                let problem = "a single replica has no follower; set replicas to 2 or more";
                self.refuse(field, problem);
            }
            _ => {}
        }
    }

    fn check_link(&mut self, field: &str, link: Link) {
        for end in link.ends() {
            if let LinkEnd::Target(target) = end {
                self.check_target(field, target);
            }
        }
        let is_a_process = |end: &LinkEnd| matches!(end, LinkEnd::Target(_));
        if link.ends().contains(&LinkEnd::Replicas) && self.processes.replicas().len() < 2 {
            let problem = format!("{link} has no replicas at its end: there are fewer than two");
            self.refuse(field, problem);
        }
        if !link.ends().iter().any(is_a_process) {
            self.refuse(field, format!("{link} names nobody; name one end"));
        } else if link.from == link.to {
            self.refuse(field, format!("{link} has one end only; name two"));
        }
    }

    /// What the element does; what it ends, if it ends something.
    fn action_of(&self, planned: &PlannedFault) -> Result<FaultAction, Action> {
        // What is missing was refused; any other value will do in its place.
        let least = NonZeroU64::MIN;
        let percent = || planned.percent.and_then(Percent::new).unwrap_or(Percent::DEFAULT);
        Ok(match planned.action {
            Action::Kill => FaultAction::Kill,
            Action::Pause => FaultAction::Pause,
            Action::PowerCut => FaultAction::PowerCut,
            // Which fault that is comes later.
            Action::LoseFiles => FaultAction::Files { of: 0, kind: FilesFault::Lose },
            Action::OldFiles => {
                let copied_at_ms = planned.copied_at_ms.unwrap_or_default();
                FaultAction::Files { of: 0, kind: FilesFault::Old { copied_at_ms } }
            }
            Action::StallDisk => FaultAction::Disk(DiskFault::Stall),
            Action::SlowDisk => {
                let by_ms = planned.by_ms.unwrap_or(least.get());
                FaultAction::Disk(DiskFault::Slow(Duration::from_millis(by_ms)))
            }
            Action::FullDisk => FaultAction::Disk(DiskFault::Full),
            Action::Slow => FaultAction::Slow(percent()),
            Action::Flood => FaultAction::Flood(Flood {
                kind: planned.kind.unwrap_or(FloodKind::Idle),
                connections: planned.connections.and_then(NonZeroU32::new).unwrap_or(CONNECTIONS),
            }),
            Action::Cut => FaultAction::Link(LinkFault::Cut(planned.mode.unwrap_or_default())),
            Action::Delay => {
                let delay_ms = planned.delay_ms.unwrap_or(least.get());
                FaultAction::Link(LinkFault::Delay(Duration::from_millis(delay_ms)))
            }
            Action::Throttle => {
                let bytes_per_s = planned.bytes_per_s.and_then(NonZeroU64::new).unwrap_or(least);
                FaultAction::Link(LinkFault::Throttle(bytes_per_s))
            }
            Action::LosePackets => FaultAction::Link(LinkFault::Lose(percent())),
            Action::DuplicatePackets => FaultAction::Link(LinkFault::Duplicate(percent())),
            Action::Run => FaultAction::Own,
            end @ (Action::Restart
            | Action::Resume
            | Action::Recover
            | Action::Heal
            | Action::Undo) => {
                return Err(end);
            }
        })
    }

    /// Changes the files of the process that the latest fault of the same target has killed, which must be dead.
    fn change_files(&mut self, planned: &PlannedFault, kind: FilesFault, target: FaultTarget) {
        let at_ms = planned.at_ms;
        let killed = self.begun.iter().rev().map(|begun| &begun.fault).find(|fault| {
            matches!(fault.action, FaultAction::Kill | FaultAction::PowerCut)
                && fault.target == target
                && fault.at_ms <= at_ms
                && fault.ends_at_ms.is_none_or(|ends_at_ms| ends_at_ms > at_ms)
        });
        if let Some(of) = killed.map(|fault| fault.number) {
            return self.begin(planned, FaultAction::Files { of, kind }, target);
        }
        let problem = format!(
            "nothing is dead: no earlier kill or power-cut of \"{target}\" lasts at {at_ms} ms"
        );
        self.refuse("target", problem);
    }

    fn begin(&mut self, planned: &PlannedFault, action: FaultAction, target: FaultTarget) {
        let number = u32::try_from(self.begun.len() + 1).unwrap_or(u32::MAX);
        let PlannedFault { at_ms, for_ms, if_possible, unguarded, .. } = *planned;
        let ends_at_ms = for_ms.map(|for_ms| at_ms.saturating_add(for_ms));
        let fault = Fault { number, action, target, at_ms, ends_at_ms, if_possible, unguarded };
        self.begun.push(Begun { index: self.index, fault });
    }

    /// Ends the latest open fault of that kind at the same place.
    fn end(&mut self, at_ms: u64, action: Action, target: FaultTarget) {
        let open = self.begun.iter_mut().rev().map(|begun| &mut begun.fault).find(|fault| {
            fault.action.end() == action
                && !matches!(fault.action, FaultAction::Files { .. })
                && fault.target == target
                && fault.at_ms <= at_ms
                && fault.ends_at_ms.is_none()
        });
        if let Some(fault) = open {
            fault.ends_at_ms = Some(at_ms);
            return;
        }
        let begin = match action {
            Action::Restart => "kill or power-cut",
            Action::Recover => "stall-disk, slow-disk, full-disk, slow or flood",
            Action::Resume => "pause",
            Action::Undo => "run",
            _ => "cut, delay, throttle, lose-packets or duplicate-packets",
        };
        let field = match target {
            FaultTarget::Process(_) | FaultTarget::Own(_) => "target",
            FaultTarget::Link(_) => "link",
        };
        let problem = format!(
            "nothing to {action}: no earlier {begin} has {field} \"{target}\" and no for_ms"
        );
        self.refuse("action", problem);
    }

    /// A process that is down cannot be killed, nor made slow. For leaders and followers only the moment
    /// tells; links and disks can be bad in several ways at once, and processes flooded, whatever else becomes of them.
    fn check_overlaps(&mut self) {
        let named = |fault: &Fault| match (fault.target, fault.action) {
            (
                FaultTarget::Process(_),
                FaultAction::Disk(_) | FaultAction::Flood(_) | FaultAction::Files { .. },
            )
            | (FaultTarget::Link(_) | FaultTarget::Own(_), _) => None,
            (FaultTarget::Process(target), _) => target.process(),
        };
        let mut problems = Vec::new();
        for (position, later) in self.begun.iter().enumerate() {
            let Some(process) = named(&later.fault) else { continue };
            let is_slow = |fault: &Fault| matches!(fault.action, FaultAction::Slow(_));
            let clash = self.begun[..position].iter().find(|earlier| {
                let over = earlier.fault.ends_at_ms.is_some_and(|end| end <= later.fault.at_ms);
                // Who is slow can be paused and killed.
                let may_be = is_slow(&earlier.fault) && !is_slow(&later.fault);
                named(&earlier.fault) == Some(process) && !over && !may_be
            });
            if let Some(earlier) = clash {
                let until = match earlier.fault.ends_at_ms {
                    Some(end) => format!("until {end}"),
                    None => "for the rest of the trial".to_owned(),
                };
                let problem =
                    format!("{process} is still broken by faults[{}], {until}", earlier.index);
                problems.push((later.index, problem));
            }
        }
        for (index, problem) in problems {
            self.index = index;
            self.refuse("target", problem);
        }
    }
}
