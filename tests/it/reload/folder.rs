//! A folder with a configuration in it, and a gateway that watches it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use groupgate::app::{App, Pace};
use groupgate::clock::WallClock;
use groupgate::config::{Environment, load};
use http::Response;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::configuration;
use crate::support::gateway::{ANY_PORT, Gateway};
use crate::support::server::{Server, json as answer};
use crate::support::wait::eventually;

/// An answer with so many groups.
pub(crate) fn groups_list(count: usize) -> Response<String> {
    let groups: Vec<_> = (0..count)
        .map(|id| json!({ "id": id, "name": format!("group {id}") }))
        .collect();
    answer(&json!(groups))
}

/// A block that asks this server.
pub(crate) fn block(name: &str, server: &Server, more: &str) -> String {
    format!(
        "[upstreams.{name}]\nbase_url = '{}'\nrequest = {{ path = '/{name}' }}\nrecords = '/'\n\
         fields = {{ id = 'id', name = 'name' }}\nlimits.retries = 0\n{more}\n",
        server.base_url()
    )
}

/// The text of a file with these blocks.
pub(crate) fn text(server: &str, blocks: &str) -> String {
    format!(
        "{ANY_PORT}{server}\n[cache]\nttl = '10m'\nmin_refresh = '1ms'\n\
         [rate_limit]\nper_client = '100000/s'\nburst = 100000\n{blocks}"
    )
}

/// The same of one that includes the files of teams.
pub(crate) fn root(server: &str, blocks: &str) -> String {
    format!("include = ['teams/*.toml']\n{}", text(server, blocks))
}

#[derive(Debug)]
pub(crate) struct ConfigFolder(TempDir);

impl ConfigFolder {
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path("teams")).unwrap();
        folder
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Makes a link, in one step, or lets it lead elsewhere.
    pub(crate) fn link(&self, to: &str, name: &str) {
        let beside = self.path(&format!("{name}.tmp"));
        std::os::unix::fs::symlink(to, &beside).unwrap();
        fs::rename(beside, self.path(name)).unwrap();
    }

    /// Starts the gateway over `gateway.toml`, which looks at files often.
    pub(crate) async fn start(&self) -> Gateway {
        self.start_with(&[]).await
    }

    /// The same under these variables.
    pub(crate) async fn start_with(&self, variables: &[(&str, &str)]) -> Gateway {
        let pace = Pace {
            settle: Duration::from_millis(20),
            ..Pace::default()
        };
        self.start_at(pace, variables).await
    }

    /// The same at this pace.
    pub(crate) async fn start_at(&self, pace: Pace, variables: &[(&str, &str)]) -> Gateway {
        let file = self.0.path().join("gateway.toml");
        let variables: Environment = variables.iter().copied().collect();
        let loaded = load(&file, variables).unwrap_or_else(|report| panic!("{report}"));
        let wall = WallClock::system();
        let compiled = App::compile(&loaded, &wall).unwrap_or_else(|report| panic!("{report}"));
        let app = App::start_at(&loaded, compiled, &wall, pace).await;
        Gateway::of(app.expect("ports are free"))
    }

    /// Waits until so many plans were put in force after the first, and gives the last reload.
    pub(crate) async fn reloaded(&self, gateway: &Gateway, times: u64) -> Value {
        self.until_reloaded(gateway, |last| last["generation"] == times + 1)
            .await
    }

    /// Waits until the last reload is as wished.
    pub(crate) async fn until_reloaded(
        &self,
        gateway: &Gateway,
        wished: impl Fn(&Value) -> bool,
    ) -> Value {
        eventually("the files are loaded again", async || {
            let last = configuration(gateway).await["last_reload"].clone();
            wished(&last).then_some(last)
        })
        .await
    }
}
