//! A running server.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use crate::stun::address::Family;
use crate::turn::auth::accounts::Accounts;
use crate::turn::core::counters::Counters;
use crate::turn::policy::ranges::Range;
use crate::turn::state::five_tuple::{Listener, Transport};

use super::assembly::{control, spawn, try_relays, worker};
use super::clock;
use super::control::Control;
use super::cores::{CoreAccess, Cores};
use super::forwarding::KernelStatus;
use super::listeners::ListenerSocket;
use super::mailbox::Command;
use super::observer::{Level, Observer};
use super::options::{Options, StartError};
use super::process;
use super::reception::Reception;
use super::shortage;
use super::sys::interface_addresses;
use super::traps;
use super::worker::Worker;

/// A running server. Its methods may be called from any thread, the observer's
/// included.
pub struct Server {
    pub(super) control: Arc<Control>,
    cores: Cores,
    workers: usize,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Server {
    /// Binds the listeners and starts the workers. `observer` makes each
    /// worker's part of the application.
    ///
    /// # Errors
    /// [`StartError`]; then nothing runs and nothing is bound.
    pub fn start(
        options: &Options,
        mut observer: impl FnMut(u16) -> Box<dyn Observer>,
    ) -> Result<Server, StartError> {
        options.check()?;
        let system = |what| move |error| StartError::System(what, error);
        let count = options.worker_count();
        let interfaces = interface_addresses().map_err(system("interfaces"))?;
        let (mut reception, listeners) =
            Reception::open(&options.listeners, &options.same_port, &interfaces, count)?;
        let bound = reception.listening();
        let wanted = options.config.max_allocations;
        let warning = shortage::warning(wanted, bound.len(), count);
        let granted = listeners
            .iter()
            .flatten()
            .filter_map(ListenerSocket::granted);
        let small = traps::small_buffer(granted.min(), &bound);
        let traps = traps::warnings(options, &bound);
        for line in traps.into_iter().chain(warning).chain(small) {
            reception.tell(Level::Warning, line);
        }
        for line in try_relays(&options.relays, &interfaces)? {
            reception.tell(Level::Warning, line);
        }
        let control = Arc::new(control(options, count, &bound, &interfaces)?);
        let line = control.attend(&interfaces);
        control.forwarding.check()?;
        if let Some((level, line)) = line {
            reception.tell(level, line);
        }
        let mut reception = Some(reception);
        let workers = listeners.into_iter().enumerate().map(|(index, listeners)| {
            let index = index as u16;
            let mut worker = worker(index, &control, listeners, options, observer(index))?;
            worker.receive(reception.take())?;
            Ok(worker)
        });
        let workers: std::io::Result<Vec<Worker>> = workers.collect();
        let workers = workers.map_err(system("worker"))?;
        let drivers = workers
            .iter()
            .map(|worker| worker.own.clone() as Arc<dyn CoreAccess>);
        let cores = Cores::new(drivers.collect());
        let threads = spawn(workers, &control).map_err(system("thread"))?;
        Ok(Server {
            control,
            cores,
            workers: count,
            threads: Mutex::new(threads),
        })
    }

    /// Where clients reach the server, with the ports that were bound.
    pub fn listeners(&self) -> Vec<Listener> {
        self.control.relays.listening.read().clone()
    }

    /// Quotas and rates by user.
    pub fn accounts(&self) -> &Arc<Accounts> {
        self.control.shared.accounts()
    }

    /// The realm of the users.
    pub fn realm(&self) -> String {
        self.control.config.lock().realm.clone()
    }

    /// Refuses new allocations, or no longer. Existing ones stay.
    pub fn drain(&self, drain: bool) {
        self.control.draining.store(drain, Release);
        self.cores.drain(drain);
    }

    /// Sends new clients of a family to another server, or no longer.
    pub fn set_alternate(
        &self,
        transport: Option<Transport>,
        family: Family,
        server: Option<SocketAddr>,
    ) {
        let mut config = self.control.config.lock();
        config.alternate.set(transport, family, server);
        drop(config);
        self.cores.set_alternate(transport, family, server);
    }

    /// Whether channel data goes through the kernel.
    pub fn kernel_status(&self) -> KernelStatus {
        self.control.forwarding.status()
    }

    /// Ends every allocation and every worker. When it returns, the observer
    /// has been told of all removals and will not be called again, except when
    /// this is called from an observer's method: then that follows.
    pub fn stop(&self) {
        self.control.stop();
        if self.is_worker() {
            return;
        }
        // Whoever comes second waits for the first.
        let mut threads = self.threads.lock();
        for thread in threads.drain(..) {
            // A worker catches its panics.
            let _ = thread.join();
        }
        process::leave(&self.control.relays);
    }

    /// Whether it has been stopped, or has stopped for a bug of ours.
    pub fn is_stopping(&self) -> bool {
        self.control.stopping.load(Acquire)
    }

    /// Whether every worker has ended: the observer will not be called again.
    pub fn has_ended(&self) -> bool {
        self.control.ended.load(Acquire) == self.workers
    }

    /// Whether this thread is one of the server's: whether an observer's method
    /// is running here.
    pub fn is_worker(&self) -> bool {
        self.control.is_worker()
    }

    /// What the server does and has, and what can be changed in it.
    pub fn cores(&self) -> &Cores {
        &self.cores
    }

    /// Changes which peers clients may reach; what they may not reach any more is
    /// taken back.
    pub fn set_peers(&self, allow: Vec<Range>, deny: Vec<Range>) {
        self.control
            .change_policy(|policy| policy.set_ranges(allow, deny));
        self.apply_policy(None);
    }

    /// Clients and peers see new relays at a configured address as `external`.
    /// `false` where none is configured so.
    pub fn set_external(&self, at: IpAddr, external: IpAddr) -> bool {
        let is_one = self.control.relays.addresses.set_external(at, external);
        if is_one {
            // Its address is one that relays have, for every core.
            self.control.change_policy(|_| {});
            self.apply_policy(Some(&[]));
        }
        is_one
    }

    /// Goes by the limits of these options from now on, for connections too.
    pub fn set_limits(&self, options: &Options) {
        self.control.config.lock().take_limits(&options.config);
        self.cores.set_limits(&options.config);
        self.control.relays.ports.set_rest(options.port_rest);
        for mailbox in &self.control.mailboxes {
            mailbox.post(Command::Limit(options.streams));
        }
    }

    fn apply_policy(&self, ranges: Option<&[Range]>) {
        self.cores
            .set_policy(ranges, |policy| *policy = self.control.policy());
    }

    /// Figures of the whole server.
    pub fn totals(&self) -> Counters {
        let (used, resting) = self.control.relays.ports.count(clock::now());
        Counters {
            connections: self.control.connections.total().into(),
            ports_used: used as u64,
            ports_resting: resting as u64,
            kernel_refused: self.control.forwarding.refused(),
            ..self.cores.totals()
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
