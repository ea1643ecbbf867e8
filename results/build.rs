//! Packs the charts' fonts, which make up half of what they need that way.

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let out = std::env::var_os("OUT_DIR").ok_or("cargo says no OUT_DIR")?;
    for (name, font) in [("regular", dejavu::sans::regular()), ("bold", dejavu::sans::bold())] {
        let file = File::create(Path::new(&out).join(name).with_extension("ttf.zlib"))?;
        let mut encoder = ZlibEncoder::new(file, Compression::default());
        encoder.write_all(font)?;
        encoder.finish()?;
    }
    Ok(())
}
