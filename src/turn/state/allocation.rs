//! One allocation: a client's relayed addresses and what it may do with them.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::stun::address::Family;
use crate::turn::auth::accounts::QuotaShare;
use crate::turn::auth::credentials::Keys;
use crate::turn::policy::limits::Bucket;
use crate::turn::state::arena::{PeerId, RelayId};
use crate::turn::state::channels::Channels;
use crate::turn::state::five_tuple::{FiveTuple, Link, RelayTransport};
use crate::turn::state::permissions::Permissions;
use crate::turn::state::replies::LastReplies;
use crate::turn::state::tally::Counted;
use crate::turn::time::Time;

/// A relayed transport address, and until when it is the client's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RelayedAddress {
    pub relay: RelayId,
    pub address: SocketAddr,
    pub expires: Time,
}

/// Packets and payload bytes in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Packets.
    pub packets: u64,
    /// Bytes of payload.
    pub bytes: u64,
}

impl Traffic {
    pub(crate) fn count(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
    }

    /// Adds what was counted elsewhere.
    pub(crate) fn add(&mut self, other: Traffic) {
        self.packets += other.packets;
        self.bytes += other.bytes;
    }

    /// Takes back what was counted and did not happen.
    pub(crate) fn take_back(&mut self, bytes: usize) {
        self.packets = self.packets.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes as u64);
    }
}

/// Whether a packet may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    Free,
    /// The rate is used up: drop the packet.
    Limited,
    /// The byte cap is reached: the allocation ends.
    Capped,
}

/// How much of a stream may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// At most so many bytes.
    Bytes(usize),
    /// None before this time.
    NotBefore(Time),
}

#[derive(Debug)]
pub(crate) struct Allocation {
    pub link: Link,
    pub user: Arc<str>,
    /// One of all that the server may have; given back as soon as it ends.
    pub counted: Option<Counted>,
    /// The share of the user's quota; given back as soon as it ends.
    pub quota_share: Option<QuotaShare>,
    pub keys: Keys,
    /// How it talks to peers.
    pub transport: RelayTransport,
    /// By address family.
    pub relayed: [Option<RelayedAddress>; 2],
    pub permissions: Permissions,
    pub channels: Channels,
    /// When the first of these expires, where their ends are told; else the beginning of time.
    pub next_reach: Time,
    /// Where the transport is TCP.
    pub connections: Vec<PeerId>,
    pub created: Time,
    /// What the client was given last.
    pub lifetime: Duration,
    /// However often the client refreshes.
    pub end: Option<Time>,
    pub to_peers: Traffic,
    pub to_client: Traffic,
    pub byte_cap: Option<u64>,
    pub bucket: Bucket,
    /// Those to its client.
    pub replies: LastReplies,
    /// When another ICMP error costs nothing again.
    pub icmp_errors: Time,
    /// When wrong keys that came with the client's address are forgotten.
    pub guesses: Time,
    /// Set when the allocation has ended and only its figures are left.
    pub ended: Option<(Reason, Time)>,
}

impl Allocation {
    pub(crate) fn relayed_address(&self, family: Family) -> Option<&RelayedAddress> {
        self.relayed[family.index()].as_ref()
    }

    /// When the next of the relayed addresses expires.
    pub(crate) fn next_expiry(&self) -> Option<Time> {
        self.relayed
            .iter()
            .flatten()
            .map(|relayed| relayed.expires)
            .min()
    }

    /// Sets when the relayed addresses expire, or the one of a family.
    pub(crate) fn set_expiry(&mut self, family: Option<Family>, at: Time) {
        for relayed in self.relayed.iter_mut().flatten() {
            if family.is_none_or(|family| family == Family::of(&relayed.address.ip())) {
                relayed.expires = at;
            }
        }
    }

    /// Lets a packet pass under cap and rates.
    pub(crate) fn admit(&mut self, bytes: usize, now: Time) -> Passage {
        let used = self.bytes_used();
        if self
            .byte_cap
            .is_some_and(|cap| used.saturating_add(bytes as u64) > cap)
        {
            return Passage::Capped;
        }
        let user_admits = || {
            self.quota_share
                .as_ref()
                .is_none_or(|share| share.admit(bytes, now))
        };
        if !self.bucket.admit(bytes, now) || !user_admits() {
            return Passage::Limited;
        }
        Passage::Free
    }

    /// How many bytes of a stream the rates let through now; if none, when they do.
    pub(crate) fn allowance(&self, now: Time) -> Allowance {
        let user = self.quota_share.as_ref().map(QuotaShare::bucket);
        let user = user.unwrap_or(&self.bucket);
        match self.bucket.available(now).min(user.available(now)) {
            0 => Allowance::NotBefore(self.bucket.ready_at(now).max(user.ready_at(now))),
            bytes => Allowance::Bytes(usize::try_from(bytes).unwrap_or(usize::MAX)),
        }
    }

    /// Takes in bytes of a stream, so many of them as the cap covers beside those that
    /// are on their way already. Returns how many.
    pub(crate) fn take_in(&self, bytes: usize, in_flight: u64, now: Time) -> usize {
        let used = self.bytes_used().saturating_add(in_flight);
        let left = self
            .byte_cap
            .map_or(u64::MAX, |cap| cap.saturating_sub(used));
        let bytes = bytes.min(usize::try_from(left).unwrap_or(usize::MAX));
        self.bucket.charge(bytes, now);
        if let Some(share) = &self.quota_share {
            share.bucket().charge(bytes, now);
        }
        bytes
    }

    /// Whether a rate is to be kept, its own or its user's.
    pub(crate) fn is_limited(&self) -> bool {
        let of_user = self.quota_share.as_ref();
        self.bucket.is_limited() || of_user.is_some_and(|share| share.bucket().is_limited())
    }

    pub(crate) fn bytes_used(&self) -> u64 {
        self.to_peers.bytes + self.to_client.bytes
    }

    pub(crate) fn figures(&self, tuple: FiveTuple, now: Time) -> Figures {
        let until = self.ended.map_or(now, |(_, at)| at);
        let relayed = || self.relayed.iter().flatten();
        Figures {
            username: self.user.clone(),
            tuple,
            transport: self.transport,
            relayed: relayed().map(|relayed| relayed.address).collect(),
            permissions: self.permissions.live(until).collect(),
            to_peers: self.to_peers,
            to_client: self.to_client,
            byte_cap: self.byte_cap,
            age: until.since(self.created),
            lifetime: self.lifetime,
            remaining: match self.ended {
                Some(_) => Duration::ZERO,
                None => relayed()
                    .map(|relayed| relayed.expires.since(until))
                    .max()
                    .unwrap_or_default(),
            },
            ended: self.ended.map(|(reason, _)| reason),
        }
    }
}

/// Why an allocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Its lifetime ran out.
    Expired,
    /// The client deleted it.
    Deleted,
    /// The client's connection closed.
    ClientGone,
    /// The application revoked it.
    Revoked,
    /// Its byte cap was reached.
    ByteCap,
    /// The server stopped.
    Stopped,
}

/// What is known of an allocation at a moment, or at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Whose it is.
    pub username: Arc<str>,
    /// The way to its client.
    pub tuple: FiveTuple,
    /// How they talk to peers.
    pub transport: RelayTransport,
    /// The relayed transport addresses: IPv4 first where there are two.
    pub relayed: Vec<SocketAddr>,
    /// Addresses of peers that may send to the client now.
    pub permissions: Vec<IpAddr>,
    /// From the client to its peers.
    pub to_peers: Traffic,
    /// From peers to the client.
    pub to_client: Traffic,
    /// Bytes that both directions may use together.
    pub byte_cap: Option<u64>,
    /// How long it has existed.
    pub age: Duration,
    /// How long it was to exist when it was made or last refreshed.
    pub lifetime: Duration,
    /// How long it will exist if it is not refreshed.
    pub remaining: Duration,
    /// Why it ended, if it has.
    pub ended: Option<Reason>,
}

impl Figures {
    /// Bytes of payload in both directions.
    pub fn bytes_used(&self) -> u64 {
        self.to_peers.bytes + self.to_client.bytes
    }

    /// Bytes left of the cap.
    pub fn bytes_remaining(&self) -> Option<u64> {
        Some(self.byte_cap?.saturating_sub(self.bytes_used()))
    }
}
