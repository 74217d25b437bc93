//! The bytes that pass through the connections of TCP allocations (RFC 6062): how many
//! may, and how many did.
#![forbid(unsafe_code)]

use crate::turn::state::allocation::{Allowance, Reason};
use crate::turn::state::arena::PeerId;
use crate::turn::state::connections::{PeerConnection, Stage};
use crate::turn::time::Time;

use super::Core;

/// Which way the bytes of a stream go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to its peer.
    ToPeer,
    /// From the peer to the client.
    ToClient,
}
impl Core {
    /// How many bytes of a stream may be taken in now. `None` when the connection is
    /// gone or not joined with another.
    pub fn allowance(&self, peer: PeerId, now: Time) -> Option<Allowance> {
        let connection = self.peers.get(peer)?;
        let allocation = self.table.get(connection.allocation)?;
        let is_bound = matches!(connection.stage, Stage::Bound(_));
        is_bound.then(|| allocation.allowance(now))
    }

    /// Bytes were taken in of a stream. Returns how many of them may be passed on;
    /// where these are not all, [`over_cap`](Self::over_cap) comes next.
    pub fn took_in(&mut self, peer: PeerId, bytes: usize, now: Time) -> usize {
        let Some(connection) = self.peers.get(peer) else {
            return 0;
        };
        let in_flight = self.in_flight(connection);
        let allocation = self.table.get(connection.allocation);
        let passes = allocation.map_or(0, |own| own.take_in(bytes, in_flight, now));
        if let Some(connection) = self.peers.get_mut(peer) {
            connection.in_flight += passes as u64;
        }
        passes
    }

    /// More has come than the cap lets through: the allocation ends.
    pub fn over_cap(&mut self, peer: PeerId, now: Time) {
        if let Some(connection) = self.peers.get(peer) {
            let id = connection.allocation;
            self.counters.packets_limited += 1;
            self.end(id, Reason::ByteCap, now);
        }
    }

    /// Bytes that were taken in have gone out.
    pub fn passed_on(&mut self, peer: PeerId, direction: Direction, bytes: usize) {
        let Some(connection) = self.peers.get_mut(peer) else {
            return;
        };
        let bytes = bytes as u64;
        connection.in_flight = connection.in_flight.saturating_sub(bytes);
        let Some(allocation) = self.table.get_mut(connection.allocation) else {
            return;
        };
        let (traffic, total) = match direction {
            Direction::ToPeer => (&mut allocation.to_peers, &mut self.counters.bytes_to_peers),
            Direction::ToClient => (
                &mut allocation.to_client,
                &mut self.counters.bytes_to_clients,
            ),
        };
        traffic.bytes += bytes;
        *total += bytes;
    }

    /// Bytes of all the allocation's connections that are on their way; of no
    /// interest where there is no cap.
    fn in_flight(&self, connection: &PeerConnection) -> u64 {
        let allocation = self.table.get(connection.allocation);
        let capped = allocation.filter(|allocation| allocation.byte_cap.is_some());
        let all = capped.map(|allocation| &allocation.connections);
        let each = |peer: &PeerId| self.peers.get(*peer).map_or(0, |own| own.in_flight);
        all.into_iter().flatten().map(each).sum()
    }
}
