//! What is wrong with files of certificates and keys is told at the key that names them.

use groupgate::app::{App, Compiled};
use groupgate::clock::WallClock;
use groupgate::config::{Report, load_text};
use rstest::rstest;

use super::upstream::config;
use crate::staff::VARIABLES;
use crate::support::authority::{Authority, Time};

fn compile(connection: &str) -> Result<Compiled, Report> {
    let toml = config("", connection).replace("\"\"", "\"https://127.0.0.1\"");
    let environment = VARIABLES.into_iter().collect();
    let loaded = load_text("gateway.toml", &toml, environment)?;
    App::compile(&loaded, &WallClock::system())
}

/// What is said of these settings, where `FOLDER` stands for the authority's folder.
fn report(authority: &Authority, connection: &str) -> String {
    let folder = authority.folder().display().to_string();
    let report = compile(&connection.replace("FOLDER", &folder)).unwrap_err();
    report.to_string().replace(&folder, "FOLDER")
}

/// An authority with every file that a person could name by mistake.
fn authority() -> Authority {
    let authority = Authority::new();
    let [one, other] = [authority.client(), authority.client()];
    authority.file();
    for (name, text) in [
        ("client.pem", one.certificate.pem()),
        ("client.key", one.key.serialize_pem()),
        ("other.key", other.key.serialize_pem()),
        ("expired.pem", Authority::of(Time::Past).pem()),
        ("empty.pem", "nothing\n".to_owned()),
        ("cut.pem", authority.pem().replace("-----END", "")),
        (
            "odd.pem",
            authority.pem() + "-----BEGIN CERTIFICATE-----\nb2Rk\n-----END CERTIFICATE-----\n",
        ),
        (
            "locked.key",
            one.key
                .serialize_pem()
                .replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
        ),
    ] {
        authority.write(name, &text);
    }
    authority
}

const CLIENT: &str = "client_certificate = 'FOLDER/client.pem'\n";

#[rstest]
#[case::not_there(
    "ca",
    "ca = 'FOLDER/none.pem'",
    "the file `FOLDER/none.pem` cannot be read: No such file or directory (os error 2)",
    "an absolute one begins with a slash"
)]
#[case::nothing_in_it(
    "ca",
    "ca = 'FOLDER/empty.pem'",
    "the file `FOLDER/empty.pem` holds no certificate",
    "-----BEGIN CERTIFICATE-----"
)]
#[case::a_key_in_it(
    "ca",
    "ca = 'FOLDER/client.key'",
    "the file `FOLDER/client.key` holds no certificate",
    "-----BEGIN CERTIFICATE-----"
)]
#[case::cut_off(
    "ca",
    "ca = 'FOLDER/cut.pem'",
    "the file `FOLDER/cut.pem` is not complete PEM: certificate 1 is cut off",
    "-----BEGIN CERTIFICATE-----"
)]
#[case::odd(
    "ca",
    "ca = 'FOLDER/odd.pem'",
    "holds a certificate that cannot be read, number 2",
    "openssl x509"
)]
#[case::expired(
    "ca",
    "ca = 'FOLDER/expired.pem'",
    "the file `FOLDER/expired.pem` holds only certificates that have expired",
    "ask for the CA's new certificate"
)]
#[case::of_a_proxy(
    "proxy_ca",
    "proxy = 'https://proxy'\nproxy_ca = 'FOLDER/empty.pem'",
    "the file `FOLDER/empty.pem` holds no certificate",
    "-----BEGIN CERTIFICATE-----"
)]
#[case::no_client(
    "client_certificate",
    "client_certificate = 'FOLDER/empty.pem'\nclient_key = { file = 'FOLDER/client.key' }",
    "the file `FOLDER/empty.pem` holds no certificate",
    "-----BEGIN CERTIFICATE-----"
)]
#[case::another_key(
    "client_key",
    "client_key = { file = 'FOLDER/other.key' }\nclient_certificate = 'FOLDER/client.pem'",
    "the file `FOLDER/other.key` holds a key that does not belong to the certificate in the file `FOLDER/client.pem`",
    "the two are made together"
)]
#[case::no_key(
    "client_key",
    "client_key = { file = 'FOLDER/client.pem' }\nclient_certificate = 'FOLDER/client.pem'",
    "the file `FOLDER/client.pem` holds no private key",
    "-----BEGIN PRIVATE KEY-----"
)]
#[case::a_locked_key(
    "client_key",
    "client_key = { file = 'FOLDER/locked.key' }\nclient_certificate = 'FOLDER/client.pem'",
    "the file `FOLDER/locked.key` holds no private key",
    "`openssl pkey` takes the encryption off"
)]
fn what_is_wrong_with_a_file_is_told_at_its_key(
    #[case] key: &str,
    #[case] connection: &str,
    #[case] message: &str,
    #[case] help: &str,
) {
    let report = report(&authority(), connection);
    assert!(report.contains(message), "{report}");
    assert!(report.contains(help), "{report}");
    // The line over the carets is the one that is shown to be wrong.
    let (above, _) = report.split_once(" : ^").unwrap();
    let (_, shown) = above.trim_end().rsplit_once(" | ").unwrap();
    assert!(shown.starts_with(key), "{report}");
    assert!(report.ends_with("1 problem in gateway.toml"), "{report}");
    assert!(!report.contains("PRIVATE KEY-----\nM"), "{report}");
}

#[test]
fn all_files_are_looked_at_before_anything_is_said() {
    let keys = "ca = 'FOLDER/none.pem'\nclient_key = { file = 'FOLDER/other.key' }\n\
                proxy = 'https://proxy'\nproxy_ca = 'FOLDER/empty.pem'\n";
    let report = report(&authority(), &format!("{CLIENT}{keys}"));
    assert!(report.ends_with("3 problems in gateway.toml"), "{report}");
}

#[test]
fn an_expired_ca_beside_a_good_one_is_passed_over() {
    let authority = authority();
    authority.write(
        "both.pem",
        &(Authority::of(Time::Past).pem() + &authority.pem()),
    );
    let both = format!("ca = '{}/both.pem'", authority.folder().display());
    assert!(compile(&both).is_ok());
}
