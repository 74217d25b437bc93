//! A core: the state of one worker, and what drives it.
#![forbid(unsafe_code)]

pub(in crate::turn) mod action;
mod admin;
mod allocate;
pub(in crate::turn) mod config;
mod connections;
pub(in crate::turn) mod counters;
mod data;
mod decide;
mod icmp;
mod perform;
mod reaches;
mod refuse;
mod replied;
mod reply;
mod requests;
pub(in crate::turn) mod routes;
pub(in crate::turn) mod streams;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use ahash::RandomState;

use crate::stun::address::Family;
use crate::turn::auth::credentials::userhash;
use crate::turn::auth::mechanism::Mechanism;
use crate::turn::core::action::{Action, Event, Relays};
use crate::turn::core::config::Config;
use crate::turn::core::counters::Counters;
use crate::turn::policy::guesses::user_of;
use crate::turn::state::allocation::Reason;
use crate::turn::state::arena::{AllocationId, RelayId};
use crate::turn::state::connections::PeerConnections;
use crate::turn::state::five_tuple::{FiveTuple, Link, Listener, ListenerId, Transport};
use crate::turn::state::held::HeldRequests;
use crate::turn::state::replies::Replies;
use crate::turn::state::shared::Shared;
use crate::turn::state::table::{Owner, Table};
use crate::turn::state::timers::{Due, Timers};
use crate::turn::time::Time;

pub use requests::Request;
use routes::Routes;

/// A TURN server without sockets, clock or threads.
///
/// Feed it with [`inbound`](Self::inbound), [`from_peer`](Self::from_peer) and
/// [`tick`](Self::tick), do what the [`Action`] says, and after each, or after
/// a batch of them, call [`poll_event`](Self::poll_event) until it yields
/// nothing. Nothing here calls out, except to the [`Relays`] it is given.
#[derive(Debug)]
pub struct Core {
    config: Config,
    mechanism: Mechanism,
    worker: u16,
    shared: Arc<Shared>,
    listeners: Vec<Listener>,
    table: Table,
    peers: PeerConnections,
    held: HeldRequests,
    /// Replies to those whose allocation ended with them.
    farewells: Replies,
    /// Replies to those who were refused.
    refusals: Replies,
    /// Allocations that keep replies, and until when at least.
    replied: VecDeque<(Time, AllocationId)>,
    timers: Timers,
    events: VecDeque<Event>,
    /// The allocation whose `Removed` was the last event taken.
    lent: Option<AllocationId>,
    /// Relay sockets that nobody needs any more.
    unused: Vec<RelayId>,
    state: State,
    counters: Counters,
    hasher: RandomState,
    /// Counts the transaction ids of Data indications.
    indications: u64,
    /// What the driver may forward by itself; `None` where it does not.
    routes: Option<Routes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// No new allocations.
    Draining,
    Stopped,
}

impl Core {
    /// A core. `worker` tells the cores of one server apart; `seed` must be
    /// random and this core's own.
    pub fn new(config: Config, shared: Arc<Shared>, worker: u16, seed: [u64; 4]) -> Self {
        let hasher = RandomState::with_seeds(seed[0], seed[1], seed[2], seed[3]);
        Core {
            mechanism: Mechanism::new(&config.realm, &config.algorithms, config.userhash),
            worker,
            listeners: Vec::new(),
            table: Table::new(&hasher),
            peers: PeerConnections::new(&hasher),
            held: HeldRequests::new(
                (config.max_held, config.max_held_per_source),
                (shared.held().clone(), shared.held_of_source().clone()),
                &hasher,
            ),
            farewells: Replies::new(config.max_replies, config.reply_lifetime, hasher.clone()),
            refusals: Replies::new(config.max_replies, config.reply_lifetime, hasher.clone()),
            replied: VecDeque::new(),
            timers: Timers::default(),
            events: VecDeque::new(),
            lent: None,
            unused: Vec::new(),
            state: State::Open,
            counters: Counters::default(),
            routes: config.routes.then(|| Routes::new(&hasher)),
            hasher,
            indications: 0,
            shared,
            config,
        }
    }

    /// Names a socket that clients reach the server on. Its address becomes
    /// one of the server's own, unless it is a wildcard.
    pub fn add_listener(&mut self, listener: Listener) -> ListenerId {
        let ip = listener.address.ip();
        if !ip.is_unspecified() {
            self.config.policy.own(ip);
        }
        self.listeners.push(listener);
        ListenerId(self.listeners.len() as u32 - 1)
    }

    /// Takes in one datagram from a client, or one frame of a client's stream.
    ///
    /// `out` receives the message to send when the answer is
    /// [`Action::Reply`]; its old content goes.
    pub fn inbound(&mut self, link: &Link, bytes: &[u8], now: Time, out: &mut Vec<u8>) -> Action {
        match bytes.first() {
            _ if self.state == State::Stopped => Action::Nothing,
            Some(0x40..=0x7F) => self.channel_data(link, bytes, now),
            Some(0x00..=0x03) => self.stun(link, bytes, now, out),
            _ => {
                self.counters.malformed += 1;
                Action::Nothing
            }
        }
    }

    /// Takes in a datagram of `len` bytes that reached a relay socket. The
    /// answer is [`Action::ToClient`] or nothing.
    pub fn from_peer(&mut self, relay: RelayId, peer: SocketAddr, len: usize, now: Time) -> Action {
        self.forward_to_client(relay, peer, 0..len, now)
    }

    /// Takes in a packet of `len` bytes that another core answered with
    /// [`Action::Elsewhere`]. `None` when no allocation here has the address.
    pub fn handed_over(
        &mut self,
        to: &SocketAddr,
        from: SocketAddr,
        len: usize,
        now: Time,
    ) -> Option<Action> {
        let relay = self.table.relay_at(to)?;
        self.counters.packets_inside += 1;
        Some(self.forward_to_client(relay, from, 0..len, now))
    }

    /// Lets time pass: ends what has expired. Call at
    /// [`next_deadline`](Self::next_deadline) or later.
    pub fn tick(&mut self, now: Time) {
        while let Some(due) = self.timers.take(now) {
            match due {
                Due::Allocation(id) => self.expire(id, now),
                Due::Request(id) => self.give_up(id, now),
                Due::Reservation(relay) => self.unreserve(relay),
                Due::Connection(peer) => self.disconnect(peer),
                Due::Reach(id) => {
                    self.expire_reaches(id, now);
                    self.watch_reaches(id);
                }
            }
        }
        self.forget_replies(now);
    }

    /// When [`tick`](Self::tick) is due next.
    pub fn next_deadline(&self) -> Option<Time> {
        let replies = [self.farewells.next(), self.refusals.next()];
        let replied = self.replied.front().map(|(at, _)| *at);
        let all = [self.timers.next(), replied].into_iter().chain(replies);
        all.flatten().min()
    }

    /// The next thing to tell the application. Call until `None`.
    ///
    /// An allocation whose [`Event::Removed`] was returned is torn down in the
    /// next call: until then [`figures`](Self::figures) answers for it.
    pub fn poll_event(&mut self, relays: &mut dyn Relays) -> Option<Event> {
        if let Some(id) = self.lent.take() {
            self.tear_down(id, relays);
        }
        for relay in self.unused.drain(..) {
            relays.close(relay);
            self.table.forget_relay(relay);
        }
        let event = self.events.pop_front();
        match event {
            Some(Event::Removed(id, _)) => self.lent = Some(id),
            None => self.events.shrink_to(64),
            _ => {}
        }
        event
    }

    /// What the cores of this server share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The server that new clients of this transport and family are sent to.
    fn alternate_for(&self, link: &Link) -> Option<SocketAddr> {
        let family = Family::of(&link.client.ip());
        self.config.alternate.of(self.transport(link), family)
    }

    fn transport(&self, link: &Link) -> Transport {
        self.listeners
            .get(link.listener.0 as usize)
            .map_or(Transport::Udp, |listener| listener.transport)
    }

    fn tuple(&self, link: &Link) -> FiveTuple {
        let listener = self.listeners.get(link.listener.0 as usize);
        FiveTuple {
            transport: self.transport(link),
            client: link.client,
            server: listener.map_or(link.client, |listener| listener.address),
        }
    }

    /// Ends an allocation: no packet passes from now on. What it holds goes
    /// once the application has been told.
    fn end(&mut self, id: AllocationId, reason: Reason, now: Time) {
        let Some(allocation) = self.table.get_mut(id) else {
            return;
        };
        if allocation.ended.is_some() {
            return;
        }
        if let Some(at) = allocation.next_expiry() {
            self.timers.cancel(at, Due::Allocation(id));
        }
        allocation.ended = Some((reason, now));
        if reason != Reason::Stopped {
            let user = user_of(&userhash(&allocation.user, &self.mechanism.realm));
            let keyring = self.shared.keyring();
            keyring.lock().keep(user, &allocation.keys, now);
        }
        allocation.quota_share = None;
        allocation.counted = None;
        self.disconnect_all(id, |_| true);
        self.end_reaches(id);
        let Some(allocation) = self.table.get(id) else {
            return;
        };
        let client = allocation.link.key();
        let relayed = allocation.relayed;
        self.table.unlink(&client);
        for relayed in relayed.iter().flatten() {
            self.table.unlink_address(&relayed.address, relayed.relay);
        }
        self.counters.allocations_removed += 1;
        self.reroute(id);
        self.events.push_back(Event::Removed(id, reason));
    }

    fn tear_down(&mut self, id: AllocationId, relays: &mut dyn Relays) {
        let Some(allocation) = self.table.remove(id) else {
            return;
        };
        for relayed in allocation.relayed.iter().flatten() {
            relays.close(relayed.relay);
            self.table.forget_relay(relayed.relay);
        }
    }

    /// Ends the parts of an allocation that have expired.
    fn expire(&mut self, id: AllocationId, now: Time) {
        let Some(allocation) = self.table.get_mut(id) else {
            return;
        };
        let live = |family: Family| {
            allocation
                .relayed_address(family)
                .filter(|relayed| relayed.expires > now)
        };
        match (live(Family::V4), live(Family::V6)) {
            (None, None) => self.end(id, Reason::Expired, now),
            (Some(relayed), None) | (None, Some(relayed)) => {
                let at = relayed.expires;
                let gone = match relayed.address.is_ipv4() {
                    true => Family::V6,
                    false => Family::V4,
                };
                self.timers.set(at, Due::Allocation(id));
                self.drop_relayed(id, gone);
            }
            (Some(v4), Some(v6)) => self
                .timers
                .set(v4.expires.min(v6.expires), Due::Allocation(id)),
        }
    }

    /// Gives up one of two relayed addresses, with its permissions and
    /// channels. The timer is the caller's.
    fn drop_relayed(&mut self, id: AllocationId, family: Family) {
        let Some(allocation) = self.table.get_mut(id) else {
            return;
        };
        let Some(relayed) = allocation.relayed[family.index()].take() else {
            return;
        };
        self.narrow(id, |allocation| {
            allocation.permissions.revoke(family);
            allocation.channels.revoke(family);
        });
        self.watch_reaches(id);
        self.disconnect_all(id, |peer| Family::of(&peer.ip()) == family);
        self.table.unlink_address(&relayed.address, relayed.relay);
        self.unused.push(relayed.relay);
        self.reroute(id);
    }

    /// Closes a reserved port whose token nobody brought.
    fn unreserve(&mut self, relay: RelayId) {
        let Some(Owner::Reserved(token)) = self.table.owner(relay) else {
            return;
        };
        if self.shared.reservations().release(&token) {
            self.unused.push(relay);
        } else {
            // Another core has it by now.
            self.table.forget_relay(relay);
        }
    }
}

#[cfg(test)]
impl Core {
    /// How much is in each table, for tests of what stays behind.
    pub(crate) fn sizes(&self) -> [usize; 11] {
        let [allocations, clients, relays, addresses] = self.table.sizes();
        let (held, by_client, sources) = self.held.sizes();
        let timers = usize::from(self.timers.next().is_some());
        let users = self.shared.accounts().len();
        [
            allocations,
            clients,
            relays,
            addresses,
            held,
            by_client,
            sources,
            timers,
            users,
            self.peers.len(),
            self.shared.connection_ids().len(),
        ]
    }
    /// Room that the growing tables keep, in entries.
    pub(crate) fn capacity(&self) -> usize {
        self.table.capacity()
            + self.peers.capacity()
            + self.held.capacity()
            + self.farewells.capacity()
            + self.refusals.capacity()
            + self.replied.capacity()
            + self.events.capacity()
    }
}
