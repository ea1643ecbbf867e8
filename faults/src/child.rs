//! One child process as a small state machine.
