//! What changes the validator of an answer, and what does not.

use super::answers::{answer, answer_by, some};
use super::{failed, fresh, pending};
use crate::caller::{HiddenFields, VisibleSources};
use crate::catalog::SourceState;
use crate::error::ErrorKind;
use crate::gateway::listing::{FoundGroup, SourceReport};
use crate::gateway::{Representation, Validator};
use crate::snapshot::tests::group;

const JSON: Representation = Representation {
    media_type: "application/json",
    renderer: 1,
};

/// What stands for the answer to `raw` from these sources.
async fn validator_as(
    raw: &str,
    visible: &VisibleSources,
    representation: Representation,
    sources: Vec<SourceReport>,
) -> Validator {
    let (query, listing) = answer(raw, false, sources).await;
    Validator::of_page(&query, visible, representation, &listing.unwrap())
}

async fn validator(raw: &str, sources: Vec<SourceReport>) -> Validator {
    validator_as(raw, &VisibleSources::All, JSON, sources).await
}

fn hex(validator: Validator) -> String {
    crate::hex::hex(&validator.0)
}

fn one(names: &[&str]) -> FoundGroup {
    let groups = names.iter().enumerate();
    let groups = groups.map(|(id, name)| group("a", &id.to_string(), name));
    let source = fresh("a", groups.collect());
    let snapshot = source.held.snapshot.clone().unwrap();
    FoundGroup {
        index: snapshot.find("a:0").unwrap(),
        snapshot,
        source,
        hidden: HiddenFields::NONE,
    }
}

#[tokio::test]
async fn equal_content_has_equal_validators_whenever_and_by_whomever_it_was_read() {
    let mut later = some("a");
    later.held.as_of = Some("2027-01-01T00:00:00Z".parse().unwrap());
    later.held.fresh_for = std::time::Duration::ZERO;
    // Each answer is made by a gateway of its own.
    let first = validator("sort=name&limit=100", vec![some("a")]).await;
    assert_eq!(first, validator("", vec![later]).await);
}

#[tokio::test]
async fn whatever_the_answer_shows_changes_the_validator() {
    let sources = || vec![some("a"), failed("b", ErrorKind::Dns)];
    let own = validator("", sources()).await;
    let mut stale = sources();
    stale[0].held.state = SourceState::Stale;
    let others = [
        vec![fresh("a", Vec::new()), failed("b", ErrorKind::Dns)],
        vec![some("a"), failed("b", ErrorKind::Tls)],
        vec![some("a"), pending("b")],
        vec![some("a")],
        stale,
    ];
    for other in others {
        assert_ne!(validator("", other).await, own);
    }
    for raw in ["search=1", "limit=2", "sort=-name", "fields=name"] {
        assert_ne!(validator(raw, sources()).await, own, "{raw}");
    }
}

#[tokio::test]
async fn each_page_and_what_its_sequence_has_missed_have_validators_of_their_own() {
    let sources = || vec![some("a"), some("b")];
    let next = async |sources| {
        let (_, listing) = answer("limit=1", false, sources).await;
        listing.unwrap().next_query.unwrap()
    };
    let whole = next(sources()).await;
    let partial = next(vec![some("a"), failed("b", ErrorKind::Dns)]).await;
    let first = validator("limit=1", sources()).await;
    let second = validator(&whole, sources()).await;
    let after_failure = validator(&partial, sources()).await;
    assert_ne!(first, second);
    assert_ne!(second, after_failure);
}

#[tokio::test]
async fn format_renderer_and_visible_sources_change_the_validator() {
    let all = VisibleSources::All;
    let own = validator("", vec![some("a")]).await;
    let xml = Representation {
        media_type: "application/xml",
        ..JSON
    };
    let newer = Representation {
        renderer: 2,
        ..JSON
    };
    for other in [xml, newer] {
        assert_ne!(validator_as("", &all, other, vec![some("a")]).await, own);
    }
    let limited = VisibleSources::only(["a"]);
    let limited = validator_as("", &limited, JSON, vec![some("a")]).await;
    assert_ne!(limited, own);
}

#[tokio::test]
async fn the_key_that_signed_its_cursor_changes_the_validator_of_a_page() {
    let validator = async |key, raw| {
        let (query, listing) = answer_by(key, raw, false, vec![some("a")]).await;
        Validator::of_page(&query, &VisibleSources::All, JSON, &listing.unwrap())
    };
    assert_eq!(validator(7, "limit=1").await, validator(7, "limit=1").await);
    assert_ne!(validator(7, "limit=1").await, validator(8, "limit=1").await);
    // Without a cursor, any key is as good.
    assert_eq!(validator(7, "").await, validator(8, "").await);
}

#[test]
fn the_validator_of_one_group_changes_with_that_group_alone() {
    let validator = |names: &[&str]| Validator::of_group(JSON, &one(names));
    assert_eq!(validator(&["x"]), validator(&["x", "y"]));
    assert_ne!(validator(&["x"]), validator(&["y"]));
}

/// Replicas of one release, and of two, must agree while they run side by side. Whoever changes one of
/// these on purpose counts the encoding up.
#[tokio::test]
async fn validators_are_the_same_on_every_replica_and_in_every_release() {
    let sources = || vec![some("a"), failed("b", ErrorKind::Dns)];
    let (_, listing) = answer("search=1&limit=1", false, sources()).await;
    assert_eq!(listing.unwrap().total(), 1);
    let (_, first) = answer("limit=1&sort=-name", false, sources()).await;
    let next = first.unwrap().next_query.unwrap();
    let limited = VisibleSources::only(["a", "b"]);
    let all = [
        hex(validator("", vec![some("a")]).await),
        hex(validator("search=1&limit=1", sources()).await),
        hex(validator(&next, sources()).await),
        hex(validator_as("", &limited, JSON, sources()).await),
        hex(Validator::of_group(JSON, &one(&["x"]))),
        hex(Validator::of_text("openapi")),
    ];
    insta::assert_snapshot!(all.join("\n"));
}
