//! What is sent of callers, and what stands for it.

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::plan::ForwardedNames;

const AUTHORIZATION: HeaderName = http::header::AUTHORIZATION;

fn caller(id: &str, claims: Value, authorization: Option<&str>) -> Caller {
    let headers = authorization.map(|value| (AUTHORIZATION, value.parse().unwrap()));
    let credentials = Credentials::of(Verified {
        id: id.to_owned(),
        claims,
        token: Some(SecretString::from("a.b.c")),
        forwarded: headers.into_iter().collect(),
    });
    Caller {
        credentials,
        ..Caller::default()
    }
}

fn on_behalf(values: &[&str], headers: &[HeaderName], exchanges_token: bool) -> OnBehalf {
    OnBehalf {
        values: values
            .iter()
            .map(|name| CallerValue::named(name).unwrap())
            .collect(),
        in_texts: Vec::new(),
        in_headers: Vec::new(),
        headers: ForwardedNames {
            required: headers.to_vec(),
            optional: Vec::new(),
        },
        exchanges_token,
        has_own_login: exchanges_token,
        scopes: 1,
    }
}

#[test]
fn only_what_is_sent_tells_callers_apart() {
    let by_tenant = on_behalf(&["caller.claims/tenant"], &[], false);
    let digest = |id, tenant: Value| {
        by_tenant.digest(&caller(id, json!({ "tenant": tenant }), Some("Bearer x")))
    };
    assert_eq!(digest("alice", json!("a")), digest("bob", json!("a")));
    assert_ne!(digest("alice", json!("a")), digest("alice", json!("b")));
    assert_ne!(digest("alice", json!("1")), digest("alice", json!(1)));
    assert_ne!(digest("alice", json!("true")), digest("alice", json!(true)));
}

#[test]
fn what_is_sent_never_runs_together() {
    let both = on_behalf(&["caller.claims/a", "caller.id"], &[], false);
    let digest = |id, a| both.digest(&caller(id, json!({ "a": a }), None)).unwrap();
    assert_ne!(digest("xy", "z"), digest("y", "zx"));
    assert_ne!(digest("xy", "z"), digest("x", "yz"));
    let by_header = on_behalf(&[], &[AUTHORIZATION], false);
    let digest = |value| {
        by_header
            .digest(&caller("x", json!({}), Some(value)))
            .unwrap()
    };
    assert_ne!(digest("Bearer a"), digest("Bearer b"));
    let by_token = on_behalf(&[], &[], true);
    assert_ne!(
        by_token.digest(&caller("x", json!({}), None)).unwrap(),
        digest("a.b.c")
    );
    // Where it ends is told, and not only where the next begins.
    let claims = on_behalf(&["caller.claims/a", "caller.claims/b"], &[], false);
    let digest = |a, b| {
        let caller = caller("x", json!({ "a": a, "b": b }), None);
        claims.digest(&caller).unwrap()
    };
    assert_ne!(
        digest("x", "ycaller.claims/bz"),
        digest("xcaller.claims/by", "z")
    );
}

#[test]
fn a_token_that_is_exchanged_is_a_scope_of_its_own() {
    let by_token = on_behalf(&[], &[], true);
    let digest = |token| {
        let credentials = Credentials::of(Verified {
            id: "alice".to_owned(),
            claims: Value::Null,
            token: Some(SecretString::from(token)),
            forwarded: HeaderMap::new(),
        });
        by_token.digest(&Caller {
            credentials,
            ..Caller::default()
        })
    };
    assert_eq!(digest("a.b.c"), digest("a.b.c"));
    assert_ne!(digest("a.b.c"), digest("a.b.d"));
}

#[test]
fn every_line_of_a_forwarded_header_counts_is_sent_and_is_a_secret() {
    let [one, other] = ["x-one", "x-other"].map(HeaderName::from_static);
    let mut forwards = on_behalf(&[], &[], false);
    forwards.headers.optional = vec![one.clone(), other.clone()];
    let caller = |lines: &[(&HeaderName, &str)]| {
        let mut forwarded = HeaderMap::new();
        for (name, value) in lines {
            forwarded.append(*name, value.parse().unwrap());
        }
        let credentials = Credentials::of(Verified {
            id: "alice".to_owned(),
            claims: Value::Null,
            token: None,
            forwarded,
        });
        Caller {
            credentials,
            ..Caller::default()
        }
    };
    let both = caller(&[(&one, "a"), (&one, "b")]);
    let digest = |caller: &Caller| forwards.digest(caller).unwrap();
    for different in [
        caller(&[(&one, "a")]),
        caller(&[(&one, "a"), (&one, "c")]),
        caller(&[(&one, "a"), (&other, "b")]),
        caller(&[(&other, "a"), (&other, "b")]),
    ] {
        assert_ne!(digest(&different), digest(&both));
    }
    let sent = forwards.ask(&both.credentials).unwrap().forwarded;
    let lines: Vec<_> = sent.get_all(&one).iter().collect();
    assert_eq!(lines, ["a", "b"]);
    assert!(lines.iter().all(|line| line.is_sensitive()));
}

#[test]
fn one_name_that_two_have_vouched_for_is_two_callers_where_the_name_is_sent() {
    let with_key = Caller {
        identity: Identity::Authenticated([1; 32]),
        ..caller("billing", json!({ "tenant": "a" }), None)
    };
    let with_token = Caller {
        identity: Identity::Authenticated([2; 32]),
        ..with_key.clone()
    };
    let by_id = on_behalf(&["caller.id"], &[], false);
    assert_ne!(by_id.digest(&with_key), by_id.digest(&with_token));
    let by_tenant = on_behalf(&["caller.claims/tenant"], &[], false);
    assert_eq!(by_tenant.digest(&with_key), by_tenant.digest(&with_token));
}

#[rstest]
#[case::a_quote("x' or 1 eq 1 or 'x", false)]
#[case::a_parameter("a;role=admin", false)]
#[case::another_item("a, admin", false)]
#[case::a_backslash("a\\", false)]
#[case::a_bracket("a)(uid=b", false)]
#[case::a_wildcard("a*", false)]
#[case::a_name("Ada L. @ home", true)]
fn what_could_end_a_value_within_a_longer_text_is_not_sent(
    #[case] id: &str,
    #[case] is_sent: bool,
) {
    let alone = on_behalf(&["caller.id"], &[], false);
    let within = OnBehalf {
        in_texts: alone.values.clone(),
        ..alone.clone()
    };
    let caller = caller(id, json!({}), None);
    assert!(alone.digest(&caller).is_ok());
    assert_eq!(within.digest(&caller).is_ok(), is_sent);
    assert_eq!(within.ask(&caller.credentials).is_ok(), is_sent);
}

#[rstest]
#[case::another_item("a, admin", false)]
#[case::a_quote("O'Brien", true)]
fn what_could_begin_another_item_of_a_header_is_not_sent_there(
    #[case] id: &str,
    #[case] is_sent: bool,
) {
    let alone = on_behalf(&["caller.id"], &[], false);
    let in_header = OnBehalf {
        in_headers: alone.values.clone(),
        ..alone.clone()
    };
    let caller = caller(id, json!({}), None);
    assert!(alone.digest(&caller).is_ok());
    assert_eq!(in_header.digest(&caller).is_ok(), is_sent);
    assert_eq!(in_header.ask(&caller.credentials).is_ok(), is_sent);
}

#[rstest]
#[case::empty("")]
#[case::blank(" ")]
fn an_empty_header_counts_as_none(#[case] value: &str) {
    let forwards = on_behalf(&[], &[AUTHORIZATION], false);
    let named = MissingValue::Headers("authorization".to_owned());
    let of = |value| caller("alice", json!({}), Some(value));
    assert_eq!(forwards.digest(&of(value)), Err(named.clone()));
    assert_eq!(
        forwards.ask(&of(value).credentials).unwrap_err(),
        named.clone()
    );
    // Nor does another line of it help.
    let mut twice = HeaderMap::new();
    twice.append(AUTHORIZATION, "Bearer a".parse().unwrap());
    twice.append(AUTHORIZATION, value.parse().unwrap());
    let credentials = Credentials::of(Verified {
        id: "alice".to_owned(),
        claims: Value::Null,
        token: None,
        forwarded: twice,
    });
    assert_eq!(forwards.ask(&credentials).unwrap_err(), named);
    assert!(forwards.digest(&of("Bearer a")).is_ok());
}

#[rstest]
#[case::missing(json!({}))]
#[case::null(json!({ "tenant": null }))]
#[case::a_list(json!({ "tenant": ["a"] }))]
#[case::empty(json!({ "tenant": "" }))]
#[case::a_blank_before(json!({ "tenant": " a" }))]
#[case::a_blank_after(json!({ "tenant": "a " }))]
#[case::a_way_up(json!({ "tenant": ".." }))]
#[case::a_line_break(json!({ "tenant": "a\nx: b" }))]
fn a_claim_that_no_request_can_carry_is_missing(#[case] claims: Value) {
    let by_tenant = on_behalf(&["caller.claims/tenant"], &[], false);
    let caller = caller("alice", claims, None);
    let error = by_tenant.digest(&caller).unwrap_err();
    assert_eq!(by_tenant.ask(&caller.credentials).unwrap_err(), error);
    assert_eq!(
        error.to_string(),
        "it has no `{caller.claims/tenant}` that a request can carry"
    );
}

#[test]
fn who_did_not_authenticate_or_sent_nothing_cannot_be_asked_for() {
    let forwards = on_behalf(&[], &[AUTHORIZATION], false);
    let unknown = forwards.digest(&Caller::default());
    assert_eq!(unknown, Err(MissingValue::Unknown));
    let silent = forwards.digest(&caller("alice", json!({}), None));
    let named = MissingValue::Headers("authorization".to_owned());
    assert_eq!(silent, Err(named));
    let tenant = HeaderName::from_static("x-tenant");
    let both = on_behalf(&[], &[AUTHORIZATION, tenant.clone()], false);
    let with_one = caller("alice", json!({}), Some("Bearer a"));
    let named = MissingValue::Headers("authorization, x-tenant".to_owned());
    assert_eq!(both.digest(&with_one), Err(named));
    let mut one = forwards.clone();
    one.headers.optional.push(tenant);
    assert_eq!(one.digest(&with_one), forwards.digest(&with_one));
    let credentials = Credentials::of(Verified {
        id: "alice".to_owned(),
        claims: Value::Null,
        token: None,
        forwarded: HeaderMap::new(),
    });
    let exchanges = on_behalf(&[], &[], true);
    let without_token = Caller {
        credentials,
        ..Caller::default()
    };
    assert_eq!(exchanges.digest(&without_token), Err(MissingValue::Token));
    assert_eq!(
        exchanges.ask(&without_token.credentials).unwrap_err(),
        MissingValue::Token
    );
}
