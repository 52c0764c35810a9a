//! How pages follow each other: what a total, a short, an empty and a repeated page mean.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far an offset advances, or how many records a page holds.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Step {
    /// As many records as the first page contained, whatever was requested.
    #[default]
    Granted,
    /// As many records as each page contained, for upstreams whose pages vary in size.
    Received,
    /// `limit`, for upstreams that also count the records that they filtered out of a page.
    /// Requires `limit`.
    Asked,
}

/// What a missing total means.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Absent {
    /// The walk fails, because the upstream always sends it.
    #[default]
    Error,
    /// The page was the only one.
    End,
    /// The walk continues until a page is empty.
    Continue,
}

/// What a page with fewer records than requested means.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ShortPage {
    /// Nothing, because many upstreams filter their pages after cutting them.
    #[default]
    Continue,
    /// It was the last page.
    End,
}

/// What a page without records means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum EmptyPage {
    /// It was the last page, unless a flag says that there are more.
    End,
    /// Nothing. The walk ends in another way.
    Continue,
}

/// What a repeated position or page means.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Repeat {
    /// The walk fails. Otherwise it could run forever, or the list could be wrong.
    #[default]
    Error,
    /// The walk ends, because this upstream repeats its last page.
    End,
}
