//! An origin: the part of a URL that decides who receives our credentials.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer};
use url::{Host, Url};

use crate::plan::text;

/// Scheme, host and port of a URL (RFC 6454), such as `"https://pages.example.com"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Url);

impl Origin {
    /// The origin of a URL.
    pub fn of(url: &Url) -> Self {
        let mut origin = url.clone();
        origin.set_path("/");
        origin.set_query(None);
        origin.set_fragment(None);
        // A URL that cannot have them has none to remove.
        let _ = origin.set_username("");
        let _ = origin.set_password(None);
        Self(origin)
    }

    /// Whether a URL is of this origin: the same scheme, host and port.
    pub fn covers(&self, url: &Url) -> bool {
        self.0.origin() == url.origin()
    }

    /// The URL of which it is the origin, with nothing after it.
    pub const fn url(&self) -> &Url {
        &self.0
    }
}

/// Whether a URL holds a user name or password. In one that a server names, that is an error (RFC
/// 9110, section 4.2.4): it may hide where the URL leads.
pub(crate) fn holds_userinfo(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Whether a URL leads to this machine, so that nobody is on the way.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: Url = text.parse().map_err(|_| no_origin(text))?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_nobody = url.username().is_empty() && url.password().is_none();
        let is_web = matches!(url.scheme(), "http" | "https");
        // No host has a star in its name: whoever writes one means any host, and that is not meant.
        let is_one = url.host_str().is_some_and(|host| !host.contains('*'));
        if is_bare && is_nobody && is_web && is_one {
            Ok(Self(url))
        } else {
            Err(no_origin(text))
        }
    }
}

fn no_origin(text: &str) -> String {
    format!(
        "`{text}` is not an origin: write scheme and host and nothing after them, as in \
         `https://pages.example.com`"
    )
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.origin().ascii_serialization())
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::parse(
            deserializer,
            "an origin such as `https://pages.example.com`",
            str::parse,
        )
    }
}

impl JsonSchema for Origin {
    fn schema_name() -> Cow<'static, str> {
        "Origin".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "uri",
            "description": "Scheme, host and, unless it is the default one, port, such as `\"https://pages.example.com\"`. A path is refused.",
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::the_same("https://a.example", "https://a.example/x?y", true)]
    #[case::its_own_port("https://a.example:443/", "https://A.example/x", true)]
    #[case::another_port("https://a.example", "https://a.example:8443/", false)]
    #[case::another_scheme("https://a.example", "http://a.example/", false)]
    #[case::a_host_below("https://a.example", "https://b.a.example/", false)]
    fn an_origin_is_scheme_host_and_port(
        #[case] origin: &str,
        #[case] url: &str,
        #[case] expected: bool,
    ) {
        let origin: Origin = origin.parse().unwrap();
        assert_eq!(origin.covers(&url.parse().unwrap()), expected);
    }

    #[rstest]
    #[case::a_path("https://a.example/pages")]
    #[case::a_query("https://a.example/?x")]
    #[case::a_user("https://me@a.example")]
    #[case::no_scheme("a.example")]
    #[case::another_scheme("ftp://a.example")]
    #[case::any_host("https://*")]
    fn more_or_less_than_an_origin_is_refused(#[case] text: &str) {
        assert!(text.parse::<Origin>().is_err(), "{text}");
    }
}
