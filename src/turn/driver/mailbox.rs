//! What reaches a worker from other threads.
#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::turn::core::action::Decision;
use crate::turn::policy::ranges::Range;
use crate::turn::state::arena::{RelayId, RequestId};

use super::connections::StreamLimits;
use super::listeners::ListenerSocket;
use super::stream::Stream;
use super::sys::Wake;

/// Bytes of handed-over packets that may wait for a worker; more are dropped.
const MAX_WAITING: usize = 2 << 20;

/// Something for a worker to do.
#[derive(Debug)]
pub enum Command {
    /// Decide about a request.
    Decide(RequestId, Decision),
    /// Another worker's connection, whose client asks for something that is here.
    Take(Box<Stream>),
    /// Another worker has this socket now.
    Forget(RelayId),
    /// A listener of this number has come.
    Listen(usize, ListenerSocket),
    /// Packets may leave the host by other ways than before.
    Ways,
    /// The address of a listener has gone.
    Unlisten(usize),
    /// The policy has changed; what it no longer lets a client reach is taken back,
    /// of these ranges or of all.
    Policy(Option<Arc<[Range]>>),
    /// Connections have these bounds from now on.
    Limit(StreamLimits),
}

/// Packets of one worker for another, in one buffer.
#[derive(Debug, Default)]
pub struct Handover {
    bytes: Vec<u8>,
    packets: Vec<Packet>,
}

/// A packet from one relayed address to another.
#[derive(Clone, Debug)]
pub struct Packet {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub payload: std::ops::Range<usize>,
}

impl Handover {
    pub fn push(&mut self, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(payload);
        self.packets.push(Packet {
            from,
            to,
            payload: start..self.bytes.len(),
        });
    }

    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.packets.clear();
    }

    pub fn packet(&self, index: usize) -> Option<Packet> {
        self.packets.get(index).cloned()
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it is time to give it away.
    pub fn is_full(&self) -> bool {
        self.weight() >= MAX_WAITING
    }

    /// The memory that it takes, which an empty packet takes too.
    fn weight(&self) -> usize {
        self.bytes.len() + self.packets.len() * size_of::<Packet>()
    }

    /// Appends another handover's packets, as many as there is room for. Returns
    /// how many are lost.
    fn append(&mut self, other: &Handover) -> usize {
        for (i, packet) in other.packets.iter().enumerate() {
            let more = packet.payload.len() + size_of::<Packet>();
            if self.weight() + more > MAX_WAITING {
                return other.packets.len() - i;
            }
            self.push(packet.from, packet.to, &other.bytes[packet.payload.clone()]);
        }
        0
    }
}

/// A worker's mailbox.
#[derive(Debug)]
pub struct Mailbox {
    commands: Mutex<Vec<Command>>,
    handover: Mutex<Handover>,
    wake: Wake,
}

impl Mailbox {
    pub fn new() -> io::Result<Self> {
        Ok(Mailbox {
            commands: Mutex::default(),
            handover: Mutex::default(),
            wake: Wake::new()?,
        })
    }

    /// Leaves a command. There are never more than the requests that wait, the
    /// connections, the sockets that are reserved and the changes of the host's addresses.
    pub fn post(&self, command: Command) {
        let mut commands = self.commands.lock();
        commands.push(command);
        let is_first = commands.len() == 1;
        drop(commands);
        if is_first {
            self.wake.wake();
        }
    }

    /// Leaves packets and empties `handover`. Returns how many were lost because
    /// the worker does not keep up.
    pub fn send(&self, handover: &mut Handover) -> usize {
        let mut waiting = self.handover.lock();
        let was_empty = waiting.is_empty();
        let lost = match was_empty {
            true => {
                std::mem::swap(&mut *waiting, handover);
                0
            }
            false => waiting.append(handover),
        };
        drop(waiting);
        handover.clear();
        if was_empty {
            self.wake.wake();
        }
        lost
    }

    /// Takes all commands into `into`, which is empty.
    pub fn take_commands(&self, into: &mut Vec<Command>) {
        std::mem::swap(&mut *self.commands.lock(), into);
    }

    /// Takes all packets into `into`, which is empty.
    pub fn take_handover(&self, into: &mut Handover) {
        std::mem::swap(&mut *self.handover.lock(), into);
    }

    pub fn wake(&self) -> &Wake {
        &self.wake
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_arrive_in_order_and_in_bounded_number() {
        let mailbox = Mailbox::new().unwrap();
        let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let mut handover = Handover::default();
        let mut lost = 0;
        for i in 0..100_u8 {
            for _ in 0..50 {
                handover.push(address, address, &[i; 1000]);
            }
            lost += mailbox.send(&mut handover);
            assert!(handover.is_empty());
        }
        let mut taken = Handover::default();
        mailbox.take_handover(&mut taken);
        let mut count = 0;
        while let Some(packet) = taken.packet(count) {
            assert_eq!(taken.bytes()[packet.payload], [(count / 50) as u8; 1000]);
            count += 1;
        }
        assert_eq!(count + lost, 5000);
        assert_eq!(count, MAX_WAITING / (1000 + size_of::<Packet>()));
        // Empty ones take room too.
        for _ in 0..1000 {
            for _ in 0..1000 {
                handover.push(address, address, &[]);
            }
            mailbox.send(&mut handover);
        }
        let mut taken = Handover::default();
        mailbox.take_handover(&mut taken);
        assert_eq!(taken.packets.len(), MAX_WAITING / size_of::<Packet>());
    }
}
