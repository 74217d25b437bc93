//! A running server.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{Acquire, Release},
};
use std::thread::{self, JoinHandle};

use parking_lot::{Mutex, RwLock};

use crate::stun::address::Family;
use crate::turn::auth::accounts::Accounts;
use crate::turn::core::config::Config;
use crate::turn::core::counters::Counters;
use crate::turn::policy::ranges::Range;
use crate::turn::state::five_tuple::{Listener, Transport};
use crate::turn::state::shared::Shared;

use super::clock;
use super::control::{Control, random};
use super::cores::{CoreAccess, Cores};
use super::descriptor::Descriptor;
use super::forwarding::{Forwarding, KernelStatus};
use super::listeners::ListenerSocket;
use super::mailbox::{Command, Handover, Mailbox};
use super::misdirected::Misdirected;
use super::observer::{Level, Observer};
use super::options::{Options, StartError};
use super::peers::Peers;
use super::ports::Ports;
use super::process::{self, Neighbourhood};
use super::queue::Queue;
use super::reception::Reception;
use super::relay_addresses::{RelayAddress, RelayAddresses};
use super::relay_sockets::RelayPool;
use super::shortage::{self, Shortage};
use super::streams::Streams;
use super::sys::{
    Epoll, HostAddress, Inbox, Interest, Slots, interface_addresses, is_local, without_signals,
};
use super::traps;
use super::worker::{Worker, WorkerCore};

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
        try_relays(&options.relays, &interfaces)?;
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

/// Who mistypes an address is told so now, and not each client with a 508.
fn try_relays(relays: &[RelayAddress], interfaces: &[HostAddress]) -> Result<(), StartError> {
    relays.iter().try_for_each(|relay| {
        match UdpSocket::bind((relay.bind, 0)) {
            // An address of the host's that is still looked for elsewhere (IPv6
            // duplicate detection) can be bound a little later.
            Err(_) if interfaces.iter().any(|own| own.ip == relay.bind) => Ok(()),
            Err(error) => Err(StartError::Relay(relay.bind, error)),
            Ok(_) => Ok(()),
        }
    })
}

fn control(
    options: &Options,
    count: usize,
    bound: &[Listener],
    interfaces: &[HostAddress],
) -> Result<Control, StartError> {
    let system = |what| move |error| StartError::System(what, error);
    let is_reached = |own: &&HostAddress| bound.iter().any(|door| door.address.ip() == own.ip);
    let reached = interfaces.iter().filter(is_reached).cloned();
    let addresses = RelayAddresses::new(&options.relays, reached.collect());
    let mut config = options.config.clone();
    own_addresses(&mut config, interfaces, &addresses.all());
    let mailboxes: Result<Vec<_>, _> = (0..count).map(|_| Mailbox::new().map(Arc::new)).collect();
    let mailboxes = mailboxes.map_err(system("eventfd"))?;
    let pollers: Result<Vec<_>, _> = (0..count).map(|_| Epoll::new().map(Arc::new)).collect();
    let secret = match options.secret {
        Some(secret) => secret,
        None => {
            let mut secret = [0; 32];
            getrandom::fill(&mut secret)
                .map_err(|error| system("random")(std::io::Error::other(error)))?;
            secret
        }
    };
    let relays = Arc::new(RelayPool {
        ports: Ports::new(options.ports.clone(), options.port_rest),
        shortage: Shortage::default(),
        addresses,
        listening: RwLock::default(),
        pollers: pollers.map_err(system("epoll"))?,
        mailboxes: mailboxes.clone(),
        reserved: Mutex::default(),
    });
    relays.set_listening(bound.to_vec());
    process::enter(&relays);
    let forwarding = Forwarding::open(&options.kernel)?;
    config.routes = forwarding.is_open();
    config.neighbours = Some(Arc::new(Neighbourhood(relays.clone())));
    Ok(Control {
        config: Mutex::new(config),
        shared: Arc::new(Shared::new(secret)),
        relays,
        mailboxes,
        connections: Arc::default(),
        handshakes: Arc::default(),
        tls: options.tls()?.map(Arc::new),
        proxies: options.proxies.clone(),
        misdirected: Misdirected::default(),
        forwarding,
        log: options.log.clone(),
        stopping: AtomicBool::new(false),
        draining: AtomicBool::new(false),
        ended: AtomicUsize::new(0),
    })
}

/// Nobody shall reach the host itself through the server, unless allowed. What
/// has a relay's address is looked for inside.
fn own_addresses(config: &mut Config, interfaces: &[HostAddress], relays: &[RelayAddress]) {
    config.policy.set_host(interfaces.iter().map(|own| own.ip));
    config.policy.set_probe(is_local);
    for relay in relays {
        config.policy.own(relay.bind);
        config.policy.relay(relay.advertised);
    }
}

fn worker(
    index: u16,
    control: &Arc<Control>,
    listeners: Vec<ListenerSocket>,
    options: &Options,
    observer: Box<dyn Observer>,
) -> std::io::Result<Worker> {
    let relays = &control.relays;
    let poller = relays.pollers[usize::from(index)].clone();
    let mailbox = control.mailboxes[usize::from(index)].clone();
    poller.add(mailbox.wake().fd(), Descriptor::Wake.pack(), Interest::Read)?;
    for (index, socket) in listeners.iter().enumerate() {
        if let Some(fd) = socket.fd() {
            let tag = Descriptor::Listener(index).pack();
            poller.add(fd, tag, Interest::Read)?;
        }
    }
    let locked = Mutex::new(control.new_core(index, listeners.iter()));
    let [a, b, c, d] = random();
    let handovers = relays.mailboxes.iter().map(|_| Handover::default());
    Ok(Worker {
        index,
        own: Arc::new(WorkerCore { locked, mailbox }),
        peers: Peers::new(poller.clone()),
        streams: Streams::new(
            poller.clone(),
            control,
            options.streams,
            ahash::RandomState::with_seeds(a, b, c, d),
        ),
        handovers: handovers.collect(),
        control: control.clone(),
        poller,
        listeners,
        reception: None,
        slots: Slots::new(),
        inbox: Inbox::new(),
        queue: Queue::new(),
        unsent: Vec::new(),
        handover: Handover::default(),
        commands: Vec::new(),
        observer,
        ended: Vec::new(),
        handshakes_left: 0,
        next_expiry: clock::now(),
        wire: Vec::new(),
        moving: Vec::new(),
        resting: Vec::new(),
        out: Vec::new(),
        now: clock::now(),
        next_sweep: clock::now(),
        next_count: clock::now(),
        resume: None,
    })
}

/// Starts all workers or none: where a thread cannot be had, those before it end
/// without having served, so that no observer was called, and joining them cannot
/// wait for one.
fn spawn(workers: Vec<Worker>, control: &Control) -> std::io::Result<Vec<JoinHandle<()>>> {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock();
    let mut threads = Vec::new();
    for worker in workers {
        let gate = gate.clone();
        let name = format!("pjauth-turn-{}", worker.index);
        let builder = thread::Builder::new().name(name);
        let serve = move || {
            drop(gate.lock());
            worker.run();
        };
        // The host's signals are for the host's threads.
        match without_signals(|| builder.spawn(serve)) {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                control.stop();
                drop(closed);
                for thread in threads {
                    let _ = thread.join();
                }
                return Err(error);
            }
        }
    }
    Ok(threads)
}
