//! The way of a stream's bytes through a worker (RFC 6062): between a peer's
//! connection and the client's that is joined with it.
//!
//! Neither side is read while what it said before waits for the other, so no more
//! than one read of each is ever kept. An end is passed on when all before it is.
#![forbid(unsafe_code)]

use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::ops::Range;

use socket2::Socket;

use crate::turn::core::action::NotConnected;
use crate::turn::core::streams::Direction;
use crate::turn::state::allocation::Allowance;
use crate::turn::state::arena::{PeerId, RelayId};
use crate::turn::state::five_tuple::Link;

use super::listeners::{ACCEPTS, REST};
use super::mailbox::Command;
use super::path::ROUNDS;
use super::peers::Peer;
use super::stream::Stream;
use super::streams::Written;
use super::sys::{HEADROOM, Interest, Ready};
use super::worker::{Guard, Worker};

impl Worker {
    /// Connects to a peer from a relayed address.
    pub(super) fn connect_peer(
        &mut self,
        locked: &mut Guard<'_>,
        id: PeerId,
        relay: RelayId,
        to: SocketAddr,
    ) {
        let made = locked.sockets.connect(relay, to).and_then(|socket| {
            self.keep_peer(locked, id, socket, true);
            self.peers.watch(id, Some(Interest::Write))
        });
        if let Err(error) = made {
            let why = match self.control.relays.shortage.note(&error) {
                true => NotConnected::Capacity,
                false => NotConnected::Failed,
            };
            self.peers.remove(id);
            locked.core.connected(id, Err(why), self.now);
        }
    }

    /// Keeps a connection with a peer. Where another thread has ended the one that had
    /// its place, its client's ends now.
    fn keep_peer(
        &mut self,
        locked: &mut Guard<'_>,
        id: PeerId,
        socket: Socket,
        is_connecting: bool,
    ) {
        if let Some(ended) = self.peers.insert(id, socket, is_connecting) {
            self.close_client(locked, &ended);
        }
    }

    /// Takes in the connections of peers at a relayed address.
    pub(super) fn accept_peers(&mut self, locked: &mut Guard<'_>, index: usize) {
        let Some((relay, fd)) = locked.sockets.at(index) else {
            return;
        };
        for _ in 0..ACCEPTS {
            match locked.sockets.accept(index) {
                Ok((socket, from)) => {
                    if let Some(id) = locked.core.accepted(relay, from, self.now) {
                        self.keep_peer(locked, id, socket, false);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => {
                    let is_short = self.control.relays.shortage.note(&error);
                    if is_short && self.poller.remove(fd).is_ok() {
                        self.resting.push(relay);
                        self.resume = Some(self.now + REST);
                        return;
                    }
                }
            }
        }
    }

    /// Waits for the relays again that were at rest.
    pub(super) fn reopen_relays(&mut self, locked: &mut Guard<'_>) {
        for relay in self.resting.drain(..) {
            locked.sockets.wait_for(relay);
        }
    }

    /// The socket of a connection with a peer is ready.
    pub(super) fn peer_ready(&mut self, locked: &mut Guard<'_>, index: usize, event: Ready) {
        let Some(id) = self.peers.at(index) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(id) else {
            return;
        };
        if peer.is_connecting {
            peer.is_connecting = false;
            let is_made = matches!(peer.socket.take_error(), Ok(None));
            let made = is_made.then_some(()).ok_or(NotConnected::Failed);
            if made.is_err() || self.peers.watch(id, None).is_err() {
                self.peers.remove(id);
            }
            return locked.core.connected(id, made, self.now);
        }
        let pushed = match event.writable {
            true => peer.push_out(),
            false => Ok(0),
        };
        match pushed {
            Ok(gone) => locked.core.passed_on(id, Direction::ToPeer, gone),
            Err(_) => return self.abort(locked, id),
        }
        if event.readable {
            self.read_peer(locked, id);
        }
        self.settle(locked, id);
    }

    /// Joins the connection of a client with that of a peer.
    pub(super) fn join(&mut self, locked: &mut Guard<'_>, link: &Link, id: PeerId) {
        let index = self.streams.of_link(link);
        match (index, self.peers.get_mut(id)) {
            (Some(index), Some(peer)) => {
                peer.client = Some(*link);
                self.streams.join(index, id);
                // The reply goes ahead of the peer's bytes.
                match self.streams.push_out(index, self.now) {
                    true => self.settle(locked, id),
                    false => self.abort(locked, id),
                }
            }
            _ => self.abort(locked, id),
        }
    }

    /// Passes a client's bytes on to its peer.
    pub(super) fn pass_to_peer(
        &mut self,
        locked: &mut Guard<'_>,
        id: PeerId,
        slot: usize,
        packet: Range<usize>,
    ) {
        let bytes = &self.slots.slot(slot)[packet];
        let passes = locked.core.took_in(id, bytes.len(), self.now);
        let sent = self
            .peers
            .get_mut(id)
            .map(|peer| peer.send(&bytes[..passes]));
        let Some(Ok(gone)) = sent else {
            return self.abort(locked, id);
        };
        locked.core.passed_on(id, Direction::ToPeer, gone);
        if passes < bytes.len() {
            return locked.core.over_cap(id, self.now);
        }
        self.most(locked, id);
        self.settle(locked, id);
    }

    /// How many bytes may be read for a connection now; where none, none are before
    /// it is time.
    pub(super) fn most(&mut self, locked: &mut Guard<'_>, id: PeerId) -> usize {
        match locked.core.allowance(id, self.now) {
            None => 0,
            Some(Allowance::Bytes(most)) => most,
            Some(Allowance::NotBefore(at)) => {
                self.peers.delay(id, at);
                0
            }
        }
    }

    /// Passes a peer's bytes on to its client.
    fn read_peer(&mut self, locked: &mut Guard<'_>, id: PeerId) {
        for _ in 0..ROUNDS {
            let most = self.most(locked, id);
            self.make_room(locked, 1);
            let slot = self.slots.take();
            let Some(peer) = self.peers.get_mut(id) else {
                return;
            };
            let Some(index) = peer.client.and_then(|link| self.streams.of_link(&link)) else {
                return self.abort(locked, id);
            };
            if most == 0 || peer.peer_ended || self.streams.waiting(index) > 0 {
                return;
            }
            let buffer = &mut self.slots.slot_mut(slot)[HEADROOM..];
            let room = buffer.len().min(most);
            match (&peer.socket).read(&mut buffer[..room]) {
                Ok(0) => peer.peer_ended = true,
                Ok(count) => {
                    self.pass_to_client(locked, id, index, (slot, count));
                    if count < room {
                        // There was no more.
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.abort(locked, id),
            }
        }
    }

    fn pass_to_client(
        &mut self,
        locked: &mut Guard<'_>,
        id: PeerId,
        index: usize,
        (slot, count): (usize, usize),
    ) {
        let passes = locked.core.took_in(id, count, self.now);
        let bytes = &self.slots.slot(slot)[HEADROOM..HEADROOM + passes];
        let written = self.streams.pass(index, bytes, self.now);
        if written != Written::Queued {
            return self.abort(locked, id);
        }
        locked.core.passed_on(id, Direction::ToClient, passes);
        if passes < count {
            locked.core.over_cap(id, self.now);
        }
    }

    /// A client whose connection is joined with a peer's says nothing more.
    pub(super) fn client_ended(&mut self, locked: &mut Guard<'_>, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.client_ended = true;
        }
        self.settle(locked, id);
    }

    /// Goes on with the connections that had to wait for their rate.
    pub(super) fn go_on(&mut self, locked: &mut Guard<'_>) {
        while let Some(id) = self.peers.undelayed(self.now) {
            self.settle(locked, id);
        }
    }

    /// Passes ends on, and waits for what each side can do next.
    pub(super) fn settle(&mut self, locked: &mut Guard<'_>, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else {
            return;
        };
        let Some(link) = peer.client else {
            return;
        };
        let Some(index) = self.streams.of_link(&link) else {
            return self.abort(locked, id);
        };
        let (to_peer, to_client) = (peer.waiting(), self.streams.waiting(index));
        let mut is_sound = true;
        if peer.client_ended && to_peer == 0 && !peer.peer_knows {
            is_sound = peer.say_end().is_ok();
        }
        if peer.peer_ended && to_client == 0 && !peer.client_knows {
            peer.client_knows = true;
            is_sound = is_sound && self.streams.say_end(index);
        }
        if !is_sound || peer.peer_knows && peer.client_knows {
            return self.abort(locked, id);
        }
        let may_pass = peer.delayed.is_none();
        let reads_client = may_pass && to_peer == 0;
        let reads_peer = may_pass && to_client == 0 && !peer.peer_ended;
        let wanted = match (reads_peer, to_peer > 0) {
            (true, true) => Some(Interest::ReadWrite),
            (true, false) => Some(Interest::Read),
            (false, true) => Some(Interest::Write),
            (false, false) => None,
        };
        let is_watched = self.peers.watch(id, wanted).is_ok();
        if !is_watched || !self.streams.pause(index, !reads_client) {
            self.abort(locked, id);
        }
    }

    /// Ends a connection with a peer and the client's, whatever is left.
    pub(super) fn abort(&mut self, locked: &mut Guard<'_>, id: PeerId) {
        locked.core.disconnected(id);
        self.disconnect_peer(locked, id);
    }

    /// Likewise when the core says so.
    pub(super) fn disconnect_peer(&mut self, locked: &mut Guard<'_>, id: PeerId) {
        if let Some(peer) = self.peers.remove(id) {
            self.close_client(locked, &peer);
        }
    }

    /// Closes the client's connection that a peer's is joined with.
    fn close_client(&mut self, locked: &mut Guard<'_>, peer: &Peer) {
        let index = peer.client.and_then(|link| self.streams.of_link(&link));
        if let Some(index) = index {
            self.close(locked, index);
        }
    }

    /// Gives connections to the workers that have what their clients ask for.
    pub(super) fn move_streams(&mut self) {
        while let Some((index, worker)) = self.moving.pop() {
            let mailbox = self.control.mailboxes.get(usize::from(worker));
            if let (Some(stream), Some(mailbox)) = (self.streams.release(index), mailbox) {
                mailbox.post(Command::Take(Box::new(stream)));
            }
        }
    }

    /// Takes in a connection of another worker's, with what has come on it.
    pub(super) fn take_stream(&mut self, locked: &mut Guard<'_>, mut stream: Stream) {
        let bytes = std::mem::take(&mut stream.pending);
        // Not before what came ahead of it.
        let has_ended = std::mem::take(&mut stream.has_ended);
        let Some(index) = self.streams.adopt(stream, self.now) else {
            return;
        };
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            self.make_room(locked, 1);
            let slot = self.slots.take();
            let Some(stream) = self.streams.get_mut(index) else {
                return;
            };
            let kept = std::mem::take(&mut stream.pending);
            let buffer = &mut self.slots.slot_mut(slot)[HEADROOM..];
            let (piece, later) = rest.split_at(rest.len().min(buffer.len() - kept.len()));
            let size = kept.len() + piece.len();
            buffer[..kept.len()].copy_from_slice(&kept);
            buffer[kept.len()..size].copy_from_slice(piece);
            rest = later;
            if !self.cut(locked, index, slot, HEADROOM..HEADROOM + size) {
                return self.close(locked, index);
            }
        }
        if has_ended && self.streams.end(index) {
            self.ended.push(index);
        }
    }
}
