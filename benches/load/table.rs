//! Tables as `docs/performance.md` has them.

use crate::closed_loop::{Comparison, Turn};
use crate::meter::Usage;
use crate::statistics::Spread;

/// What is busy for a larger part of the time is saturated: load or upstreams then say nothing of the servers.
pub(crate) const SATURATED: f64 = 0.95;

/// What stands behind figures that say nothing of the servers.
pub(crate) const VOID: &str = ", VOID";

/// A table under a heading.
pub(crate) struct Table {
    heading: &'static str,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Table {
    pub(crate) fn new(heading: &'static str, head: &[&str]) -> Self {
        Self {
            heading,
            head: head.iter().map(|&cell| cell.to_owned()).collect(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a row, and shows whoever waits that there is one more.
    pub(crate) fn push(&mut self, row: Vec<String>) {
        eprintln!("{}: {}", self.heading, row.join(", "));
        self.rows.push(row);
    }

    /// Adds a sentence below the table.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(crate) fn print(&self) {
        let line = |cells: &[String]| println!("| {} |", cells.join(" | "));
        println!("## {}\n", self.heading);
        line(&self.head);
        println!("|{}", "---|".repeat(self.head.len()));
        for row in &self.rows {
            line(row);
        }
        for note in &self.notes {
            println!("\n{note}");
        }
        println!();
    }
}

/// How busy load and upstreams were beside the server that left them least time, and whether that says nothing of the
/// servers therefore. Where they `share` a core, they are saturated together.
pub(crate) fn busy<U: Iterator<Item = Usage> + Clone>(
    servers: impl IntoIterator<Item = U>,
    share: bool,
) -> String {
    let servers = servers.into_iter().map(|usages| {
        let part = |of: usize| Spread::of(usages.clone().map(|usage| usage.busy()[of])).median;
        let [load, upstreams] = [part(0), part(1)];
        let most = if share {
            load + upstreams
        } else {
            load.max(upstreams)
        };
        (most, load, upstreams)
    });
    let (most, load, upstreams) = servers
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .unwrap();
    let void = if most > SATURATED { VOID } else { "" };
    format!("{:.0} %, {:.0} %{void}", load * 100.0, upstreams * 100.0)
}

impl Comparison {
    /// The figures of one server.
    pub(crate) fn of(&self, server: usize) -> impl Iterator<Item = &Turn> + Clone {
        self.rounds.iter().map(move |round| &round[server])
    }

    /// How one server's figure relates to another's, round by round.
    pub(crate) fn share(&self, of: [usize; 2], figure: fn(&Turn) -> f64) -> Spread {
        Spread::of((self.rounds.iter()).map(|round| figure(&round[of[0]]) / figure(&round[of[1]])))
    }

    /// How busy load and upstreams were in the turns of these servers.
    pub(crate) fn busy<const N: usize>(&self, servers: [usize; N], share: bool) -> String {
        let usages = |server| self.of(server).map(|turn| turn.usage);
        busy(servers.map(usages), share)
    }
}
