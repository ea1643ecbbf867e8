//! What harness and agent tell each other: JSON, one message a line, over the agent's standard input and output.
//!
//! A connection carries many guards, each in a channel of its own: their messages are passed on as they are ([`crate::tree`]). The
//! agent says hello first. The end of its input is the end of the harness, and so is a long silence: a harness that lives sends a
//! message every second.

use serde::{Deserialize, Serialize};

/// The version of these messages. Harness and agent are the same build, so another one is a mistake.
pub(super) const VERSION: u32 = 1;
/// The longest message that is read: a guard's, quoted once more, or a chunk of a file in base64.
pub(super) const MAX_MESSAGE_BYTES: u64 = 16 * 1024 * 1024;
/// How much of a file goes into one message.
pub(super) const CHUNK_BYTES: usize = 1024 * 1024;

/// What a harness tells an agent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// What time is it there? Sent at this time of ours.
    Clock { sent_us: u64 },
    /// Start a guard. `mark` is the name of its tree, and `log` the file that its process writes to.
    Open { channel: u64, mark: String, kept_elsewhere: bool, log: String },
    /// Start this very program with these arguments, and pass on what it writes, line by line.
    Talk { channel: u64, words: Vec<String> },
    /// A line for the standard input of a guard, or of such a program.
    Line { channel: u64, line: String },
    /// The end of that input.
    Close { channel: u64 },
    /// Something that is answered.
    Ask { id: u64, question: Question },
}

/// What an agent is asked to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Question {
    /// Put `data` behind what the file has; `begins`: it is empty before, and has this mode.
    Write {
        path: String,
        mode: u32,
        begins: bool,
        #[serde(with = "as_text")]
        data: Vec<u8>,
    },
    /// Make a folder, and those on the way to it.
    MakeFolder { path: String },
    /// The SHA-256 of a file, in hexadecimal; nothing if it is not there, or cannot be executed.
    HashOfProgram { path: String },
    /// The SHA-256 of any file, in hexadecimal; nothing if it is not there.
    HashOfFile { path: String },
    /// Ports that are free there, at this address if it is one of that host's.
    FreePorts { count: usize, address: String },
    /// A part of a file.
    Read { path: String, offset: u64 },
    /// Every file that is in a folder, however deep.
    List { path: String },
    /// End and remove whatever another agent has left: its folder, and the trees of these names.
    Clean { folder: String, marks: Vec<String> },
}

/// What an agent tells a harness.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// It is there: its folder, which is removed at its end, and which clock it has, if it is known.
    Hello { version: u32, folder: String, clock: Option<String> },
    /// What time it is there, by both of its clocks.
    Clock { sent_us: u64, monotonic_us: u64, wall_us: u64 },
    /// A line of the standard output of a guard, or of a program that speaks lines.
    Line { channel: u64, line: String },
    /// What a guard's process wrote.
    Log {
        channel: u64,
        #[serde(with = "as_text")]
        data: Vec<u8>,
    },
    /// A guard has ended, or such a program. What a guard left was ended as well; `nobody_left` unless that did not work.
    Closed { channel: u64, nobody_left: bool },
    /// The answer to a question, or why there is none.
    Answer { id: u64, answer: Result<Answer, String> },
    /// The last message: everything that was started has ended; `removed` if the folder is gone as well.
    Gone { removed: bool },
}

/// What came of a question.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Done,
    Hash(Option<String>),
    Ports(Vec<u16>),
    /// A part of a file; `ends` if nothing follows it.
    Part {
        #[serde(with = "as_text")]
        data: Vec<u8>,
        ends: bool,
    },
    /// There is no such file, which is something else than one that cannot be read.
    NoFile,
    /// Files of a folder.
    Files(Vec<Listed>),
}

/// A file of a folder.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    /// Below the folder.
    pub(super) path: String,
    pub(super) mode: u32,
    pub(super) bytes: u64,
}

/// A message as a line.
pub(super) fn line(message: &impl Serialize) -> Vec<u8> {
    // Text, numbers and bytes in base64 are always JSON; an empty line is no message, and ends the connection.
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Bytes in base64.
mod as_text {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(data: &[u8], to: S) -> Result<S::Ok, S::Error> {
        STANDARD.encode(data).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_lines_of_others_come_through_as_they_were() {
        let data = vec![0, 255, b'\n'];
        let written = line(&Reply::Log { channel: 3, data: data.clone() });
        assert_eq!(written.iter().filter(|byte| **byte == b'\n').count(), 1);
        let read: Reply = serde_json::from_slice(&written).unwrap();
        assert!(matches!(read, Reply::Log { channel: 3, data: read } if read == data));
        let inner = "{\"started\":{\"pid\":1}}\n".to_owned();
        let written = line(&Request::Line { channel: 1, line: inner.clone() });
        let read: Request = serde_json::from_slice(&written).unwrap();
        assert!(matches!(read, Request::Line { line, .. } if line == inner));
    }
}
