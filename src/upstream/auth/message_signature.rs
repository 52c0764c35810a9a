//! HTTP Message Signatures (RFC 9421): the signature base of a request, and the headers that sign it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http::header::{HOST, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use super::{AuthError, host};
use crate::hex::hex;
use crate::plan::auth::sensitive;
use crate::plan::{MessageSignature, SignedComponent};
use crate::upstream::extensions::SignedText;

const SIGNATURE: HeaderName = HeaderName::from_static("signature");
const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
/// RFC 9530, section 2.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// All but what the URL Standard (section 1.3) leaves out of its `application/x-www-form-urlencoded` percent-encode set.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

impl MessageSignature {
    pub(super) fn sign(
        &self,
        request: &mut Request<Bytes>,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        let signs_digest = |component: &SignedComponent| matches!(component, SignedComponent::Field(name) if *name == CONTENT_DIGEST);
        if self.components.iter().any(signs_digest) {
            let digest = STANDARD.encode(Sha256::digest(request.body()));
            let value = HeaderValue::try_from(format!("sha-256=:{digest}:"));
            let value = value.map_err(|_| AuthError::Header(CONTENT_DIGEST))?;
            request.headers_mut().insert(CONTENT_DIGEST, value);
        }
        let parameters = self.parameters(now);
        let base = self.base(request, &parameters)?;
        let signature = self.key.sign(base.as_bytes());
        let signature = signature.map_err(|error| AuthError::Signer(error.to_string()))?;
        let label = &self.label;
        let input = format!("{label}={parameters}");
        let signature = format!("{label}=:{}:", STANDARD.encode(signature));
        for (name, text) in [(SIGNATURE_INPUT, input), (SIGNATURE, signature)] {
            let value = sensitive(text).map_err(|_| AuthError::Header(name.clone()))?;
            request.headers_mut().insert(name, value);
        }
        request.extensions_mut().insert(SignedText(base));
        Ok(())
    }

    /// The covered components and the parameters of the signature (section 2.3).
    fn parameters(&self, now: Timestamp) -> String {
        let components: Vec<_> = self.components.iter().map(identifier).collect();
        let end = self.lifetime.map(|lifetime| {
            let lifetime = SignedDuration::try_from(lifetime.get()).unwrap_or(SignedDuration::MAX);
            now.saturating_add(lifetime).unwrap_or(Timestamp::MAX)
        });
        let algorithm: Option<&str> = self.has_algorithm.then(|| self.algorithm.into());
        let nonce = self.has_nonce.then(|| hex(&rand::random::<[u8; 16]>()));
        let parameters = [
            ("created", Some(now.as_second().to_string())),
            ("expires", end.map(|end| end.as_second().to_string())),
            ("keyid", Some(quoted(self.key_id.expose()))),
            ("alg", algorithm.map(quoted)),
            ("nonce", nonce.as_deref().map(quoted)),
            ("tag", self.tag.as_deref().map(quoted)),
        ];
        let parameters = parameters.into_iter();
        let parameters = parameters.filter_map(|(name, value)| Some(format!(";{name}={}", value?)));
        format!(
            "({}){}",
            components.join(" "),
            parameters.collect::<String>()
        )
    }

    /// What is signed (section 2.5).
    fn base(&self, request: &Request<Bytes>, parameters: &str) -> Result<String, AuthError> {
        let lines = self.components.iter().map(|component| {
            let value = value(component, request)?;
            Ok(format!("{}: {value}\n", identifier(component)))
        });
        let lines: String = lines.collect::<Result<_, AuthError>>()?;
        Ok(format!("{lines}\"@signature-params\": {parameters}"))
    }
}

/// How a component is named (section 2).
fn identifier(component: &SignedComponent) -> String {
    match component {
        SignedComponent::Method => quoted("@method"),
        SignedComponent::TargetUri => quoted("@target-uri"),
        SignedComponent::Authority => quoted("@authority"),
        SignedComponent::Scheme => quoted("@scheme"),
        SignedComponent::RequestTarget => quoted("@request-target"),
        SignedComponent::Path => quoted("@path"),
        SignedComponent::Query => quoted("@query"),
        SignedComponent::QueryParameter(name) => {
            format!(
                "\"@query-param\";name={}",
                quoted(&of_parameter(name).to_string())
            )
        }
        SignedComponent::Field(name) => quoted(name.as_str()),
    }
}

/// The value of a component (sections 2.1 and 2.2).
fn value(component: &SignedComponent, request: &Request<Bytes>) -> Result<String, AuthError> {
    let uri = request.uri();
    let query = uri.query();
    Ok(match component {
        SignedComponent::Method => request.method().to_string(),
        SignedComponent::TargetUri => uri.to_string(),
        SignedComponent::Authority => host(request)?.to_ascii_lowercase(),
        SignedComponent::Scheme => uri.scheme_str().unwrap_or_default().to_owned(),
        SignedComponent::RequestTarget => {
            let target = uri.path_and_query();
            target.map_or("/", |target| target.as_str()).to_owned()
        }
        SignedComponent::Path => match uri.path() {
            "" => "/".to_owned(),
            path => path.to_owned(),
        },
        SignedComponent::Query => format!("?{}", query.unwrap_or_default()),
        SignedComponent::QueryParameter(name) => {
            let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
            let mut values =
                pairs.filter_map(|(present, value)| (present == *name).then_some(value));
            let value = (values.next()).ok_or_else(|| AuthError::NoParameter(name.clone()))?;
            if values.next().is_some() {
                return Err(AuthError::RepeatedParameter(name.clone()));
            }
            of_parameter(&value).to_string()
        }
        SignedComponent::Field(name) if *name == HOST => host(request)?,
        SignedComponent::Field(name) => {
            let values = request.headers().get_all(name).iter();
            let values = values.map(|value| {
                let text = value.to_str().map_err(|_| AuthError::Header(name.clone()));
                text.map(str::trim)
            });
            let values: Vec<_> = values.collect::<Result<_, AuthError>>()?;
            if values.is_empty() {
                return Err(AuthError::NoHeader(name.clone()));
            }
            values.join(", ")
        }
    })
}

/// A name or a value of the query (section 2.2.8).
fn of_parameter(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, FORM)
}

/// A string (RFC 8941, section 3.3.3).
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::plan::Auth;
    use crate::upstream::auth::tests::{get, resolve};

    /// The request of RFC 9421, appendix B.2.
    fn request() -> Request<Bytes> {
        Request::post("https://example.com/foo?param=Value&Pet=dog")
            .header("host", "example.com")
            .header("date", "Tue, 20 Apr 2021 02:07:55 GMT")
            .header("content-type", "application/json")
            .header("content-length", "18")
            .body(Bytes::from_static(b"{\"hello\": \"world\"}"))
            .unwrap()
    }

    fn auth(keys: &str) -> MessageSignature {
        let toml = format!("type = 'http_message_signatures'\n{keys}");
        let Auth::MessageSignature(auth) = resolve(&toml).unwrap() else {
            unreachable!("it signs messages")
        };
        *auth
    }

    fn signed(auth: &MessageSignature) -> Request<Bytes> {
        let mut request = request();
        auth.sign(&mut request, Timestamp::from_second(1_618_884_473).unwrap())
            .unwrap();
        request
    }

    /// Appendices B.2.5 and B.2.6.
    #[rstest]
    #[case::hmac(
        "key_id = 'test-shared-secret'\nkey = { env = 'RFC9421_SECRET' }\nkey_encoding = 'base64'\n\
         algorithm = 'hmac-sha256'\nlabel = 'sig-b25'\ncomponents = ['date', '@authority', 'content-type']",
        "sig-b25=(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"",
        "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:"
    )]
    #[case::ed25519(
        "key_id = 'test-key-ed25519'\nkey = { env = 'RFC9421_ED25519' }\nalgorithm = 'ed25519'\n\
         label = 'sig-b26'\ncomponents = ['date', '@method', '@path', '@authority', 'content-type', 'content-length']",
        "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"",
        "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"
    )]
    fn the_published_examples_hold(
        #[case] keys: &str,
        #[case] input: &str,
        #[case] signature: &str,
    ) {
        let request = signed(&auth(keys));
        assert_eq!(request.headers()["signature-input"], input);
        assert_eq!(request.headers()["signature"], signature);
    }

    #[test]
    fn the_signature_base_has_each_component_as_the_rfc_writes_it() {
        let auth = auth(
            "key_id = 'k'\nkey = { env = 'KEY' }\nalgorithm = 'hmac-sha256'\nexpires = '5m'\ntag = 'a\"b'\n\
             algorithm_parameter = true\n\
             components = ['@method', '@target-uri', '@authority', '@scheme', '@request-target', '@path', '@query', \
             '@query-param;name=\"Pet\"', 'content-digest']",
        );
        let request = signed(&auth);
        let SignedText(base) = request.extensions().get().unwrap();
        let expected = "\"@method\": POST\n\
            \"@target-uri\": https://example.com/foo?param=Value&Pet=dog\n\
            \"@authority\": example.com\n\
            \"@scheme\": https\n\
            \"@request-target\": /foo?param=Value&Pet=dog\n\
            \"@path\": /foo\n\
            \"@query\": ?param=Value&Pet=dog\n\
            \"@query-param\";name=\"Pet\": dog\n\
            \"content-digest\": sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:\n\
            \"@signature-params\": (\"@method\" \"@target-uri\" \"@authority\" \"@scheme\" \"@request-target\" \
            \"@path\" \"@query\" \"@query-param\";name=\"Pet\" \"content-digest\");created=1618884473;\
            expires=1618884773;keyid=\"k\";alg=\"hmac-sha256\";tag=\"a\\\"b\"";
        assert_eq!(base, expected);
    }

    /// The examples of section 2.2.8, and what only that set leaves as it is.
    #[rstest]
    #[case(
        "var",
        "\"@query-param\";name=\"var\": this%20is%20a%20big%0Amultiline%20value"
    )]
    #[case("bar", "\"@query-param\";name=\"bar\": with%20plus%20whitespace")]
    #[case(
        "façade\": ",
        "\"@query-param\";name=\"fa%C3%A7ade%22%3A%20\": something"
    )]
    #[case("set", "\"@query-param\";name=\"set\": *-._%7E")]
    fn a_parameter_is_written_as_the_rfc_says(#[case] name: &str, #[case] expected: &str) {
        let request = get(
            "https://example.com/parameters?var=this%20is%20a%20big%0Amultiline%20value&\
             bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something&set=*-._~",
        );
        let component = SignedComponent::QueryParameter(name.to_owned());
        let value = value(&component, &request).unwrap();
        assert_eq!(format!("{}: {value}", identifier(&component)), expected);
    }

    #[test]
    fn a_parameter_that_comes_twice_cannot_be_signed() {
        let component = SignedComponent::QueryParameter("id".to_owned());
        let twice = get("https://example.com/?id=1&page=2&id=3");
        let error = AuthError::RepeatedParameter("id".to_owned());
        assert_eq!(value(&component, &twice), Err(error));
    }

    #[test]
    fn what_a_request_does_not_have_cannot_be_signed() {
        let auth = auth(
            "key_id = 'k'\nkey = { env = 'KEY' }\nalgorithm = 'hmac-sha256'\ncomponents = ['x-tenant']",
        );
        let mut request = get("https://example.com/");
        let error = auth.sign(&mut request, Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(
            error,
            AuthError::NoHeader(HeaderName::from_static("x-tenant"))
        );
    }
}
