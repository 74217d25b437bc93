//! Which packets may pass by the core: the routes of channels, for a driver that has a faster way for them.
//!
//! A route is announced when a channel is bound, again when one of its deadlines moves, and called off as soon as the
//! core would not forward by it. In between the driver may forward what fits it exactly, both ways, and tells what it
//! has relayed so. Whatever the core counts byte by byte is not announced: allocations with a byte cap or a rate.
#![forbid(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use ahash::RandomState;

use crate::stun::address::Family;
use crate::turn::shrink::shrink_map;
use crate::turn::state::allocation::Traffic;
use crate::turn::state::arena::{AllocationId, RelayId};
use crate::turn::state::five_tuple::Transport;
use crate::turn::time::Time;

use super::Core;

/// Names a route: a channel of an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId {
    /// Whose it is.
    pub allocation: AllocationId,
    /// The number of the channel.
    pub channel: u16,
}

/// A channel whose packets may pass by the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its name.
    pub id: RouteId,
    /// The client, which is one over UDP.
    pub client: SocketAddr,
    /// The listener that the client uses.
    pub listener: SocketAddr,
    /// The socket that the peer knows.
    pub relay: RelayId,
    /// The peer.
    pub peer: SocketAddr,
    /// The peer's address is one that relayed addresses of the server have: if no route of another allocation takes a
    /// packet, the core must have it.
    pub inside: bool,
    /// From then on nothing goes to the peer.
    pub to_peer_until: Time,
    /// From then on nothing goes to the client, or something else than ChannelData.
    pub to_client_until: Time,
}

/// A change to what a driver may forward. Taken with `poll_route`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteChange {
    /// From now on by this route, which may have been another before.
    Open(Route),
    /// No longer.
    Close(RouteId),
}

/// What the driver was told.
#[derive(Debug)]
pub(super) struct Routes {
    /// By allocation, in the order of the channels' numbers.
    announced: HashMap<AllocationId, Vec<Route>, RandomState>,
    changes: VecDeque<RouteChange>,
}

impl Routes {
    pub(super) fn new(hasher: &RandomState) -> Self {
        Routes {
            announced: HashMap::with_hasher(hasher.clone()),
            changes: VecDeque::new(),
        }
    }

    /// Announces how an allocation's routes differ from those that were announced.
    fn announce(&mut self, id: AllocationId, wanted: Vec<Route>) {
        let before = match wanted.is_empty() {
            true => self.announced.remove(&id),
            false => self.announced.insert(id, wanted.clone()),
        };
        let before = before.unwrap_or_default();
        let find = |among: &[Route], channel| {
            let at = among.binary_search_by_key(&channel, |route| route.id.channel);
            at.ok().map(|at| among[at])
        };
        for old in &before {
            if find(&wanted, old.id.channel).is_none() {
                self.changes.push_back(RouteChange::Close(old.id));
            }
        }
        for new in wanted {
            if find(&before, new.id.channel) != Some(new) {
                self.changes.push_back(RouteChange::Open(new));
            }
        }
        shrink_map(&mut self.announced);
    }

    /// How many are announced, for tests of what stays behind.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.announced.values().map(Vec::len).sum()
    }
}

impl Core {
    /// The next change to what the driver may forward by itself. Call until `None`, before
    /// [`poll_event`](Self::poll_event) and before another thread may think that a call of its own has been obeyed.
    /// Nothing comes unless [`Config::routes`](crate::turn::Config) is set.
    pub fn poll_route(&mut self) -> Option<RouteChange> {
        let changes = &mut self.routes.as_mut()?.changes;
        let change = changes.pop_front();
        if change.is_none() {
            changes.shrink_to(64);
        }
        change
    }

    /// The driver has relayed so much by a route, beyond what it has told before. One that was called off counts as
    /// long as its allocation can be asked about.
    pub fn relayed_by_route(&mut self, route: &Route, to_peer: Traffic, to_client: Traffic) {
        if let Some(allocation) = self.table.get_mut(route.id.allocation) {
            allocation.to_peers.add(to_peer);
            allocation.to_client.add(to_client);
        }
        let counters = &mut self.counters;
        counters.packets_to_peers += to_peer.packets;
        counters.bytes_to_peers += to_peer.bytes;
        counters.packets_to_clients += to_client.packets;
        counters.bytes_to_clients += to_client.bytes;
        counters.packets_by_kernel += to_peer.packets + to_client.packets;
        if route.inside {
            counters.packets_inside += to_peer.packets;
        }
    }

    /// Looks at the routes of an allocation again: something has changed that they depend on.
    pub(super) fn reroute(&mut self, id: AllocationId) {
        if self.routes.is_some() {
            let wanted = self.routes_of(id);
            if let Some(routes) = &mut self.routes {
                routes.announce(id, wanted);
            }
        }
    }

    /// Looks at all of them again.
    pub fn reroute_all(&mut self) {
        if self.routes.is_some() {
            let ids: Vec<_> = self.allocations().collect();
            ids.into_iter().for_each(|id| self.reroute(id));
        }
    }

    fn routes_of(&self, id: AllocationId) -> Vec<Route> {
        let Some(allocation) = self.table.get(id) else {
            return Vec::new();
        };
        let link = allocation.link;
        let is_counted = allocation.byte_cap.is_some() || allocation.is_limited();
        if allocation.ended.is_some() || is_counted || self.transport(&link) != Transport::Udp {
            return Vec::new();
        }
        let listener = self.tuple(&link).server;
        let route = |(channel, peer, expires): (u16, SocketAddr, Time)| {
            let relayed = allocation.relayed_address(Family::of(&peer.ip()))?;
            let to_peer_until = expires.min(relayed.expires);
            let permitted = allocation.permissions.until(&peer.ip());
            Some(Route {
                id: RouteId {
                    allocation: id,
                    channel,
                },
                client: link.client,
                listener,
                relay: relayed.relay,
                peer,
                inside: self.config.policy.is_relay(&peer.ip()),
                to_peer_until,
                to_client_until: to_peer_until.min(permitted),
            })
        };
        allocation.channels.all().filter_map(route).collect()
    }

    /// How many routes are announced, for tests of what stays behind.
    #[cfg(test)]
    pub(crate) fn route_count(&self) -> usize {
        self.routes.as_ref().map_or(0, Routes::len)
    }
}
