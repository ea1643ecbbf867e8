//! What a server puts up with (rule S4), in one place, so that tests can make it small.

use std::time::Duration;

use super::Names;
use crate::planted::{Bug, Bugs};

/// For those who may take as long as they like: longer than any process lives.
const EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Who may ask, and how much of what.
#[derive(Clone, Debug, Default)]
pub struct HttpConfig {
    /// Host names that are answered to, besides `localhost` and literal addresses.
    pub names: Names,
    /// What is put up with.
    pub limits: Limits,
}

/// Bounds on connections, requests and what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections that have not sent a request's header yet. A client that means it sends one at once; if
    /// there are more, the first of those goes that have sent nothing that is not read yet.
    pub newcomers: usize,
    /// Connections of clients. If there are more, the one goes that has kept us waiting longest; if
    /// none does, the newcomer is told to come back.
    pub clients: usize,
    /// Connections of the bazaar's own: they have shown the token, and take nobody's place.
    pub peers: usize,
    /// Requests of one kind of places that are worked on at once. Each holds a body and a few
    /// buffers; far beyond what a laptop can answer, and a bound all the same.
    pub concurrent: usize,
    /// Reads that wait for one other process at once. Fewer than that process works on at once, so that
    /// ours leave it places for others.
    pub questions: usize,
    /// How long a request waits for one of those places before it is told to come back.
    pub wait_for_place: Duration,
    /// How long a connection may idle, or take to send a header, and an eighth of that or a second.
    pub header_time: Duration,
    /// How long a body may take to arrive.
    pub body_time: Duration,
    /// How long an answer may take to be taken, from when the peer first takes no more of it.
    pub write_time: Duration,
    /// What the system holds of answers that are not taken yet, of each connection; it takes twice that.
    /// Left to itself it holds megabytes, which thousands of connections that never read would fill. What it holds is
    /// made for nobody: a thousand that ask for more than they read keep every core busy until all of it is full.
    pub unread_bytes: usize,
    /// The same of a peer's connection, from the first answer on that it takes no more of; less where the system's own bound
    /// (`net.core.wmem_max`) is. Peers ask for long answers, page by page (see `stream.rs`).
    pub unread_bytes_of_peers: usize,
    /// What is read ahead of a connection; a header that does not fit is refused with 431. A header
    /// of our own is longest when it announces a configuration, some 100 bytes a replica.
    pub header_bytes: usize,
    /// Up to which length a client's body needs no place of its own. A trade has some 80 bytes.
    pub small_body_bytes: usize,
    /// Longer bodies of clients that are being read at once, so that unfinished ones of the largest
    /// length from every connection do not fill the memory.
    pub large_bodies: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            newcomers: 1024,
            clients: 4096,
            peers: 4096,
            concurrent: 1024,
            questions: 512,
            wait_for_place: Duration::from_secs(2),
            header_time: Duration::from_secs(30),
            body_time: Duration::from_secs(10),
            write_time: Duration::from_secs(10),
            unread_bytes: 16 * 1024,
            unread_bytes_of_peers: 512 * 1024,
            header_bytes: 32 * 1024,
            small_body_bytes: 4 * 1024,
            large_bodies: 256,
        }
    }
}

impl Limits {
    /// The same with bugs planted in them.
    #[must_use]
    pub(super) fn with_bugs(mut self, bugs: Bugs) -> Self {
        if bugs.has(Bug::KeepWhoIdles) {
            (self.header_time, self.body_time) = (EVER, EVER);
        }
        if bugs.has(Bug::KeepWhoNeverReads) {
            self.write_time = EVER;
        }
        self
    }

    /// Connections of all kinds.
    pub(super) fn connections(&self) -> usize {
        self.newcomers + self.clients + self.peers
    }

    /// These, for a process that may have so many files open. Half of them are for who connects: who
    /// works on requests has to connect to others, and writes files. If there are too few for everybody,
    /// each kind of connection gets its share. *Otherwise: anybody who comes first takes the last one, and
    /// neither is a peer accepted nor a file opened.*
    #[must_use]
    pub fn within(self, open_files: u64) -> Self {
        let room = usize::try_from(open_files / 2).unwrap_or(usize::MAX);
        let all = self.connections();
        if all <= room {
            return self;
        }
        let share = |places: usize| (places * room / all).max(1);
        Self {
            newcomers: share(self.newcomers),
            clients: share(self.clients),
            peers: share(self.peers),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(limits: Limits) -> [usize; 3] {
        [limits.newcomers, limits.clients, limits.peers]
    }

    #[test]
    fn where_files_are_plenty_nobody_gets_less() {
        assert_eq!(Limits::default().within(u64::MAX), Limits::default());
        assert_eq!(Limits::default().within(2 * 9216), Limits::default());
    }

    #[test]
    fn where_files_are_few_each_kind_of_connection_gets_its_share_of_half() {
        assert_eq!(connections(Limits::default().within(1024)), [56, 227, 227]);
        assert_eq!(connections(Limits::default().within(64)), [3, 14, 14]);
        assert_eq!(connections(Limits::default().within(0)), [1, 1, 1]);
        let few = Limits::default().within(1024);
        assert_eq!(few.concurrent, Limits::default().concurrent);
    }
}
