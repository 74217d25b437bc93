//! What the threads of one server share.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Release};

use parking_lot::Mutex;

use crate::turn::core::Core;
use crate::turn::core::config::Config;
use crate::turn::core::counters::Counters;
use crate::turn::policy::peers::Policy;
use crate::turn::policy::ranges::Range;
use crate::turn::state::five_tuple::Listener;
use crate::turn::state::shared::Shared;

use super::connections::ConnectionCount;
use super::forwarding::Forwarding;
use super::listeners::ListenerSocket;
use super::mailbox::{Command, Mailbox};
use super::misdirected::Misdirected;
use super::observer::{Level, Log};
use super::proxies::Proxies;
use super::random::random;
use super::relay_sockets::{RelayPool, RelaySockets};
use super::sys::{Changes, HostAddress, interface_addresses};
use super::tls::Tls;
use super::worker::Locked;

thread_local! {
    /// The server that this thread works for. Const and without a destructor:
    /// nothing is left to run when the thread ends.
    static EMPLOYER: Cell<usize> = const { Cell::new(0) };
}

/// The state of a server beside its workers' own.
pub struct Control {
    /// With the policy as it is now.
    pub config: Mutex<Config>,
    pub shared: Arc<Shared>,
    pub relays: Arc<RelayPool>,
    pub mailboxes: Vec<Arc<Mailbox>>,
    pub connections: Arc<ConnectionCount>,
    pub handshakes: Arc<ConnectionCount>,
    /// What TLS listeners go by.
    pub tls: Option<Arc<Tls>>,
    pub proxies: Proxies,
    pub misdirected: Misdirected,
    /// The way through the kernel.
    pub forwarding: Forwarding,
    pub log: Arc<Log>,
    pub stopping: AtomicBool,
    pub draining: AtomicBool,
    /// Workers that have ended.
    pub ended: AtomicUsize,
}

impl Control {
    /// Makes this thread one of the server's.
    pub fn employ(self: &Arc<Self>) {
        EMPLOYER.set(Arc::as_ptr(self).addr());
    }

    /// Whether this thread is one of the server's.
    pub fn is_worker(self: &Arc<Self>) -> bool {
        EMPLOYER.get() == Arc::as_ptr(self).addr()
    }

    /// Has every worker end.
    pub fn stop(&self) {
        self.stopping.store(true, Release);
        for mailbox in &self.mailboxes {
            mailbox.wake().wake();
        }
    }

    /// The host's addresses have changed, and with them where clients reach the
    /// server, where relays are and what clients may not reach.
    pub fn host_changed(
        &self,
        interfaces: Vec<HostAddress>,
        listening: Vec<Listener>,
        changes: &Changes,
    ) {
        let is_reached = |own: &&HostAddress| {
            let mut ips = listening.iter().map(|listener| listener.address.ip());
            ips.any(|ip| ip == own.ip)
        };
        let reached = interfaces.iter().filter(is_reached).cloned();
        self.relays.addresses.set_reached(reached.collect());
        self.relays.set_listening(listening);
        let review = match changes.missed {
            true => None,
            false => {
                let ranges = changes.local.iter();
                Some(
                    ranges
                        .filter_map(|(ip, prefix)| Range::new(*ip, *prefix).ok())
                        .collect(),
                )
            }
        };
        self.change_policy(|policy| policy.set_host(interfaces.iter().map(|own| own.ip)));
        for mailbox in &self.mailboxes {
            mailbox.post(Command::Policy(review.clone()));
        }
    }

    /// Forwards in the kernel where clients and peers reach the server now. Returns what to log.
    pub fn attend(&self, interfaces: &[HostAddress]) -> Option<(Level, String)> {
        let listening = self.relays.listening.read();
        let mut used: Vec<_> = listening.iter().map(|own| own.address.ip()).collect();
        drop(listening);
        used.extend(self.relays.addresses.all().iter().map(|relay| relay.bind));
        self.forwarding.attend(&used, interfaces)
    }

    /// Packets may come in and leave by other ways than before, as far as the kernel's way is concerned. Returns what
    /// to log.
    pub fn ways_changed(&self) -> Option<(Level, String)> {
        if !self.forwarding.is_open() {
            return None;
        }
        let line = self.attend(&interface_addresses().ok()?);
        for mailbox in &self.mailboxes {
            mailbox.post(Command::Ways);
        }
        line
    }

    /// Changes the policy. The cores have yet to take it up.
    pub fn change_policy(&self, change: impl FnOnce(&mut Policy)) {
        let mut config = self.config.lock();
        change(&mut config.policy);
        for ip in self.relays.seen_addresses() {
            config.policy.relay(ip);
        }
    }

    /// The policy as it is now.
    pub fn policy(&self) -> Policy {
        self.config.lock().policy.clone()
    }

    /// An empty core for a worker with these listeners.
    pub fn new_core<'a>(
        &self,
        worker: u16,
        listeners: impl Iterator<Item = &'a ListenerSocket>,
    ) -> Locked {
        let shared = self.shared.clone();
        let mut core = Core::new(self.config.lock().clone(), shared, worker, random());
        for socket in listeners {
            core.add_listener(socket.listener);
        }
        core.drain(self.draining.load(std::sync::atomic::Ordering::Acquire));
        Locked {
            core,
            sockets: RelaySockets::new(worker, self.relays.clone()),
            routes: self.forwarding.routes(),
            losses: Counters::default(),
        }
    }
}
