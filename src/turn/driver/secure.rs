//! The way of a TLS client's bytes through a worker.
#![forbid(unsafe_code)]

use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::time::{Duration, SystemTime};

use parking_lot::MutexGuard;

use crate::stun::message::{Class, Message};
use crate::stun::{Writer, errors};

use super::misdirected::Mistake;
use super::observer::Level;
use super::path::ROUNDS;
use super::sys::{HEADROOM, SLOT};
use super::worker::{Guard, Worker};

/// A record of TLS that begins a handshake, by its first byte. No STUN message and no
/// ChannelData begins so.
const HANDSHAKE: u8 = 0x16;
/// How often to look whether certificates expire.
const EXPIRY: Duration = Duration::from_secs(10);
/// A fatal alert, `handshake_failure`: what a client of TLS understands.
const NO_TLS_HERE: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 40];

/// Whether a connection begins as TLS does.
pub fn is_tls(bytes: &[u8]) -> bool {
    bytes.first() == Some(&HANDSHAKE)
}

impl Worker {
    /// Says which certificates expire; one worker does it for all.
    pub(super) fn look_at_certificates(&mut self, locked: &mut Guard<'_>) {
        let Some(tls) = self.control.tls.as_ref().filter(|_| self.index == 0) else {
            return;
        };
        if self.next_expiry > self.now {
            return;
        }
        self.next_expiry = self.now + EXPIRY;
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let lines = tls.expiring(since_1970.unwrap_or_default());
        let log = &self.control.log;
        MutexGuard::unlocked(locked, || {
            lines.iter().for_each(|line| log(Level::Warning, line));
        });
    }

    /// Reads records of TLS.
    pub(super) fn read_sealed(&mut self, locked: &mut Guard<'_>, index: usize) {
        for _ in 0..ROUNDS {
            if !self.may_read(index) {
                return;
            }
            let Some(stream) = self.streams.get_mut(index) else {
                return;
            };
            if !stream.is_read() {
                return;
            }
            let Some((session, _)) = stream.session() else {
                return;
            };
            // It may have begun in another worker.
            self.wire.resize(SLOT, 0);
            let kept = session.resume(&mut self.wire);
            match (&stream.socket).read(&mut self.wire[kept..]) {
                Ok(count) if count > 0 => {
                    if !self.unseal(locked, index, kept + count) {
                        return self.close(locked, index);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                ended => return self.read_nothing(locked, index, &ended),
            }
        }
    }

    /// Whether a connection has its turn: a step of a handshake is long, and what has
    /// none in this round is ready still in the next.
    pub(super) fn may_read(&mut self, index: usize) -> bool {
        let stream = self.streams.get_mut(index);
        if stream.is_none_or(|stream| !stream.is_handshaking()) {
            return true;
        }
        let left = self.handshakes_left.checked_sub(1);
        self.handshakes_left = left.unwrap_or(0);
        left.is_some()
    }

    /// Takes in the first bytes of a connection that is to be TLS. `false` when it is
    /// not, or when too many begin at once.
    pub(super) fn begin_sealed(
        &mut self,
        locked: &mut Guard<'_>,
        index: usize,
        slot: usize,
        packet: Range<usize>,
    ) -> bool {
        let bytes = &self.slots.slot(slot)[packet];
        if bytes.is_empty() {
            return true;
        }
        if !is_tls(bytes) {
            let bytes = bytes.to_vec();
            self.refuse_clear(locked, index, &bytes);
            return false;
        }
        self.wire.resize(SLOT, 0);
        self.wire[..bytes.len()].copy_from_slice(bytes);
        let end = bytes.len();
        if !self.streams.begin_tls(index) {
            locked.losses.handshakes_refused += 1;
            return false;
        }
        self.unseal(locked, index, end)
    }

    /// Opens the records at the beginning of `wire`, takes in what was inside, and keeps
    /// the rest. `false` when it is not as it should be.
    fn unseal(&mut self, locked: &mut Guard<'_>, index: usize, end: usize) -> bool {
        let mut at = 0;
        loop {
            self.make_room(locked, 1);
            let slot = self.slots.take();
            // The observer may have been called, and the connection be gone.
            let Some(stream) = self.streams.get_mut(index) else {
                return true;
            };
            let buffer = &mut self.slots.slot_mut(slot)[HEADROOM..];
            // What another worker will cut stays where it is, and the rest follows it.
            let pending = match stream.moves {
                true => &[][..],
                false => &stream.pending[..],
            };
            let kept = pending.len();
            buffer[..kept].copy_from_slice(pending);
            let wire = &mut self.wire[at..end];
            let opened = self.streams.open(index, wire, &mut buffer[kept..]);
            if let Some(is_resumed) = self.streams.has_shaken(index) {
                locked.losses.handshakes += 1;
                locked.losses.handshakes_resumed += u64::from(is_resumed);
            }
            let Ok(opened) = opened else {
                return false;
            };
            at += opened.wire;
            if opened.clear > 0 {
                if kept > 0 {
                    self.streams.take_pending(index);
                }
                let clear = HEADROOM..HEADROOM + kept + opened.clear;
                if !self.cut(locked, index, slot, clear) {
                    return false;
                }
            }
            if opened.has_ended {
                if !self.streams.end(index) {
                    return false;
                }
                self.ended.push(index);
            }
            if !opened.is_full {
                break;
            }
        }
        self.streams.keep(index, &self.wire[at..end])
    }

    /// Answers a client that speaks no TLS where only TLS is spoken: a STUN request in
    /// its own words.
    fn refuse_clear(&mut self, locked: &mut Guard<'_>, index: usize, bytes: &[u8]) {
        locked.losses.tls_missing += 1;
        self.misdirected(index, Mistake::NoTls);
        let request = Message::parse(bytes).ok();
        if let Some(request) = request.filter(|request| request.class() == Class::Request) {
            let class = Class::Error;
            let mut writer = Writer::new(&mut self.out, request.method(), class, request.id());
            writer.error_code(errors::BAD_REQUEST, "TLS Only");
            self.streams.last_word(index, &self.out);
        }
    }

    /// Answers a client that speaks TLS where none is spoken.
    pub(super) fn refuse_tls(&mut self, locked: &mut Guard<'_>, index: usize) {
        locked.losses.tls_unexpected += 1;
        self.misdirected(index, Mistake::Tls);
        self.streams.last_word(index, &NO_TLS_HERE);
    }

    fn misdirected(&mut self, index: usize, mistake: Mistake) {
        if let Some(stream) = self.streams.get_mut(index) {
            let number = stream.link.listener.0 as usize;
            let listener = self.listeners[number].listener;
            self.control.misdirected.note(mistake, listener);
        }
    }
}
