//! Paths: which must start at the page's root, and which can lead anywhere at all.

use crate::config::Upstream;
use crate::config::upstream::Auth;
use crate::plan::Path;
use crate::plan::path::Anchor;
use crate::plan::{Location, RetryAfter, Rule, Success};
use crate::problem::{KeyPath, Problem, Problems};

pub(super) fn check(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    if let Some(success) = &upstream.success {
        check_success(&at.join("success"), success, problems);
    }
    if let Some(message) = &upstream.message {
        all_from_root(
            &at.join("message"),
            message.as_slice(),
            WHOLE_ANSWER,
            problems,
        );
    }
    check_answers(&at.join("answers"), &upstream.answers, problems);
    if let Auth::TokenExchange(exchange) = &upstream.auth {
        let at = at.join("auth");
        check_answers(&at.join("answers"), &exchange.answers, problems);
        location_from_root(
            &at.join("token"),
            &exchange.token,
            "a login's answer has no records",
            problems,
        );
        if let Some(success) = &exchange.success {
            check_success(&at.join("success"), success, problems);
        }
    }
}

fn check_success(at: &KeyPath, success: &Success, problems: &mut Problems) {
    const WHY: &str = "success is a matter of the whole page";
    all_from_root(&at.join("path"), success.path.as_slice(), WHY, problems);
    if let Some(message) = &success.message {
        all_from_root(&at.join("message"), message.as_slice(), WHY, problems);
    }
}

/// Why nothing about an answer's meaning can stand in a record.
const WHOLE_ANSWER: &str = "what an answer means is a matter of the whole of it";

fn check_answers(at: &KeyPath, rules: &[Rule], problems: &mut Problems) {
    for (index, rule) in rules.iter().enumerate() {
        let at = at.join(index.to_string());
        if let Some(path) = &rule.path {
            from_root(&at.join("path"), path, WHOLE_ANSWER, problems);
        }
        if let Some(message) = &rule.message {
            all_from_root(
                &at.join("message"),
                message.as_slice(),
                WHOLE_ANSWER,
                problems,
            );
        }
        match &rule.retry_after {
            Some(RetryAfter::Body { path, .. }) => {
                from_root(&at.join("retry_after"), path, WHOLE_ANSWER, problems);
            }
            Some(RetryAfter::Header { header, .. }) => {
                let at = at.join("retry_after").join("header");
                super::request::check_header_name(&at, header, problems);
            }
            None => {}
        }
    }
}

/// In XML `@name` is an attribute, and an attribute holds nothing but its value.
pub(super) fn through_attribute(at: &KeyPath, path: &Path, problems: &mut Problems) {
    let Some((_, elements)) = path.segments().split_last() else {
        return;
    };
    if let Some(attribute) = elements.iter().find(|name| name.starts_with('@')) {
        problems.push(Problem::new(
            at.clone(),
            format!("`{path}` leads through `{attribute}`, but an XML attribute has nothing in it"),
        ));
    }
}

pub(super) fn location_from_root(
    at: &KeyPath,
    location: &Location,
    why: &str,
    problems: &mut Problems,
) {
    match location {
        Location::Body(path) => from_root(at, path, why, problems),
        Location::Header { header } => {
            super::request::check_header_name(&at.join("header"), header, problems);
        }
    }
}

fn all_from_root(at: &KeyPath, paths: &[Path], why: &str, problems: &mut Problems) {
    for path in paths {
        from_root(at, path, why, problems);
    }
}

pub(super) fn from_root(at: &KeyPath, path: &Path, why: &str, problems: &mut Problems) {
    if path.anchor() == Anchor::Page {
        return;
    }
    let help = match path.segments() {
        [] => "`/` is the page itself".to_owned(),
        _ => format!("write `/{path}`, with a leading slash"),
    };
    problems.push(
        Problem::new(
            at.clone(),
            format!(
                "`{path}` starts at a record, but {why}: the path must start at the page's root"
            ),
        )
        .with_help(help),
    );
}
