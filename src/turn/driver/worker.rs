//! One worker: a thread, its sockets and its core.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::turn::core::Core;
use crate::turn::core::action::Decision;
use crate::turn::core::counters::Counters;
use crate::turn::kernel::Routes;
use crate::turn::state::arena::{AllocationId, RelayId, RequestId};
use crate::turn::state::five_tuple::{Link, Transport};
use crate::turn::time::Time;

use super::clock;
use super::control::Control;
use super::conversation::Conversation;
use super::cores::CoreAccess;
use super::descriptor::Descriptor;
use super::listeners::ListenerSocket;
use super::mailbox::{Command, Handover, Mailbox};
use super::observer::{Level, Observer};
use super::panics;
use super::peers::Peers;
use super::queue::Queue;
use super::reception::Reception;
use super::relay_sockets::RelaySockets;
use super::streams::{Streams, Written};
use super::sys::{Epoll, Inbox, Ready, Slots};

/// Bytes of answers that may wait for a client without an allocation.
const BACKLOG_OF_A_STRANGER: usize = 16 * 1024;
/// Steps of TLS handshakes in one round, each a millisecond at most: what is relayed
/// waits no longer, however many clients come.
const HANDSHAKES: u32 = 2;
/// Bugs of ours that a worker survives.
const LIVES: u32 = 8;
/// The longest wait: also how long a lost wake would go unnoticed.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What other threads can reach of a worker. The worker holds the lock while
/// it works on a batch, never while it waits or calls the observer.
pub struct WorkerCore {
    pub locked: Mutex<Locked>,
    pub mailbox: Arc<Mailbox>,
}

impl CoreAccess for WorkerCore {
    fn with_core(&self, f: &mut dyn FnMut(&mut Core, Time)) {
        let mut locked = self.locked.lock();
        f(&mut locked.core, clock::now());
        // Who calls off a route may rely on it.
        locked.apply_routes();
    }

    fn gather(&self, of: Option<AllocationId>) {
        self.locked.lock().gather(of);
    }

    fn wake(&self) {
        self.mailbox.wake().wake();
    }

    fn decide(&self, id: RequestId, decision: Decision) {
        self.mailbox.post(Command::Decide(id, decision));
    }

    fn losses(&self) -> Counters {
        self.locked.lock().losses
    }
}

/// What a worker works on under its lock: the core with its sockets.
pub struct Locked {
    pub core: Core,
    pub sockets: RelaySockets,
    /// What may pass by the core, where there is a way for it.
    pub routes: Option<Routes>,
    /// What the driver counts.
    pub losses: Counters,
}

/// The lock on a core, which is opened for calls to the observer.
pub type Guard<'a> = MutexGuard<'a, Locked>;

/// What a worker keeps to itself.
pub struct Worker {
    pub(super) index: u16,
    pub(super) control: Arc<Control>,
    pub(super) own: Arc<WorkerCore>,
    pub(super) poller: Arc<Epoll>,
    pub(super) listeners: Vec<ListenerSocket>,
    pub(super) streams: Streams,
    /// Connections of TCP relays with peers.
    pub(super) peers: Peers,
    /// The first worker's: which listeners there are.
    pub(super) reception: Option<Reception>,
    pub(super) slots: Slots,
    pub(super) inbox: Inbox,
    pub(super) queue: Queue,
    /// Empty; keeps its memory for the next flush.
    pub(super) unsent: Vec<(RelayId, usize)>,
    /// Packets that another worker sent.
    pub(super) handover: Handover,
    /// Packets for other workers, by worker.
    pub(super) handovers: Vec<Handover>,
    pub(super) commands: Vec<Command>,
    pub(super) observer: Box<dyn Observer>,
    /// Connections whose clients said in this batch that they say nothing more.
    pub(super) ended: Vec<usize>,
    /// Steps of handshakes that may yet be taken in this round.
    pub(super) handshakes_left: u32,
    /// When to look at the certificates again.
    pub(super) next_expiry: Time,
    /// Where records of TLS are read into.
    pub(super) wire: Vec<u8>,
    /// Connections that are given to other workers after this batch.
    pub(super) moving: Vec<(usize, u16)>,
    /// TCP relays that ran out of descriptors, and try again with the listeners.
    pub(super) resting: Vec<RelayId>,
    /// Where the core writes replies.
    pub(super) out: Vec<u8>,
    pub(super) now: Time,
    pub(super) next_sweep: Time,
    /// When the kernel is asked again what it has dropped.
    pub(super) next_count: Time,
    /// When listeners that ran out of descriptors try again.
    pub(super) resume: Option<Time>,
}

impl Worker {
    /// Works until the server is stopped.
    pub fn run(mut self) {
        self.control.employ();
        for life in 1.. {
            let Err(panic) = panics::catch(|| self.serve()) else {
                break;
            };
            let log = &self.control.log;
            log(
                Level::Error,
                &format!("a bug in pjauth: {panic}; the worker starts afresh"),
            );
            if life == LIVES {
                log(
                    Level::Error,
                    "a worker panicked too often: the server stops",
                );
                self.control.stop();
                break;
            }
            self.begin_anew();
        }
        // What is left when even ending panics goes with the process.
        let _ = panics::catch(|| self.finish());
    }

    fn serve(&mut self) {
        let own = self.own.clone();
        let mut ready: Vec<Ready> = Vec::new();
        while !self.control.stopping.load(Acquire) {
            let timeout = self.timeout(&own.locked.lock());
            if let Err(error) = self.poller.wait(&mut ready, timeout) {
                (self.control.log)(Level::Error, &format!("epoll_wait: {error}"));
                self.control.stop();
                return;
            }
            let mut locked = own.locked.lock();
            self.now = clock::now();
            self.handshakes_left = HANDSHAKES;
            for event in &ready {
                self.dispatch(&mut locked, *event);
            }
            self.read_mail(&mut locked);
            self.go_on(&mut locked);
            self.close_ended(&mut locked);
            self.move_streams();
            if locked.core.next_deadline().is_some_and(|at| at <= self.now) {
                locked.core.tick(self.now);
            }
            locked.apply_routes();
            locked.settle_routes();
            self.housekeeping(&mut locked);
            self.tell(&mut locked);
            self.flush(&mut locked);
        }
    }

    fn dispatch(&mut self, locked: &mut Guard<'_>, event: Ready) {
        match Descriptor::unpack(event.tag) {
            Descriptor::Wake => self.own.mailbox.wake().reset(),
            Descriptor::Monitor => self.look(locked),
            Descriptor::Listener(index) => match self.listeners[index].listener.transport {
                Transport::Udp => self.read_listener(locked, index),
                Transport::Tcp | Transport::Tls => self.accept(index),
            },
            Descriptor::Relay(index) => {
                if locked.sockets.is_tcp(index) {
                    return self.accept_peers(locked, index);
                }
                if event.failed {
                    self.read_errors(locked, index);
                }
                self.read_relay(locked, index);
            }
            Descriptor::Peer(index) => self.peer_ready(locked, index, event),
            Descriptor::Connection(index) => {
                if event.writable && !self.streams.push_out(index, self.now) {
                    return self.close(locked, index);
                }
                if let Some(peer) = self.streams.peer_of(index) {
                    self.settle(locked, peer);
                }
                if event.readable {
                    self.read_stream(locked, index);
                }
            }
        }
    }

    fn timeout(&self, locked: &Locked) -> Duration {
        if locked.routes.as_ref().is_some_and(Routes::is_unsettled) {
            return Duration::ZERO;
        }
        let now = clock::now();
        let sweep = (self.streams.len() > 0).then_some(self.next_sweep);
        let longest = now + LONGEST_WAIT;
        let due = |at: Option<Time>| at.unwrap_or(longest);
        let next = due(locked.core.next_deadline()).min(due(sweep));
        let look = self.reception.as_ref().and_then(Reception::next_look);
        let next = next.min(due(self.peers.next_delayed()));
        next.min(due(self.resume)).min(due(look)).since(now)
    }

    /// Does what other threads asked for, and takes in other workers' packets.
    fn read_mail(&mut self, locked: &mut Guard<'_>) {
        let mut commands = std::mem::take(&mut self.commands);
        self.own.mailbox.take_commands(&mut commands);
        for command in commands.drain(..) {
            match command {
                Command::Forget(relay) => locked.sockets.forget(relay),
                Command::Listen(number, socket) => self.listen(locked, number, socket),
                Command::Ways => locked.review_routes(),
                Command::Unlisten(number) => self.unlisten(locked, number),
                Command::Policy(ranges) => {
                    let new = self.control.policy();
                    let core = &mut locked.core;
                    core.set_policy(ranges.as_deref(), |policy| *policy = new);
                }
                Command::Limit(limits) => {
                    self.streams.set_limits(limits);
                    self.next_sweep = self.now;
                }
                Command::Decide(id, decision) => self.decide_late(locked, id, decision),
                Command::Take(stream) => self.take_stream(locked, *stream),
            }
        }
        if commands.capacity() < 1024 {
            self.commands = commands;
        }
        self.read_handover(locked);
    }

    pub(super) fn send_to(&mut self, locked: &mut Guard<'_>, link: &Link, bytes: &[u8]) {
        let listener = &self.listeners[link.listener.0 as usize];
        if listener.listener.transport == Transport::Udp {
            if let Some(fd) = listener.fd() {
                self.queue.reply(fd, link.client, bytes);
            }
            return;
        }
        let written = self.streams.write(link, [bytes, &[], &[]], false, self.now);
        let is_too_much =
            self.streams.backlog(link) > BACKLOG_OF_A_STRANGER && !locked.core.has_allocation(link);
        if (written == Written::Gone || is_too_much)
            && let Some(index) = self.streams.of_link(link)
        {
            self.close(locked, index);
        }
    }

    /// Sends everything that waits, to clients, peers and other workers.
    pub(super) fn flush(&mut self, locked: &mut Guard<'_>) {
        let unsent = &mut self.unsent;
        let failed = self.queue.flush(&self.slots, &self.handover, unsent);
        locked.losses.packets_unsent += failed;
        for (relay, bytes) in unsent.drain(..) {
            locked.core.unsent(relay, bytes);
        }
        while let Some(broken) = self.streams.flush(self.now) {
            self.close(locked, broken);
        }
        self.hand_over(locked);
    }

    /// Gives other workers what is theirs.
    pub(super) fn hand_over(&mut self, locked: &mut Guard<'_>) {
        for (worker, handover) in self.handovers.iter_mut().enumerate() {
            if !handover.is_empty() {
                let mailbox = &self.control.mailboxes[worker];
                locked.losses.packets_overrun += mailbox.send(handover) as u64;
            }
        }
    }

    /// Closes the connections whose clients say nothing more, unless an answer is on
    /// its way: what has been decided by now is. TCP does not tell who has left from
    /// who waits, so a request that is yet to be decided goes with its client.
    fn close_ended(&mut self, locked: &mut Guard<'_>) {
        while let Some(index) = self.ended.pop() {
            if let Some(peer) = self.streams.peer_of(index) {
                self.client_ended(locked, peer);
            } else if self.streams.is_done(index) {
                self.close(locked, index);
            }
        }
    }

    /// Closes a connection, and takes back what its client had.
    pub(super) fn close(&mut self, locked: &mut Guard<'_>, index: usize) {
        // Its place may be another's before this batch is over.
        self.ended.retain(|ended| *ended != index);
        if let Some((link, was_shaking)) = self.streams.close(index) {
            locked.losses.handshakes_failed += u64::from(was_shaking);
            locked.core.client_gone(&link, self.now);
        }
    }

    /// After a panic the core cannot be trusted: another one takes its place.
    fn begin_anew(&mut self) {
        let _ = panics::catch(|| self.end_core());
        self.slots.reset();
        self.queue = Queue::new();
        self.handover.clear();
        self.peers.clear();
        *self.own.locked.lock() = self.control.new_core(self.index, self.listeners.iter());
    }

    /// Ends everything that the core serves, and tells the observer.
    fn end_core(&mut self) {
        let own = self.own.clone();
        let mut locked = own.locked.lock();
        self.now = clock::now();
        locked.core.stop(self.now);
        self.tell(&mut locked);
        self.flush(&mut locked);
        for index in self.streams.all() {
            self.close(&mut locked, index);
        }
        self.tell(&mut locked);
    }

    fn finish(&mut self) {
        self.end_core();
        self.control.ended.fetch_add(1, Release);
    }
}
