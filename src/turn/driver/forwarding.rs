//! What goes past the sockets: the routes that the cores announce, in the kernel.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::turn::core::routes::RouteChange;
use crate::turn::kernel::{Kernel, Relayed, Routes};
use crate::turn::state::arena::AllocationId;

use super::clock;
use super::observer::Level;
use super::options::{KernelOptions, KernelWish, StartError};
use super::sys::HostAddress;
use super::worker::Locked;

/// Routes whose ways are looked up before packets have their turn.
const SETTLED_AT_ONCE: usize = 128;

/// The way through the kernel, where there is one.
#[derive(Debug)]
pub struct Forwarding {
    options: KernelOptions,
    kernel: Option<Arc<Kernel>>,
    status: Mutex<KernelStatus>,
}

/// Whether channel data goes through the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelStatus {
    /// Interfaces where it does.
    pub interfaces: Vec<String>,
    /// Why it does not, at all or at an interface; empty where nothing was asked for.
    pub why_not: String,
}

impl Forwarding {
    /// Loads what is to forward, if that is wanted.
    ///
    /// # Errors
    /// Where it must be had and cannot.
    pub fn open(options: &KernelOptions) -> Result<Self, StartError> {
        let kernel = match options.wish {
            KernelWish::Off => Ok(None),
            _ => Kernel::open(options.channels, clock::now).map(|kernel| Some(Arc::new(kernel))),
        };
        let (kernel, why_not) = match kernel {
            Ok(kernel) => (kernel, String::new()),
            Err(error) if options.wish == KernelWish::Required => {
                return Err(StartError::System("the kernel path", error));
            }
            Err(error) => (None, explain(&error)),
        };
        Ok(Forwarding {
            options: options.clone(),
            kernel,
            status: Mutex::new(KernelStatus {
                interfaces: Vec::new(),
                why_not,
            }),
        })
    }

    pub fn is_open(&self) -> bool {
        self.kernel.is_some()
    }

    /// A worker's routes.
    pub fn routes(&self) -> Option<Routes> {
        self.kernel.clone().map(Routes::new)
    }

    pub fn status(&self) -> KernelStatus {
        self.status.lock().clone()
    }

    /// Channels that there was no room for, so far.
    pub fn refused(&self) -> u64 {
        self.kernel.as_ref().map_or(0, |kernel| kernel.refused())
    }

    /// Forwards at the interfaces that have these addresses of the host's, or at those that are configured. Returns
    /// what to log, where anything has changed.
    pub fn attend(&self, used: &[IpAddr], host: &[HostAddress]) -> Option<(Level, String)> {
        if self.options.wish == KernelWish::Off {
            return None;
        }
        let Some(kernel) = &self.kernel else {
            return Some(self.status().line());
        };
        let names = match self.options.interfaces.is_empty() {
            true => names_of(used, host),
            false => self.options.interfaces.clone(),
        };
        let refused = kernel.attend(&names);
        let reasons = refused
            .iter()
            .map(|(name, error)| format!("{name}: {error}"));
        let mut new = KernelStatus {
            interfaces: kernel.interfaces(),
            why_not: reasons.collect::<Vec<_>>().join("; "),
        };
        if names.is_empty() {
            new.why_not = "no listener and no relay is at an interface of Ethernet's kind".into();
        }
        let line = new.line();
        let mut status = self.status.lock();
        let is_changed = *status != new;
        *status = new;
        is_changed.then_some(line)
    }

    /// Whether it must be had and is nowhere.
    pub fn check(&self) -> Result<(), StartError> {
        let status = self.status();
        if self.options.wish == KernelWish::Required && status.interfaces.is_empty() {
            let error = io::Error::other(status.why_not);
            return Err(StartError::System("the kernel path", error));
        }
        Ok(())
    }
}

impl fmt::Display for KernelStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.interfaces.join(", ");
        match (self.interfaces.is_empty(), self.why_not.is_empty()) {
            (false, true) => f.write_str(&names),
            (false, false) => write!(f, "{names}; not at {}", self.why_not),
            (true, _) => f.write_str(&self.why_not),
        }
    }
}

impl KernelStatus {
    fn line(&self) -> (Level, String) {
        let level = match self.why_not.is_empty() {
            true => Level::Info,
            false => Level::Warning,
        };
        let text = match self.interfaces.is_empty() {
            false => format!("relaying in the kernel at {self}"),
            true => format!("no relaying in the kernel: {self}"),
        };
        (level, text)
    }
}

fn explain(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EPERM) => format!("{error}: it takes CAP_BPF and CAP_NET_ADMIN"),
        _ => error.to_string(),
    }
}

/// The names of the interfaces that have these addresses, loopback aside.
fn names_of(used: &[IpAddr], host: &[HostAddress]) -> Vec<String> {
    let is_used = |own: &&HostAddress| used.contains(&own.ip) && !own.ip.is_loopback();
    let names = host.iter().filter(is_used).map(|own| &own.interface);
    // An old alias (`eth0:1`) is the same interface.
    let names = names.filter_map(|name| name.split(':').next());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

impl Locked {
    /// Does what the core says about routes.
    pub fn apply_routes(&mut self) {
        let Some(routes) = &mut self.routes else {
            return;
        };
        while let Some(change) = self.core.poll_route() {
            let relayed = match change {
                RouteChange::Close(id) => routes.close(id),
                RouteChange::Open(route) => match self.sockets.bound(route.relay) {
                    Some(bound) => {
                        self.sockets.passed_by(route.relay);
                        routes.open(route, bound)
                    }
                    None => routes.close(route.id),
                },
            };
            if let Some((route, [to_peer, to_client])) = relayed {
                self.core.relayed_by_route(&route, to_peer, to_client);
            }
        }
    }

    /// Has the core's figures include what was relayed past it.
    pub fn gather(&mut self, of: Option<AllocationId>) {
        self.with_routes(|routes, tell| routes.gather(of, tell));
    }

    /// Packets may leave by other ways than before.
    pub fn review_routes(&mut self) {
        self.with_routes(|routes, _| routes.review());
    }

    /// Goes on with that, a part at a time.
    pub fn settle_routes(&mut self) {
        self.with_routes(|routes, tell| routes.settle(SETTLED_AT_ONCE, tell));
    }

    /// A listener has its address again.
    pub fn listener_back(&mut self, listener: SocketAddr) {
        self.with_routes(|routes, _| routes.listener_back(listener));
    }

    /// What came in at a listener's address is not for it any more.
    pub fn listener_gone(&mut self, listener: SocketAddr) {
        self.with_routes(|routes, tell| routes.listener_gone(listener, tell));
    }

    fn with_routes(&mut self, f: impl FnOnce(&mut Routes, &mut dyn FnMut(Relayed))) {
        let core = &mut self.core;
        if let Some(routes) = &mut self.routes {
            f(routes, &mut |(route, [to_peer, to_client])| {
                core.relayed_by_route(&route, to_peer, to_client);
            });
        }
    }
}
