//! A process that exports what it does.

use std::fs;
use std::path::PathBuf;

use http::Method;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr};

use crate::support::client::{Reply, ask};
use crate::support::command::{ended, groupgate, line_with, lines, terminate};
use crate::support::wait::eventually;

/// The trace of a caller that wants it recorded, with the span that it asks in.
pub(super) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(super) const CALLER: &str = "00f067aa0ba902b7";

/// The headers by which a caller names its trace.
pub(super) const TRACED: [(&str, &str); 2] = [
    (
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ),
    ("tracestate", "vendor=opaque"),
];

/// Nothing is fresh, so that every request has all upstreams walked and waits for it.
pub(super) const KEEPS_NOTHING: &str =
    "[cache]\nttl = '0s'\nstale_while_revalidate = '0s'\nmin_refresh = '0s'\n";

fn write(folder: &TempDir, toml: &str) -> PathBuf {
    let config = folder.path().join("gateway.toml");
    let server = "[server]\nlisten = '127.0.0.1:0'\nadmin = '127.0.0.1:0'\n\
                  shutdown_delay = '0s'\ndeadline = '50s'\nserver_timing = true\nwatch = false\n";
    fs::write(&config, format!("{server}{toml}")).unwrap();
    config
}

/// A running process.
pub(super) struct Process {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    data: String,
    admin: String,
    folder: TempDir,
}

/// The block of an upstream that is a whole list.
pub(super) fn upstream(name: &str, base_url: &str, more: &str) -> String {
    format!(
        "[upstreams.{name}]\nbase_url = '{base_url}'\n\
         request = {{ path = '/teams', query = {{ kind = 'k1nd' }} }}\nrecords = '/'\n\
         fields = {{ id = 'id', name = 'name' }}\n{more}\n"
    )
}

impl Process {
    /// Starts one that sends everything to a collector, with more variables over it. Every upstream was
    /// walked once.
    pub(super) async fn start(toml: &str, collector: &str, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = write(&folder, toml);
        let arguments = ["serve", "--config", config.to_str().unwrap()];
        let usual = [
            ("RUST_LOG", "info"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector),
            ("OTEL_SERVICE_NAME", "gate"),
        ];
        let mut child = groupgate(&arguments, usual.iter().chain(variables).copied())
            .spawn()
            .unwrap();
        let mut log = lines(child.stderr.take());
        let serving = line_with(&mut log, "\"serving\"").await;
        let serving: Value = serde_json::from_str(&serving).unwrap();
        let address = |key: &str| format!("http://{}", serving[key].as_str().unwrap());
        let process = Self {
            child,
            log,
            data: address("listen"),
            admin: address("admin"),
            folder,
        };
        eventually("the gateway is ready", async || {
            let url = format!("{}/readyz", process.admin);
            let reply = ask(Method::GET, &url, &[]).await;
            (reply.status == 200).then_some(())
        })
        .await;
        process
    }

    /// Writes its configuration anew, and has it loaded.
    pub(super) async fn reload(&self, toml: &str) {
        write(&self.folder, toml);
        let reply = self.post("/reload", &[]).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// Asks the admin listener to do something.
    pub(super) async fn post(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        ask(Method::POST, &format!("{}{path}", self.admin), headers).await
    }

    /// Sends a request to the data listener, and leaves the answer to whoever holds the connection.
    pub(super) async fn begin(&self, path: &str) -> TcpStream {
        let address = self.data.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let [(name, value), _] = TRACED;
        let request = format!("GET {path} HTTP/1.1\r\nhost: g\r\n{name}: {value}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// What its metrics say.
    pub(super) async fn metrics(&self) -> String {
        let reply = ask(Method::GET, &format!("{}/metrics", self.admin), &[]).await;
        reply.text().to_owned()
    }

    /// Asks the data listener.
    pub(super) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        ask(Method::GET, &format!("{}{path}", self.data), headers).await
    }

    /// The next line of the log with this text.
    pub(super) async fn logged(&mut self, text: &str) -> Value {
        let line = line_with(&mut self.log, text).await;
        serde_json::from_str(&line).unwrap()
    }

    /// Ends it: whatever it has to export is exported.
    pub(super) async fn end(self) {
        terminate(&self.child).await;
        assert_eq!(ended(self.child).await.code(), Some(0));
    }
}
