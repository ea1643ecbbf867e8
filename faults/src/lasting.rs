//! Which faults last at which process, and what an act ends of them.
//!
//! A fault of a process ends with whatever makes the process whole again, be that another fault's
//! restart: a leader that is paused may be killed, and started again, by a fault that came later. So
//! the one who acts is told what that ended, and writes it down
//! ([`Event::ends`](records::Event::ends)). A link's faults end one by one, each with its own
//! heal, and so do those that a recovery ends.

use records::{Action, FaultSet};

use crate::injector::Injection;
use crate::process::ProcessName;

/// The faults of processes that were injected and have not ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lasting(Vec<Fault>);

#[derive(Clone, Copy, Debug)]
struct Fault {
    number: u32,
    action: Action,
    process: ProcessName,
    at_us: u64,
}

impl Lasting {
    /// What lasts after all that was done.
    pub(crate) fn after(done: &[Injection]) -> Self {
        let mut lasting = Self::default();
        for act in done.iter().filter(|act| act.done) {
            if let Some(process) = act.process {
                lasting.acted(act.fault, act.action, process, act.at_us);
            }
        }
        lasting
    }

    /// Takes in what was done to a process at `at_us`, for fault `number` if it begins one. Returns which
    /// faults that ended; one that began later is not among them.
    pub(crate) fn acted(
        &mut self,
        number: u32,
        action: Action,
        process: ProcessName,
        at_us: u64,
    ) -> FaultSet {
        if action == Action::Recover {
            return self.recovered(number);
        }
        if action.is_end() {
            return self.ended(action, process, at_us);
        }
        self.0.push(Fault { number, action, process, at_us });
        FaultSet::default()
    }

    /// The same for a recovery, which ends its own fault alone, if nothing has ended that before.
    fn recovered(&mut self, number: u32) -> FaultSet {
        self.0.extract_if(.., |fault| fault.number == number).map(|fault| fault.number).collect()
    }

    /// The same for what can only end faults.
    pub(crate) fn ended(&mut self, action: Action, process: ProcessName, at_us: u64) -> FaultSet {
        let ends = |fault: &mut Fault| {
            fault.process == process && fault.at_us <= at_us && action.ends(fault.action)
        };
        self.0.extract_if(.., ends).map(|fault| fault.number).collect()
    }
}

#[cfg(test)]
mod tests {
    use records::built_in;

    use super::*;

    #[test]
    fn a_restart_ends_whatever_lasted_at_its_process() {
        let mut lasting = Lasting::default();
        lasting.acted(1, Action::Pause, built_in::catalog(), 10);
        lasting.acted(2, Action::Kill, built_in::catalog(), 20);
        lasting.acted(3, Action::Kill, built_in::front_end(), 30);
        assert_eq!(lasting.acted(2, Action::Restart, built_in::catalog(), 40).to_string(), "1 2");
        assert!(lasting.acted(2, Action::Restart, built_in::catalog(), 50).is_empty());
        assert_eq!(lasting.ended(Action::Restart, built_in::front_end(), 60).to_string(), "3");
    }

    #[test]
    fn a_recovery_ends_its_own_fault_and_a_restart_that_its_process_was_slow() {
        let mut lasting = Lasting::default();
        lasting.acted(1, Action::Slow, built_in::catalog(), 10);
        lasting.acted(2, Action::SlowDisk, built_in::catalog(), 20);
        lasting.acted(3, Action::Flood, built_in::catalog(), 30);
        assert_eq!(lasting.acted(2, Action::Recover, built_in::catalog(), 40).to_string(), "2");
        lasting.acted(4, Action::Pause, built_in::catalog(), 50);
        assert_eq!(lasting.acted(4, Action::Resume, built_in::catalog(), 60).to_string(), "4");
        lasting.acted(5, Action::Kill, built_in::catalog(), 70);
        assert_eq!(lasting.acted(5, Action::Restart, built_in::catalog(), 80).to_string(), "1 5");
        assert_eq!(lasting.acted(3, Action::Recover, built_in::catalog(), 90).to_string(), "3");
        assert!(lasting.acted(1, Action::Recover, built_in::catalog(), 95).is_empty());
    }

    #[test]
    fn a_resume_ends_no_kill_and_nothing_ends_what_began_later() {
        let mut lasting = Lasting::default();
        lasting.acted(1, Action::Pause, built_in::catalog(), 10);
        lasting.acted(2, Action::Kill, built_in::catalog(), 20);
        assert_eq!(lasting.acted(1, Action::Resume, built_in::catalog(), 30).to_string(), "1");
        lasting.acted(3, Action::Kill, built_in::catalog(), 50);
        assert_eq!(lasting.acted(2, Action::Restart, built_in::catalog(), 40).to_string(), "2");
    }
}
