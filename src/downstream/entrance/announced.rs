//! Whose connection a load balancer hands on, as the header at its beginning says (PROXY protocol, versions 1
//! and 2).
//!
//! Not a byte beyond the header is read: what follows is TLS or HTTP.

use std::io;
use std::net::IpAddr;

use ppp::{HeaderResult, v1, v2};
use thiserror::Error;
use tokio::net::TcpStream;

/// The shortest header: `PROXY UNKNOWN` and the end of the line.
const SHORTEST: usize = 15;

/// The longest header of version 1, with the end of its line (section 2.1).
const LONGEST_LINE: usize = 107;

/// What a header of version 2 begins with, and how long it is up to its addresses (section 2.2).
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const FIXED: usize = 16;

/// The longest header of version 2. It may carry more than addresses: a balancer's notes take some hundred bytes.
const LONGEST: usize = 2048;

/// Why it is not known whose a connection is.
#[derive(Debug, Error)]
pub enum HeaderFault {
    /// Its peer is no proxy that is trusted.
    #[error("its peer is not in `server.trusted_proxies`")]
    NotTrusted,
    /// Its header took too long.
    #[error("its header took too long")]
    TooSlow,
    /// It begins with something else.
    #[error("it does not begin with a PROXY protocol header")]
    Missing,
    /// Its header is too large.
    #[error("its PROXY protocol header is larger than {LONGEST} bytes")]
    TooLarge,
    /// Its header breaks the rules of its version.
    #[error("its PROXY protocol header cannot be read")]
    Malformed,
    /// It broke.
    #[error("it broke")]
    Broken(#[from] io::Error),
}

/// Whose connection a header says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnnouncedOwner {
    /// The proxy's own, as of a health check.
    Own,
    /// That of a client at this address.
    Client(IpAddr),
    /// That of somebody else, of whom no address is known.
    Unknown,
}

/// Reads the header and not a byte more.
pub(super) async fn read(stream: &TcpStream) -> Result<AnnouncedOwner, HeaderFault> {
    let mut header = vec![0; SHORTEST];
    fill(stream, &mut header).await?;
    if header.starts_with(SIGNATURE) {
        header.resize(FIXED, 0);
        fill(stream, &mut header[SHORTEST..]).await?;
        let length = FIXED + usize::from(u16::from_be_bytes([header[14], header[15]]));
        if length > LONGEST {
            return Err(HeaderFault::TooLarge);
        }
        header.resize(length, 0);
        fill(stream, &mut header[FIXED..]).await?;
    } else if header.starts_with(b"PROXY ") {
        while !header.ends_with(b"\n") {
            let begun = header.len();
            if begun == LONGEST_LINE {
                return Err(HeaderFault::Malformed);
            }
            let mut waiting = [0; LONGEST_LINE];
            let waiting = &mut waiting[begun..];
            let count = stream.peek(waiting).await?;
            let end = waiting[..count].iter().position(|byte| *byte == b'\n');
            // Nothing waits where the connection has ended, and reading says so.
            header.resize(begun + end.map_or(count, |end| end + 1).max(1), 0);
            fill(stream, &mut header[begun..]).await?;
        }
    } else {
        return Err(HeaderFault::Missing);
    }
    announcement(&header)
}

/// Reads so many bytes.
async fn fill(stream: &TcpStream, mut bytes: &mut [u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.readable().await?;
        match stream.try_read(bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => bytes = &mut bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What a whole header says.
pub fn announcement(header: &[u8]) -> Result<AnnouncedOwner, HeaderFault> {
    use AnnouncedOwner::{Client, Own, Unknown};
    match HeaderResult::parse(header) {
        HeaderResult::V1(Ok(header)) => Ok(match header.addresses {
            v1::Addresses::Tcp4(addresses) => Client(addresses.source_address.into()),
            v1::Addresses::Tcp6(addresses) => Client(addresses.source_address.into()),
            v1::Addresses::Unknown => Unknown,
        }),
        HeaderResult::V2(Ok(header)) if header.command == v2::Command::Local => Ok(Own),
        HeaderResult::V2(Ok(header)) => Ok(match header.addresses {
            v2::Addresses::IPv4(addresses) => Client(addresses.source_address.into()),
            v2::Addresses::IPv6(addresses) => Client(addresses.source_address.into()),
            v2::Addresses::Unix(_) | v2::Addresses::Unspecified => Unknown,
        }),
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => Err(HeaderFault::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// What is read of these parts, sent one after the other, and what is left.
    async fn sent(parts: &[&[u8]]) -> (Result<AnnouncedOwner, HeaderFault>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        peer.set_nodelay(true).unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        let sending = async {
            for part in parts {
                peer.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(peer);
        };
        let (read, ()) = tokio::join!(read(&stream), sending);
        let mut left = Vec::new();
        // A connection whose peer was told nothing may end anyhow.
        let _ = stream.read_to_end(&mut left).await;
        (read, left)
    }

    fn second(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[0x20 | command, family], &length, addresses].concat()
    }

    fn client(address: &str) -> AnnouncedOwner {
        AnnouncedOwner::Client(address.parse().unwrap())
    }

    #[rstest]
    #[case::first(b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n".to_vec(), client("192.0.2.7"))]
    #[case::first_of_ipv6(b"PROXY TCP6 2001:db8::7 ::1 4711 443\r\n".to_vec(), client("2001:db8::7"))]
    #[case::first_unknown(b"PROXY UNKNOWN\r\n".to_vec(), AnnouncedOwner::Unknown)]
    #[case::second(second(1, 0x11, &[192, 0, 2, 7, 10, 0, 0, 1, 0, 1, 0, 2]), client("192.0.2.7"))]
    #[case::second_with_notes(
        second(1, 0x11, &[192, 0, 2, 7, 10, 0, 0, 1, 0, 1, 0, 2, 4, 0, 1, 9]),
        client("192.0.2.7")
    )]
    #[case::second_of_a_health_check(second(0, 0, &[]), AnnouncedOwner::Own)]
    #[case::second_of_no_address(second(1, 0, &[]), AnnouncedOwner::Unknown)]
    #[case::second_of_a_socket_file(second(1, 0x31, &[0; 216]), AnnouncedOwner::Unknown)]
    #[tokio::test]
    async fn a_header_says_whose_a_connection_is_however_it_is_cut(
        #[case] header: Vec<u8>,
        #[case] expected: AnnouncedOwner,
    ) {
        let whole = [&header[..], b"GET"].concat();
        for cut in 0..header.len() {
            let (first, rest) = whole.split_at(cut);
            let (source, left) = sent(&[first, rest]).await;
            assert_eq!(source.unwrap(), expected);
            assert_eq!(left, b"GET", "cut at {cut}");
        }
    }

    #[rstest]
    #[case::none(b"GET /groups HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(), "does not begin")]
    #[case::an_endless_line([b"PROXY TCP4 ", &[b'1'; 200][..]].concat(), "cannot be read")]
    #[case::no_address(b"PROXY TCP4 nobody 10.0.0.1 1 2\r\n".to_vec(), "cannot be read")]
    #[case::too_large(second(1, 0x11, &[0; 4096]), "larger than")]
    #[case::too_short_for_its_addresses(second(1, 0x11, &[192, 0, 2, 7]), "cannot be read")]
    #[case::cut_off(b"PROXY TCP4 192.0.2.7 ".to_vec(), "it broke")]
    #[tokio::test]
    async fn what_is_no_header_says_nothing(#[case] bytes: Vec<u8>, #[case] reason: &str) {
        let (source, _) = sent(&[&bytes]).await;
        let error = source.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}
