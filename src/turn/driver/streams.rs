//! Clients' TCP connections of one worker.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use ahash::RandomState;
use socket2::Socket;

use crate::turn::state::five_tuple::Link;
use crate::turn::time::Time;

use super::connections::{ConnectionCount, StreamLimits};
use super::control::Control;
use super::descriptor::Descriptor;
use super::stream::{Layer, Pushed, Spare, Stream};
use super::sys::{Epoll, Interest};
use super::tls::{Broken, Opened, Tls};

/// The connections of one worker.
pub struct Streams {
    pub(super) table: Vec<Option<Stream>>,
    pub(super) free: Vec<usize>,
    pub(super) by_link: HashMap<Link, usize, RandomState>,
    dirty: Vec<usize>,
    spare: Spare,
    pub(super) poller: Arc<Epoll>,
    pub(super) connections: Arc<ConnectionCount>,
    handshakes: Arc<ConnectionCount>,
    tls: Option<Arc<Tls>>,
    limits: StreamLimits,
}

/// What became of something to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is on its way.
    Queued,
    /// The client is too slow: it was dropped.
    Dropped,
    /// The connection is gone, or must go.
    Gone,
}

impl Streams {
    pub fn new(
        poller: Arc<Epoll>,
        control: &Control,
        limits: StreamLimits,
        hasher: RandomState,
    ) -> Self {
        Streams {
            table: Vec::new(),
            free: Vec::new(),
            by_link: HashMap::with_hasher(hasher),
            dirty: Vec::new(),
            spare: Spare::default(),
            poller,
            connections: control.connections.clone(),
            handshakes: control.handshakes.clone(),
            tls: control.tls.clone(),
            limits,
        }
    }

    /// Other bounds from now on, for those that are here too.
    pub fn set_limits(&mut self, limits: StreamLimits) {
        self.limits = limits;
    }

    pub fn len(&self) -> usize {
        self.by_link.len()
    }

    /// Takes in a connection; drops it, and so closes it, when there are too
    /// many or it cannot be waited for. A proxy's is its client's as soon as it is
    /// [introduced](Self::introduce).
    pub fn admit(&mut self, socket: Socket, link: Link, layer: Layer, is_proxy: bool, now: Time) {
        let source = (!is_proxy).then(|| link.client.ip());
        if self.by_link.contains_key(&link) || !self.connections.enter(self.limits.total) {
            return;
        }
        let most = self.limits.per_source;
        if source.is_some_and(|ip| !self.connections.count_source(&ip, most)) {
            self.connections.leave(None);
            return;
        }
        let index = self.free.pop().unwrap_or(self.table.len());
        let tag = Descriptor::Connection(index).pack();
        let fd = socket.as_raw_fd();
        let is_ready = socket.set_nonblocking(true).is_ok()
            && self.poller.add(fd, tag, Interest::Read).is_ok();
        if index == self.table.len() {
            self.table.push(None);
        }
        if !is_ready {
            self.free.push(index);
            self.connections.leave(source);
            return;
        }
        // Only latency suffers when this fails.
        let _ = socket.set_tcp_nodelay(true);
        self.by_link.insert(link, index);
        let mut stream = Stream::new(socket, link, layer, now);
        stream.is_anonymous = is_proxy;
        stream.source = source;
        self.table[index] = Some(stream);
    }

    /// A proxy has said whom it stands for: `None` for itself. `false` when that
    /// client has too many connections, or has this one already.
    pub fn introduce(&mut self, index: usize, client: Option<SocketAddr>) -> bool {
        let Some(Some(stream)) = self.table.get_mut(index) else {
            return false;
        };
        stream.is_anonymous = false;
        let Some(client) = client else {
            return true;
        };
        let link = Link {
            client,
            ..stream.link
        };
        if self.by_link.contains_key(&link)
            || !self
                .connections
                .count_source(&client.ip(), self.limits.per_source)
        {
            return false;
        }
        self.by_link.remove(&stream.link);
        self.by_link.insert(link, index);
        stream.source = Some(client.ip());
        stream.link = link;
        true
    }

    pub fn get_mut(&mut self, index: usize) -> Option<&mut Stream> {
        self.table.get_mut(index)?.as_mut()
    }

    pub fn of_link(&self, link: &Link) -> Option<usize> {
        self.by_link.get(link).copied()
    }

    /// Closes a connection. Returns whose it was, and whether its handshake was not
    /// over.
    pub fn close(&mut self, index: usize) -> Option<(Link, bool)> {
        let mut stream = self.table.get_mut(index)?.take()?;
        stream.say_end();
        let was_shaking = stream.shaking.take();
        if let Some(ip) = was_shaking {
            self.handshakes.leave(Some(ip));
        }
        self.by_link.remove(&stream.link);
        self.connections.leave(stream.source);
        self.free.push(index);
        if self.by_link.is_empty() {
            self.table = Vec::new();
            self.free = Vec::new();
            self.by_link.shrink_to(64);
        }
        Some((stream.link, was_shaking.is_some()))
    }

    /// The client begins TLS. `false` when too many do.
    pub fn begin_tls(&mut self, index: usize) -> bool {
        let Some(Some(stream)) = self.table.get_mut(index) else {
            return true;
        };
        let ip = stream.link.client.ip();
        let (counts, limits) = (&self.handshakes, &self.limits);
        if !counts.enter(limits.handshakes) {
            return false;
        }
        if !counts.count_source(&ip, limits.handshakes_per_source) {
            counts.leave(None);
            return false;
        }
        stream.shaking = Some(ip);
        let session = self.tls.as_ref().and_then(|tls| tls.begin());
        let is_begun = session.is_some();
        if let Some(session) = session {
            stream.layer = Layer::Tls(Box::new(session));
        }
        is_begun
    }

    /// Opens what came from the wire. What that has to be answered with goes out at
    /// the end of the batch.
    pub fn open(
        &mut self,
        index: usize,
        wire: &mut [u8],
        clear: &mut [u8],
    ) -> Result<Opened, Broken> {
        let Some(Some(stream)) = self.table.get_mut(index) else {
            return Ok(Opened::default());
        };
        let Some((session, out)) = stream.session() else {
            return Err(Broken);
        };
        let opened = session.open(wire, clear, out);
        if stream.waiting() > 0 && !stream.is_dirty {
            stream.is_dirty = true;
            self.dirty.push(index);
        }
        opened
    }

    /// Whose certificate a client has shown.
    pub fn certified(&self, link: &Link) -> Option<Arc<str>> {
        let stream = self.table[self.of_link(link)?].as_ref()?;
        match &stream.layer {
            Layer::Tls(session) => session.certified(),
            Layer::Plain | Layer::Awaited => None,
        }
    }

    /// Whether a handshake has come to its end since this was asked last, and whether
    /// its client had been here before. It counts no more.
    pub fn has_shaken(&mut self, index: usize) -> Option<bool> {
        let stream = self.table.get_mut(index)?.as_mut()?;
        if stream.shaking.is_none() || stream.is_handshaking() {
            return None;
        }
        self.handshakes.leave(stream.shaking.take());
        let (session, _) = stream.session()?;
        let is_resumed = session.is_resumed();
        if is_resumed {
            // In TLS 1.2 nothing is said to the client's last word, and its first request
            // waits for the acknowledgement, which the kernel would delay by 40 ms.
            // Only latency suffers when this fails.
            let _ = stream.socket.set_tcp_quickack(true);
        }
        Some(is_resumed)
    }

    /// The beginning of a message has been copied to where its rest is.
    pub fn take_pending(&mut self, index: usize) {
        if let Some(stream) = self.get_mut(index) {
            stream.pending = Vec::new();
        }
    }

    /// Keeps the beginning of a record. `false` when it is longer than any.
    pub fn keep(&mut self, index: usize, rest: &[u8]) -> bool {
        let session = self.get_mut(index).and_then(Stream::session);
        session.is_none_or(|(session, _)| session.keep(rest))
    }

    /// What a client is told before its connection closes, if it goes out at once.
    pub fn last_word(&mut self, index: usize, bytes: &[u8]) {
        if let Some(stream) = self.get_mut(index) {
            stream.put(&[bytes], &mut Spare::default());
        }
    }

    /// Writes to a client at the end of the batch, or at once when its backlog
    /// would be too long. `is_data` may be dropped.
    pub fn write(&mut self, link: &Link, parts: [&[u8]; 3], is_data: bool, now: Time) -> Written {
        let Some(index) = self.of_link(link) else {
            return Written::Gone;
        };
        let len: usize = parts.iter().map(|part| part.len()).sum();
        // A long batch is no slow reader: what the kernel takes does not count.
        if self.table[index].as_ref().is_some_and(|stream| {
            stream.stalled.is_none() && stream.waiting() + len > self.limits.backlog
        }) && !self.push_out(index, now)
        {
            return Written::Gone;
        }
        let Some(stream) = self.table[index].as_mut() else {
            return Written::Gone;
        };
        let waiting = stream.waiting();
        // Replies may go a little further: a client that reads none of them
        // has earned its end.
        match (waiting + len > self.limits.backlog, is_data) {
            (true, true) => return Written::Dropped,
            (true, false) if waiting > self.limits.backlog => return Written::Gone,
            _ => {}
        }
        if !stream.put(&parts, &mut self.spare) {
            return Written::Gone;
        }
        if !stream.is_dirty {
            stream.is_dirty = true;
            self.dirty.push(index);
        }
        Written::Queued
    }

    /// The client says nothing more. `false` when it had said so before, or when
    /// nothing can be sent to it: close the connection.
    pub fn end(&mut self, index: usize) -> bool {
        let Some(stream) = self.get_mut(index) else {
            return true;
        };
        let is_first = !std::mem::replace(&mut stream.has_ended, true);
        is_first && self.watch(index)
    }

    /// Whether the client has ended and nothing waits for it.
    pub fn is_done(&self, index: usize) -> bool {
        let stream = self.table.get(index).and_then(Option::as_ref);
        stream.is_some_and(|stream| stream.is_over() && stream.waiting() == 0)
    }

    /// How much waits for a client.
    pub fn backlog(&self, link: &Link) -> usize {
        let stream = self
            .of_link(link)
            .and_then(|index| self.table[index].as_ref());
        stream.map_or(0, Stream::waiting)
    }

    /// Sends what was written in this batch, and returns a connection that
    /// broke or is done. Call until `None`.
    pub fn flush(&mut self, now: Time) -> Option<usize> {
        while let Some(index) = self.dirty.pop() {
            let is_blocked = match self.get_mut(index) {
                None => continue,
                Some(stream) => {
                    stream.is_dirty = false;
                    // Otherwise its socket will say when there is room.
                    stream.stalled.is_some()
                }
            };
            if !is_blocked && !self.push_out(index, now) {
                return Some(index);
            }
        }
        None
    }

    /// Sends as much as the kernel takes. `false` when the connection broke, or
    /// nothing more is to come either way.
    pub fn push_out(&mut self, index: usize, now: Time) -> bool {
        let Some(Some(stream)) = self.table.get_mut(index) else {
            return true;
        };
        let was_stalled = stream.stalled.is_some();
        match stream.push(&mut self.spare) {
            Pushed::All => stream.stalled = None,
            Pushed::Some(progress) if progress || !was_stalled => stream.stalled = Some(now),
            Pushed::Some(_) => {}
            Pushed::Broken => return false,
        }
        let is_stalled = stream.stalled.is_some();
        if stream.is_over() && !is_stalled {
            return false;
        }
        was_stalled == is_stalled || self.watch(index)
    }

    /// The connections that have been silent or stuck for too long. `is_in_use`
    /// says whether a client has anything here.
    pub fn overdue(&self, now: Time, is_in_use: impl Fn(&Link) -> bool) -> Vec<usize> {
        let streams = self.table.iter().enumerate();
        let overdue = streams.filter_map(|(index, stream)| {
            let stream = stream.as_ref()?;
            // What is joined with a peer's passes its slowness on.
            let stalled = stream.stalled.filter(|_| stream.peer.is_none());
            let is_stuck = stalled.is_some_and(|since| now.since(since) >= self.limits.stall);
            let is_silent = now.since(stream.heard) >= self.limits.idle;
            let is_late =
                stream.is_handshaking() && now.since(stream.since) >= self.limits.handshake;
            (is_stuck || is_late || is_silent && !is_in_use(&stream.link)).then_some(index)
        });
        overdue.collect()
    }

    /// All connections.
    pub fn all(&self) -> Vec<usize> {
        self.by_link.values().copied().collect()
    }

    /// How often to look for overdue connections.
    pub fn period(&self) -> Duration {
        let limits = &self.limits;
        let shortest = limits.idle.min(limits.stall).min(limits.handshake) / 4;
        shortest.clamp(Duration::from_millis(20), Duration::from_secs(2))
    }
}
