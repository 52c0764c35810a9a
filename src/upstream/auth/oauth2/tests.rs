//! Token requests of every grant, and what their answers say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::plan::{Auth, Format, Grant};
use crate::upstream::auth::tests::resolve;

const NOW: &str = "2026-11-21T09:30:00Z";

/// The client of a grant, whose type and other keys these are.
fn client(grant: &str, keys: &str) -> Oauth2Client {
    let toml = format!("type = '{grant}'\ntoken_url = 'https://id.example/token'\n{keys}");
    let Auth::Token(token) = resolve(&toml).unwrap() else {
        unreachable!("it logs in")
    };
    match token.login.grant {
        Grant::Oauth2(client) | Grant::CallerToken(client) => client,
        Grant::Exchange(_) => unreachable!("it is a grant"),
    }
}

fn request(client: &Oauth2Client, refresh_token: Option<&str>) -> Request<Bytes> {
    let masks = Masks::default();
    let refresh_token = refresh_token.map(SecretString::from);
    let given = Given {
        refresh_token: refresh_token.as_ref(),
        subject: None,
        now: NOW.parse().unwrap(),
        masks: &masks,
    };
    client.token_request(given).unwrap()
}

/// The user and the password of a request's header.
fn pair(request: &Request<Bytes>) -> Option<String> {
    let value = request.headers().get(AUTHORIZATION)?;
    assert!(value.is_sensitive());
    let pair = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
    Some(String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap())
}

const ID: &str = "client_id = 's6:Bhd'\n";
const BOTH: &str = "client_id = 's6:Bhd'\nclient_secret = { env = 'ODD' }\n";

#[rstest]
#[case::unscoped(
    BOTH,
    "grant_type=client_credentials",
    Some("s6%3ABhd:7Fjfp0ZBr1KtDRbnfVdmIw%2F%2B+%C3%A9")
)]
#[case::scope(
    "client_id = 'a'\nclient_secret = { env = 'KEY' }\nscope = 'groups.read users.read'",
    "grant_type=client_credentials&scope=groups.read+users.read",
    Some("a:AKIDEXAMPLE")
)]
#[case::unencoded(
    "client_id = 's6:Bhd'\nclient_secret = { env = 'ODD' }\nclient_auth = 'client_secret_basic_unencoded'",
    "grant_type=client_credentials",
    Some("s6:Bhd:7Fjfp0ZBr1KtDRbnfVdmIw/+ é")
)]
#[case::in_the_body(
    "client_id = 's6:Bhd'\nclient_secret = { env = 'ODD' }\nclient_auth = 'client_secret_post'",
    "grant_type=client_credentials&client_id=s6%3ABhd&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw%2F%2B+%C3%A9",
    None
)]
#[case::a_public_client("client_id = 'a'", "grant_type=client_credentials&client_id=a", None)]
#[case::all_that_it_asks_for(
    "client_id = 'a'\naudience = 'https://api.example/'\nresource = 'urn:x'\nscope = 's'\nparameters = { tenant = '7', x_token = { env = 'KEY' } }",
    "grant_type=client_credentials&audience=https%3A%2F%2Fapi.example%2F&resource=urn%3Ax&scope=s&client_id=a&tenant=7&x_token=AKIDEXAMPLE",
    None
)]
fn client_credentials_are_sent_as_the_client_authenticates(
    #[case] keys: &str,
    #[case] body: &str,
    #[case] credentials: Option<&str>,
) {
    let client = client("oauth2_client_credentials", keys);
    let request = request(&client, None);
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.uri(), "https://id.example/token");
    assert_eq!(request.body(), body);
    assert_eq!(pair(&request).as_deref(), credentials);
    assert_eq!(
        request.headers()[CONTENT_TYPE],
        "application/x-www-form-urlencoded"
    );
    assert!(!format!("{client:?}").contains("7Fjfp0"));
}

#[test]
fn a_user_s_password_and_a_refresh_token_are_grants_of_their_own() {
    let password = "username = 'ann'\npassword = { env = 'ODD' }";
    let body = |grant, keys: &str, returned| {
        let request = request(&client(grant, keys), returned);
        String::from_utf8(request.body().to_vec()).unwrap()
    };
    assert_eq!(
        body("oauth2_password", &format!("{ID}{password}"), None),
        "grant_type=password&username=ann&password=7Fjfp0ZBr1KtDRbnfVdmIw%2F%2B+%C3%A9&client_id=s6%3ABhd"
    );
    assert_eq!(
        body("oauth2_password", password, None),
        "grant_type=password&username=ann&password=7Fjfp0ZBr1KtDRbnfVdmIw%2F%2B+%C3%A9"
    );
    let refresh = format!("{BOTH}refresh_token = {{ env = 'KEY' }}");
    let written = "grant_type=refresh_token&refresh_token=AKIDEXAMPLE";
    assert_eq!(body("oauth2_refresh_token", &refresh, None), written);
    assert_eq!(
        body("oauth2_refresh_token", &refresh, Some("r/2")),
        "grant_type=refresh_token&refresh_token=r%2F2"
    );
}

/// The header and the claims of a token that is signed with a shared secret, once it is verified.
fn verified(request: &Request<Bytes>, parameter: &str) -> (Value, Value) {
    let mut parameters = form_urlencoded::parse(request.body());
    let (_, token) = parameters.find(|(name, _)| name == parameter).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let key = jsonwebtoken::DecodingKey::from_secret(b"AKIDEXAMPLE").unwrap();
    let algorithm = jsonwebtoken::Algorithm::HS256;
    let is_right = jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, algorithm);
    assert!(is_right.unwrap());
    let (header, claims) = message.split_once('.').unwrap();
    let part = |part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    (part(header), part(claims))
}

const KEY: &str = "private_key = { env = 'KEY' }, algorithm = 'HS256'";

#[test]
fn a_client_shows_who_it_is_by_a_token_that_it_signs() {
    let keys = format!("{ID}client_assertion = {{ {KEY}, key_id = 'k1' }}");
    let client = client("oauth2_client_credentials", &keys);
    let request = request(&client, None);
    assert_eq!(pair(&request), None);
    let body = String::from_utf8(request.body().to_vec()).unwrap();
    let start = "grant_type=client_credentials&client_id=s6%3ABhd&client_assertion_type=\
                 urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=";
    assert!(body.starts_with(start), "{body}");
    let (header, mut claims) = verified(&request, "client_assertion");
    assert_eq!(header, json!({ "typ": "JWT", "kid": "k1", "alg": "HS256" }));
    let id = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 32);
    let expected = json!({
        "iss": "s6:Bhd", "sub": "s6:Bhd", "aud": "https://id.example/token",
        "iat": 1_795_253_400, "exp": 1_795_253_700,
    });
    assert_eq!(claims, expected);
}

#[test]
fn a_token_that_is_signed_here_is_exchanged_for_one_of_the_servers() {
    let keys = format!(
        "assertion = {{ {KEY}, issuer = 'svc@x.example', subject = 'admin@x.example', audience = 'aud', \
         lifetime = '1h', claims = {{ scope = 'groups', n = 7, list = ['a'] }} }}"
    );
    let request = request(&client("oauth2_jwt_bearer", &keys), None);
    let body = String::from_utf8(request.body().to_vec()).unwrap();
    let start = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=ey";
    assert!(body.starts_with(start), "{body}");
    let (_, mut claims) = verified(&request, "assertion");
    claims.as_object_mut().unwrap().remove("jti");
    let expected = json!({
        "iss": "svc@x.example", "sub": "admin@x.example", "aud": "aud", "scope": "groups", "n": 7,
        "list": ["a"], "iat": 1_795_253_400, "exp": 1_795_257_000,
    });
    assert_eq!(claims, expected);
}

#[rstest]
#[case(
    r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer","expires_in":3600}"#,
    Ok(Some(3600))
)]
#[case(
    r#"{"access_token":"a","token_type":"bearer","expires_in":"60"}"#,
    Ok(Some(60))
)]
#[case(r#"{"access_token":"a"}"#, Ok(None))]
#[case(
    r#"{"access_token":"a","expires_in":{"s":1}}"#,
    Err(ErrorKind::Mapping)
)]
#[case(r#"{"access_token":"a","expires_in":"soon"}"#, Err(ErrorKind::Mapping))]
#[case(r#"{"access_token":"a","token_type":"mac"}"#, Err(ErrorKind::Mapping))]
#[case(r#"{"error":"invalid_client"}"#, Err(ErrorKind::Mapping))]
#[case("[]", Err(ErrorKind::Mapping))]
#[tokio::test(start_paused = true)]
async fn the_reply_says_how_long_the_token_lives(
    #[case] body: &str,
    #[case] expected: Result<Option<u64>, ErrorKind>,
) {
    let page = Page::decode(Format::Json, body.as_bytes()).unwrap();
    let life = token_from_reply(&page, Timestamp::UNIX_EPOCH, &Masks::default())
        .map(|token| {
            token
                .left(tokio::time::Instant::now())
                .map(|left| left.as_secs())
        })
        .map_err(|error| error.kind);
    assert_eq!(life, expected);
}

#[rstest]
#[case::absent(r#"{"access_token":"a"}"#, Some("`expires_in` is not in the response"))]
#[case::null(
    r#"{"access_token":"a","expires_in":null}"#,
    Some("`expires_in` is not in the response")
)]
#[case::zero(r#"{"access_token":"a","expires_in":0}"#, Some("`expires_in` is 0"))]
#[case::known(r#"{"access_token":"a","expires_in":60}"#, None)]
#[tokio::test(start_paused = true)]
async fn an_unknown_expiry_is_told_with_the_reason(#[case] body: &str, #[case] said: Option<&str>) {
    let page = Page::decode(Format::Json, body.as_bytes()).unwrap();
    let token = token_from_reply(&page, Timestamp::UNIX_EPOCH, &Masks::default()).unwrap();
    assert_eq!(token.unknown_expiry(), said);
}
