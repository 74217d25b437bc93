//! One worker's routes in the kernel.
#![forbid(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::turn::core::routes::{Route, RouteId};
use crate::turn::state::allocation::Traffic;
use crate::turn::state::arena::AllocationId;

use super::Kernel;
use super::interfaces;
use super::layout::{Flow, Hop, Onward};

/// The routes that the core of a worker has announced. Those that the kernel cannot take are known all the same: their
/// packets go through the sockets.
#[derive(Debug)]
pub struct Routes {
    kernel: Arc<Kernel>,
    /// By allocation.
    known: HashMap<AllocationId, Vec<Known>>,
    /// Listeners that have gone, whose packets are not to be forwarded.
    gone: Vec<SocketAddr>,
    /// Routes whose ways are to be looked up again.
    unsettled: VecDeque<RouteId>,
}

#[derive(Debug)]
struct Known {
    route: Route,
    /// Where the relay socket is bound.
    relayed: SocketAddr,
    /// To the peer and to the client, where they are in the kernel.
    ways: Option<[Way; 2]>,
}

/// One direction.
#[derive(Debug)]
struct Way {
    place: u32,
    hop: Hop,
    /// What the core has been told of.
    told: Traffic,
}

/// What has been relayed by a route since it was asked last: to the peer and to the client.
pub type Relayed = (Route, [Traffic; 2]);

impl Routes {
    pub fn new(kernel: Arc<Kernel>) -> Self {
        Routes {
            kernel,
            known: HashMap::new(),
            gone: Vec::new(),
            unsettled: VecDeque::new(),
        }
    }

    /// Opens a route, or changes one, whose relay socket is bound to `relayed`.
    pub fn open(&mut self, route: Route, relayed: SocketAddr) -> Option<Relayed> {
        let is_gone = self.gone.contains(&route.listener);
        let of_allocation = self.known.entry(route.id.allocation).or_default();
        let mut told = None;
        let at = of_allocation
            .iter()
            .position(|known| known.route.id == route.id);
        let at = at.unwrap_or_else(|| {
            of_allocation.push(Known {
                route,
                relayed,
                ways: None,
            });
            of_allocation.len() - 1
        });
        let known = &mut of_allocation[at];
        if !known.is_alike(&route, relayed) {
            told = known.close(&self.kernel);
        }
        (known.route, known.relayed) = (route, relayed);
        if known.ways.is_none() && !is_gone {
            known.install(&self.kernel);
        }
        known.set_deadlines(&self.kernel);
        told
    }

    /// Ends a route.
    pub fn close(&mut self, id: RouteId) -> Option<Relayed> {
        let known = self.known.get_mut(&id.allocation)?;
        let at = known.iter().position(|known| known.route.id == id)?;
        let mut gone = known.swap_remove(at);
        if known.is_empty() {
            self.known.remove(&id.allocation);
        }
        gone.close(&self.kernel)
    }

    /// What has been relayed by the routes of an allocation, or by all.
    pub fn gather(&mut self, of: Option<AllocationId>, each: &mut dyn FnMut(Relayed)) {
        let kernel = &self.kernel;
        let mut gather = |known: &mut Known| {
            if let Some(relayed) = known.gather(kernel) {
                each(relayed);
            }
        };
        match of {
            Some(id) => {
                let known = self.known.get_mut(&id).into_iter().flatten();
                known.for_each(&mut gather);
            }
            None => {
                let known = self.known.values_mut().flatten();
                known.for_each(&mut gather);
            }
        }
    }

    /// Takes those out of the kernel whose listener has gone.
    pub fn listener_gone(&mut self, listener: SocketAddr, each: &mut dyn FnMut(Relayed)) {
        self.gone.push(listener);
        for known in self.known.values_mut().flatten() {
            if known.route.listener == listener
                && let Some(relayed) = known.close(&self.kernel)
            {
                each(relayed);
            }
        }
    }

    /// It is there again.
    pub fn listener_back(&mut self, listener: SocketAddr) {
        self.gone.retain(|gone| *gone != listener);
        self.review();
    }

    /// Packets may leave by other ways than before: all are to be looked up. How large they may be changes at once.
    pub fn review(&mut self) {
        let mut mtus = HashMap::new();
        let ways = self.known.values().flatten();
        for way in ways.filter_map(|known| known.ways.as_ref()).flatten() {
            let mtu = mtus.entry(way.hop.interface);
            let mtu = mtu.or_insert_with(|| mtu_of(&way.hop));
            self.kernel.set_most(way.place, &way.hop, *mtu);
        }
        let all = self.known.values().flatten();
        self.unsettled = all.map(|known| known.route.id).collect();
    }

    /// Whether there is something left to look up.
    pub fn is_unsettled(&self) -> bool {
        !self.unsettled.is_empty()
    }

    /// Looks up so many.
    pub fn settle(&mut self, most: usize, each: &mut dyn FnMut(Relayed)) {
        for id in self.unsettled.drain(..most.min(self.unsettled.len())) {
            let of_allocation = self.known.get_mut(&id.allocation);
            let mut of_allocation = of_allocation.into_iter().flatten();
            let known = of_allocation.find(|known| known.route.id == id);
            let is_gone = |known: &&mut Known| self.gone.contains(&known.route.listener);
            let Some(known) = known.filter(|known| !is_gone(known)) else {
                continue;
            };
            if !known.is_settled(&self.kernel) {
                known.close(&self.kernel).into_iter().for_each(&mut *each);
                known.install(&self.kernel);
                known.set_deadlines(&self.kernel);
            }
        }
    }
}

impl Drop for Routes {
    fn drop(&mut self) {
        for known in self.known.values_mut().flatten() {
            known.close(&self.kernel);
        }
    }
}

impl Known {
    /// Whether another announcement changes only deadlines.
    fn is_alike(&self, new: &Route, relayed: SocketAddr) -> bool {
        let without_deadlines = Route {
            to_peer_until: new.to_peer_until,
            to_client_until: new.to_client_until,
            ..self.route
        };
        without_deadlines == *new && self.relayed == relayed
    }

    fn set_deadlines(&self, kernel: &Kernel) {
        if let Some([to_peer, to_client]) = &self.ways {
            kernel.set_until(to_peer.place, self.route.to_peer_until);
            kernel.set_until(to_client.place, self.route.to_client_until);
        }
    }

    /// Where packets to the peer and to the client leave now.
    fn hops(&self, kernel: &Kernel) -> Option<[Hop; 2]> {
        let Route {
            listener,
            client,
            peer,
            inside,
            ..
        } = self.route;
        // What stays inside leaves as the other allocation's route says.
        let nowhere = Hop {
            interface: 0,
            next: peer.ip(),
            mtu: None,
        };
        let to_peer = match inside {
            true => nowhere,
            false => kernel.hop(self.relayed, peer)?,
        };
        Some([to_peer, kernel.hop(listener, client)?])
    }

    /// Whether both ways are in the kernel as they should be, or cannot be there.
    fn is_settled(&self, kernel: &Kernel) -> bool {
        let there = self
            .ways
            .as_ref()
            .map(|ways| ways.each_ref().map(|way| way.hop));
        there == self.hops(kernel)
    }

    /// Puts both ways into the kernel, where that can be. They do not forward yet.
    fn install(&mut self, kernel: &Kernel) {
        let Some(hops) = self.hops(kernel) else {
            return;
        };
        let Some(places) = kernel.claim() else {
            return;
        };
        let [to_peer, to_client] = self.directions();
        self.ways = Some([(to_peer, 0), (to_client, 1)].map(|((flow, onward), i)| {
            let (place, hop) = (places[i], hops[i]);
            kernel.set_most(place, &hop, mtu_of(&hop));
            kernel.put(place, &flow, &Onward { hop, ..onward });
            Way {
                place,
                hop,
                told: Traffic::default(),
            }
        }));
    }

    /// Which packets go which way; the hop is yet to be said.
    fn directions(&self) -> [(Flow, Onward); 2] {
        let (route, relayed) = (&self.route, self.relayed);
        let channel = Some(route.id.channel);
        let from_client = Flow {
            from: route.client,
            to: route.listener,
            channel,
            inside: false,
        };
        let from_peer = Flow {
            from: route.peer,
            to: relayed,
            channel: None,
            inside: route.inside,
        };
        let onward = |from: SocketAddr, to: SocketAddr, channel, inside| Onward {
            from,
            to,
            channel,
            hop: Hop {
                interface: 0,
                next: to.ip(),
                mtu: None,
            },
            inside,
        };
        let to_peer = onward(relayed, route.peer, None, route.inside);
        let to_client = onward(route.listener, route.client, channel, false);
        [(from_client, to_peer), (from_peer, to_client)]
    }

    fn gather(&mut self, kernel: &Kernel) -> Option<Relayed> {
        let ways = self.ways.as_mut()?;
        let traffic = ways.each_mut().map(|way| {
            let now = kernel.read(way.place);
            let new = Traffic {
                packets: now.packets.wrapping_sub(way.told.packets),
                bytes: now.bytes.wrapping_sub(way.told.bytes),
            };
            way.told = now;
            new
        });
        Some((self.route, traffic))
    }

    fn close(&mut self, kernel: &Kernel) -> Option<Relayed> {
        let ways = self.ways.as_ref()?;
        kernel.stop(ways.each_ref().map(|way| way.place));
        let relayed = self.gather(kernel);
        if let Some(ways) = self.ways.take() {
            kernel.remove(ways.map(|way| way.place));
        }
        relayed
    }
}

/// Nothing leaves by an interface that is not there.
fn mtu_of(hop: &Hop) -> u32 {
    interfaces::mtu(hop.interface).unwrap_or(0)
}

/// What tests look at.
#[cfg(test)]
impl Routes {
    fn installed(&self) -> impl Iterator<Item = (&Known, &[Way; 2])> {
        let all = self.known.values().flatten();
        all.filter_map(|known| known.ways.as_ref().map(|ways| (known, ways)))
    }

    pub(super) fn flows(&self) -> impl Iterator<Item = [u64; Flow::WORDS]> {
        let known = self.installed().flat_map(|(known, _)| known.directions());
        known.map(|(flow, _)| flow.to_words())
    }

    pub(super) fn places(&self) -> impl Iterator<Item = u32> {
        let ways = self.installed().flat_map(|(_, ways)| ways);
        ways.map(|way| way.place)
    }

    /// Each with its deadlines in the kernel's time.
    pub(super) fn in_kernel(&self) -> impl Iterator<Item = (Route, [u64; 2])> {
        let table = self.kernel.program.table();
        let until = |way: &Way| table.until(way.place);
        self.installed()
            .map(move |(known, ways)| (known.route, ways.each_ref().map(until)))
    }
}
