//! The handle on one running emulation.

use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

use super::emulated_api::EmulatedApi;
use super::fault::InjectedFault;
use super::listener::EmulationListener;
use super::options::Options;
use super::saturated_port::SaturatedPort;
use super::schedule::Change;
use super::stats::Stats;
use super::vendors::VendorEntry;
use crate::tools::lock::lock;

/// One emulated upstream on its loopback port.
#[derive(Debug)]
pub struct Emulation {
    name: &'static str,
    address: SocketAddr,
    base_url: String,
    api: Arc<EmulatedApi>,
    port: Mutex<Port>,
    /// Keeps the port while nobody listens on it: otherwise the system may give it to others, who
    /// would answer in the emulation's place.
    _reserved: TcpSocket,
}

/// The port. It is open unless somebody stopped the emulation or a fault closes it.
#[derive(Debug)]
struct Port {
    stopped: bool,
    state: PortState,
}

/// What accepts connections.
#[derive(Debug)]
enum PortState {
    /// Nothing.
    Closed,
    /// The emulation.
    Open(EmulationListener),
    /// The kernel, and nobody behind it. Dropped, it closes the port.
    Saturated { _port: SaturatedPort },
}

impl Emulation {
    /// Starts the emulation of this vendor.
    pub(super) fn start(vendor: &VendorEntry, options: &Options) -> io::Result<Self> {
        let name = vendor.name;
        let reserved = reserve_port()?;
        let address = reserved.local_addr()?;
        let origin = format!("http://{address}");
        let vendor = (vendor.open)(&origin, options);
        let base_url = origin + vendor.context();
        let api = Arc::new(EmulatedApi::new(vendor, options));
        let listener = EmulationListener::open(address, Arc::clone(&api))?;
        let emulation = Self {
            name,
            address,
            base_url,
            port: Mutex::new(Port {
                stopped: false,
                state: PortState::Open(listener),
            }),
            _reserved: reserved,
            api,
        };
        emulation.set_fault(options.fault_of(name));
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

    /// The variables that hold its credentials, and what the emulation accepts there.
    pub fn credentials(&self) -> &'static [(&'static str, &'static str)] {
        self.api.vendor.credentials()
    }

    /// A command line that asks for its list.
    pub fn curl(&self) -> String {
        self.api.vendor.curl(&self.base_url)
    }

    /// What was counted so far.
    pub fn stats(&self) -> Stats {
        self.api.recorder.stats()
    }

    /// Starts counting again from zero.
    pub fn reset_stats(&self) {
        self.api.recorder.reset();
    }

    /// Sets or removes the fault. It holds for the next request, also on open connections. A fault
    /// that does not apply here ([`InjectedFault::applies_to`]) changes no answer.
    pub fn set_fault(&self, fault: Option<InjectedFault>) {
        self.api.set_fault(fault);
        if let Err(error) = self.settle() {
            tracing::error!(upstream = self.name, %error, "cannot listen again");
        }
    }

    /// Changes how many groups there are. The first ones stay the same, later ones are newer.
    pub fn set_groups(&self, groups: usize) {
        self.api.set_groups(groups);
    }

    /// Makes a change just before the list request of this number is answered, as
    /// [`Stats::pages`] counts them. For tests of what happens in the middle of a walk.
    pub fn before_page(&self, page: u64, change: Change) {
        self.api.schedule.add(page, change);
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
    /// The system refuses the port.
    pub async fn restart(&self) -> io::Result<()> {
        self.stop().await;
        lock(&self.port).stopped = false;
        self.settle()
    }

    /// Refuses every token that was issued until now.
    pub fn revoke_tokens(&self) {
        self.api.vendor.revoke_tokens();
    }

    /// The environment under which gateway.toml asks this emulation.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let block = self.name.to_ascii_uppercase();
        let base_url = (
            format!("GROUPGATE__UPSTREAMS__{block}__BASE_URL"),
            self.base_url(),
        );
        let credentials = self.api.vendor.credentials().iter();
        std::iter::once(base_url)
            .chain(credentials.map(|&(name, value)| (name.to_owned(), value.to_owned())))
            .collect()
    }

    /// Brings the port into the state that it should be in.
    fn settle(&self) -> io::Result<()> {
        let mut port = lock(&self.port);
        let fault = self.api.fault();
        if port.stopped || fault == Some(InjectedFault::Refuse) {
            port.close();
            return Ok(());
        }
        if fault == Some(InjectedFault::HangConnect) {
            if !matches!(port.state, PortState::Saturated { .. }) {
                port.close();
                let saturated = SaturatedPort::open(self.address)?;
                port.state = PortState::Saturated { _port: saturated };
            }
            return Ok(());
        }
        if !matches!(port.state, PortState::Open(_)) {
            port.close();
            let listener = EmulationListener::open(self.address, Arc::clone(&self.api))?;
            port.state = PortState::Open(listener);
        }
        Ok(())
    }
}

/// A free port, bound and not listened on: connections are refused until a second socket listens.
fn reserve_port() -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    Ok(socket)
}

impl Port {
    fn close(&mut self) -> Option<JoinHandle<()>> {
        match mem::replace(&mut self.state, PortState::Closed) {
            PortState::Open(listener) => Some(listener.close()),
            PortState::Closed | PortState::Saturated { .. } => None,
        }
    }
}
