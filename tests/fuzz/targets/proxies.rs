//! What proxies write is believed as far as they can have written it.

use std::net::IpAddr;

use groupgate::downstream::entrance::{AnnouncedOwner, announcement, origin};
use groupgate::plan::AddressBlock;
use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::says_little;

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

/// Lines of `X-Forwarded-For` and of `Forwarded` that a client has written, and what a trusted proxy adds.
pub(crate) fn forwarded(data: &[u8]) {
    let trusted: [AddressBlock; 1] = ["10.0.0.0/8".parse().expect("a block of addresses")];
    let usual = HeaderName::from_static("x-forwarded-for");
    for (name, added) in [(usual, "192.0.2.7"), (FORWARDED, "for=192.0.2.7")] {
        let mut headers = HeaderMap::new();
        for line in data.split(|byte| *byte == b'\n') {
            if let Ok(line) = HeaderValue::from_bytes(line) {
                headers.append(name.clone(), line);
            }
        }
        // It may say anything, and never ends the gateway.
        let _ = origin(PEER, &headers, &trusted);
        headers.append(name.clone(), HeaderValue::from_static(added));
        assert_eq!(origin(PEER, &headers, &trusted), CLIENT);
        // The same on the line of the client: where that leaves a quote open, nobody is believed.
        let first = data.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = [first, b", ", added.as_bytes()].concat();
        if let Ok(line) = HeaderValue::from_bytes(&line) {
            let headers = HeaderMap::from_iter([(name, line)]);
            let found = origin(PEER, &headers, &trusted);
            assert!(found == CLIENT || found == PEER, "{found}");
        }
    }
}

/// The header of a connection, in either version.
pub(crate) fn proxy_header(data: &[u8]) {
    let announced = match announcement(data) {
        Ok(announced) => announced,
        Err(error) => return says_little(error),
    };
    let is_second = data.starts_with(b"\r\n\r\n\0\r\nQUIT\n");
    assert!(is_second || data.starts_with(b"PROXY "));
    let AnnouncedOwner::Client(address) = announced else {
        return;
    };
    if is_second {
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        assert!(data[16..].starts_with(&bytes), "{address}");
    } else {
        let line = String::from_utf8_lossy(data);
        let said = line.split(' ').nth(2).and_then(|word| word.parse().ok());
        assert_eq!(said, Some(address), "{line}");
    }
}
