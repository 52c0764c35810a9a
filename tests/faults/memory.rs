//! How much memory the process takes, emulations and gateway together.

use std::fs;

/// The most that the process may grow in one cell of a body that is far too large: sixteen times
/// the largest page, and a sixteenth of what the upstream sends.
pub(crate) const CELL_MIB: u64 = 64;

/// The most that it may grow in all other cells together, gateways that run at once included.
pub(crate) const ALL_MIB: u64 = 128;

/// Looks at memory from one moment on.
#[derive(Debug)]
pub(crate) struct Watch {
    begin: Option<u64>,
}

impl Watch {
    /// Begins where the memory stands. Systems that do not tell are not watched.
    pub(crate) fn begin() -> Self {
        // proc(5): 5 resets the peak.
        let is_reset = fs::write("/proc/self/clear_refs", "5").is_ok();
        Self {
            begin: is_reset.then(|| status("VmRSS:")).flatten(),
        }
    }

    /// How many MiB the peak since then is above the beginning.
    pub(crate) fn grown(&self) -> Option<u64> {
        Some(status("VmHWM:")?.saturating_sub(self.begin?) / 1024)
    }
}

/// A line of the process's status, in KiB.
fn status(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
