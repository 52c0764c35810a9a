//! How many instructions two hot paths take: a page that was asked for before, by anybody and by a caller with a
//! token, and a list of 10,000 groups from bytes to snapshot. Where others use the machine, too, they say what time does not.
//!
//! ```text
//! cargo bench --bench instructions    # counts, by valgrind's callgrind
//! benches/instructions/compare        # beside the parent commit
//! ```
//!
//! A cached page is counted in the shipped binary, the log's thread and everything else included: what
//! `MANY` answers take more than `FEW`. It logs to a file, as in the container.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark whose set-up fails has nothing to count, and it prints what it counted"
)]

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

use groupgate::tools::demo::{Emulations, Options};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use mimalloc::MiMalloc;
use rcgen::KeyPair;
use serde_json::json;

#[path = "../normalize/shapes.rs"]
mod shapes;
use shapes::{GROUPS, Shape};

/// As the gateway itself.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const FEW: u64 = 1_000;
const MANY: u64 = 11_000;

/// Whose lists are normalized: one in JSON, one in XML.
const NORMALIZED: [&str; 2] = ["vinyldns", "publisher"];

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    if let [_, word, name] = arguments.as_slice()
        && word == "normalize"
    {
        return normalize(&shapes::all(Some(name))[0]);
    }
    let directory = tempfile::tempdir().unwrap();
    let settings = fs::read_to_string("gateway.toml").unwrap();
    let (token, callers) = token_caller(directory.path());
    for (name, settings, headers) in [
        ("cached page", settings.clone(), String::new()),
        ("304", settings.clone(), "if-none-match: *\r\n".to_owned()),
        (
            "cached page, by token",
            settings + &callers,
            format!("authorization: Bearer {token}\r\n"),
        ),
    ] {
        let file = directory.path().join("gateway.toml");
        fs::write(&file, settings).unwrap();
        let [few, many] = [FEW, MANY].map(|answers| cached(directory.path(), answers, &headers));
        println!("{name}\t{}", (many - few) / (MANY - FEW));
    }
    for name in NORMALIZED {
        println!(
            "normalizing {name}\t{}",
            normalizing(directory.path(), name)
        );
    }
}

/// What a profiler is told to look at alone.
#[inline(never)]
fn normalize(shape: &Shape) {
    assert_eq!(black_box(shape).snapshot().len(), GROUPS);
}

fn normalizing(directory: &Path, name: &str) -> u64 {
    let mut command = callgrind(directory);
    let program = std::env::current_exe().unwrap();
    command.arg("--toggle-collect=instructions::normalize");
    let status = command.arg(program).args(["normalize", name]).status();
    assert!(status.unwrap().success());
    counted(directory)
}

/// A token of about a kilobyte, and what the configuration says of its caller.
fn token_caller(directory: &Path) -> (String, String) {
    let key = EncodingKey::from_ec_der(&KeyPair::generate().unwrap().serialize_der());
    let public = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
    let keys = directory.join("keys.json");
    fs::write(&keys, json!({ "keys": [public] }).to_string()).unwrap();
    let groups: Vec<_> = (0..20)
        .map(|number| format!("/division/group-{number}"))
        .collect();
    let claims = json!({ "iss": "i", "aud": "a", "sub": "s", "exp": 1e10, "groups": groups });
    let token = encode(&Header::new(Algorithm::ES256), &claims, &key).unwrap();
    let callers = format!(
        "
        [callers.jwt]
        issuer = 'i'
        audience = 'a'
        jwks = {{ file = '{}' }}
        [grants.all]
        sources = ['*']
        when = {{ claim = '/groups', any = ['/division/group-7'] }}
        ",
        keys.display()
    );
    (token, callers)
}

/// The instructions of a gateway that starts, answers so often with one page, and stops.
fn cached(directory: &Path, answers: u64, headers: &str) -> u64 {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let emulations = runtime
        .block_on(Emulations::start(Options::default()))
        .unwrap();
    let [address, admin] = [free_port(), free_port()];
    let mut gateway = callgrind(directory)
        .arg(env!("CARGO_BIN_EXE_groupgate"))
        .args(["serve", "--config"])
        .arg(directory.join("gateway.toml"))
        .envs(emulations.variables())
        .env("GROUPGATE__SERVER__LISTEN", address.to_string())
        .env("GROUPGATE__SERVER__ADMIN", admin.to_string())
        // No list is walked again meanwhile.
        .env("GROUPGATE__CACHE__TTL", "1h")
        .env("GROUPGATE__RATE_LIMIT__PER_CLIENT", "1000000/s")
        .env("GROUPGATE__RATE_LIMIT__BURST", "1000000")
        .stderr(File::create(directory.join("log")).unwrap())
        .spawn()
        .unwrap();
    if !is_ready(admin, &mut gateway) {
        let log = fs::read_to_string(directory.join("log"));
        panic!("the gateway does not get ready: {log:?}");
    }
    let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
    for _ in 0..answers {
        let expected = if headers.starts_with("if-none-match") {
            304
        } else {
            200
        };
        assert_eq!(ask(&mut stream, "/groups?limit=50", headers), expected);
    }
    // Asked to stop, it ends by itself, or nothing would be counted.
    let stopped = Command::new("kill").arg(gateway.id().to_string()).status();
    assert!(stopped.unwrap().success() && gateway.wait().unwrap().success());
    counted(directory)
}

#[expect(
    clippy::disallowed_methods,
    reason = "it blocks no runtime, only this program"
)]
fn is_ready(admin: SocketAddr, gateway: &mut Child) -> bool {
    for _ in 0..600 {
        let stream = TcpStream::connect(admin).map(BufReader::new);
        if stream.is_ok_and(|mut stream| ask(&mut stream, "/readyz", "") == 200) {
            return true;
        }
        if gateway.try_wait().unwrap().is_some() {
            return false;
        }
        sleep(Duration::from_millis(100));
    }
    false
}

/// Asks once, and reads the answer to its end. Returned is its status.
fn ask(stream: &mut BufReader<TcpStream>, path: &str, headers: &str) -> u16 {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
    stream.get_mut().write_all(request.as_bytes()).unwrap();
    let (mut status, mut length) = (0, 0);
    let mut line = String::new();
    loop {
        line.clear();
        stream.read_line(&mut line).unwrap();
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest[..3].parse().unwrap();
        } else if let Some(rest) = line.strip_prefix("content-length: ") {
            length = rest.trim().parse().unwrap();
        } else if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    status
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// A command that counts what it runs.
fn callgrind(directory: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    let log = directory.join("counted");
    command.arg(format!("--log-file={}", log.display()));
    command
}

/// What it counted.
fn counted(directory: &Path) -> u64 {
    let log = fs::read_to_string(directory.join("counted")).unwrap();
    let total = log.lines().find_map(|line| line.split_once("Collected : "));
    total.unwrap().1.trim().parse().unwrap()
}
