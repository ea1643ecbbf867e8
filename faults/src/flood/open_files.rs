//! Whether this process may hold a plan's floods.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::start_error::StartError;

/// Files that the harness has open besides: its clients' connections, relays, logs, pages of disks.
const BESIDES: u64 = 1000;

/// Lets this process have so many connections open at a time, or says why that cannot be.
pub(crate) fn make_room(connections: u32) -> Result<(), StartError> {
    if connections == 0 {
        return Ok(());
    }
    let needed = u64::from(connections) + BESIDES;
    let unknown = |errno: nix::errno::Errno| StartError::OpenFiles(errno.into());
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(unknown)?;
    if hard < needed {
        return Err(StartError::TooFewFiles { connections, needed, allowed: hard });
    }
    if soft < needed {
        setrlimit(Resource::RLIMIT_NOFILE, needed, hard).map_err(unknown)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floods_that_no_process_may_hold_are_refused_with_what_they_need() {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert!(make_room(0).is_ok());
        if let Ok(connections) = u32::try_from(hard) {
            let error = make_room(connections).unwrap_err().to_string();
            let needed = hard + BESIDES;
            assert!(
                error.contains(&format!("{needed} open files, and {hard} are allowed")),
                "{error}"
            );
        }
        if let Some(connections) =
            hard.checked_sub(BESIDES).and_then(|room| u32::try_from(room).ok())
        {
            make_room(connections).unwrap();
            assert!(getrlimit(Resource::RLIMIT_NOFILE).unwrap().0 >= hard.min(BESIDES));
        }
    }
}
