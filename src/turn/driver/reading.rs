//! The way of a client's stream into a worker.
#![forbid(unsafe_code)]

use std::io::{self, ErrorKind, Read};
use std::ops::Range;

use crate::stun::frame_len;

use super::path::ROUNDS;
use super::proxies::{Introduction, introduction, is_introduction};
use super::secure::is_tls;
use super::stream::Layer;
use super::sys::HEADROOM;
use super::worker::{Guard, Worker};

/// The longest message in pieces from a client without an allocation: all that it
/// has to say is shorter.
const LONGEST_OF_A_STRANGER: usize = 4096;

impl Worker {
    pub(super) fn read_stream(&mut self, locked: &mut Guard<'_>, index: usize) {
        for _ in 0..ROUNDS {
            let layer = self.streams.get_mut(index).map(|stream| &stream.layer);
            if matches!(layer, Some(Layer::Tls(_))) {
                return self.read_sealed(locked, index);
            }
            if !self.may_read(index) {
                return;
            }
            self.make_room(locked, 1);
            let slot = self.slots.take();
            let Some(stream) = self.streams.get_mut(index) else {
                return;
            };
            if !stream.is_read() {
                return;
            }
            let peer = stream.peer;
            let most = peer.map_or(usize::MAX, |peer| self.most(locked, peer));
            if let Some(peer) = peer.filter(|_| most == 0) {
                return self.settle(locked, peer);
            }
            let Some(stream) = self.streams.get_mut(index) else {
                return;
            };
            let buffer = &mut self.slots.slot_mut(slot)[HEADROOM..];
            let kept = stream.pending.len();
            buffer[..kept].copy_from_slice(&stream.pending);
            let room = (buffer.len() - kept).min(most);
            match (&stream.socket).read(&mut buffer[kept..kept + room]) {
                Ok(count) if count > 0 => {
                    stream.pending = Vec::new();
                    let packet = HEADROOM..HEADROOM + kept + count;
                    if !self.begin(locked, index, slot, packet) {
                        return self.close(locked, index);
                    }
                    if peer.is_some() && count < room {
                        // There was no more.
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                ended => return self.read_nothing(locked, index, &ended),
            }
        }
    }

    /// A connection has nothing to read now, or for ever.
    pub(super) fn read_nothing(
        &mut self,
        locked: &mut Guard<'_>,
        index: usize,
        result: &io::Result<usize>,
    ) {
        match result {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Ok(_) if self.streams.end(index) => self.ended.push(index),
            Ok(_) | Err(_) => self.close(locked, index),
        }
    }

    /// Takes in what a stream brought: of a proxy's, first whom it stands for.
    /// `false` when that, or what follows, is not as it should be.
    fn begin(
        &mut self,
        locked: &mut Guard<'_>,
        index: usize,
        slot: usize,
        mut packet: Range<usize>,
    ) -> bool {
        let Some(stream) = self.streams.get_mut(index) else {
            return true;
        };
        let bytes = &self.slots.slot(slot)[packet.clone()];
        if stream.is_anonymous {
            match introduction(bytes) {
                Introduction::Incomplete => {
                    stream.pending = bytes.to_vec();
                    return true;
                }
                Introduction::Client(client, size) if self.streams.introduce(index, client) => {
                    packet.start += size;
                }
                Introduction::Client(..) => return false,
                Introduction::Bad => {
                    locked.losses.proxy_refused += 1;
                    return false;
                }
            }
        } else if !stream.has_begun && is_introduction(bytes) {
            // From somebody who was not named as a proxy.
            locked.losses.proxy_refused += 1;
            return false;
        }
        match self.streams.get_mut(index).map(|stream| &stream.layer) {
            Some(Layer::Awaited) => self.begin_sealed(locked, index, slot, packet),
            _ => self.cut(locked, index, slot, packet),
        }
    }

    /// Takes the whole messages out of what a stream brought, and keeps the rest.
    /// `false` when it is not TURN.
    pub(super) fn cut(
        &mut self,
        locked: &mut Guard<'_>,
        index: usize,
        slot: usize,
        packet: Range<usize>,
    ) -> bool {
        let Range { start: mut at, end } = packet;
        loop {
            // The observer may have been called, and the connection be gone.
            let Some(stream) = self.streams.get_mut(index) else {
                return true;
            };
            if let Some(peer) = stream.peer {
                if at < end {
                    self.pass_to_peer(locked, peer, slot, at..end);
                }
                return true;
            }
            let rest = &self.slots.slot(slot)[at..end];
            if stream.moves {
                stream.pending.extend_from_slice(rest);
                return true;
            }
            if !stream.has_begun && is_tls(rest) {
                self.refuse_tls(locked, index);
                return false;
            }
            if !stream.has_begun && rest.first().is_some_and(|first| *first >= 0x40) {
                // Much that is no TURN looks like the head of ChannelData.
                return false;
            }
            let frame = match frame_len(rest) {
                Err(_) => return false,
                Ok(Some(frame)) if frame <= rest.len() => frame,
                Ok(len) => {
                    let (link, pending) = (stream.link, rest.to_vec());
                    if len.is_some_and(|len| len > LONGEST_OF_A_STRANGER)
                        && !locked.core.has_allocation(&link)
                    {
                        return false;
                    }
                    stream.pending = pending;
                    return true;
                }
            };
            stream.has_begun = true;
            stream.heard = self.now;
            let link = stream.link;
            match self.inbound(locked, &link, slot, at..at + frame) {
                Some(worker) if self.streams.set_moving(index) => {
                    self.moving.push((index, worker));
                }
                _ => at += frame,
            }
        }
    }
}
