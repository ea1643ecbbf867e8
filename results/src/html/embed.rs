//! Files of the run's folder inside the page, as data of links that save them: anybody who has the page alone
//! has them, too. What is too large is only named.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::records::RunFolder;

/// A larger file is not embedded.
const MAX_FILE_BYTES: u64 = 150_000;

/// How much all of them together may add to the page.
const MAX_BYTES: usize = 600_000;

/// What is to be embedded, and how much room is left for it.
pub(super) struct Embedder<'a> {
    folder: &'a RunFolder,
    room: usize,
}

/// A file of the run's folder.
pub(super) struct Embedded {
    /// Its path inside the folder.
    pub(super) name: String,
    /// Its contents as a data address; nothing if it is too large, or not there.
    pub(super) address: Option<String>,
}

impl<'a> Embedder<'a> {
    pub(super) fn new(folder: &'a RunFolder) -> Self {
        Self { folder, room: MAX_BYTES }
    }

    /// The file of this name in the run's folder.
    pub(super) fn embed(&mut self, name: &str) -> Embedded {
        let address = self.address(name).filter(|address| address.len() <= self.room);
        self.room -= address.as_ref().map_or(0, String::len);
        Embedded { name: name.to_owned(), address }
    }

    fn address(&self, name: &str) -> Option<String> {
        let path = self.folder.path(name);
        let bytes = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?.len();
        if bytes > MAX_FILE_BYTES {
            return None;
        }
        let kind = match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => "text/csv",
            Some("json") => "application/json",
            Some("html") => "text/html",
            _ => "text/plain",
        };
        Some(format!("data:{kind};charset=utf-8;base64,{}", STANDARD.encode(fs::read(path).ok()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_embedded_as_long_as_there_is_room() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(root.path());
        let sizes = [("a.csv", 150_000), ("large.csv", 150_001), ("b.json", 150_000)];
        let more = [("c", 149_000), ("d", 600), ("e.html", 200)];
        for (name, bytes) in sizes.into_iter().chain(more) {
            fs::write(folder.path(name), vec![b'x'; bytes]).unwrap();
        }
        let mut embedder = Embedder::new(&folder);
        let mut is_in = |name: &str| embedder.embed(name).address.is_some();
        assert!(is_in("a.csv") && is_in("b.json") && is_in("c"));
        assert!(!is_in("large.csv") && !is_in("not-there.csv"));
        assert!(is_in("d") && !is_in("d") && is_in("e.html"), "the rest of the room");
        let html = Embedder::new(&folder).embed("e.html").address.unwrap();
        assert!(html.starts_with("data:text/html;charset=utf-8;base64,eHh4"), "{html}");
    }
}
