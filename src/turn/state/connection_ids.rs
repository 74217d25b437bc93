//! CONNECTION-IDs (RFC 6062, 6.2.1), of all cores.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::turn::shrink::shrink_map;

/// Which core has the connection with each id. Asked when a connection begins and
/// when a client comes for it, never for its bytes.
#[derive(Debug, Default)]
pub(crate) struct ConnectionIds {
    owners: Mutex<HashMap<u32, u16>>,
}

/// An id that nothing else has, until it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionId {
    ids: Arc<ConnectionIds>,
    number: u32,
}

impl ConnectionIds {
    /// A new id, which nobody can guess, for a connection of a core. `None` when
    /// there are `bound` connections already.
    pub(crate) fn take(self: &Arc<Self>, worker: u16, bound: usize) -> Option<ConnectionId> {
        let mut owners = self.owners.lock();
        if owners.len() >= bound {
            return None;
        }
        loop {
            let number = getrandom::u32().ok()?;
            if let std::collections::hash_map::Entry::Vacant(free) = owners.entry(number) {
                free.insert(worker);
                let ids = self.clone();
                return Some(ConnectionId { ids, number });
            }
        }
    }

    /// The core that has a connection with this id.
    pub(crate) fn owner(&self, number: u32) -> Option<u16> {
        self.owners.lock().get(&number).copied()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.owners.lock().len()
    }
}

impl ConnectionId {
    pub(crate) fn number(&self) -> u32 {
        self.number
    }
}

impl Drop for ConnectionId {
    fn drop(&mut self) {
        let mut owners = self.ids.owners.lock();
        owners.remove(&self.number);
        shrink_map(&mut owners);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_bounded_differ_and_go_back() {
        let ids = Arc::new(ConnectionIds::default());
        let taken: Vec<_> = (0..10).filter_map(|_| ids.take(3, 5)).collect();
        assert_eq!((taken.len(), ids.len()), (5, 5));
        assert!(taken.iter().all(|id| ids.owner(id.number()) == Some(3)));
        let first = taken[0].number();
        drop(taken);
        assert_eq!((ids.owner(first), ids.len()), (None, 0));
        assert!(ids.take(0, 0).is_none());
    }
}
