//! Connections between relayed addresses and peers (RFC 6062).
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::net::SocketAddr;

use ahash::RandomState;

use crate::turn::address::AddrKey;
use crate::turn::auth::credentials::Signer;
use crate::turn::shrink::shrink_map;
use crate::turn::state::arena::{AllocationId, Arena, PeerId};
use crate::turn::state::connection_ids::ConnectionId;
use crate::turn::state::five_tuple::Link;
use crate::turn::time::Time;

/// How far a connection with a peer has come.
#[derive(Debug)]
pub(crate) enum Stage {
    /// The peer has yet to answer, and the Connect request waits for that.
    Connecting(Box<ConnectRequest>),
    /// It waits for the client's connection.
    Unbound,
    /// Bytes pass between the peer and this connection of the client's.
    Bound(Link),
}

/// A Connect request whose reply is still to be written.
#[derive(Debug)]
pub(crate) struct ConnectRequest {
    pub message: Box<[u8]>,
    pub signer: Signer,
}

/// A connection between a relayed address and a peer: a peer data connection.
#[derive(Debug)]
pub(crate) struct PeerConnection {
    pub allocation: AllocationId,
    pub peer: SocketAddr,
    pub id: ConnectionId,
    pub stage: Stage,
    /// When it ends unless it comes further; of no account once it is bound.
    pub deadline: Time,
    /// Bytes that were taken in and have not gone out yet.
    pub in_flight: u64,
}

/// The connections of a core, by name, by CONNECTION-ID and by client.
#[derive(Debug)]
pub(crate) struct PeerConnections {
    arena: Arena<PeerConnection>,
    by_number: HashMap<u32, PeerId, RandomState>,
    by_client: HashMap<AddrKey, PeerId, RandomState>,
}

impl PeerConnections {
    pub(crate) fn new(hasher: &RandomState) -> Self {
        PeerConnections {
            arena: Arena::new(hasher),
            by_number: HashMap::with_hasher(hasher.clone()),
            by_client: HashMap::with_hasher(hasher.clone()),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_number.len()
    }

    pub(crate) fn insert(&mut self, connection: PeerConnection) -> PeerId {
        let number = connection.id.number();
        let peer = PeerId(self.arena.insert(connection));
        self.by_number.insert(number, peer);
        peer
    }

    pub(crate) fn get(&self, peer: PeerId) -> Option<&PeerConnection> {
        self.arena.get(peer.0)
    }

    pub(crate) fn get_mut(&mut self, peer: PeerId) -> Option<&mut PeerConnection> {
        self.arena.get_mut(peer.0)
    }

    /// The connection with this CONNECTION-ID.
    pub(crate) fn numbered(&self, number: u32) -> Option<PeerId> {
        self.by_number.get(&number).copied()
    }

    /// The connection that a client's is bound to.
    pub(crate) fn of_client(&self, link: &Link) -> Option<PeerId> {
        match self.by_client.is_empty() {
            true => None,
            false => self.by_client.get(&link.key()).copied(),
        }
    }

    /// Joins a connection with the client's.
    pub(crate) fn bind(&mut self, peer: PeerId, link: &Link) {
        if let Some(connection) = self.arena.get_mut(peer.0) {
            connection.stage = Stage::Bound(*link);
            self.by_client.insert(link.key(), peer);
        }
    }

    pub(crate) fn remove(&mut self, peer: PeerId) -> Option<PeerConnection> {
        let connection = self.arena.remove(peer.0)?;
        self.by_number.remove(&connection.id.number());
        shrink_map(&mut self.by_number);
        if let Stage::Bound(link) = &connection.stage {
            self.by_client.remove(&link.key());
            shrink_map(&mut self.by_client);
        }
        Some(connection)
    }

    /// Those that are as described.
    pub(crate) fn matching(&self, is_meant: impl Fn(&PeerConnection) -> bool) -> Vec<PeerId> {
        let meant = self.arena.iter().filter(|(_, own)| is_meant(own));
        meant.map(|(id, _)| PeerId(id)).collect()
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.arena.capacity() + self.by_number.capacity() + self.by_client.capacity()
    }
}
