//! Datagrams that wait for the end of a batch.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::RawFd;

use crate::turn::core::action::Header;
use crate::turn::state::arena::RelayId;

use super::mailbox::Handover;
use super::sys::{Outgoing, Sender, Slots};

/// Datagrams kept at most before they are sent.
const FULL: usize = 1024;

/// Which buffer a payload stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffer {
    /// A slot that was received into.
    Slot(usize),
    /// The handover that another worker sent.
    Handover,
    /// The queue's own: replies.
    Own,
}

/// A datagram to send. Its payload stays where it was received.
#[derive(Debug)]
struct Datagram {
    fd: RawFd,
    /// Where it is a peer's.
    relay: Option<RelayId>,
    to: SocketAddr,
    header: Header,
    buffer: Buffer,
    payload: Range<usize>,
    padding: u8,
}

/// Gathers datagrams and sends them in as few system calls as it can.
pub struct Queue {
    datagrams: Vec<Datagram>,
    own: Vec<u8>,
    sender: Sender,
    /// Empty; keeps its memory for the next flush.
    order: Vec<(RawFd, u16, usize)>,
    /// Empty; keeps its memory for the next flush.
    outgoing: Vec<Outgoing<'static>>,
    /// Whether a datagram waits whose socket may be closed.
    holds_relays: bool,
}

impl Queue {
    pub fn new() -> Self {
        Queue {
            datagrams: Vec::with_capacity(FULL),
            own: Vec::new(),
            sender: Sender::new(),
            order: Vec::with_capacity(FULL),
            outgoing: Vec::with_capacity(FULL),
            holds_relays: false,
        }
    }

    /// A datagram for a client, out of a listener.
    pub fn push_client(
        &mut self,
        fd: RawFd,
        to: SocketAddr,
        header: Header,
        (buffer, payload): (Buffer, Range<usize>),
        padding: u8,
    ) {
        self.datagrams.push(Datagram {
            fd,
            relay: None,
            to,
            header,
            buffer,
            payload,
            padding,
        });
    }

    /// A datagram for a peer, out of a relay socket.
    pub fn push_peer(
        &mut self,
        (fd, relay): (RawFd, RelayId),
        to: SocketAddr,
        (buffer, payload): (Buffer, Range<usize>),
    ) {
        self.holds_relays = true;
        self.datagrams.push(Datagram {
            fd,
            relay: Some(relay),
            to,
            header: Header::empty(),
            buffer,
            payload,
            padding: 0,
        });
    }

    /// A datagram of which no other copy is kept.
    pub fn reply(&mut self, fd: RawFd, to: SocketAddr, bytes: &[u8]) {
        let start = self.own.len();
        self.own.extend_from_slice(bytes);
        let payload = (Buffer::Own, start..self.own.len());
        self.push_client(fd, to, Header::empty(), payload, 0);
    }

    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.datagrams.len() >= FULL
    }

    pub fn holds_relays(&self) -> bool {
        self.holds_relays
    }

    /// Sends everything, socket by socket, and what goes to one address in
    /// order. Returns how many datagrams the kernel did not take, and puts those
    /// of peers among them, by their socket and size, into `unsent`.
    pub fn flush(
        &mut self,
        slots: &Slots,
        handover: &Handover,
        unsent: &mut Vec<(RelayId, usize)>,
    ) -> u64 {
        const ZEROS: [u8; 3] = [0; 3];
        let mut outgoing = recycle(std::mem::take(&mut self.outgoing));
        let datagrams = &self.datagrams;
        let mut failed = 0;
        // What goes to one address comes together, to be joined; the port
        // stands for the address.
        let order = datagrams.iter().enumerate();
        self.order
            .extend(order.map(|(at, datagram)| (datagram.fd, datagram.to.port(), at)));
        self.order.sort_unstable();
        for run in self.order.chunk_by(|(a, ..), (b, ..)| a == b) {
            outgoing.extend(run.iter().map(|(.., at)| {
                let datagram = &datagrams[*at];
                let buffer = match datagram.buffer {
                    Buffer::Slot(index) => slots.slot(index),
                    Buffer::Handover => handover.bytes(),
                    Buffer::Own => &self.own,
                };
                let payload = &buffer[datagram.payload.clone()];
                let padding = &ZEROS[..usize::from(datagram.padding)];
                Outgoing {
                    to: datagram.to,
                    parts: [&datagram.header, payload, padding],
                }
            }));
            self.sender.send(run[0].0, &outgoing);
            outgoing.clear();
            for place in self.sender.refused.drain(..) {
                failed += 1;
                let datagram = &datagrams[run[place].2];
                unsent.extend(datagram.relay.map(|relay| (relay, datagram.payload.len())));
            }
        }
        self.order.clear();
        self.outgoing = recycle(outgoing);
        self.datagrams.clear();
        self.own.clear();
        self.holds_relays = false;
        failed
    }
}

/// The memory of a vector for things of another lifetime.
fn recycle<'b>(mut empty: Vec<Outgoing<'_>>) -> Vec<Outgoing<'b>> {
    empty.clear();
    empty
        .into_iter()
        .map(|_| unreachable!("the vector is empty"))
        .collect()
}
