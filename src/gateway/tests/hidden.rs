//! Callers from whom fields are hidden: what they are shown, and what nothing tells them.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::answers::answer_to;
use super::fresh;
use crate::caller::{Caller, HiddenFields, HideableField, VisibleSources};
use crate::gateway::FilterableAttributes;
use crate::gateway::cursor::Keys;
use crate::gateway::listing::{FoundGroup, Listing, SourceReport};
use crate::gateway::seen_row::SeenRow;
use crate::gateway::{ParseContext, Query, Representation, Validator};
use crate::group::Group;
use crate::plan::FilterableAttribute;
use crate::snapshot::tests::group;

const JSON: Representation = Representation {
    media_type: "application/json",
    renderer: 1,
};

/// Who may see two sources, and all but these fields of `a`.
fn lacking(fields: &[HideableField]) -> Caller {
    let named = [
        ("a".into(), HiddenFields::of(fields)),
        ("b".into(), HiddenFields::NONE),
    ];
    Caller {
        visible: VisibleSources::granted(named.into(), None),
        ..Caller::default()
    }
}

/// All sources have a department, and `c` has a floor too.
fn departments() -> FilterableAttributes {
    let attribute = |name: &str| FilterableAttribute {
        name: name.into(),
        path: [name.to_owned()].into(),
    };
    let sources = ["a", "b", "c"].map(|source| {
        let floor = (source == "c").then(|| attribute("floor"));
        let attributes = [attribute("department")].into_iter().chain(floor);
        (source.into(), attributes.collect::<Arc<[_]>>())
    });
    FilterableAttributes::of(sources.iter().map(|(name, attributes)| (name, attributes)))
}

fn parse(caller: &Caller, raw: &str) -> Result<Query, String> {
    let context = ParseContext {
        attributes: &departments(),
        sources: &["a".into(), "b".into(), "c".into()],
        streamed: false,
        caller,
        keys: &Keys::new(vec![vec![7; 32].into()]),
    };
    Query::parse(raw, context).map_err(|error| error.to_string())
}

fn changed(source: &str, change: impl Fn(&mut Group)) -> SourceReport {
    let groups = ["1", "2", "3"].map(|id| {
        let mut group = group(source, id, id);
        change(&mut group);
        group
    });
    fresh(source, groups.into())
}

async fn listed(caller: &Caller, raw: &str, sources: Vec<SourceReport>) -> (Listing, Validator) {
    let (query, listing) = answer_to(caller, 7, raw, false, sources).await;
    let listing = listing.unwrap();
    let validator = Validator::of_page(&query, &caller.visible, JSON, &listing);
    (listing, validator)
}

fn json(listing: &Listing) -> String {
    let rows = listing.rows().map(|row| row.json().unwrap());
    String::from_utf8(rows.collect::<Vec<_>>().concat()).unwrap()
}

#[test]
fn whatever_looks_at_a_hidden_field_is_refused_where_a_source_that_hides_it_is_asked() {
    use HideableField as Field;
    for (field, asked) in [
        (Field::Status, "status=active"),
        (Field::OrganizationId, "organization_id=x"),
        (Field::ExternalId, "external_id=x"),
        (Field::Members, "member=x"),
        (Field::Admins, "member=x"),
        (Field::Guests, "member=x"),
        (Field::CreatedAt, "created_after=2024-01-01"),
        (Field::CreatedAt, "created_before=2024-01-01"),
        (Field::CreatedAt, "sort=-name,created_at"),
        (Field::UpdatedAt, "updated_after=2024-01-01"),
        (Field::UpdatedAt, "updated_before=2024-01-01"),
        (Field::UpdatedAt, "sort=-updated_at"),
        (Field::Attributes, "attribute.department=Sales"),
    ] {
        let caller = lacking(&[field]);
        let (name, _) = asked.split_once('=').unwrap();
        let field = field.as_str();
        let refusal = format!(
            "`{name}`: it looks at `{field}`, which is not granted to this caller in the source `a`"
        );
        for raw in [
            asked,
            &format!("{asked}&source=a"),
            &format!("{asked}&id=a:1&id=b:1"),
        ] {
            assert_eq!(parse(&caller, raw), Err(refusal.clone()), "{raw}");
        }
        assert!(parse(&caller, &format!("{asked}&source=b")).is_ok());
        assert!(parse(&caller, &format!("{asked}&id=b:1")).is_ok());
        assert!(parse(&lacking(&[Field::Url]), asked).is_ok());
    }
}

#[test]
fn each_source_that_hides_something_is_looked_at() {
    let named = [
        ("a".into(), HiddenFields::of(&[HideableField::Url])),
        ("b".into(), HiddenFields::of(&[HideableField::Status])),
    ];
    let caller = Caller {
        visible: VisibleSources::granted(named.into(), None),
        ..Caller::default()
    };
    let refusal = parse(&caller, "status=active").unwrap_err();
    assert!(refusal.ends_with("in the source `b`"), "{refusal}");
}

#[test]
fn what_a_caller_can_use_nowhere_is_not_among_what_is_allowed() {
    use HideableField as Field;
    let hidden = HiddenFields::of(&[Field::Guests, Field::CreatedAt]);
    let caller = Caller {
        visible: VisibleSources::granted([("a".into(), hidden)].into(), None),
        ..Caller::default()
    };
    for (raw, gone, there) in [
        ("x=1", "`member`", "`status`"),
        ("sort=x", "`created_at`", "`updated_at`"),
        ("fields=x", "`guests`", "`members`"),
        ("attribute.x=y", "`member`", "`attribute.department`"),
    ] {
        let refusal = parse(&caller, raw).unwrap_err();
        assert!(
            !refusal.contains(gone) && refusal.contains(there),
            "{refusal}"
        );
        let refusal = parse(&lacking(&[Field::Guests, Field::CreatedAt]), raw).unwrap_err();
        assert!(refusal.contains(gone), "{refusal}");
    }
    // It is always empty, as it is in each group.
    assert!(parse(&caller, "fields=guests").is_ok());
}

#[test]
fn an_attribute_that_a_caller_can_use_nowhere_is_an_unknown_parameter() {
    let lacking_all = Caller {
        visible: VisibleSources::granted(
            [("a".into(), HiddenFields::of(&[HideableField::Attributes]))].into(),
            None,
        ),
        ..Caller::default()
    };
    // `c` is not visible to the one, and the attributes of `a` not to the other.
    for (caller, raw) in [
        (lacking(&[]), "attribute.floor=2"),
        (lacking_all, "attribute.department=Sales"),
    ] {
        let refusal = parse(&caller, raw).unwrap_err();
        assert!(refusal.starts_with("unknown parameter"), "{refusal}");
        let (asked, _) = raw.split_once('=').unwrap();
        let nowhere = parse(&caller, "attribute.nowhere=2").unwrap_err();
        assert!(!nowhere.contains(asked), "{nowhere}");
        // It says what was asked, and does not list it.
        assert_eq!(refusal.matches(asked).count(), 1, "{refusal}");
    }
}

#[test]
fn an_attribute_is_looked_for_where_the_caller_sees_it() {
    let query = parse(&lacking(&[]), "attribute.department=R%26D").unwrap();
    let [filter] = &*query.filter.attributes else {
        panic!("one attribute is asked for");
    };
    assert_eq!(
        (filter.name.as_str(), filter.value.as_str()),
        ("department", "R&D")
    );
    let sources: Vec<_> = filter.places.keys().map(|source| &**source).collect();
    assert_eq!(sources, ["a", "b"]);
    assert_eq!(query.canonical(), "attribute.department=R%26D");
    assert_eq!(parse(&lacking(&[]), &query.canonical()), Ok(query));
    for raw in [
        "attribute.department=a&attribute.department=b",
        "attribute.department=",
    ] {
        assert!(parse(&lacking(&[]), raw).is_err(), "{raw}");
    }
}

#[tokio::test]
async fn a_search_does_not_find_what_is_hidden() {
    let sources = || {
        let described = |group: &mut Group| group.description = Some("secret 2".to_owned());
        vec![changed("a", described), changed("b", described)]
    };
    let caller = lacking(&[HideableField::Description]);
    for (raw, ids) in [
        ("search=secret", &["b:1", "b:2", "b:3"][..]),
        ("search=2", &["b:1", "a:2", "b:2", "b:3"]),
        ("search=2&id=a:1&id=a:2", &["a:2"]),
        ("search=2&source=a", &["a:2"]),
    ] {
        let asked = parse(&caller, raw).unwrap().filter;
        let mut asked_of = sources();
        asked_of.retain(|source| asked.admits_source(&source.held.source));
        let (listing, _) = listed(&caller, raw, asked_of).await;
        let found: Vec<_> = listing.rows().map(SeenRow::id).collect();
        assert_eq!(found, ids, "{raw}");
    }
    // Nor on the pages that follow.
    let (first, _) = listed(&caller, "search=secret&limit=1", sources()).await;
    let next = first.next_query.as_deref().unwrap();
    let (second, _) = listed(&caller, next, sources()).await;
    assert_eq!(second.total(), 3);
    // Where other fields are hidden, descriptions are searched.
    let (listing, _) = listed(&lacking(&[HideableField::Url]), "search=secret", sources()).await;
    assert_eq!(listing.total(), 6);
    let query = parse(&caller, "search=x").unwrap();
    assert_eq!(query.filter.conditions("a").search, None);
    assert_eq!(query.filter.conditions("b").search, Some("x"));
    // Callers who see the same share what was found; to others it makes no difference without a search.
    assert_eq!(
        parse(&caller, "sort=id"),
        parse(&Caller::default(), "sort=id")
    );
}

#[tokio::test]
async fn what_is_hidden_changes_neither_what_is_shown_nor_what_stands_for_it() {
    for field in HiddenFields::ALL.fields() {
        let caller = lacking(&[field]);
        let change = |group: &mut Group| {
            let mut value = serde_json::to_value(&*group).unwrap();
            value[field.as_str()] = match field {
                HideableField::Members | HideableField::Admins | HideableField::Guests => {
                    serde_json::json!([{"id": "x", "email": null}])
                }
                HideableField::Attributes => serde_json::json!({"x": 1}),
                HideableField::MemberCount => 7.into(),
                HideableField::CreatedAt | HideableField::UpdatedAt => {
                    "2024-01-01T00:00:00Z".into()
                }
                HideableField::Description
                | HideableField::Email
                | HideableField::Status
                | HideableField::OrganizationId
                | HideableField::ExternalId
                | HideableField::ParentId
                | HideableField::Path
                | HideableField::Url
                | HideableField::LogoUrl => "x".into(),
            };
            *group = serde_json::from_value(value).unwrap();
        };
        let plain = |source| changed(source, |_| ());
        let before = listed(&caller, "limit=2", vec![plain("a"), plain("b")]).await;
        let hidden = listed(&caller, "limit=2", vec![changed("a", change), plain("b")]).await;
        assert_eq!(json(&before.0), json(&hidden.0));
        assert_eq!(before.1, hidden.1, "{field:?}");
        assert_eq!(before.0.next_cursor, hidden.0.next_cursor, "{field:?}");
        let shown = listed(&caller, "limit=2", vec![plain("a"), changed("b", change)]).await;
        assert_ne!(json(&before.0), json(&shown.0));
        assert_ne!(before.1, shown.1, "{field:?}");
        let one = |source: SourceReport| {
            let found = FoundGroup {
                snapshot: source.held.snapshot.clone().unwrap(),
                index: 0,
                source,
                hidden: HiddenFields::of(&[field]),
            };
            (
                Validator::of_group(JSON, &found),
                found.row().json().unwrap(),
            )
        };
        assert_eq!(one(plain("a")), one(changed("a", change)));
    }
}

#[tokio::test]
async fn what_is_shown_besides_the_groups_of_a_page_changes_what_stands_for_it() {
    let caller = lacking(&[HideableField::Members]);
    let some = |source: &str, ids: &[&str]| {
        fresh(source, ids.iter().map(|id| group(source, id, id)).collect())
    };
    let validator = async |ids: &[&str]| {
        listed(&caller, "limit=1", vec![some("a", ids), some("b", &[])])
            .await
            .1
    };
    let two = validator(&["1", "2"]).await;
    assert_eq!(two, validator(&["1", "2"]).await);
    for other in [&["1"][..], &["1", "2", "3"], &["0", "1"]] {
        assert_ne!(two, validator(other).await);
    }
    // How many each source has, though it is as many in all.
    let each = async |of_a: &[&str], of_b: &[&str]| {
        let sources = vec![some("a", of_a), some("b", of_b)];
        listed(&caller, "limit=1", sources).await.1
    };
    let more_in_a = each(&["1", "2", "3"], &["4"]).await;
    assert_ne!(more_in_a, each(&["1", "2"], &["3", "4"]).await);
    // Whether a page follows, though the page is the same and so is the total.
    let (first, _) = listed(
        &caller,
        "limit=1",
        vec![some("a", &["1", "3"]), some("b", &[])],
    )
    .await;
    let next = first.next_query.as_deref().unwrap();
    let query = parse(&caller, next).unwrap();
    let second = async |ids: &[&str]| {
        let sources = vec![some("a", ids), some("b", &[])];
        let (mut listing, _) = listed(&caller, next, sources).await;
        assert_eq!(json(&listing).matches("\"a:3\"").count(), 1);
        // Where the process made the key for itself, it does not say whether there is a cursor.
        listing.signed_by = None;
        let validator = Validator::of_page(&query, &caller.visible, JSON, &listing);
        (listing.next_cursor.is_some(), validator)
    };
    let (last, ends) = second(&["1", "3"]).await;
    let (more, goes_on) = second(&["3", "4"]).await;
    assert!(!last && more);
    assert_ne!(ends, goes_on);
    // Of a whole list there is nothing that stands for it: it would be read twice.
    let sources = vec![some("a", &["1", "2"]), some("b", &[])];
    let (listing, _) = listed(&caller, "limit=all", sources).await;
    assert!(listing.hides() && listing.seen.is_none());
}

#[tokio::test]
async fn a_cursor_holds_no_time_that_is_hidden() {
    let made = |group: &mut Group| {
        group.created_at = "2024-01-01T00:00:00.123456789Z".parse().ok();
        group.updated_at = group.created_at;
    };
    let cursor = async |fields: &[HideableField]| {
        let sources = vec![changed("a", made), changed("b", |_| ())];
        let (listing, _) = listed(&lacking(fields), "limit=1", sources).await;
        let cursor = URL_SAFE_NO_PAD
            .decode(listing.next_cursor.unwrap())
            .unwrap();
        // The MAC at its end differs with the caller.
        cursor.len()
    };
    let [none, one, both] = [
        cursor(&[]).await,
        cursor(&[HideableField::CreatedAt]).await,
        cursor(&[HideableField::CreatedAt, HideableField::UpdatedAt]).await,
    ];
    assert!(none > one && one > both, "{none} {one} {both}");
}
