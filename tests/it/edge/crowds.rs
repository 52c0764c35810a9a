//! More connections than anybody needs, and more requests than there is room for.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::Method;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use super::{config, process, serves_others};
use crate::support::adapters::{NO_VARIABLES, load};
use crate::support::client::ask;
use crate::support::gateway::Gateway;
use crate::support::server::{Server, Step};
use crate::support::wait::eventually;

/// How many there are.
const CROWD: usize = 10_000;

/// How many descriptors this process and the gateway need besides.
const OTHERS: usize = 1000;

/// Whether a process may have as many descriptors as a crowd needs. Where it may not, this says so.
fn may_be_crowded() -> bool {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let most = line.unwrap().split_whitespace().nth(3).unwrap();
    // The other word is `unlimited`.
    let is_enough = most
        .parse()
        .map_or(true, |most: usize| most >= CROWD + OTHERS);
    if !is_enough {
        #[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
        {
            println!(
                "skipped: {CROWD} connections need {OTHERS} descriptors more, and {most} are allowed"
            );
        }
    }
    is_enough
}

/// The address of one of so many clients with ten connections each.
pub(super) fn address(connection: usize) -> Ipv4Addr {
    let client = u32::try_from(connection / 10).unwrap();
    Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 1).to_bits() + client)
}

pub(super) async fn connect(from: Ipv4Addr, to: SocketAddr) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.bind((from, 0).into()).unwrap();
    // One that is not accepted waits in the backlog.
    timeout(Duration::from_secs(10), socket.connect(to))
        .await
        .ok()?
        .ok()
}

async fn crowd(to: SocketAddr) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    for connection in 0..CROWD {
        let stream = connect(address(connection), to).await;
        crowd.push(stream.unwrap_or_else(|| panic!("connection {connection} is not accepted")));
    }
    crowd
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_connections_keep_nobody_out() {
    if !may_be_crowded() {
        return;
    }
    let (process, _upstream) = process("connections = { total = 12000, per_client = 64 }").await;
    serves_others(&process).await;
    let before = process.memory("VmRSS:");
    let crowd = crowd(process.data).await;
    let begun = Instant::now();
    serves_others(&process).await;
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    let status = process.status().await;
    let open = status["connections"]["open"].as_u64().unwrap() as usize;
    assert!(open >= crowd.len(), "{open} of {}", crowd.len());
    let each = process.memory("VmRSS:").saturating_sub(before) * 1024 / crowd.len() as u64;
    assert!(each <= 16, "{each} KiB for each");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_beyond_the_limit_goes_again_and_keeps_nobody_out() {
    if !may_be_crowded() {
        return;
    }
    let (process, _upstream) = process("connections = { total = 500 }").await;
    let descriptors = process.descriptors();
    let crowd = crowd(process.data).await;
    serves_others(&process).await;
    // Those on their way out are some more.
    assert!(
        process.descriptors() < descriptors + 1000,
        "{}",
        process.descriptors()
    );
    let status = process.status().await;
    let closed = status["connections"]["closed_for_room"].as_u64().unwrap() as usize;
    assert!(closed + 800 >= crowd.len(), "{closed} of {}", crowd.len());
}

/// Waits until so many requests are under way.
async fn under_way(gateway: &Gateway, count: usize) {
    eventually("so many are under way", async || {
        let status = gateway.admin(Method::GET, "/status", &[]).await.json();
        (status["connections"]["in_use"] == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn while_as_many_requests_wait_as_may_others_are_told_to_come_again() {
    let upstream = Server::play(|_| vec![Step::Hang]).await;
    let server = "deadline = '5m'\nconnections = { requests = 5 }";
    let gateway = Gateway::start(&load(&config(server, &upstream), NO_VARIABLES)).await;
    let wait = || {
        let url = gateway.url("/groups");
        tokio::spawn(async move { ask(Method::GET, &url, &[]).await })
    };
    let waiting: Vec<_> = (0..5).map(|_| wait()).collect();
    under_way(&gateway, 5).await;
    for _ in 0..10 {
        let refused = gateway.get("/groups").await;
        refused.problem(503, "overloaded");
        assert_eq!(refused.header("retry-after"), "1");
    }
    for request in waiting {
        request.abort();
    }
    under_way(&gateway, 0).await;
    let one = wait();
    under_way(&gateway, 1).await;
    assert!(!one.is_finished());
    one.abort();
}

#[tokio::test]
async fn a_client_with_its_share_under_way_keeps_no_other_out() {
    let upstream = Server::play(|_| vec![Step::Hang]).await;
    let server = "deadline = '5m'\ntrusted_proxies = ['127.0.0.0/8']\nconnections = { requests = 5, requests_per_client = 2 }";
    let gateway = Gateway::start(&load(&config(server, &upstream), NO_VARIABLES)).await;
    let from = |client: &'static str| {
        let url = gateway.url("/groups");
        let ask = async move { ask(Method::GET, &url, &[("x-forwarded-for", client)]).await };
        tokio::spawn(ask)
    };
    let share = [from("192.0.2.1"), from("192.0.2.1")];
    under_way(&gateway, 2).await;
    for _ in 0..10 {
        let flood = gateway.get_with("/groups", &[("x-forwarded-for", "192.0.2.1")]);
        let refused = flood.await;
        refused.problem(429, "too-many-requests");
        assert_eq!(refused.header("retry-after"), "1");
    }
    let other = from("192.0.2.2");
    under_way(&gateway, 3).await;
    assert!(!other.is_finished());
    for request in share.into_iter().chain([other]) {
        request.abort();
    }
}
