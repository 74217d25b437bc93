//! Replies kept for retransmissions (RFC 8489, 6.3.1).
#![forbid(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use ahash::RandomState;

use super::address::AddrKey;
use super::arena::shrink_map;
use super::message::TransactionId;
use super::time::Time;

type Key = (AddrKey, TransactionId);

/// The last replies that cannot be made again: those to requests that had an
/// effect. Bounded in number and time; the oldest goes first.
#[derive(Debug)]
pub(crate) struct Replies {
    table: HashMap<Key, Reply, RandomState>,
    order: VecDeque<(Time, Key)>,
    capacity: usize,
    lifetime: Duration,
}

#[derive(Debug)]
struct Reply {
    /// Hash of the request, so that only its retransmission gets the reply.
    request: u64,
    bytes: Box<[u8]>,
}

impl Replies {
    pub(crate) fn new(capacity: usize, lifetime: Duration, hasher: RandomState) -> Self {
        Replies {
            table: HashMap::with_hasher(hasher),
            order: VecDeque::new(),
            capacity,
            lifetime,
        }
    }

    /// The reply to an earlier copy of this very request.
    pub(crate) fn find(
        &self,
        client: AddrKey,
        id: &TransactionId,
        request: &[u8],
    ) -> Option<&[u8]> {
        if self.table.is_empty() {
            return None;
        }
        let reply = self.table.get(&(client, *id))?;
        (reply.request == self.table.hasher().hash_one(request)).then_some(&reply.bytes)
    }

    pub(crate) fn keep(
        &mut self,
        client: AddrKey,
        id: &TransactionId,
        request: &[u8],
        reply: &[u8],
        now: Time,
    ) {
        if self.capacity == 0 {
            return;
        }
        let key = (client, *id);
        let reply = Reply {
            request: self.table.hasher().hash_one(request),
            bytes: reply.into(),
        };
        self.purge(now);
        if let Some(earlier) = self.table.get_mut(&key) {
            *earlier = reply;
            return;
        }
        while self.order.len() >= self.capacity {
            self.drop_oldest();
        }
        self.table.insert(key, reply);
        self.order.push_back((now + self.lifetime, key));
    }

    /// When the oldest reply goes.
    pub(crate) fn next(&self) -> Option<Time> {
        self.order.front().map(|(expires, _)| *expires)
    }

    /// Lets go of what is too old.
    pub(crate) fn purge(&mut self, now: Time) {
        while self.next().is_some_and(|expires| expires <= now) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.table.remove(&key);
            shrink_map(&mut self.table);
            if self.order.capacity() > 64 && self.order.len() < self.order.capacity() / 4 {
                self.order.shrink_to(self.order.len() * 2);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.table.capacity() + self.order.capacity()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_bounded_in_number_and_time() {
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        let mut replies = Replies::new(10, Duration::from_secs(40), hasher);
        let client = AddrKey::of(&"1.2.3.4:5".parse().unwrap());
        let id = |n: u8| [n; 12];
        for n in 0..30 {
            replies.keep(client, &id(n), b"request", &[n], Time::ZERO);
        }
        assert_eq!((replies.len(), replies.order.len()), (10, 10));
        assert_eq!(replies.find(client, &id(19), b"request"), None);
        assert_eq!(replies.find(client, &id(20), b"request"), Some(&[20][..]));
        assert_eq!(replies.find(client, &id(20), b"another"), None);
        replies.keep(client, &id(29), b"request", b"newer", Time::ZERO);
        assert_eq!((replies.len(), replies.order.len()), (10, 10));
        replies.purge(Time::ZERO + Duration::from_secs(40));
        assert_eq!((replies.len(), replies.order.len()), (0, 0));
    }
}
