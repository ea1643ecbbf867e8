//! The bazaar's token: what its processes, and the harness, know each other by.
//!
//! Drawn for each bazaar and handed over in the environment. It is also put beside the data, for its
//! owner alone, so that anybody who looks into a bazaar by hand can (`curl -H "x-double-trouble-secret: $(cat
//! DATA/token)" ...`), and a process that is started by hand on that folder belongs to it.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::RngExt;

/// The environment variable in which the services expect it.
pub(crate) const SECRET_VARIABLE: &str = "DOUBLE_TROUBLE_SECRET";

/// The file's name in the data folder, which the services know, too.
const FILE: &str = "token";

/// See the module. Its text is shown to nobody.
#[derive(Clone)]
pub(crate) struct Token(Arc<str>);

impl Token {
    /// Another one each time: 128 bits from the system.
    pub(crate) fn draw() -> Self {
        Self(format!("{:032x}", rand::rng().random::<u128>()).into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Puts it into the folder, in place of an earlier bazaar's. Errors name the file.
    pub(crate) fn keep_in(&self, folder: &Path) -> Result<(), (PathBuf, io::Error)> {
        let path = folder.join(FILE);
        let draft = folder.join(format!("{FILE}.{}", std::process::id()));
        let kept = write(&draft, &self.0).and_then(|()| fs::rename(&draft, &path));
        kept.map_err(|error| (path, error))
    }
}

fn write(path: &Path, token: &str) -> io::Result<()> {
    // Left behind by a harness that was killed.
    let _ = fs::remove_file(path);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(token.as_bytes())
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_is_its_owners_alone_and_replaces_an_earlier_one() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (Token::draw(), Token::draw());
        assert_ne!(first.as_str(), second.as_str());
        for token in [&first, &second] {
            token.keep_in(folder.path()).unwrap();
            let path = folder.path().join(FILE);
            assert_eq!(fs::read_to_string(&path).unwrap(), token.as_str());
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(!format!("{first:?}").contains(first.as_str()));
    }
}
