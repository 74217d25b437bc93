//! All allocations of a core, found by client and by relay socket.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::net::SocketAddr;

use ahash::RandomState;

use crate::turn::address::AddrKey;
use crate::turn::shrink::shrink_map;
use crate::turn::state::allocation::Allocation;
use crate::turn::state::arena::{AllocationId, Arena, RelayId};
use crate::turn::state::reservations::ReservationToken;

/// Whose a relay socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// An allocation's.
    Allocation(AllocationId),
    /// Nobody's yet: it waits for its token.
    Reserved(ReservationToken),
    /// About to be one of the former.
    Opening,
}

/// Allocations and relay sockets.
#[derive(Debug)]
pub(crate) struct Table {
    allocations: Arena<Box<Allocation>>,
    by_client: HashMap<AddrKey, AllocationId, RandomState>,
    relays: Arena<Owner>,
    by_address: HashMap<AddrKey, RelayId, RandomState>,
}

impl Table {
    pub(crate) fn new(hasher: &RandomState) -> Self {
        Table {
            allocations: Arena::new(hasher),
            by_client: HashMap::with_hasher(hasher.clone()),
            relays: Arena::new(hasher),
            by_address: HashMap::with_hasher(hasher.clone()),
        }
    }

    /// How many allocations clients have; those that have ended do not count.
    pub(crate) fn len(&self) -> usize {
        self.by_client.len()
    }

    pub(crate) fn insert(&mut self, client: AddrKey, allocation: Allocation) -> AllocationId {
        let id = AllocationId(self.allocations.insert(Box::new(allocation)));
        self.by_client.insert(client, id);
        id
    }

    pub(crate) fn get(&self, id: AllocationId) -> Option<&Allocation> {
        self.allocations.get(id.0).map(|boxed| &**boxed)
    }

    pub(crate) fn get_mut(&mut self, id: AllocationId) -> Option<&mut Allocation> {
        self.allocations.get_mut(id.0).map(|boxed| &mut **boxed)
    }

    /// The allocation of a client.
    pub(crate) fn of_client(&self, client: &AddrKey) -> Option<AllocationId> {
        self.by_client.get(client).copied()
    }

    /// Cuts an allocation off from its client; its figures stay.
    pub(crate) fn unlink(&mut self, client: &AddrKey) {
        self.by_client.remove(client);
        shrink_map(&mut self.by_client);
    }

    pub(crate) fn remove(&mut self, id: AllocationId) -> Option<Box<Allocation>> {
        self.allocations.remove(id.0)
    }

    /// The allocations that clients have.
    pub(crate) fn live(&self) -> impl Iterator<Item = (AllocationId, &Allocation)> {
        self.allocations
            .iter()
            .filter(|(_, allocation)| allocation.ended.is_none())
            .map(|(id, allocation)| (AllocationId(id), &**allocation))
    }

    /// A name for a relay socket to be opened.
    pub(crate) fn name_relay(&mut self) -> RelayId {
        RelayId(self.relays.insert(Owner::Opening))
    }

    pub(crate) fn owner(&self, relay: RelayId) -> Option<Owner> {
        self.relays.get(relay.0).copied()
    }

    pub(crate) fn set_owner(&mut self, relay: RelayId, owner: Owner) {
        if let Some(own) = self.relays.get_mut(relay.0) {
            *own = owner;
        }
    }

    /// The relay sockets that wait for their token.
    pub(crate) fn reserved(&self) -> Vec<RelayId> {
        let reserved = |owner: &Owner| matches!(owner, Owner::Reserved(_));
        let relays = self.relays.iter().filter(|(_, owner)| reserved(owner));
        relays.map(|(id, _)| RelayId(id)).collect()
    }

    pub(crate) fn forget_relay(&mut self, relay: RelayId) {
        self.relays.remove(relay.0);
    }

    /// Lets packets for a relayed address be handed over inside.
    pub(crate) fn link_address(&mut self, address: &SocketAddr, relay: RelayId) {
        self.by_address.insert(AddrKey::of(address), relay);
    }

    /// Ends that, unless the address belongs to another relay by now.
    pub(crate) fn unlink_address(&mut self, address: &SocketAddr, relay: RelayId) {
        let key = AddrKey::of(address);
        if self.by_address.get(&key) == Some(&relay) {
            self.by_address.remove(&key);
            shrink_map(&mut self.by_address);
        }
    }

    pub(crate) fn relay_at(&self, address: &SocketAddr) -> Option<RelayId> {
        self.by_address.get(&AddrKey::of(address)).copied()
    }

    #[cfg(test)]
    pub(crate) fn sizes(&self) -> [usize; 4] {
        [
            self.allocations.len(),
            self.by_client.len(),
            self.relays.len(),
            self.by_address.len(),
        ]
    }
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.allocations.capacity()
            + self.by_client.capacity()
            + self.relays.capacity()
            + self.by_address.capacity()
    }
}
