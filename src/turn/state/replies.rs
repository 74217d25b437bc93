//! Replies kept for retransmissions (RFC 8489, 6.3.1).
#![forbid(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use ahash::RandomState;

use crate::turn::shrink::shrink_map;
use crate::turn::time::Time;

/// A request in tables of replies: a keyed hash of client and whole message, so that
/// only a retransmission is taken for it, and little is kept.
pub(crate) type RequestName = u64;

/// Replies kept beside those of allocations. Bounded in number and time; the oldest
/// goes first.
#[derive(Debug)]
pub(crate) struct Replies {
    table: HashMap<RequestName, Box<[u8]>, RandomState>,
    order: VecDeque<(Time, RequestName)>,
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

    /// The reply to an earlier copy of a request.
    pub(crate) fn find(&self, request: RequestName) -> Option<&[u8]> {
        Some(self.table.get(&request)?)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    pub(crate) fn keep(&mut self, request: RequestName, reply: &[u8], now: Time) {
        if self.capacity == 0 {
            return;
        }
        self.purge(now);
        if let Some(earlier) = self.table.get_mut(&request) {
            *earlier = reply.into();
            return;
        }
        while self.order.len() >= self.capacity {
            self.drop_oldest();
        }
        self.table.insert(request, reply.into());
        self.order.push_back((now + self.lifetime, request));
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

/// The last replies to the client of one allocation, which nobody else's can push
/// out.
#[derive(Debug, Default)]
pub(crate) struct LastReplies {
    list: Vec<LastReply>,
}

/// How many an allocation keeps.
const LAST: usize = 4;

#[derive(Debug)]
struct LastReply {
    request: RequestName,
    expires: Time,
    reply: Box<[u8]>,
}

impl LastReplies {
    /// The reply to an earlier copy of a request.
    pub(crate) fn find(&self, request: RequestName) -> Option<&[u8]> {
        let found = self.list.iter().find(|kept| kept.request == request);
        found.map(|kept| &*kept.reply)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn keep(&mut self, request: RequestName, reply: &[u8], expires: Time) {
        if self.list.len() == LAST {
            self.list.remove(0);
        }
        self.list.reserve_exact(1);
        self.list.push(LastReply {
            request,
            expires,
            reply: reply.into(),
        });
    }

    /// Lets go of what is too old. Returns when the last of the others is.
    pub(crate) fn purge(&mut self, now: Time) -> Option<Time> {
        self.list.retain(|kept| kept.expires > now);
        if self.list.is_empty() {
            self.list = Vec::new();
        }
        self.list.last().map(|kept| kept.expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_bounded_in_number_and_time() {
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        let mut replies = Replies::new(10, Duration::from_secs(40), hasher);
        for n in 0..30 {
            replies.keep(n, &[n as u8], Time::ZERO);
        }
        assert_eq!((replies.len(), replies.order.len()), (10, 10));
        assert_eq!(replies.find(19), None);
        assert_eq!(replies.find(20), Some(&[20][..]));
        replies.keep(29, b"newer", Time::ZERO);
        assert_eq!((replies.len(), replies.order.len()), (10, 10));
        assert_eq!(replies.find(29), Some(&b"newer"[..]));
        replies.purge(Time::ZERO + Duration::from_secs(40));
        assert_eq!((replies.len(), replies.order.len()), (0, 0));
    }

    #[test]
    fn an_allocation_keeps_its_last_few_and_no_memory_after_them() {
        let at = |secs| Time::ZERO + Duration::from_secs(secs);
        let mut last = LastReplies::default();
        for n in 1..=6 {
            last.keep(n, &[n as u8], at(n));
        }
        assert_eq!((last.find(2), last.find(3)), (None, Some(&[3][..])));
        assert_eq!(last.purge(at(4)), Some(at(6)));
        assert_eq!((last.find(4), last.find(5)), (None, Some(&[5][..])));
        assert_eq!(last.purge(at(6)), None);
        assert_eq!(last.list.capacity(), 0);
    }
}
