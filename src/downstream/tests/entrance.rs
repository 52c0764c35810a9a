//! What a new connection must do in time.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rstest::rstest;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::downstream::connections::{ConnectionTable, HEAD_TIMEOUT};
use crate::downstream::entrance::Entrance;
use crate::downstream::exchange::RequestContext;
use crate::downstream::layers::handler;
use crate::downstream::listener::{Bound, Edge, Listener};
use crate::downstream::response::full;
use crate::plan::{ConnectionLimits, SecretValue, ServerTls};
use crate::tls;

fn encrypted() -> Entrance {
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let tls = ServerTls {
        certificate: SecretValue::from(&*signed.cert.pem()),
        key: SecretValue::from(&*signed.signing_key.serialize_pem()),
        client_ca: None,
    };
    Entrance {
        tls: Some(tls::server::config(&tls).unwrap()),
        ..Entrance::default()
    }
}

fn announced() -> Entrance {
    Entrance {
        trusted: Arc::new(["127.0.0.1".parse().unwrap()]),
        is_announced: true,
        ..Entrance::default()
    }
}

#[rstest]
#[case::of_tls(encrypted(), (1, 0))]
#[case::of_the_proxy_protocol(announced(), (0, 1))]
#[tokio::test(start_paused = true)]
async fn who_is_silent_where_more_than_http_is_due_is_closed_after_a_while(
    #[case] entrance: Entrance,
    #[case] expected: (u64, u64),
) {
    let bound = Bound::to(([127, 0, 0, 1], 0).into()).await.unwrap();
    let table = Arc::new(ConnectionTable::new(ConnectionLimits::default()));
    let layers = handler(async |_: Arc<RequestContext<()>>| Ok(full("text/plain", "here")));
    let edge = Edge::new(Arc::new(ArcSwap::from_pointee(())), layers);
    let entrance = Arc::new(ArcSwap::from_pointee(entrance));
    let listener = Listener::start(bound, edge, entrance, Arc::clone(&table)).unwrap();

    let mut stream = TcpStream::connect(listener.address()).await.unwrap();
    let begun = Instant::now();
    let mut nothing = Vec::new();
    stream.read_to_end(&mut nothing).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), HEAD_TIMEOUT.as_secs());
    let counts = table.counts();
    assert_eq!((counts.handshakes_failed, counts.unannounced), expected);
    assert_eq!(counts.open, 0);
}
