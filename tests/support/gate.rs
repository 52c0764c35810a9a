//! The gateway with its shipped configuration, in front of the five emulations, over real sockets;
//! and a client that asks it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use groupgate::app::App;
use groupgate::clock::WallClock;
use groupgate::config::load_text;
use groupgate::tools::demo::{Emulation, Emulations, Fault, Options};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::time::{Instant, interval};

/// The five sources, in the order of their names.
pub(crate) const SOURCES: [&str; 5] = [
    "collections",
    "onlivesite",
    "publisher",
    "tallyfy",
    "vinyldns",
];

/// The longest time that anything awaited may take. Far more than it takes, for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is started: how many groups, which configuration, under which environment.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    options: Options,
    toml: String,
    variables: Vec<(String, String)>,
}

impl Setup {
    /// The shipped configuration over upstreams of `groups` groups each. Callers and the slowest
    /// upstream may ask as often as tests do.
    pub(crate) fn new(groups: usize) -> Self {
        let setup = Self {
            options: Options {
                groups,
                ..Options::default()
            },
            toml: include_str!("../../gateway.toml").to_owned(),
            variables: Vec::new(),
        };
        setup
            .set("SERVER__LISTEN", "127.0.0.1:0")
            .set("SERVER__ADMIN", "127.0.0.1:0")
            .set("RATE_LIMIT__PER_CLIENT", "100000/s")
            .set("RATE_LIMIT__BURST", "100000")
            .set("UPSTREAMS__COLLECTIONS__LIMITS__RATE", "1000/s")
            .set("UPSTREAMS__TALLYFY__LIMITS__RATE", "1000/s")
    }

    /// Sets a key through the environment layer.
    pub(crate) fn set(self, key: &str, value: &str) -> Self {
        self.variable(&format!("GROUPGATE__{key}"), value)
    }

    /// Sets a key of every upstream through the environment layer.
    pub(crate) fn set_each(self, key: &str, value: &str) -> Self {
        SOURCES.iter().fold(self, |setup, source| {
            setup.set(
                &format!("UPSTREAMS__{}__{key}", source.to_uppercase()),
                value,
            )
        })
    }

    /// Sets a variable, such as a secret.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lets an upstream, or `*` for all, misbehave from the start.
    pub(crate) fn fault(mut self, upstream: &str, fault: Fault) -> Self {
        self.options.faults.push((upstream.to_owned(), fault));
        self
    }

    /// Writes something else where the configuration says `from`.
    pub(crate) fn rewrite(mut self, from: &str, to: &str) -> Self {
        assert!(self.toml.contains(from), "nowhere: {from}");
        self.toml = self.toml.replace(from, to);
        self
    }

    /// Writes more at the end of the configuration.
    pub(crate) fn declare(mut self, toml: &str) -> Self {
        self.toml.push_str(toml);
        self
    }

    /// Starts the emulations and the gateway. Its first walks have begun, and not more.
    pub(crate) async fn start(self) -> Gate {
        let emulations = Emulations::start(self.options.clone()).await;
        Gate::start(self, Arc::new(emulations.expect("ports are free"))).await
    }

    /// Starts the gateway over emulations that run already.
    pub(crate) async fn over(self, emulations: &Arc<Emulations>) -> Gate {
        Gate::start(self, Arc::clone(emulations)).await
    }

    /// Starts the emulations and the gateway, and waits until all first walks have ended.
    pub(crate) async fn ready(self) -> Gate {
        let gate = self.start().await;
        gate.ready().await;
        gate
    }
}

/// One running gateway, and what stands behind it.
#[derive(Debug)]
pub(crate) struct Gate {
    setup: Setup,
    emulations: Arc<Emulations>,
    app: App,
}

impl Gate {
    async fn start(setup: Setup, emulations: Arc<Emulations>) -> Self {
        let variables = emulations.variables();
        let environment = variables.into_iter().chain(setup.variables.clone());
        let loaded = load_text("gateway.toml", &setup.toml, environment.collect())
            .unwrap_or_else(|report| panic!("{report}"));
        let wall = WallClock::system();
        let compiled = App::compile(&loaded, &wall).unwrap_or_else(|report| panic!("{report}"));
        let app = App::start(&loaded, compiled, &wall).await;
        Self {
            setup,
            emulations,
            app: app.expect("ports are free"),
        }
    }

    /// Another gateway in front of the same upstreams, with the same configuration.
    pub(crate) async fn replica(&self) -> Self {
        Self::start(self.setup.clone(), Arc::clone(&self.emulations)).await
    }

    /// Stops the gateway. The upstreams go on for as long as what comes back is kept.
    pub(crate) async fn stop(self) -> Stopped {
        self.app.stop().await;
        Stopped {
            setup: self.setup,
            emulations: self.emulations,
        }
    }

    /// One of the upstreams.
    pub(crate) fn emulation(&self, name: &str) -> &Emulation {
        self.emulations.get(name).expect("the emulation exists")
    }

    /// All upstreams.
    pub(crate) fn emulations(&self) -> &Emulations {
        &self.emulations
    }

    /// Asks the data listener.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.get_with(path, &[]).await
    }

    /// Asks the data listener, with request headers.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.ask(Method::GET, path, headers).await
    }

    /// Asks the data listener with any method.
    pub(crate) async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
        ask(method, &self.url(path), headers).await
    }

    /// Asks the admin listener.
    pub(crate) async fn admin(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Reply {
        let url = format!("http://{}{path}", self.app.admin_addr());
        ask(method, &url, headers).await
    }

    /// The URL of a path on the data listener.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.data_addr())
    }

    /// Has an upstream walked again, and waits for the end of the walk.
    pub(crate) async fn refresh(&self, upstream: &str) -> Reply {
        let path = format!("/refresh/{upstream}");
        self.admin(Method::POST, &path, &[]).await
    }

    /// Waits until every upstream was walked or has failed.
    pub(crate) async fn ready(&self) {
        eventually("the gateway is ready", async || {
            let reply = self.admin(Method::GET, "/readyz", &[]).await;
            (reply.status == StatusCode::OK).then_some(())
        })
        .await;
    }

    /// Asks the same again and again, until the JSON of the answer is as wished.
    pub(crate) async fn until(&self, path: &str, wished: impl Fn(&Value) -> bool) -> Value {
        eventually(path, async || {
            let reply = self.get(path).await;
            Some(reply.json()).filter(|json| wished(json))
        })
        .await
    }

    /// Every group that a query gives, page after page along `next_cursor`, and the last page.
    pub(crate) async fn follow(&self, query: &str) -> (Vec<Value>, Value) {
        let mut groups = Vec::new();
        let mut page = self.page(&format!("/groups?{query}")).await;
        loop {
            groups.extend(groups_of(&page).iter().cloned());
            let Some(cursor) = page["next_cursor"].as_str() else {
                return (groups, page);
            };
            page = self.page(&format!("/groups?cursor={cursor}")).await;
        }
    }

    /// The JSON of one page.
    pub(crate) async fn page(&self, path: &str) -> Value {
        let reply = self.get(path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text());
        reply.json()
    }
}

/// What is left of a gateway that was stopped.
#[derive(Debug)]
pub(crate) struct Stopped {
    pub(crate) emulations: Arc<Emulations>,
    setup: Setup,
}

impl Stopped {
    /// The same gateway again.
    pub(crate) async fn start(self) -> Gate {
        Gate::start(self.setup, self.emulations).await
    }

    /// The environment that the gateway ran in.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let variables = self.emulations.variables();
        variables
            .into_iter()
            .chain(self.setup.variables.clone())
            .collect()
    }
}

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// A header, empty where it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("the header is text"))
    }

    /// The body, which must be JSON and say so.
    pub(crate) fn json(&self) -> Value {
        let media_type = self.header("content-type");
        assert!(
            media_type.ends_with("json"),
            "{media_type}: {}",
            self.text()
        );
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// The body of a problem, which must have this status and kind.
    pub(crate) fn problem(&self, status: u16, kind: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:groupgate:problem:{kind}"));
        assert_eq!(problem["status"], status);
        assert_eq!(problem["instance"], self.header("x-request-id"));
        problem
    }
}

/// The groups of a page.
pub(crate) fn groups_of(page: &Value) -> &[Value] {
    page["groups"].as_array().expect("a page has groups")
}

/// One field of each of these groups, as text.
pub(crate) fn each<'a>(groups: &'a [Value], field: &str) -> Vec<&'a str> {
    groups
        .iter()
        .map(|group| group[field].as_str().expect("the field is text"))
        .collect()
}

/// How one source stands in an answer.
pub(crate) fn source<'a>(page: &'a Value, name: &str) -> &'a Value {
    page["sources"]
        .as_array()
        .and_then(|sources| sources.iter().find(|source| source["name"] == name))
        .expect("the answer names the source")
}

/// `text` as it stands in a path or a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Makes one request, on a connection of its own.
pub(crate) async fn ask(method: Method, url: &str, headers: &[(&str, &str)]) -> Reply {
    let request = Request::builder().method(method).uri(url);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.expect("the gateway answers");
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("the body is whole");
    Reply {
        status: head.status,
        headers: head.headers,
        body: body.to_bytes(),
    }
}

/// Tries until there is something, and fails the test after a while.
pub(crate) async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + PATIENCE;
    let mut tick = interval(Duration::from_millis(20));
    while Instant::now() < give_up {
        tick.tick().await;
        if let Some(found) = attempt().await {
            return found;
        }
    }
    panic!("not within {PATIENCE:?}: {what}");
}
