//! A core in the application's own event loop: no socket, no thread, no clock.
#![forbid(unsafe_code)]

mod access;
mod work;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{AcqRel, Acquire, Release},
};

use parking_lot::Mutex;

use crate::turn;
use crate::turn::auth::accounts::Accounts;
use crate::turn::state::arena::RelayId;
use crate::turn::state::five_tuple::{Link, Listener, ListenerId};
use crate::turn::state::shared::Shared;
use crate::turn::time::Time;

use super::control::random;
use super::cores::{CoreAccess, Cores};
use super::observer::{Level, Log, Observer};
use super::options::{Options, StartError};
use super::panics;
use super::sys::interface_addresses;

use access::{EmbeddedCore, Exclusive, RelaySockets, forget_opening};
use work::Guard;

pub use access::{Opener, Output, Refused};

/// Outputs that may wait to be taken before packets are refused.
const MAX_OUTPUTS: usize = 4096;

/// A core that the application drives: it brings packets and the time, and
/// takes out what is to be sent.
pub struct Embedded {
    own: Arc<EmbeddedCore>,
    cores: Cores,
    exclusive: Mutex<Exclusive>,
    shared: Arc<Shared>,
    listeners: Vec<Listener>,
    log: Arc<Log>,
    stopping: AtomicBool,
    ended: AtomicBool,
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
        let mut config = options.core_config(1);
        // Nobody shall reach the host itself through the server.
        let system = |error| StartError::System("interfaces", error);
        for ip in interface_addresses().map_err(system)? {
            config.policy.own(ip.ip);
        }
        let secret = options.secret.unwrap_or_else(|| {
            let words = random().map(u64::to_ne_bytes);
            std::array::from_fn(|i| words[i / 8][i % 8])
        });
        let shared = Arc::new(Shared::new(secret));
        let mut core = turn::Core::new(config, shared.clone(), 0, random());
        for listener in &options.listeners {
            core.add_listener(*listener);
        }
        let own = Arc::new(EmbeddedCore {
            core: Mutex::new(core),
            decisions: Mutex::default(),
            now: AtomicU64::new(0),
            wake,
        });
        Ok(Embedded {
            cores: Cores::new(vec![own.clone()]),
            own,
            exclusive: Mutex::new(Exclusive {
                observer,
                sockets: RelaySockets {
                    open,
                    outputs: VecDeque::new(),
                },
                out: Vec::new(),
            }),
            shared,
            listeners: options.listeners.clone(),
            log: options.log.clone(),
            stopping: AtomicBool::new(false),
            ended: AtomicBool::new(false),
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

    /// Refuses new allocations, or no longer. Existing ones stay.
    pub fn drain(&self, drain: bool) {
        self.cores.drain(drain);
    }

    /// Ends every allocation, and tells the observer: before it returns, or,
    /// when somebody is at work in the core, before that ends.
    pub fn stop(&self) {
        self.stopping.store(true, Release);
        match self.exclusive.try_lock() {
            Some(mut exclusive) => self.work_off(&mut exclusive),
            None => self.own.wake(),
        }
    }

    /// Whether somebody is at work in the core.
    pub fn is_busy(&self) -> bool {
        self.exclusive.is_locked()
    }

    /// Whether it has stopped: the observer will not be called again.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Acquire)
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
        self.work(now, |core, exclusive, now| {
            let action = core.inbound(&link, bytes, now, &mut exclusive.out);
            self.act(core, exclusive, Some(&link), action, bytes);
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
        self.work(now, |core, exclusive, now| {
            let action = core.from_peer(relay, peer, bytes.len(), now);
            self.act(core, exclusive, None, action, bytes);
        })
    }

    /// A client's connection has closed.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn client_gone(&self, listener: u32, client: SocketAddr, now: Time) -> Result<(), Refused> {
        let link = self.link(listener, client)?;
        self.work(now, |core, _, now| core.client_gone(&link, now))
    }

    /// Lets time pass, and takes up what other threads have asked for.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn tick(&self, now: Time) -> Result<(), Refused> {
        self.work(now, |core, _, now| core.tick(now))
    }

    /// When [`tick`](Self::tick) is due next.
    pub fn next_deadline(&self) -> Option<Time> {
        let has_decisions = !self.own.decisions.lock().is_empty();
        if has_decisions || self.stopping.load(Acquire) && !self.has_ended() {
            return Some(self.own.now());
        }
        let mut next = None;
        self.own
            .with_core(&mut |core, _| next = core.next_deadline());
        next
    }

    /// The next thing to do; `None` for nothing, or when somebody is at work.
    pub fn next_output(&self) -> Option<Output> {
        let outputs = &mut self.exclusive.try_lock()?.sockets.outputs;
        let next = outputs.pop_front();
        if next.is_none() {
            outputs.shrink_to(64);
        }
        next
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

    fn work(
        &self,
        now: Time,
        f: impl FnOnce(&mut Guard<'_>, &mut Exclusive, Time),
    ) -> Result<(), Refused> {
        let mut exclusive = self.exclusive.try_lock().ok_or(Refused::Busy)?;
        if self.has_ended() {
            return Err(Refused::Stopped);
        }
        if exclusive.sockets.outputs.len() >= MAX_OUTPUTS {
            return Err(Refused::Full);
        }
        self.own.now.fetch_max(now.as_nanos(), AcqRel);
        let now = self.own.now();
        let done = panics::catch(|| {
            f(&mut self.own.core.lock(), &mut exclusive, now);
            self.work_off(&mut exclusive);
        });
        done.map_err(|panic| {
            forget_opening();
            let line = format!("a bug in pjauth: {panic}; the core stops");
            (self.log)(Level::Error, &line);
            self.stopping.store(true, Release);
            // What is left when even that panics is lost.
            let _ = panics::catch(|| self.work_off(&mut exclusive));
            self.ended.store(true, Release);
            Refused::Bug
        })
    }
}
