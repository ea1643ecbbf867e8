//! A target on this machine, for `target check` and for each trial of a run: what it is given before it is started.
//!
//! * `ports`: free ones are chosen, given ones must be free.
//! * `trial`: its folders, and the commands that are run in them.
//! * `programs`: its processes as the supervisor starts them.

mod ports;
mod programs;
mod trial;

pub(crate) use programs::system_plan;
pub(crate) use trial::TargetTrial;
