//! Cursors: made, read and refused.

use proptest::prelude::*;

use super::*;
use crate::caller::VisibleSources;
use crate::error::ErrorKind;
use crate::gateway::FilterableAttributes;
use crate::gateway::keyset::SeekKey;
use crate::gateway::missing_sources::MissingSources;
use crate::gateway::missing_sources::NAMED;
use crate::gateway::parse::ParseContext;
use crate::snapshot::Snapshot;
use crate::snapshot::tests::group;
use crate::snapshot::{NAME_KEY_BYTES, SOURCE_ID_BYTES};

fn keys(seeds: &[u8]) -> Keys {
    Keys::new(seeds.iter().map(|seed| vec![*seed; 32].into()).collect())
}

fn parse(raw: &str, caller: &Caller, keys: &Keys) -> Result<Query, QueryError> {
    let context = ParseContext {
        attributes: &FilterableAttributes::default(),
        sources: &["a".into(), "b".into()],
        streamed: false,
        caller,
        keys,
    };
    Query::parse(raw, context)
}

fn query(raw: &str) -> Query {
    parse(raw, &Caller::default(), &keys(&[1])).unwrap()
}

fn last_row() -> SeekKey {
    Snapshot::new("a".into(), vec![group("a", "1", "Ärzte")])
        .row(0)
        .into()
}

fn resume() -> Resume {
    Resume {
        after: last_row(),
        missing: MissingSources::default(),
    }
}

fn sign(query: &Query, keys: &Keys) -> Continuation {
    keys.sign(&Caller::default(), query, resume())
}

fn refused<T: fmt::Debug>(result: Result<T, QueryError>) -> bool {
    matches!(result, Err(QueryError::Cursor(_)))
}

#[test]
fn a_cursor_alone_brings_the_whole_query_along() {
    let begun = query("search=x&sort=-name&fields=name&source=a&limit=7");
    let next = sign(&begun, &keys(&[1]));
    assert_eq!(next.query, format!("cursor={}", next.cursor));
    let continued = query(&next.query);
    assert_eq!(continued.resume, Some(resume()));
    assert_eq!(
        Query {
            resume: None,
            ..continued
        },
        begun
    );
}

#[test]
fn parameters_sent_with_a_cursor_must_agree_except_limit() {
    let next = sign(&query("search=sales&sort=-name"), &keys(&[1])).query;
    for agreeing in [
        "search=SALES",
        "sort=-name&search=sales",
        "limit=3",
        "deleted=exclude",
    ] {
        assert!(query(&format!("{next}&{agreeing}")).resume.is_some());
    }
    assert_eq!(query(&format!("{next}&limit=3")).limit, Limit::Page(3));
    let refusals = ["search=sale", "sort=name", "status=x", "fields=name"]
        .map(|differing| {
            let raw = format!("{next}&{differing}");
            let refusal = parse(&raw, &Caller::default(), &keys(&[1])).unwrap_err();
            format!("{differing}: {refusal}")
        })
        .join("\n");
    insta::assert_snapshot!(refusals);
}

#[test]
fn a_query_too_long_for_a_cursor_is_sent_again_beside_it() {
    let long = format!("search={}&limit=7", "x".repeat(2 * CURSOR_BYTES));
    let next = sign(&query(&long), &keys(&[1]));
    assert!(next.cursor.len() < 200);
    let continued = query(&next.query);
    assert_eq!(continued.limit, Limit::Page(7));
    assert!(continued.resume.is_some());
    let alone = parse(
        &format!("cursor={}", next.cursor),
        &Caller::default(),
        &keys(&[1]),
    );
    insta::assert_snapshot!(alone.unwrap_err());
}

#[test]
fn a_cursor_stays_below_two_kilobytes_in_the_worst_case() {
    let source = "s".repeat(64);
    let mut worst = group(
        &source,
        &"i".repeat(SOURCE_ID_BYTES),
        &"\u{fdfa}".repeat(400),
    );
    worst.created_at = Some("-009999-01-02T01:59:59.123456789Z".parse().unwrap());
    worst.updated_at = worst.created_at;
    let snapshot = Snapshot::new(source.into(), vec![worst]);
    assert_eq!(snapshot.row(0).name().len(), NAME_KEY_BYTES);
    let mut missing = MissingSources::default();
    for number in 0..2 * NAMED {
        missing.note(&number.to_string(), ErrorKind::CircuitOpen);
    }
    for search in [1, 100, 900] {
        let query = query(&format!("limit=1000&search={}", "é".repeat(search)));
        let resume = Resume {
            after: snapshot.row(0).into(),
            missing: missing.clone(),
        };
        // Neither an identity nor a set of sources makes it longer.
        let next = keys(&[1]).sign(&Caller::default(), &query, resume);
        assert!(next.cursor.len() <= CURSOR_BYTES, "{}", next.cursor.len());
    }
}

#[test]
fn a_cursor_is_url_safe() {
    let token = sign(&query(""), &keys(&[1])).cursor;
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    assert!(token.bytes().all(safe), "{token}");
}

#[test]
fn the_first_key_signs_and_every_key_verifies() {
    let token = sign(&query(""), &keys(&[1, 2])).cursor;
    for verifying in [keys(&[1]), keys(&[3, 1]), keys(&[2, 3, 1])] {
        assert!(verifying.verify(&token, &Caller::default()).is_ok());
    }
    assert!(refused(keys(&[2, 3]).verify(&token, &Caller::default())));
}

#[test]
fn without_keys_every_process_has_its_own() {
    let (ours, theirs) = (keys(&[]), keys(&[]));
    let token = sign(&query(""), &ours).cursor;
    assert!(ours.verify(&token, &Caller::default()).is_ok());
    assert!(refused(theirs.verify(&token, &Caller::default())));
}

#[test]
fn a_cursor_works_only_for_its_identity_and_what_that_may_see() {
    let identities = [
        Identity::Anonymous,
        Identity::Authenticated([0; 32]),
        Identity::Authenticated([1; 32]),
    ];
    let visible = [
        VisibleSources::All,
        VisibleSources::only(["a"]),
        VisibleSources::only(["a", "b"]),
    ];
    let pairs = identities.iter().flat_map(|identity| {
        let caller = |visible: &VisibleSources| Caller {
            identity: *identity,
            visible: visible.clone(),
            ..Caller::default()
        };
        visible.iter().map(caller)
    });
    let callers: Vec<_> = pairs.collect();
    let keys = keys(&[1]);
    for (own, caller) in callers.iter().enumerate() {
        let token = keys.sign(caller, &query("source=a"), resume()).cursor;
        for (other, reader) in callers.iter().enumerate() {
            assert_eq!(keys.verify(&token, reader).is_ok(), own == other);
        }
    }
}

#[test]
fn a_cursor_is_the_same_in_every_release() {
    let token = sign(&query("source=a&sort=-name&limit=7"), &keys(&[1])).cursor;
    insta::assert_snapshot!(token);
}

#[test]
fn a_cursor_of_another_version_is_refused_although_its_mac_is_right() {
    let keys = keys(&[1]);
    let mut bytes = vec![VERSION + 1];
    let tag = mac(&keys.signing, CURSOR, &Caller::default(), &bytes).finalize();
    bytes.extend_from_slice(&tag.into_bytes()[..TAG_BYTES]);
    let token = URL_SAFE_NO_PAD.encode(bytes);
    assert!(refused(keys.verify(&token, &Caller::default())));
}

#[test]
fn a_cursor_whose_source_is_gone_says_to_start_over() {
    let keys = keys(&[1]);
    let token = sign(&query("source=b"), &keys).query;
    let context = ParseContext {
        attributes: &FilterableAttributes::default(),
        sources: &["a".into()],
        streamed: false,
        caller: &Caller::default(),
        keys: &keys,
    };
    assert!(refused(Query::parse(&token, context)));
}

#[test]
fn keys_are_never_shown() {
    assert_eq!(format!("{:?}", keys(&[42, 43])), "Keys { retired: 1, .. }");
}

proptest! {
    #[test]
    fn a_cursor_with_any_byte_changed_or_cut_is_refused(
        place in any::<prop::sample::Index>(),
        letter in "[A-Za-z0-9_-]",
    ) {
        let keys = keys(&[1]);
        let token = sign(&query("search=x"), &keys).cursor;
        let place = place.index(token.len());
        let cut = &token[..place];
        prop_assert!(refused(keys.verify(cut, &Caller::default())));
        let changed = format!("{cut}{letter}{}", &token[place + 1..]);
        prop_assume!(changed != token);
        prop_assert!(refused(keys.verify(&changed, &Caller::default())));
    }

    #[test]
    fn garbage_is_no_cursor(garbage in "\\PC*") {
        prop_assert!(refused(keys(&[1]).verify(&garbage, &Caller::default())));
    }
}
