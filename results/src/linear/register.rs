//! A register that does one thing at a time, and what is done to it.
//!
//! Clients write values that nobody writes twice, so a read names its write. That is what keeps the search short: a value
//! that is overwritten never comes back, so a write may not come next while a read that shows the present value has no place
//! yet. Of a value that was written twice all the same nothing of the kind is assumed.

use std::collections::HashMap;

use super::model::{Awaited, History, Model, Operation};

/// A register: what it holds. Values are numbered by whoever makes a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Register {
    /// The number of the value that is there.
    pub value: u32,
}

/// What was done to a register, together with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegisterAction {
    /// A read that showed this value.
    Read(u32),
    /// A write of this value that took effect; one without a return may have.
    Write(u32),
    /// A compare-and-set that took effect; one without a return may have.
    Set {
        /// What had to be there.
        expected: u32,
        /// What is there then.
        value: u32,
    },
    /// A compare-and-set that was refused: something else was there.
    Refused {
        /// What was not there.
        expected: u32,
    },
}

/// The number of the value that says that nothing is there.
pub const NOTHING: u32 = 1 << 31;

fn word(value: u32) -> String {
    if value == NOTHING { "nothing".to_owned() } else { value.to_string() }
}

/// Everything that happened to one register, in any order.
pub type RegisterHistory = History<Register>;

impl RegisterAction {
    /// The value that it puts there.
    fn puts(self) -> Option<u32> {
        match self {
            Self::Write(value) | Self::Set { value, .. } => Some(value),
            Self::Read(_) | Self::Refused { .. } => None,
        }
    }

    /// The value that must be there for it.
    fn needs(self) -> Option<u32> {
        match self {
            Self::Read(value) | Self::Set { expected: value, .. } => Some(value),
            Self::Write(_) | Self::Refused { .. } => None,
        }
    }
}

impl Model for Register {
    type Action = RegisterAction;
    type Awaited = Values;

    const THING: &'static str = "register";
    const CHANGE: &'static str = "write";
    const SHOWN: &'static str = "Reads show values.";

    fn after(self, action: RegisterAction) -> Option<Self> {
        let fits = match action {
            RegisterAction::Refused { expected } => self.value != expected,
            action => action.needs().is_none_or(|value| value == self.value),
        };
        fits.then_some(Self { value: action.puts().unwrap_or(self.value) })
    }

    fn changes(action: RegisterAction) -> bool {
        action.puts().is_some()
    }

    fn shown(self, action: RegisterAction) -> Option<Self> {
        match action {
            RegisterAction::Read(value) => Some(Self { value }),
            _ => None,
        }
    }

    /// What was written last is there, whatever was before.
    fn mark(self) -> u128 {
        // Odd multipliers of 128 bits keep different values apart: an LCG's, and its neighbour.
        u128::from(self.value)
            .wrapping_add(1)
            .wrapping_mul(0xda94_2042_e4dd_58b5_94d0_49bb_1331_11eb)
    }

    fn told(action: RegisterAction) -> String {
        match action {
            RegisterAction::Read(NOTHING) => "nothing is there".to_owned(),
            RegisterAction::Read(value) => format!("value {value} is there"),
            RegisterAction::Write(value) => format!("its write of {} is done", word(value)),
            RegisterAction::Set { expected, value } => {
                format!("its change of {} to {} is done", word(expected), word(value))
            }
            RegisterAction::Refused { expected } => {
                format!("something else than {} is there", word(expected))
            }
        }
    }

    fn label(action: RegisterAction) -> String {
        match action {
            RegisterAction::Read(value) => format!("read {}", word(value)),
            RegisterAction::Write(value) => format!("write {}", word(value)),
            RegisterAction::Set { expected, value } => {
                format!("{} to {}", word(expected), word(value))
            }
            RegisterAction::Refused { expected } => format!("not {}", word(expected)),
        }
    }

    fn figures(self) -> String {
        match self.value {
            NOTHING => "nothing".to_owned(),
            value => format!("value {value}"),
        }
    }
}

/// How many operations that must be placed still need each value.
#[derive(Debug)]
pub struct Values {
    needed: HashMap<u32, usize>,
}

impl Awaited<Register> for Values {
    fn new(initial: Register, operations: &[Operation<RegisterAction>]) -> Self {
        let mut put: HashMap<u32, usize> = HashMap::from([(initial.value, 1)]);
        for value in operations.iter().filter_map(|one| one.action.puts()) {
            *put.entry(value).or_default() += 1;
        }
        let mut needed = HashMap::new();
        for operation in operations.iter().filter(|one| !one.is_optional()) {
            // What was put there twice can come back.
            if let Some(value) = operation.action.needs()
                && put.get(&value).is_none_or(|times| *times == 1)
            {
                *needed.entry(value).or_default() += 1;
            }
        }
        Self { needed }
    }

    fn place(&mut self, operation: &Operation<RegisterAction>) {
        if let Some(count) = self.of(operation) {
            *count -= 1;
        }
    }

    fn take_back(&mut self, operation: &Operation<RegisterAction>) {
        if let Some(count) = self.of(operation) {
            *count += 1;
        }
    }

    fn forbids(
        &self,
        before: Register,
        operation: &Operation<RegisterAction>,
        _: Register,
    ) -> bool {
        let own = operation.action.needs() == Some(before.value) && !operation.is_optional();
        self.needed.get(&before.value).is_some_and(|&count| count > usize::from(own))
    }
}

impl Values {
    fn of(&mut self, operation: &Operation<RegisterAction>) -> Option<&mut usize> {
        let value = operation.action.needs().filter(|_| !operation.is_optional())?;
        self.needed.get_mut(&value)
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::super::{Budget, Decision, explain, reference, search};
    use super::RegisterAction::{Read, Refused, Set, Write};
    use super::*;

    fn history(operations: &[(RegisterAction, u64, Option<u64>)]) -> RegisterHistory {
        let operation =
            |(index, &(action, call_us, return_us)): (usize, &(_, u64, Option<u64>))| Operation {
                client: index as u32 + 1,
                call_us,
                return_us,
                action,
            };
        let operations = operations.iter().enumerate().map(operation).collect();
        RegisterHistory { initial: Register { value: 0 }, operations }
    }

    fn is_linearizable(history: &RegisterHistory) -> bool {
        match search(history, Budget::default()) {
            Decision::Linearizable(_) => true,
            Decision::NotLinearizable => false,
            Decision::Undecided(why) => panic!("{why}"),
        }
    }

    #[test]
    fn a_read_shows_what_was_written_last() {
        let write = (Write(1), 10, Some(20));
        assert!(is_linearizable(&history(&[write, (Read(1), 30, Some(40))])));
        assert!(!is_linearizable(&history(&[write, (Read(0), 30, Some(40))])));
        assert!(
            is_linearizable(&history(&[write, (Read(0), 15, Some(40))])),
            "while it is written"
        );
    }

    #[test]
    fn what_is_unknown_may_have_taken_effect_late_or_never() {
        let unknown = (Write(1), 10, None);
        let late = [unknown, (Read(0), 30, Some(40)), (Read(1), 50, Some(60))];
        assert!(is_linearizable(&history(&late)));
        assert!(is_linearizable(&history(&[unknown, (Read(0), 30, Some(40))])));
        let back = [unknown, (Read(1), 30, Some(40)), (Read(0), 50, Some(60))];
        assert!(!is_linearizable(&history(&back)), "once seen it stays");
    }

    #[test]
    fn a_compare_and_set_takes_effect_where_its_value_is_and_is_refused_elsewhere() {
        let set = (Set { expected: 1, value: 2 }, 30, Some(40));
        let write = (Write(1), 10, Some(20));
        assert!(is_linearizable(&history(&[write, set, (Read(2), 50, Some(60))])));
        assert!(!is_linearizable(&history(&[set])));
        let refused = (Refused { expected: 1 }, 30, Some(40));
        assert!(is_linearizable(&history(&[refused])));
        assert!(!is_linearizable(&history(&[write, refused])));
    }

    #[test]
    fn two_changes_of_one_value_cannot_both_be_done() {
        let set = |value, from_us| (Set { expected: 0, value }, from_us, Some(from_us + 100));
        assert!(!is_linearizable(&history(&[set(1, 10), set(2, 20)])));
    }

    #[test]
    fn the_first_answer_without_a_place_is_the_culprit() {
        let history = history(&[
            (Write(1), 10, Some(20)),
            (Read(1), 30, Some(40)),
            (Write(2), 50, Some(60)),
            (Read(1), 70, Some(80)),
            (Read(2), 90, Some(95)),
        ]);
        let found = explain(&history, Budget::default()).unwrap();
        assert_eq!((found.culprit, found.part.anchor), (3, Some(1)));
        assert_eq!(found.part.required, [2, 3]);
    }

    /// A few operations at random, whose answers are guesses near the truth.
    fn random(rng: &mut Xoshiro256PlusPlus, count: u32) -> RegisterHistory {
        let mut register = Register { value: 0 };
        let mut operations = Vec::new();
        for number in 1..=count {
            let middle_us = u64::from(number) * 4;
            let call_us = middle_us.saturating_sub(rng.random_range(0..12));
            let return_us = Some(middle_us + rng.random_range(0..12));
            let near =
                register.value.saturating_sub(rng.random_range(0..=1) * rng.random_range(0..=2));
            // Now and then a value that was there before.
            let new = if rng.random_ratio(1, 12) { near } else { number };
            let (action, return_us) = match rng.random_range(0..8) {
                0..=2 => (Read(near), return_us),
                3 | 4 => (Write(new), return_us),
                5 => (Write(new), None),
                6 => (Set { expected: near, value: new }, return_us.filter(|_| rng.random())),
                _ => (Refused { expected: near }, return_us),
            };
            if return_us.is_some() || rng.random() {
                register = register.after(action).unwrap_or(register);
            }
            operations.push(Operation { client: number, call_us, return_us, action });
        }
        RegisterHistory { initial: Register { value: 0 }, operations }
    }

    #[test]
    fn the_search_agrees_with_the_definition_on_random_histories() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
        let mut legal = 0;
        for _ in 0..4_000 {
            let count = rng.random_range(1..=7);
            let history = random(&mut rng, count);
            let expected = reference::is_linearizable(&history);
            assert_eq!(is_linearizable(&history), expected, "{history:#?}");
            legal += u32::from(expected);
        }
        assert!((800..3_200).contains(&legal), "{legal} of 4000 have an order");
    }

    #[test]
    fn a_history_of_many_clients_on_one_register_is_decided_at_once() {
        let mut operations = Vec::new();
        for round in 0..2_000_u32 {
            let at_us = u64::from(round) * 100;
            for client in 0..8_u32 {
                let value = round * 8 + client + 1;
                operations.push((Write(value), at_us, Some(at_us + 90)));
            }
            operations.push((Read(round * 8 + 3), at_us + 91, Some(at_us + 99)));
        }
        let history = history(&operations);
        let decision = search(&history, Budget { work: 20_000_000, states: 200_000 });
        assert!(matches!(decision, Decision::Linearizable(_)));
    }
}
