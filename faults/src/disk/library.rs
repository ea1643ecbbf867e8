//! The library itself, and why a program cannot be reached by it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::page::{memory_file, path_of};

/// What `build.rs` made of `preload/`.
const LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/preload.so"));
/// How much of a program is read for its headers: they come first, and are a few hundred bytes.
const HEADERS_BYTES: u64 = 64 * 1024;

/// The library as a file that the dynamic loader can open.
#[derive(Debug)]
pub(super) struct Library(File);

impl Library {
    pub(super) fn new() -> io::Result<Self> {
        let mut file = memory_file("disk-library")?;
        file.write_all(LIBRARY)?;
        Ok(Self(file))
    }

    /// The value of `LD_PRELOAD`: the library, before whatever the harness's own environment preloads.
    pub(super) fn preload(&self) -> OsString {
        let mut preload: OsString = path_of(&self.0).into();
        if let Some(others) = std::env::var_os("LD_PRELOAD").filter(|others| !others.is_empty()) {
            preload.push(":");
            preload.push(others);
        }
        preload
    }
}

/// Why the library did not answer from a process of this program, as far as that can be told.
pub(crate) fn why_out_of_reach(program: &Path) -> String {
    match is_static(program) {
        Ok(true) => {
            "it is a static program, which imports nothing that could be preloaded".to_owned()
        }
        Ok(false) => {
            "it runs without the library that was preloaded (a program with more rights than its \
                      caller, or for another C library, takes none)"
                .to_owned()
        }
        Err(error) => format!("{} cannot be read: {error}", PathBuf::from(program).display()),
    }
}

/// Whether a program is an ELF file without an interpreter (`PT_INTERP`), and so loads no libraries. Of
/// 64-bit programs of this machine's byte order; others, and scripts, count as dynamic.
fn is_static(program: &Path) -> io::Result<bool> {
    const PT_INTERP: u32 = 3;
    let mut head = Vec::new();
    File::open(program)?.take(HEADERS_BYTES).read_to_end(&mut head)?;
    let is_elf64 = head.starts_with(b"\x7fELF\x02");
    let half = |at: usize| Some(u16::from_ne_bytes(head.get(at..at + 2)?.try_into().ok()?));
    let word = |at: usize| Some(u32::from_ne_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_ne_bytes(head.get(at..at + 8)?.try_into().ok()?));
    // e_phoff, e_phentsize and e_phnum of the ELF header; p_type is a program header's first word.
    let (Some(table), Some(entry), Some(count)) = (long(32), half(54), half(56)) else {
        return Ok(false);
    };
    let table = usize::try_from(table).unwrap_or(usize::MAX);
    let mut types = (0..usize::from(count))
        .filter_map(|number| word(table.checked_add(number * usize::from(entry))?));
    Ok(is_elf64 && !types.any(|kind| kind == PT_INTERP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_an_interpreter_is_static() {
        assert!(!is_static(&std::env::current_exe().unwrap()).unwrap());
        // The shortest ELF file with a table of program headers, and the same with an interpreter in it.
        let mut program = vec![0; 64 + 2 * 56];
        program[..5].copy_from_slice(b"\x7fELF\x02");
        program[32..40].copy_from_slice(&64u64.to_ne_bytes());
        program[54..56].copy_from_slice(&56u16.to_ne_bytes());
        program[56..58].copy_from_slice(&2u16.to_ne_bytes());
        program[64..68].copy_from_slice(&1u32.to_ne_bytes());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        std::fs::write(&path, &program).unwrap();
        assert!(is_static(&path).unwrap());
        assert!(why_out_of_reach(&path).contains("static program"));
        program[64 + 56..64 + 60].copy_from_slice(&3u32.to_ne_bytes());
        std::fs::write(&path, &program).unwrap();
        assert!(!is_static(&path).unwrap());
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        assert!(!is_static(&path).unwrap());
    }
}
