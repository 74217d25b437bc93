//! The way of a packet through a worker.
#![forbid(unsafe_code)]

use std::ops::Range;

use crate::turn::core::action::{Action, Header, IcmpError};
use crate::turn::state::arena::RelayId;
use crate::turn::state::five_tuple::{Link, ListenerId, Transport};

use super::conversation::Conversation;
use super::process;
use super::queue::Buffer;
use super::streams::Written;
use super::sys::{HEADROOM, Received, SendError, receive_error};
use super::worker::{Guard, Worker};

/// Batches taken from one listener before the others have their turn.
pub(super) const ROUNDS: usize = 4;
/// Datagrams taken in one call.
const BATCH: usize = 64;
/// Datagrams taken from one relay socket before the others have their turn.
const RELAY_BATCH: usize = 16;

impl Worker {
    pub(super) fn read_listener(&mut self, locked: &mut Guard<'_>, index: usize) {
        let Some(fd) = self.listeners[index].fd() else {
            return;
        };
        for _ in 0..ROUNDS {
            self.make_room(locked, BATCH);
            let is_more = self.inbox.receive(fd, &mut self.slots, BATCH);
            let link_of = |received: &Received| Link {
                listener: ListenerId(index as u32),
                client: received.from,
            };
            for i in 0..self.inbox.count() {
                locked.core.prefetch(&link_of(&self.inbox.received(i)));
            }
            for i in 0..self.inbox.count() {
                let received = self.inbox.received(i);
                let link = link_of(&received);
                for datagram in received.datagrams() {
                    self.inbound(locked, &link, received.slot, datagram);
                }
            }
            // An error is that of an earlier datagram, and no reason to stop.
            if !is_more.unwrap_or(false) {
                return;
            }
        }
    }

    pub(super) fn read_relay(&mut self, locked: &mut Guard<'_>, index: usize) {
        let Some((relay, fd)) = locked.sockets.receiving(index) else {
            return;
        };
        self.make_room(locked, 1);
        // An error is that of an earlier datagram.
        let _ = self.inbox.receive(fd, &mut self.slots, RELAY_BATCH);
        for i in 0..self.inbox.count() {
            let received = self.inbox.received(i);
            for datagram in received.datagrams() {
                let len = datagram.len();
                let action = locked.core.from_peer(relay, received.from, len, self.now);
                self.act(
                    locked,
                    None,
                    action,
                    Buffer::Slot(received.slot),
                    datagram.start,
                );
            }
        }
    }

    /// Passes on what the network says of datagrams from a relay socket.
    pub(super) fn read_errors(&mut self, locked: &mut Guard<'_>, index: usize) {
        let Some((relay, fd)) = locked.sockets.at(index) else {
            return;
        };
        for _ in 0..RELAY_BATCH {
            let Some(error) = receive_error(fd) else {
                return;
            };
            let Some(SendError { to, icmp, mtu }) = error else {
                continue;
            };
            let probed = locked.sockets.probed(relay, to.ip());
            let peer = probed.filter(|_| to.port() == 0).unwrap_or(to);
            let (kind, code) = icmp;
            let error = IcmpError { kind, code, mtu };
            locked.core.icmp_error(relay, peer, error, self.now);
        }
    }

    /// Returns the worker that the connection is to be given to, if it is.
    pub(super) fn inbound(
        &mut self,
        locked: &mut Guard<'_>,
        link: &Link,
        slot: usize,
        packet: Range<usize>,
    ) -> Option<u16> {
        let start = packet.start;
        let bytes = &self.slots.slot(slot)[packet];
        let action = locked.core.inbound(link, bytes, self.now, &mut self.out);
        if let Action::Transfer(worker) = action {
            return Some(worker);
        }
        self.act(locked, Some(link), action, Buffer::Slot(slot), start);
        None
    }

    /// Takes in packets from other workers.
    pub(super) fn read_handover(&mut self, locked: &mut Guard<'_>) {
        let mailbox = self.own.mailbox.clone();
        mailbox.take_handover(&mut self.handover);
        let mut next = 0;
        while let Some(packet) = self.handover.packet(next) {
            let len = packet.payload.len();
            let core = &mut locked.core;
            let action = core.handed_over(&packet.to, packet.from, len, self.now);
            if let Some(action) = action {
                self.act(locked, None, action, Buffer::Handover, packet.payload.start);
            }
            next += 1;
        }
        if next > 0 {
            self.flush(locked);
            self.handover.clear();
        }
    }

    /// Does what the core says about a packet that begins at `start` of a
    /// buffer.
    fn act(
        &mut self,
        locked: &mut Guard<'_>,
        link: Option<&Link>,
        action: Action,
        place: Buffer,
        start: usize,
    ) {
        let within = |payload: Range<usize>| start + payload.start..start + payload.end;
        match action {
            Action::Nothing | Action::Transfer(_) => return,
            Action::Join(peer) => {
                if let Some(link) = link {
                    self.reply(locked, link);
                    self.join(locked, link, peer);
                }
            }
            Action::Reply => {
                if let Some(link) = link {
                    self.reply(locked, link);
                }
            }
            Action::Ask(id) => self.ask(locked, id),
            Action::ToPeer {
                relay,
                peer,
                payload,
                dont_fragment,
            } => {
                if let Some(fd) = self.relay_fd(locked, relay, dont_fragment) {
                    if dont_fragment {
                        locked.sockets.probes(relay, peer);
                    }
                    self.queue
                        .push_peer((fd, relay), peer, (place, within(payload)));
                }
            }
            Action::ToClient {
                link,
                header,
                payload,
                padding,
            } => {
                let payload = (place, within(payload));
                self.deliver(locked, &link, header, payload, padding, start);
            }
            Action::Elsewhere {
                to,
                from,
                payload,
                relay,
                kernel,
                dont_fragment,
            } => {
                let payload = within(payload);
                let len = payload.len();
                match (self.control.relays.ports.owner(&to), kernel) {
                    (Some(worker), _) if worker != self.index => {
                        let buffer = match place {
                            Buffer::Slot(index) => self.slots.slot(index),
                            Buffer::Handover | Buffer::Own => return,
                        };
                        let handover = &mut self.handovers[usize::from(worker)];
                        handover.push(from, to, &buffer[payload]);
                        locked.core.relayed(relay, len);
                        if handover.is_full() {
                            self.hand_over(locked);
                        }
                    }
                    (None, Some(_)) if !process::is_taken(&to) => {
                        if let Some(fd) = self.relay_fd(locked, relay, dont_fragment) {
                            self.queue.push_peer((fd, relay), to, (place, payload));
                            locked.core.relayed(relay, len);
                        }
                    }
                    _ => locked.core.undeliverable(),
                }
            }
        }
        if self.queue.is_full() {
            self.flush(locked);
        }
    }

    /// Sends a payload, taken from a packet that began at `start` of its
    /// buffer, to a client.
    fn deliver(
        &mut self,
        locked: &mut Guard<'_>,
        link: &Link,
        header: Header,
        (place, payload): (Buffer, Range<usize>),
        padding: u8,
        start: usize,
    ) {
        let listener = &self.listeners[link.listener.0 as usize];
        if listener.listener.transport == Transport::Udp {
            let (Some(fd), to) = (listener.fd(), link.client) else {
                return;
            };
            // In one piece where there is room: before the first packet of a
            // slot, or over what the payload came with.
            let floor = if start == HEADROOM { 0 } else { start };
            let whole = match place {
                Buffer::Slot(index) => self.slots.prepend(index, &header, &payload, floor),
                Buffer::Handover | Buffer::Own => None,
            };
            let (header, payload) = match whole {
                Some(whole) => (Header::empty(), whole),
                None => (header, payload),
            };
            self.queue
                .push_client(fd, to, header, (place, payload), padding);
            return;
        }
        let zeros = [0; 3];
        let buffer = match place {
            Buffer::Slot(index) => self.slots.slot(index),
            Buffer::Handover => self.handover.bytes(),
            Buffer::Own => return,
        };
        let parts = [
            &header[..],
            &buffer[payload],
            &zeros[..usize::from(padding)],
        ];
        match self.streams.write(link, parts, true, self.now) {
            Written::Queued => {}
            Written::Dropped => locked.losses.packets_unread += 1,
            Written::Gone => {
                if let Some(index) = self.streams.of_link(link) {
                    self.close(locked, index);
                }
            }
        }
    }

    /// The socket to send a peer's packet from.
    fn relay_fd(
        &mut self,
        locked: &mut Guard<'_>,
        relay: RelayId,
        dont_fragment: bool,
    ) -> Option<std::os::fd::RawFd> {
        if !self.queue.is_empty() && locked.sockets.fragments(relay) == Some(dont_fragment) {
            // What waits goes out under the old setting.
            self.flush(locked);
        }
        locked.sockets.sending(relay, dont_fragment)
    }

    /// Sees to it that `wanted` slots are free.
    pub(super) fn make_room(&mut self, locked: &mut Guard<'_>, wanted: usize) {
        if self.slots.left() < wanted && !self.queue.is_empty() {
            self.flush(locked);
        }
        if self.queue.is_empty() {
            self.slots.reset();
        }
    }
}
