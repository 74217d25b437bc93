//! TCP allocations (RFC 6062): connections with peers, and the bytes that pass
//! through them.
//!
//! A connection begins with a Connect request or at the relayed address. It is
//! named by a CONNECTION-ID, until a ConnectionBind request that comes in on a
//! connection of its own joins the two. From then on the driver passes bytes from
//! one to the other, as many as it is allowed.
#![forbid(unsafe_code)]

use std::net::SocketAddr;

use crate::stun::Writer;
use crate::stun::address::Family;
use crate::stun::attributes::kind;
use crate::stun::errors;
use crate::stun::message::{Class, Message, Method};
use crate::turn::auth::credentials::Signer;
use crate::turn::auth::mechanism::Presented;
use crate::turn::core::action::{Action, Event, NotConnected, Reach};
use crate::turn::policy::peers::Verdict;
use crate::turn::state::arena::{AllocationId, PeerId, RelayId};
use crate::turn::state::connections::{ConnectRequest, PeerConnection, Stage};
use crate::turn::state::five_tuple::{Link, RelayTransport, Transport};
use crate::turn::state::table::Owner;
use crate::turn::state::timers::Due;
use crate::turn::time::Time;

use super::Core;
use super::requests::MAX_KEPT;

impl Core {
    /// Connect (RFC 6062, 5.2): the reply comes when the peer has answered.
    pub(super) fn connect(
        &mut self,
        id: AllocationId,
        message: &Message<'_>,
        signer: &Signer,
        now: Time,
    ) -> Result<(), u16> {
        let peer = message.xor_address(kind::XOR_PEER_ADDRESS);
        let peer = peer.filter(|peer| peer.port() != 0);
        let peer = peer.ok_or(errors::BAD_REQUEST)?;
        let allocation = self.table.get(id).ok_or(errors::ALLOCATION_MISMATCH)?;
        if allocation.transport != RelayTransport::Tcp || message.bytes().len() > MAX_KEPT {
            return Err(errors::BAD_REQUEST);
        }
        self.check_family(id, &[peer.ip()])?;
        self.check_connect(&peer)?;
        let relayed = allocation.relayed_address(Family::of(&peer.ip()));
        let relayed = relayed.filter(|relayed| relayed.expires > now);
        let relayed = relayed.ok_or(errors::PEER_FAMILY_MISMATCH)?;
        if relayed.address == peer {
            // TCP would let it talk to itself, and nobody would be asked for a permission.
            return Err(errors::FORBIDDEN);
        }
        let relay = relayed.relay;
        let is_same = |own: &PeerId| self.peers.get(*own).is_some_and(|own| own.peer == peer);
        if allocation.connections.iter().any(is_same) {
            return Err(errors::CONNECTION_EXISTS);
        }
        let request = Box::new(ConnectRequest {
            message: message.bytes().into(),
            signer: signer.clone(),
        });
        let deadline = now + self.config.connect_timeout;
        let connection = self.begin(id, peer, Stage::Connecting(request), deadline);
        let connection = connection.ok_or(errors::INSUFFICIENT_CAPACITY)?;
        self.events
            .push_back(Event::Connect(connection, relay, peer));
        Ok(())
    }

    /// Whether a client may connect to a peer: to another TCP relay of this server
    /// too, and never to anything else of this process.
    fn check_connect(&self, peer: &SocketAddr) -> Result<(), u16> {
        let neighbours = self.config.neighbours.as_ref();
        let is_relay = neighbours.is_some_and(|others| others.is_tcp_relay(peer));
        let is_taken = || {
            self.listeners.iter().any(|own| own.address == *peer)
                || neighbours.is_some_and(|others| others.is_taken(peer))
        };
        let is_open = self.may_join(peer) && (is_relay || !is_taken());
        is_open.then_some(()).ok_or(errors::FORBIDDEN)
    }

    /// Whether policy lets a client have a connection with a peer.
    pub(super) fn may_join(&self, peer: &SocketAddr) -> bool {
        match self.config.policy.judge(&peer.ip(), Some(peer.port())) {
            Verdict::Allow => true,
            // Nothing else of the host's is meant.
            Verdict::Inside => {
                let neighbours = self.config.neighbours.as_ref();
                neighbours.is_some_and(|others| others.is_tcp_relay(peer))
            }
            Verdict::Deny => false,
        }
    }

    /// Makes a connection of an allocation. `None` when there are too many.
    fn begin(
        &mut self,
        id: AllocationId,
        peer: SocketAddr,
        stage: Stage,
        deadline: Time,
    ) -> Option<PeerId> {
        let allocation = self.table.get_mut(id)?;
        if allocation.connections.len() >= self.config.max_connections {
            return None;
        }
        let bound = self.config.max_connections_in_all;
        let ids = self.shared.connection_ids();
        let connection = self.peers.insert(PeerConnection {
            allocation: id,
            peer,
            id: ids.take(self.worker, bound)?,
            stage,
            deadline,
            in_flight: 0,
        });
        allocation.connections.push(connection);
        self.timers.set(deadline, Due::Connection(connection));
        Some(connection)
    }

    /// What became of the connection that [`Event::Connect`] asked for.
    pub fn connected(&mut self, peer: PeerId, made: Result<(), NotConnected>, now: Time) {
        let deadline = now + self.config.bind_timeout;
        let Some(connection) = self.peers.get_mut(peer) else {
            return;
        };
        if !matches!(connection.stage, Stage::Connecting(_)) {
            return;
        }
        if let Err(why) = made {
            let code = match why {
                NotConnected::Failed => errors::CONNECTION_FAILED,
                NotConnected::Capacity => errors::INSUFFICIENT_CAPACITY,
            };
            if let Some(connection) = self.forget_connection(peer) {
                self.fail_connect(&connection, code);
            }
            return;
        }
        let before = std::mem::replace(&mut connection.deadline, deadline);
        let stage = std::mem::replace(&mut connection.stage, Stage::Unbound);
        let (id, number) = (connection.allocation, connection.id.number());
        let reach = Reach::Connection(connection.peer);
        self.timers.cancel(before, Due::Connection(peer));
        self.timers.set(deadline, Due::Connection(peer));
        self.counters.connects += 1;
        if self.config.tell_peers {
            self.events.push_back(Event::Reaches(id, reach));
        }
        let link = self.table.get(id).map(|allocation| allocation.link);
        if let (Stage::Connecting(request), Some(link)) = (stage, link)
            && let Ok(message) = Message::parse(&request.message)
        {
            let mut out = Vec::new();
            self.succeed(&message, Some(&request.signer), &mut out, |writer| {
                writer.number(kind::CONNECTION_ID, number);
            });
            self.events.push_back(Event::Send(link, out));
        }
    }

    /// Answers the Connect request of a connection that has come to nothing.
    fn fail_connect(&mut self, connection: &PeerConnection, code: u16) {
        let link = self.table.get(connection.allocation).map(|own| own.link);
        if let (Stage::Connecting(request), Some(link)) = (&connection.stage, link)
            && let Ok(message) = Message::parse(&request.message)
        {
            self.counters.connects_failed += 1;
            let mut out = Vec::new();
            self.fail(&link, &message, code, &request.signer, &mut out);
            self.events.push_back(Event::Send(link, out));
        }
    }

    /// A peer has connected to a relayed address. `None` when it may not: close the
    /// connection then (RFC 6062, 5.3).
    pub fn accepted(&mut self, relay: RelayId, peer: SocketAddr, now: Time) -> Option<PeerId> {
        let connection = self.admit_peer(relay, peer, now);
        let Some((id, link)) = connection else {
            self.counters.peers_denied += 1;
            return None;
        };
        self.counters.peers_accepted += 1;
        let connection = self.peers.get(id)?;
        let number = connection.id.number();
        if self.config.tell_peers {
            let reach = Event::Reaches(connection.allocation, Reach::Connection(peer));
            self.events.push_back(reach);
        }
        let mut out = Vec::new();
        let transaction = self.indication_id();
        Writer::new(
            &mut out,
            Method::ConnectionAttempt,
            Class::Indication,
            &transaction,
        )
        .xor_address(kind::XOR_PEER_ADDRESS, &peer)
        .number(kind::CONNECTION_ID, number);
        self.events.push_back(Event::Send(link, out));
        Some(id)
    }

    fn admit_peer(
        &mut self,
        relay: RelayId,
        peer: SocketAddr,
        now: Time,
    ) -> Option<(PeerId, Link)> {
        let Some(Owner::Allocation(id)) = self.table.owner(relay) else {
            return None;
        };
        let allocation = self.table.get(id)?;
        let relayed = allocation.relayed_address(Family::of(&peer.ip()))?;
        let is_live = relayed.relay == relay && relayed.expires > now && allocation.ended.is_none();
        if !is_live || !allocation.permissions.allow(&peer.ip(), now) || !self.may_join(&peer) {
            return None;
        }
        let link = allocation.link;
        let deadline = now + self.config.bind_timeout;
        let connection = self.begin(id, peer, Stage::Unbound, deadline)?;
        Some((connection, link))
    }

    /// ConnectionBind (RFC 6062, 5.4), on a connection without an allocation.
    pub(super) fn connection_bind(
        &mut self,
        link: &Link,
        message: &Message<'_>,
        presented: &Presented<'_>,
        now: Time,
        out: &mut Vec<u8>,
    ) -> Action {
        let number = self.connection_number(link, message);
        let found = number.and_then(|number| self.peers.numbered(number));
        let found = found.and_then(|peer| Some((peer, self.peers.get(peer)?)));
        let Some((peer, connection)) = found else {
            return self.refuse(link, message, presented, errors::BAD_REQUEST, now, out);
        };
        let id = connection.allocation;
        let is_unbound = matches!(connection.stage, Stage::Unbound);
        let deadline = connection.deadline;
        let signer = match self.identify_within(id, link, message, presented, now, out) {
            Ok(signer) => signer,
            Err(action) => return action,
        };
        let code = match () {
            _ if !message.unknown().is_empty() => errors::UNKNOWN_ATTRIBUTE,
            _ if !is_unbound => errors::BAD_REQUEST,
            _ => {
                self.timers.cancel(deadline, Due::Connection(peer));
                self.peers.bind(peer, link);
                self.succeed(message, Some(&signer), out, |_| {});
                return Action::Join(peer);
            }
        };
        self.fail(link, message, code, &signer, out);
        Action::Reply
    }

    /// The client whose allocation a ConnectionBind request is for. A nonce of the connection that
    /// it has that with serves for this one too: the CONNECTION-ID says that they belong together.
    ///
    /// # Errors
    /// The core that knows.
    pub(super) fn control_of(
        &self,
        link: &Link,
        message: &Message<'_>,
    ) -> Result<Option<SocketAddr>, u16> {
        let Some(number) = self.connection_number(link, message) else {
            return Ok(None);
        };
        let owner = self.shared.connection_ids().owner(number);
        if let Some(worker) = owner.filter(|worker| *worker != self.worker) {
            return Err(worker);
        }
        let connection = self
            .peers
            .numbered(number)
            .and_then(|id| self.peers.get(id));
        let allocation = connection.and_then(|own| self.table.get(own.allocation));
        Ok(allocation.map(|allocation| allocation.link.client))
    }

    /// The CONNECTION-ID of a request that came in on a stream, unless an answer to
    /// something else is to come there: it would come among the peer's bytes.
    fn connection_number(&self, link: &Link, message: &Message<'_>) -> Option<u32> {
        let number = message.number(kind::CONNECTION_ID).ok().flatten();
        let is_free = |_: &u32| {
            self.transport(link) != Transport::Udp && self.held.of_client(link).is_empty()
        };
        number.filter(is_free)
    }

    /// A connection with a peer is over, on both sides.
    pub fn disconnected(&mut self, peer: PeerId) {
        self.forget_connection(peer);
    }

    /// Ends a connection, whatever it is in the middle of.
    pub(super) fn disconnect(&mut self, peer: PeerId) {
        if let Some(connection) = self.forget_connection(peer) {
            self.fail_connect(&connection, errors::CONNECTION_FAILED);
            self.events.push_back(Event::Disconnect(peer));
        }
    }

    fn forget_connection(&mut self, peer: PeerId) -> Option<PeerConnection> {
        let connection = self.peers.remove(peer)?;
        self.timers
            .cancel(connection.deadline, Due::Connection(peer));
        if let Some(allocation) = self.table.get_mut(connection.allocation) {
            allocation.connections.retain(|own| *own != peer);
        }
        let was_told = !matches!(connection.stage, Stage::Connecting(_));
        if self.config.tell_peers && was_told {
            let reach = Reach::Connection(connection.peer);
            let event = Event::ReachesNoMore(connection.allocation, reach);
            self.events.push_back(event);
        }
        Some(connection)
    }

    /// Ends the connections of an allocation whose peers are as described.
    pub(super) fn disconnect_all(
        &mut self,
        id: AllocationId,
        is_meant: impl Fn(&SocketAddr) -> bool,
    ) {
        let own = self.table.get(id).map(|allocation| &allocation.connections);
        let meant = |peer: &&PeerId| {
            self.peers
                .get(**peer)
                .is_some_and(|own| is_meant(&own.peer))
        };
        let peers: Vec<_> = own.into_iter().flatten().filter(meant).copied().collect();
        for peer in peers {
            self.disconnect(peer);
        }
    }

    /// How many connections with peers there are.
    pub fn connection_count(&self) -> usize {
        self.peers.len()
    }
}
