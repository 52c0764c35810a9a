//! Which core is whose.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores of the machine that this process may use, given out.
#[derive(Debug, Clone)]
pub(crate) struct Cores {
    /// The servers that are measured.
    pub(crate) servers: Vec<usize>,
    /// The load.
    pub(crate) load: usize,
    /// The upstreams.
    pub(crate) upstreams: usize,
    all: Vec<usize>,
}

impl Cores {
    /// One core for the servers that are measured, the last for the load, which this thread is pinned to,
    /// and one between them, if there is one, for the upstreams.
    pub(crate) fn new() -> Self {
        let allowed = sched_getaffinity(None).unwrap();
        let cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let cores: Vec<_> = cores.collect();
        let last = cores.len() - 1;
        if last == 0 {
            println!("Only one core: servers and load share it.\n");
        }
        pin(&[cores[last]]);
        Self {
            servers: vec![cores[0]],
            load: cores[last],
            upstreams: cores[if last >= 2 { last - 1 } else { last }],
            all: cores,
        }
    }

    /// Whether load and upstreams share a core.
    pub(crate) const fn are_shared(&self) -> bool {
        self.load == self.upstreams
    }

    /// Two cores for the server. `None`: there is one.
    pub(crate) fn two_for_servers(&self) -> Option<Self> {
        (self.all.len() > 1).then(|| Self {
            servers: self.all[..2].to_vec(),
            ..self.clone()
        })
    }

    /// Whether the server has its cores for itself.
    pub(crate) fn are_apart(&self) -> bool {
        !self.servers.contains(&self.load) && !self.servers.contains(&self.upstreams)
    }
}

/// Pins this thread, and what it starts from now on.
pub(crate) fn pin(cores: &[usize]) {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    sched_setaffinity(None, &set).unwrap();
}
