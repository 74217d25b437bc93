//! The way to a client: listener and address, or the 5-tuple in full.
#![forbid(unsafe_code)]

use std::fmt;
use std::net::SocketAddr;

use crate::turn::address::AddrKey;

/// How a client's packets reach the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream, cut by [`frame_len`](crate::stun::frame_len).
    Tcp,
    /// Likewise, inside TLS.
    Tls,
}

impl Transport {
    /// Whether it is a stream: nothing is lost on it, no source is forged.
    pub fn is_stream(self) -> bool {
        self != Transport::Udp
    }
}

/// How a relay talks to peers: REQUESTED-TRANSPORT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RelayTransport {
    /// Datagrams.
    Udp,
    /// Connections (RFC 6062).
    Tcp,
}

/// A socket that clients reach the server on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its transport.
    pub transport: Transport,
    /// Its address, as clients see it.
    pub address: SocketAddr,
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
        };
        write!(f, "{transport} {}", self.address)
    }
}

/// Names a listener of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub(crate) u32);

/// The way to a client: with the listener's transport and address, the 5-tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// Where the client's packets come in.
    pub listener: ListenerId,
    /// Where they come from.
    pub client: SocketAddr,
}

impl Link {
    /// The client in tables.
    pub(in crate::turn) fn key(&self) -> AddrKey {
        AddrKey::new(&self.client, self.listener.0)
    }
}

/// The 5-tuple of RFC 8656, in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FiveTuple {
    /// The transport between client and server.
    pub transport: Transport,
    /// The client's address.
    pub client: SocketAddr,
    /// The server's address.
    pub server: SocketAddr,
}
