//! Requests that wait for a decision.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::RandomState;

use crate::stun::message::TransactionId;
use crate::turn::address::AddrKey;
use crate::turn::auth::credentials::Identity;
use crate::turn::policy::guesses::Claimant;
use crate::turn::state::arena::{Arena, RequestId};
use crate::turn::state::five_tuple::Link;
use crate::turn::state::tally::{Counted, CountedOfSource, SourceTally, Tally};
use crate::turn::time::Time;

/// A request, kept as it came.
#[derive(Debug)]
pub(crate) struct Held {
    pub link: Link,
    pub id: TransactionId,
    pub message: Box<[u8]>,
    /// Who it says it is from.
    pub who: Claimant,
    /// What is to be decided.
    pub question: Question,
    /// When it came.
    pub since: Time,
    /// What the observer has said of the user so far.
    pub identity: Option<Box<Identity>>,
    /// When it is taken back. `None` while the observer is being asked.
    pub deadline: Option<Time>,
    /// Its share of the bounds, while it waits.
    pub counted: Option<(Counted, CountedOfSource)>,
}

/// What is to be decided about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Whether the client gets an allocation.
    Allocation,
    /// Whether a request is performed that was made with an allocation's key
    /// (`ask_each`).
    Performance,
    /// Nothing: it is refused with this code, and the answer needs a key.
    Refusal(u16),
}

/// The requests that wait, found by id and by client and transaction.
///
/// A request whose observer is being asked is here too, but counts against the
/// bounds only once it is to wait: an observer that answers at once never
/// meets them.
#[derive(Debug)]
pub(crate) struct HeldRequests {
    arena: Arena<Box<Held>>,
    by_client: BTreeMap<(AddrKey, TransactionId), RequestId>,
    all: Arc<Tally>,
    of_source: Arc<SourceTally>,
    waiting: usize,
    max: usize,
    max_per_source: u32,
}

impl HeldRequests {
    /// The bounds are those of all cores that share the tallies.
    pub(crate) fn new(
        (max, max_per_source): (usize, u32),
        (all, of_source): (Arc<Tally>, Arc<SourceTally>),
        hasher: &RandomState,
    ) -> Self {
        HeldRequests {
            arena: Arena::new(hasher),
            by_client: BTreeMap::new(),
            all,
            of_source,
            waiting: 0,
            max,
            max_per_source,
        }
    }

    /// Other bounds from now on.
    pub(crate) fn set_bounds(&mut self, max: usize, max_per_source: u32) {
        self.max = max;
        self.max_per_source = max_per_source;
    }

    /// How many wait for a later decision.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether a copy of this request is here.
    pub(crate) fn contains(&self, client: AddrKey, id: &TransactionId) -> bool {
        !self.by_client.is_empty() && self.by_client.contains_key(&(client, *id))
    }

    pub(crate) fn insert(&mut self, held: Held) -> RequestId {
        let key = (held.link.key(), held.id);
        let id = RequestId(self.arena.insert(Box::new(held)));
        self.by_client.insert(key, id);
        id
    }

    pub(crate) fn get(&self, id: RequestId) -> Option<&Held> {
        self.arena.get(id.0).map(|held| &**held)
    }

    /// Keeps what the observer has said of the user. `false` when there is no such
    /// request.
    pub(crate) fn identify(&mut self, id: RequestId, identity: Identity) -> bool {
        let held = self.arena.get_mut(id.0);
        held.map(|held| held.identity = Some(Box::new(identity)))
            .is_some()
    }

    /// Lets a request wait until `deadline`. `false` when a bound is reached
    /// or there is no such request; one that waits already keeps its deadline.
    pub(crate) fn wait(&mut self, id: RequestId, deadline: Time) -> bool {
        let Some(held) = self.arena.get_mut(id.0) else {
            return false;
        };
        if held.deadline.is_some() {
            return true;
        }
        let source = AddrKey::source(&held.link.client.ip());
        let Some(counted) = self.all.enter(self.max) else {
            return false;
        };
        let Some(of_source) = self.of_source.enter(source, self.max_per_source) else {
            return false;
        };
        held.deadline = Some(deadline);
        held.counted = Some((counted, of_source));
        self.waiting += 1;
        true
    }

    pub(crate) fn remove(&mut self, id: RequestId) -> Option<Held> {
        let mut held = *self.arena.remove(id.0)?;
        held.counted = None;
        self.by_client.remove(&(held.link.key(), held.id));
        if held.deadline.is_some() {
            self.waiting -= 1;
        }
        Some(held)
    }

    /// The requests of one client.
    pub(crate) fn of_client(&self, link: &Link) -> Vec<RequestId> {
        let key = link.key();
        let range = (key, [0; 12])..=(key, [0xFF; 12]);
        self.by_client.range(range).map(|(_, id)| *id).collect()
    }

    /// All requests.
    pub(crate) fn all(&self) -> Vec<RequestId> {
        self.by_client.values().copied().collect()
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.arena.capacity() + self.of_source.capacity()
    }

    #[cfg(test)]
    pub(crate) fn sizes(&self) -> (usize, usize, usize) {
        (self.arena.len(), self.by_client.len(), self.of_source.len())
    }
}
