//! A table of things by a small id that is never mistaken for a later thing's.
#![forbid(unsafe_code)]

use ahash::RandomState;

use crate::turn::shrink::shrink_vec;

/// Where a thing stands, and which of the things that stood there it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id {
    index: u32,
    serial: u32,
}

/// A public id over [`Id`], with a round trip through 64 bits for tables of
/// the driver's (epoll data, handle payloads).
macro_rules! public_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) Id);

        impl $name {
            /// The id as 64 bits.
            pub const fn to_bits(self) -> u64 {
                self.0.to_bits()
            }

            /// The id that these bits came from. Any bits are safe: at worst
            /// the id names nothing.
            pub const fn from_bits(bits: u64) -> Self {
                $name(Id::from_bits(bits))
            }
        }
    };
}

public_id!(
    /// Names an allocation of one core.
    AllocationId
);
public_id!(
    /// Names a request that waits for a decision in one core.
    RequestId
);
public_id!(
    /// Names a relay socket. The core chooses it; the driver keeps the socket.
    RelayId
);
public_id!(
    /// Names a connection with a peer (RFC 6062). The core chooses it; the driver
    /// keeps the socket.
    PeerId
);

impl RelayId {
    /// A small number that no other relay of the same core has at this time,
    /// for a driver's table of sockets.
    pub const fn index(self) -> usize {
        self.0.index as usize
    }
}

impl PeerId {
    /// As [`RelayId::index`], for a table of connections.
    pub const fn index(self) -> usize {
        self.0.index as usize
    }
}

impl Id {
    pub(crate) const fn to_bits(self) -> u64 {
        (self.serial as u64) << 32 | self.index as u64
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Id {
            index: bits as u32,
            serial: (bits >> 32) as u32,
        }
    }
}

/// Things by [`Id`]. Finding one is an index and a comparison.
///
/// Serial numbers count insertions over the whole arena, so emptied slots can
/// be given back to the allocator without an old id coming alive again, short
/// of 2^32 insertions while somebody keeps it. They begin at a random number, so
/// that an id of an arena that is gone, kept by another thread, names nothing in
/// the one that takes its place.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    slots: Vec<Option<(u32, T)>>,
    free: Vec<u32>,
    live: usize,
    serial: u32,
}

impl<T> Arena<T> {
    /// Where the serial numbers begin, the hasher's seed decides.
    pub(crate) fn new(hasher: &RandomState) -> Self {
        Arena {
            slots: Vec::new(),
            free: Vec::new(),
            live: 0,
            serial: hasher.hash_one("serial") as u32,
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.slots.capacity() + self.free.capacity()
    }

    pub(crate) fn insert(&mut self, value: T) -> Id {
        self.serial = self.serial.wrapping_add(1);
        self.live += 1;
        let entry = Some((self.serial, value));
        // Indices above the end were given back together with their slots.
        while let Some(index) = self.free.pop() {
            if let Some(slot) = self.slots.get_mut(index as usize) {
                *slot = entry;
                return Id {
                    index,
                    serial: self.serial,
                };
            }
        }
        let index = u32::try_from(self.slots.len()).expect("fewer than 2^32 entries");
        self.slots.push(entry);
        Id {
            index,
            serial: self.serial,
        }
    }

    pub(crate) fn get(&self, id: Id) -> Option<&T> {
        match self.slots.get(id.index as usize) {
            Some(Some((serial, value))) if *serial == id.serial => Some(value),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        match self.slots.get_mut(id.index as usize) {
            Some(Some((serial, value))) if *serial == id.serial => Some(value),
            _ => None,
        }
    }

    pub(crate) fn remove(&mut self, id: Id) -> Option<T> {
        self.get(id)?;
        let (_, value) = self.slots[id.index as usize].take()?;
        self.live -= 1;
        self.free.push(id.index);
        self.give_back();
        Some(value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Id, &T)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let (serial, value) = slot.as_ref()?;
            let id = Id {
                index: index as u32,
                serial: *serial,
            };
            Some((id, value))
        })
    }

    /// Returns the memory of empty slots at the end.
    fn give_back(&mut self) {
        while let Some(None) = self.slots.last() {
            self.slots.pop();
        }
        if self.live == 0 {
            self.free.clear();
        }
        shrink_vec(&mut self.slots);
        shrink_vec(&mut self.free);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_dies_with_its_thing_even_when_the_slot_was_given_back() {
        let mut arena = Arena::new(&RandomState::with_seeds(1, 2, 3, 4));
        let first = arena.insert('a');
        assert_eq!(arena.remove(first), Some('a'));
        assert_eq!(arena.slots.len(), 0);
        let second = arena.insert('b');
        assert_eq!(first.index, second.index);
        assert_eq!(arena.get(first), None);
        assert_eq!(arena.remove(first), None);
        assert_eq!(arena.get(second), Some(&'b'));
        assert_eq!(Id::from_bits(second.to_bits()), second);
    }

    #[test]
    fn memory_goes_back_after_churn() {
        let mut arena = Arena::new(&RandomState::with_seeds(1, 2, 3, 4));
        let ids: Vec<_> = (0..10_000).map(|n| arena.insert(n)).collect();
        for id in &ids[1..] {
            arena.remove(*id);
        }
        assert_eq!(arena.len(), 1);
        assert!(arena.slots.capacity() <= 64, "{}", arena.slots.capacity());
        let again: Vec<_> = (0..100).map(|n| arena.insert(n)).collect();
        assert!(again.iter().all(|id| arena.get(*id).is_some()));
        assert_eq!(arena.get(ids[0]), Some(&0));
    }
}
