//! Connections that begin TLS and never end it.

use std::sync::Arc;

use rstest::rstest;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::crowds::{address, connect};
use super::secured::{Caller, Secured};
use super::{UNLIMITED, config, list};
use crate::support::process::Process;
use crate::support::wait::{PATIENCE, eventually};

/// How many there are: more than may be open.
const FLOOD: usize = 600;

/// What a client says first (RFC 8446, section 4.1.2).
fn hello() -> Vec<u8> {
    let client = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    hello
}

/// Whether a caller is served who ends what it begins.
async fn serves_others(secured: &Secured, process: &Process) {
    let caller = Caller::default();
    let ask = async {
        let stream = secured.connect_to(process.data, &caller).await?;
        Secured::answered(stream, "").await
    };
    let answer = timeout(PATIENCE, ask).await.expect("others are served");
    let answer = answer.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[rstest]
#[case::silent(0)]
#[case::a_hello_that_is_cut(40)]
#[case::a_hello_that_nothing_follows(usize::MAX)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_that_never_end_keep_nobody_out_and_are_ended(#[case] length: usize) {
    let (secured, upstream) = (Secured::new(), list().await);
    let server = format!(
        "{}\nconnections = {{ total = 500 }}\n{UNLIMITED}",
        secured.tls("")
    );
    let process = Process::start(&config(&server, &upstream)).await;
    serves_others(&secured, &process).await;
    process.forget_peak();
    let before = process.memory("VmRSS:");
    let hello = hello();
    let said = &hello[..length.min(hello.len())];
    let mut flood = Vec::new();
    for connection in 0..FLOOD {
        let mut stream = connect(address(connection), process.data).await.unwrap();
        // Those before may have been closed by now, in favour of this one.
        let _ = stream.write_all(said).await;
        flood.push(stream);
    }
    serves_others(&secured, &process).await;
    eventually("all are ended", async || {
        let connections = process.status().await["connections"].clone();
        let ended = ["handshakes_failed", "closed_for_room"];
        let ended = ended.map(|reason| connections[reason].as_u64().unwrap());
        (connections["open"] == 0 && ended.iter().sum::<u64>() >= FLOOD as u64).then_some(())
    })
    .await;
    serves_others(&secured, &process).await;
    let grown = process.memory("VmHWM:").saturating_sub(before);
    assert!(grown <= 32, "{grown} MiB");
    drop(flood);
}
