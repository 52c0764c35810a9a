//! A gateway that is started again during an outage serves what it kept on disk.

use std::fs;
use std::path::{Path, PathBuf};

use groupgate::app::{App, StartError};
use groupgate::clock::WallClock;
use groupgate::tools::demo::InjectedFault;
use http::{Method, StatusCode};
use serde_json::Value;

use crate::support::adapters::{NO_VARIABLES, borrowed, load};
use crate::support::client::source;
use crate::support::command::{groupgate, run};
use crate::support::deployment::{SOURCES, Setup};
use crate::support::gateway::ANY_PORT;
use crate::support::wait::eventually;

fn kept_in(directory: &Path) -> Setup {
    Setup::new(30)
        .set("CACHE__DIRECTORY", directory.to_str().unwrap())
        .set("CACHE__MIN_REFRESH", "100ms")
        .set("SERVER__SHUTDOWN_DELAY", "0s")
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn a_restart_while_every_upstream_is_down_serves_the_lists_from_before() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = kept_in(directory.path()).ready().await;
    let before = gateway.page("/groups?limit=1000").await;
    let stopped = gateway.stop().await;
    assert_eq!(files(directory.path()).len(), SOURCES.len());

    for emulation in stopped.emulations.iter() {
        emulation.set_fault(Some(InjectedFault::Hang));
    }
    let gateway = stopped.start().await;
    let page = gateway.page("/groups?limit=1000").await;
    assert_eq!(page["groups"], before["groups"]);
    assert_eq!(page["complete"], true);
    let as_of = |page: &Value, name| source(page, name)["as_of"].clone();
    for name in SOURCES {
        // As fresh as the walk of the process before says.
        assert_eq!(source(&page, name)["state"], "fresh");
        assert_eq!(as_of(&page, name), as_of(&before, name));
    }
    // No walk of this process has ended yet.
    let ready = gateway.admin(Method::GET, "/readyz", &[]).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);

    for emulation in gateway.emulations() {
        emulation.set_fault(Some(InjectedFault::Refuse));
    }
    gateway.ready().await;
    for emulation in gateway.emulations() {
        emulation.set_fault(None);
    }
    for name in SOURCES {
        eventually("it is walked again", async || {
            let reply = gateway.refresh(name).await;
            (reply.status == StatusCode::OK).then_some(())
        })
        .await;
    }
    let page = gateway.page("/groups").await;
    for name in SOURCES {
        assert_eq!(source(&page, name)["state"], "fresh");
        assert_ne!(as_of(&page, name), as_of(&before, name));
    }
}

#[tokio::test]
async fn another_block_never_serves_an_old_list() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = kept_in(directory.path()).ready().await;
    gateway
        .emulation("tallyfy")
        .set_fault(Some(InjectedFault::Hang));
    let emulations = gateway.stop().await.emulations;
    // How long a list serves shapes none; what is kept of it does.
    let same = kept_in(directory.path()).set("UPSTREAMS__TALLYFY__TTL", "20s");
    let other = same.clone().set("UPSTREAMS__TALLYFY__EXTRA", "drop");
    let same = same.over(&emulations).await;
    let page = same.page("/groups").await;
    assert_eq!(source(&page, "tallyfy")["state"], "fresh");
    let other = other.set("SERVER__DEADLINE", "1s").over(&emulations).await;
    let page = other.page("/groups").await;
    assert_eq!(source(&page, "tallyfy")["state"], "pending");
}

#[tokio::test]
async fn another_account_never_gets_the_list_of_the_one_before() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = kept_in(directory.path()).ready().await;
    for name in ["tallyfy", "publisher", "onlivesite"] {
        gateway.emulation(name).set_fault(Some(InjectedFault::Hang));
    }
    let emulations = gateway.stop().await.emulations;
    let other = kept_in(directory.path())
        .set("SERVER__DEADLINE", "1s")
        .variable("TALLYFY_ORG", "beta")
        .variable("PUBLISHER_TOKEN", "another")
        .variable("ONLIVE_SECRET", "rotated");
    let other = other.over(&emulations).await;
    let page = other.page("/groups").await;
    for (name, state) in [
        ("tallyfy", "pending"),
        ("publisher", "pending"),
        ("onlivesite", "fresh"),
    ] {
        assert_eq!(source(&page, name)["state"], state, "{name}");
    }
}

#[tokio::test]
async fn files_that_make_no_sense_never_stop_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let stopped = kept_in(directory.path()).ready().await.stop().await;
    let texts: [&[u8]; 4] = [
        b"",
        b"groupgate snapshot 1",
        b"groupgate snapshot 3\n",
        b"\xff",
    ];
    for (file, text) in files(directory.path()).iter().zip(texts) {
        fs::write(file, text).unwrap();
    }
    let gateway = stopped.start().await;
    gateway.ready().await;
    let page = gateway.page("/groups").await;
    assert_eq!(page["complete"], true);
}

#[tokio::test]
async fn a_list_that_has_shrunk_is_held_back_and_shown_until_a_second_walk_confirms_it() {
    let gateway = Setup::new(30).set("CACHE__MIN_REFRESH", "2s").ready().await;
    gateway.emulation("vinyldns").set_groups(5);
    let held = eventually("a walk is allowed", async || {
        let reply = gateway.refresh("vinyldns").await;
        (reply.status == StatusCode::ACCEPTED).then(|| reply.json())
    })
    .await;
    assert_eq!(held["groups"], 30);
    assert_eq!(held["pending_shrink"]["groups"], 5);
    let sources = gateway.page("/sources").await;
    let status = gateway.admin(Method::GET, "/status", &[]).await.json();
    for answer in [sources, status] {
        let held = &source(&answer, "vinyldns")["pending_shrink"];
        assert_eq!((&held["groups"], &held["served"]), (&5.into(), &30.into()));
        assert!(held["since"].is_string());
    }
    let page = gateway.page("/groups?source=vinyldns").await;
    assert_eq!(page["total"], 30);
    // Nobody asks for the walk that confirms it.
    let page = gateway
        .until("/sources", |page| source(page, "vinyldns")["groups"] == 5)
        .await;
    assert!(source(&page, "vinyldns")["pending_shrink"].is_null());
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_refused_where_it_is_named() {
    // A file is no folder, whoever runs the test.
    let toml = format!(
        "
{ANY_PORT}
[cache]
directory = 'Cargo.toml/snapshots'

[upstreams.club]
base_url = 'http://localhost'
request = {{ path = '/' }}
records = '/'
fields = {{ id = 'id', name = 'name' }}
"
    );
    let loaded = load(&toml, NO_VARIABLES);
    let wall = WallClock::system();
    let compiled = App::compile(&loaded, &wall).unwrap();
    let Err(StartError::Settings(report)) = App::start(&loaded, compiled, &wall).await else {
        panic!("it started");
    };
    insta::assert_snapshot!(report);
}

#[tokio::test]
async fn check_warns_of_what_could_not_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    let check = async |directory: &Path, audit: &Path| {
        let toml = format!(
            "cache.directory = '{}'\naudit = {{ enabled = true, file = '{}' }}\n[upstreams.club]\n\
             base_url = 'http://localhost'\nrequest = {{ path = '/' }}\nrecords = '/'\n\
             fields = {{ id = 'id', name = 'name' }}\n",
            directory.display(),
            audit.display()
        );
        fs::write(&file, toml).unwrap();
        let outcome = run(groupgate(&["check", file.to_str().unwrap()], NO_VARIABLES)).await;
        assert_eq!(outcome.code, 0, "{outcome:?}");
        outcome.stdout
    };
    let warned = check(
        &file.join("lists"),
        &folder.path().join("missing/audit.log"),
    )
    .await;
    for (line, name, help) in [
        (1, "gateway.toml/lists", "name a folder"),
        (2, "missing/audit.log", "name a file"),
    ] {
        let place = format!(
            "warning: {}:{line}: `serve` would not start",
            file.display()
        );
        let told = warned.lines().find(|line| line.starts_with(&place));
        let told = told.unwrap_or_else(|| panic!("{warned}"));
        assert!(
            told.contains(&format!("{name}` cannot be written to: ")),
            "{told}"
        );
        assert!(told.contains(help), "{told}");
    }
    let lists = folder.path().join("lists");
    let good = check(&lists, &folder.path().join("audit.log")).await;
    assert!(!good.contains("would not start"), "{good}");
    // It leaves nothing behind.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn check_warns_when_the_rate_cannot_cover_the_pages_of_the_last_walk() {
    let directory = tempfile::tempdir().unwrap();
    let setup = kept_in(directory.path())
        .set("UPSTREAMS__TALLYFY__PAGINATION__LIMIT", "10")
        .set("UPSTREAMS__TALLYFY__LIMITS__WALK", "6s");
    let stopped = setup.ready().await.stop().await;
    let check = async |rate: &str| {
        let rate = ("GROUPGATE__UPSTREAMS__TALLYFY__LIMITS__RATE", rate);
        let environment = stopped.environment();
        let variables = borrowed(&environment).into_iter().chain([rate]);
        let outcome = run(groupgate(&["check"], variables)).await;
        assert_eq!(outcome.code, 0, "{outcome:?}");
        outcome.stdout
    };
    let warning = "the last walk read 3 pages, which take 9s at 20/m: longer than 6s (`limits.walk`); \
                   raise `limits.walk` or `limits.rate`";
    let tight = check("20/m").await;
    assert!(tight.contains(warning), "{tight}");
    assert!(!check("60/m").await.contains("the last walk"));
}
