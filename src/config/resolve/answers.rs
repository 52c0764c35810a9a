//! Rules over answers: those that say nothing, or two things at once.

use super::request::check_header_name;
use crate::plan::{Meaning, Rule};
use crate::problem::{KeyPath, Problem, Problems};

pub(super) fn check(at: &KeyPath, rules: &[Rule], problems: &mut Problems) {
    for (index, rule) in rules.iter().enumerate() {
        check_rule(&at.join(index.to_string()), rule, problems);
    }
}

/// Checks the rules for a login's answers, which are no list.
pub(super) fn check_login(at: &KeyPath, rules: &[Rule], problems: &mut Problems) {
    check(at, rules, problems);
    for (index, rule) in rules.iter().enumerate() {
        if rule.means == Meaning::End {
            problems.push(
                Problem::new(
                    at.join(index.to_string()).join("means"),
                    "a login brings no list that could end",
                )
                .with_help("one of: `ok`, `retry`, `rate_limited`, `unauthorized`, `failed`"),
            );
        }
    }
}

fn check_rule(at: &KeyPath, rule: &Rule, problems: &mut Problems) {
    let is_empty = rule.status.is_none()
        && rule.header.is_none()
        && rule.path.is_none()
        && rule.content_type.is_none();
    if let (None, Some(_)) = (&rule.path, &rule.equals) {
        problems.push(
            Problem::new(at.join("equals"), "nothing says where this must stand")
                .with_help("name its `path`; what a header must say stands in `header`"),
        );
    } else if is_empty {
        problems.push(
            Problem::new(at.clone(), "a rule without a condition fits every answer")
                .with_help("name at least one of `status`, `header`, `path` and `content_type`"),
        );
    }
    if let Some(header) = &rule.header {
        check_header_name(&at.join("header").join("name"), &header.name, problems);
    }
    if rule.retry_after.is_some() && !rule.means.is_transient() {
        problems.push(
            Problem::new(
                at.join("retry_after"),
                "nobody waits after an answer of this meaning",
            )
            .with_help("`retry_after` belongs to `means = \"rate_limited\"` or `\"retry\"`"),
        );
    }
    if rule.message.is_some() && !rule.means.is_failure() {
        problems.push(Problem::new(
            at.join("message"),
            "an answer of this meaning has nothing to explain",
        ));
    }
}
