//! Where a guard's orders go, wherever it is.

use std::io::{self, Write};
use std::process::ChildStdin;
use std::sync::Arc;

use super::protocol::Request;
use super::session::Session;

/// Where a guard's orders go: its end is the end of the guard.
#[derive(Debug)]
pub(crate) enum Orders {
    /// To its standard input.
    Here(ChildStdin),
    /// To its agent.
    There {
        /// The connection.
        session: Arc<Session>,
        /// The guard's number in it.
        channel: u64,
    },
}

impl Write for Orders {
    /// Of a guard elsewhere every write is a whole message.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Here(input) => input.write(bytes),
            Self::There { session, channel } => {
                if session.over().is_some() {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                let line = String::from_utf8_lossy(bytes).into_owned();
                session.tell(&Request::Line { channel: *channel, line });
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Here(input) => input.flush(),
            Self::There { .. } => Ok(()),
        }
    }
}

impl Drop for Orders {
    fn drop(&mut self) {
        if let Self::There { session, channel } = self {
            session.tell(&Request::Close { channel: *channel });
        }
    }
}
