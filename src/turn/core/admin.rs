//! What the application may ask of a running core, and change in it.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::stun::address::Family;
use crate::turn::core::action::Withdrawal;
use crate::turn::core::config::Config;
use crate::turn::core::counters::Counters;
use crate::turn::policy::limits::Rate;
use crate::turn::policy::peers::{Policy, Verdict};
use crate::turn::policy::ranges::Range;
use crate::turn::state::allocation::Figures;
use crate::turn::state::allocation::Reason;
use crate::turn::state::arena::AllocationId;
use crate::turn::state::connections::PeerConnection;
use crate::turn::state::five_tuple::{Link, Transport};
use crate::turn::time::Time;

use super::{Core, State};

impl Core {
    /// What is known of an allocation. One that has ended is known until the
    /// `poll_event` after the one that reported its end.
    pub fn figures(&self, id: AllocationId, now: Time) -> Option<Figures> {
        let allocation = self.table.get(id)?;
        Some(allocation.figures(self.tuple(&allocation.link), now))
    }

    /// The allocations that exist now.
    pub fn allocations(&self) -> impl Iterator<Item = AllocationId> {
        self.table.live().map(|(id, _)| id)
    }

    /// How many allocations exist now.
    pub fn allocation_count(&self) -> usize {
        self.table.len()
    }

    /// How many requests wait for a later decision.
    pub fn held_count(&self) -> usize {
        self.held.waiting()
    }

    /// What this core has done so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// A function of the observer's took so long.
    pub fn observer_took(&mut self, time: Duration) {
        let longest = &mut self.counters.observer_longest;
        *longest = (time.as_micros() as u64).max(*longest);
    }

    /// How many sources get no answer now without proof of who they are, and how many
    /// sources and users there are of which no key is looked at: in all cores.
    pub fn suppressed(&self, now: Time) -> (usize, usize) {
        let answers = self.shared.answers().used_up(self.config.challenges, now);
        let guesses = self
            .config
            .guesses
            .map_or(0, |frequency| self.shared.guesses().used_up(frequency, now));
        (answers, guesses)
    }

    /// Ends an allocation; `false` when it has ended already.
    pub fn revoke(&mut self, id: AllocationId, now: Time) -> bool {
        let is_live = self.is_live(id);
        self.end(id, Reason::Revoked, now);
        is_live
    }

    /// Ends all allocations of a user in this core; returns how many. Takes a
    /// look at every allocation.
    pub fn revoke_user(&mut self, user: &str, now: Time) -> usize {
        let live = self.table.live();
        let theirs = live.filter(|(_, allocation)| &*allocation.user == user);
        let ids: Vec<_> = theirs.map(|(id, _)| id).collect();
        for id in &ids {
            self.end(*id, Reason::Revoked, now);
        }
        ids.len()
    }

    /// Sets when an allocation expires, counted from now; a Refresh sets it
    /// anew. `false` when it has ended already.
    pub fn set_lifetime(&mut self, id: AllocationId, lifetime: Duration, now: Time) -> bool {
        if !self.is_live(id) {
            return false;
        }
        self.retime(id, |core| {
            if let Some(allocation) = core.table.get_mut(id) {
                allocation.set_expiry(None, now + lifetime);
                allocation.lifetime = lifetime;
            }
        });
        self.reroute(id);
        true
    }

    /// Sets how many bytes an allocation may relay in all, both directions
    /// together, those relayed already included. The packet that would go
    /// beyond ends it. `false` when it has ended already.
    pub fn set_byte_cap(&mut self, id: AllocationId, cap: Option<u64>) -> bool {
        let is_live = self.is_live(id);
        if let Some(allocation) = self.table.get_mut(id).filter(|_| is_live) {
            allocation.byte_cap = cap;
        }
        self.reroute(id);
        is_live
    }

    /// Sets the rate of an allocation, both directions together, from now on.
    /// `false` when it has ended already.
    pub fn set_rate(&mut self, id: AllocationId, rate: Option<Rate>) -> bool {
        let is_live = self.is_live(id);
        if let Some(allocation) = self.table.get_mut(id).filter(|_| is_live) {
            allocation.bucket.set(rate);
        }
        self.reroute(id);
        is_live
    }

    /// Changes which peers clients may reach. Permissions and channels that the
    /// new policy denies end: those within `ranges`, or all.
    pub fn set_policy(&mut self, ranges: Option<&[Range]>, change: impl FnOnce(&mut Policy)) {
        change(&mut self.config.policy);
        for listener in &self.listeners {
            let ip = listener.address.ip();
            if !ip.is_unspecified() {
                self.config.policy.own(ip);
            }
        }
        let is_meant =
            |ip: &IpAddr| ranges.is_none_or(|ranges| ranges.iter().any(|range| range.contains(ip)));
        if ranges.is_some_and(<[Range]>::is_empty) {
            return self.reroute_all();
        }
        let policy = self.config.policy.clone();
        let may = |ip: &IpAddr, port| policy.judge(ip, port) != Verdict::Deny;
        let ids: Vec<_> = self.allocations().collect();
        for id in ids {
            self.narrow(id, |allocation| {
                let permissions = &mut allocation.permissions;
                permissions.retain(|ip| !is_meant(ip) || may(ip, None));
                let channels = &mut allocation.channels;
                channels.retain(|peer| !is_meant(&peer.ip()) || may(&peer.ip(), Some(peer.port())));
            });
            self.watch_reaches(id);
        }
        let denied = |own: &PeerConnection| is_meant(&own.peer.ip()) && !self.may_join(&own.peer);
        for peer in self.peers.matching(denied) {
            self.disconnect(peer);
        }
        self.reroute_all();
    }

    /// Goes by these limits from now on; what exists stays.
    pub fn set_limits(&mut self, from: &Config) {
        self.config.take_limits(from);
        let config = &self.config;
        self.held
            .set_bounds(config.max_held, config.max_held_per_source);
    }

    /// Sends new clients of a family to another server (300), or no longer; those of
    /// one transport, or of all. The observer is asked all the same, because the reply
    /// must be protected.
    pub fn set_alternate(
        &mut self,
        transport: Option<Transport>,
        family: Family,
        server: Option<SocketAddr>,
    ) {
        self.config.alternate.set(transport, family, server);
    }

    /// Whether a client has an allocation here.
    pub fn has_allocation(&self, link: &Link) -> bool {
        self.table.of_client(&link.key()).is_some()
    }

    /// Whether a client has an allocation here, a request that waits, or the bytes of
    /// a peer.
    pub fn serves(&self, link: &Link) -> bool {
        self.has_allocation(link)
            || self.peers.of_client(link).is_some()
            || !self.held.of_client(link).is_empty()
    }

    /// Refuses new allocations (508, or 300 where there is an alternate), or no
    /// longer. Existing ones stay.
    pub fn drain(&mut self, drain: bool) {
        self.state = match self.state {
            State::Stopped => State::Stopped,
            _ if drain => State::Draining,
            _ => State::Open,
        };
    }

    /// A client's connection has closed: takes back its requests and ends its
    /// allocation (RFC 8656, 3.1), or the connection with a peer that it was joined with.
    pub fn client_gone(&mut self, link: &Link, now: Time) {
        for id in self.held.of_client(link) {
            self.withdraw(id, Withdrawal::ClientGone, now);
        }
        if let Some(id) = self.table.of_client(&link.key()) {
            self.end(id, Reason::ClientGone, now);
        }
        if let Some(peer) = self.peers.of_client(link) {
            self.disconnect(peer);
        }
    }

    /// Takes back all requests and ends all allocations, for good. Take the
    /// events that follow.
    pub fn stop(&mut self, now: Time) {
        self.state = State::Stopped;
        for id in self.held.all() {
            self.withdraw(id, Withdrawal::Stopped, now);
        }
        let ids: Vec<_> = self.allocations().collect();
        for id in ids {
            self.end(id, Reason::Stopped, now);
        }
        for relay in self.table.reserved() {
            self.unreserve(relay);
        }
    }

    fn is_live(&self, id: AllocationId) -> bool {
        self.table.get(id).is_some_and(|a| a.ended.is_none())
    }
}
