//! What is kept of answers, and every form of an end.

use http::header::SET_COOKIE;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use super::*;

const NOW: &str = "2026-11-21T09:30:00Z";

/// The exchange that reads a token at `/t`, and these keys besides.
fn exchange(keys: &str) -> LoginExchange {
    let toml =
        format!("type = 'token_exchange'\nrequest = {{ path = '/login' }}\ntoken = '/t'\n{keys}");
    let crate::plan::Auth::Token(auth) = crate::upstream::auth::tests::resolve(&toml).unwrap()
    else {
        unreachable!("it logs in")
    };
    let crate::plan::Grant::Exchange(exchange) = auth.login.grant else {
        unreachable!("it has a request of its own")
    };
    *exchange
}

/// What comes of an answer whose body has these members beside the token.
fn token(text: &str, keys: &str, members: &str) -> Result<Token, UpstreamError> {
    let comma = if members.is_empty() { "" } else { ", " };
    let body = format!("{{\"t\": \"{text}\"{comma}{members}}}");
    let page = Page::decode(Format::Json, body.as_bytes()).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("x-ttl", "600".parse().unwrap());
    headers.append(SET_COOKIE, "SID=s1; Max-Age=1800; Path=/".parse().unwrap());
    headers.append(SET_COOKIE, "lang=en".parse().unwrap());
    let masks = Masks::default();
    masks.add_token("a-secret-word");
    LoginAnswer::new(Some(&page), &headers, NOW.parse().unwrap(), &masks)
        .token(&exchange(keys), &LoginValues::NONE)
}

fn jwt(payload: &str) -> String {
    format!(
        "eyJhbGciOiJub25lIn0.{}.c2ln",
        URL_SAFE_NO_PAD.encode(payload)
    )
}

#[rstest]
#[case::a_duration("t", "'50m'", "", Some(3000))]
#[case::seconds("t", "'/in'", r#""in": 3600"#, Some(3600))]
#[case::seconds_as_text("t", "'/in'", r#""in": " 3600 ""#, Some(3600))]
#[case::a_fraction("t", "'/in'", r#""in": 90.5"#, Some(90))]
#[case::milliseconds(
    "t",
    "{ path = '/in', as = 'milliseconds' }",
    r#""in": 3600000"#,
    Some(3600)
)]
#[case::minutes("t", "{ path = '/in', as = 'minutes' }", r#""in": "60""#, Some(3600))]
#[case::an_instant("t", "'/at'", r#""at": "2026-11-21T10:00:00+00:00""#, Some(1800))]
#[case::epoch("t", "'/at'", r#""at": 1795257000"#, Some(3600))]
#[case::epoch_as_text("t", "'/at'", r#""at": "1795257000""#, Some(3600))]
#[case::epoch_ms("t", "'/at'", r#""at": 1795257000000"#, Some(3600))]
#[case::date_of_old_json("t", "'/at'", r#""at": "/Date(1795257000000)/""#, Some(3600))]
#[case::http_date("t", "'/at'", r#""at": "Sat, 21 Nov 2026 10:30:00 GMT""#, Some(3600))]
#[case::date_time("t", "'/at'", r#""at": "2026-11-21 10:30:00""#, Some(3600))]
#[case::date_time_with_t("t", "'/at'", r#""at": "2026-11-21T10:30:00""#, Some(3600))]
#[case::duration("t", "'/in'", r#""in": "3600s""#, Some(3600))]
#[case::iso_duration("t", "'/in'", r#""in": "PT1H""#, Some(3600))]
#[case::a_header("t", "{ header = 'X-TTL' }", "", Some(600))]
#[case::a_cookie("t", "{ cookie = 'SID' }", "", Some(1800))]
#[case::a_session_cookie("t", "{ cookie = 'lang' }", "", None)]
#[case::in_the_past("t", "'/at'", r#""at": "2026-11-21T09:29:59Z""#, None)]
#[case::zero("t", "'/in'", r#""in": 0"#, None)]
#[case::negative("t", "'/in'", r#""in": -1"#, None)]
#[case::endless("t", "'/in'", r#""in": 1e300"#, None)]
#[case::null("t", "'/in'", r#""in": null"#, None)]
#[case::opaque("t0ken", "'jwt'", "", None)]
#[case::looks_like_a_jwt("a.b.c", "'jwt'", "", None)]
#[case::without_exp(&jwt(r#"{"sub": "x"}"#), "'jwt'", "", None)]
#[case::not_json(&jwt("exp"), "'jwt'", "", None)]
#[case::ended(&jwt(r#"{"exp": 1000000000}"#), "'jwt'", "", None)]
// 2026-11-21T10:30:00Z
#[case::jwt(&jwt(r#"{"exp": 1795257000}"#), "'jwt'", "", Some(3600))]
#[case::jwt_with_a_fraction(&jwt(r#"{"exp": 1795257000.5}"#), "'jwt'", "", Some(3600))]
#[tokio::test(start_paused = true)]
async fn a_token_lives_as_long_as_its_answer_says(
    #[case] text: &str,
    #[case] expires: &str,
    #[case] members: &str,
    #[case] expected: Option<u64>,
) {
    let token = token(text, &format!("expires = {expires}"), members).unwrap();
    let left = token.left(Instant::now()).map(|left| left.as_secs());
    assert_eq!(left, expected);
    assert_eq!(token.unknown_expiry().is_none(), expected.is_some());
}

#[rstest]
#[case::missing("'/in'", "", "`/in` is not in the response")]
#[case::no_header(
    "{ header = 'x-end' }",
    "",
    "the header `x-end` is not in the response"
)]
#[case::no_cookie("{ cookie = 'sid' }", "", "the cookie `sid` is not in the response")]
#[case::an_object("'/at'", r#""at": {"s": 1}"#, "`/at` has `s`: expected ")]
#[case::not_a_number("'/in'", r#""in": "NaN""#, "`/in` is `NaN`: expected ")]
#[case::a_date(
    "'/at'",
    r#""at": "21/11/2026 10:30:00""#,
    "`/at` is `21/11/2026 10:30:00`"
)]
#[case::a_word("'/at'", r#""at": "tomorrow_at_noon""#, "`/at` is `tomorrow_at_…`")]
#[case::a_secret("'/at'", r#""at": "x a-secret-word""#, "`/at` is `x ***`")]
#[case::the_token("'/at'", r#""at": "t0ken""#, "`/at` is the token itself")]
fn an_expiry_that_cannot_be_read_is_an_error(
    #[case] expires: &str,
    #[case] members: &str,
    #[case] expected: &str,
) {
    let error = token("t0ken", &format!("expires = {expires}"), members).unwrap_err();
    let start = "the expiry of the login cannot be read: ";
    assert_eq!(error.kind, ErrorKind::Mapping);
    assert!(
        error.detail.starts_with(&format!("{start}{expected}")),
        "{error}"
    );
}

#[test]
fn a_jwt_says_it_in_seconds_since_1970() {
    let unreadable = jwt(r#"{"exp": "tomorrow"}"#);
    let problem = "`exp` of the JWT is `tomorrow`: expected seconds since 1970";
    assert_eq!(
        jwt_end(&unreadable),
        Err(NoEnd::Unreadable(problem.to_owned()))
    );
}

#[rstest]
#[case("token", "t0ken", false)]
#[case("tenant", "7", true)]
#[case("csrf", "x y", false)]
#[case("session", "s1", false)]
#[case("ttl", "600", false)]
#[case("cookies", "SID=s1; lang=en", false)]
fn an_answer_has_several_values(
    #[case] name: &str,
    #[case] expected: &str,
    #[case] is_number: bool,
) {
    let keys = "values = { tenant = '/me/tenant', csrf = '/csrf', session = { cookie = 'SID' }, \
                ttl = { header = 'X-TTL' } }";
    let members = r#""me": {"tenant": 7}, "csrf": " x y ""#;
    let token = token("t0ken", keys, members).unwrap();
    let value = token.values().get(name).unwrap();
    assert_eq!((value.text(), value.is_number()), (expected, is_number));
    assert_eq!(token.secret().unwrap().expose_secret(), "t0ken");
    let printed = format!("{token:?}");
    assert!(
        !printed.contains("x y") && !printed.contains("s1"),
        "{printed}"
    );
}

#[rstest]
#[case::missing("values = { csrf = '/csrf' }", "holds no `csrf` at `/csrf`")]
#[case::in_no_cookie("values = { x = { cookie = 'x' } }", "holds no `x` at the cookie `x`")]
#[case::empty("values = { x = '/empty' }", "holds no `x` at `/empty`")]
fn a_value_that_is_missing_is_an_error(#[case] keys: &str, #[case] expected: &str) {
    let error = token("t0ken", keys, r#""empty": """#).unwrap_err();
    assert_eq!(error.detail, format!("the login's answer {expected}"));
}
