//! Connections with peers (RFC 6062) of one worker: their sockets, and what waits for
//! them.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use socket2::Socket;

use crate::turn::state::arena::PeerId;
use crate::turn::state::five_tuple::Link;
use crate::turn::time::Time;

use super::descriptor::Descriptor;
use super::sys::{Epoll, Interest};

/// A connection with a peer.
#[derive(Debug)]
pub struct Peer {
    pub socket: Socket,
    /// The client's connection that it is joined with.
    pub client: Option<Link>,
    /// Whether the peer has yet to answer.
    pub is_connecting: bool,
    /// Whether the client says nothing more, and whether the peer knows.
    pub client_ended: bool,
    pub peer_knows: bool,
    /// Whether the peer says nothing more, and whether the client knows.
    pub peer_ended: bool,
    pub client_knows: bool,
    /// When bytes may pass again, while a rate is used up.
    pub delayed: Option<Time>,
    id: PeerId,
    /// The client's bytes that the kernel has not taken yet.
    out: Vec<u8>,
    watched: Option<Interest>,
}

impl Peer {
    /// Bytes that the kernel has not taken yet.
    pub fn waiting(&self) -> usize {
        self.out.len()
    }

    /// Sends bytes to the peer, and keeps what the kernel does not take. Returns how
    /// many are gone.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = match self.out.is_empty() {
            true => write_to(&self.socket, bytes)?,
            false => 0,
        };
        self.out.extend_from_slice(&bytes[gone..]);
        Ok(gone)
    }

    /// Sends what was kept. Returns how many bytes are gone.
    pub fn push_out(&mut self) -> io::Result<usize> {
        let gone = write_to(&self.socket, &self.out)?;
        self.out.drain(..gone);
        if self.out.is_empty() {
            self.out = Vec::new();
        }
        Ok(gone)
    }

    /// Tells the peer that the client says nothing more.
    pub fn say_end(&mut self) -> io::Result<()> {
        self.peer_knows = true;
        self.socket.shutdown(Shutdown::Write)
    }
}

/// Writes as much as the kernel takes.
fn write_to(mut socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    let mut gone = 0;
    while gone < bytes.len() {
        match socket.write(&bytes[gone..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => gone += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(gone)
}

/// The connections with peers of one worker.
#[derive(Debug)]
pub struct Peers {
    table: Vec<Option<Peer>>,
    delayed: BTreeSet<(Time, PeerId)>,
    poller: Arc<Epoll>,
}

impl Peers {
    pub fn new(poller: Arc<Epoll>) -> Self {
        Peers {
            table: Vec::new(),
            delayed: BTreeSet::new(),
            poller,
        }
    }

    /// Keeps a connection. One that waits for the client's is not waited for: what
    /// the peer sends stays with the kernel. Returns the one that had its place, if it
    /// has ended and nobody has been told yet.
    pub fn insert(&mut self, id: PeerId, socket: Socket, is_connecting: bool) -> Option<Peer> {
        let ended = self.at(id.index()).and_then(|before| self.remove(before));
        // Only latency suffers when this fails.
        let _ = socket.set_tcp_nodelay(true);
        if self.table.len() <= id.index() {
            self.table.resize_with(id.index() + 1, || None);
        }
        self.table[id.index()] = Some(Peer {
            socket,
            client: None,
            is_connecting,
            client_ended: false,
            peer_knows: false,
            peer_ended: false,
            client_knows: false,
            delayed: None,
            id,
            out: Vec::new(),
            watched: None,
        });
        ended
    }

    /// Who is at this place of the table now.
    pub fn at(&self, index: usize) -> Option<PeerId> {
        Some(self.table.get(index)?.as_ref()?.id)
    }

    pub fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        let peer = self.table.get_mut(id.index())?.as_mut()?;
        (peer.id == id).then_some(peer)
    }

    /// Takes a connection out; dropped, it closes.
    pub fn remove(&mut self, id: PeerId) -> Option<Peer> {
        let place = self.table.get_mut(id.index())?;
        let peer = place.take_if(|peer| peer.id == id)?;
        if let Some(at) = peer.delayed {
            self.delayed.remove(&(at, id));
        }
        while let Some(None) = self.table.last() {
            self.table.pop();
        }
        if self.table.capacity() > 64 && self.table.len() < self.table.capacity() / 4 {
            self.table.shrink_to(self.table.len() * 2);
        }
        Some(peer)
    }

    /// Waits for a connection to become ready; for nothing where there is no interest,
    /// not even for its end.
    pub fn watch(&mut self, id: PeerId, wanted: Option<Interest>) -> io::Result<()> {
        let poller = self.poller.clone();
        let Some(peer) = self.get_mut(id) else {
            return Ok(());
        };
        let before = std::mem::replace(&mut peer.watched, wanted);
        let tag = Descriptor::Peer(id.index()).pack();
        poller.rewatch(peer.socket.as_raw_fd(), tag, before, wanted)
    }

    /// Lets no bytes pass before a time.
    pub fn delay(&mut self, id: PeerId, until: Time) {
        let Some(peer) = self.get_mut(id) else {
            return;
        };
        if let Some(before) = peer.delayed.replace(until) {
            self.delayed.remove(&(before, id));
        }
        self.delayed.insert((until, id));
    }

    /// When the first of those that are delayed goes on.
    pub fn next_delayed(&self) -> Option<Time> {
        self.delayed.first().map(|(at, _)| *at)
    }

    /// The first of those that may go on.
    pub fn undelayed(&mut self, now: Time) -> Option<PeerId> {
        let (_, id) = *self.delayed.first().filter(|(at, _)| *at <= now)?;
        self.delayed.pop_first();
        if let Some(peer) = self.get_mut(id) {
            peer.delayed = None;
        }
        Some(id)
    }

    /// Closes all connections.
    pub fn clear(&mut self) {
        self.table = Vec::new();
        self.delayed.clear();
    }
}
