//! One worker's routes in the kernel.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::turn::core::routes::{Route, RouteId};
use crate::turn::state::allocation::Traffic;
use crate::turn::state::arena::AllocationId;

use super::Kernel;
use super::layout::{Flow, Hop, Onward};

/// The routes that the core of a worker has announced. Those that the kernel cannot take are known all the same: their
/// packets go through the sockets.
#[derive(Debug)]
pub struct Routes {
    kernel: Arc<Kernel>,
    /// By allocation.
    known: HashMap<AllocationId, Vec<Known>>,
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
    flow: Flow,
    tally: u32,
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
        }
    }

    /// Opens a route, or changes one, whose relay socket is bound to `relayed`.
    pub fn open(&mut self, route: Route, relayed: SocketAddr) -> Option<Relayed> {
        let known = self.known.entry(route.id.allocation).or_default();
        let at = known.iter().position(|known| known.route.id == route.id);
        let mut relayed_so_far = None;
        match at.map(|at| &mut known[at]) {
            Some(known) if known.is_alike(&route, relayed) => known.route = route,
            Some(known) => {
                relayed_so_far = known.close(&self.kernel);
                (known.route, known.relayed) = (route, relayed);
                known.ways = known.install(&self.kernel);
            }
            None => {
                let mut new = Known {
                    route,
                    relayed,
                    ways: None,
                };
                new.ways = new.install(&self.kernel);
                known.push(new);
            }
        }
        let known = known.iter().find(|known| known.route.id == route.id);
        if let Some(known) = known {
            known.set_deadlines(&self.kernel);
        }
        relayed_so_far
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

    /// Takes those out of the kernel whose listener has gone, for as long as it is gone.
    pub fn listener_gone(&mut self, listener: SocketAddr, each: &mut dyn FnMut(Relayed)) {
        for known in self.known.values_mut().flatten() {
            if known.route.listener == listener
                && let Some(relayed) = known.close(&self.kernel)
            {
                each(relayed);
            }
        }
    }

    /// Tries those again that are not in the kernel; all of them with `afresh`, because their ways may have changed.
    pub fn settle(&mut self, afresh: bool, each: &mut dyn FnMut(Relayed)) {
        for known in self.known.values_mut().flatten() {
            if afresh && let Some(relayed) = known.close(&self.kernel) {
                each(relayed);
            }
            if known.ways.is_none() {
                known.ways = known.install(&self.kernel);
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
            kernel.set_until(to_peer.tally, self.route.to_peer_until);
            kernel.set_until(to_client.tally, self.route.to_client_until);
        }
    }

    /// Puts both ways into the kernel, where they will not forward yet. `None` where that cannot be.
    fn install(&self, kernel: &Kernel) -> Option<[Way; 2]> {
        let (route, relayed) = (&self.route, self.relayed);
        let from_client = Flow {
            from: route.client,
            to: route.listener,
            channel: Some(route.id.channel),
            inside: false,
        };
        let from_peer = Flow {
            from: route.peer,
            to: relayed,
            channel: None,
            inside: route.inside,
        };
        // What stays inside leaves as the other allocation's route says.
        let nowhere = Hop {
            interface: 0,
            next: route.peer.ip(),
        };
        let to_peer = match route.inside {
            true => nowhere,
            false => kernel.hop(relayed.ip(), route.peer.ip())?,
        };
        let to_client = kernel.hop(route.listener.ip(), route.client.ip())?;
        let [first, second] = kernel.claim()?;
        let onward = |from, to, channel, hop, tally, inside| Onward {
            from,
            to,
            channel,
            hop,
            inside,
            tally,
        };
        let channel = Some(route.id.channel);
        let up = onward(relayed, route.peer, None, to_peer, first, route.inside);
        let (listener, client) = (route.listener, route.client);
        let down = onward(listener, client, channel, to_client, second, false);
        let way = |flow, tally| Way {
            flow,
            tally,
            told: Traffic::default(),
        };
        let ways = [way(from_client, first), way(from_peer, second)];
        let is_in = kernel.put(&from_client, &up) && kernel.put(&from_peer, &down);
        if !is_in {
            kernel.remove(&ways.each_ref().map(|way| (way.flow, way.tally)));
            return None;
        }
        Some(ways)
    }

    fn gather(&mut self, kernel: &Kernel) -> Option<Relayed> {
        let ways = self.ways.as_mut()?;
        let traffic = ways.each_mut().map(|way| {
            let now = kernel.read(way.tally);
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
        kernel.stop(ways.each_ref().map(|way| way.tally));
        let relayed = self.gather(kernel);
        if let Some(ways) = self.ways.take() {
            kernel.remove(&ways.each_ref().map(|way| (way.flow, way.tally)));
        }
        relayed
    }
}
