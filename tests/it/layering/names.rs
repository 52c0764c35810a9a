//! A type name means one thing: no two rooms have a type of the same name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::Visit;
use syn::{Ident, ItemEnum, ItemStruct, ItemTrait};

use super::graph::is_for_tests;
use super::sources;

#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    fn of(code: &str) -> BTreeSet<String> {
        let file = syn::parse_file(code).unwrap();
        let mut names = Self::default();
        names.visit_file(&file);
        names.0
    }

    fn add(&mut self, name: &Ident) {
        self.0.insert(name.to_string());
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_for_tests(item) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        self.add(&item.ident);
    }

    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        self.add(&item.ident);
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        self.add(&item.ident);
        syn::visit::visit_item_trait(self, item);
    }
}

/// The room that a file is in: the first folder below `src`, or the file's own name.
fn room(path: &Path) -> String {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let below = path.strip_prefix(src).unwrap();
    let first = below.iter().next().unwrap().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn only_for_tests(path: &Path) -> bool {
    let file = path.file_name().unwrap().to_str().unwrap();
    matches!(file, "tests.rs" | "testing.rs" | "round_trip.rs")
        || path.iter().any(|part| part == "tests")
}

/// Which rooms have which type.
fn homes<'a>(files: impl Iterator<Item = (String, &'a str)>) -> BTreeMap<String, BTreeSet<String>> {
    let mut homes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (room, code) in files {
        for name in Names::of(code) {
            homes.entry(name).or_default().insert(room.clone());
        }
    }
    homes
}

/// A type of `config` is the written form of the type of that name in `plan`.
fn is_written_form(rooms: &BTreeSet<String>) -> bool {
    rooms.iter().eq(["config", "plan"])
}

#[test]
fn no_two_rooms_have_a_type_of_the_same_name() {
    let sources = sources("");
    let files = sources
        .iter()
        .filter(|(path, _)| !only_for_tests(path))
        .map(|(path, code)| (room(path), code.as_str()));
    let doubled: Vec<_> = homes(files)
        .into_iter()
        .filter(|(_, rooms)| rooms.len() > 1 && !is_written_form(rooms))
        .collect();
    assert!(doubled.is_empty(), "{doubled:#?}");
}

#[test]
fn types_in_functions_and_inner_modules_have_names_too() {
    let code = "struct A; mod m { pub enum B {} fn f() { struct C; } } trait D {}
        #[cfg(test)] mod tests { struct E; }";
    assert_eq!(
        Names::of(code),
        ["A", "B", "C", "D"].map(str::to_owned).into()
    );
}
