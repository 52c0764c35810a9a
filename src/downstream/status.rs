//! `GET /status`: how everything stands, as JSON.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Serialize;

use crate::catalog::{RunningWalk, SourceLookup, WalkRecord};
use crate::page::ended_by::EndedBy;
use crate::page_memory::PageMemoryCounts;
use crate::reload::ConfigurationStanding;
use crate::telemetry;
use crate::upstream::transport::Circuit;

use super::bodies::BodyMemoryCounts;
use super::connections::ConnectionCounts;
use super::generation::Generation;
use super::problem::ProblemDetails;
use super::response::Response;
use super::services::{CatalogService, peek_all};
use super::source_list::ListedSource;
use super::sources::json;

/// The answer of `GET /status`.
#[derive(Debug, Serialize)]
struct Status {
    /// The version of groupgate.
    version: &'static str,
    /// How long it has been serving, in seconds.
    uptime_seconds: u64,
    /// Whether it is about to stop.
    draining: bool,
    /// How many log lines were dropped because their reader was too slow.
    dropped_log_lines: usize,
    /// Which configuration is in force, and what became of the last reload.
    configuration: Arc<ConfigurationStanding>,
    /// How the connections of callers stand.
    connections: ConnectionCounts,
    /// What takes how much memory.
    memory: Memory,
    /// How many groups there are in all.
    groups: usize,
    /// How each source stands, in order of name.
    sources: Vec<Standing>,
}

/// What takes how much memory, in bytes.
#[derive(Debug, Serialize)]
struct Memory {
    /// All that may be taken (`cache.capacity`).
    capacity: u64,
    #[serde(flatten)]
    pages: PageMemoryCounts,
    #[serde(flatten)]
    bodies: BodyMemoryCounts,
}

/// How one source stands, and whether it is asked at all.
#[derive(Debug, Serialize)]
struct Standing {
    #[serde(flatten)]
    source: ListedSource,
    /// Why the walk that brought its list knew that it is whole; null where the list is from disk.
    ended_by: Option<EndedBy>,
    /// The lists of callers, where each caller is asked for by itself; else null.
    scopes: Option<ScopesStanding>,
    /// How its circuit breaker stands; null where it is switched off.
    circuit: Option<Circuit>,
    /// How far its walk is, null if none is under way. One that has been for long and has read
    /// little waits for the upstream.
    walking: Option<RunningWalk>,
    /// What its last walks were like, page by page, the latest first.
    walks: Vec<Arc<WalkRecord>>,
}

/// The lists of callers that are held of one source.
#[derive(Debug, Serialize)]
struct ScopesStanding {
    /// How many callers' lists there are; callers of whom the same is sent count as one.
    held: u64,
    /// How many there may be.
    limit: u32,
    /// How much memory they take, in bytes.
    bytes: u64,
    /// How much they may take.
    bytes_limit: u64,
}

/// Answers `GET /status`.
pub(crate) fn status<G: CatalogService>(
    generation: &Generation<G>,
) -> Result<Response, ProblemDetails> {
    let held = peek_all(&generation.gateway);
    let standing = |held: &SourceLookup| Standing {
        source: ListedSource::from(held),
        ended_by: held.ended_by,
        scopes: scopes(generation, &held.source),
        circuit: generation.gateway.circuit(&held.source),
        walking: generation.gateway.walking(&held.source),
        walks: generation.gateway.last_walks(&held.source),
    };
    let snapshots = held.iter().filter_map(|held| held.snapshot.as_ref());
    json(&Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: generation.process.begun.elapsed().as_secs(),
        draining: generation.process.draining.load(Ordering::Relaxed),
        dropped_log_lines: telemetry::dropped_lines(),
        configuration: generation.process.reloads.standing(),
        connections: generation.process.connections.counts(),
        memory: Memory {
            capacity: generation.plan.cache.capacity,
            pages: generation.gateway.page_memory(),
            bodies: generation.process.bodies.counts(),
        },
        groups: snapshots.map(|snapshot| snapshot.len()).sum(),
        sources: held.iter().map(standing).collect(),
    })
}

fn scopes<G: CatalogService>(generation: &Generation<G>, source: &str) -> Option<ScopesStanding> {
    let limit = generation.plan.upstream(source)?.on_behalf.as_ref()?.scopes;
    let standing = generation.gateway.scopes(source)?;
    Some(ScopesStanding {
        held: standing.entries,
        limit,
        bytes: standing.bytes,
        bytes_limit: standing.capacity,
    })
}
