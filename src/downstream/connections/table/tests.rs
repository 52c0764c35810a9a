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
    let seat = table.enter(IpAddr::from([127, 0, 0, 1]));
    drop(seat.activity().begin(version));
    if has_read {
        seat.activity().read(b"GET");
    }
    tokio::time::advance(COMING * 2).await;
    let _other = table.enter(IpAddr::from([127, 0, 0, 2]));
    assert_eq!(table.counts().closed_for_room, closed);
}
