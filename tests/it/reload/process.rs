//! What the command line has to do with reloads: signals, `check --against`, and what systemd is told.

use http::Method;
use tokio::net::UnixDatagram;
use tokio::process::Command;
use tokio::time::timeout;

use super::folder::{ConfigFolder, block, root};
use super::list;
use crate::support::adapters::NO_VARIABLES;
use crate::support::client::ask;
use crate::support::command::{ended, groupgate, line_with, lines, run, terminate};
use crate::support::wait::PATIENCE;

/// Sends a process a signal.
async fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status();
    assert!(sent.await.unwrap().success());
}

#[tokio::test]
async fn a_signal_has_the_configuration_loaded_again_and_never_ends_the_process() {
    let server = list().await;
    let folder = ConfigFolder::new();
    let with = |more: &str| root("watch = false", &block("a", &server, more));
    folder.write("gateway.toml", &with(""));
    let arguments = ["serve", "--config", &folder.path("gateway.toml")];
    let mut process = groupgate(&arguments, [("RUST_LOG", "info")])
        .spawn()
        .unwrap();
    let mut log = lines(process.stderr.take());
    let pid = process.id().unwrap();
    line_with(&mut log, "\"serving\"").await;

    folder.write("gateway.toml", &with("ttl = 'soon'"));
    signal(pid, "-HUP").await;
    let error = line_with(&mut log, "the configuration has an error").await;
    let place = format!("\"file\":\"{}\",\"line\":", folder.path("gateway.toml"));
    assert!(error.contains(&place), "{error}");
    line_with(&mut log, "the configuration was not reloaded").await;

    folder.write("gateway.toml", &with("ttl = '8s'\nlimits.rate = '8/s'"));
    signal(pid, "-HUP").await;
    let line = line_with(&mut log, "the configuration was reloaded").await;
    assert!(line.contains("\"trigger\":\"signal\""), "{line}");
    assert!(line.contains("\"changed\":\"a\""), "{line}");

    let other = with("headers.user-agent = 'x'").replace("burst = 100000", "burst = 9");
    folder.write("gateway.toml", &other);
    signal(pid, "-HUP").await;
    let line = line_with(&mut log, "the configuration was reloaded").await;
    assert!(line.contains("\"settings\":\"rate_limit.burst\""), "{line}");
    let line = line_with(&mut log, "lists are dropped").await;
    assert!(line.contains("\"sources\":\"a\""), "{line}");

    let file = folder.path("gateway.toml");
    let is_no_text = || std::fs::write(&file, b"\xff");
    let is_gone = || std::fs::remove_file(&file);
    let is_folder = || std::fs::create_dir(&file);
    for make in [&is_no_text as &dyn Fn() -> _, &is_gone, &is_folder] {
        make().unwrap();
        signal(pid, "-HUP").await;
        let error = line_with(&mut log, "the configuration has an error").await;
        let place = format!("\"file\":\"{file}\"");
        assert!(error.contains(&place), "{error}");
        assert!(!error.contains("--config"), "{error}");
    }
    terminate(&process).await;
    assert_eq!(ended(process).await.code(), Some(0));
}

#[tokio::test]
async fn systemd_is_told_of_the_start_of_reloads_of_the_end_and_all_the_time_that_it_lives() {
    let server = list().await;
    let folder = ConfigFolder::new();
    folder.write("gateway.toml", &root("", &block("a", &server, "")));
    let socket = UnixDatagram::bind(folder.path("notify")).unwrap();
    let next = async |wished: &str| {
        let wait = async {
            loop {
                let mut buffer = [0; 256];
                let length = socket.recv(&mut buffer).await.unwrap();
                let told = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if told.contains(wished) {
                    return told;
                }
                // It says that it lives in between.
                assert_eq!(told.trim(), "WATCHDOG=1");
            }
        };
        timeout(PATIENCE, wait).await.expect("systemd is told")
    };
    let arguments = ["serve", "--config", &folder.path("gateway.toml")];
    let variables = [
        ("NOTIFY_SOCKET", &*folder.path("notify")),
        ("WATCHDOG_USEC", "50000"),
        // So that it is still stopping when it says again that it lives.
        ("GROUPGATE__SERVER__SHUTDOWN_DELAY", "1h"),
    ];
    let mut process = groupgate(&arguments, variables).spawn().unwrap();
    let _log = process.stderr.take();
    next("READY=1").await;
    next("WATCHDOG=1").await;
    signal(process.id().unwrap(), "-HUP").await;
    let reloading = next("RELOADING=1").await;
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    next("READY=1").await;
    terminate(&process).await;
    next("STOPPING=1").await;
    next("WATCHDOG=1").await;
    terminate(&process).await;
    assert_eq!(ended(process).await.code(), Some(1));
}

#[tokio::test]
async fn check_says_what_a_reload_would_change_in_a_process() {
    let server = list().await;
    let folder = ConfigFolder::new();
    let token = "admin_token = { env = 'ADMIN' }";
    let with = |name: &str, more: &str| {
        let blocks = [block("a", &server, more), block(name, &server, "")];
        root(&format!("{token}\nwatch = false"), &blocks.concat())
    };
    folder.write("gateway.toml", &with("b", ""));
    let gateway = folder.start_with(&[("ADMIN", "letmein")]).await;
    let url = format!("http://{}", gateway.app().admin_addr());
    let check = async |more: &[&str], variable: &str| {
        let file = folder.path("gateway.toml");
        let arguments = [&["check", &file, "--against", &url], more].concat();
        run(groupgate(
            &arguments,
            [("ADMIN", "letmein"), ("SENT", variable)],
        ))
        .await
    };
    let by_token = ["--token-env", "SENT"];
    let same = check(&by_token, "letmein").await;
    assert_eq!(same.code, 0, "{}", same.stderr);
    let said = format!("unchanged: {url} runs with this configuration\n");
    assert!(same.stdout.ends_with(&said), "{}", same.stdout);

    folder.write(
        "gateway.toml",
        &with("c", "ttl = '9s'").replace("watch = false", "connections.total = 9"),
    );
    let other = check(&by_token, "letmein").await;
    let said = format!(
        "a reload of {url} would change:\n\
         adjusted a: ttl\n\
         added    c\n\
         removed  b\n\
         settings server.watch\n\
         restart  server.connections.total\n"
    );
    assert!(other.stdout.ends_with(&said), "{}", other.stdout);
    assert_eq!(other.code, 0);

    for (more, sent, said) in [
        (&by_token[..], "wrong", "it wants a token"),
        (&[], "", "it wants a token"),
        (&["--token-env", "NOT_SET"], "", "`NOT_SET` is not set"),
    ] {
        let refused = check(more, sent).await;
        assert_eq!(refused.code, 1);
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    let data = format!("http://{}", gateway.app().data_addr());
    let arguments = ["check", &folder.path("gateway.toml"), "--against", &data];
    let elsewhere = run(groupgate(&arguments, [("ADMIN", "letmein")])).await;
    assert!(
        elsewhere.stderr.contains("no admin listener"),
        "{}",
        elsewhere.stderr
    );
    let keys = ask(
        Method::GET,
        &format!("{url}/configuration"),
        &[("authorization", "Bearer letmein")],
    )
    .await;
    for hidden in ["letmein", server.base_url(), "10m"] {
        assert!(!keys.text().contains(hidden), "{}", keys.text());
    }
    let nobody = run(groupgate(&["check", "--token-env", "X"], NO_VARIABLES)).await;
    assert_eq!(nobody.code, 2, "a token is for a process to compare with");
}

#[tokio::test]
async fn check_compares_what_upstreams_come_to_and_names_what_waits_for_a_restart() {
    let server = list().await;
    let folder = ConfigFolder::new();
    let with = |settings: &str, rate: &str| {
        let limited = block("a", &server, &format!("limits.rate = '{rate}'"));
        let own = block("b", &server, "ttl = '1m'\nstale_if_error = '2m'");
        root(
            &format!("watch = false\n{settings}"),
            &[limited, own].concat(),
        )
    };
    folder.write("gateway.toml", &with("", "1/s"));
    let gateway = folder.start().await;
    let url = format!("http://{}", gateway.app().admin_addr());
    let check = async || {
        let arguments = ["check", &folder.path("gateway.toml"), "--against", &url];
        let said = run(groupgate(&arguments, NO_VARIABLES)).await.stdout;
        let at = said.find("\n\nok: 2 upstreams\n").unwrap();
        said[at..]
            .trim_start_matches("\n\nok: 2 upstreams\n")
            .to_owned()
    };
    let change = format!("\na reload of {url} would change:\n");

    // Written otherwise, and the same.
    folder.write(
        "gateway.toml",
        &with("", "1/s").replace("ttl = '1m'", "ttl = '60s'"),
    );
    let same = format!("\nunchanged: {url} runs with this configuration\n");
    assert_eq!(check().await, same);
    // A default that one of them does not say itself.
    let other = with("", "1/s").replace("ttl = '10m'", "ttl = '9m'");
    folder.write("gateway.toml", &other);
    let said = format!("{change}adjusted a\nsettings cache.ttl\nkept     b\n");
    assert_eq!(check().await, said);

    folder.write("gateway.toml", &with("connections.total = 9", "1/s"));
    assert_eq!(super::reload(&gateway).await.json()["outcome"], "applied");
    let restart = "it has yet to be restarted for server.connections\n";
    assert_eq!(check().await, format!("{same}{restart}"));
    folder.write("gateway.toml", &with("connections.total = 9", "2/s"));
    let said = format!("{change}changed  a: limits.rate\nkept     b\n{restart}");
    assert_eq!(check().await, said);
    // What is sent decides what a list is of.
    let other = with("connections.total = 9", "1/s").replace("path = '/a'", "path = '/other'");
    folder.write("gateway.toml", &other);
    let dropped =
        "changed  a: request.path; its list is dropped, and callers wait for the first walk";
    let said = format!("{change}{dropped}\nkept     b\n{restart}");
    assert_eq!(check().await, said);
}
