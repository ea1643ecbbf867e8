//! How the program gets to another host and becomes the agent there.
//!
//! The way leads to `sh`, which takes one line as its script and nothing more: it looks whether the program is there already at the same path
//! in the same build, makes a private folder, and runs that; otherwise it asks for ours. Only when it has asked is anything sent
//! besides, so a shell that reads ahead swallows nothing. Whatever fails, the folder is removed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::keeper::FOLDER;
use super::protocol::{CHUNK_BYTES, Reply, VERSION};
use super::{files, is_plain};

/// How long a way may take to lead somewhere: a connection over ssh, with its name's look-up.
const CONNECT_WITHIN: Duration = Duration::from_secs(20);
/// How long the program may take from then on, to be compared, to be sent and to say hello: 15 MB on a slow line, and a machine that is loaded
/// to the brim.
const START_WITHIN: Duration = Duration::from_secs(120);
/// What the shell says when it is there, when it wants the program, and when it becomes that.
const HERE: &str = "double-trouble: here";
const WANT: &str = "double-trouble: want";
const GO: &str = "double-trouble: go";

/// What the program is called in the folder there, if it was brought.
pub(super) const BROUGHT: &str = "program";

/// What is run on other hosts: this very program.
#[derive(Debug)]
pub struct AgentProgram {
    path: PathBuf,
    args: Vec<String>,
    /// Its SHA-256 and its length, once they were needed.
    build: OnceLock<(String, u64)>,
}

/// What an agent said of itself.
pub(super) struct Hello {
    pub(super) folder: PathBuf,
    pub(super) clock: Option<String>,
}

impl AgentProgram {
    /// The program at `path`, whose `main` calls [`agent`](super::agent()) when it gets these arguments, which must be plain words,
    /// and others after them.
    #[must_use]
    pub fn new(path: &Path, args: &[&str]) -> Self {
        debug_assert!(args.iter().all(|arg| is_plain(arg)), "a shell reads them");
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Self { path: path.to_owned(), args, build: OnceLock::new() }
    }

    fn build(&self) -> io::Result<&(String, u64)> {
        if let Some(build) = self.build.get() {
            return Ok(build);
        }
        let build = files::hash(&self.path)?;
        Ok(self.build.get_or_init(|| build))
    }

    fn script(&self) -> io::Result<String> {
        let (hash, bytes) = self.build()?;
        // `/proc/self/exe` is another program there.
        let path = std::fs::read_link(&self.path).unwrap_or_else(|_| self.path.clone());
        let path = quoted(&path.to_string_lossy());
        let args = self.args.join(" ");
        // What takes its time comes before there is a folder: a shell that is killed meanwhile removes none.
        Ok(format!(
            "echo '{HERE}'; p={path}; if test -x \"$p\" && test \"$(sha256sum < \"$p\" | cut -c1-64)\" = {hash}; then b=0; else b=1; fi; \
             d=$(mktemp -d \"${{TMPDIR:-/tmp}}/{FOLDER}XXXXXXXX\") || exit 3; trap 'rm -rf \"$d\"' EXIT; if test $b = 1; then \
             p=\"$d/{BROUGHT}\"; echo '{WANT}'; head -c {bytes} > \"$p\"; \
             test \"$(wc -c < \"$p\")\" -eq {bytes} && chmod 700 \"$p\" || exit 3; fi; \
             echo '{GO}'; exec \"$p\" {args} \"$d\"\n"
        ))
    }

    /// Brings the program there: `send` sends bytes to the shell, and `lines` has what comes back.
    ///
    /// # Errors
    /// A sentence about what went wrong.
    pub(super) fn bring(
        &self,
        send: impl Fn(Vec<u8>),
        lines: &Receiver<String>,
    ) -> Result<Hello, String> {
        let unreadable = |error| format!("cannot read {}: {error}", self.path.display());
        send(self.script().map_err(unreadable)?.into_bytes());
        let mut said = Vec::new();
        let mut deadline = Instant::now() + CONNECT_WITHIN;
        loop {
            let within = deadline.saturating_duration_since(Instant::now());
            let line = match lines.recv_timeout(within) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("no agent answered in time{}", after(&said)));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(format!("the connection ended{}", after(&said)));
                }
            };
            match line.trim_end() {
                WANT => {
                    deadline = Instant::now() + START_WITHIN;
                    self.send_program(&send).map_err(unreadable)?;
                }
                HERE | GO => deadline = Instant::now() + START_WITHIN,
                other => match serde_json::from_str(other) {
                    Ok(Reply::Hello { version: VERSION, folder, clock }) => {
                        return Ok(Hello { folder: folder.into(), clock });
                    }
                    Ok(Reply::Hello { version, .. }) => {
                        return Err(format!(
                            "the agent speaks version {version}, and not {VERSION}"
                        ));
                    }
                    // What a login says is nobody's news, unless nothing else is said.
                    _ => said.push(other.to_owned()),
                },
            }
        }
    }

    fn send_program(&self, send: impl Fn(Vec<u8>)) -> io::Result<()> {
        let program = std::fs::read(&self.path)?;
        program.chunks(CHUNK_BYTES).for_each(|chunk| send(chunk.to_vec()));
        Ok(())
    }
}

/// The last line that was said, for a message.
fn after(said: &[String]) -> String {
    let last = said.last().map(|line| line.chars().take(200).collect::<String>());
    last.map(|line| format!(" after `{line}`")).unwrap_or_default()
}

/// A word as a shell takes it, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc;

    use super::*;

    fn program(folder: &Path) -> AgentProgram {
        let path = folder.join("it's a program");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        AgentProgram::new(&path, &["agent"])
    }

    #[test]
    fn the_script_is_one_line_and_quotes_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let script = program(folder.path()).script().unwrap();
        assert_eq!(script.matches('\n').count(), 1);
        assert!(script.contains("it'\\''s a program'"), "{script}");
        // What a pipe hands over in one piece, so that a shell reads it in one.
        assert!(script.len() < 4096);
    }

    #[test]
    fn a_shell_has_no_folder_while_it_compares_and_leaves_none_if_nothing_is_sent() {
        use std::io::Write;
        use std::os::unix::fs::PermissionsExt;
        use std::process::{Command, Stdio};

        let folder = tempfile::tempdir().unwrap();
        let (bin, made) = (folder.path().join("bin"), folder.path().join("made"));
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::create_dir_all(&made).unwrap();
        let program = program(folder.path());
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program.path, executable.clone()).unwrap();
        // What it is at that moment, and another program than ours.
        let compares = bin.join("sha256sum");
        std::fs::write(&compares, "#!/bin/sh\nls \"$TMPDIR\" >&2\necho other\n").unwrap();
        std::fs::set_permissions(&compares, executable).unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        shell.env("PATH", path).env("TMPDIR", &made);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        let script = program.script().unwrap();
        shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = shell.wait_with_output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.lines().collect::<Vec<_>>(), [HERE, WANT]);
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(3), &b""[..]));
        assert_eq!(std::fs::read_dir(&made).unwrap().count(), 0);
    }

    #[test]
    fn the_program_is_sent_only_when_it_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let hello = serde_json::to_string(&Reply::Hello {
            version: VERSION,
            folder: "/tmp/double-trouble-x".to_owned(),
            clock: None,
        });
        for wanted in [false, true] {
            let (tell, lines) = mpsc::channel();
            tell.send("Welcome to n1!\n".to_owned()).unwrap();
            if wanted {
                tell.send(format!("{WANT}\n")).unwrap();
            }
            tell.send(format!("{GO}\n")).unwrap();
            tell.send(hello.as_ref().unwrap().clone()).unwrap();
            let sent = Mutex::new(Vec::new());
            let came = program(folder.path())
                .bring(|bytes| sent.lock().unwrap().push(bytes), &lines)
                .unwrap();
            assert_eq!(came.folder, Path::new("/tmp/double-trouble-x"));
            assert_eq!(sent.lock().unwrap().len(), 1 + usize::from(wanted));
        }
    }

    #[test]
    fn a_way_that_leads_nowhere_is_said_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let (tell, lines) = mpsc::channel();
        tell.send("This account is closed.\n".to_owned()).unwrap();
        drop(tell);
        let error = program(folder.path()).bring(|_| {}, &lines).err().unwrap();
        assert_eq!(error, "the connection ended after `This account is closed.`");
    }
}
