//! What the log says of each request.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Share;

/// The line that each request has in the log once it is answered. Probes of `/livez` and `/readyz` are logged
/// at level DEBUG only.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "AccessLog")]
pub struct AccessLogRules {
    /// Whether requests are logged at all.
    pub enabled: bool,
    /// What a line says. It says so in the order of this list's defaults, followed by the other fields.
    pub fields: Vec<AccessField>,
    /// The share of requests that are logged of those that were answered with a status below 400. Others always
    /// are.
    pub sample: Share,
}

/// A field of the line that each request has in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessField {
    /// The method.
    Method,
    /// The path, without the query: that holds what people search for, and cursors.
    Path,
    /// The id of the request, as `X-Request-Id` says it.
    RequestId,
    /// The id of its trace.
    TraceId,
    /// The status of the response.
    Status,
    /// How long it took until the body began, in milliseconds.
    LatencyMs,
    /// The path's template, such as `/groups/{id}`.
    Route,
    /// The format of the groups in the response.
    Format,
    /// Where the response came from: `ready`, `hit` or `miss`.
    Cache,
    /// What kind of problem it is.
    Problem,
}

impl Default for AccessLogRules {
    fn default() -> Self {
        Self {
            enabled: true,
            fields: vec![
                AccessField::Method,
                AccessField::Path,
                AccessField::RequestId,
                AccessField::TraceId,
                AccessField::Status,
                AccessField::LatencyMs,
            ],
            sample: Share::ALL,
        }
    }
}

impl AccessLogRules {
    /// Whether a line says this.
    pub fn says(&self, field: AccessField) -> bool {
        self.fields.contains(&field)
    }
}
