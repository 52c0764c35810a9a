//! A token verifies if the keys made it for its caller, and never else.

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use groupgate::caller::{Caller, Identity, VisibleSources};
use groupgate::error::ErrorKind;
use groupgate::gateway::cursor::{CURSOR_BYTES, Keys};
use groupgate::gateway::missing_sources::MissingSources;
use groupgate::gateway::query::Resume;
use groupgate::gateway::{FilterableAttributes, ParseContext, Query};
use groupgate::group::Group;
use groupgate::snapshot::Snapshot;

fn keys(seeds: &[u8]) -> Keys {
    Keys::new(seeds.iter().map(|seed| vec![*seed; 32].into()).collect())
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| keys(&[1, 2]));
static ROTATED: LazyLock<Keys> = LazyLock::new(|| keys(&[3, 1]));
static OTHERS: LazyLock<Keys> = LazyLock::new(|| keys(&[4, 5]));

fn query(raw: &str, caller: &Caller) -> Option<Query> {
    let context = ParseContext {
        attributes: &FilterableAttributes::default(),
        sources: &["a".into()],
        streamed: false,
        caller,
        keys: &KEYS,
    };
    Query::parse(raw, context).ok()
}

/// A forged token; then an honest one, and what two bytes of the input make of it.
pub(crate) fn cursor(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let caller = Caller::default();
    assert!(
        KEYS.verify(&text, &caller).is_err(),
        "no input can know the keys"
    );
    let encoded = URL_SAFE_NO_PAD.encode(data);
    assert!(
        KEYS.verify(&encoded, &caller).is_err(),
        "no input can know the keys"
    );

    let snapshot = Snapshot::new(Arc::from("a"), vec![group(&text)]);
    let search: String = text
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .take(200)
        .collect();
    let Some(query) = query(&format!("search={search}"), &caller) else {
        return;
    };
    let mut missing = MissingSources::default();
    missing.note(&text[..text.floor_char_boundary(64)], ErrorKind::Timeout);
    let resume = Resume {
        after: snapshot.row(0).into(),
        missing,
    };
    let token = KEYS.sign(&caller, &query, resume.clone()).cursor;
    assert!(token.len() <= CURSOR_BYTES, "{} bytes", token.len());

    let made = KEYS
        .verify(&token, &caller)
        .expect("our own token verifies");
    assert_eq!(made.resume, resume);
    assert!(
        ROTATED.verify(&token, &caller).is_ok(),
        "a retired key verifies"
    );
    assert!(OTHERS.verify(&token, &caller).is_err());
    let another = Caller {
        identity: Identity::Authenticated([0; 32]),
        ..Caller::default()
    };
    assert!(KEYS.verify(&token, &another).is_err());
    let limited = Caller {
        visible: VisibleSources::only(["a"]),
        ..Caller::default()
    };
    assert!(KEYS.verify(&token, &limited).is_err());

    if let [at, change, ..] = data {
        let mut bytes = token.clone().into_bytes();
        let at = (usize::from(*at) * 8 + usize::from(change % 8)) % bytes.len();
        bytes[at] ^= change | 1;
        let forged = String::from_utf8_lossy(&bytes);
        assert!(
            KEYS.verify(&forged, &caller).is_err(),
            "{forged} is not {token}"
        );
        assert!(KEYS.verify(&token[..at], &caller).is_err());
    }
}

fn group(text: &str) -> Group {
    let id = &text[..text.floor_char_boundary(512)];
    let json = serde_json::json!({
        "id": format!("a:{id}"), "source": "a", "source_id": id, "name": text,
        "members": [], "admins": [], "guests": [], "attributes": {},
    });
    serde_json::from_value(json).expect("all that a group needs is there")
}
