//! Requests that groupgate signed, for an independent implementation to sign again.
//!
//! Written to `target/sigv4-cases.jsonl`, one case a line; `tests/real/run` hands them to botocore.
//! What is checked here is that each request was signed at all.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use groupgate::plan::{Auth, SecretValue, SigV4};
use http::{HeaderMap, Request};
use jiff::Timestamp;
use serde_json::{Value, json};

const ACCESS_KEY: &str = "AKIDEXAMPLE";
const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SESSION_TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLE==";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// One account, which asks one service.
struct Account {
    region: &'static str,
    service: &'static str,
    session_token: Option<&'static str>,
}

const ACCOUNTS: [Account; 3] = [
    Account {
        region: "us-east-1",
        service: "VinylDNS",
        session_token: None,
    },
    Account {
        region: "eu-west-3",
        service: "execute-api",
        session_token: Some(SESSION_TOKEN),
    },
    Account {
        region: "us-east-1",
        service: "s3",
        session_token: None,
    },
];

impl Account {
    fn auth(&self) -> Auth {
        Auth::SigV4(SigV4 {
            region: self.region.to_owned(),
            service: self.service.to_owned(),
            access_key: ACCESS_KEY.into(),
            secret_key: SECRET_KEY.into(),
            session_token: self.session_token.map(SecretValue::from),
            sign_headers: Vec::new(),
        })
    }

    fn sign(&self, mut request: Request<Bytes>, now: Timestamp) -> Value {
        let sent = text_headers(request.headers());
        self.auth().sign(&mut request, None, now).unwrap();
        let mut signed = text_headers(request.headers());
        let authorization = signed.remove("authorization");
        json!({
            "region": self.region,
            "service": self.service,
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
            "session_token": self.session_token,
            "now": now.strftime("%Y%m%dT%H%M%SZ").to_string(),
            "method": request.method().as_str(),
            "url": request.uri().to_string(),
            "headers": sent,
            "body": std::str::from_utf8(request.body()).unwrap(),
            "signed_headers": signed,
            "authorization": authorization,
        })
    }
}

fn text_headers(headers: &HeaderMap) -> serde_json::Map<String, Value> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
        .collect()
}

fn requests() -> Vec<Request<Bytes>> {
    let urls = [
        "https://dns.example.com/groups",
        "https://dns.example.com",
        "http://127.0.0.1:9000/groups?maxItems=100&ignoreAccess=false",
        "https://dns.example.com:443/groups?startFrom=&maxItems=1",
        "http://dns.example.com:80/groups?flag",
        "https://dns.example.com/groups?b=2&a=1&a=0&B=3&a=",
        "https://dns.example.com/groups?name=a%20b+c%2Bd*e~f%7Eg",
        "https://dns.example.com/groups?q=!'()*,;:@/?$%26%3D%23%5B%5D%25",
        "https://dns.example.com/groups?gr%C3%BCppe=%e5%90%8d%f0%9f%90%88",
        "https://dns.example.com/groups?gr\u{fc}ppe=\u{540d}",
        "https://dns.example.com/groups?a-b=1&a=2&a.b=3&a_b=4&aB=5",
        "https://dns.example.com/groups?filter%5Bname%5D=x&%24top=5",
        "https://dns.example.com/groups?x=%2525&y=%25",
        "https://dns.example.com/organizations/a%20b%2Fc/groups",
        "https://dns.example.com/groups/caf%C3%A9/(x)@y:z*~",
        "https://dns.example.com//v1/./old/../groups/",
    ];
    let get = |url| Request::get(url).body(Bytes::new()).unwrap();
    let post = |kind, body| {
        Request::post("https://dns.example.com/groups?page=1")
            .header("content-type", kind)
            .body(Bytes::from_static(body))
            .unwrap()
    };
    let mut requests: Vec<_> = urls.into_iter().map(get).collect();
    requests.extend([
        post(FORM, b"name=a+b&name=%C3%A9&empty=".as_slice()),
        post(JSON, r#"{"name":"Grüppe 名","n":[1,2]}"#.as_bytes()),
        post(JSON, b"{}"),
        post(JSON, b""),
        Request::get("https://dns.example.com/groups")
            .header("accept", "application/json")
            .header("domain", "  my   domain ")
            .header("x-amz-target", "Groups.List")
            .header("user-agent", "groupgate")
            .header(
                "traceparent",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            )
            .body(Bytes::from_static(b"null"))
            .unwrap(),
        Request::get("https://127.0.0.1:9000/groups")
            .header("host", "dns.example.com")
            .body(Bytes::new())
            .unwrap(),
    ]);
    requests
}

#[test]
fn every_request_is_signed_for_its_account_and_day() {
    let now: Timestamp = "2026-11-21T23:59:59.5Z".parse().unwrap();
    let cases: Vec<_> = ACCOUNTS
        .iter()
        .flat_map(|account| {
            requests()
                .into_iter()
                .map(|request| account.sign(request, now))
        })
        .collect();
    for case in &cases {
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20261121/{}/{}/aws4_request, ",
            case["region"].as_str().unwrap(),
            case["service"].as_str().unwrap(),
        );
        let authorization = case["authorization"].as_str().unwrap();
        assert!(authorization.starts_with(&scope), "{authorization}");
    }
    let lines: Vec<_> = cases.iter().map(Value::to_string).collect();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    fs::write(target.join("sigv4-cases.jsonl"), lines.join("\n") + "\n").unwrap();
}
