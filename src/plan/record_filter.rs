//! Which records of a list count, by what they hold.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{OneOrMany, Part, Scalar};

/// A condition on one record or item. Exactly one of `equals`, `not` and `present` is required.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordFilter {
    /// What is compared: a path from the record, or `$key` for the name of a keyed one. Where a list
    /// stands there, each of its items is compared.
    pub path: Part,
    /// The values that it must have one of, such as `"group"`. They are compared as text, so `1` also
    /// matches `"1"`.
    pub equals: Option<OneOrMany<Scalar>>,
    /// The values that it must not have. A record without a value passes.
    pub not: Option<OneOrMany<Scalar>>,
    /// Whether there must be a value, or none. Null, an empty text, `{}` and `[]` are none.
    pub present: Option<bool>,
}
