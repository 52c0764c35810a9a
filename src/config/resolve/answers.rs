//! What responses mean: the rules over them, and those that say nothing or two things at once.

use super::paths::from_root;
use super::request::check_header_name;
use crate::config::Upstream;
use crate::config::upstream::TokenExchangeAuth;
use crate::plan::{
    Absence, BodyFormat, ClassifyRules, Expiry, Format, LoginLocation, Meaning, OneOrMany, Path,
    RetryAfter, Rule, Scalar, StatusPattern, Success,
};
use crate::problem::{KeyPath, Problem, Problems};

/// Why nothing about an answer's meaning can stand in a record.
const WHOLE_ANSWER: &str = "what an answer means is a matter of the whole of it";

/// Decides what the responses mean that list groups. The upstream's block stands at `at`.
pub(crate) fn classify_rules(
    upstream: &Upstream,
    at: &KeyPath,
    problems: &mut Problems,
) -> ClassifyRules {
    if let Some(success) = &upstream.success {
        check_success(&at.join("success"), success, problems);
    }
    if let Some(message) = &upstream.message {
        all_from_root(&at.join("message"), message, WHOLE_ANSWER, problems);
    }
    check_paths(&at.join("answers"), &upstream.answers, problems);
    let embedded = upstream.embedded.as_ref();
    if let Some(embedded) = embedded {
        check_embedded(&at.join("embedded"), embedded, upstream.format, problems);
    }
    ClassifyRules {
        format: BodyFormat::Decoded(upstream.format),
        strip_prefix: upstream.strip_prefix.clone(),
        embedded: embedded.map_or_else(Vec::new, |paths| paths.as_slice().to_vec()),
        rules: upstream.answers.clone(),
        success: upstream.success.clone(),
        message: message(upstream, upstream.success.as_ref()),
    }
}

fn check_embedded(
    at: &KeyPath,
    embedded: &OneOrMany<Path>,
    format: Format,
    problems: &mut Problems,
) {
    all_from_root(
        at,
        embedded,
        "strings are looked for in the whole page",
        problems,
    );
    if !format.is_json() {
        problems.push(
            Problem::new(
                at.clone(),
                format!("only JSON is read within a string of JSON, and `format` is `{format}`"),
            )
            .with_help("leave it out"),
        );
    }
}

/// Decides what the responses to a login mean, whose block stands at `at`.
pub(super) fn login_rules(
    login: &TokenExchangeAuth,
    upstream: &Upstream,
    at: &KeyPath,
    problems: &mut Problems,
) -> ClassifyRules {
    if let Some(success) = &login.success {
        check_success(&at.join("success"), success, problems);
    }
    check_paths(&at.join("answers"), &login.answers, problems);
    let success = login_success(login, upstream);
    ClassifyRules {
        format: login_format(login),
        strip_prefix: upstream.strip_prefix.clone(),
        embedded: Vec::new(),
        rules: login.answers.clone(),
        message: message(upstream, success.as_ref()),
        success,
    }
}

/// What the responses of a token endpoint mean: RFC 6749, section 5, leaves nothing to decide.
pub(super) fn token_endpoint_rules() -> ClassifyRules {
    ClassifyRules {
        format: BodyFormat::Decoded(Format::Json),
        strip_prefix: None,
        embedded: Vec::new(),
        rules: Vec::new(),
        success: None,
        message: ["/error_description", "/error"]
            .iter()
            .filter_map(|path| path.parse().ok())
            .collect(),
    }
}

/// What the responses to an exchange of a caller's token mean. Only what concerns that token is the caller's
/// refusal; another error (RFC 6749, section 5.2, RFC 8693, section 2.2.2) is one of our settings.
pub(super) fn caller_exchange_rules() -> ClassifyRules {
    let paths = ["/error_description", "/error"].map(|path| path.parse::<Path>().ok());
    let [description, error] = paths;
    let statuses = [400, 401, 403, 422].map(StatusPattern::Code);
    let rule = |means| Rule {
        status: Some(OneOrMany::Many(statuses.to_vec())),
        header: None,
        path: None,
        equals: None,
        content_type: None,
        means,
        retry_after: None,
        message: error.clone().map(OneOrMany::One),
    };
    let of_the_token = ["invalid_grant", "invalid_request", "invalid_token"];
    let refused = Rule {
        path: error.clone(),
        equals: Some(OneOrMany::Many(
            of_the_token.map(|word| Scalar(word.to_owned())).to_vec(),
        )),
        message: description.map(OneOrMany::One),
        ..rule(Meaning::Unauthorized)
    };
    ClassifyRules {
        rules: vec![refused, rule(Meaning::Failed)],
        ..token_endpoint_rules()
    }
}

/// The format of a login's responses. Where only headers matter, the body may be anything, or empty.
pub(super) fn login_format(login: &TokenExchangeAuth) -> BodyFormat {
    let expires = match &login.expires {
        Some(Expiry::At(location, _)) => Some(location),
        Some(Expiry::Jwt | Expiry::After(_)) | None => None,
    };
    let mut locations = login
        .token
        .iter()
        .chain(expires)
        .chain(login.values.values());
    let reads_body = locations.any(|location| matches!(location, LoginLocation::Body(_)))
        || login.success.is_some();
    match login.answer {
        Some(format) => format.into(),
        None if reads_body => BodyFormat::Decoded(Format::Json),
        None => BodyFormat::Text,
    }
}

/// How a login's response tells success. Upstreams that report errors under 200 do so for logins
/// too, but their logins need not say that they succeeded: the token is there or it is not.
fn login_success(login: &TokenExchangeAuth, upstream: &Upstream) -> Option<Success> {
    login.success.clone().or_else(|| {
        upstream.success.clone().map(|success| Success {
            absent: Absence::Ok,
            ..success
        })
    })
}

/// Where a failure is explained, the upstream's own paths before those of `success`.
fn message(upstream: &Upstream, success: Option<&Success>) -> Vec<Path> {
    let declared = [
        upstream.message.as_ref(),
        success.and_then(|success| success.message.as_ref()),
    ];
    let paths = declared.into_iter().flatten().map(OneOrMany::as_slice);
    paths.flatten().cloned().collect()
}

fn check_success(at: &KeyPath, success: &Success, problems: &mut Problems) {
    const WHY: &str = "success is a matter of the whole page";
    all_from_root(&at.join("path"), &success.path, WHY, problems);
    if let Some(message) = &success.message {
        all_from_root(&at.join("message"), message, WHY, problems);
    }
}

fn check_paths(at: &KeyPath, rules: &[Rule], problems: &mut Problems) {
    for (index, rule) in rules.iter().enumerate() {
        let at = at.join(index.to_string());
        if let Some(path) = &rule.path {
            from_root(&at.join("path"), path, WHOLE_ANSWER, problems);
        }
        if let Some(message) = &rule.message {
            all_from_root(&at.join("message"), message, WHOLE_ANSWER, problems);
        }
        match &rule.retry_after {
            Some(RetryAfter::Body { path, .. }) => {
                from_root(&at.join("retry_after"), path, WHOLE_ANSWER, problems);
            }
            Some(RetryAfter::Header { header, .. }) => {
                check_header_name(&at.join("retry_after").join("header"), header, problems);
            }
            None => {}
        }
    }
}

fn all_from_root(at: &KeyPath, paths: &OneOrMany<Path>, why: &str, problems: &mut Problems) {
    for path in paths.as_slice() {
        from_root(at, path, why, problems);
    }
}

/// Checks each rule, and that its keys fit together.
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
