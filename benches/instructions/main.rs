//! How many instructions two hot paths take: a page that was asked for before, and a list of 10,000 groups
//! from bytes to snapshot. Where others use the machine, too, they say what time does not.
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
use mimalloc::MiMalloc;

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
    let [few, many] = [FEW, MANY].map(|answers| cached(directory.path(), answers));
    println!("cached page\t{}", (many - few) / (MANY - FEW));
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

/// The instructions of a gateway that starts, answers so often with one page, and stops.
fn cached(directory: &Path, answers: u64) -> u64 {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let emulations = runtime
        .block_on(Emulations::start(Options::default()))
        .unwrap();
    let [address, admin] = [free_port(), free_port()];
    let mut gateway = callgrind(directory)
        .arg(env!("CARGO_BIN_EXE_groupgate"))
        .args(["serve", "--config", "gateway.toml"])
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
    wait_until_ready(admin, &mut gateway);
    let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
    for _ in 0..answers {
        assert_eq!(ask(&mut stream, "/groups?limit=50"), 200);
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
fn wait_until_ready(admin: SocketAddr, gateway: &mut Child) {
    for _ in 0..600 {
        let stream = TcpStream::connect(admin).map(BufReader::new);
        if stream.is_ok_and(|mut stream| ask(&mut stream, "/readyz") == 200) {
            return;
        }
        assert!(gateway.try_wait().unwrap().is_none(), "the gateway ended");
        sleep(Duration::from_millis(100));
    }
    panic!("the gateway does not get ready");
}

/// Asks once, and reads the answer to its end. Returned is its status.
fn ask(stream: &mut BufReader<TcpStream>, path: &str) -> u16 {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
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
