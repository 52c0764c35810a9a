//! Signatures of every shape, AWS Signature Version 4 among them.

use std::collections::BTreeSet;

use rstest::rstest;

use super::*;
use crate::plan::Auth;
use crate::upstream::auth::tests::{get, resolve, signed};

/// RFC 4231, sections 4.2 to 4.8 (without 4.6, which is truncated); RFC 2202, section 3 for
/// SHA-1.
#[rstest]
#[case::case_1(&[0x0b; 20], b"Hi There",
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
    "b617318655057264e28bc0b6fb378c8ef146be00")]
#[case::case_2(
    b"Jefe",
    b"what do ya want for nothing?",
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
)]
#[case::case_3(&[0xaa; 20], &[0xdd; 50],
    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb",
    "125d7342b9ac11cd91a39af48aa17b4f63f175d3")]
#[case::case_6(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First",
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
    "")]
#[case::case_7(&[0xaa; 131], b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58",
    "")]
fn the_published_test_vectors_hold(
    #[case] key: &[u8],
    #[case] text: &[u8],
    #[case] sha256: &str,
    #[case] sha512: &str,
    #[case] sha1: &str,
) {
    let sign = |hash| hex(&mac(hash, key, text).unwrap());
    assert_eq!(sign(Hash::Sha256), sha256);
    assert_eq!(sign(Hash::Sha512), sha512);
    if !sha1.is_empty() {
        assert_eq!(sign(Hash::Sha1), sha1);
    }
}

fn hmac(rest: &str) -> Auth {
    resolve(&format!(
        "type = 'hmac'\nkey_id = {{ env = 'KEY' }}\nsecret = {{ env = 'SECRET' }}\n{rest}"
    ))
    .unwrap()
}

#[test]
fn the_signature_covers_what_the_template_names() {
    let auth = hmac(
        r#"string_to_sign = "{method}\n{path}\n{query}\n{date}\n{host}\n{body_hash}"
           header = "EXAMPLE Credential:{key_id}, Signature={signature}"
           date = { header = "x-example-date", format = "%Y%m%dT%H%M%SZ" }"#,
    );
    let request = signed(&auth, get("https://example.com:8443/a%20b?q=%2B&p"));
    assert_eq!(request.headers()["x-example-date"], "20150830T123600Z");
    // As Python's hmac says of the six lines.
    assert_eq!(
        request.headers()["authorization"].to_str().unwrap(),
        "EXAMPLE Credential:AKIDEXAMPLE, Signature=\
         0234c128426893bb99a4331b13a0c513a6ad86a3be9716cdb80c283956f3482a"
    );
}

#[test]
fn header_hash_encoding_and_date_are_the_adapters() {
    let auth = hmac(
        r#"string_to_sign = "{body_hash}"
           header = "{body_hash}:{signature}:{date}"
           header_name = "X-Signature"
           hash = "sha1"
           encoding = "base64"
           date = { header = "date", format = "%a, %d %b %Y %H:%M:%S GMT" }"#,
    );
    let request = signed(&auth, get("https://example.com/"));
    assert_eq!(request.headers()["date"], "Sun, 30 Aug 2015 12:36:00 GMT");
    assert_eq!(
        request.headers()["x-signature"].to_str().unwrap(),
        "2jmj7l5rSw0yVb/vlWAYkK/YBwk=:zI9duFLVLLZJtJIdQhP14BA/L5Y=:Sun, 30 Aug 2015 12:36:00 GMT"
    );
}

/// AWS Signature Version 4 as this scheme says it.
const SIGV4: &str = r#"
    key_prefix = "AWS4"
    derived_key = ["{short_date}", "us-east-1", "service", "aws4_request"]
    date = { header = "x-amz-date", format = "%Y%m%dT%H%M%SZ", short_format = "%Y%m%d" }
    signed_headers = ["x-amz-date", "host"]
    canonical_request = "{method}\n{canonical_path}\n{canonical_query}\n{canonical_headers}\n{signed_headers}\n{body_hash}"
    string_to_sign = "AWS4-HMAC-SHA256\n{date}\n{short_date}/us-east-1/service/aws4_request\n{canonical_hash}"
    header = "AWS4-HMAC-SHA256 Credential={key_id}/{short_date}/us-east-1/service/aws4_request, SignedHeaders={signed_headers}, Signature={signature}"
"#;

/// Of AWS's published test suite.
#[rstest]
#[case::get_vanilla(
    "GET",
    "/",
    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
)]
#[case::get_relative_relative_normalized(
    "GET",
    "/example1/example2/../..",
    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
)]
#[case::get_slash_dot_slash_normalized(
    "GET",
    "/./",
    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
)]
#[case::get_slash_pointless_dot_normalized(
    "GET",
    "/./example",
    "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"
)]
#[case::get_slashes_normalized(
    "GET",
    "//example//",
    "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"
)]
#[case::get_vanilla_query_order_encoded(
    "GET",
    "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
    "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"
)]
#[case::get_vanilla_query_order_key_case(
    "GET",
    "/?Param2=value2&Param1=value1",
    "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
)]
#[case::get_vanilla_query_unreserved(
    "GET",
    "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"
)]
#[case::post_vanilla(
    "POST",
    "/",
    "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
)]
#[case::post_vanilla_query(
    "POST",
    "/?Param1=value1",
    "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"
)]
fn aws_signature_v4_can_be_said(#[case] method: &str, #[case] path: &str, #[case] signature: &str) {
    let mut request = get(&format!("https://example.amazonaws.com{path}"));
    *request.method_mut() = method.parse().unwrap();
    let signed = signed(&hmac(SIGV4), request);
    let authorization = signed.headers()["authorization"].to_str().unwrap();
    let expected = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={signature}"
    );
    assert_eq!(authorization, expected);
}

/// Of the same suite: headers that come twice, in no order, and with white space.
#[rstest]
#[case::get_header_key_duplicate(
    &[("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")],
    "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"
)]
#[case::get_header_value_order(
    &[("my-header1", "value4"), ("my-header1", "value1"), ("my-header1", "value3"), ("my-header1", "value2")],
    "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"
)]
#[case::get_header_value_trim(
    &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
    "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"
)]
fn signed_headers_of_aws_signature_v4_can_be_said(
    #[case] headers: &[(&'static str, &str)],
    #[case] signature: &str,
) {
    let mut request = get("https://example.amazonaws.com/");
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    let names: BTreeSet<_> = headers.iter().map(|(name, _)| *name).collect();
    let names: String = names.iter().map(|name| format!("{name:?}, ")).collect();
    let block = SIGV4.replace("[\"x-amz-date\"", &format!("[{names}\"x-amz-date\""));
    let signed = signed(&hmac(&block), request);
    let authorization = signed.headers()["authorization"].to_str().unwrap();
    let end = format!(", Signature={signature}");
    assert!(authorization.ends_with(&end), "{authorization}");
}

#[rstest]
#[case("https://example.com/groups?b=1&a=2&c=x+y*z")]
#[case("https://example.com:8443/a%20b/%C3%A9/?q=%2B&q=%21")]
#[case("https://example.com/groups?empty=&none")]
fn it_signs_what_aws_own_signer_signs(#[case] uri: &str) {
    let aws = resolve(
        "type = 'aws_sigv4'\nregion = 'us-east-1'\nservice = 'service'\naccess_key = { env = 'KEY' }\n\
         secret_key = { env = 'SECRET' }",
    );
    let (aws, ours) = (
        signed(&aws.unwrap(), get(uri)),
        signed(&hmac(SIGV4), get(uri)),
    );
    assert_eq!(ours.uri(), aws.uri());
    assert_eq!(
        ours.headers()["authorization"],
        aws.headers()["authorization"]
    );
}

/// As the documentation of Amazon S3 has it ("Authenticating Requests: Using Query Parameters").
#[test]
fn a_presigned_url_of_aws_can_be_said() {
    let auth = resolve(
        r#"
        type = "hmac"
        key_id = { env = "S3_KEY" }
        secret = { env = "S3_SECRET" }
        key_prefix = "AWS4"
        derived_key = ["{short_date}", "us-east-1", "s3", "aws4_request"]
        date = { query = "X-Amz-Date", format = "%Y%m%dT%H%M%SZ", short_format = "%Y%m%d" }
        signed_headers = ["host"]
        canonical_request = "{method}\n{path}\n{canonical_query}\n{canonical_headers}\n{signed_headers}\nUNSIGNED-PAYLOAD"
        string_to_sign = "AWS4-HMAC-SHA256\n{date}\n{short_date}/us-east-1/s3/aws4_request\n{canonical_hash}"
        [auth.query]
        X-Amz-Algorithm = "AWS4-HMAC-SHA256"
        X-Amz-Credential = "{key_id}/{short_date}/us-east-1/s3/aws4_request"
        X-Amz-Expires = "86400"
        X-Amz-SignedHeaders = "{signed_headers}"
        X-Amz-Signature = "{signature}"
        "#,
    )
    .unwrap();
    let mut request = get("https://examplebucket.s3.amazonaws.com/test.txt");
    let now = "2013-05-24T00:00:00Z".parse().unwrap();
    auth.sign(&mut request, None, now).unwrap();
    let expected = "X-Amz-Date=20130524T000000Z&X-Amz-Algorithm=AWS4-HMAC-SHA256&\
        X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Expires=86400&\
        X-Amz-SignedHeaders=host&\
        X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    assert_eq!(request.uri().query(), Some(expected));
    let once = request.uri().clone();
    auth.sign(&mut request, None, now).unwrap();
    assert_eq!(request.uri(), &once);
}

#[test]
fn a_nonce_is_the_same_in_all_texts_of_one_request_and_another_in_the_next() {
    let auth = hmac(
        r#"string_to_sign = "{nonce}"
           header = "{nonce}:{signature}"
           headers = { X-Nonce = "{nonce}", Content-MD5 = "{body_hash}" }
           hash = "md5"
           encoding = "base64""#,
    );
    let once = signed(&auth, get("https://example.com/"));
    let nonce = once.headers()["x-nonce"].to_str().unwrap();
    assert_eq!(nonce.len(), 32);
    assert_eq!(once.headers()["content-md5"], "1B2M2Y8AsgTpgAmY7PhCfg==");
    let value = once.headers()["authorization"].to_str().unwrap();
    let SignedText(text) = once.extensions().get().unwrap();
    assert!(value.starts_with(nonce) && text == nonce, "{value}");
    let again = signed(&auth, get("https://example.com/"));
    assert_ne!(again.headers()["x-nonce"], nonce);
}

/// RFC 2202, section 2.
#[test]
fn md5_signs_as_its_rfc_says() {
    let signature = mac(Hash::Md5, b"Jefe", b"what do ya want for nothing?").unwrap();
    assert_eq!(hex(&signature), "750c783e6ab0b503eaa86e310a5db738");
}

#[test]
fn a_header_that_is_signed_must_be_there() {
    let auth = hmac(
        r#"string_to_sign = "{canonical_headers}"
           header = "{signature}"
           signed_headers = ["x-tenant"]"#,
    );
    let mut request = get("https://example.com/");
    let error = auth
        .sign(&mut request, None, Timestamp::UNIX_EPOCH)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the request has no header `x-tenant` that could be signed"
    );
    request
        .headers_mut()
        .append("x-tenant", HeaderValue::from_static(" a   b "));
    request
        .headers_mut()
        .append("x-tenant", HeaderValue::from_static("c"));
    auth.sign(&mut request, None, Timestamp::UNIX_EPOCH)
        .unwrap();
    let SignedText(text) = request.extensions().get().unwrap();
    assert_eq!(text, "x-tenant:a b,c\n");
}
