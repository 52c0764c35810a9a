//! A caller: one request, and the whole answer.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// A header, empty where it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("the header is text"))
    }

    /// The body, which must be JSON and say so.
    pub(crate) fn json(&self) -> Value {
        let media_type = self.header("content-type");
        assert!(
            media_type.ends_with("json"),
            "{media_type}: {}",
            self.text()
        );
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// The body of a problem, which must have this status and kind.
    pub(crate) fn problem(&self, status: u16, kind: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:groupgate:problem:{kind}"));
        assert_eq!(problem["status"], status);
        assert_eq!(problem["instance"], self.header("x-request-id"));
        problem
    }
}

/// Makes one request, on a connection of its own.
pub(crate) async fn ask(method: Method, url: &str, headers: &[(&str, &str)]) -> Reply {
    let request = Request::builder().method(method).uri(url);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.expect("the server answers");
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("the body is whole");
    Reply {
        status: head.status,
        headers: head.headers,
        body: body.to_bytes(),
    }
}

/// The groups of a page.
pub(crate) fn groups_of(page: &Value) -> &[Value] {
    page["groups"].as_array().expect("a page has groups")
}

/// One field of each of these groups, as text.
pub(crate) fn each<'a>(groups: &'a [Value], field: &str) -> Vec<&'a str> {
    groups
        .iter()
        .map(|group| group[field].as_str().expect("the field is text"))
        .collect()
}

/// How one source stands in an answer.
pub(crate) fn source<'a>(page: &'a Value, name: &str) -> &'a Value {
    page["sources"]
        .as_array()
        .and_then(|sources| sources.iter().find(|source| source["name"] == name))
        .expect("the answer names the source")
}

/// `text` as it stands in a path or a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
