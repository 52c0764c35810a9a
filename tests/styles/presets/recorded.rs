//! Recorded answers: an HTTP answer as text, after a line of comment.

use std::path::{Path, PathBuf};

use http::Response;

/// The folder of a preset's answers.
fn folder(preset: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/presets")
        .join(preset)
}

/// The names of a preset's answers.
pub(crate) fn names(preset: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder(preset))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// Whether an answer is to the request for groups, and not to one beside it.
pub(crate) fn is_of_groups(name: &str) -> bool {
    !matches!(name, "count" | "login" | "partitions" | "token") && !name.starts_with("members_")
}

/// Reads one of a preset's answers, as one that came from `origin`.
pub(crate) fn read(preset: &str, name: &str, origin: &str) -> Response<String> {
    let path = folder(preset).join(name).with_extension("http");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let text = text.replace("{origin}", origin);
    let (head, body) = text.split_once("\n\n").unwrap();
    let mut lines = head.lines().skip_while(|line| line.starts_with('#'));
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let response = lines.fold(Response::builder().status(status), |response, line| {
        let (name, value) = line.split_once(':').unwrap();
        response.header(name, value.trim())
    });
    response.body(body.to_owned()).unwrap()
}
