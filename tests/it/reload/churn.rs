//! A hundred reloads under load, in a process of its own: descriptors can be counted there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::future::join_all;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;

use super::folder::{ConfigFolder, block, groups_list, root};
use super::{list, reload};
use crate::support::client::{Reply, ask, source};
use crate::support::command::{ended, groupgate, line_with, lines, terminate};
use crate::support::server::{Server, header, json as answer, status};
use crate::support::wait::eventually;

/// A gateway in a process of its own.
struct Process {
    child: Child,
    data: String,
    admin: String,
}

impl Process {
    async fn start(folder: &ConfigFolder) -> Self {
        let config = folder.path("gateway.toml");
        let arguments = ["serve", "--config", &config];
        let mut child = groupgate(&arguments, [("RUST_LOG", "info")])
            .spawn()
            .unwrap();
        let mut log = lines(child.stderr.take());
        let serving = line_with(&mut log, "serving").await;
        let address = |key: &str| {
            let line: Value = serde_json::from_str(&serving).unwrap();
            let address = line[key].as_str().unwrap_or_else(|| panic!("{serving}"));
            format!("http://{address}")
        };
        let (data, admin) = (address("listen"), address("admin"));
        // Somebody reads on, as somebody would.
        tokio::spawn(async move { while log.next_line().await.unwrap().is_some() {} });
        Self { child, data, admin }
    }

    fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    async fn reload(&self) -> Reply {
        ask(Method::POST, &format!("{}/reload", self.admin), &[]).await
    }

    async fn last_reload(&self) -> Value {
        let status = ask(Method::GET, &format!("{}/status", self.admin), &[]).await;
        status.json()["configuration"]["last_reload"].clone()
    }

    async fn until_reloaded(&self, wished: impl Fn(&Value) -> bool) {
        eventually("the files are loaded again", async || {
            wished(&self.last_reload().await).then_some(())
        })
        .await;
    }

    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid()))
            .unwrap()
            .count()
    }
}

/// A server whose `/kept` wants a login, and whose `/changed` wants one of two tokens.
async fn upstreams() -> Server {
    Server::start(
        |request| match (request.uri().path(), header(request, "authorization")) {
            ("/token", _) => {
                answer(&json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 3600 }))
            }
            ("/kept", Some("Bearer t")) | ("/changed", Some("Bearer odd" | "Bearer even")) => {
                groups_list(3)
            }
            ("/kept" | "/changed", _) => status(401),
            _ => groups_list(1),
        },
    )
    .await
}

/// The text of the file in which walks of `changed` may take as long as this, and lists are fresh for as long.
fn versioned(folder: &ConfigFolder, server: &Server, span: &str) -> String {
    let login = format!(
        "auth = {{ type = 'oauth2_client_credentials', token_url = '{}/token', \
         client_id = 'me', client_secret = {{ file = '{}' }} }}",
        server.base_url(),
        folder.path("secret")
    );
    let bearer = format!(
        "limits.walk = '{span}'\naccount = 'svc'\nauth = {{ type = 'bearer', token = {{ file = '{}' }} }}",
        folder.path("token")
    );
    let blocks = [
        block("kept", server, &login),
        block("changed", server, &bearer),
    ];
    root("", &blocks.concat()).replace("ttl = '10m'", &format!("ttl = '{span}'"))
}

/// Writes a version of the file, and lets the links lead to it.
fn swap(folder: &ConfigFolder, version: usize, text: &str) {
    let name = format!("..{version}");
    folder.write(&format!("{name}/gateway.toml"), text);
    folder.link(&name, "..data");
}

/// One reload of the hundred, and what must come of it.
async fn turn(number: usize, process: &Process, folder: &ConfigFolder, server: &Server) {
    let now = format!("{}s", 600 + number);
    let usual = versioned(folder, server, &now);
    let outcome = async |expected: &str| {
        let reply = process.reload().await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        // The watch may have come first.
        let found = reply.json()["outcome"].clone();
        assert!(
            found == expected || found == "unchanged",
            "{number}: {found}"
        );
    };
    match number % 10 {
        // Good, bad, and good again.
        1 => {
            folder.write(
                "..data/gateway.toml",
                &usual.replace("walk = '6", "walk = 'soon 6"),
            );
            process.reload().await.problem(422, "invalid-configuration");
        }
        // Half-written.
        3 => {
            folder.write("..data/gateway.toml", &usual[..usual.len() - 20]);
            process.reload().await.problem(422, "invalid-configuration");
        }
        // Upstreams come and go.
        5 => {
            folder.write("..data/gateway.toml", &usual);
            folder.write("teams/more.toml", &block("more", server, ""));
            outcome("applied").await;
        }
        6 => {
            std::fs::remove_file(folder.path("teams/more.toml")).unwrap();
            outcome("applied").await;
        }
        // Found by watching.
        7 => {
            let before = process.last_reload().await["generation"].as_u64().unwrap();
            swap(folder, number, &usual);
            process
                .until_reloaded(|last| last["generation"].as_u64().unwrap() > before)
                .await;
        }
        // A secret is rotated, and a signal tells of it.
        8 => {
            let before = process.last_reload().await["at"].clone();
            let token = if number % 20 == 8 { "odd" } else { "even" };
            folder.write("token", token);
            hang_up(process).await;
            process
                .until_reloaded(|last| last["at"] != before && last["outcome"] != "failed")
                .await;
        }
        9 => outcome("unchanged").await,
        _ => {
            folder.write("..data/gateway.toml", &usual);
            outcome("applied").await;
        }
    }
}

async fn hang_up(process: &Process) {
    let pid = process.pid().to_string();
    let sent = Command::new("kill").args(["-HUP", &pid]).status().await;
    assert!(sent.unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_reloads_under_load_fail_no_request_and_leave_nothing_behind() {
    let server = upstreams().await;
    let folder = ConfigFolder::new();
    folder.write("secret", "secret");
    folder.write("token", "even");
    folder.write("teams/readme", "one file for each team");
    swap(&folder, 1000, &versioned(&folder, &server, "599s"));
    folder.link("..data/gateway.toml", "gateway.toml");
    let process = Process::start(&folder).await;
    let page = format!("{}/groups?limit=1000", process.data);
    eventually("both lists are there", async || {
        let page = ask(Method::GET, &page, &[]).await.json();
        (page["total"] == 6).then_some(())
    })
    .await;
    let as_of = async || {
        let page = ask(Method::GET, &page, &[]).await.json();
        source(&page, "kept")["as_of"].clone()
    };
    let first = as_of().await;

    let (is_over, asked) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let clients = (0..4).map(|_| {
        let (page, is_over, asked) = (page.clone(), Arc::clone(&is_over), Arc::clone(&asked));
        tokio::spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let reply = ask(Method::GET, &page, &[]).await;
                assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
                let page = reply.json();
                assert_eq!(source(&page, "kept")["state"], "fresh", "{page}");
                for name in ["kept", "changed"] {
                    assert_eq!(source(&page, name)["groups"], 3, "{name}: {page}");
                }
                asked.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    let mut descriptors = 0;
    for number in 0..100 {
        turn(number, &process, &folder, &server).await;
        if number == 19 {
            descriptors = process.descriptors();
        }
    }
    is_over.store(true, Ordering::Relaxed);
    for client in join_all(clients).await {
        client.unwrap();
    }
    assert!(asked.load(Ordering::Relaxed) > 100);
    assert_eq!(as_of().await, first, "the list is the one from before");
    let asked = server.asked();
    for once in ["/token", "/kept"] {
        assert_eq!(
            asked.iter().filter(|path| *path == once).count(),
            1,
            "{once}"
        );
    }
    eventually("no descriptor is left", async || {
        (process.descriptors() <= descriptors).then_some(())
    })
    .await;
    terminate(&process.child).await;
    assert_eq!(ended(process.child).await.code(), Some(0));
}

#[tokio::test]
async fn a_reload_leaves_no_task_behind() {
    let server = list().await;
    let folder = ConfigFolder::new();
    let with = |walk: usize| {
        let block = block("a", &server, &format!("limits.walk = '{walk}s'"));
        root("watch = false", &block)
    };
    folder.write("gateway.toml", &with(600));
    let gateway = folder.start().await;
    gateway.ready().await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let mut before = 0;
    for turn in 0..30 {
        folder.write("gateway.toml", &with(601 + turn));
        assert_eq!(reload(&gateway).await.json()["outcome"], "applied");
        if turn == 4 {
            before = tasks();
        }
    }
    eventually("the tasks of earlier generations have ended", async || {
        (tasks() <= before).then_some(())
    })
    .await;
}
