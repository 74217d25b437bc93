//! One client's connection: what has come, what waits to go, and what is between
//! the client's bytes and the wire's.
#![forbid(unsafe_code)]

use std::io::{ErrorKind, Write};
use std::net::IpAddr;

use socket2::Socket;

use crate::turn::state::arena::PeerId;
use crate::turn::state::five_tuple::Link;
use crate::turn::time::Time;

use super::sys::Interest;
use super::tls::Session;

/// Output buffers kept for the next connection that needs one.
const SPARE: usize = 32;
/// A larger buffer is not kept.
const LONGEST_SPARE: usize = 64 * 1024;

/// Buffers for the next connections that need some.
#[derive(Debug, Default)]
pub(super) struct Spare(Vec<Vec<u8>>);

impl Spare {
    pub fn take(&mut self) -> Vec<u8> {
        self.0.pop().unwrap_or_default()
    }

    pub fn give(&mut self, mut buffer: Vec<u8>) {
        let is_kept = 1..=LONGEST_SPARE;
        if self.0.len() < SPARE && is_kept.contains(&buffer.capacity()) {
            buffer.clear();
            self.0.push(buffer);
        }
    }
}

/// What the bytes of a connection are on the wire.
pub enum Layer {
    /// What they are.
    Plain,
    /// TLS, which the client has yet to begin.
    Awaited,
    /// Records of TLS.
    Tls(Box<Session>),
}

/// One client's connection.
pub struct Stream {
    pub socket: Socket,
    pub link: Link,
    pub layer: Layer,
    /// The beginning of a message whose rest has not come yet.
    pub pending: Vec<u8>,
    /// The peer whose connection it is joined with (RFC 6062).
    pub peer: Option<PeerId>,
    /// Whether it is about to be given to another worker.
    pub moves: bool,
    /// Whether it is not read, because what came last is not gone yet.
    pub is_paused: bool,
    /// What it is waited for.
    pub(super) watched: Option<Interest>,
    /// Whether a STUN message has come: no stream begins with ChannelData.
    pub has_begun: bool,
    /// Whether a proxy has yet to say whom it stands for.
    pub is_anonymous: bool,
    /// Whom it counts for.
    pub(super) source: Option<IpAddr>,
    /// Whom its handshake counts for, while it lasts.
    pub(super) shaking: Option<IpAddr>,
    /// When it came.
    pub(super) since: Time,
    /// When the last whole message came.
    pub heard: Time,
    /// Bytes for the wire.
    out: Vec<u8>,
    /// How much of `out` is gone.
    sent: usize,
    /// Since when the client has read nothing although it could.
    pub(super) stalled: Option<Time>,
    pub(super) is_dirty: bool,
    /// Whether the client says nothing more: the connection closes when nothing waits
    /// for it.
    pub(super) has_ended: bool,
}

/// Where a connection stands after it sent what it could.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// Everything is gone.
    All,
    /// The kernel has no room for the rest; whether it took some.
    Some(bool),
    /// The connection broke.
    Broken,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stream({:?})", self.link)
    }
}

impl Stream {
    pub(super) fn new(socket: Socket, link: Link, layer: Layer, now: Time) -> Self {
        Stream {
            socket,
            link,
            layer,
            pending: Vec::new(),
            peer: None,
            moves: false,
            is_paused: false,
            watched: Some(Interest::Read),
            has_begun: false,
            is_anonymous: false,
            source: None,
            shaking: None,
            since: now,
            heard: now,
            out: Vec::new(),
            sent: 0,
            stalled: None,
            is_dirty: false,
            has_ended: false,
        }
    }

    /// Bytes that the kernel has not taken yet.
    pub(super) fn waiting(&self) -> usize {
        self.out.len() - self.sent
    }

    /// Whether TLS is not there yet.
    pub fn is_handshaking(&self) -> bool {
        match &self.layer {
            Layer::Plain => false,
            Layer::Awaited => true,
            Layer::Tls(session) => session.is_handshaking(),
        }
    }

    /// Puts a message where it waits to be sent. `false` when the layer is not ready
    /// for it, or serves no more.
    ///
    /// Inside TLS each is a record of its own, as coturn has it: there are clients that
    /// look for one message in each.
    pub(super) fn put(&mut self, parts: &[&[u8]], spare: &mut Spare) -> bool {
        if self.out.capacity() == 0 {
            self.out = spare.take();
        }
        let Layer::Tls(session) = &mut self.layer else {
            gather(parts, &mut self.out);
            return true;
        };
        let mut clear = spare.take();
        gather(parts, &mut clear);
        let is_sealed = session.seal(&clear, &mut self.out);
        spare.give(clear);
        is_sealed
    }

    /// The session, and where what it says goes.
    pub(super) fn session(&mut self) -> Option<(&mut Session, &mut Vec<u8>)> {
        match &mut self.layer {
            Layer::Plain | Layer::Awaited => None,
            Layer::Tls(session) => Some((session, &mut self.out)),
        }
    }

    /// Sends as much as the kernel takes.
    pub(super) fn push(&mut self, spare: &mut Spare) -> Pushed {
        let mut progress = false;
        while self.sent < self.out.len() {
            match (&self.socket).write(&self.out[self.sent..]) {
                Ok(count) if count > 0 => {
                    self.sent += count;
                    progress = true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.out.drain(..self.sent);
                    self.sent = 0;
                    return Pushed::Some(progress);
                }
                Ok(_) | Err(_) => return Pushed::Broken,
            }
        }
        spare.give(std::mem::take(&mut self.out));
        self.sent = 0;
        Pushed::All
    }

    /// Sends what waits, and that nothing more comes where the layer has a word for
    /// it, if the kernel takes it at once.
    pub(super) fn say_end(&mut self) {
        if self.stalled.is_none() {
            if let Some((session, out)) = self.session() {
                session.end(out);
            }
            self.push(&mut Spare::default());
        }
    }

    /// Whether what comes is read now: whoever gets it next reads what it brings.
    pub(super) fn is_read(&self) -> bool {
        !self.is_paused && !self.moves
    }

    /// What to wait for.
    pub(super) fn interest(&self) -> Option<Interest> {
        let reads = !self.has_ended && !self.is_paused;
        match (reads, self.stalled.is_some() || self.is_over()) {
            (true, true) => Some(Interest::ReadWrite),
            (true, false) => Some(Interest::Read),
            (false, true) => Some(Interest::Write),
            (false, false) => None,
        }
    }

    /// Whether nothing more comes from the client, nor for it from a peer.
    pub(super) fn is_over(&self) -> bool {
        self.has_ended && self.peer.is_none() && !self.moves
    }
}

fn gather(parts: &[&[u8]], into: &mut Vec<u8>) {
    for part in parts {
        into.extend_from_slice(part);
    }
}
