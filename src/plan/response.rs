//! What a response is: its format, and how its body tells success from failure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OneOrMany, Path, Rule, Scalar};

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
    /// One JSON value a line. The page is a list of them, at `/`. A body without any line may have been cut off, so it is
    /// an error; where it is an empty list, say so: `answers = [{ header = { name = "content-length", equals = "0" },
    /// means = "end" }]`.
    Ndjson,
    /// Text with commas between columns and a first row that names them (RFC 4180). The page is a list of
    /// its other rows, at `/`. An empty cell has no value, and columns of one name are a list.
    Csv,
    /// The same with semicolons.
    CsvSemicolon,
    /// The same with tabs.
    Tsv,
}

impl Format {
    /// The media type that asks for it.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv | Self::CsvSemicolon => "text/csv",
            Self::Tsv => "text/tab-separated-values",
        }
    }

    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Xml => "XML",
            Self::Ndjson => "NDJSON",
            Self::Csv => "CSV",
            Self::CsvSemicolon => "CSV with semicolons",
            Self::Tsv => "TSV",
        }
    }

    /// Whether a page is a table.
    pub const fn is_table(self) -> bool {
        self.separator().is_some()
    }

    /// Whether a page is JSON, or several values of it.
    pub const fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Ndjson)
    }

    /// What separates columns, where a page is a table.
    pub const fn separator(self) -> Option<u8> {
        match self {
            Self::Csv => Some(b','),
            Self::CsvSemicolon => Some(b';'),
            Self::Tsv => Some(b'\t'),
            Self::Json | Self::Xml | Self::Ndjson => None,
        }
    }
}

/// What the responses to one kind of request mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassifyRules {
    /// How the body of a success is decoded.
    pub format: BodyFormat,
    /// A prefix before JSON that is not part of it.
    pub strip_prefix: Option<String>,
    /// Where texts hold JSON that is read as if it stood there.
    pub embedded: Vec<Path>,
    /// The adapter's own rules, in order.
    pub rules: Vec<Rule>,
    /// How a body tells success from failure.
    pub success: Option<Success>,
    /// Where a failure is explained: the first of these paths that holds text.
    pub message: Vec<Path>,
}

/// How a body is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// In this format; anything else is an error.
    Decoded(Format),
    /// As plain text, whatever it contains.
    Text,
}

impl BodyFormat {
    /// What a request accepts that expects such a body.
    pub const fn accept(self) -> &'static str {
        match self {
            Self::Decoded(format) => format.media_type(),
            Self::Text => "*/*",
        }
    }
}

/// How the body of a 2xx response tells success from failure.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
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
