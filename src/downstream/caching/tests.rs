use rstest::rstest;

use super::super::testing::{failed, fresh};
use super::*;
use crate::caller::Identity;
use crate::catalog::SourceLookup;
use crate::error::ErrorKind;

fn reports(held: impl IntoIterator<Item = SourceLookup>) -> Vec<SourceReport> {
    held.into_iter().map(SourceReport::new).collect()
}

fn basis(sources: &[SourceReport]) -> Basis<'_> {
    Basis {
        complete: sources.iter().all(SourceReport::contributed),
        max_age: Duration::from_millis(12_800),
        sources,
    }
}

#[rstest]
#[case("*", true)]
#[case("W/\"abc\"", true)]
#[case("\"abc\"", true)]
#[case("\"x\", W/\"abc\"", true)]
#[case("W/\"abcd\"", false)]
#[case("abc", false)]
fn a_known_tag_is_found_by_weak_comparison(#[case] sent: &'static str, #[case] known: bool) {
    let tag = EntityTag(Some(HeaderValue::from_static("W/\"abc\"")));
    let mut headers = HeaderMap::new();
    headers.insert(IF_NONE_MATCH, HeaderValue::from_static(sent));
    assert_eq!(tag.is_known(&headers), known);
}

fn told(basis: Basis<'_>, caller: &Caller, after: Duration) -> HeaderMap {
    let held_at = Instant::now();
    let mut headers = HeaderMap::new();
    Countdown::new(basis, caller, held_at).tell(&mut headers, held_at + after);
    headers
}

fn cache_control(sources: &[SourceReport], caller: &Caller) -> HeaderValue {
    let headers = told(basis(sources), caller, Duration::ZERO);
    headers[CACHE_CONTROL].clone()
}

#[test]
fn an_answer_may_be_kept_as_long_as_all_of_it_is_fresh() {
    let whole = reports([fresh("alpha", &[])]);
    let anyone = Caller::default();
    assert_eq!(cache_control(&whole, &anyone), "max-age=12");
    let part = reports([fresh("alpha", &[]), failed("beta", ErrorKind::Dns)]);
    assert_eq!(cache_control(&part, &anyone), "no-store");
}

#[test]
fn what_depends_on_the_caller_is_kept_by_nobody_else() {
    let known = Caller {
        identity: Identity::Authenticated([0; 32]),
        ..Caller::default()
    };
    let limited = Caller {
        visible: VisibleSources::only(["alpha"]),
        ..Caller::default()
    };
    let whole = reports([fresh("alpha", &[])]);
    for caller in [known, limited] {
        let value = cache_control(&whole, &caller);
        assert_eq!(value, "private, max-age=12");
    }
}

#[test]
fn each_source_says_what_its_cache_did() {
    let mut waited = fresh("beta", &[]);
    waited.outcome = CacheOutcome {
        forwarded: Some("stale"),
        collapsed: true,
        detail: None,
    };
    let mut stale = fresh("9to5", &[]);
    stale.state = SourceState::Stale;
    stale.outcome.detail = Some("min_refresh");
    let mut gone = failed("gamma", ErrorKind::Dns);
    gone.outcome.forwarded = Some("miss");
    let resting = failed("delta", ErrorKind::Dns);
    let sources = reports([fresh("alpha", &[]), waited, stale, gone, resting]);
    let headers = told(basis(&sources), &Caller::default(), Duration::ZERO);
    assert_eq!(
        headers[CACHE_STATUS],
        "alpha; hit; ttl=12, beta; fwd=stale; ttl=12; collapsed, \
         \"9to5\"; hit; ttl=0; detail=min_refresh, gamma; fwd=miss, delta"
    );
}

#[test]
fn where_no_source_was_asked_no_cache_has_a_status() {
    let none = told(basis(&[]), &Caller::default(), Duration::ZERO);
    assert!(!none.contains_key(CACHE_STATUS));
    let asked = reports([fresh("alpha", &[])]);
    let asked = told(basis(&asked), &Caller::default(), Duration::ZERO);
    assert!(asked.contains_key(CACHE_STATUS));
}

#[test]
fn what_counts_down_holds_until_the_next_second_of_any_source() {
    let mut sooner = fresh("beta", &[]);
    sooner.fresh_for = Duration::from_millis(3_300);
    let sources = reports([fresh("alpha", &[]), sooner]);
    let held_at = Instant::now();
    let countdown = Countdown::new(basis(&sources), &Caller::default(), held_at);
    let holds = |after| {
        let until = countdown.holds_until(held_at + Duration::from_millis(after));
        until.map(|until| (until - held_at).as_millis())
    };
    assert_eq!(holds(0), Some(300));
    assert_eq!(holds(301), Some(800));
    assert_eq!(holds(801), Some(1_300));
    assert_eq!(holds(12_900), None);
    let headers = told(
        basis(&sources),
        &Caller::default(),
        Duration::from_millis(301),
    );
    assert_eq!(
        headers[CACHE_STATUS],
        "alpha; hit; ttl=12, beta; hit; ttl=2"
    );
    assert_eq!(headers[CACHE_CONTROL], "max-age=12");
}

#[rstest]
#[case("no-cache", CacheMode::Revalidate)]
#[case("max-age=0, No-Cache", CacheMode::Revalidate)]
#[case("no-store", CacheMode::Cached)]
fn no_cache_asks_for_a_new_walk(#[case] sent: &'static str, #[case] expected: CacheMode) {
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(sent));
    assert_eq!(mode(&headers), expected);
}
