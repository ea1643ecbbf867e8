//! The definition of linearizability, tried out order by order: what [`search`](super::search()) is
//! held against. It shares nothing with the search but the model.

use super::model::{History, Model};

/// Whether any order of any choice of the optional operations explains every answer.
pub(super) fn is_linearizable<M: Model>(history: &History<M>) -> bool {
    extend(history, history.initial, &mut vec![false; history.operations.len()])
}

fn extend<M: Model>(history: &History<M>, state: M, placed: &mut Vec<bool>) -> bool {
    let operations = &history.operations;
    let left: Vec<usize> = (0..operations.len()).filter(|&index| !placed[index]).collect();
    if left.iter().all(|&index| operations[index].is_optional()) {
        return true;
    }
    for &index in &left {
        // Nothing that is left may have returned strictly before it was called.
        let returned_before = |&other: &usize| {
            operations[other].return_us.is_some_and(|at_us| at_us < operations[index].call_us)
        };
        if left.iter().any(returned_before) {
            continue;
        }
        if let Some(after) = state.after(operations[index].action) {
            placed[index] = true;
            let explained = extend(history, after, placed);
            placed[index] = false;
            if explained {
                return true;
            }
        }
    }
    false
}
