//! The packet path: ChannelData, Send and Data (RFC 8656, 11 and 12).
//!
//! No allocation, no lock, one hash lookup for a packet from a client (and one
//! ahead of a batch, see [`Core::prefetch`]) and none for a packet from a peer.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::net::SocketAddr;
use std::ops::Range;

use crate::stun::address::{Family, encode_xor};
use crate::stun::attributes::kind;
use crate::stun::message::{
    Class, MAGIC_COOKIE, Message, Method, TransactionId, channel_data, message_type,
};
use crate::turn::core::action::{Action, Header};
use crate::turn::policy::peers::Verdict;
use crate::turn::state::allocation::{Allocation, Passage, Reason, RelayedAddress};
use crate::turn::state::arena::{AllocationId, RelayId};
use crate::turn::state::five_tuple::{Link, RelayTransport, Transport};
use crate::turn::state::table::Owner;
use crate::turn::time::Time;

use super::Core;

/// The largest payload that fits into a Data indication for an IPv6 peer.
const MAX_INDICATION: usize = 65_535 - 3 - 28;

impl Core {
    /// Brings the table's entry of a client into the processor's cache, and
    /// changes nothing. For a batch of datagrams call it for each of them
    /// before the first [`inbound`](Self::inbound): the entries of many
    /// clients are then fetched together instead of one after the other.
    pub fn prefetch(&self, link: &Link) {
        black_box(self.table.of_client(&link.key()));
    }

    pub(super) fn channel_data(&mut self, link: &Link, bytes: &[u8], now: Time) -> Action {
        let Some((number, len)) = channel_data(bytes) else {
            self.counters.malformed += 1;
            return Action::Nothing;
        };
        let found = self.table.of_client(&link.key()).and_then(|id| {
            let peer = self.table.get(id)?.channels.peer(number, now)?;
            Some((id, peer))
        });
        match found {
            Some((id, peer)) => self.forward_to_peer(id, peer, 4..4 + len, false, now),
            None => self.denied(),
        }
    }

    pub(super) fn send_indication(
        &mut self,
        link: &Link,
        message: &Message<'_>,
        now: Time,
    ) -> Action {
        let dont_fragment = message.has(kind::DONT_FRAGMENT);
        let understood =
            message.unknown().is_empty() && (self.config.dont_fragment || !dont_fragment);
        let (Some(peer), Some(data), true) = (
            message.xor_address(kind::XOR_PEER_ADDRESS),
            message.range(kind::DATA),
            understood,
        ) else {
            self.counters.malformed += 1;
            return Action::Nothing;
        };
        let allowed = |allocation: &Allocation| {
            allocation.transport == RelayTransport::Udp
                && peer.port() != 0
                && allocation.permissions.allow(&peer.ip(), now)
        };
        match self.table.of_client(&link.key()) {
            Some(id) if self.table.get(id).is_some_and(allowed) && self.has_open_port(&peer) => {
                self.forward_to_peer(id, peer, data, dont_fragment, now)
            }
            _ => self.denied(),
        }
    }

    /// A permission is for an address: where policy tells ports apart, it says
    /// nothing about this one.
    pub(super) fn has_open_port(&self, peer: &SocketAddr) -> bool {
        let policy = &self.config.policy;
        !policy.names_ports() || policy.judge_packet(peer) != Verdict::Deny
    }

    /// A packet from a client, its peer found and permitted.
    fn forward_to_peer(
        &mut self,
        id: AllocationId,
        peer: SocketAddr,
        payload: Range<usize>,
        dont_fragment: bool,
        now: Time,
    ) -> Action {
        let Some(allocation) = self.table.get_mut(id) else {
            return Action::Nothing;
        };
        let relayed = allocation.relayed_address(Family::of(&peer.ip())).copied();
        let Some(relayed) = relayed.filter(|relayed| relayed.expires > now) else {
            return self.denied();
        };
        let passage = allocation.admit(payload.len(), now);
        if passage != Passage::Free {
            return self.stopped(id, passage, now);
        }
        if self.config.policy.is_relay(&peer.ip()) {
            return self.hand_over(relayed, peer, payload, dont_fragment, now);
        }
        allocation.to_peers.count(payload.len());
        self.counters.packets_to_peers += 1;
        self.counters.bytes_to_peers += payload.len() as u64;
        Action::ToPeer {
            relay: relayed.relay,
            peer,
            payload,
            dont_fragment,
        }
    }

    /// A packet for an address that relayed addresses have: another allocation
    /// takes it, as if it had come through the kernel. It counts as relayed when
    /// somebody does.
    fn hand_over(
        &mut self,
        own: RelayedAddress,
        to: SocketAddr,
        payload: Range<usize>,
        dont_fragment: bool,
        now: Time,
    ) -> Action {
        if let Some(other) = self.table.relay_at(&to) {
            self.relayed(own.relay, payload.len());
            self.counters.packets_inside += 1;
            return self.forward_to_client(other, own.address, payload, now);
        }
        let may_leave = self.config.policy.judge_packet(&to) == Verdict::Allow;
        Action::Elsewhere {
            to,
            from: own.address,
            payload,
            relay: own.relay,
            kernel: may_leave.then_some(own.relay),
            dont_fragment,
        }
    }

    /// A packet answered with [`Action::Elsewhere`] is on its way to its peer.
    pub fn relayed(&mut self, relay: RelayId, bytes: usize) {
        if let Some(Owner::Allocation(id)) = self.table.owner(relay)
            && let Some(allocation) = self.table.get_mut(id)
        {
            allocation.to_peers.count(bytes);
        }
        self.counters.packets_to_peers += 1;
        self.counters.bytes_to_peers += bytes as u64;
    }

    /// There is nobody at the peer's address whom the packet may be given to.
    pub fn undeliverable(&mut self) {
        self.counters.packets_denied += 1;
    }

    /// The kernel did not take a packet for a peer, which was counted as sent.
    pub fn unsent(&mut self, relay: RelayId, bytes: usize) {
        if let Some(Owner::Allocation(id)) = self.table.owner(relay)
            && let Some(allocation) = self.table.get_mut(id)
        {
            allocation.to_peers.take_back(bytes);
        }
        let counters = &mut self.counters;
        counters.packets_to_peers = counters.packets_to_peers.saturating_sub(1);
        counters.bytes_to_peers = counters.bytes_to_peers.saturating_sub(bytes as u64);
    }

    /// A packet from a peer for the owner of a relay socket.
    pub(super) fn forward_to_client(
        &mut self,
        relay: RelayId,
        peer: SocketAddr,
        payload: Range<usize>,
        now: Time,
    ) -> Action {
        let Some(Owner::Allocation(id)) = self.table.owner(relay) else {
            return self.denied();
        };
        let is_open = self.has_open_port(&peer);
        let Some(allocation) = self.table.get_mut(id) else {
            return self.denied();
        };
        let relayed = allocation.relayed_address(Family::of(&peer.ip()));
        let is_live =
            relayed.is_some_and(|relayed| relayed.relay == relay && relayed.expires > now);
        let is_permitted = is_open && allocation.permissions.allow(&peer.ip(), now);
        if allocation.ended.is_some() || !is_live || !is_permitted {
            return self.denied();
        }
        let channel = allocation.channels.number(&peer, now);
        let len = payload.len();
        let longest = channel.map_or(MAX_INDICATION, |_| u16::MAX.into());
        if len > longest {
            return self.denied();
        }
        let passage = allocation.admit(len, now);
        if passage != Passage::Free {
            return self.stopped(id, passage, now);
        }
        allocation.to_client.count(len);
        let link = allocation.link;
        self.counters.packets_to_clients += 1;
        self.counters.bytes_to_clients += len as u64;
        let padding = (len.next_multiple_of(4) - len) as u8;
        let (header, padding) = match channel {
            // Datagrams need no padding (RFC 8656, 12.5).
            Some(number) => match self.transport(&link) {
                Transport::Udp => (Header::channel_data(number, len as u16), 0),
                Transport::Tcp | Transport::Tls => {
                    (Header::channel_data(number, len as u16), padding)
                }
            },
            None => (data_header(&peer, len, self.indication_id()), padding),
        };
        Action::ToClient {
            link,
            header,
            payload,
            padding,
        }
    }

    fn denied(&mut self) -> Action {
        self.counters.packets_denied += 1;
        Action::Nothing
    }

    fn stopped(&mut self, id: AllocationId, passage: Passage, now: Time) -> Action {
        self.counters.packets_limited += 1;
        if passage == Passage::Capped {
            self.end(id, Reason::ByteCap, now);
        }
        Action::Nothing
    }

    /// Transaction ids of indications need only differ.
    pub(super) fn indication_id(&mut self) -> TransactionId {
        self.indications = self.indications.wrapping_add(1);
        let mut id = [0; 12];
        let high = self.hasher.hash_one(self.indications);
        id[..8].copy_from_slice(&high.to_be_bytes());
        id[8..].copy_from_slice(&(self.indications as u32).to_be_bytes());
        id
    }
}

/// A Data indication up to its payload of `len` bytes.
fn data_header(peer: &SocketAddr, len: usize, id: TransactionId) -> Header {
    let (address, address_len) = encode_xor(peer, &id);
    let total = 4 + address_len + 4 + len.next_multiple_of(4);
    let be = |n: usize| (n as u16).to_be_bytes();
    Header::from_parts(&[
        &message_type(Method::Data, Class::Indication).to_be_bytes(),
        &be(total),
        &MAGIC_COOKIE.to_be_bytes(),
        &id,
        &kind::XOR_PEER_ADDRESS.to_be_bytes(),
        &be(address_len),
        &address[..address_len],
        &kind::DATA.to_be_bytes(),
        &be(len),
    ])
}
