//! Content codings: which one a caller likes best (RFC 9110, section 12.5.3), and how bodies get it.

use std::io::{self, Write as _};
use std::mem;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, HeaderValue};

use super::negotiate::{quality, sent};
use super::problem::{Kind, ProblemDetails};

/// Smaller answers are sent as they are: compressed, they would not be smaller on the wire.
const WORTH_COMPRESSING: usize = 860;

/// How hard each coding tries: what a page gains by more costs more than sending it.
const GZIP_LEVEL: u32 = 6;
const BROTLI_QUALITY: u32 = 4;
const ZSTD_LEVEL: i32 = 3;

/// How far back Brotli looks, as a power of two, and how much it writes at once.
const BROTLI_WINDOW: u32 = 22;
const BROTLI_BUFFER: usize = 4096;

/// A content coding; of two that a caller likes equally, the later is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Brotli,
    Zstd,
}

impl Coding {
    const ALL: [Self; 4] = [Self::Identity, Self::Gzip, Self::Brotli, Self::Zstd];

    /// The name of the coding, where there is one to say.
    pub(crate) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// The coding that a caller names (RFC 9110, section 8.4.1, where case does not matter).
    fn named(name: &str) -> Option<Self> {
        let is = |other| name.eq_ignore_ascii_case(other);
        let coding = Self::ALL.into_iter();
        let mut named = coding.filter(|coding| is(coding.name().unwrap_or("identity")));
        named.next().or_else(|| is("x-gzip").then_some(Self::Gzip))
    }
}

/// What a caller accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Accepted {
    /// What it likes best.
    pub(crate) best: Coding,
    /// Whether it also takes a body as it is.
    identity: bool,
}

impl Accepted {
    /// The coding for a body of this length.
    pub(crate) const fn for_length(self, bytes: usize) -> Coding {
        if self.identity && bytes <= WORTH_COMPRESSING {
            Coding::Identity
        } else {
            self.best
        }
    }
}

/// The coding whose name is all that a caller sent. Many do, and nothing is to be weighed.
fn named(only: &HeaderValue) -> Option<Accepted> {
    let is_named = |coding: &Coding| only == coding.name().unwrap_or_default();
    let best = Coding::ALL.into_iter().find(is_named)?;
    let identity = true;
    Some(Accepted { best, identity })
}

/// The coding that the caller likes best.
pub(crate) fn negotiate(headers: &HeaderMap) -> Result<Accepted, ProblemDetails> {
    let mut values = headers.get_all(ACCEPT_ENCODING).iter();
    let only = values.next().filter(|_| values.next().is_none());
    if let Some(accepted) = only.and_then(named) {
        return Ok(accepted);
    }
    let mut qualities = [None; Coding::ALL.len()];
    let mut others = None;
    for value in headers.get_all(ACCEPT_ENCODING) {
        let entries = value.to_str().unwrap_or_default();
        for entry in entries.split(',') {
            let (name, quality) = match entry.split_once(';') {
                Some((name, rest)) => (name, quality(rest.split(';').map(str::trim))),
                None => (entry, Some(1.0)),
            };
            let Some(quality) = quality else { continue };
            let name = name.trim_ascii();
            if name == "*" {
                others = Some(quality);
            } else if let Some(coding) = Coding::named(name) {
                qualities[coding as usize] = Some(quality);
            }
        }
    }
    let quality = |coding: Coding| qualities[coding as usize].or(others);
    // Accepted unless it is refused, but by nobody's wish.
    let identity = quality(Coding::Identity).is_none_or(|quality| quality > 0.0);
    let mut best = identity.then_some((Coding::Identity, 0.0));
    for coding in Coding::ALL {
        let wished = quality(coding).filter(|quality| *quality > 0.0);
        if let Some(quality) = wished
            && best.is_none_or(|(_, best)| quality >= best)
        {
            best = Some((coding, quality));
        }
    }
    best.map(|(best, _)| Accepted { best, identity })
        .ok_or_else(|| not_acceptable(headers))
}

fn not_acceptable(headers: &HeaderMap) -> ProblemDetails {
    ProblemDetails::new(
        Kind::NotAcceptable,
        format!(
            "`Accept-Encoding: {}` takes no coding that is available; take zstd, br, gzip or identity, \
             which is refused by `identity;q=0` or `*;q=0` alone",
            sent(headers, &ACCEPT_ENCODING)
        ),
    )
}

/// Brings a whole body into a coding.
pub(crate) fn encode(coding: Coding, body: Bytes) -> io::Result<Bytes> {
    match Encoder::new(coding)? {
        None => Ok(body),
        Some(mut encoder) => {
            encoder.write(&body)?;
            encoder.finish()
        }
    }
}

/// Brings a body into a coding, part by part.
pub(crate) enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    /// What encodes, where there is anything to do.
    pub(crate) fn new(coding: Coding) -> io::Result<Option<Self>> {
        let out = Vec::new();
        Ok(Some(match coding {
            Coding::Identity => return Ok(None),
            Coding::Gzip => Self::Gzip(GzEncoder::new(out, Compression::new(GZIP_LEVEL))),
            Coding::Brotli => Self::Brotli(Box::new(brotli::CompressorWriter::new(
                out,
                BROTLI_BUFFER,
                BROTLI_QUALITY,
                BROTLI_WINDOW,
            ))),
            Coding::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(out, ZSTD_LEVEL)?),
        }))
    }

    /// Takes a part of the body in.
    pub(crate) fn write(&mut self, part: &[u8]) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.write_all(part),
            Self::Brotli(encoder) => encoder.write_all(part),
            Self::Zstd(encoder) => encoder.write_all(part),
        }
    }

    /// All that was taken in, in the coding. Whoever reads it need not wait for more.
    pub(crate) fn flush(&mut self) -> io::Result<Bytes> {
        let out = match self {
            Self::Gzip(encoder) => {
                encoder.flush()?;
                encoder.get_mut()
            }
            Self::Brotli(encoder) => {
                encoder.flush()?;
                encoder.get_mut()
            }
            Self::Zstd(encoder) => {
                encoder.flush()?;
                encoder.get_mut()
            }
        };
        Ok(mem::take(out).into())
    }

    /// The rest.
    pub(crate) fn finish(self) -> io::Result<Bytes> {
        let out = match self {
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Brotli(encoder) => encoder.into_inner(),
            Self::Zstd(encoder) => encoder.finish()?,
        };
        Ok(out.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use http::HeaderValue;
    use rstest::rstest;

    use super::*;

    fn accepted(sent: &str) -> Option<Accepted> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(sent).unwrap());
        negotiate(&headers).ok()
    }

    #[rstest]
    #[case("", Some(Coding::Identity))]
    #[case("gzip", Some(Coding::Gzip))]
    #[case("GZip", Some(Coding::Gzip))]
    #[case("x-gzip", Some(Coding::Gzip))]
    #[case("gzip, deflate, br, zstd", Some(Coding::Zstd))]
    #[case("br, gzip", Some(Coding::Brotli))]
    #[case("zstd;q=0.5, gzip;q=0.8", Some(Coding::Gzip))]
    #[case("gzip;q=0.5, identity", Some(Coding::Identity))]
    #[case("gzip;q=0", Some(Coding::Identity))]
    #[case("deflate", Some(Coding::Identity))]
    #[case("*", Some(Coding::Zstd))]
    #[case("*;q=0, gzip", Some(Coding::Gzip))]
    #[case("gzip;q=high", Some(Coding::Identity))]
    #[case("identity;q=0", None)]
    #[case("identity;q=0, deflate", None)]
    #[case("*;q=0", None)]
    #[case("*;q=0, deflate", None)]
    #[case("*;q=0, identity", Some(Coding::Identity))]
    #[case("*;q=0, nonsense, br", Some(Coding::Brotli))]
    #[case("identity;q=0, *;q=0", None)]
    #[case("identity;q=0, *", Some(Coding::Zstd))]
    #[case("nonsense, deflate;q=0.5", Some(Coding::Identity))]
    #[case("gzip;q=nan", Some(Coding::Identity))]
    #[case("gzip;q=2", Some(Coding::Identity))]
    #[case("identity;q=0, br", Some(Coding::Brotli))]
    fn the_best_liked_coding_is_chosen(#[case] sent: &str, #[case] expected: Option<Coding>) {
        assert_eq!(accepted(sent).map(|accepted| accepted.best), expected);
    }

    #[test]
    fn without_the_header_a_body_is_sent_as_it_is() {
        let accepted = negotiate(&HeaderMap::new()).unwrap();
        assert_eq!(accepted.best, Coding::Identity);
    }

    #[test]
    fn a_small_body_is_sent_as_it_is_unless_that_is_refused() {
        let coding = |sent, bytes| accepted(sent).unwrap().for_length(bytes);
        assert_eq!(coding("gzip", WORTH_COMPRESSING), Coding::Identity);
        assert_eq!(coding("gzip", WORTH_COMPRESSING + 1), Coding::Gzip);
        assert_eq!(coding("gzip, identity;q=0", 1), Coding::Gzip);
    }

    fn decoded(coding: Coding, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let read = match coding {
            Coding::Identity => body.to_vec().as_slice().read_to_end(&mut out),
            Coding::Gzip => flate2::read::GzDecoder::new(body).read_to_end(&mut out),
            Coding::Brotli => brotli::Decompressor::new(body, 4096).read_to_end(&mut out),
            Coding::Zstd => zstd::stream::read::Decoder::new(body)
                .and_then(|mut decoder| decoder.read_to_end(&mut out)),
        };
        read.unwrap();
        out
    }

    #[rstest]
    fn a_body_comes_back_from_every_coding(
        #[values(Coding::Identity, Coding::Gzip, Coding::Brotli, Coding::Zstd)] coding: Coding,
    ) {
        let parts: Vec<_> = (0..200)
            .map(|part| format!("part {part}; ").repeat(100))
            .collect();
        let whole = parts.concat();
        let body = encode(coding, whole.clone().into()).unwrap();
        assert_eq!(decoded(coding, &body), whole.as_bytes());

        let Some(mut encoder) = Encoder::new(coding).unwrap() else {
            return;
        };
        let mut streamed = Vec::new();
        for part in &parts {
            encoder.write(part.as_bytes()).unwrap();
            let part = encoder.flush().unwrap();
            assert!(!part.is_empty());
            streamed.extend(part);
        }
        streamed.extend(encoder.finish().unwrap());
        assert_eq!(decoded(coding, &streamed), whole.as_bytes());
    }
}
