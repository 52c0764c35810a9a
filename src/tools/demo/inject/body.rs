//! Faults of the body's bytes: too slow, too many, too few, or not what they should be.

use std::convert::Infallible;
use std::io::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use futures_util::{StreamExt, stream};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use tokio::time::sleep;

use crate::tools::demo::message::{Answer, answer};

/// The body of an answer as it is sent. One that ends in an error cuts the connection.
pub(in crate::tools::demo) type Body = BoxBody<Bytes, io::Error>;

/// How many spaces are sent, or compressed, at once.
const BLOCK: usize = 1 << 20;
/// How many such blocks a huge body has.
const BLOCKS: usize = 1 << 10;

/// How deep the deep documents are.
const DEPTH: usize = 10_000;

/// An answer as it is.
pub(in crate::tools::demo) fn whole(answer: Answer) -> Response<Body> {
    answer.map(|body| {
        Full::new(body)
            .map_err(|never: Infallible| match never {})
            .boxed()
    })
}

/// Half the body, then the end of the connection.
pub(super) fn broken_off(answer: Answer) -> Response<Body> {
    let (mut head, body) = answer.into_parts();
    head.headers
        .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let half = body.slice(..body.len() / 2);
    let begin = stream::once(async move { Ok(Frame::data(half)) });
    let end = stream::once(async {
        // What is ready at once is sent at once: without a pause not even the head would go out.
        tokio::task::yield_now().await;
        Err(io::ErrorKind::ConnectionAborted.into())
    });
    Response::from_parts(head, BoxBody::new(StreamBody::new(begin.chain(end))))
}

/// The body in small chunks, with pauses.
pub(super) fn drip(answer: Answer, bytes: u32, every: Duration) -> Response<Body> {
    answer.map(|body| {
        let drops = stream::unfold((body, false), move |(mut rest, has_begun)| async move {
            if rest.is_empty() {
                return None;
            }
            if has_begun {
                sleep(every).await;
            }
            let next = rest.split_to(rest.len().min(bytes as usize));
            Some((Ok(Frame::data(next)), (rest, true)))
        });
        BoxBody::new(StreamBody::new(drops))
    })
}

/// Half the body, as if it were the whole.
pub(super) fn cut(answer: Answer) -> Response<Body> {
    whole(answer.map(|body| body.slice(..body.len() / 2)))
}

/// The body with a media type that no API has.
pub(super) fn as_image(mut answer: Answer) -> Response<Body> {
    let image = HeaderValue::from_static("image/png");
    answer.headers_mut().insert(CONTENT_TYPE, image);
    whole(answer)
}

/// The body with a byte in its middle that UTF-8 never has (RFC 3629, section 1).
pub(super) fn invalid_utf8(answer: Answer) -> Response<Body> {
    whole(answer.map(|body| {
        let mut bytes = body.to_vec();
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte = 0xff;
        }
        bytes.into()
    }))
}

/// The body and a gigabyte of spaces behind it: in any format still the same document. Its length
/// is not announced, and it is never in memory.
pub(super) fn huge(answer: Answer) -> Response<Body> {
    answer.map(|body| {
        let spaces = Bytes::from(vec![b' '; BLOCK]);
        let blocks = stream::iter(std::iter::repeat_n(spaces, BLOCKS));
        let all = stream::once(async move { body }).chain(blocks);
        BoxBody::new(StreamBody::new(all.map(|bytes| Ok(Frame::data(bytes)))))
    })
}

/// The body and a gigabyte of spaces behind it, compressed a thousandfold.
pub(super) fn gzip_bomb(answer: Answer) -> io::Result<Response<Body>> {
    let (mut head, body) = answer.into_parts();
    head.headers
        .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let parts = gzip(&body, BLOCKS)?.map(|bytes| Ok(Frame::data(bytes)));
    let body = BoxBody::new(StreamBody::new(stream::iter(parts)));
    Ok(Response::from_parts(head, body))
}

/// One gzip file (RFC 1952) of `body` and so many blocks of spaces, part by part. A block refers to
/// nothing before itself, so one is repeated.
fn gzip(body: &[u8], blocks: usize) -> io::Result<impl Iterator<Item = Bytes> + use<>> {
    const HEAD: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    const LAST_BLOCK: &[u8] = &[3, 0];
    let spaces = vec![b' '; BLOCK];
    let mut crc_of_spaces = Crc::new();
    crc_of_spaces.update(&spaces);
    let mut crc = Crc::new();
    crc.update(body);
    for _ in 0..blocks {
        crc.combine(&crc_of_spaces);
    }
    let length = (body.len() + blocks * BLOCK) as u32;
    let end = [LAST_BLOCK, &crc.sum().to_le_bytes(), &length.to_le_bytes()].concat();
    let begin = [Bytes::from_static(HEAD), deflated(body)?];
    let spaces = std::iter::repeat_n(deflated(&spaces)?, blocks);
    Ok(begin.into_iter().chain(spaces).chain([end.into()]))
}

/// Whole blocks of a deflate stream (RFC 1951) that goes on.
fn deflated(bytes: &[u8]) -> io::Result<Bytes> {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::best());
    deflate.write_all(bytes)?;
    deflate.flush()?;
    Ok(Bytes::copy_from_slice(deflate.get_ref()))
}

/// A billion laughs: ten entities, each ten times the one before.
pub(super) fn entity_bomb() -> Answer {
    let mut text = String::from("<?xml version=\"1.0\"?>\n<!DOCTYPE groups [\n");
    text += "<!ENTITY e0 \"0123456789\">\n";
    for nth in 1..10 {
        let before = format!("&e{};", nth - 1).repeat(10);
        text += &format!("<!ENTITY e{nth} \"{before}\">\n");
    }
    text += "]>\n<groups><total>1</total><group><id>1</id><name>&e9;</name></group></groups>\n";
    answer(StatusCode::OK, "application/xml", text)
}

/// Nested arrays.
pub(super) fn deep_json() -> Answer {
    let text = "[".repeat(DEPTH) + &"]".repeat(DEPTH);
    answer(StatusCode::OK, "application/json", text)
}

/// Nested elements.
pub(super) fn deep_xml() -> Answer {
    let text = "<group>".repeat(DEPTH) + &"</group>".repeat(DEPTH);
    let text = format!("<groups>{text}</groups>");
    answer(StatusCode::OK, "application/xml", text)
}

/// The sign-in page of a proxy.
pub(super) fn web_page() -> Answer {
    answer(
        StatusCode::OK,
        "text/html; charset=utf-8",
        "<!doctype html>\n<html><head><title>Sign in</title></head>\
         <body><p>Your session has ended.<br>Please sign in.</p></body></html>\n"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn the_bomb_is_one_good_gzip_file() {
        let packed: Vec<u8> = gzip(b"[1]", 3).unwrap().flatten().collect();
        assert!(packed.len() < 3 * BLOCK / 500, "{}", packed.len());
        let mut unpacked = Vec::new();
        GzDecoder::new(&packed[..])
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked.len(), 3 + 3 * BLOCK);
        assert_eq!(unpacked.trim_ascii_end(), b"[1]");
    }
}
