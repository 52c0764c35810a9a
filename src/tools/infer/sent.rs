//! The body of a sample's request.

use http::Method;
use serde_json::Value;

/// The body that a sample was requested with.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum SentBody {
    /// None.
    #[default]
    None,
    /// JSON.
    Json(Value),
    /// A form (`application/x-www-form-urlencoded`).
    Form(Vec<(String, String)>),
}

impl SentBody {
    /// The method that it is sent with, unless another is given.
    pub(super) const fn usual_method(&self) -> Method {
        match self {
            Self::None => Method::GET,
            Self::Json(_) | Self::Form(_) => Method::POST,
        }
    }

    /// What it says, each with its name: in JSON the path of a scalar.
    pub(super) fn parameters(&self) -> Vec<(String, String)> {
        match self {
            Self::None => Vec::new(),
            Self::Form(pairs) => pairs.clone(),
            Self::Json(value) => {
                let mut found = Vec::new();
                scalars(value, String::new(), &mut found);
                found
            }
        }
    }

    /// Whether a member of JSON is null.
    pub(super) fn is_null(&self, path: &str) -> bool {
        match self {
            Self::Json(value) => value.pointer(path).is_some_and(Value::is_null),
            Self::None | Self::Form(_) => false,
        }
    }

    /// The name under which it takes a parameter that no sample shows; `None` where the query of the
    /// URL takes it.
    pub(super) fn unseen(&self, name: &str) -> Option<String> {
        match self {
            Self::None => None,
            Self::Form(_) => Some(name.to_owned()),
            Self::Json(_) => Some(member("", name)),
        }
    }
}

/// The path of a member (RFC 6901, section 3).
pub(super) fn member(path: &str, name: &str) -> String {
    format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn scalars(value: &Value, path: String, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                scalars(value, member(&path, name), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                scalars(value, member(&path, &index.to_string()), found);
            }
        }
        Value::Null => found.push((path, String::new())),
        Value::String(text) => found.push((path, text.clone())),
        Value::Bool(_) | Value::Number(_) => found.push((path, value.to_string())),
    }
}
