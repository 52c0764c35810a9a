//! What the placeholders of an HMAC scheme stand for in one request.

use crate::plan::{SigningPiece, SigningPlaceholder, SigningText};

/// What the placeholders stand for in one request.
#[derive(Default)]
pub(super) struct SigningValues {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) date: String,
    pub(super) short_date: String,
    pub(super) body_hash: String,
    pub(super) host: String,
    pub(super) key_id: String,
    pub(super) nonce: String,
    pub(super) signed_headers: String,
    pub(super) canonical_headers: String,
    pub(super) canonical_path: String,
    pub(super) canonical_query: String,
    pub(super) canonical_hash: String,
    pub(super) signature: String,
}

impl SigningValues {
    fn get(&self, placeholder: SigningPlaceholder) -> &str {
        match placeholder {
            SigningPlaceholder::Method => &self.method,
            SigningPlaceholder::Path => &self.path,
            SigningPlaceholder::Query => &self.query,
            SigningPlaceholder::Date => &self.date,
            SigningPlaceholder::ShortDate => &self.short_date,
            SigningPlaceholder::BodyHash => &self.body_hash,
            SigningPlaceholder::Host => &self.host,
            SigningPlaceholder::KeyId => &self.key_id,
            SigningPlaceholder::Nonce => &self.nonce,
            SigningPlaceholder::SignedHeaders => &self.signed_headers,
            SigningPlaceholder::CanonicalHeaders => &self.canonical_headers,
            SigningPlaceholder::CanonicalPath => &self.canonical_path,
            SigningPlaceholder::CanonicalQuery => &self.canonical_query,
            SigningPlaceholder::CanonicalHash => &self.canonical_hash,
            SigningPlaceholder::Signature => &self.signature,
        }
    }
}

impl SigningText {
    /// The text with values in place of placeholders.
    pub(super) fn render(&self, values: &SigningValues) -> String {
        let pieces = self.0.iter();
        pieces
            .map(|piece| match piece {
                SigningPiece::Literal(text) => text.as_str(),
                SigningPiece::Placeholder(placeholder) => values.get(*placeholder),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Auth, SignaturePlace};
    use crate::upstream::auth::tests::resolve;

    fn values() -> SigningValues {
        SigningValues {
            method: "GET".to_owned(),
            path: "/a".to_owned(),
            query: "b=c".to_owned(),
            date: "today".to_owned(),
            body_hash: "00".to_owned(),
            host: "example.com".to_owned(),
            key_id: "id".to_owned(),
            signature: "ff".to_owned(),
            ..SigningValues::default()
        }
    }

    #[test]
    fn placeholders_take_their_values() {
        for (text, expected) in [
            ("{signature}", "ff"),
            ("{method}\\n{path}?{query}{signature}", "GET\\n/a?b=cff"),
            ("{{{date}}}{signature}", "{today}ff"),
            (
                "a {host} {key_id} {body_hash} {signature} }}",
                "a example.com id 00 ff }",
            ),
        ] {
            let auth = resolve(&format!(
                "type = 'hmac'\nkey_id = {{ env = 'KEY' }}\nsecret = {{ env = 'SECRET' }}\n\
                 string_to_sign = ''\nheader = '{text}'\n\
                 date = {{ header = 'date', format = '%Y' }}"
            ));
            let Ok(Auth::Hmac(hmac)) = auth else {
                panic!("{auth:?}");
            };
            let SignaturePlace::Header { value, .. } = &hmac.place else {
                panic!("{hmac:?}");
            };
            assert_eq!(value.render(&values()), expected);
        }
    }
}
