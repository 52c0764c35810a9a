//! HTTP/1.1 as far as a load needs it: requests that are written once, and where an answer ends.

use std::iter;
use std::net::SocketAddr;

use bytes::Bytes;

/// How much of an answer is read at once, and how long one may be.
pub(crate) const BUFFER: usize = 2 * 1024 * 1024;

/// How a body ends whose length nobody announced.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// What is asked.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// Asked for in turns with the path.
    pub(crate) other_path: Option<&'a str>,
    pub(crate) accept: &'a str,
    pub(crate) coding: &'a str,
    pub(crate) tag: &'a str,
}

impl<'a> Question<'a> {
    pub(crate) const fn get(path: &'a str) -> Self {
        Self {
            method: "GET",
            path,
            other_path: None,
            accept: "application/json",
            coding: "",
            tag: "",
        }
    }

    /// The requests as they are sent, in turns.
    pub(crate) fn requests(self, address: SocketAddr) -> Vec<Bytes> {
        let paths = iter::once(self.path).chain(self.other_path);
        paths.map(|path| self.request(address, path)).collect()
    }

    fn request(self, address: SocketAddr, path: &str) -> Bytes {
        let Self {
            method,
            accept,
            coding,
            tag,
            ..
        } = self;
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nuser-agent: load\r\n\
             accept: {accept}\r\naccept-encoding: {coding}\r\n\
             if-none-match: {tag}\r\n\r\n"
        )
        .into()
    }

    /// Its answer, of which nothing has arrived.
    pub(crate) fn answer(self) -> Answer {
        Answer {
            is_head: self.method == "HEAD",
            head: None,
        }
    }
}

/// An answer that arrives.
#[derive(Clone, Copy)]
pub(crate) struct Answer {
    is_head: bool,
    head: Option<Head>,
}

/// The head of a good answer.
#[derive(Clone, Copy)]
struct Head {
    length: usize,
    /// How long the body is, unless it comes in chunks.
    content: Option<usize>,
}

impl Answer {
    /// How long the body is, once this is the whole answer.
    pub(crate) fn body(&mut self, arrived: &[u8]) -> Option<usize> {
        self.head = self.head.or_else(|| Head::read(arrived, self.is_head));
        let Head { length, content } = self.head?;
        let body = content.unwrap_or(arrived.len() - length);
        let is_whole =
            arrived.len() == length + body && (content.is_some() || arrived.ends_with(LAST_CHUNK));
        is_whole.then_some(body)
    }
}

impl Head {
    /// Reads it, once it is whole.
    fn read(answer: &[u8], is_head: bool) -> Option<Self> {
        let end = answer.windows(4).position(|end| end == b"\r\n\r\n")?;
        let status = &answer[..12];
        let is_unchanged = status == b"HTTP/1.1 304";
        assert!(
            is_unchanged || status == b"HTTP/1.1 200",
            "not a good answer: {}",
            String::from_utf8_lossy(answer)
        );
        let mut lines = answer[..end].split(|byte| *byte == b'\n');
        let content = lines.find_map(|line| {
            let (name, value) = line.split_at_checked(15)?;
            let value = name
                .eq_ignore_ascii_case(b"content-length:")
                .then_some(value)?;
            std::str::from_utf8(value).ok()?.trim().parse().ok()
        });
        Some(Self {
            length: end + 4,
            content: if is_head || is_unchanged {
                Some(0)
            } else {
                content
            },
        })
    }
}
