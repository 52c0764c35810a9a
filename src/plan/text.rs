//! Reads what is written as a string but means something else: addresses, URLs, durations.
//!
//! Every such key goes through [`parse`], so that a number where a duration belongs is answered
//! with what a duration looks like, not with "expected a string".

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;

use bytesize::ByteSize;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;
use url::Url;

/// Reads a string and parses it. `expected` is what a person should have written.
pub(crate) fn parse<'de, D, T>(
    deserializer: D,
    expected: &'static str,
    parse: fn(&str) -> Result<T, String>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    struct TextVisitor<T> {
        expected: &'static str,
        parse: fn(&str) -> Result<T, String>,
        value: PhantomData<T>,
    }

    impl<T> Visitor<'_> for TextVisitor<T> {
        type Value = T;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str(self.expected)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            (self.parse)(text).map_err(E::custom)
        }
    }

    deserializer.deserialize_str(TextVisitor {
        expected,
        parse,
        value: PhantomData,
    })
}

/// Reads the address of a listener.
pub(crate) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    parse(
        deserializer,
        "an address such as `127.0.0.1:8080`",
        |text| {
            text.parse().map_err(|_| {
                format!(
                    "`{text}` is not an address to listen on: write an IP address and a port, as in \
                 `127.0.0.1:8080` or `[::1]:8080`"
                )
            })
        },
    )
}

/// Reads an absolute URL.
pub(crate) fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    parse(
        deserializer,
        "a URL such as `https://api.example.com`",
        |text| {
            text.parse().map_err(|error: url::ParseError| {
                format!(
                    "`{text}` is not a URL ({error}): write one such as `https://api.example.com`"
                )
            })
        },
    )
}

/// Reads an absolute URL that may be left out.
pub(crate) fn optional_url<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Url>, D::Error> {
    url(deserializer).map(Some)
}

/// A size in bytes, which always has its unit.
pub(crate) mod size {
    use super::{ByteSize, Deserializer, Serializer, parse};

    /// Reads a size.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ByteSize, D::Error> {
        parse(deserializer, "a size such as `512MiB`", |text| {
            text.parse().map_err(|_| {
                format!(
                    "`{text}` is not a size: write a number and a unit, as in `512MiB` or `2GB`"
                )
            })
        })
    }

    /// Writes a size as people do: without a fraction that is zero.
    pub(crate) fn serialize<S: Serializer>(
        size: &ByteSize,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = size.to_string().replace(".0 ", "").replace(' ', "");
        serializer.serialize_str(&text)
    }
}

/// How a size is described.
pub(crate) struct Size;

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A number of bytes with its unit: `\"512MiB\"` and `\"2GiB\"` are powers of 1024, `\"500MB\"` and `\"2GB\"` powers of 1000.",
        })
    }
}
