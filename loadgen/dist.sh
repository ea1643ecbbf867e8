#!/bin/sh
# Packs what `make build` made: target/dist/double-trouble-VERSION-ARCH-linux.tar.gz, with the programs,
# plans and a target to start from, the manual, and the licence of everything that is compiled into them.
set -eu
cd "$(dirname "$0")/.."
version=$(cargo pkgid -p loadgen | sed 's/.*[#@]//')
name=double-trouble-$version-$(uname -m)-linux
folder=target/dist/$name
rm -rf "$folder"
mkdir -p "$folder/plans" "$folder/licences"
for program in double-trouble bazaar front-end catalog order; do
    strip -o "$folder/$program" "target/release/$program" 2>/dev/null || cp "target/release/$program" "$folder/"
done
cp loadgen/plans/*.toml loadgen/plans/README.md "$folder/plans/"
cp README.md ARCHITECTURE.md CONTRIBUTING.md LICENSE "$folder/"
mkdir "$folder/results"
cp results/README.md "$folder/results/"
mkdir -p "$folder/targets/naive"
cp loadgen/targets/README.md "$folder/targets/"
cp loadgen/targets/naive/*.py loadgen/targets/naive/*.toml loadgen/targets/naive/README.md "$folder/targets/naive/"

# The crates behind the programs (build scripts pack the charts' fonts), and where cargo keeps their sources.
cargo tree --workspace --exclude clients --edges normal,build --prefix none --format '{p}|{l}' --no-dedupe |
    grep -v '(/' | sed 's/ (proc-macro)//' | sort -u > "$folder/licences/crates.txt"
sources=$(ls -d "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*)
while IFS='|' read -r crate licence; do
    crate=$(echo "$crate" | sed 's/ v/-/')
    for source in $sources; do
        for text in "$source/$crate"/LICEN[SC]E* "$source/$crate"/COPYING* "$source/$crate"/NOTICE*; do
            if [ -f "$text" ]; then
                mkdir -p "$folder/licences/$crate"
                cp "$text" "$folder/licences/$crate/"
            fi
        done
    done
done < "$folder/licences/crates.txt"

tar -C target/dist -czf "target/dist/$name.tar.gz" "$name"
rm -r "$folder"
echo "target/dist/$name.tar.gz ($(du -h "target/dist/$name.tar.gz" | cut -f 1))"
