//! Links the programs of a release smaller.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    linking::smaller();
}
