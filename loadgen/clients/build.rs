//! Links a release smaller, as the other programs.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    linking::smaller();
}
