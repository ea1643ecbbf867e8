//! How the programs of a release are linked, for the build scripts of the packages that have programs.
//!
//! Only what is known to work is asked for: by the linker that comes with Rust on this platform, and for a libc that
//! can load what it makes. Anywhere else a program is linked as it always is, and is some MB larger.

use std::env;
use std::process::Command;

/// The first glibc that loads packed relative relocations (its release notes of August 2022).
const FIRST_WITH_PACKED_RELOCATIONS: (u32, u32) = (2, 36);

/// Asks cargo to link the package's programs smaller, if this is a release for the machine that builds it.
///
/// Functions with the same code become one (generic code for types of the same layout: 0.7 MB of the harness), and
/// addresses to relocate are listed as a bitmap, not by 24 bytes each (2 MB).
pub fn smaller() {
    println!("cargo:rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    let is = |name: &str, value: &str| env::var(name).as_deref() == Ok(value);
    let release = is("PROFILE", "release");
    let platform = is("CARGO_CFG_TARGET_ARCH", "x86_64")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu");
    // Whoever sets flags or a linker of their own may have chosen one that knows none of these options.
    let own_linker = env::var_os("RUSTC_LINKER").is_some()
        || env::var_os("CARGO_ENCODED_RUSTFLAGS").is_some_and(|flags| !flags.is_empty());
    if !release || !platform || own_linker || env::var("HOST").ok() != env::var("TARGET").ok() {
        return;
    }
    println!("cargo:rustc-link-arg-bins=-Wl,--icf=all");
    if glibc().is_some_and(|version| version >= FIRST_WITH_PACKED_RELOCATIONS) {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of this machine's glibc.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    version(&String::from_utf8(output.stdout).ok()?)
}

/// The version in what `getconf GNU_LIBC_VERSION` says: `glibc 2.36`.
fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_and_compared_by_its_numbers() {
        assert_eq!(version("glibc 2.36\n"), Some((2, 36)));
        assert!(version("glibc 2.9") < Some(FIRST_WITH_PACKED_RELOCATIONS));
        assert_eq!(version("musl 1.2"), None);
        assert_eq!(version(""), None);
    }
}
