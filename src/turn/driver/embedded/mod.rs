//! A core in the application's own event loop: no socket, no thread, no clock.
#![forbid(unsafe_code)]

mod access;
mod relays;
mod work;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::AcqRel};

use parking_lot::Mutex;

use crate::turn::auth::accounts::Accounts;
use crate::turn::core::Core;
use crate::turn::core::action::IcmpError;
use crate::turn::core::config::Neighbours;
use crate::turn::policy::ranges::Range;
use crate::turn::state::arena::RelayId;
use crate::turn::state::five_tuple::{Link, Listener, ListenerId};
use crate::turn::state::shared::Shared;
use crate::turn::time::Time;

use super::cores::{CoreAccess, Cores};
use super::observer::{Level, Log, Observer};
use super::options::{Options, StartError};
use super::panics;
use super::process;
use super::random::random;
use super::sys::{interface_addresses, is_local};

use access::EmbeddedCore;
use relays::{Outputs, ProgramRelays, forget_opening};
use work::{Guard, Work};

pub use relays::{Opener, Output};

/// Why something was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such listener.
    Unknown,
    /// The core is at work: this is an observer's function, or another thread.
    Busy,
    /// The core was stopped.
    Stopped,
    /// Too many outputs wait.
    Full,
    /// A bug of ours; the core is stopped.
    Bug,
}

/// There is no core beside it.
#[derive(Debug)]
struct Alone;

impl Neighbours for Alone {
    fn is_relayed(&self, _: &SocketAddr) -> bool {
        false
    }

    fn is_tcp_relay(&self, _: &SocketAddr) -> bool {
        false
    }

    fn is_taken(&self, address: &SocketAddr) -> bool {
        process::is_taken(address)
    }
}

/// A core that the application drives: it brings packets and the time, and
/// takes out what is to be sent.
pub struct Embedded {
    own: Arc<EmbeddedCore>,
    cores: Cores,
    work: Mutex<Work>,
    shared: Arc<Shared>,
    listeners: Vec<Listener>,
    log: Arc<Log>,
}

impl Embedded {
    /// A core. Of the options it uses those that are no socket's or thread's;
    /// the listeners name the application's own sockets, in order. `wake` is
    /// called from any thread when there is something to do before the next
    /// deadline.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn new(
        options: &Options,
        observer: Box<dyn Observer>,
        open: Box<Opener>,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Result<Embedded, StartError> {
        options.check()?;
        let mut config = options.config.clone();
        // Nobody shall reach the host itself through the server.
        let system = |error| StartError::System("interfaces", error);
        for ip in interface_addresses().map_err(system)? {
            config.policy.own(ip.ip);
        }
        config.policy.set_probe(is_local);
        config.neighbours = Some(Arc::new(Alone));
        config.tcp_relays = false;
        let secret = options.secret.unwrap_or_else(|| {
            let words = random().map(u64::to_ne_bytes);
            std::array::from_fn(|i| words[i / 8][i % 8])
        });
        let shared = Arc::new(Shared::new(secret));
        let mut core = Core::new(config, shared.clone(), 0, random());
        for listener in &options.listeners {
            core.add_listener(*listener);
        }
        let own = Arc::new(EmbeddedCore {
            core: Mutex::new(core),
            decisions: Mutex::default(),
            now: AtomicU64::new(0),
            wake,
            stopping: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        Ok(Embedded {
            cores: Cores::new(vec![own.clone()]),
            own: own.clone(),
            work: Mutex::new(Work {
                own,
                observer,
                relays: ProgramRelays {
                    open,
                    outputs: Outputs::default(),
                },
                out: Vec::new(),
            }),
            shared,
            listeners: options.listeners.clone(),
            log: options.log.clone(),
        })
    }

    /// What the core does and has, and what can be changed in it.
    pub fn cores(&self) -> &Cores {
        &self.cores
    }

    /// Quotas and rates by user.
    pub fn accounts(&self) -> &Arc<Accounts> {
        self.shared.accounts()
    }

    /// As they were given.
    pub fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// Changes which peers clients may reach; what they may not reach any more is
    /// taken back.
    pub fn set_peers(&self, allow: &[Range], deny: &[Range]) {
        self.cores.set_policy(None, |policy| {
            policy.set_ranges(allow.to_vec(), deny.to_vec());
        });
    }

    /// Refuses new allocations, or no longer. Existing ones stay.
    pub fn drain(&self, drain: bool) {
        self.cores.drain(drain);
    }

    /// Ends every allocation, and tells the observer: before it returns, or,
    /// when somebody is at work in the core, before that ends.
    pub fn stop(&self) {
        self.own.stop();
        match self.work.try_lock() {
            Some(mut work) => work.finish(),
            None => self.own.wake(),
        }
    }

    /// Whether somebody is at work in the core.
    pub fn is_busy(&self) -> bool {
        self.work.is_locked()
    }

    /// Whether it has stopped: the observer will not be called again.
    pub fn has_ended(&self) -> bool {
        self.own.has_ended()
    }

    /// Takes in a datagram from a client, or one frame of a client's stream.
    ///
    /// # Errors
    /// [`Refused`]; then the packet is lost.
    pub fn from_client(
        &self,
        listener: u32,
        client: SocketAddr,
        bytes: &[u8],
        now: Time,
    ) -> Result<(), Refused> {
        let link = self.link(listener, client)?;
        self.with(now, |core, work, now| {
            let action = core.inbound(&link, bytes, now, &mut work.out);
            work.act(core, Some(&link), action, bytes);
        })
    }

    /// Takes in a datagram that reached a relay socket.
    ///
    /// # Errors
    /// [`Refused`]; then the packet is lost.
    pub fn from_peer(
        &self,
        relay: RelayId,
        peer: SocketAddr,
        bytes: &[u8],
        now: Time,
    ) -> Result<(), Refused> {
        self.with(now, |core, work, now| {
            let action = core.from_peer(relay, peer, bytes.len(), now);
            work.act(core, None, action, bytes);
        })
    }

    /// Takes in an ICMP error about a datagram from a relay socket to a peer.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn from_icmp(
        &self,
        relay: RelayId,
        peer: SocketAddr,
        error: IcmpError,
        now: Time,
    ) -> Result<(), Refused> {
        self.with(now, |core, _, now| {
            core.icmp_error(relay, peer, error, now);
        })
    }

    /// A client's connection has closed.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn client_gone(&self, listener: u32, client: SocketAddr, now: Time) -> Result<(), Refused> {
        let link = self.link(listener, client)?;
        self.with(now, |core, _, now| core.client_gone(&link, now))
    }

    /// Lets time pass, and takes up what other threads have asked for.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn tick(&self, now: Time) -> Result<(), Refused> {
        self.with(now, |core, _, now| core.tick(now))
    }

    /// When [`tick`](Self::tick) is due next.
    pub fn next_deadline(&self) -> Option<Time> {
        let has_decisions = !self.own.decisions.lock().is_empty();
        if has_decisions || self.own.must_stop() {
            return Some(self.own.now());
        }
        let mut next = None;
        self.own
            .with_core(&mut |core, _| next = core.next_deadline());
        next
    }

    /// The next thing to do; `None` for nothing, or when somebody is at work.
    pub fn next_output(&self) -> Option<Output> {
        self.work.try_lock()?.relays.outputs.pop()
    }

    fn link(&self, listener: u32, client: SocketAddr) -> Result<Link, Refused> {
        match self.listeners.get(listener as usize) {
            None => Err(Refused::Unknown),
            Some(_) => Ok(Link {
                listener: ListenerId(listener),
                client,
            }),
        }
    }

    /// Runs `f` with the core, and does what follows from it.
    fn with(
        &self,
        now: Time,
        f: impl FnOnce(&mut Guard<'_>, &mut Work, Time),
    ) -> Result<(), Refused> {
        let mut work = self.work.try_lock().ok_or(Refused::Busy)?;
        if self.has_ended() {
            return Err(Refused::Stopped);
        }
        if work.relays.outputs.is_full() {
            return Err(Refused::Full);
        }
        self.own.now.fetch_max(now.as_nanos(), AcqRel);
        let now = self.own.now();
        let done = panics::catch(|| {
            f(&mut self.own.core.lock(), &mut work, now);
            work.finish();
        });
        done.map_err(|panic| {
            forget_opening();
            let line = format!("a bug in pjauth: {panic}; the core stops");
            (self.log)(Level::Error, &line);
            self.own.stop();
            // What is left when even that panics is lost.
            let _ = panics::catch(|| work.finish());
            self.own.end();
            Refused::Bug
        })
    }
}
