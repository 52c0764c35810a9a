//! The five shapes: the pages of the emulated vendors, as they came over the wire, and the adapters that
//! read them.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use groupgate::app::App;
use groupgate::clock::WallClock;
use groupgate::config::{Environment, load_text};
use groupgate::observe::{Event, Observer, Observers};
use groupgate::snapshot::{PagedGroups, Snapshot};
use groupgate::tools::demo::{Emulations, Options};
use groupgate::upstream::Adapter;
use groupgate::upstream::walk::walk;
use http::{HeaderMap, StatusCode};

pub(super) const GROUPS: usize = 10_000;

/// One vendor's list.
pub(super) struct Shape {
    pub(super) name: &'static str,
    adapter: Arc<Adapter>,
    pub(super) pages: Vec<Response>,
}

/// One response that was received.
#[derive(Debug, Clone)]
pub(super) struct Response {
    headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Shape {
    /// Normalizes all pages, by the code that a walk runs.
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut groups = PagedGroups::default();
        for page in &self.pages {
            let headers = page.headers.clone();
            let page = self.adapter.replay(StatusCode::OK, headers, &page.body);
            groups.push(page.unwrap().into_groups());
        }
        Snapshot::of(self.name.into(), groups)
    }
}

/// Every response of a walk.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<Response>>);

impl Observer for Recorder {
    fn observe(&self, event: &Event<'_>) {
        if let Event::ResponseReceived { response, .. } = event {
            self.0.lock().unwrap().push(Response {
                headers: response.headers().clone(),
                body: response.body().clone(),
            });
        }
    }
}

/// Walks all emulations once, or only the one of this name.
pub(super) fn all(only: Option<&str>) -> Vec<Shape> {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(async {
        let options = Options {
            groups: GROUPS,
            ..Options::default()
        };
        let emulations = Emulations::start(options).await.unwrap();
        let mut variables = emulations.variables();
        for name in groupgate::tools::demo::names() {
            let name = name.to_uppercase();
            // A profiler slows all this down.
            for (key, value) in [("RATE", "100000/s"), ("TIMEOUT", "5m"), ("WALK", "30m")] {
                let variable = format!("GROUPGATE__UPSTREAMS__{name}__LIMITS__{key}");
                variables.push((variable, value.to_owned()));
            }
        }
        let environment: Environment = variables.into_iter().collect();
        let shipped = include_str!("../../gateway.toml");
        let loaded = load_text("gateway.toml", shipped, environment).unwrap();
        let compiled = App::compile(&loaded, &WallClock::system()).unwrap();
        let mut shapes = Vec::new();
        let wanted = |name: &str| only.is_none_or(|only| only == name);
        for emulation in emulations.iter().filter(|one| wanted(one.name())) {
            let adapter = (compiled.adapters.iter())
                .find(|adapter| &**adapter.name() == emulation.name())
                .unwrap();
            shapes.push(record(emulation.name(), adapter).await);
        }
        shapes
    })
}

async fn record(name: &'static str, adapter: &Arc<Adapter>) -> Shape {
    let recorder = Arc::new(Recorder::default());
    walk(adapter, &Observers::from(Arc::clone(&recorder)))
        .await
        .unwrap();
    let mut pages = recorder.0.lock().unwrap().clone();
    // A login is no page, and neither is the one that was read only to be sure that there is no more.
    pages.retain(|page| {
        let read = adapter.replay(StatusCode::OK, page.headers.clone(), &page.body);
        read.is_ok_and(|page| !page.mapped().groups.is_empty())
    });
    Shape {
        name,
        adapter: Arc::clone(adapter),
        pages,
    }
}
