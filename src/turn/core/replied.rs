//! Replies kept for retransmissions: RFC 8489, 6.3.1.
#![forbid(unsafe_code)]

use crate::stun::message::Message;
use crate::turn::state::five_tuple::{Link, Transport};
use crate::turn::state::replies::RequestName;
use crate::turn::time::Time;

use super::Core;

impl Core {
    /// The reply to an earlier copy of this very request.
    pub(super) fn kept_reply(&self, link: &Link, message: &Message<'_>) -> Option<&[u8]> {
        let allocation = self.table.of_client(&link.key());
        let allocation = allocation.and_then(|id| self.table.get(id));
        let last = allocation.map(|allocation| &allocation.replies);
        let last = last.filter(|replies| !replies.is_empty());
        if last.is_none() && self.farewells.is_empty() && self.refusals.is_empty() {
            return None;
        }
        let request = self.name_of(link, message);
        last.and_then(|replies| replies.find(request))
            .or_else(|| self.farewells.find(request))
            .or_else(|| self.refusals.find(request))
    }

    /// Keeps a reply, where there are retransmissions: with the client's allocation,
    /// out of reach of strangers, or among those to the refused.
    pub(super) fn keep_reply(&mut self, link: &Link, message: &Message<'_>, out: &[u8], now: Time) {
        if self.transport(link).is_stream() {
            return;
        }
        let request = self.name_of(link, message);
        let Some(id) = self.table.of_client(&link.key()) else {
            return self.refusals.keep(request, out, now);
        };
        let expires = now + self.config.reply_lifetime;
        if let Some(allocation) = self.table.get_mut(id) {
            if allocation.replies.is_empty() {
                self.replied.push_back((expires, id));
            }
            allocation.replies.keep(request, out, expires);
        }
    }

    /// Keeps the reply to a request that ended its allocation.
    pub(super) fn keep_farewell(
        &mut self,
        link: &Link,
        message: &Message<'_>,
        out: &[u8],
        now: Time,
    ) {
        if self.transport(link) == Transport::Udp {
            let request = self.name_of(link, message);
            self.farewells.keep(request, out, now);
        }
    }

    /// Lets go of replies that are too old.
    pub(super) fn forget_replies(&mut self, now: Time) {
        self.farewells.purge(now);
        self.refusals.purge(now);
        while let Some((_, id)) = self.replied.pop_front_if(|(at, _)| *at <= now) {
            let allocation = self.table.get_mut(id);
            let next = allocation.and_then(|allocation| allocation.replies.purge(now));
            if let Some(at) = next {
                self.replied.push_back((at, id));
            }
        }
        if self.replied.capacity() > 64 && self.replied.len() < self.replied.capacity() / 4 {
            self.replied.shrink_to(self.replied.len() * 2);
        }
    }

    fn name_of(&self, link: &Link, message: &Message<'_>) -> RequestName {
        self.hasher.hash_one((link.key(), message.bytes()))
    }
}
