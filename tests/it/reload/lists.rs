//! What becomes of lists when their upstreams change.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use rustix::fs::OFlags;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Notify, mpsc};
use tokio::time::{advance, pause, resume, timeout};

use super::folder::{ConfigFolder, block, groups_list, root, text};
use super::{list, reload};
use crate::support::adapters::{NO_VARIABLES, load};
use crate::support::client::source;
use crate::support::gateway::Gateway;
use crate::support::server::{Server, status};
use crate::support::wait::{PATIENCE, eventually};

#[tokio::test]
async fn an_upstream_that_is_read_otherwise_serves_its_old_list_unless_the_account_is_another() {
    let is_down = Arc::new(AtomicBool::new(false));
    let server = {
        let is_down = Arc::clone(&is_down);
        Server::start(move |_| {
            if is_down.load(Ordering::Relaxed) {
                status(503)
            } else {
                groups_list(2)
            }
        })
    };
    let server = server.await;
    let folder = ConfigFolder::new();
    let at = |more: &str| {
        let directory = format!("[cache]\ndirectory = '{}'\n", folder.path("lists"));
        root("watch = false", &block("a", &server, more)).replace("[cache]\n", &directory)
    };
    folder.write("gateway.toml", &at(""));
    let gateway = folder.start().await;
    gateway.ready().await;
    is_down.store(true, Ordering::Relaxed);

    // Twice: the second time, what is taken over was taken over before.
    for description in ["id", "name"] {
        let described = format!("name = 'name', description = '{description}'");
        folder.write("gateway.toml", &at("").replace("name = 'name'", &described));
        assert_eq!(reload(&gateway).await.json()["outcome"], "applied");
        gateway
            .until("/sources", |page| source(page, "a")["error"].is_object())
            .await;
        let page = gateway.page("/groups").await;
        assert_eq!(page["total"], 2);
        assert_eq!(source(&page, "a")["state"], "stale");
    }

    // On disk, each list is kept as what it was read as.
    gateway.stop().await;
    let gateway = folder.start().await;
    gateway.ready().await;
    assert_eq!(gateway.get("/groups").await.status, 502);
    folder.write("gateway.toml", &at(""));
    assert_eq!(reload(&gateway).await.json()["outcome"], "applied");
    assert_eq!(gateway.page("/groups").await["total"], 2);

    folder.write("gateway.toml", &at("account = 'other'"));
    assert_eq!(reload(&gateway).await.json()["outcome"], "applied");
    assert_eq!(gateway.get("/groups").await.status, 502);
}

#[tokio::test]
async fn an_answer_that_comes_after_its_walk_was_ended_by_a_reload_is_nobodys() {
    let late = Arc::new(Notify::new());
    let (told, mut ends) = mpsc::unbounded_channel();
    let server = {
        let late = Arc::clone(&late);
        let answer = |groups: &str| {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
            format!("{head} {}\r\n\r\n{groups}", groups.len())
        };
        Server::bind().await.accept(move |mut connection, log| {
            let (late, told) = (Arc::clone(&late), told.clone());
            async move {
                if log.note(Request::new(Bytes::new())) > 0 {
                    let groups = r#"[{"id":1,"name":"a"},{"id":2,"name":"b"}]"#;
                    connection
                        .write_all(answer(groups).as_bytes())
                        .await
                        .unwrap();
                    return;
                }
                late.notified().await;
                // It may have been told by now that nobody listens.
                let _ = connection.write_all(answer("[]").as_bytes()).await;
                // To the end of the connection, however it ends.
                let _ = connection.read_to_end(&mut Vec::new()).await;
                told.send(()).unwrap();
            }
        })
    };
    let folder = ConfigFolder::new();
    let with = |more: &str| root("watch = false", &block("a", &server, more));
    folder.write("gateway.toml", &with(""));
    let gateway = folder.start().await;
    eventually("the first walk is under way", async || {
        (server.requests().len() == 1).then_some(())
    })
    .await;
    folder.write("gateway.toml", &with("limits.rate = '9/s'"));
    assert_eq!(reload(&gateway).await.json()["outcome"], "applied");
    let is_there = |page: &serde_json::Value| source(page, "a")["groups"] == 2;
    gateway.until("/sources", is_there).await;
    late.notify_one();
    // Its connection is closed, for nobody reads on.
    let end = timeout(PATIENCE, ends.recv()).await;
    assert_eq!(end.expect("the gateway has hung up"), Some(()));
    let page = gateway.page("/groups").await;
    assert_eq!((&page["total"], server.requests().len()), (&2.into(), 2));
}

/// Something in the place of a file that can be opened and gives nothing for as long as `opened` of it is held.
struct Hanging<'a>(&'a Path);

impl<'a> Hanging<'a> {
    fn in_place_of(file: &'a Path) -> Self {
        fs::remove_file(file).unwrap();
        let made = Command::new("mkfifo").arg(file).status();
        assert!(made.unwrap().success());
        Self(file)
    }

    /// Waits until somebody reads it.
    async fn opened(self) -> fs::File {
        let without_waiting = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
        eventually("it is read", async || {
            let mut options = OpenOptions::new();
            options.write(true).custom_flags(without_waiting);
            options.open(self.0).ok()
        })
        .await
    }
}

#[tokio::test]
async fn a_list_on_a_disk_that_does_not_answer_is_not_waited_for_for_ever() {
    let server = list().await;
    let folder = tempfile::tempdir().unwrap();
    let with = |names: &[&str]| {
        let blocks: Vec<_> = names.iter().map(|name| block(name, &server, "")).collect();
        let directory = format!("[cache]\ndirectory = '{}'\n", folder.path().display());
        let text = text("", &blocks.concat()).replace("[cache]\n", &directory);
        load(&text, NO_VARIABLES)
    };
    let before = Gateway::start(&with(&["a"])).await;
    before.ready().await;
    before.stop().await;
    let mut files = fs::read_dir(folder.path()).unwrap();
    let file = files.next().expect("its list is there").unwrap().path();

    let gateway = Gateway::start(&with(&["b"])).await;
    gateway.ready().await;
    let hanging = Hanging::in_place_of(&file);
    let both = with(&["a", "b"]);
    let swap = gateway.swap(&both);
    let clock = async {
        let opened = hanging.opened().await;
        pause();
        advance(Duration::from_secs(11)).await;
        opened
    };
    let ((), opened) = tokio::join!(swap, clock);
    resume();
    gateway.ready().await;
    assert_eq!(gateway.page("/groups").await["total"], 4);
    drop(opened);
    gateway.stop().await;
}
