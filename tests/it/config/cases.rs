//! Broken files, each with what is wrong written beside the faulty line.
//!
//! A case is a file `tests/config/NAME.toml`:
//!
//! ```toml
//! # env GROUPGATE__SERVER__DEADLINE=10
//! # error outside the file: environment variable `GROUPGATE__SERVER__DEADLINE`: `10` is not …
//! [upstreams.staff]
//! # error: `api.example.com` is not a URL …
//! base_url = "api.example.com"
//! # error at `timeout = "10 parsecs"`: `10 parsecs` is not a duration …
//! # help: write a number and a unit
//! limits = { timeout = "10 parsecs" }
//! ```
//!
//! - `# error: MESSAGE` stands above a line that is wrong as a whole.
//! - ``# error at `PART`: MESSAGE`` marks a part of the line. Where the line has that part more than
//!   once, ``# error at `PART` (column N): MESSAGE`` says which. `# error at column N: MESSAGE`
//!   marks a place between two characters.
//! - `# help: TEXT` belongs to the `# error` above it.
//! - `# shown: LINE` is how reports show the line below, where they mask something in it.
//! - `# error outside the file: MESSAGE` stands at the head, for problems without a line.
//! - `# env NAME=VALUE` sets a variable for the case.
//!
//! These lines are taken out before the file is loaded, so a comment never changes a case. The test
//! then writes them anew from the report and compares the two files as a whole: every problem must
//! be annotated, and every annotation must be true.
//!
//! After changing a message, or for a new case without annotations:
//!
//! ```sh
//! INSTA_UPDATE=always cargo test --test it broken_file
//! ```
//!
//! and read the difference before committing it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use groupgate::config::{Environment, FaultyLine, Report, ReportedProblem, load_text};
use rstest::rstest;

/// What stands where a secret must not.
const LITERAL: &str = "hunter2";

/// What the lines begin with that are not part of the file under test.
const ANNOTATIONS: [&str; 4] = ["# env ", "# error", "# help: ", "# shown: "];

#[rstest]
fn a_broken_file_is_answered_with_its_annotations(#[files("tests/config/*.toml")] file: PathBuf) {
    let written = std::fs::read_to_string(&file).unwrap();
    let report = report(&written);

    let expected = annotate(&written, &report);
    let may_update = Environment::from_process().get("INSTA_UPDATE") == Some("always");
    if written != expected && may_update {
        std::fs::write(&file, &expected).unwrap();
        return;
    }
    assert!(
        written == expected,
        "{} should read (or run again with INSTA_UPDATE=always):\n\n{expected}",
        file.display()
    );
}

/// The text of a report: the drawings that people see.
#[rstest]
#[case::a_secret_is_masked_in_the_shown_line("secret_literal_in_login")]
#[case::a_secret_of_many_lines("secret_literal_of_many_lines")]
#[case::several_problems_at_once("children_of_no_record")]
#[case::a_syntax_error_at_the_end_of_a_line("syntax_unclosed_string")]
#[case::a_preset_and_the_block_over_it("preset_overridden_to_no_sense")]
#[case::environment_variables("environment_bad_value")]
fn a_report_draws(#[case] name: &str) {
    let file = Path::new("tests/config").join(name).with_extension("toml");
    let rendered = report(&std::fs::read_to_string(file).unwrap()).to_string();
    insta::with_settings!({
        prepend_module_to_snapshot => false,
        snapshot_path => "../../config",
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, rendered);
    });
}

/// What the loader reports of a case.
fn report(written: &str) -> Report {
    let variables = written
        .lines()
        .filter_map(|line| line.strip_prefix("# env ")?.split_once('='));
    let common = [
        ("TOKEN", "a token"),
        ("CURSOR_KEY", "0123456789abcdef0123456789abcdef"),
    ];
    let environment: Environment = common.into_iter().chain(variables).collect();
    let text: String = under_test(written)
        .map(|line| format!("{line}\n"))
        .collect();

    let report = load_text("gateway.toml", &text, environment).unwrap_err();

    let rendered = report.to_string();
    assert!(!rendered.contains(LITERAL), "{rendered}");
    assert!(!format!("{report:?}").contains(LITERAL), "{report:?}");
    assert!(rendered.is_ascii(), "{rendered}");
    for problem in report.problems() {
        assert!(
            rendered.contains(&drawn(&problem)),
            "{problem:?}\n{rendered}"
        );
    }
    report
}

/// The lines of a case that are loaded.
fn under_test(written: &str) -> impl Iterator<Item = &str> {
    let is_annotation = |line: &str| ANNOTATIONS.iter().any(|start| line.starts_with(start));
    written.lines().filter(move |line| !is_annotation(line))
}

/// How a problem begins where it is drawn.
fn drawn(problem: &ReportedProblem<'_>) -> String {
    let Some(line) = &problem.line else {
        return format!("  x {}\n", problem.message);
    };
    let FaultyLine {
        number, text, span, ..
    } = line;
    let margin = " ".repeat(number.to_string().len() + 1);
    let column = span.start + 1;
    format!(
        "  x {}\n{margin} ,-[gateway.toml:{number}:{column}]\n {number} | {text}\n",
        problem.message
    )
}

/// A case with the annotations that its report calls for.
fn annotate(written: &str, report: &Report) -> String {
    let mut problems = report.problems().peekable();
    let mut annotated = String::new();
    for line in written.lines().filter(|line| line.starts_with("# env ")) {
        let _ = writeln!(annotated, "{line}");
    }
    // One more line than there is: a problem may lie at the end of the file.
    let lines = under_test(written).map(Some).chain([None]);
    for (before, line) in lines.enumerate() {
        let is_here = |problem: &ReportedProblem<'_>| {
            (problem.line.as_ref()).is_none_or(|at| at.number <= before + 1)
        };
        let mut shown = line;
        while let Some(problem) = problems.next_if(is_here) {
            annotated.push_str(&annotation(&problem));
            shown = problem.line.map(|line| line.text).or(shown);
        }
        if let Some(masked) = shown.filter(|_| shown != line) {
            let _ = writeln!(annotated, "# shown: {masked}");
        }
        if let Some(line) = line {
            let _ = writeln!(annotated, "{line}");
        }
    }
    assert_eq!(problems.next(), None, "a problem after the end of the file");
    annotated
}

/// The annotation of one problem.
fn annotation(problem: &ReportedProblem<'_>) -> String {
    let mut text = match &problem.line {
        None => "# error outside the file: ".to_owned(),
        Some(line) => format!("# error{}: ", place(line)),
    };
    let _ = writeln!(text, "{}", problem.message);
    if let Some(help) = problem.help {
        let _ = writeln!(text, "# help: {help}");
    }
    text
}

/// Which part of a line is wrong; nothing where all of it is.
fn place(line: &FaultyLine<'_>) -> String {
    let part = &line.text[line.span.clone()];
    if part == line.text.trim() {
        return String::new();
    }
    let column = line.span.start + 1;
    match line.text.matches(part).count() {
        _ if part.is_empty() => format!(" at column {column}"),
        1 => format!(" at `{part}`"),
        _ => format!(" at `{part}` (column {column})"),
    }
}
