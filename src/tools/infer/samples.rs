//! Samples: one response of an API, or recorded ones.
//!
//! Nothing that the request carries is shown unless its name says that it is not a secret.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use url::Url;

use crate::plan::RelatedList;
use crate::redact::Redactor;
use crate::terminal::CommandError;
use crate::upstream::transport::fetch;

use super::recorded;
pub use super::sample::Sample;
use super::sent::SentBody;

/// How long the request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How large the response may be. A page of a list is far smaller.
const BODY_BYTES: usize = 16 * 1024 * 1024;

/// How many characters of an error's body are shown.
const EXCERPT_CHARS: usize = 200;

/// A shorter word of the request is no secret.
const SECRET_CHARS: usize = 4;

/// Asks for JSON first, where an API offers several formats.
const ANY: &str = "application/json, application/xml;q=0.9, */*;q=0.5";

/// The request for a sample, as it was given.
#[derive(Debug, Default)]
pub(crate) struct SampleRequest {
    pub(crate) url: String,
    pub(crate) method: Option<String>,
    pub(crate) headers: Vec<String>,
    pub(crate) json: Option<String>,
    pub(crate) form: Vec<String>,
}

/// One list that belongs to that of groups: its URL, and the files of its pages unless it is to be requested.
#[derive(Debug)]
pub(crate) struct RelatedSample {
    pub(crate) list: RelatedList,
    pub(crate) given: Vec<String>,
}

impl RelatedSample {
    /// Reads it, or requests it with the headers of the first sample.
    pub(super) async fn samples(
        &self,
        first: Option<&SampleRequest>,
    ) -> Result<Vec<Sample>, CommandError> {
        let option = format!("--{}", self.list);
        let (text, files) = self.given.split_first().unzip();
        let text = text.map_or("", String::as_str);
        let own = url(&option, text)?;
        let files: Vec<_> = files.into_iter().flatten().map(PathBuf::from).collect();
        let Some(first) = first else {
            if files.is_empty() {
                return Err(CommandError::new(format!(
                    "nothing is requested beside --sample: write the file with the answer behind the URL, \
                     as in {option} URL FILE"
                )));
            }
            return Ok(at(own, HeaderMap::new(), read(&files)?));
        };
        if url("--url", &first.url)?.origin() != own.origin() {
            // Headers hold credentials.
            return Err(CommandError::new(format!(
                "{option} is at another origin than --url, and groupgate asks an upstream at one `base_url` only"
            )));
        }
        let request = SampleRequest {
            url: text.to_owned(),
            headers: first.headers.clone(),
            ..SampleRequest::default()
        };
        if files.is_empty() {
            return Ok(vec![request.send().await?]);
        }
        Ok(at(own, request.sent()?, read(&files)?))
    }
}

/// Samples of which the first came from a URL.
fn at(url: Url, sent: HeaderMap, mut samples: Vec<Sample>) -> Vec<Sample> {
    if let Some(first) = samples.first_mut() {
        first.url = Some(url);
        first.sent = sent;
    }
    samples
}

impl SampleRequest {
    /// The headers that it is sent with.
    fn sent(&self) -> Result<HeaderMap, CommandError> {
        self.headers.iter().map(|text| header(text)).collect()
    }

    /// Sends it once. An error response is a failure: it does not show what a list looks like.
    pub(crate) async fn send(&self) -> Result<Sample, CommandError> {
        let url = url("--url", &self.url)?;
        let sent = self.sent()?;
        let sent_body = self.body()?;
        let method = match self.method.as_deref() {
            None => sent_body.usual_method(),
            Some(method) if method.eq_ignore_ascii_case("get") => Method::GET,
            Some(method) if method.eq_ignore_ascii_case("post") => Method::POST,
            Some(method) => {
                return Err(CommandError::new(format!(
                    "`{method}` is no method that a list is read with: use GET or POST"
                )));
            }
        };
        let request = request(&url, &method, &sent, &sent_body)?;
        let response = fetch(request, TIMEOUT, BODY_BYTES).await?;
        let (parts, body) = response.into_parts();
        if !parts.status.is_success() {
            let excerpt = excerpt(&body, &url, &sent, &sent_body);
            return Err(refused(parts.status, &parts.headers, &excerpt));
        }
        Ok(Sample {
            url: Some(url),
            method,
            sent_body,
            sent,
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }

    /// Parses the body. What is malformed is not shown: it may hold a secret.
    fn body(&self) -> Result<SentBody, CommandError> {
        if let Some(json) = &self.json {
            let json: serde_json::Value = serde_json::from_str(json).map_err(|error| {
                CommandError::new(format!(
                    "--json takes a JSON value, such as '{{\"page\": 1}}' (line {}, column {})",
                    error.line(),
                    error.column()
                ))
            })?;
            if !json.is_object() && !json.is_array() {
                return Err(CommandError::new("--json takes an object or a list"));
            }
            return Ok(SentBody::Json(json));
        }
        if self.form.is_empty() {
            return Ok(SentBody::None);
        }
        let pairs = self.form.iter().map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        let pairs = pairs.collect::<Option<_>>();
        let pairs =
            pairs.ok_or_else(|| CommandError::new("write a form field as --form 'name=value'"))?;
        Ok(SentBody::Form(pairs))
    }
}

/// What a body holds at its root, by name only.
pub(super) fn members(sample: &Sample) -> String {
    match serde_json::from_slice(&sample.body) {
        Ok(serde_json::Value::Object(members)) if !members.is_empty() => {
            let names: Vec<_> = members
                .keys()
                .take(12)
                .map(|name| format!("`{name}`"))
                .collect();
            format!("the page has {}", names.join(", "))
        }
        Ok(serde_json::Value::Object(_)) => "the page is an empty object".to_owned(),
        Ok(_) => "the page is one value".to_owned(),
        Err(_) => "its elements hold no records".to_owned(),
    }
}

/// Reads recorded responses, one file each.
pub(crate) fn read(files: &[PathBuf]) -> Result<Vec<Sample>, CommandError> {
    let read = |file: &PathBuf| match fs::read(file) {
        Ok(text) => Ok(recorded::parse(text)),
        Err(error) => Err(CommandError::new(format!(
            "`{}` cannot be read: {error}",
            file.display()
        ))),
    };
    files.iter().map(read).collect()
}

/// Parses a header. Clap would repeat a malformed one in its message, and it may hold a secret.
fn header(text: &str) -> Result<(HeaderName, HeaderValue), CommandError> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| CommandError::new("write a header as --header 'Name: value'"))?;
    let name = name.trim().parse();
    let name =
        name.map_err(|_| CommandError::new("a header name consists of letters, digits and `-`"))?;
    let value = value.trim().parse();
    let value =
        value.map_err(|_| CommandError::new("a header value is one line of visible ASCII"))?;
    Ok((name, value))
}

/// Parses a URL, which may hold a secret too.
fn url(option: &str, text: &str) -> Result<Url, CommandError> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| {
            CommandError::new(format!(
                "{option} takes an absolute URL, such as https://api.example.com/groups"
            ))
        })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(CommandError::new(
            "a user and a password do not belong in a URL: send them as \
             --header 'Authorization: Basic …'",
        ));
    }
    Ok(url)
}

fn request(
    url: &Url,
    method: &Method,
    sent: &HeaderMap,
    body: &SentBody,
) -> Result<Request<Bytes>, CommandError> {
    let mut url = url.clone();
    url.set_fragment(None);
    let (kind, body) = match body {
        SentBody::None => (None, String::new()),
        SentBody::Json(json) => (Some("application/json"), json.to_string()),
        SentBody::Form(pairs) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(pairs);
            (Some("application/x-www-form-urlencoded"), form.finish())
        }
    };
    let request = Request::builder().method(method).uri(url.as_str());
    let mut request = request.body(Bytes::from(body))?;
    if let Some(kind) = kind {
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static(ANY));
    let agent = concat!("groupgate/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    headers.extend(sent.clone());
    Ok(request)
}

/// The beginning of an error's body, on one line and without what the request carried: some APIs
/// repeat it.
fn excerpt(body: &[u8], url: &Url, sent: &HeaderMap, sent_body: &SentBody) -> String {
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

fn refused(status: StatusCode, headers: &HeaderMap, excerpt: &str) -> CommandError {
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
    use super::*;

    #[test]
    fn what_may_hold_a_secret_is_refused_without_being_shown() {
        for text in ["hunter2", "hunter 2: x", "name: hunter2\nx: y"] {
            let CommandError(refused) = header(text).unwrap_err();
            assert!(!refused.contains("hunter"), "{refused}");
        }
        for text in [
            "hunter2",
            "ftp://hunter2",
            "https://svc:hunter2@example.com/groups",
        ] {
            let CommandError(refused) = url("--url", text).unwrap_err();
            assert!(!refused.contains("hunter"), "{refused}");
        }
    }

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
        let request = request(
            &url("--url", "https://example.com/g?q=1#x").unwrap(),
            &Method::GET,
            &sent,
            &SentBody::None,
        )
        .unwrap();
        assert_eq!(request.headers()[ACCEPT], "application/scim+json");
        assert_eq!(request.headers().get_all(ACCEPT).iter().count(), 1);
        assert_eq!(request.uri(), "https://example.com/g?q=1");
    }
}
