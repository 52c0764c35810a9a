//! What is searched for: a secret in every place that takes one, in every form that it may be written in.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use bytes::Bytes;
use http::{Request, Response};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::support::server::Server;

/// What stands at the end of every upstream's block.
const USUAL: &str = "records = '/items'\nmessage = '/message'\nlimits = { retries = 1, timeout = '300ms' }\n\
                     fields = { id = 'id', name = 'id' }\n";

/// Each upstream's keys besides the usual ones. `MARK` is a secret of its own at each place.
const UPSTREAMS: &[&str] = &[
    "auth = { type = 'bearer', token = MARK }",
    "auth = { type = 'basic', username = MARK, password = MARK }",
    "auth = { type = 'api_key', header = 'x-key', key = MARK }",
    "auth = { type = 'api_key', query = 'key', key = MARK }",
    "auth = { type = 'aws_sigv4', region = 'r', service = 's', access_key = MARK, secret_key = MARK, session_token = MARK }",
    "auth = { type = 'hmac', key_id = MARK, secret = MARK, string_to_sign = '{method}{path}{query}{host}{key_id}{body_hash}', header = 'K {key_id} {signature}' }",
    "auth = { type = 'hmac', key_id = MARK, secret = MARK, key_prefix = 'X', derived_key = ['{host}'], canonical_request = '{path}{key_id}', string_to_sign = '{canonical_hash}', headers = { x-k = '{key_id}' }, query = { k = '{key_id}', sig = '{signature}' } }",
    "auth = { type = 'http_message_signatures', key_id = MARK, key = MARK, algorithm = 'hmac-sha256' }",
    "auth = { type = 'digest', username = MARK, password = MARK }",
    "auth = { type = 'oauth2_client_credentials', token_url = 'BASE/login', client_id = MARK, client_secret = MARK, scope = 'a' }",
    "auth = { type = 'token_exchange', request = { method = 'POST', path = '/login/{v}', vars = { v = MARK }, headers = { x-a = MARK }, query = { q = MARK }, json = { a = [{ b = MARK }] } }, token = '/access_token' }",
    "request = { path = '/g', query = { page = '{page}' } }\nauth = { type = 'token_exchange', request = { method = 'POST', path = '/login', headers = { x-a = MARK } }, token = '/access_token', expires = '/expires_in', header = 'x-token', scheme = 'plain' }\npagination = { style = 'page', total = '/total' }",
    "auth = { type = 'token_exchange', request = { method = 'POST', path = '/login', form = { a = MARK } }, token = '/access_token' }",
    "auth = { type = 'token_exchange', request = { method = 'POST', path = '/login', body = MARK }, token = '/access_token' }",
    "request = { method = 'POST', path = '/{login.a}', idempotent = true, headers = { x-c = '{login.c}' }, query = { t = '{login.one.token}' }, json = { s = '{login.token}' } }\nauth = { type = 'token_exchange', base_url = 'BASE', request = { method = 'POST', path = '/login', json = { a = '{login.one.token}', b = MARK } }, token = '/access_token', values = { a = '/access_token', c = '/access_token' }, cookies = false, chain = { one = { type = 'oauth2_client_credentials', token_url = 'BASE/login', client_id = MARK, client_secret = MARK } } }",
    "auth = { type = 'token_exchange', request = { method = 'POST', path = '/login', json = { b = MARK } }, token = '/access_token', query = 'sid' }",
    "auth = { type = 'oauth2_password', token_url = 'BASE/login', client_id = MARK, client_secret = MARK, client_auth = 'client_secret_post', username = MARK, password = MARK, parameters = { x = MARK } }",
    "auth = { type = 'oauth2_refresh_token', token_url = 'BASE/login', client_id = MARK, client_secret = MARK, client_auth = 'client_secret_basic_unencoded', refresh_token = MARK }",
    "auth = { type = 'oauth2_jwt_bearer', token_url = 'BASE/login', client_id = MARK, client_assertion = { private_key = MARK, algorithm = 'HS256' }, assertion = { private_key = MARK, algorithm = 'HS512', issuer = MARK, subject = MARK, claims = { a = [MARK] } } }",
    "auth = { type = 'token_exchange', request = { method = 'POST', path = '/login', json = { b = MARK } }, token = '/access_token', cookie = 'SID' }",
    "request = { path = '/{v}', vars = { v = MARK }, headers = { cookie = MARK, x-b = '{v}' }, query = { sig = MARK, several = [MARK, MARK] } }",
    "request = { method = 'POST', path = '/g', idempotent = true, json = { a = { b = [MARK] } } }",
    "request = { method = 'POST', path = '/g', idempotent = true, form = { pwd = MARK } }",
    "request = { method = 'POST', path = '/g', idempotent = true, body = MARK }",
    "connection = { proxy = 'BASE', proxy_username = MARK, proxy_password = MARK }",
];

/// The token that a login brings, which is a secret too.
pub(super) const TOKEN: &str = "tOkEn~login?mark>7f3a9c";

/// A configuration, and the secrets in it.
pub(super) struct Setup {
    pub(super) toml: String,
    pub(super) names: Vec<String>,
    pub(super) variables: Vec<(String, String)>,
    pub(super) marks: Vec<String>,
}

pub(super) fn setup(base_url: &str, tls: &TlsPeer, directory: &Path) -> Setup {
    let mut setup = Setup {
        toml: format!(
            "[server]\nlisten = '127.0.0.1:0'\nadmin = '127.0.0.1:0'\nadmin_token = MARK\n\
             shutdown_delay = '0s'\n[cursor]\nkeys = [MARK]\n[cache]\ndirectory = '{}'\n",
            directory.join("cache").display()
        ),
        names: Vec::new(),
        variables: Vec::new(),
        marks: vec![TOKEN.to_owned()],
    };
    for (index, keys) in UPSTREAMS.iter().enumerate() {
        let request = if keys.starts_with("request") {
            ""
        } else {
            "request = { path = '/g' }\n"
        };
        let name = format!("upstream-{index}");
        writeln!(
            setup.toml,
            "[upstreams.{name}]\nbase_url = '{base_url}'\n{request}{USUAL}{}",
            keys.replace("BASE", base_url)
        )
        .unwrap();
        setup.names.push(name);
    }
    tls.add(&mut setup, directory);
    while let Some(at) = setup.toml.find("MARK") {
        let number = setup.marks.len();
        // Long enough for a cursor key, with letters that every encoding changes.
        let mark = format!("mArK~{number:02}?sEcReT>for-a-test-of-{number:02}-leaks~zZ");
        // From the environment and from files in turn.
        let place = if number.is_multiple_of(2) {
            let path = directory.join(format!("secret-{number}"));
            std::fs::write(&path, format!("{mark}\n")).unwrap();
            format!("{{ file = '{}' }}", path.display())
        } else {
            setup
                .variables
                .push((format!("NUMBER_{number}"), mark.clone()));
            format!("{{ env = 'NUMBER_{number}' }}")
        };
        setup.toml.replace_range(at..at + 4, &place);
        setup.marks.push(mark);
    }
    setup
}

/// A secret as it may be written: as it is, percent-encoded, in hexadecimal digits and in base64, there
/// wherever it begins in a longer text.
fn forms(mark: &str) -> Vec<String> {
    let hex = mark
        .bytes()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let percent = percent_encoding::utf8_percent_encode(mark, percent_encoding::NON_ALPHANUMERIC);
    let query: String = url::form_urlencoded::byte_serialize(mark.as_bytes()).collect();
    let unreserved = percent.to_string().replace("%2D", "-").replace("%7E", "~");
    let mut forms = vec![mark.to_owned(), percent.to_string(), unreserved, query];
    forms.extend([hex.to_uppercase(), hex]);
    // As a derived `Debug` writes bytes.
    let bytes = format!("{:?}", mark.as_bytes());
    forms.push(bytes[1..bytes.len() - 1].to_owned());
    for before in 0..3 {
        let text = [&vec![b'x'; before][..], mark.as_bytes()].concat();
        for engine in [STANDARD, URL_SAFE] {
            let encoded = engine.encode(&text);
            // The letters at both ends depend on what is around.
            forms.push(encoded[4..encoded.len() - 4].to_owned());
        }
    }
    forms
}

pub(super) fn assert_no_mark(written: &str, marks: &[String], what: &str) {
    for mark in marks {
        for form in forms(mark) {
            if let Some(at) = written.find(&form) {
                let start = written.floor_char_boundary(at.saturating_sub(300));
                let end = written.floor_char_boundary(at + 200);
                panic!("{what} shows {mark} as {form}: {}", &written[start..end]);
            }
        }
    }
}

/// An upstream over TLS that asks for a certificate, and the files for whoever asks it.
pub(super) struct TlsPeer {
    pub(super) server: Server,
    authority: String,
    certificate: String,
    key: String,
}

impl TlsPeer {
    pub(super) async fn start(
        answer: impl Fn(&Request<Bytes>) -> Response<String> + Send + Sync + 'static,
    ) -> Self {
        let signed = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let (server, client) = (signed("127.0.0.1"), signed("groupgate"));
        let mut roots = RootCertStore::empty();
        roots.add(client.cert.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).allow_unauthenticated();
        let key = PrivatePkcs8KeyDer::from(server.signing_key.serialize_der());
        let tls = ServerConfig::builder()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![server.cert.der().clone()], key.into())
            .unwrap();
        Self {
            server: Server::bind().await.tls(tls).serve(answer),
            authority: server.cert.pem(),
            certificate: client.cert.pem(),
            key: client.signing_key.serialize_pem(),
        }
    }

    /// Two upstreams that show the certificate: the key of one is in a file, that of the other in the
    /// environment.
    fn add(&self, setup: &mut Setup, directory: &Path) {
        let file = |name: &str, content: &str| {
            let path = directory.join(name);
            std::fs::write(&path, content).unwrap();
            format!("'{}'", path.display())
        };
        let ca = file("ca.pem", &self.authority);
        let certificate = file("client.pem", &self.certificate);
        let key_file = format!("{{ file = {} }}", file("client.key", &self.key));
        let base_url = self.server.base_url();
        for (name, key) in [
            ("key-file", &*key_file),
            ("key-variable", "{ env = 'CLIENT_KEY' }"),
        ] {
            writeln!(
                setup.toml,
                "[upstreams.{name}]\nbase_url = '{base_url}'\nrequest = {{ path = '/g' }}\n{USUAL}\
                 connection = {{ ca = {ca}, client_certificate = {certificate}, client_key = {key} }}"
            )
            .unwrap();
            setup.names.push(name.to_owned());
        }
        setup
            .variables
            .push(("CLIENT_KEY".to_owned(), self.key.clone()));
        // The second line of the PEM holds nothing but the private number.
        let line = self.key.lines().nth(2).unwrap();
        let secret = &line[..24];
        let bytes = format!("{:?}", STANDARD.decode(secret).unwrap());
        setup.marks.push(secret.to_owned());
        setup.marks.push(bytes[1..bytes.len() - 1].to_owned());
    }
}

#[test]
fn a_mark_is_found_in_every_form() {
    let mark = "mArK~01?sEcReT>".to_owned();
    for text in [
        "x mArK~01?sEcReT> y".to_owned(),
        STANDARD.encode("user:mArK~01?sEcReT>"),
        URL_SAFE.encode("u:mArK~01?sEcReT>"),
        "a=mArK~01%3FsEcReT%3E".to_owned(),
        "6d41724b7e30313f7345635265543e".to_owned(),
        format!("{:?}", b"x mArK~01?sEcReT>"),
    ] {
        let found = forms(&mark).iter().any(|form| text.contains(form.as_str()));
        assert!(found, "{text}");
    }
}
