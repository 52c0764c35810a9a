//! Where pagination finds its values, if that is more than a place in the page.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::Request;
use crate::plan::{Location, OneOrMany, Path, RecordFilter};

/// Where to find the total number of records.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(untagged)]
pub enum Total {
    /// In every page. In the header `Content-Range` it is the number after the slash.
    Page(Location),
    /// In the response to a separate request, which is sent once before the first page.
    Call(Box<TotalCall>),
}

/// A separate request for the total number of records.
#[derive(Debug, Clone, JsonSchema)]
pub struct TotalCall {
    /// The request. Since it is not for a page, it has no position.
    pub request: Request,
    /// Where its response contains the number.
    pub at: Location,
}

impl Total {
    /// The request that asks for it, if there is one.
    pub fn call(&self) -> Option<&TotalCall> {
        match self {
            Self::Page(_) => None,
            Self::Call(call) => Some(call),
        }
    }

    /// Where it is, in a page or in the response to a request of its own.
    pub fn at(&self) -> &Location {
        match self {
            Self::Page(at) => at,
            Self::Call(call) => &call.at,
        }
    }
}

impl<'de> Deserialize<'de> for Total {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct TotalTable {
            header: Option<String>,
            each: Option<Path>,
            only: Option<OneOrMany<RecordFilter>>,
            value: Option<Path>,
            request: Option<Request>,
            at: Option<Location>,
        }

        struct TotalVisitor;

        impl<'de> Visitor<'de> for TotalVisitor {
            type Value = Total;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(
                    "a path such as `/meta/total`, `{ header = \"X-Total\" }` or \
                     `{ request = { path = \"/count\" }, at = \"/count\" }`",
                )
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Total, E> {
                let path = text.parse().map_err(E::custom)?;
                Ok(Total::Page(Location::Body(path)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Total, A::Error> {
                let TotalTable {
                    header,
                    each,
                    only,
                    value,
                    request,
                    at,
                } = TotalTable::deserialize(MapAccessDeserializer::new(map))?;
                let is_elsewhere = header.is_some() || each.is_some();
                match (Location::of_keys(header, each, only, value), request, at) {
                    (Some(place), None, None) => Ok(Total::Page(place)),
                    (None, Some(request), Some(at)) if !is_elsewhere => {
                        Ok(Total::Call(Box::new(TotalCall { request, at })))
                    }
                    _ => Err(A::Error::custom(
                        "a total stands in a `header` of the page, or `at` a place in the answer \
                         to a `request`",
                    )),
                }
            }
        }

        deserializer.deserialize_any(TotalVisitor)
    }
}
