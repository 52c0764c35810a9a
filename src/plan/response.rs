//! What a response is: its format, and how its body tells success from failure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OneOrMany, Path, Scalar};

/// The format of responses.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Format {
    /// JSON (RFC 8259).
    #[default]
    Json,
    /// XML 1.0. Paths name elements, and `@name` names an attribute.
    Xml,
}

impl Format {
    /// The media type that asks for it.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
        }
    }
}

/// How the body of a 2xx response tells success from failure.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Success {
    /// Where the body holds a status: the first of these paths that exists and is not null.
    pub path: OneOrMany<Path>,
    /// The values that mean success. They are compared as text, so `200` also matches `"200"`.
    pub equals: OneOrMany<Scalar>,
    /// What it means if none of the paths exists.
    #[serde(default)]
    pub absent: Absence,
    /// Where a failed response explains the error. `probe` and the logs show it; clients never see
    /// it.
    pub message: Option<OneOrMany<Path>>,
}

/// What a response without a status in its body means.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Absence {
    /// The response is a failure.
    #[default]
    Error,
    /// The response is a success.
    Ok,
}
