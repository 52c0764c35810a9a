//! Broken configurations, one file each, and what is said of them.

use std::path::{Path, PathBuf};

use groupgate::config::{Environment, Loaded, load, load_text};
use rstest::rstest;

/// What stands where a secret must not, in the files under `tests/config`.
const LITERAL: &str = "hunter2";

/// The variables that every case has, and those that the file names in `#env` lines.
fn environment(text: &str) -> Environment {
    let common = [
        ("TOKEN", "a token"),
        ("CURSOR_KEY", "0123456789abcdef0123456789abcdef"),
    ];
    let own = text
        .lines()
        .filter_map(|line| line.strip_prefix("#env ")?.split_once('='));
    common.into_iter().chain(own).collect()
}

#[rstest]
fn a_broken_file_is_answered_with_what_is_wrong_and_where(
    #[files("tests/config/*.toml")] file: PathBuf,
) {
    let text = std::fs::read_to_string(&file).unwrap();
    let environment = environment(&text);
    let text = text.split("#env ").next().unwrap();
    let report = load_text("gateway.toml", text, environment).unwrap_err();

    let rendered = report.to_string();
    assert!(!rendered.contains(LITERAL), "{rendered}");
    assert!(!format!("{report:?}").contains(LITERAL), "{report:?}");
    let name = file.file_stem().unwrap().to_str().unwrap();
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "config", omit_expression => true }, {
        insta::assert_snapshot!(name, rendered);
    });
}
