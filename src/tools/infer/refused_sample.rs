//! A response that is no sample: what it says, without what the request carried, and what to do.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode};
use url::Url;

use crate::redact::Redactor;
use crate::terminal::CommandError;

use super::sent::SentBody;

/// How many characters of an error's body are shown.
const EXCERPT_CHARS: usize = 200;

/// A shorter word of the request is no secret.
const SECRET_CHARS: usize = 4;

/// The beginning of an error's body, on one line and without what the request carried: some APIs
/// repeat it.
pub(super) fn excerpt(body: &[u8], url: &Url, sent: &HeaderMap, sent_body: &SentBody) -> String {
    let text = String::from_utf8_lossy(body);
    let printable = text.replace(char::is_control, " ");
    let line = printable.split_whitespace().collect::<Vec<_>>().join(" ");
    let redactor = Redactor::default();
    let headers = sent.values().filter_map(|value| value.to_str().ok());
    let words = headers.flat_map(|value| value.split([' ', '=', ',', ';', '"']));
    let mut parameters: Vec<_> = url
        .query_pairs()
        .map(|(_, value)| value.into_owned())
        .collect();
    parameters.extend(sent_body.parameters().into_iter().map(|(_, value)| value));
    // In the query as it was written as well: there is more than one way to encode a letter.
    let raw = url.query().unwrap_or_default().split('&');
    let raw = raw.filter_map(|pair| Some(pair.split_once('=')?.1));
    let pairs: Vec<_> = basic_pairs(sent).collect();
    let pairs = pairs.iter().flat_map(|pair| pair.splitn(2, ':'));
    let carried = words.chain(raw).chain(pairs);
    let carried = carried.chain(parameters.iter().map(String::as_str));
    for word in carried.filter(|word| word.len() >= SECRET_CHARS) {
        redactor.add(word, "SENT");
    }
    let line = redactor.redact(&line);
    match line.char_indices().nth(EXCERPT_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.into_owned(),
    }
}

/// The users and passwords in what was sent, decoded.
fn basic_pairs(sent: &HeaderMap) -> impl Iterator<Item = String> {
    let pairs = sent
        .values()
        .filter_map(|value| value.to_str().ok()?.split_once(' '));
    let pairs = pairs.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    pairs.filter_map(|(_, pair)| String::from_utf8(STANDARD.decode(pair.trim()).ok()?).ok())
}

/// Whether the response asks for a user and a password.
fn is_basic(headers: &HeaderMap) -> bool {
    let challenges = headers.get_all(WWW_AUTHENTICATE);
    challenges.iter().any(|challenge| {
        let scheme = challenge.as_bytes().get(..5);
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic"))
    })
}

pub(super) fn refused(status: StatusCode, headers: &HeaderMap, excerpt: &str) -> CommandError {
    let advice = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if is_basic(headers) => {
            "authenticate with \
             --header \"Authorization: Basic $(printf %s 'USER:PASSWORD' | base64)\""
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "authenticate with --header, as in --header 'Authorization: Bearer …'"
        }
        _ if status.is_redirection() && headers.contains_key(http::header::LOCATION) => {
            "redirects are not followed: use the URL that it points to"
        }
        _ => {
            "use a URL that returns a list, and pass every header that the API requires with \
             --header"
        }
    };
    let body = match excerpt {
        "" => String::new(),
        excerpt => format!("\n  body      {excerpt}"),
    };
    CommandError::new(format!(
        "the response has the status {status}; {advice}{body}"
    ))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::super::sample_request::{header, url};
    use super::*;

    #[test]
    fn an_error_shows_the_body_without_what_the_request_carried() {
        let asked = url("--url", "https://example.com/groups?key=hunter2&n=1").unwrap();
        let sent = HeaderMap::from_iter([
            header("Authorization: Token token=hunter3").unwrap(),
            header("X-Flag: 1").unwrap(),
        ]);
        let body = b"<ocs>\n\t<message>hunter2 and\x1b hunter3 are not 11</message>";
        let told = excerpt(body, &asked, &sent, &SentBody::None);
        assert_eq!(told, "<ocs> <message>*** and *** are not 11</message>");
        // However the API encodes it.
        let encoded = url(
            "--url",
            "https://example.com/groups?key=hunter%2F2%20and%203",
        )
        .unwrap();
        let told = excerpt(
            br#"{"path": "?key=hunter%2F2%20and%203", "key": "hunter\/2 and 3"}"#,
            &encoded,
            &sent,
            &SentBody::None,
        );
        assert_eq!(told, r#"{"path": "?key=***", "key": "***"}"#);
        let overly = url("--url", "https://example.com/groups?key=hunter%2D2").unwrap();
        let basic =
            HeaderMap::from_iter([header("Authorization: Basic bWU6aHVudGVyNA==").unwrap()]);
        let told = excerpt(
            b"?key=hunter%2D2, hunter-2, hunter4",
            &overly,
            &basic,
            &SentBody::None,
        );
        assert_eq!(told, "?key=***, ***, ***");
        assert_eq!(
            excerpt(&[b'x'; 300], &asked, &sent, &SentBody::None)
                .chars()
                .count(),
            201
        );
        let CommandError(refused) =
            refused(StatusCode::PRECONDITION_FAILED, &HeaderMap::new(), &told);
        assert!(refused.contains("--header"), "{refused}");
        assert!(refused.ends_with(&told), "{refused}");
    }

    #[test]
    fn a_basic_challenge_is_not_answered_with_advice_about_tokens() {
        let wants = |challenge: &'static str| {
            let value = HeaderValue::from_static(challenge);
            let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, value)]);
            let CommandError(refused) = refused(StatusCode::UNAUTHORIZED, &headers, "");
            refused
        };
        assert!(wants("basic realm=\"Reviews\"").contains("Basic $(printf %s"));
        assert!(wants("Bearer").ends_with("'Authorization: Bearer …'"));
    }
}
