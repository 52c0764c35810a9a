//! A running gateway, and what callers and operators ask of it.

use groupgate::app::{App, Compiled};
use groupgate::clock::WallClock;
use groupgate::config::Loaded;
use http::{Method, StatusCode};
use serde_json::Value;

use super::client::{Reply, ask, groups_of};
use super::wait::eventually;

/// The section under which a gateway listens on ports that are free.
pub(crate) const ANY_PORT: &str = "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n";

/// A running gateway.
#[derive(Debug)]
pub(crate) struct Gateway {
    app: App,
}

impl Gateway {
    /// Starts what a configuration describes. Its first walks have begun, and not more.
    pub(crate) async fn start(loaded: &Loaded) -> Self {
        let wall = WallClock::system();
        let compiled = App::compile(loaded, &wall).unwrap_or_else(|report| panic!("{report}"));
        Self::launch(loaded, compiled, &wall).await
    }

    /// The same for what was compiled, by this clock.
    pub(crate) async fn launch(loaded: &Loaded, compiled: Compiled, wall: &WallClock) -> Self {
        let app = App::start(loaded, compiled, wall).await;
        Self {
            app: app.expect("ports are free"),
        }
    }

    /// One that was started elsewhere.
    pub(crate) const fn of(app: App) -> Self {
        Self { app }
    }

    /// Puts another configuration in force.
    pub(crate) async fn swap(&self, loaded: &Loaded) {
        let compiled = App::compile(loaded, &WallClock::system());
        let compiled = compiled.unwrap_or_else(|report| panic!("{report}"));
        let swapped = App::swap(self.app.live(), loaded, compiled).await;
        swapped.expect("the folder can be written to");
    }

    /// The gateway itself.
    pub(crate) const fn app(&self) -> &App {
        &self.app
    }

    /// Stops it, as a signal would.
    pub(crate) async fn stop(self) {
        self.app.stop().await;
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

    /// Every group that a query gives, page after page, and the last page.
    pub(crate) async fn follow(&self, query: &str) -> (Vec<Value>, Value) {
        let mut pages = self.pages(query).await;
        let groups = pages.iter().flat_map(groups_of).cloned().collect();
        (groups, pages.pop().expect("a query gives a page"))
    }

    /// Every page that a query gives, along `next_cursor`.
    pub(crate) async fn pages(&self, query: &str) -> Vec<Value> {
        let mut pages = vec![self.page(&format!("/groups?{query}")).await];
        while let Some(cursor) = pages[pages.len() - 1]["next_cursor"].as_str() {
            let next = self.page(&format!("/groups?cursor={cursor}")).await;
            pages.push(next);
        }
        pages
    }

    /// The JSON of one page.
    pub(crate) async fn page(&self, path: &str) -> Value {
        let reply = self.get(path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text());
        reply.json()
    }
}
