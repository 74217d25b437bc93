//! Clients' connections that are joined with those of peers (RFC 6062), or on their
//! way to the worker that has these.
#![forbid(unsafe_code)]

use std::net::Shutdown;
use std::os::fd::AsRawFd;

use crate::turn::state::arena::PeerId;
use crate::turn::time::Time;

use super::descriptor::Descriptor;
use super::stream::Stream;
use super::streams::{Streams, Written};

impl Streams {
    /// Waits for what a connection can do next. `false` when that cannot be.
    pub(super) fn watch(&mut self, index: usize) -> bool {
        let Some(Some(stream)) = self.table.get_mut(index) else {
            return true;
        };
        let wanted = stream.interest();
        let before = std::mem::replace(&mut stream.watched, wanted);
        let fd = stream.socket.as_raw_fd();
        let tag = Descriptor::Connection(index).pack();
        self.poller.rewatch(fd, tag, before, wanted).is_ok()
    }

    /// From now on a connection carries the bytes of a peer's.
    pub fn join(&mut self, index: usize, peer: PeerId) {
        if let Some(stream) = self.get_mut(index) {
            stream.peer = Some(peer);
        }
    }

    /// The peer whose connection it is joined with.
    pub fn peer_of(&self, index: usize) -> Option<PeerId> {
        self.table.get(index)?.as_ref()?.peer
    }

    /// Reads nothing from a connection for a while, or goes on. `false` when that
    /// cannot be.
    pub fn pause(&mut self, index: usize, is_paused: bool) -> bool {
        if let Some(stream) = self.get_mut(index) {
            stream.is_paused = is_paused;
        }
        self.watch(index)
    }

    /// Bytes that the kernel has not taken yet.
    pub fn waiting(&self, index: usize) -> usize {
        let stream = self.table.get(index).and_then(Option::as_ref);
        stream.map_or(0, Stream::waiting)
    }

    /// Writes a peer's bytes to a client, at once.
    pub fn pass(&mut self, index: usize, bytes: &[u8], now: Time) -> Written {
        let Some(link) = self.get_mut(index).map(|stream| stream.link) else {
            return Written::Gone;
        };
        let written = self.write(&link, [bytes, &[], &[]], false, now);
        match written == Written::Queued && !self.push_out(index, now) {
            true => Written::Gone,
            false => written,
        }
    }

    /// Tells a client that its peer says nothing more.
    pub fn say_end(&mut self, index: usize) -> bool {
        self.get_mut(index).is_some_and(|stream| {
            stream.say_end();
            stream.socket.shutdown(Shutdown::Write).is_ok()
        })
    }

    /// A connection is about to be given to another worker. `false` when there is none.
    pub fn set_moving(&mut self, index: usize) -> bool {
        let stream = self.get_mut(index);
        stream.map(|stream| stream.moves = true).is_some()
    }

    /// Takes a connection out, to be given to another worker. `None` when it has gone
    /// meanwhile.
    pub fn release(&mut self, index: usize) -> Option<Stream> {
        let place = self.table.get_mut(index)?;
        let mut stream = place.take_if(|stream| stream.moves)?;
        let fd = stream.socket.as_raw_fd();
        // It was waited for, or is not.
        let _ = self.poller.rewatch(fd, 0, stream.watched.take(), None);
        stream.is_dirty = false;
        self.by_link.remove(&stream.link);
        self.free.push(index);
        Some(stream)
    }

    /// Takes in a connection that another worker has given away. `None` when it cannot
    /// be had: it is closed then.
    pub fn adopt(&mut self, mut stream: Stream, now: Time) -> Option<usize> {
        stream.moves = false;
        let link = stream.link;
        if self.by_link.contains_key(&link) {
            // The client has used its port before, and left without our noticing yet.
            self.connections.leave(stream.source);
            return None;
        }
        let index = self.free.pop().unwrap_or(self.table.len());
        if index == self.table.len() {
            self.table.push(None);
        }
        self.table[index] = Some(stream);
        self.by_link.insert(link, index);
        let is_sound = self.watch(index) && self.push_out(index, now);
        if !is_sound {
            self.close(index);
        }
        is_sound.then_some(index)
    }
}
