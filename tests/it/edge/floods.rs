//! Floods of HTTP/2 frames (CVE-2019-9511 and its kind, CVE-2023-44487, CVE-2024-27316), frame by frame. Each
//! ends with the connection that it comes over; others are served meanwhile, and memory stays where it was.

use std::time::Duration;

use rstest::rstest;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{process, rest, serves_others};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// How a client begins.
fn preface() -> Vec<u8> {
    let settings = frame(SETTINGS, 0, 0, &[]);
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..]].concat()
}

/// `GET /groups` of the host `x`, as HPACK without a table writes it (RFC 7541).
fn head() -> Vec<u8> {
    let path = b"/groups";
    [
        &[0x82, 0x86, 0x04, path.len() as u8],
        &path[..],
        &[0x01, 1, b'x'],
    ]
    .concat()
}

/// The request on a stream.
fn request(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &head())
}

/// The odd numbers: the streams of a client.
fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|number| 2 * number + 1)
}

/// The frames of what a server sent: kind, stream and payload.
fn frames(mut bytes: &[u8]) -> Vec<(u8, u32, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let Some((payload, rest)) = rest.split_at_checked(length) else {
            break;
        };
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        frames.push((head[3], stream, payload.to_vec()));
        bytes = rest;
    }
    frames
}

/// Why a server went away, as its last `GOAWAY` says it.
fn reason(bytes: &[u8]) -> Option<u32> {
    let frames = frames(bytes);
    let mut away = frames.iter().rev().filter(|(kind, ..)| *kind == GOAWAY);
    let payload = &away.next()?.2;
    Some(u32::from_be_bytes(payload.get(4..8)?.try_into().ok()?))
}

/// A request that is reset at once, again and again.
fn rapid_reset() -> Vec<u8> {
    let cancelled = 8_u32.to_be_bytes();
    let resets = streams(20_000)
        .map(|stream| [request(stream), frame(RST_STREAM, 0, stream, &cancelled)].concat());
    resets.flatten().collect()
}

/// A head that has no end.
fn continuations(part: &[u8]) -> Vec<u8> {
    let mut bytes = frame(HEADERS, END_STREAM, 1, &head());
    for _ in 0..20_000 {
        bytes.extend(frame(CONTINUATION, 0, 1, part));
    }
    bytes
}

/// Fields of one byte that stand for 4,000 (RFC 7541, section 7.3).
fn table_bomb() -> Vec<u8> {
    // A field of the dynamic table, which takes almost all of it; then its index, again and again.
    let field = [&[0x40, 1, b'a', 0x7f, 0x81, 0x1e], &[b'b'; 4000][..]].concat();
    let head = [head(), field, vec![0xbe; 8000]].concat();
    let flood = streams(500).map(|stream| frame(HEADERS, END_STREAM | END_HEADERS, stream, &head));
    flood.flatten().collect()
}

/// How many frames come again and again.
const REPEATED: usize = 1_000_000;

/// So many of one frame. If any were kept, with 64 bytes or more for each, that would be more than `MOST`.
fn repeated(kind: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    frame(kind, 0, stream, payload).repeat(REPEATED)
}

/// How many MiB a flood may take.
const MOST: u64 = 60;

const _: () = assert!(REPEATED * 64 > (MOST as usize) << 20);

/// Frames on a stream whose request is not over.
fn on_an_open_stream(kind: u8, payload: &[u8]) -> Vec<u8> {
    [
        frame(HEADERS, END_HEADERS, 1, &head()),
        repeated(kind, 1, payload),
    ]
    .concat()
}

const ENHANCE_YOUR_CALM: u32 = 11;
const PROTOCOL_ERROR: u32 = 1;

#[rstest]
#[case::rapid_reset(rapid_reset(), &[ENHANCE_YOUR_CALM])]
#[case::a_head_without_an_end(continuations(&[0x00, 1, b'a', 1, b'b']), &[ENHANCE_YOUR_CALM, PROTOCOL_ERROR])]
#[case::a_head_without_an_end_and_without_fields(continuations(&[]), &[ENHANCE_YOUR_CALM])]
#[case::heads_that_grow(table_bomb(), &[])]
#[case::settings(repeated(SETTINGS, 0, &[0, 4, 0, 1, 0, 0]), &[])]
#[case::settings_that_say_nothing(repeated(SETTINGS, 0, &[]), &[])]
#[case::pings(repeated(PING, 0, b"are you "), &[])]
#[case::windows(repeated(WINDOW_UPDATE, 0, &[0, 0, 0, 1]), &[])]
#[case::priorities(repeated(PRIORITY, 1, &[0, 0, 0, 0, 1]), &[])]
#[case::empty_bodies(on_an_open_stream(DATA, &[]), &[])]
#[case::streams_beyond_what_is_allowed(streams(20_000).flat_map(request).collect(), &[])]
#[tokio::test]
async fn a_flood_of_frames_takes_little_and_keeps_nobody_out(
    #[case] flood: Vec<u8>,
    #[case] reasons: &[u32],
) {
    let limits = "connections = { send_timeout = '1s' }";
    let (process, _upstream) = process(limits).await;
    serves_others(&process).await;
    let (before, descriptors) = (process.memory("VmRSS:"), process.descriptors());
    let stream = TcpStream::connect(process.data).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let sending = async {
        writing.write_all(&preface()).await.ok();
        // It may be cut off meanwhile.
        let _ = timeout(Duration::from_secs(30), writing.write_all(&flood)).await;
        let _ = writing.shutdown().await;
    };
    let (answer, (), ()) = tokio::join!(rest(&mut reading), sending, serves_others(&process));
    if !reasons.is_empty() {
        let reason = reason(&answer).expect("it goes away");
        assert!(reasons.contains(&reason), "{reason}");
    }
    serves_others(&process).await;
    let grown = process.memory("VmHWM:").saturating_sub(before);
    assert!(grown < MOST, "{grown} MiB");
    assert!(process.descriptors() <= descriptors + 8);
}

#[tokio::test]
async fn who_never_reads_what_its_frames_call_for_is_cut_off() {
    let (process, _upstream) = process("connections = { send_timeout = '1s' }").await;
    serves_others(&process).await;
    let before = process.memory("VmRSS:");
    let mut stream = TcpStream::connect(process.data).await.unwrap();
    stream.write_all(&preface()).await.unwrap();
    let pings = repeated(PING, 0, b"are you ");
    let flood = async { while stream.write_all(&pings).await.is_ok() {} };
    timeout(Duration::from_secs(50), flood)
        .await
        .expect("it is cut off");
    serves_others(&process).await;
    let grown = process.memory("VmHWM:").saturating_sub(before);
    assert!(grown < MOST, "{grown} MiB");
}

#[tokio::test]
async fn no_more_streams_are_open_than_the_settings_say() {
    let (process, _upstream) = process("connections = { streams = 3 }").await;
    let mut stream = TcpStream::connect(process.data).await.unwrap();
    // Nothing of an answer may be sent, so that each stays open.
    let no_window = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let asks: Vec<u8> = streams(5).flat_map(request).collect();
    let bytes = [preface(), no_window, asks].concat();
    stream.write_all(&bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = rest(&mut stream).await;
    let frames = frames(&answer);
    let refused: Vec<_> = frames
        .iter()
        .filter(|(kind, ..)| *kind == RST_STREAM)
        .map(|(_, stream, reason)| (*stream, reason.clone()))
        .collect();
    // REFUSED_STREAM: it may be asked again.
    let refusal = 7_u32.to_be_bytes().to_vec();
    assert_eq!(
        refused[..2],
        [(7, refusal.clone()), (9, refusal)],
        "{refused:?}"
    );
    let announced = frames.iter().find(|(kind, ..)| *kind == SETTINGS).unwrap();
    let most = announced
        .2
        .chunks(6)
        .find(|setting| setting[1] == 3)
        .unwrap();
    assert_eq!(most[2..], 3_u32.to_be_bytes());
}
