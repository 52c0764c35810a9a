//! Tokens that are signed here: who signs what, and with which key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::config::resolve::block::Block;
use crate::config::upstream::{Json, SignedAssertion};
use crate::json::number;
use crate::plan::{Assertion, KeyEncoding, PrivateKey, SecretValue};

/// Who signs a token.
#[derive(Clone, Copy)]
pub(super) struct Signer<'a> {
    pub(super) token_url: &'a str,
    pub(super) client_id: Option<&'a SecretValue>,
    /// Whether the token shows who the client is, and is not one that is exchanged.
    pub(super) is_client: bool,
}

/// Decides what is signed.
pub(super) fn assertion(
    written: &SignedAssertion,
    signer: Signer<'_>,
    block: &mut Block<'_>,
) -> Option<Assertion> {
    let secret = block.secret("private_key", &written.private_key)?;
    let account = ServiceAccount::read(secret.expose());
    let key = PrivateKey {
        key: match &account {
            Some(account) => SecretValue::from(account.private_key.as_str()),
            None => secret,
        },
        encoding: KeyEncoding::Text,
        algorithm: written.algorithm,
    };
    if let Err(error) = key.sign(b"") {
        let help = "name a private key in PEM (PKCS #8, PKCS #1 or SEC 1), and its algorithm under `algorithm`";
        block.wrong("private_key", format!("the key cannot sign: {error}"), help);
        return None;
    }
    let of_account = account
        .as_ref()
        .map(|account| account.client_email.as_str());
    let issuer = match &written.issuer {
        Some(issuer) => Some(block.text("issuer", issuer)?),
        None => of_account
            .map(SecretValue::from)
            .or_else(|| signer.client_id.cloned()),
    };
    let Some(issuer) = issuer else {
        block.wrong(
            "issuer",
            "nothing says who signs the token",
            "set `issuer`, or `client_id`",
        );
        return None;
    };
    let subject = match &written.subject {
        Some(subject) => Some(block.text("subject", subject)?),
        None => signer.client_id.filter(|_| signer.is_client).cloned(),
    };
    let audience = written.audience.as_deref().unwrap_or(signer.token_url);
    let mut claims = claims(written, block)?;
    claims.insert("iss".to_owned(), issuer.expose().into());
    claims.insert("aud".to_owned(), audience.into());
    if let Some(subject) = subject {
        claims.insert("sub".to_owned(), subject.expose().into());
    }
    let mut header = Map::from_iter([("typ".to_owned(), json!("JWT"))]);
    let key_id = account.and_then(|account| account.private_key_id);
    if let Some(id) = written.key_id.clone().or(key_id) {
        header.insert("kid".to_owned(), id.into());
    }
    if let Some(path) = &written.certificate {
        let pem = block.file("certificate", path)?;
        let Ok(certificate) = CertificateDer::from_pem_slice(&pem) else {
            let help = "name a file with a certificate in PEM";
            block.wrong("certificate", "the file holds no certificate", help);
            return None;
        };
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate));
        header.insert("x5t#S256".to_owned(), thumbprint.into());
    }
    Some(Assertion {
        key,
        header,
        claims,
        lifetime: written.lifetime,
    })
}

/// The claims of the file's own.
fn claims(written: &SignedAssertion, block: &mut Block<'_>) -> Option<Map<String, Value>> {
    const OURS: [&str; 6] = ["iss", "sub", "aud", "iat", "exp", "jti"];
    let table = &mut block.table("claims");
    let claims = written.claims.iter().map(|(name, claim)| {
        if OURS.contains(&name.as_str()) {
            let message = format!("`{name}` is set by groupgate");
            let help = "set it with `issuer`, `subject`, `audience` or `lifetime`";
            table.wrong(name, message, help);
            return None;
        }
        Some((name.clone(), claim_value(claim, name, table)?))
    });
    let claims: Vec<_> = claims.collect();
    claims.into_iter().collect()
}

fn claim_value(claim: &Json, key: &str, block: &mut Block<'_>) -> Option<Value> {
    Some(match claim {
        Json::Text(text) => text.as_str().into(),
        Json::Integer(number) => (*number).into(),
        Json::Float(number) => (*number).into(),
        Json::Number(digits) => number(digits)?.into(),
        Json::Bool(bool) => (*bool).into(),
        Json::Secret(secret) => block.secret(key, secret)?.expose().into(),
        Json::List(items) => {
            let list = &mut block.table(key);
            let items = items.iter().enumerate();
            let items = items.map(|(index, item)| claim_value(item, &index.to_string(), list));
            let items: Vec<_> = items.collect();
            Value::Array(items.into_iter().collect::<Option<_>>()?)
        }
        Json::Object(members) => {
            let object = &mut block.table(key);
            let members = members.iter();
            let members = members
                .map(|(name, member)| Some((name.clone(), claim_value(member, name, object)?)));
            let members: Vec<_> = members.collect();
            Value::Object(members.into_iter().collect::<Option<_>>()?)
        }
    })
}

/// The file of a Google service account's key.
#[derive(serde::Deserialize)]
struct ServiceAccount {
    private_key: String,
    client_email: String,
    private_key_id: Option<String>,
}

impl ServiceAccount {
    fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::auth_in;

    #[test]
    fn a_service_account_s_file_says_who_signs_with_which_key() {
        use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};

        use crate::plan::{Auth, Grant, TokenRequest};

        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("account.json");
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let account = serde_json::json!({
            "type": "service_account", "client_email": "svc@x.example", "private_key_id": "k7",
            "private_key": pair.serialize_pem(),
        });
        std::fs::write(&file, account.to_string()).unwrap();
        let block = format!(
            "type = 'oauth2_jwt_bearer'\ntoken_url = 'https://a.example/t'\n\
             assertion = {{ private_key = {{ file = '{}' }}, algorithm = 'ES256' }}",
            file.display()
        );
        let Ok(Auth::Token(auth)) = auth_in(&block) else {
            panic!("it is an account's file")
        };
        let Grant::Oauth2(client) = &auth.login.grant else {
            panic!("it is a grant")
        };
        let TokenRequest::Assertion(assertion) = &client.request else {
            panic!("it is signed")
        };
        assert_eq!(assertion.header["kid"], "k7");
        assert_eq!(assertion.claims["iss"], "svc@x.example");
        assert_eq!(assertion.claims["aud"], "https://a.example/t");
        assert!(!assertion.claims.contains_key("sub"));
    }
}
