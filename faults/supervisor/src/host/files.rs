//! What an agent is asked besides guards: files that are written, read and looked at there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::keeper;
use super::protocol::{Answer, CHUNK_BYTES, Listed, Question};
use super::transfer::MAX_DEPTH;
use crate::tree::end_marked;

/// Answers a question; `free_ports` are found by somebody else.
pub(super) fn answer(
    question: Question,
    free_ports: impl FnOnce(usize, &str) -> Result<Vec<u16>, String>,
) -> Result<Answer, String> {
    match question {
        Question::Write { path, mode, begins, data } => {
            let written = write(Path::new(&path), mode, begins, &data);
            written.map(|()| Answer::Done).map_err(|error| format!("cannot write {path}: {error}"))
        }
        Question::MakeFolder { path } => {
            let made = fs::create_dir_all(&path);
            made.map(|()| Answer::Done).map_err(|error| format!("cannot make {path}: {error}"))
        }
        Question::HashOfProgram { path } => Ok(Answer::Hash(hash_of_program(Path::new(&path)))),
        Question::FreePorts { count, address } => free_ports(count, &address).map(Answer::Ports),
        Question::HashOfFile { path } => {
            let hashed = if_there(hash(Path::new(&path)));
            let hashed = hashed.map_err(|error| format!("cannot read {path}: {error}"))?;
            Ok(Answer::Hash(hashed.map(|(hash, _)| hash)))
        }
        Question::Read { path, offset } => {
            let part = if_there(read(Path::new(&path), offset));
            let part = part.map_err(|error| format!("cannot read {path}: {error}"))?;
            Ok(part.unwrap_or(Answer::NoFile))
        }
        Question::List { path } => {
            let listed = list(Path::new(&path));
            listed.map(Answer::Files).map_err(|error| format!("cannot list {path}: {error}"))
        }
        Question::Clean { folder, marks } => {
            let ended = marks.iter().all(|mark| end_marked(mark));
            match ended && keeper::remove(Path::new(&folder)) {
                true => Ok(Answer::Done),
                false => Err(format!("not everything could be ended, or {folder} not be removed")),
            }
        }
    }
}

fn write(path: &Path, mode: u32, begins: bool, data: &[u8]) -> io::Result<()> {
    if !begins {
        return OpenOptions::new().append(true).open(path)?.write_all(data);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // Nobody may read it before it has its mode.
    let mut file =
        File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(data)?;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

fn read(path: &Path, offset: u64) -> io::Result<Answer> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut data = Vec::new();
    file.take(CHUNK_BYTES as u64).read_to_end(&mut data)?;
    let ends = data.len() < CHUNK_BYTES;
    Ok(Answer::Part { data, ends })
}

/// Every file in a folder, however deep; none if there is no such folder. Links are not followed.
fn list(folder: &Path) -> io::Result<Vec<Listed>> {
    let mut found = Vec::new();
    let mut left = vec![(folder.to_owned(), MAX_DEPTH)];
    while let Some((next, depth)) = left.pop() {
        let Some(entries) = if_there(fs::read_dir(&next))? else { continue };
        for entry in entries {
            let path = entry?.path();
            // What is removed meanwhile is not there.
            let Some(metadata) = if_there(fs::symlink_metadata(&path))? else { continue };
            if metadata.is_dir() && depth > 0 {
                left.push((path, depth - 1));
            } else if metadata.is_dir() {
                let problem = format!("{} is more than {MAX_DEPTH} folders deep", path.display());
                return Err(io::Error::other(problem));
            } else if metadata.is_file() {
                let below = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy();
                let mode = metadata.permissions().mode() & 0o777;
                found.push(Listed { path: below.into_owned(), mode, bytes: metadata.len() });
            }
        }
    }
    Ok(found)
}

/// What was found in a file; nothing if there is no such file. Whatever else is wrong with it is an error.
fn if_there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

fn hash_of_program(path: &Path) -> Option<String> {
    let found = fs::metadata(path).ok()?;
    let runs = found.is_file() && found.permissions().mode() & 0o111 != 0;
    if runs { hash(path).ok().map(|(hash, _)| hash) } else { None }
}

/// The SHA-256 of a file, in hexadecimal, and its length.
pub(super) fn hash(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let (mut hasher, mut bytes) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        hasher.update(&chunk[..read]);
        bytes += read as u64;
    }
    let digest = hasher.finalize();
    let text: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((text.concat(), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(question: Question) -> Result<Answer, String> {
        answer(question, |_, _| Ok(vec![1]))
    }

    #[test]
    fn a_file_is_written_in_parts_and_read_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/file").to_string_lossy().into_owned();
        let data = vec![7; CHUNK_BYTES];
        for (begins, data) in [(true, data.clone()), (false, b"end".to_vec())] {
            let path = path.clone();
            assert_eq!(ask(Question::Write { path, mode: 0o640, begins, data }), Ok(Answer::Done));
        }
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        let first = ask(Question::Read { path: path.clone(), offset: 0 });
        assert_eq!(first, Ok(Answer::Part { data, ends: false }));
        let rest = ask(Question::Read { path, offset: CHUNK_BYTES as u64 });
        assert_eq!(rest, Ok(Answer::Part { data: b"end".to_vec(), ends: true }));
    }

    #[test]
    fn what_cannot_be_done_is_said_with_its_path() {
        let clean = Question::Clean { folder: "/etc".to_owned(), marks: Vec::new() };
        assert!(ask(clean).is_err() && Path::new("/etc").is_dir());
    }

    #[test]
    fn a_file_that_is_not_there_is_told_from_one_that_cannot_be_read() {
        let missing = || "/no/such".to_owned();
        assert_eq!(ask(Question::Read { path: missing(), offset: 0 }), Ok(Answer::NoFile));
        assert_eq!(ask(Question::HashOfFile { path: missing() }), Ok(Answer::Hash(None)));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_string_lossy().into_owned();
        for question in [
            Question::Read { path: path.clone(), offset: 0 },
            Question::HashOfFile { path: path.clone() },
        ] {
            let error = ask(question).unwrap_err();
            assert!(error.starts_with(&format!("cannot read {path}: ")), "{error}");
        }
    }

    #[test]
    fn files_of_a_folder_are_listed_below_it_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("db/wal");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("0.log"), "abc").unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("etc")).unwrap();
        let list = |path: &Path| ask(Question::List { path: path.to_string_lossy().into_owned() });
        let Ok(Answer::Files(found)) = list(folder.path()) else { panic!("no list") };
        let found: Vec<_> = found.iter().map(|file| (file.path.as_str(), file.bytes)).collect();
        assert_eq!(found, [("db/wal/0.log", 3)]);
        assert_eq!(list(Path::new("/no/such")), Ok(Answer::Files(Vec::new())));
        let no_folder = ask(Question::List { path: "/etc/hostname".to_owned() });
        assert!(no_folder.unwrap_err().starts_with("cannot list /etc/hostname: "));
    }

    #[test]
    fn a_hash_is_of_a_program_and_of_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        fs::write(&path, "abc").unwrap();
        let ask = || ask(Question::HashOfProgram { path: path.to_string_lossy().into_owned() });
        assert_eq!(ask(), Ok(Answer::Hash(None)));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(ask(), Ok(Answer::Hash(Some(hash.to_owned()))));
    }
}
