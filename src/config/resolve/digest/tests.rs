use std::collections::BTreeMap;

use rcgen::{CertificateParams, DistinguishedName, DnType, Issuer, KeyPair};
use rstest::rstest;

use super::*;
use crate::config::{Environment, Settings};

const SECRETS: [(&str, &str); 16] = [
    ("COLLECTIONS_ID", "id"),
    ("COLLECTIONS_SECRET", "secret"),
    ("VINYL_KEY", "AKIDEXAMPLE"),
    ("VINYL_SECRET", "secret"),
    ("PUBLISHER_TOKEN", "t0ken"),
    ("ONLIVE_KEY", "key"),
    ("ONLIVE_SECRET", "secret"),
    ("TALLYFY_TOKEN", "t0ken"),
    ("TALLYFY_ORG", "org"),
    ("ORG", "alpha"),
    ("TOKEN", "t0ken"),
    ("USER", "gate"),
    ("PASSWORD", "pa55word"),
    ("CLIENT_SECRET", "s3cret"),
    ("SECRET_KEY", "s3cret"),
    ("ACCESS_KEY", "AKID"),
];

const BLOCK: &str = "
    base_url = 'https://club.example'
    records = '/teams'

    [fields]
    id = 'id'
    name = 'name'

    [request]
    path = '/orgs/{org}/teams'
    vars = { org = { env = 'ORG' } }
    query = { tag = 'x' }
    headers = { x-tenant = { env = 'USER' } }
";

const BEARER: &str = "auth = { type = 'bearer', token = { env = 'TOKEN' } }";
const BASIC: &str =
    "auth = { type = 'basic', username = { env = 'USER' }, password = { env = 'PASSWORD' } }";
const API_KEY: &str = "auth = { type = 'api_key', header = 'x-key', key = { env = 'TOKEN' } }";
const OAUTH2: &str = "auth = { type = 'oauth2_client_credentials', token_url = 'https://id.example/t', client_id = 'gate', client_secret = { env = 'CLIENT_SECRET' } }";
const SIGV4: &str = "auth = { type = 'aws_sigv4', region = 'r', service = 's', access_key = { env = 'ACCESS_KEY' }, secret_key = { env = 'SECRET_KEY' } }";
const HMAC: &str = "auth = { type = 'hmac', key_id = { env = 'ACCESS_KEY' }, secret = { env = 'SECRET_KEY' }, string_to_sign = '{date}', header = '{key_id} {signature}' }";
const LOGIN: &str = "auth = { type = 'token_exchange', token = '/token', request = { path = '/login', json = { user = { env = 'USER' }, password = { env = 'PASSWORD' } } } }";

fn environment(changed: &[(&str, &str)]) -> Environment {
    let changed: Environment = changed.iter().copied().collect();
    Environment::from_iter(SECRETS).overlaid(changed)
}

/// The digests of the usual block with a line more, where these variables have other values.
fn digests(more: &str, changed: &[(&str, &str)]) -> (Shape, Account) {
    let upstream = toml::from_str(&format!("{more}\n{BLOCK}")).unwrap();
    let environment = environment(changed);
    let account = account_of(&upstream, &SecretReader::new(&environment));
    (shape_of(&upstream), account.unwrap())
}

/// The digests of the usual block with one text replaced in it.
fn replaced(from: &str, to: &str) -> (Shape, Account) {
    assert!(BLOCK.contains(from), "{from}");
    let upstream = toml::from_str(&BLOCK.replace(from, to)).unwrap();
    let environment = environment(&[]);
    let account = account_of(&upstream, &SecretReader::new(&environment));
    (shape_of(&upstream), account.unwrap())
}

/// Whoever changes what is below loses every list on disk at the next release.
#[test]
fn the_shipped_settings_and_each_scheme_have_the_digests_they_always_had() {
    let settings: Settings = toml::from_str(include_str!("../../../../gateway.toml")).unwrap();
    let environment = environment(&[]);
    let secrets = SecretReader::new(&environment);
    let mut told = String::new();
    for (name, upstream) in &settings.upstreams {
        let account = account_of(upstream, &secrets).unwrap();
        told += &format!("{name}: shape {}, account {account}\n", shape_of(upstream));
    }
    for auth in [BEARER, BASIC, API_KEY, OAUTH2, SIGV4, HMAC, LOGIN] {
        let scheme = auth.split('\'').nth(1).unwrap();
        told += &format!("{scheme}: account {}\n", digests(auth, &[]).1);
    }
    insta::assert_snapshot!(told);
}

#[rstest]
#[case::var("", ("ORG", "beta"))]
#[case::header("", ("USER", "other"))]
#[case::bearer(BEARER, ("TOKEN", "other"))]
#[case::basic(BASIC, ("USER", "other"))]
#[case::api_key(API_KEY, ("TOKEN", "other"))]
#[case::sigv4(SIGV4, ("ACCESS_KEY", "other"))]
#[case::hmac(HMAC, ("ACCESS_KEY", "other"))]
#[case::login(LOGIN, ("PASSWORD", "other"))]
fn another_value_is_another_account_of_the_same_shape(
    #[case] auth: &str,
    #[case] changed: (&str, &str),
) {
    let (shape, account) = digests(auth, &[]);
    let (other_shape, other_account) = digests(auth, &[changed]);
    assert_eq!(shape, other_shape);
    assert_ne!(account, other_account);
}

#[rstest]
#[case::basic(BASIC, "PASSWORD")]
#[case::oauth2(OAUTH2, "CLIENT_SECRET")]
#[case::sigv4(SIGV4, "SECRET_KEY")]
#[case::hmac(HMAC, "SECRET_KEY")]
fn a_secret_that_is_rotated_keeps_the_account(#[case] auth: &str, #[case] secret: &str) {
    assert_eq!(digests(auth, &[]), digests(auth, &[(secret, "rotated")]));
}

#[rstest]
#[case::bearer(BEARER, "TOKEN")]
#[case::api_key(API_KEY, "TOKEN")]
#[case::login(LOGIN, "PASSWORD")]
fn an_account_with_a_name_keeps_it_whatever_is_rotated(#[case] auth: &str, #[case] secret: &str) {
    let named = format!("account = 'svc-groups'\n{auth}");
    let other = format!("account = 'svc-other'\n{auth}");
    let digest = digests(&named, &[]);
    assert_eq!(digest, digests(&named, &[(secret, "rotated")]));
    assert_ne!(digest, digests(&other, &[]));
    assert_ne!(
        digest,
        digests(&named, &[("ORG", "beta")]),
        "another tenant"
    );
}

#[test]
fn every_scheme_is_an_account_of_its_own() {
    let schemes = ["", BEARER, BASIC, API_KEY, OAUTH2, SIGV4, HMAC, LOGIN];
    let accounts = schemes.map(|auth| (digests(auth, &[]).1.to_string(), auth));
    assert_eq!(BTreeMap::from(accounts).len(), schemes.len());
}

#[rstest]
#[case::another_token("token = '/token'", "token = '/tokens/beta'")]
#[case::another_value("org = '/orgs/alpha'", "org = '/orgs/beta'")]
#[case::a_value_of_another_name("org = '/orgs/alpha'", "tenant = '/orgs/alpha'")]
#[case::a_header_instead("org = '/orgs/alpha'", "org = { header = '/orgs/alpha' }")]
#[case::a_cookie_instead("org = '/orgs/alpha'", "org = { cookie = '/orgs/alpha' }")]
#[case::no_value("org = '/orgs/alpha'", "")]
#[case::cookies("cookies = false", "cookies = true")]
fn what_is_taken_from_a_login_may_be_another_account(#[case] from: &str, #[case] to: &str) {
    let request = "request = { path = '/login' }";
    let login = format!(
        "type = 'token_exchange', {request}, token = '/token', values = {{ org = '/orgs/alpha' }}, cookies = false"
    );
    assert!(login.contains(from), "{from}");
    for auth in [
        |login: &str| format!("auth = {{ {login} }}"),
        |login: &str| {
            format!(
                "auth = {{ type = 'token_exchange', request = {{ path = '/' }}, token = '/t', chain = {{ a = {{ {login} }} }} }}"
            )
        },
    ] {
        let (shape, account) = digests(&auth(&login), &[]);
        let (other_shape, other_account) = digests(&auth(&login.replace(from, to)), &[]);
        assert_eq!(shape, other_shape);
        assert_ne!(account, other_account);
    }
}

#[test]
fn an_account_with_a_name_is_another_one_with_the_tenant_that_a_login_names() {
    let login = |at: &str| {
        format!(
            "account = 'svc-groups'\nauth = {{ type = 'token_exchange', request = {{ path = '/login' }}, values = {{ org = '{at}' }} }}"
        )
    };
    assert_ne!(
        digests(&login("/orgs/alpha"), &[]).1,
        digests(&login("/orgs/beta"), &[]).1
    );
}

/// The digests of the usual block that shows what is in this file.
fn showing(pem: &str) -> (Shape, Account) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gate.pem");
    let shown = format!(
        "connection = {{ client_certificate = '{}' }}",
        path.display()
    );
    std::fs::write(&path, pem).unwrap();
    digests(&shown, &[])
}

/// A certificate with a new key that an authority has issued, or that is signed by itself.
fn issued(subject: &str, names: &[&str], issuer: Option<&str>) -> String {
    let params_of = |subject: &str, names: &[&str]| {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = DistinguishedName::new();
        if !subject.is_empty() {
            params.distinguished_name.push(DnType::CommonName, subject);
        }
        params
    };
    let (params, key) = (params_of(subject, names), KeyPair::generate().unwrap());
    let certificate = match issuer {
        Some(issuer) => {
            let issuer = Issuer::new(params_of(issuer, &[]), KeyPair::generate().unwrap());
            params.signed_by(&key, &issuer)
        }
        None => params.self_signed(&key),
    };
    certificate.unwrap().pem()
}

#[rstest]
#[case::by_its_subject("gate", &[], Some("club CA"))]
#[case::by_its_names("", &["gate.example"], Some("club CA"))]
#[case::signed_by_itself("gate", &["gate.example"], None)]
fn a_certificate_that_is_renewed_keeps_the_account(
    #[case] subject: &str,
    #[case] names: &[&str],
    #[case] issuer: Option<&str>,
) {
    let pem = issued(subject, names, issuer);
    let renewed = issued(subject, names, issuer);
    assert_ne!(pem, renewed);
    assert_eq!(showing(&pem), showing(&renewed));
    // What follows it vouches for it, and says nothing of us.
    let chain = renewed + &issued("club CA", &[], None);
    assert_eq!(showing(&pem), showing(&chain));
}

#[rstest]
#[case::subject("other", &["gate.example"], Some("club CA"))]
#[case::names("gate", &["other.example"], Some("club CA"))]
#[case::no_names("gate", &[], Some("club CA"))]
#[case::issuer("gate", &["gate.example"], Some("guild CA"))]
fn a_certificate_for_somebody_else_is_another_account(
    #[case] subject: &str,
    #[case] names: &[&str],
    #[case] issuer: Option<&str>,
) {
    let (shape, account) = showing(&issued("gate", &["gate.example"], Some("club CA")));
    let (other_shape, other_account) = showing(&issued(subject, names, issuer));
    assert_eq!(shape, other_shape);
    assert_ne!(account, other_account);
    assert_ne!(account, digests("", &[]).1);
}

#[test]
fn a_certificate_that_names_nobody_is_known_by_what_is_in_its_file() {
    let nobody = || issued("", &[], Some("club CA"));
    for [one, other] in [[nobody(), nobody()], ["one", "two"].map(str::to_owned)] {
        assert_eq!(showing(&one), showing(&one));
        assert_ne!(showing(&one).1, showing(&other).1);
    }
}

#[test]
fn an_account_whose_secrets_cannot_be_read_is_none() {
    let upstream = toml::from_str(BLOCK).unwrap();
    let environment = Environment::default();
    assert!(account_of(&upstream, &SecretReader::new(&environment)).is_err());
}

#[rstest]
#[case("limits = { timeout = '9s', pages = 7, depth = 64 }")]
#[case("breaker = { enabled = false }")]
#[case("hedge = { after = '300ms' }")]
#[case("trace_context = false")]
#[case("conditional = true")]
#[case("ttl = '7s'\nmin_refresh = '1s'")]
#[case("required = true\nrefresh = 'background'\nshrink_guard = 0")]
#[case("message = '/error'")]
#[case("connection = { http = '1' }")]
fn how_an_upstream_is_treated_changes_neither(#[case] more: &str) {
    assert_eq!(digests(more, &[]), digests("", &[]));
}

#[rstest]
#[case("format = 'json'\nextra = 'keep'\npagination = { style = 'none' }")]
#[case("pushdown = { paged = true }\nanswers = []")]
#[case("auth = { type = 'none' }")]
fn a_default_that_is_written_out_changes_nothing(#[case] more: &str) {
    assert_eq!(digests(more, &[]), digests("", &[]));
}

#[test]
fn headers_of_all_requests_are_part_of_both() {
    let headers = |tenant: &str, token: &str| {
        let more = format!("headers = {{ x-org = '{tenant}', x-key = {{ env = 'TOKEN' }} }}");
        digests(&more, &[("TOKEN", token)])
    };
    let (shape, account) = headers("a", "one");
    assert_ne!(shape, digests("", &[]).0);
    assert_ne!(headers("b", "one").0, shape);
    let (same, other) = headers("a", "two");
    assert_eq!(same, shape);
    assert_ne!(other, account);
}

#[test]
fn lists_of_people_and_users_have_the_digests_they_always_had() {
    let request = "request = { path = '/{group.id}/people', query = { page = '{page}' } }";
    let people = "continuation = { path = '/more', query = { page = '{page}' } }, \
         records = { at = '/people', only = { path = 'kind', equals = 'user' } }, \
         pagination = { style = 'page', limit = 10 }, fields = { id = 'id', email = ['mail', 'login'] }";
    let told = ["members", "admins", "guests", "users"].map(|list| {
        let (shape, account) = digests(&format!("{list} = {{ {request}, {people} }}"), &[]);
        format!("{list}: shape {shape}, account {account}\n")
    });
    insta::assert_snapshot!(told.concat());
}

#[test]
fn a_list_of_people_that_is_not_asked_for_changes_nothing() {
    let members = |enabled: bool| {
        digests(
            &format!(
                "members = {{ enabled = {enabled}, request = {{ path = '/{{group.id}}/members' }}, \
                 records = '/', fields = {{ id = '.' }} }}"
            ),
            &[],
        )
    };
    assert_eq!(members(false), digests("", &[]));
    assert_ne!(members(true).0, digests("", &[]).0);
}

#[test]
fn who_has_which_address_shapes_the_list_and_how_many_may_be_missing_does_not() {
    let users = |more: &str| {
        digests(
            &format!(
                "users = {{ request = {{ path = '/users' }}, records = '/', fields = {{ id = 'id', email = 'mail' }}{more} }}"
            ),
            &[],
        )
    };
    assert_ne!(users("").0, digests("", &[]).0);
    assert_eq!(users(", unknown = 0.5"), users(""));
    assert_ne!(users(", pagination = { style = 'link' }").0, users("").0);
}

#[test]
fn a_table_that_says_no_more_than_a_path_is_one() {
    assert_eq!(replaced("'/teams'", "{ at = '/teams' }"), digests("", &[]));
    assert_eq!(
        replaced("name = 'name'", "name = [{ path = 'name' }]"),
        digests("", &[])
    );
}

#[rstest]
#[case::field("'name'", "'title'")]
#[case::conversion("'name'", "{ path = 'name', null = '-' }")]
#[case::records("'/teams'", "{ at = '/teams', absent = 'empty' }")]
fn another_mapping_is_another_shape_of_the_same_account(#[case] from: &str, #[case] to: &str) {
    let (shape, account) = digests("", &[]);
    let (other_shape, other_account) = replaced(from, to);
    assert_ne!(shape, other_shape);
    assert_eq!(account, other_account);
}

#[rstest]
#[case::host("club.example", "club2.example")]
#[case::path("/orgs/{org}/teams", "/orgs/{org}/groups")]
#[case::query("tag = 'x'", "tag = 'y'")]
#[case::a_text_instead_of_a_secret("{ env = 'ORG' }", "'alpha'")]
fn another_request_may_ask_about_another_tenant(#[case] from: &str, #[case] to: &str) {
    let (shape, account) = digests("", &[]);
    let (other_shape, other_account) = replaced(from, to);
    assert_ne!(shape, other_shape);
    assert_ne!(account, other_account);
}

#[rstest]
#[case("extra = 'drop'")]
#[case("pagination = { style = 'cursor', next = '/next' }")]
#[case("success = { path = '/status', equals = 200 }")]
#[case("answers = [{ status = 404, means = 'end' }]")]
#[case("pushdown = { search = { matches = 'contains', in = ['name'] } }")]
#[case("continuation = { path = '/more' }")]
fn whatever_may_bring_other_groups_is_another_shape(#[case] more: &str) {
    assert_ne!(digests(more, &[]).0, digests("", &[]).0);
}

#[test]
fn a_number_in_a_body_is_not_the_text_that_looks_like_it() {
    let body = |json: &str| {
        replaced(
            "query =",
            &format!("method = 'POST'\njson = {json}\nquery ="),
        )
    };
    let different = [
        "{ a = 1 }",
        "{ a = '1' }",
        "{ a = 1.5 }",
        "{ a = '1.5' }",
        "{}",
        "[]",
        "true",
    ];
    let shapes = different.map(|json| (body(json).0.to_string(), json));
    assert_eq!(BTreeMap::from(shapes).len(), different.len());
}
