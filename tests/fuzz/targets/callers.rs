//! Nobody is known who has not shown who it is.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use groupgate::authentication::{Authenticator, KnownCaller, Recognition};
use groupgate::caller::{ClientAuthorities, ShownCertificate, is_name};
use groupgate::observe::Observers;
use groupgate::plan::{
    Callers, CertificateName, Certificates, ClaimPointer, Jwt, KeySet, KeySource, TokenAlgorithm,
};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use super::says_little;

const ISSUER: &str = "https://id.example.com";
const AUDIENCE: &str = "groupgate";

const ALGORITHMS: [TokenAlgorithm; 5] = [
    TokenAlgorithm::RS256,
    TokenAlgorithm::PS256,
    TokenAlgorithm::ES256,
    TokenAlgorithm::EdDSA,
    TokenAlgorithm::HS256,
];

/// The key of the issuer, which no input can know.
const SECRET: [u8; 32] = [7; 32];

static CALLERS: LazyLock<Callers> = LazyLock::new(|| {
    let secret = URL_SAFE_NO_PAD.encode(SECRET);
    let keys = json!({ "keys": [{ "kty": "oct", "kid": "k", "k": secret }] }).to_string();
    let jwt = Jwt {
        issuer: ISSUER.to_owned(),
        audiences: vec![AUDIENCE.to_owned()],
        keys: KeySource::File(KeySet::read(keys.as_bytes(), &ALGORITHMS).expect("a set of keys")),
        algorithms: ALGORITHMS.to_vec(),
        identity: ClaimPointer::subject(),
        leeway: Duration::from_mins(1),
    };
    Callers {
        required: true,
        anonymous: Vec::new(),
        keys: [].into(),
        jwt: Some(jwt),
        certificates: None,
        grants: [].into(),
    }
});

static TOKENS: LazyLock<Authenticator> =
    LazyLock::new(|| Authenticator::new(&CALLERS, 1 << 20, &Observers::default(), None));

fn known_by(token: &str) -> bool {
    identity_by(token).is_some()
}

/// The name of who brings a token, if anybody is known by it.
fn identity_by(token: &str) -> Option<String> {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    headers.insert(AUTHORIZATION, value);
    name_of(TOKENS.authenticate(&headers, None))
}

fn name_of(recognition: Recognition) -> Option<String> {
    let name = |known: &KnownCaller| {
        let caller = known.at([192, 0, 2, 1].into());
        let verified = caller
            .credentials
            .verified()
            .expect("who is known is somebody");
        verified.id.clone()
    };
    match recognition {
        Recognition::Known(known) => Some(name(&known)),
        Recognition::Refused(_) => None,
        Recognition::Awaited(_) => panic!("nothing has to be fetched"),
    }
}

/// A head and claims, a line each: as a token of their own, with another's signature, and signed by the issuer.
pub(crate) fn token(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    assert!(!known_by(&text), "no input can know the key");
    let (head, claims) = text.split_once('\n').unwrap_or((&text, ""));
    let signed = [head, claims]
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .join(".");
    for key in [&b""[..], b"k", head.as_bytes()] {
        let forged = signature(&signed, key);
        assert!(
            !known_by(&format!("{signed}.{forged}")),
            "no input can know the key"
        );
    }
    assert!(!known_by(&format!("{signed}.")));

    let token = format!("{signed}.{}", signature(&signed, &SECRET));
    let Some(name) = identity_by(&token) else {
        return;
    };
    assert!(is_name(&name), "{name:?}");
    let head: Value = serde_json::from_str(head).expect("what is verified is JSON");
    assert_eq!(head["alg"], "HS256");
    assert!(head.get("crit").is_none());
    let claims: Value = serde_json::from_str(claims).expect("what is verified is JSON");
    assert_eq!(claims["iss"], ISSUER);
    let audience = &claims["aud"];
    let all = audience.as_array().map_or(&[][..], Vec::as_slice);
    assert!(*audience == AUDIENCE || all.contains(&AUDIENCE.into()));
    assert!(claims["exp"].is_number());
    assert_eq!(claims["sub"], *name);

    // What was signed is what counts.
    let [at, change, ..] = data else { return };
    let mut forged = token.clone().into_bytes();
    let at = (usize::from(*at) * 8 + usize::from(change % 8)) % forged.len();
    forged[at] ^= change | 1;
    let forged = String::from_utf8_lossy(&forged);
    assert!(!known_by(&forged), "{forged} is not {token}");
}

fn signature(signed: &str, secret: &[u8]) -> String {
    let key = EncodingKey::from_secret(secret);
    let signature = key.and_then(|key| crypto::sign(signed.as_bytes(), &key, Algorithm::HS256));
    // A key that is too short signs nothing.
    signature.unwrap_or_default()
}

/// A set of keys that is accepted has some, none of which is of two kinds.
pub(crate) fn key_set(data: &[u8]) {
    let set = match KeySet::read(data, &ALGORITHMS) {
        Ok(set) => set,
        Err(error) => return says_little(error),
    };
    assert!((1..=100).contains(&set.keys().len()));
    for key in set.keys() {
        let verifies: Vec<_> = ALGORITHMS
            .into_iter()
            .filter(|one| key.verifies(*one))
            .collect();
        let symmetric = verifies.iter().filter(|one| one.is_symmetric()).count();
        assert!(!verifies.is_empty() && (symmetric == 0 || symmetric == verifies.len()));
        let _ = key.decoding_key();
    }
}

static AUTHORITIES: LazyLock<ClientAuthorities> = LazyLock::new(|| ClientAuthorities::in_pem(""));

/// A certificate that TLS has verified, whatever stands in it.
pub(crate) fn certificate(data: &[u8]) {
    for identity in [
        CertificateName::SanUri,
        CertificateName::SanDns,
        CertificateName::SubjectCn,
    ] {
        let certificates = Certificates {
            identity,
            authorities: AUTHORITIES.clone(),
            names: [].into(),
        };
        let callers = Callers {
            jwt: None,
            certificates: Some(certificates),
            ..CALLERS.clone()
        };
        let shown = ShownCertificate {
            der: data.to_vec().into(),
            intermediates: Vec::new(),
            authorities: AUTHORITIES.clone(),
        };
        let authenticator = Authenticator::new(&callers, 1 << 20, &Observers::default(), None);
        let found = authenticator.authenticate(&HeaderMap::new(), Some(&shown));
        let Some(name) = name_of(found) else { continue };
        assert!(is_name(&name), "{name:?}");
        let mut stretches = data.windows(name.len());
        let stands_there = stretches.any(|stretch| {
            stretch == name.as_bytes()
                || (identity == CertificateName::SanDns
                    && stretch.eq_ignore_ascii_case(name.as_bytes()))
        });
        assert!(stands_there, "{name:?}");
    }
}
