//! Replies kept for retransmissions (RFC 8489, 6.3.1).
#![forbid(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use ahash::RandomState;

use crate::turn::address::AddrKey;
use crate::turn::shrink::shrink_map;
use crate::turn::time::Time;

/// The last replies that cannot be made again: those to requests that had an
/// effect. Bounded in number and time; the oldest goes first.
///
/// A reply is found by a keyed hash of client and whole request, so that only a
/// retransmission gets it, and little is kept.
#[derive(Debug)]
pub(crate) struct Replies {
    table: HashMap<u64, Box<[u8]>, RandomState>,
    order: VecDeque<(Time, u64)>,
    capacity: usize,
    lifetime: Duration,
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
    pub(crate) fn find(&self, client: AddrKey, request: &[u8]) -> Option<&[u8]> {
        if self.table.is_empty() {
            return None;
        }
        let reply = self.table.get(&self.key(client, request))?;
        Some(reply)
    }

    pub(crate) fn keep(&mut self, client: AddrKey, request: &[u8], reply: &[u8], now: Time) {
        if self.capacity == 0 {
            return;
        }
        let key = self.key(client, request);
        self.purge(now);
        if let Some(earlier) = self.table.get_mut(&key) {
            *earlier = reply.into();
            return;
        }
        while self.order.len() >= self.capacity {
            self.drop_oldest();
        }
        self.table.insert(key, reply.into());
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

    fn key(&self, client: AddrKey, request: &[u8]) -> u64 {
        self.table.hasher().hash_one((client, request))
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
        for n in 0..30 {
            replies.keep(client, &[b'q', n], &[n], Time::ZERO);
        }
        assert_eq!((replies.len(), replies.order.len()), (10, 10));
        assert_eq!(replies.find(client, &[b'q', 19]), None);
        assert_eq!(replies.find(client, &[b'q', 20]), Some(&[20][..]));
        let other = AddrKey::of(&"1.2.3.4:6".parse().unwrap());
        assert_eq!(replies.find(other, &[b'q', 20]), None);
        replies.keep(client, &[b'q', 29], b"newer", Time::ZERO);
        assert_eq!((replies.len(), replies.order.len()), (10, 10));
        assert_eq!(replies.find(client, &[b'q', 29]), Some(&b"newer"[..]));
        replies.purge(Time::ZERO + Duration::from_secs(40));
        assert_eq!((replies.len(), replies.order.len()), (0, 0));
    }
}
