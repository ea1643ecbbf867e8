//! Where a process has the bazaar's token from: the environment, or a file beside its data.
//!
//! `serve` and the harness hand it over in the environment; there is no flag, since a command line can
//! be read by everybody on the machine. Services that are started by hand on loopback need nothing:
//! those that share a data folder share the token in it, which the first of them draws.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use uuid::Uuid;

use crate::storage::{StorageError, prepare_folder};

/// The environment variable with the token.
pub const SECRET_VARIABLE: &str = "DOUBLE_TROUBLE_SECRET";

/// The file's name in the data folder.
pub const FILE: &str = "token";

/// The longest token that is taken: it travels in a header.
const MAX_TOKEN_BYTES: usize = 256;

/// The token of a process that listens at `listen` and keeps its data in `data_dir`.
pub(super) fn of(listen: SocketAddr, data_dir: &Path) -> anyhow::Result<Arc<str>> {
    let given = std::env::var_os(SECRET_VARIABLE).filter(|given| !given.is_empty());
    if let Some(given) = given {
        let given = given.to_str().filter(|given| fits(given));
        let given = given.with_context(|| {
            format!("{SECRET_VARIABLE}: must be 1 to {MAX_TOKEN_BYTES} visible ASCII characters")
        })?;
        return Ok(given.into());
    }
    ensure!(
        listen.ip().is_loopback(),
        "--listen {listen} is not a loopback address: set {SECRET_VARIABLE} to a shared secret"
    );
    shared_in(data_dir)
}

/// The token in the folder; drawn, if there is none.
fn shared_in(data_dir: &Path) -> anyhow::Result<Arc<str>> {
    prepare_folder(data_dir)?;
    let path = data_dir.join(FILE);
    match read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(StorageError::of_io(&path, &error).into()),
        Ok(read) => return checked(&path, &read),
    }
    // It is whole before it has its name, and only one process can give it that name.
    let draft = data_dir.join(format!("{FILE}.{}", Uuid::new_v4().simple()));
    let drawn = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let made = write(&draft, &drawn).and_then(|()| fs::hard_link(&draft, &path));
    // It has another name by now, or is of no use.
    let _ = fs::remove_file(&draft);
    if let Err(error) = made
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(StorageError::of_io(data_dir, &error).into());
    }
    let drawn = read(&path).map_err(|error| StorageError::of_io(&path, &error))?;
    checked(&path, &drawn)
}

fn write(path: &Path, token: &str) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(token.as_bytes())?;
    file.sync_all()
}

/// The file's text, and what others may do with it.
fn read(path: &Path) -> io::Result<(String, u32)> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    let mut text = String::new();
    file.take(2 * MAX_TOKEN_BYTES as u64).read_to_string(&mut text)?;
    Ok((text, mode))
}

fn checked(path: &Path, (text, mode): &(String, u32)) -> anyhow::Result<Arc<str>> {
    let path = path.display();
    ensure!(
        mode & 0o077 == 0,
        "{path} can be read by other users (mode {mode:03o}): `chmod 600` it, or remove it to have \
         another one drawn"
    );
    let token = text.trim_end();
    ensure!(
        fits(token),
        "{path} holds no token: remove it while no service runs on that folder, and another one is drawn"
    );
    Ok(token.into())
}

fn fits(token: &str) -> bool {
    (1..=MAX_TOKEN_BYTES).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_that_share_a_folder_share_one_token() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let drawn: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| shared_in(&data).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(drawn.iter().all(|token| *token == drawn[0]));
        assert_eq!(drawn[0].len(), 64);
        let mode = fs::metadata(data.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let left: Vec<_> = fs::read_dir(&data).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, [FILE]);
        assert_ne!(shared_in(&dir.path().join("other")).unwrap(), drawn[0]);
    }

    #[test]
    fn a_token_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        shared_in(dir.path()).unwrap();
        let path = dir.path().join(FILE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = shared_in(dir.path()).unwrap_err().to_string();
        assert!(error.contains("mode 644") && error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_file_that_holds_something_else_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        for wrong in ["", "two words", &"x".repeat(257)] {
            let _ = fs::remove_file(&path);
            write(&path, wrong).unwrap();
            let error = shared_in(dir.path()).unwrap_err().to_string();
            assert!(error.contains("holds no token"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), wrong);
        }
        fs::remove_file(&path).unwrap();
        write(&path, "by-hand\n").unwrap();
        assert_eq!(&*shared_in(dir.path()).unwrap(), "by-hand");
    }

    #[test]
    fn elsewhere_than_on_loopback_it_has_to_be_given() {
        let dir = tempfile::tempdir().unwrap();
        let error = of("0.0.0.0:0".parse().unwrap(), dir.path()).unwrap_err().to_string();
        assert!(error.contains("not a loopback address"), "{error}");
        assert!(!dir.path().join(FILE).exists());
    }
}
