//! What the core asks its driver to do, and what it tells it.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};
use std::ops::{Deref, Range};
use std::time::Duration;

use crate::stun::address::Family;
use crate::turn::auth::credentials::{Credential, Identity};
use crate::turn::policy::limits::Rate;
use crate::turn::state::allocation::Reason;
use crate::turn::state::arena::{AllocationId, PeerId, RelayId, RequestId};
use crate::turn::state::five_tuple::{Link, RelayTransport};

/// What to do after a packet came in. A packet causes at most one packet.
///
/// `payload` is a range of the packet that was handed in, so that the driver
/// can send from the buffer it received into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// Send the content of `out` back where the packet came from.
    Reply,
    /// Send the payload out of a relay socket.
    ToPeer {
        /// The socket.
        relay: RelayId,
        /// The destination.
        peer: SocketAddr,
        /// What to send.
        payload: Range<usize>,
        /// Set the DF bit.
        dont_fragment: bool,
    },
    /// Send header, payload and `padding` zero bytes to a client.
    ToClient {
        /// The way to the client.
        link: Link,
        /// What comes before the payload.
        header: Header,
        /// What to send.
        payload: Range<usize>,
        /// Zero bytes to follow, 0 to 3.
        padding: u8,
    },
    /// The peer has a relay address of this server, but of no allocation in
    /// this core. If another core has it, call its `handed_over`; if none has,
    /// send from `kernel` when there is one, and drop the packet otherwise.
    Elsewhere {
        /// The relayed address that the packet is for.
        to: SocketAddr,
        /// The relayed address that it comes from.
        from: SocketAddr,
        /// What to hand over.
        payload: Range<usize>,
        /// The sender's socket. What becomes of the packet is for
        /// [`Core::relayed`](super::Core::relayed) or
        /// [`Core::undeliverable`](super::Core::undeliverable).
        relay: RelayId,
        /// The socket to send from, where policy lets the packet out.
        kernel: Option<RelayId>,
        /// Set the DF bit.
        dont_fragment: bool,
    },
    /// Ask the observer about a request and call `decide`, at once: with
    /// [`Decision::Later`] if the answer is not known yet.
    Ask(RequestId),
    /// Send the content of `out` back: from then on the connection that the packet
    /// came in on carries the bytes of this one with a peer, and no messages.
    Join(PeerId),
    /// Give the connection with the packet to another core, which has what it is
    /// about, and hand the packet in there.
    Transfer(u16),
}

/// The bytes ahead of a payload to a client: those of a ChannelData message or
/// of a Data indication.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header {
    bytes: [u8; 48],
    len: u8,
}

impl Header {
    pub(crate) const fn empty() -> Self {
        Header {
            bytes: [0; 48],
            len: 0,
        }
    }

    pub(crate) fn channel_data(channel: u16, len: u16) -> Self {
        let mut header = Header {
            bytes: [0; 48],
            len: 4,
        };
        header.bytes[..2].copy_from_slice(&channel.to_be_bytes());
        header.bytes[2..4].copy_from_slice(&len.to_be_bytes());
        header
    }

    /// At most 48 bytes.
    pub(crate) fn from_parts(parts: &[&[u8]]) -> Self {
        let mut header = Header {
            bytes: [0; 48],
            len: 0,
        };
        for part in parts {
            let at = header.len as usize;
            header.bytes[at..at + part.len()].copy_from_slice(part);
            header.len += part.len() as u8;
        }
        header
    }
}

impl Deref for Header {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len as usize]
    }
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Header({:02x?})", &self[..])
    }
}

/// Something to tell the application, or to do outside the packet path. Taken
/// with `poll_event`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An allocation exists.
    Created(AllocationId),
    /// An allocation ends. Its figures can be read until the next
    /// `poll_event`; then it is gone.
    Removed(AllocationId, Reason),
    /// An allocation may reach a peer that it might not before; told where
    /// [`tell_peers`](super::config::Config::tell_peers) is set.
    Reaches(AllocationId, Reach),
    /// What [`Reaches`](Self::Reaches) told is over: it has expired, is denied now, or
    /// ends with the allocation, whose `Removed` follows.
    ReachesNoMore(AllocationId, Reach),
    /// A request is no longer waiting: decide nothing about it any more.
    Withdrawn(RequestId, Withdrawal),
    /// Send a message to a client.
    Send(Link, Vec<u8>),
    /// Connect to a peer from the address of a relay socket, and tell
    /// [`Core::connected`](super::Core::connected) how it went.
    Connect(PeerId, RelayId, SocketAddr),
    /// Close a connection with a peer, and the client's that it is joined with.
    Disconnect(PeerId),
}

/// Why there is no connection with a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotConnected {
    /// The peer cannot be reached: 447.
    Failed,
    /// No descriptor or no memory is left: 508.
    Capacity,
}

/// What lets an allocation reach a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A permission, whatever the port.
    Permission(IpAddr),
    /// A channel, by its number.
    Channel(u16, SocketAddr),
    /// A connection with a peer, whichever of them made it.
    Connection(SocketAddr),
}

/// Why a request stopped waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Withdrawal {
    /// Nobody decided in time. The client got 500.
    Deadline,
    /// The client's connection closed.
    ClientGone,
    /// The client gave up the transaction and began another.
    Superseded,
    /// The server stopped.
    Stopped,
}

/// What the observer says of a request.
#[derive(Debug)]
pub enum Decision {
    /// The client may have what it asks for if it holds the credential.
    Authorized(Grant),
    /// The answer comes later.
    Later,
    /// Answered with 486. With a credential the reply is protected, and one
    /// who does not hold the credential gets 401 instead.
    QuotaReached(Option<Identity>),
    /// Answered with 401.
    NotAuthorized,
    /// Answered with another error.
    Refused(Refusal),
}

/// An error that the observer answers with.
#[derive(Debug, Default)]
pub struct Refusal {
    /// 300 to 699.
    pub code: u16,
    /// The reason phrase, where it is not the RFC's.
    pub reason: Option<String>,
    /// Another server that the client may try (300).
    pub alternate: Option<SocketAddr>,
    /// Who the client must prove to be for the reply to be protected; one who does
    /// not gets 401 instead.
    pub identity: Option<Identity>,
}

/// Terms of an authorisation.
#[derive(Clone, Debug, Default)]
pub struct Grant {
    /// What the client must prove to hold. May be left out where the key of an
    /// allocation has been verified (`ask_each`).
    pub credential: Option<Credential>,
    /// The user's name, where the request hides it (USERHASH). It must match
    /// the hash. Ignored where the request names the user.
    pub username: Option<String>,
    /// How many allocations the user may have at once, unless
    /// [`Accounts`](crate::turn::Accounts) says otherwise; `None` for the server's
    /// default. More get 486.
    pub quota: Option<u32>,
    /// Bytes that the allocation may relay, both directions together.
    pub byte_cap: Option<u64>,
    /// Rate of the allocation, both directions together.
    pub rate: Option<Rate>,
    /// How long the allocation may last however often it is refreshed.
    pub valid_for: Option<Duration>,
}

impl Grant {
    /// Who the client must prove to be.
    pub(crate) fn identity(&self) -> Option<Identity> {
        Some(Identity {
            credential: self.credential.clone()?,
            username: self.username.clone(),
        })
    }

    /// A grant without bounds.
    pub fn new(credential: Credential) -> Self {
        Grant {
            credential: Some(credential),
            ..Grant::default()
        }
    }
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// No such request waits: it was decided or withdrawn before.
    Gone,
    /// The request waits for a later decision.
    Held,
    /// The request is done. Send the content of `out` to the client.
    Reply(Link),
    /// The request is done, and not answered.
    Dropped,
}

/// An ICMP or ICMPv6 error about a datagram that an allocation sent to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// Its type.
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// The MTU of the next link, where the datagram was too big; else ignored.
    pub mtu: u32,
}

impl IcmpError {
    /// The value of an ICMP attribute (RFC 8656, 18.13): 7 bits of type, 9 of code.
    /// `None` for a type that clients are not told of (11.5).
    pub(crate) fn value(&self, peer: &SocketAddr) -> Option<[u8; 8]> {
        let is_told = match peer.is_ipv4() {
            // Unreachable, time exceeded.
            true => matches!(self.kind, 3 | 11),
            // The same, and packet too big.
            false => matches!(self.kind, 1..=3),
        };
        let is_too_big = match peer.is_ipv4() {
            true => (self.kind, self.code) == (3, 4),
            false => self.kind == 2,
        };
        let both = u16::from(self.kind) << 9 | u16::from(self.code);
        let data = if is_too_big { self.mtu } else { 0 };
        let words = [u32::from(both), data].map(u32::to_be_bytes);
        is_told.then(|| std::array::from_fn(|at| words[at / 4][at % 4]))
    }
}

/// What port a relayed transport address must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// Any.
    Any,
    /// An even one.
    Even,
    /// An even one, and the next higher port on the same address is to be
    /// bound too, under this name.
    EvenAndNext(RelayId),
}

/// Why a relay socket cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The address family is not served: 440.
    Family,
    /// No port or no descriptor is left: 508.
    Capacity,
}

/// The relay sockets, which are the driver's.
pub trait Relays {
    /// Binds a socket, which listens where the transport is TCP, and keeps it under
    /// `relay`. Returns the address as
    /// peers see it. `used` is the server's address that the client uses, which
    /// peers can be expected to reach as well. A socket for IPv6 must not
    /// receive IPv4 (`IPV6_V6ONLY`). For [`Port::EvenAndNext`] the second socket
    /// has the next port of the same address; either both are bound or none.
    ///
    /// # Errors
    /// [`OpenError`]; then nothing is bound.
    fn open(
        &mut self,
        relay: RelayId,
        family: Family,
        transport: RelayTransport,
        port: Port,
        used: IpAddr,
    ) -> Result<SocketAddr, OpenError>;

    /// Takes over, as `relay`, the socket that core `worker` keeps under
    /// `theirs`. `false` when it cannot be done; the client gets 508 then, and
    /// the socket must be closed here.
    fn adopt(&mut self, worker: u16, theirs: RelayId, relay: RelayId) -> bool {
        let _ = (worker, theirs, relay);
        false
    }

    /// Closes a socket.
    fn close(&mut self, relay: RelayId);
}
