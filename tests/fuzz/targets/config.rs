//! A text is a configuration, or has problems that can be found in it.

use groupgate::config::{Environment, load_text};

/// What must never be shown: a literal where a secret belongs.
const SECRET: &str = "correct-horse-battery-staple";

/// The head of a file that holds a secret, before whatever comes.
const HEAD: &str =
    "[upstreams.head]\nauth = { type = \"bearer\", token = \"correct-horse-battery-staple\" }\n";

/// The text alone, and behind a secret.
pub(crate) fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    load(&text);
    let shown = load(&format!("{HEAD}{text}")).expect("a literal secret is refused");
    assert!(!shown.contains(SECRET), "{shown}");
}

/// What is said of a text that is refused, after a context at whether it can be found.
fn load(text: &str) -> Option<String> {
    let loaded = load_text("fuzz.toml", text, Environment::default());
    let report = match loaded {
        Ok(loaded) => {
            assert!(!loaded.settings.upstreams.is_empty());
            return None;
        }
        Err(report) => report,
    };
    let shown = report.render(false);
    let problems = shown
        .lines()
        .filter(|line| line.starts_with("  x "))
        .count();
    assert!(problems > 0, "it is refused without a reason: {shown}");
    // A carriage return alone, which TOML refuses, ends a line for whoever shows it.
    let lines = text.replace("\r\n", "\n").split(['\n', '\r']).count();
    for place in shown.split(",-[fuzz.toml:").skip(1) {
        let place = place.split(']').next().expect("a place ends");
        let (line, column) = place
            .split_once(':')
            .expect("a place has a line and a column");
        let line: usize = line.parse().expect("a line is a number");
        let column: usize = column.parse().expect("a column is a number");
        assert!(
            (1..=lines).contains(&line) && column >= 1,
            "{place} of {lines}: {shown}"
        );
    }
    // What an empty file lacks stands nowhere in it.
    let places = shown.matches(",-[fuzz.toml:").count();
    let nowhere = shown
        .matches("no upstreams: there is nothing to ask")
        .count();
    assert!(
        places + nowhere >= problems,
        "a problem has no place: {shown}"
    );
    Some(shown)
}
