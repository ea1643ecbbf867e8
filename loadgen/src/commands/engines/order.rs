//! In which order systems take their turns.
//!
//! A machine is never equally fast for minutes on end, so what is to be compared is done one right after the other: all
//! systems do a step before any does the next. Who begins changes from step to step and from round to round, so that nobody
//! always comes first, or always after the same one.

/// One turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// Which system, counted from 0.
    pub(super) system: usize,
    /// Which step, counted from 0.
    pub(super) step: usize,
    /// The round, from 1.
    pub(super) round: u32,
}

/// All turns.
pub(super) fn order(systems: usize, steps: usize, rounds: u32) -> Vec<Turn> {
    let mut turns = Vec::new();
    for round in 1..=rounds {
        for step in 0..steps {
            // Every second time backwards, so that neighbours change places.
            let number = (round as usize - 1) * steps + step;
            let place = |place: usize| match number % 2 {
                0 => (place + number / 2) % systems,
                _ => (2 * systems - 1 - place + number / 2) % systems,
            };
            turns.extend((0..systems).map(|at| Turn { system: place(at), step, round }));
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_system_does_every_step_once_in_each_round_before_any_does_the_next() {
        let turns = order(5, 3, 2);
        assert_eq!(turns.len(), 30);
        for (number, block) in turns.chunks(5).enumerate() {
            let systems: BTreeSet<usize> = block.iter().map(|turn| turn.system).collect();
            assert_eq!(systems.len(), 5, "{block:?}");
            assert!(block.iter().all(|turn| turn.step == number % 3), "{block:?}");
            assert!(block.iter().all(|turn| turn.round as usize == 1 + number / 3), "{block:?}");
        }
    }

    #[test]
    fn everybody_comes_first_in_turn_and_neighbours_change_places() {
        let turns = order(3, 1, 6);
        let first: BTreeSet<usize> = turns.chunks(3).map(|block| block[0].system).collect();
        assert_eq!(first.len(), 3);
        let before = |one: usize, other: usize| {
            turns.chunks(3).filter(move |block| {
                let place = |system| block.iter().position(|turn| turn.system == system);
                place(one) < place(other)
            })
        };
        assert_eq!(before(0, 1).count(), 3);
    }
}
