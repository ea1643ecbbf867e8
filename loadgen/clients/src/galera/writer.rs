//! At which node clients write. Galera has no leader, and would take writes anywhere; but who writes the same rows at several
//! nodes has his transactions undone, so its users write at one and read at all.
//!
//! All clients of this program write at the same node, as all connections of a pool or a proxy do, and whoever sees that it does not
//! serve goes on to the next. A node that comes back is not gone back to.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The node that is written at.
#[derive(Debug, Default)]
pub(super) struct Writer(AtomicUsize);

/// A node's turn: of several nodes they begin again after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn(usize);

impl Turn {
    /// Whose it is, of `nodes`.
    pub(super) fn of<T>(self, nodes: &[T]) -> &T {
        &nodes[self.0 % nodes.len()]
    }
}

impl Writer {
    /// Whose turn it is.
    pub(super) fn turn(&self) -> Turn {
        Turn(self.0.load(Ordering::Relaxed))
    }

    /// It did not serve in its `turn`. Nothing, if somebody else saw that before.
    pub(super) fn leave(&self, turn: Turn) {
        let next = turn.0.wrapping_add(1);
        let _ = self.0.compare_exchange(turn.0, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_left_once_however_many_see_that_it_does_not_serve() {
        let (writer, nodes) = (Writer::default(), ["a", "b", "c"]);
        let first = writer.turn();
        assert_eq!(first.of(&nodes), &"a");
        writer.leave(first);
        writer.leave(first);
        assert_eq!(writer.turn().of(&nodes), &"b");
        for _ in 0..2 {
            writer.leave(writer.turn());
        }
        assert_eq!(writer.turn().of(&nodes), &"a");
        assert_ne!(writer.turn(), first, "it is another turn");
    }
}
