//! The gateway in front of the emulated upstreams, to try by hand.
//!
//! It runs the shipped `gateway.toml` itself: base URLs and secrets come through the environment, as
//! they would in production.

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::app::App;
use crate::catalog::{Scope, SourceState};
use crate::clock::WallClock;
use crate::config::{Environment, load_text};
use crate::terminal::{CommandError, print, stop_signal};

use super::Emulations;
use super::callers::DemoCallers;
use super::options::Options;

/// The configuration that ships with groupgate.
const SHIPPED: &str = include_str!("../../../gateway.toml");

/// Groups per upstream up to which the shipped limits are enough.
const SHIPPED_GROUPS: usize = 50_000;

/// Starts emulations with these options and the gateway in front of them, until it is stopped. It may tell
/// two callers apart.
pub(crate) async fn run(
    options: Options,
    tells_apart: bool,
    environment: Environment,
) -> Result<(), CommandError> {
    let callers = tells_apart.then(DemoCallers::new);
    let emulations = Emulations::start(options.clone()).await?;
    let environment = overlaid(&options, &emulations, environment);
    let granted = callers
        .as_ref()
        .map_or_else(String::new, DemoCallers::configuration);
    let loaded = load_text("gateway.toml", &format!("{SHIPPED}{granted}"), environment)
        .map_err(|report| CommandError::report(&report))?;
    let wall = WallClock::system();
    let compiled = App::compile(&loaded, &wall).map_err(|report| CommandError::report(&report))?;
    let app = App::start(&loaded, compiled, &wall)
        .await
        .map_err(CommandError::start)?;
    print(&greeting(&options, &emulations))?;
    let mut stop = Box::pin(stop_signal()?);
    tokio::select! {
        () = watch_first_walks(&app) => {}
        () = &mut stop => return Ok(()),
    }
    print(&invitation(&app, callers.as_ref()))?;
    print(&credentials(&emulations))?;
    stop.await;
    app.stop().await;
    Ok(())
}

/// The environment under which the shipped file runs here. The user's own comes last, so that
/// `GROUPGATE__SERVER__LISTEN` and its like win.
fn overlaid(options: &Options, emulations: &Emulations, user: Environment) -> Environment {
    let mut variables = emulations.variables();
    if options.groups > SHIPPED_GROUPS {
        variables.extend(limits_for_many(emulations));
    }
    variables
        .into_iter()
        .collect::<Environment>()
        .overlaid(user)
}

fn greeting(options: &Options, emulations: &Emulations) -> String {
    let mut text = format!(
        "five emulated upstreams, {} groups each, {:?} an answer:\n",
        options.groups, options.latency
    );
    for emulation in emulations {
        let (name, base_url) = (emulation.name(), emulation.base_url());
        let fault = options
            .fault_of(name)
            .map_or_else(String::new, |fault| format!("  (fault: {fault})"));
        text.push_str(&format!("  {name:<12} {base_url}{fault}\n"));
    }
    text
}

/// Larger limits than the shipped ones, for lists of a million: memory, page size, and time.
fn limits_for_many(emulations: &Emulations) -> impl Iterator<Item = (String, String)> {
    let cache = [("GROUPGATE__CACHE__CAPACITY", "12GiB")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let limits = [
        ("PAGE_BYTES", "1GiB"),
        ("WALK_BYTES", "4GiB"),
        ("TIMEOUT", "120s"),
        ("WALK", "30m"),
        ("RATE", "100000/s"),
    ];
    let upstreams: Vec<_> = emulations
        .iter()
        .flat_map(|emulation| {
            let name = emulation.name().to_uppercase();
            limits.map(|(key, value)| {
                let variable = format!("GROUPGATE__UPSTREAMS__{name}__LIMITS__{key}");
                (variable, value.to_owned())
            })
        })
        .collect();
    cache.into_iter().chain(upstreams)
}

/// Shows the progress of the first walks on a terminal.
async fn watch_first_walks(app: &App) {
    let bar = if io::stderr().is_terminal() {
        ProgressBar::new_spinner()
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    loop {
        tick.tick().await;
        let generation = app.live().load();
        let catalog = generation.catalog();
        let walking: Vec<_> = catalog
            .sources()
            .iter()
            .filter(|source| {
                catalog
                    .peek(&source.name, &Scope::Shared)
                    .is_some_and(|held| held.state == SourceState::Pending)
            })
            .collect();
        if walking.is_empty() {
            break;
        }
        let progress: Vec<_> = walking
            .iter()
            .map(|source| {
                let records = catalog
                    .running_walk(&source.name, &Scope::Shared)
                    .map_or(0, |walking| walking.records);
                format!("{} {records}", source.name)
            })
            .collect();
        bar.set_message(format!("walking: {}", progress.join(", ")));
        bar.tick();
    }
    bar.finish_and_clear();
}

fn invitation(app: &App, callers: Option<&DemoCallers>) -> String {
    let data = reachable(app.data_addr());
    let admin = reachable(app.admin_addr());
    let mut text = String::from("\nthe gateway:\n");
    let generation = app.live().load();
    let catalog = generation.catalog();
    for source in catalog.sources() {
        let Some(held) = catalog.peek(&source.name, &Scope::Shared) else {
            continue;
        };
        let outcome = match (&held.snapshot, &held.error) {
            (Some(snapshot), _) => format!("{} groups", snapshot.len()),
            (None, Some(error)) => format!("failed: {error}"),
            (None, None) => "still walking".to_owned(),
        };
        text.push_str(&format!("  {:<12} {outcome}\n", source.name));
    }
    if let Some(callers) = callers {
        text.push_str(&callers.invitation(data));
        return text;
    }
    text.push_str(&format!(
        "\ntry it:\n\
         \x20 curl -s 'http://{data}/groups?limit=3'\n\
         \x20 curl -s 'http://{data}/groups?search=sales&sort=-created_at&fields=name,created_at'\n\
         \x20 curl -s 'http://{data}/groups?source=tallyfy,publisher&limit=5' -H 'Accept: text/csv'\n\
         \x20 curl -s 'http://{data}/groups?limit=all' -H 'Accept: application/x-ndjson' | tail -1\n\
         \x20 curl -s 'http://{data}/sources'\n\
         \x20 curl -s 'http://{admin}/status'\n\
         \nread about it: http://{data}/docs   stop it: ctrl-c"
    ));
    text
}

/// What the emulations accept, so that they can be asked without the gateway.
fn credentials(emulations: &Emulations) -> String {
    let mut text = String::from("\nthe credentials of the emulated upstreams:\n");
    for emulation in emulations {
        let pairs = emulation.credentials().iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        text.push_str(&format!("  {:<12} {}\n", emulation.name(), pairs.join(" ")));
    }
    text.push_str("\nask them without the gateway:\n");
    for emulation in emulations {
        text.push_str(&format!("  {}\n", emulation.curl()));
    }
    text
}

/// An address that a client on this machine can use, also where the gateway listens on all.
fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    let loopback = match address {
        SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(loopback, address.port())
}
