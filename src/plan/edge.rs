//! How strangers are met: over TLS, through proxies, from scripts of other origins.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderValue;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer};
use url::Url;

use super::{SecretValue, text};
use crate::caller::ClientAuthorities;

/// What TLS is served with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTls {
    /// The certificate, with its chain, in PEM.
    pub certificate: SecretValue,
    /// Its private key, in PEM.
    pub key: SecretValue,
    /// The CAs whose client certificates count, in PEM. Without them, no client is asked for one.
    pub client_ca: Option<SecretValue>,
}

impl ServerTls {
    /// What vouches for the certificates of clients, if they are asked for any.
    pub fn client_authorities(&self) -> Option<ClientAuthorities> {
        let client_ca = self.client_ca.as_ref()?;
        Some(ClientAuthorities::in_pem(client_ca.expose()))
    }
}

/// The addresses that share a prefix (CIDR, RFC 4632): `"10.0.0.0/8"`, `"2001:db8::/32"`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressBlock {
    first: IpAddr,
    prefix: u8,
}

impl AddressBlock {
    /// Whether an address is one of them. An IPv4 address is one however it is written.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                (first.to_bits() ^ address.to_bits()).leading_zeros() >= self.prefix.into()
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                (first.to_bits() ^ address.to_bits()).leading_zeros() >= self.prefix.into()
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for AddressBlock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || {
            format!(
                "`{text}` is not a block of addresses: write `10.0.0.0/8`, `2001:db8::/32` or one address"
            )
        };
        let (first, prefix) = match text.split_once('/') {
            Some((first, prefix)) => (first, Some(prefix)),
            None => (text, None),
        };
        let first: IpAddr = first.parse().map_err(|_| malformed())?;
        if first.to_canonical() != first {
            let plain = first.to_canonical();
            return Err(format!("`{first}` is an IPv4 address: write `{plain}`"));
        }
        let bits = if first.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
                prefix.parse().map_err(|_| malformed())?
            }
            Some(_) => return Err(malformed()),
            None => bits,
        };
        if prefix > bits {
            return Err(malformed());
        }
        if prefix == 0 {
            return Err(format!(
                "`{text}` is every address: whoever connects could say that it is anybody"
            ));
        }
        let rest = u32::from(bits - prefix);
        let begin = match first {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(rest).unwrap_or(0);
                IpAddr::V4((address.to_bits() & mask).into())
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
                IpAddr::V6((address.to_bits() & mask).into())
            }
        };
        if begin != first {
            return Err(format!(
                "`{text}` begins within its block: write `{begin}/{prefix}`, or `{first}` alone"
            ));
        }
        Ok(Self { first, prefix })
    }
}

impl fmt::Display for AddressBlock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.first, self.prefix)
    }
}

impl<'de> Deserialize<'de> for AddressBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a block of addresses such as `10.0.0.0/8`";
        text::parse(deserializer, expected, str::parse)
    }
}

impl JsonSchema for AddressBlock {
    fn schema_name() -> Cow<'static, str> {
        "AddressBlock".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "The addresses that share a prefix (CIDR): `\"10.0.0.0/8\"`, `\"2001:db8::/32\"`, or one address.",
        })
    }
}

/// The origin of a page whose scripts may read answers, as browsers write it (RFC 6454, section 6.2):
/// `"https://portal.example.com"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptOrigin(HeaderValue);

impl ScriptOrigin {
    /// The origin as the `Origin` header writes it.
    pub const fn header(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Display for ScriptOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.to_str().unwrap_or_default())
    }
}

impl FromStr for ScriptOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" || text == "null" {
            return Err(format!(
                "`{text}` is no origin: name each one, as in `https://portal.example.com`"
            ));
        }
        let malformed =
            || format!("`{text}` is not an origin: write it as in `https://portal.example.com`");
        let url = Url::parse(text).map_err(|_| malformed())?;
        // It would be compared letter by letter.
        if !matches!(url.scheme(), "http" | "https") || text.contains('*') {
            return Err(malformed());
        }
        let origin = url.origin().ascii_serialization();
        if origin != text {
            return Err(format!(
                "`{text}` is not an origin as browsers write it: scheme, host and a port that is not the \
                 scheme's own, without a slash behind it: `{origin}`"
            ));
        }
        let header = HeaderValue::from_str(text).map_err(|_| malformed())?;
        Ok(Self(header))
    }
}

impl<'de> Deserialize<'de> for ScriptOrigin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "an origin such as `https://portal.example.com`";
        text::parse(deserializer, expected, str::parse)
    }
}

impl JsonSchema for ScriptOrigin {
    fn schema_name() -> Cow<'static, str> {
        "ScriptOrigin".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An origin exactly as browsers write it: scheme, host and, where it is not the scheme's own, port: `\"https://portal.example.com\"`.",
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("10.0.0.0/8", "10.255.0.1", true)]
    #[case("10.0.0.0/8", "11.0.0.1", false)]
    #[case("10.0.0.0/8", "::ffff:10.0.0.1", true)]
    #[case("10.0.0.0/8", "2001:db8::1", false)]
    #[case("192.0.2.7", "192.0.2.7", true)]
    #[case("192.0.2.7", "192.0.2.8", false)]
    #[case("2001:db8::/33", "2001:db8:7fff::1", true)]
    #[case("2001:db8::/33", "2001:db8:8000::1", false)]
    #[case("::1", "::1", true)]
    #[case("::1", "0.0.0.1", false)]
    fn a_block_holds_what_shares_its_prefix(
        #[case] block: AddressBlock,
        #[case] address: IpAddr,
        #[case] expected: bool,
    ) {
        assert_eq!(block.contains(address), expected);
    }

    #[rstest]
    #[case("10.0.0.1/8", "write `10.0.0.0/8`")]
    #[case("2001:db8::1/32", "write `2001:db8::/32`")]
    #[case("10.0.0.0/33", "not a block")]
    #[case("10.0.0.0/+8", "not a block")]
    #[case("10.0.0.0/", "not a block")]
    #[case("proxy.example.com", "not a block")]
    #[case("::ffff:10.0.0.1", "write `10.0.0.1`")]
    #[case("0.0.0.0/0", "every address")]
    #[case("::/0", "every address")]
    fn what_is_no_block_is_refused(#[case] text: &str, #[case] reason: &str) {
        let error = text.parse::<AddressBlock>().unwrap_err();
        assert!(error.contains(reason), "{error}");
    }

    #[rstest]
    #[case("https://a.example", None)]
    #[case("http://localhost:3000", None)]
    #[case("https://a.example/", Some("`https://a.example`"))]
    #[case("https://A.example", Some("`https://a.example`"))]
    #[case("https://a.example:443", Some("`https://a.example`"))]
    #[case("https://user@a.example", Some("`https://a.example`"))]
    #[case("*", Some("name each one"))]
    #[case("null", Some("name each one"))]
    #[case("https://*.example", Some("not an origin"))]
    #[case("a.example", Some("not an origin"))]
    #[case("file:///x", Some("not an origin"))]
    fn an_origin_is_written_as_browsers_write_it(#[case] text: &str, #[case] wrong: Option<&str>) {
        match (text.parse::<ScriptOrigin>(), wrong) {
            (Ok(origin), None) => assert_eq!(origin.header(), text),
            (Err(error), Some(wrong)) => assert!(error.contains(wrong), "{error}"),
            (parsed, _) => panic!("{parsed:?}"),
        }
    }
}
