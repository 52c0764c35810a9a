//! How answers are written, and who gives them.

use std::fmt::Write as _;
use std::sync::Mutex;

use bytes::Bytes;
use groupgate::error::UpstreamError;
use groupgate::upstream::transport::Replay;
use http::{Request, Response};
use serde_json::{Value, json};

use super::liar::Liar;

pub(super) fn response(status: u16, body: Bytes) -> Response<Bytes> {
    Response::builder().status(status).body(body).unwrap()
}

/// The same as XML. A list is an element of elements.
pub(super) fn xml(body: &Value) -> String {
    fn element(name: &str, value: &Value, text: &mut String) {
        match value {
            Value::Null => {}
            Value::Array(items) => {
                let _ = write!(text, "<{name}>");
                let item_name = if name == "orgs" { "org" } else { "group" };
                for item in items {
                    element(item_name, item, text);
                }
                let _ = write!(text, "</{name}>");
            }
            Value::Object(members) => {
                let _ = write!(text, "<{name}>");
                for (name, value) in members {
                    element(name, value, text);
                }
                let _ = write!(text, "</{name}>");
            }
            Value::String(value) => {
                let _ = write!(text, "<{name}>{value}</{name}>");
            }
            Value::Bool(_) | Value::Number(_) => {
                let _ = write!(text, "<{name}>{value}</{name}>");
            }
        }
    }
    let mut text = String::new();
    element("r", body, &mut text);
    text
}

/// Answers as the liar that is set, whose list may belong to a list of one group.
#[derive(Debug, Default)]
pub(super) struct Mirror(pub(super) Mutex<Liar>);

impl Replay for Mirror {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let liar = self.0.lock().unwrap();
        let Some(id) = request.uri().path().strip_prefix("/groups") else {
            return Ok(liar.answer(request));
        };
        let body = json!({ "groups": [{ "id": id.trim_start_matches('/').to_owned() + "g" }] });
        let text = if liar.is_xml {
            xml(&body)
        } else {
            body.to_string()
        };
        Ok(response(200, Bytes::from(text)))
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}
