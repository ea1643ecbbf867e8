//! Every target file in this folder reads without a problem.

use std::fs;
use std::path::Path;

#[test]
fn naive_and_mended_services_the_engines_and_the_whole_zoo_are_described_without_a_problem() {
    let mut read = 0;
    for folder in ["naive", "engines", "tests/zoo"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|name| name == "toml") {
                if let Err(problems) = targets::read(&path, 3) {
                    panic!("{problems}");
                }
                read += 1;
            }
        }
    }
    assert!(read > 33, "only {read} were found");
}
