//! The structure of the crate's sources: no two files need each other, directly or round a corner. Who reads
//! one file then knows which others to read first, and a shared type lies below those that share it.
//!
//! A file needs another whose items it names, in `use` declarations or in paths. What a `mod.rs` only hands on
//! (`pub use`) is needed of the file that has it. Tests within the sources may name whatever they like.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, ItemMod, ItemUse, UseTree, Visibility};

/// A module's path below the crate: `charts::by_p` as its two names.
type Module = Vec<String>;

/// What a file names.
#[derive(Default)]
struct Named {
    /// The module that is being read; more than the file's own within `mod name { ... }`.
    place: Module,
    /// Every path as it is written, and where.
    paths: Vec<(Module, Vec<String>)>,
    /// What it hands on under which name.
    handed_on: HashMap<String, (Module, Vec<String>)>,
}

impl Named {
    fn of(module: &Module, file: &File) -> Self {
        let mut named = Self { place: module.clone(), ..Self::default() };
        named.visit_file(file);
        named
    }

    /// Every path that a `use` declaration brings in, with its new name.
    fn brought_in(tree: &UseTree, before: &[String], all: &mut Vec<(Vec<String>, String)>) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            UseTree::Path(path) => {
                Self::brought_in(&path.tree, &with(path.ident.to_string()), all);
            }
            UseTree::Name(name) if name.ident == "self" => {
                all.push((before.to_vec(), before.last().cloned().unwrap_or_default()));
            }
            UseTree::Name(name) => all.push((with(name.ident.to_string()), name.ident.to_string())),
            UseTree::Rename(name) => {
                all.push((with(name.ident.to_string()), name.rename.to_string()));
            }
            UseTree::Glob(_) => all.push((before.to_vec(), String::new())),
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| Self::brought_in(tree, before, all));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Named {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !attributes.iter().any(is_for_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.place.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.place.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut all = Vec::new();
        Self::brought_in(&item.tree, &[], &mut all);
        for (path, name) in all {
            if !matches!(item.vis, Visibility::Inherited) {
                self.handed_on.insert(name, (self.place.clone(), path.clone()));
            }
            self.paths.push((self.place.clone(), path));
        }
    }

    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {
        // Who may see an item is not what the item needs.
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.paths.push((self.place.clone(), names));
        visit::visit_path(self, path);
    }
}

/// `#[cfg(test)]`.
fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
}

/// The files of a crate by their modules.
struct Sources(BTreeMap<Module, Named>);

impl Sources {
    fn new(files: impl IntoIterator<Item = (Module, String)>) -> Self {
        let files = files.into_iter().map(|(module, text)| {
            let named = Named::of(&module, &syn::parse_file(&text).unwrap());
            (module, named)
        });
        Self(files.collect())
    }

    fn read(root: &Path) -> Self {
        Self::new(files(root).into_iter().map(|path| {
            let names = path.strip_prefix(root).unwrap().with_extension("");
            let mut module: Module =
                names.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
            if module.last().is_some_and(|name| name == "mod" || name == "lib") {
                module.pop();
            }
            (module, fs::read_to_string(path).unwrap())
        }))
    }

    /// A path as one below the crate; nothing if it leads out of it or begins with a local name.
    fn absolute(&self, place: &Module, path: &[String]) -> Option<Vec<String>> {
        let mut base = place.clone();
        let mut rest = path;
        while let Some(first) = rest.first() {
            match first.as_str() {
                "crate" => base.clear(),
                "self" => {}
                "super" => drop(base.pop()),
                _ => break,
            }
            rest = &rest[1..];
        }
        let is_told = rest.len() < path.len();
        let child = [&base[..], rest.get(..1)?].concat();
        (is_told || self.0.contains_key(&child)).then(|| [&base[..], rest].concat())
    }

    /// The file that has what a path below the crate names.
    fn file_of(&self, path: &[String]) -> Option<&Module> {
        let lengths = (0..=path.len()).rev();
        let (module, named) =
            lengths.filter_map(|length| self.0.get_key_value(&path[..length])).next()?;
        let handed_on = path.get(module.len()).and_then(|name| named.handed_on.get(name));
        let target = handed_on.and_then(|(place, target)| self.absolute(place, target));
        match target {
            Some(target) if target != path => self.file_of(&target),
            _ => Some(module),
        }
    }

    /// The files that a file needs.
    fn needs(&self, module: &Module) -> BTreeSet<&Module> {
        let paths = &self.0[module].paths;
        let targets = paths.iter().filter_map(|(place, path)| {
            let absolute = self.absolute(place, path)?;
            self.file_of(&absolute)
        });
        targets.filter(|target| *target != module).collect()
    }

    /// For each file that needs itself in the end, the shortest way round.
    fn circles(&self) -> BTreeSet<String> {
        let needs: HashMap<&Module, BTreeSet<&Module>> =
            self.0.keys().map(|module| (module, self.needs(module))).collect();
        self.0.keys().filter_map(|module| way_round(module, &needs)).collect()
    }
}

/// The shortest way from a file over those that it needs back to itself, if there is one.
fn way_round(from: &Module, needs: &HashMap<&Module, BTreeSet<&Module>>) -> Option<String> {
    let mut ways = VecDeque::from([vec![from]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in &needs[way.last()?] {
            let further = [&way[..], &[next]].concat();
            if *next == from {
                let names = further.into_iter().map(|at| format!("crate::{}", at.join("::")));
                return Some(names.collect::<Vec<_>>().join(" -> "));
            }
            if seen.insert(*next) {
                ways.push_back(further);
            }
        }
    }
    None
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn no_file_needs_itself_round_a_corner() {
    let sources = Sources::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(sources.0.len() > 100, "{} files", sources.0.len());
    let edges: usize = sources.0.keys().map(|module| sources.needs(module).len()).sum();
    assert!(edges > 300, "{edges} needs between files");
    let circles: Vec<String> = sources.circles().into_iter().collect();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

/// The circles of a crate of these files, by their modules.
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let files = files.iter().map(|(path, text)| {
        let names = path.split("::").filter(|name| !name.is_empty());
        (names.map(str::to_owned).collect(), (*text).to_owned())
    });
    Sources::new(files).circles().into_iter().collect()
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let lib = ("", "mod a; mod b;");
    let ways = [
        ("use crate::b::B; pub struct A;", "use crate::a::A; pub struct B;"),
        ("use super::b::{B, C as D}; pub struct A;", "fn f() -> super::a::A { todo!() }"),
        ("fn f() { crate::b::f() }", "use crate::{a}; fn f() { a::f() }"),
    ];
    for (a, b) in ways {
        let expected = ["crate::a -> crate::b -> crate::a", "crate::b -> crate::a -> crate::b"];
        assert_eq!(circles_of(&[lib, ("a", a), ("b", b)]), expected, "{a} {b}");
    }
    let parent = [("", "mod a;"), ("a", "mod b; pub struct A;\nfn f() { b::f() }")];
    let child = ("a::b", "use super::A; pub fn f() {}");
    assert_eq!(circles_of(&[parent[0], parent[1], child]).len(), 2);
}

#[test]
fn what_is_only_handed_on_is_needed_of_the_file_that_has_it() {
    let parent = ("a", "mod b; mod c; pub use b::B; pub use c::C;");
    let child = ("a::c", "use super::B; pub struct C;");
    assert_eq!(circles_of(&[("", "mod a;"), parent, ("a::b", "pub struct B;"), child]), [""; 0]);
    let both = ("a::b", "use crate::a::C; pub struct B;");
    assert_eq!(circles_of(&[("", "mod a;"), parent, both, child]).len(), 2);
}

#[test]
fn tests_and_visibility_make_no_circle() {
    let a = "use super::b::B; pub struct A;";
    let b = "pub(in super::super) struct B;\n#[cfg(test)]\nmod tests { use super::super::a::A; }";
    assert_eq!(
        circles_of(&[("", "mod m;"), ("m", "mod a; mod b;"), ("m::a", a), ("m::b", b)]),
        [""; 0]
    );
}
