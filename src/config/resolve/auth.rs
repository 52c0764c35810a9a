//! Auth schemes: what their keys cannot mean together.

use crate::config::upstream::{ApiKeyAuth, Auth, AwsSigv4Auth, BasicAuth, HmacAuth, Text};
use crate::plan::placeholder::{Piece, scan};
use crate::problem::{KeyPath, Problem, Problems};

use super::placeholders::{self, unknown_placeholder};
use super::request::{check_base_url, check_header_name, check_header_value};

pub(super) fn check(at: &KeyPath, auth: &Auth, problems: &mut Problems) {
    match auth {
        Auth::None => {}
        Auth::Bearer(bearer) => {
            check_header_value(&at.join("scheme"), &bearer.scheme, problems);
        }
        Auth::Basic(basic) => check_basic(at, basic, problems),
        Auth::ApiKey(api_key) => check_api_key(at, api_key, problems),
        Auth::TokenExchange(exchange) => {
            check_header_name(&at.join("header"), &exchange.header, problems);
            check_header_value(&at.join("scheme"), &exchange.scheme, problems);
        }
        Auth::Oauth2ClientCredentials(oauth2) => {
            check_base_url(&at.join("token_url"), &oauth2.token_url, problems);
        }
        Auth::AwsSigv4(aws) => check_sigv4(at, aws, problems),
        Auth::Hmac(hmac) => check_hmac(at, hmac, problems),
    }
}

fn check_sigv4(at: &KeyPath, aws: &AwsSigv4Auth, problems: &mut Problems) {
    for (index, name) in aws.sign_headers.iter().enumerate() {
        let at = at.join("sign_headers").join(index.to_string());
        check_header_name(&at, name, problems);
        if name.eq_ignore_ascii_case("authorization") {
            problems.push(Problem::new(
                at,
                "`authorization` carries the signature, so it cannot be signed",
            ));
        }
    }
}

fn check_basic(at: &KeyPath, basic: &BasicAuth, problems: &mut Problems) {
    if let Text::Literal(username) = &basic.username
        && username.contains(':')
    {
        problems.push(Problem::new(
            at.join("username"),
            format!("`{username}` has a colon, which ends the user's name (RFC 7617)"),
        ));
    }
}

fn check_api_key(at: &KeyPath, api_key: &ApiKeyAuth, problems: &mut Problems) {
    match (&api_key.header, &api_key.query) {
        (Some(header), None) => check_header_name(&at.join("header"), header, problems),
        (None, Some(_)) => {}
        (None, None) => problems.push(
            Problem::new(at.clone(), "an API key needs a place to go to")
                .with_help("name exactly one of `header` and `query`"),
        ),
        (Some(_), Some(_)) => problems.push(
            Problem::new(
                at.join("query"),
                "an API key goes to a header or to the query, not to both",
            )
            .with_help("name exactly one of `header` and `query`"),
        ),
    }
}

/// What may stand in the string to sign.
const SIGNED: [&str; 7] = [
    "method",
    "path",
    "query",
    "date",
    "body_hash",
    "host",
    "key_id",
];

fn check_hmac(at: &KeyPath, hmac: &HmacAuth, problems: &mut Problems) {
    let without_date = |name: &&str| hmac.date.is_some() || *name != "date";
    let signed: Vec<&str> = SIGNED.into_iter().filter(without_date).collect();
    let shown: Vec<&str> = signed.iter().copied().chain(["signature"]).collect();
    check_template(
        &at.join("string_to_sign"),
        &hmac.string_to_sign,
        &signed,
        problems,
    );
    check_template(&at.join("header"), &hmac.header, &shown, problems);
    if let Ok(pieces) = scan(&hmac.header)
        && !pieces.contains(&Piece::Placeholder("signature".to_owned()))
    {
        problems.push(
            Problem::new(
                at.join("header"),
                "the signature stands nowhere in the header",
            )
            .with_help("write `{signature}` where it belongs"),
        );
    }
    check_header_value(&at.join("header"), &hmac.header, problems);
    check_header_name(&at.join("header_name"), &hmac.header_name, problems);
    if let Some(date) = &hmac.date {
        check_header_name(&at.join("date").join("header"), &date.header, problems);
    }
}

fn check_template(at: &KeyPath, text: &str, known: &[&str], problems: &mut Problems) {
    let pieces = match scan(text) {
        Ok(pieces) => pieces,
        Err(error) => return problems.push(placeholders::brace(at, &error)),
    };
    for piece in pieces {
        match piece {
            Piece::Placeholder(name) if name == "date" && !known.contains(&"date") => {
                problems.push(
                    Problem::new(at.clone(), "`{date}` stands here, but `date` is not set")
                        .with_help(
                            "set `date = { header = \"x-date\", format = \"%Y%m%dT%H%M%SZ\" }`",
                        ),
                );
            }
            Piece::Placeholder(name) if !known.contains(&name.as_str()) => {
                problems.push(unknown_placeholder(at, &name, known));
            }
            Piece::Placeholder(_) | Piece::Literal(_) => {}
        }
    }
}
