//! The handle on one running emulation.

use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::fault::Fault;
use super::jam::Jam;
use super::listener::Listener;
use super::plan::Change;
use super::site::Site;
use super::stats::Stats;
use super::{Known, Options, lock};

/// One emulated upstream on its loopback port.
#[derive(Debug)]
pub struct Emulation {
    name: &'static str,
    address: SocketAddr,
    base_url: String,
    site: Arc<Site>,
    port: Mutex<Port>,
}

/// How the port is. It is open while nobody stopped the emulation and no fault closes it.
#[derive(Debug)]
struct Port {
    stopped: bool,
    door: Door,
}

/// What whoever connects comes to.
#[derive(Debug)]
enum Door {
    /// Nothing.
    Closed,
    /// The emulation.
    Open(Listener),
    /// A port that takes no connection.
    Jammed {
        /// Dropped, it closes the port.
        _jam: Jam,
    },
}

impl Emulation {
    /// Starts the emulation of this vendor.
    pub(super) async fn start(vendor: Known, options: &Options) -> io::Result<Self> {
        let Known {
            name,
            open,
            envelope,
        } = vendor;
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = socket.local_addr()?;
        let origin = format!("http://{address}");
        let vendor = open(&origin, options);
        let base_url = origin + vendor.context();
        let site = Arc::new(Site::new(vendor, envelope, options));
        let emulation = Self {
            name,
            address,
            base_url,
            port: Mutex::new(Port {
                stopped: false,
                door: Door::Open(Listener::open(socket, Arc::clone(&site))),
            }),
            site,
        };
        let fault = options.faults.iter().rfind(|(upstream, fault)| {
            upstream == name || (upstream == "*" && fault.applies_to(name).is_ok())
        });
        emulation.set_fault(fault.map(|(_, fault)| *fault));
        Ok(emulation)
    }

    /// The upstream's name in gateway.toml.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The URL that the paths of the vendor's page come after.
    pub fn base_url(&self) -> String {
        self.base_url.clone()
    }

    /// What was counted so far.
    pub fn stats(&self) -> Stats {
        self.site.tally.stats()
    }

    /// Starts counting again from zero.
    pub fn reset_stats(&self) {
        self.site.tally.reset();
    }

    /// Changes what goes wrong. It holds for the next request, also on open connections. A fault
    /// that cannot happen here ([`Fault::applies_to`]) changes no answer.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.site.set_fault(fault);
        if let Err(error) = self.settle() {
            tracing::error!(upstream = self.name, %error, "cannot listen again");
        }
    }

    /// Changes how many groups there are. The first ones stay the same, later ones are newer.
    pub fn set_groups(&self, groups: usize) {
        self.site.set_groups(groups);
    }

    /// Makes a change just before the list request of this number is answered, as
    /// [`Stats::pages`] counts them. For tests of what happens in the middle of a walk.
    pub fn before_page(&self, page: u64, change: Change) {
        self.site.plan.add(page, change);
    }

    /// Closes the port and all its connections: from now on they are refused.
    pub async fn stop(&self) {
        let closing = {
            let mut port = lock(&self.port);
            port.stopped = true;
            port.close()
        };
        if let Some(closing) = closing
            && let Err(error) = closing.await
        {
            tracing::error!(upstream = self.name, %error, "a listener failed");
        }
    }

    /// Stops if need be, and listens again on the same port.
    ///
    /// # Errors
    ///
    /// Somebody else took the port.
    pub async fn restart(&self) -> io::Result<()> {
        self.stop().await;
        lock(&self.port).stopped = false;
        self.settle()
    }

    /// Refuses every token that was issued until now.
    pub fn revoke_tokens(&self) {
        self.site.vendor.revoke_tokens();
    }

    /// The environment under which gateway.toml asks this emulation.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let block = self.name.to_ascii_uppercase();
        let base_url = (
            format!("GROUPGATE__UPSTREAMS__{block}__BASE_URL"),
            self.base_url(),
        );
        let credentials = self.site.vendor.credentials().iter();
        std::iter::once(base_url)
            .chain(credentials.map(|&(name, value)| (name.to_owned(), value.to_owned())))
            .collect()
    }

    /// Opens, closes or jams the port, as it should be.
    fn settle(&self) -> io::Result<()> {
        let mut port = lock(&self.port);
        let fault = self.site.fault();
        if port.stopped || fault == Some(Fault::Refuse) {
            port.close();
            return Ok(());
        }
        if fault == Some(Fault::HangConnect) {
            if !matches!(port.door, Door::Jammed { .. }) {
                port.close();
                let jam = Jam::open(self.address)?;
                port.door = Door::Jammed { _jam: jam };
            }
            return Ok(());
        }
        if !matches!(port.door, Door::Open(_)) {
            port.close();
            let listener = Listener::reopen(self.address, Arc::clone(&self.site))?;
            port.door = Door::Open(listener);
        }
        Ok(())
    }
}

impl Port {
    fn close(&mut self) -> Option<JoinHandle<()>> {
        match mem::replace(&mut self.door, Door::Closed) {
            Door::Open(listener) => Some(listener.close()),
            Door::Closed | Door::Jammed { .. } => None,
        }
    }
}
