//! Tokens as they should be, and every way in which they are attacked.

use rstest::rstest;
use serde_json::json;

use super::super::testing::{
    EC, ED, NOW, OTHER_EC, RSA, SECRET, SigningKey, claims, claims_with, encoded, key_set, now,
    rules,
};
use super::*;
use crate::observe::testing::Told;
use crate::plan::{ClaimPointer, KeySource};

fn verifier_of(keys: &[&SigningKey]) -> TokenVerifier {
    verifier_by(&rules(KeySource::File(key_set(keys))), Observers::default())
}

fn verifier_by(rules: &Jwt, observers: Observers) -> TokenVerifier {
    let keys = IssuerKeys::new(rules, observers.clone(), None);
    TokenVerifier::with_keys(rules, keys, WallClock::fixed(now()), observers)
}

fn verifier() -> TokenVerifier {
    verifier_of(&[&RSA, &EC, &ED, &SECRET])
}

fn checked(verifier: &TokenVerifier, token: &str) -> Result<VerifiedToken, TokenFault> {
    match verifier.check(token) {
        TokenCheck::Decided(decided) => decided.map_err(|refusal| match refusal {
            TokenRefusal::Invalid(fault) => fault,
            TokenRefusal::Unavailable { .. } => panic!("keys of a file are there"),
        }),
        TokenCheck::AwaitsKeys => panic!("keys of a file are not fetched"),
    }
}

/// Why a token is refused.
fn fault(token: &str) -> Option<TokenFault> {
    checked(&verifier(), token).err()
}

#[rstest]
#[case::rsa(&RSA)]
#[case::ecdsa(&EC)]
#[case::ed25519(&ED)]
#[case::hmac(&SECRET)]
fn a_token_says_who_asks(#[case] key: &SigningKey) {
    let verified = checked(&verifier(), &key.token(&claims())).unwrap();
    assert_eq!(verified.identity, "anna");
    assert_eq!(verified.claims, claims());
    assert_eq!(verified.holds_for, Duration::from_mins(6));
    assert_eq!(verified.keys, verified.keys.max(1));
}

#[test]
fn an_unsigned_token_is_refused() {
    for name in ["none", "None", "NONE", "nOnE", ""] {
        for signature in ["", "AAAA"] {
            let head = json!({ "alg": name, "typ": "JWT" }).to_string();
            let token = format!(
                "{}.{}.{signature}",
                encoded(head),
                encoded(claims().to_string())
            );
            assert_eq!(fault(&token), Some(TokenFault::Algorithm), "{name}");
        }
    }
}

/// The public key of an issuer, in every form in which somebody might take it for a secret.
fn forms_of(key: &SigningKey) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let published = key.published();
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let part = |name: &str| published[name].as_str().unwrap().to_owned();
    let decoded = |name: &str| engine.decode(part(name)).unwrap();
    vec![
        published.to_string().into_bytes(),
        part("n").into_bytes(),
        decoded("n"),
        [decoded("n"), decoded("e")].concat(),
    ]
}

#[test]
fn a_public_key_is_no_shared_secret() {
    for secret in forms_of(&RSA) {
        let forged = SigningKey::of_secret("rsa", &secret);
        let token = forged.token(&claims());
        assert_eq!(fault(&token), Some(TokenFault::UnknownKey));
        // Nor where the token does not say which key it is signed with.
        let nameless = forged.sign(r#"{"alg":"HS256"}"#, &claims().to_string());
        assert_eq!(fault(&nameless), Some(TokenFault::Signature));
    }
}

#[rstest]
#[case::another_kind(&EC, "rsa", "RS256", TokenFault::Signature)]
#[case::another_kind_by_its_name(&EC, "rsa", "ES256", TokenFault::UnknownKey)]
#[case::another_padding(&RSA, "rsa", "PS256", TokenFault::Signature)]
#[case::not_configured(&RSA, "rsa", "RS512", TokenFault::Algorithm)]
#[case::unknown(&RSA, "rsa", "RS1", TokenFault::Algorithm)]
#[case::lower_case(&RSA, "rsa", "rs256", TokenFault::Algorithm)]
fn an_algorithm_is_bound_to_its_key(
    #[case] key: &SigningKey,
    #[case] id: &str,
    #[case] algorithm: &str,
    #[case] expected: TokenFault,
) {
    let head = json!({ "alg": algorithm, "kid": id }).to_string();
    assert_eq!(
        fault(&key.sign(&head, &claims().to_string())),
        Some(expected)
    );
}

#[test]
fn what_was_signed_is_what_counts() {
    let token = EC.token(&claims());
    let parts: Vec<&str> = token.split('.').collect();
    let [head, body, signature] = parts[..] else {
        panic!("a token has three parts")
    };
    let other = encoded(claims_with("sub", json!("root")).to_string());
    let other_signature = EC.token(&claims_with("sub", json!("root")));
    let other_signature = other_signature.rsplit('.').next().unwrap();
    for forged in [
        format!("{head}.{other}.{signature}"),
        format!("{head}.{body}.{other_signature}"),
        format!("{head}.{body}."),
        format!("{head}.{body}.{}", &signature[..signature.len() - 2]),
        format!("{head}.{body}.{}", encoded([0; 64])),
    ] {
        assert_eq!(fault(&forged), Some(TokenFault::Signature), "{forged}");
    }
}

#[rstest]
#[case::another_issuers_key(&OTHER_EC, "ec", TokenFault::Signature)]
#[case::an_unknown_key(&OTHER_EC, "other", TokenFault::UnknownKey)]
#[case::a_path(&EC, "../../../../dev/null", TokenFault::UnknownKey)]
#[case::a_query(&EC, "ec' OR '1'='1", TokenFault::UnknownKey)]
#[case::an_address(&EC, "http://127.0.0.1/keys", TokenFault::UnknownKey)]
#[case::empty(&EC, "", TokenFault::UnknownKey)]
#[case::in_capitals(&EC, "EC", TokenFault::UnknownKey)]
fn the_id_of_a_key_is_only_compared(
    #[case] key: &SigningKey,
    #[case] id: &str,
    #[case] expected: TokenFault,
) {
    let head = json!({ "alg": "ES256", "kid": id }).to_string();
    assert_eq!(
        fault(&key.sign(&head, &claims().to_string())),
        Some(expected)
    );
}

#[test]
fn a_long_id_of_a_key_is_compared_like_any_other() {
    let head = json!({ "alg": "ES256", "kid": "k".repeat(10_000) }).to_string();
    let token = EC.sign(&head, &claims().to_string());
    assert_eq!(fault(&token), Some(TokenFault::UnknownKey));
}

#[test]
fn keys_in_a_token_are_not_believed() {
    let head = json!({
        "alg": "ES256",
        "jwk": OTHER_EC.published(),
        "jku": "http://127.0.0.1:1/keys",
        "x5u": "http://127.0.0.1:1/chain",
        "x5c": ["AAAA"],
    });
    let token = OTHER_EC.sign(&head.to_string(), &claims().to_string());
    assert_eq!(fault(&token), Some(TokenFault::Signature));
}

#[test]
fn a_token_that_names_no_key_is_verified_with_those_that_fit() {
    let token = EC.sign(r#"{"alg":"ES256"}"#, &claims().to_string());
    assert!(checked(&verifier_of(&[&RSA, &OTHER_EC, &EC]), &token).is_ok());
    assert_eq!(
        checked(&verifier_of(&[&RSA]), &token).unwrap_err(),
        TokenFault::UnknownKey
    );
}

#[test]
fn a_token_that_names_no_key_is_tried_with_a_few() {
    let token = EC.sign(r#"{"alg":"ES256"}"#, &claims().to_string());
    let mut keys = vec![&*OTHER_EC; MOST_TRIED - 1];
    keys.push(&EC);
    assert!(checked(&verifier_of(&keys), &token).is_ok());
    keys.insert(0, &OTHER_EC);
    assert_eq!(
        checked(&verifier_of(&keys), &token).unwrap_err(),
        TokenFault::Signature
    );
}

#[test]
fn of_keys_with_one_id_each_is_tried() {
    let namesake = SigningKey {
        id: EC.id,
        ..OTHER_EC.clone()
    };
    let both = verifier_of(&[&namesake, &EC]);
    for key in [&EC, &namesake] {
        assert!(checked(&both, &key.token(&claims())).is_ok());
    }
}

#[rstest]
#[case::critical(json!({ "alg": "ES256", "kid": "ec", "crit": ["exp"], "exp": 1 }), TokenFault::Critical)]
#[case::nothing_critical(json!({ "alg": "ES256", "kid": "ec", "crit": null }), TokenFault::Critical)]
#[case::unencoded(json!({ "alg": "ES256", "kid": "ec", "b64": false, "crit": ["b64"] }), TokenFault::Critical)]
#[case::logout(json!({ "alg": "ES256", "kid": "ec", "typ": "logout+jwt" }), TokenFault::Type)]
#[case::proof(json!({ "alg": "ES256", "kid": "ec", "typ": "dpop+jwt" }), TokenFault::Type)]
#[case::event(json!({ "alg": "ES256", "kid": "ec", "typ": "application/secevent+jwt" }), TokenFault::Type)]
#[case::encrypted(json!({ "alg": "RSA-OAEP", "enc": "A256GCM" }), TokenFault::Algorithm)]
#[case::a_number_for_an_id(json!({ "alg": "ES256", "kid": 1 }), TokenFault::Malformed)]
#[case::no_algorithm(json!({ "kid": "ec" }), TokenFault::Malformed)]
#[case::a_list(json!(["ES256"]), TokenFault::Malformed)]
fn a_head_that_asks_for_something_else_is_refused(
    #[case] head: Value,
    #[case] expected: TokenFault,
) {
    let token = EC.sign(&head.to_string(), &claims().to_string());
    assert_eq!(fault(&token), Some(expected));
}

#[rstest]
#[case("at+jwt")]
#[case("JWT")]
#[case("application/at+JWT")]
fn a_token_for_access_is_accepted(#[case] typ: &str) {
    let head = json!({ "alg": "ES256", "kid": "ec", "typ": typ }).to_string();
    assert_eq!(fault(&EC.sign(&head, &claims().to_string())), None);
}

#[rstest]
#[case::expired("exp", json!(NOW - 61), TokenFault::Expired)]
#[case::without_end("exp", Value::Null, TokenFault::Expired)]
#[case::end_is_a_text("exp", json!("never"), TokenFault::Malformed)]
#[case::not_yet("nbf", json!(NOW + 61), TokenFault::NotYetValid)]
#[case::issued_later("iat", json!(NOW + 61), TokenFault::NotYetValid)]
#[case::another_issuer("iss", json!("https://id.example.org"), TokenFault::Issuer)]
#[case::issuer_with_a_slash("iss", json!("https://id.example.com/"), TokenFault::Issuer)]
#[case::several_issuers("iss", json!(["https://id.example.com"]), TokenFault::Issuer)]
#[case::no_issuer("iss", Value::Null, TokenFault::Issuer)]
#[case::another_audience("aud", json!("another"), TokenFault::Audience)]
#[case::no_audience("aud", Value::Null, TokenFault::Audience)]
#[case::empty_audience("aud", json!([]), TokenFault::Audience)]
#[case::audience_in_an_object("aud", json!({ "groupgate": true }), TokenFault::Audience)]
#[case::nobody("sub", Value::Null, TokenFault::Identity)]
#[case::empty_name("sub", json!(""), TokenFault::Identity)]
#[case::a_number("sub", json!(7), TokenFault::Identity)]
#[case::a_line_break("sub", json!("anna\r\nx-admin: 1"), TokenFault::Identity)]
#[case::another_direction("sub", json!("anna\u{202e}nimda"), TokenFault::Identity)]
#[case::another_line("sub", json!("anna\u{2028}ben"), TokenFault::Identity)]
#[case::a_long_name("sub", json!("a".repeat(1025)), TokenFault::Identity)]
fn claims_that_do_not_hold_are_refused(
    #[case] name: &str,
    #[case] value: Value,
    #[case] expected: TokenFault,
) {
    assert_eq!(fault(&EC.token(&claims_with(name, value))), Some(expected));
}

#[rstest]
#[case("exp", json!(NOW - 59))]
#[case("exp", json!(NOW as f64 + 0.5))]
#[case("exp", json!(u64::MAX))]
#[case("nbf", json!(NOW + 59))]
#[case("nbf", json!(0))]
#[case("iat", Value::Null)]
#[case("aud", json!("groupgate"))]
fn claims_that_hold_within_the_leeway_are_accepted(#[case] name: &str, #[case] value: Value) {
    assert_eq!(fault(&EC.token(&claims_with(name, value))), None);
}

#[test]
fn a_number_that_no_clock_shows_is_malformed() {
    let claims = claims()
        .to_string()
        .replace(&(NOW + 300).to_string(), "1e999999");
    let token = EC.sign(&EC.head().to_string(), &claims);
    assert_eq!(fault(&token), Some(TokenFault::Malformed));
}

#[rstest]
#[case::a_claim(r#"{"sub":"root","#)]
#[case::one_deeper(r#"{"realm":{"a":1,"a":2},"#)]
fn a_claim_that_stands_there_twice_is_refused(#[case] start: &str) {
    let twice = claims().to_string().replacen('{', start, 1);
    let token = EC.sign(&EC.head().to_string(), &twice);
    assert_eq!(fault(&token), Some(TokenFault::Malformed));
}

#[test]
fn a_head_that_says_something_twice_is_refused() {
    let token = EC.sign(r#"{"alg":"none","alg":"ES256"}"#, &claims().to_string());
    assert_eq!(fault(&token), Some(TokenFault::Malformed));
}

#[test]
fn what_is_no_token_is_refused() {
    let good = EC.token(&claims());
    let nested = EC.sign(&EC.head().to_string(), &"[".repeat(5000));
    let padded = good.replacen('.', "=.", 1);
    let text = EC.sign(&EC.head().to_string(), "not json");
    let list = EC.sign(&EC.head().to_string(), "[]");
    let encrypted = format!("{good}.AAAA.AAAA");
    for token in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "a.b",
        "\u{e4}.b.c",
        &padded,
        &nested,
        &text,
        &list,
        &encrypted,
        &format!(" {good}"),
        &format!("{good}."),
    ] {
        assert_eq!(fault(token), Some(TokenFault::Malformed), "{token}");
    }
}

#[test]
fn the_claim_that_says_who_asks_is_configured() {
    let mut rules = rules(KeySource::File(key_set(&[&EC])));
    rules.identity = "/groups/0".parse::<ClaimPointer>().unwrap();
    let by_groups = verifier_by(&rules, Observers::default());
    let verified = checked(&by_groups, &EC.token(&claims())).unwrap();
    assert_eq!(verified.identity, "finance");
}

#[test]
fn what_became_of_a_token_is_told_in_a_word() {
    let told = Told::default();
    let rules = rules(KeySource::File(key_set(&[&EC])));
    let observers = Observers::from(Arc::new(told.clone()));
    let verifier = verifier_by(&rules, observers);
    for token in [&EC.token(&claims()), "a.b.c", &RSA.token(&claims())] {
        let _ = checked(&verifier, token);
    }
    assert_eq!(
        told.lines(),
        [
            r#"TokenChecked("verified")"#,
            r#"TokenChecked("malformed")"#,
            r#"TokenChecked("unknown-key")"#,
        ]
    );
}

#[test]
fn keys_of_equal_rules_stay_in_force() {
    let first = verifier();
    let mut rules = first.rules.clone();
    rules.issuer = "https://id.example.org".to_owned();
    let second = first.succeed(&rules);
    assert_eq!(second.keys_in_force(), first.keys_in_force());
    assert_eq!(
        checked(&second, &EC.token(&claims())).unwrap_err(),
        TokenFault::Issuer
    );
    rules.keys = KeySource::File(key_set(&[&EC]));
    assert_ne!(
        second.succeed(&rules).keys_in_force(),
        first.keys_in_force()
    );
}
