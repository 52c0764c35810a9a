//! Who is known, by what, and what it is granted.

use std::net::IpAddr;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use rstest::rstest;

use super::credentials::API_KEY;
use super::*;
use crate::caller::{Identity, VisibleSources};
use crate::config::testing::plan;
use crate::hex::hex;

fn authenticator(text: &str) -> Authenticator {
    let callers = plan(text).callers.unwrap();
    Authenticator::new(&callers, 1 << 20, &Observers::default(), None)
}

/// A file with the keys `key-of-NAME` of `a`, which is granted `club`, and of `b`, which is granted nothing.
fn of_two_keys(more: &str) -> String {
    let hash = |name: &str| hex(&hash_of_key(format!("key-of-{name}").as_bytes()).0);
    format!(
        "grants.members.sources = ['club']
        [callers]
        {more}
        keys.a = {{ sha256 = ['{}', '{}'], grants = ['members'] }}
        keys.b = {{ sha256 = '{}' }}",
        hash("a"),
        hash("the-next-a"),
        hash("b"),
    )
}

/// Who asks with these headers, found out at once.
fn known(
    authenticator: &Authenticator,
    headers: &HeaderMap,
) -> Result<Arc<KnownCaller>, RefusedCredentials> {
    match authenticator.authenticate(headers, None) {
        Recognition::Known(known) => Ok(known),
        Recognition::Refused(refusal) => Err(refusal),
        Recognition::Awaited(_) => panic!("a key is known at once"),
    }
}

fn bearing(token: &str) -> HeaderMap {
    let value = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
    HeaderMap::from_iter([(AUTHORIZATION, value)])
}

#[test]
fn a_key_is_known_by_its_hash_and_has_its_grants() {
    let authenticator = authenticator(&of_two_keys(""));
    let caller = known(&authenticator, &bearing("key-of-a")).unwrap();
    let network = IpAddr::from([192, 0, 2, 1]);
    let asking = caller.at(network);
    assert_eq!(asking.visible, VisibleSources::only(["club"]));
    assert_eq!(asking.network, Some(network));
    assert_eq!(asking.credentials.verified().unwrap().id, "a");
    assert_eq!(
        (caller.kind, &*caller.grants),
        (CredentialKind::Key, &["members".to_owned()][..])
    );
    let other = known(&authenticator, &bearing("key-of-b")).unwrap();
    assert_eq!(other.at(network).visible, VisibleSources::only::<&str>([]));
    assert_ne!(caller.identity(), other.identity());
    let digits = hex(&hash_of_key(b"key-of-a").0);
    for wrong in ["key-of-c", "key-of-", "key-of-aa", &digits] {
        assert_eq!(
            known(&authenticator, &bearing(wrong)).unwrap_err(),
            RefusedCredentials::Invalid
        );
    }
}

#[test]
fn a_caller_is_the_same_with_the_key_that_takes_the_place_of_its_own() {
    let authenticator = authenticator(&of_two_keys(""));
    let [before, after] = ["key-of-a", "key-of-the-next-a"]
        .map(|key| known(&authenticator, &bearing(key)).unwrap().identity());
    assert_eq!(before, after);
    let Identity::Authenticated(digest) = before else {
        panic!("it has no identity");
    };
    // Cursors of one release are good in the next.
    assert_eq!(
        hex(&digest),
        "48f4423e9fd80585cdf5af346fb1057af0a86e33ca0e2655c8a6120fcf524746"
    );
}

#[test]
fn whoever_brings_nothing_is_refused_or_has_the_grants_of_nobody() {
    let nothing = HeaderMap::new();
    let strict = authenticator(&of_two_keys(""));
    assert_eq!(
        known(&strict, &nothing).unwrap_err(),
        RefusedCredentials::Missing
    );
    let open = authenticator(&of_two_keys("required = false"));
    let nobody = known(&open, &nothing).unwrap();
    assert_eq!(nobody.identity(), Identity::Anonymous);
    assert_eq!(nobody.caller.visible, VisibleSources::only::<&str>([]));
    assert!(nobody.caller.credentials.verified().is_none());
    // Who brings what is wrong is not taken for nobody.
    assert_eq!(
        known(&open, &bearing("x")).unwrap_err(),
        RefusedCredentials::Invalid
    );
    let granted = authenticator(&of_two_keys("required = false\nanonymous = ['members']"));
    let nobody = known(&granted, &nothing).unwrap();
    assert_eq!(nobody.caller.visible, VisibleSources::only(["club"]));
}

#[rstest]
#[case::none(&[], false)]
#[case::of_an_upstream(&["Bearer of-an-upstream"], true)]
#[case::of_the_caller(&["Bearer key-of-a"], false)]
#[case::of_another(&["bearer key-of-b "], false)]
#[case::of_another_scheme(&["Token key-of-b"], false)]
#[case::of_no_scheme(&["key-of-b"], false)]
#[case::two(&["Bearer of-an-upstream", "Bearer of-an-upstream"], false)]
fn no_key_goes_to_an_upstream_beside_another(#[case] values: &[&str], #[case] expected: bool) {
    let authenticator = authenticator(&of_two_keys(""));
    let mut request = HeaderMap::new();
    request.insert(API_KEY, HeaderValue::from_static("key-of-a"));
    for value in values {
        request.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
    }
    let caller = known(&authenticator, &request).unwrap();
    let others = HeaderName::from_static("x-tenant");
    let forwarded = [AUTHORIZATION, API_KEY, others]
        .map(|name| authenticator.forwards(&caller, &name, &request));
    assert_eq!(forwarded, [expected, false, true]);
}
