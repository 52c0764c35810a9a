//! How everything stands, for metrics.

use std::sync::Arc;
use std::time::Duration;

use crate::catalog::SourceLookup;
use crate::metrics::{MemoryUse, ProcessState, SourceStanding};
use crate::telemetry;
use crate::upstream::transport::CircuitState;

use super::generation::{Generation, Live};
use super::services::{CatalogService, peek_all};

/// Has metrics show how everything stands.
pub fn show_state(live: &Live) {
    // Metrics belong to the process, which belongs to the generation.
    let present = Arc::downgrade(live.present());
    let metrics = Arc::clone(&live.load().process.metrics);
    metrics.read_state_by(move || Some(state(&**present.upgrade()?.load())));
}

/// How everything stands. It does not wait.
fn state<G: CatalogService>(generation: &Generation<G>) -> ProcessState {
    let (gateway, process) = (&generation.gateway, &generation.process);
    let pages = gateway.page_memory();
    let bodies = process.bodies.counts();
    let connections = process.connections.counts();
    let mut caches = gateway.caches();
    caches.push(generation.answers.standing());
    let memory = |name, bytes, limit| MemoryUse { name, bytes, limit };
    let (open, in_use, waiting) = (connections.open, connections.in_use, connections.waiting);
    // One that waits for its turn is in no use.
    let idle = open.saturating_sub(in_use + waiting);
    ProcessState {
        sources: peek_all(gateway)
            .iter()
            .map(|held| standing(gateway, held))
            .collect(),
        caches,
        memory: vec![
            memory("capacity", None, Some(generation.plan.cache.capacity)),
            memory("lists", Some(pages.lists.lists), None),
            memory("collected", Some(pages.lists.collected), None),
            memory("arriving", Some(pages.arriving), Some(pages.arriving_limit)),
            memory("decoding", Some(pages.decoding), Some(pages.decoding_limit)),
            memory("answers", Some(bodies.answers), Some(bodies.answers_limit)),
        ],
        waiting_pages: pages.waiting as u64,
        connections: vec![
            ("in_use", in_use as u64),
            ("waiting", waiting as u64),
            ("idle", idle as u64),
        ],
        connections_limit: connections.total.into(),
        connections_closed: vec![
            ("idle", connections.closed_idle),
            ("room", connections.closed_for_room),
            ("slow", connections.broken_off),
            ("refused", connections.refused),
            ("proxy_header", connections.unannounced),
            ("handshake", connections.handshakes_failed),
        ],
        certificate_ends: process.entrance.load().certificate_ends.clone(),
        dropped_log_lines: telemetry::dropped_lines() as u64,
        lost_audit_records: telemetry::lost_audit_records() as u64,
        failed_exports: telemetry::failed_exports(),
        lost_before_export: telemetry::lost_before_export(),
        started: Duration::try_from(process.started.as_duration()).unwrap_or_default(),
    }
}

fn standing(gateway: &impl CatalogService, held: &SourceLookup) -> SourceStanding {
    let snapshot = held.snapshot.as_ref();
    let circuit = gateway.circuit(&held.source);
    let age = held.as_of.map(|as_of| gateway.now().duration_since(as_of));
    SourceStanding {
        name: held.source.clone(),
        state: held.state.as_str(),
        circuit: circuit.map(|circuit| CircuitState::as_str(circuit.state)),
        age: age.map(|age| age.as_secs_f64().max(0.0)),
        groups: snapshot.map(|snapshot| snapshot.len() as u64),
        bytes: snapshot.map(|snapshot| snapshot.bytes() as u64),
    }
}
