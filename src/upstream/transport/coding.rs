//! Content codings of responses (RFC 9110, section 8.4): what is asked for, and how it is undone.
//!
//! Names are read in any case, up to five codings, `deflate` with and without its zlib header,
//! gzip and zstd in any number of parts, gzip with zeros behind them. What is no coding, as the
//! `utf-8` that some servers send, is passed over.

use std::io;
use std::pin::Pin;

use async_compression::tokio::bufread::{
    BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder,
};
use bytes::{Bytes, BytesMut};
use futures_util::{TryStreamExt as _, stream};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use thiserror::Error;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio_util::io::{ReaderStream, StreamReader};
use tower::BoxError;

/// How many codings of one body are undone. Each takes memory and stack, and none but an attacker
/// applies more: curl has the same bound.
const MOST_CODINGS: usize = 5;

/// How much is read of a gzip decoder at once.
const PART_BYTES: usize = 8 * 1024;

/// Asks for the codings that are read, unless the request says itself what it takes.
pub(super) fn accept<B>(mut request: Request<B>) -> Request<B> {
    let accepted = request.headers_mut().entry(ACCEPT_ENCODING);
    accepted.or_insert(HeaderValue::from_static("zstd,gzip,br"));
    request
}

/// A coding of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyCoding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl BodyCoding {
    fn named(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            "br" => Self::Brotli,
            "zstd" => Self::Zstd,
            _ => return None,
        })
    }
}

/// The codings of a body, in the order in which they were applied. Their headers are removed: they
/// are not those of the body that is read.
fn take(headers: &mut HeaderMap) -> Vec<BodyCoding> {
    let lists = headers.get_all(CONTENT_ENCODING).into_iter();
    let names = lists.filter_map(|list| list.to_str().ok());
    let names = names.flat_map(|list| list.split(','));
    let codings: Vec<_> = names.filter_map(BodyCoding::named).collect();
    if !codings.is_empty() {
        headers.remove(CONTENT_ENCODING);
        headers.remove(CONTENT_LENGTH);
    }
    codings
}

/// What went wrong before the bytes came to a decoder.
#[derive(Debug, Error)]
#[error(transparent)]
struct Received(BoxError);

type Source = Pin<Box<dyn AsyncBufRead + Send>>;

/// A response whose body is read as it was before it was coded.
pub(super) fn undo<B>(response: Response<B>) -> Response<UnsyncBoxBody<Bytes, BoxError>>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let (mut parts, body) = response.into_parts();
    let codings = take(&mut parts.headers);
    if codings.is_empty() {
        return Response::from_parts(parts, body.map_err(Into::into).boxed_unsync());
    }
    let received = body.into_data_stream();
    let received = received.map_err(|error| io::Error::other(Received(error.into())));
    let source: Source = Box::pin(StreamReader::new(received));
    let decoded = stream::once(decoder(codings, source)).try_flatten();
    let decoded = decoded.map_ok(Frame::data).map_err(first_cause);
    Response::from_parts(parts, StreamBody::new(decoded).boxed_unsync())
}

async fn decoder(codings: Vec<BodyCoding>, mut source: Source) -> io::Result<ReaderStream<Source>> {
    if codings.len() > MOST_CODINGS {
        let count = codings.len();
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the body has {count} content codings, and at most {MOST_CODINGS} are undone"),
        ));
    }
    for coding in codings.into_iter().rev() {
        source = undone(coding, source).await?;
    }
    Ok(ReaderStream::new(source))
}

/// What went wrong on the way, if that ended the decoding.
fn first_cause(error: io::Error) -> BoxError {
    match error.downcast::<Received>() {
        Ok(received) => received.0,
        Err(other) => other.into(),
    }
}

/// What is read where one coding is undone. A body without a byte is empty in every coding.
async fn undone(coding: BodyCoding, mut source: Source) -> io::Result<Source> {
    if source.fill_buf().await?.is_empty() {
        return Ok(source);
    }
    Ok(match coding {
        BodyCoding::Gzip => gunzipped(source),
        BodyCoding::Brotli => Box::pin(BufReader::new(BrotliDecoder::new(source))),
        BodyCoding::Zstd => {
            let mut decoder = ZstdDecoder::new(source);
            decoder.multiple_members(true);
            Box::pin(BufReader::new(decoder))
        }
        BodyCoding::Deflate => {
            let mut start = Vec::new();
            (&mut source).take(2).read_to_end(&mut start).await?;
            let is_zlib = is_zlib(&start);
            let source = io::Cursor::new(start).chain(source);
            if is_zlib {
                Box::pin(BufReader::new(ZlibDecoder::new(source)))
            } else {
                Box::pin(BufReader::new(DeflateDecoder::new(source)))
            }
        }
    })
}

/// The members of a gzip file, one after the other. Some servers fill up with zeros behind them.
fn gunzipped(source: Source) -> Source {
    let parts = stream::try_unfold(GzipDecoder::new(source), |mut decoder| async move {
        loop {
            let mut part = BytesMut::with_capacity(PART_BYTES);
            if decoder.read_buf(&mut part).await? > 0 {
                return Ok::<_, io::Error>(Some((part.freeze(), decoder)));
            }
            let mut source = decoder.into_inner();
            if !skip_zeros(&mut source).await? {
                return Ok(None);
            }
            decoder = GzipDecoder::new(source);
        }
    });
    Box::pin(StreamReader::new(Box::pin(parts)))
}

/// Skips zeros, and says whether anything else follows.
async fn skip_zeros(source: &mut Source) -> io::Result<bool> {
    loop {
        let bytes = source.fill_buf().await?;
        if bytes.is_empty() {
            return Ok(false);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let is_followed = zeros < bytes.len();
        source.consume(zeros);
        if is_followed {
            return Ok(true);
        }
    }
}

/// Whether deflated data has the header that it should have (RFC 1950, section 2.2): many servers
/// leave it out.
fn is_zlib(start: &[u8]) -> bool {
    let &[method, flags] = start else {
        return false;
    };
    method & 0x0f == 8 && u16::from_be_bytes([method, flags]) % 31 == 0
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http_body_util::Full;
    use rstest::rstest;

    use super::*;

    const TEXT: &[u8] = b"{\"groups\": [{\"id\": 1}, {\"id\": 2}]}";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn raw_deflate(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        zstd::encode_all(text, 3).unwrap()
    }

    fn members(of: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let (one, other) = TEXT.split_at(7);
        [of(one), of(other)].concat()
    }

    fn nested(count: usize) -> Vec<u8> {
        (0..count).fold(TEXT.to_vec(), |text, _| gzip(&text))
    }

    async fn decoded(headers: &[&str], body: Vec<u8>) -> Result<Vec<u8>, String> {
        let mut response = Response::new(Full::new(Bytes::from(body)));
        for value in headers {
            let values = response.headers_mut();
            values.append(CONTENT_ENCODING, value.parse().unwrap());
        }
        let body = undo(response).into_body().collect().await;
        body.map(|body| body.to_bytes().into())
            .map_err(|error| error.to_string())
    }

    #[rstest]
    #[case::upper_case(&["GZIP"], gzip(TEXT))]
    #[case::old_name(&["x-gzip"], gzip(TEXT))]
    #[case::old_name_in_another_case(&["X-GZip"], gzip(TEXT))]
    #[case::several_members(&["gzip"], members(gzip))]
    #[case::zeros_behind_it(&["gzip"], [gzip(TEXT), vec![0; 20_000]].concat())]
    #[case::an_empty_member(&["gzip"], [gzip(b""), gzip(TEXT)].concat())]
    #[case::five_codings(&["gzip, gzip, gzip, gzip", "gzip"], nested(5))]
    #[case::several_frames(&["zstd"], members(zstd))]
    #[case::deflate(&["deflate"], zlib(TEXT))]
    #[case::deflate_without_a_header(&["Deflate"], raw_deflate(TEXT))]
    #[case::beside_nothing(&["gzip, identity"], gzip(TEXT))]
    #[case::nothing_first(&["identity,gzip"], gzip(TEXT))]
    #[case::nothing(&["identity"], TEXT.to_vec())]
    #[case::an_empty_header(&[""], TEXT.to_vec())]
    #[case::no_coding_at_all(&["UTF-8"], TEXT.to_vec())]
    #[case::two_codings(&["deflate, gzip"], gzip(&zlib(TEXT)))]
    #[case::the_same_twice(&["gzip, gzip"], gzip(&gzip(TEXT)))]
    #[case::in_two_headers(&["zstd", "gzip"], gzip(&zstd(TEXT)))]
    #[tokio::test]
    async fn a_body_is_read_in_every_coding_that_it_is_said_to_have(
        #[case] headers: &[&str],
        #[case] body: Vec<u8>,
    ) {
        assert_eq!(decoded(headers, body).await.as_deref(), Ok(TEXT));
    }

    #[rstest]
    #[tokio::test]
    async fn an_empty_body_is_empty_in_every_coding(
        #[values("gzip", "deflate", "br", "zstd", "gzip, br")] coding: &str,
    ) {
        assert_eq!(decoded(&[coding], Vec::new()).await.as_deref(), Ok(&[][..]));
    }

    #[rstest]
    #[case::something_else("gzip", TEXT.to_vec())]
    #[case::words_behind_it("gzip", [gzip(TEXT), vec![0, 0], TEXT.to_vec()].concat())]
    #[case::six_codings("gzip, gzip, gzip, gzip, gzip, gzip", nested(6))]
    #[case::cut_off("gzip", gzip(TEXT)[..20].to_vec())]
    #[case::cut_off_in_a_header("deflate", vec![0x78])]
    #[case::cut_off_in_the_second("zstd", members(zstd)[..30].to_vec())]
    #[tokio::test]
    async fn a_body_that_is_not_coded_as_it_says_is_refused(
        #[case] coding: &str,
        #[case] body: Vec<u8>,
    ) {
        assert!(decoded(&[coding], body).await.is_err());
    }
}
