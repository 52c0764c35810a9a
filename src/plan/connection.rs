//! How an upstream is connected to.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// The HTTP version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub enum HttpVersion {
    /// HTTP/2 if the server selects it during TLS (ALPN), otherwise HTTP/1.1.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// HTTP/1.1 only, for servers and middleboxes whose HTTP/2 does not work well.
    #[serde(rename = "1")]
    One,
    /// HTTP/2 only. Over plain `http` it is used from the first byte (prior knowledge, h2c), which
    /// is not possible through a proxy.
    #[serde(rename = "2")]
    Two,
}

impl<'de> Deserialize<'de> for HttpVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct VersionVisitor;

        impl Visitor<'_> for VersionVisitor {
            type Value = HttpVersion;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("`\"auto\"`, `\"1\"` or `\"2\"`")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<HttpVersion, E> {
                match word {
                    "auto" => Ok(HttpVersion::Auto),
                    "1" => Ok(HttpVersion::One),
                    "2" => Ok(HttpVersion::Two),
                    _ => Err(E::unknown_variant(word, &["auto", "1", "2"])),
                }
            }

            // A number says it as well.
            fn visit_i64<E: Error>(self, number: i64) -> Result<HttpVersion, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<HttpVersion, E> {
                self.visit_str(&number.to_string())
            }
        }

        deserializer.deserialize_any(VersionVisitor)
    }
}
