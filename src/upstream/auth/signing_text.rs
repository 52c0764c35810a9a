//! What the placeholders of an HMAC scheme stand for in one request.

use crate::plan::{SigningPiece, SigningPlaceholder, SigningText};

/// What the placeholders stand for in one request.
#[derive(Clone, Copy)]
pub(super) struct SigningValues<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) date: &'a str,
    pub(super) body_hash: &'a str,
    pub(super) host: &'a str,
    pub(super) key_id: &'a str,
    pub(super) signature: &'a str,
}

impl<'a> SigningValues<'a> {
    const fn get(&self, placeholder: SigningPlaceholder) -> &'a str {
        match placeholder {
            SigningPlaceholder::Method => self.method,
            SigningPlaceholder::Path => self.path,
            SigningPlaceholder::Query => self.query,
            SigningPlaceholder::Date => self.date,
            SigningPlaceholder::BodyHash => self.body_hash,
            SigningPlaceholder::Host => self.host,
            SigningPlaceholder::KeyId => self.key_id,
            SigningPlaceholder::Signature => self.signature,
        }
    }
}

impl SigningText {
    /// The text with values in place of placeholders.
    pub(super) fn render(&self, values: &SigningValues<'_>) -> String {
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
    use crate::plan::Auth;
    use crate::upstream::auth::tests::resolve;

    const VALUES: SigningValues<'_> = SigningValues {
        method: "GET",
        path: "/a",
        query: "b=c",
        date: "today",
        body_hash: "00",
        host: "example.com",
        key_id: "id",
        signature: "ff",
    };

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
            assert_eq!(hmac.header.render(&VALUES), expected);
        }
    }
}
