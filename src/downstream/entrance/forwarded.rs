//! For whom a proxy asks, as `X-Forwarded-For` and `Forwarded` (RFC 7239) say.
//!
//! Every proxy adds to the right of what it was sent. So the headers are read from the right, and as far as
//! each address is that of a trusted proxy: what stands before the first other one, anybody may have written.

use std::net::{IpAddr, SocketAddr};

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};

use crate::plan::AddressBlock;

use super::trusts;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whether a proxy says that it asks for another, however well it can be understood.
pub(super) fn is_for_another(headers: &HeaderMap) -> bool {
    headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED)
}

/// The address for which the trusted proxy at `peer` asks. Where the two headers differ, one of them was not
/// written by the proxy, and it cannot be told which: then the request counts as the proxy's own.
pub fn origin(peer: IpAddr, headers: &HeaderMap, trusted: &[AddressBlock]) -> IpAddr {
    let follow = |name: &HeaderName, read: fn(&str) -> Hops| {
        let mut address = headers.contains_key(name).then_some(peer)?;
        for line in headers.get_all(name).iter().rev() {
            let hops = line.to_str().map_or_else(|_| vec![None], read);
            for hop in hops.into_iter().rev() {
                let Some(hop) = hop else { return Some(address) };
                address = hop;
                if !trusts(trusted, hop) {
                    return Some(address);
                }
            }
        }
        Some(address)
    };
    let usual = follow(&X_FORWARDED_FOR, addresses);
    let standard = follow(&FORWARDED, elements);
    match (usual, standard) {
        (Some(usual), Some(standard)) if usual != standard => peer,
        (usual, standard) => usual.or(standard).unwrap_or(peer),
    }
}

/// Those who have asked each other, the last on the right. `None`: one that is not said, or cannot be read.
type Hops = Vec<Option<IpAddr>>;

/// The hops of a line of `X-Forwarded-For`.
fn addresses(line: &str) -> Hops {
    let hops = line.split(',').map(str::trim);
    hops.filter(|hop| !hop.is_empty()).map(node).collect()
}

/// The hops of a line of `Forwarded`.
fn elements(line: &str) -> Hops {
    let Some(elements) = unquoted_parts(line, ',') else {
        return vec![None];
    };
    let elements = elements.into_iter().filter(|part| !part.trim().is_empty());
    elements.map(element).collect()
}

/// The `for` of an element of `Forwarded`.
fn element(element: &str) -> Option<IpAddr> {
    let mut found = unquoted_parts(element, ';')?
        .into_iter()
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("for")
                .then_some(value.trim())
        });
    let value = found.next()?;
    if found.next().is_some() {
        return None;
    }
    let quoted = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    node(quoted.unwrap_or(value))
}

/// A node's address, which may come with a port, and in brackets.
fn node(node: &str) -> Option<IpAddr> {
    let bare = node
        .strip_prefix('[')
        .and_then(|node| node.strip_suffix(']'));
    let address = bare.unwrap_or(node).parse().ok();
    address.or_else(|| Some(node.parse::<SocketAddr>().ok()?.ip()))
}

/// The parts of a list, whose separator may stand in quotes. `None`: a quote is not closed.
fn unquoted_parts(list: &str, separator: char) -> Option<Vec<&str>> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = list.split(|letter: char| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match letter {
            '"' if !was_escaped => is_quoted = !is_quoted,
            '\\' if is_quoted && !was_escaped => is_escaped = true,
            _ => {}
        }
        letter == separator && !is_quoted
    });
    let parts = parts.collect();
    (!is_quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const PEER: &str = "10.0.0.1";

    fn asked(lines: &[(&str, &str)]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        origin(PEER.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[rstest]
    #[case::nothing_said(&[], PEER)]
    #[case::one(&["192.0.2.7"], "192.0.2.7")]
    #[case::forged_before_the_proxy(&["203.0.113.9, 192.0.2.7"], "192.0.2.7")]
    #[case::forged_on_a_line_before(&["203.0.113.9", "192.0.2.7"], "192.0.2.7")]
    #[case::through_two_proxies(&["203.0.113.9, 192.0.2.7, 10.0.0.2"], "192.0.2.7")]
    #[case::through_proxies_alone(&["10.0.0.3, 10.0.0.2"], "10.0.0.3")]
    #[case::with_a_port(&["192.0.2.7:4711"], "192.0.2.7")]
    #[case::of_ipv6(&["2001:db8::7"], "2001:db8::7")]
    #[case::of_ipv6_with_a_port(&["[2001:db8::7]:4711"], "2001:db8::7")]
    #[case::through_a_proxy_of_ipv6(&["192.0.2.7, fd00::2"], "192.0.2.7")]
    #[case::empty_parts(&["192.0.2.7, ,"], "192.0.2.7")]
    #[case::not_an_address(&["192.0.2.7, nobody"], PEER)]
    #[case::not_an_address_behind_a_proxy(&["nobody, 10.0.0.2"], "10.0.0.2")]
    #[case::not_text(&["192.0.2.7, \u{e9}"], PEER)]
    fn the_usual_header_is_read_from_the_right(#[case] lines: &[&str], #[case] expected: &str) {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| ("x-forwarded-for", *line))
            .collect();
        assert_eq!(asked(&lines), expected);
    }

    #[rstest]
    #[case::one("for=192.0.2.7", "192.0.2.7")]
    #[case::with_more("by=10.0.0.1;For=192.0.2.7;proto=https", "192.0.2.7")]
    #[case::quoted(r#"for="[2001:db8::7]:4711""#, "2001:db8::7")]
    #[case::forged_before_the_proxy("for=203.0.113.9, for=192.0.2.7", "192.0.2.7")]
    #[case::through_two_proxies("for=192.0.2.7, for=10.0.0.2;by=10.0.0.1", "192.0.2.7")]
    #[case::a_comma_in_quotes(
        r#"for=203.0.113.9;host="a, for=1.2.3.4", for=192.0.2.7"#,
        "192.0.2.7"
    )]
    #[case::a_quote_in_quotes(r#"for=192.0.2.7;host="a\", for=1.2.3.4""#, "192.0.2.7")]
    #[case::hidden("for=_hidden", PEER)]
    #[case::unknown("for=192.0.2.7, for=unknown", PEER)]
    #[case::two_in_one("for=192.0.2.7;for=192.0.2.8", PEER)]
    #[case::none("proto=https", PEER)]
    #[case::an_open_quote(r#"for=192.0.2.7, for="10.0.0.2"#, PEER)]
    fn the_standard_header_is_read_from_the_right(#[case] line: &str, #[case] expected: &str) {
        assert_eq!(asked(&[("forwarded", line)]), expected);
    }

    #[rstest]
    #[case("192.0.2.7", "for=192.0.2.7", "192.0.2.7")]
    #[case("192.0.2.7", "for=203.0.113.9", PEER)]
    #[case("192.0.2.7", "for=_hidden", PEER)]
    fn where_both_headers_differ_neither_counts(
        #[case] usual: &str,
        #[case] standard: &str,
        #[case] expected: &str,
    ) {
        let lines = [("x-forwarded-for", usual), ("forwarded", standard)];
        assert_eq!(asked(&lines), expected);
    }

    proptest! {
        #[test]
        fn what_a_client_writes_never_replaces_what_the_proxy_adds(
            forged in "[ -~]{0,80}",
            name in prop_oneof![Just("x-forwarded-for"), Just("forwarded")],
        ) {
            // A quote that the client leaves open swallows what is added to the same line: then nothing counts.
            let (own, expected) = if name == "forwarded" {
                (format!("{forged}, for=192.0.2.7"), ["192.0.2.7", PEER])
            } else {
                (format!("{forged}, 192.0.2.7"), ["192.0.2.7", "192.0.2.7"])
            };
            let found = asked(&[(name, &own)]);
            prop_assert!(expected.contains(&found.as_str()), "{found}");
        }
    }
}
