//! HTTP Message Signatures: what is signed, and with which key.

use http::header::HeaderName;

use crate::config::resolve::block::Block;
use crate::config::upstream::MessageSignatureAuth;
use crate::did_you_mean::suggest;
use crate::plan::{MessageSignature, PrivateKey, SignedComponent};

/// What a request has besides headers.
const DERIVED: [&str; 7] = [
    "@method",
    "@target-uri",
    "@authority",
    "@scheme",
    "@request-target",
    "@path",
    "@query",
];

pub(super) fn message_signature(
    written: &MessageSignatureAuth,
    block: &mut Block<'_>,
) -> Option<MessageSignature> {
    let key_id = block.text("key_id", &written.key_id);
    let key_id = key_id.filter(|id| block.header_text("key_id", id.expose()).is_some());
    let key = block.secret("key", &written.key).map(|key| PrivateKey {
        key,
        encoding: written.key_encoding,
        algorithm: written.algorithm.of_tokens(),
    });
    if let Some(Err(error)) = key.as_ref().map(|key| key.sign(b"")) {
        let name: &str = written.algorithm.into();
        let message = format!("the key cannot sign with `{name}`: {error}");
        let help = "name a private key in PEM (PKCS #8, PKCS #1 or SEC 1), or for `hmac-sha256` a shared secret";
        block.wrong("key", message, help);
        return None;
    }
    if written.components.is_empty() {
        let help = "name at least one, such as `@method`";
        block.wrong("components", "nothing is signed", help);
    }
    let components: Vec<_> = {
        let table = &mut block.table("components");
        let components = written.components.iter().enumerate();
        components
            .map(|(index, text)| component(&index.to_string(), text, table))
            .collect()
    };
    // RFC 8941, section 3.1.2.
    let is_key = |text: &str| {
        let is_letter = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte)
        };
        text.starts_with(|first: char| first.is_ascii_lowercase() || first == '*')
            && text.bytes().all(is_letter)
    };
    if !is_key(&written.label) {
        let message = format!("`{}` is not a valid label", written.label.escape_debug());
        block.wrong(
            "label",
            message,
            "use `a` to `z`, digits, `_`, `-` and `.`, beginning with a letter",
        );
    }
    if let Some(tag) = &written.tag {
        block.header_text("tag", tag);
    }
    Some(MessageSignature {
        key_id: key_id?,
        key: key?,
        algorithm: written.algorithm,
        components: components.into_iter().collect::<Option<_>>()?,
        label: written.label.clone(),
        lifetime: written.expires,
        tag: written.tag.clone(),
        has_algorithm: written.algorithm_parameter,
        has_nonce: written.nonce,
    })
}

fn component(key: &str, text: &str, block: &mut Block<'_>) -> Option<SignedComponent> {
    let parameter = text.strip_prefix("@query-param;name=\"");
    if let Some(name) = parameter.and_then(|name| name.strip_suffix('"')) {
        return Some(SignedComponent::QueryParameter(name.to_owned()));
    }
    Some(match text {
        "@method" => SignedComponent::Method,
        "@target-uri" => SignedComponent::TargetUri,
        "@authority" => SignedComponent::Authority,
        "@scheme" => SignedComponent::Scheme,
        "@request-target" => SignedComponent::RequestTarget,
        "@path" => SignedComponent::Path,
        "@query" => SignedComponent::Query,
        _ if text.starts_with('@') => {
            let message = format!("unknown component `{}`", text.escape_debug());
            let known = DERIVED
                .iter()
                .copied()
                .chain(["@query-param;name=\"page\""]);
            block.wrong(key, message, suggest(text, known));
            return None;
        }
        _ => {
            let name: HeaderName = block.header_name(key, text)?;
            SignedComponent::Field(name)
        }
    })
}
