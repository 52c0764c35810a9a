//! Challenges, and the answers to them.

use rstest::rstest;

use super::*;
use crate::plan::SecretValue;

fn account(username: &str, password: &str) -> DigestAccess {
    DigestAccess {
        username: SecretValue::from(username),
        password: SecretValue::from(password),
    }
}

fn answer(field: &str, account: &DigestAccess, uri: &str, client_nonce: &str) -> String {
    let request = Request::get(uri).body(Bytes::new()).unwrap();
    let challenges = challenges(field);
    let read = challenges.iter().filter_map(|one| Challenge::read(one));
    let (challenge, _) = read.max_by_key(|(one, _)| one.algorithm.hash).unwrap();
    challenge.answer(account, &request, (1, client_nonce))
}

const NONCES: &str = "realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
    nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";

/// RFC 7616, section 3.9.1; both challenges in one field, too, of which the better one is answered.
#[rstest]
#[case::md5(format!("Digest {NONCES}, algorithm=MD5"), "8ca523f5e9506fed4657c9700eebdbec")]
#[case::sha256(format!("Digest {NONCES}, algorithm=SHA-256"), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")]
#[case::both(format!("Basic realm=\"a, b\", Digest {NONCES}, algorithm=SHA-256, Negotiate, Digest {NONCES}, algorithm=MD5"), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")]
fn the_published_examples_hold(#[case] field: String, #[case] response: &str) {
    let account = account("Mufasa", "Circle of Life");
    let client_nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    let uri = "http://www.example.org/dir/index.html";
    let answer = answer(&field, &account, uri, client_nonce);
    assert!(
        answer.contains(&format!("response=\"{response}\"")),
        "{answer}"
    );
    for part in [
        "nc=00000001",
        "qop=auth,",
        "opaque=\"FQhe/",
        "uri=\"/dir/index.html\"",
    ] {
        assert!(answer.contains(part), "{answer}");
    }
}

/// RFC 2617 had no quality of protection in its first form (RFC 2069): as Python's hashlib says.
#[test]
fn an_old_server_is_answered_without_a_client_nonce() {
    let field = "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"";
    let account = account("Mufasa", "Circle Of Life");
    let answer = answer(
        field,
        &account,
        "http://www.nowhere.org/dir/index.html",
        "x",
    );
    assert!(
        answer.contains("response=\"670fd8c2df070c60b045671b8b24ff02\""),
        "{answer}"
    );
    assert!(!answer.contains("cnonce"), "{answer}");
}

#[test]
fn a_name_that_is_hashed_or_not_ascii_is_written_as_the_rfc_says() {
    let field = "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-256, nonce=\"n\"";
    let account = account("Jäsøn Doe", "Secret, or not?");
    let plain = answer(field, &account, "http://api.example.org/doe.json", "c");
    assert!(
        plain.contains("username*=UTF-8''J%C3%A4s%C3%B8n%20Doe"),
        "{plain}"
    );
    let hashed = answer(
        &format!("{field}, userhash=true"),
        &account,
        "http://api.example.org/doe.json",
        "c",
    );
    let user = DigestHash::Sha256.of("Jäsøn Doe:api@example.org");
    assert!(hashed.contains(&format!("username=\"{user}\"")), "{hashed}");
    assert!(hashed.ends_with("userhash=true"), "{hashed}");
}

#[rstest]
#[case::no_digest("Basic realm=\"x\"")]
#[case::unknown_algorithm("Digest realm=\"x\", nonce=\"n\", algorithm=SHA3")]
#[case::bodies_only("Digest realm=\"x\", nonce=\"n\", qop=\"auth-int\"")]
#[case::no_nonce("Digest realm=\"x\"")]
fn what_cannot_be_answered_is_not_taken(#[case] field: &str) {
    let refusal = HeaderMap::from_iter([(WWW_AUTHENTICATE, field.parse().unwrap())]);
    assert!(!DigestState::default().take(&refusal, &HeaderMap::new()));
}

#[test]
fn a_nonce_is_used_again_and_counted_and_a_refused_one_is_answered_once() {
    let state = DigestState::default();
    let account = account("a", "b");
    let sign = || {
        let mut request = Request::get("http://a.example/x?y")
            .body(Bytes::new())
            .unwrap();
        state.sign(&account, &mut request).unwrap();
        request.headers().clone()
    };
    let challenge = |nonce: &str, more: &str| {
        let field = format!("Digest realm=\"r\", qop=\"auth\", nonce=\"{nonce}\"{more}");
        HeaderMap::from_iter([(WWW_AUTHENTICATE, field.parse().unwrap())])
    };
    assert!(sign().is_empty());
    assert!(state.take(&challenge("n1", ""), &HeaderMap::new()));
    let count = |headers: &HeaderMap, count: &str| {
        headers[AUTHORIZATION]
            .to_str()
            .unwrap()
            .contains(&format!("nc={count}"))
    };
    let first = sign();
    assert!(count(&first, "00000001") && count(&sign(), "00000002"));
    assert!(first[AUTHORIZATION].is_sensitive());
    // Refused for good, too old, and a new one.
    assert!(!state.take(&challenge("n1", ""), &first));
    assert!(state.take(&challenge("n1", ", stale=true"), &first));
    // Of two requests at once that had no answer yet, the second brings the same nonce.
    assert!(state.take(&challenge("n1", ""), &HeaderMap::new()));
    assert!(count(&sign(), "00000003"));
    assert!(state.take(&challenge("n2", ""), &first));
    assert!(count(&sign(), "00000001"));
}
