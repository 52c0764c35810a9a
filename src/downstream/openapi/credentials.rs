//! How a caller says who it is, where callers are told apart.

use serde_json::{Value, json};

use crate::plan::Callers;

/// Which credentials a listener takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are one set: which ways there are, and whether one must be gone"
)]
pub(crate) struct DescribedCredentials {
    has_keys: bool,
    has_tokens: bool,
    has_certificates: bool,
    are_required: bool,
}

impl DescribedCredentials {
    /// What these callers may bring.
    pub(crate) fn of(callers: Option<&Callers>) -> Self {
        callers.map_or_else(Self::default, |callers| Self {
            has_keys: !callers.keys.is_empty(),
            has_tokens: callers.jwt.is_some(),
            has_certificates: callers.certificates.is_some(),
            are_required: callers.required,
        })
    }

    /// Describes them in a document, each as one way among others.
    pub(super) fn describe_in(self, document: &mut Value) {
        let bearer = json!({
            "type": "http",
            "scheme": "bearer",
            "description": "A key or a token, as the operator hands them out.",
        });
        let key = json!({ "type": "apiKey", "in": "header", "name": "X-Api-Key" });
        let certificate = json!({ "type": "mutualTLS" });
        let schemes: Vec<_> = [
            (self.has_keys || self.has_tokens, "bearer", bearer),
            (self.has_keys, "key", key),
            (self.has_certificates, "certificate", certificate),
        ]
        .into_iter()
        .filter(|(is_taken, ..)| *is_taken)
        .collect();
        if schemes.is_empty() {
            return;
        }
        let ways = schemes.iter().map(|(_, name, _)| json!({ *name: [] }));
        let none = (!self.are_required).then(|| json!({}));
        document["security"] = ways.chain(none).collect();
        for (_, name, scheme) in schemes {
            document["components"]["securitySchemes"][name] = scheme;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_say_who_asks_is_described_and_no_other() {
        let mut document = json!({ "components": {} });
        DescribedCredentials::of(None).describe_in(&mut document);
        assert_eq!(document, json!({ "components": {} }));
        let credentials = DescribedCredentials {
            has_keys: true,
            has_certificates: true,
            ..DescribedCredentials::default()
        };
        credentials.describe_in(&mut document);
        let expected = json!([{ "bearer": [] }, { "key": [] }, { "certificate": [] }, {}]);
        assert_eq!(document["security"], expected);
        let schemes = &document["components"]["securitySchemes"];
        assert_eq!(schemes.as_object().unwrap().len(), 3);
        assert_eq!(schemes["key"]["name"], "X-Api-Key");
    }
}
