//! Which connection goes where there are too many.

use http::Version;
use rstest::rstest;

use super::*;

#[rstest]
#[case::idle(Version::HTTP_11, false, 1)]
#[case::with_a_head_arriving(Version::HTTP_11, true, 0)]
#[case::with_a_ping(Version::HTTP_2, true, 1)]
#[tokio::test(start_paused = true)]
async fn a_connection_on_which_a_request_arrives_is_not_closed_for_room(
    #[case] version: Version,
    #[case] has_read: bool,
    #[case] closed: u64,
) {
    let limits = ConnectionLimits {
        total: 1,
        ..ConnectionLimits::default()
    };
    let table = Arc::new(ConnectionTable::new(limits));
    let seat = table.enter(IpAddr::from([127, 0, 0, 1]), false);
    drop(seat.activity().begin(version));
    if has_read {
        seat.activity().read(b"GET");
    }
    tokio::time::advance(COMING * 2).await;
    let _other = table.enter(IpAddr::from([127, 0, 0, 2]), false);
    assert_eq!(table.counts().closed_for_room, closed);
}

#[rstest]
#[case::a_client(false, SeatTurn::Refused)]
#[case::a_proxy(true, SeatTurn::Served)]
#[tokio::test(start_paused = true)]
async fn a_trusted_proxy_has_as_many_connections_as_there_are(
    #[case] is_proxy: bool,
    #[case] expected: SeatTurn,
) {
    let limits = ConnectionLimits {
        per_client: 1,
        ..ConnectionLimits::default()
    };
    let table = Arc::new(ConnectionTable::new(limits));
    let network = IpAddr::from([10, 0, 0, 1]);
    let first = table.enter(network, is_proxy);
    assert_eq!(first.admission().await, SeatTurn::Served);
    let _asked = first.activity().begin(Version::HTTP_11);
    let second = table.enter(network, is_proxy);
    assert_eq!(second.admission().await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_entered_after_the_end_is_asked_to_close() {
    let table = Arc::new(ConnectionTable::new(ConnectionLimits::default()));
    let network = IpAddr::from([127, 0, 0, 1]);
    let before = table.enter(network, false);
    table.close();
    for seat in [before, table.enter(network, false)] {
        let asked = timeout(Duration::from_secs(1), seat.asked_to_close()).await;
        assert!(asked.is_ok());
    }
}
