//! What the log says of each request.

use schemars::JsonSchema;
use serde::Deserialize;
use strum::VariantArray as _;

use super::Share;

/// The line that each request has in the log once it is answered. Probes of `/livez` and `/readyz` are logged
/// at level DEBUG only.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "AccessLog")]
pub struct AccessLogRules {
    /// Whether requests are logged at all.
    pub enabled: bool,
    /// What a line says: at least one field, each named once. It says so in the order of this list's defaults,
    /// followed by the other fields.
    #[schemars(with = "Vec<AccessField>", extend("minItems" = 1, "uniqueItems" = true))]
    pub fields: AccessFields,
    /// The share of requests that are logged of those that were answered with a status below 400. Others always
    /// are.
    pub sample: Share,
}

/// A field of the line that each request has in the log.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
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
            fields: AccessFields::DEFAULT,
            sample: Share::ALL,
        }
    }
}

/// The fields of a line. To ask for one is cheap, for every request asks for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<AccessField>")]
pub struct AccessFields(u16);

impl AccessFields {
    const DEFAULT: Self = Self(
        AccessField::Method.bit()
            | AccessField::Path.bit()
            | AccessField::RequestId.bit()
            | AccessField::TraceId.bit()
            | AccessField::Status.bit()
            | AccessField::LatencyMs.bit(),
    );

    /// Whether a line says this.
    #[inline]
    pub const fn contain(self, field: AccessField) -> bool {
        self.0 & field.bit() != 0
    }

    /// All of them, in the order in which a line says them.
    pub fn iter(self) -> impl Iterator<Item = AccessField> {
        let all = AccessField::VARIANTS.iter().copied();
        all.filter(move |field| self.contain(*field))
    }
}

impl AccessField {
    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl TryFrom<Vec<AccessField>> for AccessFields {
    type Error = String;

    fn try_from(named: Vec<AccessField>) -> Result<Self, String> {
        if named.is_empty() {
            let problem = "the list is empty: name at least one field, or log nothing with \
                           `enabled = false`";
            return Err(problem.to_owned());
        }
        let mut fields = Self(0);
        for (place, field) in named.into_iter().enumerate() {
            if fields.contain(field) {
                let place = place + 1;
                return Err(format!(
                    "field {place} of the list is named before: name each once"
                ));
            }
            fields.0 |= field.bit();
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("fields = []", "the list is empty")]
    #[case(
        "fields = ['path', 'status', 'path']",
        "field 3 of the list is named before"
    )]
    #[case("fields = ['query']", "unknown variant `query`")]
    fn a_list_of_fields_names_at_least_one_and_each_once(
        #[case] written: &str,
        #[case] problem: &str,
    ) {
        let error = toml::from_str::<AccessLogRules>(written).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    }
}
