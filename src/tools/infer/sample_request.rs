//! The request for a sample. Nothing that it carries is shown unless its name says that it is not a secret.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use url::Url;

use crate::terminal::CommandError;
use crate::upstream::transport::fetch;

use super::refused_sample::{excerpt, refused};
use super::sample::Sample;
use super::sent::SentBody;

/// How long the request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How large the response may be. A page of a list is far smaller.
const BODY_BYTES: usize = 16 * 1024 * 1024;

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

impl SampleRequest {
    /// The headers that it is sent with.
    pub(super) fn sent(&self) -> Result<HeaderMap, CommandError> {
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

/// Parses a header. Clap would repeat a malformed one in its message, and it may hold a secret.
pub(super) fn header(text: &str) -> Result<(HeaderName, HeaderValue), CommandError> {
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
pub(super) fn url(option: &str, text: &str) -> Result<Url, CommandError> {
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
