//! An upstream of any style of paging, and of any habit of filling its pages.
//!
//! It holds slots, some of which hold nothing: what a caller may not see is left out of a page
//! after the page was cut, as real upstreams do it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How a page says where the next one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It does not: positions are numbers.
    Nowhere,
    Body,
    Header,
    Link,
    Url,
    AbsoluteUrl,
}

/// What positions count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Slots from this number on.
    Slots(u64),
    /// Pages from this number on.
    Pages(u64),
    /// The id of the last record read.
    LastRecord,
}

/// What stands where the next page is named, on the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastNext {
    Absent,
    Null,
    Empty,
    /// Another position: only the page there is empty.
    Another,
}

/// An upstream.
#[derive(Debug, Clone)]
pub struct Emulation {
    pub slots: Vec<Option<u64>>,
    pub counts: Counts,
    pub next: Next,
    pub last_next: LastNext,
    /// The most that it grants on a page.
    pub granted: u64,
    /// The most that it grants on a page that is not the first.
    pub granted_later: u64,
    /// Where it cuts its list.
    pub cap: usize,
    /// Whether the page past the end is a 404.
    pub is_404_past_end: bool,
}

impl Emulation {
    /// The ids that a walk should bring.
    pub fn ids(&self) -> Vec<String> {
        self.visible().map(|id| id.to_string()).collect()
    }

    fn visible(&self) -> impl Iterator<Item = u64> {
        self.slots.iter().copied().flatten()
    }

    fn answer(&self, base: &str, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        if path.ends_with("/count") {
            let body = json!({ "count": self.visible().count().to_string() });
            return Response::new(body.to_string().into());
        }
        let query = request.uri().query().unwrap_or_default();
        let query: HashMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).collect();
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<u64>().ok());
        let at = number("at");
        let asked = number("limit").unwrap_or(u64::MAX);
        let page = self.page(at, asked);
        if page.items.is_empty() && self.is_404_past_end && page.is_past_end {
            let mut response = Response::new("<html>not here</html>".into());
            *response.status_mut() = StatusCode::NOT_FOUND;
            return response;
        }
        let mut headers = HeaderMap::new();
        let body = self.body(base, &page, asked, &mut headers);
        let mut response = Response::new(body.to_string().into());
        *response.headers_mut() = headers;
        response
    }

    fn page(&self, at: Option<u64>, asked: u64) -> PageCut {
        let slots = &self.slots[..self.slots.len().min(self.cap)];
        let end = slots.len() as u64;
        let (start, is_first) = match self.counts {
            Counts::Slots(first) => {
                let at = at.unwrap_or(first);
                (at - first, at == first)
            }
            Counts::Pages(first) => {
                let at = at.unwrap_or(first);
                let size = self.size(at == first, asked);
                ((at - first) * size, at == first)
            }
            Counts::LastRecord => {
                let after = |id| slots.iter().position(|slot| *slot == Some(id));
                let start = at.and_then(after).map_or(0, |index| index as u64 + 1);
                (start, at.is_none())
            }
        };
        let size = self.size(is_first, asked);
        let stop = (start + size).min(end);
        let start = start.min(end);
        PageCut {
            items: slots[start as usize..stop as usize]
                .iter()
                .copied()
                .flatten()
                .collect(),
            size,
            stop,
            is_last: stop == end,
            is_past_end: start == end,
        }
    }

    fn size(&self, is_first: bool, asked: u64) -> u64 {
        let granted = if is_first {
            self.granted
        } else {
            self.granted_later
        };
        asked.min(granted).max(1)
    }

    fn body(&self, base: &str, page: &PageCut, asked: u64, headers: &mut HeaderMap) -> Value {
        let total = self.visible().count() as u64;
        let items: Vec<_> = page
            .items
            .iter()
            .map(|id| json!({ "id": id, "name": format!("group {id}") }))
            .collect();
        let mut body = json!({
            "items": items,
            "total": total,
            "pages": (self.slots.len() as u64).div_ceil(page.size),
            "more": !page.is_last,
            "last": page.is_last.to_string(),
        });
        headers.insert("x-total", total.into());
        let next = match self.last_next {
            LastNext::Another => (!page.is_past_end).then_some(page.stop),
            LastNext::Absent | LastNext::Null | LastNext::Empty => {
                (!page.is_last).then_some(page.stop)
            }
        };
        let text = next.map(|next| self.text(base, next, asked));
        match (self.next, text) {
            (Next::Nowhere, _) => {}
            (Next::Header, Some(text)) => {
                headers.insert("x-next", text.parse().unwrap());
            }
            (Next::Header, None) if self.last_next == LastNext::Empty => {
                headers.insert("x-next", "".parse().unwrap());
            }
            (Next::Link, Some(text)) => {
                headers.append("link", "</first>; rel=\"first\"".parse().unwrap());
                let link = format!("<{text}>; rel=\"next\", </list>; rel=\"last\"");
                headers.append("link", link.parse().unwrap());
            }
            (Next::Link, None) if self.last_next == LastNext::Empty => {
                headers.insert("link", "".parse().unwrap());
            }
            (Next::Header | Next::Link, None) => {}
            (Next::Body | Next::Url | Next::AbsoluteUrl, Some(text)) => body["next"] = text.into(),
            (Next::Body | Next::Url | Next::AbsoluteUrl, None) => match self.last_next {
                LastNext::Null => body["next"] = Value::Null,
                LastNext::Empty => body["next"] = "".into(),
                LastNext::Absent | LastNext::Another => {}
            },
        }
        body
    }

    fn text(&self, base: &str, next: u64, asked: u64) -> String {
        let mut text = match self.next {
            Next::Nowhere | Next::Body | Next::Header => return next.to_string(),
            Next::Link | Next::Url => String::new(),
            Next::AbsoluteUrl => format!("{base}/list"),
        };
        write!(text, "?at={next}&limit={asked}").unwrap();
        text
    }
}

/// One page, cut.
struct PageCut {
    items: Vec<u64>,
    size: u64,
    /// The first slot after it.
    stop: u64,
    is_last: bool,
    is_past_end: bool,
}

/// Serves many emulations, each below a path of its own.
#[derive(Debug)]
pub struct Server {
    origin: String,
    emulations: Arc<Mutex<HashMap<String, Emulation>>>,
}

impl Server {
    /// Serves on any free port, for as long as the runtime lives.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let emulations = Arc::<Mutex<HashMap<String, Emulation>>>::default();
        let server = Self {
            origin: origin.clone(),
            emulations: Arc::clone(&emulations),
        };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let emulations = Arc::clone(&emulations);
                let origin = origin.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let name = request.uri().path().split('/').nth(1).unwrap().to_owned();
                    let emulation = emulations.lock().unwrap()[&name].clone();
                    let response = emulation.answer(&format!("{origin}/{name}"), &request);
                    async move { Ok::<_, Infallible>(response) }
                });
                tokio::spawn(async move {
                    let builder = auto::Builder::new(TokioExecutor::new());
                    // A client that is dropped closes its connections as it likes.
                    let _ = builder
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        server
    }

    /// Where an emulation of this name is served.
    pub fn base_url(&self, name: &str) -> String {
        format!("{}/{name}", self.origin)
    }

    /// Serves an emulation under a name, from now on.
    pub fn serve(&self, name: &str, emulation: Emulation) {
        let mut emulations = self.emulations.lock().unwrap();
        emulations.insert(name.to_owned(), emulation);
    }
}
