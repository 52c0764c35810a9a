//! The layers know each other in one direction only, and nobody knows a vendor.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its files fails"
)]

use std::fs;
use std::path::{Path, PathBuf};

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

#[test]
fn the_upstream_layer_knows_nothing_above_it() {
    let above = [
        "crate::gateway",
        "crate::downstream",
        "crate::cli",
        "crate::app",
        "crate::tools",
    ];
    assert_eq!(lines_with("upstream", &above), Vec::<String>::new());
}

#[test]
fn the_gateway_layer_knows_nothing_above_it() {
    let above = [
        "crate::downstream",
        "crate::cli",
        "crate::app",
        "crate::tools",
    ];
    assert_eq!(lines_with("gateway", &above), Vec::<String>::new());
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
    // Where samples come from is the one file that may ask.
    found.retain(|line| !line.contains("infer/samples.rs"));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_configuration_knows_no_layer() {
    let layers = ["crate::upstream", "crate::gateway", "crate::downstream"];
    assert_eq!(lines_with("config", &layers), Vec::<String>::new());
}

#[test]
fn only_the_configuration_reads_the_environment() {
    for folder in [
        "catalog",
        "upstream",
        "page",
        "gateway",
        "downstream",
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
        "Okta", "keycloak", "Keycloak", "gitlab", "GitLab", "Slack",
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
