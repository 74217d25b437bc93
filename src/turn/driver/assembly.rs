//! What a server is put together from.
#![forbid(unsafe_code)]

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread::{self, JoinHandle};

use parking_lot::{Mutex, RwLock};

use crate::turn::core::config::Config;
use crate::turn::state::five_tuple::Listener;
use crate::turn::state::shared::Shared;

use super::clock;
use super::control::Control;
use super::descriptor::Descriptor;
use super::forwarding::Forwarding;
use super::listeners::ListenerSocket;
use super::mailbox::{Handover, Mailbox};
use super::misdirected::Misdirected;
use super::observer::Observer;
use super::options::{Options, StartError};
use super::peers::Peers;
use super::ports::Ports;
use super::process::{self, Neighbourhood};
use super::queue::Queue;
use super::random::random;
use super::relay_addresses::{RelayAddress, RelayAddresses};
use super::relay_sockets::RelayPool;
use super::shortage::Shortage;
use super::streams::Streams;
use super::sys::{Epoll, HostAddress, Inbox, Interest, Slots, is_local, without_signals};
use super::worker::{Worker, WorkerCore};

/// Tries the relay addresses. Returns lines about those that are not there yet; each
/// client's allocation tries them again.
///
/// # Errors
/// None is there: who mistypes an address is told so now, and not each client with a 508.
pub(super) fn try_relays(
    relays: &[RelayAddress],
    interfaces: &[HostAddress],
) -> Result<Vec<String>, StartError> {
    let mut missing = Vec::new();
    for relay in relays {
        // An address of the host's that is still looked for elsewhere (IPv6 duplicate
        // detection) can be bound a little later.
        let is_own = interfaces.iter().any(|own| own.ip == relay.bind);
        match UdpSocket::bind((relay.bind, 0)) {
            Err(error) if !is_own => missing.push((relay.bind, error)),
            _ => {}
        }
    }
    if missing.len() == relays.len() && !missing.is_empty() {
        let (ip, error) = missing.swap_remove(0);
        return Err(StartError::Relay(ip, error));
    }
    let line = |(ip, error)| format!("no relay can be at {ip} yet: {error}; trying again");
    Ok(missing.into_iter().map(line).collect())
}

pub(super) fn control(
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

pub(super) fn worker(
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
pub(super) fn spawn(
    workers: Vec<Worker>,
    control: &Control,
) -> std::io::Result<Vec<JoinHandle<()>>> {
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
