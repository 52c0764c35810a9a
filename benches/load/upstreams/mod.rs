//! What the upstreams hold, and the servers that list it. They run on a thread of their own.

mod records;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::runtime::{Builder, Handle};
use tokio::task::{AbortHandle, spawn_blocking};

use crate::bare::serve_each;
use crate::cores::{Cores, pin};
use crate::free_port;
use records::{Chance, record};

/// What the threads of upstreams are called, by which their CPU time is told from the load's.
pub(crate) const THREADS: &str = "upstreams";

/// How an upstream writes its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Xml,
}

/// How it cuts its list into pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pages {
    /// There is one page.
    Whole,
    /// Each page names the next, and nothing says how many there are.
    Chained(usize),
    /// Each page says how many there are.
    Announced(usize),
}

/// What an upstream serves.
#[derive(Clone)]
pub(crate) struct List {
    format: Format,
    pages: Pages,
    bodies: Arc<[Bytes]>,
    /// The page beyond the last one, which is asked for where that one is as long as any.
    beyond: Bytes,
}

/// The thread on which all upstreams run.
#[derive(Clone)]
pub(crate) struct UpstreamThread(Handle);

/// A server of lists, which counts how often it was asked. It ends with its value.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    list: List,
    asked: Arc<AtomicUsize>,
    task: Option<AbortHandle>,
}

impl List {
    /// So many groups, which differ from those of any other seed.
    pub(crate) fn new(seed: u64, format: Format, pages: Pages, groups: usize) -> Self {
        let mut chance = Chance::new(seed);
        let records = (0..groups).map(|number| record(number, format, &mut chance));
        let records: Vec<_> = records.collect();
        let length = match pages {
            Pages::Whole => groups.max(1),
            Pages::Chained(length) | Pages::Announced(length) => length,
        };
        let count = groups.div_ceil(length);
        let bodies = records.chunks(length).enumerate();
        let bodies = bodies.map(|(number, records)| page(format, pages, records, number, count));
        Self {
            format,
            pages,
            bodies: bodies.collect(),
            beyond: page(format, pages, &[], count, count),
        }
    }

    /// Its pages.
    pub(crate) fn bodies(&self) -> &[Bytes] {
        &self.bodies
    }

    /// What a program must know to read it: its kind, how many pages it has, and what the number of a
    /// page, from 0, is appended to.
    pub(crate) fn recipe(&self, address: SocketAddr) -> String {
        let (kind, key) = match self.pages {
            Pages::Whole => ("whole", "page"),
            Pages::Chained(_) => ("chained", "cursor"),
            Pages::Announced(_) => ("announced", "page"),
        };
        let (count, word) = (self.bodies.len(), self.format.word());
        format!("{kind},{count},http://{address}/{word}?{key}=")
    }
}

impl UpstreamThread {
    pub(crate) fn start(cores: &Cores) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(256)
            .thread_name(THREADS)
            .on_thread_start({
                let core = cores.upstreams;
                move || pin(&[core])
            })
            .enable_all()
            .build()
            .unwrap();
        let handle = runtime.handle().clone();
        // It runs for as long as the process.
        std::mem::forget(runtime);
        Self(handle)
    }

    /// Serves one list.
    pub(crate) fn serve(&self, list: List, delay: Duration) -> Upstream {
        self.serve_in_turn(vec![list], delay)
    }

    /// Serves one list after the other, each once. All are paged alike.
    pub(crate) fn serve_in_turn(&self, lists: Vec<List>, delay: Duration) -> Upstream {
        let mut upstream = Upstream {
            address: free_port(),
            list: lists[0].clone(),
            asked: Arc::default(),
            task: None,
        };
        let asked = Arc::clone(&upstream.asked);
        let mut headers = HeaderMap::new();
        let media_type = upstream.list.format.media_type();
        headers.insert("content-type", media_type.parse().unwrap());
        let task = self.0.spawn(serve_each(upstream.address, move |request| {
            let before = asked.fetch_add(1, Ordering::Relaxed);
            let list = &lists[before / lists[0].bodies.len() % lists.len()];
            let page = request.uri().query().and_then(|query| {
                let (_, page) = query.split_once('=')?;
                page.parse().ok()
            });
            let body = list.bodies.get(page.unwrap_or(0_usize));
            let body = body.unwrap_or(&list.beyond).clone();
            let headers = headers.clone();
            async move {
                if !delay.is_zero() {
                    wait(delay).await;
                }
                (StatusCode::OK, headers, body)
            }
        }));
        upstream.task = Some(task.abort_handle());
        upstream
    }
}

/// Waits as exactly as the kernel does: tokio's timer counts milliseconds.
async fn wait(delay: Duration) {
    #[expect(clippy::disallowed_methods, reason = "it is what this thread is for")]
    spawn_blocking(move || thread::sleep(delay)).await.unwrap();
}

impl Upstream {
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    pub(crate) fn recipe(&self) -> String {
        self.list.recipe(self.address)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/{}", self.address, self.list.format.word())
    }

    /// The block that describes it.
    pub(crate) fn toml(&self, name: &str) -> String {
        let (address, List { format, pages, .. }) = (self.address, &self.list);
        let word = format.word();
        let (records, people) = match (format, pages) {
            (Format::Json, Pages::Whole) => ("/", "people"),
            (Format::Json, _) => ("/items", "people"),
            (Format::Xml, _) => ("/groups/group", "people/person"),
        };
        let root = if *format == Format::Xml {
            "/groups"
        } else {
            ""
        };
        let (query, pagination) = match pages {
            Pages::Whole => (String::new(), String::new()),
            Pages::Chained(_) => (
                ", query = { cursor = '{cursor}' }".to_owned(),
                format!("pagination = {{ style = 'cursor', next = '{root}/next' }}\n"),
            ),
            Pages::Announced(_) => (
                ", query = { page = '{page}' }".to_owned(),
                format!("pagination = {{ style = 'page', first = 0, pages = '{root}/pages' }}\n"),
            ),
        };
        format!(
            "[upstreams.{name}]\nbase_url = 'http://{address}'\n\
             request = {{ path = '/{word}'{query} }}\n{pagination}\
             format = '{word}'\nrecords = '{records}'\n\
             [upstreams.{name}.fields]\nid = 'id'\nname = 'name'\ndescription = 'about'\n\
             email = 'mail'\nstatus = 'state'\ncreated_at = 'made'\nupdated_at = 'changed'\n\
             members = {{ each = '{people}', id = 'id', email = 'mail' }}\n"
        )
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Format {
    const fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
        }
    }
}

/// One page of so many.
fn page(format: Format, pages: Pages, records: &[String], number: usize, count: usize) -> Bytes {
    let next = number + 1;
    let body = match (format, pages) {
        (Format::Json, Pages::Whole) => format!("[{}]", records.join(",")),
        (Format::Json, Pages::Chained(_)) if next < count => {
            format!(r#"{{"next":"{next}","items":[{}]}}"#, records.join(","))
        }
        (Format::Json, Pages::Chained(_)) => {
            format!(r#"{{"next":null,"items":[{}]}}"#, records.join(","))
        }
        (Format::Json, Pages::Announced(_)) => {
            format!(r#"{{"pages":{count},"items":[{}]}}"#, records.join(","))
        }
        (Format::Xml, Pages::Announced(_)) => format!(
            "<groups><pages>{count}</pages>{}</groups>",
            records.concat()
        ),
        (Format::Xml, Pages::Chained(_)) if next < count => {
            format!("<groups><next>{next}</next>{}</groups>", records.concat())
        }
        (Format::Xml, Pages::Whole | Pages::Chained(_)) => {
            format!("<groups>{}</groups>", records.concat())
        }
    };
    body.into()
}
