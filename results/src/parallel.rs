//! Independent pieces of work on all processors, with results in the order of the pieces: what is said of a
//! run never depends on who was done first.

use std::num::NonZero;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What `work` makes of each number below `pieces`, in their order.
pub(crate) fn map<T: Send>(pieces: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(pieces);
    on_threads(threads, pieces, work)
}

fn on_threads<T: Send>(threads: usize, pieces: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    if threads <= 1 {
        return (0..pieces).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mine = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&piece| piece < pieces);
        std::iter::from_fn(mine).map(|piece| (piece, work(piece))).collect::<Vec<_>>()
    };
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|&(piece, _)| piece);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_pieces() {
        for (threads, pieces) in [(0, 0), (1, 3), (2, 7), (3, 2), (4, 100)] {
            let squares: Vec<_> = (0..pieces).map(|piece| piece * piece).collect();
            assert_eq!(on_threads(threads, pieces, |piece| piece * piece), squares);
        }
        assert_eq!(map(3, |piece| piece), [0, 1, 2]);
    }

    #[test]
    fn pieces_are_worked_on_side_by_side() {
        // Neither is done before the other has begun.
        let both = Barrier::new(2);
        on_threads(2, 2, |_| both.wait().is_leader());
    }
}
