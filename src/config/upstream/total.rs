//! Where pagination finds its values, if that is more than a place in the page.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::Request;
use crate::plan::{Location, Trust};

/// Where to find the total number of records.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(untagged)]
pub enum Total {
    /// In every page. In the header `Content-Range` it is the number after the slash.
    Page(Location),
    /// In every page, with how far it is trusted.
    Trusted(TrustedTotal),
    /// In the response to a separate request, which is sent once before the first page.
    Call(Box<TotalCall>),
}

/// A total in every page, with how far it is trusted.
#[derive(Debug, Clone, JsonSchema)]
pub struct TrustedTotal {
    /// Where a page contains the number.
    pub at: Location,
    /// How far it is trusted.
    #[schemars(default)]
    pub trust: Trust,
}

/// A separate request for the total number of records.
#[derive(Debug, Clone, JsonSchema)]
pub struct TotalCall {
    /// The request. Since it is not for a page, it has no position.
    pub request: Request,
    /// Where its response contains the number.
    pub at: Location,
    /// How far it is trusted.
    #[schemars(default)]
    pub trust: Trust,
}

impl Total {
    /// The request that asks for it, if there is one.
    pub fn call(&self) -> Option<&TotalCall> {
        match self {
            Self::Page(_) | Self::Trusted(_) => None,
            Self::Call(call) => Some(call),
        }
    }

    /// Where it is, in a page or in the response to a request of its own.
    pub fn at(&self) -> &Location {
        match self {
            Self::Page(at) => at,
            Self::Trusted(total) => &total.at,
            Self::Call(call) => &call.at,
        }
    }

    /// How far it is trusted.
    pub fn trust(&self) -> Trust {
        match self {
            Self::Page(_) => Trust::Exact,
            Self::Trusted(total) => total.trust,
            Self::Call(call) => call.trust,
        }
    }
}

impl<'de> Deserialize<'de> for Total {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct TotalTable {
            header: Option<String>,
            request: Option<Request>,
            at: Option<Location>,
            trust: Option<Trust>,
        }

        struct TotalVisitor;

        impl<'de> Visitor<'de> for TotalVisitor {
            type Value = Total;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(
                    "a path such as `/meta/total`, `{ header = \"X-Total\" }`, \
                     `{ at = \"/total\", trust = \"hint\" }` or \
                     `{ request = { path = \"/count\" }, at = \"/count\" }`",
                )
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Total, E> {
                let path = text.parse().map_err(E::custom)?;
                Ok(Total::Page(Location::Body(path)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Total, A::Error> {
                let table = TotalTable::deserialize(MapAccessDeserializer::new(map))?;
                let trust = table.trust.unwrap_or_default();
                match table {
                    TotalTable {
                        header: Some(header),
                        request: None,
                        at: None,
                        trust: None,
                    } => Ok(Total::Page(Location::Header { header })),
                    TotalTable {
                        header: None,
                        request: None,
                        at: Some(at),
                        ..
                    } => Ok(Total::Trusted(TrustedTotal { at, trust })),
                    TotalTable {
                        header: None,
                        request: Some(request),
                        at: Some(at),
                        ..
                    } => Ok(Total::Call(Box::new(TotalCall { request, at, trust }))),
                    TotalTable { .. } => Err(A::Error::custom(
                        "a total stands in a `header` of the page, `at` a place in it, or `at` a place \
                         in the answer to a `request`",
                    )),
                }
            }
        }

        deserializer.deserialize_any(TotalVisitor)
    }
}
