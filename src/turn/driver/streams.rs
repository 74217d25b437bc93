//! Clients' TCP connections of one worker.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::io::{ErrorKind, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use ahash::RandomState;
use socket2::Socket;

use crate::turn::state::five_tuple::Link;
use crate::turn::time::Time;

use super::connections::{ConnectionCount, StreamLimits};
use super::descriptor::Descriptor;
use super::sys::{Epoll, Interest};

/// Output buffers kept for the next connection that needs one.
const POOL: usize = 32;
/// A larger buffer is not kept.
const POOLED: usize = 64 * 1024;

/// One client's connection.
#[derive(Debug)]
pub struct Stream {
    pub socket: Socket,
    pub link: Link,
    /// The beginning of a message whose rest has not come yet.
    pub pending: Vec<u8>,
    /// Whether a STUN message has come: no stream begins with ChannelData.
    pub has_begun: bool,
    /// Whether a proxy has yet to say whom it stands for.
    pub is_anonymous: bool,
    /// Whom it counts for.
    source: Option<IpAddr>,
    /// When the last whole message came.
    pub heard: Time,
    out: Vec<u8>,
    /// How much of `out` is gone.
    sent: usize,
    /// Since when the client has read nothing although it could.
    stalled: Option<Time>,
    is_dirty: bool,
    /// Whether the client says nothing more: the connection closes when nothing waits
    /// for it.
    has_ended: bool,
}

impl Stream {
    /// Bytes that the kernel has not taken yet.
    fn waiting(&self) -> usize {
        self.out.len() - self.sent
    }
}

/// The connections of one worker.
pub struct Streams {
    table: Vec<Option<Stream>>,
    free: Vec<usize>,
    by_link: HashMap<Link, usize, RandomState>,
    dirty: Vec<usize>,
    pool: Vec<Vec<u8>>,
    poller: Arc<Epoll>,
    connections: Arc<ConnectionCount>,
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
        connections: Arc<ConnectionCount>,
        limits: StreamLimits,
        hasher: RandomState,
    ) -> Self {
        Streams {
            table: Vec::new(),
            free: Vec::new(),
            by_link: HashMap::with_hasher(hasher),
            dirty: Vec::new(),
            pool: Vec::new(),
            poller,
            connections,
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
    pub fn admit(&mut self, socket: Socket, link: Link, is_proxy: bool, now: Time) {
        let source = (!is_proxy).then(|| link.client.ip());
        if self.by_link.contains_key(&link) || !self.connections.enter(&self.limits) {
            return;
        }
        if source.is_some_and(|ip| !self.connections.count_source(&ip, &self.limits)) {
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
        self.table[index] = Some(Stream {
            socket,
            link,
            pending: Vec::new(),
            has_begun: false,
            is_anonymous: is_proxy,
            source,
            heard: now,
            out: Vec::new(),
            sent: 0,
            stalled: None,
            is_dirty: false,
            has_ended: false,
        });
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
            || !self.connections.count_source(&client.ip(), &self.limits)
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

    /// Closes a connection. Returns whose it was.
    pub fn close(&mut self, index: usize) -> Option<Link> {
        let stream = self.table.get_mut(index)?.take()?;
        self.by_link.remove(&stream.link);
        self.connections.leave(stream.source);
        self.free.push(index);
        if self.by_link.is_empty() {
            self.table = Vec::new();
            self.free = Vec::new();
            self.by_link.shrink_to(64);
        }
        Some(stream.link)
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
        if stream.out.capacity() == 0 {
            stream.out = self.pool.pop().unwrap_or_default();
        }
        for part in parts {
            stream.out.extend_from_slice(part);
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
        let (fd, tag) = (
            stream.socket.as_raw_fd(),
            Descriptor::Connection(index).pack(),
        );
        is_first && self.poller.change(fd, tag, Interest::Write).is_ok()
    }

    /// Whether the client has ended and nothing waits for it.
    pub fn is_done(&self, index: usize) -> bool {
        let stream = self.table.get(index).and_then(Option::as_ref);
        stream.is_some_and(|stream| stream.has_ended && stream.waiting() == 0)
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
        let mut progress = false;
        while stream.sent < stream.out.len() {
            match (&stream.socket).write(&stream.out[stream.sent..]) {
                Ok(count) if count > 0 => {
                    stream.sent += count;
                    progress = true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Ok(_) | Err(_) => return false,
            }
        }
        let tag = Descriptor::Connection(index).pack();
        let fd = stream.socket.as_raw_fd();
        if stream.sent < stream.out.len() {
            stream.out.drain(..stream.sent);
            stream.sent = 0;
            let was_stalled = stream.stalled.is_some();
            if progress || !was_stalled {
                stream.stalled = Some(now);
            }
            let interest = match stream.has_ended {
                true => Interest::Write,
                false => Interest::ReadWrite,
            };
            return was_stalled || self.poller.change(fd, tag, interest).is_ok();
        }
        let mut buffer = std::mem::take(&mut stream.out);
        stream.sent = 0;
        buffer.clear();
        let was_stalled = stream.stalled.take().is_some();
        let has_ended = stream.has_ended;
        if self.pool.len() < POOL && buffer.capacity() <= POOLED {
            self.pool.push(buffer);
        }
        !has_ended && (!was_stalled || self.poller.change(fd, tag, Interest::Read).is_ok())
    }

    /// The connections that have been silent or stuck for too long. `is_in_use`
    /// says whether a client has anything here.
    pub fn overdue(&self, now: Time, is_in_use: impl Fn(&Link) -> bool) -> Vec<usize> {
        let streams = self.table.iter().enumerate();
        let overdue = streams.filter_map(|(index, stream)| {
            let stream = stream.as_ref()?;
            let is_stuck = stream
                .stalled
                .is_some_and(|since| now.since(since) >= self.limits.stall);
            let is_silent = now.since(stream.heard) >= self.limits.idle;
            (is_stuck || is_silent && !is_in_use(&stream.link)).then_some(index)
        });
        overdue.collect()
    }

    /// All connections.
    pub fn all(&self) -> Vec<usize> {
        self.by_link.values().copied().collect()
    }

    /// How often to look for overdue connections.
    pub fn period(&self) -> Duration {
        let shorter = self.limits.idle.min(self.limits.stall) / 4;
        shorter.clamp(Duration::from_millis(20), Duration::from_secs(2))
    }
}
