//! How the process stops.

use std::fs;

use crate::support::command::{ended, groupgate, line_with, lines, terminate};

/// Nothing is asked of the upstream, and the process would take an hour to stop by itself.
const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"
admin = "127.0.0.1:0"
shutdown_delay = "1h"

[upstreams.nobody]
base_url = "http://127.0.0.1:9"
request = { path = "/" }
records = "/"
pagination = { style = "none" }
auth = { type = "none" }
fields = { id = "id", name = "name" }
"#;

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gateway.toml");
    fs::write(&config, CONFIG).unwrap();
    let arguments = ["serve", "--config", config.to_str().unwrap()];
    let mut process = groupgate(&arguments, [("RUST_LOG", "info")])
        .spawn()
        .unwrap();
    let mut log = lines(process.stderr.take());
    line_with(&mut log, "serving").await;
    terminate(&process).await;
    line_with(&mut log, "stopping").await;
    terminate(&process).await;
    line_with(&mut log, "stopped before open requests had ended").await;
    assert_eq!(ended(process).await.code(), Some(1));
}
