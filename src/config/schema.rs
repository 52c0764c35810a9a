//! The JSON Schema of `gateway.toml`, for editors.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Settings;

/// The schema of all that `gateway.toml` may say (JSON Schema, draft 2020-12).
pub fn schema() -> Value {
    SchemaGenerator::new(SchemaSettings::draft2020_12())
        .into_root_schema_for::<Settings>()
        .to_value()
}
