//! Where one field of a group comes from: a path, or a table with conversions.
//!
//! The set of conversions is small and closed, and their order is fixed. Anything beyond it is better
//! requested from the upstream than computed here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{OneOrMany, PathOr};
use crate::plan::{Decode, FieldTemplate, Part, Scalar, Take, TimeFormat};

/// Where a field comes from. In a list, the first source whose value is not null counts.
pub type Field = OneOrMany<Source>;

/// A path, or a table with conversions.
pub type Source = PathOr<Part, Conversion>;

/// Where a value comes from, and how it is converted. Exactly one of `path`, `template`, `constant` and
/// `partition` is required. The conversions run in the order of the keys below. Without `path`, only `values`,
/// `else` and `format` are allowed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conversion {
    /// Where the value is. `$key` is the name of a keyed record.
    pub path: Option<Part>,
    /// Text that combines several values, such as `"{given} {family}"`. Braces enclose paths; `{{`
    /// and `}}` are literal braces. If one of the values is missing or null, the result is null.
    pub template: Option<FieldTemplate>,
    /// A value that is the same for every record.
    pub constant: Option<Scalar>,
    /// A value of the partition, by its name in `partitions.values`: it is the same for every group of one.
    pub partition: Option<String>,
    /// Texts that mean null, such as `["", "N/A", "0"]`.
    pub null: Option<OneOrMany<Scalar>>,
    /// How the text is escaped. Text that is not escaped this way stays as it is.
    pub decode: Option<Decode>,
    /// The separator at which the text is split, such as `"/"`. Requires `take`.
    pub split: Option<String>,
    /// Which piece of the split text to use: `"first"`, `"last"`, or its index from 0. If there is
    /// no such piece, the field has no value.
    pub take: Option<Take>,
    /// A table from texts to values, such as `{ "1" = "active" }`. A text that is not listed stays
    /// as it is, unless `else` is set.
    pub values: Option<BTreeMap<String, Scalar>>,
    /// The value for texts that `values` does not list.
    #[serde(rename = "else")]
    pub otherwise: Option<Scalar>,
    /// The format of a time. Only for `created_at`, `updated_at` and `deleted_at`. Without it,
    /// times are RFC 3339.
    pub format: Option<TimeFormat>,
}
