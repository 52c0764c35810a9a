//! AWS Signature Version 4, by AWS's own signer.
//!
//! What AWS's services, and servers that only speak their language, read differently is the query
//! (is `+` a space, is `*` encoded) and escapes in the path. So the query is rewritten before it is
//! signed: everything but the unreserved characters is percent-encoded, on the wire as in what is
//! signed, and both readings agree. Paths follow AWS: normalized and encoded once more, except for
//! S3, which takes them as they are and wants the hash of the body in a header.

use std::borrow::Cow;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningInstructions,
    SigningParams, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::Request;
use http::header::{HOST, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::{AuthError, host, query};
use crate::plan::SigV4;
use crate::plan::auth::sensitive;

/// Headers that a hop may change on the way, and that are therefore not signed. botocore leaves
/// out the same.
const UNSIGNED_HEADERS: [&str; 15] = [
    "authorization",
    "baggage",
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amzn-trace-id",
];

impl SigV4 {
    pub(super) fn sign(
        &self,
        request: &mut Request<Bytes>,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        self.sign_with(settings(&self.service, &self.sign_headers), request, now)
    }

    fn sign_with(
        &self,
        settings: SigningSettings,
        request: &mut Request<Bytes>,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        *request.uri_mut() = query::strict(request.uri())?;
        let instructions = self.instructions(settings, request, now)?;
        for (name, value) in instructions.headers() {
            let name = HeaderName::try_from(name).map_err(signer_error)?;
            let value = sensitive(value.to_owned()).map_err(|_| AuthError::Header(name.clone()))?;
            request.headers_mut().insert(name, value);
        }
        Ok(())
    }

    fn instructions(
        &self,
        settings: SigningSettings,
        request: &Request<Bytes>,
        now: Timestamp,
    ) -> Result<SigningInstructions, AuthError> {
        let credentials = Credentials::new(
            self.access_key.expose(),
            self.secret_key.expose(),
            (self.session_token.as_ref()).map(|token| token.expose().to_owned()),
            None,
            "gateway.toml",
        );
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(SystemTime::from(now))
            .settings(settings)
            .build()
            .map_err(signer_error)?;
        let headers = signable_headers(request)?;
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.uri().to_string(),
            headers.iter().map(|(name, value)| (*name, value.as_ref())),
            SignableBody::Bytes(request.body()),
        )
        .map_err(signer_error)?;
        let signed = sign(signable, &SigningParams::from(params)).map_err(signer_error)?;
        Ok(signed.into_parts().0)
    }
}

fn settings(service: &str, sign_headers: &[HeaderName]) -> SigningSettings {
    let mut settings = SigningSettings::default();
    let is_named = |header: &&str| sign_headers.iter().any(|name| name == *header);
    let unsigned = UNSIGNED_HEADERS.into_iter().filter(|name| !is_named(name));
    settings.excluded_headers = Some(unsigned.map(Cow::Borrowed).collect());
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    settings
}

/// The request's headers as text, and the host that it will be sent to.
fn signable_headers(request: &Request<Bytes>) -> Result<Vec<(&str, Cow<'_, str>)>, AuthError> {
    let own = request.headers().iter().filter(|(name, _)| **name != HOST);
    let mut headers: Vec<_> = own
        .map(|(name, value)| Ok((name.as_str(), Cow::Borrowed(readable(name, value)?))))
        .collect::<Result<_, AuthError>>()?;
    headers.push((HOST.as_str(), Cow::Owned(host(request)?)));
    Ok(headers)
}

fn readable<'a>(name: &HeaderName, value: &'a HeaderValue) -> Result<&'a str, AuthError> {
    str::from_utf8(value.as_bytes()).map_err(|_| AuthError::Header(name.clone()))
}

fn signer_error(error: impl std::error::Error) -> AuthError {
    match error.source() {
        Some(source) => AuthError::Signer(format!("{error}: {source}")),
        None => AuthError::Signer(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::upstream::auth::tests::{get, resolve, signed};

    /// Signs one of the requests of AWS's published test suite, and checks its signature.
    #[track_caller]
    fn check(
        sigv4: &SigV4,
        settings: SigningSettings,
        mut request: Request<Bytes>,
        expected: &str,
    ) {
        let now = "2015-08-30T12:36:00Z".parse().unwrap();
        sigv4.sign_with(settings, &mut request, now).unwrap();
        let authorization = request.headers()["authorization"].to_str().unwrap();
        let (_, signature) = authorization.split_once("Signature=").unwrap();
        assert_eq!(signature, expected, "{authorization}");
        assert_eq!(request.headers()["x-amz-date"], "20150830T123600Z");
    }

    fn sigv4(session_token: Option<&str>) -> SigV4 {
        SigV4 {
            region: "us-east-1".to_owned(),
            service: "service".to_owned(),
            access_key: "AKIDEXAMPLE".into(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: session_token.map(Into::into),
            sign_headers: Vec::new(),
        }
    }

    fn request(method: &str, path: &str) -> http::request::Builder {
        let uri = format!("https://example.amazonaws.com{path}");
        Request::builder().method(method).uri(uri)
    }

    #[rstest]
    #[case::get_header_key_duplicate("GET", "/", &[("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")], "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea")]
    #[case::get_header_value_order("GET", "/", &[("My-Header1", "value4"), ("My-Header1", "value1"), ("My-Header1", "value3"), ("My-Header1", "value2")], "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01")]
    #[case::get_header_value_trim("GET", "/", &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")], "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736")]
    #[case::get_relative_normalized("GET", "/example/..", &[], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    #[case::get_relative_relative_normalized("GET", "/example1/example2/../..", &[], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    #[case::get_slash_dot_slash_normalized("GET", "/./", &[], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    #[case::get_slash_normalized("GET", "//", &[], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    #[case::get_slash_pointless_dot_normalized("GET", "/./example", &[], "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5")]
    #[case::get_slashes_normalized("GET", "//example//", &[], "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84")]
    #[case::get_unreserved("GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", &[], "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f")]
    #[case::get_utf8("GET", "/ሴ", &[], "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85")]
    #[case::get_vanilla("GET", "/", &[], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    #[case::get_vanilla_empty_query_key("GET", "/?Param1=value1", &[], "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb")]
    #[case::get_vanilla_query("GET", "/", &[], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    #[case::get_vanilla_query_order_encoded("GET", "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", &[], "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac")]
    #[case::get_vanilla_query_order_key_case("GET", "/?Param2=value2&Param1=value1", &[], "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500")]
    #[case::get_vanilla_query_unreserved("GET", "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", &[], "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197")]
    #[case::get_vanilla_utf8_query("GET", "/?ሴ=bar", &[], "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04")]
    #[case::post_header_key_case("POST", "/", &[], "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")]
    #[case::post_header_key_sort("POST", "/", &[("My-Header1", "value1")], "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c")]
    #[case::post_header_value_case("POST", "/", &[("My-Header1", "VALUE1")], "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d")]
    #[case::post_vanilla("POST", "/", &[], "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")]
    #[case::post_vanilla_empty_query_value("POST", "/?Param1=value1", &[], "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11")]
    #[case::post_vanilla_query("POST", "/?Param1=value1", &[], "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11")]
    fn the_published_test_vectors_hold(
        #[case] method: &str,
        #[case] path: &str,
        #[case] headers: &[(&str, &str)],
        #[case] expected: &str,
    ) {
        let request = headers
            .iter()
            .fold(request(method, path), |request, (name, value)| {
                request.header(*name, *value)
            });
        let request = request.body(Bytes::new()).unwrap();
        check(&sigv4(None), settings("service", &[]), request, expected);
    }

    #[rstest]
    #[case::get_vanilla_with_session_token(
        "GET",
        "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
        "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"
    )]
    #[case::post_sts_header_before(
        "POST",
        "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==",
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
    )]
    fn the_published_test_vectors_with_a_session_token_hold(
        #[case] method: &str,
        #[case] token: &str,
        #[case] expected: &str,
    ) {
        let request = request(method, "/").body(Bytes::new()).unwrap();
        check(
            &sigv4(Some(token)),
            settings("service", &[]),
            request,
            expected,
        );
    }

    #[rstest]
    #[case::get_relative_relative_unnormalized(
        "/example1/example2/../..",
        "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b"
    )]
    #[case::get_relative_unnormalized(
        "/example/..",
        "eca7ead57bb5aa5c8e28007acd4ff04e1ff9a0ff3b237ec1554a184887ff9282"
    )]
    #[case::get_slash_dot_slash_unnormalized(
        "/./",
        "68714168e6557f8f2de0ef956fc24dc2593a4bd2961f8df51898d8a134695145"
    )]
    #[case::get_slash_pointless_dot_unnormalized(
        "/./example",
        "beb03f223f7deae4146464f06e29eebbee9c8afbe15c290cf07aa8b119e14cff"
    )]
    #[case::get_slash_unnormalized(
        "//",
        "c88bcd3d312d75078c0cd961d6deae3f4c754924b01669efcfcb439fd5e5b76e"
    )]
    #[case::get_slashes_unnormalized(
        "//example//",
        "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5"
    )]
    #[case::get_space_unnormalized(
        "/example%20space/",
        "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"
    )]
    fn the_published_test_vectors_for_paths_as_they_are_hold(
        #[case] path: &str,
        #[case] expected: &str,
    ) {
        let mut settings = settings("s3", &[]);
        // The suite takes S3's paths without S3's header.
        settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
        let request = request("GET", path).body(Bytes::new()).unwrap();
        check(&sigv4(None), settings, request, expected);
    }

    #[rstest]
    #[case::post_x_www_form_urlencoded(
        "application/x-www-form-urlencoded",
        "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"
    )]
    #[case::post_x_www_form_urlencoded_parameters(
        "application/x-www-form-urlencoded; charset=utf-8",
        "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422"
    )]
    fn the_published_test_vectors_with_a_body_hash_hold(
        #[case] content_type: &str,
        #[case] expected: &str,
    ) {
        let request = request("POST", "/")
            .header("content-type", content_type)
            .header("content-length", "13")
            .body(Bytes::from_static(b"Param1=value1"))
            .unwrap();
        check(&sigv4(None), settings("s3", &[]), request, expected);
    }

    #[rstest]
    #[case("", "")]
    #[case("?a=b+c&d=*~&e", "?a=b%20c&d=%2A~&e=")]
    #[case("?a=%2b%c3%a9&a=", "?a=%2B%C3%A9&a=")]
    #[case("?name=a/b:c@d,e;f", "?name=a%2Fb%3Ac%40d%2Ce%3Bf")]
    fn the_query_on_the_wire_can_be_read_in_one_way(#[case] query: &str, #[case] expected: &str) {
        let uri = format!("https://example.com/groups{query}")
            .parse()
            .unwrap();
        let strict = query::strict(&uri).unwrap();
        assert_eq!(
            strict.to_string(),
            format!("https://example.com/groups{expected}")
        );
        assert_eq!(query::strict(&strict).unwrap(), strict);
    }

    #[test]
    fn signing_once_more_replaces_the_signature() {
        let auth = resolve(
            "type = 'aws_sigv4'\nregion = 'us-east-1'\nservice = 's3'\n\
             access_key = { env = 'KEY' }\nsecret_key = { env = 'SECRET' }\n\
             session_token = { env = 'SECRET' }",
        )
        .unwrap();
        let once = signed(&auth, get("https://example.com/groups?b=1&a=2"));
        let headers = once.headers().clone();
        assert_eq!(headers.len(), 4);
        assert_eq!(signed(&auth, once).headers(), &headers);
    }

    #[rstest]
    #[case::as_usual("", "host;x-amz-date;x-amz-target")]
    #[case::named(
        "sign_headers = ['User-Agent']",
        "host;user-agent;x-amz-date;x-amz-target"
    )]
    #[case::signed_anyway("sign_headers = ['x-amz-target']", "host;x-amz-date;x-amz-target")]
    fn all_headers_are_signed_and_of_those_a_hop_may_change_the_named_ones(
        #[case] key: &str,
        #[case] expected: &str,
    ) {
        let auth = resolve(&format!(
            "type = 'aws_sigv4'\nregion = 'us-east-1'\nservice = 'iam'\n\
             access_key = {{ env = 'KEY' }}\nsecret_key = {{ env = 'SECRET' }}\n{key}"
        ))
        .unwrap();
        let mut request = get("https://example.com/");
        let headers = request.headers_mut();
        headers.insert("user-agent", HeaderValue::from_static("groupgate"));
        headers.insert("x-amz-target", HeaderValue::from_static("ListGroups"));
        let request = signed(&auth, request);
        let authorization = request.headers()["authorization"].to_str().unwrap();
        let signed = format!("SignedHeaders={expected},");
        assert!(authorization.contains(&signed), "{authorization}");
    }

    #[test]
    fn a_request_without_a_host_is_refused_and_not_signed_for_nobody() {
        let mut request = get("/groups");
        let error = sigv4(None)
            .sign(&mut request, Timestamp::UNIX_EPOCH)
            .unwrap_err();
        assert_eq!(error, AuthError::NoHost);
    }
}
