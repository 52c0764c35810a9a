//! Every scheme, and what is told of it.

use rstest::rstest;

use super::*;
use crate::config::Environment;
use crate::plan::{Absence, BodyFormat, Format};

/// What is decided of an `auth` block, in an environment that has `KEY`, `SECRET`, `ODD` and
/// `BROKEN`.
pub(crate) fn auth_in(toml: &str) -> Result<Auth, Vec<String>> {
    let upstream = format!(
        "base_url = 'https://example.com'\nrequest = {{ path = '/groups' }}\nrecords = '/'\n\
         fields = {{ id = 'id', name = 'name' }}\n[auth]\n{toml}"
    );
    let environment = Environment::from_iter([
        ("KEY", "AKIDEXAMPLE"),
        ("SECRET", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        ("ODD", "7Fjfp0ZBr1KtDRbnfVdmIw/+ é"),
        ("BROKEN", "line\nbreak"),
        // RFC 9421, appendices B.1.4 and B.1.5.
        (
            "RFC9421_ED25519",
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----",
        ),
        (
            "RFC9421_SECRET",
            "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==",
        ),
        ("S3_KEY", "AKIAIOSFODNN7EXAMPLE"),
        ("S3_SECRET", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ]);
    let mut problems = Problems::default();
    let auth = auth(
        &toml::from_str(&upstream).unwrap(),
        &KeyPath::new(["upstreams", "x"]),
        &SecretReader::new(&environment),
        &mut problems,
    );
    let problems: Vec<_> = problems
        .into_iter()
        .map(|problem| match &problem.help {
            Some(help) => format!("{}: {problem} ({help})", problem.at),
            None => format!("{}: {problem}", problem.at),
        })
        .collect();
    auth.filter(|_| problems.is_empty()).ok_or(problems)
}

const JSON: BodyFormat = BodyFormat::Decoded(Format::Json);

#[rstest]
#[case::token_in_the_body("token = '/token'", JSON)]
#[case::expiry_in_the_body("token = { header = 'x-token' }\nexpires = '/expires_in'", JSON)]
#[case::success_in_the_body(
    "token = { header = 'x-token' }\nsuccess = { path = '/ok', equals = true }",
    JSON
)]
#[case::nothing_in_the_body("token = { header = 'x-token' }\nexpires = '5m'", BodyFormat::Text)]
#[case::as_written("token = '/'\nanswer = 'text'", BodyFormat::Text)]
fn a_login_response_is_json_where_its_body_is_read(
    #[case] keys: &str,
    #[case] expected: BodyFormat,
) {
    let auth = auth_in(&format!(
        "type = 'token_exchange'\nrequest = {{ path = '/login' }}\n{keys}"
    ));
    assert_eq!(auth.unwrap().login().unwrap().rules.format, expected);
}

#[test]
fn a_login_inherits_success_but_need_not_state_it() {
    let upstream = "
        base_url = 'https://example.com'
        request = { path = '/groups' }
        records = '/'
        fields = { id = 'id', name = 'name' }
        message = '/error'
        success = { path = '/ok', equals = true, message = '/why' }
        auth = { type = 'token_exchange', request = { path = '/login' }, token = '/token' }
    ";
    let auth = auth(
        &toml::from_str(upstream).unwrap(),
        &KeyPath::default(),
        &SecretReader::new(&Environment::default()),
        &mut Problems::default(),
    );
    let auth = auth.unwrap();
    let rules = &auth.login().unwrap().rules;
    assert_eq!(rules.success.as_ref().unwrap().absent, Absence::Ok);
    let message: Vec<_> = rules.message.iter().map(ToString::to_string).collect();
    assert_eq!(message, ["/error", "/why"]);
}

#[test]
fn each_problem_is_told_at_its_key() {
    let blocks = [
        "type = 'bearer'\ntoken = { env = 'ABSENT' }",
        "type = 'bearer'\ntoken = { file = '/nowhere/token' }",
        "type = 'bearer'\ntoken = { env = 'BROKEN' }",
        "type = 'bearer'\nscheme = \"a\\nb\"\ntoken = { env = 'KEY' }",
        "type = 'basic'\nusername = 'a:b'\npassword = { env = 'ABSENT' }",
        "type = 'api_key'\nkey = { env = 'KEY' }",
        "type = 'api_key'\nkey = { env = 'KEY' }\nheader = 'x'\nquery = 'x'",
        "type = 'api_key'\nkey = { env = 'KEY' }\nheader = 'no header'",
        "type = 'api_key'\nkey = { env = 'BROKEN' }\nheader = 'x-key'",
        "type = 'token_exchange'\nrequest = { path = '/' }\ntoken = '/t'\nheader = 'a b'\nscheme = \"\\u0000\"",
        "type = 'aws_sigv4'\nregion = ''\nservice = \"s\\n3\"\naccess_key = { env = 'ABSENT' }\nsecret_key = { env = 'ABSENT' }",
        "type = 'hmac'\nkey_id = { env = 'KEY' }\nsecret = { env = 'SECRET' }\nstring_to_sign = '{verb}'\nheader = 'x {signature'",
        "type = 'hmac'\nkey_id = { env = 'KEY' }\nsecret = { env = 'SECRET' }\nstring_to_sign = '{date}{signature}'\nheader = '{key_id}'",
        "type = 'hmac'\nkey_id = { env = 'KEY' }\nsecret = { env = 'SECRET' }\nstring_to_sign = '{date}'\nheader = 'x {signature}'",
        "type = 'hmac'\nkey_id = { env = 'BROKEN' }\nsecret = { env = 'SECRET' }\nstring_to_sign = '{date}'\nheader = '{key_id} {signature}'\ndate = { header = 'x date', format = '%Q%' }",
        "type = 'hmac'\nkey_id = { env = 'KEY' }\nsecret = { env = 'ABSENT' }\nstring_to_sign = '{verb}{date}'\nheader = 'date}'\nheader_name = 'a b'",
        "type = 'hmac'\nkey_id = { env = 'KEY' }\nsecret = { env = 'SECRET' }\nstring_to_sign = '{short_date}{canonical_hash}{signed_headers}'\nquery = { a = '{canonical_path}' }\nderived_key = ['{canonical_query}']\ndate = { header = 'x', query = 'y', format = '%Y', short_format = '%Q' }",
        "type = 'hmac'\nkey_id = { env = 'KEY' }\nsecret = { env = 'ODD' }\nkey_encoding = 'hex'\nstring_to_sign = ''\nheader = '{signature}'\nquery = { a = '{signature}' }\nheaders = { 'a b' = '{signature}' }\nsigned_headers = ['a b']",
        "type = 'hmac'\nkey_id = { env = 'KEY' }\nsecret = { env = 'SECRET' }\nstring_to_sign = ''",
        "type = 'hmac'\nkey_id = { env = 'KEY' }\nsecret = { env = 'SECRET' }\nstring_to_sign = '{canonical_headers}'\nheader = '{signature}'\nsigned_headers = ['host', 'Authorization']",
        "type = 'http_message_signatures'\nkey_id = 'k'\nkey = { env = 'SECRET' }\nalgorithm = 'ed25519'",
        "type = 'http_message_signatures'\nkey_id = 'k'\nkey = { env = 'ODD' }\nkey_encoding = 'base64'\nalgorithm = 'hmac-sha256'",
        "type = 'http_message_signatures'\nkey_id = { env = 'BROKEN' }\nkey = { env = 'KEY' }\nalgorithm = 'hmac-sha256'\nlabel = 'Sig 1'\ncomponents = ['@methd', 'a b']",
        "type = 'digest'\nusername = { env = 'ABSENT' }\npassword = { env = 'ABSENT' }",
    ];
    let told: Vec<_> = blocks
        .iter()
        .map(|block| auth_in(block).unwrap_err().join("\n"))
        .collect();
    insta::assert_snapshot!(told.join("\n--\n"));
}
