//! Samples to propose from: one answer that is asked for, or recorded ones.
//!
//! Nothing that the request carries is shown unless its name says that it is no secret.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, USER_AGENT, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use url::Url;

use crate::terminal::Failure;
use crate::upstream::transport::fetch;

use super::Sample;

/// How long the one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How large its answer may be. A page that tells how a list goes on is far smaller.
const BODY_BYTES: usize = 16 * 1024 * 1024;

/// How much of an error's body is shown.
const SAID_CHARS: usize = 200;

/// From how many characters on a word that the request carried may be a secret.
const SECRET_CHARS: usize = 4;

/// What an API is asked for that answers in several formats.
const ANY: &str = "application/json, application/xml;q=0.9, */*;q=0.5";

/// Asks this URL, once, with these headers. An answer that is an error fails: nothing is to be
/// learned from it.
pub(crate) async fn ask(text: &str, headers: &[String]) -> Result<Sample, Failure> {
    let url = url(text)?;
    let headers = headers.iter().map(|text| header(text));
    let sent: HeaderMap = headers.collect::<Result<_, _>>()?;
    let response = fetch(request(&url, &sent)?, TIMEOUT, BODY_BYTES).await?;
    let (parts, body) = response.into_parts();
    if !parts.status.is_success() {
        let said = said(&body, &url, &sent);
        return Err(refused(parts.status, &parts.headers, &said));
    }
    Ok(Sample {
        url: Some(url),
        sent,
        status: parts.status,
        headers: parts.headers,
        body,
    })
}

/// Reads recorded answers, one file each.
pub(crate) fn read(files: &[PathBuf]) -> Result<Vec<Sample>, Failure> {
    let read = |file: &PathBuf| match fs::read(file) {
        Ok(body) => Ok(Sample::recorded(body)),
        Err(error) => Err(Failure::new(format!(
            "`{}` cannot be read: {error}",
            file.display()
        ))),
    };
    files.iter().map(read).collect()
}

/// Reads a header. Clap would repeat a wrong one in its message, and it may hold a secret.
fn header(text: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| Failure::new("a header is written as --header 'Name: value'"))?;
    let name = name.trim().parse();
    let name = name.map_err(|_| Failure::new("a header's name has letters, digits and `-`"))?;
    let value = value.trim().parse();
    let value = value.map_err(|_| Failure::new("a header's value is one line of visible ASCII"))?;
    Ok((name, value))
}

/// Reads a URL, which may hold a secret just so.
fn url(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| Failure::new("--url takes a whole URL, from `https://` on"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::new(
            "a URL is no place for a user and a password: send them as \
             --header 'Authorization: Basic …'",
        ));
    }
    Ok(url)
}

fn request(url: &Url, sent: &HeaderMap) -> Result<Request<Bytes>, Failure> {
    let mut url = url.clone();
    url.set_fragment(None);
    let mut request = Request::get(url.as_str()).body(Bytes::new())?;
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static(ANY));
    let agent = concat!("groupgate/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    headers.extend(sent.clone());
    Ok(request)
}

/// How an error begins, on one line and without what the request carried: some repeat it.
fn said(body: &[u8], url: &Url, sent: &HeaderMap) -> String {
    let text = String::from_utf8_lossy(body);
    let printable = text.replace(char::is_control, " ");
    let mut said = printable.split_whitespace().collect::<Vec<_>>().join(" ");
    let headers = sent.values().filter_map(|value| value.to_str().ok());
    let words = headers.flat_map(|value| value.split([' ', '=', ',', ';', '"']));
    let parameters: Vec<_> = url.query_pairs().map(|(_, value)| value).collect();
    let carried = words.chain(parameters.iter().map(AsRef::as_ref));
    for word in carried.filter(|word| word.len() >= SECRET_CHARS) {
        said = said.replace(word, "***");
    }
    match said.char_indices().nth(SAID_CHARS) {
        Some((end, _)) => format!("{}…", &said[..end]),
        None => said,
    }
}

/// Whether the answer asks for a user and a password.
fn is_basic(headers: &HeaderMap) -> bool {
    let challenges = headers.get_all(WWW_AUTHENTICATE);
    challenges.iter().any(|challenge| {
        let scheme = challenge.as_bytes().get(..5);
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic"))
    })
}

fn refused(status: StatusCode, headers: &HeaderMap, said: &str) -> Failure {
    let advice = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if is_basic(headers) => {
            "say who you are with \
             --header \"Authorization: Basic $(printf %s 'USER:PASSWORD' | base64)\""
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "say who you are with --header, as in --header 'Authorization: Bearer …'"
        }
        _ if status.is_redirection() && headers.contains_key(http::header::LOCATION) => {
            "redirects are not followed: give the URL that it leads to"
        }
        _ => {
            "nothing is to be learned from an error: give a URL that answers with a list, and \
             each header that the API asks for with --header"
        }
    };
    let said = match said {
        "" => String::new(),
        said => format!("\n  body      {said}"),
    };
    Failure::new(format!(
        "the answer has the status {status}; {advice}{said}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_hold_a_secret_is_refused_without_being_shown() {
        for text in ["hunter2", "hunter 2: x", "name: hunter2\nx: y"] {
            let Failure(refused) = header(text).unwrap_err();
            assert!(!refused.contains("hunter"), "{refused}");
        }
        for text in [
            "hunter2",
            "ftp://hunter2",
            "https://svc:hunter2@example.com/groups",
        ] {
            let Failure(refused) = url(text).unwrap_err();
            assert!(!refused.contains("hunter"), "{refused}");
        }
    }

    #[test]
    fn an_error_shows_what_the_api_said_and_nothing_that_the_request_carried() {
        let asked = url("https://example.com/groups?key=hunter2&n=1").unwrap();
        let sent = HeaderMap::from_iter([
            header("Authorization: Token token=hunter3").unwrap(),
            header("X-Flag: 1").unwrap(),
        ]);
        let body = b"<ocs>\n\t<message>hunter2 and\x1b hunter3 are not 11</message>";
        let told = said(body, &asked, &sent);
        assert_eq!(told, "<ocs> <message>*** and *** are not 11</message>");
        assert_eq!(said(&[b'x'; 300], &asked, &sent).chars().count(), 201);
        let Failure(refused) = refused(StatusCode::PRECONDITION_FAILED, &HeaderMap::new(), &told);
        assert!(refused.contains("--header"), "{refused}");
        assert!(refused.ends_with(&told), "{refused}");
    }

    #[test]
    fn who_wants_a_user_and_a_password_is_not_told_of_a_token() {
        let wants = |challenge: &'static str| {
            let value = HeaderValue::from_static(challenge);
            let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, value)]);
            let Failure(refused) = refused(StatusCode::UNAUTHORIZED, &headers, "");
            refused
        };
        assert!(wants("basic realm=\"Reviews\"").contains("Basic $(printf %s"));
        assert!(wants("Bearer").ends_with("'Authorization: Bearer …'"));
    }

    #[test]
    fn a_header_is_a_name_and_a_value() {
        let (name, value) = header("X-Tenant:  acme ").unwrap();
        assert_eq!(
            (name.as_str(), value.to_str().unwrap()),
            ("x-tenant", "acme")
        );
    }

    #[test]
    fn the_headers_that_were_given_replace_the_usual_ones() {
        let sent = HeaderMap::from_iter([header("Accept: application/scim+json").unwrap()]);
        let request = request(&url("https://example.com/g?q=1#x").unwrap(), &sent).unwrap();
        assert_eq!(request.headers()[ACCEPT], "application/scim+json");
        assert_eq!(request.headers().get_all(ACCEPT).iter().count(), 1);
        assert_eq!(request.uri(), "https://example.com/g?q=1");
    }
}
