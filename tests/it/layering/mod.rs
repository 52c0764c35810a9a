//! Rooms know each other in one direction only, there is no import circle, and nobody knows a vendor.

mod graph;
mod names;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use graph::Graph;

/// Every Rust file below a folder of `src`, with its text.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src")
            .join(folder),
    ];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    assert!(!files.is_empty(), "nothing to check in {folder}");
    files
}

/// The lines of a folder's files that hold one of `words`, comments aside.
fn lines_with(folder: &str, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources(folder) {
        for (index, line) in text.lines().enumerate() {
            let code = line.trim_start();
            let is_comment = code.starts_with("//");
            if !is_comment && words.iter().any(|word| code.contains(word)) {
                found.push(format!("{}:{}: {code}", path.display(), index + 1));
            }
        }
    }
    found
}

/// The rooms of the data path, from the callers to the bytes: each may know those after it.
const ROOMS: [&str; 9] = [
    "downstream",
    "authentication",
    "gateway",
    "catalog",
    "upstream",
    "metrics",
    "observe",
    "page",
    "snapshot",
];

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let circles = Graph::of_sources().circles();
    assert_eq!(circles, Vec::<Vec<String>>::new());
}

/// Which room of a graph knows which.
fn arrows(graph: &Graph) -> BTreeSet<(&str, &str)> {
    let edges = graph.edges.iter();
    edges
        .flat_map(|(module, targets)| targets.iter().map(move |target| (module, target)))
        .filter_map(|(module, target)| Some((module.first()?.as_str(), target.first()?.as_str())))
        .collect()
}

#[test]
fn only_what_begins_the_process_knows_how_settings_are_written() {
    let mut readers: BTreeSet<_> = arrows(Graph::of_sources())
        .into_iter()
        .filter(|(_, target)| *target == "config")
        .map(|(room, _)| room)
        .collect();
    readers.remove("config");
    assert_eq!(readers, BTreeSet::from(["app", "cli", "terminal", "tools"]));
}

#[test]
fn rooms_know_only_those_below_them() {
    let known = arrows(Graph::of_sources());
    let height = |room: &str| ROOMS.iter().position(|other| *other == room);
    let upward: Vec<_> = known
        .iter()
        .filter(|(room, target)| match (height(room), height(target)) {
            (Some(here), Some(there)) => there < here,
            // Beside the data path, only what assembles it knows its rooms.
            (None, Some(_)) => !matches!(*room, "app" | "cli" | "tools"),
            (_, None) => matches!(*target, "app" | "cli" | "tools") && height(room).is_some(),
        })
        .collect();
    assert!(upward.is_empty(), "{upward:?}");
}

#[test]
fn every_way_to_name_a_module_is_an_import() {
    let graph = Graph::of_code(&[
        ("", "pub mod a; pub mod b;"),
        ("a", "pub mod x; mod y; pub use y::Y;"),
        ("a::x", "use crate::{\n    b::{self as other, B},\n};"),
        ("a::y", "fn f() { super::super::b::g(); } pub struct Y;"),
        (
            "b",
            "use crate::a::Y; pub struct B; #[cfg(test)] mod tests { use crate::a::x; }",
        ),
        ("c", "fn f() { println!(\"{}\", crate::b::g()); }"),
    ]);
    let named = |module: &str| -> Vec<String> {
        let module: Vec<_> = module.split("::").map(str::to_owned).collect();
        graph.edges[&module]
            .iter()
            .map(|target| target.join("::"))
            .collect()
    };
    assert_eq!(named("a::x"), ["b"]);
    assert_eq!(named("a::y"), ["b"]);
    assert_eq!(
        named("b"),
        ["a::y"],
        "a name that is handed on leads to where it comes from"
    );
    assert_eq!(named("c"), ["b"]);
    assert_eq!(graph.circles(), [["a::y", "b"]]);
}

#[test]
fn a_parent_and_its_children_may_name_each_other() {
    let family = [("a", "mod x; use x::X;"), ("a::x", "use super::A;")];
    assert!(Graph::of_code(&family).circles().is_empty());
    let grandchild = [
        ("a", "mod x; use x::y::Y;"),
        ("a::x", "mod y;"),
        ("a::x::y", "use crate::a::A;"),
    ];
    assert_eq!(Graph::of_code(&grandchild).circles().len(), 1);
}

#[test]
fn proposing_a_block_asks_nobody() {
    let asking = [
        "crate::upstream::transport",
        "crate::upstream::exchange",
        "crate::gateway",
        "crate::downstream",
        "crate::cli",
        "crate::app",
        "crate::tools::demo",
        "crate::tools::probe",
        "tokio",
        "std::fs",
    ];
    let mut found = lines_with("tools/infer", &asking);
    // Where samples come from, and where a proposal is walked.
    let may_ask = [
        "infer/samples.rs",
        "infer/sample_request.rs",
        "infer/walked.rs",
    ];
    found.retain(|line| !may_ask.iter().any(|file| line.contains(file)));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn only_the_configuration_reads_the_environment() {
    for folder in [
        "catalog",
        "upstream",
        "page",
        "plan",
        "observe",
        "snapshot",
        "gateway",
        "downstream",
        "authentication",
        "cli",
        "tools",
    ] {
        assert_eq!(
            lines_with(folder, &["std::env::var", "env::vars"]),
            Vec::<String>::new()
        );
    }
}

#[test]
fn no_code_on_the_data_path_names_a_vendor() {
    let vendors = [
        "tallyfy", "Tallyfy", "vinyl", "Vinyl", "onlive", "Onlive", "highq", "HighQ", "okta",
        "Okta", "keycloak", "Keycloak", "gitlab", "GitLab", "Slack", "GitHub", "Auth0", "Zendesk",
        "Grafana", "FreeIPA",
    ];
    for folder in [
        "config",
        "catalog",
        "upstream",
        "page",
        "snapshot",
        "tools/infer",
        "gateway",
        "downstream",
    ] {
        assert_eq!(lines_with(folder, &vendors), Vec::<String>::new());
    }
}
