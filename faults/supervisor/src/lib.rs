//! Processes of any target: whole trees are started, watched, signalled and ended, and nothing of them is left.
