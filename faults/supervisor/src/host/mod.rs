//! Another host: the way there, and what is done on it through an agent.
//!
//! A way is the beginning of a command that runs the rest of it somewhere else: `ssh n1`, `ip netns exec n1`, `docker exec -i n1`,
//! or `env` for this machine. Nobody else puts such a command together. Some ways hand the words on as they are, and ssh joins
//! them and has a shell split them again; so words must mean the same to both, and whatever is more than plain words goes over the
//! standard input.
//!
//! The agent is this very program, started there. It starts guards ([`crate::tree`]) as the harness does here, and passes on what both
//! say; so a process there is started, signalled, confirmed and ended as one here. The invariants: nothing that was started there
//! outlives the connection; what is confirmed was seen there, and its time is that host's, mapped to ours with a bound; the one
//! folder that the agent makes is removed at its end.
//!
//! Not covered: agent and keeper killed in the same moment, which leaves their folder (a later connection removes it).
//!
//! * `link`: a host as the harness sees it; `transfer`: files that go there and back. `session`: one connection. `bootstrap`: how the program gets there.
//! * `clock`: its times on our clock.
//! * `agent`: the program there. `keeper`: who sees to its end. `channel`: one guard there, whose `orders` come from here. `files`, `ports`:
//!   what else is asked of it. `talker`: this program once more there, which speaks lines with who listens to it here (`talk`).
//! * `protocol`: what they tell each other.

mod agent;
mod bootstrap;
mod channel;
mod clock;
mod files;
mod keeper;
mod link;
mod orders;
mod ports;
mod protocol;
mod session;
mod talk;
mod talker;
mod transfer;

use std::process::Command;

pub use agent::agent;
pub use bootstrap::AgentProgram;
pub use clock::{HostClock, Mapped};
pub use link::{HostError, HostLink, HostNews, Loss};
pub(crate) use orders::Orders;
pub use talk::{HostTalk, Said, TalkEnd};

/// A host on which processes run, as it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The beginning of a command that gives a way in, at least one word.
    pub connect: Vec<String>,
    /// Where its ports are reached from here.
    pub address: String,
}

/// What runs `words` where `connect` leads. They must be plain ([`is_plain`]), if a shell may stand in between.
#[must_use]
pub fn command<C, W>(connect: C, words: W) -> Command
where
    C: IntoIterator<Item: Into<String>>,
    W: IntoIterator<Item: Into<String>>,
{
    let mut all = connect.into_iter().map(Into::into).chain(words.into_iter().map(Into::into));
    // Without any word it is a program of no name, which cannot be started.
    let mut command = Command::new(all.next().unwrap_or_default());
    command.args(all);
    command
}

/// Whether a shell takes a word for itself: nothing in it is split, filled in, or names files.
#[must_use]
pub fn is_plain(word: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@%+,".contains(letter);
    !word.is_empty() && word.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_begins_with_the_way() {
        let command = command(["ip", "netns", "exec", "n1"], ["sh", "-s"]);
        assert_eq!(command.get_program(), "ip");
        assert!(command.get_args().eq(["netns", "exec", "n1", "sh", "-s"]));
    }

    #[test]
    fn a_word_is_plain_if_no_shell_makes_another_of_it() {
        for plain in ["sh", "/usr/local/bin/double-trouble", "--table=x_1"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in ["", "two words", "$HOME", "a;b", "*", "'x'", "a\nb", "~"] {
            assert!(!is_plain(other), "{other:?}");
        }
    }
}
