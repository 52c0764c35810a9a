//! Every scheme, and what is told of it.

use super::*;
use crate::config::Environment;

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
    ];
    let told: Vec<_> = blocks
        .iter()
        .map(|block| auth_in(block).unwrap_err().join("\n"))
        .collect();
    insta::assert_snapshot!(told.join("\n--\n"));
}
