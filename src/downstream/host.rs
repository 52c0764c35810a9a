//! Which host a request names. A server must refuse a request that names none, several, or what
//! cannot be one (RFC 9112, section 3.2; RFC 9113, section 8.3.1): whatever stands before it may have
//! understood another one.

use std::net::Ipv6Addr;
use std::sync::OnceLock;

use http::header::HOST;
use http::{HeaderMap, HeaderValue, Uri, Version};

use super::problem::{Kind, ProblemDetails};

/// The `Host` headers of a request.
#[derive(Debug, Default)]
pub(crate) struct NamedHosts {
    count: usize,
    /// Whether one names what cannot be a host.
    is_bad: bool,
}

impl NamedHosts {
    /// Another one, in a request of a connection that holds this.
    pub(super) fn add(&mut self, host: &HeaderValue, held: &HeldHost) {
        self.count += 1;
        self.is_bad |= !held.is_host(host.as_bytes());
    }
}

/// Longer hosts, in bytes, are not held.
const LONGEST: usize = 256;

/// The host that a connection named first, if it can be one: most name no other.
#[derive(Debug, Default)]
pub(super) struct HeldHost(OnceLock<Box<[u8]>>);

impl HeldHost {
    fn is_host(&self, value: &[u8]) -> bool {
        if self.0.get().is_some_and(|held| **held == *value) {
            return true;
        }
        let is_host = is_host(value);
        if is_host && value.len() <= LONGEST {
            // The first one stays.
            let _ = self.0.set(value.into());
        }
        is_host
    }
}

/// What is wrong with the host that a request names. These are those in its headers.
pub(crate) fn misdirection(
    version: Version,
    uri: &Uri,
    headers: &HeaderMap,
    hosts: &NamedHosts,
) -> Option<ProblemDetails> {
    let host = || headers.get(HOST);
    let detail = match hosts.count {
        0 if version == Version::HTTP_11 => {
            "there is no `Host` header; an HTTP/1.1 request needs exactly one".to_owned()
        }
        count @ 2.. => format!("there are {count} `Host` headers; send one"),
        _ if hosts.is_bad => {
            let shown = host().map(shown).unwrap_or_default();
            format!("`Host: {shown}` is not a valid host; {EXPECTED}")
        }
        _ => misled(version, uri, host)?,
    };
    Some(ProblemDetails::new(Kind::BadRequest, detail))
}

const EXPECTED: &str = "expected a name or an address, and perhaps a colon and a port";

/// What is wrong with the host in the target of a request, which counts where there is one: in the
/// `:authority` of HTTP/2, and where HTTP/1 sends a whole URL.
fn misled<'a>(
    version: Version,
    uri: &Uri,
    host: impl FnOnce() -> Option<&'a HeaderValue>,
) -> Option<String> {
    let target = uri.authority()?.as_str();
    if !is_host(target.as_bytes()) {
        // It may hold a password.
        return Some(format!(
            "the target of the request names no valid host; {EXPECTED}"
        ));
    }
    let host = (version == Version::HTTP_2).then(host)??;
    let is_same = host.as_bytes().eq_ignore_ascii_case(target.as_bytes());
    (!is_same).then(|| {
        format!(
            "`:authority` is `{target}` and `Host` is `{}`; they must be the same",
            shown(host)
        )
    })
}

fn shown(host: &HeaderValue) -> String {
    host.as_bytes().escape_ascii().to_string()
}

/// Whether it is a host with an optional port (RFC 3986, section 3.2.2). A comma may stand in a host
/// by that grammar, but what comes here with one is two values in one line.
fn is_host(value: &[u8]) -> bool {
    let (is_good, port) = if let Some(rest) = value.strip_prefix(b"[") {
        let Some(end) = rest.iter().position(|byte| *byte == b']') else {
            return false;
        };
        let (address, rest) = rest.split_at(end);
        let address = str::from_utf8(address).unwrap_or_default();
        (address.parse::<Ipv6Addr>().is_ok(), &rest[1..])
    } else {
        // A colon stands in no name.
        let end = value.iter().position(|byte| !IN_A_NAME[usize::from(*byte)]);
        let (name, port) = value.split_at(end.unwrap_or(value.len()));
        (!name.is_empty(), port)
    };
    is_good && (port.is_empty() || port.strip_prefix(b":").is_some_and(is_port))
}

/// Whether it is a number of 16 bits, or nothing.
fn is_port(digits: &[u8]) -> bool {
    let number = digits.iter().try_fold(0_u16, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
        number.checked_mul(10)?.checked_add(digit.into())
    });
    number.is_some()
}

/// Which bytes stand in a name.
static IN_A_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < u8::MAX {
        table[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'%' | b'!' | b'$')
            || matches!(byte, b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b';' | b'=');
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn detail(version: Version, uri: &str, hosts: &[&str]) -> Option<String> {
        let values = hosts
            .iter()
            .map(|host| HeaderValue::from_str(host).unwrap());
        let (mut headers, mut named) = (HeaderMap::new(), NamedHosts::default());
        for host in values {
            named.add(&host, &HeldHost::default());
            headers.append(HOST, host);
        }
        let problem = misdirection(version, &uri.parse().unwrap(), &headers, &named)?;
        assert_eq!(problem.kind(), Kind::BadRequest);
        let body: serde_json::Value = serde_json::from_slice(&problem.body("")).unwrap();
        Some(body["detail"].as_str().unwrap().to_owned())
    }

    #[rstest]
    #[case(Version::HTTP_11, &[], Some("there is no `Host` header; an HTTP/1.1 request needs exactly one"))]
    #[case(Version::HTTP_11, &["here"], None)]
    #[case(Version::HTTP_11, &["here", "here"], Some("there are 2 `Host` headers; send one"))]
    #[case(Version::HTTP_10, &[], None)]
    #[case(Version::HTTP_10, &["here", "there"], Some("there are 2 `Host` headers; send one"))]
    #[case(Version::HTTP_2, &[], None)]
    #[case(Version::HTTP_2, &["here", "there", ""], Some("there are 3 `Host` headers; send one"))]
    fn a_request_names_one_host(
        #[case] version: Version,
        #[case] hosts: &[&str],
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(detail(version, "/groups", hosts).as_deref(), expected);
    }

    #[test]
    fn a_connection_that_named_a_host_may_name_others_and_no_bad_ones() {
        let held = HeldHost::default();
        let long = "h".repeat(LONGEST + 1);
        for (host, expected) in [
            ("user@here", false),
            (&long, true),
            ("here", true),
            ("here", true),
            ("there:80", true),
            ("user@here", false),
            ("here,there", false),
            ("here", true),
        ] {
            assert_eq!(held.is_host(host.as_bytes()), expected, "{host}");
        }
        assert_eq!(held.0.get().map(|held| &**held), Some(&b"here"[..]));
    }

    #[rstest]
    fn what_can_be_a_host_is_taken(
        #[values(
            "here",
            "HERE",
            "here:",
            "here:80",
            "here.example.com.:65535",
            "group_gate",
            "192.0.2.1",
            "xn--caf-dma.example",
            "[::1]",
            "[2001:db8::1]:8080",
            "[::ffff:192.0.2.1]"
        )]
        host: &str,
    ) {
        assert_eq!(detail(Version::HTTP_11, "/groups", &[host]), None);
    }

    #[rstest]
    fn what_cannot_be_a_host_is_refused_and_quoted(
        #[values(
            "",
            "a b",
            "a,b",
            "a, b",
            "a/b",
            "me@here",
            "me:pw@here",
            "here:port",
            "here:65536",
            "here:+80",
            "here:99999999",
            "here:80:80",
            ":80",
            "http://here",
            "[::1",
            "::1",
            "[here]",
            "[::1]x",
            "[]",
            "caf\u{e9}"
        )]
        host: &str,
    ) {
        let quoted = host.as_bytes().escape_ascii();
        assert_eq!(
            detail(Version::HTTP_11, "/groups", &[host]),
            Some(format!("`Host: {quoted}` is not a valid host; {EXPECTED}"))
        );
    }

    #[rstest]
    #[case(Version::HTTP_2, "http://here:80/groups", &["HERE:80"], None)]
    #[case(Version::HTTP_2, "http://here/groups", &["there"],
        Some("`:authority` is `here` and `Host` is `there`; they must be the same"))]
    #[case(Version::HTTP_2, "http://me@here/groups", &[],
        Some("the target of the request names no valid host; expected a name or an address, and perhaps a colon and a port"))]
    // The target alone counts here, and a proxy may leave the header as it was.
    #[case(Version::HTTP_11, "http://here/groups", &["there"], None)]
    fn the_target_and_the_header_name_the_same_host(
        #[case] version: Version,
        #[case] uri: &str,
        #[case] hosts: &[&str],
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(detail(version, uri, hosts).as_deref(), expected);
    }
}
